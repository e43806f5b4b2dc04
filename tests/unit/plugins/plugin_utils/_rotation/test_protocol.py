# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the protocol one by one. What they amount to is in test_histories.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    LONG_AGO,
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Hold,
    Pending,
    Previous,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import (
    LONGEST_FLIGHT,
    MOST_FLIGHTS,
    MOST_OPEN,
    MOST_OPEN_IN_ALL,
    SEVERAL_RUNS,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    NewAccounts,
    Policy,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    MOST_PREVIOUS,
    STEPS,
    STEPS_FOR_NEW,
    Course,
    Situation,
    Step,
    claim,
    plan,
    restore,
    settle,
    stage,
    take_over,
)

DAY = 86400.0
NOW = 1_800_000_000.0
ACCOUNT = Account("id1", "df001", None)
COURSE = Course("this run", NOW)
FLIGHT = (Flight("another run", time_text(NOW)),)
FLYING = Previous("q", time_text(NOW), "r0", FLIGHT)


def rotated(age: float, name: str = "df001") -> Envelope:
    return Envelope(Account("id1", name, None), "password", time_text(NOW - age), "r1")


def planned(envelope: Envelope | None, policy: Policy, **course: Any) -> Step:
    return planned_at(envelope, policy, NOW, **course)


def planned_at(envelope: Envelope | None, policy: Policy, now: float, **course: Any) -> Step:
    return plan(envelope, ACCOUNT, policy, now, COURSE._replace(**course))


def candidate(rotation_id: str = "r2") -> Pending:
    return Pending("p", time_text(NOW), rotation_id)


@pytest.mark.parametrize(
    ("envelope", "force", "step"),
    [
        (None, False, Step.REFUSE),
        (None, True, Step.REFUSE),
        (Envelope(ACCOUNT), False, Step.STAGE),
        (rotated(89 * DAY), False, Step.REST),
        (rotated(90 * DAY), False, Step.STAGE),
        (rotated(1), True, Step.STAGE),
        # Some clock was wrong. A small difference is normal, but one of years would mean never.
        (rotated(-3600), False, Step.REST),
        (rotated(-400 * DAY), False, Step.STAGE),
        # A password that may be stolen is replaced, however its time was written down.
        (rotated(-3600), True, Step.STAGE),
        (rotated(1)._replace(made_at=time_text(NOW + 600)), True, Step.STAGE),
        # What a run has begun comes first, whatever is due.
        (rotated(1)._replace(pending=(candidate(),)), False, Step.RESEND),
        (rotated(900 * DAY)._replace(pending=(candidate(),)), True, Step.RESEND),
        # Deleted and created again, or another tenant's: what is in the store does not belong to this account.
        (rotated(1)._replace(account=Account("id2", "df001", None)), False, Step.REFUSE_ID),
        # Adopted by hand: the id is not known yet.
        (rotated(1)._replace(account=Account(None, "df001", None)), False, Step.REST),
        # An earlier value may still arrive; what is due is replaced in any case.
        (rotated(1)._replace(previous=(FLYING,)), False, Step.RESTORE),
        (rotated(91 * DAY)._replace(previous=(FLYING,)), False, Step.STAGE),
        # If the active one itself arrives once more, that changes nothing.
        (rotated(1)._replace(in_flight=FLIGHT), False, Step.REST),
    ],
)
def test_the_first_step(envelope: Envelope | None, force: bool, step: Step) -> None:
    assert planned(envelope, Policy(90 * DAY, 0.0, force)) is step


MADE = rotated(DAY)._replace(made_at=time_text(NOW - 2 * DAY))


