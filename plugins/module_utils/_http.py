# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""One call to a vendor: signed anew on every attempt, repeated only where that is safe, over by its deadline.

What may be repeated is decided per operation, not per HTTP method: both vendors read and write with POST.
Nothing here knows a vendor, Ansible or `requests`; the bytes go through a `Transport`.
"""

from __future__ import annotations

import email.utils
import enum
import math
import random
import re
from typing import Callable, Mapping, NamedTuple, Optional, Protocol, TypeVar
from urllib.parse import urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils import _errors, _numbers, _pace

T = TypeVar("T")

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
_AGES = 999_999_999.0

_RANDOM = random.SystemRandom()


class Repeat(enum.Enum):
    """May an operation be sent again when the fate of the first request is not known?"""

    SAFE = "it changes nothing"
    IDEMPOTENT = "sending the same value twice ends in the same state"
    UNSAFE = "each request acts again"


class Operation(NamedTuple):
    """One thing a vendor can be asked to do: a POST to ``path``, answered with ``largest_answer`` bytes at most."""

    name: str
    path: str
    repeat: Repeat
    largest_answer: int = 64 * 1024


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
    """No byte of the request left for the vendor: no connection, no TLS, no proxy. Says why in one clause.

    ``lasting`` says that trying again would meet the same.
    """

    def __init__(self, why: str, hint: str = "Check the network, proxies and api_url.", lasting: bool = False) -> None:
        super().__init__(why)
        self.hint = hint
        self.lasting = lasting


class AnswerLost(Exception):
    """The request may have reached the vendor, and no whole answer came back. Says why in one clause."""


class Transport(Protocol):
    """Sends one request once. Follows no redirect, adds no credentials, and is over by ``deadline``."""

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        """Return the answer, whatever its status.

        ``timeout`` bounds the connect and each read in seconds, ``deadline`` (on the monotonic clock) the whole.
        Raises NotSent or AnswerLost.
        """


class Limits:
    """``timeout`` and ``deadline`` in seconds; ``retries`` counts the attempts after the first."""

    def __init__(self, timeout: float = 10.0, retries: int = 3, deadline: float = 60.0) -> None:
        for name, value in (("timeout", timeout), ("retries", retries), ("deadline", deadline)):
            _numbers.check(name, value)
        self.timeout = timeout
        self.retries = retries
        self.deadline = deadline


def check_api_url(url: str) -> str:
    """Return the base URL without a trailing slash, or raise ConfigurationError.

    Only https is allowed, except to a loopback address: signatures do not cover the body, so whoever reads a
    request also reads the password.
    """
    if url != url.strip() or not url.isprintable():
        raise _errors.ConfigurationError(
            "api_url is not valid: it has blanks around it, or a line break or another control character in it.",
            hint="Often a line break of the file or variable it was read from.",
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _errors.ConfigurationError(
            "api_url is not a valid URL: write it as https://host or https://host:port."
        ) from None
    shown = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    if parts.scheme not in ("https", "http") or not host:
        raise _errors.ConfigurationError("api_url is not a web address: write it as https://host or https://host:port.")
    if parts.username is not None or parts.password is not None:
        raise _errors.ConfigurationError(
            f"api_url for {shown} holds a user name or password: take them out, the vendors do not use them."
        )
    if not url.isascii():
        raise _errors.ConfigurationError(
            "api_url is not valid: it has a character that is not ASCII.",
            hint="Write the host name as it is in DNS (xn--...).",
        )
    if not set(parts.netloc) <= _URL_HOST:
        raise _errors.ConfigurationError("api_url is not valid: it has a character that no host name has.")
    if parts.query or parts.fragment or not set(parts.path) <= _URL_PATH or "/." in parts.path:
        raise _errors.ConfigurationError(f"api_url for {shown} may hold nothing after the host but a plain path.")
    if parts.scheme == "http" and not is_loopback(host):
        raise _errors.ConfigurationError(
            f"api_url {shown} is plain http: the password would cross the network unprotected.",
            hint="Use https. Plain http is only for loopback addresses.",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


_LETTERS_AND_DIGITS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_URL_HOST = _LETTERS_AND_DIGITS | frozenset("-._:[]")
_URL_PATH = _LETTERS_AND_DIGITS | frozenset("/-._~")


# Each number as it is usually written: others may be octal to the resolver, or the name of something else.
_LOOPBACK = re.compile(r"127(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}")


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be this very machine."""
    return host in ("localhost", "::1") or bool(_LOOPBACK.fullmatch(host))


