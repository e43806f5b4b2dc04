# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random histories of a rotation: runs that race, sleep, die between any two steps, and meet every answer there is.

Meanwhile users put accounts on hold, set passwords in the console and adopt them, and forget accounts.

After each step the live password must be one that the store knows. When all is calm again, one plain run settles
every account: then the live password is the active one. Once nothing can be in flight any more, a run neither writes
nor sends, and consumers have what is live. If the store was stolen on the way, the runs replace what was made before
that, and in the end nothing of it is active or live.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import flights, turn
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.adoption import (
    Wish,
    check_absent,
    present,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import LONGEST_FLIGHT
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    NewAccounts,
    Policy,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    MOST_CANDIDATES,
    MOST_PREVIOUS,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.publication import note_published
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run import Run
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.turn import Wanted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import Answer, Send
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import Load, Save
from support.memory_store import MemoryStore

NAMES = ("df001", "df002", "df003")
DAY = 86400.0

# What can become of a value that is sent: whether it is applied now, later or never, and what is said about it.
FATES = (
    "confirm",
    "confirm, and land once more",
    "apply, lose the answer",
    "lose the request",
    "land late",
    "reject",
    "refuse the caller",
)


def known(envelope: Envelope | None) -> list[str | None]:
    """Every password in an envelope, wherever it is."""
    if envelope is None:
        return []
    return [envelope.password, *(item.password for item in (*envelope.pending, *envelope.previous))]


class Late(tuple[str, str, str, float]):
    """A request that is still on its way: name, id, password, and when it was sent."""


@dataclass
class Vendor:
    """Sets what it is told to, and keeps the truth."""

    ids: dict[str, str] = field(default_factory=lambda: {name: f"id{name}" for name in NAMES})
    live: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    confirmed: set[tuple[str | None, str]] = field(default_factory=set)

    def send(self, name: str, account_id: str, password: str, fate: str, at: float) -> Answer:
        self.sent.append((name, password))
        if account_id != self.ids[name]:
            return Answer(Outcome.FAILED, {"kind": "not_found"})
        if fate in ("confirm", "confirm, and land once more"):
            self.live[name] = password
            self.confirmed.add((account_id, password))
            again = fate != "confirm"
            if again:
                self.late.append(Late((name, account_id, password, at)))
            return Answer(Outcome.CONFIRMED, unanswered=again)
        if fate == "apply, lose the answer":
            self.live[name] = password
        if fate == "land late":
            self.late.append(Late((name, account_id, password, at)))
        outcome = {"reject": Outcome.REJECTED, "refuse the caller": Outcome.FAILED}.get(fate, Outcome.UNKNOWN)
        return Answer(outcome, {"kind": fate})

    def create_again(self, name: str, number: int) -> None:
        """Delete an account, and create another one of its name, with a password that nobody here knows."""
        self.ids[name] = f"id{name}-{number}"
        self.live.pop(name, None)
        self.late = [late for late in self.late if late[0] != name]


@dataclass
class Begun:
    """A run that is under way, and what it waits for."""

    steps: Generator[Any, Any, Any]
    effect: Any
    ids: dict[str, str]
    committed_at: float
    held: set[str] = field(default_factory=set)  # for which nobody has lifted the hold under which it began
    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass
class Publisher:
    """Somebody who has taken a password to hand it over, and is slow."""

    name: str
    rotation_id: str
    password: str


class World:
    """One store, one vendor, one clock, and any number of runs and publishers that are under way."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.vendor = Vendor()
        self.now = 1_800_000_000.0
        self.elapsed = 0.0  # what has really passed, whatever the clock says
        self.numbers = itertools.count(1)
        self.runs: list[Begun] = []
        self.publishers: list[Publisher] = []
        self.consumers: dict[str, str] = {}
        self.forgotten: set[str] = set()
        self.writes = 0
        self.stolen_at: float | None = None
        self.stolen: set[str] = set()
        self.went_back = False  # the clock, so that it says nothing about what was made before what
        self.bounded = True  # nobody has slept longer than the protocol allows for
        self.crowds = False  # an account may have to wait for a day

    def begin(self, force: bool, batch_size: int, named: bool = True, before: float | None = None) -> None:
        run = Run(
            Policy(90 * DAY, force=force, new_accounts=NewAccounts.ROTATE, rotated_before=before),
            generate=lambda: f"password-{next(self.numbers)}",
            new_id=lambda: f"rotation-{next(self.numbers)}",
            clock=lambda: self.now,
            place=lambda: self.store.place,
            batch_size=batch_size,
        )
        ids = dict(self.vendor.ids)
        steps = run.rotate([Wanted(Account(ids[name], name, None), named) for name in NAMES])
        held = {name for name in NAMES if self.is_held(name)}
        self.runs.append(Begun(steps, next(steps), ids, self.elapsed, held))

    def envelope(self, name: str) -> Envelope | None:
        stored = self.store.rows.get(name)
        return from_document(stored.document) if stored else None

    def step(self, which: int, fates: list[str], stop_after: int | None = None) -> list[Any] | None:
        """Carry out the next effect of a run. Return its results if it has ended, otherwise None.

        With ``stop_after`` the run dies in the middle of the effect, when this many of its values have been sent.
        """
        run = self.runs[which]
        answer: Any
        if isinstance(run.effect, Load):
            answer = self.store.load(run.effect.names)
        elif isinstance(run.effect, Save):
            self.writes += 1
            answer = self.store.save(run.effect.changes)
            run.committed_at = self.elapsed
        else:
            assert isinstance(run.effect, Send)
            rest = [name for name in run.effect.passwords if name not in run.answers]
            for at, name in enumerate(rest[:stop_after]):
                self.send_one(run, name, fates[at % len(fates)])
            answer, run.answers = run.answers, {}
        if stop_after is not None:
            self.kill(which)
            return None
        try:
            run.effect = run.steps.send(answer)
        except StopIteration as stop:
            self.runs.remove(run)
            return list(stop.value)
        return None

    def send_one(self, run: Begun, name: str, fate: str) -> None:
        password = run.effect.passwords[name]
        # Requests for an account that was deleted and forgotten set nothing.
        gone = name in self.forgotten and run.ids[name] != self.vendor.ids[name]
        assert gone or password in known(self.envelope(name)), "sent what the store does not know"
        assert name not in run.held, "sent something for an account on hold"
        self.bounded &= self.elapsed - run.committed_at < LONGEST_FLIGHT
        run.answers[name] = self.vendor.send(name, run.ids[name], password, fate, self.elapsed)

    def dribble(self, which: int, fate: str) -> None:
        """Let a run send one of its values, and wait before the next."""
        run = self.runs[which]
        rest = [name for name in getattr(run.effect, "passwords", {}) if name not in run.answers]
        if rest:
            self.send_one(run, rest[0], fate)

    def steps(self, which: int, count: int, fates: list[str]) -> None:
        """Carry out this many effects of a run, or fewer if it ends before."""
        for _index in range(count):
            ended = self.step(which, fates) is not None
            self.check()
            if ended:
                return

    def until_it_sends(self, which: int) -> None:
        while not isinstance(self.runs[which].effect, Send):
            self.step(which, ["confirm"])

    def kill(self, which: int) -> None:
        self.runs.pop(which).steps.close()

    def wait(self, duration: float) -> None:
        """Let time pass, or set the clock back. What has been on its way for too long is lost."""
        self.now += duration
        self.went_back |= duration < 0
        for name in NAMES:
            self.watch_no_longer(name)
        self.elapsed += max(0.0, duration)
        self.vendor.late = [late for late in self.vendor.late if self.elapsed - late[3] < LONGEST_FLIGHT]

    def steal(self) -> None:
        """Let somebody copy the store, and wait for the next second, as passwords are dated in whole ones."""
        self.stolen.update(password for name in NAMES for password in known(self.envelope(name)) if password)
        self.wait(1.0)
        self.stolen_at = self.now

    @property
    def moment(self) -> float | None:
        """The moment of the theft, as a run would accept it."""
        return self.stolen_at if self.stolen_at is not None and self.stolen_at <= self.now else None

    def land(self) -> None:
        for name, account_id, password, _at in self.vendor.late:
            if account_id == self.vendor.ids[name]:
                self.vendor.live[name] = password
        self.vendor.late.clear()

    def is_held(self, name: str) -> bool:
        envelope = self.envelope(name)
        return bool(envelope and envelope.hold_at(self.now))

    def watch_no_longer(self, name: str) -> None:
        for run in self.runs:
            run.held.discard(name)

    def tell(self, name: str, force: bool = False, account_id: str | None = None, **wishes: Any) -> Envelope | None:
        """Tell the store something about an account, as a user does. Return what it has then, None if it refuses."""
        stored = self.store.rows.get(name)
        wish = Wish(Account(account_id, name, None), name, **wishes)
        try:
            after = present(self.envelope(name), wish, f"adopted-{next(self.numbers)}", self.now, force=force)
        except KrcloudError:
            return None
        self.store.save({name: Change(to_document(after), stored.revision if stored else None)})
        return after

    def hold(self, name: str, until: float) -> None:
        self.watch_no_longer(name)
        self.tell(name, hold_until=self.now + until)

    def adopt(self, name: str, rotated_at: str, force: bool) -> None:
        """Set a password in the console and adopt it or, if the store has another one, adopt what is live."""
        envelope, password = self.envelope(name), self.vendor.live.get(name)
        if force or envelope is None or password is None:
            password = f"console-{next(self.numbers)}"
        after = self.tell(name, force, self.vendor.ids[name], password=password, rotated_at=rotated_at)
        if after and after.password == password:
            self.vendor.live[name] = password
            self.vendor.confirmed.add((after.account.id, password))
            if after.is_published and not (envelope and envelope.is_published):
                # Whoever uses an account that is new to the store has its password.
                self.consumers[name] = password

    def forget(self, name: str) -> None:
        """Forget an account that was deleted. Another one of its name is created later."""
        stored, envelope = self.store.rows.get(name), self.envelope(name)
        if stored and envelope:
            check_absent(envelope, Wish(envelope.account, name), force=True)
            self.vendor.create_again(name, next(self.numbers))
            self.store.delete({name: stored.revision})
            self.forgotten.add(name)
            self.watch_no_longer(name)

    def take(self, name: str) -> None:
        """Let a publisher take what consumers are to be given."""
        envelope = self.envelope(name)
        if envelope and envelope.password and envelope.rotation_id and not envelope.is_published:
            self.publishers.append(Publisher(name, envelope.rotation_id, envelope.password))

    def hand_over(self, which: int) -> None:
        """Let a publisher hand over what it has taken, and note it."""
        publisher = self.publishers.pop(which)
        self.consumers[publisher.name] = publisher.password
        row = {"name": publisher.name, "rotation_id": publisher.rotation_id}
        # Whoever is late hands over to an account that was forgotten.
        if publisher.name in self.store.rows:
            note_published(self.store, [row], now=self.now)

    def check(self) -> None:
        for name in NAMES:
            envelope, live = self.envelope(name), self.vendor.live.get(name)
            assert live is None or live in known(envelope), f"the live password of {name} is lost"
            for late in (late for late in self.vendor.late if late[0] == name):
                assert late[2] in known(envelope), f"a password of {name} that may still land is lost"
            if envelope and envelope.password is not None:
                owned = (envelope.account.id, envelope.password)
                assert owned in self.vendor.confirmed, "active without a confirmation"

    def finish(self, fates: list[str], force: bool = False, before: float | None = None) -> list[Any]:
        self.begin(force, batch_size=2, before=before)
        while True:
            results = self.step(len(self.runs) - 1, fates)
            self.check()
            if results is not None:
                self.check_incident(results, before)
                return results

    def check_incident(self, results: list[Any], before: float | None) -> None:
        """A run after the theft is silent about no account whose live password is stolen, on hold or not."""
        if before is None or self.runs or self.went_back or not self.bounded:
            return
        for result in results:
            live = self.vendor.live.get(result.account.name)
            of_another = self.vendor.ids[result.account.name] != result.account.id
            assert result.has_failed or of_another or live not in self.stolen, "a stolen password is live"

    def active(self) -> dict[str, str | None]:
        return {name: envelope.password for name in NAMES if (envelope := self.envelope(name))}

    def has_active(self, name: str) -> bool:
        envelope = self.envelope(name)
        return bool(envelope and envelope.password and envelope.account.id in (None, self.vendor.ids[name]))

    def assert_active_is_live(self, but: Collection[str] = ()) -> None:
        for name, active in self.active().items():
            assert name in but or active == self.vendor.live.get(name), "what is active is not live"

    def calm_down(self) -> None:
        """Let everything that is under way end, and check what must hold when nothing happens by itself any more."""
        while self.runs:
            self.step(0, ["confirm"])
            self.check()
        self.land()
        self.check()
        for name in NAMES:
            self.hold(name, 0.0)
        waiting = set()
        for result in self.finish(["confirm"], before=self.moment):
            if self.crowds and result.outcome == "failed" and "may still become live" in str(result.error):
                waiting.add(result.account.name)
            else:
                assert result.outcome in ("rotated", "resumed", "fresh"), result
        # Without a password that was confirmed for this very account, there is nothing to send once more.
        without = {name for name in waiting if not self.has_active(name)}
        if self.bounded:
            self.assert_active_is_live(without)
        # Clocks that went back a little make what is in flight look younger than it is. Where they went back further,
        # an account that has had to wait for its first password gets the date of its notes only with that password.
        for _day in range(2 if without else 1):
            self.wait(LONGEST_FLIGHT + 3600.0)
            results = self.finish(["confirm"], before=self.moment)
            if self.bounded:
                self.assert_active_is_live()
        for name in NAMES:
            envelope = self.envelope(name)
            assert envelope is not None
            assert not envelope.pending
            assert not any(former.in_flight for former in envelope.previous)
        while self.publishers:
            self.hand_over(0)
        writes, sent = self.writes, len(self.vendor.sent)
        results = self.finish(["confirm"], before=self.moment)
        assert [result.outcome for result in results] == ["fresh"] * len(NAMES)
        assert (self.writes, len(self.vendor.sent)) == (writes, sent)
        for result in results:
            assert result.hand_over is not result.published
            if result.hand_over:
                self.take(result.account.name)
                self.hand_over(0)
        assert self.consumers == self.active(), "consumers do not have what is active"
        self.check_theft()

    def check_theft(self) -> None:
        if self.moment is None:
            return
        for name in NAMES:
            made_at = getattr(self.envelope(name), "made_at", None)
            assert made_at, "nobody knows when the active password was made"
            assert self.moment <= seconds(made_at) <= self.now, "a password of before the theft is active"
        if not self.went_back:
            assert not self.stolen & set(self.active().values()), "a stolen password is active"
            assert not self.bounded or not self.stolen & set(self.vendor.live.values()), "a stolen password is live"


FATE = st.sampled_from(FATES)
FATE_LISTS = st.lists(FATE, min_size=1, max_size=3)
STEPS = st.tuples(st.just("steps"), st.integers(0, 3), st.integers(1, 6), FATE_LISTS)
EVENTS = st.one_of(
    st.tuples(st.just("begin"), st.booleans(), st.integers(1, 3), st.booleans()),
    STEPS,
    STEPS,
    STEPS,
    st.tuples(st.just("run"), FATE_LISTS, st.booleans()),
    st.tuples(st.just("theft")),
    st.tuples(st.just("begin after the theft"), st.integers(1, 3)),
    st.tuples(st.just("run after the theft"), FATE_LISTS),
    st.tuples(st.just("dribble"), st.integers(0, 3), FATE),
    st.tuples(st.just("kill"), st.integers(0, 3)),
    st.tuples(st.just("die"), st.integers(0, 3), FATE_LISTS, st.integers(0, 3)),
    st.tuples(st.just("clock"), st.sampled_from((-400 * DAY, -1.0, 3600.0, DAY / 3, 91 * DAY, 800 * DAY))),
    st.tuples(st.just("land")),
    st.tuples(st.just("create again"), st.sampled_from(NAMES)),
    st.tuples(st.just("take"), st.sampled_from(NAMES)),
    st.tuples(st.just("hand over"), st.integers(0, 3)),
    st.tuples(st.just("hold"), st.sampled_from(NAMES), st.sampled_from((0.0, 3600.0, 2 * DAY))),
    st.tuples(st.just("adopt"), st.sampled_from(NAMES), st.sampled_from(("now", "unknown")), st.booleans()),
    st.tuples(st.just("forget"), st.sampled_from(NAMES)),
)


def happen(world: World, kind: str, *details: Any) -> None:
    """Let one event happen, if it can."""
    if kind == "begin" and len(world.runs) < 3:
        world.begin(*details)
    elif kind == "run" and len(world.runs) < 3:
        world.finish(*details)
    elif kind == "theft":
        world.steal()
    elif kind == "begin after the theft" and len(world.runs) < 3:
        world.begin(False, details[0], before=world.moment)
    elif kind == "run after the theft" and len(world.runs) < 3:
        world.finish(details[0], before=world.moment)
    elif kind == "clock":
        world.wait(details[0])
    elif kind == "land":
        world.land()
    elif kind == "create again":
        world.vendor.create_again(details[0], next(world.numbers))
    elif kind == "take":
        world.take(details[0])
    elif kind == "hold":
        world.hold(*details)
    elif kind == "adopt":
        world.adopt(*details)
    elif kind == "forget":
        world.forget(*details)
    elif kind == "hand over" and world.publishers:
        world.hand_over(details[0] % len(world.publishers))
    elif world.runs and kind in ("kill", "die", "steps", "dribble"):
        which = details[0] % len(world.runs)
        if kind == "kill":
            world.kill(which)
        elif kind == "die":
            world.step(which, details[1], stop_after=details[2])
        elif kind == "dribble":
            world.dribble(which, details[1])
        else:
            world.steps(which, details[1], details[2])
    world.check()


@settings(
    max_examples=int(os.environ.get("KRCLOUD_HISTORIES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# The thief finds no password of an account, and then it is created again: nobody knows its password, the thief neither.
@example(
    events=[
        ("run", ["reject"], False),
        ("theft",),
        ("run after the theft", ["confirm"]),
        ("create again", "df001"),
        ("hold", "df001", 3600.0),
        ("run after the theft", ["confirm"]),
    ]
)
@given(st.lists(EVENTS, max_size=60))
def test_no_history_loses_a_password(events: list[tuple[Any, ...]]) -> None:
    world = World()
    for event in events:
        happen(world, *event)
    world.calm_down()


@settings(
    max_examples=int(os.environ.get("KRCLOUD_HISTORIES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# The clock goes back while a request with the active password may still arrive, and there is no room for another one.
@example(
    events=[
        ("begin", False, 1, False),
        ("steps", 0, 2, ["confirm"]),
        ("run", ["confirm"], True),
        ("steps", 0, 2, ["confirm"]),
        ("run", ["confirm, and land once more"], True),
        ("clock", -400 * DAY),
    ]
)
@given(st.lists(EVENTS, max_size=60))
def test_no_history_loses_a_password_where_few_may_become_live(events: list[tuple[Any, ...]]) -> None:
    """The bound is so low that histories come up to it all the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flights, "MOST_FLIGHTS", 2)
        patch.setattr(flights, "MOST_OPEN", 2)
        patch.setattr(flights, "MOST_OPEN_IN_ALL", 4)
        world = World()
        world.crowds = True
        for event in events:
            happen(world, *event)
        world.calm_down()


