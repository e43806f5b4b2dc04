# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store, a vendor and their accounts: where a run begins, and what must hold after it, however it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    STAGED,
    UNKNOWN,
    Account,
    Envelope,
    EnvelopeError,
    Flight,
    Pending,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import LONGEST_FLIGHT
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Saved,
    Store,
    StoreError,
)
from support.simulator import Simulator
from support.stores.benches import Bench, load, put
from sweeps.runs import rotate

DAY = 86400.0
# What the vendor answers to a password that it has set, and to one that it refuses.
CONFIRMED, REJECTED = 200, 400


def known(envelope: Envelope) -> set[str | None]:
    """Every password in an envelope, wherever it is."""
    former = {item.password for item in envelope.previous}
    return {envelope.password, *(item.password for item in envelope.pending), *former}


def a_day_later() -> float:
    """The time of a run that begins when no request of today can be in flight any more."""
    return time.time() + LONGEST_FLIGHT + 60.0


@dataclass(frozen=True)
class Start:
    """Where a run begins: what the store holds, what is live at the vendor, and the options of the run."""

    envelopes: Sequence[Envelope] = ()
    live: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def first_run(accounts: Sequence[Account]) -> Start:
    """Nothing is in the store, and nobody knows the live passwords."""
    return Start()


def forced_run(accounts: Sequence[Account]) -> Start:
    """Everything is well, but all passwords are to be rotated."""
    envelopes = [_active(account, age=DAY) for account in accounts]
    return Start(envelopes, {each.account.name: str(each.password) for each in envelopes}, {"force": True})


def resuming_run(accounts: Sequence[Account]) -> Start:
    """Earlier runs have left candidates behind, live or not, while other passwords are due or fresh."""
    envelopes, live = [], {}
    for at, account in enumerate(accounts):
        old, fresh = _active(account, age=400 * DAY), _active(account, age=DAY)
        unknown, staged = _candidate(account, UNKNOWN), _candidate(account, STAGED)
        envelope, password = (
            (old._replace(pending=(unknown,)), unknown.password),
            (Envelope(account, pending=(staged,)), staged.password),
            (old, old.password),
            (fresh._replace(pending=(unknown, staged)), fresh.password),
            (fresh, fresh.password),
        )[at % 5]
        envelopes.append(envelope)
        live[account.name] = str(password)
    return Start(envelopes, live)


def stolen_store(accounts: Sequence[Account]) -> Start:
    """Everything was well until somebody has copied the store, just now."""
    made_at, moment = time_text(time.time() - DAY - 60), time_text(time.time())
    envelopes = [_active(account, age=DAY)._replace(made_at=made_at) for account in accounts]
    live = {each.account.name: str(each.password) for each in envelopes}
    return Start(envelopes, live, {"rotated_before": moment})


def incident_run(accounts: Sequence[Account]) -> Start:
    """Everything was stolen just now, with what earlier runs have left behind."""
    return replace(resuming_run(accounts), options={"rotated_before": time_text(time.time())})


def _active(account: Account, age: float) -> Envelope:
    rotated_at = time_text(time.time() - age)
    return Envelope(account, f"Before!{account.name}-1", rotated_at, f"first-of-{account.name}")


def _candidate(account: Account, outcome: str) -> Pending:
    staged_at = time_text(time.time() - DAY / 2)
    flight = Flight("an earlier run", staged_at)
    return Pending(f"{outcome.title()}!{account.name}-2", staged_at, f"{outcome}-of-{account.name}", outcome, (flight,))


@dataclass(frozen=True)
class SavedChange:
    """A change that a store has made, from revision to revision. ``active`` is the rotation of the active password."""

    name: str
    expected: str | None
    revision: str
    active: str | None


def journal(store: Store) -> list[SavedChange]:
    """Let a store note what it saves in the list that is returned."""
    saved: list[SavedChange] = []
    save = store.save

    def noted(changes: Mapping[str, Change]) -> dict[str, Saved]:
        outcomes = save(changes)
        for name, outcome in outcomes.items():
            if isinstance(outcome, str):
                change = changes[name]
                saved.append(SavedChange(name, change.expected, outcome, change.document["rotation_id"]))
        return outcomes

    store.save = noted  # type: ignore[method-assign]
    return saved


