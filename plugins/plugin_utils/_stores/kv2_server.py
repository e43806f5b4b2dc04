# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server of a `hashi_vault`: the wire, the login, and what an answer of it means."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ansible_collections.krcloud.credentials.plugins.module_utils._call.backoff import (
    full_jitter,
    next_wait,
    parse_retry_after,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost, NotSent, Request
from ansible_collections.krcloud.credentials.plugins.module_utils._call.wire import PooledTransport
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor, one_line
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError, strings
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options, listed

# A secret has 1 MiB at most, and a list a few bytes for each name. Of time, so many times the timeout.
LARGEST_ANSWER = 16 * 1024 * 1024
_LONGEST_ANSWER = 3
# How many seconds all attempts at one request may take.
_LONGEST = 60.0

LOGIN_NEEDS = {"token": ("token",), "approle": ("role_id", "secret_id"), "jwt": ("role", "jwt")}


class Patience:
    """How often one request is tried, and for how long."""

    def __init__(self, retries: int, timeout: float, clock: Clock, backoff: Callable[[int], float]) -> None:
        self._retries = retries
        self._clock = clock
        self._backoff = backoff
        self._attempt = 0
        self._seconds = max(_LONGEST, _LONGEST_ANSWER * timeout)
        self._deadline = clock.monotonic() + self._seconds

    def wait(self, asked: float | None = None) -> str | None:
        """Wait before the next attempt, or return why there is none, in a clause that may be empty.

        ``asked`` are the seconds that the server named in Retry-After.
        """
        self._attempt += 1
        if self._attempt > self._retries:
            return ""
        left = self._deadline - self._clock.monotonic()
        wait = next_wait(self._attempt, asked, left, f"the limit of {self._seconds:g} s for a request", self._backoff)
        if wait.seconds is None:
            return wait.why
        self._clock.sleep(wait.seconds)
        return None


class Answer(NamedTuple):
    """An answer of the server: its status, its body where that is a JSON object, and what it says of errors.

    ``why`` is the clause that says why a passing error was not waited out.
    """

    status: int
    body: Mapping[str, Any] | None
    retry_after: float | None = None
    why: str = ""

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"

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

    def __init__(self, transport: PooledTransport, verify: bool) -> None:
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
        request = Request(target, {**headers, **kind}, body, LARGEST_ANSWER, method.upper())
        answer = self._transport.send(request, timeout, time.monotonic() + _LONGEST_ANSWER * timeout)
        return _Reply(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        self._transport.close()


class _LoginPutOff(NotSent):
    """The server takes no logins at this moment."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the login was answered with HTTP {answer.status}")
        self.asked = answer.retry_after


def asked_for_by(lost: Exception) -> float | None:
    """Return how many seconds the server asked to wait before the next attempt."""
    return lost.asked if isinstance(lost, _LoginPutOff) else None


class Server:
    """One hvac client, its session and its login. Threads may share it."""

    def __init__(self, options: Options, clock: Clock, backoff: Callable[[int], float] = full_jitter) -> None:
        self._options = options
        self._clock = clock
        self._backoff = backoff
        self._lock = threading.Lock()
        self._client: Any = None
        self._login_again = float("inf")
        # Tokens of our own, which end with their use, and when they end by themselves.
        self._logins: list[tuple[str, float]] = []
        self._secrets = options.secrets

    @property
    def shown(self) -> str:
        return str(self._options["url"])

    def send(self, request: Callable[[Any], Any]) -> Answer:
        """Send a request once. Raises NotSent, AnswerLost, and StoreError where there is no way to log in."""
        return self._send(self._logged_in(), request)

    def patience(self) -> Patience:
        """Return what bounds the attempts at one request."""
        return Patience(self._options["retries"], self._options["timeout"], self._clock, self._backoff)

    def close(self) -> list[str]:
        """End our own logins and close all connections; return why a login could not be ended, in clauses.

        A token that was given is not ours to end.
        """
        with self._lock:
            client, logins = self._client, self._logins
            self._client, self._logins, self._login_again = None, [], float("inf")
        if client is None:
            return []
        now = self._clock.monotonic()
        faults = [fault for token, ends in logins if now < ends and (fault := self._log_out(client, token))]
        client.session.close()
        return faults

    def _log_out(self, client: Any, token: str) -> str | None:
        client.token = token
        try:
            answer = self._send(client, lambda client: client.auth.token.revoke_self())
        except (NotSent, AnswerLost) as lost:
            return str(lost)
        return None if answer.status < 300 else f"HTTP {answer.status}"

    def redacted(self, answer: Answer, document: Any = None) -> str:
        """Return what the server says of an error, without anything that it was sent."""
        said = one_line("; ".join(answer.errors), 200)
        return Redactor([*self._secrets, *(strings(document) if document else ())]).foreign_text(said)

    def _send(self, client: Any, request: Callable[[Any], Any]) -> Answer:
        reply: _Reply = request(client)
        body = None
        if reply.content:
            with contextlib.suppress(ValueError, RecursionError):
                body = reply.json()
        return Answer(
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
            why = error.message.replace("ca_path", options.called("ca_path"), 1)
            raise StoreError(f"The store {self.shown} cannot be used: {why}", hint=error.hint) from None
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
                raise _LoginPutOff(answer)
            reason = "the server is sealed" if answer.is_sealed else self.redacted(answer) or f"HTTP {answer.status}"
            raise StoreError(
                f"{self.shown} refused the login by {method} at auth/{mount} ({reason}).",
                hint=f"Check {listed(LOGIN_NEEDS[method])}, and auth_mount_point and namespace of the store.",
                http_status=answer.status,
            )
        self._secrets.append(auth["client_token"])
        client.token = auth["client_token"]
        lease = auth.get("lease_duration")
        lasts = float(lease) if isinstance(lease, int) and lease > 0 else float("inf")
        self._login_again = self._clock.monotonic() + 0.8 * lasts
        # One of the kind batch is nowhere kept, and cannot be ended.
        if auth.get("token_type") != "batch":
            self._logins.append((client.token, self._clock.monotonic() + lasts))
