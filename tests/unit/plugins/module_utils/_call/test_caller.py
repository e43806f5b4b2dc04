# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call: what is sent again, with which signature and after which wait, and the error with which it ends."""

from __future__ import annotations

import gc
import math
import threading
import time
import types
from collections.abc import Mapping
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call import address, backoff
from ansible_collections.krcloud.credentials.plugins.module_utils._call.address import check_api_url
from ansible_collections.krcloud.credentials.plugins.module_utils._call.backoff import (
    Wait,
    full_jitter,
    next_wait,
    parse_retry_after,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._call.bodies import SMALL
from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Limits, Operation, Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._call.rate import RateLimiter
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import (
    AnswerLost,
    NotSent,
    Request,
    Response,
    TooLarge,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    AuthenticationError,
    ConfigurationError,
    KrcloudError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    TransportError,
    UnknownOutcomeError,
)
from support.fakes import EPOCH, URL, FakeClock, ScriptedTransport, Step, answer
from tooling.tree import ROOT

SAFE, IDEMPOTENT, UNSAFE = Repeat.SAFE, Repeat.IDEMPOTENT, Repeat.UNSAFE
OPERATIONS = {repeat: Operation("op", "/op", repeat) for repeat in Repeat}


def interpret(response: Response) -> bytes:
    """What a vendor client does: 200 is a confirmation, everything else raises."""
    status = response.status
    if status == 200 and response.body == b"yes":
        return response.body
    if status == 429:
        raise RateLimitError("Too many.", hint="Ask less often.", http_status=429)
    if status in (401, 403):
        raise AuthenticationError("Who are you?", http_status=status, trace_id="trace")
    if status == 404:
        raise NotFoundError("No such thing.", http_status=status)
    if status == 400:
        raise RejectedError("No.", http_status=400, vendor_code="100")
    if 300 <= status < 400:
        raise ProtocolError("Elsewhere.", repeatable=False, http_status=status)
    raise ProtocolError("What?", http_status=status)


def unsigned(_target: str, _now: float) -> Mapping[str, str]:
    return {}


def make(transport: ScriptedTransport, clock: FakeClock, retries: int = 3, deadline: float = 60.0) -> Caller:
    limits = Limits(timeout=10.0, retries=retries, deadline=deadline)
    return Caller(transport, URL, limits, clock=clock, backoff=lambda attempt: 0.0)


def call(caller: Caller, repeat: Repeat) -> bytes:
    return caller.call(OPERATIONS[repeat], interpret, body=lambda: b"body", sign=unsigned)


YES = answer(200, b"yes")
UNSENT, LOST = NotSent("no connection"), AnswerLost("cut off")
BROKEN, UNREADABLE, REDIRECT = answer(500), answer(200, b"?"), answer(307)
LIMITED, DENIED, FORBIDDEN, REJECTED, MISSING = (answer(status) for status in (429, 401, 403, 400, 404))
LIMITED_SECONDS = answer(429, retry_after="2")
LIMITED_DATE = answer(429, retry_after=formatdate(EPOCH + 3, usegmt=True))
BUSY_SECONDS = answer(503, retry_after="2")
BUSY_DATE = answer(500, retry_after=formatdate(EPOCH + 3, usegmt=True))


# -------------------------------------------------------------------------------------------------- what is sent again

ALWAYS: list[tuple[Step, Repeat, int, type[KrcloudError]]] = [
    *((UNSENT, repeat, 4, TransportError) for repeat in Repeat),
    *((limited, repeat, 4, RateLimitError) for limited in (LIMITED, LIMITED_SECONDS) for repeat in Repeat),
    *((DENIED, repeat, 1, AuthenticationError) for repeat in Repeat),
    *((FORBIDDEN, repeat, 1, AuthenticationError) for repeat in Repeat),
    *((REJECTED, repeat, 1, RejectedError) for repeat in Repeat),
    *((MISSING, repeat, 1, NotFoundError) for repeat in Repeat),
    (LOST, SAFE, 4, TransportError),
    (LOST, IDEMPOTENT, 4, UnknownOutcomeError),
    (LOST, UNSAFE, 1, UnknownOutcomeError),
    *((broken, SAFE, 4, ProtocolError) for broken in (BROKEN, UNREADABLE)),
    *((broken, IDEMPOTENT, 4, UnknownOutcomeError) for broken in (BROKEN, UNREADABLE)),
    *((broken, UNSAFE, 1, UnknownOutcomeError) for broken in (BROKEN, UNREADABLE)),
    (REDIRECT, SAFE, 1, ProtocolError),
    (REDIRECT, IDEMPOTENT, 1, UnknownOutcomeError),
    (REDIRECT, UNSAFE, 1, UnknownOutcomeError),
]


@pytest.mark.parametrize(("failure", "repeat", "sends", "ending"), ALWAYS)
def test_the_same_failure_every_time(failure: Step, repeat: Repeat, sends: int, ending: type[KrcloudError]) -> None:
    with ScriptedTransport(*[failure] * sends) as transport, pytest.raises(KrcloudError) as caught:
        call(make(transport, FakeClock()), repeat)
    assert caught.value.__class__ is ending
    assert len(transport.requests) == sends
    assert ("Gave up after 4 attempts" in caught.value.message) == (sends == 4)


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("failure", [UNSENT, LOST, BROKEN, UNREADABLE, LIMITED, LIMITED_SECONDS, LIMITED_DATE])
def test_one_failure_and_then_a_confirmation(failure: Step, repeat: Repeat) -> None:
    if repeat is UNSAFE and failure in (LOST, BROKEN, UNREADABLE):
        with ScriptedTransport(failure) as transport, pytest.raises(UnknownOutcomeError):
            call(make(transport, FakeClock()), repeat)
    else:
        with ScriptedTransport(failure, YES) as transport:
            assert call(make(transport, FakeClock()), repeat) == b"yes"


@pytest.mark.parametrize("failure", [UNSENT, LOST, BROKEN, LIMITED])
def test_without_retries_nothing_is_sent_twice(failure: Step) -> None:
    with ScriptedTransport(failure) as transport, pytest.raises(KrcloudError) as caught:
        call(make(transport, FakeClock(), retries=0), IDEMPOTENT)
    assert "Gave up" not in caught.value.message


MIXED: list[tuple[Repeat, list[Step], type[KrcloudError]]] = [
    # A later refusal does not prove that the first request was lost.
    (IDEMPOTENT, [LOST, REJECTED], UnknownOutcomeError),
    (IDEMPOTENT, [LOST, DENIED], UnknownOutcomeError),
    (IDEMPOTENT, [LOST, MISSING], UnknownOutcomeError),
    (IDEMPOTENT, [BROKEN, REJECTED], UnknownOutcomeError),
    (IDEMPOTENT, [BROKEN, UNSENT, UNSENT, UNSENT], UnknownOutcomeError),
    (IDEMPOTENT, [LOST, LIMITED, LIMITED, LIMITED], UnknownOutcomeError),
    (IDEMPOTENT, [UNREADABLE, REDIRECT], UnknownOutcomeError),
    (UNSAFE, [UNSENT, LOST], UnknownOutcomeError),
    (UNSAFE, [LIMITED, BROKEN], UnknownOutcomeError),
    (UNSAFE, [UNSENT, LIMITED, UNREADABLE], UnknownOutcomeError),
    # Where nothing can have been done before, the last word counts.
    (IDEMPOTENT, [UNSENT, REJECTED], RejectedError),
    (IDEMPOTENT, [LIMITED, DENIED], AuthenticationError),
    (UNSAFE, [UNSENT, REJECTED], RejectedError),
    (UNSAFE, [LIMITED, UNSENT, UNSENT, UNSENT], TransportError),
    # And what changes nothing has no outcome that could be unknown.
    (SAFE, [LOST, REJECTED], RejectedError),
    (SAFE, [BROKEN, UNSENT, LOST, BROKEN], ProtocolError),
    (SAFE, [BROKEN, DENIED], AuthenticationError),
]


@pytest.mark.parametrize(("repeat", "failures", "ending"), MIXED)
def test_different_failures_in_turn(repeat: Repeat, failures: list[Step], ending: type[KrcloudError]) -> None:
    with ScriptedTransport(*failures) as transport, pytest.raises(KrcloudError) as caught:
        call(make(transport, FakeClock()), repeat)
    assert caught.value.__class__ is ending


FAILURES = st.sampled_from([UNSENT, LOST, BROKEN, UNREADABLE, REDIRECT, LIMITED, DENIED, REJECTED])


@given(st.sampled_from(Repeat), st.lists(FAILURES, max_size=5), st.integers(0, 5))
def test_the_outcome_is_unknown_exactly_when_it_is(repeat: Repeat, failures: list[Step], retries: int) -> None:
    transport = ScriptedTransport(*failures, YES)
    try:
        call(make(transport, FakeClock(), retries=retries), repeat)
        confirmed, error = True, None
    except KrcloudError as caught:
        confirmed, error = False, caught
    sent = failures[: len(transport.requests)]
    maybe_done = [step for step in sent if step in (LOST, BROKEN, UNREADABLE, REDIRECT)]
    assert confirmed == (len(transport.requests) == len(failures) + 1)
    assert isinstance(error, UnknownOutcomeError) == (not confirmed and bool(maybe_done) and repeat is not SAFE)
    assert len(transport.requests) <= retries + 1
    # A request that acts again each time is never repeated after one that may have arrived.
    assert repeat is not UNSAFE or not maybe_done or (sent[-1] in maybe_done and len(maybe_done) == 1)


@pytest.mark.parametrize("tentative", [True, False])
def test_an_answer_that_is_too_large_ends_a_tentative_call_at_once(tentative: bool) -> None:
    operation = OPERATIONS[SAFE]._replace(tentative=tentative)
    steps = [BROKEN, TooLarge("the answer is larger than 9 bytes"), *([] if tentative else [YES])]
    with ScriptedTransport(*steps) as transport:
        caller = make(transport, FakeClock())
        if tentative:
            with pytest.raises(TooLarge, match="larger than 9 bytes"):
                caller.call(operation, interpret)
        else:
            assert caller.call(operation, interpret) == b"yes"


def test_large_answers_are_made_something_of_one_at_a_time_and_small_ones_at_once() -> None:
    large, small = answer(200, b"x" * (SMALL + 1)), answer(200, b"x" * SMALL)
    other_made, order = threading.Event(), []

    def make_other(response: Response) -> None:
        order.append("other")
        other_made.set()

    with ScriptedTransport(large, small, large) as transport:
        caller = make(transport, FakeClock())
        thread = threading.Thread(target=lambda: caller.call(OPERATIONS[SAFE], make_other))

        def make_first(response: Response) -> None:
            caller.call(OPERATIONS[SAFE], lambda response: order.append("small"))
            thread.start()
            assert not other_made.wait(0.2)
            order.append("first")

        caller.call(OPERATIONS[SAFE], make_first)
        thread.join()
    assert order == ["small", "first", "other"]


def test_a_failed_attempt_keeps_nothing_of_its_answer_while_it_waits() -> None:
    body = answer(200, b"x" * 1000)
    clock, held = FakeClock(), []

    def refuse(response: Response) -> None:
        what_it_says = response.body
        raise ProtocolError(f"{len(what_it_says)} bytes make no sense.")

    def sleep(seconds: float) -> None:
        held.append([each for each in gc.get_referrers(body, body.body) if isinstance(each, types.FrameType)])

    clock.sleep = sleep  # type: ignore[method-assign]
    with ScriptedTransport(lambda _request: body, YES) as transport:
        limits = Limits(retries=1)
        caller = Caller(transport, URL, limits, clock=clock, backoff=lambda attempt: 1.0)
        with pytest.raises(ProtocolError):
            caller.call(OPERATIONS[SAFE], refuse)
    assert held == [[]]


def test_an_unknown_outcome_tells_both_stories_and_whose_answer_it_was() -> None:
    with ScriptedTransport(LOST, DENIED) as transport, pytest.raises(UnknownOutcomeError) as caught:
        call(make(transport, FakeClock()), IDEMPOTENT)
    error = caught.value
    assert error.message.startswith("It is not known whether the request was carried out: ")
    assert "vendor.example gave no whole answer: cut off." in error.message
    assert "A later attempt ended differently: Who are you?" in error.message
    assert error.message.endswith(" Gave up after 2 attempts.")
    assert (error.http_status, error.trace_id) == (401, "trace")


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("defect", [UnicodeEncodeError("utf-8", "\udcff", 0, 1, "no"), TypeError("x"), KeyError("y")])
@pytest.mark.parametrize("where", ["body", "sign"])
def test_what_fails_before_the_first_byte_is_not_an_unknown_outcome(
    repeat: Repeat, defect: Exception, where: str
) -> None:
    def fail(*_arguments: object) -> Any:
        raise defect

    body, sign = (fail, unsigned) if where == "body" else (lambda: b"body", fail)
    with ScriptedTransport() as transport, pytest.raises(ConfigurationError) as caught:
        make(transport, FakeClock()).call(OPERATIONS[repeat], interpret, body=body, sign=sign)
    assert caught.value.message.startswith(
        f"The request could not be built ({type(defect).__name__} in test_caller.py, "
    )


def test_what_fails_before_a_later_attempt_leaves_the_outcome_unknown() -> None:
    bodies = iter([b"body"])
    with ScriptedTransport(LOST) as transport, pytest.raises(UnknownOutcomeError):
        make(transport, FakeClock()).call(OPERATIONS[IDEMPOTENT], interpret, body=lambda: next(bodies), sign=unsigned)


def test_an_error_that_nobody_foresaw_is_not_swallowed() -> None:
    with ScriptedTransport(RuntimeError("a defect")) as transport, pytest.raises(RuntimeError, match="a defect"):
        call(make(transport, FakeClock()), SAFE)


# ---------------------------------------------------------------------------------------------------------- signatures


def test_every_attempt_is_signed_at_its_own_time() -> None:
    clock = FakeClock()
    asked: list[tuple[str, float]] = []

    def sign(target: str, now: float) -> Mapping[str, str]:
        asked.append((target, now))
        return {"X-Signature": f"{now}"}

    with ScriptedTransport(UNSENT, LOST, LIMITED_SECONDS, YES, clock=clock, takes=1.0) as transport:
        caller = Caller(transport, f"{URL}/base/", Limits(), clock=clock, backoff=lambda attempt: 0.5)
        caller.call(OPERATIONS[SAFE], interpret, body=lambda: b"body", headers={"X-Fixed": "1"}, sign=sign)
    assert [target for target, _now in asked] == ["/base/op"] * 4
    # Each attempt takes a second, each wait half of one, and the vendor asked for two more.
    assert [now - EPOCH for _target, now in asked] == [0.0, 1.5, 3.0, 6.5]
    assert [request.headers for request in transport.requests] == [
        {"X-Fixed": "1", "X-Signature": f"{now}"} for _target, now in asked
    ]
    assert {(request.url, request.body) for request in transport.requests} == {(f"{URL}/base/op", b"body")}


# ------------------------------------------------------------------------------------------------- methods and paths

READ = Operation("read", "/v1/{+mount}/data/{name}?version={version}", SAFE, method="GET")


def test_an_operation_has_a_method_and_a_path_with_values_in_it() -> None:
    signed: list[str] = []

    def sign(target: str, _now: float) -> Mapping[str, str]:
        signed.append(target)
        return {"X-Signed": "1"}

    values = {"mount": "team/비밀", "name": "a/b?c#d%2F&e f", "version": "1&x=2"}
    with ScriptedTransport(LOST, YES) as transport:
        make(transport, FakeClock()).call(READ, interpret, values=values, headers={"X-Fixed": "1"}, sign=sign)
    target = "/v1/team/%EB%B9%84%EB%B0%80/data/a%2Fb%3Fc%23d%252F%26e%20f?version=1%26x%3D2"
    assert signed == [target] * 2
    for request in transport.requests:
        assert (request.method, request.url, request.body) == ("GET", f"{URL}{target}", b"")
        assert request.headers == {"X-Fixed": "1", "X-Signed": "1"}


def test_a_request_needs_neither_body_nor_signature() -> None:
    with ScriptedTransport(YES) as transport:
        assert make(transport, FakeClock()).call(OPERATIONS[SAFE], interpret) == b"yes"
    (request,) = transport.requests
    assert (request.method, request.headers, request.body) == ("POST", {}, b"")


@pytest.mark.parametrize("name", ["mount", "name"])
@pytest.mark.parametrize("value", ["", ".", "..", "a/..", "/a", "a/", "a//b", "../a"])
def test_a_value_that_leads_to_another_place_is_refused(name: str, value: str) -> None:
    values = {"mount": "secret", "name": "kim", "version": "1", name: value}
    if name == "name" and value not in ("", ".", ".."):
        assert "%2F" in address.filled(READ.path, values)
        return
    with ScriptedTransport() as transport, pytest.raises(ConfigurationError, match=f"What was given as {name} cannot"):
        make(transport, FakeClock()).call(READ, interpret, values=values)


@pytest.mark.parametrize("values", [{}, {"mount": "secret", "name": "\udcff", "version": "1"}])
def test_a_path_that_cannot_be_written_is_not_an_unknown_outcome(values: dict[str, str]) -> None:
    with ScriptedTransport() as transport, pytest.raises(ConfigurationError, match="The request could not be built"):
        make(transport, FakeClock()).call(READ, interpret, values=values)


@given(st.text(min_size=1, max_size=20), st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4))
def test_any_value_stays_what_it_is(name: str, parts: list[str]) -> None:
    try:
        path = address.filled("/v1/{+mount}/{name}/end", {"mount": "/".join(parts), "name": name})
    except (ConfigurationError, UnicodeEncodeError):
        return
    *mount, last, end = [unquote(part) for part in path.removeprefix("/v1/").split("/")]
    assert ("/".join(mount), last, end) == ("/".join(parts), name, "end")
    assert urlsplit(f"{URL}{path}").path == path
    assert not {".", ".."} & set(path.split("/"))


