# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of one account."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import batches
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    LONG_AGO,
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Hold,
    Previous,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import MOST_OPEN
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    StoreError,
)
from support.memory_store import MemoryStore
from support.rotation_tasks import (
    DAY,
    IDS,
    NAMES,
    NOW,
    Vendor,
    active,
    envelope,
    holding,
    listed,
    outcomes,
    task,
)


def test_new_accounts_fail_by_default_and_the_others_have_their_turn() -> None:
    store = holding(df001=envelope("df001", 100 * DAY))
    vendor = Vendor()
    options: dict[str, Any] = {"accounts": [{"name": "df002"}, {"name": "df001"}], "max_failures": 1}
    result = task(store, vendor, **options, new_accounts="fail").run(check_mode=False)
    assert outcomes(result) == ["failed", "rotated"]
    error = result["accounts"][0]["error"]
    assert error["kind"] == "configuration"
    # The first thing to check is whether this is the right store.
    assert error["message"] == f"The store {store.place} does not know df002, and nothing was sent for it."
    assert "new_accounts set to rotate" in result["msg"]
    assert "df002" not in store.rows
    predicted = task(store, vendor, **options, new_accounts="fail").run(check_mode=True)
    assert outcomes(predicted) == ["failed", "fresh"]
    left = task(store, vendor, **options, new_accounts="skip").run(check_mode=False)
    assert outcomes(left) == ["skipped", "fresh"]
    assert left["accounts"][0]["error"]["message"].startswith(f"The store {store.place} does not know df002")
    assert not left.get("failed")


def test_another_id_under_a_known_name_fails_and_nothing_is_overwritten() -> None:
    store = holding(df001=envelope("df001", 1 * DAY, account_id="another"), df002=envelope("df002", 100 * DAY))
    before = copy.deepcopy(store.rows["df001"])
    for accounts in (None, [{"name": "df001"}, {"name": "df002"}], [listed("df001"), listed("df002")]):
        for check_mode in (True, False):
            result = task(store, Vendor(), **({"accounts": accounts} if accounts else {})).run(check_mode)
            first = result["accounts"][0]
            assert (first["outcome"], first["error"]["kind"]) == ("failed", "configuration")
            assert "under another id (another)" in first["error"]["message"]
            assert "a store of its own" in first["error"]["hint"]
            assert "new_accounts set to rotate" in first["error"]["hint"]
            # Nobody has been given that password, but it is not this account's.
            assert first["hand_over"] is False
            assert result["accounts"][1]["outcome"] != "failed"
    assert store.rows["df001"] == before


def test_an_account_created_again_is_taken_over_when_its_new_id_is_written() -> None:
    store = holding(df001=envelope("df001", 1 * DAY, account_id="another"))
    accounts = [{"name": "df001", "id": IDS["df001"]}]
    assert outcomes(task(store, Vendor(), accounts=accounts, new_accounts="fail").run(check_mode=False)) == ["failed"]
    assert outcomes(task(store, Vendor(), accounts=accounts).run(check_mode=True)) == ["rotated"]
    assert outcomes(task(store, Vendor(), accounts=accounts).run(check_mode=False)) == ["rotated"]
    after = from_document(store.rows["df001"].document)
    assert after.account.id == IDS["df001"]
    assert [former.password for former in after.previous] == ["Active-1"]


def test_a_candidate_that_our_own_rules_refuse_is_replaced_and_the_others_have_their_turn() -> None:
    ours = envelope("df001", 1 * DAY, UNKNOWN)
    ours = ours._replace(pending=(ours.pending[0]._replace(password="x" * 21),))
    for force in (False, True):
        store = holding(df001=ours, df002=envelope("df002", 100 * DAY))
        options: dict[str, Any] = {"accounts": [{"name": "df001"}, {"name": "df002"}], "force": force}
        assert outcomes(task(store, Vendor(), **options).run(check_mode=True)) == ["rotated", "rotated"]
        vendor = Vendor()
        assert outcomes(task(store, vendor, **options).run(check_mode=False)) == ["rotated", "rotated"]
        sent = [row["password"] for run in vendor.runs("ncp_dataforest_password") for row in run["accounts"]]
        assert ours.pending[0].password not in sent
        assert ours.pending[0].password in [former.password for former in active(store, "df001").previous]


