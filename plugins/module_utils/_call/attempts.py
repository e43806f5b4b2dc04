# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One attempt at a request: when it must be over, how much may come in, and whether anything has left."""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextvars import ContextVar
from typing import Any

# In bytes. Beyond the body and what chunks add to it: status lines, headers, trailers.
_LARGEST_REST = 64 * 1024


class TooLarge(ValueError):
    """The answer is larger than the operation allows."""


class Attempt:
    """One attempt at one request: when it must be over, and whether the server may have seen any of it."""

    def __init__(self, timeout: float, deadline: float, largest_answer: int) -> None:
        self.timeout = timeout
        self.deadline = deadline
        self.sent = False
        self._largest_answer = largest_answer
        self._room = 2 * largest_answer + _LARGEST_REST

    def received(self, size: int) -> None:
        """Count what came in. http.client has no limit of its own for interim answers, trailers and odd chunks."""
        self._room -= size
        if self._room < 0:
            raise TooLarge(self._largest_answer)

    def time_for_one_read(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(self.timeout, left)


# http.client builds its objects itself and passes nothing on: this is how they know the attempt they serve.
current: ContextVar[Attempt] = ContextVar("current")


class _BoundedReader(io.RawIOBase):
    """Reads a socket, each time for no longer than the attempt has left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        attempt = current.get()
        self._sock.settimeout(attempt.time_for_one_read())
        size = self._raw.readinto(buffer)
        attempt.received(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class BoundedAnswer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))