def test_the_server_is_called_by_its_name() -> None:
    for failure, said in ((UNSENT, "could not be reached: no connection."), (LOST, "gave no whole answer: cut off.")):
        with ScriptedTransport(failure) as transport, pytest.raises(TransportError) as caught:
            Caller(transport, URL, Limits(retries=0), called="The store", clock=FakeClock()).call(
                OPERATIONS[SAFE], interpret
            )
        assert caught.value.message == f"The store {said}"


def test_what_is_not_ready_to_be_sent_is_tried_again_when_it_may_be() -> None:
    """As with a login that is put off: nothing has left, so even what acts again each time may be sent later."""

    def sign(_target: str, _now: float) -> Mapping[str, str]:
        if ready.pop():
            return {}
        error = TransportError("No login.", repeatable=True)
        error.retry_after = 5.0
        raise error

    clock, ready = FakeClock(), [True, False]
    with ScriptedTransport(YES) as transport:
        assert make(transport, clock).call(OPERATIONS[UNSAFE], interpret, sign=sign) == b"yes"
    assert clock.naps == [5.0]
    ready = [False] * 2
    with ScriptedTransport() as transport, pytest.raises(TransportError) as caught:
        make(transport, clock, retries=1).call(OPERATIONS[UNSAFE], interpret, sign=sign)
    assert caught.value.message == "No login. Gave up after 2 attempts: the server asked for 5 s."


