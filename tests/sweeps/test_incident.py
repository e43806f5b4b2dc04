# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store was stolen, and the run that replaces everything in it is killed again and again, at random moments.

Each repetition goes on where the one before has ended: a kill costs at most one more request for each of the accounts
that were being reset at that time.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from support.simulator import Simulator
from support.stores.benches import Bench
from support.stores.steps import Hook
from sweeps.deaths import boundaries_of
from sweeps.runs import rotate, watched
from sweeps.tally import Tally
from sweeps.world import Start, World, stolen_store

CONCURRENCY = 8

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


class Incident:
    """Runs after the theft. ``options`` are those of each of them."""

    def __init__(self, world: World, start: Start, folder: Path) -> None:
        self.world = world
        self.start = start
        self.options = {**start.options, "batch_size": CONCURRENCY, "concurrency": CONCURRENCY}
        self._log = folder / "boundaries"

    def run(self, fatal: int | None = None) -> list[str]:
        """Run in a process of its own, to die at a boundary. Return the boundaries that it has come to."""

        def rotating(hook: Hook) -> None:
            with watched(self.world.bench, hook):
                rotate(self.world.bench.open(), self.world.simulator, **self.options)

        return boundaries_of(rotating, self._log, fatal)

    def stolen(self) -> dict[str, str]:
        """The accounts with a password of the thief, and where it is."""
        thief = {each.account.name: each.password for each in self.start.envelopes}
        active = {name: "active" for name, each in self.world.envelopes().items() if each.password == thief[name]}
        return active | {name: "live" for name, password in self.world.live().items() if password == thief[name]}


@pytest.mark.parametrize(("count", "kills"), [(48, 6), pytest.param(1000, 20, marks=pytest.mark.long)])
def test_a_kill_costs_at_most_one_request_for_each_account_that_is_being_reset(
    bench: Bench, simulator: Simulator, folder: Path, tally: Tally, store: str, count: int, kills: int
) -> None:
    world = World(bench, simulator, count=count)
    incident = Incident(world, stolen_store(world.accounts), folder)
    world.begin(incident.start)
    boundaries = incident.run()
    assert len(world.sent()) == count
    # Each run reads everything first. All of them together come about half as far as one that is not killed.
    reading = boundaries.index("before resetPassword") - CONCURRENCY
    span = (len(boundaries) - reading) // kills
    moments = random.Random(f"{store}, {count}")
    world.begin(incident.start)
    violations: list[str] = []
    for _kill in range(kills):
        incident.run(fatal=reading + moments.randrange(span))
        violations += world.violations()
    before = len(world.sent())
    assert incident.stolen(), "the kills have left nothing to do"

    violations += world.settle(**incident.options)
    sent = len(world.sent())
    violations += [f"{name} still has the stolen password {where}" for name, where in incident.stolen().items()]
    if sent > count + kills * CONCURRENCY:
        violations.append(f"{sent} resets for {count} accounts")
    quiet = rotate(bench.open(), simulator, **incident.options)
    if quiet["changed"] or len(world.sent()) > sent:
        violations.append("a repetition has changed something")
    violations += world.rest(**incident.options)
    tally.add_kills(
        f"{store}, {count} accounts after a theft, {sent} resets, {before} of them before the last run",
        len(boundaries),
        kills,
        violations,
    )
    assert not violations
