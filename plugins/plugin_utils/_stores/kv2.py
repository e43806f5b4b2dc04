# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store in KV version 2: documents as secrets below one path of one mount.

The document is the secret's data as it is, so ``password`` is one of its fields. The revision is the version.

Every write carries ``cas``, so it takes effect once at most, however often it is sent. That is how a lost answer is
settled: the same write goes out again. If it is refused now, the version that it would have made is read; if that is
ours, the first one did it.

A delete has no ``cas``. So the document first becomes `FORGOTTEN`, with ``cas``, and is deleted then: nobody who has
read it before can write any more.

Source: the API pages of HashiCorp Vault and OpenBao for ``secret/kv/kv-v2``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._call.backoff import full_jitter
from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Operation, Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError, UnknownOutcomeError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import in_parallel
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    Change,
    Conflict,
    Saved,
    Store,
    Stored,
    StoreError,
    check_name,
    is_part,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_answers import (
    Answer,
    version_of,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_documents import (
    Place,
    Unreadable,
    deleted_at,
    document_of,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_folder import (
    LARGEST_ANSWER,
    Folder,
    Needs,
    get,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_server import Server
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options

READ = get("read", "/v1/{+mount}/data/{+folder}/{name}")
READ_VERSION = get("read version", "/v1/{+mount}/data/{+folder}/{name}?version={version}")
# With ``cas``, sending the same write twice ends in the same state.
WRITE = Operation("write", "/v1/{+mount}/data/{+folder}/{name}", Repeat.IDEMPOTENT, LARGEST_ANSWER)
# All versions, and what is known about them. There is no ``cas``.
DELETE = Operation("delete", "/v1/{+mount}/metadata/{+folder}/{name}", Repeat.IDEMPOTENT, LARGEST_ANSWER, "DELETE")

_WRITES = ("read", "update")
_CREATES = ("read", "create", "update")
_DELETES: Needs = {"data": ("update",), "metadata": ("delete",)}

_WORTH_A_LIST = 20
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
        self._concurrency: int = options["concurrency"]
        self._namespace = (options["namespace"] or "").strip("/")
        self._warn = warn
        self._server = Server(options, learn=learn, clock=clock, backoff=backoff)
        self._folder = Folder(self._server, options["mount_point"], options["secret_path"])
        # Which documents exist, as far as this process has seen.
        self._exist: dict[str, bool] = {}
        # When the server deletes documents by itself.
        self._deleted_at: set[str] = set()
        self._warned = False

    @property
    def place(self) -> str:
        """See `Store.place`."""
        return f"{self._server.url} ({self._folder})"

    @property
    def address(self) -> str:
        """See `Store.address`."""
        namespace = f"namespace {self._namespace}, " if self._namespace else ""
        return f"{self._server.url} ({namespace}{self._folder})"

    def is_same(self, other: Store) -> bool:
        """See `Store.is_same`."""
        return self.address == other.address

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
        self._folder.check_mount()
        found = self._in_parallel(self._read_alone, dict.fromkeys(self._worth_asking_for(wanted)))
        for each in found.values():
            if isinstance(each, StoreError) and not isinstance(each, Unreadable):
                raise each
        if any(isinstance(each, Unreadable) and each.http_status == 403 for each in found.values()):
            # Either the right to one secret is missing, or the token has expired meanwhile, which concerns all.
            self._folder.check_mount(again=True)
        self._warn_of_deletions()
        for name in wanted:
            if not isinstance(found.get(name), StoreError):
                self._exist[name] = name in found and found[name] is not None
        return {name: each for name, each in found.items() if each is not None}

    def _worth_asking_for(self, wanted: Sequence[str]) -> Sequence[str]:
        """Return those of the names that may exist: one list costs less than many answers of absence."""
        existing = self._folder.names() if len(wanted) >= _WORTH_A_LIST else None
        return wanted if existing is None else [name for name in wanted if name in existing]

    def names(self) -> list[str]:
        """See `Store.names`."""
        self._folder.check_mount()
        names = self._folder.names()
        if names is None:
            error = self._folder.refusal(Answer(403, None), "list", "")
            raise StoreError(error.message, hint=error.hint, http_status=error.http_status)
        # What ends with a slash is a folder.
        return sorted(name for name in names if is_part(name))

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
        return self._refused(names, lambda name: {"data": _WRITES if self._exist[name] else _CREATES})

    def check_delete(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """See `Store.check_delete`."""
        return self._refused(names, lambda name: _DELETES)

    def _refused(self, names: Sequence[str], needs: Callable[[str], Needs]) -> Mapping[str, StoreError]:
        """Return which of these names cannot be read, or lack a capability that they need."""
        wanted = [check_name(name) for name in names]
        self._folder.check_mount()
        loaded = self.load([name for name in wanted if name not in self._exist])
        refused = {name: found for name, found in loaded.items() if isinstance(found, StoreError)}
        rest = [name for name in wanted if name not in refused]
        if rest:
            denied = self._folder.denied({name: needs(name) for name in rest})
            refused.update({name: self._unwritable(error) for name, error in denied.items()})
        return refused

    def save(self, changes: Mapping[str, Change]) -> dict[str, Saved]:
        """See `Store.save`."""
        for name, change in changes.items():
            check_name(name)
            if change.expected is not None and not (change.expected.isascii() and change.expected.isdigit()):
                raise StoreError(f"The revision of {name} is not one of the store {self._server.url}.")
        if not changes:
            return {}
        self._folder.check_mount()
        return self._settled(self._in_parallel(lambda name: self._write_alone(name, changes[name]), changes))

    def delete(self, expected: Mapping[str, str]) -> dict[str, Saved]:
        """See `Store.delete`."""
        # Before the first write, as what is marked and cannot be deleted helps nobody.
        refused = self.check_delete(list(expected)) if expected else {}
        outcomes: dict[str, Saved] = dict(refused)
        marked: dict[str, str] = {}
        try:
            wanted = {name: Change(FORGOTTEN, expected[name]) for name in expected if name not in refused}
            for name, each in self.save(wanted).items():
                if isinstance(each, str):
                    marked[name] = each
                else:
                    outcomes[name] = each
            deleted = self._in_parallel(lambda name: self._delete_alone(name, marked[name]), marked)
            outcomes.update(self._settled(deleted))
        except StoreError as error:
            # What is marked as forgotten, and not gone, is neither.
            gone = {name: each for name, each in error.saved.items() if name in marked or not isinstance(each, str)}
            halfway = {*marked, *error.saved, *error.unknown} - set(gone)
            error.saved, error.unknown = {**outcomes, **gone}, frozenset(halfway)
            raise
        return outcomes

    def _settled(self, found: Mapping[str, Saved | StoreError | None]) -> dict[str, Saved]:
        """Return what became of each document. Raises the StoreError that is not about one document alone."""
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
        place = Place(self._server.url, self._folder.mount, f"{self._folder.path}/{name}")

        def interpret(answer: Answer) -> Stored | None:
            if answer.is_absence:
                return None
            stored = document_of(answer, place)
            if stored:
                if moment := deleted_at(answer):
                    self._deleted_at.add(moment)
                return stored
            error = self._folder.refusal(answer, "read", name)
            if answer.status == 403:
                raise Unreadable(error.message, hint=error.hint, http_status=error.http_status)
            raise error

        if version is None:
            return self._server.call(READ, interpret, self._folder.at(name))
        return self._server.call(READ_VERSION, interpret, {**self._folder.at(name), "version": str(version)})

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
            error = self._folder.refusal(answer, "write", name, document)
            raise self._unwritable(error) if answer.status == 403 or answer.is_too_large else error

        try:
            outcome = self._server.call(
                WRITE,
                interpret,
                self._folder.at(name),
                {"options": {"cas": cas}, "data": document},
                on_unanswered=lambda: maybe_done.append(True),
            )
        except UnknownOutcomeError as error:
            raise self._unsettled(name, f"It is not known whether {name} was saved.", error.story, error) from None
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
            raise self._unsettled(name, f"It is not known whether {name} was saved.", error.message, error) from None
        mine = stored is not None and stored.revision == version and stored.document == document
        return version if mine else Conflict()

    def _delete_alone(self, name: str, marked: str) -> Saved:
        """Delete all that is left of a document, or bring it back and say why it alone cannot be deleted.

        ``marked`` is the revision with the mark.
        """

        def interpret(answer: Answer) -> Saved:
            if answer.status == 204:
                return ""
            error = self._folder.refusal(answer, "delete", name)
            raise self._unwritable(error) if answer.status == 403 else error

        try:
            self._exist.pop(name, None)
            return self._server.call(DELETE, interpret, self._folder.at(name))
        except _Unwritable as error:
            self._bring_back(name, marked)
            return error
        except UnknownOutcomeError as error:
            raise self._unsettled(name, f"It is not known whether {name} was deleted.", error.story, error) from None

    def _bring_back(self, name: str, marked: str) -> None:
        # A token that may not ask what it may do has met the refusal too late. Where this fails, the mark stays, which
        # tells whoever reads it what to do.
        with contextlib.suppress(StoreError):
            before = self._read(name, int(marked) - 1)
            if before and before.document != FORGOTTEN:
                self._write_alone(name, Change(before.document, marked))

    @staticmethod
    def _unsettled(name: str, message: str, story: str, error: KrcloudError) -> StoreError:
        return StoreError(f"{message} {story}", hint=error.hint, http_status=error.http_status, unknown=[name])

    @staticmethod
    def _unwritable(error: KrcloudError) -> _Unwritable:
        return _Unwritable(error.message, hint=error.hint, http_status=error.http_status)

    def _in_parallel(self, work: Callable[[str], T], names: Collection[str]) -> dict[str, T | StoreError | None]:
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