def parse_retry_after(value: Optional[str], now: float) -> Optional[float]:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None where it says nothing usable."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) < 10 else _AGES
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def clock_skew(response: Response) -> Optional[float]:
    """Return by how many seconds our clock is ahead of the server's Date header (negative: behind), if it has one."""
    try:
        return response.received_at - email.utils.parsedate_to_datetime(response.headers["date"]).timestamp()
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def clock_hint(response: Response, limit: float, vendor: str) -> Optional[str]:
    """Return what to do when our clock is ``limit`` seconds or more off the vendor's, None while it is not."""
    skew = clock_skew(response)
    if skew is None or abs(skew) < limit:
        return None
    side = "ahead of" if skew > 0 else "behind"
    return f"The clock of this host is {abs(skew):.0f} s {side} {vendor}, and {limit / 60:.0f} minutes may be: set it."


def full_jitter(attempt: int) -> float:
    """Return the seconds to wait after the given attempt (1 is the first), anywhere between none and a growing cap."""
    return _RANDOM.uniform(0.0, min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt, 10)))


class Wait(NamedTuple):
    """What a failed attempt leads to: so many seconds of waiting, or None and ``why`` in a clause: no time is left."""

    seconds: Optional[float]
    why: str = ""


# In seconds. With less, another attempt would end before it has begun.
_LEAST_LEFT = 0.001


def next_wait(
    attempt: int, asked: Optional[float], left: float, limit: str, backoff: Callable[[int], float] = full_jitter
) -> Wait:
    """Return how long to wait after the given attempt (1 is the first). Every loop that sends again asks here.

    ``asked`` are the seconds that the server named in Retry-After, whatever the status of its answer. The back-off
    comes on top, or all who were told the same would come back at the same instant. ``left`` are the seconds until the
    time for the whole is over, and ``limit`` says in words what ends it, such as "the deadline of 60 s".
    """
    seconds = backoff(attempt) + (asked or 0.0)
    if left - seconds > _LEAST_LEFT:
        return Wait(seconds)
    why = f"{limit} leaves no time for another"
    return Wait(None, f"{asked_for(asked)}, and {why}" if asked else why)


def asked_for(seconds: float) -> str:
    """Return the clause that names the wait that a server asks for."""
    return f"the server asked for {math.ceil(seconds)} s"


