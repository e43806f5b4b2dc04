# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""At most one reset mail for each address and interval: with runs that race, die, and meet every kind of answer."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.plugin_utils._effects import Load, Save
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import seconds
from ansible_collections.krcloud.credentials.plugins.plugin_utils._reset_mail import Ask, ask_once, record_name
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    LONGEST_NAME,
    Stored,
    StoreError,
    check_name,
)
from unit.plugins.plugin_utils.memory_store import MemoryStore

EMAIL = "member@example.com"
DAY = 86400.0
INTERVAL = 30 * DAY


def failed(kind: str | None, delivery: str | None = None) -> dict[str, Any]:
    error = {"error": {"kind": kind, "message": "No."}} if kind else {}
    return {"changed": False, "email": EMAIL, "delivery": delivery, "failed": True, "msg": "No.", **error}


ACCEPTED = {
    "changed": True,
    "email": EMAIL,
    "delivery": "accepted",
    "message_id": "<1@example.com>",
    "requested_at": "2027-01-15T08:00:07Z",
}
REHEARSED = {"changed": True, "email": EMAIL, "delivery": None, "message_id": None, "requested_at": None}

# What becomes of a request: whether a mail is sent, and what the module says.
FATES: dict[str, tuple[bool, dict[str, Any]]] = {
    "accepted": (True, ACCEPTED),
    "answer lost": (True, {**failed("unknown_outcome", "unknown"), "changed": True}),
    "request lost": (False, {**failed("unknown_outcome", "unknown"), "changed": True}),
    "died": (True, {"failed": True, "msg": "MODULE FAILURE"}),
    "internal error": (True, failed("internal")),
    "rejected": (False, failed("rejected", "rejected")),
    "refused": (False, failed("authentication")),
    "not reached": (False, failed("transport")),
    "too many": (False, failed("rate_limit")),
}
SENDS = [name for name, (sent, _result) in FATES.items() if sent]
COUNT = [*SENDS, "request lost"]
PROVEN_UNSENT = [name for name in FATES if name not in COUNT]