def test_a_refusal_may_say_that_it_is_not_the_last_word() -> None:
    def interpret_busy(response: Response) -> bytes:
        if response.status == 400:
            raise RejectedError("Not yet.", repeatable=True)
        return interpret(response)

    with ScriptedTransport(REJECTED, YES) as transport:
        assert make(transport, FakeClock()).call(OPERATIONS[UNSAFE], interpret_busy) == b"yes"


def test_an_unknown_outcome_says_what_the_last_attempt_ended_with() -> None:
    with ScriptedTransport(LOST, DENIED) as transport, pytest.raises(UnknownOutcomeError) as caught:
        call(make(transport, FakeClock()), IDEMPOTENT)
    assert isinstance(caught.value.last, AuthenticationError)
    assert caught.value.message == f"It is not known whether the request was carried out: {caught.value.story}"


# ------------------------------------------------------------------------------------------------- waits and deadlines


@pytest.mark.parametrize(
    ("limited", "least"),
    [(LIMITED, 0.0), (LIMITED_SECONDS, 2.0), (LIMITED_DATE, 3.0), (BUSY_SECONDS, 2.0), (BUSY_DATE, 3.0)],
)
def test_the_wait_that_the_vendor_asks_for_is_kept_whatever_the_status(limited: Step, least: float) -> None:
    clock = FakeClock()
    with ScriptedTransport(limited, YES) as transport:
        call(make(transport, clock), IDEMPOTENT)
    assert math.isclose(clock.slept, least)