def test_a_restored_password_whose_answer_is_lost_is_healed_by_a_plain_run() -> None:
    world = World()
    world.finish(["apply, lose the answer"])
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    # While it sleeps with a resend in hand, others settle the account and rotate it.
    world.finish(["confirm"])
    world.finish(["confirm"], force=True)
    # Now its old value lands, and then the answer to the active one, which it sends once more, is lost.
    world.step(0, ["confirm"])
    world.until_it_sends(0)
    world.step(0, ["lose the request"])
    while world.runs:
        world.step(0, ["lose the request"])
    assert world.vendor.live != world.active()
    rotated_at = {name: getattr(world.envelope(name), "rotated_at", None) for name in NAMES}
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert world.vendor.live == world.active()
    assert rotated_at == {name: getattr(world.envelope(name), "rotated_at", None) for name in NAMES}
    world.calm_down()


def test_a_slow_run_that_dies_after_others_have_rotated_is_healed() -> None:
    world = World()
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    world.finish(["confirm"])
    world.finish(["confirm"], force=True)
    world.step(0, ["apply, lose the answer"], stop_after=3)
    assert world.vendor.live != world.active()
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert world.vendor.live == world.active()
    # A value may still be under way, and a day later it no longer is.
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    world.wait(LONGEST_FLIGHT)
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert [result.outcome for result in world.finish(["confirm"])] == ["fresh"] * 3


