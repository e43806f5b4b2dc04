# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which numbers are valid for which option: one table, and one message for all refusals. Pure."""

from __future__ import annotations

import math
from typing import Any, Mapping, NamedTuple, Optional, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

Number = Union[int, float]


class Range(NamedTuple):
    """From ``least`` to ``most``, both included. ``whole`` allows no fractions; messages name the ``unit``."""

    least: Number = -math.inf
    most: Number = math.inf
    whole: bool = False
    unit: str = ""

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        bounds = f" from {self.least} to {self.most}"
        if math.isinf(self.most):
            bounds = "" if math.isinf(self.least) else f" of {self.least} or more"
        return kind + bounds + (f" ({self.unit})" if self.unit else "")


# Both keep a task from waiting for ever, and a socket takes no more than some millions of seconds.
_SECONDS = Range(0.001, 86_400, unit="seconds")
RANGES: Mapping[str, Range] = {
    "timeout": _SECONDS,
    "deadline": _SECONDS,
    "retries": Range(0, 1_000_000, whole=True),
    "concurrency": Range(1, 64, whole=True),
    "max_failures": Range(1, 1_000_000, whole=True),
    "max_resets": Range(1, 1_000_000, whole=True),
    "requests_per_second": Range(0.001, 1_000_000),
}


def check(name: str, value: Any, allowed: Optional[Range] = None) -> None:
    """Raise ConfigurationError, which says what is valid, for a value that is not a valid number for an option.

    ``allowed`` is by default the range of the option in `RANGES`. Numbers may be written as text. The value is not
    quoted, because it may be a secret in the wrong place.
    """
    allowed = allowed or RANGES[name]
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError
        number = float(value)
        fits = math.isfinite(number) and allowed.least <= number <= allowed.most
        if not fits or (allowed.whole and number != int(number)):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise errors.ConfigurationError(f"{name} is not valid: it must be {allowed}.") from None