class World:
    """One store, one vendor, one clock, and any number of runs that are under way."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.now = 1_800_000_000.0
        self.numbers = itertools.count(1)
        self.mails: list[float] = []
        self.asked = 0
        self.rehearsals = 0
        self.rehearsal: dict[str, Any] = REHEARSED
        self.runs: list[tuple[Any, Any, str]] = []

    def begin(self, email: str = EMAIL, interval: float = INTERVAL, check_mode: bool = False) -> None:
        request_id = f"request-{next(self.numbers)}"
        run = ask_once(email, interval, clock=lambda: self.now, request_id=request_id, check_mode=check_mode)
        self.runs.append((run, next(run), request_id))

    def step(self, which: int, fate: str) -> dict[str, Any] | None:
        """Carry out the next effect of a run; None while it goes on, else its result."""
        run, effect, request_id = self.runs[which]
        answer: Any
        if isinstance(effect, Load):
            answer = self.store.load(effect.names)
        elif isinstance(effect, Save):
            answer = self.store.save(effect.changes)
        elif effect.rehearse:
            self.rehearsals += 1
            answer = self.rehearsal
        else:
            self.asked += 1
            sent, answer = FATES[fate]
            if sent:
                self.mails.append(self.now)
        try:
            self.runs[which] = (run, run.send(answer), request_id)
        except StopIteration as stop:
            del self.runs[which]
            return dict(stop.value)
        return None

    def finish(self, fate: str = "accepted", **options: Any) -> dict[str, Any]:
        self.begin(**options)
        return self.end(len(self.runs) - 1, fate)

    def end(self, which: int, fate: str = "accepted") -> dict[str, Any]:
        while (result := self.step(which, fate)) is None:
            pass
        return result

    def until(self, which: int, wanted: Callable[[Any], bool], fate: str = "accepted") -> None:
        while not wanted(self.runs[which][1]):
            assert self.step(which, fate) is None

    def kill(self, which: int) -> None:
        self.runs.pop(which)[0].close()


def asks(effect: Any) -> bool:
    return isinstance(effect, Ask) and not effect.rehearse


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_run_asks_and_the_second_does_not(world: World) -> None:
    first = world.finish()
    assert first == {**ACCEPTED, "next_due_at": "2027-02-14T08:00:00Z"}
    world.now += INTERVAL - 1
    second = world.finish(fate="rejected")
    assert second == {**first, "changed": False}
    assert len(world.mails) == 1
    world.now += 1
    assert world.finish()["changed"] is True
    assert len(world.mails) == 2


@pytest.mark.parametrize("fate", COUNT)
def test_what_may_have_been_sent_counts_until_the_interval_is_over(world: World, fate: str) -> None:
    first = world.finish(fate)
    assert first["changed"] is True
    assert first["next_due_at"] == "2027-02-14T08:00:00Z"
    if fate != "accepted":
        assert (first["failed"], first["delivery"]) == (True, "unknown")
        assert first["msg"].endswith(
            "No other mail is asked for before 2027-02-14T08:00:00Z, unless min_interval is 0s."
        )
    asked = world.asked
    world.now += INTERVAL - 1
    again = world.finish()
    assert again["changed"] is False
    assert "failed" not in again
    assert world.asked == asked
    if fate != "accepted":
        assert again["delivery"] == "unknown"
        (warning,) = again["warnings"]
        assert EMAIL in warning
        assert "not known" in warning
        assert "min_interval" in warning
    world.now += 1
    assert world.finish()["delivery"] == "accepted"


@pytest.mark.parametrize("fate", PROVEN_UNSENT)
def test_what_was_provably_not_sent_does_not_count(world: World, fate: str) -> None:
    refused = world.finish(fate)
    assert refused == {**FATES[fate][1], "next_due_at": None}
    assert world.finish()["delivery"] == "accepted"
    assert len(world.mails) == 1


@pytest.mark.parametrize("fate", PROVEN_UNSENT)
def test_a_mail_before_it_still_counts_for_a_longer_interval(world: World, fate: str) -> None:
    world.finish()
    world.now += INTERVAL
    world.finish(fate)
    assert world.finish(interval=2 * INTERVAL)["changed"] is False
    assert len(world.mails) == 1


def test_what_a_rehearsal_finds_wrong_leaves_no_trace(world: World) -> None:
    world.rehearsal = failed("configuration")
    assert world.finish() == {**failed("configuration"), "next_due_at": None}
    assert world.store.rows == {}
    assert world.asked == 0


def test_check_mode_tells_what_a_run_would_do_and_does_nothing(world: World) -> None:
    assert world.finish(check_mode=True) == {**REHEARSED, "next_due_at": None}
    assert world.store.rows == {}
    assert world.asked == 0
    world.finish()
    assert world.finish(check_mode=True)["changed"] is False


def test_a_run_that_dies_after_its_claim_counts(world: World) -> None:
    world.begin()
    world.until(0, asks)
    world.kill(0)
    again = world.finish()
    assert (again["changed"], again["delivery"]) == (False, "unknown")
    assert again["requested_at"] == "2027-01-15T08:00:00Z"
    assert world.asked == 0


def test_no_interval_asks_in_any_case_and_takes_note(world: World) -> None:
    world.finish("answer lost")
    assert world.finish(interval=0.0)["delivery"] == "accepted"
    assert world.finish()["delivery"] == "accepted"
    assert len(world.mails) == 2


def test_the_case_of_an_address_makes_no_difference_and_other_addresses_do(world: World) -> None:
    world.finish()
    assert world.finish(email="Member@Example.COM")["changed"] is False
    assert world.finish(email="other@example.com")["changed"] is True


class Broken(MemoryStore):
    """Fails from the second write on."""

    def save(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        if self.rows:
            raise StoreError("The disk is full.", hint="Make room.")
        return super().save(changes)


@pytest.mark.parametrize("fate", FATES)
def test_a_store_that_fails_after_the_mail_is_told_of(fate: str) -> None:
    world = World()
    world.store = Broken()
    world.begin()
    effect: Any = world.runs[0][1]
    run = world.runs[0][0]
    result: dict[str, Any] = {}
    try:
        while True:
            try:
                if isinstance(effect, Load):
                    answer: Any = world.store.load(effect.names)
                elif isinstance(effect, Save):
                    answer = world.store.save(effect.changes)
                else:
                    answer = REHEARSED if effect.rehearse else FATES[fate][1]
            except StoreError as error:
                effect = run.throw(error)
            else:
                effect = run.send(answer)
    except StopIteration as stop:
        result = stop.value
    assert result["failed"] is True
    assert "The disk is full. Make room." in result["msg"]
    assert "before 2027-02-14T08:00:00Z" in result["msg"]
    assert result["next_due_at"] == "2027-02-14T08:00:00Z"
    assert result["error"]["kind"]
    # The claim still stands.
    world.store = MemoryStore(world.store.rows)
    assert world.finish()["changed"] is False


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": 2},
        {"format": 1, "email": EMAIL},
        {"format": 1, "email": EMAIL, "asked_at": 7, "request_id": "x"},
        {"format": 1, "email": EMAIL, "asked_at": "yesterday", "request_id": "x"},
        {"format": 1, "email": EMAIL, "asked_at": "2026-01-01T00:00:00Z", "request_id": "x", "outcome": "new"},
        {"format": 2, "email": EMAIL, "asked_at": "2026-01-01T00:00:00Z", "request_id": "x", "outcome": "claimed"},
        {"format": 1, "password": "Tresor-4711", "previous": [], "account": {"name": "df001"}},
    ],
)
def test_a_record_that_is_none_stops_the_run_and_is_not_quoted(world: World, document: dict[str, Any]) -> None:
    world.store.rows[record_name(EMAIL)] = Stored(document, "1")
    with pytest.raises(StoreError, match="no record of a mail") as caught:
        world.finish()
    assert "Tresor" not in caught.value.sentence()
    assert world.asked == 0


@pytest.mark.parametrize(
    "email", [EMAIL, "a/b@example.com", "50%@example.com", "한글@example.com", f"{'x' * 64}@{'y' * 185}.com", "+@e.co"]
)
def test_every_address_has_a_name_of_its_own_that_stores_can_keep(email: str) -> None:
    assert check_name(record_name(email)) == record_name(email.upper())
    assert len(record_name(email)) <= LONGEST_NAME
    others = (email + "x", "x" + email, email.replace("@", "x@"))
    assert record_name(email) not in {record_name(other) for other in others}


def test_an_address_that_everybody_keeps_changing_is_given_up(world: World) -> None:
    class Busy(MemoryStore):
        def load(self, names: Any) -> dict[str, Stored]:
            return {}

    world.finish(interval=0.0)
    world.store = Busy(world.store.rows)
    with pytest.raises(StoreError, match="Other runs keep changing"):
        world.finish()
    assert world.asked == 1


def play(order: tuple[int, ...], fates: tuple[str, str]) -> tuple[World, list[int]]:
    """Let two runs take their steps in this order; return who could take the next one."""
    world = World()
    for _index in range(2):
        world.begin()
    alive = [0, 1]
    for turn in order:
        if world.step(alive.index(turn), fates[turn]) is not None:
            alive.remove(turn)
    return world, alive


@pytest.mark.parametrize("fates", list(itertools.product(["accepted", "answer lost", "rejected"], repeat=2)), ids=str)
def test_two_runs_side_by_side_send_one_mail_in_every_order(fates: tuple[str, str]) -> None:
    orders, complete = [()], 0
    while orders:
        order = orders.pop()
        world, alive = play(order, fates)
        assert len(world.mails) <= 1, order
        orders += [(*order, turn) for turn in alive]
        if not alive:
            complete += 1
            if "rejected" not in fates:
                assert (len(world.mails), world.asked) == (1, 1), order
    assert complete > 50


EVENTS = st.one_of(
    st.tuples(st.just("begin")),
    *[st.tuples(st.just("steps"), st.integers(0, 3), st.integers(1, 7), st.sampled_from(sorted(FATES)))] * 3,
    st.tuples(st.just("kill"), st.integers(0, 3)),
    st.tuples(st.just("clock"), st.sampled_from([1.0, DAY, INTERVAL / 2, INTERVAL])),
)


@settings(max_examples=int(os.environ.get("KRCLOUD_HISTORIES", "300")), deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_no_history_lets_two_mails_count_within_an_interval(events: list[tuple[Any, ...]]) -> None:
    world = World()
    claims: dict[str, float] = {}
    refused: set[str] = set()

    def step(which: int, fate: str) -> bool:
        _run, effect, request_id = world.runs[which]
        mails = len(world.mails)
        ended = world.step(which, fate) is not None
        # Only who holds the claim asks, and asks once.
        assert len(world.mails) - mails == int(asks(effect) and fate in SENDS)
        if asks(effect) and fate in PROVEN_UNSENT:
            refused.add(request_id)
        row = world.store.rows.get(record_name(EMAIL))
        if row and row.document["outcome"] != "withdrawn":
            claims[row.document["request_id"]] = seconds(row.document["asked_at"])
        if ended and request_id in refused:
            claims.pop(request_id, None)
        return ended

    for kind, *details in events:
        if kind == "begin" and len(world.runs) < 4:
            world.begin()
        elif kind == "clock":
            world.now += details[0]
        elif kind == "kill" and world.runs:
            world.kill(details[0] % len(world.runs))
        elif kind == "steps" and world.runs:
            which = details[0] % len(world.runs)
            for _index in range(details[1]):
                if step(which, details[2]):
                    break
    times = sorted(claims.values())
    assert all(later - earlier >= INTERVAL for earlier, later in itertools.pairwise(times))