def test_a_slow_run_that_settles_takes_its_note_back() -> None:
    world = World()
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    world.finish(["confirm"])
    world.finish(["confirm"], force=True)
    while world.runs:
        world.step(0, ["reject"])
    assert not any(former.in_flight for name in NAMES for former in getattr(world.envelope(name), "previous", ()))
    assert [result.outcome for result in world.finish(["confirm"])] == ["fresh"] * 3


def test_a_request_that_lands_after_another_was_confirmed_is_healed() -> None:
    world = World()
    world.finish(["land late"])
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    world.step(0, ["reject"])
    while world.runs:
        world.step(0, ["confirm"])
    world.land()
    assert world.vendor.live != world.active()
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert world.vendor.live == world.active()
    world.calm_down()


def test_what_lands_between_a_request_and_its_settlement_stays_noted() -> None:
    world = World()
    world.finish(["land late"])
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    world.step(0, ["reject"])
    while world.runs:
        world.step(0, ["confirm"])
    # The first values may still land for some hours when the active ones are sent once more, and they do.
    world.wait(LONGEST_FLIGHT - 6 * 3600.0)
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    for _name in NAMES:
        world.dribble(0, "confirm")
    world.wait(5 * 3600.0)
    world.land()
    assert world.vendor.live != world.active()
    # The answers are settled when the first values would no longer land.
    world.wait(2 * 3600.0)
    while world.runs:
        world.step(0, ["confirm"])
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert world.vendor.live == world.active()
    world.calm_down()


