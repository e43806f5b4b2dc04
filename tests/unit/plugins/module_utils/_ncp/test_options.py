# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the option ``tenants`` names."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import tenants_named

NO_KEYS: dict[str, Any] = {"access_key": None, "secret_key": None, "profile": None}
SECRET = "Zq7mVx-Canary01"


def profile(name: str | None) -> dict[str, Any]:
    return {**NO_KEYS, "profile": name}


def keys(access_key: str | None, secret_key: str | None = SECRET) -> dict[str, Any]:
    return {**NO_KEYS, "access_key": access_key, "secret_key": secret_key}


def test_tenants_are_named_by_a_profile_or_by_keys() -> None:
    rows = [profile("team-a"), keys("team-a"), keys("KEY2")]
    assert tenants_named({**NO_KEYS, "tenants": rows}, {"tenants"}) == rows


def test_a_task_may_have_none() -> None:
    assert tenants_named({**NO_KEYS, "tenants": None}, {"access_key"}) is None


@pytest.mark.parametrize(
    ("rows", "own", "message"),
    [
        (None, {}, r"tenants is given, but names no tenant\."),
        ([], {}, r"tenants is given, but names no tenant\."),
        ([profile("team-a"), profile("")], {}, r"tenants\[1\] has neither a profile nor two keys\."),
        ([profile(None)], {}, r"tenants\[0\] has neither a profile nor two keys\."),
        ([keys("", "")], {}, r"tenants\[0\] has neither a profile nor two keys\."),
        ([keys("KEY1", "")], {}, r"tenants\[0\] has neither a profile nor two keys\."),
        ([keys("")], {}, r"tenants\[0\] has neither a profile nor two keys\."),
        ([profile("a"), keys("b"), profile("a")], {}, r"tenants\[2\] is the same tenant as tenants\[0\]\."),
        # The same key with another secret cannot be another tenant.
        ([keys("b"), keys("b", "another")], {}, r"tenants\[1\] is the same tenant as tenants\[0\]\."),
        ([profile("a")], {"profile": "b"}, r"tenants cannot be combined with profile: "),
        ([profile("a")], keys("b"), r"tenants cannot be combined with access_key and secret_key: "),
    ],
)
def test_others_are_refused(rows: Any, own: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}") as caught:
        tenants_named({**NO_KEYS, **own, "tenants": rows}, {"tenants"})
    assert SECRET not in caught.value.sentence()
