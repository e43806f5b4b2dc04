# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token that requests to a `hashi_vault` carry: a given one, or one from a login, which ends with its use.

Sources: the API pages of HashiCorp Vault and OpenBao for ``auth/approle/login``, ``auth/jwt/login``,
``auth/kubernetes/login`` and ``auth/token/revoke-self``. The login by Kubernetes takes the same two fields as the one
by JWT.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Operation, Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    KrcloudError,
    TransportError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_answers import (
    answer_of,
    refusal,
    words_of,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options, listed

# A login whose answer is lost leaves a token behind that ends by itself: nothing of ours has changed.
_LOG_IN = Operation("login", "/v1/auth/{+mount}/login", Repeat.SAFE)
_REVOKE = Operation("revoke-self", "/v1/auth/token/revoke-self", Repeat.IDEMPOTENT)

# The options that each method sends.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "approle": ("role_id", "secret_id"),
    "jwt": ("role", "jwt"),
    "kubernetes": ("role", "jwt"),
}
# Where Kubernetes puts the token of its service account in each pod. It is replaced from time to time.
POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 a path
_LONGEST_TOKEN = 64 * 1024
# Of the time that a token lasts, after how much of it to log in again.
_MOST_OF_IT = 0.8
# In seconds. A server may send a number that is too large for a float.
_FOR_EVER = 1e9


def _is_token(value: Any) -> bool:
    """Tell whether a value can go into a header as a token. After a first factor alone, a server gives an empty one."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value.strip() == value != ""


def _lifetime(lease: Any) -> float:
    """Return how many seconds a token lasts according to the server; infinity if that is not a number above 0."""
    is_number = isinstance(lease, (int, float)) and not isinstance(lease, bool)
    return min(lease, _FOR_EVER) if is_number and lease > 0 else math.inf


def _failed(error: KrcloudError) -> KrcloudError:
    """Return a failed login as an error of the request that needs it. Whatever became of the login, that never left."""
    kind = TransportError if error.repeatable else StoreError
    failure = kind(error.message, hint=error.hint, http_status=error.http_status, repeatable=error.repeatable)
    failure.retry_after = error.retry_after
    return failure


class Login:
    """The way into one server. Threads may share it.

    ``once`` is a caller that tries each request once: whoever needs a token tries again, for login and request
    together. ``learn`` is told of each secret that comes up, and ``secrets`` returns those that are known.
    """

    def __init__(
        self,
        options: Options,
        once: Caller,
        clock: Clock,
        learn: Callable[[str], None],
        secrets: Callable[[], list[str]],
    ) -> None:
        self._options = options
        self._once = once
        self._clock = clock
        self._learn = learn
        self._secrets = secrets
        self._lock = threading.Lock()
        self._method: str = options["auth_method"]
        self._mount: str = options["auth_mount_point"] or self._method
        self._token: str | None = options["token"] if self._method == "token" else None
        self._again = math.inf
        self._failure: KrcloudError | None = None
        self._failed_at = -math.inf
        # Tokens of our own, and when they end by themselves.
        self._ours: list[tuple[str, float]] = []

    def headers(self) -> dict[str, str]:
        """Return the headers that let a request in, after a login where one is due.

        Raises TransportError where a login may work later, and StoreError where it will not.
        """
        asked_at = self._clock.monotonic()
        with self._lock:
            if self._token is None or self._clock.monotonic() >= self._again:
                self._token = None
                if self._failure is None or self._failed_at < asked_at:
                    self._log_in()
                else:
                    # Another thread has tried meanwhile. With a server that hangs, trying in turn would take forever.
                    raise _failed(self._failure)
            return self._headers(self._token)

    def end(self) -> list[str]:
        """End our own logins, and return in clauses why some could not be ended.

        A token that was given is not ours to end.
        """
        with self._lock:
            ours, self._ours = self._ours, []
        now = self._clock.monotonic()
        return [fault for token, ends in ours if now < ends and (fault := self._log_out(token))]

    def _log_out(self, token: str) -> str:
        try:
            status = self._once.call(_REVOKE, lambda response: response.status, headers=self._headers(token))
        except UnknownOutcomeError as error:
            return error.story.rstrip(".")
        except KrcloudError as error:
            return error.message.rstrip(".")
        if status < 300:
            return ""
        reason = ": it has ended already, or its policy lacks update on auth/token/revoke-self" if status == 403 else ""
        return f"HTTP {status}{reason}"

    def _log_in(self) -> None:
        fields = {name: self._options[name] for name in FIELDS[self._method]}
        if "jwt" in fields and not fields["jwt"]:
            fields["jwt"] = self._token_of_the_pod()
        try:
            auth = self._once.call(
                _LOG_IN,
                self._granted,
                values={"mount": self._mount},
                body=lambda: json.dumps(fields).encode(),
                headers={**self._headers(None), "Content-Type": "application/json"},
            )
        except KrcloudError as error:
            self._failure, self._failed_at = error, self._clock.monotonic()
            raise _failed(error) from None
        self._keep(auth)

    def _granted(self, response: Response) -> Mapping[str, Any]:
        answer = answer_of(response)
        auth = (answer.body or {}).get("auth") if answer.status == 200 else None
        if isinstance(auth, dict) and _is_token(auth.get("client_token")):
            return auth
        clause = f"refused the login by {self._method} at auth/{self._mount}"
        hint = f"Check {listed(FIELDS[self._method])}, and auth_mount_point and namespace of the store."
        if answer.status == 200:
            clause = f"gave no token for the login by {self._method} at auth/{self._mount}"
            hint = "Check url and auth_mount_point of the store, and use a login without a second factor."
        raise refusal(answer, self._options["url"], clause, hint, words_of(answer, self._secrets()))

    def _keep(self, auth: Mapping[str, Any]) -> None:
        token, lease, now = auth["client_token"], auth.get("lease_duration"), self._clock.monotonic()
        self._learn(token)
        lasts = _lifetime(lease)
        self._token, self._again = token, now + _MOST_OF_IT * lasts
        # A token of the type batch is kept nowhere, and cannot be ended.
        if auth.get("token_type") != "batch":
            self._ours.append((token, now + lasts))

    def _token_of_the_pod(self) -> str:
        """Return the token that Kubernetes gives this pod now. Raises StoreError, which quotes nothing of it."""
        try:
            with open(POD_TOKEN, encoding="ascii") as file:
                text = file.read(_LONGEST_TOKEN).strip()
        except (OSError, ValueError) as error:
            why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is not text"
            text = ""
        else:
            why = "it is empty"
        if not text.isprintable() or not text:
            raise StoreError(
                f"The token of the pod cannot be read from {POD_TOKEN} ({why}).",
                hint="Run in a pod that has a service account and mounts its token, or set jwt of the store.",
            )
        self._learn(text)
        return text

    def _headers(self, token: str | None) -> dict[str, str]:
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        if self._options["namespace"]:
            headers["X-Vault-Namespace"] = self._options["namespace"]
        return headers