def test_a_request_without_an_answer_counts_although_the_same_value_was_confirmed_after_it() -> None:
    world = World()
    # The module sends a value twice: the first request gets no answer, and is still on its way.
    assert [result.outcome for result in world.finish(["confirm, and land once more"])] == ["rotated"] * 3
    assert [result.outcome for result in world.finish(["confirm"])] == ["fresh"] * 3
    world.finish(["confirm"], force=True)
    world.land()
    assert world.vendor.live != world.active()
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    assert world.vendor.live == world.active()
    world.calm_down()


def rotate(world: World, fate: Callable[[bool], str], force: bool = False) -> list[Any]:
    """Run once. ``fate`` says what becomes of a value, and is told whether the vendor has had it before."""
    world.begin(force, batch_size=3)
    (run,) = world.runs
    while True:
        if isinstance(run.effect, Send):
            for name, password in run.effect.passwords.items():
                world.send_one(run, name, fate((name, password) in world.vendor.sent))
            answers, run.answers = run.answers, {}
            try:
                run.effect = run.steps.send(answers)
            except StopIteration as stop:
                world.runs.remove(run)
                results = list(stop.value)
                break
        else:
            ended = world.step(0, [])
            if ended is not None:
                results = ended
                break
        world.check()
    world.check()
    return results


