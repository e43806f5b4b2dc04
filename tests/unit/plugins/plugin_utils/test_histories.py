# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random histories of a rotation: runs that race, die between any two steps, and meet every answer a vendor can give.

After each step the live password must be one that the store knows. When all is calm again, one plain run settles
every account, and the run after that neither writes nor sends.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.plugin_utils._effects import Load, Save
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import Account, from_document
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import (
    MOST_CANDIDATES,
    NewAccounts,
    Policy,
    Verdict,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotator import Answer, Rotation, Send
from unit.plugins.plugin_utils.memory_store import MemoryStore

NAMES = ("df001", "df002", "df003")
ACCOUNTS = [Account(f"id{name}", name, None) for name in NAMES]
DAY = 86400.0

# What can become of one value that is sent: applied now or later or never, and what is said of it.
FATES = ("confirm", "apply, lose the answer", "lose the request", "land late", "reject", "refuse the caller")


@dataclass
class Vendor:
    """Sets what it is told to, and keeps the truth."""

    live: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    late: list[tuple[str, str]] = field(default_factory=list)
    confirmed: set[tuple[str, str]] = field(default_factory=set)

    def send(self, name: str, password: str, fate: str) -> Answer:
        self.sent.append((name, password))
        if fate == "confirm":
            self.live[name] = password
            self.confirmed.add((name, password))
            return Answer(Verdict.CONFIRMED)
        if fate == "apply, lose the answer":
            self.live[name] = password
        if fate == "land late":
            self.late.append((name, password))
        verdict = {"reject": Verdict.REJECTED, "refuse the caller": Verdict.WITHHELD}.get(fate, Verdict.UNKNOWN)
        return Answer(verdict, {"kind": fate})


class World:
    """One store, one vendor, one clock, and any number of runs that are under way."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.vendor = Vendor()
        self.now = 1_800_000_000.0
        self.numbers = itertools.count(1)
        self.runs: list[tuple[Generator[Any, Any, Any], Any]] = []
        self.writes = 0

    def rotation(self, force: bool = False, batch_size: int = 2) -> Rotation:
        return Rotation(
            Policy(90 * DAY, force=force, new_accounts=NewAccounts.ROTATE),
            generate=lambda: f"password-{next(self.numbers)}",
            new_id=lambda: f"rotation-{next(self.numbers)}",
            clock=lambda: self.now,
            batch_size=batch_size,
        )

    def begin(self, force: bool, batch_size: int) -> None:
        run = self.rotation(force, batch_size).run(ACCOUNTS)
        self.runs.append((run, next(run)))

    def step(self, which: int, fates: list[str], stop_after: int | None = None) -> list[Any] | None:
        """Carry out the next effect of a run; None while it goes on, else its results.

        With ``stop_after`` the run dies in the middle of the effect, when so many of its values have been sent.
        """
        run, effect = self.runs[which]
        answer: Any
        if isinstance(effect, Load):
            answer = self.store.load(effect.names)
        elif isinstance(effect, Save):
            self.writes += 1
            answer = self.store.save(effect.changes)
        else:
            assert isinstance(effect, Send)
            answer = {}
            for at, (name, password) in enumerate(effect.passwords.items()):
                if stop_after is not None and at >= stop_after:
                    break
                stored = self.store.rows.get(name)
                assert stored is not None, "sent before anything was committed"
                assert password in from_document(stored.document).candidates(), "sent what the store does not know"
                answer[name] = self.vendor.send(name, password, fates[at % len(fates)])
        if stop_after is not None:
            self.kill(which)
            return None
        try:
            self.runs[which] = (run, run.send(answer))
        except StopIteration as stop:
            del self.runs[which]
            return list(stop.value)
        return None

    def steps(self, which: int, count: int, fates: list[str]) -> None:
        """Carry out so many effects of a run, or fewer if it ends before."""
        for _index in range(count):
            ended = self.step(which, fates) is not None
            self.check()
            if ended:
                return

    def until_it_sends(self, which: int) -> None:
        while not isinstance(self.runs[which][1], Send):
            self.step(which, ["confirm"])

    def kill(self, which: int) -> None:
        self.runs.pop(which)[0].close()

    def land(self) -> None:
        for name, password in self.vendor.late:
            self.vendor.live[name] = password
        self.vendor.late.clear()

    def check(self) -> None:
        for name in NAMES:
            stored = self.store.rows.get(name)
            envelope = from_document(stored.document) if stored else None
            candidates = envelope.candidates() if envelope else []
            live = self.vendor.live.get(name)
            assert live is None or live in candidates, f"the live password of {name} is lost"
            for late in (password for account, password in self.vendor.late if account == name):
                assert late in candidates, f"a password of {name} that may still land is lost"
            if envelope and envelope.password is not None:
                assert (name, envelope.password) in self.vendor.confirmed, "active without a confirmation"

    def finish(self, fates: list[str], force: bool = False) -> list[Any]:
        self.begin(force, batch_size=2)
        while True:
            results = self.step(len(self.runs) - 1, fates)
            self.check()
            if results is not None:
                return results


FATE_LISTS = st.lists(st.sampled_from(FATES), min_size=1, max_size=3)
EVENTS = st.one_of(
    st.tuples(st.just("begin"), st.booleans(), st.integers(1, 3)),
    st.tuples(st.just("steps"), st.integers(0, 3), st.integers(1, 6), FATE_LISTS),
    st.tuples(st.just("steps"), st.integers(0, 3), st.integers(1, 6), FATE_LISTS),
    st.tuples(st.just("steps"), st.integers(0, 3), st.integers(1, 6), FATE_LISTS),
    st.tuples(st.just("kill"), st.integers(0, 3)),
    st.tuples(st.just("die"), st.integers(0, 3), FATE_LISTS, st.integers(0, 3)),
    st.tuples(st.just("clock"), st.sampled_from((-400 * DAY, -1.0, 3600.0, 91 * DAY, 800 * DAY))),
    st.tuples(st.just("land")),
)


@settings(
    max_examples=int(os.environ.get("KRCLOUD_HISTORIES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(EVENTS, max_size=60))
def test_no_history_loses_a_password(events: list[tuple[Any, ...]]) -> None:
    world = World()
    for kind, *details in events:
        if kind == "begin" and len(world.runs) < 3:
            world.begin(*details)
        elif kind == "clock":
            world.now += details[0]
        elif kind == "land":
            world.land()
        elif world.runs and kind != "begin":
            which = details[0] % len(world.runs)
            if kind == "kill":
                world.kill(which)
            elif kind == "die":
                world.step(which, details[1], stop_after=details[2])
            else:
                world.steps(which, details[1], details[2])
        world.check()

    # Calm: those under way end, nothing lands any more, and one plain run settles everything.
    while world.runs:
        world.step(0, ["confirm"])
        world.check()
    world.land()
    world.check()
    for result in world.finish(["confirm"]):
        assert result.outcome in ("rotated", "resumed", "fresh"), result
    for stored in world.store.rows.values():
        assert not from_document(stored.document).pending
    writes, sent = world.writes, len(world.vendor.sent)
    assert [result.outcome for result in world.finish(["confirm"])] == ["fresh"] * len(NAMES)
    assert (world.writes, len(world.vendor.sent)) == (writes, sent)


def test_a_first_run_rotates_and_a_second_is_quiet() -> None:
    world = World()
    assert [result.outcome for result in world.finish(["confirm"])] == ["rotated"] * 3
    assert world.vendor.live == {name: from_document(row.document).password for name, row in world.store.rows.items()}
    sent = len(world.vendor.sent)
    assert [result.outcome for result in world.finish(["reject"])] == ["fresh"] * 3
    assert len(world.vendor.sent) == sent


def test_a_lost_answer_is_resumed_with_the_same_value() -> None:
    world = World()
    assert [result.outcome for result in world.finish(["apply, lose the answer"])] == ["unknown"] * 3
    first = dict(world.vendor.sent)
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert dict(world.vendor.sent[3:]) == first


def test_a_password_that_is_always_refused_stops_after_three() -> None:
    world = World()
    world.finish(["confirm"])
    before = dict(world.vendor.live)
    results = world.finish(["reject"], force=True)
    assert [result.outcome for result in results] == ["rejected"] * 3
    assert len({password for name, password in world.vendor.sent if name == "df001"}) == 1 + MOST_CANDIDATES
    assert world.vendor.live == before
    for row in world.store.rows.values():
        envelope = from_document(row.document)
        assert envelope.password == before[envelope.account.name]
        assert envelope.pending == ()


def test_an_unknown_candidate_survives_its_own_rejection() -> None:
    world = World()
    world.finish(["land late"])
    late = dict(world.vendor.late)
    assert [result.outcome for result in world.finish(["reject"])] == ["rejected"] * 3
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    world.land()
    world.check()
    for name, row in world.store.rows.items():
        assert late[name] in from_document(row.document).candidates()


def test_a_refused_caller_burns_no_candidate() -> None:
    world = World()
    assert [result.outcome for result in world.finish(["refuse the caller"])] == ["failed"] * 3
    assert len(world.vendor.sent) == 3
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert len({password for _name, password in world.vendor.sent}) == 3


def test_a_run_that_slept_puts_back_what_the_store_calls_active() -> None:
    world = World()
    world.finish(["apply, lose the answer"])
    world.begin(force=False, batch_size=3)
    sleeper = 0
    world.until_it_sends(sleeper)
    # While it sleeps with a request in hand, others settle the account and rotate it once more.
    world.finish(["confirm"])
    world.finish(["confirm"], force=True)
    results = None
    while results is None:
        results = world.step(sleeper, ["confirm"])
        world.check()
    assert world.vendor.live == {name: from_document(row.document).password for name, row in world.store.rows.items()}


def test_a_lost_candidate_is_kept_after_another_is_confirmed() -> None:
    world = World()
    world.finish(["land late"])
    late = dict(world.vendor.late)
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    world.step(0, ["reject"])
    world.until_it_sends(0)
    while world.runs:
        world.steps(0, 1, ["confirm"])
    for name, row in world.store.rows.items():
        envelope = from_document(row.document)
        assert envelope.password != late[name]
        assert late[name] in [item.password for item in envelope.previous]
    world.land()
    world.check()


def test_a_candidate_that_another_run_sends_too_is_not_dropped() -> None:
    world = World()
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    # The second run finds what the first one has staged, sends it, and has not yet said so when the first goes on.
    world.begin(force=False, batch_size=3)
    world.until_it_sends(1)
    world.step(1, ["confirm"])
    world.steps(0, 2, ["reject"])
    world.check()
    while world.runs:
        world.steps(0, 1, ["confirm"])
    assert world.vendor.live == {name: from_document(row.document).password for name, row in world.store.rows.items()}
