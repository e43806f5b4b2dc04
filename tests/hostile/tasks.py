# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small target host: one process that has imported the modules, and a fork of it for each task, which is measured.

When run as a program, it reads a task per line and answers with a line. It differs from a real target host only in the
imports, which are made once for all tasks. So its tasks take more memory than real ones, not less.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# All that run; the others are documentation only.
MODULES = sorted(
    path.stem
    for path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py")
    if "def main(" in path.read_text(encoding="utf-8")
)
# Seconds after which a task is killed. All tasks end long before that, by their own deadline.
LONGEST = 60


@dataclass(frozen=True)
class Ended:
    """A finished task: its output, its exit code (negative: the signal) and its peak memory."""

    output: str
    code: int
    peak: int


class TargetHost:
    """Runs tasks one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, module: str, options: Mapping[str, Any]) -> Ended:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"module": module, "options": options}) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


@contextlib.contextmanager
def target_host(collections: str, environment: Mapping[str, str]) -> Iterator[TargetHost]:
    """Start a target host. It imports the collection from ``collections``."""
    command = [sys.executable, __file__]
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    with subprocess.Popen(
        command,
        env={**kept, "LC_ALL": "C.UTF-8", "PYTHONPATH": collections, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield TargetHost(process)
        finally:
            assert process.stdin
            process.stdin.close()


def _main() -> None:
    from ansible.module_utils.testing import patch_module_args

    place = "ansible_collections.krcloud.credentials.plugins.modules"
    modules = {name: importlib.import_module(f"{place}.{name}") for name in MODULES}
    for line in sys.stdin:
        task = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            os.close(writing)
            os.close(reading)
            signal.alarm(LONGEST)
            with patch_module_args(task["options"]):
                modules[task["module"]].main()
        os.close(writing)
        with open(reading, "rb") as pipe:
            output = pipe.read().decode("utf-8", "surrogateescape")
        _child, status, usage = os.wait4(child, 0)
        ended = {"output": output, "code": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss * 1024}
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    _main()
