# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL at every boundary of a rotation. After each kill come a plain run, and one with nothing to do.

An undisturbed run tells the boundaries first: before and after each system call or request of the store, and before and
after each request to the vendor. Then there is a run for each of them, which dies there. Resets are also caught while
they are under way; see LOST_ANSWERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from support.simulator import Simulator
from support.stores.benches import Bench
from support.stores.steps import Hook
from sweeps.deaths import boundaries_of
from sweeps.runs import rotate, watched
from sweeps.tally import Tally
from sweeps.world import Start, World, first_run, forced_run, incident_run, resuming_run

Starter = Callable[[Sequence[Account]], Start]
Fault = Mapping[str, Any]

STARTS: tuple[Starter, ...] = (first_run, forced_run, resuming_run)
FAULTS: Mapping[str, Fault] = {
    "a refusal": {"kind": "reject"},
    "a lost answer": {"kind": "drop", "at": "after"},
    "a failure": {"kind": "status", "status": 500},
    "too many requests": {"kind": "rate_limited"},
}
# An answer is lost, and the vendor sets the password at once or much later. Then two questions: does the run die, and
# does the vendor refuse the same password when it is sent again?
LOST_ANSWERS: tuple[tuple[Fault, bool, bool], ...] = (
    ({"kind": "drop", "at": "after"}, True, False),
    ({"kind": "drop", "at": "after"}, False, True),
    ({"kind": "late"}, True, False),
    ({"kind": "late"}, True, True),
    ({"kind": "late"}, False, True),
)

# So many runs in a row may differ from the one before.
MOST_RUNS = 5

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


class Sweep:
    """All the deaths of one kind of run."""

    def __init__(self, world: World, start: Start, folder: Path, fault: Fault | None = None, **options: Any) -> None:
        self._world = world
        self._start = start
        self._log = folder / "boundaries"
        self._fault = fault
        self._options = {"batch_size": 2, "concurrency": 1, **options, **start.options}
        self.boundaries = self._undisturbed()
        self.kills = 0
        self.violations: list[str] = []

    def at_every_boundary(self) -> None:
        """Die once at each boundary."""
        for number in range(len(self.boundaries)):
            self._try(number)

    def with_every_reset_on_its_way(self) -> None:
        """Lose each answer in each of the ways."""
        for position in range(self.boundaries.count("before resetPassword")):
            for fault, dies, refused in LOST_ANSWERS:
                self._try("lost resetPassword" if dies else None, {**fault, "skip": position}, refused=refused)

    def _try(self, fatal: int | str | None, fault: Fault | None = None, *, refused: bool = False) -> None:
        """Run, perhaps to die at a boundary. Then check what the run left behind, and what later runs make of it."""
        boundaries = self._run(fatal, fault)
        self.kills += fatal is not None
        assert fatal in (None, len(boundaries) - 1, boundaries[-1]), "it died somewhere else"
        self.violations += [f"{problem}; after {', '.join(boundaries[-4:])}" for problem in self._aftermath(refused)]

    def _undisturbed(self) -> list[str]:
        """Return the boundaries of a run that does not die, which two runs in a row have reached.

        On a busy machine, a request may take too long and be repeated.
        """
        earlier = self._run(None)
        for _attempt in range(MOST_RUNS):
            latest = self._run(None)
            if sorted(latest) == sorted(earlier):
                return latest
            earlier = latest
        raise AssertionError("no two runs from the same start are alike")

    def _run(self, fatal: int | str | None, fault: Fault | None = None) -> list[str]:
        """Start afresh, and return the boundaries that a run reaches. It dies at the fatal one, if any."""
        self._world.begin(self._start)
        for rule in filter(None, (self._fault, fault)):
            self._world.simulator.fault(vendor="ncp", operation="resetPassword", **rule)

        def run(hook: Hook) -> None:
            with watched(self._world.bench, hook):
                rotate(self._world.bench.open(), self._world.simulator, **self._options)

        return boundaries_of(run, self._log, fatal)

    def _aftermath(self, refused: bool) -> Iterator[str]:
        world = self._world
        world.simulator.clear()
        yield from world.violations()
        if refused:
            unanswered = [name for name, _password, status in world.sent() if status is None]
            match = {"name": unanswered[0]}
            world.simulator.fault(vendor="ncp", operation="resetPassword", kind="reject", match=match)
        yield from world.settle()
        yield from world.rest()
        if world.simulator.land():
            yield from world.violations(landed=True)
            # If the late password is no longer the active one, only a forced run makes store and vendor agree again.
            yield from world.settle(force=refused)
            yield from world.rest()


@pytest.mark.parametrize("start", [*STARTS, pytest.param(incident_run, marks=pytest.mark.long)])
def test_a_kill_at_any_boundary_loses_no_password(
    bench: Bench, simulator: Simulator, folder: Path, tally: Tally, store: str, start: Starter
) -> None:
    world = World(bench, simulator, count=3)
    sweep = Sweep(world, start(world.accounts), folder)
    assert len(sweep.boundaries) > bench.fewest_boundaries
    sweep.at_every_boundary()
    sweep.with_every_reset_on_its_way()
    tally.add_kills(f"{store}, {start.__name__}", len(sweep.boundaries), sweep.kills, sweep.violations)
    assert not sweep.violations


@pytest.mark.long
@pytest.mark.parametrize("concurrency", [2, 4])
@pytest.mark.parametrize("start", STARTS)
def test_a_kill_with_several_requests_under_way_loses_no_password(
    bench: Bench, simulator: Simulator, folder: Path, tally: Tally, store: str, start: Starter, concurrency: int
) -> None:
    world = World(bench, simulator, count=9)
    sweep = Sweep(world, start(world.accounts), folder, batch_size=4, concurrency=concurrency)
    sweep.at_every_boundary()
    sweep.with_every_reset_on_its_way()
    what = f"{store}, {start.__name__}, {concurrency} at a time"
    tally.add_kills(what, len(sweep.boundaries), sweep.kills, sweep.violations)
    assert not sweep.violations


@pytest.mark.long
@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("start", STARTS)
def test_a_kill_on_a_bad_day_loses_no_password(
    bench: Bench,
    simulator: Simulator,
    folder: Path,
    tally: Tally,
    store: str,
    start: Starter,
    fault: str,
    position: int,
) -> None:
    world = World(bench, simulator, count=3)
    sweep = Sweep(world, start(world.accounts), folder, {**FAULTS[fault], "skip": position})
    sweep.at_every_boundary()
    what = f"{store}, {start.__name__}, {fault} at {position}"
    tally.add_kills(what, len(sweep.boundaries), sweep.kills, sweep.violations)
    assert not sweep.violations
