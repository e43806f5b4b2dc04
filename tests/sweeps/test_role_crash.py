# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role with hooks is killed between any two of its steps, and the next run makes up for it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.canary import found
from support.simulator import Simulator
from support.stores.benches import Bench
from sweeps.playbook import Playbook
from sweeps.tally import Tally
from sweeps.world import World, forced_run

ROLE = "ncp_dataforest_rotation"
# Steps that change something outside of the run: the store, a password, or a file of a hook.
CHANGES = ("replace", "request", "resetPassword", "hand-over")
PREPARE = [
    {
        "name": "Prepare",
        "ansible.builtin.copy": {"content": "ready", "dest": "{{ consumers }}.ready", "mode": "0600"},
    }
]
PUBLISH = [
    {
        "name": "Hand over one password",
        "ansible.builtin.copy": {
            "content": f"{{{{ {ROLE}_password }}}}",
            "dest": f"{{{{ consumers }}}}/{{{{ {ROLE}_account.name }}}}",
            "mode": "0600",
        },
        "no_log": True,
    }
]
PUBLISH_BATCH = [
    {
        "name": "Hand over several",
        "ansible.builtin.copy": {
            "content": f"{{{{ {ROLE}_passwords | to_json }}}}",
            "dest": f"{{{{ consumers }}}}/batch-{{{{ {ROLE}_batch[0].rotation_id }}}}",
            "mode": "0600",
        },
        "no_log": True,
    }
]


class RolePlaybook(Playbook):
    """The role with hooks that write files: once, for each account and for each batch. A consumer is such a file."""

    def __init__(self, world: World, collections: Path, folder: Path) -> None:
        super().__init__(world, collections, folder)
        self.consumers = folder / "consumers"
        self.consumers.mkdir()
        self._hooks = {"prepare_tasks": PREPARE, "publish_tasks": PUBLISH, "publish_batch_tasks": PUBLISH_BATCH}
        for name, tasks in self._hooks.items():
            (folder / f"{name}.yml").write_text(json.dumps(tasks), encoding="utf-8")

    def task(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what calls the role."""
        given = {**options, **{name: f"{name}.yml" for name in self._hooks}, "hand_over_batch": 2}
        variables = {f"{ROLE}_{name}": value for name, value in given.items()}
        return {
            "ansible.builtin.include_role": {"name": f"krcloud.credentials.{ROLE}"},
            "vars": {**variables, "consumers": str(self.consumers)},
        }

    def begin(self) -> None:
        """Let the consumers know nothing."""
        self.consumers.with_suffix(".ready").unlink(missing_ok=True)
        for path in self.consumers.iterdir():
            path.unlink()

    def given(self) -> tuple[dict[str, str], dict[str, str]]:
        """What the consumers were given last, one by one and in batches."""
        files = sorted(self.consumers.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        single = {path.name: path.read_text(encoding="utf-8") for path in files if not path.name.startswith("batch-")}
        batches: dict[str, str] = {}
        for path in files:
            if path.name.startswith("batch-"):
                batches |= json.loads(path.read_text(encoding="utf-8"))
        return single, batches


def moments(boundaries: Sequence[str]) -> list[int]:
    """The numbers of the boundaries next to a change, one of those between which nothing changes.

    Between the others the role leaves nothing new. Other sweeps look at a store that is killed there.
    """
    numbers = [number for number, boundary in enumerate(boundaries) if boundary.endswith(CHANGES)]
    return [n for n in numbers if not (boundaries[n].startswith("before") and _just_changed(boundaries[:n]))]


def _just_changed(past: Sequence[str]) -> bool:
    return bool(past) and past[-1].startswith("after") and past[-1].endswith(CHANGES)


def after_a_reset(boundaries: Sequence[str]) -> list[int]:
    """Only the one after the first reset in a batch of two."""
    reset = [number for number, boundary in enumerate(boundaries) if boundary == "after resetPassword"]
    # Before that there is the reset of the first account.
    return reset[1:2]


def between_hooks(boundaries: Sequence[str]) -> list[int]:
    """Only the one between the hooks for the two accounts of a batch."""
    handed = [number for number, boundary in enumerate(boundaries) if boundary == "after hand-over"]
    # Before that there are the files of three hooks for the first account: prepare, account and batch.
    return handed[3:4]


# Each run of the role takes seconds, so the short form dies once with each store.
SHORT = {"vault_file": after_a_reset, "hashi_vault": between_hooks}


def deaths(
    playbook: RolePlaybook, world: World, say: Callable[[str], None], choose: Callable[[Sequence[str]], list[int]]
) -> tuple[int, int, list[str]]:
    """Die at boundaries of a run. Return how many there are, how often it died, and all violations."""
    begin(playbook, world)
    assert playbook.run(force=True) == 0, playbook.output
    boundaries = playbook.boundaries
    violations: list[str] = []
    chosen = choose(boundaries)
    for kills, number in enumerate(chosen, 1):
        begin(playbook, world)
        code = playbook.start(force=True, fatal=number, victim="playbook").wait()
        assert code == -signal.SIGKILL, "it did not die"
        problems = [*world.violations()]
        playbook.wait_for_orphans()
        problems += aftermath(playbook, world)
        violations += [f"{problem}; killed at {number}, {boundaries[number]}" for problem in problems]
        say(f"killed {kills} times of {len(chosen)}, {len(violations)} violations")
    return len(boundaries), len(chosen), violations


def begin(playbook: RolePlaybook, world: World) -> None:
    world.begin(forced_run(world.accounts))
    playbook.begin()


def aftermath(playbook: RolePlaybook, world: World) -> Iterator[str]:
    """Look at what a run has left behind, and at what the next one makes of it."""
    yield from told_too_much(playbook)
    yield from world.violations()
    if playbook.run() != 0:
        yield "the second run failed"
    yield from told_too_much(playbook)
    yield from world.violations(settled=True)
    yield from not_given(playbook.given(), world)
    before, given = world.bench.mark(), playbook.given()
    if playbook.run() != 0:
        yield "the third run failed"
    if world.bench.mark() != before or playbook.given() != given:
        yield "a run with nothing to do has changed something"


def told_too_much(playbook: RolePlaybook) -> Iterator[str]:
    if "Traceback" in playbook.output:
        yield "there is a traceback"
    if found(playbook.secrets(), playbook.output):
        yield "there is a password in the output"


def not_given(given: Iterable[dict[str, str]], world: World) -> Iterator[str]:
    """Which consumers do not have the live password, or are not noted as having it."""
    live, envelopes = world.live(), world.envelopes()
    for account in world.accounts:
        if any(passwords.get(account.name) != live[account.name] for passwords in given):
            yield f"a consumer of {account.name} does not have the live password"
        if not envelopes[account.name].is_published:
            yield f"{account.name} is not noted as published"


@pytest.mark.parametrize("is_long", [False, pytest.param(True, marks=pytest.mark.long)], ids=["short", "long"])
def test_what_a_role_that_is_killed_leaves_behind_is_made_up_for_by_the_next_run(
    bench: Bench,
    simulator: Simulator,
    installed_collection: Path,
    tmp_path: Path,
    tally: Tally,
    store: str,
    is_long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def say(progress: str) -> None:
        with capsys.disabled():
            print(f"{store}, role: {progress}", flush=True)

    world = World(bench, simulator, count=3)
    choose = moments if is_long else SHORT[store]
    boundaries, kills, violations = deaths(RolePlaybook(world, installed_collection, tmp_path), world, say, choose)
    tally.add_kills(f"{store}, role", boundaries, kills, violations)
    assert kills
    assert not violations
