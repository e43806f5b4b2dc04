# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundaries of a run: the moments just before and just after each step that leaves its process.

Imports nothing heavy, because it is also used inside `ansible-playbook`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from support.stores.steps import Hook, Replacement, of_a_store

WIDTH = 48


class Boundaries:
    """Writes every boundary down, and calls ``end`` at the ``fatal`` one.

    ``fatal`` is the number of a boundary, from 0, or its name if the boundary has to be provoked: "lost resetPassword"
    is the first answer to a reset that never came. The log outlives the run. Threads and processes of one run share it,
    and their boundaries are numbered together.
    """

    def __init__(self, log: Path, fatal: int | str | None, end: Callable[[], None]) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._fatal = fatal
        self._end = end
        self._lock = threading.Lock()

    def __call__(self, when: str, step: str) -> None:
        boundary = f"{when} {step}"
        with self._lock:
            os.write(self._log, f"{boundary:{WIDTH - 1}}\n".encode())
            number = os.lseek(self._log, 0, os.SEEK_CUR) // WIDTH - 1
            if self._fatal in (number, boundary):
                self._end()


def passed(log: Path) -> list[str]:
    """The boundaries that a run has come to, in order."""
    return [line.strip() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def of_vendor(wire: ModuleType, hook: Hook) -> Iterator[Replacement]:
    """What to put into the module `wire`, so that every request to a vendor calls the hook, by operation."""
    send = wire.PooledTransport.send

    def told(self: Any, request: Any, timeout: float, deadline: float) -> Any:
        if of_a_store(request):
            return send(self, request, timeout, deadline)
        operation = request.url.rsplit("/", 1)[-1]
        hook("before", operation)
        try:
            response = send(self, request, timeout, deadline)
        except wire.transport.AnswerLost:
            hook("lost", operation)
            raise
        hook("after", operation)
        return response

    yield wire.PooledTransport, "send", told
