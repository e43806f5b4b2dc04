# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one command costs: time, processor time of all its processes, and the most memory that one of them had.

It is watched from a process of its own, because the simulator runs in this one and would have to wait for the watching.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tooling.processes import PROC, descendants

SAMPLE_EVERY = 0.1


@dataclass(frozen=True)
class Cost:
    """Seconds and megabytes; ``module`` is None where no module ran long enough to be seen."""

    wall: float
    cpu: float
    controller: float
    module: float | None


class Failed(Exception):
    """A contender did not do its work; the text is its output."""


def run(command: Mapping[str, Any]) -> Cost:
    """Run a command, given by its ``args``, ``cwd`` and ``env``, to its end. Raises Failed."""
    log = Path(command["cwd"]) / "output.log"
    watched = {"args": list(command["args"]), "cwd": str(command["cwd"]), "env": command.get("env")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", str(log)],
        input=json.dumps(watched),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    code, cost = json.loads(done.stdout)
    if code:
        raise Failed(log.read_text(errors="replace")[-4000:])
    return Cost(**cost)


def watch(command: Mapping[str, Any], log: Path) -> tuple[int, Cost]:
    """Run a command to its end, with its output in a file; return its exit code and its cost."""
    with log.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(**command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        memory = _Memory(process.pid)
        memory.start()
        # Its own usage and that of all descendants that were waited for. Ansible waits for each of its own.
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        memory.stop()
    return process.returncode, Cost(wall, usage.ru_utime + usage.ru_stime, memory.controller, memory.module)


class _Memory(threading.Thread):
    """Looks now and then at the memory peaks of a process and its descendants, which the kernel keeps.

    Not at `ru_maxrss`: a module is a fork of the controller and would inherit its value.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.controller = 0.0
        self.module: float | None = None

    def run(self) -> None:
        while not self._over.wait(SAMPLE_EVERY):
            for pid in {self._pid, *descendants(self._pid)}:
                with contextlib.suppress(OSError, StopIteration, ValueError):
                    self._look_at(PROC / str(pid))

    def _look_at(self, process: Path) -> None:
        lines = (process / "status").read_text().splitlines()
        peak = int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024
        # A module runs from its file, or with pipelining from the standard input of an interpreter.
        arguments = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        if b"AnsiballZ_" in arguments[-1] or (len(arguments) == 1 and b"python" in arguments[0]):
            self.module = max(self.module or 0.0, peak)
        else:
            self.controller = max(self.controller, peak)

    def stop(self) -> None:
        self._over.set()
        self.join()


if __name__ == "__main__":
    exit_code, seen = watch(json.load(sys.stdin), Path(sys.argv[1]))
    print(json.dumps([exit_code, asdict(seen)]))
