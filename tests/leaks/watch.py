# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others on the same machine can see of a run while it lasts: its processes, and the files it works with."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

MARK = "KRCLOUD_RUN"
PAUSE = 0.04
# At the beginning of a module with its arguments, which ansible-core stores for a while unless pipelining is on: first
# in the temporary folder of the controller, under a random name, then in that of the target.
_PAYLOAD = re.compile(rb"(?i)ansiballz")


class Watch:
    """Looks at all processes that carry the mark of a run in their environment, and at folders, until it ends."""

    def __init__(self, mark: str, folders: Iterable[Path]) -> None:
        self._mark = f"{MARK}={mark}".encode()
        self._folders = list(folders)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._seen: set[object] = set()
        self._thread = threading.Thread(target=self._go_on)
        self.arguments: dict[str, str] = {}
        self.environments: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.payloads: dict[Path, int] = {}
        """Files with a module and its arguments, each with the mode of its folder."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        """Look once, now."""
        with self._lock:
            for number in filter(str.isdecimal, os.listdir("/proc")):
                self._look_at_process(number)
            for folder in self._folders:
                # A folder that goes while it is listed is left out.
                for parent, _folders, names in os.walk(folder):
                    for name in names:
                        self._look_at_file(f"{parent}/{name}")

    def _go_on(self) -> None:
        while not self._ended.wait(PAUSE):
            self.look()

    def _look_at_process(self, number: str) -> None:
        try:
            environment = _read(f"/proc/{number}/environ")
            if self._mark not in environment:
                return
            arguments = _read(f"/proc/{number}/cmdline")
        except OSError:
            return  # it has ended, or is somebody else's
        what = (number, environment, arguments)
        if what not in self._seen:
            self._seen.add(what)
            name = f"{number}, {len(self._seen)}"
            self.environments[name] = environment.replace(b"\0", b"\n").decode("utf-8", "backslashreplace")
            self.arguments[name] = arguments.replace(b"\0", b" ").decode("utf-8", "backslashreplace")

    def _look_at_file(self, name: str) -> None:
        try:
            state = os.stat(name)
            what = (name, state.st_ino, state.st_mtime_ns, state.st_size)
            if what in self._seen or not stat.S_ISREG(state.st_mode):
                return
            self._seen.add(what)
            content = _read(name)
            path = Path(name)
            if _PAYLOAD.search(content, 0, 2000):
                self.payloads[path] = path.parent.stat().st_mode & 0o777
            elif content not in self._seen:
                self._seen.add(content)
                self.files[f"{path}, {len(self._seen)}"] = content.decode("utf-8", "replace")
        except OSError:
            return  # it is gone


def _read(name: str) -> bytes:
    """Return the content of a file. It happens thousands of times a second, so without the comforts of pathlib."""
    with open(name, "rb", buffering=0) as file:
        return file.read()


def is_running(mark: str) -> bool:
    """Whether any process of a run is left, such as one that outlives it for an async task."""
    wanted = f"{MARK}={mark}".encode()
    for number in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if int(number) != os.getpid() and wanted in _read(f"/proc/{number}/environ"):
                return True
        except OSError:
            continue
    return False
