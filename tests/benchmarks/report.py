# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the samples mean: medians, the ratios that are the goals, and both as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.contenders import CONTENDERS
from benchmarks.hand_over import HAND_OVERS
from benchmarks.world import CONCURRENCY, LATENCY, PING, Sample

Samples = Mapping[tuple[str, int], Sequence[Sample]]


class Missing(LookupError):
    """Something that a figure needs was not measured in this run."""


@dataclass(frozen=True)
class Results:
    """The samples of one run, by contender and size."""

    samples: Samples

    def figure(self, contender: str, size: int, of: Callable[[Sample], float]) -> float:
        """Return the median of one figure. Raises Missing."""
        if not self.samples.get((contender, size)):
            raise Missing(contender, size)
        return median(map(of, self.samples[contender, size]))

    def wall(self, contender: str, size: int) -> float:
        return self.figure(contender, size, lambda sample: sample.cost.wall)

    def cpu(self, contender: str, size: int) -> float:
        return self.figure(contender, size, lambda sample: sample.cost.cpu)

    def controller(self, contender: str, size: int) -> float:
        return self.figure(contender, size, lambda sample: sample.cost.controller)

    def module(self, contender: str, size: int) -> float:
        return self.figure(contender, size, lambda sample: sample.cost.module or 0.0)

    def locked_out(self, contender: str, size: int, of: Callable[[Sequence[float]], float]) -> float:
        """Return the median over the runs of what ``of`` makes of the seconds of all accounts. Raises Missing."""
        return self.figure(contender, size, lambda sample: of(sample.locked_out))

    def ping(self, contender: str, size: int) -> float:
        """The time of a ping play while this contender ran. Raises Missing."""
        return self.figure(contender, size, lambda sample: sample.ping or sample.cost.wall)

    def turns(self) -> list[Results]:
        """Return each run by itself. What ran less often, such as a long loop, is in several of them."""
        # There are more pings than runs.
        count = max((len(samples) for (name, _size), samples in self.samples.items() if name != PING.name), default=1)
        return [
            Results({key: [samples[turn % len(samples)]] for key, samples in self.samples.items()})
            for turn in range(count)
        ]

    def over_floor(self, contender: str, size: int, requests: int = 1) -> float:
        return self.wall(contender, size) / floor(self.ping(contender, size), size * requests)


def floor(ping: float, requests: int) -> float:
    """The least that a task can take: Ansible's own floor, and the latency of the vendor shared by the workers."""
    return ping + requests * LATENCY / CONCURRENCY


def percentile_95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


@dataclass(frozen=True)
class Goal:
    """A ratio within one run. Its median over all runs must be at most a bound, or with ``at_least`` at least that."""

    text: str
    bound: float
    figure: Callable[[Results], float]
    unit: str = ""
    at_least: bool = False

    def row(self, results: Results) -> str:
        sign = "≥" if self.at_least else "≤"
        try:
            figure = median(self.figure(turn) for turn in results.turns())
        except Missing:
            return f"| {self.text} | {sign} {self.bound:g}{self.unit} | not measured | |"
        reached = figure >= self.bound if self.at_least else figure <= self.bound
        verdict = "yes" if reached else "**no**"
        return f"| {self.text} | {sign} {self.bound:g}{self.unit} | {figure:.3g}{self.unit} | {verdict} |"


def _growth(contender: str) -> Callable[[Results], float]:
    def work(results: Results, size: int) -> float:
        return results.wall(contender, size) - results.ping(contender, size)

    return lambda results: work(results, 10_000) / work(results, 1000)


def _lock_out_goals(size: int) -> Iterator[Goal]:
    accounts = f"{size:,} accounts, `vault_file`"

    def of(contender: str, figure: Callable[[Sequence[float]], float]) -> Callable[[Results], float]:
        return lambda results: results.locked_out(contender, size, figure)

    yield Goal(f"{accounts}, a hook for each: median lock-out", 5, of("accounts", median), " s")
    yield Goal(f"{accounts}, a hook for each: worst lock-out", 12, of("accounts", max), " s")
    yield Goal(f"{accounts}, a hook for each batch: median lock-out", 2.5, of("batches", median), " s")