@pytest.mark.parametrize(
    ("envelope", "before", "step"),
    [
        (MADE, NOW - 2 * DAY + 1, Step.STAGE),
        (MADE, NOW - 2 * DAY, Step.REST),
        # It was confirmed after the moment, and made before it.
        (MADE, NOW - 1.5 * DAY, Step.STAGE),
        # When it was made is not known.
        (rotated(DAY), NOW - 400 * DAY, Step.STAGE),
        # It was made before it was confirmed, and before now, whatever some clock said.
        (MADE._replace(rotated_at=time_text(NOW - 3 * DAY)), NOW - 2 * DAY, Step.STAGE),
        (MADE._replace(made_at=time_text(NOW + 9), rotated_at=time_text(NOW + 9)), NOW - 9 * DAY, Step.STAGE),
        # It is due by its age.
        (MADE._replace(made_at=time_text(NOW - 91 * DAY), rotated_at=time_text(NOW - 90 * DAY)), 0.0, Step.STAGE),
        # What a run has begun comes first.
        (MADE._replace(pending=(candidate(),)), NOW, Step.RESEND),
        # A former value may still arrive: what is older than the moment is replaced all the same.
        (MADE._replace(previous=(FLYING,)), NOW - DAY, Step.STAGE),
        (MADE._replace(previous=(FLYING,)), NOW - 2 * DAY, Step.RESTORE),
        (None, NOW, Step.REFUSE),
    ],
)
def test_what_was_made_before_a_moment_is_due(envelope: Envelope | None, before: float, step: Step) -> None:
    assert planned(envelope, Policy(90 * DAY, 0.0, rotated_before=before)) is step


def test_what_this_run_has_made_is_not_due_in_it() -> None:
    policy = Policy(90 * DAY, 0.0, rotated_before=NOW)
    assert planned(MADE, policy, made=frozenset(["r1"]), live="r1", restored=True) is Step.REST


HELD = Hold(time_text(NOW + 60), "audit")
OLD = candidate()._replace(staged_at=time_text(NOW - 2 * DAY - 1))


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "envelope",
    [
        rotated(1),
        rotated(900 * DAY),
        rotated(-400 * DAY),
        Envelope(ACCOUNT),
        rotated(1)._replace(pending=(candidate(),)),
        rotated(1)._replace(previous=(FLYING,)),
        rotated(1)._replace(account=Account("id2", "df001", None)),
    ],
)
def test_a_hold_stops_every_step_of_a_run_that_has_sent_nothing(envelope: Envelope, force: bool) -> None:
    policy = Policy(90 * DAY, 0.0, force, NewAccounts.ROTATE)
    held = envelope._replace(hold=HELD)
    assert planned(held, policy, named=True) is Step.HOLD
    # In the past it means nothing.
    assert planned_at(held, policy, NOW + 60, named=True) is planned_at(envelope, policy, NOW + 60, named=True)
    assert planned_at(held, policy, NOW + 60, named=True) is not Step.HOLD


@pytest.mark.parametrize(
    ("envelope", "before", "step"),
    [
        (MADE, NOW - 2 * DAY + 1, Step.REFUSE_HOLD),
        (MADE, NOW - 2 * DAY, Step.HOLD),
        # Adopted, or written by version 0.1.0: when it was made is not known.
        (rotated(DAY), NOW - 400 * DAY, Step.REFUSE_HOLD),
        (rotated(DAY)._replace(rotated_at=LONG_AGO), NOW - 400 * DAY, Step.REFUSE_HOLD),
        (Envelope(ACCOUNT), NOW - 400 * DAY, Step.REFUSE_HOLD),
        # It is due by its age alone, which an ordinary hold is for.
        (MADE._replace(made_at=time_text(NOW - 91 * DAY), rotated_at=time_text(NOW - 90 * DAY)), 0.0, Step.HOLD),
        # A candidate may be the live password as well.
        (MADE._replace(pending=(candidate(),)), NOW - 2 * DAY, Step.HOLD),
        (MADE._replace(pending=(candidate(),)), NOW - DAY, Step.REFUSE_HOLD),
        (MADE._replace(pending=(OLD,)), NOW - 2 * DAY, Step.REFUSE_HOLD),
        # A former value may still arrive, and this run cannot send the active one after it.
        (MADE._replace(previous=(FLYING,)), NOW - 2 * DAY, Step.REFUSE_HOLD),
        # By a clock that was wrong.
        (MADE._replace(pending=(OLD._replace(staged_at=time_text(NOW + 1)),)), NOW - 2 * DAY, Step.REFUSE_HOLD),
        (rotated(DAY)._replace(account=Account("id2", "df001", None)), NOW, Step.REFUSE_HOLD),
    ],
)
def test_an_incident_does_not_pass_over_a_hold(envelope: Envelope, before: float, step: Step) -> None:
    held = envelope._replace(hold=HELD)
    policy = Policy(90 * DAY, 0.0, rotated_before=before, new_accounts=NewAccounts.ROTATE)
    assert planned(held, policy, named=True) is step
    assert planned(held, Policy(90 * DAY, 0.0)) is Step.HOLD
    # When the hold is over, so is the refusal.
    assert planned_at(held, policy, NOW + 60, named=True) in (
        Step.STAGE,
        Step.RESEND,
        Step.RESTORE,
        Step.REST,
        Step.TAKE_OVER,
    )


