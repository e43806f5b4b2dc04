# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenID Connect issuer on loopback, in the role of GitLab, of GitHub or of a cluster of Kubernetes.

It signs with RS256, as all three do. Sources: OpenID Connect Discovery 1.0, RFC 7517 (JSON Web Key), RFC 7519 (JSON
Web Token), and for `job_tokens` GitHub's reference of its OpenID Connect.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

JOB_TOKENS = "/job-tokens"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8))


class Signer:
    """Signs tokens in the name of an issuer."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def signed(self, claims: Mapping[str, Any], lasts: float = 300.0) -> str:
        """A token that lasts for so many seconds; below zero, it has expired."""
        now = int(time.time())
        issued = now if lasts > 0 else now - 3600
        times = {"iat": issued, "nbf": issued, "exp": now + int(lasts)}
        parts: list[dict[str, Any]] = [
            {"alg": "RS256", "typ": "JWT", "kid": "one"},
            {"iss": self.issuer, **times, "jti": secrets.token_hex(8), **claims},
        ]
        text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_base64(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def keys(self) -> dict[str, Any]:
        """The public key, as a set of one."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one"}
        return {"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]}


class Issuer(Signer):
    """`with Issuer() as issuer:`; a server on loopback, whose public key is where discovery says.

    It also hands out tokens itself, as GitHub does, to a job that sends `job_secret` to `job_tokens_url`.
    """

    def __init__(self) -> None:
        self.job_claims: Mapping[str, Any] | None = None
        """What the tokens say that a job gets from `job_tokens_url`; none: it gets no token."""
        self.job_token_lasts = 300.0
        self.job_secret = secrets.token_hex(16)
        self.handed_out = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = issuer._answer(urlsplit(self.path), self.headers.get("Authorization", ""))
                data = json.dumps(answer).encode()
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        super().__init__(f"http://127.0.0.1:{self._server.server_port}")
        # GitHub's has a query, too, to which a job appends the audience.
        self.job_tokens_url = f"{self.issuer}{JOB_TOKENS}?api-version=2.0"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, url: SplitResult, authorization: str) -> dict[str, Any] | None:
        paths: dict[str, Callable[[], dict[str, Any] | None]] = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self.keys,
            JOB_TOKENS: lambda: self._job_token(parse_qs(url.query), authorization),
        }
        return paths.get(url.path, lambda: None)()

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _job_token(self, query: Mapping[str, list[str]], authorization: str) -> dict[str, Any] | None:
        if self.job_claims is None or authorization.lower() != f"bearer {self.job_secret}":
            return None
        self.handed_out += 1
        return {"value": self.signed({**self.job_claims, "aud": query["audience"][0]}, self.job_token_lasts)}