@pytest.mark.parametrize("interval", [600.0, DAY])
def test_a_vendor_that_refuses_what_it_has_had_before_and_is_slow_with_the_rest_leaves_nobody_stuck(
    interval: float,
) -> None:
    """Each answer about a new value is lost, and what was sent before is refused, as many vendors do."""
    world = World()
    world.finish(["confirm"])
    for at in range(40):
        rotate(world, lambda again: "reject" if again else "apply, lose the answer", force=at == 0)
        world.wait(interval)
    # Now it answers in time, but still refuses what it has had.
    world.wait(DAY)
    assert [result.outcome for result in rotate(world, lambda again: "reject" if again else "confirm")] == [
        "rotated"
    ] * 3
    assert world.vendor.live == world.active()
    world.calm_down()


def test_an_account_created_again_and_refused_does_not_get_the_password_of_the_old_one() -> None:
    world = World()
    world.finish(["confirm"])
    old = world.active()
    for name in NAMES:
        world.vendor.create_again(name, 1)
    world.begin(force=False, batch_size=3, named=False)
    while world.runs:
        results = world.step(0, ["confirm"])
    assert [result.outcome for result in results or ()] == ["failed"] * 3
    assert "under another id" in str((results or [])[0].error)
    assert world.active() == old
    assert [result.outcome for result in world.finish(["reject"])] == ["rejected"] * 3
    assert world.active() == dict.fromkeys(NAMES)
    assert all(old[name] in known(world.envelope(name)) for name in NAMES)
    assert [result.outcome for result in world.finish(["confirm"])] == ["rotated"] * 3
    world.calm_down()


