# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation protocol: from an envelope, the time and the answers of the vendor to the next step. Pure, no I/O.

The vendor sets a password with a privileged key, and nothing can read or verify it. So a candidate is committed to
the store before its first byte goes out, it stays there until something proves that it is not live, and recovery
rolls forward: the very same value is sent again.

    plan:    candidate pending? -> RESEND it          due? -> STAGE a new one
             an earlier value may still arrive, or this run has sent one? -> RESTORE the active one
    stage:   add the candidate, outcome staged; commit to the store, read back; only then send
    claim:   a candidate that another run made is first committed as unknown; only then is it sent again
    restore: the active password becomes a candidate as well; `password` stays, and readers go on
    settle:  confirmed -> promote: active := candidate; the old one and every other candidate -> previous
             rejected  -> drop it if it is still as this run staged it, else keep it; STAGE the next one
             unknown   -> keep it, outcome unknown; a re-run sends it again
             withheld  -> the answer was about the caller, not the value: keep it, and no attempt is burnt

Why claim: the run that staged a candidate may drop it after a rejection, since it knows of every send. A run that
sends the candidate of another must take that certainty away first, or a value that it has set could be dropped.

Why in flight: a slow run may send its value after others have moved on, and a request without an answer may arrive
late. So whoever is about to send a value is noted beside it, and is taken off only when its request has ended. While
a former value is in flight, each run sends the active one once more. The first that does so a day or more after
the note ends it: by then neither the run nor its request can still be under way.

A commit that loses against another run is no failure: read again and plan again (`run`).
"""

from __future__ import annotations

import enum
import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
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

# How many candidates one run tries for an account before it leaves it alone.
MOST_CANDIDATES = 3

# How many earlier passwords an envelope keeps of those that were certainly replaced. All others stay.
MOST_PREVIOUS = 10

# How long a run, or a request of it, may be under way at the most.
LONGEST_FLIGHT = 86400.0


class Step(enum.Enum):
    """What to do next with an account."""

    REST = "nothing is due"
    STAGE = "commit a new candidate to the store, then send it"
    TAKE_OVER = "commit a first candidate for the new id, what the old id had becomes previous; then send it"
    RESEND = "claim the newest candidate, then send it again"
    RESTORE = "commit the active password as a candidate, then send it again: another value may have come after it"
    RELEASE = "commit that no request of this run is under way any more"
    STOP = "report it, and leave it alone until the next run"
    REFUSE = "report that the store does not know the account, and send nothing: a mistyped store knows nobody"
    REFUSE_ID = "report that the store knows the name under another id, and overwrite nothing"
    SKIP = "leave the account alone: the store does not know it, and that is what the user wants"


class NewAccounts(enum.Enum):
    """What to do about an account that the store does not know."""

    FAIL = "fail"
    ROTATE = "rotate"
    SKIP = "skip"


class Verdict(enum.Enum):
    """What the vendor's answer says about a value that was sent."""

    CONFIRMED = "it is the live password"
    REJECTED = "it was not applied"
    UNKNOWN = "it may or may not have been applied"
    WITHHELD = "the answer was not about the value"
    SKIPPED = "it was not sent, because enough others had failed"


class Policy:
    """When a password is due, and whom the store has to know.

    ``max_age`` is in seconds, ``jitter`` the share of it by which a password may be due earlier. With ``force`` every
    password that was made before the run began is due.
    """

    def __init__(
        self,
        max_age: float,
        jitter: float = 0.1,
        force: bool = False,
        new_accounts: NewAccounts = NewAccounts.FAIL,
    ) -> None:
        if not (math.isfinite(max_age) and max_age > 0):
            raise ConfigurationError("max_age must be a time greater than 0, such as 90d.")
        if not 0 <= jitter < 1:
            raise ConfigurationError("jitter must be 0% or more and less than 100%.")
        self.max_age = max_age
        self.jitter = jitter
        self.force = force
        self.new_accounts = new_accounts


