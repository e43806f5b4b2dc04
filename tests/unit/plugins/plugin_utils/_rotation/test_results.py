# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the result of a task says about its accounts."""

from __future__ import annotations

from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    UNKNOWN,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import OUTCOMES
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Stored,
)
from support.rotation_tasks import (
    DAY,
    NAMES,
    Vendor,
    envelope,
    holding,
    outcomes,
    previous_in_flight,
    task,
)


def test_every_outcome_is_reached_and_each_failure_says_what_to_do() -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY),
        df002=envelope("df002", 100 * DAY),
        df003=envelope("df003", 1 * DAY, UNKNOWN),
        df004=envelope("df004", 100 * DAY),
    )
    names = [{"name": name} for name in (*NAMES, "gone")]
    vendor = Vendor(df004=["rejected"] * 3)
    first = task(store, vendor, accounts=names).run(check_mode=False)
    assert outcomes(first) == ["fresh", "rotated", "resumed", "rejected", "failed"]
    vendor = Vendor(df002=["unknown"])
    second = task(store, vendor, accounts=names, force=True, batch_size=1, max_failures=1).run(check_mode=False)
    assert outcomes(second) == ["rotated", "unknown", "skipped", "skipped", "failed"]
    assert {*outcomes(first), *outcomes(second)} == set(OUTCOMES)

    for result in (first, second):
        assert result["failed"] is True
        assert f"The store is {store.place}." in result["msg"]
        assert sum(result["summary"].values()) == len(names)
        for row in result["accounts"]:
            if row["outcome"] in ("rotated", "resumed", "fresh"):
                assert row["error"] is None
            else:
                assert row["error"]["message"]
                assert row["error"]["hint"], row
    # Nothing is pending after the first. After the second, force would replace once more what it has replaced.
    assert "A further run" not in first["msg"]
    again = "A further run without force resumes what was begun, and leaves alone what is done."
    assert second["msg"].endswith(again)
    assert second["msg"].startswith("2 of 5 accounts need attention: 1 unknown, 1 failed, 2 skipped.")
    advice = {row["outcome"]: row["error"]["hint"] for row in (*first["accounts"], *second["accounts"]) if row["error"]}
    assert advice["rejected"].startswith("None of the passwords that were tried was accepted")
    assert "run the task again" in advice["rejected"]
    kinds = {row["outcome"]: row["error"]["kind"] for row in (*first["accounts"], *second["accounts"]) if row["error"]}
    assert kinds == {
        "rejected": "rejected",
        "unknown": "unknown_outcome",
        "failed": "not_found",
        "skipped": "skipped",
    }
    # Not the advice for those who keep the password themselves.
    assert advice["unknown"] == "The new password is kept in the store. Run the task again to send it once more."
    assert "run again" in advice["skipped"]


def test_the_diff_shows_ages_and_states() -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY), df002=envelope("df002", 100 * DAY), df003=envelope("df003", 3600.0, UNKNOWN)
    )
    shown = task(store, Vendor(df004=["unknown"])).run(check_mode=False, diff=True)["diff"]
    assert shown["before"].splitlines() == [
        "df002: active, 100d old",
        "df003: unsettled, 1h old, 1 pending",
        "df004: absent",
    ]
    assert shown["after"].splitlines() == [
        "df002: active, 0s old",
        "df003: active, 0s old",
        "df004: unsettled, 1 pending",
    ]
    assert "diff" not in task(store, Vendor()).run(check_mode=False)


def test_check_mode_fills_every_key() -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY),
        df002=envelope("df002", 100 * DAY)._replace(published="r0"),
        df003=envelope("df003", 1 * DAY, UNKNOWN),
    )
    store.rows["df001"] = Stored(
        {**store.rows["df001"].document, "previous": [previous_in_flight()]}, "with one in flight"
    )
    options: dict[str, Any] = {"accounts": [{"name": name} for name in NAMES]}
    predicted = task(store, Vendor(), **options).run(check_mode=True)
    real = task(store, Vendor(), **options).run(check_mode=False)
    assert outcomes(predicted) == outcomes(real) == ["resumed", "rotated", "resumed", "rotated"]
    for before, after in zip(predicted["accounts"], real["accounts"], strict=True):
        assert list(before) == list(after)
        assert {**before, "rotation_id": None} == {**after, "rotation_id": None}
        assert before["rotation_id"] == (None if before["outcome"] == "rotated" else after["rotation_id"])


def test_the_diff_shows_a_date_in_the_future() -> None:
    store = holding(df001=envelope("df001", -400 * DAY))
    for check_mode in (True, False):
        result = task(store, Vendor(), accounts=[{"name": "df001"}]).run(check_mode, diff=True)
        assert outcomes(result) == ["rotated"]
        assert result["diff"] == {
            "before": "df001: active, dated 400d in the future\n",
            "after": "df001: active, 0s old\n",
        }
