# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Eight processes that rotate the same accounts in one store at the same time, many times over."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope, from_document
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import MOST_PREVIOUS
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import MOST_LOSSES, Stored
from support.simulator import Simulator
from support.stores.benches import Bench, load, replaced
from support.stores.child import Child
from support.stores.steps import of_a_store
from sweeps.runs import rotate
from sweeps.tally import Tally
from sweeps.world import SavedChange, World, forced_run, journal, known

PROCESSES = 8
GAVE_UP = "Other runs keep changing"
# `force` replaces passwords that were made before the run began. A run that is late may find a newer one in the store.
ENDED_WELL = ("rotated", "resumed", "fresh")

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


@dataclass(frozen=True)
class Witness:
    """What one process reports: its results, its saves, and where the store held each password when it was sent."""

    rows: list[dict[str, Any]]
    saved: list[SavedChange]
    places: list[str]


def place(envelope: Envelope, password: str) -> str:
    if password == envelope.password:
        return "active"
    if any(password == candidate.password for candidate in envelope.pending):
        return "pending"
    return "previous" if password in known(envelope) else "nowhere"


def race(world: World, start: Callable[[], None]) -> Witness:
    """Rotate in this process, and look into the store just before each password is sent."""
    names = {account.id: account.name for account in world.accounts}
    places: list[str] = []
    send = wire.PooledTransport.send

    def looked_up(self: Any, request: Any, timeout: float, deadline: float) -> Any:
        body = {} if of_a_store(request) else json.loads(request.body)
        if "password" in body:
            stored = load(world.bench.open(), [names[body["id"]]]).values()
            places.extend(place(from_document(each.document), body["password"]) for each in stored)
        return send(self, request, timeout, deadline)

    store = world.bench.open()
    saved = journal(store)
    with replaced([(wire.PooledTransport, "send", looked_up)]):
        start()
        result = rotate(store, world.simulator, force=True, concurrency=2)
    return Witness(result["accounts"], saved, places)


def all_at_once(world: World) -> list[Witness]:
    """Let all processes rotate. None begins before all of them are ready."""
    reading, writing = os.pipe()

    def start() -> None:
        os.close(writing)
        os.read(reading, 1)

    children = [Child(lambda: race(world, start)) for _index in range(PROCESSES)]
    os.close(writing)
    os.close(reading)
    try:
        return [child.result() for child in children]
    finally:
        for child in children:
            child.stop()


def rotations(stored: Stored) -> list[str | None]:
    envelope = from_document(stored.document)
    return [envelope.rotation_id, *(former.rotation_id for former in envelope.previous)]


def one_chain(revision: str | None, saved: Sequence[SavedChange]) -> list[SavedChange]:
    """Return the saves in an order in which each replaces what the one before has made, as many as fit into it.

    In a file, the revision of a document depends on its content, and a document does not change when its active
    password is sent once more. So a chain may reach the same revision again and continue from there (an Eulerian
    trail, after Hierholzer).
    """
    following: dict[str | None, list[SavedChange]] = {}
    for save in saved:
        following.setdefault(save.expected, []).append(save)
    trail: list[SavedChange] = []
    path: list[tuple[str | None, SavedChange | None]] = [(revision, None)]
    while path:
        at, came_by = path[-1]
        if following.get(at):
            save = following[at].pop()
            path.append((save.revision, save))
        else:
            path.pop()
            trail += [came_by] if came_by else []
    chain = trail[::-1]
    whole = all(save.expected == former.revision for former, save in itertools.pairwise(chain))
    return chain if whole else []


def lost_updates(before: Stored, after: Stored, saved: Sequence[SavedChange]) -> Iterator[str]:
    """Follow the saves of one account: they must make one chain, and what they promoted must all be there."""
    chain = one_chain(before.revision, saved)
    if len(chain) < len(saved) or (chain[-1].revision if chain else before.revision) != after.revision:
        yield "the saves do not lead from the first revision to the last"
    promoted = rotations(before)
    for save in chain:
        if save.active != promoted[0]:
            promoted.insert(0, save.active)
    # What may still become live is kept beyond that.
    if rotations(after)[: 1 + MOST_PREVIOUS] != promoted[: 1 + MOST_PREVIOUS]:
        yield "what was promoted is not what is now active and previous"


class Race:
    """Rounds of processes that rotate the same accounts, and what is wrong after each round."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.violations: list[str] = []
        self.gave_up = 0  # how many processes lost to others too often
        self.late = 0  # how many passwords were no longer wanted when they were sent
        world.begin(forced_run(world.accounts))

    def run(self) -> None:
        """Race once."""
        names = [account.name for account in self._world.accounts]
        before = load(self._world.bench.open(), names)
        witnesses = all_at_once(self._world)
        after, live = load(self._world.bench.open(), names), self._world.live()
        places = Counter(place for witness in witnesses for place in witness.places)
        self.late += places["previous"]
        if places["nowhere"]:
            self.violations.append("a password was sent that is not in the store")
        for name in names:
            saved = [save for witness in witnesses for save in witness.saved if save.name == name]
            rows = [row for witness in witnesses for row in witness.rows if row["name"] == name]
            problems = [
                *lost_updates(before[name], after[name], saved),
                *self._failures(rows, len(saved)),
                *self._unsettled(rows, from_document(after[name].document), live[name]),
            ]
            self.violations += [f"{name}: {problem}" for problem in problems]
        # Runs that gave up stay noted for a day, and outside of this test no account has so many races in a day.
        self._world.let_a_day_pass()

    def _failures(self, rows: Sequence[Mapping[str, Any]], saves: int) -> Iterator[str]:
        gave_up = [row for row in rows if row["error"] and row["error"]["message"].startswith(GAVE_UP)]
        ended_well = [row for row in rows if row["outcome"] in ENDED_WELL]
        self.gave_up += len(gave_up)
        if len(gave_up) + len(ended_well) != PROCESSES:
            failed = [row for row in rows if row not in gave_up and row not in ended_well]
            yield f"a process failed: {[(row['outcome'], row['error'] and row['error']['message']) for row in failed]}"
        if gave_up and saves <= MOST_LOSSES:
            yield "a process gave up, and the others have not saved as often as that takes"

    @staticmethod
    def _unsettled(rows: Sequence[Mapping[str, Any]], after: Envelope, live: str) -> Iterator[str]:
        if live not in {after.password, *(candidate.password for candidate in after.pending)}:
            yield "the live password is neither active nor pending"
        if all(row["outcome"] in ENDED_WELL for row in rows) and (live != after.password or after.pending):
            yield "all processes have ended well, but not everything is settled"


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=pytest.mark.long)])
def test_processes_that_rotate_at_the_same_time_lose_nothing(
    bench: Bench, simulator: Simulator, tally: Tally, store: str, rounds: int
) -> None:
    world = World(bench, simulator, count=2)
    race = Race(world)
    for _round in range(rounds):
        race.run()
    world.forget()
    race.violations += world.settle()
    race.violations += world.rest()
    what = f"{store}, {PROCESSES} processes, {rounds} rounds: {race.late} late sends, {race.gave_up} gave up"
    tally.note(what, race.violations)
    assert not race.violations
