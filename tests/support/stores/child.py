# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs parts of a test in a process of their own: to be killed, to race, or to run as somebody else."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any

NOBODY = 65534


class Died(Exception):
    """The process ended without a result; ``signal`` is what ended it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.signal = number


class Child:
    """A fork of the test that runs ``function``. `result` waits for it and returns what it returned."""

    def __init__(self, function: Callable[[], Any], *, as_nobody: bool = False) -> None:
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            # Threads of a pool that has ended may still be ending.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            self._run(function, writing, as_nobody)
        os.close(writing)
        self._pipe = reading
        self._ended = False

    @staticmethod
    def _run(function: Callable[[], Any], pipe: int, as_nobody: bool) -> None:
        try:
            if as_nobody and os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer = (True, function())
        except BaseException as error:
            answer = (False, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        with os.fdopen(pipe, "wb") as file:
            file.write(pickle.dumps(answer))
        os._exit(0)

    def result(self) -> Any:
        with os.fdopen(self._pipe, "rb") as file:
            data = file.read()
        _pid, status = os.waitpid(self.pid, 0)
        self._ended = True
        if os.WIFSIGNALED(status):
            raise Died(os.WTERMSIG(status))
        good, value = pickle.loads(data)  # noqa: S301 from our own fork
        assert good, value
        return value

    def stop(self) -> None:
        """Kill it, unless `result` has seen its end."""
        if not self._ended:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._ended = True


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
