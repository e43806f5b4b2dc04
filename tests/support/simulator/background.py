# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a detached process: start it, find it again, end it.

Imports nothing heavy, because playbooks call `start` and `stop` often.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

READY_FILE = "simulator.json"
CA_FILE = "ca.pem"
LOG_FILE = "simulator.log"
POLL = 0.02
STARTING = 30.0
STOPPING = 10.0


class BackgroundError(Exception):
    """One sentence for the person who asked."""


def start(folder: Path, options: list[str]) -> dict[str, Any]:
    """Start a simulator for `folder` and return its ready document as soon as it serves."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if find(folder) is not None:
        raise BackgroundError(f"a simulator is already running in {folder}; stop it first")
    (folder / READY_FILE).unlink(missing_ok=True)
    log = folder / LOG_FILE
    log.unlink(missing_ok=True)
    package = Path(__file__).resolve().parent
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        child = subprocess.Popen(
            [sys.executable, str(package), "serve", "--quiet", "--dir", str(folder), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    if _until(lambda: _ready(folder) is not None or child.poll() is not None, STARTING):
        ready = _ready(folder)
        if ready is not None and child.poll() is None:
            return ready
        why = f"the simulator ended with {child.wait()} before it was ready"
    else:
        child.kill()
        child.wait()
        why = f"the simulator was not ready within {STARTING:g} seconds"
    raise BackgroundError(f"{why}; its log, {log}, says:\n{log.read_text().strip() or '(nothing)'}")


def stop(folder: Path) -> bool:
    """End the simulator of `folder`, remove its files, and tell whether there was one."""
    ready = find(folder)
    if ready is not None:
        pid = int(ready["pid"])
        os.kill(pid, signal.SIGTERM)
        # The process removes its ready file last. It is not our child, so it cannot be waited for.
        if not _until(lambda: _ready(folder) is None or find(folder) is None, STOPPING):
            os.kill(pid, signal.SIGKILL)
    for name in (READY_FILE, CA_FILE, LOG_FILE):
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
    return ready is not None


def write_ready(folder: Path, document: dict[str, Any]) -> None:
    """Write a file that only we may read, completely or not at all."""
    beside = folder / f".{READY_FILE}.{os.getpid()}"
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(document, file, indent=2)
    beside.replace(folder / READY_FILE)


def find(folder: Path) -> dict[str, Any] | None:
    """The ready document of the running simulator of `folder`. By now, its pid may belong to another process."""
    ready = _ready(folder)
    if ready is None:
        return None
    try:
        with build_opener(ProxyHandler({})).open(f"{ready['control_url']}/connection", timeout=5) as answer:
            return ready if json.load(answer).get("token") == ready["token"] else None
    except (OSError, ValueError, HTTPException, KeyError, AttributeError):
        return None


def _ready(folder: Path) -> dict[str, Any] | None:
    try:
        document = json.loads((folder / READY_FILE).read_text())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _until(true: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True