def test_what_may_still_become_live_is_never_cut_off() -> None:
    world = World()
    world.finish(["land late"])
    for _time in range(MOST_PREVIOUS + 2):
        world.begin(force=False, batch_size=3)
        world.until_it_sends(0)
        world.step(0, ["reject"])
        world.until_it_sends(0)
        world.step(0, ["lose the request"])
        while world.runs:
            world.step(0, ["lose the request"])
    world.finish(["confirm"])
    for _time in range(MOST_PREVIOUS + 2):
        world.finish(["confirm"], force=True)
    world.land()
    world.check()
    world.calm_down()


def test_a_late_note_takes_back_that_consumers_have_the_newer_password() -> None:
    world = World()
    world.finish(["confirm"])
    world.take("df001")
    world.finish(["confirm"], force=True)
    world.take("df001")
    world.hand_over(1)
    assert getattr(world.envelope("df001"), "is_published", None) is True
    world.hand_over(0)
    assert getattr(world.envelope("df001"), "is_published", None) is False
    world.calm_down()


def test_what_was_stolen_while_it_was_pending_is_settled_and_then_replaced_and_that_once() -> None:
    world = World()
    world.finish(["confirm"])
    world.wait(91 * DAY)
    world.finish(["lose the request"])
    world.steal()
    pending = dict(world.vendor.sent[3:])
    assert [result.outcome for result in world.finish(["confirm"], before=world.moment)] == ["rotated"] * 3
    assert dict(world.vendor.sent[6:8]) == dict(list(pending.items())[:2])
    assert not world.stolen & set(world.active().values())
    world.assert_active_is_live()
    # Whatever a request with the stolen one may still do, it makes no password older.
    made_at = [getattr(world.envelope(name), "made_at", None) for name in NAMES]
    assert [result.outcome for result in world.finish(["confirm"], before=world.moment)] == ["resumed"] * 3
    assert made_at == [getattr(world.envelope(name), "made_at", None) for name in NAMES]
    world.calm_down()