def test_what_a_run_has_sent_before_it_finds_a_hold_is_seen_through() -> None:
    policy = Policy(90 * DAY, 0.0)
    overtaken = rotated(1)._replace(hold=HELD)
    assert planned(overtaken, policy, live="r0", tried=1) is Step.RESTORE
    assert planned(overtaken._replace(pending=(candidate(),)), policy, live="r2", tried=1) is Step.RESEND


@pytest.mark.parametrize(
    ("course", "step"),
    [
        # This run has set, or may have set, a password that is not the active one.
        ({"live": "r0", "restored": True}, Step.RESTORE),
        ({"live": "r1"}, Step.RESTORE),
        ({"live": "r1", "restored": True}, Step.REST),
        # Its own request has ended, so nobody has to wait for it.
        ({"landed": frozenset(["r0"])}, Step.RELEASE),
        ({"landed": frozenset(["r7"])}, Step.RESTORE),
    ],
)
def test_the_next_step_of_a_run_that_has_sent_something(course: dict[str, Any], step: Step) -> None:
    own = FLYING._replace(in_flight=(Flight("this run", time_text(NOW)),))
    assert planned(rotated(1)._replace(previous=(own,)), Policy(90 * DAY, 0.0), **course) is step


@pytest.mark.parametrize(
    ("choice", "named", "new", "other_id"),
    [
        (NewAccounts.FAIL, True, Step.REFUSE, Step.REFUSE_ID),
        (NewAccounts.SKIP, True, Step.SKIP, Step.REFUSE_ID),
        (NewAccounts.ROTATE, False, Step.STAGE, Step.REFUSE_ID),
        (NewAccounts.ROTATE, True, Step.STAGE, Step.TAKE_OVER),
    ],
)
def test_an_account_that_the_store_does_not_know_is_the_user_s_choice(
    choice: NewAccounts, named: bool, new: Step, other_id: Step
) -> None:
    policy = Policy(90 * DAY, new_accounts=choice)
    assert planned(None, policy, named=named) is new
    assert planned(rotated(1)._replace(account=Account("id2", "df001", None)), policy, named=named) is other_id
    # An account is known even if only a candidate of it is known.
    begun = stage(None, ACCOUNT, "p", "r1", "a run", NOW)
    assert planned(begun, policy, named=named) is Step.RESEND
    assert planned(begun._replace(pending=()), policy, named=named) is Step.STAGE


def test_nothing_of_another_id_is_active_for_an_account_created_again() -> None:
    old = rotated(1)._replace(account=Account("id2", "df001", None), pending=(candidate(),), published="r1")
    new = take_over(old, ACCOUNT, "q", "r9", "a run", NOW)
    assert new.account == ACCOUNT
    assert (new.password, new.rotated_at, new.rotation_id, new.published) == (None, None, None, None)
    assert [item.password for item in new.pending] == ["q"]
    assert [item.password for item in new.previous] == ["p", "password"]


