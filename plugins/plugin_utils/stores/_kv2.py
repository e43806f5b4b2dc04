# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""The client of KV version 2: documents as secrets of a server.

The document is the secret's data as it is, so ``password`` is one of its fields. The revision is the version.

Every write carries ``cas``, so it takes effect once at most, however often it is sent. That is how a lost answer is
settled: the same write goes out again. If it is refused now, the version that it would have made is read; if that is
ours, the first one did it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._http import (
    AnswerLost,
    NotSent,
    Request,
    Transport,
    check_api_url,
    full_jitter,
    parse_retry_after,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._pace import Clock, in_parallel
from ansible_collections.krcloud.credentials.plugins.module_utils._redaction import Redactor, one_line
from ansible_collections.krcloud.credentials.plugins.module_utils._transport import PooledTransport
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    Change,
    Conflict,
    Outcome,
    Stored,
    StoreError,
    check_name,
    is_part,
    strings,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils.stores.hashi_vault import ENVIRONMENT, OPTIONS

# A secret has 1 MiB at most, and a list a few bytes for each name. Of time, so many times the timeout.
_LARGEST_ANSWER = 16 * 1024 * 1024
_LONGEST_ANSWER = 3
_WORTH_A_LIST = 20

_LOGIN_NEEDS = {"token": ("token",), "approle": ("role_id", "secret_id"), "jwt": ("role", "jwt")}
_STALE = "check-and-set parameter did not match"

T = TypeVar("T")


# ------------------------------------------------------------------------------------------------------------ the wire


class _Answer(NamedTuple):
    """An answer of the server: its status, its body where that is a JSON object, and what it says of errors."""

    status: int
    body: Mapping[str, Any] | None
    retry_after: float | None = None

    def __repr__(self) -> str:
        return f"_Answer(status={self.status})"

    @property
    def data(self) -> Any:
        return (self.body or {}).get("data")

    @property
    def errors(self) -> list[str]:
        errors = (self.body or {}).get("errors")
        return [str(error) for error in errors] if isinstance(errors, list) else []

    def says(self, words: str) -> bool:
        return any(words in error.lower() for error in self.errors)

    @property
    def is_absence(self) -> bool:
        """The server's own word that there is nothing, which a page of some proxy is not."""
        return self.status == 404 and self.body == {"errors": []}

    @property
    def is_passing(self) -> bool:
        return (self.status >= 500 and not self.is_sealed) or self.status == 429 or self.is_upgrade

    @property
    def is_sealed(self) -> bool:
        return self.status == 503 and self.says("sealed")

    @property
    def is_upgrade(self) -> bool:
        return self.status == 400 and self.says("upgrading from non-versioned")

    @property
    def leaves_open(self) -> bool:
        """A write so answered may have been carried out."""
        return self.status >= 500 and not self.is_sealed


class _Reply(NamedTuple):
    """As much of a `requests.Response` as hvac and we ask for."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def __repr__(self) -> str:
        return f"_Reply(status_code={self.status_code})"

    @property
    def ok(self) -> bool:
        return self.status_code < 400

    def json(self) -> Any:
        return json.loads(self.content)


class _Session:
    """What hvac sends with instead of a `requests.Session`: the wire that the modules use, with its limits.

    Raises NotSent and AnswerLost.
    """

    cert = None
    proxies = None

    def __init__(self, transport: Transport, verify: bool) -> None:
        self._transport = transport
        self.verify = verify

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        params: Mapping[str, str] | None = None,
        **more: Any,
    ) -> _Reply:
        body, kind = b"", {}
        if more.get("json") is not None:
            body, kind = json.dumps(more["json"]).encode(), {"Content-Type": "application/json"}
        target = f"{url}?{urlencode(params)}" if params else url
        request = Request(target, {**headers, **kind}, body, _LARGEST_ANSWER, method.upper())
        answer = self._transport.send(request, timeout, time.monotonic() + _LONGEST_ANSWER * timeout)
        return _Reply(answer.status, answer.headers, answer.body)


class _Server:
    """One hvac client, its session and its login."""

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._client: Any = None
        self._login_again = float("inf")
        self._secrets = [options[name] for name, option in OPTIONS.items() if option.get("no_log") and options[name]]

    @property
    def shown(self) -> str:
        return str(self._options["url"])

    def send(self, request: Callable[[Any], Any]) -> _Answer:
        """Send a request once. Raises NotSent, AnswerLost, and StoreError where there is no way to log in."""
        return self._send(self._logged_in(), request)

    def redacted(self, answer: _Answer, document: Any = None) -> str:
        """Return what the server says of an error, without anything that it was sent."""
        said = one_line("; ".join(answer.errors), 200)
        return Redactor([*self._secrets, *(strings(document) if document else ())]).foreign_text(said)

    def _send(self, client: Any, request: Callable[[Any], Any]) -> _Answer:
        reply: _Reply = request(client)
        body = None
        if reply.content:
            with contextlib.suppress(ValueError, RecursionError):
                body = reply.json()
        return _Answer(
            reply.status_code,
            body if isinstance(body, dict) else None,
            parse_retry_after(reply.headers.get("retry-after"), self._clock.time()),
        )

    def _logged_in(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            if self._clock.monotonic() >= self._login_again or not self._client.token:
                self._log_in(self._client)
            return self._client

    def _connect(self) -> Any:
        options = self._options
        try:
            hvac = importlib.import_module("hvac")
        except ImportError as error:
            raise StoreError(
                f"The store hashi_vault needs the Python library hvac, and {sys.executable} does not have it "
                f"({error.name or 'hvac'} is missing).",
                hint=f"Install it: {sys.executable} -m pip install hvac",
            ) from None
        try:
            transport = PooledTransport(
                self.shown,
                validate_certs=options["validate_certs"],
                ca_path=options["ca_path"],
                connections=options["concurrency"],
            )
        except ConfigurationError as error:
            raise StoreError(f"The store {self.shown} cannot be used: {error.message}", hint=error.hint) from None
        return hvac.Client(
            url=self.shown,
            # Empty, not None: hvac would go and look for one by itself.
            token=options["token"] if options["auth_method"] == "token" else "",
            cert=(),
            verify=options["validate_certs"],
            timeout=options["timeout"],
            allow_redirects=False,
            session=_Session(transport, options["validate_certs"]),
            adapter=hvac.adapters.RawAdapter,
            namespace=options["namespace"],
            ignore_exceptions=True,
            strict_http=True,
        )

    def _log_in(self, client: Any) -> None:
        options, method = self._options, self._options["auth_method"]
        mount = options["auth_mount_point"] or method

        def request(client: Any) -> Any:
            if method == "jwt":
                return client.auth.jwt.jwt_login(options["role"], options["jwt"], use_token=False, path=mount)
            return client.auth.approle.login(
                options["role_id"], options["secret_id"], use_token=False, mount_point=mount
            )

        client.token = ""
        answer = self._send(client, request)
        auth = (answer.body or {}).get("auth") if answer.status == 200 else None
        if not isinstance(auth, dict) or not isinstance(auth.get("client_token"), str):
            if answer.is_passing:
                raise NotSent(f"the login was answered with HTTP {answer.status}")
            reason = "the server is sealed" if answer.is_sealed else self.redacted(answer) or f"HTTP {answer.status}"
            raise StoreError(
                f"{self.shown} refused the login by {method} at auth/{mount} ({reason}).",
                hint=f"Check {' and '.join(_LOGIN_NEEDS[method])}, auth_mount_point and namespace of the store.",
                http_status=answer.status,
            )
        self._secrets.append(auth["client_token"])
        client.token = auth["client_token"]
        lease = auth.get("lease_duration")
        if isinstance(lease, int) and lease > 0:
            self._login_again = self._clock.monotonic() + 0.8 * lease


# ----------------------------------------------------------------------------------------------------------- the store


class _Unreadable(StoreError):
    """One document cannot be read, which says nothing of the others."""


class HashiVaultStore:
    """The secrets below one path of one mount. Threads may share it."""

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        clock: Clock | None = None,
        backoff: Callable[[int], float] = full_jitter,
    ) -> None:
        method = options["auth_method"]
        missing = [name for name in _LOGIN_NEEDS[method] if not options[name]]
        if missing:
            variables = [variable for name in missing for variable in ENVIRONMENT.get(name, ())]
            raise ConfigurationError(
                f"The store hashi_vault needs {' and '.join(missing)} to log in by {method}.",
                hint=f"Set it, or one of the environment variables {' and '.join(variables)}." if variables else None,
            )
        for name in ("token", "role_id", "secret_id", "role", "jwt", "namespace"):
            value = options[name]
            if value and not (value.isascii() and value.isprintable() and value == value.strip()):
                raise ConfigurationError(
                    f"The option {name} of the store has blanks around it, or characters that no such value has.",
                    hint="Often a line break of the file it was read from.",
                )
        self._mount = _path("mount_point", options["mount_point"])
        self._folder = _path("secret_path", options["secret_path"])
        self._url = _check_url(options["url"])
        self._concurrency = options["concurrency"]
        self._attempts = options["retries"] + 1
        self._clock = clock or Clock()
        self._backoff = backoff
        self._server = _Server({**options, "url": self._url}, self._clock)
        self._mount_checked = False

    @property
    def place(self) -> str:
        """See `Store.place`."""
        return f"{self._url} ({self._mount}/{self._folder})"

    def _names_in(self, answer: _Answer) -> list[str]:
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
        return {name: each for name, each in found.items() if each is not None}

    def check_save(self, names: Sequence[str]) -> None:
        """See `Store.check_save`."""
        for found in self.load(names).values():
            if isinstance(found, StoreError):
                raise found

    def close(self) -> None:
        """See `Store.close`."""

    def save(self, changes: Mapping[str, Change]) -> dict[str, Outcome]:
        """See `Store.save`."""
        for name, change in changes.items():
            to_json(check_name(name), change.document)
            if change.expected is not None and not (change.expected.isascii() and change.expected.isdigit()):
                raise StoreError(f"The revision of {name} is not one of the store {self._server.shown}.")
        if not changes:
            return {}
        self._check_mount()
        found = self._in_parallel(lambda name: self._write(name, changes[name]), changes)
        outcomes = {name: outcome for name, outcome in found.items() if isinstance(outcome, (str, Conflict))}
        errors = [error for error in found.values() if isinstance(error, StoreError)]
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

    def _write(self, name: str, change: Change) -> Outcome:
        cas = int(change.expected or 0)
        document = dict(change.document)
        maybe_done = False
        attempt = 1
        while True:
            wait: float | None = None
            try:
                answer = self._server.send(
                    lambda client: client.secrets.kv.v2.create_or_update_secret(
                        path=self._at(name), secret=document, cas=cas, mount_point=self._mount
                    )
                )
            except (NotSent, AnswerLost) as lost:
                maybe_done = maybe_done or isinstance(lost, AnswerLost)
                problem = StoreError(
                    f"{self._server.shown} could not be asked to save {name}: {lost}.", hint=_hint_of(lost)
                )
            except StoreError as error:
                raise self._unsettled(name, error) if maybe_done else error from None
            else:
                version = answer.data.get("version") if isinstance(answer.data, dict) else None
                if answer.status == 200 and isinstance(version, int):
                    return str(version)
                if answer.status == 400 and answer.says(_STALE):
                    return self._settle(name, change, cas + 1) if maybe_done else Conflict()
                maybe_done = maybe_done or answer.leaves_open or answer.status < 300
                problem = self._refusal(answer, "write", name, document)
                wait = answer.retry_after
                if not answer.is_passing:
                    raise self._unsettled(name, problem) if maybe_done else problem
            if attempt >= self._attempts:
                raise self._unsettled(name, problem) if maybe_done else problem
            self._clock.sleep(self._backoff(attempt) if wait is None else min(wait, 60.0))
            attempt += 1

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

    def _ask(self, request: Callable[[Any], Any]) -> _Answer:
        """Send a request that changes nothing until it has an answer that counts."""
        attempt = 1
        while True:
            wait: float | None = None
            try:
                answer = self._server.send(request)
            except (NotSent, AnswerLost) as lost:
                hint = _hint_of(lost)
                if attempt >= self._attempts or hint:
                    raise StoreError(
                        f"The store {self._server.shown} could not be asked: {lost}.",
                        hint=hint or "Check url of the store, the network and the server, then run again.",
                    ) from None
            else:
                if not answer.is_passing or attempt >= self._attempts:
                    return answer
                wait = answer.retry_after
            self._clock.sleep(self._backoff(attempt) if wait is None else min(wait, 60.0))
            attempt += 1

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

    def _refusal(self, answer: _Answer, verb: str, name: str, document: Any = None) -> StoreError:
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
            hint = (
                f"Give its policy create, read and update on {self._mount}/data/{self._folder}/* and list on "
                f"{self._mount}/metadata/{self._folder}, or use a fresh token."
            )
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
        return StoreError(message, hint=hint, http_status=status)

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


def _hint_of(lost: NotSent | AnswerLost) -> str | None:
    """Return what to do where trying again would meet the same."""
    if isinstance(lost, NotSent) and lost.lasting:
        return lost.hint.replace("api_url", "url of the store")
    return None


def _check_url(url: str) -> str:
    try:
        return check_api_url(url)
    except ConfigurationError as error:
        raise ConfigurationError(error.message.replace("api_url", "url of the store", 1), hint=error.hint) from None


def _path(option: str, value: str) -> str:
    path = value.strip("/")
    if not all(is_part(part) for part in path.split("/")):
        raise ConfigurationError(
            f"The option {option} of the store must be a path such as team/secrets, without blanks at its ends."
        )
    return path
