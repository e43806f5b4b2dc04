# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""At most one reset mail for each address and interval: with runs that race, die, and meet every kind of answer."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds
from ansible_collections.krcloud.credentials.plugins.plugin_utils._reset_mail import (
    Ask,
    ask_once,
    record_name,
    record_names,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    LONGEST_NAME,
    Stored,
    StoreError,
    check_name,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import Load, Rehearse, Save
from support.copies import copied
from support.memory_store import MemoryStore

EMAIL = "member@example.com"
DAY = 86400.0
INTERVAL = 30 * DAY


def failed(kind: str | None, delivery: str | None = None, status: int | None = None) -> dict[str, Any]:
    error = {"error": {"kind": kind, "message": "No.", "http_status": status}} if kind else {}
    return {"changed": False, "email": EMAIL, "delivery": delivery, "failed": True, "msg": "No.", **error}


ACCEPTED = {
    "changed": True,
    "email": EMAIL,
    "delivery": "accepted",
    "message_id": "<1@example.com>",
    "requested_at": "2027-01-15T08:00:07Z",
}
NOTHING = {"changed": False, "email": EMAIL, "delivery": None, "message_id": None, "requested_at": None}
REHEARSED = {"changed": True, "email": EMAIL, "delivery": None, "message_id": None, "requested_at": None}

# What becomes of a request: whether a mail is sent, and what the module says.
FATES: dict[str, tuple[bool, dict[str, Any]]] = {
    "accepted": (True, ACCEPTED),
    "answer lost": (True, {**failed("unknown_outcome", "unknown"), "changed": True}),
    "request lost": (False, {**failed("unknown_outcome", "unknown"), "changed": True}),
    "died": (True, {"failed": True, "msg": "MODULE FAILURE"}),
    "internal error": (True, failed("internal")),
    "rejected by a 200": (False, failed("rejected", "rejected", 200)),
    "rejected": (False, failed("rejected", "rejected", 400)),
    "never begun": (False, {"failed": True, "msg": "No.", "error": {"kind": "configuration"}}),
    "no route": (False, {"failed": True, "msg": "No.", "unreachable": True, "error": {"kind": "transport"}}),
    "refused": (False, failed("authentication")),
    "not reached": (False, failed("transport")),
    "too many": (False, failed("rate_limit")),
}
SENDS = [name for name, (sent, _result) in FATES.items() if sent]
REFUSED_BUT_COUNTS = "rejected by a 200"
COUNT = [*SENDS, "request lost", REFUSED_BUT_COUNTS]
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
        """Carry out the next effect of a run. Return its result if it has ended, otherwise None."""
        run, effect, request_id = self.runs[which]
        answer: Any
        if isinstance(effect, Load):
            answer = self.store.load(effect.names)
        elif isinstance(effect, Save):
            answer = self.store.save(effect.changes)
        elif isinstance(effect, Rehearse):
            answer = self.store.check_save(effect.names)
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
    delivery = {"accepted": "accepted", REFUSED_BUT_COUNTS: "rejected"}.get(fate, "unknown")
    assert first["changed"] is (fate != REFUSED_BUT_COUNTS)
    assert first["next_due_at"] == "2027-02-14T08:00:00Z"
    assert first["delivery"] == delivery
    if fate != "accepted":
        assert first["failed"] is True
        assert first["msg"].startswith(f"{EMAIL}: ")
        assert first["msg"].endswith(
            "No other mail will be requested before 2027-02-14T08:00:00Z, unless min_interval is 0s."
        )
        # A run within the interval sends nothing, so "run this again" would be no remedy.
        advice = "Check the address." if fate == REFUSED_BUT_COUNTS else "Ask the member whether it arrived."
        if "error" in first:
            assert first["error"]["hint"].startswith(advice)
            assert first["msg"] == f"{EMAIL}: {first['error']['message']} {first['error']['hint']}"
    asked = world.asked
    world.now += INTERVAL - 1
    again = world.finish()
    assert again["changed"] is False
    assert "failed" not in again
    assert world.asked == asked
    assert again["delivery"] == delivery
    if fate != "accepted":
        (warning,) = again["warnings"]
        assert EMAIL in warning
        assert ("SOLAPI refused the mail" if fate == REFUSED_BUT_COUNTS else "may or may not have been sent") in warning
        assert "min_interval" in warning
    assert set(again) - {"warnings"} == set(first) - {"failed", "msg", "error"}
    world.now += 1
    assert world.finish()["delivery"] == "accepted"


@pytest.mark.parametrize("fate", PROVEN_UNSENT)
def test_what_was_provably_not_sent_does_not_count(world: World, fate: str) -> None:
    refused = world.finish(fate)
    assert refused == {**NOTHING, **FATES[fate][1], "next_due_at": None}
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
    assert world.finish() == {**NOTHING, **failed("configuration"), "next_due_at": None}
    world.rehearsal = {"failed": True, "msg": "The module returned no result.", "error": {"kind": "transport"}}
    assert world.finish() == {**NOTHING, **world.rehearsal, "next_due_at": None}
    assert world.store.rows == {}
    assert world.asked == 0


def test_check_mode_tells_what_a_run_would_do_and_does_nothing(world: World) -> None:
    predicted = world.finish(check_mode=True)
    assert predicted == {**REHEARSED, "next_due_at": "2027-02-14T08:00:00Z"}
    assert world.store.rows == {}
    assert world.asked == 0
    assert world.finish()["next_due_at"] == predicted["next_due_at"]
    assert world.finish(check_mode=True)["changed"] is False


def test_check_mode_predicts_that_the_store_cannot_be_written(world: World) -> None:
    world.store.refuses_to_save = StoreError("This token may not write.")
    with pytest.raises(StoreError, match="may not write"):
        world.finish(check_mode=True)
    world.runs.clear()
    # Check mode asks for no more than a run needs, and a run that sends nothing writes nothing.
    world.store.rows[EMAIL] = Stored(record("2027-01-15T07:00:00Z"), "1")
    assert world.finish(check_mode=True)["changed"] is False
    world.store.rows[EMAIL] = Stored(record(FUTURE), "1")
    with pytest.raises(StoreError, match="may not write"):
        world.finish(check_mode=True)


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


SPELLINGS = [
    "사용자@한국.kr",
    "사용자@xn--3e0b707e.kr",
    unicodedata.normalize("NFD", "사용자@한국.kr"),
    "사용자@한국.KR.",
]


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(SPELLINGS, 2)))
def test_two_spellings_of_an_address_share_a_record(world: World, one: str, other: str) -> None:
    world.finish(email=one)
    again = world.finish(email=other)
    assert (again["changed"], again["email"]) == (False, other)
    assert len(world.store.rows) == 1
    assert len(world.mails) == 1


