# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small target host: one process that has imported the modules, and a fork of it for each task, which is measured.

When run as a program, it reads a task per line and answers with a line. It differs from a real target host only in the
imports, which are made once for all tasks. So its tasks take more memory than real ones, not less.

A module that calls its vendor from the controller runs in a process like it, which has imported its action instead.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.krcloud.credentials.plugins"
# All that run, and the actions that call a vendor. The others are documentation only, or call nobody.
MODULES = sorted(
    path.stem for path in (PLUGINS / "modules").glob("*.py") if "def main(" in path.read_text(encoding="utf-8")
)
ACTIONS = sorted(
    path.stem for path in (PLUGINS / "action").glob("*.py") if "(CallingAction)" in path.read_text(encoding="utf-8")
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

    def __init__(self, start: Callable[[str], subprocess.Popen[str]]) -> None:
        self._start = functools.cache(start)

    def run(self, module: str, options: Mapping[str, Any]) -> Ended:
        process = self._start("actions" if module in ACTIONS else "modules")
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"module": module, "options": options}) + "\n")
        process.stdin.flush()
        return Ended(**json.loads(process.stdout.readline()))


@contextlib.contextmanager
def target_host(collections: str, environment: Mapping[str, str]) -> Iterator[TargetHost]:
    """Start a target host. It imports the collection from ``collections``."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    given = {**kept, "LC_ALL": "C.UTF-8", "PYTHONPATH": collections, **environment}
    with contextlib.ExitStack() as processes:

        def start(kind: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, __file__, kind], env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            processes.enter_context(process)
            assert process.stdin
            processes.callback(process.stdin.close)
            return process

        yield TargetHost(start)


def _modules() -> Callable[[str, dict[str, Any]], None]:
    """Return what runs a module as its host does."""
    from ansible.module_utils.testing import patch_module_args

    modules = {name: importlib.import_module(f"{PACKAGE}.modules.{name}") for name in MODULES}

    def run(name: str, options: dict[str, Any]) -> None:
        with patch_module_args(options):
            modules[name].main()

    return run


def _actions() -> Callable[[str, dict[str, Any]], None]:
    """Return what runs an action, and prints its result as if it were that of a module."""
    actions = {name: importlib.import_module(f"{PACKAGE}.action.{name}") for name in ACTIONS}

    def run(name: str, options: dict[str, Any]) -> None:
        warnings: list[str] = []
        task = SimpleNamespace(args=options, async_val=0, check_mode=False, diff=False, no_log=False, vars={})
        # It is never used, but ansible-core looks whether it has a folder.
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nowhere"))
        templar = SimpleNamespace(template=lambda value: value)
        action = actions[name].ActionModule(task, connection, None, None, templar, None)
        action._display = SimpleNamespace(warning=warnings.append)
        result = action.run(task_vars={})
        print(json.dumps({**result, "warnings": warnings}), flush=True)
        os._exit(1 if result.get("failed") else 0)

    return run


def _main(kind: str) -> None:
    run = _actions() if kind == "actions" else _modules()
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
            run(task["module"], task["options"])
        os.close(writing)
        with open(reading, "rb") as pipe:
            output = pipe.read().decode("utf-8", "surrogateescape")
        _child, status, usage = os.wait4(child, 0)
        ended = {"output": output, "code": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss * 1024}
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
