# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of KV version 2: documents as secrets of a server.

The document is the secret's data as it is, so ``password`` is one of its fields. The revision is the version.

Every write carries ``cas``, so it takes effect once at most, however often it is sent. That is how a lost answer is
settled: the same write goes out again. If it is refused now, the version that it would have made is read; if that is
ours, the first one did it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from ansible_collections.krcloud.credentials.plugins.module_utils._call.address import check_api_url
from ansible_collections.krcloud.credentials.plugins.module_utils._call.backoff import full_jitter
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost, NotSent
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import one_line
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import in_parallel
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Conflict,
    Outcome,
    Stored,
    StoreError,
    check_name,
    is_part,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.kv2_server import (
    LOGIN_NEEDS,
    Answer,
    Patience,
    Server,
    asked_for_by,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options

_WORTH_A_LIST = 20
_STALE = "check-and-set parameter did not match"

T = TypeVar("T")


# ----------------------------------------------------------------------------------------------------------- the store


class _Unreadable(StoreError):
    """One document cannot be read, which says nothing of the others."""


class _Unwritable(StoreError):
    """One document cannot be saved, which says nothing of the others: it may not be, or it is too large."""


_ABOUT_ONE = (403, 413)


class HashiVaultStore:
    """The secrets below one path of one mount. Threads may share it."""

    def __init__(
        self,
        options: Options,
        *,
        warn: Callable[[str], None] = lambda text: None,
        clock: Clock | None = None,
        backoff: Callable[[int], float] = full_jitter,
    ) -> None:
        _check_login(options)
        if options["auth_mount_point"]:
            options["auth_mount_point"] = _path("auth_mount_point", options["auth_mount_point"])
        self._mount = _path("mount_point", options["mount_point"])
        self._folder = _path("secret_path", options["secret_path"])
        self._url = _check_url(options)
        self._concurrency = options["concurrency"]
        self._warn = warn
        options["url"] = self._url
        self._server = Server(options, clock or Clock(), backoff)
        self._mount_checked = False
        # Which documents exist, as far as this process has seen.
        self._exist: dict[str, bool] = {}

    @property
    def place(self) -> str:
        """See `Store.place`."""
        return f"{self._url} ({self._mount}/{self._folder})"

    def close(self) -> None:
        """See `Store.close`."""
        for fault in self._server.close():
            self._warn(
                f"The login at {self._server.shown} could not be ended ({fault}): its token lives on until its time is "
                "over. Its policy needs update on auth/token/revoke-self."
            )

    def _names_in(self, answer: Answer) -> list[str]:
        if answer.is_absence:
            return []
        keys = answer.data.get("keys") if answer.status == 200 and isinstance(answer.data, dict) else None
        if not isinstance(keys, list):
            raise self._refusal(answer, "list", "")
        return [key for key in keys if isinstance(key, str)]

    def _existing(self, wanted: Sequence[str]) -> Sequence[str]:
        """Return those of the names that are worth asking for: one list costs less than many answers of absence."""
        if len(wanted) < _WORTH_A_LIST:
            return wanted
        answer = self._ask(lambda client: client.secrets.kv.v2.list_secrets(path=self._folder, mount_point=self._mount))
        if answer.status == 403:  # a token needs no right to list
            return wanted
        existing = set(self._names_in(answer))
        return [name for name in wanted if name in existing]

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        """See `Store.load`."""
        wanted = [check_name(name) for name in names]
        if not wanted:
            return {}
        self._check_mount()
        found = self._in_parallel(self._read_alone, dict.fromkeys(self._existing(wanted)))
        for each in found.values():
            if isinstance(each, StoreError) and not isinstance(each, _Unreadable):
                raise each
        if any(isinstance(each, _Unreadable) and each.http_status == 403 for each in found.values()):
            # The right to one secret is missing, or the token has ended meanwhile: then all are.
            self._mount_checked = False
            self._check_mount()
        for name in wanted:
            if not isinstance(found.get(name), StoreError):
                self._exist[name] = name in found and found[name] is not None
        return {name: each for name, each in found.items() if each is not None}

    def check_save(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """See `Store.check_save`."""
        wanted = [check_name(name) for name in names]
        self._check_mount()
        loaded = self.load([name for name in wanted if name not in self._exist])
        refused = {name: found for name, found in loaded.items() if isinstance(found, StoreError)}
        paths = {name: f"{self._mount}/data/{self._at(name)}" for name in wanted if name not in refused}
        if not paths:
            return refused
        answer = self._ask(lambda client: client.sys.get_capabilities(paths=list(paths.values())))
        if answer.status != 200 or not isinstance(answer.data, dict):
            # A token that may not ask this may write all the same.
            return refused
        for name, path in paths.items():
            may = answer.data.get(path)
            needs = {"read", "update"} if self._exist[name] else {"read", "create", "update"}
            if isinstance(may, list) and "root" not in may and not needs <= set(may):
                refused[name] = self._refusal(Answer(403, None), "write", name)
        return refused

    def save(self, changes: Mapping[str, Change]) -> dict[str, Outcome]:
        """See `Store.save`."""
        for name, change in changes.items():
            to_json(check_name(name), change.document)
            if change.expected is not None and not (change.expected.isascii() and change.expected.isdigit()):
                raise StoreError(f"The revision of {name} is not one of the store {self._server.shown}.")
        if not changes:
            return {}
        self._check_mount()
        found = self._in_parallel(lambda name: self._write_alone(name, changes[name]), changes)
        outcomes: dict[str, Outcome] = {
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

    def _read_alone(self, name: str) -> Stored | _Unreadable | None:
        """Return a document, or why it alone cannot be read. Raises StoreError where none can."""
        try:
            return self._read(name)
        except _Unreadable as error:
            return error

    def _read(self, name: str, version: int | None = None) -> Stored | None:
        answer = self._ask(
            lambda client: client.secrets.kv.v2.read_secret_version(
                path=self._at(name), version=version, mount_point=self._mount, raise_on_deleted_version=False
            )
        )
        if answer.is_absence:
            return None
        data = answer.data if isinstance(answer.data, dict) else {}
        metadata = data.get("metadata")
        if not isinstance(metadata, dict):
            metadata = {}
        number = metadata.get("version")
        if answer.status == 200 and isinstance(data.get("data"), dict) and isinstance(number, int):
            return Stored(data["data"], str(number))
        if answer.status == 404 and number and data.get("data") is None:
            place = f"{self._mount}/{self._at(name)}"
            if metadata.get("destroyed"):
                gone, back = "destroyed", "Make an earlier one current (kv rollback)"
            else:
                gone, back = "deleted", f"Bring it back (kv undelete -versions={number})"
            raise _Unreadable(
                f"Version {number} of {place} on {self._server.shown} is {gone}, and it is the current one.",
                hint=f"{back}, or give up all passwords kept there (kv metadata delete).",
                http_status=answer.status,
            )
        error = self._refusal(answer, "read", name)
        if answer.status == 403:
            raise _Unreadable(error.message, hint=error.hint, http_status=error.http_status)
        raise error

    def _write_alone(self, name: str, change: Change) -> Outcome:
        """Save a document, or say why it alone cannot be saved. Raises StoreError where none can."""
        try:
            return self._write(name, change)
        except _Unwritable as error:
            return error

    def _write(self, name: str, change: Change) -> Outcome:
        cas = int(change.expected or 0)
        document = dict(change.document)
        maybe_done = False
        patience = self._server.patience()
        while True:
            asked: float | None = None
            try:
                answer = self._server.send(
                    lambda client: client.secrets.kv.v2.create_or_update_secret(
                        path=self._at(name), secret=document, cas=cas, mount_point=self._mount
                    )
                )
            except (NotSent, AnswerLost) as lost:
                maybe_done = maybe_done or isinstance(lost, AnswerLost)
                hint = _hint_of(lost)
                problem = StoreError(f"{self._server.shown} could not be asked to save {name}: {lost}.", hint=hint)
                asked, repeatable = asked_for_by(lost), not hint
            except StoreError as error:
                raise self._unsettled(name, error) if maybe_done else error from None
            else:
                version = answer.data.get("version") if isinstance(answer.data, dict) else None
                if answer.status == 200 and isinstance(version, int):
                    self._exist[name] = True
                    return str(version)
                if answer.status == 400 and answer.says(_STALE):
                    return self._settle(name, change, cas + 1) if maybe_done else Conflict()
                maybe_done = maybe_done or answer.leaves_open or answer.status < 300
                problem = self._refusal(answer, "write", name, document)
                asked, repeatable = answer.retry_after, answer.is_passing
            if not repeatable or _is_over(patience, asked, problem):
                if maybe_done:
                    raise self._unsettled(name, problem)
                if problem.http_status in _ABOUT_ONE:
                    raise _Unwritable(problem.message, hint=problem.hint, http_status=problem.http_status)
                raise problem

    def _settle(self, name: str, change: Change, version: int) -> Outcome:
        """Say what became of a write whose first answer was lost and whose repetition came too late."""
        try:
            stored = self._read(name, version)
        except StoreError as error:
            raise self._unsettled(name, error) from None
        mine = stored is not None and stored.revision == str(version) and stored.document == dict(change.document)
        return str(version) if mine else Conflict()

    def _unsettled(self, name: str, problem: StoreError) -> StoreError:
        return StoreError(
            f"It is not known whether {name} was saved. {problem.message}",
            hint=problem.hint or "Run again when the server answers.",
            http_status=problem.http_status,
            unknown=[name],
        )

    # ------------------------------------------------------------------------------------------------ requests

    def _at(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _ask(self, request: Callable[[Any], Any]) -> Answer:
        """Send a request that changes nothing until it has an answer that counts."""
        patience = self._server.patience()
        while True:
            try:
                answer = self._server.send(request)
            except (NotSent, AnswerLost) as lost:
                hint = _hint_of(lost)
                problem = StoreError(
                    f"The store {self._server.shown} could not be asked: {lost}.",
                    hint=hint or "Check url of the store, the network and the server, then run again.",
                )
                if hint or _is_over(patience, asked_for_by(lost), problem):
                    raise problem from None
            else:
                if not answer.is_passing:
                    return answer
                why = patience.wait(answer.retry_after)
                if why is not None:
                    return answer._replace(why=why)

    def _check_mount(self) -> None:
        """Make sure that the mount is KV version 2. Version 1 accepts the same writes, and ignores ``cas``."""
        if self._mount_checked:
            return
        answer = self._ask(lambda client: client.read(f"sys/internal/ui/mounts/{quote(self._mount)}"))
        if answer.status == 403:
            raise StoreError(
                f"There is no mount {self._mount} on {self._server.shown}, "
                "or the token is expired or has no rights there.",
                hint="Check mount_point, namespace and token of the store.",
                http_status=403,
            )
        if answer.status != 200 or not isinstance(answer.data, dict):
            raise self._refusal(answer, "look up", "")
        real, kind = str(answer.data.get("path", "")).strip("/"), answer.data.get("type")
        version = (answer.data.get("options") or {}).get("version")
        if kind != "kv" or version != "2":
            found = f"of the type {one_line(str(kind), 40)}"
            if kind in ("kv", "generic"):
                found = f"KV version {version or 1}"
            raise StoreError(
                f"The mount {self._mount} on {self._server.shown} is {found}; the store needs KV version 2.",
                hint="Name another mount_point, or upgrade it (kv enable-versioning).",
            )
        if real != self._mount:
            raise StoreError(
                f"{self._mount} on {self._server.shown} is not a mount, but a place in the mount {one_line(real, 80)}.",
                hint=f"Set mount_point to {one_line(real, 80)}, and the rest as secret_path.",
            )
        self._mount_checked = True

    def _refusal(self, answer: Answer, verb: str, name: str, document: Any = None) -> StoreError:
        place = f"{self._mount}/{self._at(name)}".rstrip("/")
        server, status = self._server.shown, answer.status
        if answer.is_sealed:
            message, hint = f"{server} is sealed.", "Unseal it, then run again."
        elif (status == 503 and answer.says("standby")) or answer.says("active cluster node not found"):
            message, hint = f"{server} has no active node at this time.", "Run again when it has one."
        elif 300 <= status < 400:
            message = f"{server} answers with a redirect, which is not followed: the token would go along."
            hint = "Name the active node, or the address of the cluster, in url of the store."
        elif status == 403:
            message = f"{server} does not permit this token to {verb} {place}, or the token is expired."
            needs = f"read on {self._mount}/data/{self._at(name)}"
            if verb != "read":
                needs = f"create, read and update on {self._mount}/data/{self._folder}/*"
            hint = f"Give its policy {needs}, or use a fresh token."
        elif status == 404 and answer.says("namespace"):
            message, hint = f"{server} has no such namespace.", "Check namespace of the store."
        elif status == 404 and answer.says("no handler for route"):
            message = f"There is no mount {self._mount} on {server}."
            hint = "Check mount_point and namespace of the store."
        elif status == 429:
            message = f"{server} wants fewer requests (HTTP 429)."
            hint = "Lower concurrency of the store, then run again."
        elif status == 413:
            message, hint = f"{server} does not take a document as large as {name}.", "Raise its max_request_size."
        else:
            said = self._server.redacted(answer, document)
            message = f"{server} did not {verb} {place}: HTTP {status}" + (f" ({said})." if said else ".")
            hint = "See the server's own log." if status >= 500 else "Check url of the store, and what stands between."
        return _with_why(StoreError(message, hint=hint, http_status=status), answer.why)

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


def _is_over(patience: Patience, asked: float | None, problem: StoreError) -> bool:
    """Wait before the next attempt, or tell that there is none, and let the problem say why."""
    why = patience.wait(asked)
    _with_why(problem, why or "")
    return why is not None


def _with_why(problem: StoreError, why: str) -> StoreError:
    if why:
        problem.message += f" It was not tried again: {why}."
    return problem


def _check_login(options: Options) -> None:
    """Raise ConfigurationError for what the login lacks, or what no such value can be."""
    method = options["auth_method"]
    options.require(*LOGIN_NEEDS[method], reason=f" to log in with auth_method {method}")
    for name in ("url", "token", "role_id", "secret_id", "role", "jwt", "namespace"):
        value = options[name]
        if value and not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ConfigurationError(
                f"What {options.called(name)} holds is not valid: it has blanks around it, or characters that no such "
                "value has.",
                hint="Often a line break of the file it was read from.",
            )


def _hint_of(lost: NotSent | AnswerLost) -> str | None:
    """Return what to do where trying again would meet the same."""
    if isinstance(lost, NotSent) and lost.lasting:
        return lost.hint.replace("api_url", "url of the store")
    return None


def _check_url(options: Options) -> str:
    try:
        return check_api_url(options["url"])
    except ConfigurationError as error:
        called = options.called("url")
        said = error.message.replace("api_url", called, 1).replace(", the vendors do not use them", "")
        raise ConfigurationError(said[0].upper() + said[1:], hint=error.hint) from None


def _path(option: str, value: str) -> str:
    path = value.strip("/")
    if not all(is_part(part) for part in path.split("/")):
        raise ConfigurationError(
            f"The option {option} of the store must be a path such as team/secrets, without blanks at its ends."
        )
    return path
