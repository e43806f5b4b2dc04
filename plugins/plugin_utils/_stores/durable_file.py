# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is replaced as a whole and survives a power failure: its reads, its writes, its lock and its owner.

Everything that the store asks of the system is here. Nothing here knows what the file holds.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import hashlib
import os
import pwd
import random
import stat
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock

MODE = 0o600

_POLL = 0.02


class Identity(NamedTuple):
    """What distinguishes one version of a file from every other: a file that is replaced is a different file."""

    device: int
    inode: int
    changed: int


class Version(NamedTuple):
    """A file as it was read or written: its identity, and a digest of its bytes."""

    identity: Identity
    digest: bytes


class Owner(NamedTuple):
    """The owner that a file has, or is to have, and its mode. If ``gid`` is None, the system chooses the group."""

    uid: int
    gid: int | None
    mode: int = MODE


class CannotKeep(Exception):
    """This process may not give a file the owner that it should have."""

    def __init__(self, owner: Owner) -> None:
        whose = f"the user {_user(owner.uid)}"
        if owner.gid is not None:
            whose += f" and the group {_group(owner.gid)}"
        super().__init__(f"it belongs to {whose}, and the user {_user(os.geteuid())} cannot keep that")
        self.owner = "root" if owner.uid == 0 else f"{_user(owner.uid)} or as root"


class Busy(Exception):
    """Somebody else has held the lock for too long."""


class LockLost(Exception):
    """The lock file is no longer in its place, so that others may hold another one. Nothing was changed."""


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


# ------------------------------------------------------------------------------------------------------------- reading


def digest_of(data: bytes) -> bytes:
    """Return a digest, which differs for other bytes."""
    return hashlib.blake2b(data).digest()


def read_durable(path: str, known: Identity | None) -> tuple[bytes, Version] | None:
    """Return the bytes of a file once they are on the disk, and which version that is, or None if there is no file.

    A file with the identity ``known`` is on the disk already. Raises OSError.
    """
    try:
        # A pipe must not block.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "not a file")
        identity = _identity(state)
        with open(file, "rb", buffering=0, closefd=False) as reader:
            content = reader.readall()
        if identity != known:
            _sync(file)
    finally:
        os.close(file)
    if identity != known:
        sync_folder(os.path.dirname(path), reading=True)
    return content, Version(identity, digest_of(content))


def folder_identity(path: str) -> tuple[int, int]:
    """Return what distinguishes the folder of a file from one that was put in its place. Raises OSError."""
    state = os.stat(os.path.dirname(path))
    return state.st_dev, state.st_ino


def _identity(state: os.stat_result) -> Identity:
    return Identity(state.st_dev, state.st_ino, state.st_mtime_ns)


def _identity_at(path: str) -> Identity | None:
    try:
        return _identity(os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return None


# ---------------------------------------------------------------------------------------------------------- owner, mode


def owner_of(path: str) -> Owner:
    """Return the owner that a file has and keeps, or that a new file is to have. Raises OSError.

    What root makes in somebody's folder becomes theirs, or one run as root would lock them out. This does not hold
    where others may write to the folder, because they could choose the file that they are given.
    """
    try:
        state = os.stat(path)
    except FileNotFoundError:
        folder = os.stat(os.path.dirname(path))
        theirs = os.geteuid() == 0 and not folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not theirs or folder.st_uid == 0:
            return Owner(os.geteuid(), None)
        return Owner(folder.st_uid, folder.st_gid if folder.st_mode & stat.S_ISGID else _group_of(folder))
    return Owner(state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode) & 0o777)


def _group_of(folder: os.stat_result) -> int:
    """Return the group of the files that the owner of a folder makes."""
    try:
        return pwd.getpwuid(folder.st_uid).pw_gid
    except KeyError:
        return folder.st_gid


def _give(file: int, owner: Owner) -> None:
    """Give an open file this owner and mode. Raises CannotKeep."""
    state = os.fstat(file)
    uid = -1 if state.st_uid == owner.uid else owner.uid
    gid = -1 if owner.gid in (None, state.st_gid) else int(owner.gid or 0)
    if (uid, gid) != (-1, -1):
        try:
            os.fchown(file, uid, gid)
        except OSError as error:
            # EINVAL: a user that does not exist here, as in a container.
            if error.errno in (errno.EPERM, errno.EACCES, errno.EINVAL):
                raise CannotKeep(owner) from None
            raise
    os.fchmod(file, owner.mode)


def check_replaceable(path: str, lock: str) -> None:
    """Raise what `locked` or `replace` would raise (OSError or CannotKeep), as far as that shows without writing."""
    check_keepable(path, owner_of(path))
    with contextlib.suppress(FileNotFoundError):
        os.close(_open_lock(lock))
    folder = os.path.dirname(path)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        raise OSError(errno.EROFS if read_only else errno.EACCES, "")


def check_keepable(path: str, owner: Owner) -> None:
    """Raise CannotKeep if this process may not give this owner to a file in this place."""
    if os.geteuid() == 0:
        return
    groups = {None, os.getegid(), *os.getgroups()}
    if owner.uid != os.geteuid() or (owner.gid not in groups and not _is_given(path, owner)):
        raise CannotKeep(owner)


def _is_given(path: str, owner: Owner) -> bool:
    """Tell whether the system gives a new file in this folder the group."""
    folder = os.stat(os.path.dirname(path))
    return bool(folder.st_mode & stat.S_ISGID) and folder.st_gid == owner.gid


