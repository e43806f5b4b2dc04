# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the next request may leave, who waits, and how many work at a time."""

from __future__ import annotations

import math
import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.rate import RateLimiter
from ansible_collections.krcloud.credentials.plugins.module_utils._core import workers
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import in_parallel
from support.fakes import FakeClock

WAIT = 30.0


@given(st.floats(0.1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=120))
def test_no_second_sees_more_requests_than_the_rate(rate: float, pauses: list[float]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(rate, clock)
    sent = []
    for pause in pauses:
        clock.passed += pause
        limiter.wait()
        sent.append(clock.passed)
    # "Send no more than this many requests a second", says the option; a fraction of a request cannot be sent.
    allowed = max(1, math.ceil(rate))
    for first in range(len(sent) - allowed):
        assert sent[first + allowed] - sent[first] >= 1.0 - 1e-6


@given(st.floats(0.1, 50), st.integers(2, 100))
def test_a_full_load_keeps_the_rate(rate: float, count: int) -> None:
    clock = FakeClock()
    limiter = RateLimiter(rate, clock)
    for _index in range(count):
        limiter.wait()
    # It is a limit, and it is used to the full: after the burst of the first second, one request per interval.
    assert (count - 1 - max(1.0, rate)) / rate - 1e-6 <= clock.passed <= (count - 1) / rate + 1e-6


def test_without_a_rate_nobody_waits() -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    for _index in range(100):
        limiter.wait()
    assert clock.naps == []


def test_a_hold_holds_everybody_and_the_longest_one_counts() -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    limiter.hold(3.0)
    limiter.hold(1.0)
    limiter.wait()
    assert math.isclose(clock.slept, 3.0)


def sent_in(limiter: RateLimiter, clock: FakeClock, seconds: float) -> int:
    """How many requests leave within this time when there is always another one."""
    count, end = 0, clock.passed + seconds
    while limiter.wait(clock.monotonic() + end - clock.passed):
        count += 1
        clock.passed += 0.001  # otherwise no time would pass at all
    clock.passed = end
    return count


def test_a_hold_halves_the_pace_once_for_all_requests_that_get_the_same_answer() -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    for _index in range(40):
        limiter.wait()
    for _index in range(8):
        limiter.hold(0.5)
    # 40 within the first second: from now on 20 a second, and one more for each ten.
    assert sent_in(limiter, clock, 0.5) == 0
    assert 20 <= sent_in(limiter, clock, 1.0) <= 23
    limiter.hold(0.5)
    clock.passed += 0.5
    assert 10 <= sent_in(limiter, clock, 1.0) <= 13


def test_a_hold_for_another_reason_slows_nobody_and_hides_no_limit() -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    for _index in range(40):
        limiter.wait()
    limiter.hold(0.5, too_many=False)
    for _index in range(40):
        limiter.wait()
    assert clock.naps == [0.5]
    limiter = RateLimiter(None, clock)
    for _index in range(40):
        limiter.wait()
    limiter.hold(0.5, too_many=False)
    limiter.hold(0.5)
    assert sent_in(limiter, clock, 0.5) == 0
    assert 20 <= sent_in(limiter, clock, 1.0) <= 23


def test_it_gets_faster_again_and_no_faster_than_the_user_allows() -> None:
    clock = FakeClock()
    limiter = RateLimiter(8.0, clock)
    sent_in(limiter, clock, 5.0)
    limiter.hold(0.0)
    assert 4 <= sent_in(limiter, clock, 1.0) <= 6
    sent_in(limiter, clock, 10.0)
    assert sent_in(limiter, clock, 10.0) in (79, 80, 81)


def test_it_never_stops() -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    for _index in range(50):
        limiter.wait()
        limiter.hold(0.0)
    assert sent_in(limiter, clock, 3.0) >= 3


@given(limit=st.integers(2, 60), workers=st.integers(1, 32))
def test_a_vendor_with_a_limit_is_met_halfway(limit: int, workers: int) -> None:
    clock = FakeClock()
    limiter = RateLimiter(None, clock)
    taken: list[float] = []
    refused = 0
    for _index in range(1000):
        limiter.wait()
        clock.passed += 0.05 / workers
        if sum(clock.passed - at < 1.0 for at in taken[-limit:]) < limit:
            taken.append(clock.passed)
        else:
            refused += 1
            limiter.hold(0.5)
    assert refused <= 120
    assert len(taken) / clock.passed >= 0.5 * min(limit, workers / 0.05)


@pytest.mark.parametrize("rate", [0, -1, 0.0, math.inf, -math.inf, math.nan])
def test_a_rate_that_is_not_valid_is_refused(rate: float) -> None:
    with pytest.raises(
        ConfigurationError, match=r"requests_per_second is not valid: it must be a number from 0\.001 to"
    ):
        RateLimiter(rate)


# --------------------------------------------------------------------------------------------------------- in parallel


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_this_many_at_a_time_and_no_more(workers: int) -> None:
    together = threading.Barrier(workers)
    lock = threading.Lock()
    running = peak = 0

    def work(item: int) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        together.wait(WAIT)  # passes only when all workers have arrived
        with lock:
            running -= 1
        return item * 2

    assert in_parallel(work, range(4 * workers), workers) == [item * 2 for item in range(4 * workers)]
    assert peak == workers


def test_nothing_to_do_is_done() -> None:
    def never(_item: int) -> int:
        raise AssertionError("called")

    assert in_parallel(never, [], 8) == []


def test_one_item_needs_no_thread() -> None:
    assert in_parallel(lambda _item: threading.current_thread(), [1], 8) == [threading.current_thread()]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_one_at_a_time_an_exception_ends_it(error: type[BaseException]) -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise error

    with pytest.raises(error):
        in_parallel(work, range(10), 1)
    assert begun == [0, 1, 2]


@pytest.mark.parametrize("error", [RuntimeError, IndexError, KeyboardInterrupt])
def test_after_an_exception_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    together, cleared = threading.Barrier(3), threading.Event()
    begun: list[int] = []

    class Watched(deque[int]):
        def clear(self) -> None:
            super().clear()
            cleared.set()

    monkeypatch.setattr(workers, "deque", Watched)

    def work(item: int) -> None:
        begun.append(item)
        together.wait(WAIT)
        if item == 0:
            raise error
        assert cleared.wait(WAIT)

    with pytest.raises(error):
        in_parallel(work, range(50), 3)
    assert sorted(begun) == [0, 1, 2]