def test_sending_the_active_password_once_more_makes_it_no_younger() -> None:
    policy = Policy(90 * DAY, 0.0)
    old = rotated(80 * DAY)._replace(published="r1", previous=(FLYING,))
    sent = restore(old, "this run", NOW)
    assert [item.password for item in sent.pending] == [sent.password]
    confirmed = settle(sent, "r1", Outcome.CONFIRMED, policy, NOW, COURSE)
    assert (confirmed.envelope, confirmed.next) == (old, Step.REST)
    # Sent a day later, it comes after all that can be in flight. An answer that takes a day proves less.
    slow = settle(sent, "r1", Outcome.CONFIRMED, policy, NOW + LONGEST_FLIGHT, COURSE)
    assert slow.envelope == old
    later = settle(
        restore(old, "this run", NOW + LONGEST_FLIGHT), "r1", Outcome.CONFIRMED, policy, NOW + LONGEST_FLIGHT, COURSE
    )
    assert later.envelope == old._replace(previous=(FLYING._replace(in_flight=()),))
    # If it is refused, it stays, and a new one is staged.
    refused = settle(sent, "r1", Outcome.REJECTED, policy, NOW, COURSE)
    assert (refused.envelope, refused.next) == (old, Step.STAGE)


@pytest.mark.parametrize(
    ("since", "after", "left"),
    [
        (0, DAY - 1, FLIGHT),
        (0, DAY, ()),
        # Some clock was wrong: nobody knows how old the note is, so its day begins now.
        (2 * DAY, 0, FLIGHT),
        (400 * DAY, 0, FLIGHT),
        # A little is how clocks are.
        (3600, 0, (Flight("another run", time_text(NOW + 3600)),)),
    ],
)
def test_a_note_stays_for_a_day(since: float, after: float, left: tuple[Flight, ...]) -> None:
    flying = FLYING._replace(in_flight=(Flight("another run", time_text(NOW + since)),))
    sent = restore(rotated(1)._replace(previous=(flying,)), "this run", NOW + after)
    settled = settle(sent, "r1", Outcome.CONFIRMED, Policy(90 * DAY), NOW + after, COURSE)
    assert settled.envelope.previous == (FLYING._replace(in_flight=left),)


def test_the_day_of_a_note_from_the_future_begins_when_its_password_is_confirmed_and_not_when_it_is_replaced() -> None:
    policy = Policy(90 * DAY)
    future, now = (Flight("another run", time_text(at)) for at in (NOW + 400 * DAY, NOW))
    newer = rotated(1)._replace(pending=(candidate()._replace(outcome=UNKNOWN, in_flight=(future,)),))
    for envelope, rotation_id in (
        (restore(rotated(1)._replace(in_flight=(future,)), "this run", NOW), "r1"),
        (newer, "r2"),
    ):
        confirmed = settle(envelope, rotation_id, Outcome.CONFIRMED, policy, NOW, COURSE).envelope
        assert confirmed.in_flight == (now,)
        later = NOW + LONGEST_FLIGHT
        staged = stage(confirmed, ACCOUNT, "q", "r9", "this run", later)
        replaced = settle(staged, "r9", Outcome.CONFIRMED, policy, later, COURSE).envelope
        assert [former.in_flight for former in replaced.previous if former.rotation_id == rotation_id] == [()]


def test_only_the_latest_earlier_passwords_are_kept() -> None:
    envelope: Envelope | None = None
    for number in range(MOST_PREVIOUS + 5):
        staged = stage(envelope, ACCOUNT, f"password-{number}", f"r{number}", "this run", NOW)
        envelope = settle(staged, f"r{number}", Outcome.CONFIRMED, Policy(DAY), NOW, COURSE).envelope
    assert envelope is not None
    assert envelope.password == f"password-{MOST_PREVIOUS + 4}"
    assert len(envelope.previous) == MOST_PREVIOUS
    assert envelope.previous[0].password == f"password-{MOST_PREVIOUS + 3}"


def test_those_in_flight_are_kept_beyond_that() -> None:
    former = [Previous(f"q{at}", time_text(NOW), f"q{at}", FLIGHT if at == 19 else ()) for at in range(20)]
    staged = stage(rotated(0)._replace(previous=tuple(former)), ACCOUNT, "p", "r9", "this run", NOW)
    kept = settle(staged, "r9", Outcome.CONFIRMED, Policy(DAY), NOW, COURSE).envelope.previous
    assert [item.password for item in kept] == ["password", *(f"q{at}" for at in range(9)), "q19"]


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.SKIPPED])
def test_only_the_candidate_that_was_sent_is_settled_if_two_have_one_id(outcome: Outcome) -> None:
    # Only a person can have written that. No password is lost because of it.
    both = (candidate(), candidate()._replace(password="other"))
    after = settle(rotated(1)._replace(pending=both), "r2", outcome, Policy(90 * DAY), NOW, COURSE).envelope
    assert "other" in [item.password for item in (*after.pending, *after.previous)]


