# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One rotation run over many accounts, as a generator of what is to be read, committed and sent. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    RejectedError,
    SkippedError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import shown
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    from_stored,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    MOST_CANDIDATES,
    Course,
    Policy,
    Standing,
    Step,
    Verdict,
    claim,
    due_at,
    plan,
    release,
    restore,
    settle,
    stage,
    standing,
    take_over,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Change,
    Conflict,
    Outcome,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import Load, Rehearse, Save

# A run that has set a value which is not the active one tries longer than MOST_LOSSES to put that right.
MOST_LOSSES_AFTER_A_SEND = 200


class Send(NamedTuple):
    """Set these passwords, and begin with no more after ``max_failures``. Answered with an `Answer` for each name."""

    passwords: Mapping[str, str]
    max_failures: int | None = None

    def __repr__(self) -> str:
        return f"Send({', '.join(self.passwords)})"


class Answer(NamedTuple):
    """What the vendor said of one password; ``error`` is as `KrcloudError.as_dict` renders it.

    ``unanswered`` says that an earlier request with this password had no answer, and may still arrive.
    """

    verdict: Verdict
    error: Mapping[str, Any] | None = None
    unanswered: bool = False


Effect = Load | Rehearse | Save | Send


class Wanted(NamedTuple):
    """An account that a run is about. ``named`` says that the user wrote its id.

    With an ``error`` nothing can be done at the vendor. The store is asked all the same: what it holds may have to be
    handed over.
    """

    account: Account
    named: bool = False
    error: KrcloudError | None = None


class Result(NamedTuple):
    """What became of one account. ``outcome`` is one of `OUTCOMES`.

    ``hand_over`` says that the active password is the live one, as far as is known, and that consumers do not have it,
    ``hand_over_begun`` that an earlier run began to hand it over.
    """

    account: Account
    outcome: str
    rotation_id: str | None = None
    rotated_at: str | None = None
    previously_rotated_at: str | None = None
    next_due_at: str | None = None
    published: bool = False
    hand_over: bool = False
    hand_over_begun: bool = False
    error: Mapping[str, Any] | None = None
    before: Standing | None = None
    after: Standing | None = None


OUTCOMES = ("rotated", "resumed", "fresh", "rejected", "unknown", "failed", "skipped")
FAILURES = ("rejected", "unknown", "failed")

# What to do, after the vendor's word. The hints of the password module are for those who keep the password themselves.
_REJECTED = f"{MOST_CANDIDATES} passwords were tried, and none was taken: look at the reason, then run the task again."
_UNKNOWN = "The new password is kept in the store: run the task again, and it is sent once more."
_WITHHELD = "The new password is kept in the store: fix this, then run the task again."


@dataclass(eq=False, repr=False)
class _Work:
    """One account on its way through a run."""

    account: Account
    course: Course
    before: Standing | None = None
    previously_rotated_at: str | None = None
    envelope: Envelope | None = None
    revision: str | None = None
    step: Step = Step.REST
    sending: str | None = None  # the rotation id of the candidate that is on its way
    losses: int = 0  # commits lost against other runs
    result: Result | None = None

    @property
    def name(self) -> str:
        return self.account.name


