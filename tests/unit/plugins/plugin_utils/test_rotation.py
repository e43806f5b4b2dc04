# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a password is due. What happens then is in test_histories.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import Account, Envelope, Pending, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import (
    MOST_PREVIOUS,
    NewAccounts,
    Policy,
    Step,
    Verdict,
    due_at,
    plan,
    settle,
    stage,
)

DAY = 86400.0
NOW = 1_800_000_000.0
ACCOUNT = Account("id1", "df001", None)


def rotated(age: float, name: str = "df001") -> Envelope:
    return Envelope(Account("id1", name, None), "password", time_text(NOW - age), "r1")


@given(st.text(min_size=1), st.floats(60, 10_000 * DAY), st.floats(0, 0.99))
def test_jitter_only_brings_forward_and_never_beyond_its_share(name: str, max_age: float, jitter: float) -> None:
    envelope = rotated(0, name)
    due = due_at(envelope, Policy(max_age, jitter))
    assert due is not None
    assert NOW + max_age * (1 - jitter) - 1 <= due <= NOW + max_age
    assert due == due_at(envelope, Policy(max_age, jitter))


def test_jitter_spreads_accounts_over_its_share() -> None:
    policy = Policy(100 * DAY, 0.2)
    days = {int(((due_at(rotated(0, f"df{at:03}"), policy) or 0) - NOW) / DAY) for at in range(500)}
    assert days == set(range(80, 100))


@pytest.mark.parametrize(
    ("envelope", "force", "step"),
    [
        (None, False, Step.REFUSE),
        (None, True, Step.REFUSE),
        (Envelope(ACCOUNT), False, Step.STAGE),
        (rotated(89 * DAY), False, Step.REST),
        (rotated(90 * DAY), False, Step.STAGE),
        (rotated(1), True, Step.STAGE),
        # Some clock was wrong: a little is how clocks are, years would mean never.
        (rotated(-3600), False, Step.REST),
        (rotated(-400 * DAY), False, Step.STAGE),
        # What a run has begun comes first, whatever is due.
        (rotated(1)._replace(pending=(Pending("p", time_text(NOW), "r2"),)), False, Step.RESEND),
        (rotated(900 * DAY)._replace(pending=(Pending("p", time_text(NOW), "r2"),)), True, Step.RESEND),
        # Deleted and made anew: what is in the store is not this account's.
        (rotated(1)._replace(account=Account("id2", "df001", None)), False, Step.STAGE),
    ],
)
def test_the_first_step(envelope: Envelope | None, force: bool, step: Step) -> None:
    assert plan(envelope, ACCOUNT, Policy(90 * DAY, 0.0, force), NOW) is step


@pytest.mark.parametrize(
    ("choice", "step"),
    [(NewAccounts.FAIL, Step.REFUSE), (NewAccounts.ROTATE, Step.STAGE), (NewAccounts.SKIP, Step.SKIP)],
)
def test_an_account_that_the_store_does_not_know_is_the_user_s_choice(choice: NewAccounts, step: Step) -> None:
    policy = Policy(90 * DAY, new_accounts=choice)
    assert plan(None, ACCOUNT, policy, NOW) is step
    # One of which only a candidate is known is known.
    begun = stage(None, ACCOUNT, "p", "r1", NOW)
    assert plan(begun, ACCOUNT, policy, NOW) is Step.RESEND
    assert plan(begun._replace(pending=()), ACCOUNT, policy, NOW) is Step.STAGE


def test_only_so_many_earlier_passwords_are_kept_the_latest_first() -> None:
    envelope: Envelope | None = None
    for number in range(MOST_PREVIOUS + 5):
        envelope = stage(envelope, ACCOUNT, f"password-{number}", f"r{number}", NOW)
        envelope = settle(envelope, f"r{number}", Verdict.CONFIRMED, NOW, tried=1).envelope
    assert envelope is not None
    assert envelope.password == f"password-{MOST_PREVIOUS + 4}"
    assert len(envelope.previous) == MOST_PREVIOUS
    assert envelope.previous[0].password == f"password-{MOST_PREVIOUS + 3}"


def test_an_answer_about_what_is_not_pending_is_an_error() -> None:
    with pytest.raises(KeyError):
        settle(rotated(1), "r9", Verdict.CONFIRMED, NOW, tried=1)


@pytest.mark.parametrize(("max_age", "jitter"), [(0, 0.1), (-1, 0.1), (float("inf"), 0.1), (1, 1.0), (1, -0.1)])
def test_a_policy_without_sense_is_refused(max_age: float, jitter: float) -> None:
    with pytest.raises(ConfigurationError):
        Policy(max_age, jitter)
