# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each lock pins each package to one version, and to files whose hashes it knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tooling import matrix
from tooling.tree import ROOT

FOLDER = ROOT / matrix.REQUIREMENTS
LOCKS = sorted(FOLDER.glob("*.txt"))
PINNED = re.compile(r"([a-z0-9-]+)==[\w.]+( ; .+)?( --hash=sha256:[0-9a-f]{64})+")


def requirements(file: Path) -> list[str]:
    """The requirements in a file, each on one line, and those in the files that it names."""
    found = []
    for line in re.sub(r" \\\n +", " ", file.read_text(encoding="utf-8")).splitlines():
        if line.startswith("-r "):
            found += requirements(file.parent / line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            found.append(line)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_one_version_and_its_hashes(lock: Path) -> None:
    assert [line for line in requirements(lock) if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_nothing_is_wanted_that_is_not_locked(lock: Path) -> None:
    # Otherwise uv would install it without a hash where the lock is only a constraint.
    source = FOLDER / f"{lock.stem.partition('-')[0]}.in"
    wanted = {line.partition("[")[0].lower() for line in requirements(source)}
    assert wanted - {line.partition("==")[0] for line in requirements(lock)} == set()


def test_every_core_has_its_lock() -> None:
    assert {core.lock for core in matrix.CORES} <= {lock.stem for lock in LOCKS}
