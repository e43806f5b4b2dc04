# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the option ``tenants`` names."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import tenant_fault, tenants_named

NO_KEYS: dict[str, Any] = {"access_key": None, "secret_key": None, "profile": None}
SECRET = "Zq7mVx-Canary01"


def profile(name: str | None) -> dict[str, Any]:
    return {**NO_KEYS, "profile": name}


def keys(access_key: str | None, secret_key: str | None = SECRET) -> dict[str, Any]:
    return {**NO_KEYS, "access_key": access_key, "secret_key": secret_key}


def test_tenants_are_named_by_a_profile_or_by_keys() -> None:
    rows = [profile("team-a"), keys("team-a"), keys("KEY2")]
    assert tenants_named({**NO_KEYS, "tenants": rows}, {"tenants"}) == rows


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (profile(""), "None of profile, access_key and secret_key has a value."),
        (profile(None), "None of profile, access_key and secret_key has a value."),
        (keys("", ""), "None of profile, access_key and secret_key has a value."),
        (keys("KEY1", ""), "access_key has a value, but secret_key has none."),
        (keys("KEY1", None), "access_key has a value, but secret_key has none."),
        (keys(""), "secret_key has a value, but access_key has none."),
        (keys(None), "secret_key has a value, but access_key has none."),
    ],
)
def test_a_row_that_names_no_credentials_is_no_reason_to_refuse_the_others(row: dict[str, Any], message: str) -> None:
    fault = tenant_fault(row)
    assert fault
    assert fault.message == message
    assert SECRET not in fault.sentence()
    # Beside the tenant whose key it has a part of, and more than once.
    rows = [profile("team-a"), row, keys("KEY1"), row]
    assert tenants_named({**NO_KEYS, "tenants": rows}, {"tenants"}) == rows


def test_tenants_with_credentials_have_no_fault() -> None:
    assert [tenant_fault(row) for row in (profile("team-a"), keys("KEY1"))] == [None, None]


def test_a_task_may_have_none() -> None:
    assert tenants_named({**NO_KEYS, "tenants": None}, {"access_key"}) is None


@pytest.mark.parametrize(
    ("rows", "own", "message"),
    [
        (None, {}, r"tenants is given, but names no tenant\."),
        ([], {}, r"tenants is given, but names no tenant\."),
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