class Rotation:
    """A run. ``generate`` returns a fresh password, ``new_id`` a fresh id, ``clock`` the seconds since the epoch.

    ``faults`` returns what our own rules refuse about a password: such a candidate counts as refused by the vendor.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        generate: Callable[[], str],
        new_id: Callable[[], str],
        clock: Callable[[], float],
        faults: Callable[[str], Sequence[str]] = lambda password: (),
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
        self._faults = faults
        self._batch_size = batch_size
        self._max_failures = max_failures
        self._progress = progress
        self._started = clock()
        self._id = new_id()

    def predict(self, wanted: Sequence[Wanted]) -> Generator[Effect, Any, list[Result]]:
        """Read what a run would read, and return what it would do if the vendor accepts everything."""
        rows = yield from self._read(wanted)
        waiting = [row for row in rows if row.result is None]
        if waiting:
            try:
                refused: Mapping[str, StoreError] = yield Rehearse(tuple(row.name for row in waiting))
            except StoreError as error:
                self._stop(waiting[: self._batch_size], waiting[self._batch_size :], error)
                refused = {}
            for row in waiting:
                if row.name in refused:
                    self._give_up(row, refused[row.name])
        for row in waiting:
            if row.result is None:
                self._predict(row)
        return [row.result for row in rows if row.result is not None]

    def run(self, wanted: Sequence[Wanted]) -> Generator[Effect, Any, list[Result]]:
        """Rotate what is due and return a result for every account, in their order."""
        rows = yield from self._read(wanted)
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
            advice = "Fix what made the others fail, then run again."
            self._close(row, "skipped", SkippedError(message, hint=advice).as_dict())

    def _stop(self, batch: list[_Work], waiting: list[_Work], error: StoreError) -> None:
        """Report everybody after the store has failed: without it nothing more may be sent."""
        for row in batch:
            if row.result is None:
                self._give_up(row, error)
        for row in waiting:
            message = "Not tried: the store failed before its turn came."
            advice = error.hint or "Fix the store, then run again."
            self._close(row, "skipped", SkippedError(message, hint=advice).as_dict())

    # ------------------------------------------------------------------------------------------------ reading

    def _read(self, wanted: Sequence[Wanted]) -> Generator[Effect, Any, list[_Work]]:
        rows = [_Work(each.account, Course(self._id, self._started, each.named)) for each in wanted]
        names = [row.name for row in rows]
        if len(set(names)) < len(names):
            raise ConfigurationError("An account is named more than once.", hint="Name each account once.")
        stored: Mapping[str, Stored | StoreError] = yield Load(tuple(names))
        for row, each in zip(rows, wanted, strict=True):
            self._take(row, stored.get(row.name), each.error)
        return rows

    def _take(self, row: _Work, stored: Stored | StoreError | None, error: KrcloudError | None = None) -> None:
        """Make a document of the store the state of an account, and plan its next step."""
        try:
            row.envelope = from_stored(row.name, stored) if stored else None
        except StoreError as fault:
            self._give_up(row, error or fault)
            return
        row.revision = stored.revision if isinstance(stored, Stored) else None
        if row.before is None:
            row.before = standing(row.envelope, self._started)
            row.previously_rotated_at = row.envelope.rotated_at if row.envelope else None
        if error is not None:
            self._give_up(row, error)
            return
        row.step = plan(row.envelope, row.account, self._policy, self._clock(), row.course)
        if row.step is Step.REFUSE:
            self._give_up(row, _new_account(row.name))
        elif row.step is Step.REFUSE_ID:
            self._give_up(row, _other_id(row))
        elif row.step is Step.SKIP:
            skipped = SkippedError(f"The store does not know {row.name}, and new_accounts is skip.")
            self._close(row, "skipped", skipped.as_dict())
        elif row.step is Step.REST:
            self._close(row, self._quiet_outcome(row))

    def _quiet_outcome(self, row: _Work) -> str:
        """Name what happened to an account with which nothing is left to do."""
        if row.envelope and row.envelope.rotation_id in row.course.made:
            return "rotated"
        return "resumed" if row.course.tried else "fresh"

    def _give_up(self, row: _Work, error: KrcloudError) -> None:
        """Report an account about which nothing can be done; a value that was set and not settled is not known."""
        self._close(row, "unknown" if row.course.live else "failed", error.as_dict())

    # ------------------------------------------------------------------------------------------------ one batch

    def _settle_batch(self, batch: list[_Work], earlier_failures: int) -> Generator[Effect, Any, None]:
        while rows := [row for row in batch if row.result is None]:
            left = None
            if self._max_failures is not None:
                left = self._max_failures - earlier_failures - _failures(batch)
                if left <= 0:
                    # What was begun is seen through.
                    self._skip([row for row in rows if not row.course.tried and row.course.live is None])
                    rows = [row for row in rows if row.result is None]
                    left = 1
            yield from self._prepare(rows)
            ready = [row for row in rows if row.result is None and row.sending is not None]
            if ready:
                yield from self._send(ready, left)

    def _prepare(self, rows: list[_Work]) -> Generator[Effect, Any, None]:
        """Commit everything that is about to be sent, in one commit, and read it back."""
        changes = {row.name: self._prepared(row) for row in rows}
        lost = yield from self._commit(rows, changes)
        committed = [row for row in rows if row.name not in lost and row.result is None]
        for row in committed:
            if row.sending is None:
                self._close(row, self._quiet_outcome(row))
        sending = [row for row in committed if row.sending is not None]
        if sending:
            stored: Mapping[str, Stored | StoreError] = yield Load(tuple(row.name for row in sending))
            for row in sending:
                found = stored.get(row.name)
                if not isinstance(found, Stored) or found.revision != row.revision:
                    # Somebody wrote in between. That is a loss like any other.
                    self._lose(row, found)
                elif found.document != to_document(changes[row.name]):
                    raise StoreError(
                        f"The store does not give back what was written for {row.name}.",
                        hint="Nothing was sent. Find out what writes to the same place.",
                    )

    def _prepared(self, row: _Work) -> Envelope:
        """Return what the store has to hold before the step of an account is taken."""
        now, run = self._clock(), self._id
        base = release(row.envelope, row.course) if row.envelope else None
        row.sending = None
        if row.step is Step.STAGE or base is None:
            row.sending = self._new_value(row)
            return stage(base, row.account, self._generate(), row.sending, run, now)
        if row.step is Step.TAKE_OVER:
            row.sending = self._new_value(row)
            return take_over(base, row.account, self._generate(), row.sending, run, now)
        if row.step is Step.RESEND:
            row.sending = base.pending[-1].rotation_id
            return claim(base, row.sending, run, now)
        if row.step is Step.RESTORE:
            row.sending = base.rotation_id
            return restore(base, run, now)
        return base

    def _new_value(self, row: _Work) -> str:
        rotation_id = self._new_id()
        row.course = row.course._replace(made=row.course.made | {rotation_id})
        return rotation_id

    def _commit(self, rows: list[_Work], changes: Mapping[str, Envelope]) -> Generator[Effect, Any, set[str]]:
        """Commit envelopes; return the names that lost against another run, with their state read anew.

        Those that alone cannot be saved are given up. When the store fails, those rows which it has saved by then have
        their new state, and the StoreError goes on.
        """
        changed = {row.name: row for row in rows if row.name in changes and changes[row.name] != row.envelope}
        if not changed:
            return set()
        documents = {name: Change(to_document(changes[name]), row.revision) for name, row in changed.items()}
        saved: Mapping[str, Outcome] = {}
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
                self._give_up(changed[name], refused)
        lost = [row for name, row in changed.items() if isinstance(saved[name], Conflict)]
        if lost:
            stored: Mapping[str, Stored | StoreError] = yield Load(tuple(row.name for row in lost))
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
        if row.course.live in (None, row.envelope.rotation_id if row.envelope else None):
            self._close(row, "failed", _error(message, "Run again when they are done."))
        elif row.losses > MOST_LOSSES_AFTER_A_SEND:
            advice = "An earlier password may be the live one: run with force set to true when they are done."
            self._close(row, "unknown", _error(message, advice))

    # ------------------------------------------------------------------------------------------------ sending

    def _send(self, rows: list[_Work], max_failures: int | None) -> Generator[Effect, Any, None]:
        passwords = {row.name: _password(row) for row in rows}
        answers = {name: self._refusal(faults) for name in passwords if (faults := self._faults(passwords[name]))}
        passwords = {name: password for name, password in passwords.items() if name not in answers}
        if passwords:
            answers.update((yield Send(passwords, max_failures)))
        sent = []
        for row in rows:
            if answers[row.name].verdict is Verdict.SKIPPED:
                row.step = Step.RESEND  # should its turn come after all: it is in the store now
            else:
                sent.append(row)
        changes = {row.name: self._settled(row, answers[row.name]) for row in sent}
        try:
            lost = yield from self._commit(sent, changes)
        except StoreError:
            # What it has saved is settled.
            self._close_settled([row for row in sent if row.envelope is changes[row.name]], answers)
            raise
        self._close_settled([row for row in sent if row.name not in lost and row.result is None], answers)

    @staticmethod
    def _refusal(faults: Sequence[str]) -> Answer:
        message = f"The password breaks the published rules: {'; '.join(faults)}. It was not sent."
        return Answer(Verdict.REJECTED, RejectedError(message).as_dict())

    def _settled(self, row: _Work, answer: Answer) -> Envelope:
        envelope, rotation_id = _sent(row)
        course = row.course
        if answer.unanswered:
            course = course._replace(lost=course.lost | {rotation_id})
        settled = settle(envelope, rotation_id, answer.verdict, self._policy, self._clock(), course)
        row.step, row.course = settled.next, settled.course
        return settled.envelope

    def _close_settled(self, rows: list[_Work], answers: Mapping[str, Answer]) -> None:
        for row in rows:
            if row.step in (Step.REST, Step.STOP):
                self._close(row, *self._outcome(row, answers[row.name]))

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
            row.previously_rotated_at,
            time_text(due) if due is not None else None,
            envelope is not None and envelope.is_published,
            _is_to_be_handed_over(row),
            envelope is not None and envelope.is_left_behind,
            error,
            row.before,
            standing(envelope, self._started) if row.before else None,
        )

    def _predict(self, row: _Work) -> None:
        """Close an account as it will be if the vendor confirms what is sent."""
        now = self._clock()
        if row.step in (Step.RESEND, Step.RESTORE):
            row.envelope = self._prepared(row)
            refused = self._faults(_password(row))
            verdict = Verdict.REJECTED if refused else Verdict.CONFIRMED
            row.envelope = self._settled(row, Answer(verdict))
        if row.step in (Step.STAGE, Step.TAKE_OVER):
            # Nobody knows the id that it is going to have, and nobody sees the password.
            new = Envelope(row.account) if row.envelope is None else row.envelope
            row.envelope = new._replace(
                account=row.account, password="", rotated_at=time_text(now), rotation_id=None, pending=()
            )
            self._close(row, "rotated")
        else:
            self._close(row, "resumed")


def _is_to_be_handed_over(row: _Work) -> bool:
    envelope = row.envelope
    if envelope is None or envelope.password is None or envelope.is_published:
        return False
    of_this_account = row.account.id is None or envelope.account.id in (None, row.account.id)
    # While a candidate may be live, the active password may not be.
    return of_this_account and not any(item.in_flight for item in envelope.pending)


def _new_account(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The store does not know {name}, and nothing was sent for it.",
        hint="If passwords of this account are kept already, correct the store: its type, path or address. If it is a "
        "new account, run once with new_accounts set to rotate.",
    )


def _other_id(row: _Work) -> ConfigurationError:
    known = shown(row.envelope.account.id or "") if row.envelope else ""
    return ConfigurationError(
        f"The store knows {row.name} under another id ({known}), and nothing was sent for it.",
        hint="If that is the account of another tenant, give this tenant a store of its own. If the account was "
        "deleted and made anew, run once with new_accounts set to rotate, and with its name and its new id written in "
        "accounts.",
    )


def _failures(rows: Sequence[_Work]) -> int:
    return sum(row.result is not None and row.result.outcome in FAILURES for row in rows)


def _sent(row: _Work) -> tuple[Envelope, str]:
    if row.envelope is None or row.sending is None:
        raise AssertionError(f"{row.name} is not ready to be sent")
    return row.envelope, row.sending


def _password(row: _Work) -> str:
    envelope, rotation_id = _sent(row)
    return next(item.password for item in envelope.pending if item.rotation_id == rotation_id)


def _error(message: str, hint: str | None = None) -> dict[str, Any]:
    return StoreError(message, hint=hint).as_dict()
