# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One account's turn in a run: what is committed and sent for it, and what becomes of it. No I/O.

`protocol` decides on the steps; a `Turn` takes them, and keeps what it has in hand between two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    RejectedError,
    SkippedError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    from_stored,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import MOST_OPEN, is_crowded
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.hold import held_against, held_back
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    Policy,
    due_at,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    Course,
    Step,
    claim,
    plan,
    release,
    restore,
    settle,
    stage,
    take_over,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import (
    Result,
    Standing,
    standing,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import Answer
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Stored,
    StoreError,
)

# A run that has set a value which is not the active one tries longer than MOST_LOSSES to put that right.
MOST_LOSSES_AFTER_A_SEND = 200

# What to do after the vendor's answer. The password module's hints are for users who keep the password themselves.
_ADVICE = {
    Outcome.REJECTED: "None of the passwords that were tried was accepted. Look at the reason, then run the task "
    "again.",
    Outcome.UNKNOWN: "The new password is kept in the store. Run the task again to send it once more.",
    Outcome.FAILED: "The new password is kept in the store. Fix the cause, then run the task again.",
}


class Wanted(NamedTuple):
    """An account that a run is about. ``named`` says that the user wrote its id.

    ``max_age`` is how old its password may get, in seconds, if that is not what the policy says.

    With an ``error`` nothing can be done at the vendor. The store is read all the same: what it holds may have to be
    handed over.
    """

    account: Account
    named: bool = False
    error: KrcloudError | None = None
    max_age: float | None = None


class Means(NamedTuple):
    """What all turns of one run share.

    ``generate`` returns a fresh password, ``new_id`` a fresh id, ``clock`` the seconds since the epoch, and ``faults``
    what our own rules refuse about a password: such a candidate counts as rejected by the vendor. ``place`` returns
    where the store is, as messages name it.
    """

    policy: Policy
    generate: Callable[[], str]
    new_id: Callable[[], str]
    clock: Callable[[], float]
    faults: Callable[[str], Sequence[str]]
    place: Callable[[], str]
    run: str
    started: float


