# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ansible-core is tested on which Python: the only place that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REQUIREMENTS = "tests/requirements"


@dataclass(frozen=True)
class Core:
    """One line of ansible-core releases."""

    version: str
    requirement: str
    pythons: tuple[str, ...]
    """Controller Pythons, the preferred one first. They differ, so that a machine with several tests on several."""

    @property
    def lock(self) -> str:
        """The name of the file in tests/requirements that pins the packages for tests on this ansible-core."""
        return f"tests-{self.version}"

    def choose(self, found: Mapping[str, str]) -> str | None:
        """The preferred interpreter among those found (version -> path), if any will do."""
        return next((found[python] for python in self.pythons if python in found), None)


CORES = (
    Core("2.19", "ansible-core~=2.19.0", ("3.11", "3.12", "3.13")),
    Core("2.20", "ansible-core~=2.20.0", ("3.12", "3.13", "3.14")),
    Core("2.21", "ansible-core~=2.21.0", ("3.14", "3.13", "3.12")),
    Core("2.22", "ansible-core>=2.22.0rc1,<2.23", ("3.13", "3.14")),
)

TOOLS = ("3.13", "3.12", "3.14", "3.11")
"""Pythons for nox and the linters, the preferred one first."""


def usual(found: Mapping[str, str]) -> Core:
    """The newest ansible-core that runs here and is not a pre-release: for the demo and the documentation."""
    return next(core for core in reversed(CORES) if "rc" not in core.requirement and core.choose(found))
