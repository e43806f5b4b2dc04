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
from statistics import median

from benchmarks.parts import PARTS, Part
from benchmarks.report import Results
from benchmarks.world import Contender, Sample, World, between_pings, world
from tooling import tree

PAGE = tree.ROOT / "docs" / "performance.md"


def main() -> int:
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="krcloud-bench-") as folder,
        world(Path(os.environ["KRCLOUD_COLLECTIONS_PATH"]).resolve(), Path(folder)) as stage,
    ):
        for part in PARTS:
            samples = _samples(part, stage, options) if part.name in options.parts else {}
            if samples:
                results = Results(samples)
                text = f"{_machine()}\n\n{part.markdown(results)}"
                print(text, flush=True)
                if options.write:
                    _write(part, results, text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the collection and its alternatives.")
    parser.add_argument("--parts", nargs="+", choices=[each.name for each in PARTS], help="these only")
    parser.add_argument("--runs", type=int, help="how often everything runs")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of accounts")
    names = [contender.name for part in PARTS for contender in part.contenders]
    parser.add_argument("--only", nargs="+", choices=names, help="these contenders only")
    parser.add_argument("--whole", action="store_true", help="also loop over 1,000 accounts, which takes minutes")
    parser.add_argument("--write", action="store_true", help=f"put the result into {PAGE.relative_to(tree.ROOT)}")
    options = parser.parse_args()
    options.parts = options.parts or [part.name for part in PARTS]
    return options


def _samples(part: Part, stage: World, options: argparse.Namespace) -> dict[tuple[str, int], list[Sample]]:
    samples: dict[tuple[str, int], list[Sample]] = {}
    for size in options.sizes or part.runs:
        runs = options.runs or part.runs.get(size, 3)
        # Round by round, so that good and bad moments of the machine affect all of them.
        for turn in range(runs):
            due = [contender for contender in part.contenders if turn < _turns(contender, size, runs, options)]
            for sample in between_pings(due, stage, size) if due else ():
                samples.setdefault((sample.contender, size), []).append(sample)
                cost = f"{sample.cost.wall:.2f} s, CPU {sample.cost.cpu:.2f} s"
                if sample.locked_out:
                    cost += f", locked out {median(sample.locked_out):.2f} s, at most {max(sample.locked_out):.2f} s"
                print(f"{size} accounts, {sample.contender}: {cost}", file=sys.stderr, flush=True)
    return samples


def _turns(contender: Contender, size: int, runs: int, options: argparse.Namespace) -> int:
    """How often a contender runs with this many accounts. A loop over 1,000 runs once: it takes many minutes."""
    if options.only and contender.name not in options.only:
        return 0
    if size > contender.largest:
        return int(options.whole and contender.given_accounts and size <= 1000)
    return min(runs, contender.runs.get(size, runs))


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"Medians of all runs, with Python {platform.python_version()} on {platform.machine()}, {cores} cores."


def _write(part: Part, results: Results, text: str) -> None:
    """Put the figures of a part into the page, between its marks, and its plot beside the page."""
    begin, end = (f"<!-- {word}: {part.name}, written by make bench -->\n" for word in ("begin", "end"))
    before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _old, _end, after = rest.partition(end)
    image = PAGE.with_name(f"performance-{part.name}.svg")
    image.write_text(part.plot(results, part.contenders), encoding="utf-8")
    text = f"\n![{part.plot_title}]({image.name})\n\n{text}\n"
    PAGE.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