class World:
    """One store and one vendor with ``count`` accounts. What it says about them never contains a password."""

    def __init__(self, bench: Bench, simulator: Simulator, count: int) -> None:
        self.bench = bench
        self.simulator = simulator
        seeded = simulator.accounts(count=count, prefix="df")
        self.accounts = [Account(row["id"], name, None) for name, row in seeded.items()]
        self._names = {account.id: account.name for account in self.accounts}
        self._unmanaged: Mapping[str, str] = {}
        self._active: Mapping[str, str | None] = {}
        self._forgotten = 0

    def begin(self, start: Start) -> None:
        """Set everything up as it is at the start of a run."""
        self.bench.move()
        put(self.bench.open(), **{each.account.name: to_document(each) for each in start.envelopes})
        self.simulator.reset()
        rows = [{"name": a.name, "id": a.id, "password": start.live.get(a.name, "")} for a in self.accounts]
        self.simulator.accounts(accounts=rows)
        self._unmanaged = {name: password for name, password in self.live().items() if name not in start.live}
        self._active = {each.account.name: each.password for each in start.envelopes}
        self._forgotten = 0

    def let_a_day_pass(self) -> None:
        """Date back all notes of requests in flight, so that none of them can still be under way."""
        store = self.bench.open()
        long_ago = time_text(time.time() - LONGEST_FLIGHT - 60)

        def aged(value: Any) -> Any:
            if isinstance(value, list):
                return [aged(item) for item in value]
            if not isinstance(value, Mapping):
                return value
            dated = {"since": long_ago} if "since" in value else {}
            return {**{key: aged(item) for key, item in value.items()}, **dated}

        stored = load(store, self.bench.names())
        outcomes = store.save({name: Change(aged(each.document), each.revision) for name, each in stored.items()})
        assert all(isinstance(outcome, str) for outcome in outcomes.values()), outcomes

    def forget(self) -> None:
        """Treat what is active now as confirmed, and ignore all earlier resets from now on."""
        self._active = {name: envelope.password for name, envelope in self.envelopes().items()}
        self._forgotten += len(self.sent())

    # --------------------------------------------------------------------------------------------------- what there is

    def envelopes(self) -> dict[str, Envelope]:
        """What another run would find in the store. Raises StoreError and EnvelopeError."""
        stored = load(self.bench.open(), self.bench.names())
        return {name: from_document(each.document) for name, each in stored.items()}

    def live(self) -> dict[str, str]:
        """The live passwords, as the vendor knows them."""
        accounts = self.simulator.truth()["accounts"]["default"]
        return {name: str(row["password"]) for name, row in accounts.items()}

    def sent(self) -> list[tuple[str, str, int | None]]:
        """Account, password and status of the answer of every reset that has arrived, in the order of arrival."""
        rows = [row for row in self.simulator.requests() if row["operation"] == "resetPassword"][self._forgotten :]
        bodies = [json.loads(row["body"]) for row in rows]
        return [
            (self._names[body["id"]], body["password"], row["status"]) for body, row in zip(bodies, rows, strict=True)
        ]

    # ------------------------------------------------------------------------------------------------- what must hold

    def violations(self, *, landed: bool = False, settled: bool = False) -> Iterator[str]:
        """The promises that do not hold at this moment, even if no run ever follows.

        After an old request has ``landed``, the live password may also be one of the earlier ones. After a run that has
        ``settled`` everything, it is the active one, and nothing is pending.
        """
        try:
            envelopes = self.envelopes()
        except (StoreError, EnvelopeError) as error:
            yield f"the store is not whole: {error}"
            return
        sent, lives = self.sent(), self.live()
        for account in self.accounts:
            name, live = account.name, lives[account.name]
            envelope = envelopes.get(name, Envelope(account))
            answers = [(password, status) for who, password, status in sent if who == name]
            confirmed = {password for password, status in answers if status == CONFIRMED}
            perhaps_live = {password for password, status in answers if status != REJECTED}
            candidates = {envelope.password, *(candidate.password for candidate in envelope.pending)}
            if live not in (known(envelope) if landed else candidates) and live != self._unmanaged.get(name):
                yield f"the live password of {name} is neither active nor pending"
            if envelope.password not in confirmed | {self._active.get(name)}:
                yield f"the active password of {name} was never confirmed"
            if not perhaps_live <= known(envelope):
                yield f"a password of {name} that was sent, and not rejected, is not in the store"
            if settled and live != envelope.password:
                yield f"the live password of {name} is not the active one"
            if settled and envelope.pending:
                yield f"something of {name} is still pending"

    def settle(self, **options: Any) -> Iterator[str]:
        """Run again, and a day later, when nothing can be in flight any more. Say what is not settled then."""
        result = rotate(self.bench.open(), self.simulator, **options)
        yield from self._bad_outcomes(result, "rotated", "resumed", "fresh")
        yield from self.violations(settled=True)
        if any(former.in_flight for envelope in self.envelopes().values() for former in envelope.previous):
            result = rotate(self.bench.open(), self.simulator, clock=a_day_later)
            yield from self._bad_outcomes(result, "resumed", "fresh")
            yield from self.violations(settled=True)

    def rest(self, **options: Any) -> Iterator[str]:
        """Run once more, a day later, and say what this has changed."""
        before, resets = self.bench.mark(), len(self.sent())
        store = self.bench.open()
        saved = journal(store)
        yield from self._bad_outcomes(rotate(store, self.simulator, clock=a_day_later, **options), "fresh")
        if saved or self.bench.mark() != before:
            yield "a run with nothing to do has saved"
        if len(self.sent()) != resets:
            yield "a run with nothing to do has sent a password"

    @staticmethod
    def _bad_outcomes(result: Mapping[str, Any], *good: str) -> Iterator[str]:
        if not result.get("accounts"):
            yield f"the run failed: {result.get('msg')}"
        for row in result.get("accounts", ()):
            if row["outcome"] not in good:
                yield f"{row['name']} is {row['outcome']}: {row['error'] and row['error']['message']}"
