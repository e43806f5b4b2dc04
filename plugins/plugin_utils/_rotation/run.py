# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One rotation run over many accounts, as a generator that yields what is to be read, committed and sent. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError, TransportError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope, to_document
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    Policy,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import Step
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import Result
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.turn import Means, Turn, Wanted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import Answer, Send
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Conflict,
    Saved,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import Load, Rehearse, Save

Effect = Load | Rehearse | Save | Send

# With ``max_resets``, accounts are tried in small batches until enough were reset. This many in a row for which the
# vendor cannot be reached are enough to know that it is not the accounts.
MOST_UNREACHED = 3
_UNREACHED = (
    "Not tried: the vendor could not be reached for several accounts in a row.",
    "Fix the connection, then run again.",
)

# What to do about accounts that were skipped because an option has reached its limit.
_ADVICE = {
    "max_failures": "Fix the cause of the failures, then run again.",
    "max_resets": "Run again to reset the next ones.",
}


class Run:
    """A run. The other arguments are those of `Means`.

    Accounts are committed and sent ``batch_size`` at a time. No other account is begun after ``max_failures``, or after
    ``max_resets`` accounts for which a password was set or may have been set.
    ``progress`` is told after each batch how many accounts are done, how many there are, and how many have failed.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        generate: Callable[[], str],
        new_id: Callable[[], str],
        clock: Callable[[], float],
        place: Callable[[], str],
        faults: Callable[[str], Sequence[str]] = lambda password: (),
        batch_size: int = 1000,
        max_failures: int | None = None,
        max_resets: int | None = None,
        progress: Callable[[int, int, int], None] = lambda done, total, failures: None,
    ) -> None:
        if batch_size < 1:
            raise ConfigurationError("batch_size is not valid: it must be 1 or more.")
        self._means = Means(policy, generate, new_id, clock, faults, place, run=new_id(), started=clock())
        self._batch_size = batch_size
        self._max_failures = max_failures
        self._max_resets = max_resets
        self._progress = progress

    def predict(self, wanted: Sequence[Wanted]) -> Generator[Effect, Any, list[Result]]:
        """Read what a run would read, and return what it would do if the vendor accepts everything."""
        turns = yield from self._read(wanted)
        waiting = self._in_order([turn for turn in turns if turn.result is None])
        if waiting:
            try:
                refused: Mapping[str, StoreError] = yield Rehearse(tuple(turn.name for turn in waiting))
            except StoreError as error:
                size = self._size_of_batch(0)
                self._stop(waiting[:size], waiting[size:], error)
                refused = {}
            for turn in waiting:
                if turn.name in refused:
                    turn.give_up(refused[turn.name])
        accepted = [turn for turn in waiting if turn.result is None]
        for turn in accepted[: self._max_resets]:
            turn.predict()
        _skip([turn for turn in accepted if turn.result is None], _reached("max_resets", self._max_resets))
        return [turn.result for turn in turns if turn.result is not None]

    def rotate(self, wanted: Sequence[Wanted]) -> Generator[Effect, Any, list[Result]]:
        """Rotate what is due, and return a result for every account, in their order."""
        turns = yield from self._read(wanted)
        waiting = self._in_order([turn for turn in turns if turn.result is None])
        total, tally = len(waiting), _Tally()
        while waiting:
            size = self._size_of_batch(tally.resets)
            batch, waiting = waiting[:size], waiting[size:]
            try:
                yield from self._settle_batch(batch, tally.failures)
            except StoreError as error:
                self._stop(batch, waiting, error)
                waiting = []
            tally.add(batch)
            self._progress(total - len(waiting), total, tally.failures)
            enough = self._enough(tally)
            if enough:
                _skip(waiting, enough)
                waiting = []
        return [turn.result for turn in turns if turn.result is not None]

    def _read(self, wanted: Sequence[Wanted]) -> Generator[Effect, Any, list[Turn]]:
        turns = [Turn(each, self._means) for each in wanted]
        names = [turn.name for turn in turns]
        if len(set(names)) < len(names):
            raise ConfigurationError("An account is named more than once.", hint="Name each account once.")
        stored: Mapping[str, Stored | StoreError] = yield Load(tuple(names))
        for turn in turns:
            turn.take(stored.get(turn.name), turn.wanted.error)
        return turns

    def _in_order(self, turns: list[Turn]) -> list[Turn]:
        # Otherwise an account that is unknown in each run would always use up ``max_resets`` first.
        return turns if self._max_resets is None else sorted(turns, key=lambda turn: turn.last_sent_at or "")

    def _size_of_batch(self, resets: int) -> int:
        # As each of them may turn out to be a reset.
        return self._batch_size if self._max_resets is None else min(self._batch_size, self._max_resets - resets)

    def _enough(self, tally: _Tally) -> tuple[str, str] | None:
        """Return why no other account is begun, and what to do."""
        if self._max_failures is not None and tally.failures >= self._max_failures:
            return _reached("max_failures", self._max_failures)
        if self._max_resets is None:
            return None
        if tally.resets >= self._max_resets:
            return _reached("max_resets", self._max_resets)
        return _UNREACHED if tally.unreached >= MOST_UNREACHED else None

    def _stop(self, batch: Sequence[Turn], waiting: Sequence[Turn], error: StoreError) -> None:
        """End all turns after the store has failed: without it nothing more may be sent."""
        for turn in batch:
            if turn.result is None:
                turn.give_up(error)
        for turn in waiting:
            turn.skip(
                "Not tried: the store failed before its turn came.", error.hint or "Fix the store, then run again."
            )

    # ------------------------------------------------------------------------------------------------ one batch

    def _settle_batch(self, batch: Sequence[Turn], earlier_failures: int) -> Generator[Effect, Any, None]:
        while turns := [turn for turn in batch if turn.result is None]:
            left = None
            if self._max_failures is not None:
                left = self._max_failures - earlier_failures - _failures(batch)
                if left <= 0:
                    # What was begun is seen through.
                    _skip([turn for turn in turns if not turn.has_begun], _reached("max_failures", self._max_failures))
                    turns = [turn for turn in turns if turn.result is None]
                    left = 1
            yield from self._prepare(turns)
            ready = [turn for turn in turns if turn.result is None and turn.sending is not None]
            if ready:
                yield from self._send(ready, left)

    def _prepare(self, turns: Sequence[Turn]) -> Generator[Effect, Any, None]:
        """Commit everything that is about to be sent, in one commit, and read it back."""
        changes = {turn.name: turn.prepared() for turn in turns}
        lost = yield from _commit(turns, changes)
        committed = [turn for turn in turns if turn.name not in lost and turn.result is None]
        for turn in committed:
            if turn.sending is None:
                turn.close_committed()
        sending = [turn for turn in committed if turn.sending is not None]
        if sending:
            stored: Mapping[str, Stored | StoreError] = yield Load(tuple(turn.name for turn in sending))
            for turn in sending:
                found = stored.get(turn.name)
                if not isinstance(found, Stored) or found.revision != turn.revision:
                    # Somebody wrote in between. That is a loss like any other.
                    turn.lose(found)
                elif found.document != to_document(changes[turn.name]):
                    raise StoreError(
                        f"The store does not return what was written for {turn.name}.",
                        hint="Nothing was sent. Find out what else writes to the same place.",
                    )

    def _send(self, turns: Sequence[Turn], max_failures: int | None) -> Generator[Effect, Any, None]:
        answers = {turn.name: answer for turn in turns if (answer := turn.refusal())}
        passwords = {turn.name: turn.password() for turn in turns if turn.name not in answers}
        if passwords:
            answered: Mapping[str, Answer] = yield Send(passwords, max_failures)
            answers.update(answered)
        sent = []
        for turn in turns:
            if answers[turn.name].outcome is Outcome.SKIPPED:
                turn.step = Step.RESEND  # should its turn come after all: the store holds it now
            else:
                sent.append(turn)
        changes = {turn.name: turn.settled(answers[turn.name]) for turn in sent}
        try:
            lost = yield from _commit(sent, changes)
        except StoreError:
            # What it has saved is settled.
            for turn in sent:
                if turn.envelope is changes[turn.name]:
                    turn.close_answered(answers[turn.name])
            raise
        for turn in sent:
            if turn.name not in lost and turn.result is None:
                turn.close_answered(answers[turn.name])


def _commit(turns: Sequence[Turn], changes: Mapping[str, Envelope]) -> Generator[Effect, Any, set[str]]:
    """Commit envelopes. Return the names that lost to another run; their turns have planned again.

    Turns whose envelope alone cannot be saved are given up. When the store fails, the turns that it had saved by then
    have their new state, and the StoreError goes on.
    """
    changed = {turn.name: turn for turn in turns if turn.name in changes and changes[turn.name] != turn.envelope}
    if not changed:
        return set()
    documents = {name: Change(to_document(changes[name]), turn.revision) for name, turn in changed.items()}
    saved: Mapping[str, Saved] = {}
    try:
        saved = yield Save(documents)
    except StoreError as error:
        saved = error.saved
        raise
    finally:
        for name, revision in saved.items():
            if isinstance(revision, str):
                changed[name].envelope, changed[name].revision = changes[name], revision
    for name, refused in saved.items():
        if isinstance(refused, StoreError):
            changed[name].give_up(refused)
    lost = [turn for name, turn in changed.items() if isinstance(saved[name], Conflict)]
    if lost:
        stored: Mapping[str, Stored | StoreError] = yield Load(tuple(turn.name for turn in lost))
        for turn in lost:
            turn.lose(stored.get(turn.name))
    return {turn.name for turn in lost}


@dataclass
class _Tally:
    """What has come of the batches so far. ``unreached`` counts accounts in a row for which no vendor was reached."""

    failures: int = 0
    resets: int = 0
    unreached: int = 0

    def add(self, batch: Sequence[Turn]) -> None:
        self.failures += _failures(batch)
        self.resets += sum(turn.course.live is not None for turn in batch)
        for turn in batch:
            error = (turn.result.error if turn.result else None) or {}
            self.unreached = self.unreached + 1 if error.get("kind") == TransportError.kind else 0


def _reached(option: str, limit: int | None) -> tuple[str, str]:
    return f"Not tried: {option} ({limit}) was reached.", _ADVICE[option]


def _skip(turns: Sequence[Turn], why: tuple[str, str]) -> None:
    for turn in turns:
        turn.skip(*why)


def _failures(turns: Sequence[Turn]) -> int:
    return sum(turn.result is not None and turn.result.has_failed for turn in turns)
