# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at a store tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import LONG_AGO, UNKNOWN, Hold
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import Policy
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.report import report
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Stored, StoreError
from support.memory_store import MemoryStore
from support.rotation_tasks import DAY, IDS, NOW, Vendor, envelope, holding, outcomes, task

POLICY = Policy(90 * DAY, 0.0)
MONDAY = time_text(NOW + 3 * DAY)


def look(store: Any, policy: Policy = POLICY, names: Sequence[str] | None = None, only: Sequence[str] = ()) -> Any:
    return report(store, policy, NOW, names=names, only=only)


def test_a_store_without_accounts_is_not_one_in_which_nobody_needs_attention() -> None:
    store = MemoryStore()
    result = look(store, only=["overdue"])
    assert result["warnings"] == [f"The store {store.place} has no accounts. If it should have some, correct store."]
    assert "warnings" not in look(store, names=["df001"])
    assert "warnings" not in look(holding(df001=envelope("df001", 1 * DAY)), only=["overdue"])


def test_a_row_tells_everything_but_the_password() -> None:
    active = envelope("df001", 10 * DAY)._replace(published="r0", hold=Hold(MONDAY, "audit"))
    store = holding(df001=active, df002=envelope("df002", 91 * DAY, UNKNOWN), df003=envelope("df003", None, UNKNOWN))
    store.rows["torn"] = Stored({"format": 9, "password": "Active-1"}, "1")
    store.unreadable["gone"] = StoreError("gone is deleted.", hint="Bring it back.")
    result = look(store)
    assert [row["name"] for row in result["credentials"]] == ["df001", "df002", "df003", "gone", "torn"]
    assert result["credentials"][0] == {
        "name": "df001",
        "id": IDS["df001"],
        "profile": None,
        "state": "active",
        "rotated_at": time_text(NOW - 10 * DAY),
        "age": 10 * 86400,
        "next_due_at": time_text(NOW + 80 * DAY),
        "due": False,
        "overdue": False,
        "pending": 0,
        "pending_since": None,
        "published": True,
        "held_until": MONDAY,
        "hold_reason": "audit",
        "error": None,
    }
    second, third, gone, torn = result["credentials"][1:]
    assert (second["state"], second["pending"], second["due"], second["overdue"]) == ("unsettled", 1, True, True)
    assert second["pending_since"] is not None
    assert (third["state"], third["age"], third["due"], third["overdue"]) == ("unsettled", None, True, False)
    assert gone["error"]["message"] == "gone is deleted."
    assert "not an envelope" in torn["error"]["message"]
    assert (gone["state"], torn["state"]) == (None, None)
    assert result["failed"]
    assert result["msg"].startswith("2 of 5 accounts could not be read. gone is deleted. Bring it back.")
    assert result["summary"] == {
        "total": 5,
        "active": 1,
        "due": 2,
        "overdue": 1,
        "unsettled": 2,
        "unpublished": 2,
        "held": 1,
        "absent": 0,
        "failed": 2,
    }
    assert not any(secret in str(result) for secret in ("Active-1", "Pending"))


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (["due"], ["df002", "df003", "gone"]),
        (["overdue"], ["df003", "gone"]),
        (["unsettled"], ["df004", "gone"]),
        (["held"], ["df001", "gone"]),
        (["held", "overdue"], ["df001", "df003", "gone"]),
        (["unpublished"], ["df002", "df003", "df004", "gone"]),
        ([], ["df001", "df002", "df003", "df004", "gone"]),
    ],
)
def test_filters_show_what_applies_and_what_cannot_be_read(only: list[str], names: list[str]) -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY)._replace(published="r0", hold=Hold(MONDAY)),
        df002=envelope("df002", 90 * DAY)._replace(hold=Hold(time_text(NOW))),
        df003=envelope("df003", 90 * DAY)._replace(rotated_at=LONG_AGO),
        df004=envelope("df004", 1 * DAY, UNKNOWN),
    )
    store.unreadable["gone"] = StoreError("gone is deleted.")
    result = look(store, only=only)
    assert [row["name"] for row in result["credentials"]] == names
    assert result["summary"]["total"] == 5, "all are counted"


def test_an_age_that_nobody_knows_is_overdue() -> None:
    (row,) = look(holding(df001=envelope("df001", DAY)._replace(rotated_at=LONG_AGO)))["credentials"]
    assert (row["rotated_at"], row["age"], row["next_due_at"]) == (None, None, None)
    assert row["due"]
    assert row["overdue"]


def test_only_what_was_asked_for_is_read() -> None:
    store = holding(df001=envelope("df001", DAY), df002=envelope("df002", DAY))
    result = look(store, names=["df002", "nobody", "df002"])
    assert [(row["name"], row["state"]) for row in result["credentials"]] == [("df002", "active"), ("nobody", "absent")]
    assert not result.get("failed")
    assert look(MemoryStore())["credentials"] == []


@pytest.mark.parametrize("names", [[], ["df001", "Canary/77"], [""]])
def test_names_that_no_account_can_have_are_refused(names: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        look(MemoryStore(), names=names)
    assert "Canary" not in caught.value.sentence()


@settings(max_examples=200, deadline=None)
@given(
    ages=st.lists(
        st.sampled_from((-3 * DAY, -DAY / 2, 0.0, 80 * DAY, 89 * DAY, 90 * DAY, None)), min_size=4, max_size=4
    ),
    jitter=st.sampled_from((0, 10, 50)),
)
def test_due_is_what_a_rotation_would_replace(ages: list[float | None], jitter: int) -> None:
    known = {name: envelope(name, age) for name, age in zip(IDS, ages, strict=True)}
    rows = look(holding(**known), Policy(90 * DAY, jitter / 100))["credentials"]
    rotation = task(holding(**known), Vendor(), jitter=f"{jitter}%").run(check_mode=True)
    assert [row["due"] for row in rows] == [each == "rotated" for each in outcomes(rotation)]
    planned = task(holding(**known), Vendor(), jitter=f"{jitter}%", max_age="90d").run(check_mode=True)["accounts"]
    for row, said in zip(rows, planned, strict=True):
        if said["outcome"] == "fresh":
            assert row["next_due_at"] == said["next_due_at"]
