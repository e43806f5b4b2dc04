# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long to wait before the next attempt: one rule for everything that is sent again, to vendors and stores."""

from __future__ import annotations

import math
import random
from typing import Callable, NamedTuple, Optional

from ansible_collections.krcloud.credentials.plugins.module_utils._call import answers

# In seconds. The cap of the wait doubles with each attempt, from twice the first of these to the second.
FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0
# For a number of seconds with ten digits or more.
_AGES = 999_999_999.0

# Processes that were forked at the same moment do not draw the same numbers from it.
_RANDOM = random.SystemRandom()


def parse_retry_after(value: Optional[str], now: float) -> Optional[float]:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None where it says nothing usable."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) < 10 else _AGES
    try:
        return max(0.0, answers.moment(value) - now)
    except ValueError:
        return None


def full_jitter(attempt: int) -> float:
    """Return the seconds to wait after the given attempt (1 is the first), anywhere between none and a growing cap."""
    return _RANDOM.uniform(0.0, min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt, 10)))


class Wait(NamedTuple):
    """How long to wait, in seconds. None means that no time is left, and ``why`` says so in a clause."""

    seconds: Optional[float]
    why: str = ""


# In seconds. With less time left, another attempt would end before it has begun.
_LEAST_LEFT = 0.001


def next_wait(
    attempt: int, asked: Optional[float], left: float, limit: str, backoff: Callable[[int], float] = full_jitter
) -> Wait:
    """Return how long to wait after the given attempt (1 is the first). Every loop that sends again asks here.

    ``asked`` are the seconds that the server named in Retry-After, whatever the status of its answer. The back-off
    comes on top: otherwise all clients that were told the same would come back at the same instant. ``left`` are the
    seconds until the time for the whole is over, and ``limit`` says in words what ends it, such as "the deadline of
    60 s".
    """
    seconds = backoff(attempt) + (asked or 0.0)
    if left - seconds > _LEAST_LEFT:
        return Wait(seconds)
    why = f"{limit} leaves no time for another"
    return Wait(None, f"{asked_for(asked)}, and {why}" if asked else why)


def asked_for(seconds: float) -> str:
    """Return the clause that names the wait that a server asks for."""
    return f"the server asked for {math.ceil(seconds)} s"