def test_a_document_that_cannot_be_read_is_the_failure_of_its_account() -> None:
    class Partly(MemoryStore):
        def load(self, names: Sequence[str]) -> dict[str, Any]:
            gone = StoreError("Version 3 of secret/dataforest/df001 is deleted.", hint="Bring it back.")
            return {**super().load(names), **({"df001": gone} if "df001" in names else {})}

    store = Partly(holding(df002=envelope("df002", 100 * DAY)).rows)
    for check_mode in (True, False):
        result = task(store, Vendor(), accounts=[{"name": "df001"}, {"name": "df002"}]).run(check_mode)
        assert outcomes(result) == ["failed", "rotated"]
        assert result["accounts"][0]["error"]["hint"] == "Bring it back."


def test_handing_over_needs_no_vendor() -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY),
        df002=envelope("df002", 1 * DAY)._replace(published="r0"),
        df003=envelope("df003", 1 * DAY, UNKNOWN),
        df004=envelope("df004", 100 * DAY),
    )
    names = [{"name": name} for name in NAMES]
    vendor = Vendor()
    vendor.instead["ncp_dataforest_account_info"] = {"failed": True, "msg": "no", "error": {"kind": "authentication"}}
    result = task(store, vendor, accounts=names).run(check_mode=False)
    assert outcomes(result) == ["failed"] * 4
    # While a candidate may be live, it is not certain that the active password is.
    assert [row["hand_over"] for row in result["accounts"]] == [True, False, False, True]
    # The keys stop working between the list and the reset. The new candidate was certainly not set.
    result = task(store, Vendor(df004=["failed"]), accounts=names[3:]).run(check_mode=False)
    assert outcomes(result) == ["failed"]
    assert [row["hand_over"] for row in result["accounts"]] == [True]
    assert active(store, "df004").pending


def test_a_hand_over_that_was_begun_is_reported_until_another_password_is_active() -> None:
    begun = {
        name: envelope(name, age)._replace(hand_over_begun=rotation_id)
        for name, age, rotation_id in (("df001", DAY, "r0"), ("df002", 100 * DAY, "r0"), ("df003", DAY, "r-1"))
    }
    begun["df004"] = begun["df001"]._replace(account=Account("iddf004", "df004", None), published="r0")
    names = [{"name": name} for name in NAMES]
    for check_mode in (True, False):
        result = task(holding(**begun), Vendor(), accounts=names).run(check_mode)
        assert outcomes(result) == ["fresh", "rotated", "fresh", "fresh"]
        assert [row["hand_over_begun"] for row in result["accounts"]] == [True, False, False, False]


def test_what_is_live_is_told_of_accounts_that_are_published_too() -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY)._replace(published="r0"),
        df002=envelope("df002", 1 * DAY),
        df003=envelope("df003", 1 * DAY, account_id="another")._replace(published="r0"),
        df004=envelope("df004", 1 * DAY, UNKNOWN)._replace(published="r0"),
    )
    vendor = Vendor(df004=["unknown"])
    result = task(store, vendor).run(check_mode=False)
    assert outcomes(result) == ["fresh", "fresh", "failed", "unknown"]
    # Not that of another account, and not while another password may be live.
    assert [row["live"] for row in result["accounts"]] == [True, True, False, False]
    assert [row["hand_over"] for row in result["accounts"]] == [False, True, False, False]


