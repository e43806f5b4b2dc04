# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server of a `hashi_vault`: its address, its connections, and how a request to it is made and bounded."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from ansible_collections.krcloud.credentials.plugins.module_utils._call.backoff import full_jitter
from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Limits, Operation
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_answers import Answer, answer_of
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_login import Login
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options

# How many seconds all attempts at one request may take, and how many times the timeout all of one answer.
_LONGEST = 60.0
_LONGEST_ANSWER = 3

T = TypeVar("T")


class _Connection:
    """What is open from the first request until `Server.close`."""

    def __init__(self, transport: wire.PooledTransport, caller: Caller, login: Login) -> None:
        self.transport = transport
        self.caller = caller
        self.login = login


class Server:
    """One server and the login there. Threads may share it.

    It connects with the first request, also with the first after `close`. ``learn`` is told of each secret that comes
    up while it is used.
    """

    def __init__(
        self,
        options: Options,
        *,
        learn: Callable[[str], None] = lambda secret: None,
        clock: Clock | None = None,
        backoff: Callable[[int], float] = full_jitter,
    ) -> None:
        self.url: str = options["url"]
        self._options = options
        self._learn_too = learn
        self._clock = clock or Clock()
        self._backoff = backoff
        self._lock = threading.Lock()
        self._connection: _Connection | None = None
        self._secrets = options.secrets

    @property
    def secrets(self) -> list[str]:
        """What the server is sent to let us in, as far as known by now."""
        return list(self._secrets)

    def call(
        self,
        operation: Operation,
        interpret: Callable[[Answer], T],
        values: Mapping[str, str],
        body: Any = None,
        on_unanswered: Callable[[], None] = lambda: None,
    ) -> T:
        """Make a request as `Caller.call` does. ``body`` is sent as JSON, if there is one.

        Raises StoreError, and UnknownOutcomeError, both with options called as those of the store.
        """
        connection = self._connected()
        try:
            return connection.caller.call(
                operation,
                lambda response: interpret(answer_of(response)),
                values=values,
                body=None if body is None else lambda: json.dumps(body).encode(),
                headers=None if body is None else {"Content-Type": "application/json"},
                sign=lambda _target, _now: connection.login.headers(),
                on_unanswered=on_unanswered,
            )
        except (StoreError, UnknownOutcomeError) as error:
            error.hint = self._hint(error)
            raise
        except KrcloudError as error:
            raise StoreError(error.message, hint=self._hint(error), http_status=error.http_status) from None

    @staticmethod
    def _hint(error: KrcloudError) -> str:
        """Return what to do, in the words of the store: the wire speaks of the option of the vendors."""
        said, usual = error.hint, "Check url of the store, the network and the server, then run again."
        if isinstance(error, UnknownOutcomeError):
            said, usual = error.last.hint if error.last else None, "Run again when the server answers."
        return said.replace("api_url", "url of the store") if said else usual

    def close(self) -> list[str]:
        """End our own logins and close all connections; return in clauses why some logins could not be ended."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is None:
            return []
        faults = connection.login.end()
        connection.transport.close()
        return faults

    def _connected(self) -> _Connection:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _connect(self) -> _Connection:
        options = self._options
        timeout, longest = options["timeout"], _LONGEST_ANSWER * options["timeout"]
        transport = self._open_transport()
        called = f"The store {self.url}"

        def caller(limits: Limits) -> Caller:
            return Caller(transport, self.url, limits, called=called, clock=self._clock, backoff=self._backoff)

        once = caller(Limits(timeout, 0, longest))
        login = Login(options, once, self._clock, self._learn, lambda: self.secrets)
        limits = Limits(timeout, options["retries"], max(_LONGEST, longest), longest)
        return _Connection(transport, caller(limits), login)

    def _open_transport(self) -> wire.PooledTransport:
        options = self._options
        try:
            if wire.REQUESTS_IMPORT_ERROR:
                raise wire.RequestsMissing
            return wire.PooledTransport(
                self.url,
                validate_certs=options["validate_certs"],
                ca_path=options["ca_path"],
                ca_path_called=options.called("ca_path"),
                connections=options["concurrency"],
            )
        except ConfigurationError as error:
            raise StoreError(f"The store {self.url} cannot be used: {error.message}", hint=error.hint) from None
        except wire.RequestsMissing:
            raise StoreError(
                f"The store hashi_vault needs the Python library requests, and {sys.executable} does not have it.",
                hint=f"Install it: {sys.executable} -m pip install requests",
            ) from None

    def _learn(self, secret: str) -> None:
        self._secrets.append(secret)
        self._learn_too(secret)