class Course(NamedTuple):
    """What a run has done about one account so far. ``run`` is its own id, ``started`` when it began.

    ``named`` says that the user wrote the account's id, ``made`` has the candidates of this run, ``lost`` those
    values of which a request had no answer, ``landed`` those of which all had, ``live`` is the last value that this
    run has set, or may have set, and ``restored`` says that the vendor has confirmed the active one to this run.
    Values go by their rotation ids.
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


def due_at(envelope: Envelope, policy: Policy) -> float | None:
    """Return when the active password is to be replaced, in seconds since the epoch; None if there is none.

    Jitter only ever brings the date forward, so that no password gets older than ``max_age``. It depends on nothing
    but the account's name, so that it is the same in every run.
    """
    if envelope.rotated_at is None:
        return None
    digest = hashlib.sha256(envelope.account.name.encode("utf-8")).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return seconds(envelope.rotated_at) + policy.max_age * (1.0 - policy.jitter * share)


class Standing(NamedTuple):
    """How an account stands in the store, as far as it may be shown.

    ``state`` is absent, active or unsettled; ``age`` that of the active password in seconds, negative if some clock
    was wrong; ``pending`` counts the candidates of which it is not known whether they are live.
    """

    state: str
    age: float | None = None
    pending: int = 0


def standing(envelope: Envelope | None, now: float) -> Standing:
    """Return how the account of an envelope, or of none, stands at a time."""
    if envelope is None:
        return Standing("absent")
    age = None if envelope.rotated_at is None else now - seconds(envelope.rotated_at)
    if age is not None and -FUTURE_TOLERANCE <= age < 0:
        age = 0.0
    return Standing("unsettled" if envelope.pending else "active", age, len(envelope.pending))


# ----------------------------------------------------------------------------------------------------------- planning


def plan(envelope: Envelope | None, account: Account, policy: Policy, now: float, course: Course) -> Step:
    """Return the next step for an account that is in the store as ``envelope``, or not at all."""
    if envelope is None:
        return _STEP_FOR_NEW[policy.new_accounts]
    if envelope.account.id is not None and envelope.account.id != account.id:
        anew = course.named and policy.new_accounts is NewAccounts.ROTATE
        return Step.TAKE_OVER if anew else Step.REFUSE_ID
    if envelope.pending:
        return Step.RESEND
    if envelope.password is None or _is_due(envelope, policy, now, course):
        return Step.STAGE
    if course.live not in (None, envelope.rotation_id):
        return Step.RESTORE
    after = release(envelope, course)
    if not course.restored and any(former.in_flight for former in after.previous):
        return Step.RESTORE
    return Step.REST if after == envelope else Step.RELEASE


_STEP_FOR_NEW = {NewAccounts.FAIL: Step.REFUSE, NewAccounts.ROTATE: Step.STAGE, NewAccounts.SKIP: Step.SKIP}


def _is_due(envelope: Envelope, policy: Policy, now: float, course: Course) -> bool:
    due, rotated_at = due_at(envelope, policy), envelope.rotated_at
    if due is None or rotated_at is None:
        return True
    if envelope.rotation_id in course.made:
        return False
    # It was made before it was confirmed, and before now, whatever the clock of the run said that made it.
    made = min(seconds(envelope.made_at or rotated_at), seconds(rotated_at))
    forced = policy.force and (made <= course.started or made > now)
    return forced or now >= due or seconds(rotated_at) > now + FUTURE_TOLERANCE


# ------------------------------------------------------------------------------------------- commits before a request


def stage(
    envelope: Envelope | None, account: Account, password: str, rotation_id: str, run: str, now: float
) -> Envelope:
    """Return the envelope with one more candidate. It must be committed before the candidate is sent."""
    base = envelope or Envelope(account)
    candidate = Pending(password, time_text(now), rotation_id, STAGED, (Flight(run, time_text(now)),))
    return base._replace(account=account, pending=(*base.pending, candidate))


def take_over(envelope: Envelope, account: Account, password: str, rotation_id: str, run: str, now: float) -> Envelope:
    """Return the envelope of an account that was made anew under its name: nothing of the old id is active for it."""
    base = envelope._replace(
        password=None,
        rotated_at=None,
        rotation_id=None,
        made_at=None,
        in_flight=(),
        published=None,
        pending=(),
        # In flight, too: a run that knows the account by an old list may have taken it back in between.
        previous=tuple(_retired(envelope, envelope.pending, now)),
    )
    return stage(base, account, password, rotation_id, run, now)


def claim(envelope: Envelope, rotation_id: str, run: str, now: float) -> Envelope:
    """Return the envelope in which nobody may drop a candidate after a rejection any more. Raises KeyError."""
    candidate = _candidate(envelope, rotation_id)
    claimed = candidate._replace(outcome=UNKNOWN, in_flight=_with(candidate.in_flight, run, now))
    return _with_candidate(envelope, candidate, claimed)


def restore(envelope: Envelope, run: str, now: float) -> Envelope:
    """Return the envelope with the active password as a candidate, too. Raises ValueError where there is none."""
    if envelope.password is None or envelope.rotation_id is None:
        raise ValueError("no active password")
    return stage(envelope, envelope.account, envelope.password, envelope.rotation_id, run, now)


def release(envelope: Envelope, course: Course) -> Envelope:
    """Return the envelope without a note of those requests of this run that have ended."""
    if not course.landed:
        return envelope

    def left(flights: tuple[Flight, ...], rotation_id: str | None) -> tuple[Flight, ...]:
        return _without(flights, course.run) if rotation_id in course.landed else flights

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
    envelope: Envelope, rotation_id: str, verdict: Verdict, policy: Policy, now: float, course: Course
) -> Settled:
    """Return what an answer about one pending candidate means. Raises KeyError if it is not pending."""
    candidate = _candidate(envelope, rotation_id)
    course = _after_answer(course, rotation_id, verdict)
    if verdict is Verdict.UNKNOWN:
        return Settled(claim(envelope, rotation_id, course.run, now), Step.STOP, course)
    after = release(envelope, course)
    if verdict is Verdict.CONFIRMED:
        promoted = _promote(after, _candidate(after, rotation_id), now)
        return Settled(promoted, plan(promoted, promoted.account, policy, now, course), course)
    if verdict is Verdict.WITHHELD:
        return Settled(after, Step.STOP, course)
    # A rejection speaks of one send alone. Only while nobody has claimed the candidate was that the only one.
    if candidate.outcome == STAGED:
        refused = _candidate(after, rotation_id)
        after = after._replace(pending=tuple(item for item in after.pending if item is not refused))
    return Settled(after, Step.STAGE if course.tried < MOST_CANDIDATES else Step.STOP, course)


def _after_answer(course: Course, rotation_id: str, verdict: Verdict) -> Course:
    may_be_live = verdict in (Verdict.CONFIRMED, Verdict.UNKNOWN)
    # A later answer about the same value does not bring back the request that had none.
    lost = course.lost | {rotation_id} if verdict is Verdict.UNKNOWN else course.lost
    return course._replace(
        tried=course.tried + 1,
        lost=lost,
        live=rotation_id if may_be_live else course.live,
        restored=verdict is Verdict.CONFIRMED or (course.restored and not may_be_live),
        landed=(course.landed | {rotation_id}) - lost,
    )


def _candidate(envelope: Envelope, rotation_id: str) -> Pending:
    for item in envelope.pending:
        if item.rotation_id == rotation_id:
            return item
    raise KeyError(rotation_id)


def _with_candidate(envelope: Envelope, old: Pending, new: Pending) -> Envelope:
    return envelope._replace(pending=tuple(new if item is old else item for item in envelope.pending))


def _promote(envelope: Envelope, winner: Pending, now: float) -> Envelope:
    others = tuple(item for item in envelope.pending if item is not winner)
    if _is_active(envelope, winner):
        # It was sent once more. That makes no password younger.
        promoted = envelope._replace(in_flight=_merged(envelope.in_flight, winner.in_flight))
        previous = _retired(envelope._replace(password=None), others, now)
    else:
        promoted = envelope._replace(
            password=winner.password,
            rotated_at=time_text(now),
            rotation_id=winner.rotation_id,
            made_at=winner.staged_at,
            in_flight=winner.in_flight,
        )
        previous = _retired(envelope, others, now)
    return promoted._replace(pending=(), previous=tuple(_kept(_landed(former, now) for former in previous)))


def _is_active(envelope: Envelope, item: Pending) -> bool:
    return (item.rotation_id, item.password) == (envelope.rotation_id, envelope.password)


def _retired(envelope: Envelope, candidates: Iterable[Pending], now: float) -> list[Previous]:
    """Return the previous passwords once these candidates and the active one belong to them, latest first."""
    retired_at = time_text(now)
    retired: list[Previous] = []
    of_active = envelope.in_flight
    for item in candidates:
        if _is_active(envelope, item):
            of_active = _merged(of_active, item.in_flight)
        else:
            retired.insert(0, Previous(item.password, retired_at, item.rotation_id, item.in_flight, item.unknown))
    if envelope.password is not None:
        retired.append(Previous(envelope.password, retired_at, envelope.rotation_id, of_active))
    return [*retired, *envelope.previous]


def _kept(previous: Iterable[Previous]) -> Iterable[Previous]:
    """Yield what an envelope keeps. What may still become live is never cut off."""
    certain = 0
    for former in previous:
        certain += not former.in_flight
        if former.in_flight or certain <= MOST_PREVIOUS:
            yield former


def _landed(former: Previous, now: float) -> Previous:
    """Return a previous password, now that the active one was confirmed, without those flights that must have ended.

    One that lies in the future is dated anew: some clock was wrong, and nobody knows how old it is.
    """
    ages = [(flight, now - seconds(flight.since)) for flight in former.in_flight]
    flights = tuple(
        flight._replace(since=time_text(now)) if age < -FUTURE_TOLERANCE else flight
        for flight, age in ages
        if age < LONGEST_FLIGHT
    )
    return former._replace(in_flight=flights)


# ------------------------------------------------------------------------------------------------------------ flights


def _with(flights: tuple[Flight, ...], run: str, now: float) -> tuple[Flight, ...]:
    return (*_without(flights, run), Flight(run, time_text(now)))


def _without(flights: tuple[Flight, ...], run: str) -> tuple[Flight, ...]:
    return tuple(flight for flight in flights if flight.run != run)


def _merged(flights: tuple[Flight, ...], more: tuple[Flight, ...]) -> tuple[Flight, ...]:
    return tuple(dict.fromkeys((*flights, *more)))
