# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call to a vendor: signed anew on every attempt, repeated only where that is safe, over by its deadline.

What may be repeated is decided per operation, not per HTTP method: both vendors read and write with POST.
Nothing here knows a vendor, Ansible or `requests`; the bytes go through a `Transport`.
"""

from __future__ import annotations

import enum
import math
from typing import Callable, Mapping, NamedTuple, Optional, TypeVar
from urllib.parse import urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils._call import address, backoff, rate, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, numbers, times

T = TypeVar("T")


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


class Limits:
    """``timeout`` and ``deadline`` in seconds; ``retries`` counts the attempts after the first."""

    def __init__(self, timeout: float = 10.0, retries: int = 3, deadline: float = 60.0) -> None:
        for name, value in (("timeout", timeout), ("retries", retries), ("deadline", deadline)):
            numbers.check(name, value)
        self.timeout = timeout
        self.retries = retries
        self.deadline = deadline


class Caller:
    """Makes calls to one vendor host under one set of limits. Threads may share it."""

    def __init__(
        self,
        transport: transport.Transport,
        api_url: str,
        limits: Limits,
        *,
        clock: Optional[times.Clock] = None,
        limiter: Optional[rate.RateLimiter] = None,
        backoff: Callable[[int], float] = backoff.full_jitter,
    ) -> None:
        self.api_url = address.check_api_url(api_url)
        self.clock = clock or times.Clock()
        self._transport = transport
        self._limits = limits
        self._limiter = limiter or rate.RateLimiter(clock=self.clock)
        self._backoff = backoff

    def call(
        self,
        operation: Operation,
        body: Callable[[], bytes],
        headers: Mapping[str, str],
        sign: Callable[[str, float], Mapping[str, str]],
        interpret: Callable[[transport.Response], T],
        on_unanswered: Callable[[], None] = lambda: None,
    ) -> T:
        """Send a request until it has an answer that counts, and return what ``interpret`` makes of that answer.

        ``body`` and ``sign`` are asked again for every attempt; ``sign`` gets the path as it goes over the wire and the
        time. ``interpret`` raises the errors of `errors` for all answers but a confirmation. ``on_unanswered`` is
        called when a confirmation follows an attempt that may still be carried out.

        Raises UnknownOutcomeError when any attempt of an operation that changes something may have been carried
        out and none was confirmed: a later refusal does not prove that the first request was lost. Whatever ``body``
        or ``sign`` raises is a ConfigurationError: nothing has left yet.
        """
        url = self.api_url + operation.path
        changes = operation.repeat is not Repeat.SAFE
        maybe_done: Optional[errors.KrcloudError] = None
        deadline: Optional[float] = None
        error: errors.KrcloudError = errors.TransportError("Nothing was tried.")
        asked: Optional[float] = None
        attempt = 0
        while True:
            try:
                is_time = self._limiter.wait(deadline)
            except Exception as failure:  # nothing has left yet, or what did is known
                raise self._final(errors.unsendable(failure), maybe_done, attempt, None, "") from None
            if not is_time:
                why = f"{self._limit} leaves no time for another"
                raise self._final(error, maybe_done, attempt, asked, why) from None
            attempt += 1
            if deadline is None:
                deadline = self.clock.monotonic() + self._limits.deadline
            asked = None
            response: Optional[transport.Response] = None
            try:
                request = self._written(operation, url, body, headers, sign)
                response = self._transport.send(request, self._limits.timeout, deadline)
                answer = interpret(response)
                if maybe_done is not None:
                    on_unanswered()
                return answer
            except transport.NotSent as failure:
                error = errors.TransportError(f"{_host(url)} could not be reached: {failure}.", hint=failure.hint)
                repeatable = not failure.lasting
            except transport.AnswerLost as failure:
                error = errors.TransportError(f"{_host(url)} gave no whole answer: {failure}.")
                repeatable = operation.repeat is not Repeat.UNSAFE
                maybe_done = error if changes else None
            except errors.RateLimitError as refusal:
                error, repeatable = refusal, True
            except errors.ProtocolError as failure:
                error = failure
                repeatable = failure.repeatable and operation.repeat is not Repeat.UNSAFE
                maybe_done = error if changes else None
            except errors.KrcloudError as refusal:
                error, repeatable = refusal, False

            if response is not None:
                asked = backoff.parse_retry_after(response.headers.get("retry-after"), response.received_at)
                response = None  # it may be large, and the wait long
            if not repeatable:
                # What is not sent again because it would act again, a person may ask for when the wait is over.
                waits = isinstance(error, errors.ProtocolError) and error.repeatable
                raise self._final(error, maybe_done, attempt, asked if waits else None, "") from None
            if attempt > self._limits.retries:
                raise self._final(error, maybe_done, attempt, asked, "") from None
            # Not earlier: nearly all requests succeed, and randomness is not for free.
            wait = backoff.next_wait(attempt, asked, deadline - self.clock.monotonic(), self._limit, self._backoff)
            if wait.seconds is None:
                raise self._final(error, maybe_done, attempt, asked, wait.why) from None
            too_many = isinstance(error, errors.RateLimitError)
            if too_many or asked:
                self._limiter.hold(wait.seconds, too_many)
            self.clock.sleep(wait.seconds)

    def _written(
        self,
        operation: Operation,
        url: str,
        body: Callable[[], bytes],
        headers: Mapping[str, str],
        sign: Callable[[str, float], Mapping[str, str]],
    ) -> transport.Request:
        try:
            signed = sign(urlsplit(url).path, self.clock.time())
            return transport.Request(url, {**headers, **signed}, body(), operation.largest_answer)
        except errors.KrcloudError:
            raise
        except Exception as error:  # else it would look as if something had been sent
            raise errors.unsendable(error) from None

    @property
    def _limit(self) -> str:
        return f"the deadline of {self._limits.deadline:g} s"

    def _final(
        self,
        error: errors.KrcloudError,
        maybe_done: Optional[errors.KrcloudError],
        attempts: int,
        asked: Optional[float],
        why: str,
    ) -> errors.KrcloudError:
        """Return what the call ends with. ``why`` is the clause that says that there is no time left, if so."""
        count = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        if not why and asked:
            why = backoff.asked_for(asked)
        tried = f" Gave up after {count}: {why}." if why else f" Gave up after {count}." if attempts > 1 else ""
        if asked:
            error.hint = " ".join(filter(None, (f"Run the task again after {math.ceil(asked)} s.", error.hint)))
        if maybe_done is None:
            error.message += tried
            return error
        message = f"It is not known whether the request was carried out: {_clause(maybe_done.message)}"
        if error is not maybe_done:
            message += f" A later attempt ended differently: {_clause(error.message)}"
        return errors.UnknownOutcomeError(
            message + tried,
            http_status=error.http_status,
            vendor_code=error.vendor_code,
            trace_id=error.trace_id or maybe_done.trace_id,
        )


def _clause(message: str) -> str:
    return message if message.endswith(".") else message + "."


def _host(url: str) -> str:
    return urlsplit(url).netloc
