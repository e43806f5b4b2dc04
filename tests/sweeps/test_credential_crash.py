# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL at every boundary of a task that adopts, holds, releases or forgets accounts.

After each kill, every account is as it was or as it was to become, or it is marked as one that is to be forgotten. The
same task brings all of them where they were to be, as its check mode has said, and a third one is quiet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Hold,
    Pending,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import FORGOTTEN
from support.simulator import Simulator
from support.stores.benches import Bench, load
from support.stores.steps import Hook
from sweeps.deaths import boundaries_of
from sweeps.runs import rotate, tell
from sweeps.tally import Tally
from sweeps.world import DAY, Start, World

MONDAY = time_text(time.time() + 3 * DAY)

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


@dataclass(frozen=True)
class Task:
    """What a user tells the store, where that begins, and what a rotation makes of each account afterwards."""

    start: Start
    options: Mapping[str, Any]
    outcomes: Sequence[str] = ()
    changes: str = "updated"
    unchanged: set[str] = field(default_factory=set)


def _active(account: Account, *pending: Pending, hold: Hold | None = None) -> Envelope:
    rotated_at = time_text(time.time() - DAY)
    return Envelope(account, f"Before!{account.name}", rotated_at, "first", pending, hold=hold)


def _candidate(account: Account) -> Pending:
    staged_at = time_text(time.time() - 3600)
    return Pending(f"Unknown!{account.name}", staged_at, "second", UNKNOWN, (Flight("an earlier run", staged_at),))


def adopt(accounts: Sequence[Account]) -> Task:
    """One account is new, one has a candidate and another password than the live one, and one lacks its id."""
    new, other, same = accounts
    envelopes = [_active(other, _candidate(other)), _active(same._replace(id=None))]
    live = {new.name: "Console!1", other.name: "Console!2", same.name: f"Before!{same.name}"}
    rows = [{"name": account.name, "id": account.id, "password": live[account.name]} for account in accounts]
    options = {"credentials": rows, "rotated_at": "now", "force": True}
    return Task(Start(envelopes, live), options, ("fresh", "resumed", "fresh"))


def hold(accounts: Sequence[Account]) -> Task:
    """One account is well, one has a candidate, and one is on hold for the same time."""
    first, second, third = accounts
    until = Hold(MONDAY, "audit")
    envelopes = [_active(first), _active(second, _candidate(second)), _active(third, hold=until)]
    rows = [{"name": account.name} for account in accounts]
    options = {"credentials": rows, "hold_until": MONDAY, "hold_reason": "audit"}
    return Task(_as_active(envelopes), options, ("skipped",) * 3, unchanged={third.name})


def release(accounts: Sequence[Account]) -> Task:
    """Two accounts are on hold, one of them with a candidate."""
    first, second, third = accounts
    until = Hold(MONDAY, "audit")
    envelopes = [_active(first, hold=until), _active(second, _candidate(second), hold=until), _active(third)]
    options = {"credentials": [{"name": account.name} for account in accounts], "hold_until": "now"}
    return Task(_as_active(envelopes), options, ("fresh", "resumed", "fresh"), unchanged={third.name})


def forget(accounts: Sequence[Account]) -> Task:
    """Two accounts of the store were deleted, one of them with a candidate. The last one is still there."""
    first, second, third = accounts
    envelopes = [_active(first), _active(second, _candidate(second)), _active(third)]
    rows = [{"name": account.name, "id": account.id} for account in accounts[:2]]
    options = {"credentials": rows, "state": "absent", "force": True}
    return Task(_as_active(envelopes), options, changes="forgotten", unchanged={third.name})


def _as_active(envelopes: Sequence[Envelope]) -> Start:
    return Start(envelopes, {each.account.name: str(each.password) for each in envelopes})


class Sweep:
    """All the deaths of one task."""

    def __init__(self, world: World, task: Task, folder: Path) -> None:
        self._world = world
        self._task = task
        self._log = folder / "boundaries"
        self._now = time.time()
        self._begin()
        self._before = self._documents()
        self.boundaries = self._run(None)
        self._after = self._documents()
        changed = {name for name in self._before | self._after if self._before.get(name) != self._after.get(name)}
        assert changed == {account.name for account in world.accounts} - task.unchanged
        self.kills = 0
        self.violations: list[str] = []

    def at_every_boundary(self) -> None:
        """Die once at each boundary."""
        for number, boundary in enumerate(self.boundaries):
            self._begin()
            # Requests to a server are under way at the same time.
            assert len(self._run(number)) == number + 1, "it died somewhere else"
            self.kills += 1
            self.violations += [f"{problem}; {boundary} ({number})" for problem in self._aftermath()]

    def _begin(self) -> None:
        self._world.begin(self._task.start)

    def _documents(self) -> dict[str, Any]:
        bench = self._world.bench
        return {name: each.document for name, each in load(bench.open(), bench.names()).items()}

    def _tell(self, *, check_mode: bool = False) -> dict[str, Any]:
        return tell(self._world.bench.open(), now=self._now, check_mode=check_mode, **self._task.options)

    def _run(self, fatal: int | None) -> list[str]:
        """Return the boundaries that the task reaches. It dies at the fatal one, if any."""

        def run(hook: Hook) -> None:
            with self._world.bench.steps(hook):
                assert not self._tell().get("failed")

        return boundaries_of(run, self._log, fatal)

    def _aftermath(self) -> Iterator[str]:
        for name, document in {**dict.fromkeys(self._before), **self._documents()}.items():
            half = document == FORGOTTEN and name not in self._after
            if not half and document not in (self._before.get(name), self._after.get(name)):
                yield f"{name} is neither as it was nor as it was to become"
        predicted = self._tell(check_mode=True)
        again = self._tell()
        if predicted != again:
            yield "check mode has said something else than what the next task has done"
        if again.get("failed"):
            yield f"the next task failed: {again['msg']}"
        if any(row["outcome"] not in (self._task.changes, "adopted", "unchanged") for row in again["credentials"]):
            yield f"the next task said {again['summary']}"
        if self._documents() != self._after:
            yield "the next task has not finished what the first has begun"
        mark = self._world.bench.mark()
        if self._tell()["changed"] or self._world.bench.mark() != mark:
            yield "a third task has changed something"
        yield from self._rotated()

    def _rotated(self) -> Iterator[str]:
        """Let a rotation run. It must find what is live, and leave alone what is on hold."""
        if not self._task.outcomes:
            return
        result = rotate(self._world.bench.open(), self._world.simulator)
        outcomes = {row["name"]: row["outcome"] for row in result["accounts"]}
        if list(outcomes.values()) != list(self._task.outcomes):
            yield f"a rotation made of it: {outcomes}"
        live = self._world.live()
        for name, envelope in self._world.envelopes().items():
            if live[name] != envelope.password:
                yield f"the live password of {name} is not the active one"


@pytest.mark.parametrize("task", [adopt, hold, release, forget])
def test_a_kill_at_any_boundary_leaves_each_account_whole(
    bench: Bench,
    simulator: Simulator,
    folder: Path,
    tally: Tally,
    store: str,
    task: Callable[[Sequence[Account]], Task],
) -> None:
    world = World(bench, simulator, count=3)
    sweep = Sweep(world, task(world.accounts), folder)
    sweep.at_every_boundary()
    tally.add_kills(f"{store}, {task.__name__}", len(sweep.boundaries), sweep.kills, sweep.violations)
    assert not sweep.violations