# ---------------------------------------------------------------------------------------------------------------- lock


class Lock:
    """A lock that is held. Its file stays, and means nothing by itself: the kernel ends a lock with its process."""

    def __init__(self, path: str, file: int) -> None:
        self._path = path
        self.file = file
        # Whether another process has inherited the file, and with it the lock.
        self.is_shared = False
        state = os.fstat(file)
        self._identity = (state.st_dev, state.st_ino)
        self.number = state.st_ino

    def is_in_place(self) -> bool:
        """Tell whether others who want the lock still find this very file. Raises OSError."""
        there = _identity_at(self._path)
        return there is not None and there[:2] == self._identity


@contextlib.contextmanager
def locked(path: str, owner: Owner, timeout: float, clock: Clock) -> Iterator[Lock]:
    """Hold the lock for a file of this owner. Raises OSError, CannotKeep, and Busy after ``timeout`` seconds."""
    deadline = clock.monotonic() + timeout
    file = _lock_of(path, owner)
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                lock = Lock(path, file)
                if lock.is_in_place():
                    break
                # Somebody removed it while we waited, so the next process makes another one.
                os.close(file)
                file = _lock_of(path, owner)
                continue
            if clock.monotonic() >= deadline:
                raise Busy
            clock.sleep(random.SystemRandom().uniform(_POLL / 4, _POLL))
        try:
            yield lock
        finally:
            if lock.is_shared:
                fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        # The lock ends with the file, even if closing it fails; what was saved is saved.
        with contextlib.suppress(OSError):
            os.close(file)


def _open_lock(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


def _lock_of(path: str, owner: Owner) -> int:
    """Open the file of a lock, or make it."""
    while True:
        try:
            file = _open_lock(path)
        except FileNotFoundError:
            try:
                return _made(path, owner)
            except FileExistsError:
                continue
        try:
            if _is_to_be_given(file, owner):
                _give(file, owner._replace(mode=MODE))
        except BaseException:
            os.close(file)
            raise
        return file


def _made(path: str, owner: Owner) -> int:
    """Make an empty file of this owner, and open it. Raises CannotKeep, FileExistsError and OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
    try:
        _give(file, owner._replace(mode=MODE))
    except BaseException:
        os.close(file)
        os.unlink(path)
        raise
    return file


def _is_to_be_given(file: int, owner: Owner) -> bool:
    """Tell whether an earlier run as root has left a lock that belongs to root."""
    state = os.fstat(file)
    # A lock is empty and has one name. Never give away any other file of root: somebody may have put or linked it here.
    plain = stat.S_ISREG(state.st_mode) and state.st_nlink == 1 and state.st_size == 0
    return plain and os.geteuid() == 0 and state.st_uid != owner.uid


# ------------------------------------------------------------------------------------------------------------- writing


class Uncertain(Exception):
    """It is not known whether the file was replaced: it is now neither the old one nor the new one."""


class Unconfirmed(Exception):
    """The file was replaced, but the disk did not confirm it. Holds what the disk said instead."""


def replace(path: str, data: bytes, owner: Owner, lock: Lock, old: Version | None) -> Version:
    """Replace a file with these bytes, or leave it as it is; return the new version.

    ``old`` is the version that was read under the lock. Nothing was done if this raises LockLost, because the lock or
    the file is no longer the same, CannotKeep or OSError. It also raises Unconfirmed and Uncertain.
    """
    folder, name = os.path.split(path)
    # One name for all holders of this lock is enough, and leaves no litter.
    beside = os.path.join(folder, f".{name}.{lock.number:x}.new")
    try:
        identity = write_durable(beside, data, owner)
        # As late as possible: between this check and the rename, holders of another lock are not kept out.
        if not lock.is_in_place() or _identity_at(path) != (old and old.identity):
            raise LockLost
        try:
            os.replace(beside, path)
        except OSError:
            # On a network file system an error does not prove that nothing was done.
            now = read_durable(path, None)
            if (now and now[1].digest) == (old and old.digest):
                raise
            if now is None or now[0] != data:
                raise Uncertain from None
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    try:
        sync_folder(folder)
    except OSError as error:
        raise Unconfirmed(os.strerror(error.errno or 0)) from None
    return Version(identity, digest_of(data))


def write_durable(beside: str, data: bytes, owner: Owner | None, mode: int = MODE) -> Identity:
    """Write a new file, and wait until it is on the disk. Raises CannotKeep and OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        if owner:
            _give(file, owner)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
        return _identity(os.fstat(file))
    finally:
        os.close(file)


def put_mark(path: str, owner: Owner) -> None:
    """Make an empty file, or leave it as it is, and wait until it is on the disk. Raises CannotKeep and OSError."""
    with contextlib.suppress(FileExistsError):
        os.close(_made(path, owner))
    sync_folder(os.path.dirname(path))


def take_mark(path: str) -> None:
    """Remove the file. If a power failure brings it back, nothing is lost. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def sync_folder(folder: str, *, reading: bool = False) -> None:
    """Wait until the names in a folder are on the disk. Raises OSError."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        if reading:  # A user who may not list the folder may still read the file.
            return
        raise
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        # Nothing to sync: a read-only file system, or one without folders of its own.
        if error.errno not in (errno.EINVAL, errno.EROFS):
            raise