def test_a_repeated_run_after_a_theft_is_quiet_and_one_that_died_is_resumed() -> None:
    world = World()
    world.finish(["confirm"])
    world.steal()
    world.begin(False, batch_size=3, before=world.moment)
    world.until_it_sends(0)
    world.step(0, ["confirm"], stop_after=1)
    died_with = set(world.vendor.sent[3:])
    assert [result.outcome for result in world.finish(["confirm"], before=world.moment)] == ["resumed"] * 3
    assert died_with < set(world.vendor.sent[4:]), "it sends another value, although its candidate is young enough"
    writes, sent = world.writes, len(world.vendor.sent)
    assert [result.outcome for result in world.finish(["confirm"], before=world.moment)] == ["fresh"] * 3
    assert (world.writes, len(world.vendor.sent)) == (writes, sent)
    world.calm_down()


def test_no_hold_hides_that_a_stolen_password_has_become_live() -> None:
    world = World()
    world.finish(["land late"])
    world.steal()
    assert [result.outcome for result in world.finish(["confirm"], before=world.moment)] == ["rotated"] * 3
    world.hold("df001", DAY)
    world.land()
    assert world.vendor.live["df001"] in world.stolen
    outcomes = [result.outcome for result in world.finish(["confirm"], before=world.moment)]
    assert outcomes == ["failed", "resumed", "resumed"]
    assert next(result.outcome for result in world.finish(["confirm"])) == "skipped"
    world.calm_down()


