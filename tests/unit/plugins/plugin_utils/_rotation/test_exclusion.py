# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts that are left alone, and what a typo in their names does: nothing to any account."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from support.memory_store import MemoryStore
from support.rotation_tasks import DAY, NAMES, Vendor, envelope, holding, outcomes, task


def names(result: dict[str, Any]) -> list[str | None]:
    return [row["name"] for row in result["accounts"]]


@pytest.mark.parametrize("check_mode", [False, True])
def test_excluded_accounts_are_neither_sent_nor_read_nor_reported(check_mode: bool) -> None:
    vendor = Vendor()
    store = holding(**{name: envelope(name, age=400 * DAY) for name in NAMES})
    store.unreadable["df002"] = Exception("nobody reads it")  # type: ignore[assignment]
    result = task(store, vendor, exclude=["df002", " df004 "]).run(check_mode)
    assert names(result) == ["df001", "df003"]
    assert outcomes(result) == ["rotated", "rotated"]
    assert set(vendor.live) == (set() if check_mode else {"df001", "df003"})
    assert "warnings" not in result


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"accounts": [{"name": "df001"}, {"id": "iddf002"}, {"name": "df003", "id": "iddf003"}]},
        {"tenants": [{"profile": "team-a"}]},
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_typo_rotates_nobody(options: dict[str, Any], check_mode: bool) -> None:
    vendor, store = Vendor(), holding(df001=envelope("df001", age=400 * DAY))
    with pytest.raises(ConfigurationError) as caught:
        task(store, vendor, exclude=["df001", "df0O2", "Hunter2-Hunter2"], **options).run(check_mode)
    assert caught.value.sentence() == (
        "exclude names exclude[1], exclude[2], but there is no such account in this run or in the store memory. "
        "Nothing was sent. Correct the name, or remove it."
    )
    assert vendor.runs("ncp_dataforest_password") == []


def test_a_name_that_differs_in_its_case_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        task(holding(), Vendor(), exclude=["DF001"]).run(False)
    assert caught.value.hint == "Write df001, if that is meant."


def test_an_account_that_only_the_store_knows_may_be_excluded() -> None:
    store = holding(gone=envelope("gone", age=DAY, account_id="gone"))
    assert outcomes(task(store, Vendor(), exclude=["gone"]).run(False)) == ["rotated"] * len(NAMES)


def test_where_some_accounts_are_not_known_an_unknown_name_is_a_warning() -> None:
    vendor = Vendor()
    vendor.refused["team-b"] = {"kind": "authentication", "message": "NAVER Cloud refused the credentials."}
    tenants = [{"profile": "team-a"}, {"profile": "team-b"}]
    result = task(MemoryStore(), vendor, tenants=tenants, exclude=["df001", "of-team-b"]).run(False)
    assert outcomes(result) == ["rotated", "rotated", "rotated", "failed"]
    assert result["warnings"] == [
        "exclude names of-team-b, but there is no such account in this run or in the store memory. It may be one of "
        "the accounts that could not be listed or found."
    ]


def test_of_two_tenants_with_one_name_both_are_excluded() -> None:
    tenants = [{"profile": "team-a"}, {"profile": "team-b"}]
    vendor = Vendor()
    vendor.tenants = {"team-a": ["df001", "df002"], "team-b": ["df002", "df003"]}
    assert names(task(MemoryStore(), vendor, tenants=tenants, exclude=["df002"]).run(False)) == ["df001", "df003"]


def test_if_all_are_excluded_nothing_is_done_and_that_is_said() -> None:
    vendor = Vendor()
    result = task(MemoryStore(), vendor, accounts=[{"name": "df001"}], exclude=["df001"]).run(False)
    assert (result["changed"], result["accounts"]) == (False, [])
    assert result["warnings"] == ["exclude names all accounts, so there is nothing to rotate."]


@pytest.mark.parametrize("value", [None, [], [""], ["df001", " "]])
def test_nothing_is_no_name(value: list[str] | None) -> None:
    with pytest.raises(ConfigurationError, match="exclude is given, but names no account"):
        task(MemoryStore(), Vendor(), exclude=value, given=("exclude",))


def test_of_a_part_of_the_plan_the_excluded_ones_are_left_out_and_others_are_not_missed() -> None:
    vendor, store = Vendor(), MemoryStore()
    plan = task(store, vendor).run(check_mode=True)["accounts"]
    assert names(task(store, vendor, planned=plan[:2], exclude=["df002", "df004"]).run(False)) == ["df001"]


# ------------------------------------------------------------------------------------------------- a max_age of its own


def aged(age: float) -> MemoryStore:
    return holding(**{name: envelope(name, age=age) for name in NAMES})


ROWS = [
    {"name": "df001"},
    {"name": "df002", "max_age": "7d"},
    {"id": "iddf003", "max_age": "100d"},
    {"name": "df004", "id": "iddf004", "status": "RUNNING", "max_age": ""},
]


@pytest.mark.parametrize(("age", "due"), [(6 * DAY, ""), (7 * DAY, "2"), (90 * DAY, "124"), (100 * DAY, "1234")])
def test_an_account_may_have_a_max_age_of_its_own(age: float, due: str) -> None:
    options: dict[str, Any] = {"accounts": ROWS, "jitter": "0%"}
    expected = ["rotated" if name[-1] in due else "fresh" for name in NAMES]
    plan = task(aged(age), Vendor(), **options).run(check_mode=True)
    assert outcomes(plan) == expected
    assert outcomes(task(aged(age), Vendor(), **options).run(check_mode=False)) == expected
    # As the role does it.
    assert outcomes(task(aged(age), Vendor(), planned=plan["accounts"], **options).run(check_mode=False)) == expected


def test_jitter_is_a_share_of_it_and_so_is_the_next_date() -> None:
    store = aged(0)
    result = task(store, Vendor(), accounts=[{"name": "df002", "max_age": "100d"}]).run(check_mode=True)
    long = task(store, Vendor(), accounts=[{"name": "df002"}], max_age="100d").run(check_mode=True)
    assert result["accounts"][0]["next_due_at"] == long["accounts"][0]["next_due_at"]


@pytest.mark.parametrize("wrong", ["ninety", "0d", "40000d"])
def test_a_bad_max_age_is_the_failure_of_its_row(wrong: str) -> None:
    rows = [{"name": "df001", "max_age": wrong}, {"name": "df002", "max_age": "7d"}]
    vendor, store = Vendor(), aged(400 * DAY)
    plan = task(store, vendor, accounts=rows).run(check_mode=True)
    done = task(store, vendor, accounts=rows, planned=plan["accounts"][1:]).run(check_mode=False)
    assert (outcomes(plan), outcomes(done)) == (["failed", "rotated"], ["rotated"])
    assert plan["accounts"][0]["error"]["message"].startswith("accounts[0].max_age is not valid: it must be ")
    assert f" {wrong}" not in plan["accounts"][0]["error"]["message"]
    assert set(vendor.live) == {"df002"}
