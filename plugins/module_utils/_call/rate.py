# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a task may go: how many workers, when the next request may leave, and when all of them have to wait."""

from __future__ import annotations

import math
import threading
from typing import Optional, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._core import numbers, times

T = TypeVar("T")
R = TypeVar("R")

# Requests a second: the least that a 429 leaves, and what each request without one adds.
_LOWEST_RATE, _FASTER = 1.0, 0.1


class RateLimiter:
    """A token bucket for all workers of one task: every request takes a token.

    The bucket holds one token: if it held more, a second could see more requests than the user allows. After a 429
    nobody gets a token for a while, and from then on they come half as fast as before. Ten requests without another
    429 add one request a second, up to what the user allows.
    """

    def __init__(self, per_second: Optional[float] = None, clock: Optional[times.Clock] = None) -> None:
        if per_second is not None:
            numbers.check("requests_per_second", per_second)
        self._clock = clock or times.Clock()
        self._most = math.inf if per_second is None else per_second
        self._rate = self._most
        self._lock = threading.Lock()
        self._tokens = 1.0
        self._filled_at = self._clock.monotonic()
        self._held_until = self._slowed_until = 0.0
        # How many requests there were in this second, and in the one before.
        self._second, self._count, self._before = self._filled_at, 0, 0

    def wait(self, until: Optional[float] = None) -> bool:
        """Wait for this worker's turn; return False, at once, if it comes after ``until`` on the monotonic clock."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                start = max(self._held_until, self._filled(now))
                if start <= now:
                    self._take(now)
                    return True
            if until is not None and start >= until:
                return False
            self._clock.sleep(start - now)

    def _filled(self, now: float) -> float:
        """Fill the bucket, and return when it has a token."""
        passed, self._filled_at = now - self._filled_at, now
        if math.isinf(self._rate):
            self._tokens = 1.0
            return now
        self._tokens = min(1.0, self._tokens + passed * self._rate)
        return now + (1.0 - self._tokens) / self._rate

    def _take(self, now: float) -> None:
        if now - self._second >= 1.0:
            self._before = self._count if now - self._second < 2.0 else 0
            self._second, self._count = now, 0
        self._count += 1
        self._tokens -= 1.0
        self._rate = min(self._most, self._rate + _FASTER)

    def hold(self, seconds: float, too_many: bool = True) -> None:
        """Let nobody send for this long. ``too_many`` says that the server was asked too often: then slow down, too."""
        with self._lock:
            now = self._clock.monotonic()
            # Requests that are under way at the same time all get the same answer, so it counts only once.
            if too_many and now >= self._slowed_until:
                self._filled(now)
                self._rate = max(_LOWEST_RATE, min(self._rate, max(self._count, self._before)) / 2.0)
                self._rate = min(self._most, self._rate)
            if too_many:
                self._slowed_until = max(self._slowed_until, now + seconds)
            self._held_until = max(self._held_until, now + seconds)