class Caller:
    """Makes calls to one vendor host under one set of limits. Threads may share it."""

    def __init__(
        self,
        transport: Transport,
        api_url: str,
        limits: Limits,
        *,
        clock: Optional[_pace.Clock] = None,
        pace: Optional[_pace.Pace] = None,
        backoff: Callable[[int], float] = full_jitter,
    ) -> None:
        self.api_url = check_api_url(api_url)
        self.clock = clock or _pace.Clock()
        self._transport = transport
        self._limits = limits
        self._pace = pace or _pace.Pace(clock=self.clock)
        self._backoff = backoff

    def call(
        self,
        operation: Operation,
        body: Callable[[], bytes],
        headers: Mapping[str, str],
        sign: Callable[[str, float], Mapping[str, str]],
        interpret: Callable[[Response], T],
        on_unanswered: Callable[[], None] = lambda: None,
    ) -> T:
        """Send a request until it has an answer that counts, and return what ``interpret`` makes of that answer.

        ``body`` and ``sign`` are asked again for every attempt; ``sign`` gets the path as it goes over the wire and the
        time. ``interpret`` raises the errors of ``_errors`` for all answers but a confirmation. ``on_unanswered`` is
        called when a confirmation follows an attempt that may still be carried out.

        Raises UnknownOutcomeError when any attempt of an operation that changes something may have been carried
        out and none was confirmed: a later refusal does not prove that the first request was lost. Whatever ``body``
        or ``sign`` raises is a ConfigurationError: nothing has left yet.
        """
        url = self.api_url + operation.path
        changes = operation.repeat is not Repeat.SAFE
        maybe_done: Optional[_errors.KrcloudError] = None
        deadline: Optional[float] = None
        error: _errors.KrcloudError = _errors.TransportError("Nothing was tried.")
        asked: Optional[float] = None
        attempt = 0
        while True:
            try:
                is_time = self._pace.wait(deadline)
            except Exception as failure:  # nothing has left yet, or what did is known
                raise self._final(_errors.unsendable(failure), maybe_done, attempt, None, "") from None
            if not is_time:
                why = f"{self._limit} leaves no time for another"
                raise self._final(error, maybe_done, attempt, asked, why) from None
            attempt += 1
            if deadline is None:
                deadline = self.clock.monotonic() + self._limits.deadline
            asked = None
            response: Optional[Response] = None
            try:
                request = self._written(operation, url, body, headers, sign)
                response = self._transport.send(request, self._limits.timeout, deadline)
                answer = interpret(response)
                if maybe_done is not None:
                    on_unanswered()
                return answer
            except NotSent as failure:
                error = _errors.TransportError(f"{_host(url)} could not be reached: {failure}.", hint=failure.hint)
                repeatable = not failure.lasting
            except AnswerLost as failure:
                error = _errors.TransportError(f"{_host(url)} gave no whole answer: {failure}.")
                repeatable = operation.repeat is not Repeat.UNSAFE
                maybe_done = error if changes else None
            except _errors.RateLimitError as refusal:
                error, repeatable = refusal, True
            except _errors.ProtocolError as failure:
                error = failure
                repeatable = failure.repeatable and operation.repeat is not Repeat.UNSAFE
                maybe_done = error if changes else None
            except _errors.KrcloudError as refusal:
                error, repeatable = refusal, False

            if response is not None:
                asked = parse_retry_after(response.headers.get("retry-after"), response.received_at)
                response = None  # it may be large, and the wait long
            if not repeatable:
                # What is not sent again because it would act again, a person may ask for when the wait is over.
                waits = isinstance(error, _errors.ProtocolError) and error.repeatable
                raise self._final(error, maybe_done, attempt, asked if waits else None, "") from None
            if attempt > self._limits.retries:
                raise self._final(error, maybe_done, attempt, asked, "") from None
            # Not earlier: nearly all requests succeed, and randomness is not for free.
            wait = next_wait(attempt, asked, deadline - self.clock.monotonic(), self._limit, self._backoff)
            if wait.seconds is None:
                raise self._final(error, maybe_done, attempt, asked, wait.why) from None
            too_many = isinstance(error, _errors.RateLimitError)
            if too_many or asked:
                self._pace.hold(wait.seconds, too_many)
            self.clock.sleep(wait.seconds)

    def _written(
        self,
        operation: Operation,
        url: str,
        body: Callable[[], bytes],
        headers: Mapping[str, str],
        sign: Callable[[str, float], Mapping[str, str]],
    ) -> Request:
        try:
            signed = sign(urlsplit(url).path, self.clock.time())
            return Request(url, {**headers, **signed}, body(), operation.largest_answer)
        except _errors.KrcloudError:
            raise
        except Exception as error:  # else it would look as if something had been sent
            raise _errors.unsendable(error) from None

    @property
    def _limit(self) -> str:
        return f"the deadline of {self._limits.deadline:g} s"

    def _final(
        self,
        error: _errors.KrcloudError,
        maybe_done: Optional[_errors.KrcloudError],
        attempts: int,
        asked: Optional[float],
        why: str,
    ) -> _errors.KrcloudError:
        """Return what the call ends with. ``why`` is the clause that says that there is no time left, if so."""
        count = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        if not why and asked:
            why = asked_for(asked)
        tried = f" Gave up after {count}: {why}." if why else f" Gave up after {count}." if attempts > 1 else ""
        if asked:
            error.hint = " ".join(filter(None, (f"Run the task again after {math.ceil(asked)} s.", error.hint)))
        if maybe_done is None:
            error.message += tried
            return error
        message = f"It is not known whether the request was carried out: {_clause(maybe_done.message)}"
        if error is not maybe_done:
            message += f" A later attempt ended differently: {_clause(error.message)}"
        return _errors.UnknownOutcomeError(
            message + tried,
            http_status=error.http_status,
            vendor_code=error.vendor_code,
            trace_id=error.trace_id or maybe_done.trace_id,
        )


def _clause(message: str) -> str:
    return message if message.endswith(".") else message + "."


def _host(url: str) -> str:
    return urlsplit(url).netloc