def test_an_answer_that_got_lost_takes_back_what_an_earlier_confirmation_has_shown() -> None:
    policy = Policy(90 * DAY)
    both = rotated(1)._replace(pending=(candidate(), candidate("r3")))
    confirmed = settle(both, "r2", Outcome.CONFIRMED, policy, NOW, COURSE).course
    assert (confirmed.live, confirmed.restored) == ("r2", True)
    unknown = settle(both, "r3", Outcome.UNKNOWN, policy, NOW, confirmed).course
    assert (unknown.live, unknown.restored) == ("r3", False)
    # A refusal changes nothing at the vendor.
    for outcome in (Outcome.REJECTED, Outcome.FAILED):
        assert settle(both, "r3", outcome, policy, NOW, confirmed).course._replace(landed=frozenset()) == (
            confirmed._replace(tried=2, restored=True, landed=frozenset())
        )


def test_what_a_newer_version_says_of_a_candidate_is_kept_when_it_is_retired() -> None:
    newer = candidate("r3")._replace(unknown={"why": "new"})
    for after in (
        settle(
            rotated(1)._replace(pending=(newer, candidate())), "r2", Outcome.CONFIRMED, Policy(90 * DAY), NOW, COURSE
        ).envelope,
        take_over(rotated(1)._replace(pending=(newer,)), Account("id2", "df001", None), "q", "r9", "a run", NOW),
    ):
        assert {former.rotation_id: former.unknown for former in after.previous}["r3"] == {"why": "new"}


def test_of_the_earlier_passwords_those_are_marked_that_were_active() -> None:
    envelope = rotated(DAY)._replace(pending=(candidate("r2"), candidate("r3")))
    for rotation_id in ("r3", "r4"):
        envelope = settle(envelope, rotation_id, Outcome.CONFIRMED, Policy(90 * DAY), NOW, COURSE).envelope
        if rotation_id == "r3":
            assert envelope.formerly_active == "password"
            envelope = stage(envelope, ACCOUNT, "q", "r4", "another run", NOW)
    assert [(former.rotation_id, former.rotated_at) for former in envelope.previous] == [
        ("r3", time_text(NOW)),
        ("r2", None),
        ("r1", time_text(NOW - DAY)),
    ]
    # A password that was only sent once more is not its own predecessor.
    again = restore(envelope, "another run", NOW)
    assert settle(again, "r4", Outcome.CONFIRMED, Policy(90 * DAY), NOW, COURSE).envelope.formerly_active == "p"
    assert Envelope(ACCOUNT, previous=(Previous("p", time_text(NOW), "r0"),)).formerly_active is None


def test_a_candidate_that_was_not_sent_has_no_answer() -> None:
    with pytest.raises(ValueError, match="SKIPPED"):
        settle(rotated(1)._replace(pending=(candidate(),)), "r2", Outcome.SKIPPED, Policy(DAY), NOW, COURSE)


def test_an_answer_about_what_is_not_pending_is_an_error() -> None:
    with pytest.raises(KeyError):
        settle(rotated(1), "r9", Outcome.CONFIRMED, Policy(DAY), NOW, COURSE)


def test_every_situation_has_a_step() -> None:
    assert {*STEPS, Situation.NEW} == set(Situation)
    assert set(STEPS_FOR_NEW) == set(NewAccounts)
    # Rejections and the like may stop, and a take-over is up to the user.
    assert {*STEPS.values(), *STEPS_FOR_NEW.values(), Step.STOP, Step.TAKE_OVER} == set(Step)


# --------------------------------------------------------------------------------------------------------- what grows


