# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a report: where they may be, and how they take the place of those of an earlier run.

At its start, a run writes that it has not ended. So whatever ends it, nobody reads the report of an earlier run as its
own. All functions take the path without a suffix.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError, KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.junit import as_junit
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run_report import (
    ROLE,
    as_json,
    unfinished,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.durable_file import (
    sync_folder,
    write_durable,
)

# Less what the umask takes away. The collector of a pipeline may be another user, and there is no secret in it.
MODE = 0o644

_JSON, _JUNIT = ".json", ".xml"
_VARIABLE = "ncp_dataforest_rotation_report_path"
# For the ends of messages.
_UNTOUCHED = "No password was changed."
_SUMMED_UP = "The summary of the role says what became of the accounts."
# Both files name the role near their beginning.
_HEAD = 400


def begin(path: str, started_at: str, *, check_mode: bool = False) -> None:
    """Write that a run has begun, or in check mode only find out whether that can be written.

    Raises ConfigurationError.
    """
    try:
        _check(path, _UNTOUCHED)
        if not check_mode:
            _write(path, unfinished(started_at))
    except OSError as error:
        raise ConfigurationError(
            f"The report {path} cannot be written: {_why(error)}.",
            hint=f"Correct {_VARIABLE}, or make it possible to write there. {_UNTOUCHED}",
        ) from None


def finish(path: str, report: Mapping[str, Any]) -> None:
    """Write the report of a run that has ended. Raises ConfigurationError for a place that it cannot have."""
    try:
        _check(path, _SUMMED_UP)
        _write(path, report)
    except OSError as error:
        raise KrcloudError(
            f"The report {path} could not be written: {_why(error)}.",
            hint=f"Do not use what is there now. {_SUMMED_UP}",
        ) from None


def _why(error: OSError) -> str:
    return os.strerror(error.errno or errno.EIO)


def _write(path: str, report: Mapping[str, Any]) -> None:
    texts = {path + _JUNIT: as_junit(report), path + _JSON: as_json(report)}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for file, text in texts.items():
        _put(file, text.encode("utf-8"))


def _put(path: str, data: bytes) -> None:
    """Replace a file, which is the old or the new one then. Raises OSError.

    It gets the owner of the process. What is in its place is replaced, not followed.
    """
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.getpid():x}.new")
    try:
        write_durable(beside, data, None, MODE)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    sync_folder(folder)


# ------------------------------------------------------------------------------------------------------------- places


def _check(path: str, consequence: str) -> None:
    """Raise ConfigurationError or OSError if a report cannot be written there, as far as that shows without writing."""
    fault, remedy = next(_faults(path), ("", ""))
    if fault:
        raise ConfigurationError(fault, hint=f"{remedy} {consequence}")
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise NotADirectoryError(errno.ENOTDIR, "")
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        raise OSError(errno.EROFS if read_only else errno.EACCES, "")


def _faults(path: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a path, and what to do."""
    name = os.path.basename(path)
    if name in ("", ".", "..") or not os.path.isabs(path) or "\0" in path:
        yield f"{_VARIABLE} does not name a file: {path}.", "Add the name of the report, such as reports/rotation."
    if name.lower().endswith((_JSON, _JUNIT)):
        yield (
            f"{_VARIABLE} has a suffix: {path}.",
            f"Leave it out. The role writes two files, and adds {_JSON} and {_JUNIT} itself.",
        )
    for file in (path + _JSON, path + _JUNIT):
        try:
            mode = os.lstat(file).st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            yield f"{file} is a symbolic link, which a report does not follow.", "Remove it, or name another place."
        elif stat.S_ISDIR(mode):
            yield f"{file} is a folder.", f"Let {_VARIABLE} name another place."
        elif not stat.S_ISREG(mode) or not _is_report(file):
            yield (
                f"{file} is not a report of this role, and is not overwritten.",
                f"Remove it, or let {_VARIABLE} name another place.",
            )


def _is_report(file: str) -> bool:
    with open(file, "rb") as reader:
        head = reader.read(_HEAD)
    return not head or ROLE.encode() in head
