# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call to a server: signed again on every attempt, repeated only where that is safe, over by its deadline.

Each vendor has a client that makes its calls here, and so has the store on a server. What may be repeated is decided
per operation, not per HTTP method: both vendors read and write with POST. Nothing here knows a vendor, Ansible or
`requests`; the bytes go through a `Transport`.
"""

from __future__ import annotations

import contextlib
import enum
import math
import threading
from typing import Callable, Mapping, NamedTuple, Optional, Tuple, TypeVar
from urllib.parse import urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils._call import (
    address,
    backoff,
    bodies,
    rate,
    transport,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, numbers, times

T = TypeVar("T")


class Repeat(enum.Enum):
    """May an operation be sent again when the fate of the first request is not known?"""

    SAFE = "it changes nothing"
    IDEMPOTENT = "sending the same value twice ends in the same state"
    UNSAFE = "each request acts again"


class Operation(NamedTuple):
    """One thing that a server can be asked to do.

    ``path`` is a template for `address.filled`, and may end in a query. The answer has ``largest_answer`` bytes at
    most. If a ``tentative`` operation has a larger one, it is not repeated, as it would have it again.
    """

    name: str
    path: str
    repeat: Repeat
    largest_answer: int = 64 * 1024
    method: str = "POST"
    tentative: bool = False


class Limits:
    """How long one call may take, and how often it may be tried.

    ``timeout``, ``deadline`` and ``longest_attempt`` are in seconds; the last may be None, for all the time that the
    deadline leaves. ``retries`` counts the attempts after the first. Raises ConfigurationError.
    """

    def __init__(
        self,
        timeout: float = 10.0,
        retries: int = 3,
        deadline: float = 60.0,
        longest_attempt: Optional[float] = None,
    ) -> None:
        for name, value in (("timeout", timeout), ("retries", retries), ("deadline", deadline)):
            numbers.check(name, value)
        self.timeout = timeout
        self.retries = retries
        self.deadline = deadline
        self.longest_attempt = math.inf if longest_attempt is None else longest_attempt


class _Course:
    """How a call has gone so far. ``error`` is what the last attempt ended with."""

    def __init__(self, operation: Operation) -> None:
        self._repeat = operation.repeat
        self.attempts = 0
        self.deadline = math.inf
        self.error: errors.KrcloudError = errors.TransportError("Nothing was tried.")
        self.maybe_done: Optional[errors.KrcloudError] = None
        self.repeatable = False

    def failed(self, error: errors.KrcloudError, leaves_open: bool) -> None:
        """Note the end of an attempt. ``leaves_open`` says that the server may have carried the request out."""
        self.error = error
        self.repeatable = error.repeatable and not (leaves_open and self._repeat is Repeat.UNSAFE)
        if leaves_open and self._repeat is not Repeat.SAFE:
            self.maybe_done = error


class Caller:
    """Makes calls to one server under one set of limits. Threads may share it.

    ``called`` is the name of the server in messages, which is its host if not given.
    """

    def __init__(
        self,
        transport: transport.Transport,
        api_url: str,
        limits: Limits,
        *,
        called: Optional[str] = None,
        clock: Optional[times.Clock] = None,
        limiter: Optional[rate.RateLimiter] = None,
        backoff: Callable[[int], float] = backoff.full_jitter,
    ) -> None:
        self.api_url = address.check_api_url(api_url)
        self.clock = clock or times.Clock()
        self._called = called or urlsplit(self.api_url).netloc
        self._transport = transport
        self._limits = limits
        self._limiter = limiter or rate.RateLimiter(clock=self.clock)
        self._backoff = backoff
        # Reading what a large answer says takes several times its size in memory.
        self._one_large_answer_at_a_time = threading.Lock()

    def call(
        self,
        operation: Operation,
        interpret: Callable[[transport.Response], T],
        *,
        values: Optional[Mapping[str, str]] = None,
        body: Optional[Callable[[], bytes]] = None,
        headers: Optional[Mapping[str, str]] = None,
        sign: Optional[Callable[[str, float], Mapping[str, str]]] = None,
        on_unanswered: Callable[[], None] = lambda: None,
    ) -> T:
        """Send a request until it has an answer that counts, and return what ``interpret`` makes of that answer.

        ``values`` fill the path of the operation. ``body`` and ``sign`` are asked again for every attempt; ``sign``
        gets the path and query as they go over the wire and the time, and returns more headers. ``interpret`` raises
        the errors of `errors` for every answer that does not count: a ProtocolError where the request may have been
        carried out all the same, another one where it certainly was not. ``on_unanswered`` is called when an answer
        that counts follows an attempt that may have been carried out, or may yet be.

        Raises UnknownOutcomeError when any attempt of an operation that changes something may have been carried
        out and none was confirmed: a later refusal does not prove that the first request was lost. Whatever ``body``
        or ``sign`` raises that is not one of our errors is a ConfigurationError: nothing has left yet. Raises
        `transport.TooLarge` for an operation that is tentative.
        """
        try:
            url = self.api_url + address.filled(operation.path, values or {})
        except errors.KrcloudError:
            raise
        except Exception as failure:
            raise errors.unsendable(failure) from None
        course = _Course(operation)
        while True:
            self._take_turn(course)
            response: Optional[transport.Response] = None
            try:
                request = self._written(operation, url, body, headers or {}, sign)
                response = self._transport.send(request, self._limits.timeout, self._end_of_attempt(course))
                answer = self._made(interpret, response)
            except (transport.NotSent, transport.AnswerLost, errors.KrcloudError) as failure:
                if operation.tentative and isinstance(failure, transport.TooLarge):
                    raise
                # Without its traceback, which holds the answer.
                course.failed(*self._explained(failure.with_traceback(None)))
            else:
                if course.maybe_done is not None:
                    on_unanswered()
                return answer
            if response is not None:
                course.error.retry_after = backoff.parse_retry_after(
                    response.headers.get("retry-after"), response.received_at
                )
                response = None  # it may be large, and the wait long
            self._wait(course)

    def _made(self, interpret: Callable[[transport.Response], T], response: transport.Response) -> T:
        """Return what ``interpret`` makes of an answer. Large ones wait for each other."""
        large = len(response.body) > bodies.SMALL
        with self._one_large_answer_at_a_time if large else contextlib.nullcontext():
            try:
                return interpret(response)
            except errors.KrcloudError as error:
                # The context holds what was made of the answer, which must be gone before the next one is read.
                error.__context__ = None
                raise error.with_traceback(None) from None

    def _explained(self, failure: Exception) -> Tuple[errors.KrcloudError, bool]:
        """Return the error that an attempt ended with, and whether the server may have carried the request out."""
        if isinstance(failure, transport.NotSent):
            message, repeatable = f"{self._called} could not be reached: {failure}.", not failure.lasting
            return errors.TransportError(message, hint=failure.hint, repeatable=repeatable), False
        if isinstance(failure, errors.KrcloudError):
            return failure, isinstance(failure, errors.ProtocolError)
        return errors.TransportError(f"{self._called} gave no whole answer: {failure}.", repeatable=True), True

    def _take_turn(self, course: _Course) -> None:
        """Wait until the next attempt may begin. Raises what the call ends with if that is too late."""
        try:
            is_time = self._limiter.wait(course.deadline)
        except Exception as failure:  # nothing has left yet, or what did is known
            course.error = errors.unsendable(failure)
            raise self._final(course, "") from None
        if not is_time:
            raise self._final(course, f"{self._limit} leaves no time for another") from None
        course.attempts += 1
        if math.isinf(course.deadline):  # it begins with the first attempt
            course.deadline = self.clock.monotonic() + self._limits.deadline

    def _end_of_attempt(self, course: _Course) -> float:
        """Return when an attempt that begins now must be over, on the monotonic clock."""
        return min(course.deadline, self.clock.monotonic() + self._limits.longest_attempt)

    def _wait(self, course: _Course) -> None:
        """Wait as long as is due after a failed attempt, or raise what the call ends with."""
        error, asked = course.error, course.error.retry_after
        if not course.repeatable:
            # What is not sent again because it would act again, a person may ask for when the wait is over.
            if not (isinstance(error, errors.ProtocolError) and error.repeatable):
                error.retry_after = None
            raise self._final(course, "") from None
        if course.attempts > self._limits.retries:
            raise self._final(course, "") from None
        # Not earlier: nearly all requests succeed, and randomness is not for free.
        left = course.deadline - self.clock.monotonic()
        wait = backoff.next_wait(course.attempts, asked, left, self._limit, self._backoff)
        if wait.seconds is None:
            raise self._final(course, wait.why) from None
        too_many = isinstance(error, errors.RateLimitError)
        if too_many or asked:
            self._limiter.hold(wait.seconds, too_many)
        self.clock.sleep(wait.seconds)

    def _written(
        self,
        operation: Operation,
        url: str,
        body: Optional[Callable[[], bytes]],
        headers: Mapping[str, str],
        sign: Optional[Callable[[str, float], Mapping[str, str]]],
    ) -> transport.Request:
        try:
            if sign:
                headers = {**headers, **sign(_target(url), self.clock.time())}
            content = body() if body else b""
            return transport.Request(url, headers, content, operation.largest_answer, operation.method)
        except errors.KrcloudError:
            raise
        except Exception as error:  # otherwise it would look as if something had been sent
            raise errors.unsendable(error) from None

    @property
    def _limit(self) -> str:
        return f"the deadline of {self._limits.deadline:g} s"

    def _final(self, course: _Course, why: str) -> errors.KrcloudError:
        """Return what the call ends with. ``why`` is the clause that says that there is no time left, if so."""
        error, maybe_done, asked = course.error, course.maybe_done, course.error.retry_after
        count = "1 attempt" if course.attempts == 1 else f"{course.attempts} attempts"
        if not why and asked:
            why = backoff.asked_for(asked)
        tried = f" Gave up after {count}: {why}." if why else f" Gave up after {count}." if course.attempts > 1 else ""
        if asked:
            error.hint = " ".join(filter(None, (f"Run the task again after {math.ceil(asked)} s.", error.hint)))
        if maybe_done is None:
            error.message += tried
            return error
        story = _clause(maybe_done.message)
        if error is not maybe_done:
            story += f" A later attempt ended differently: {_clause(error.message)}"
        return errors.UnknownOutcomeError(
            f"It is not known whether the request was carried out: {story}{tried}",
            story=story + tried,
            last=error,
            http_status=error.http_status,
            vendor_code=error.vendor_code,
            trace_id=error.trace_id or maybe_done.trace_id,
        )


def _clause(message: str) -> str:
    return message if message.endswith(".") else message + "."


def _target(url: str) -> str:
    """Return the path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
