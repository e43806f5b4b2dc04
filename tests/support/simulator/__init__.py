# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both vendors' APIs in one process: NAVER Cloud Data Forest accounts and SOLAPI.

It verifies every signature with its own code, misbehaves on command, and tells the truth out of band.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .checks import Unsound
    from .runner import Simulator

__all__ = ["VENDORS", "Simulator", "Unsound"]

VENDORS = ("ncp", "solapi")


def __getattr__(name: str) -> object:
    """Import late, because the commands `start` and `stop` need none of the machinery."""
    if name not in ("Simulator", "Unsound"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import checks, runner

    return {"Simulator": runner.Simulator, "Unsound": checks.Unsound}[name]
