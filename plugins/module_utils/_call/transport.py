# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sends one request once: its interface, and what passes through it. The one that is used is in `wire`."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Protocol


class Request(NamedTuple):
    """What goes over the wire."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    largest_answer: int
    method: str = "POST"

    def __repr__(self) -> str:
        return f"Request({self.method})"


class Response(NamedTuple):
    """A whole answer. ``headers`` takes names in lower case, ``received_at`` is in seconds since the epoch."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: float

    def __repr__(self) -> str:
        return f"Response({self.status})"


class NotSent(Exception):
    """No byte of the request left for the server: no connection, no TLS, no proxy. Says why in one clause.

    ``lasting`` says that trying again would end in the same way.
    """

    def __init__(self, why: str, hint: str = "Check the network, proxies and api_url.", lasting: bool = False) -> None:
        super().__init__(why)
        self.hint = hint
        self.lasting = lasting


class AnswerLost(Exception):
    """The request may have reached the server, and no whole answer came back. Says why in one clause."""


class TooLarge(AnswerLost):
    """The answer is larger than ``largest_answer``, and was not read to its end."""


class Transport(Protocol):
    """Sends one request once. Follows no redirect, adds no credentials, and is over by ``deadline``."""

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        """Return the answer, whatever its status.

        ``timeout`` bounds the connect and each read in seconds, ``deadline`` (on the monotonic clock) the whole.
        Raises NotSent or AnswerLost.
        """