def test_the_wait_of_an_earlier_answer_does_not_count_for_a_later_failure() -> None:
    clock = FakeClock()
    with ScriptedTransport(BUSY_SECONDS, LOST, YES) as transport:
        call(make(transport, clock), IDEMPOTENT)
    assert math.isclose(clock.slept, 2.0)


def test_back_off_comes_on_top_of_the_wait_that_the_vendor_asks_for() -> None:
    clock = FakeClock()
    with ScriptedTransport(LIMITED_SECONDS, YES) as transport:
        Caller(transport, URL, Limits(), clock=clock, backoff=lambda attempt: 0.25).call(
            OPERATIONS[SAFE], interpret, body=lambda: b"", sign=unsigned
        )
    assert math.isclose(clock.slept, 2.25)


BEYOND = [
    ("60", 60),
    ("61", 61),
    ("3600", 3600),
    ("99999999999999999999", 999999999),
    (formatdate(EPOCH + 3600, usegmt=True), 3600),
]


@pytest.mark.parametrize(("after", "seconds"), BEYOND)
@pytest.mark.parametrize("repeat", Repeat)
def test_a_wait_beyond_the_deadline_is_not_begun_and_is_named(after: str, seconds: int, repeat: Repeat) -> None:
    clock = FakeClock()
    with ScriptedTransport(answer(429, retry_after=after)) as transport, pytest.raises(RateLimitError) as caught:
        call(make(transport, clock), repeat)
    assert clock.slept == 0
    assert caught.value.message == (
        f"Too many. Gave up after 1 attempt: the server asked for {seconds} s, and the deadline of 60 s leaves no time "
        "for another."
    )
    assert caught.value.hint == f"Run the task again after {seconds} s. Ask less often."


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(("repeat", "ending"), [(SAFE, ProtocolError), (IDEMPOTENT, UnknownOutcomeError)])
def test_a_server_that_fails_is_not_waited_for_any_longer(
    status: int, repeat: Repeat, ending: type[KrcloudError]
) -> None:
    clock = FakeClock()
    with ScriptedTransport(answer(status, retry_after="3600")) as transport, pytest.raises(ending) as caught:
        call(make(transport, clock), repeat)
    assert clock.slept == 0
    assert "the server asked for 3600 s, and the deadline of 60 s leaves no time" in caught.value.message


