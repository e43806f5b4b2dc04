# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same work on many rows, by a limited number of threads."""

from __future__ import annotations

from collections import deque
from typing import Any, Callable, Iterable, List, Optional, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._core import numbers

T = TypeVar("T")
R = TypeVar("R")


MOST_WORKERS = int(numbers.RANGES["concurrency"].most)


def check_limits(concurrency: int, max_failures: Optional[int]) -> None:
    """Raise ConfigurationError for numbers that are out of range."""
    numbers.check("concurrency", concurrency)
    if max_failures is not None:
        numbers.check("max_failures", max_failures)


def in_parallel(function: Callable[[T], R], items: Iterable[T], workers: int) -> List[R]:
    """Return what ``function`` makes of each item, in order, with at most ``workers`` at a time.

    When one of them raises, or the task is interrupted, no further item is begun.
    """
    rows = list(items)
    workers = min(workers, len(rows))
    if workers <= 1:
        return [function(row) for row in rows]
    from concurrent.futures import ThreadPoolExecutor

    results: List[Any] = [None] * len(rows)
    waiting = deque(range(len(rows)))

    def work() -> None:
        # There is no future for each item: a thousand of them would take as long as some of the work.
        while True:
            try:
                at = waiting.popleft()
            except IndexError:
                return
            try:
                results[at] = function(rows[at])
            except BaseException:
                waiting.clear()
                raise

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(work) for _worker in range(workers)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            waiting.clear()
            raise
    return results
