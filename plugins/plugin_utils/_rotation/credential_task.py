# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopt, hold and forget: from wishes through a store to the result of a task. It never talks to the vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.adoption import (
    Wish,
    check_absent,
    present,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_rows import ABSENT, Row
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Envelope,
    from_stored,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.hold import shown_reason
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import (
    MOST_REASONS,
    shown,
    standing,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    MOST_LOSSES,
    Change,
    Conflict,
    Loaded,
    Saved,
    Store,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import moved

ADOPTED, UPDATED, FORGOT, UNCHANGED, FAILED = OUTCOMES = ("adopted", "updated", "forgotten", "unchanged", "failed")


class _Planned(NamedTuple):
    """What a wish means for what the store holds. ``stored`` is None where it holds nothing.

    ``is_known`` tells whether ``after`` is what it holds then: of what was not read, nobody knows.
    """

    outcome: str
    stored: Stored | None
    before: Envelope | None
    after: Envelope | None
    error: KrcloudError | None = None
    is_known: bool = True

    def __repr__(self) -> str:
        return f"_Planned({self.outcome})"


class CredentialTask:
    """What one task tells a store about accounts. ``new_id`` returns a fresh id, ``now`` is in seconds.

    Everything is planned before the first write, and written in one commit if the store can. What cannot be done for
    one account is the failure of that account.
    """

    def __init__(
        self, store: Store, rows: Sequence[Row], *, state: str, force: bool, now: float, new_id: Callable[[], str]
    ) -> None:
        self._store = store
        self._rows = rows
        self._forgets = state == ABSENT
        self._force = force
        self._now = now
        self._new_id = new_id
        self._done: dict[str, _Planned] = {}

    def run(self, check_mode: bool, *, diff: bool = False) -> dict[str, Any]:
        """Do it, or in check mode predict it, and return the result of the task, with a ``diff`` if asked for.

        Raises StoreError where the store cannot be read.
        """
        wishes = {row.wish.account.name: row.wish for row in self._rows if row.wish}
        for _attempt in range(MOST_LOSSES):
            rest = [wishes[name] for name in wishes if name not in self._done]
            if not rest:
                break
            self._settle(rest, self._store.load([wish.account.name for wish in rest]), check_mode)
        for name, wish in wishes.items():
            if name not in self._done:
                why = f"Other runs keep changing {wish.label} in the store."
                error = StoreError(why, hint="Run again when they have finished.")
                self._done[name] = _Planned(FAILED, None, None, None, error, is_known=False)
        return self._result(diff)

    def _settle(self, wishes: Sequence[Wish], loaded: Loaded, check_mode: bool) -> None:
        """Plan and carry out wishes. Those that lose to another run are left to be planned again."""
        planned: dict[str, _Planned] = {}
        for wish in wishes:
            plan = self._plan(wish, loaded.get(wish.account.name))
            if plan.outcome in (UNCHANGED, FAILED):
                self._done[wish.account.name] = plan
            else:
                planned[wish.account.name] = plan
        if not planned:
            return
        try:
            saved = self._rehearse(planned) if check_mode else self._write(planned)
        except StoreError as error:
            saved = {**dict.fromkeys(planned, error), **error.saved}
            # Another attempt would not help.
            saved = {name: error if isinstance(each, Conflict) else each for name, each in saved.items()}
        for name, plan in planned.items():
            outcome = saved[name]
            if isinstance(outcome, StoreError):
                is_known = plan.before is not None or plan.stored is None
                self._done[name] = _Planned(FAILED, None, plan.before, plan.before, outcome, is_known)
            elif not isinstance(outcome, Conflict):
                self._done[name] = plan

    def _plan(self, wish: Wish, found: Stored | StoreError | None) -> _Planned:
        stored = found if isinstance(found, Stored) else None
        before: Envelope | None = None
        try:
            if self._forgets and stored and (stored.document == FORGOTTEN or moved(stored.document)):
                return _Planned(FORGOT, stored, None, None)
            before = from_stored(wish.account.name, found) if found else None
            if self._forgets:
                if before is None:
                    return _Planned(UNCHANGED, None, None, None)
                check_absent(before, wish, force=self._force)
                return _Planned(FORGOT, stored, before, None)
            after = present(before, wish, self._new_id(), self._now, force=self._force)
        except KrcloudError as error:
            return _Planned(FAILED, stored, before, before, error, is_known=before is not None or found is None)
        if before is not None and after == before:
            return _Planned(UNCHANGED, stored, before, before)
        is_new = before is None or after.rotation_id != before.rotation_id
        return _Planned(ADOPTED if is_new else UPDATED, stored, before, after)

    def _write(self, planned: Mapping[str, _Planned]) -> Mapping[str, Saved]:
        if self._forgets:
            return self._store.delete({name: plan.stored.revision for name, plan in planned.items() if plan.stored})
        return self._store.save(
            {
                name: Change(to_document(plan.after), plan.stored.revision if plan.stored else None)
                for name, plan in planned.items()
                if plan.after
            }
        )

    def _rehearse(self, planned: Mapping[str, _Planned]) -> Mapping[str, Saved]:
        check = self._store.check_delete if self._forgets else self._store.check_save
        return {**dict.fromkeys(planned, ""), **check(list(planned))}

    # --------------------------------------------------------------------------------------------------------- result

    def _result(self, diff: bool) -> dict[str, Any]:
        done = [self._done[row.wish.account.name] if row.wish else _unusable(row) for row in self._rows]
        rows = [self._row(row, plan) for row, plan in zip(self._rows, done, strict=True)]
        counts = Counter(plan.outcome for plan in done)
        result: dict[str, Any] = {
            "changed": any(plan.outcome not in (UNCHANGED, FAILED) for plan in done),
            "credentials": rows,
            "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
        }
        warnings = [text for row, plan in zip(self._rows, done, strict=True) for text in self._warnings(row, plan)]
        if warnings:
            result["warnings"] = warnings
        if diff:
            result["diff"] = self._diff(done)
        errors = [plan.error for plan in done if plan.error]
        if errors:
            said = dict.fromkeys(error.sentence() for error in errors[:MOST_REASONS])
            more = [f"For {len(errors) - MOST_REASONS} more, see credentials."] if len(errors) > MOST_REASONS else []
            others = [outcome for outcome in OUTCOMES if outcome != FAILED and counts[outcome]]
            done_too = "".join(f"; {outcome}: {counts[outcome]}" for outcome in others)
            failed = [f"{len(errors)} of {len(rows)} accounts failed{done_too}."] if len(rows) > 1 else []
            place = f"The store is {self._store.place}."
            result.update(errors[0].as_failure(), msg=" ".join([*failed, *said, *more, place]))
        return result

    def _warnings(self, row: Row, plan: _Planned) -> Iterator[str]:
        if plan.outcome == FAILED:
            return
        yield from row.warnings
        hold = plan.after.hold_at(self._now) if plan.after else None
        if row.wish and plan.after and plan.after.pending and hold and row.wish.hold_until is not None:
            yield (
                f"A password of {row.wish.label} is pending, and until the hold ends ({hold.until}) it stays unknown "
                f"whether it is the live one. To settle it first, end the hold and run ncp_dataforest_rotation."
            )

    def _row(self, row: Row, plan: _Planned) -> dict[str, Any]:
        envelope = plan.after
        hold = envelope.hold_at(self._now) if envelope else None
        # What was refused is not shown: it may be a password in the wrong place.
        account = envelope.account if envelope else row.wish.account if row.wish and not plan.error else None
        return {
            "name": row.name,
            "id": account.id if account else None,
            "profile": account.profile if account else None,
            "outcome": plan.outcome,
            "state": standing(envelope, self._now).state if plan.is_known else None,
            "rotated_at": envelope.known_rotated_at if envelope else None,
            "published": bool(envelope and envelope.is_published),
            "held_until": hold.until if hold else None,
            "hold_reason": shown_reason(envelope) if envelope and hold else None,
            "error": plan.error.as_dict() if plan.error else None,
        }

    def _diff(self, done: Sequence[_Planned]) -> dict[str, str]:
        lines = [
            tuple(f"{row.name}: {self._shown(envelope)}\n" for envelope in (plan.before, plan.after))
            for row, plan in zip(self._rows, done, strict=True)
            if plan.outcome not in (UNCHANGED, FAILED)
        ]
        return {"before": "".join(line[0] for line in lines), "after": "".join(line[1] for line in lines)}

    def _shown(self, envelope: Envelope | None) -> str:
        hold = envelope.hold_at(self._now) if envelope else None
        return shown(standing(envelope, self._now)) + (f", on hold until {hold.until}" if hold else "")


def _unusable(row: Row) -> _Planned:
    return _Planned(FAILED, None, None, None, row.error, is_known=False)