def test_force_settles_what_is_pending_and_then_replaces_it() -> None:
    world = World()
    world.finish(["lose the request"])
    pending = dict(world.vendor.sent)
    world.begin(force=True, batch_size=3)
    while world.runs:
        results = world.step(0, ["confirm"])
    assert [result.outcome for result in results or ()] == ["rotated"] * 3
    assert dict(world.vendor.sent[3:6]) == pending
    assert not set(pending.values()) & set(world.active().values())
    world.calm_down()


@pytest.mark.parametrize("age", [None, "9999-12-01T00:00:00Z"])
def test_a_password_written_by_hand_needs_no_id_and_no_sensible_date(age: str | None) -> None:
    world = World()
    for name in NAMES:
        document = {
            "format": 1,
            "account": {"id": None, "name": name, "profile": None},
            "password": "adopted",
            "rotated_at": age or time_text(world.now),
            "rotation_id": None,
            "pending": [],
            "previous": [],
        }
        world.store.save({name: Change(document, None)})
        world.vendor.confirmed |= {(None, "adopted"), (world.vendor.ids[name], "adopted")}
        world.vendor.live[name] = "adopted"
    assert [result.outcome for result in world.finish(["confirm"])] == [["fresh"] * 3, ["rotated"] * 3][age is not None]
    world.calm_down()


def test_a_first_run_rotates_and_a_second_is_quiet() -> None:
    world = World()
    assert [result.outcome for result in world.finish(["confirm"])] == ["rotated"] * 3
    assert world.vendor.live == world.active()
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
    late = {name: password for name, _id, password, _at in world.vendor.late}
    assert [result.outcome for result in world.finish(["reject"])] == ["rejected"] * 3
    assert [result.outcome for result in world.finish(["confirm"])] == ["resumed"] * 3
    world.land()
    world.check()
    for name, row in world.store.rows.items():
        assert late[name] in known(from_document(row.document))


def test_a_refused_caller_uses_up_no_candidate() -> None:
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
    assert world.vendor.live == world.active()


def test_a_run_that_loses_too_often_does_not_leave_what_it_has_set_live_behind_a_pending_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turn, "MOST_LOSSES", 0)
    world = World()
    world.finish(["confirm"])
    world.wait(10.0)
    world.begin(force=True, batch_size=3)
    world.until_it_sends(0)
    world.kill(0)
    world.begin(force=False, batch_size=3)
    world.until_it_sends(0)
    # While it sleeps with the candidates in hand, others settle them, and set other ones, but do not commit that yet.
    world.finish(["confirm"])
    world.wait(10.0)
    world.begin(force=True, batch_size=3)
    world.until_it_sends(1)
    world.step(1, ["confirm"])
    # Now it sets its own, and finds them active, and the others pending.
    while world.runs:
        world.step(0, ["confirm"])
        world.check()
    assert world.vendor.live == world.active()


def test_a_lost_candidate_is_kept_after_another_is_confirmed() -> None:
    world = World()
    world.finish(["land late"])
    late = {name: password for name, _id, password, _at in world.vendor.late}
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
    assert world.vendor.live == world.active()
