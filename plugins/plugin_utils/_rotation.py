# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""The rotation protocol: from an envelope, the time and the answers of the vendor to the next step. Pure, no I/O.

The vendor sets a password with a privileged key, and nothing can read or verify it. So a candidate is committed to
the store before its first byte goes out, it stays there until something proves that it is not live, and recovery
rolls forward: the very same value is sent again.

    plan:    candidate pending? -> RESEND it          due? -> STAGE a new one          else -> REST
    stage:   add the candidate, outcome staged; commit to the store, read back; only then send
    claim:   a candidate that another run made is first committed as unknown; only then is it sent again
    settle:  confirmed -> promote: active := candidate; the old one and every other candidate -> previous
             rejected  -> drop it if it is still as this run staged it, else keep it; STAGE the next one
             unknown   -> keep it, outcome unknown; a re-run sends it again
             withheld  -> the answer was about the caller, not the value: keep it, and no attempt is burnt

Why claim: the run that staged a candidate may drop it after a rejection, since it knows of every send. A run that
sends the candidate of another must take that certainty away first, or a value that it has set could be dropped.

A commit that loses against another run is no failure: read again and plan again (`_rotator.py`). If this run has
meanwhile sent a value that the winner's envelope does not call active, it sends the active value once more.
"""

from __future__ import annotations

import enum
import hashlib
import math
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import (
    STAGED,
    UNKNOWN,
    Account,
    Envelope,
    Pending,
    Previous,
    seconds,
    time_text,
)

# How many candidates one run tries for an account before it leaves it alone.
MOST_CANDIDATES = 3

# How many earlier passwords an envelope keeps.
MOST_PREVIOUS = 10

# A rotation that lies further in the future than clocks differ did not happen: some clock was wrong then.
FUTURE_TOLERANCE = 86400.0


class Step(enum.Enum):
    """What to do next with an account."""

    REST = "nothing is due"
    STAGE = "commit a new candidate to the store, then send it"
    RESEND = "claim the newest candidate, then send it again"
    STOP = "report it, and leave it alone until the next run"
    REFUSE = "the store does not know the account, and new ones are refused: a mistyped store knows nobody"
    SKIP = "the store does not know the account, and new ones are left alone"


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
    """When a password is due. ``max_age`` in seconds; ``jitter`` is the share of it by which it may be due earlier."""

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

    ``state`` is absent, active or unsettled; ``age`` that of the active password in seconds; ``pending`` counts the
    candidates of which it is not known whether they are live.
    """

    state: str
    age: float | None = None
    pending: int = 0


def standing(envelope: Envelope | None, now: float) -> Standing:
    """Return how the account of an envelope, or of none, stands at a time."""
    if envelope is None:
        return Standing("absent")
    age = None if envelope.rotated_at is None else max(0.0, now - seconds(envelope.rotated_at))
    return Standing("unsettled" if envelope.pending else "active", age, len(envelope.pending))


def plan(envelope: Envelope | None, account: Account, policy: Policy, now: float) -> Step:
    """Return the first step for an account that is in the store as ``envelope``, or not at all."""
    if envelope is None:
        return _STEP_FOR_NEW[policy.new_accounts]
    if envelope.account.id not in (None, account.id):
        # Deleted and made anew under the same name: what the store holds is another account's.
        return Step.STAGE
    if envelope.pending:
        return Step.RESEND
    due = due_at(envelope, policy)
    if due is None or policy.force or now >= due:
        return Step.STAGE
    if envelope.rotated_at is not None and seconds(envelope.rotated_at) > now + FUTURE_TOLERANCE:
        return Step.STAGE
    return Step.REST


_STEP_FOR_NEW = {NewAccounts.FAIL: Step.REFUSE, NewAccounts.ROTATE: Step.STAGE, NewAccounts.SKIP: Step.SKIP}


def stage(envelope: Envelope | None, account: Account, password: str, rotation_id: str, now: float) -> Envelope:
    """Return the envelope with one more candidate. It must be committed before the candidate is sent."""
    base = envelope or Envelope(account)
    return base._replace(account=account, pending=(*base.pending, Pending(password, time_text(now), rotation_id)))


def claim(envelope: Envelope, rotation_id: str) -> Envelope:
    """Return the envelope in which nobody may drop a candidate after a rejection any more. Raises KeyError."""
    _candidate(envelope, rotation_id)
    pending = (item._replace(outcome=UNKNOWN) if item.rotation_id == rotation_id else item for item in envelope.pending)
    return envelope._replace(pending=tuple(pending))


class Settled(NamedTuple):
    """What to commit after an answer, and what to do then."""

    envelope: Envelope
    next: Step


def settle(envelope: Envelope, rotation_id: str, verdict: Verdict, now: float, *, tried: int) -> Settled:
    """Return what an answer about one pending candidate means.

    ``tried`` counts the candidates that this run has sent, this one included. Raises KeyError if the candidate is not
    pending.
    """
    candidate = _candidate(envelope, rotation_id)
    others = tuple(item for item in envelope.pending if item is not candidate)
    if verdict is Verdict.CONFIRMED:
        return Settled(_promote(envelope, candidate, others, now), Step.REST)
    if verdict is Verdict.WITHHELD:
        return Settled(envelope, Step.STOP)
    if verdict is Verdict.UNKNOWN:
        return Settled(claim(envelope, rotation_id), Step.STOP)
    # A rejection speaks of one send alone. Only while nobody has claimed the candidate was that the only one.
    after = envelope._replace(pending=others) if candidate.outcome == STAGED else envelope
    return Settled(after, Step.STAGE if tried < MOST_CANDIDATES else Step.STOP)


def _candidate(envelope: Envelope, rotation_id: str) -> Pending:
    for item in envelope.pending:
        if item.rotation_id == rotation_id:
            return item
    raise KeyError(rotation_id)


def _promote(envelope: Envelope, winner: Pending, others: tuple[Pending, ...], now: float) -> Envelope:
    retired_at = time_text(now)
    # A lost request may still land after this one: such candidates are kept like passwords that were active.
    retired = [Previous(item.password, retired_at, item.rotation_id) for item in reversed(others)]
    if envelope.password is not None:
        retired.append(Previous(envelope.password, retired_at, envelope.rotation_id))
    return envelope._replace(
        password=winner.password,
        rotated_at=retired_at,
        rotation_id=winner.rotation_id,
        pending=(),
        previous=(*retired, *envelope.previous)[:MOST_PREVIOUS],
    )
