# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs in a process of their own, to die at a boundary."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support.stores.child import Child, Died, kill_myself
from support.stores.steps import Hook
from sweeps.boundaries import Boundaries, passed


def boundaries_of(run: Callable[[Hook], None], log: Path, fatal: int | str | None) -> list[str]:
    """Run until the end, or until the fatal boundary, and return the boundaries that were reached, in order.

    ``run`` gets what it is to call at each boundary.
    """
    log.unlink(missing_ok=True)
    child = Child(lambda: run(Boundaries(log, fatal, kill_myself)))
    if fatal is None:
        child.result()
    else:
        with pytest.raises(Died) as died:
            child.result()
        assert died.value.signal == signal.SIGKILL
    return passed(log)
