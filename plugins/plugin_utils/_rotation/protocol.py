# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation protocol: all states of an account, and the steps of a run from one to the next. Pure, no I/O.

The vendor sets a password with a privileged key, and nothing can read or verify it. So a candidate is committed to
the store before its first byte goes out, it stays there until something proves that it is not live, and recovery
rolls forward: the same value is sent again.

    plan:    which `Situation` the account is in, and which `Step` that calls for: the tables below
    stage:   add a candidate, outcome staged; commit it to the store and read it back; only then send it
    claim:   commit a candidate of another run as unknown; only then send it again
    restore: make the active password a candidate as well; `password` stays, and readers go on
    settle:  confirmed -> promote it: it becomes active; the old one and every other candidate become previous
             rejected  -> drop it if it is still as this run staged it, otherwise keep it; STAGE the next one
             unknown   -> keep it, outcome unknown; the next run sends it again
             failed    -> the answer was about the caller, not the value: keep it, and drop nothing

Why claim: the run that staged a candidate may drop it after a rejection, as it knows of every request with it. A run
that sends the candidate of another run must end that certainty first, or a value that it has set could be dropped.

Why in flight: a slow run may send its value after others have moved on, and a request without an answer may arrive
late. So before a run sends a value, it notes itself beside that value, and it removes the note only when its request
has ended. While a former value is in flight, each run sends the active one once more. The first run that does so a day
or more after the note removes it: by then neither the other run nor its request can still be under way.

Why a hold stops RESEND and RESTORE, too: each may change the password. Nothing is forgotten in the meantime: the
candidate stays pending, and a note about a former value in flight ends only when the active one was sent and confirmed.
But what a run has sent before it finds the hold, it sees through, since nobody else would know what is live. A run
after an incident does not pass over a hold: the password that it was to replace may be in the hands of a thief.

