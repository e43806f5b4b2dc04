# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command of a user that brings a saved file elsewhere: whether it can be run, how it runs, and what it says.

No shell, no terminal and no standard input; the environment is that of this process. What it prints may hold anything,
so that no more than one line of it is shown, and this only after every secret in it that we can know was masked.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor, one_line, url_secrets
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.module_utils._core.words import WORDS

# How much of what a command prints is kept: its end.
_KEPT = 8192
# How much a pipe may still hold when its process has ended.
_MOST_LEFT = 1 << 20
# How long a command may take to tidy up after SIGTERM, before it is killed.
_GRACE = 5.0
_POLL = 0.1

_SECRET_VARIABLE = re.compile(r"AUTH(?!OR)|CREDENTIAL|KEY|PASS|SECRET|TOKEN", re.IGNORECASE)
_URL_WITH_LOGIN = re.compile(r"\w+://[^\s@]+@")


class Failure(NamedTuple):
    """How a command has failed, in words that follow its name, and the end of what it has printed, as it stands."""

    why: str
    printed: str = ""

    def __repr__(self) -> str:
        return f"Failure({self.why!r})"


class Command(NamedTuple):
    """A program with its arguments, and how many seconds it may take."""

    arguments: tuple[str, ...]
    time_limit: float

    def __repr__(self) -> str:
        return "Command"

    def fault(self, folder: str) -> str | None:
        """Return why it cannot be run in this folder, as far as that shows without running it, or None if it can."""
        program = self.arguments[0]
        if os.path.dirname(program):
            file = os.path.join(folder, program)
            if not os.path.isfile(file):
                return f"there is no program {file!a}"
            return None if os.access(file, os.X_OK) else f"the file {file!a} is not executable"
        return None if shutil.which(program) else f"there is no program {program!a} in the PATH of the controller"

    def run(self, folder: str, lock: int, clock: Clock) -> Failure | None:
        """Run it in this folder until it ends. Return how it has failed, or None.

        It inherits the file of a lock, so that the lock is held as long as the command runs, even if this process dies.
        """
        try:
            process = subprocess.Popen(  # noqa: S603 it is what the user wants
                self.arguments,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(lock,),
                start_new_session=True,
            )
        except OSError as error:
            return Failure(f"could not be started ({os.strerror(error.errno or 0)})")
        with process:
            try:
                printed = _followed(process, clock.monotonic() + self.time_limit, clock)
            except BaseException:
                _end(process)
                raise
            if printed is None:
                _end(process)
                return Failure(f"did not end within {self.time_limit:g} s, and was ended")
            status = process.wait()
        if status == 0:
            return None
        how = f"ended with exit status {status}" if status > 0 else f"was ended by {_signal_name(-status)}"
        return Failure(how, printed.decode("utf-8", "replace"))


def last_line(printed: str, secrets: Iterable[str], environ: Mapping[str, str]) -> str:
    """Return the last line that is not blank, printable and of limited length, without these secrets or parts of them.

    Also without what the environment holds in variables that are called like secrets, unless it is the path of a file,
    and without logins in URLs.
    """
    line = next((line for line in reversed(printed.splitlines()) if line.strip()), "")
    redactor = Redactor(secret for secret in secrets if secret not in WORDS)
    named = (value for name, value in environ.items() if _SECRET_VARIABLE.search(name))
    redactor.add(*(value for value in named if not (os.path.isabs(value) and os.path.exists(value))))
    redactor.add(*(secret for url in _URL_WITH_LOGIN.findall(line) for secret in url_secrets(url)))
    return one_line(redactor.foreign_text(line))


def _followed(process: subprocess.Popen[bytes], deadline: float, clock: Clock) -> bytes | None:
    """Return the end of what a process prints until it ends, or None if it has not ended by then."""
    printed = _Printed(process)
    while process.poll() is None:
        left = deadline - clock.monotonic()
        if left <= 0:
            return None
        if printed.is_open:
            printed.read(min(left, _POLL))
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(left)
    # What it has left behind in the background may keep the pipe open, and go on printing.
    for _chunk in range(_MOST_LEFT // _KEPT):
        if not printed.read(0):
            break
    return printed.end


class _Printed:
    """What a process prints to its standard error, of which only the end is kept."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr is None:
            raise AssertionError("it has no pipe")
        self._pipe = process.stderr.fileno()
        self.is_open = True
        self.end = b""

    def read(self, timeout: float) -> bool:
        """Read what comes within ``timeout`` seconds, and tell whether something came."""
        if not self.is_open or not select.select([self._pipe], [], [], timeout)[0]:
            return False
        chunk = os.read(self._pipe, _KEPT)
        self.end, self.is_open = (self.end + chunk)[-_KEPT:], bool(chunk)
        return self.is_open


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # The process was not waited for, so that its number is still its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            return


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
