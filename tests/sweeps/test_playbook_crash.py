# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real playbooks that are killed at a boundary, or interrupted, and run again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.canary import found
from support.simulator import Simulator
from support.stores.benches import Bench, VaultFileBench
from sweeps.playbook import Playbook
from sweeps.tally import Tally
from sweeps.world import World, forced_run

API = ("getList", "resetPassword")
# Who dies when a module reaches a boundary: the module itself; the worker of the task, while the module goes on; or
# everything. At the boundaries of the store it is the worker, because the store is in it.
VICTIMS = ("module", "worker", "playbook")


class Sweep:
    """All the deaths of a playbook."""

    def __init__(self, playbook: Playbook, world: World, say: Callable[[str], None]) -> None:
        self._playbook = playbook
        self._world = world
        self._say = say
        self._begin()
        assert playbook.run(force=True) == 0, playbook.output
        self.boundaries = playbook.boundaries
        self.kills = 0
        self.violations: list[str] = []

    def at_every_boundary(self) -> None:
        """Die once at each boundary of the store, and in three ways at each boundary of the vendor."""
        for number, boundary in enumerate(self.boundaries):
            for victim in VICTIMS if boundary.endswith(API) else ("worker",):
                self._die_at(number, victim)

    def with_every_reset_on_its_way(self) -> None:
        """Die when the vendor has set a password but not yet said so, and when it will set the password much later."""
        for position in range(self.boundaries.count("before resetPassword")):
            for fault in ({"kind": "drop", "at": "after"}, {"kind": "late"}):
                for victim in VICTIMS:
                    self._die_at("lost resetPassword", victim, **fault, skip=position)

    def _begin(self) -> None:
        self._world.begin(forced_run(self._world.accounts))

    def _die_at(self, fatal: int | str, victim: str, **fault: Any) -> None:
        self._begin()
        if fault:
            self._world.simulator.fault(vendor="ncp", operation="resetPassword", **fault)
        code = self._playbook.start(force=True, fatal=fatal, victim=victim).wait()
        self.kills += 1
        assert code == -signal.SIGKILL if victim == "playbook" else code > 0, "it did not die"
        problems = [*self._world.violations()]
        # A module that has lost its worker goes on with what it was given, and everything of that is in the store.
        self._playbook.wait_for_orphans()
        assert fatal in self._playbook.boundaries or fatal in range(len(self._playbook.boundaries))
        problems += aftermath(self._world, self._playbook)
        self.violations += [f"{problem}; {victim} killed at {fatal}" for problem in problems]
        self._say(f"killed {self.kills} times, {len(self.violations)} violations")


def aftermath(world: World, playbook: Playbook) -> Iterator[str]:
    """Check what a playbook has left behind, and what later runs make of it."""
    if "Traceback" in playbook.output:
        yield "there is a traceback"
    if found(playbook.secrets(), playbook.output):
        yield "there is a password in the output"
    world.simulator.clear()
    yield from world.violations()
    yield from settled(world, playbook)
    if world.simulator.land():
        yield from world.violations(landed=True)
        yield from settled(world, playbook)


def settled(world: World, playbook: Playbook) -> Iterator[str]:
    """Run the playbook again, and then once more without Ansible, which must change nothing."""
    if playbook.run() != 0:
        yield "the second run failed"
    yield from world.violations(settled=True)
    yield from world.rest()


@pytest.mark.long
def test_a_playbook_that_is_killed_at_any_boundary_loses_no_password(
    bench: Bench,
    simulator: Simulator,
    installed_collection: Path,
    tmp_path: Path,
    tally: Tally,
    store: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def say(progress: str) -> None:
        with capsys.disabled():
            print(f"{store}, ansible-playbook: {progress}", flush=True)

    world = World(bench, simulator, count=2)
    sweep = Sweep(Playbook(world, installed_collection, tmp_path), world, say)
    sweep.at_every_boundary()
    sweep.with_every_reset_on_its_way()
    tally.add_kills(f"{store}, ansible-playbook", len(sweep.boundaries), sweep.kills, sweep.violations)
    assert not sweep.violations


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_playbook_is_resumed_by_the_next(
    vault: VaultFileBench, simulator: Simulator, installed_collection: Path, tmp_path: Path, number: signal.Signals
) -> None:
    world = World(vault, simulator, count=3)
    world.begin(forced_run(world.accounts))
    playbook = Playbook(world, installed_collection, tmp_path)
    fault = simulator.fault(vendor="ncp", operation="resetPassword", kind="hang", at="after")
    running = playbook.start(force=True)
    simulator.wait(fault=fault, timeout=60)
    # Like Ctrl-C, this signals the group in the foreground, which Ansible's workers have left.
    os.killpg(running.pid, number)
    assert running.wait() != 0
    assert not [*world.violations()]
    simulator.clear()
    playbook.wait_for_orphans()
    assert not [*aftermath(world, playbook)]