@dataclass(eq=False, repr=False)
class Turn:
    """The turn of one account. It is over when there is a ``result``."""

    wanted: Wanted
    means: Means
    before: Standing | None = None
    previously_rotated_at: str | None = None
    last_sent_at: str | None = None
    envelope: Envelope | None = None
    revision: str | None = None
    step: Step = Step.REST
    sending: str | None = None  # the rotation id of the candidate that is being sent
    losses: int = 0  # commits lost to other runs
    result: Result | None = None
    course: Course = field(init=False)
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        self.policy = self.means.policy.with_max_age(self.wanted.max_age)
        self.course = Course(self.means.run, self.means.started, self.wanted.named)

    @property
    def account(self) -> Account:
        """The account, as the user or the vendor calls it."""
        return self.wanted.account

    @property
    def name(self) -> str:
        """The account's name, under which the store keeps its envelope."""
        return self.wanted.account.name

    @property
    def has_begun(self) -> bool:
        """Whether this run has sent something for the account, so that it must be seen through."""
        return bool(self.course.tried) or self.course.live is not None

    # ------------------------------------------------------------------------------------------------ the store

    def take(self, stored: Stored | StoreError | None, error: KrcloudError | None = None) -> None:
        """Take what the store holds for the state of the account, and plan the next step."""
        try:
            self.envelope = from_stored(self.name, stored) if stored else None
        except StoreError as fault:
            self.give_up(error or fault)
            return
        self.revision = stored.revision if isinstance(stored, Stored) else None
        if self.before is None:
            self.before = standing(self.envelope, self.means.started)
            self.previously_rotated_at = self.envelope.known_rotated_at if self.envelope else None
            self.last_sent_at = self.envelope.last_sent_at if self.envelope else None
        if error is not None:
            self.give_up(error)
            return
        self.step = plan(self.envelope, self.account, self.policy, self.means.clock(), self.course)
        if self.step is Step.REFUSE:
            self.give_up(_new_account(self.name, self.means.place()))
        elif self.step is Step.WAIT:
            self.wait()
        elif self.step is Step.REFUSE_ID:
            self.give_up(_other_id(self.name, self.envelope.account.id if self.envelope else None))
        elif self.step is Step.REFUSE_HOLD and self.envelope:
            self.give_up(held_against(self.envelope))
        elif self.step is Step.HOLD and self.envelope:
            self.close(Outcome.SKIPPED, held_back(self.envelope))
        elif self.step is Step.SKIP:
            self.skip(f"The store {self.means.place()} does not know {self.name}, and new_accounts is skip.")
        elif self.step is Step.REST:
            self.close(Outcome.CONFIRMED)

    def lose(self, stored: Stored | StoreError | None) -> None:
        """Plan again, as another run was faster to commit; give up after too many such losses."""
        self.sending = None
        self.losses += 1
        self.take(stored)
        if self.result is not None or self.losses <= MOST_LOSSES:
            return
        message = f"Other runs keep changing {self.name} in the store."
        if not self._has_overtaken():
            self.close(Outcome.FAILED, StoreError(message, hint="Run again when they have finished."))
        elif self.losses > MOST_LOSSES_AFTER_A_SEND:
            advice = (
                "An earlier password may be the live one. When the other runs have finished, run with force set to "
                "true."
            )
            self.close(Outcome.UNKNOWN, StoreError(message, hint=advice))

    def _has_overtaken(self) -> bool:
        """Tell whether a value that this run has set may be live where another one is active, or is to become so.

        A pending value may have been confirmed to another run, before this run set its own.
        """
        if self.course.live is None:
            return False
        return self.envelope is None or bool(self.envelope.pending) or self.course.live != self.envelope.rotation_id

    def prepared(self) -> Envelope:
        """Return what the store must hold before the next step is taken."""
        now, run = self.means.clock(), self.means.run
        base = release(self.envelope, self.course) if self.envelope else None
        self.sending = None
        if self.step is Step.STAGE or base is None:
            self.sending = self._new_value()
            return stage(base, self.account, self.means.generate(), self.sending, run, now)
        if self.step is Step.TAKE_OVER:
            self.sending = self._new_value()
            return take_over(base, self.account, self.means.generate(), self.sending, run, now)
        if self.step is Step.RESEND:
            self.sending = base.pending[-1].rotation_id
            return claim(base, self.sending, run, now)
        if self.step is Step.RESTORE:
            self.sending = base.rotation_id
            return restore(base, run, now)
        return base

    def _new_value(self) -> str:
        rotation_id = self.means.new_id()
        self.course = self.course._replace(made=self.course.made | {rotation_id})
        return rotation_id

    # ------------------------------------------------------------------------------------------------ the vendor

    def password(self) -> str:
        """Return the password that is being sent."""
        envelope, rotation_id = self._sent()
        return next(item.password for item in envelope.pending if item.rotation_id == rotation_id)

    def refusal(self) -> Answer | None:
        """Return what the vendor would answer by our own rules: a rejection or, as far as they can tell, nothing."""
        faults = self.means.faults(self.password())
        if not faults:
            return None
        message = f"The password breaks the published rules: {'; '.join(faults)}. It was not sent."
        return Answer(Outcome.REJECTED, RejectedError(message).as_dict())

    def settled(self, answer: Answer) -> Envelope:
        """Return what the store must hold after an answer, and plan the next step."""
        envelope, rotation_id = self._sent()
        course = self.course
        if answer.unanswered:
            course = course._replace(lost=course.lost | {rotation_id})
        settled = settle(envelope, rotation_id, answer.outcome, self.policy, self.means.clock(), course)
        self.step, self.course = settled.next, settled.course
        return settled.envelope

    def _sent(self) -> tuple[Envelope, str]:
        if self.envelope is None or self.sending is None:
            raise AssertionError(f"{self.name} is not ready to be sent")
        return self.envelope, self.sending

    # ------------------------------------------------------------------------------------------------ the end

    def predict(self) -> None:
        """End the turn as it will end if the vendor confirms what is sent."""
        now = self.means.clock()
        if self.step in (Step.RESEND, Step.RESTORE):
            self.envelope = self.prepared()
            self.envelope = self.settled(self.refusal() or Answer(Outcome.CONFIRMED))
        if self.step is Step.WAIT:
            self.wait()
        elif self.step in (Step.STAGE, Step.TAKE_OVER):
            # The id that it will have does not exist yet, and nobody sees the password.
            new = Envelope(self.account) if self.envelope is None else self.envelope
            self.envelope = new._replace(
                account=self.account, password="", rotated_at=time_text(now), rotation_id=None, pending=()
            )
            self.close(Outcome.CONFIRMED, confirmed="rotated")
        else:
            self.close(Outcome.CONFIRMED, confirmed="resumed")

    def close_committed(self) -> None:
        """End the turn after a commit with which nothing was sent."""
        self.close(Outcome.CONFIRMED)

    def close_answered(self, answer: Answer) -> None:
        """End the turn after an answer that was settled, unless there is a next step."""
        if self.step is Step.WAIT:
            self.wait()
        if self.step not in (Step.REST, Step.STOP):
            return
        if answer.outcome is Outcome.CONFIRMED:
            self.close(Outcome.CONFIRMED)
            return
        error = dict(answer.error or {})
        hint = error.get("hint") if answer.outcome is Outcome.FAILED else None
        advice = _ADVICE[answer.outcome]
        if answer.outcome is Outcome.REJECTED and self.envelope and is_crowded(self.envelope, self.means.clock()):
            advice = _crowded(self.name).sentence()
        self._close(answer.outcome.word(""), {**error, "hint": " ".join(filter(None, (hint, advice)))})

    def wait(self) -> None:
        """End the turn, as the account needs another value and must not have one yet."""
        self.close(Outcome.UNKNOWN if self._has_overtaken() else Outcome.FAILED, _crowded(self.name))

    def give_up(self, error: KrcloudError) -> None:
        """End the turn with an error. If a value was set and not settled, the outcome is unknown."""
        self.close(Outcome.UNKNOWN if self.course.live else Outcome.FAILED, error)

    def skip(self, message: str, hint: str | None = None) -> None:
        """End the turn without having tried anything."""
        self.close(Outcome.SKIPPED, SkippedError(message, hint=hint))

    def close(self, outcome: Outcome, error: KrcloudError | None = None, *, confirmed: str | None = None) -> None:
        """End the turn. ``confirmed`` is the word for a confirmation, unless what was done tells it."""
        self._close(outcome.word(confirmed or self._confirmed()), error.as_dict() if error else None)

    def _confirmed(self) -> str:
        """Return the word for what happened to an account for which nothing is left to do."""
        if self.envelope and self.envelope.rotation_id in self.course.made:
            return "rotated"
        return "resumed" if self.course.tried else "fresh"

    def _close(self, word: str, error: Mapping[str, Any] | None) -> None:
        envelope = self.envelope
        result = Result(
            self.account,
            word,
            previously_rotated_at=self.previously_rotated_at,
            last_sent_at=self.last_sent_at,
            error=error,
            before=self.before,
            after=standing(envelope, self.means.started) if self.before else None,
        )
        if envelope is not None:
            due, live = due_at(envelope, self.policy), _is_live(envelope, self.account)
            result = result._replace(
                rotation_id=envelope.rotation_id,
                rotated_at=envelope.known_rotated_at,
                next_due_at=time_text(due) if due is not None and envelope.known_rotated_at else None,
                published=envelope.is_published,
                published_at=envelope.published_since,
                live=live,
                hand_over=live and not envelope.is_published,
                hand_over_begun=envelope.is_left_behind,
                hand_over_alone=envelope.is_left_alone,
            )
        self.result = result


