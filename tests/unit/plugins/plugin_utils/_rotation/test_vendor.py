# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to the modules of this collection, and how a rotation understands what they say."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    UNKNOWN,
    from_document,
)
from support.memory_store import MemoryStore
from support.rotation_tasks import (
    DAY,
    IDS,
    Vendor,
    envelope,
    holding,
    outcomes,
    task,
)


def test_keys_that_are_refused_use_up_no_candidate_and_keep_their_hint() -> None:
    vendor = Vendor(df001=["failed"])
    store = MemoryStore()
    result = task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)
    (row,) = result["accounts"]
    assert (row["outcome"], result["changed"]) == ("failed", True)
    assert row["error"]["hint"].startswith("Check the key. The new password is kept in the store")
    (candidate,) = from_document(store.rows["df001"].document).pending
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["resumed"]
    assert vendor.live == {"df001": candidate.password}


@pytest.mark.parametrize(
    "broken",
    [
        {"failed": True, "msg": "MODULE FAILURE"},
        {"failed": True, "msg": "Data could not be sent to remote host."},
        {},
        {"accounts": None},
        {"accounts": []},
        {"accounts": [{"outcome": "reset"}] * 5},
    ],
)
def test_a_module_that_does_not_report_leaves_all_its_accounts_unknown(broken: dict[str, Any]) -> None:
    vendor = Vendor()
    vendor.instead["ncp_dataforest_password"] = broken
    store = MemoryStore()
    result = task(store, vendor).run(check_mode=False)
    assert outcomes(result) == ["unknown"] * 4
    assert all(row["error"]["hint"] for row in result["accounts"])
    assert [row["outcome"] for row in store.rows["df001"].document["pending"]] == [UNKNOWN]
    assert outcomes(task(store, Vendor()).run(check_mode=False)) == ["resumed"] * 4


def test_only_what_the_user_set_is_passed_on_to_the_target_host() -> None:
    vendor = Vendor()
    task(MemoryStore(), vendor, api_url="https://df.example.com", ca_path="~/ca.pem", timeout=3).run(check_mode=False)
    shared = {"api_url": "https://df.example.com", "ca_path": "~/ca.pem", "timeout": 3.0}
    assert vendor.runs("ncp_dataforest_account_info") == [shared]
    (reset,) = vendor.runs("ncp_dataforest_password")
    rows = reset.pop("accounts")
    assert reset == {**shared, "concurrency": 8, "requests_per_second": None, "max_failures": None}
    assert [row["id"] for row in rows] == list(IDS.values())
    assert [set(row) for row in rows] == [{"id", "password"}] * 4


def test_accounts_that_cannot_be_listed_are_reported_as_the_module_did() -> None:
    error = {"kind": "authentication", "message": "Refused.", "hint": "Check the key.", "http_status": 401}
    vendor = Vendor()
    vendor.instead["ncp_dataforest_account_info"] = {"failed": True, "msg": "Refused. Check the key.", "error": error}
    with pytest.raises(KrcloudError) as caught:
        task(MemoryStore(), vendor).run(check_mode=False)
    assert caught.value.as_dict() == {**error, "vendor_code": None, "trace_id": None}
    result = task(MemoryStore(), vendor, accounts=[{"name": "df001"}]).run(check_mode=False)
    assert (outcomes(result), result["changed"]) == (["failed"], False)
    assert result["accounts"][0]["error"] == caught.value.as_dict()


@pytest.mark.parametrize("said", ["reset?", None, 7])
def test_a_word_that_is_not_known_is_an_unknown_outcome(said: Any) -> None:
    store = holding(df001=envelope("df001", 100 * DAY))
    vendor = Vendor()
    row = {"id": IDS["df001"], "outcome": said, "error": None}
    vendor.instead["ncp_dataforest_password"] = {"accounts": [row]}
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["unknown"]
    vendor.instead["ncp_dataforest_password"] = {"accounts": [{**row, "id": "another", "outcome": "reset"}]}
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["unknown"]


@pytest.mark.parametrize("unanswered", [True, False])
def test_an_earlier_request_that_got_no_answer_stays_noted(unanswered: bool) -> None:
    store = holding(df001=envelope("df001", 100 * DAY))
    vendor = Vendor()
    row = {"id": IDS["df001"], "outcome": "reset", "error": None, "unanswered": unanswered}
    vendor.instead["ncp_dataforest_password"] = {"accounts": [row]}
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["rotated"]
    assert len(from_document(store.rows["df001"].document).in_flight) == unanswered
