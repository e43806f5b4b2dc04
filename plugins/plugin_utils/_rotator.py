# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""One rotation run over many accounts, as a generator of what is to be read, committed and sent. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError, SkippedError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._effects import Load, Save
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import (
    Account,
    Envelope,
    from_stored,
    time_text,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import (
    MOST_CANDIDATES,
    Policy,
    Standing,
    Step,
    Verdict,
    claim,
    due_at,
    plan,
    settle,
    stage,
    standing,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    MOST_LOSSES,
    Change,
    Conflict,
    Loaded,
    Stored,
    StoreError,
)

# A run that has set a value which is not the active one tries longer than MOST_LOSSES to put that right.
MOST_LOSSES_AFTER_A_SEND = 200


class Send(NamedTuple):
    """Set these passwords, and begin with no more after ``max_failures``. Answered with an `Answer` for each name."""

    passwords: Mapping[str, str]
    max_failures: int | None = None


class Answer(NamedTuple):
    """What the vendor said of one password; ``error`` is as `KrcloudError.as_dict` renders it."""

    verdict: Verdict
    error: Mapping[str, Any] | None = None


Effect = Load | Save | Send


class Result(NamedTuple):
    """What became of one account. ``outcome`` is one of `OUTCOMES`."""

    account: Account
    outcome: str
    rotation_id: str | None = None
    rotated_at: str | None = None
    next_due_at: str | None = None
    published: bool = False
    error: Mapping[str, Any] | None = None
    before: Standing | None = None
    after: Standing | None = None


OUTCOMES = ("rotated", "resumed", "fresh", "rejected", "unknown", "failed", "skipped")
FAILURES = ("rejected", "unknown", "failed")

# What to do, after the vendor's word. The hints of the password module are for those who keep the password themselves.
_REJECTED = f"{MOST_CANDIDATES} passwords were tried, and none was taken: look at the reason, then run the task again."
_UNKNOWN = "The new password is kept in the store: run the task again, and it is sent once more."
_WITHHELD = "The new password is kept in the store: mend this, then run the task again."


@dataclass(eq=False, repr=False)
class _Work:
    """One account on its way through a run."""

    account: Account
    before: Standing | None = None
    envelope: Envelope | None = None
    revision: str | None = None
    step: Step = Step.REST
    sending: str | None = None  # the rotation id of the candidate that is on its way
    tried: int = 0  # candidates sent
    losses: int = 0  # commits lost against other runs
    made: set[str] = field(default_factory=set)  # rotation ids of the candidates of this run
    set_last: str | None = None  # rotation id of the last value that this run has set, or may have set
    result: Result | None = None

    @property
    def name(self) -> str:
        return self.account.name


class Rotation:
    """A run. ``generate`` returns a fresh password, ``new_id`` a fresh id, ``clock`` the seconds since the epoch."""

    def __init__(
        self,
        policy: Policy,
        *,
        generate: Callable[[], str],
        new_id: Callable[[], str],
        clock: Callable[[], float],
        batch_size: int = 1000,
        max_failures: int | None = None,
        progress: Callable[[int, int, int], None] = lambda done, total, failures: None,
    ) -> None:
        if batch_size < 1:
            raise ConfigurationError(f"batch_size is {batch_size}: it must be 1 or more.")
        self._policy = policy
        self._generate = generate
        self._new_id = new_id
        self._clock = clock
        self._batch_size = batch_size
        self._max_failures = max_failures
        self._progress = progress
        self._started = clock()

    def predict(self, accounts: Sequence[Account]) -> Generator[Effect, Any, list[Result]]:
        """Read what a run would read, and return what it would do if the vendor accepts everything."""
        rows = yield from self._read(accounts)
        return [row.result or self._predicted(row) for row in rows]

    def run(self, accounts: Sequence[Account]) -> Generator[Effect, Any, list[Result]]:
        """Rotate what is due and return a result for every account, in their order."""
        rows = yield from self._read(accounts)
        waiting = [row for row in rows if row.result is None]
        total, failures = len(waiting), 0
        while waiting:
            batch, waiting = waiting[: self._batch_size], waiting[self._batch_size :]
            try:
                yield from self._settle_batch(batch, failures)
            except StoreError as error:
                self._stop(batch, waiting, error)
                waiting = []
            failures += _failures(batch)
            self._progress(total - len(waiting), total, failures)
            if self._max_failures is not None and failures >= self._max_failures:
                self._skip(waiting)
                waiting = []
        return [row.result for row in rows if row.result is not None]

    def _skip(self, rows: list[_Work]) -> None:
        for row in rows:
            message = f"Not tried: max_failures ({self._max_failures}) was reached."
            advice = "Mend what the others failed of, then run again."
            self._close(row, "skipped", SkippedError(message, hint=advice).as_dict())

    def _stop(self, batch: list[_Work], waiting: list[_Work], error: StoreError) -> None:
        """Report everybody after the store has failed: without it nothing more may be sent."""
        for row in batch:
            if row.result is None:
                self._close(row, "unknown" if row.set_last else "failed", error.as_dict())
        for row in waiting:
            message = "Not tried: the store failed before its turn came."
            advice = error.hint or "Mend the store, then run again."
            self._close(row, "skipped", SkippedError(message, hint=advice).as_dict())

    # ------------------------------------------------------------------------------------------------ reading

    def _read(self, accounts: Sequence[Account]) -> Generator[Effect, Any, list[_Work]]:
        rows = [_Work(account) for account in accounts]
        names = [row.name for row in rows]
        if len(set(names)) < len(names):
            raise ConfigurationError("An account is named more than once.", hint="Name each account once.")
        stored: Loaded = yield Load(tuple(names))
        for row in rows:
            self._take(row, stored.get(row.name))
        return rows

    def _take(self, row: _Work, stored: Stored | StoreError | None) -> None:
        """Make a document of the store the state of an account, and plan its next step."""
        try:
            row.envelope = from_stored(row.name, stored) if stored else None
        except StoreError as fault:
            self._close(row, "unknown" if row.set_last else "failed", fault.as_dict())
            return
        row.revision = stored.revision if isinstance(stored, Stored) else None
        row.before = row.before or standing(row.envelope, self._started)
        row.step = plan(row.envelope, row.account, self._policy, self._clock())
        active = row.envelope.rotation_id if row.envelope else None
        if row.step is Step.REFUSE:
            self._close(row, "failed", _new_account(row.name).as_dict())
        elif row.step is Step.SKIP:
            skipped = SkippedError(f"The store does not know {row.name}, and new_accounts is skip.")
            self._close(row, "skipped", skipped.as_dict())
        elif row.step is Step.REST and row.set_last in (None, active):
            self._close(row, self._quiet_outcome(row))

    def _quiet_outcome(self, row: _Work) -> str:
        """Name what happened to an account with which nothing is left to do."""
        active = row.envelope.rotation_id if row.envelope else None
        if active in row.made:
            return "rotated"
        return "resumed" if row.tried else "fresh"

    # ------------------------------------------------------------------------------------------------ one batch

    def _settle_batch(self, batch: list[_Work], earlier_failures: int) -> Generator[Effect, Any, None]:
        while rows := [row for row in batch if row.result is None]:
            left = None
            if self._max_failures is not None:
                left = self._max_failures - earlier_failures - _failures(batch)
                if left <= 0:
                    # What was begun is seen through.
                    self._skip([row for row in rows if not row.tried and row.set_last is None])
                    rows = [row for row in rows if row.result is None]
                    left = 1
            yield from self._prepare(rows)
            ready = [row for row in rows if row.result is None and row.sending is not None]
            if ready:
                yield from self._send(ready, left)

    def _prepare(self, rows: list[_Work]) -> Generator[Effect, Any, None]:
        """Commit everything that is about to be sent, in one commit, and read it back."""
        changes: dict[str, Envelope] = {}
        for row in rows:
            row.sending = None
            if row.step is Step.STAGE:
                rotation_id = self._new_id()
                row.made.add(rotation_id)
                row.sending = rotation_id
                changes[row.name] = stage(row.envelope, row.account, self._generate(), rotation_id, self._clock())
            elif row.step is Step.RESEND and row.envelope is not None:
                newest = row.envelope.pending[-1]
                row.sending = newest.rotation_id
                claimed = claim(row.envelope, newest.rotation_id)
                if claimed != row.envelope:
                    changes[row.name] = claimed
            elif row.envelope is not None:
                # This run has sent a value that is not active: the active one goes out once more.
                row.sending = row.envelope.rotation_id
        lost = yield from self._commit(rows, changes)
        committed = [row for row in rows if row.name in changes and row.name not in lost]
        if committed:
            stored: Loaded = yield Load(tuple(row.name for row in committed))
            for row in committed:
                found = stored.get(row.name)
                if not isinstance(found, Stored) or found.revision != row.revision:
                    # Somebody wrote in between. That is a loss like any other.
                    self._lose(row, found)
                elif found.document != to_document(changes[row.name]):
                    raise StoreError(
                        f"The store does not give back what was written for {row.name}.",
                        hint="Nothing was sent. Find out what writes to the same place.",
                    )

    def _commit(self, rows: list[_Work], changes: Mapping[str, Envelope]) -> Generator[Effect, Any, set[str]]:
        """Commit envelopes; return the names that lost against another run, with their state read anew."""
        if not changes:
            return set()
        by_name = {row.name: row for row in rows}
        saved: Mapping[str, str | Conflict] = yield Save(
            {name: Change(to_document(envelope), by_name[name].revision) for name, envelope in changes.items()}
        )
        lost = []
        for name, envelope in changes.items():
            revision = saved[name]
            if isinstance(revision, Conflict):
                lost.append(by_name[name])
            else:
                by_name[name].envelope, by_name[name].revision = envelope, revision
        if lost:
            stored: Loaded = yield Load(tuple(row.name for row in lost))
            for row in lost:
                self._lose(row, stored.get(row.name))
        return {row.name for row in lost}

    def _lose(self, row: _Work, stored: Stored | StoreError | None) -> None:
        row.sending = None
        row.losses += 1
        self._take(row, stored)
        if row.result is not None or row.losses <= MOST_LOSSES:
            return
        message = f"Other runs keep changing {row.name} in the store."
        if row.set_last in (None, row.envelope.rotation_id if row.envelope else None):
            self._close(row, "failed", _error(message, "Run again when they are done."))
        elif row.losses > MOST_LOSSES_AFTER_A_SEND:
            advice = "An earlier password may be the live one: run with force set to true when they are done."
            self._close(row, "unknown", _error(message, advice))

    # ------------------------------------------------------------------------------------------------ sending

    def _send(self, rows: list[_Work], max_failures: int | None) -> Generator[Effect, Any, None]:
        answers: Mapping[str, Answer] = yield Send({row.name: _password(row) for row in rows}, max_failures)
        for row in rows:
            if answers[row.name].verdict is Verdict.SKIPPED and row.step is Step.STAGE:
                row.step = Step.RESEND  # should its turn come after all: it is in the store now
        rows = [row for row in rows if answers[row.name].verdict is not Verdict.SKIPPED]
        repeats = [row for row in rows if row.step is Step.REST]
        rows = [row for row in rows if row.step is not Step.REST]
        changes: dict[str, Envelope] = {}
        for row in (*rows, *repeats):
            if answers[row.name].verdict in (Verdict.CONFIRMED, Verdict.UNKNOWN):
                row.set_last = row.sending
        for row in rows:
            row.tried += 1
            envelope = self._settled(row, answers[row.name])
            if envelope != row.envelope:
                changes[row.name] = envelope
        lost = yield from self._commit(rows, changes)
        for row in rows:
            if row.name not in lost and row.step in (Step.REST, Step.STOP):
                self._close(row, *self._outcome(row, answers[row.name]))
        for row in repeats:
            yield from self._settle_repeat(row, answers[row.name])

    def _settled(self, row: _Work, answer: Answer) -> Envelope:
        envelope, rotation_id = _sent(row)
        settled = settle(envelope, rotation_id, answer.verdict, self._clock(), tried=row.tried)
        row.step = settled.next
        return settled.envelope

    def _settle_repeat(self, row: _Work, answer: Answer) -> Generator[Effect, Any, None]:
        """After the active value was sent once more: done, unless the store has moved on since."""
        stored: Loaded = yield Load((row.name,))
        found = stored.get(row.name)
        if not isinstance(found, Stored) or found.revision != row.revision:
            self._lose(row, found)
        elif answer.verdict is Verdict.CONFIRMED:
            self._close(row, "resumed")
        else:
            self._close(row, "unknown", {**(answer.error or {}), "hint": _UNKNOWN})

    def _outcome(self, row: _Work, answer: Answer) -> tuple[str, Mapping[str, Any] | None]:
        if answer.verdict is Verdict.CONFIRMED:
            return self._quiet_outcome(row), None
        error = dict(answer.error or {})
        if answer.verdict is Verdict.UNKNOWN:
            return "unknown", {**error, "hint": _UNKNOWN}
        outcome, advice = {Verdict.REJECTED: ("rejected", _REJECTED), Verdict.WITHHELD: ("failed", _WITHHELD)}[
            answer.verdict
        ]
        return outcome, {**error, "hint": " ".join(filter(None, (error.get("hint"), advice)))}

    # ------------------------------------------------------------------------------------------------ reporting

    def _close(self, row: _Work, outcome: str, error: Mapping[str, Any] | None = None) -> None:
        envelope = row.envelope
        due = due_at(envelope, self._policy) if envelope else None
        row.result = Result(
            row.account,
            outcome,
            envelope.rotation_id if envelope else None,
            envelope.rotated_at if envelope else None,
            time_text(due) if due is not None else None,
            envelope is not None and envelope.is_published,
            error,
            row.before,
            standing(envelope, self._started) if row.before else None,
        )

    def _predicted(self, row: _Work) -> Result:
        outcome = "resumed" if row.step is Step.RESEND else "rotated"
        return Result(row.account, outcome, before=row.before, after=Standing("active", 0.0))


def _new_account(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The store does not know {name}, and nothing was sent for it.",
        hint="If passwords of this account are kept already, correct the store: its type, path or address. If it is a "
        "new account, run once with new_accounts set to rotate.",
    )


def _failures(rows: Sequence[_Work]) -> int:
    return sum(row.result is not None and row.result.outcome in FAILURES for row in rows)


def _sent(row: _Work) -> tuple[Envelope, str]:
    if row.envelope is None or row.sending is None:
        raise AssertionError(f"{row.name} is not ready to be sent")
    return row.envelope, row.sending


def _password(row: _Work) -> str:
    envelope, rotation_id = _sent(row)
    if row.step is Step.REST and envelope.password is not None:
        return envelope.password
    return next(item.password for item in envelope.pending if item.rotation_id == rotation_id)


def _error(message: str, hint: str | None = None) -> dict[str, Any]:
    return StoreError(message, hint=hint).as_dict()