def test_when_a_pending_password_was_last_sent_is_told() -> None:
    store = holding(df001=envelope("df001", 1 * DAY, UNKNOWN), df002=envelope("df002", 100 * DAY))
    accounts = [{"name": "df001"}, {"name": "df002"}]
    sent = [time_text(NOW - 60), None]
    for check_mode in (True, False):
        result = task(store, Vendor(df001=["unknown"]), accounts=accounts).run(check_mode)
        assert [row["last_sent_at"] for row in result["accounts"]] == sent
    again = task(store, Vendor(), accounts=accounts, now=NOW + 60).run(check_mode=True)
    assert [row["last_sent_at"] for row in again["accounts"]] == [time_text(NOW), None]


def test_whether_a_hand_over_was_the_only_one_under_way_is_told() -> None:
    left = envelope("df001", 1 * DAY)._replace(hand_over_begun="r0", hand_over_alone="r0")
    rows = {
        "df001": left,
        "df002": left._replace(account=Account("iddf002", "df002", None), hand_over_alone=None),
        "df003": left._replace(account=Account("iddf003", "df003", None), hand_over_alone="r-1"),
        "df004": left._replace(account=Account("iddf004", "df004", None), published="r0"),
    }
    result = task(holding(**rows), Vendor()).run(check_mode=False)
    assert [row["hand_over_begun"] for row in result["accounts"]] == [True, True, True, False]
    assert [row["hand_over_alone"] for row in result["accounts"]] == [True, False, False, False]


# ------------------------------------------------------------------------------------------------- too many open values


def crowded(age: float, *, still: int = MOST_OPEN, pending: int = 0) -> Envelope:
    """An envelope with so many values in flight; ``still`` of them are so today, the others are a day old."""
    old, new = (Flight("another run", time_text(NOW - ago)) for ago in (2 * DAY, 60.0))
    former = [
        Previous(f"former-{at}", time_text(NOW - 60), f"f{at}", (old, new) if at < still else (old,))
        for at in range(MOST_OPEN)
    ]
    return envelope("df001", age, *[UNKNOWN] * pending)._replace(previous=tuple(former))


@pytest.mark.parametrize(("age", "force", "pending"), [(100.0, False, 0), (1.0, True, 0), (1.0, True, 1)])
def test_a_password_that_must_be_replaced_and_cannot_be_is_a_failure_also_after_something_was_sent(
    age: float, force: bool, pending: int
) -> None:
    for check_mode in (True, False):
        store, vendor = holding(df001=crowded(age * DAY, pending=pending), df002=envelope("df002", 100 * DAY)), Vendor()
        options: dict[str, Any] = {"accounts": [{"name": "df001"}, {"name": "df002"}], "force": force}
        result = task(store, vendor, **options).run(check_mode)
        assert outcomes(result) == ["failed", "rotated"]
        error = result["accounts"][0]["error"]
        assert error["message"].startswith("No new password was made for df001: 30 others may still become live")
        assert "over after a day" in error["hint"]
        if not check_mode:
            # What can be done is done: the newest value that the vendor confirmed is live.
            assert vendor.live["df001"] == active(store, "df001").password
            assert active(store, "df001").pending == ()


def test_there_is_room_again_where_enough_of_it_has_ended() -> None:
    store, vendor = holding(df001=crowded(100 * DAY, still=MOST_OPEN - 1)), Vendor()
    options: dict[str, Any] = {"accounts": [{"name": "df001"}]}
    assert outcomes(task(store, vendor, **options).run(check_mode=True)) == ["rotated"]
    assert outcomes(task(store, vendor, **options).run(check_mode=False)) == ["rotated"]
    assert vendor.live["df001"] == active(store, "df001").password


def test_a_rejection_says_why_no_other_password_was_tried() -> None:
    store, vendor = holding(df001=crowded(100 * DAY)), Vendor(df001=["rejected"])
    result = task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)
    assert outcomes(result) == ["rejected"]
    assert len(vendor.runs("ncp_dataforest_password")) == 1
    assert "No new password was made for df001" in result["accounts"][0]["error"]["hint"]
    assert "over after a day" in result["accounts"][0]["error"]["hint"]