def test_after_the_last_attempt_the_wait_is_named_as_well() -> None:
    with ScriptedTransport(LIMITED_SECONDS) as transport, pytest.raises(RateLimitError) as caught:
        call(make(transport, FakeClock(), retries=0), UNSAFE)
    assert caught.value.message == "Too many. Gave up after 1 attempt: the server asked for 2 s."
    with ScriptedTransport(LIMITED_SECONDS, LIMITED_SECONDS) as transport, pytest.raises(RateLimitError) as caught:
        call(make(transport, FakeClock(), retries=1), UNSAFE)
    assert caught.value.message == "Too many. Gave up after 2 attempts: the server asked for 2 s."


@pytest.mark.parametrize(
    ("asked", "left", "wait"),
    [
        (None, 60.0, Wait(0.5)),
        (0.0, 60.0, Wait(0.5)),
        (2.0, 60.0, Wait(2.5)),
        (59.4, 60.0, Wait(59.9)),
        (None, 0.5, Wait(None, "the limit leaves no time for another")),
        (None, -1.0, Wait(None, "the limit leaves no time for another")),
        (59.5, 60.0, Wait(None, "the server asked for 60 s, and the limit leaves no time for another")),
        (3600.0, 60.0, Wait(None, "the server asked for 3600 s, and the limit leaves no time for another")),
        (3600.0, math.inf, Wait(3600.5)),
    ],
)
def test_the_rule_for_waits(asked: float | None, left: float, wait: Wait) -> None:
    assert next_wait(1, asked, left, "the limit", lambda attempt: attempt / 2) == wait


def test_one_attempt_may_use_all_the_time_and_then_it_is_over() -> None:
    clock = FakeClock()
    with ScriptedTransport(LOST, clock=clock, takes=100.0) as transport, pytest.raises(TransportError) as caught:
        call(make(transport, clock, deadline=5.0), SAFE)
    assert clock.passed == 5.0
    assert "Gave up after 1 attempt: the deadline of 5 s leaves no time for another." in caught.value.message