def _is_live(envelope: Envelope, account: Account) -> bool:
    """Tell whether the active password is the live one of this account, as far as is known."""
    if envelope.password is None:
        return False
    of_this_account = account.id is None or envelope.account.id in (None, account.id)
    # While a candidate may be live, the active password may not be.
    return of_this_account and not any(item.in_flight for item in envelope.pending)


def _new_account(name: str, place: str) -> ConfigurationError:
    return ConfigurationError(
        f"The store {place} does not know {name}, and nothing was sent for it.",
        hint="If another store has the passwords of this account, correct the option store. If its password is in use "
        "and known, adopt it with ncp_dataforest_credential. If the account is new, run once with new_accounts set to "
        "rotate.",
    )


def _crowded(name: str) -> StoreError:
    return StoreError(
        f"No new password was made for {name}: {MOST_OPEN} others may still become live, because requests with them "
        "may still be under way.",
        hint="Stop other runs, and run without force. What may be under way is over after a day.",
    )


def _other_id(name: str, known: str | None) -> ConfigurationError:
    which = f" ({known})" if known and may_be_quoted(known) else ""
    return ConfigurationError(
        f"The store knows {name} under another id{which}, and nothing was sent for it.",
        hint="If that account belongs to another tenant, give this tenant a store of its own. If the account was "
        "deleted and created again, give its new id in accounts, and run once with new_accounts set to "
        "rotate.",
    )