HOLD = Hold(time_text(NOW + DAY), "The audit team works with it")


@pytest.mark.parametrize("force", [False, True])
def test_an_account_on_hold_is_skipped_and_the_others_have_their_turn(force: bool) -> None:
    store = holding(
        df001=envelope("df001", 100 * DAY)._replace(hold=HOLD),
        df002=envelope("df002", 100 * DAY),
        df003=envelope("df003", 1 * DAY, UNKNOWN)._replace(hold=HOLD),
        df004=envelope("df004", 1 * DAY)._replace(hold=HOLD._replace(until=time_text(NOW))),
    )
    before = copy.deepcopy(store.rows)
    options: dict[str, Any] = {"force": force, "max_failures": 1}
    predicted = task(store, Vendor(), **options).run(check_mode=True)
    assert store.rows == before
    vendor = Vendor()
    result = task(store, vendor, **options).run(check_mode=False)
    for each in (predicted, result):
        assert outcomes(each) == ["skipped", "rotated", "skipped", "rotated" if force else "fresh"]
        error = each["accounts"][0]["error"]
        assert error["kind"] == "skipped"
        assert error["message"] == "df001 is on hold until 2027-01-16T08:00:00Z: The audit team works with it."
        assert "hold_until" in error["hint"]
        assert not each.get("failed")
        # What is live may be handed over all the same.
        assert [row["hand_over"] for row in each["accounts"]] == [True, True, False, True]
    sent = {row["id"] for run in vendor.runs("ncp_dataforest_password") for row in run["accounts"]}
    assert sent == {IDS["df002"]} | ({IDS["df004"]} if force else set())
    for name in ("df001", "df003"):
        assert store.rows[name] == before[name]
    later = task(store, Vendor(), now=NOW + DAY).run(check_mode=False)
    assert outcomes(later) == ["rotated", "fresh", "resumed", "fresh"]
    assert active(store, "df003").hold == HOLD, "what ended is kept until something else is noted"


def test_an_incident_names_the_account_on_hold_whose_password_it_would_replace() -> None:
    store = holding(
        # Adopted: when it was made is not known.
        df001=envelope("df001", 1 * DAY)._replace(hold=HOLD),
        df002=envelope("df002", 1 * DAY),
        df003=envelope("df003", 1 * DAY)._replace(made_at=time_text(NOW - DAY - 1), hold=HOLD),
        df004=envelope("df004", 1 * DAY, UNKNOWN)._replace(made_at=time_text(NOW - DAY - 1), hold=HOLD),
    )
    before = copy.deepcopy(store.rows)
    options: dict[str, Any] = {"rotated_before": time_text(NOW - 2 * DAY), "max_failures": 1}
    predicted = task(store, Vendor(), **options).run(check_mode=True)
    assert store.rows == before
    vendor = Vendor()
    result = task(store, vendor, **options).run(check_mode=False)
    for each in (predicted, result):
        assert outcomes(each) == ["failed", "rotated", "skipped", "skipped"]
        assert each["failed"] is True
        assert each["msg"].startswith(
            "1 of 4 accounts needs attention: 1 failed, 2 skipped. df001: df001 is on hold until"
        )
        error = each["accounts"][0]["error"]
        assert error["kind"] == "configuration"
        assert error["message"] == (
            "df001 is on hold until 2027-01-16T08:00:00Z: The audit team works with it. Its live password may have "
            "been made before rotated_before, and was not replaced."
        )
        assert "hold_until set to now" in error["hint"]
        assert [row["hand_over"] for row in each["accounts"]] == [True, True, True, False]
    assert [row["id"] for run in vendor.runs("ncp_dataforest_password") for row in run["accounts"]] == [IDS["df002"]]
    for name in ("df001", "df003", "df004"):
        assert store.rows[name] == before[name]

    # So says the role, whether it is a prediction or not.
    for predicting in (True, False):
        wishes: dict[str, Any] = {"plans": True, "hands_over": True, "canary": 1, "size": 10, "again": False}
        ordered = batches.order(predicted["accounts"], **wishes)
        assert [row["name"] for row in ordered.waiting] == ["df002"]
        done = batches.Course({"df002": {"outcome": "rotated"}}, handed=["df001", "df002", "df003"])
        course = batches.Course() if predicting else done
        how: dict[str, Any] = {"halted": "", "planned_only": True, "predicted": predicting}
        said = batches.verdict(predicted, course, ordered, **how)
        assert [row["name"] for row in said["summary"]["attention"]] == ["df001"]
        assert (said["summary"]["failed"], said["summary"]["skipped"]) == (["df001"], ["df003", "df004"])
        assert said["verdict"].startswith("1 of 4 accounts needs attention. df001 (failed): df001 is on hold until ")

    # By the moment of the staging, the candidate is older as well.
    stricter = task(store, Vendor(), rotated_before=time_text(NOW)).run(check_mode=True)
    assert outcomes(stricter) == ["failed", "fresh", "failed", "failed"]
    # After the hold, the same run replaces it, once.
    later = {"now": NOW + DAY, "rotated_before": time_text(NOW - 2 * DAY)}
    assert outcomes(task(store, Vendor(), **later).run(check_mode=False)) == ["rotated", "fresh", "fresh", "resumed"]
    assert outcomes(task(store, Vendor(), **later).run(check_mode=False)) == ["fresh"] * 4


