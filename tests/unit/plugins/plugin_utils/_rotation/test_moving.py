# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts that have moved to another store: what rotations, readers and reports make of the notes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import moving
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import UNKNOWN, to_document
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import Policy
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.publication import note_published
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.reader import (
    PREVIOUS,
    passwords,
    readable_passwords,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.report import report
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError
from support.copies import copied
from support.memory_store import MemoryStore
from support.rotation_tasks import DAY, NOW, Vendor, active, envelope, holding, outcomes, task

TO = "https://bao.example.com:8200 (secret/dataforest)"
SAID = f"The passwords of df001 moved to the store {TO} at 2027-01-15T08:00:00Z."


def moved(*, remove: bool = False) -> tuple[MemoryStore, MemoryStore]:
    """A store from which df001 has moved, with another account that has not, and the other store."""
    old = holding(df001=envelope("df001", 100 * DAY, UNKNOWN), df002=envelope("df002", 100 * DAY))
    new = MemoryStore(address=TO)
    assert copied(old, new, names=["df001"], remove=remove)["changed"]
    return old, new


@pytest.mark.parametrize("remove", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"force": True}, {"new_accounts": "skip"}, {"rotated_before": "2027-01-15T07:00:00Z"}]
)
def test_a_rotation_stops_for_what_has_moved_and_nothing_else(options: dict[str, Any], remove: bool) -> None:
    old, _new = moved(remove=remove)
    before = copy.deepcopy(old.rows["df001"])
    for check_mode in (True, False):
        vendor = Vendor()
        result = task(old, vendor, accounts=[{"name": "df001"}, {"name": "df002"}], **options).run(check_mode)
        assert outcomes(result) == ["failed", "rotated"]
        assert result["accounts"][0]["error"]["message"] == SAID
        assert result["accounts"][0]["hand_over"] is False
        assert set(vendor.live) == (set() if check_mode else {"df002"})
    assert old.rows["df001"] == before


def test_a_move_in_the_middle_of_a_rotation_leaves_its_password_to_the_new_store() -> None:
    old, new = holding(df001=envelope("df001", 100 * DAY), df002=envelope("df002", 100 * DAY)), MemoryStore(address=TO)

    class Moving(Vendor):
        def run_module(self, name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
            done = super().run_module(name, options)
            if name == "ncp_dataforest_password" and not new.rows:
                assert copied(old, new, names=["df001"])["changed"]
            return done

    vendor = Moving()
    accounts = [{"name": "df001"}, {"name": "df002"}]
    result = task(old, vendor, accounts=accounts).run(check_mode=False)
    assert outcomes(result) == ["unknown", "rotated"]
    assert result["accounts"][0]["error"]["message"] == SAID
    assert [item.password for item in active(new, "df001").pending] == [vendor.live["df001"]]
    assert outcomes(task(new, vendor, accounts=accounts[:1]).run(check_mode=False)) == ["resumed"]
    assert active(new, "df001").password == vendor.live["df001"]


def test_a_reader_is_warned_as_long_as_there_is_a_password() -> None:
    old, _new = moved()
    warnings: list[str] = []
    assert passwords(old, ["df002", "df001"], on_missing="error", warn=warnings.append) == ["Active-1"] * 2
    (said,) = warnings
    assert said.startswith(SAID.removesuffix("."))
    assert "Read them there" in said
    with pytest.raises(StoreError, match="moved to the store"):
        passwords(old, ["df001"], version=PREVIOUS, on_missing="skip", warn=warnings.append)
    # A hand-over with the old store would hand over a password that may be dead.
    assert readable_passwords(old, ["df001", "df002"]) == {"df002": "Active-1"}


def test_a_reader_fails_when_there_is_none() -> None:
    old, _new = moved(remove=True)
    for on_missing in ("error", "warn", "skip"):
        with pytest.raises(StoreError) as caught:
            passwords(old, ["df001"], on_missing=on_missing, warn=lambda text: None)
        assert caught.value.sentence() == f"{SAID} Name that store instead of this one."


def test_reports_and_notes_of_hand_overs_say_where_to_go() -> None:
    old, _new = moved()
    result = report(old, Policy(90 * DAY), NOW)
    assert [row["error"] and row["error"]["message"] for row in result["credentials"]] == [SAID, None]
    noted = note_published(old, [{"name": "df001", "rotation_id": "r0"}], now=NOW)
    assert noted["accounts"][0]["error"]["message"] == SAID
    assert noted["changed"] is False


def test_a_note_that_quotes_a_password_or_breaks_the_line_is_shown_without() -> None:
    old, _new = moved()
    document: Any = old.rows["df001"].document
    document["moved"]["to"] = "x\n\x1b[31mActive-1"
    with pytest.raises(StoreError) as caught:
        passwords(old, ["df001"], version=PREVIOUS, on_missing="error", warn=lambda text: None)
    assert "Active-1" not in caught.value.message
    assert caught.value.message.isprintable()


def test_one_envelope_covers_another_if_it_knows_each_of_its_passwords() -> None:
    first = to_document(envelope("df001", 1 * DAY))
    later = to_document(envelope("df001", 1 * DAY, UNKNOWN))
    assert moving.covers(later, first)
    assert not moving.covers(first, later)
    assert moving.ids(later) == {"r0", "p0"}
    assert (moving.last(later), moving.last(to_document(envelope("df001", None, UNKNOWN)))) == ("r0", "p0")
    # An envelope without any password proves nothing.
    assert not moving.covers(first, to_document(envelope("df001", None)))
    assert moving.kept(to_document(envelope("df001", None, UNKNOWN))) == {}
