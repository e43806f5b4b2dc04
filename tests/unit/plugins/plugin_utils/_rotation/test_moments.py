# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.moments import parse_moment, parse_past


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-30T10:00:00Z", "2026-11-30T10:00:00Z"),
        ("2026-11-30T19:00:00+09:00", "2026-11-30T10:00:00Z"),
        ("2026-11-30T19:00:00+0900", "2026-11-30T10:00:00Z"),
        ("2026-11-30t19:00+09", "2026-11-30T10:00:00Z"),
        ("2026-11-30 10:00:00+00:00", "2026-11-30T10:00:00Z"),
        (" 2026-11-30 10:00:00 Z ", "2026-11-30T10:00:00Z"),
        ("2026-11-30T06:30:00-03:30", "2026-11-30T10:00:00Z"),
        # A password that is dated 10:00:00 may have been made before this.
        ("2026-11-30T10:00:00.000001Z", "2026-11-30T10:00:01Z"),
        ("2026-11-30T10:00:00,5Z", "2026-11-30T10:00:01Z"),
        ("2026-11-30T10:00:00.000Z", "2026-11-30T10:00:00Z"),
    ],
)
def test_iso_8601_with_a_zone(text: str, moment: str) -> None:
    assert time_text(parse_moment(text, "rotated_before")) == moment


MOMENTS = st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1))  # noqa: DTZ001 the zone is drawn
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS, ZONES)
def test_whatever_python_writes_is_read_and_rounded_up(moment: datetime, zone: timezone) -> None:
    there = moment.replace(tzinfo=zone)
    for text in (there.isoformat(), str(there)):
        assert 0 <= parse_moment(text, "rotated_before") - there.timestamp() < 1


@pytest.mark.parametrize("text", ["2026-11-30T10:00:00", "2026-11-30 10:00", "2026-11-30T10:00:00.5"])
def test_a_moment_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_moment(text, "rotated_before")
    assert caught.value.sentence() == (
        "rotated_before is not valid: it has no time zone. Add Z for UTC, or an offset such as +09:00."
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30",
        "2026-11-30Z",
        "10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-30T24:00:00Z",
        "2026-11-30T10:00:60Z",
        "2026-11-30T10:00:00+25:00",
        "2026-11-30T10:00:00 KST",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+09:00",
        "1764496800",
        "yesterday",
        "",
        "hunter2-hunter2",
        "２０２６-11-30T10:00:00Z",  # noqa: RUF001 digits of another script
    ],
)
def test_anything_else_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_moment(text, "rotated_before")
    assert caught.value.sentence() == (
        "rotated_before is not valid: it must be a date and a time with a time zone, such as 2026-11-30T10:00:00Z or "
        "2026-11-30T19:00:00+09:00."
    )


def test_a_moment_in_the_future_is_refused() -> None:
    now = parse_moment("2026-11-30T10:00:00Z", "rotated_before")
    assert parse_past("2026-11-30T19:00:00+09:00", "rotated_before", now) == now
    with pytest.raises(ConfigurationError, match="lies in the future") as caught:
        parse_past("2026-11-30T10:00:00.1Z", "rotated_before", now)
    assert "2026-11-30T10:00:00Z" in str(caught.value.hint)