def former_name(email: str) -> str:
    """What version 0.1.0 called the record of an address."""
    return quote(email.lower(), safe="@+!#$&'*=?^`{|}~")


def record(asked_at: str, email: str = EMAIL, **more: Any) -> dict[str, Any]:
    fields = {"request_id": "r0", "outcome": "accepted", "message_id": None, "requested_at": None}
    return {"format": 1, "email": email, "asked_at": asked_at, **fields, **more}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("written", "asked"),
    [
        *itertools.product(SPELLINGS[:3], repeat=2),
        ("Member@Example.com", EMAIL),
        ("{{x}}@example.com", "{{x}}@example.com"),
    ],
)
def test_a_record_of_version_0_1_0_is_found_under_its_name(
    world: World, written: str, asked: str, check_mode: bool
) -> None:
    rows = {former_name(written): Stored(record("2027-01-15T07:00:00Z", written), "1")}
    world.store.rows = dict(rows)
    again = world.finish(email=asked, check_mode=check_mode)
    assert (again["changed"], again["next_due_at"]) == (False, "2027-02-14T07:00:00Z")
    assert world.store.rows == rows
    world.now += INTERVAL
    assert world.finish(email=asked)["changed"] is True
    assert record_name(asked) in world.store.rows
    assert world.finish(email=written)["changed"] is False
    assert len(world.mails) == 1