def crowd(count: int, since: float) -> tuple[Previous, ...]:
    flights = (Flight("another run", time_text(since)),)
    return tuple(Previous(f"q{at}", time_text(since), f"q{at}", flights) for at in range(count))


def test_no_value_is_added_while_too_many_may_become_live() -> None:
    due = rotated(100 * DAY)
    policy = Policy(90 * DAY)
    assert planned(due._replace(previous=crowd(MOST_OPEN - 1, NOW)), policy) is Step.STAGE
    crowded = due._replace(previous=crowd(MOST_OPEN, NOW))
    for full, forced in ((crowded, False), (crowded._replace(rotated_at=time_text(NOW)), True)):
        # One of the former values may have become live: until there is room, the active one is sent once more.
        assert planned(full, Policy(90 * DAY, force=forced)) is Step.RESTORE
        assert planned(full, Policy(90 * DAY, force=forced), live="r1", restored=True) is Step.WAIT
        assert planned(full, Policy(90 * DAY, force=forced), live="q1", restored=True) is Step.RESTORE
    # What is not due is only sent once more, as always.
    assert planned(crowded._replace(rotated_at=time_text(NOW)), policy) is Step.RESTORE


@pytest.mark.parametrize("since", [NOW, NOW - LONGEST_FLIGHT])
def test_neither_a_first_password_nor_one_for_another_id_is_added_then(since: float) -> None:
    policy = Policy(90 * DAY, new_accounts=NewAccounts.ROTATE)
    full = rotated(1)._replace(previous=crowd(MOST_OPEN, since))
    unconfirmed = full._replace(password=None, rotated_at=None, rotation_id=None)
    assert planned(unconfirmed, policy) is (Step.WAIT if since == NOW else Step.STAGE)
    other = full._replace(account=Account("id2", "df001", None))
    assert planned(other, policy, named=True) is (Step.WAIT if since == NOW else Step.TAKE_OVER)


def test_a_day_later_the_active_password_is_sent_once_more_and_then_there_is_room_again() -> None:
    policy = Policy(90 * DAY)
    crowded = rotated(100 * DAY)._replace(previous=crowd(MOST_OPEN, NOW - LONGEST_FLIGHT))
    assert planned(crowded, policy) is Step.RESTORE
    sent = restore(crowded, "this run", NOW)
    settled = settle(sent, "r1", Outcome.CONFIRMED, policy, NOW, COURSE)
    assert settled.next is Step.STAGE
    assert len(settled.envelope.previous) == MOST_PREVIOUS


def test_a_rejection_adds_no_other_value_while_too_many_may_become_live() -> None:
    sent = stage(rotated(1)._replace(previous=crowd(MOST_OPEN, NOW)), ACCOUNT, "p", "r2", "this run", NOW)
    assert settle(sent, "r2", Outcome.REJECTED, Policy(DAY), NOW, COURSE).next is Step.STOP


@pytest.mark.parametrize("count", [MOST_OPEN, MOST_OPEN_IN_ALL - 1])
def test_a_vendor_that_refuses_what_it_has_had_before_gets_one_other_value_a_day(count: int) -> None:
    policy = Policy(90 * DAY)
    envelope = rotated(100 * DAY)._replace(previous=crowd(count, NOW - LONGEST_FLIGHT))
    refused = settle(restore(envelope, "this run", NOW), "r1", Outcome.REJECTED, policy, NOW, COURSE)
    assert refused.next is Step.STAGE
    staged = stage(refused.envelope, ACCOUNT, "p", "r2", "this run", NOW)
    unanswered = settle(staged, "r2", Outcome.UNKNOWN, policy, NOW, COURSE).envelope
    for days, step in ((0.9, Step.STOP), (1.0, Step.STAGE if count + 1 < MOST_OPEN_IN_ALL else Step.STOP)):
        now = NOW + days * LONGEST_FLIGHT
        claimed = claim(unanswered, "r2", "another run", now)
        course = COURSE._replace(run="another run")
        assert settle(claimed, "r2", Outcome.REJECTED, policy, now, course).next is step


