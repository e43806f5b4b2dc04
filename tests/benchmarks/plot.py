# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plot: time over number of accounts, both logarithmic, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from math import log10

from benchmarks.contenders import CONCURRENCY, CONTENDERS, LATENCY, PING
from benchmarks.report import Missing, Results, floor

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 900, 480, 60, 20, 300, 40
COLOURS = ("#888888", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#0072b2", "#cc79a7", "#000000")


def svg(results: Results) -> str:
    """Return the plot."""
    sizes = sorted({size for _name, size in results.samples})
    series = [
        (contender.title, colour, list(_points(results, contender.name, sizes)))
        for contender, colour in zip((PING, *CONTENDERS), COLOURS, strict=True)
    ]
    least = [(size, floor(results.wall(PING.name, size), size)) for size in sizes]
    times = [time for _title, _colour, points in series for _size, time in points]
    x = _axis(min(sizes), max(sizes), LEFT, WIDTH - RIGHT)
    y = _axis(10 ** int(log10(min(times)) - 1), max(times), HEIGHT - BOTTOM, TOP)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *_grid(x, y, sizes, max(times)),
            _line(least, x, y, "#888888", 'stroke-dasharray="4 4"'),
            *(_line(points, x, y, colour) for _title, colour, points in series if points),
            *_legend(series, f"floor: ping + accounts x {1000 * LATENCY:g} ms / {CONCURRENCY}"),
            "</svg>\n",
        )
    )


Axis = Callable[[float], float]


def _points(results: Results, name: str, sizes: list[int]) -> Iterator[tuple[int, float]]:
    for size in sizes:
        try:
            yield size, results.wall(name, size)
        except Missing:
            continue


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


def _line(points: list[tuple[int, float]], x: Axis, y: Axis, colour: str, more: str = "") -> str:
    places = " ".join(f"{x(size):.1f},{y(time):.1f}" for size, time in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2" {more}/>'


def _legend(series: list[tuple[str, str, list[tuple[int, float]]]], floor: str) -> Iterator[str]:
    rows = [(title.replace("`", ""), colour, "") for title, colour, _points in series]
    rows.append((floor, "#888888", 'stroke-dasharray="4 4"'))
    for number, (title, colour, more) in enumerate(rows):
        at = TOP + 20 + 22 * number
        yield f'<path d="M{WIDTH - RIGHT + 20} {at - 4}h24" stroke="{colour}" stroke-width="2" {more}/>'
        yield f'<text x="{WIDTH - RIGHT + 52}" y="{at}">{escape(title)}</text>'
