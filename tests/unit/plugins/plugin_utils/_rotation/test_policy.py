# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a password is due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    Policy,
    due_at,
)

DAY = 86400.0
NOW = 1_800_000_000.0


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


@pytest.mark.parametrize(("max_age", "jitter"), [(0, 0.1), (-1, 0.1), (float("inf"), 0.1), (1, 1.0), (1, -0.1)])
def test_a_policy_without_sense_is_refused(max_age: float, jitter: float) -> None:
    with pytest.raises(ConfigurationError):
        Policy(max_age, jitter)