def test_the_room_for_such_values_has_an_end() -> None:
    full = rotated(100 * DAY)._replace(previous=crowd(MOST_OPEN_IN_ALL, NOW - LONGEST_FLIGHT))
    assert planned(full, Policy(90 * DAY)) is Step.RESTORE
    assert planned(full, Policy(90 * DAY), live="r1", restored=True) is Step.WAIT


def test_what_is_noted_is_one_note_for_each_value_before_such_a_value_is_added() -> None:
    flights = tuple(Flight(f"run {at}", time_text(NOW - LONGEST_FLIGHT - at)) for at in range(MOST_FLIGHTS))
    newer = Flight("run 9", time_text(NOW - LONGEST_FLIGHT), '{"host": "a"}')
    late = Flight("run 8", time_text(NOW - 1))
    former = [item._replace(in_flight=flights) for item in crowd(MOST_OPEN, NOW)]
    former[1] = former[1]._replace(in_flight=(*flights, newer))
    former[2] = former[2]._replace(in_flight=(*flights, late))
    envelope = rotated(1)._replace(previous=tuple(former))
    one = Flight(SEVERAL_RUNS, time_text(NOW - LONGEST_FLIGHT))
    for after in (
        stage(envelope, ACCOUNT, "p", "r2", "this run", NOW),
        restore(envelope, "this run", NOW),
        claim(envelope._replace(pending=(candidate(),)), "r2", "this run", NOW),
        take_over(envelope, Account("id2", "df001", None), "p", "r2", "this run", NOW),
    ):
        found = {item.rotation_id: item.in_flight for item in after.previous}
        assert (found["q0"], found["q1"], found["q2"]) == ((one,), (one, newer), (one, late))
    # Whoever is far from the bound keeps each note: a run can take its own away.
    few = envelope._replace(previous=envelope.previous[: MOST_OPEN - 1])
    assert stage(few, ACCOUNT, "p", "r2", "this run", NOW).previous == few.previous


def test_a_note_from_the_future_does_not_keep_room_away_for_as_long_as_a_clock_was_wrong() -> None:
    policy = Policy(90 * DAY)
    envelope = rotated(100 * DAY)._replace(previous=crowd(MOST_OPEN, NOW + 400 * DAY))
    assert planned(envelope, policy) is Step.RESTORE
    sent = restore(envelope, "this run", NOW)
    refused = settle(sent, "r1", Outcome.REJECTED, policy, NOW, COURSE)
    assert {flight.since for item in refused.envelope.previous for flight in item.in_flight} == {time_text(NOW)}
    assert refused.next is Step.STOP
    # With nothing to send once more, the note is dated with the next value.
    unconfirmed = envelope._replace(password=None, rotated_at=None, rotation_id=None)
    assert planned(unconfirmed, policy) is Step.STAGE
    staged = stage(unconfirmed, ACCOUNT, "p", "r2", "this run", NOW)
    assert settle(staged, "r2", Outcome.REJECTED, policy, NOW, COURSE).next is Step.STOP


def test_the_notes_beside_one_value_do_not_grow_without_end() -> None:
    envelope = stage(rotated(1), ACCOUNT, "p", "r2", "run 0", NOW)
    for at in range(1, 100):
        envelope = claim(envelope, "r2", f"run {at}", NOW + at)
    (pending,) = envelope.pending
    assert len(pending.in_flight) == MOST_FLIGHTS
    # The merged note lasts as long as the latest of its runs can, and none of these runs removes it.
    merged, *others = pending.in_flight
    assert merged.since == time_text(NOW + 100 - MOST_FLIGHTS)
    assert [flight.run for flight in others] == [f"run {at}" for at in range(101 - MOST_FLIGHTS, 100)]


def test_notes_with_keys_of_a_newer_version_are_kept() -> None:
    newer = Flight("run 0", time_text(NOW - 1), '{"host": "a"}')
    envelope = rotated(1)._replace(pending=(candidate()._replace(in_flight=(newer,)),))
    for at in range(1, 100):
        envelope = claim(envelope, "r2", f"run {at}", NOW + at)
    assert newer in envelope.pending[0].in_flight
