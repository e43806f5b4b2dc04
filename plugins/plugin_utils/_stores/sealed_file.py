# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a `vault_file` as one piece, encrypted: how it is read, locked and replaced, and what a failure means.

Knows nothing of documents.

With a command to run after each save, a version is durable only when the command has succeeded. A mark beside the file
says that it has not: it is put there before the file is replaced, and removed after the command. So the next task that
may save runs the command first, whenever this one dies, and acts upon nothing that is only here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple, Protocol, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.durable_file import (
    Busy,
    CannotKeep,
    Lock,
    LockLost,
    Uncertain,
    Unconfirmed,
    Version,
    check_keepable,
    check_replaceable,
    folder_identity,
    locked,
    owner_of,
    put_mark,
    read_durable,
    replace,
    take_mark,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.file_text import CannotOpen
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.on_save import Command, last_line

T = TypeVar("T")


class Cipher(Protocol):
    """What encrypts the file."""

    def decrypt(self, sealed: bytes) -> tuple[bytes, object]:
        """Return the content, and the key that opened it. Raises CannotOpen."""

    def encrypt(self, plain: bytes, key: object) -> tuple[bytes, object]:
        """Return the content encrypted under the key that opened the file, and that key. None stands for a new file.

        Raises CannotOpen.
        """

    def passphrases(self) -> Iterable[str]:
        """Return what it encrypts with, which no message may show."""


class Opened(NamedTuple):
    """The file as it was read. ``plain`` is None if it is the version that the reader knows, ``key`` what opened it."""

    version: Version
    plain: bytes | None
    key: object = None

    def __repr__(self) -> str:
        return "Opened()"


class SealedFile:
    """A file that is encrypted as a whole. Its methods raise StoreError."""

    def __init__(
        self, path: str, cipher: Cipher, lock_timeout: float, clock: Clock, on_save: Command | None = None
    ) -> None:
        self._path = path
        self._cipher = cipher
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._on_save = on_save
        # The folder in which there was no file at first: a new store is begun only in this very folder.
        self._folder: tuple[int, int] | None = None

    @property
    def was_missing(self) -> bool:
        """Whether there was no file when this one was first read."""
        return self._folder is not None

    def path(self) -> str:
        """Return the path of the file itself: a link to it stays a link, and all writers find the same lock."""
        path = os.path.realpath(self._path)
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            raise StoreError(
                f"The store {self._path} cannot be used: there is no folder {folder}.",
                hint="Make the folder, or correct path of the store.",
            )
        return path

    def read(self, path: str, known: Version | None) -> Opened | None:
        """Return the file at this path, or None if there is none yet. ``known`` is the version that was read last."""
        with _explained(f"The store {path} cannot be read"):
            found = read_durable(path, known and known.identity)
            folder = folder_identity(path)
        if found is None:
            # A new file here would be an empty store, and no store would have the passwords.
            if known or self._folder not in (None, folder):
                raise StoreError(
                    f"The store {path} existed when this task began, or its folder was a different one, and now it is "
                    "gone. No new one was begun.",
                    hint="Find out what removed it, such as a disk that is no longer mounted, then run again.",
                )
            self._folder = folder
            return None
        sealed, version = found
        if known and version.digest == known.digest:
            return Opened(version, None)
        with opening(path, "it was left as it is"):
            return Opened(version, *self._cipher.decrypt(sealed))

    def check_replaceable(self, path: str, key: object) -> None:
        """Raise StoreError if the file could not be replaced, as far as that shows without writing."""
        with _explained(f"The store {path} cannot be saved"):
            check_replaceable(path, f"{path}.lock")
        # The simplest check is to try it: the key of a new file is chosen here.
        self._sealed(path, b"", key)
        self._check_command(path)

    def changed(self, change: Callable[[str, Lock], T]) -> T:
        """Return what ``change`` returns for the path and its lock. It reads the file and may replace it."""
        deadline = self._clock.monotonic() + self._lock_timeout
        while True:
            path = self.path()
            with _explained(f"The store {path} cannot be saved"):
                check_keepable(path, owner_of(path))
            self._check_command(path)
            try:
                with self._locked(path, max(deadline - self._clock.monotonic(), 0.0)) as lock:
                    return change(path, lock)
            except LockLost:
                # What was read may be stale by now, and another run may hold the new lock: start over.
                if self._clock.monotonic() >= deadline:
                    raise StoreError(
                        f"Something keeps changing the store {path} or its lock without holding the lock; nothing was "
                        "saved.",
                        hint="Find out what removes or replaces these files, then run again.",
                    ) from None

    def replace(
        self,
        path: str,
        lock: Lock,
        old: Version | None,
        plain: bytes,
        key: object,
        changed: Collection[str],
        secrets: Callable[[], Iterable[str]],
    ) -> tuple[Version, object]:
        """Put a file with this content in the place of the old one, or leave the old one as it is.

        Returns the new version and its key. ``changed`` names the documents that differ, and ``secrets`` returns the
        texts in the documents, which no message may show. Raises LockLost.
        """
        sealed, key = self._sealed(path, plain, key)
        try:
            with _explained(f"The store {path} was left as it is, because the new version could not be written"):
                owner = owner_of(path)
                if self._on_save:
                    put_mark(_mark(path), owner)
                version = replace(path, sealed, owner, lock, old)
        except Uncertain:
            raise StoreError(
                f"It is not known whether the store {path} was saved: it changed while it was replaced.",
                hint="Run again.",
                unknown=changed,
            ) from None
        except Unconfirmed as problem:
            raise StoreError(
                f"The store {path} was saved, but the disk did not confirm it ({problem}).",
                hint="Check the disk, then run again.",
                unknown=changed,
            ) from None
        if self._on_save:
            self._run(self._on_save, path, lock, changed, secrets)
        return version, key

    def catch_up(self, path: str, secrets: Callable[[], Iterable[str]]) -> None:
        """Run the command if a save was not followed by one that succeeded. ``secrets`` are those of `replace`."""
        if not self._on_save or not self._is_marked(path):
            return
        self._check_command(path)
        with self._locked(path, self._lock_timeout) as lock:
            self.catch_up_locked(path, lock, secrets)

    def catch_up_locked(self, path: str, lock: Lock, secrets: Callable[[], Iterable[str]]) -> None:
        """Do what `catch_up` does, under the lock."""
        if self._on_save and self._is_marked(path):
            self._run(self._on_save, path, lock, (), secrets)

    def _is_marked(self, path: str) -> bool:
        # What has died before its first version was in place has left nothing to bring anywhere.
        return os.path.lexists(_mark(path)) and os.path.exists(path)

    def _check_command(self, path: str) -> None:
        """Raise StoreError if the command cannot be run, as far as that shows without running it."""
        fault = self._on_save.fault(os.path.dirname(path)) if self._on_save else None
        if fault:
            raise StoreError(
                f"The command on_save of the store {path} cannot be run: {fault}.",
                hint="Correct on_save, a list of a program and its arguments, then run again.",
            )

    def _run(
        self, command: Command, path: str, lock: Lock, changed: Collection[str], secrets: Callable[[], Iterable[str]]
    ) -> None:
        """Run the command, and take away the mark. Raises StoreError if it fails."""
        lock.is_shared = True
        failure = command.run(os.path.dirname(path), lock.file, self._clock)
        if failure is None:
            with _explained(
                f"The store {path} was saved, and the command on_save has ended, but not the note about it"
            ):
                # Otherwise somebody has removed the lock, and the mark may be that of another run.
                if lock.is_in_place():
                    take_mark(_mark(path))
            return
        said = last_line(failure.printed, secrets(), os.environ) if failure.printed else ""
        raise StoreError(
            f"The store {path} was saved, but its command on_save {failure.why}{f', saying: {said}' if said else ''}"
            f"{'' if said.endswith('.') else '.'}",
            hint="Fix the cause, then run again: the command is run again before anything else is done.",
            unknown=changed,
        )

    def _sealed(self, path: str, plain: bytes, key: object) -> tuple[bytes, object]:
        with opening(path):
            return self._cipher.encrypt(plain, key)

    @contextlib.contextmanager
    def _locked(self, path: str, timeout: float) -> Iterator[Lock]:
        file = f"{path}.lock"
        with contextlib.ExitStack() as stack:
            with _explained(f"The lock file {file} cannot be used, so nothing was saved"):
                try:
                    lock = stack.enter_context(locked(file, owner_of(path), timeout, self._clock))
                except Busy:
                    raise StoreError(
                        f"Another run holds {file} and did not release it within {self._lock_timeout:g} s; "
                        "nothing was saved.",
                        hint="Wait for that run to end, then run again. "
                        "Do not delete the file: it only carries the lock.",
                    ) from None
            yield lock


def _mark(path: str) -> str:
    return f"{path}.on_save"


@contextlib.contextmanager
def opening(path: str, more: str = "") -> Iterator[None]:
    """Turn CannotOpen in this block into the StoreError about the file at this path."""
    try:
        yield
    except CannotOpen as problem:
        why = f"The store {path} {problem.why}{f'; {more}' if more else ''}."
        raise StoreError(why, hint=problem.hint.replace("{file}", shlex.quote(path))) from None


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = error.errno or 0
        hint = next((text for codes, text in _HINTS if code in codes), "Correct this, then run again.")
        raise StoreError(f"{what} ({os.strerror(code)}).", hint=hint) from None
    except CannotKeep as problem:
        raise StoreError(
            f"{what}: {problem}.",
            hint=f"Run as {problem.owner}, or give the file to the user who runs this (chown).",
        ) from None


_HINTS = (
    (
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "Make room: the disk is full, or a quota or a limit on file sizes is reached.",
    ),
    ((errno.EACCES, errno.EPERM), "Run as the owner of the file and its folder, or change their owner."),
    ((errno.EROFS,), "The file system is read-only. Name another path, or mount it for writing."),
    ((errno.EISDIR, errno.EINVAL), "Name a file of your own, not a folder or a device."),
    ((errno.ENOLCK, errno.EOPNOTSUPP), "This file system cannot lock files. Keep the store on another one."),
)
