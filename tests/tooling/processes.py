# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a run the hard way, as a power failure would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

PROC = Path("/proc")


def descendants(pid: int) -> set[int]:
    """The children of a process and theirs, wherever they have put themselves (Ansible's workers leave the group)."""
    parents = _parents()
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def strike_down(pid: int) -> None:
    """Kill a process of ours and all its descendants, so that none of them can do anything in between."""
    stopped: set[int] = set()
    # Stop them all first. If they were killed one by one, the others would go on, and might start children that could
    # no longer be found.
    while more := {pid, *descendants(pid)} - stopped:
        for each in more:
            _signal(each, signal.SIGSTOP)
        stopped |= more
    for each in stopped:
        _signal(each, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _parents() -> dict[int, int]:
    if (PROC / "self" / "stat").exists():
        found = {}
        for file in PROC.glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # The name of the program is in parentheses and may contain anything.
                found[int(file.parent.name)] = int(file.read_text(errors="replace").rpartition(")")[2].split()[1])
        return found
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listing.splitlines())}
