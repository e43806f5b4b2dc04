# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the benchmark: what is compared with what, how often, and against which goals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import plot
from benchmarks.contenders import SPEED, TENANTS
from benchmarks.hand_over import HAND_OVERS
from benchmarks.report import Goal, Missing, Results, cost_table, goal_table, lock_out_table
from benchmarks.world import Contender


@dataclass(frozen=True)
class Part:
    """Contenders that take turns. ``runs`` says how often, by the number of accounts."""

    name: str
    contenders: Sequence[Contender]
    goals: Sequence[Goal]
    runs: Mapping[int, int]
    plot_title: str
    plot: Callable[[Results, Sequence[Contender]], str]
    more: Callable[[Results, Sequence[Contender]], Iterator[str]] = lambda results, contenders: iter(())

    def markdown(self, results: Results) -> str:
        """Return all tables of this part, each followed by an empty line."""
        tables = (
            goal_table(results, self.goals),
            self.more(results, self.contenders),
            cost_table(results, self.contenders),
        )
        return "\n".join(f"{table}\n" for lines in tables if (table := "\n".join(lines)))


def _growth(contender: str) -> Callable[[Results], float]:
    def work(results: Results, size: int) -> float:
        return results.wall(contender, size) - results.ping(contender, size)

    return lambda results: work(results, 10_000) / work(results, 1000)


def _loop(results: Results) -> float:
    """The time of the `uri` loop over 1,000; without ``--whole``, ping and ten times what 100 took beyond it."""
    try:
        return results.wall("uri", 1000)
    except Missing:
        ping = results.ping("uri", 100)
        return ping + 10 * (results.wall("uri", 100) - ping)


def _lock_out_goals(size: int) -> Iterator[Goal]:
    accounts = f"{size:,} accounts, `vault_file`"

    def of(contender: str, figure: Callable[[Sequence[float]], float]) -> Callable[[Results], float]:
        return lambda results: results.locked_out(contender, size, figure)

    yield Goal(f"{accounts}, a hook for each: median lock-out", 5, of("accounts", median), " s")
    yield Goal(f"{accounts}, a hook for each: worst lock-out", 12, of("accounts", max), " s")
    yield Goal(f"{accounts}, a hook for each batch: median lock-out", 2.5, of("batches", median), " s")


SPEED_GOALS = (
    Goal("one reset: CPU / one `uri` task", 1.0, lambda r: r.cpu("module", 1) / r.cpu("uri", 1)),
    Goal("1,000 resets: time / floor", 1.1, lambda r: r.over_floor("reset", 1000)),
    Goal("1,000 resets: time of the `uri` loop / ours", 75, lambda r: _loop(r) / r.wall("reset", 1000), at_least=True),
    Goal("rotation of 1,000, `vault_file`: time / floor", 1.3, lambda r: r.over_floor("rotation", 1000)),
    Goal("rotation of 1,000, OpenBao: time / floor", 1.6, lambda r: r.over_floor("rotation-bao", 1000)),
    Goal("1,000 accounts, nothing due: time / ping", 1.35, lambda r: r.wall("quiet", 1000) / r.ping("quiet", 1000)),
    Goal("10,000 accounts, a look at all: time / ping", 2.0, lambda r: r.wall("look", 10_000) / r.ping("look", 10_000)),
    Goal("10,000 resets: time beyond ping / that of 1,000", 11, _growth("reset")),
    Goal("rotation of 10,000: time beyond ping / that of 1,000", 11, _growth("rotation")),
    Goal(
        "10,000 resets: memory of the controller / ping",
        1.5,
        lambda r: r.controller("reset", 10_000) / r.controller("ping", 10_000),
    ),
    Goal("10,000 resets: memory of the module", 120, lambda r: r.module("reset", 10_000), " MB"),
    Goal(
        "rotation of 10,000: memory of the controller / ping",
        1.5,
        lambda r: r.controller("rotation", 10_000) / r.controller("ping", 10_000),
    ),
    Goal("rotation of 10,000: memory of the module", 120, lambda r: r.module("rotation", 10_000), " MB"),
)

TENANT_GOALS = (
    Goal("rotation of 1,000 tenants: time / floor", 1.3, lambda r: r.over_floor("tenants", 1000, requests=2)),
    Goal("1,000 tenants, nothing due: time / floor", 1.3, lambda r: r.over_floor("tenants-quiet", 1000)),
    Goal("rotation of 10,000 tenants: time beyond ping / that of 1,000", 11, _growth("tenants")),
    Goal("rotation of 10,000 tenants: memory of the module", 120, lambda r: r.module("tenants", 10_000), " MB"),
)

PARTS = (
    Part(
        "speed",
        SPEED,
        SPEED_GOALS,
        # With 1 and 1,000 the goals are ratios of a few seconds.
        {1: 25, 10: 3, 100: 3, 1000: 15, 10_000: 3},
        "Time over the number of accounts",
        plot.times,
    ),
    Part(
        "tenants",
        TENANTS,
        TENANT_GOALS,
        {10: 3, 100: 3, 1000: 5, 10_000: 3},
        "Time over the number of accounts, each of a tenant of its own",
        plot.times_of_tenants,
    ),
    Part(
        "hand-over",
        HAND_OVERS,
        tuple(goal for size in (100, 1000) for goal in _lock_out_goals(size)),
        {10: 3, 100: 3, 1000: 3},
        "Lock-out over the number of accounts",
        plot.lock_outs,
        lock_out_table,
    ),
)