def test_one_attempt_may_be_bounded_for_itself() -> None:
    clock = FakeClock()
    limits = Limits(timeout=1.0, retries=1, deadline=5.0, longest_attempt=3.0)
    with ScriptedTransport(LOST, LOST, clock=clock, takes=4.0) as transport, pytest.raises(TransportError):
        Caller(transport, URL, limits, clock=clock, backoff=lambda attempt: 0.0).call(OPERATIONS[SAFE], interpret)
    assert [deadline - 1000.0 for deadline in transport.deadlines] == [3.0, 5.0]


DELAYS = st.floats(0, 30)
SCHEDULES = st.lists(
    st.one_of(
        st.sampled_from([UNSENT, LOST, BROKEN, LIMITED]),
        st.builds(
            lambda status, seconds: answer(status, retry_after=str(seconds)),
            st.sampled_from([429, 500, 503]),
            st.integers(0, 100),
        ),
    ),
    max_size=8,
)


@given(SCHEDULES, st.lists(DELAYS, min_size=9, max_size=9), DELAYS, st.floats(0.01, 100), st.integers(0, 8))
@example([LOST], [1 / 3] * 9, 0.0, 1 / 3, 1)
def test_the_deadline_holds_under_any_schedule(
    schedule: list[Step], waits: list[float], takes: float, deadline: float, retries: int
) -> None:
    clock = FakeClock()
    transport = ScriptedTransport(*schedule, YES, clock=clock, takes=takes)
    limits = Limits(retries=retries, deadline=deadline)
    caller = Caller(transport, URL, limits, clock=clock, backoff=lambda attempt: waits[attempt - 1])
    try:
        call(caller, IDEMPOTENT)
    except KrcloudError as error:
        assert error.kind in ("transport", "rate_limit", "unknown_outcome")  # noqa: PT017
    assert clock.slept <= deadline
    assert clock.passed <= deadline * (1 + 1e-9)
    # One deadline for the whole call, handed to every attempt.
    assert len(set(transport.deadlines)) == 1


def test_the_deadline_begins_when_it_is_ones_turn() -> None:
    clock = FakeClock()
    limiter = RateLimiter(0.01, clock)
    with ScriptedTransport(YES, YES, clock=clock) as transport:
        caller = Caller(transport, URL, Limits(deadline=5.0), clock=clock, limiter=limiter)
        for _index in range(2):
            caller.call(OPERATIONS[SAFE], interpret, body=lambda: b"", sign=unsigned)
    assert math.isclose(clock.slept, 100.0)
    assert [math.floor(deadline) for deadline in transport.deadlines] == [1005, 1105]


def test_a_slow_pace_does_not_carry_a_repeat_beyond_the_deadline() -> None:
    clock = FakeClock()
    transport = ScriptedTransport(LOST, LOST, LOST, LOST)
    limits = Limits(deadline=5.0)
    caller = Caller(transport, URL, limits, clock=clock, limiter=RateLimiter(0.01, clock), backoff=lambda attempt: 0.0)
    with pytest.raises(TransportError):
        caller.call(OPERATIONS[SAFE], interpret, body=lambda: b"", sign=unsigned)
    assert clock.passed <= 5.0


def test_a_vendor_that_wants_a_day_of_silence_does_not_hold_the_next_account_for_a_day() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock=clock)
    transport = ScriptedTransport(answer(429, retry_after="86400"), answer(429, retry_after="86400"))
    caller = Caller(transport, URL, Limits(deadline=60.0), clock=clock, limiter=limiter, backoff=lambda attempt: 0.0)
    for _account in range(2):
        with pytest.raises(RateLimitError):
            call(caller, IDEMPOTENT)
    assert clock.passed <= 120.0


@given(st.integers(1, 10**6))
def test_full_jitter_stays_between_nothing_and_its_cap(attempt: int) -> None:
    cap = min(backoff.LONGEST_WAIT, backoff.FIRST_WAIT * 2 ** min(attempt, 20))
    assert 0.0 <= full_jitter(attempt) <= cap


@pytest.mark.parametrize(("attempt", "cap"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (5000, 8.0)])
def test_full_jitter_uses_the_whole_range(monkeypatch: pytest.MonkeyPatch, attempt: int, cap: float) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(backoff, "_RANDOM", SimpleNamespace(uniform=uniform))
    assert full_jitter(attempt) == cap
    assert asked == [(0.0, cap)]


def test_the_guide_tells_the_waits_as_they_are() -> None:
    first, second, third = (backoff.FIRST_WAIT * 2**attempt for attempt in (1, 2, 3))
    told = f"up to {first:g} second after the first, then up to {second:g}, {third:g}, and never more than"
    guide = (ROOT / "docs/docsite/rst/failures.rst").read_text(encoding="utf-8")
    assert f"{told} {backoff.LONGEST_WAIT:g} seconds." in guide


# ---------------------------------------------------------------------------------------------------------------- pace


