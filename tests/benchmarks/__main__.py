# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m benchmarks`: measure, and write docs/performance.md. KRCLOUD_COLLECTIONS_PATH says what is measured."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.plot import lock_outs, times
from benchmarks.report import Results, markdown
from benchmarks.world import Contender, Sample, between_pings, world
from tooling import tree

PAGE = tree.ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- begin: written by make bench -->\n", "<!-- end: written by make bench -->\n"
PLOTS = {
    "performance.svg": ("Time over the number of accounts", times),
    "performance-lock-out.svg": ("Lock-out over the number of accounts", lock_outs),
}
# How often everything runs, by the number of accounts. With 1 and 1,000 the goals are ratios of a few seconds.
RUNS = {1: 25, 10: 3, 100: 3, 1000: 15, 10_000: 3}


def main() -> int:
    options = _options()
    samples: dict[tuple[str, int], list[Sample]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="krcloud-bench-") as folder,
        world(Path(os.environ["KRCLOUD_COLLECTIONS_PATH"]).resolve(), Path(folder)) as stage,
    ):
        for size in options.sizes:
            # Round by round, so that good and bad moments of the machine affect all of them.
            for turn in range(_runs(size, options)):
                due = [contender for contender in CONTENDERS if turn < _turns(contender, size, options)]
                for sample in between_pings(due, stage, size):
                    samples.setdefault((sample.contender, size), []).append(sample)
                    cost = f"{sample.cost.wall:.2f} s, CPU {sample.cost.cpu:.2f} s"
                    print(f"{size} accounts, {sample.contender}: {cost}", file=sys.stderr, flush=True)
    results = Results(samples)
    text = f"{_machine()}\n\n{markdown(results)}\n"
    print(text)
    if options.write:
        before, _old, after = _parts(PAGE.read_text(encoding="utf-8"))
        images = "".join(f"![{title}]({file})\n\n" for file, (title, _plot) in PLOTS.items())
        PAGE.write_text(f"{before}{BEGIN}\n{images}{text}\n{END}{after}", encoding="utf-8")
        for file, (_title, plot) in PLOTS.items():
            PAGE.with_name(file).write_text(plot(results), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the collection and its alternatives.")
    parser.add_argument("--runs", type=int, help="how often everything runs")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(RUNS), help="numbers of accounts")
    parser.add_argument("--only", nargs="+", choices=[each.name for each in CONTENDERS], help="these only")
    parser.add_argument("--whole", action="store_true", help="also loop over 1,000 accounts, which takes minutes")
    parser.add_argument("--write", action="store_true", help=f"put the result into {PAGE.relative_to(tree.ROOT)}")
    return parser.parse_args()


def _runs(size: int, options: argparse.Namespace) -> int:
    return int(options.runs or RUNS.get(size, 3))


def _turns(contender: Contender, size: int, options: argparse.Namespace) -> int:
    """How often a contender runs with this many accounts. A loop over 1,000 runs once: it takes many minutes."""
    if options.only and contender.name not in options.only:
        return 0
    if size < contender.smallest:
        return 0
    if size > contender.largest:
        return int(options.whole and contender.given_accounts and size <= 1000)
    return min(_runs(size, options), contender.most_runs)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"Medians of all runs, with Python {platform.python_version()} on {platform.machine()}, {cores} cores."


def _parts(page: str) -> tuple[str, str, str]:
    before, _begin, rest = page.partition(BEGIN)
    old, _end, after = rest.partition(END)
    return before, old, after


if __name__ == "__main__":
    sys.exit(main())
