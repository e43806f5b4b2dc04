# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.durations import (
    parse_duration,
    parse_percentage,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError

CANARY = "Zq7!mVx-Canary01"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90d", 7776000.0),
        ("2w", 1209600.0),
        ("1h30m", 5400.0),
        (" 45s ", 45.0),
        ("1d1d", 172800.0),
        ("36525d", 3155760000.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "max_age") == seconds


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5d", "90 d", "90days", "1y", "9" * 5000 + "d", CANARY])
def test_what_is_not_a_duration_is_named_with_its_option(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"max_age is not valid: it must be") as refused:
        parse_duration(text, "max_age")
    assert len(text) < 4 or text not in str(refused.value)


@pytest.mark.parametrize("text", ["36525d1s", "9999999d", "999999999999w", "20000d20000d"])
def test_a_duration_that_ends_after_all_dates_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"max_age is not valid: .* a hundred years") as refused:
        parse_duration(text, "max_age")
    assert text not in str(refused.value)


def test_percentages() -> None:
    assert parse_percentage("10%", "jitter") == 0.1
    assert parse_percentage("0 %", "jitter") == 0.0
    assert parse_percentage("12.5%", "jitter") == 0.125


@pytest.mark.parametrize("text", ["", "10", "%", "-1%", "1e1%", "100%", "100.1%", "9" * 400 + "%", CANARY])
def test_what_is_not_a_percentage_is_named_with_its_option(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"jitter is not valid: .* 0% or more and less than 100%") as refused:
        parse_percentage(text, "jitter")
    assert len(text) < 5 or text not in str(refused.value)
