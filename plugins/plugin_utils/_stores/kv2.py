# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store in KV version 2: documents as secrets below one path of one mount.

The document is the secret's data as it is, so ``password`` is one of its fields. The revision is the version.

Every write carries ``cas``, so it takes effect once at most, however often it is sent. That is how a lost answer is
settled: the same write goes out again. If it is refused now, the version that it would have made is read; if that is
ours, the first one did it.

Sources: the API pages of HashiCorp Vault and OpenBao for ``secret/kv/kv-v2``, ``sys/capabilities-self`` and
``sys/internal/ui/mounts``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._call.backoff import full_jitter
from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Operation, Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError, UnknownOutcomeError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import in_parallel
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Conflict,
    Saved,
    Stored,
    StoreError,
    check_name,
    strings,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_answers import (
    Answer,
    mount_fault,
    refusal,
    version_of,
    words_of,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_documents import (
    Place,
    Unreadable,
    deleted_at,
    document_of,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_server import Server
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options

# A secret has 1 MiB at most, and a list a few bytes for each name.
LARGEST_ANSWER = 16 * 1024 * 1024


def _get(name: str, path: str) -> Operation:
    return Operation(name, path, Repeat.SAFE, LARGEST_ANSWER, "GET")


READ = _get("read", "/v1/{+mount}/data/{+folder}/{name}")
READ_VERSION = _get("read version", "/v1/{+mount}/data/{+folder}/{name}?version={version}")
LIST = _get("list", "/v1/{+mount}/metadata/{+folder}?list=true")
# With ``cas``, sending the same write twice ends in the same state.
WRITE = Operation("write", "/v1/{+mount}/data/{+folder}/{name}", Repeat.IDEMPOTENT, LARGEST_ANSWER)
LOOK_UP_MOUNT = _get("look up", "/v1/sys/internal/ui/mounts/{+mount}")
# A POST that changes nothing.
CAPABILITIES = Operation("capabilities", "/v1/sys/capabilities-self", Repeat.SAFE, LARGEST_ANSWER)

_WORTH_A_LIST = 20
# OpenBao takes 1,000 strings in one body.
_MOST_PATHS = 500
_STALE = "check-and-set parameter did not match"

T = TypeVar("T")


class _Unwritable(StoreError):
    """One document cannot be saved, which says nothing about the others: it may not be, or it is too large."""


class HashiVaultStore:
    """The secrets below one path of one mount. Threads may share it.

    ``learn`` is told of each secret that comes up while the store is used.
    """

    def __init__(
        self,
        options: Options,
        *,
        warn: Callable[[str], None] = lambda text: None,
        learn: Callable[[str], None] = lambda secret: None,
        clock: Clock | None = None,
        backoff: Callable[[int], float] = full_jitter,
    ) -> None:
        self._mount: str = options["mount_point"]
        self._folder: str = options["secret_path"]
        self._concurrency: int = options["concurrency"]
        self._warn = warn
        self._server = Server(options, learn=learn, clock=clock, backoff=backoff)
        self._mount_checked = False
        # Which documents exist, as far as this process has seen.
        self._exist: dict[str, bool] = {}
        # When the server deletes documents by itself.
        self._deleted_at: set[str] = set()
        self._warned = False

    @property
    def place(self) -> str:
        """See `Store.place`."""
        return f"{self._server.url} ({self._mount}/{self._folder})"

    def close(self) -> None:
        """See `Store.close`."""
        for fault in self._server.close():
            self._warn(
                f"The login at {self._server.url} could not be ended ({fault}), so its token stays valid until it "
                "expires."
            )

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        """See `Store.load`."""
        wanted = [check_name(name) for name in names]
        if not wanted:
            return {}
        self._check_mount()
        found = self._in_parallel(self._read_alone, dict.fromkeys(self._existing(wanted)))
        for each in found.values():
            if isinstance(each, StoreError) and not isinstance(each, Unreadable):
                raise each
        if any(isinstance(each, Unreadable) and each.http_status == 403 for each in found.values()):
            # Either the right to one secret is missing, or the token has expired meanwhile, which concerns all.
            self._mount_checked = False
            self._check_mount()
        self._warn_of_deletions()
        for name in wanted:
            if not isinstance(found.get(name), StoreError):
                self._exist[name] = name in found and found[name] is not None
        return {name: each for name, each in found.items() if each is not None}

    def _warn_of_deletions(self) -> None:
        """Warn once of documents that the server deletes by itself: they are not durable."""
        if self._deleted_at and not self._warned:
            self._warned = True
            self._warn(
                f"The server deletes documents of the store {self.place} by itself, the first at "
                f"{min(self._deleted_at)}, because delete_version_after is set for them or for the mount. Set it to "
                "0s, since a password that is deleted is in no store."
            )

    def check_save(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """See `Store.check_save`."""
        wanted = [check_name(name) for name in names]
        self._check_mount()
        loaded = self.load([name for name in wanted if name not in self._exist])
        refused = {name: found for name, found in loaded.items() if isinstance(found, StoreError)}
        paths = {name: f"{self._mount}/data/{self._folder}/{name}" for name in wanted if name not in refused}
        if not paths:
            return refused
        granted = self._capabilities(list(paths.values()))
        for name, path in paths.items():
            may = granted.get(path)
            needs = ["read", "update"] if self._exist[name] else ["read", "create", "update"]
            if isinstance(may, list) and "root" not in may and not all(each in may for each in needs):
                refused[name] = self._unwritable(self._refusal(Answer(403, None), "write", name))
        return refused

    def save(self, changes: Mapping[str, Change]) -> dict[str, Saved]:
        """See `Store.save`."""
        for name, change in changes.items():
            check_name(name)
            if change.expected is not None and not (change.expected.isascii() and change.expected.isdigit()):
                raise StoreError(f"The revision of {name} is not one of the store {self._server.url}.")
        if not changes:
            return {}
        self._check_mount()
        found = self._in_parallel(lambda name: self._write_alone(name, changes[name]), changes)
        outcomes: dict[str, Saved] = {
            name: each for name, each in found.items() if isinstance(each, (str, Conflict, _Unwritable))
        }
        errors = [error for name, error in found.items() if isinstance(error, StoreError) and name not in outcomes]
        if errors:
            unknown = {name for error in errors for name in error.unknown}
            error = min(errors, key=lambda error: not error.unknown)
            error.saved, error.unknown = outcomes, frozenset(unknown)
            raise error
        return outcomes

    # ------------------------------------------------------------------------------------------------ one document

    def _read_alone(self, name: str) -> Stored | Unreadable | None:
        """Return a document, or why it alone cannot be read. Raises StoreError where none can."""
        try:
            return self._read(name)
        except Unreadable as error:
            return error

    def _read(self, name: str, version: int | None = None) -> Stored | None:
        place = Place(self._server.url, self._mount, f"{self._folder}/{name}")

        def interpret(answer: Answer) -> Stored | None:
            if answer.is_absence:
                return None
            stored = document_of(answer, place)
            if stored:
                if moment := deleted_at(answer):
                    self._deleted_at.add(moment)
                return stored
            error = self._refusal(answer, "read", name)
            if answer.status == 403:
                raise Unreadable(error.message, hint=error.hint, http_status=error.http_status)
            raise error

        if version is None:
            return self._server.call(READ, interpret, self._at(name))
        return self._server.call(READ_VERSION, interpret, {**self._at(name), "version": str(version)})

    def _write_alone(self, name: str, change: Change) -> Saved:
        """Save a document, or say why it alone cannot be saved. Raises StoreError where none can."""
        try:
            to_json(name, change.document)
        except StoreError as error:
            return _Unwritable(error.message, hint=error.hint)
        try:
            return self._write(name, change)
        except _Unwritable as error:
            return error

    def _write(self, name: str, change: Change) -> Saved:
        cas, document = int(change.expected or 0), dict(change.document)
        maybe_done: list[bool] = []

        def interpret(answer: Answer) -> Saved:
            version = version_of(answer.data.get("version")) if isinstance(answer.data, dict) else None
            if answer.status == 200 and version == cas + 1:  # no other write can have been made
                return str(version)
            if answer.status == 400 and answer.says(_STALE):
                return Conflict()
            error = self._refusal(answer, "write", name, document)
            raise self._unwritable(error) if answer.status == 403 or answer.is_too_large else error

        try:
            outcome = self._server.call(
                WRITE,
                interpret,
                self._at(name),
                {"options": {"cas": cas}, "data": document},
                on_unanswered=lambda: maybe_done.append(True),
            )
        except UnknownOutcomeError as error:
            raise self._unsettled(name, error.story, error) from None
        if isinstance(outcome, Conflict) and maybe_done:
            outcome = self._settle(name, document, str(cas + 1))
        if isinstance(outcome, str):
            self._exist[name] = True
        return outcome

    def _settle(self, name: str, document: Mapping[str, Any], version: str) -> Saved:
        """Say what became of a write whose first answer was lost and whose repetition came too late."""
        try:
            stored = self._read(name, int(version))
        except StoreError as error:
            raise self._unsettled(name, error.message, error) from None
        mine = stored is not None and stored.revision == version and stored.document == document
        return version if mine else Conflict()

    @staticmethod
    def _unsettled(name: str, story: str, error: KrcloudError) -> StoreError:
        return StoreError(
            f"It is not known whether {name} was saved. {story}",
            hint=error.hint,
            http_status=error.http_status,
            unknown=[name],
        )

    # ---------------------------------------------------------------------------------------------------- requests

    def _at(self, name: str) -> dict[str, str]:
        return {"mount": self._mount, "folder": self._folder, "name": name}

    def _existing(self, wanted: Sequence[str]) -> Sequence[str]:
        """Return those of the names that are worth asking for: one list costs less than many answers of absence."""
        if len(wanted) < _WORTH_A_LIST:
            return wanted

        def interpret(answer: Answer) -> set[str] | None:
            if answer.is_absence:
                return set()
            if answer.status == 403:  # a token needs no right to list
                return None
            keys = answer.data.get("keys") if answer.status == 200 and isinstance(answer.data, dict) else None
            if not isinstance(keys, list):
                raise self._refusal(answer, "list", "")
            return {key for key in keys if isinstance(key, str)}

        existing = self._server.call(LIST, interpret, {"mount": self._mount, "folder": self._folder})
        return wanted if existing is None else [name for name in wanted if name in existing]

    def _capabilities(self, paths: Sequence[str]) -> Mapping[str, Any]:
        """Return what the token may do at each of the paths. A token that may not ask may write all the same."""

        def interpret(answer: Answer) -> Mapping[str, Any]:
            if answer.status == 200 and isinstance(answer.data, dict):
                return answer.data
            error = self._refusal(answer, "look up", "")
            if error.repeatable:
                raise error
            return {}

        granted: dict[str, Any] = {}
        for at in range(0, len(paths), _MOST_PATHS):
            granted.update(self._server.call(CAPABILITIES, interpret, {}, {"paths": paths[at : at + _MOST_PATHS]}))
        return granted

    def _check_mount(self) -> None:
        """Make sure that the mount is KV version 2. Version 1 accepts the same writes, and ignores ``cas``."""
        if not self._mount_checked:
            self._server.call(LOOK_UP_MOUNT, self._interpret_mount, {"mount": self._mount})
            self._mount_checked = True

    def _interpret_mount(self, answer: Answer) -> None:
        server, data = self._server.url, answer.data
        if answer.status == 403:
            raise StoreError(
                f"There is no mount {self._mount} on {server}, or the token is expired or has no rights there.",
                hint="Check mount_point, namespace and token of the store. "
                f"To read, its policy needs read on {self._mount}/data/{self._folder}/*.",
                http_status=403,
            )
        if answer.status != 200 or not isinstance(data, dict) or not isinstance(data.get("path"), str):
            raise self._refusal(answer, "look up", "")
        fault = mount_fault(data, server, self._mount)
        if fault:
            raise fault

    def _refusal(self, answer: Answer, verb: str, name: str, document: Any = None) -> KrcloudError:
        """Return the error for an answer that is not the one to this request."""
        place, status, words = f"{self._mount}/{self._folder}/{name}".rstrip("/"), answer.status, ""
        if status == 403:
            needs = f"read on {self._mount}/data/{self._folder}/{name}"
            if verb != "read":
                needs = f"create, read and update on {self._mount}/data/{self._folder}/*"
            clause = f"does not permit this token to {verb} {place}, or the token is expired"
            hint = f"Give its policy {needs}, or use a fresh token."
        elif status == 404 and answer.says("no handler for route"):
            clause, hint = f"has no mount {self._mount}", "Check url, mount_point and namespace of the store."
        elif answer.is_too_large:
            clause = f"does not take a document as large as {name}"
            hint = "Raise max_request_size or max_request_json_strings of its listener."
        else:
            words = words_of(answer, [*self._server.secrets, *strings(document)])
            clause = f"did not {verb} {place}"
            hint = "See the server's own log." if status >= 500 else "Check url of the store, and what stands between."
        return refusal(answer, self._server.url, clause, hint, words)

    @staticmethod
    def _unwritable(error: KrcloudError) -> _Unwritable:
        return _Unwritable(error.message, hint=error.hint, http_status=error.http_status)

    def _in_parallel(self, work: Callable[[str], T], names: Mapping[str, Any]) -> dict[str, T | StoreError | None]:
        """Return what ``work`` makes of each name, or the error; None for those not begun after the first error."""
        stop = threading.Event()

        def one(name: str) -> T | StoreError | None:
            if stop.is_set():
                return None
            try:
                return work(name)
            except StoreError as error:
                stop.set()
                return error

        return dict(zip(names, in_parallel(one, names, self._concurrency), strict=True))
