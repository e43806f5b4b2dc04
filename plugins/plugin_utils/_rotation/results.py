# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what became of the accounts to the result of a task: its rows, summary, message and diff. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.durations import duration_text
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import FUTURE_TOLERANCE, seconds
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account, Envelope

# A confirmation is called rotated if this run made the password, resumed if it sent one again, and otherwise fresh.
FAILURES = tuple(each.word("") for each in (Outcome.REJECTED, Outcome.UNKNOWN, Outcome.FAILED))
OUTCOMES = ("rotated", "resumed", "fresh", *FAILURES, Outcome.SKIPPED.word(""))

# How many accounts the message of a task explains. The result explains all of them.
MOST_REASONS = 10


class Standing(NamedTuple):
    """What may be shown of an account in the store.

    ``state`` is absent, active or unsettled. ``age`` is that of the active password in seconds, negative if some clock
    was wrong. ``pending`` counts the candidates, which may be live.
    """

    state: str
    age: float | None = None
    pending: int = 0


def standing(envelope: Envelope | None, now: float) -> Standing:
    """Return what may be shown of an envelope, or of none, at a time."""
    if envelope is None:
        return Standing("absent")
    rotated_at = envelope.known_rotated_at
    age = None if rotated_at is None else now - seconds(rotated_at)
    if age is not None and -FUTURE_TOLERANCE <= age < 0:
        age = 0.0
    return Standing("unsettled" if envelope.pending else "active", age, len(envelope.pending))


class Result(NamedTuple):
    """What became of one account. ``outcome`` is one of `OUTCOMES`.

    ``last_sent_at`` is when an earlier run was about to send a password that was still pending before this run.
    ``live`` says that the active password is the live one, as far as is known, and ``hand_over`` that consumers do not
    have it yet. ``hand_over_begun`` says that an earlier run began to hand it over, and ``hand_over_alone`` that this
    was the only hand-over it had begun then. ``access_key`` is the key that was used, if an option gave it.
    """

    account: Account
    outcome: str
    rotation_id: str | None = None
    rotated_at: str | None = None
    previously_rotated_at: str | None = None
    next_due_at: str | None = None
    last_sent_at: str | None = None
    published: bool = False
    published_at: str | None = None
    live: bool = False
    hand_over: bool = False
    hand_over_begun: bool = False
    hand_over_alone: bool = False
    error: Mapping[str, Any] | None = None
    before: Standing | None = None
    after: Standing | None = None
    access_key: str | None = None

    def __repr__(self) -> str:
        return f"Result({self.account.name}, {self.outcome})"

    @property
    def has_failed(self) -> bool:
        """Whether the account needs attention, and the task fails."""
        return self.outcome in FAILURES


def task_result(results: Sequence[Result], store: str, *, forced: bool = False) -> dict[str, Any]:
    """Return the result of the task. ``store`` is where the store is, ``forced`` that every password was due."""
    counts = Counter(result.outcome for result in results)
    rows = [_row(result) for result in results]
    task: dict[str, Any] = {
        "changed": any(
            result.outcome in ("rotated", "resumed", "rejected", "unknown") or result.before != result.after
            for result in results
        ),
        "accounts": rows,
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
    }
    bad = [row for row, result in zip(rows, results, strict=True) if result.has_failed]
    if bad:
        counted = ", ".join(f"{counts[outcome]} {outcome}" for outcome in (*FAILURES, "skipped") if counts[outcome])
        need = "needs" if len(bad) == 1 else "need"
        said = [f"{len(bad)} of {len(rows)} accounts {need} attention: {counted}.", *map(_reason, bad[:MOST_REASONS])]
        if len(bad) > MOST_REASONS:
            said.append(f"For {len(bad) - MOST_REASONS} more, see accounts.")
        said.append(f"The store is {store}.")
        if any(result.after and result.after.pending for result in results):
            again = "A further run without force" if forced else "A further run"
            said.append(f"{again} resumes what was begun, and leaves alone what is done.")
        task.update(failed=True, msg=" ".join(said))
    return task


def _row(result: Result) -> dict[str, Any]:
    return {
        "name": result.account.name or None,
        "id": result.account.id,
        "profile": result.account.profile,
        "access_key": result.access_key,
        "outcome": result.outcome,
        "rotation_id": result.rotation_id,
        "rotated_at": result.rotated_at,
        "previously_rotated_at": result.previously_rotated_at,
        "next_due_at": result.next_due_at,
        "last_sent_at": result.last_sent_at,
        "published": result.published,
        "published_at": result.published_at,
        "live": result.live,
        "hand_over": result.hand_over,
        "hand_over_begun": result.hand_over_begun,
        "hand_over_alone": result.hand_over_alone,
        "error": dict(result.error) if result.error else None,
    }


def _reason(row: Mapping[str, Any]) -> str:
    error: Mapping[str, Any] = row["error"] or {}
    why = " ".join(str(error[part]) for part in ("message", "hint") if error.get(part))
    return f"{row['name']}: {why}" if row["name"] else why


def diff_of(results: Sequence[Result]) -> dict[str, str]:
    """Return the ages and states of the accounts that changed, a line for each, before and after."""
    lines = [
        tuple(f"{result.account.name}: {shown(standing)}\n" for standing in (result.before, result.after))
        for result in results
        if result.before is not None and result.after is not None and result.before != result.after
    ]
    return {"before": "".join(before for before, _after in lines), "after": "".join(after for _before, after in lines)}


def shown(standing: Standing | None) -> str:
    """Return a standing in a few words."""
    if standing is None:
        return ""
    age = "" if standing.age is None else f", {duration_text(standing.age)} old"
    if standing.age is not None and standing.age < 0:
        age = f", dated {duration_text(-standing.age)} in the future"
    pending = f", {standing.pending} pending" if standing.pending else ""
    return f"{standing.state}{age}{pending}"