GOALS = (
    Goal("one reset: CPU / one `uri` task", 1.0, lambda r: r.cpu("module", 1) / r.cpu("uri", 1)),
    Goal("1,000 resets: time / floor", 1.1, lambda r: r.over_floor("reset", 1000)),
    Goal("1,000 resets: time of the `uri` loop / ours", 75, lambda r: _loop(r) / r.wall("reset", 1000), at_least=True),
    Goal("rotation of 1,000, `vault_file`: time / floor", 1.3, lambda r: r.over_floor("rotation", 1000)),
    Goal("rotation of 1,000, OpenBao: time / floor", 1.6, lambda r: r.over_floor("rotation-bao", 1000)),
    Goal("1,000 accounts, nothing due: time / ping", 1.35, lambda r: r.wall("quiet", 1000) / r.ping("quiet", 1000)),
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
    Goal("rotation of 1,000 tenants: time / floor", 1.3, lambda r: r.over_floor("tenants", 1000, requests=2)),
    Goal("1,000 tenants, nothing due: time / floor", 1.3, lambda r: r.over_floor("tenants-quiet", 1000)),
    Goal("rotation of 10,000 tenants: time beyond ping / that of 1,000", 11, _growth("tenants")),
    Goal("rotation of 10,000 tenants: memory of the module", 120, lambda r: r.module("tenants", 10_000), " MB"),
    *(goal for size in (100, 1000) for goal in _lock_out_goals(size)),
)


def _loop(results: Results) -> float:
    """The time of the `uri` loop over 1,000; without ``--whole``, ping and ten times what 100 took beyond it."""
    try:
        return results.wall("uri", 1000)
    except Missing:
        ping = results.ping("uri", 100)
        return ping + 10 * (results.wall("uri", 100) - ping)


def markdown(results: Results) -> str:
    """Return all tables."""
    return "\n".join((*_goals(results), "", *_costs(results), "", *_lock_outs(results)))


def _goals(results: Results) -> Iterator[str]:
    yield "| goal | bound | figure | reached |"
    yield "| --- | --- | --- | --- |"
    yield from (goal.row(results) for goal in GOALS)


def _costs(results: Results) -> Iterator[str]:
    heads = ("accounts", "contender", "runs", "time, s", "/ ping", "CPU, s", "/ ping", "controller, MB", "module, MB")
    yield f"| {' | '.join((*heads, 'connections', 'requests'))} |"
    yield "| --- | --- |" + " ---: |" * 9
    for size in sorted({size for _name, size in results.samples}):
        for contender in (PING, *CONTENDERS):
            samples = results.samples.get((contender.name, size))
            if not samples:
                continue
            wall, cpu = results.wall(contender.name, size), results.cpu(contender.name, size)
            module = results.module(contender.name, size)
            cells = (
                f"{size:,}",
                contender.title,
                str(len(samples)),
                f"{wall:.2f}",
                f"{wall / results.ping(contender.name, size):.2f}",
                f"{cpu:.2f}",
                f"{cpu / results.cpu('ping', size):.2f}",
                f"{results.controller(contender.name, size):.0f}",
                f"{module:.0f}" if module else "",
                str(samples[-1].connections),
                str(samples[-1].requests),
            )
            yield f"| {' | '.join(cells)} |"


def _lock_outs(results: Results) -> Iterator[str]:
    yield "| accounts | contender | runs | lock-out, median, s | 95 %, s | worst, s |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for size in sorted({size for _name, size in results.samples}):
        for contender in HAND_OVERS:
            samples = results.samples.get((contender.name, size))
            if not samples:
                continue
            seconds = (results.locked_out(contender.name, size, of) for of in (median, percentile_95, max))
            cells = (f"{size:,}", contender.title, str(len(samples)), *(f"{each:.1f}" for each in seconds))
            yield f"| {' | '.join(cells)} |"