@pytest.mark.parametrize("rotated_at", [time_text(NOW - DAY), LONG_AGO])
def test_an_incident_replaces_an_adopted_password_once(rotated_at: str) -> None:
    adopted = envelope("df001", 1 * DAY)._replace(rotated_at=rotated_at)
    store, vendor = holding(df001=adopted), Vendor()
    options: dict[str, Any] = {"accounts": [{"name": "df001"}], "rotated_before": time_text(NOW - 400 * DAY)}
    known = None if rotated_at == LONG_AGO else rotated_at
    predicted = task(store, vendor, **options).run(check_mode=True, diff=True)
    assert outcomes(predicted) == ["rotated"]
    first = task(store, vendor, **options).run(check_mode=False, diff=True)
    assert outcomes(first) == ["rotated"]
    for each in (predicted, first):
        assert each["accounts"][0]["previously_rotated_at"] == known
        # Nobody knows an age of two thousand years.
        assert each["diff"]["before"] == f"df001: active{', 1d old' if known else ''}\n"
    for _again in range(2):
        assert outcomes(task(store, vendor, **options).run(check_mode=False)) == ["fresh"]
    assert len(vendor.runs("ncp_dataforest_password")) == 1


def test_a_hold_that_is_set_while_a_run_sends_does_not_keep_it_from_settling() -> None:
    store = holding(df001=envelope("df001", 100 * DAY))
    vendor = Vendor()
    run_module = vendor.run_module

    def hold_then_run(name: str, options: Any) -> Any:
        if name == "ncp_dataforest_password" and len(vendor.runs(name)) == 0:
            stored = store.rows["df001"]
            held = to_document(from_document(stored.document)._replace(hold=HOLD))
            store.save({"df001": Change(held, stored.revision)})
        return run_module(name, options)

    vendor.run_module = hold_then_run  # type: ignore[method-assign]
    result = task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)
    assert outcomes(result) == ["rotated"]
    assert active(store, "df001").password == vendor.live["df001"]
    assert active(store, "df001").hold == HOLD
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["skipped"]


def test_a_reason_shows_no_password_of_the_account() -> None:
    held = envelope("df001", 1 * DAY)._replace(hold=HOLD._replace(reason="It is Active-1\nsaid Kim"))
    error = task(holding(df001=held), Vendor(), accounts=[{"name": "df001"}]).run(True)["accounts"][0]["error"]
    assert "Active-1" not in str(error)
    assert "said Kim." in error["message"]
