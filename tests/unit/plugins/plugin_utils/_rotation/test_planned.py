# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run about the accounts that an earlier one has planned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from support.memory_store import MemoryStore
from support.rotation_tasks import DAY, IDS, NAMES, Vendor, envelope, holding, listed, outcomes, task

OWN = {"access_key": "AK", "secret_key": "SK"}


def planned(rows: Any, vendor: Vendor, store: MemoryStore | None = None, **options: Any) -> dict[str, Any]:
    return task(store or MemoryStore(), vendor, planned=rows, **options).run(check_mode=False)


def plan(vendor: Vendor, store: MemoryStore | None = None, **options: Any) -> list[dict[str, Any]]:
    result = task(store or MemoryStore(), vendor, **options).run(check_mode=True)
    rows: list[dict[str, Any]] = result["accounts"]
    return rows


def credentials_sent(vendor: Vendor) -> dict[str, Mapping[str, Any]]:
    """What was sent for each account besides its password."""
    (run,) = vendor.runs("ncp_dataforest_password")
    rows = [{key: value for key, value in row.items() if key != "password"} for row in run["accounts"]]
    return {row.pop("id"): row for row in rows}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"profile": "team"},
        OWN,
        {"accounts": [{"name": "df001"}, {"id": IDS["df003"]}, listed("df002")], "profile": "team"},
        {
            "accounts": [
                {"name": "df001", **OWN},
                {"name": "df002", "access_key": "BK", "secret_key": "BS"},
                {"id": IDS["df003"], "profile": "team"},
            ],
            **{"access_key": "TASK", "secret_key": "TASK-SECRET"},
        },
        {"tenants": [{"profile": "one"}, {"profile": "two"}, OWN]},
    ],
)
def test_what_is_planned_is_done_without_a_listing_as_the_whole_would_be(options: dict[str, Any]) -> None:
    vendor, whole = Vendor(), Vendor()
    for each in (vendor, whole):
        each.tenants.update(one=["df001"], two=["df002", "df003"], AK=["df004"] if "tenants" in options else NAMES)
    rows = [row for row in plan(vendor, **options) if row["name"] != "df002"]
    task(MemoryStore(), whole, **options).run(check_mode=False)
    vendor.calls.clear()
    result = planned(rows[:2], vendor, **options)
    assert [row["name"] for row in result["accounts"]] == [row["name"] for row in rows[:2]]
    assert outcomes(result) == ["rotated", "rotated"]
    whose = ("name", "id", "profile", "access_key")
    assert [[row[key] for key in whose] for row in result["accounts"]] == [
        [row[key] for key in whose] for row in rows[:2]
    ]
    assert vendor.runs("ncp_dataforest_account_info") == []
    alike = credentials_sent(whole)
    assert credentials_sent(vendor) == {row["id"]: alike[row["id"]] for row in rows[:2]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"profile": "other"}, "do not ask for df001 with these credentials"),
        ({"access_key": "AK"}, "do not ask for df001 with these credentials"),
        ({"name": "df002"}, "do not ask for df002 with these credentials"),
        ({"id": None}, "The id of a listed account is not valid"),
        ({"name": "{{ x }}"}, f"The name of the account with the id {IDS['df001']} is not valid"),
        ({"name": None}, f"The name of the account with the id {IDS['df001']} is not valid"),
    ],
)
def test_a_planned_row_that_the_options_do_not_explain_fails_alone(change: dict[str, Any], said: str) -> None:
    vendor = Vendor()
    rows = [
        {"name": "df001", "id": IDS["df001"], "profile": "team", "access_key": None, **change},
        {"name": "df004", "id": IDS["df004"], "profile": None, "access_key": None},
    ]
    result = planned(rows, vendor, accounts=[{"name": "df001", "profile": "team"}, {"name": "df004"}])
    assert outcomes(result) == ["failed", "rotated"]
    assert said in result["accounts"][0]["error"]["message"]
    assert list(vendor.live) == ["df004"]