A commit that loses to another run is not a failure: `run` reads again and plans again.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import (
    FUTURE_TOLERANCE,
    seconds,
    time_text,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    STAGED,
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Pending,
    Previous,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import (
    began,
    dated,
    is_crowded,
    is_full,
    landed,
    merged,
    tidied,
    with_own,
    without_own,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    NewAccounts,
    Policy,
    due_at,
    is_exposed,
    is_outdated,
    made_at,
)

# How many candidates one run tries for an account before it stops.
MOST_CANDIDATES = 3

# How many of the earlier passwords that were certainly replaced an envelope keeps. It keeps all others.
MOST_PREVIOUS = 10


class Situation(enum.Enum):
    """What the store and the run know about an account. The first that applies counts."""

    NEW = "the store does not know the account"
    EXPOSED = "it is held, and what may be live may be older than the moment before which all is to be replaced"
    HELD = "nothing is sent for the account for the time being, and this run has sent nothing yet"
    OTHER_ID = "the store knows the name under another id"
    PENDING = "a candidate may be live"
    DUE = "there is no active password, or it must be replaced"
    OVERTAKEN = "this run has set another value after the active one"
    THREATENED = "a former value may still arrive"
    CROWDED = "the active password must be replaced, but too many other values may still become live"
    ENDED = "requests of this run have ended, and are still noted as in flight"
    SETTLED = "the active password is live, and not due"


class Step(enum.Enum):
    """What to do next with an account."""

    REST = "do nothing"
    STAGE = "commit a new candidate to the store, then send it"
    TAKE_OVER = "commit a first candidate for the new id and retire what the old id had, then send it"
    RESEND = "claim the newest candidate, then send it again"
    RESTORE = "commit the active password as a candidate, then send it again"
    RELEASE = "commit that no request of this run is in flight any more"
    STOP = "report it, and leave it alone until the next run"
    WAIT = "report that no value is added until fewer may still become live, and send nothing"
    REFUSE = "report that the store does not know the account, and send nothing: a mistyped store knows nobody"
    REFUSE_ID = "report that the store knows the name under another id, and overwrite nothing"
    REFUSE_HOLD = "report that a hold protects a password which is to be replaced, and send nothing"
    HOLD = "leave the account alone, as the user wants it until some time"
    SKIP = "leave the account alone, as the user wants it for accounts that the store does not know"


# `OTHER_ID` means REFUSE_ID, or TAKE_OVER where the user asks for it with the id; NEW is up to the user as well.
STEPS = {
    Situation.EXPOSED: Step.REFUSE_HOLD,
    Situation.HELD: Step.HOLD,
    Situation.OTHER_ID: Step.REFUSE_ID,
    Situation.PENDING: Step.RESEND,
    Situation.DUE: Step.STAGE,
    Situation.OVERTAKEN: Step.RESTORE,
    Situation.THREATENED: Step.RESTORE,
    Situation.CROWDED: Step.WAIT,
    Situation.ENDED: Step.RELEASE,
    Situation.SETTLED: Step.REST,
}
STEPS_FOR_NEW = {NewAccounts.FAIL: Step.REFUSE, NewAccounts.ROTATE: Step.STAGE, NewAccounts.SKIP: Step.SKIP}


class Course(NamedTuple):
    """What a run has done about one account so far. ``run`` is the id of the run, ``started`` when it began.

    ``named`` says that the user wrote the account's id. ``made`` has the candidates of this run, ``lost`` the values
    for which a request got no answer, and ``landed`` those for which every request got one. ``live`` is the last value
    that this run has set, or may have set. ``restored`` says that the vendor has confirmed the active one to this run.
    ``tried`` counts the answers. Values are known by their rotation ids.
    """

    run: str
    started: float
    named: bool = False
    made: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    landed: frozenset[str] = frozenset()
    live: str | None = None
    restored: bool = False
    tried: int = 0


# ----------------------------------------------------------------------------------------------------------- planning


def plan(envelope: Envelope | None, account: Account, policy: Policy, now: float, course: Course) -> Step:
    """Return the next step for an account that is in the store as ``envelope``, or not at all."""
    found = situation(envelope, account, policy, now, course)
    if found is Situation.NEW:
        return STEPS_FOR_NEW[policy.new_accounts]
    if found is Situation.OTHER_ID and course.named and policy.new_accounts is NewAccounts.ROTATE:
        return Step.WAIT if envelope and is_crowded(envelope, now) else Step.TAKE_OVER
    return STEPS[found]


def situation(envelope: Envelope | None, account: Account, policy: Policy, now: float, course: Course) -> Situation:
    """Return what the store and the run know about an account."""
    if envelope is None:
        return Situation.NEW
    if envelope.hold_at(now) and not course.tried:
        return Situation.EXPOSED if is_exposed(envelope, policy, now) else Situation.HELD
    if envelope.account.id not in (None, account.id):
        return Situation.OTHER_ID
    if envelope.pending:
        return Situation.PENDING
    if envelope.password is None:
        return _situation_if_due(envelope, now)
    due = is_due(envelope, policy, now, course)
    if due and not is_full(envelope):
        return Situation.DUE
    if course.live not in (None, envelope.rotation_id):
        return Situation.OVERTAKEN
    after = release(envelope, course)
    if not course.restored and any(former.in_flight for former in after.previous):
        return Situation.THREATENED
    if due:
        return _situation_if_due(envelope, now)
    return Situation.SETTLED if after == envelope else Situation.ENDED


def _situation_if_due(envelope: Envelope, now: float) -> Situation:
    return Situation.CROWDED if is_crowded(envelope, now) else Situation.DUE


def is_due(envelope: Envelope, policy: Policy, now: float, course: Course) -> bool:
    """Tell whether the active password must be replaced, or there is none."""
    due, rotated_at = due_at(envelope, policy), envelope.rotated_at
    if due is None or rotated_at is None:
        return True
    if envelope.rotation_id in course.made:
        return False
    forced = policy.force and made_at(envelope, now) <= course.started
    late = now >= due or seconds(rotated_at) > now + FUTURE_TOLERANCE
    return forced or late or is_outdated(envelope, policy, now)


# ------------------------------------------------------------------------------------------- commits before a request


def stage(
    envelope: Envelope | None, account: Account, password: str, rotation_id: str, run: str, now: float
) -> Envelope:
    """Return the envelope with one more candidate. It must be committed before the candidate is sent."""
    base = tidied(envelope, now) if envelope else Envelope(account)
    candidate = Pending(password, time_text(now), rotation_id, STAGED, (Flight(run, time_text(now)),))
    return base._replace(account=account, pending=(*base.pending, candidate))


def take_over(envelope: Envelope, account: Account, password: str, rotation_id: str, run: str, now: float) -> Envelope:
    """Return the envelope of an account that was created again under its name, with a first candidate.

    Nothing of the old id is active for it.
    """
    base = envelope._replace(
        password=None,
        rotated_at=None,
        rotation_id=None,
        made_at=None,
        in_flight=(),
        published=None,
        pending=(),
        # With what is in flight: a run with an old list may have taken the account back in between.
        previous=tuple(retired(envelope, envelope.pending, now)),
    )
    return stage(base, account, password, rotation_id, run, now)


def claim(envelope: Envelope, rotation_id: str, run: str, now: float) -> Envelope:
    """Return the envelope in which no run may drop a candidate after a rejection any more. Raises KeyError."""
    envelope = tidied(envelope, now)
    candidate = _candidate(envelope, rotation_id)
    claimed = candidate._replace(outcome=UNKNOWN, in_flight=with_own(candidate.in_flight, run, now))
    return _with_candidate(envelope, candidate, claimed)


def restore(envelope: Envelope, run: str, now: float) -> Envelope:
    """Return the envelope with the active password as a candidate as well. Raises ValueError if there is none."""
    if envelope.password is None or envelope.rotation_id is None:
        raise ValueError("no active password")
    return stage(envelope, envelope.account, envelope.password, envelope.rotation_id, run, now)


def release(envelope: Envelope, course: Course) -> Envelope:
    """Return the envelope without the notes of those requests of this run that have ended."""
    if not course.landed:
        return envelope

    def left(flights: tuple[Flight, ...], rotation_id: str | None) -> tuple[Flight, ...]:
        return without_own(flights, course.run) if rotation_id in course.landed else flights

    return envelope._replace(
        in_flight=left(envelope.in_flight, envelope.rotation_id),
        pending=tuple(item._replace(in_flight=left(item.in_flight, item.rotation_id)) for item in envelope.pending),
        previous=tuple(item._replace(in_flight=left(item.in_flight, item.rotation_id)) for item in envelope.previous),
    )


# --------------------------------------------------------------------------------------------------------- settlement


class Settled(NamedTuple):
    """What to commit after an answer, what to do once that is done, and what the run has done so far."""

    envelope: Envelope
    next: Step
    course: Course


def settle(
    envelope: Envelope, rotation_id: str, outcome: Outcome, policy: Policy, now: float, course: Course
) -> Settled:
    """Return what an answer about one pending candidate means.

    Raises KeyError if it is not pending, and ValueError if it was skipped: then there was no request.
    """
    if outcome is Outcome.SKIPPED:
        raise ValueError(outcome)
    candidate = _candidate(envelope, rotation_id)
    course = _after_answer(course, rotation_id, outcome)
    if outcome is Outcome.UNKNOWN:
        return Settled(claim(envelope, rotation_id, course.run, now), Step.STOP, course)
    after = release(envelope, course)
    if outcome is Outcome.CONFIRMED:
        sent_at = began(candidate.in_flight, course.run)
        promoted = _promote(after, _candidate(after, rotation_id), sent_at, now)
        return Settled(promoted, plan(promoted, promoted.account, policy, now, course), course)
    if outcome is Outcome.FAILED:
        return Settled(after, Step.STOP, course)
    # A rejection is about one request only. There was no other only if no run has claimed the candidate.
    if candidate.outcome == STAGED:
        refused = _candidate(after, rotation_id)
        after = after._replace(pending=tuple(item for item in after.pending if item is not refused))
    again = course.tried < MOST_CANDIDATES and not is_crowded(after, now)
    return Settled(after, Step.STAGE if again else Step.STOP, course)


def _after_answer(course: Course, rotation_id: str, outcome: Outcome) -> Course:
    may_be_live = outcome in (Outcome.CONFIRMED, Outcome.UNKNOWN)
    # A later answer about the same value does not settle the request that got none.
    lost = course.lost | {rotation_id} if outcome is Outcome.UNKNOWN else course.lost
    return course._replace(
        tried=course.tried + 1,
        lost=lost,
        live=rotation_id if may_be_live else course.live,
        restored=outcome is Outcome.CONFIRMED or (course.restored and not may_be_live),
        landed=(course.landed | {rotation_id}) - lost,
    )


def _candidate(envelope: Envelope, rotation_id: str) -> Pending:
    for item in envelope.pending:
        if item.rotation_id == rotation_id:
            return item
    raise KeyError(rotation_id)


def _with_candidate(envelope: Envelope, old: Pending, new: Pending) -> Envelope:
    return envelope._replace(pending=tuple(new if item is old else item for item in envelope.pending))


def _promote(envelope: Envelope, winner: Pending, sent_at: float, now: float) -> Envelope:
    others = tuple(item for item in envelope.pending if item is not winner)
    if is_active(envelope, winner):
        # It was only sent once more, which makes no password younger.
        promoted = envelope._replace(in_flight=merged(envelope.in_flight, winner.in_flight))
        previous = retired(envelope._replace(password=None), others, now)
    else:
        promoted = envelope._replace(
            password=winner.password,
            rotated_at=time_text(now),
            rotation_id=winner.rotation_id,
            made_at=winner.staged_at,
            in_flight=winner.in_flight,
        )
        previous = retired(envelope, others, now)
    return promoted._replace(
        pending=(),
        previous=tuple(kept(landed(former, sent_at, now) for former in previous)),
        # If one is from the future, its day begins now, and not when this password is replaced.
        in_flight=dated(promoted.in_flight, now),
    )


def is_active(envelope: Envelope, item: Pending) -> bool:
    """Tell whether a candidate is the active password, which is sent once more."""
    return (item.rotation_id, item.password) == (envelope.rotation_id, envelope.password)


def retired(envelope: Envelope, candidates: Iterable[Pending], now: float) -> list[Previous]:
    """Return the previous passwords with these candidates and the active one among them, latest first."""
    retired_at = time_text(now)
    former: list[Previous] = []
    of_active = envelope.in_flight
    for item in candidates:
        if is_active(envelope, item):
            of_active = merged(of_active, item.in_flight)
        else:
            former.insert(0, Previous(item.password, retired_at, item.rotation_id, item.in_flight, item.unknown))
    if envelope.password is not None:
        active = Previous(envelope.password, retired_at, envelope.rotation_id, of_active)
        former.append(active._replace(rotated_at=envelope.rotated_at))
    return [*former, *envelope.previous]


def kept(previous: Iterable[Previous]) -> Iterable[Previous]:
    """Yield the previous passwords that an envelope keeps. One that may still become live is never dropped."""
    certain = 0
    for former in previous:
        certain += not former.in_flight
        if former.in_flight or certain <= MOST_PREVIOUS:
            yield former
