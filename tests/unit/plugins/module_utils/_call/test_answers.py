# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an HTTP answer means, whoever gives it."""

from __future__ import annotations

import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.answers import (
    Answer,
    Meaning,
    clock_hint,
    clock_skew,
    may_refuse,
    of,
    of_status,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    AuthenticationError,
    KrcloudError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    RejectedError,
)
from support.fakes import EPOCH, answer

HEADERS = st.text(max_size=40) | st.text("MonTueNovJan0123456789 ,:+-GMTZ()", max_size=40)
STATUSES: dict[Meaning, list[int]] = {
    Meaning.UNCONFIRMED: [200, 201, 202, 204, 299],
    Meaning.REDIRECT: [300, 302, 304, 307, 399],
    Meaning.UNAUTHORIZED: [401, 403],
    Meaning.LIMITED: [429],
    Meaning.UNDECIDED: [408, 409, 425],
    Meaning.UNDOCUMENTED: [400, 402, 404, 412, 422, 499],
    Meaning.BROKEN: [100, 199, 500, 502, 503, 504, 599, 999],
}
CASES = [(status, meaning) for meaning, statuses in STATUSES.items() for status in statuses]
ERRORS: dict[Meaning, type[KrcloudError]] = {
    Meaning.LIMITED: RateLimitError,
    Meaning.UNAUTHORIZED: AuthenticationError,
    Meaning.REJECTED: RejectedError,
    Meaning.NOT_FOUND: NotFoundError,
}


@pytest.mark.parametrize(("status", "meaning"), CASES)
def test_what_a_status_means(status: int, meaning: Meaning) -> None:
    assert of_status(status) is of(status) is meaning


@pytest.mark.parametrize(("status", "meaning"), CASES)
def test_only_some_statuses_can_come_with_a_refusal_by_code(status: int, meaning: Meaning) -> None:
    assert may_refuse(status) is (meaning in (Meaning.UNAUTHORIZED, Meaning.UNDOCUMENTED))


@pytest.mark.parametrize(("status", "meaning"), CASES)
def test_a_body_that_cannot_be_read_adds_nothing(status: int, meaning: Meaning) -> None:
    plain = (Meaning.LIMITED, Meaning.UNAUTHORIZED, Meaning.REDIRECT)
    assert of(status, readable=False) is (meaning if meaning in plain else Meaning.UNDOCUMENTED)


@pytest.mark.parametrize(("status", "meaning"), CASES)
def test_what_takes_precedence(status: int, meaning: Meaning) -> None:
    about_the_caller = (Meaning.LIMITED, Meaning.UNAUTHORIZED)
    assert of(status, Meaning.BROKEN, refused=True) is Meaning.BROKEN
    assert of(status, Meaning.LIMITED, refused=True) is Meaning.LIMITED
    assert of(status, refused=True) is (meaning if meaning in about_the_caller else Meaning.REJECTED)
    assert of(status, Meaning.NOT_FOUND, refused=True) is (
        meaning if meaning in about_the_caller else Meaning.NOT_FOUND
    )
    assert of(status, Meaning.UNAUTHORIZED) is (Meaning.LIMITED if status == 429 else Meaning.UNAUTHORIZED)
    # What is not a refusal by the documentation of the vendor refuses nothing.
    assert of(status, Meaning.NOT_FOUND) is meaning


@pytest.mark.parametrize("meaning", Meaning)
def test_each_meaning_is_an_error(meaning: Meaning) -> None:
    error = Answer("A server", 404, "17", "no such thing.", "t1").error(meaning, hint="Do this.")
    assert error.__class__ is ERRORS.get(meaning, ProtocolError)
    assert error.message == f"A server {meaning.value} (HTTP 404, code 17): no such thing."
    assert (error.http_status, error.vendor_code, error.trace_id, error.hint) == (404, "17", "t1", "Do this.")
    # A refusal or a redirect would come again.
    would_come_again = (Meaning.UNAUTHORIZED, Meaning.REJECTED, Meaning.NOT_FOUND, Meaning.REDIRECT)
    assert error.repeatable is (meaning not in would_come_again)


def test_what_an_answer_does_not_tell_is_left_out() -> None:
    error = Answer("A server", 302).error(Meaning.REDIRECT)
    assert (
        error.sentence()
        == "A server answered with a redirect, which is not followed (HTTP 302). Check api_url and proxies."
    )
    assert Answer("A server", 500).error(Meaning.BROKEN, clause="is sealed").message == "A server is sealed (HTTP 500)."


@pytest.mark.parametrize(("offset", "side"), [(300, "ahead of"), (-301, "behind"), (299, None), (-299, None)])
def test_a_clock_that_is_too_far_off_is_named(offset: int, side: str | None) -> None:
    hint = clock_hint(answer(401, date=formatdate(EPOCH - offset, usegmt=True)), 300.0, "A server")
    said = f"The clock of this host is {abs(offset)} s {side} A server, which allows 5 minutes. Set the clock."
    assert hint == (said if side else None)


@given(HEADERS)
def test_any_date_is_a_skew_or_nothing(value: str) -> None:
    skew = clock_skew(answer(200, date=value))
    assert skew is None or math.isfinite(skew)


@pytest.mark.parametrize("offset", [-3600, 0, 400])
def test_clock_skew_is_how_far_our_clock_is_ahead(offset: int) -> None:
    assert clock_skew(answer(200, date=formatdate(EPOCH - offset, usegmt=True))) == offset


def test_an_answer_without_a_date_tells_no_skew() -> None:
    assert clock_skew(answer(200)) is None
