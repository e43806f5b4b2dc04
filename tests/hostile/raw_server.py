# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on bare sockets, for answers that no web server would send."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable

Play = Callable[[socket.socket, bytes], None]


class RawServer:
    """Reads one request per connection and lets a function answer. With ``context`` it uses TLS.

    Without ``reads``, that function also has to read the request.
    """

    def __init__(self, play: Play, context: ssl.SSLContext | None = None, reads: bool = True) -> None:
        self._play = play
        self._context = context
        self._reads = reads
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"{'http' if context is None and reads else 'https'}://127.0.0.1:{self.port}"
        self.seen: list[bytes] = []
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> RawServer:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in (self._accepting, *self._threads):
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listening.accept()
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with connection:
                head = b""
                if self._reads:
                    head = _request(connection)
                    self.seen.append(head)
                self._play(connection, head)


def _request(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
        head += piece
    # Read the body too: closing a socket with unread bytes resets the connection, and the answer is lost.
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    left = int(length[1]) - len(head.partition(b"\r\n\r\n")[2]) if length else 0
    while left > 0 and (piece := connection.recv(left)):
        head += piece
        left -= len(piece)
    return head


def says(*pieces: bytes) -> Play:
    """Send these bytes and close."""

    def play(connection: socket.socket, _head: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return play


def waits(connection: socket.socket, _head: bytes) -> None:
    """Send no answer until the client has gone."""
    while connection.recv(65536):
        pass
