# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock, and moments as text: ISO 8601 in UTC, in whole seconds, everywhere."""

from __future__ import annotations

import functools
import re
import time
from datetime import datetime, timezone

_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

# 9999-12-31T23:59:59Z, after which there are no dates.
_LATEST = 253402300799

# Seconds. Clocks differ by less: a moment that lies further in the future was written by a wrong clock.
FUTURE_TOLERANCE = 86400.0


@functools.lru_cache
def seconds(text: str) -> float:
    """Return a moment as seconds since the epoch. Raises ValueError."""
    # Cached, as each moment is read often, and the accounts of one run share theirs.
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc).timestamp()


def iso_seconds(text: str) -> float:
    """Return a moment that others wrote, in ISO 8601 with a zone, as whole seconds since the epoch, rounded down.

    Raises ValueError.
    """
    match = _ISO.fullmatch(text)
    if not match:
        raise ValueError(text)
    return datetime.strptime("".join(match.groups()), "%Y-%m-%dT%H:%M:%S%z").timestamp()


def time_text(now: float) -> str:
    """Return seconds since the epoch as text. Anything later becomes the end of the year 9999."""
    return _second_text(int(min(now, _LATEST)))


@functools.lru_cache
def _second_text(now: int) -> str:
    return datetime.fromtimestamp(now, timezone.utc).isoformat()[:19] + "Z"


class Clock:
    """The clock of this machine. Tests bring their own."""

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