def test_a_planned_row_is_of_the_tenant_that_it_says_it_is_of() -> None:
    vendor = Vendor()
    whose = [("one", None), ("two", None), (None, "AK"), (None, None)]
    rows = [
        {"name": name, "id": IDS[name], "profile": profile, "access_key": key}
        for name, (profile, key) in zip(NAMES, whose, strict=True)
    ]
    result = planned(rows, vendor, tenants=[{"profile": "one"}, OWN])
    assert outcomes(result) == ["rotated", "failed", "rotated", "failed"]
    assert credentials_sent(vendor) == {IDS["df001"]: {"profile": "one"}, IDS["df003"]: OWN}


def test_half_a_key_is_not_used_for_a_planned_account() -> None:
    """The password module would refuse all accounts because of it."""
    vendor = Vendor()
    accounts = [
        {"name": "df001", "id": IDS["df001"], "access_key": "AK", "secret_key": ""},
        {"name": "df002", "id": IDS["df002"], "access_key": "", "secret_key": "SK"},
        {"name": "df003", "id": IDS["df003"], **OWN},
        {"name": "", "access_key": "CK", "secret_key": "SK"},
    ]
    rows = plan(vendor, accounts=accounts)
    assert outcomes({"accounts": rows}) == ["failed", "failed", "rotated", "failed"]
    result = planned(rows[:3], vendor, accounts=accounts)
    assert outcomes(result) == ["failed", "failed", "rotated"]
    assert [row["error"] for row in result["accounts"]] == [row["error"] for row in rows[:3]]
    assert credentials_sent(vendor) == {IDS["df003"]: OWN}
    # What names no account asks for none.
    strange = {"name": "df004", "id": IDS["df004"], "profile": None, "access_key": "CK"}
    assert outcomes(planned([strange], vendor, accounts=accounts)) == ["failed"]


def test_a_tenant_without_credentials_does_not_ask_for_a_planned_account() -> None:
    vendor = Vendor()
    rows = [
        {"name": "df001", "id": IDS["df001"], "profile": None, "access_key": "AK"},
        {"name": "df002", "id": IDS["df002"], "profile": None, "access_key": None},
    ]
    tenants = [{"profile": ""}, {"access_key": "AK", "secret_key": ""}, OWN]
    assert outcomes(planned(rows, vendor, tenants=tenants)) == ["rotated", "failed"]
    assert credentials_sent(vendor) == {IDS["df001"]: OWN}


def test_a_planned_account_is_found_once() -> None:
    vendor = Vendor()
    (row,) = plan(vendor, accounts=[{"name": "df001"}])
    result = planned([row, row], vendor, accounts=[{"name": "df001"}])
    assert outcomes(result) == ["rotated", "failed"]


@pytest.mark.parametrize(("item", "outcome"), [({"id": IDS["df001"]}, "rotated"), (listed("df001"), "failed")])
def test_whether_the_user_wrote_the_id_is_not_forgotten(item: dict[str, Any], outcome: str) -> None:
    """Only then an account that was made anew is taken over."""

    def store() -> MemoryStore:
        return holding(df001=envelope("df001", 1 * DAY, account_id="another"))

    rows = plan(Vendor(), store(), accounts=[item])
    assert outcomes({"accounts": rows}) == [outcome]
    assert outcomes(planned(rows, Vendor(), store(), accounts=[item])) == [outcome]


@pytest.mark.parametrize("rows", [[], {}, "df001", ["df001"], [None], 7])
def test_anything_but_planned_rows_is_refused(rows: Any) -> None:
    vendor = Vendor()
    with pytest.raises(ConfigurationError, match="not rows of an earlier result"):
        planned(rows, vendor)
    assert vendor.calls == []


def test_rows_tell_whose_an_account_is() -> None:
    def told(**options: Any) -> list[tuple[str | None, str | None]]:
        return [(row["profile"], row["access_key"]) for row in plan(Vendor(), **options)]

    assert told(accounts=[{"name": "df001"}]) == [(None, None)]
    assert told(accounts=[{"name": "df001"}, {"name": "gone", **OWN}], profile="team") == [("team", None), (None, "AK")]
    assert told(accounts=[{"name": "df001"}, {"id": "a b", "profile": "team"}], **OWN) == [(None, "AK"), ("team", None)]
    assert told(**OWN) == [(None, "AK")] * 4
