# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands between a client and a server and spoils what it is told to: requests, answers, or the order of both."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """A request: its number among all requests, from 0, and its number among the writes, None for a read."""

    number: int
    write: int | None
    path: str
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer of the proxy's own."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


PASS = "pass it on"
DROP_REQUEST = "close the connection; the server never sees the request"
DROP_ANSWER = "let the server do it, then close the connection"
CUT_ANSWER = "let the server do it, and send half of its answer"
DENY_ANSWER = "let the server do it, and answer that a gateway timed out"
HANG = "let the server do it, and never answer"

Rule = Callable[[Seen], str | Reply]


class FaultProxy:
    """Listens on a free loopback port. ``rule`` decides request by request; ``connections`` counts the clients."""

    def __init__(self, upstream_port: int) -> None:
        self.rule: Rule = lambda seen: PASS
        self.seen: list[Seen] = []
        self.connections = 0
        self.most_at_once = 0
        self._at_once = 0
        self._writes = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with proxy._lock:
                    proxy.connections += 1

            def do_POST(self) -> None:
                self._pass_on()

            def do_GET(self) -> None:
                self._pass_on()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name in the standard library
                pass

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with proxy._lock:
                    write = proxy._writes if self.command == "POST" else None
                    proxy._writes += self.command == "POST"
                    seen = Seen(len(proxy.seen), write, self.path, body)
                    proxy.seen.append(seen)
                    proxy._at_once += 1
                    proxy.most_at_once = max(proxy.most_at_once, proxy._at_once)
                try:
                    self._answer(proxy.rule(seen), body)
                finally:
                    with proxy._lock:
                        proxy._at_once -= 1

            def _answer(self, action: str | Reply, body: bytes) -> None:
                if isinstance(action, Reply):
                    self._reply(action.status, action.headers, action.body)
                    return
                if action == DROP_REQUEST:
                    self._hang_up()
                    return
                upstream = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=10)
                with contextlib.closing(upstream):
                    upstream.request(self.command, self.path, body, dict(self.headers))
                    answer = upstream.getresponse()
                    data = answer.read()
                if action == HANG:
                    proxy._ended.wait(30)
                if action in (DROP_ANSWER, HANG):
                    self._hang_up()
                    return
                if action == DENY_ANSWER:
                    self._reply(504, (), b"<html>Gateway timeout")
                    return
                kind = (("Content-Type", answer.headers.get("Content-Type", "application/json")),)
                self._reply(answer.status, kind, data, cut=action == CUT_ANSWER)

            def _reply(
                self, status: int, headers: tuple[tuple[str, str], ...], data: bytes, *, cut: bool = False
            ) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if cut else data)
                if cut:
                    self._hang_up()

            def _hang_up(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultProxy]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()
