# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL at every boundary of a copy from one store to another, with a rotation before it is run again, and without.

Then a run with the old store sends nothing and says where to go, and one with the new store settles everything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import EnvelopeError, from_document
from support.copies import copied, outcomes
from support.simulator import Simulator
from support.stores.benches import BENCHES, Bench, load
from support.stores.steps import Hook
from sweeps.deaths import boundaries_of
from sweeps.runs import rotate
from sweeps.tally import Tally
from sweeps.world import Start, World, known, resuming_run

PAIRS = (("vault_file", "hashi_vault"), ("hashi_vault", "vault_file"))

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


class Moving:
    """One copy from the store of a world to another one, with what comes before and after."""

    def __init__(self, world: World, destination: Bench, log: Path) -> None:
        self._world = world
        self._source = world.bench
        self._destination = destination
        self._log = log

    def begin(self, start: Start) -> None:
        self._world.bench = self._source
        self._world.begin(start)
        self._destination.move()

    def copy(self, fatal: int | None = None) -> list[str]:
        """Copy in a process of its own, to die at a boundary. Return the boundaries that it has come to."""

        def copying(hook: Hook) -> None:
            with self._source.steps(hook), self._destination.steps(hook):
                copied(self._source.open(), self._destination.open())

        return boundaries_of(copying, self._log, fatal)

    def aftermath(self, *, rotates: bool) -> Iterator[str]:
        """What a kill has left behind, and what later runs make of it."""
        yield from self._lost()
        if rotates:
            rotate(self._source.open(), self._world.simulator, force=True)
            yield from self._lost()
        predicted = copied(self._source.open(), self._destination.open(), check_mode=True)
        result = copied(self._source.open(), self._destination.open())
        if outcomes(predicted) != outcomes(result):
            yield f"check mode said {outcomes(predicted)}, and then came {outcomes(result)}"
        if not set(outcomes(result).values()) <= {"copied", "unchanged"}:
            yield f"not everything has moved: {result.get('msg')}"
        if copied(self._source.open(), self._destination.open())["changed"]:
            yield "a second copy has changed something"
        yield from self._stopped()
        self._world.bench = self._destination
        yield from self._world.settle()
        yield from self._world.rest()

    def _lost(self) -> Iterator[str]:
        """Live passwords that are in neither store."""
        found: dict[str, set[str | None]] = {name: set() for name in self._world.live()}
        for bench in (self._source, self._destination):
            for name, stored in load(bench.open(), bench.names()).items():
                with contextlib.suppress(EnvelopeError):
                    found[name] |= known(from_document(stored.document))
        for name, password in self._world.live().items():
            if password not in found[name]:
                yield f"the live password of {name} is in no store"

    def _stopped(self) -> Iterator[str]:
        """What a run with the old store does, which must do nothing but say where to go."""
        sent = len(self._world.sent())
        result = rotate(self._source.open(), self._world.simulator, force=True)
        for row in result["accounts"]:
            said = row["error"]["message"] if row["error"] else ""
            if row["outcome"] != "failed" or f"moved to the store {self._destination.open().address}" not in said:
                yield f"with the old store, {row['name']} is {row['outcome']}: {said}"
        if len(self._world.sent()) != sent:
            yield "a run with the old store has sent something"


def states(boundaries: Sequence[str]) -> list[int]:
    """The boundaries without those at which everything is as it was at the one before."""
    after = [False, *(each.startswith("after") for each in boundaries)]
    return [at for at, each in enumerate(boundaries) if not (after[at] and each.startswith("before"))]


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=[" to ".join(each) for each in PAIRS])
@pytest.mark.parametrize("form", ["short", pytest.param("long", marks=pytest.mark.long)])
def test_a_kill_at_any_boundary_of_a_copy_loses_no_password(
    old: str, new: str, form: str, request: pytest.FixtureRequest, simulator: Simulator, folder: Path, tally: Tally
) -> None:
    world = World(BENCHES[old](request), simulator, count=2 if form == "short" else 5)
    moving = Moving(world, BENCHES[new](request), folder / "boundaries")
    start = resuming_run(world.accounts)
    moving.begin(start)
    boundaries = moving.copy()
    violations = list(moving.aftermath(rotates=False))
    kills = 0
    for number in range(len(boundaries)) if form == "long" else states(boundaries):
        for rotates in (True, False) if form == "long" else (kills % 2 == 0,):
            moving.begin(start)
            last = moving.copy(fatal=number)[-3:]
            kills += 1
            violations += [f"{problem}; after {', '.join(last)}" for problem in moving.aftermath(rotates=rotates)]
    assert len(boundaries) > 30
    tally.add_kills(f"copy from {old} to {new}, {form}", len(boundaries), kills, violations)
    assert not violations
