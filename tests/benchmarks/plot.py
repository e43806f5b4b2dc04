# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plots: times and lock-outs over the number of accounts, both logarithmic, as SVG."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor as whole
from math import log10
from statistics import median

from benchmarks.report import Missing, Results, floor
from benchmarks.world import CONCURRENCY, LATENCY, PING, Contender

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 960, 480, 60, 20, 360, 40
COLOURS = ("#888888", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#0072b2", "#cc79a7")
_LATENCY = f"{1000 * LATENCY:g} ms / {CONCURRENCY}"


@dataclass(frozen=True)
class Series:
    """A line of a plot: seconds by number of accounts."""

    title: str
    colour: str
    points: Sequence[tuple[int, float]]
    dashed: bool = False


def times(results: Results, contenders: Sequence[Contender]) -> str:
    """Return the plot of how long each contender takes, beside a floor of one request for each account."""
    return _times(results, contenders, {f"floor: ping + accounts x {_LATENCY}": 1})


def times_of_tenants(results: Results, contenders: Sequence[Contender]) -> str:
    """Return the plot of how long each contender takes, beside floors of one and two requests for each account."""
    floors = {f"floor: ping + {number} x accounts x {_LATENCY}": number for number in (2, 1)}
    return _times(results, contenders, floors)


def lock_outs(results: Results, contenders: Sequence[Contender]) -> str:
    """Return the plot of how long consumers are locked out: in the median, and dashed at worst."""
    series = []
    for each, colour in zip(contenders, COLOURS[1:], strict=False):
        series.append(_lock_out(results, each, colour, "median", median))
        series.append(_lock_out(results, each, colour, "worst", max))
    return _svg(series)


def _times(results: Results, contenders: Sequence[Contender], floors: Mapping[str, int]) -> str:
    sizes = sorted({size for _name, size in results.samples})
    series = [
        Series(each.title, colour, _points(results.wall, each.name, sizes))
        for each, colour in zip((PING, *contenders), COLOURS, strict=False)
    ]
    for title, requests in floors.items():
        least = [(size, floor(results.wall(PING.name, size), requests * size)) for size in sizes]
        series.append(Series(title, COLOURS[0], least, True))
    return _svg(series)


def _lock_out(
    results: Results, contender: Contender, colour: str, word: str, of: Callable[[Sequence[float]], float]
) -> Series:
    sizes = sorted({size for _name, size in results.samples})
    points = _points(lambda name, size: results.locked_out(name, size, of), contender.name, sizes)
    return Series(f"{word}: {contender.title}", colour, points, word == "worst")


def _svg(series: Sequence[Series]) -> str:
    seconds = [time for each in series for _size, time in each.points] or [1.0]
    sizes = sorted({size for each in series for size, _time in each.points}) or [1]
    x = _axis(min(sizes), max(sizes), LEFT, WIDTH - RIGHT)
    y = _axis(10.0 ** whole(log10(min(seconds))), max(seconds), HEIGHT - BOTTOM, TOP)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *_grid(x, y, sizes, max(seconds)),
            *(_line(each, x, y) for each in series if each.points),
            *_legend(series),
            "</svg>\n",
        )
    )


Axis = Callable[[float], float]


def _points(of: Callable[[str, int], float], name: str, sizes: Sequence[int]) -> list[tuple[int, float]]:
    points = []
    for size in sizes:
        with contextlib.suppress(Missing):
            points.append((size, of(name, size)))
    return points


def _axis(least: float, most: float, begin: float, end: float) -> Axis:
    span = log10(most / least) or 1.0
    return lambda value: begin + (end - begin) * log10(value / least) / span


def _grid(x: Axis, y: Axis, sizes: list[int], most: float) -> Iterator[str]:
    for size in sizes:
        yield f'<text x="{x(size):.0f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{size:,}</text>'
    seconds = 0.1
    while seconds <= most:
        if TOP <= y(seconds) <= HEIGHT - BOTTOM:
            yield f'<path d="M{LEFT} {y(seconds):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
            yield f'<text x="{LEFT - 8}" y="{y(seconds) + 4:.1f}" text-anchor="end">{seconds:g} s</text>'
        seconds *= 10
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">accounts</text>'


def _line(series: Series, x: Axis, y: Axis) -> str:
    places = " ".join(f"{x(size):.1f},{y(time):.1f}" for size, time in series.points)
    return f'<polyline points="{places}" fill="none" {_stroke(series)}/>'


def _legend(series: Sequence[Series]) -> Iterator[str]:
    for number, each in enumerate(series):
        at = TOP + 20 + 22 * number
        yield f'<path d="M{WIDTH - RIGHT + 20} {at - 4}h24" {_stroke(each)}/>'
        yield f'<text x="{WIDTH - RIGHT + 52}" y="{at}">{escape(each.title.replace("`", ""))}</text>'


def _stroke(series: Series) -> str:
    return f'stroke="{series.colour}" stroke-width="2"' + ' stroke-dasharray="4 4"' * series.dashed
