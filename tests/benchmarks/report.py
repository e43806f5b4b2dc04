# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What samples mean: medians, the ratios that are goals, and both as tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.world import CONCURRENCY, LATENCY, PING, Contender, Sample

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


def goal_table(results: Results, goals: Sequence[Goal]) -> Iterator[str]:
    """Yield the lines of a table of goals, and of whether they are reached."""
    yield "| goal | bound | figure | reached |"
    yield "| --- | --- | --- | --- |"
    yield from (goal.row(results) for goal in goals)


def cost_table(results: Results, contenders: Sequence[Contender]) -> Iterator[str]:
    """Yield the lines of a table of what each contender costs."""
    heads = ("accounts", "contender", "runs", "time, s", "/ ping", "CPU, s", "/ ping", "controller, MB", "module, MB")
    yield f"| {' | '.join((*heads, 'connections', 'requests'))} |"
    yield "| --- | --- |" + " ---: |" * 9
    for size in sorted({size for _name, size in results.samples}):
        for contender in (PING, *contenders):
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


def lock_out_table(results: Results, contenders: Sequence[Contender]) -> Iterator[str]:
    """Yield the lines of a table of how long accounts are locked out."""
    yield "| accounts | contender | runs | lock-out, median, s | 95 %, s | worst, s |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for size in sorted({size for _name, size in results.samples}):
        for contender in contenders:
            samples = results.samples.get((contender.name, size))
            if not samples:
                continue
            seconds = (results.locked_out(contender.name, size, of) for of in (median, percentile_95, max))
            cells = (f"{size:,}", contender.title, str(len(samples)), *(f"{each:.1f}" for each in seconds))
            yield f"| {' | '.join(cells)} |"
