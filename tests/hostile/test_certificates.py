# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that cannot prove its identity or has no secure TLS gets no request, and the task says why."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from hostile.answers import RIGHT, whole
from hostile.operations import HASTE, MAIL, OPERATIONS, RESET, SECRET, Operation, failure_of, result_of, texts
from hostile.raw_server import Play, RawServer, says, waits
from hostile.tasks import TargetHost, target_host
from support.playbooks import RunPlaybook
from support.simulator import tls
from tooling import tree

pytestmark = pytest.mark.timeout(120)
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
right = says(whole(200, RIGHT))


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls") / "ca.pem"


@pytest.fixture(scope="module")
def contexts(ca_file: Path) -> dict[str, ssl.SSLContext]:
    return tls.contexts(ca_file)


def check_nothing_sent(server: RawServer, result: dict[str, object], operation: Operation) -> None:
    """Check that the outcome of the failure is known: the request never left."""
    assert server.seen == []
    assert isinstance(result["error"], dict)
    assert result["error"]["kind"] == "transport"
    assert operation.verdict(result) == ("failed" if operation.changes and operation is not MAIL else None)
    assert not result.get("changed")


@each_operation
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("wrong_host", "its TLS certificate is for another name. Check api_url."),
        ("expired", "its TLS certificate has expired. Check the clock of this host"),
        ("not_yet_valid", "its TLS certificate is not trusted (certificate is not yet valid)."),
        ("self_signed", "its TLS certificate is not trusted (self-signed certificate"),
    ],
)
def test_a_certificate_that_proves_nothing(
    target: TargetHost,
    peaks: list[int],
    contexts: dict[str, ssl.SSLContext],
    ca_file: Path,
    operation: Operation,
    certificate: str,
    words: str,
) -> None:
    with RawServer(right, contexts[certificate]) as server:
        result = failure_of(operation.run(target, server.url, ca_path=str(ca_file)), peaks)
    check_nothing_sent(server, result, operation)
    assert words in result["msg"]


SWITCHES = {
    "PYTHONHTTPSVERIFY": "0",
    "REQUESTS_CA_BUNDLE": "",
    "CURL_CA_BUNDLE": "",
    "SSL_CERT_FILE": "",
    "SSL_CERT_DIR": "",
}


def test_nothing_in_the_environment_switches_verification_off(
    peaks: list[int], contexts: dict[str, ssl.SSLContext], tmp_path: Path
) -> None:
    with target_host(str(tree.link()), {"HOME": str(tmp_path), **SWITCHES}) as careless:
        for operation in OPERATIONS:
            with RawServer(right, contexts["good"]) as server:
                result = failure_of(operation.run(careless, server.url), peaks)
            check_nothing_sent(server, result, operation)
            assert "is not trusted (unable to get local issuer certificate)" in result["msg"]


def _server_hello(version: bytes) -> bytes:
    body = version + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"
    handshake = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16" + version + len(handshake).to_bytes(2, "big") + handshake


def _greets(*answers: bytes, stay: bool = False) -> Play:
    """Read the hello of the client, then send this and close, or stay silent."""

    def play(connection: socket.socket, _head: bytes) -> None:
        hello = connection.recv(65536)
        assert SECRET.encode() not in hello
        for answer in answers:
            connection.sendall(answer)
        if stay:
            waits(connection, b"")

    return play


HANDSHAKES: dict[str, Play] = {
    "only TLS 1.0": _greets(_server_hello(b"\x03\x01"), stay=True),
    "only TLS 1.1": _greets(_server_hello(b"\x03\x02"), stay=True),
    "only SSL 3": _greets(_server_hello(b"\x03\x00"), stay=True),
    "an alert: protocol version": _greets(b"\x15\x03\x01\x00\x02\x02\x46"),
    "no TLS at all": _greets(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n\x1b[2J"),
    "nothing, and closes": _greets(),
    "nothing, and waits": _greets(stay=True),
    "half a hello, and waits": _greets(_server_hello(b"\x03\x03")[:20], stay=True),
    "a record of 64 KiB": _greets(b"\x16\x03\x03\xff\xff" + bytes(65535), stay=True),
    "another protocol": _greets(b"220 mail.example.com ESMTP\r\n", stay=True),
}


@each_operation
@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_handshake_that_comes_to_nothing(
    target: TargetHost, peaks: list[int], operation: Operation, name: str
) -> None:
    with RawServer(HANDSHAKES[name], reads=False) as server:
        result = failure_of(operation.run(target, server.url, **HASTE), peaks)
    check_nothing_sent(server, result, operation)


@pytest.mark.parametrize("name", HANDSHAKES)
def test_unverified_is_not_unprotected(target: TargetHost, peaks: list[int], name: str) -> None:
    with RawServer(HANDSHAKES[name], reads=False) as server:
        result = failure_of(RESET.run(target, server.url, validate_certs=False, **HASTE), peaks)
    check_nothing_sent(server, result, RESET)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_newer_versions_are_spoken(
    target: TargetHost, peaks: list[int], ca_file: Path, contexts: dict[str, ssl.SSLContext], version: ssl.TLSVersion
) -> None:
    context = tls.contexts(ca_file)["good"]
    context.minimum_version = context.maximum_version = version
    with RawServer(right, context) as server:
        result = result_of(RESET.run(target, server.url, ca_path=str(ca_file)), peaks)
    assert result["accounts"][0]["outcome"] == "reset"


@each_operation
@pytest.mark.parametrize("certificate", ["good", "wrong_host", "expired", "not_yet_valid", "self_signed"])
def test_each_unverified_task_says_so(
    target: TargetHost, peaks: list[int], contexts: dict[str, ssl.SSLContext], operation: Operation, certificate: str
) -> None:
    with RawServer(right, contexts[certificate]) as server:
        result = result_of(operation.run(target, server.url, validate_certs=False), peaks)
    assert len(server.seen) == 1
    assert any("TLS certificates are not verified" in text for text in texts(result["warnings"]))


PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - krcloud.credentials.ncp_dataforest_account_info:
        api_url: "{{ url }}"
        access_key: canary-access-key
        secret_key: "{{ secret }}"
        validate_certs: false
      no_log: "{{ hidden }}"
    - ansible.builtin.debug:
        msg: "{{ lookup('krcloud.credentials.dataforest_credential', 'df001', store=store) }}"
      ignore_errors: true
    - krcloud.credentials.ncp_dataforest_rotation:
        api_url: "{{ url }}"
        accounts: [{name: df001}]
        store: "{{ store }}"
      ignore_errors: true
      no_log: "{{ hidden }}"
"""


@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "no_log"])
def test_the_warning_is_on_the_screen(
    run_playbook: RunPlaybook, contexts: dict[str, ssl.SSLContext], hidden: bool
) -> None:
    with RawServer(right, contexts["self_signed"]) as server:
        store = {"type": "hashi_vault", "url": server.url, "token": SECRET, "validate_certs": False, "retries": 0}
        given = {"url": server.url, "secret": SECRET, "store": store, "hidden": hidden}
        ran = run_playbook(PLAYBOOK, extra_vars=given)
    screen = " ".join((ran.stdout + ran.stderr).split())
    assert ran.returncode == 0, screen
    assert "[WARNING]: TLS certificates are not verified (validate_certs is false)" in screen
    host = server.url.partition("://")[2]
    assert f"The TLS certificate of the store at {host} is not verified (validate_certs is false)" in screen
    assert SECRET not in screen