def test_the_last_mail_of_several_records_of_an_address_counts(world: World) -> None:
    for spelling, day in zip(SPELLINGS[:3], (11, 13, 12), strict=True):
        world.store.rows[former_name(spelling)] = Stored(record(f"2027-01-{day}T00:00:00Z", spelling), "1")
    assert world.finish(email=SPELLINGS[0])["next_due_at"] == "2027-02-12T00:00:00Z"
    assert world.asked == 0


def test_a_refusal_leaves_the_records_of_version_0_1_0_alone(world: World) -> None:
    written = Stored(record("2026-12-01T00:00:00Z", SPELLINGS[2]), "1")
    world.store.rows[former_name(SPELLINGS[2])] = written
    world.finish("rejected", email=SPELLINGS[0])
    assert world.store.rows[former_name(SPELLINGS[2])] == written
    assert world.finish(email=SPELLINGS[0], interval=90 * DAY)["changed"] is False


def test_an_address_in_ascii_costs_one_look() -> None:
    assert record_names("Member@Example.COM") == (EMAIL,)


# ------------------------------------------------------------------------------------------- records from the future

FUTURE = "2032-01-15T08:00:00Z"


@pytest.mark.parametrize("asked_at", [FUTURE, "9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("outcome", ["accepted", "unknown", "claimed", "rejected"])
def test_a_record_from_the_future_counts_from_when_it_is_noticed(world: World, asked_at: str, outcome: str) -> None:
    world.store.rows[EMAIL] = Stored(record(asked_at, outcome=outcome), "1")
    first = world.finish(interval=36525 * DAY)
    assert first["changed"] is False
    assert first["warnings"][-1].startswith(f"The store says that a mail to {EMAIL} was requested at {asked_at}, which")
    assert "min_interval" in first["warnings"][-1]
    noticed = world.store.rows[EMAIL]
    assert noticed.document == {**record(asked_at, outcome=outcome), "noticed_at": "2027-01-15T08:00:00Z"}
    for _index in range(3):
        world.now += 9 * DAY
        again = world.finish()
        assert (again["changed"], again["next_due_at"]) == (False, "2027-02-14T08:00:00Z")
        assert again["warnings"][-1].startswith("The store says")
    assert world.store.rows[EMAIL] == noticed
    world.now += 3 * DAY
    assert world.finish()["changed"] is True
    assert "noticed_at" not in world.store.rows[EMAIL].document
    assert len(world.mails) == 1


def test_check_mode_predicts_what_a_record_from_the_future_does(world: World) -> None:
    rows = {EMAIL: Stored(record(FUTURE), "1")}
    world.store.rows = dict(rows)
    predicted = world.finish(check_mode=True)
    assert world.store.rows == rows
    assert world.finish() == predicted
    assert world.finish(check_mode=True) == predicted
    assert world.asked == 0


def test_a_clock_that_is_behind_takes_nothing_from_a_record(world: World) -> None:
    """Such as the clock of a controller that has just started and thinks that it is 1970."""
    world.finish()
    world.now, now = 86_400.0, world.now
    behind = world.finish()
    assert (behind["changed"], behind["next_due_at"]) == (False, "1970-02-01T00:00:00Z")
    world.now = now + INTERVAL - 1
    again = world.finish()
    assert (again["changed"], again["next_due_at"]) == (False, "2027-02-14T08:00:00Z")
    assert "warnings" not in again
    world.now += 1
    assert world.finish()["changed"] is True
    assert len(world.mails) == 2


def test_a_future_that_comes_before_the_interval_is_over_is_predicted(world: World) -> None:
    world.store.rows[EMAIL] = Stored(record("2027-01-25T08:00:00Z"), "1")
    for _index in range(40):
        again = world.finish()
        assert (again["changed"], again["next_due_at"]) == (False, "2027-02-24T08:00:00Z")
        world.now += DAY
    assert world.finish()["changed"] is True


def test_clocks_differ_a_little(world: World) -> None:
    world.store.rows[EMAIL] = Stored(record("2027-01-16T07:59:59Z"), "1")
    again = world.finish()
    assert (again["changed"], again["next_due_at"]) == (False, "2027-02-15T07:59:59Z")
    assert "warnings" not in again
    assert world.store.rows[EMAIL].revision == "1"
    assert world.finish(interval=0.0)["changed"] is True


def test_a_record_of_version_0_1_0_from_the_future_is_noticed_in_place(world: World) -> None:
    name = former_name(SPELLINGS[2])
    world.store.rows[name] = Stored(record(FUTURE, SPELLINGS[2]), "1")
    world.finish(email=SPELLINGS[0])
    assert list(world.store.rows) == [name]
    assert world.store.rows[name].document["noticed_at"] == "2027-01-15T08:00:00Z"


def test_two_runs_notice_a_record_from_the_future_once(world: World) -> None:
    world.store.rows[EMAIL] = Stored(record(FUTURE), "1")
    world.begin()
    world.until(0, lambda effect: isinstance(effect, Save))
    world.now += DAY
    assert world.finish()["next_due_at"] == "2027-02-15T08:00:00Z"
    assert world.end(0)["next_due_at"] == "2027-02-15T08:00:00Z"


def test_a_run_that_was_ahead_does_not_undo_what_was_noticed(world: World) -> None:
    world.now, now = seconds(FUTURE), world.now
    world.begin()
    world.until(0, asks)
    world.now = now
    noticed = world.finish()
    assert (noticed["changed"], noticed["delivery"]) == (False, "unknown")
    world.now = seconds(FUTURE)
    assert world.end(0)["delivery"] == "accepted"
    world.now = now + INTERVAL - 1
    assert world.finish()["changed"] is False
    world.now += 1
    assert world.finish()["changed"] is True
    assert len(world.mails) == 2


def test_no_time_is_beyond_the_last_one(world: World) -> None:
    world.now = seconds("9999-12-30T00:00:00Z")
    assert world.finish()["next_due_at"] == "9999-12-31T23:59:59Z"
    assert world.finish()["next_due_at"] == "9999-12-31T23:59:59Z"


# ----------------------------------------------------------------------------------------------- what a store may hold


@pytest.mark.parametrize("fate", FATES)
def test_what_a_newer_version_keeps_in_a_record_stays(world: World, fate: str) -> None:
    more = {"hold_until": "2030-01-01T00:00:00Z", "notes": ["{{ x }}"]}
    world.store.rows[EMAIL] = Stored(record("2026-01-01T00:00:00Z", **more), "1")
    world.finish(fate)
    world.finish(fate, interval=0.0)
    document = world.store.rows[EMAIL].document
    assert {key: document[key] for key in more} == more


def test_a_refusal_restores_exactly_what_was_there(world: World) -> None:
    before = record(FUTURE, noticed_at="2026-01-01T00:00:00Z", more=1)
    world.store.rows[EMAIL] = Stored(before, "1")
    world.finish("rejected")
    assert world.asked == 1
    assert world.store.rows[EMAIL].document == before


def test_a_record_that_cannot_be_read_stops_its_own_address_only(world: World) -> None:
    world.store.unreadable[EMAIL] = StoreError("Version 3 is deleted.")
    with pytest.raises(StoreError, match="Version 3 is deleted"):
        world.finish()
    assert world.asked == 0
    world.runs.clear()
    assert world.finish(email="other@example.com")["changed"] is True


class Broken(MemoryStore):
    """Fails from the second write on."""

    def save(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        if self.rows:
            raise StoreError("The disk is full.", hint="Make room.")
        return super().save(changes)


@pytest.mark.parametrize("fate", FATES)
def test_a_store_that_fails_after_the_mail_is_reported(fate: str) -> None:
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
        record("2026-01-01T00:00:00Z", noticed_at="then"),
        record("2026-01-01T00:00:00Z", noticed_at=7),
        record("2026-01-01T00:00:00Z", message_id=["<a@example.com>"]),
        record("2026-01-01T00:00:00Z", requested_at=7),
        record("10000-01-01T00:00:00Z"),
        record("2026-01-01T00:00:00Z", outcome=["accepted"]),
        {"format": 1, "email": EMAIL, "asked_at": "yesterday", "request_id": "x"},
        {"format": 1, "email": EMAIL, "asked_at": "2026-01-01T00:00:00Z", "request_id": "x", "outcome": "new"},
        {"format": 2, "email": EMAIL, "asked_at": "2026-01-01T00:00:00Z", "request_id": "x", "outcome": "claimed"},
        {"format": 1, "password": "Tresor-4711", "previous": [], "account": {"name": "df001"}},
    ],
)
def test_a_record_that_is_not_valid_stops_the_run_and_is_not_quoted(world: World, document: dict[str, Any]) -> None:
    world.store.rows[record_name(EMAIL)] = Stored(document, "1")
    with pytest.raises(StoreError, match="not a record of a mail") as caught:
        world.finish()
    assert "Tresor" not in caught.value.sentence()
    assert world.asked == 0


@pytest.mark.parametrize(
    "email",
    [
        EMAIL,
        "{{x}}@example.com",
        "a/b@example.com",
        "50%@example.com",
        "한글@example.com",
        f"{'x' * 64}@{'y' * 185}.com",
        "+@e.co",
    ],
)
def test_every_address_has_a_name_of_its_own_that_stores_can_keep(email: str) -> None:
    assert check_name(record_name(email)) == record_name(email.upper())
    assert len(record_name(email)) <= LONGEST_NAME
    assert "{{" not in record_name(email)
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
        # Only the run that holds the claim asks, and only once.
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


OFFSETS = [2 * DAY, 40 * DAY, 400 * DAY, 5 * 365 * DAY]


@settings(max_examples=int(os.environ.get("KRCLOUD_HISTORIES", "300")), deadline=None)
@given(
    st.sampled_from([sign * offset for offset in OFFSETS for sign in (1, -1)]),
    st.lists(st.tuples(st.booleans(), st.sampled_from([60.0, DAY, 10 * DAY, INTERVAL])), max_size=12),
)
def test_a_clock_that_is_wrong_does_no_harm_to_those_that_are_right(
    offset: float, events: list[tuple[bool, float]]
) -> None:
    """A run whose clock is right sends no second mail, and no address waits forever."""
    world = World()
    right: list[float] = []

    def run(wrong: bool = False) -> None:
        before, now = world.asked, world.now
        world.now += offset if wrong else 0.0
        world.finish()
        world.now = now
        if world.asked > before and not wrong:
            right.append(now)

    for wrong, passed in events:
        run(wrong)
        world.now += passed
    assert all(later - earlier >= INTERVAL for earlier, later in itertools.pairwise(right))
    for passed in (INTERVAL, INTERVAL + 2 * DAY, 0.0):
        run()
        world.now += passed
    assert right
    assert world.now - right[-1] <= INTERVAL + 2 * DAY


def test_no_mail_is_requested_with_a_store_from_which_the_record_has_moved() -> None:
    world = World()
    world.finish()
    copied(world.store, MemoryStore(address="/srv/mails.yml"), contents="reset_mails")
    asked = world.asked
    for check_mode in (True, False):
        with pytest.raises(StoreError, match=r"The records of mails to member@example\.com moved to the store /srv/ma"):
            world.finish(check_mode=check_mode)
    assert world.asked == asked == 1