@pytest.mark.parametrize("limited", [LIMITED_SECONDS, BUSY_SECONDS])
def test_while_one_call_waits_nobody_else_sends(limited: Step) -> None:
    class Watched(FakeClock):
        """Lets another worker ask for its turn as soon as the first one sleeps."""

        def sleep(self, seconds: float) -> None:
            if not self.naps:
                self.naps.append(0.0)
                limiter.wait()
            super().sleep(seconds)

    clock = Watched()
    limiter = RateLimiter(None, clock)
    with ScriptedTransport(limited, YES) as transport:
        caller = Caller(transport, URL, Limits(), clock=clock, limiter=limiter, backoff=lambda attempt: 0.0)
        assert call(caller, IDEMPOTENT) == b"yes"
    # The other worker waited as long as the first one, and only once.
    assert clock.naps == [0.0, 2.0, 2.0]


def test_a_wait_that_is_not_begun_holds_nobody() -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    with ScriptedTransport(LIMITED_SECONDS, YES) as transport:
        caller = Caller(transport, URL, Limits(retries=0), clock=clock, limiter=limiter, backoff=lambda attempt: 0.0)
        with pytest.raises(RateLimitError):
            call(caller, SAFE)
        call(caller, SAFE)
    assert clock.slept == 0


# -------------------------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("seconds", [0, -1, -0.5, math.inf, -math.inf, math.nan, 1e300])
def test_a_limit_that_is_not_valid_is_refused(name: str, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is not valid: it must be a number from 0.001 to 86400"):
        Limits(**{name: seconds})


def test_negative_retries_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="retries is not valid: it must be a whole number from 0 to 1000000"):
        Limits(retries=-1)


def test_a_pace_that_fails_leaves_no_outcome_open() -> None:
    class Broken(RateLimiter):
        def wait(self, until: float | None = None) -> bool:
            raise OverflowError

    with ScriptedTransport() as transport, pytest.raises(ConfigurationError, match="The request could not be built"):
        call(Caller(transport, URL, Limits(), clock=FakeClock(), limiter=Broken()), IDEMPOTENT)


def test_the_smallest_limits_are_taken() -> None:
    limits = Limits(timeout=0.001, retries=0, deadline=0.001)
    assert (limits.timeout, limits.retries, limits.deadline) == (0.001, 0, 0.001)


# ------------------------------------------------------------------------------------------------------------- api_url

GOOD_URLS = [
    "https://df.apigw.ntruss.com",
    "https://df.apigw.ntruss.com:8443",
    "https://vendor.example/some/base-path_1.0/~x",
    "https://10.0.0.1",
    "https://[2001:db8::1]:443",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.2:65535",
    "http://127.255.255.254:8080",
    "http://localhost:8080",
    "http://LOCALHOST:8080",
    "http://[::1]",
    "http://[::1]:8080/base",
]


