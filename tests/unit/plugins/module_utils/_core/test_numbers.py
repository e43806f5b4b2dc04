# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which numbers are valid for options, and that each refusal says so."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.numbers import RANGES, Range, check

ALLOWED = {
    "timeout": "a number from 0.001 to 86400 (seconds)",
    "deadline": "a number from 0.001 to 86400 (seconds)",
    "retries": "a whole number from 0 to 1000000",
    "concurrency": "a whole number from 1 to 64",
    "max_resets": "a whole number from 1 to 1000000",
    "max_failures": "a whole number from 1 to 1000000",
    "requests_per_second": "a number from 0.001 to 1000000",
}
TOO_MUCH = [math.inf, -math.inf, 1e300, 10**400, "inf", "-inf", "1e999", "9" * 5000]
NO_NUMBERS = [*TOO_MUCH, math.nan, "nan", -1, "", "ten", [], {}, None, True, b"1"]


def test_the_table_is_that_of_the_options() -> None:
    assert {name: str(allowed) for name, allowed in RANGES.items()} == ALLOWED


@pytest.mark.parametrize("name", ALLOWED)
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: str(value)[:12])
def test_each_refusal_says_what_is_allowed(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(name, value)
    assert caught.value.message == f"{name} is not valid: it must be {ALLOWED[name]}."


@pytest.mark.parametrize("name", [name for name, words in ALLOWED.items() if "whole" in words])
@pytest.mark.parametrize("value", [1.5, "1.5", "0x1", "1e-3"])
def test_what_is_whole_has_no_fraction(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError):
        check(name, value)


@pytest.mark.parametrize("name", ALLOWED)
def test_the_bounds_are_allowed_and_no_number_beyond_them(name: str) -> None:
    least, most = RANGES[name].least, RANGES[name].most
    for value in (least, most, str(least), str(most)):
        check(name, value)
    for value in (least - 1, most + 1, math.nextafter(least, -math.inf), math.nextafter(most, math.inf)):
        with pytest.raises(ConfigurationError):
            check(name, value)


def test_a_range_may_have_no_end() -> None:
    check("rows", 10**9, Range(1, whole=True))
    with pytest.raises(ConfigurationError, match=r"^rows is not valid: it must be a whole number of 1 or more\.$"):
        check("rows", 0, Range(1, whole=True))


def test_any_other_number_is_a_finite_one() -> None:
    check("length", "20", Range(whole=True))
    with pytest.raises(ConfigurationError, match=r"^length is not valid: it must be a whole number\.$"):
        check("length", math.inf, Range(whole=True))


@given(st.sampled_from(sorted(ALLOWED)), st.text() | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_anything_is_a_fit_number_or_a_clean_refusal(name: str, value: Any) -> None:
    try:
        check(name, value)
    except ConfigurationError as error:
        assert error.message == f"{name} is not valid: it must be {ALLOWED[name]}."  # noqa: PT017
    else:
        assert not isinstance(value, bool)
        assert RANGES[name].least <= float(value) <= RANGES[name].most
