# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations and percentages as people write them: `90d`, `12h`, `1h30m`, `10%`. Pure.

A text that cannot be read is not quoted: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d{1,12})([wdhms])")
_LONGEST = 36525 * _UNITS["d"]


def parse_duration(text: str, option: str) -> float:
    """Return a duration in seconds. Raises ConfigurationError, which names the option."""
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise errors.ConfigurationError(
            f"{option} is not valid: it must be whole numbers with a unit (w, d, h, m or s), such as 90d or 1h30m."
        )
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        # The moment at which it ends must still have a date.
        raise errors.ConfigurationError(f"{option} is not valid: it must be 36525d, which is a hundred years, or less.")
    return float(seconds)


def duration_text(seconds: float) -> str:
    """Return a duration in days, hours, minutes or seconds, rounded down in the largest unit that fits: `92d`."""
    unit, size = next(((unit, size) for unit, size in _UNITS.items() if unit != "w" and seconds >= size), ("s", 1))
    return f"{int(seconds // size)}{unit}"


def parse_percentage(text: str, option: str) -> float:
    """Return a percentage below 100 as a share of 1. Raises ConfigurationError, which names the option."""
    match = re.fullmatch(r"(\d{1,2}(?:\.\d{1,9})?)\s*%", text.strip())
    if not match:
        raise errors.ConfigurationError(
            f"{option} is not valid: it must be a percentage of 0% or more and less than 100%, such as 10%."
        )
    return float(match[1]) / 100
