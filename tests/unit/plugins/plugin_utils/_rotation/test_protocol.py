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
    Account,
    Envelope,
    Flight,
    Pending,
    Previous,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    NewAccounts,
    Policy,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    LONGEST_FLIGHT,
    MOST_FLIGHTS,
    MOST_OPEN,
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
    return plan(envelope, ACCOUNT, policy, NOW, COURSE._replace(**course))


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
        # Some clock was wrong: a little is how clocks are, years would mean never.
        (rotated(-3600), False, Step.REST),
        (rotated(-400 * DAY), False, Step.STAGE),
        # A password that may be stolen is replaced, however its time was written down.
        (rotated(-3600), True, Step.STAGE),
        (rotated(1)._replace(made_at=time_text(NOW + 600)), True, Step.STAGE),
        # What a run has begun comes first, whatever is due.
        (rotated(1)._replace(pending=(candidate(),)), False, Step.RESEND),
        (rotated(900 * DAY)._replace(pending=(candidate(),)), True, Step.RESEND),
        # Deleted and made anew, or another tenant's: what is in the store is not this account's.
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


@pytest.mark.parametrize(
    ("course", "step"),
    [
        # This run has set, or may have set, what is not the active one.
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
    # One of which only a candidate is known is known.
    begun = stage(None, ACCOUNT, "p", "r1", "a run", NOW)
    assert planned(begun, policy, named=named) is Step.RESEND
    assert planned(begun._replace(pending=()), policy, named=named) is Step.STAGE


def test_nothing_of_another_id_is_active_for_an_account_made_anew() -> None:
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
    # A day later nothing can be in flight any more.
    later = settle(sent, "r1", Outcome.CONFIRMED, policy, NOW + LONGEST_FLIGHT, COURSE)
    assert later.envelope == old._replace(previous=(FLYING._replace(in_flight=()),))
    # Refused, it stays, and a new one is staged.
    refused = settle(sent, "r1", Outcome.REJECTED, policy, NOW, COURSE)
    assert (refused.envelope, refused.next) == (old, Step.STAGE)


def test_only_so_many_earlier_passwords_are_kept_the_latest_first() -> None:
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
def test_of_two_candidates_with_one_id_only_the_one_that_was_sent_is_settled(outcome: Outcome) -> None:
    # Nothing but a hand can have written that; no password goes for it.
    both = (candidate(), candidate()._replace(password="other"))
    after = settle(rotated(1)._replace(pending=both), "r2", outcome, Policy(90 * DAY), NOW, COURSE).envelope
    assert "other" in [item.password for item in (*after.pending, *after.previous)]


def test_a_candidate_that_was_not_sent_has_no_answer() -> None:
    with pytest.raises(ValueError, match="SKIPPED"):
        settle(rotated(1)._replace(pending=(candidate(),)), "r2", Outcome.SKIPPED, Policy(DAY), NOW, COURSE)


def test_an_answer_about_what_is_not_pending_is_an_error() -> None:
    with pytest.raises(KeyError):
        settle(rotated(1), "r9", Outcome.CONFIRMED, Policy(DAY), NOW, COURSE)


def test_every_situation_has_a_step() -> None:
    assert {*STEPS, Situation.NEW} == set(Situation)
    assert set(STEPS_FOR_NEW) == set(NewAccounts)
    # A rejection and its like stop, and a take-over is up to the user.
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
    assert planned(crowded, policy) is Step.WAIT
    assert planned(crowded._replace(rotated_at=time_text(NOW)), Policy(90 * DAY, force=True)) is Step.WAIT
    # What is not due is only sent once more, as always.
    assert planned(crowded._replace(rotated_at=time_text(NOW)), policy) is Step.RESTORE


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


def test_the_notes_beside_one_value_do_not_grow_without_end() -> None:
    envelope = stage(rotated(1), ACCOUNT, "p", "r2", "run 0", NOW)
    for at in range(1, 100):
        envelope = claim(envelope, "r2", f"run {at}", NOW + at)
    (pending,) = envelope.pending
    assert len(pending.in_flight) == MOST_FLIGHTS
    # The runs that come together last as long as the latest of them can, and none of them takes the note away.
    merged, *others = pending.in_flight
    assert merged.since == time_text(NOW + 100 - MOST_FLIGHTS)
    assert [flight.run for flight in others] == [f"run {at}" for at in range(101 - MOST_FLIGHTS, 100)]


def test_notes_with_keys_of_a_newer_version_are_kept() -> None:
    newer = Flight("run 0", time_text(NOW - 1), '{"host": "a"}')
    envelope = rotated(1)._replace(pending=(candidate()._replace(in_flight=(newer,)),))
    for at in range(1, 100):
        envelope = claim(envelope, "r2", f"run {at}", NOW + at)
    assert newer in envelope.pending[0].in_flight
