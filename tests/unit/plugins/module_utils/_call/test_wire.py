# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire, against a server that misbehaves: what had left, when a request is over, and what is said about it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import (
    AnswerLost,
    NotSent,
    Request,
    Response,
    TooLarge,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._call.wire import (
    USER_AGENT,
    PooledTransport,
    tls_context,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.signature import ncp_headers
from hostile.raw_server import RawServer, says, waits
from support.simulator import Simulator
from support.simulator.tls import BEHIND_PROXY

PATH = "/api/v2/accounts/getList"
BODY = b'{"canary": "body-canary"}'
# No request below comes near this. If a limit does not hold, the test runs into its own time limit.
AMPLE = 600.0
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    running.reset()
    return running


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Use no proxies, authorities and passwords of the machine that runs the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def connect() -> Iterator[Callable[..., PooledTransport]]:
    """Make transports that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(url: str, **options: Any) -> PooledTransport:
            transport = PooledTransport(url, **options)
            stack.callback(transport.close)
            return transport

        yield make


Connect = Callable[..., PooledTransport]


def request(sim: Simulator, url: str | None = None, largest: int = 65536, body: bytes = BODY) -> Request:
    headers = ncp_headers("POST", PATH, time.time(), sim.access_key, sim.secret_key)
    return Request((url or sim.ncp_url) + PATH, {"Content-Type": "application/json", **headers}, body, largest)


def send(transport: PooledTransport, what: Request, timeout: float = AMPLE, deadline: float = AMPLE) -> Response:
    return transport.send(what, timeout, time.monotonic() + deadline)


def ask(connect: Connect, sim: Simulator, url: str | None = None, **options: Any) -> Response:
    """One request over a connection of its own."""
    return send(connect(url or sim.ncp_url, **options), request(sim, url))


@pytest.fixture
def refused_port() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


# ------------------------------------------------------------------------------------------------------------- answers


def test_an_answer_arrives_whole(sim: Simulator, connect: Connect) -> None:
    before = time.time()
    response = ask(connect, sim)
    assert response.status == 200
    assert b'"success": true' in response.body
    assert "x-ncp-trace-id" in response.headers
    assert before <= response.received_at <= time.time()
    (seen,) = sim.requests()
    assert seen["verified"] is True
    assert seen["body"] == BODY.decode()


def test_only_these_headers_are_sent(sim: Simulator, connect: Connect) -> None:
    ask(connect, sim)
    sent = {name.lower(): value for name, value in sim.requests()[0]["headers"].items()}
    ours = set(request(sim).headers)
    assert set(sent) - {name.lower() for name in ours} == {"host", "user-agent", "accept-encoding", "content-length"}
    assert sent["user-agent"] == USER_AGENT
    assert sent["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 429, 500, 503])
def test_an_error_is_an_answer_too(sim: Simulator, connect: Connect, status: int) -> None:
    sim.fault("ncp", "getList", "status", status=status)
    assert ask(connect, sim).status == status


def test_compressed_answers_are_not_inflated(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "gzip", size=20)
    response = ask(connect, sim)
    assert response.body.startswith(b"\x1f\x8b")
    assert len(response.body) < 65536


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers_and_not_followed(sim: Simulator, connect: Connect, status: int) -> None:
    sim.fault("ncp", "getList", "redirect", status=status)
    assert ask(connect, sim).status == status
    assert sim.counters()["trap"]["requests"] == 0
    assert len(sim.requests()) == 1


def test_the_largest_answer_is_taken_and_one_byte_more_is_not(connect: Connect, sim: Simulator) -> None:
    def answer(size: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size + b"x" * size

    with RawServer(says(answer(1000))) as server:
        assert len(send(connect(server.url), request(sim, server.url, largest=1000)).body) == 1000
        with pytest.raises(TooLarge, match="the answer is larger than 999 bytes"):
            send(connect(server.url), request(sim, server.url, largest=999))


@pytest.mark.parametrize("kind", ["huge", "endless"])
def test_hostile_sizes_are_refused_in_little_memory(sim: Simulator, connect: Connect, kind: str) -> None:
    sim.fault("ncp", "getList", kind, interval=0)
    transport = connect(sim.ncp_url)
    tracemalloc.start()
    try:
        with pytest.raises(AnswerLost, match="the answer is larger than 65536 bytes"):
            send(transport, request(sim))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The server is in this process, too. Its answer has a hundred megabytes or no end.
    assert peak < 10_000_000


def test_after_a_refused_answer_the_next_request_is_answered(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "huge")
    transport = connect(sim.ncp_url)
    with pytest.raises(AnswerLost):
        send(transport, request(sim))
    assert send(transport, request(sim)).status == 200


@pytest.mark.parametrize(
    "rule", [{"count": 2000}, {"count": 1, "size": 100_000}], ids=["many headers", "one long header"]
)
def test_a_flood_of_headers_is_refused(sim: Simulator, connect: Connect, rule: dict[str, int]) -> None:
    sim.fault("ncp", "getList", "header_flood", **rule)
    with pytest.raises(AnswerLost):
        ask(connect, sim)


# ------------------------------------------------------------------------- what had left, and why no answer came of it

LOST = {
    "drop": "the connection was closed before the answer was complete",
    "reset": "the connection was closed before the answer was complete",
    "torn": "the answer broke off",
}


@pytest.mark.parametrize("kind", LOST)
def test_an_answer_that_is_lost(sim: Simulator, connect: Connect, kind: str) -> None:
    sim.fault("ncp", "getList", kind)
    with pytest.raises(AnswerLost, match=LOST[kind]):
        ask(connect, sim)


RAW_LOST = [
    b"",
    b"garbage\r\n\r\n",
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
]


@pytest.mark.parametrize("reply", RAW_LOST)
def test_an_answer_that_is_malformed(sim: Simulator, connect: Connect, reply: bytes) -> None:
    with RawServer(says(reply)) as server, pytest.raises(AnswerLost):
        send(connect(server.url), request(sim, server.url))


@pytest.mark.parametrize("length", [0, 2, 5])
def test_chunks_are_read_to_their_end_whatever_length_is_announced(
    sim: Simulator, connect: Connect, length: int
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with RawServer(says(head, b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n")) as server:
        assert send(connect(server.url), request(sim, server.url)).body == b"hello"


def test_a_body_that_ends_with_the_connection_is_whole(sim: Simulator, connect: Connect) -> None:
    with RawServer(says(b"HTTP/1.0 200 OK\r\n\r\n", b"first ", b"second")) as server:
        assert send(connect(server.url), request(sim, server.url)).body == b"first second"


def test_nothing_left_when_the_port_refuses(sim: Simulator, connect: Connect, refused_port: int) -> None:
    url = f"http://127.0.0.1:{refused_port}"
    with pytest.raises(NotSent, match="the connection was refused"):
        send(connect(url), request(sim, url))


def test_nothing_left_when_the_name_is_unknown(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(host: str, *_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host}")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match=r"^the host name could not be resolved$"):
        send(connect("https://vendor.invalid"), request(sim, "https://vendor.invalid"))


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid"])
def test_nothing_left_when_the_name_cannot_be_one(sim: Simulator, connect: Connect, host: str) -> None:
    with pytest.raises(NotSent):
        send(connect(f"https://{host}"), request(sim, f"https://{host}"))


# ------------------------------------------------------------------------------------------------ time-outs, deadlines


def test_no_answer_within_the_timeout(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "hang")
    with pytest.raises(AnswerLost, match=r"^no answer within 0\.2 s$"):
        send(connect(sim.ncp_url), request(sim), timeout=0.2)


def test_no_answer_by_the_deadline(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "hang")
    with pytest.raises(AnswerLost, match=r"^the deadline passed$"):
        send(connect(sim.ncp_url), request(sim), deadline=0.2)


@pytest.mark.parametrize("kind", ["drip_head", "drip_body"])
def test_a_dripping_answer_ends_at_the_deadline(sim: Simulator, connect: Connect, kind: str) -> None:
    # Each byte comes well within the timeout, and all of them together would take minutes.
    sim.fault("ncp", "getList", kind, interval=0.1)
    with pytest.raises(AnswerLost, match=r"^the deadline passed$"):
        send(connect(sim.ncp_url), request(sim), deadline=0.5)


def test_a_dripping_answer_that_is_in_time_is_an_answer(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "drip_head", interval=0.0)
    assert ask(connect, sim).status == 200


def test_a_server_that_promises_an_answer_for_ever_ends_at_the_deadline(sim: Simulator, connect: Connect) -> None:
    def promise(connection: socket.socket, _head: bytes) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with RawServer(promise) as server, pytest.raises(AnswerLost):
        send(connect(server.url), request(sim, server.url), deadline=0.3)


def test_nothing_is_sent_after_the_deadline(sim: Simulator, connect: Connect) -> None:
    with pytest.raises(NotSent, match=r"^the deadline passed$"):
        send(connect(sim.ncp_url), request(sim), deadline=0.0)
    assert sim.requests() == []


def test_nothing_left_when_no_handshake_comes_about(sim: Simulator, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NotSent, match=r"^no connection within 0\.2 s$"):
            send(connect(url), request(sim, url), timeout=0.2)
        with pytest.raises(NotSent, match=r"^the deadline passed$"):
            send(connect(url), request(sim, url), deadline=0.2)


# ----------------------------------------------------------------------------------------------------------------- TLS

BAD_CERTIFICATES = {
    "tls_wrong_host_url": "another name",
    "tls_expired_url": "expired",
    "tls_self_signed_url": "self.signed certificate",
}


def test_our_own_authority_is_enough(sim: Simulator, connect: Connect) -> None:
    assert ask(connect, sim, sim.ncp_tls_url, ca_path=sim.ca_file).status == 200


@pytest.mark.parametrize("name", BAD_CERTIFICATES)
def test_a_bad_certificate_lets_nothing_leave(sim: Simulator, connect: Connect, name: str) -> None:
    with pytest.raises(NotSent, match=rf"its TLS certificate .*{BAD_CERTIFICATES[name]}"):
        ask(connect, sim, getattr(sim, name), ca_path=sim.ca_file)
    assert sim.requests() == []


def test_a_certificate_of_an_unknown_authority_lets_nothing_leave(sim: Simulator, connect: Connect) -> None:
    with pytest.raises(NotSent, match="its TLS certificate is not trusted"):
        ask(connect, sim, sim.ncp_tls_url)
    assert sim.requests() == []


@pytest.mark.parametrize("name", ["ncp_tls_url", *BAD_CERTIFICATES])
def test_any_certificate_does_where_none_is_verified(sim: Simulator, connect: Connect, name: str) -> None:
    assert ask(connect, sim, getattr(sim, name), validate_certs=False).status == 200


@pytest.mark.parametrize("scheme", ["HTTPS", "Https"])
def test_the_spelling_of_the_scheme_does_not_matter(sim: Simulator, connect: Connect, scheme: str) -> None:
    url = sim.ncp_tls_url.replace("https", scheme)
    assert ask(connect, sim, url, ca_path=sim.ca_file).status == 200
    sim.fault("ncp", "getList", "drip_body", interval=0.1)
    with pytest.raises(AnswerLost, match=r"^the deadline passed$"):
        send(connect(url, ca_path=sim.ca_file), request(sim, url), deadline=0.5)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_authorities_of_the_environment(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, sim.ca_file)
    assert ask(connect, sim, sim.ncp_tls_url).status == 200


def test_ca_path_replaces_the_authorities_of_the_environment(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    assert ask(connect, sim, sim.ncp_tls_url, ca_path=sim.ca_file).status == 200


def test_an_empty_folder_holds_no_authorities(sim: Simulator, connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(NotSent, match="its TLS certificate is not trusted"):
        ask(connect, sim, sim.ncp_tls_url, ca_path=str(tmp_path))


def test_a_tilde_in_ca_path_is_home(sim: Simulator, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_bytes(Path(sim.ca_file).read_bytes())
    assert ask(connect, sim, sim.ncp_tls_url, ca_path="~/authority.pem").status == 200


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
@pytest.mark.parametrize("source", ["ca_path", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bad_list_of_authorities_is_a_mistake_of_the_user(tmp_path: Path, content: str | None, source: str) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    given = (str(path), {}) if source == "ca_path" else (None, {source: str(path)})
    with pytest.raises(ConfigurationError) as caught:
        tls_context(True, *given)
    assert f"{source} names {path}, which " in caught.value.message
    assert ("does not exist" in caught.value.message) == (content is None)


@pytest.mark.parametrize("blank", ["\n", " ", "\x1b[2J"])
def test_a_line_break_of_ca_path_is_named_as_such(tmp_path: Path, blank: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        tls_context(True, f"{tmp_path}/absent.pem{blank}", {})
    assert caught.value.message == "ca_path has blanks around it or control characters in it."


def test_a_ca_path_that_is_not_a_path_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a usable list of certificate authorities"):
        tls_context(True, "/etc/\0ca.pem", {})


def test_old_tls_is_not_spoken() -> None:
    for validate in (True, False):
        assert tls_context(validate, None, {}).minimum_version.name == "TLSv1_2"


# ---------------------------------------------------------------------------------------------- what is not taken over


@pytest.mark.parametrize("by", ["NETRC", "HOME"])
def test_netrc_adds_no_credentials(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    file = tmp_path / (".netrc" if by == "HOME" else "elsewhere")
    file.write_text("machine 127.0.0.1 login canary password netrc-canary\ndefault login a password b\n")
    file.chmod(0o600)
    monkeypatch.setenv(by, str(tmp_path if by == "HOME" else file))
    # The file is one that requests itself would use.
    assert requests.utils.get_netrc_auth(sim.ncp_url) == ("canary", "netrc-canary")
    ask(connect, sim)
    assert "authorization" not in {name.lower() for name in sim.requests()[0]["headers"]}


def test_netrc_does_not_replace_an_authorization(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login canary password netrc-canary\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    signed = request(sim)
    ours = Request(signed.url, {**signed.headers, "Authorization": "HMAC-SHA256 ours"}, b"{}", 65536)
    send(connect(sim.ncp_url), ours)
    assert sim.requests()[0]["headers"]["Authorization"] == "HMAC-SHA256 ours"


def test_cookies_are_not_kept(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "status", status=500, headers={"Set-Cookie": "canary=1; Path=/"})
    transport = connect(sim.ncp_url)
    assert "canary=1" in send(transport, request(sim)).headers["set-cookie"]
    send(transport, request(sim))
    assert "cookie" not in {name.lower() for name in sim.requests()[1]["headers"]}


def test_connections_are_used_again(sim: Simulator, connect: Connect) -> None:
    transport = connect(sim.ncp_url)
    for _index in range(5):
        send(transport, request(sim))
    assert sim.counters()["ncp"]["connections"] == 1
    assert len(sim.requests()) == 5


def test_an_error_keeps_the_connection_too(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "status", status=500)
    transport = connect(sim.ncp_url)
    assert [send(transport, request(sim)).status for _index in range(2)] == [500, 200]
    assert sim.counters()["ncp"]["connections"] == 1


def test_threads_share_a_transport_and_not_their_fate(sim: Simulator, connect: Connect) -> None:
    sim.fault("ncp", "getList", "drop", times=3)
    transport = connect(sim.ncp_url, connections=8)
    start = threading.Barrier(8)

    def one(_at: int) -> str:
        start.wait(AMPLE)
        try:
            return str(send(transport, request(sim)).status)
        except (AnswerLost, NotSent) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        ends = sorted(pool.map(one, range(8)))
    assert ends == ["200"] * 5 + ["AnswerLost"] * 3
    assert [send(transport, request(sim)).status for _index in range(8)] == [200] * 8
    # Only the connections that were dropped had to be opened again.
    assert sim.counters()["ncp"]["connections"] <= 8 + 3


# ------------------------------------------------------------------------------------------------------------- proxies


def far(url: str) -> str:
    """The same server under a name that only a proxy knows."""
    return url.replace("127.0.0.1", BEHIND_PROXY)


LOOPBACK = ["127.0.0.1", "127.255.0.9", "localhost", "LOCALHOST", "[::1]"]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_never_goes_through_a_proxy(
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    sim: Simulator,
    refused_port: int,
    host: str,
    scheme: str,
    variable: str,
) -> None:
    with RawServer(says(b"")) as proxy:
        monkeypatch.setenv(variable, f"http://user:proxy-canary@127.0.0.1:{proxy.port}")
        url = f"{scheme}://{host}:{refused_port}"
        with pytest.raises(NotSent):
            ask(connect, sim, url)
    assert proxy.seen == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_loopback_is_reached_past_a_proxy_that_would_refuse(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, sim: Simulator, refused_port: int, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{refused_port}")
    assert ask(connect, sim).status == 200
    assert ask(connect, sim, sim.ncp_tls_url, ca_path=sim.ca_file).status == 200


def tunnel(connection: socket.socket, head: bytes) -> None:
    """A proxy that does what CONNECT asks for. It finds every host here."""
    port = head.split()[1].decode().rpartition(":")[2]
    with socket.create_connection(("127.0.0.1", int(port))) as onward:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pump, args=(onward, connection), daemon=True)
        back.start()
        pump(connection, onward)
        back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_plain_http_goes_through_the_proxy(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, refused_port: int, variable: str
) -> None:
    monkeypatch.setenv(variable, sim.ncp_url)
    # The vendor itself cannot be reached; the simulator answers as a proxy would.
    assert ask(connect, sim, f"http://{BEHIND_PROXY}:{refused_port}").status == 200


def test_tls_goes_through_a_tunnel(sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:proxy-canary@127.0.0.1:{proxy.port}")
        transport = connect(far(sim.ncp_tls_url), ca_path=sim.ca_file)
        assert send(transport, request(sim, far(sim.ncp_tls_url))).status == 200
        transport.close()
    assert proxy.seen[0].startswith(f"CONNECT {BEHIND_PROXY}:".encode())
    # The proxy gets only its own credentials, and the vendor gets only those of the vendor.
    assert b"proxy-authorization: basic " in proxy.seen[0].lower()
    assert b"x-ncp" not in proxy.seen[0].lower()
    assert "proxy-authorization" not in {name.lower() for name in sim.requests()[0]["headers"]}


def test_an_answer_lost_behind_a_tunnel_is_lost(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.fault("ncp", "getList", "drop")
    with RawServer(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = connect(far(sim.ncp_tls_url), ca_path=sim.ca_file)
        with pytest.raises(AnswerLost):
            send(transport, request(sim, far(sim.ncp_tls_url)))
        transport.close()


def test_a_certificate_behind_a_tunnel_is_verified(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = connect(far(sim.tls_expired_url), ca_path=sim.ca_file)
        with pytest.raises(NotSent, match="certificate has expired"):
            send(transport, request(sim, far(sim.tls_expired_url)))
        transport.close()
    assert sim.requests() == []


REFUSING = [
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    b"garbage\r\n\r\n",
    b"",
]


@pytest.mark.parametrize("reply", REFUSING)
def test_nothing_left_when_the_proxy_does_not_connect(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    with RawServer(says(reply)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(NotSent):
            ask(connect, sim, far(sim.ncp_tls_url), ca_path=sim.ca_file)
    assert proxy.seen
    assert sim.requests() == []


def test_nothing_left_when_the_proxy_never_answers(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(waits) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = connect(far(sim.ncp_tls_url), ca_path=sim.ca_file)
        with pytest.raises(NotSent):
            send(transport, request(sim, far(sim.ncp_tls_url)), timeout=0.2)


@pytest.mark.parametrize("url", ["ncp_url", "ncp_tls_url"])
def test_a_proxy_that_refuses_is_named_as_such(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, refused_port: int, url: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://user:proxy-canary@127.0.0.1:{refused_port}")
    with pytest.raises(NotSent, match=r"^the proxy of the environment did not connect$"):
        ask(connect, sim, far(getattr(sim, url)), **({"ca_path": sim.ca_file} if "tls" in url else {}))


# These are all addresses of this host, but none is known as a loopback address.
ANY = "0.0.0.0"  # noqa: S104  # a name of the server, which binds to 127.0.0.1


@pytest.mark.parametrize("exception", [ANY, "*", "0.0.0.0/8", f"localhost,{ANY}"])
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy_is_honoured(
    sim: Simulator,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    refused_port: int,
    variable: str,
    exception: str,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{refused_port}")
    url = sim.ncp_url.replace("127.0.0.1", ANY)
    with pytest.raises(NotSent, match="the proxy of the environment did not connect"):
        ask(connect, sim, url)
    monkeypatch.setenv(variable, exception)
    assert ask(connect, sim, url).status == 200


BAD_PROXIES = [
    "http://[proxy-canary",
    "http://",
    "http://user:proxy-canary@",
    "gopher://user:proxy-canary@127.0.0.1:1",
    "http://user:proxy-canary@127.0.0.1:99999",
    "http://user:proxy-canary@127.0.0.1:port",
    "socks9://user:proxy-canary@127.0.0.1:1",
]


@pytest.mark.parametrize("setting", BAD_PROXIES)
def test_a_proxy_setting_that_is_not_valid_lets_nothing_leave_and_is_not_quoted(
    sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", setting)
    with pytest.raises(NotSent) as caught:
        ask(connect, sim, far(sim.ncp_url))
    assert "canary" not in str(caught.value)
    assert sim.requests() == []


def test_socks_without_its_library_is_named(sim: Simulator, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", missing)
    monkeypatch.setenv("HTTP_PROXY", "socks5://user:proxy-canary@127.0.0.1:1")
    with pytest.raises(NotSent, match="needs a library that is missing"):
        ask(connect, sim, far(sim.ncp_url))


# -------------------------------------------------------------------------------------------------------- what is said


@pytest.mark.parametrize("kind", ["drop", "reset", "torn", "huge", "header_flood", "hang"])
def test_no_failure_quotes_what_was_sent_or_where(sim: Simulator, connect: Connect, kind: str) -> None:
    sim.fault("ncp", "getList", kind)
    transport = connect(sim.ncp_url)
    base = request(sim)
    secret_url = base.url.replace("http://", "http://user:url-canary@")
    with pytest.raises(AnswerLost) as caught:
        send(transport, Request(secret_url, base.headers, BODY, 65536), timeout=0.2)
    assert "canary" not in repr(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
