# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as people write them: `2026-11-30T10:00:00Z`, `2026-11-30 19:00:00+09:00`. Pure.

A text that cannot be read is not quoted: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from datetime import datetime

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text

# The blank between date and time is how YAML and Python write a moment as text.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?[ ]?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE
)


def parse_moment(text: str, option: str) -> float:
    """Return a moment as seconds since the epoch, rounded up to whole seconds. Raises ConfigurationError.

    The store dates passwords in whole seconds, rounded down. What was made before the moment is then always dated
    before the result.
    """
    match = _MOMENT.fullmatch(text.strip())
    if not match:
        raise _refused(option)
    day, minute, second, fraction, zone = match.groups()
    if not zone:
        raise ConfigurationError(
            f"{option} is not valid: it has no time zone.", hint="Add Z for UTC, or an offset such as +09:00."
        )
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}{zone.upper()}").timestamp()
    except ValueError:
        raise _refused(option) from None
    if moment < 0:
        raise _refused(option)
    return moment + 1 if (fraction or "").strip("0") else moment


def parse_past(text: str, option: str, now: float) -> float:
    """Return a moment that is not later than now, as `parse_moment` does. Raises ConfigurationError."""
    moment = parse_moment(text, option)
    if moment > now:
        raise ConfigurationError(
            f"{option} is not valid: it lies in the future.",
            hint=f"Give a moment that has passed. The clock of the controller says {time_text(now)}.",
        )
    return moment


def _refused(option: str) -> ConfigurationError:
    return ConfigurationError(
        f"{option} is not valid: it must be a date and a time with a time zone, such as 2026-11-30T10:00:00Z or "
        "2026-11-30T19:00:00+09:00."
    )