@pytest.mark.parametrize("url", GOOD_URLS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_good_addresses(url: str, slash: str) -> None:
    assert check_api_url(url + slash) == url


PLAIN_HTTP = [
    "http://df.apigw.ntruss.com",
    "http://10.0.0.1",
    "http://0.0.0.0",
    "http://128.0.0.1",
    "http://127.0.0.256",
    "http://127.0.0.08",
    "http://127.0.0.010",
    "http://127.0.00.1",
    "http://0127.0.0.1",
    "http://127.0.0.1.",
    "http://localhost.",
    "http://127.0.0",
    "http://127.0.0.1.1",
    "http://[::ffff:127.0.0.1]",
    "http://127.0.0.1.evil.example",
    "http://127.evil.example.com",
    "http://127.1",
    "http://0x7f.0.0.1",
    "http://2130706433",
    "http://localhost.evil.example",
    "http://notlocalhost",
    "http://[::2]",
    "http://[::ffff:10.0.0.1]",
]


@pytest.mark.parametrize("url", PLAIN_HTTP)
def test_plain_http_is_refused_except_to_this_machine(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is plain http") as caught:
        check_api_url(url)
    assert urlsplit(url).hostname in caught.value.message


CANARY = "Canary-77"
WITH_USER = [
    f"https://{CANARY}@vendor.example",
    f"https://user:{CANARY}@vendor.example",
    f"https://:{CANARY}@vendor.example",
    f"https://user:{CANARY}@@vendor.example",
    f"https://user:{CANARY}@vendor.example:99999",
    f"https://user:{CANARY}@vendor.example:port",
    f"https://user:{CANARY}@[::1",
    f"https://user:{CANARY}@",
    f"http://user:{CANARY}@127.0.0.1:8080",
    f"http://127.0.0.1\\{CANARY}@evil.example",
    f"ftp://user:{CANARY}@vendor.example",
    f"user:{CANARY}@vendor.example",
]


@pytest.mark.parametrize("url", WITH_USER)
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_api_url(url)
    assert CANARY.lower() not in caught.value.sentence().lower()


BAD_URLS = [
    "",
    "vendor.example",
    "//vendor.example",
    "https://",
    "https:///path",
    "https://:443",
    "ftp://vendor.example",
    "file:///etc/passwd",
    "https://vendor.example:0x1bb",
    "https://vendor.example:65536",
    "https://vendor.example:-1",
    "https://[::1",
    "https://vendor.example?query=1",
    "https://vendor.example/../path",
    "https://vendor.example/path/.",
    "https://vendor.example/#fragment",
    "https://vendor.example/a b",
    "https://vendor.example/%2e%2e",
    "https://vendor.example/경로",
    "https://vendor.example/a;b",
    "https://vendor.example/a\\b",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_that_is_not_valid_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="api_url"):
        check_api_url(url)


BLANKS = ["\n", "\r\n", "\t", " ", "\0", "\x1f", "\x7f", "\x85", "\xa0", "\u2028", "\u200b", "\ufeff"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("base", ["https://vendor.example", "http://127.0.0.1:8000", f"https://{CANARY}.example"])
def test_a_line_break_or_blank_in_the_address_is_named_as_such(base: str, blank: str) -> None:
    middle = base[:10] + blank + base[10:]
    for url in (base + blank, blank + base, *([middle] if blank != " " else [])):
        with pytest.raises(ConfigurationError) as caught:
            check_api_url(url)
        assert caught.value.message == (
            "api_url is not valid: it has blanks around it, or a line break or another control character in it."
        )
        assert caught.value.hint == "Often a line break of the file or variable it was read from."


@pytest.mark.parametrize("url", ["https://vendor .example", "https://ven'dor.example", "https://a%2fb.example"])
def test_a_host_that_is_not_valid_is_named_as_such(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_api_url(url)
    assert caught.value.message == "api_url is not valid: it has a character that cannot be part of a host name."


@pytest.mark.parametrize(
    "url",
    ["https://한국.kr", "http://127.0.0.\xb2", "http://127.\u0660.\u0660.1", "http://\uff11\uff12\uff17.0.0.1"],
)
def test_a_host_that_is_not_ascii_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_api_url(url)
    assert caught.value.message == "api_url is not valid: it has a character that is not ASCII."
    assert "xn--" in (caught.value.hint or "")


@pytest.mark.parametrize("url", ["HTTPS://vendor.example", "https://vendor.example?", "https://vendor.example/#"])
def test_what_an_address_may_be_written_with_besides(url: str) -> None:
    assert check_api_url(url) == "https://vendor.example"


def test_plain_http_in_capitals_is_plain_http() -> None:
    with pytest.raises(ConfigurationError, match="is plain http"):
        check_api_url("HTTP://vendor.example")


@given(st.text("abAB01-._~/", max_size=12))
def test_what_is_signed_is_what_goes_over_the_wire(path: str) -> None:
    try:
        url = check_api_url(f"https://vendor.example/{path}")
    except ConfigurationError:
        return
    signed: list[str] = []

    def sign(target: str, _now: float) -> Mapping[str, str]:
        signed.append(target)
        return {}

    with ScriptedTransport(YES) as transport:
        Caller(transport, url, Limits(), clock=FakeClock()).call(
            OPERATIONS[SAFE], interpret, body=lambda: b"", sign=sign
        )
    on_the_wire = requests.Request("POST", transport.requests[0].url).prepare().path_url
    assert signed == [on_the_wire]


@given(st.text(max_size=60) | st.text("htps:/@[]127.0.localhost?#\\ %", max_size=40))
def test_any_text_is_an_address_or_a_clear_refusal(text: str) -> None:
    try:
        url = check_api_url(text)
    except ConfigurationError as error:
        assert "api_url" in error.message  # noqa: PT017
    else:
        parts = urlsplit(url)
        assert parts.scheme == "https" or address.is_loopback(parts.hostname or "")
        assert parts.username is None


def test_nothing_that_goes_over_the_wire_is_shown() -> None:
    assert repr(Request(URL, {"x": CANARY}, CANARY.encode(), 1)) == "Request(POST)"
    assert repr(answer(200, CANARY.encode(), date=CANARY)) == "Response(200)"


def test_the_caller_checks_its_address() -> None:
    with pytest.raises(ConfigurationError, match="is plain http"):
        Caller(ScriptedTransport(), "http://vendor.example", Limits())


# ------------------------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("-7", None),
        ("7.5", None),
        ("soon", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        (formatdate(EPOCH + 90, usegmt=True), 90.0),
        (formatdate(EPOCH - 90, usegmt=True), 0.0),
        ("Tue, 99 Nov 2023 22:13:20 GMT", None),
        # The obsolete forms of RFC 9110, 5.6.7, and one that does not say its zone.
        ("Tuesday, 14-Nov-23 22:13:27 GMT", 7.0),
        ("Tue Nov 14 22:13:27 2023", 7.0),
        ("Tue, 14 Nov 2023 22:13:27 -0000", 7.0),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "KST-9", "EST+5"])
def test_retry_after(value: str | None, seconds: float | None, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert parse_retry_after(value, EPOCH) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


HEADERS = st.text(max_size=40) | st.text("MonTueNovJan0123456789 ,:+-GMTZ()", max_size=40)


@given(HEADERS)
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = parse_retry_after(value, EPOCH)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


# ---------------------------------------------------------------------------------------------------- the tests' tools


def test_the_script_notices_a_missing_request() -> None:
    with pytest.raises(AssertionError, match="1 requests too few"), ScriptedTransport(YES):
        pass


def test_the_script_notices_a_surplus_request() -> None:
    with pytest.raises(AssertionError, match="one request too many"):
        ScriptedTransport().send(Request(URL, {}, b"", 1), 1.0, 1.0)
