# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adopt, hold and forget through a store: outcomes, commits that are lost or fail, and what check mode says."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_credential import SPEC
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import validated
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_rows import wished_rows
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_task import (
    OUTCOMES,
    CredentialTask,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    LONG_AGO,
    UNKNOWN,
    Hold,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    MOST_LOSSES,
    Change,
    Stored,
    StoreError,
)
from support.memory_store import MemoryStore
from support.rotation_tasks import DAY, IDS, NOW, active, envelope, holding

MONDAY = time_text(NOW + 3 * DAY)
FORTY = [{"name": f"acct-{number:02d}", "password": f"Known-{number:02d}!"} for number in range(40)]


def run(
    store: Any, *, check_mode: bool = False, diff: bool = False, now: float = NOW, **options: Any
) -> dict[str, Any]:
    arguments = copy.deepcopy({"store": {"path": "s.yml"}, **options})
    settled = validated(SPEC, arguments, Redactor())
    numbers = itertools.count(1)
    task = CredentialTask(
        store,
        wished_rows(settled, now),
        state=settled["state"],
        force=settled["force"],
        now=now,
        new_id=lambda: f"rotation-{next(numbers)}",
    )
    return task.run(check_mode, diff=diff)


def outcomes(result: Mapping[str, Any]) -> list[str]:
    assert sum(result["summary"].values()) == len(result["credentials"])
    assert tuple(result["summary"]) == OUTCOMES
    return [row["outcome"] for row in result["credentials"]]


class Counting(MemoryStore):
    """Counts commits."""

    commits = 0

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        self.commits += 1
        return super().save(changes)

    def delete(self, expected: Mapping[str, str]) -> dict[str, Any]:
        self.commits += 1
        return super().delete(expected)


def test_forty_passwords_are_adopted_in_one_commit_and_a_second_run_is_quiet() -> None:
    store = Counting()
    for number, now in enumerate((NOW, NOW + DAY)):
        result = run(store, credentials=FORTY, rotated_at="now", now=now)
        assert outcomes(result) == (["unchanged"] if number else ["adopted"]) * 40
        assert result["changed"] is (number == 0)
        assert store.commits == 1
    assert {row["name"]: active(store, row["name"]).password for row in FORTY} == {
        row["name"]: row["password"] for row in FORTY
    }
    row = result["credentials"][0]
    assert row == {
        "name": "acct-00",
        "id": None,
        "profile": None,
        "outcome": "unchanged",
        "state": "active",
        "rotated_at": time_text(NOW),
        "published": True,
        "held_until": None,
        "hold_reason": None,
        "error": None,
    }
    assert "Known" not in str(result)


def test_each_row_has_an_outcome_of_its_own() -> None:
    store = holding(
        df001=envelope("df001", 1 * DAY), df002=envelope("df002", 1 * DAY), df003=envelope("df003", 1 * DAY, UNKNOWN)
    )
    before = copy.deepcopy(store.rows)
    store.unreadable["torn"] = StoreError("torn cannot be read.", hint="Bring it back.")
    rows = [
        {"name": "df001", "password": "Active-1", "hold_until": MONDAY},
        {"name": "df002", "password": "Other-1!x"},
        {"name": "df003", "password": "Other-1!x"},
        {"name": "torn", "password": "Other-1!x"},
        {"name": "no way", "password": "Other-1!x"},
        {"name": "new", "password": "Other-1!x", "rotated_at": "unknown"},
    ]
    predicted = run(store, credentials=rows, rotated_at="now", check_mode=True, diff=True)
    assert store.rows == before
    result = run(store, credentials=rows, rotated_at="now", diff=True)
    assert predicted == result
    assert outcomes(result) == ["updated", "failed", "failed", "failed", "failed", "adopted"]
    assert {name: row for name, row in store.rows.items() if name in ("df002", "df003")} == {
        name: row for name, row in before.items() if name in ("df002", "df003")
    }
    assert result["failed"]
    assert result["changed"]
    assert result["msg"].startswith(
        "4 of 6 accounts failed; adopted: 1; updated: 1. The store has another password for df002"
    )
    assert "warnings" not in result
    assert result["msg"].endswith("The store is memory.")
    assert result["error"] == result["credentials"][1]["error"]
    assert [row["name"] for row in result["credentials"]] == ["df001", "df002", "df003", "torn", None, "new"]
    assert [row["state"] for row in result["credentials"]][:3] == ["active", "active", "unsettled"]
    assert result["credentials"][5]["rotated_at"] is None
    assert result["diff"] == {
        "before": "df001: active, 1d old\nnew: absent\n",
        "after": f"df001: active, 1d old, on hold until {MONDAY}\nnew: active\n",
    }
    assert not any(secret in str(result) for secret in ("Active-1", "Other-1", "Pending"))


def test_a_hold_over_a_password_whose_outcome_is_not_known_is_warned_about() -> None:
    store = holding(df001=envelope("df001", 1 * DAY), df002=envelope("df002", 1 * DAY, UNKNOWN))
    rows = [{"name": name, "hold_until": MONDAY} for name in ("df001", "df002")]
    for check_mode in (True, False):
        (warning,) = run(store, credentials=rows, check_mode=check_mode)["warnings"]
        assert warning.startswith(f"A password of df002 is pending, and until the hold ends ({MONDAY}) it stays")
    # It is nothing new for those who end it.
    assert "warnings" not in run(store, name="df002", hold_until="now")


def test_an_account_is_only_called_absent_if_the_store_was_read_and_has_nothing() -> None:
    known = Stored(to_document(envelope("df001", 1 * DAY)), "1")
    store = MemoryStore({"df001": known, "odd": Stored({"format": 99}, "1")})
    rows = [
        {"name": "df001", "password": "Known-01!"},
        {"name": "odd", "hold_until": MONDAY},
        {"name": "gone", "hold_until": MONDAY},
        {"name": "df001/x", "hold_until": MONDAY},
    ]
    for check_mode in (True, False):
        result = run(store, credentials=rows, check_mode=check_mode)
        assert outcomes(result) == ["failed"] * 4
        assert [row["state"] for row in result["credentials"]] == [None, None, "absent", None]


@pytest.mark.parametrize("what", ["id", "profile", "hold_reason"])
def test_a_password_in_a_column_that_is_shown_is_neither_stored_nor_shown(what: str) -> None:
    store = MemoryStore()
    row = {"name": "df001", "password": "Known-01", "rotated_at": "now", "hold_until": MONDAY, what: "Known-01"}
    result = run(store, credentials=[row])
    assert outcomes(result) == ["failed"]
    assert result["msg"].startswith(f"{what} of df001 holds a password of the account, and nothing was changed.")
    assert "Known-01" not in str(result)
    assert not store.rows


def test_accounts_are_forgotten_in_one_commit() -> None:
    store = Counting(
        holding(
            df001=envelope("df001", 1 * DAY), df002=envelope("df002", 1 * DAY, UNKNOWN), df003=envelope("df003", DAY)
        ).rows
    )
    store.rows["half"] = Stored(FORGOTTEN, "1")
    rows = [{"name": name, "id": IDS.get(name)} for name in ("df001", "df002", "nobody", "half")]
    predicted = run(store, credentials=rows, state="absent", check_mode=True)
    assert (store.commits, len(store.rows)) == (0, 4)
    result = run(store, credentials=rows, state="absent")
    assert predicted == result
    assert outcomes(result) == ["forgotten", "failed", "unchanged", "forgotten"]
    assert (store.commits, set(store.rows)) == (1, {"df002", "df003"})
    assert result["credentials"][0]["state"] == "absent"
    assert outcomes(run(store, credentials=rows, state="absent", force=True))[1] == "forgotten"
    assert set(store.rows) == {"df003"}
    assert "half" not in str(run(MemoryStore({"half": Stored(FORGOTTEN, "1")}), name="half", state="absent").get("msg"))


def test_what_was_to_be_forgotten_is_not_taken_for_a_password() -> None:
    store = MemoryStore({"half": Stored(FORGOTTEN, "1")})
    result = run(store, name="half", password="Known-1!", rotated_at="now")
    assert outcomes(result) == ["failed"]
    assert "state set to absent" in result["msg"]


class Racing(MemoryStore):
    """Somebody else writes df001 just before this run does, ``times`` times."""

    times = 1

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        self._meddle()
        return super().save(changes)

    def delete(self, expected: Mapping[str, str]) -> dict[str, Any]:
        self._meddle()
        return super().delete(expected)

    def _meddle(self) -> None:
        if self.times:
            self.times -= 1
            row = self.rows["df001"]
            document = to_document(envelope("df001", 1 * DAY, UNKNOWN))
            self.rows["df001"] = Stored(document, f"{row.revision}x")


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"hold_until": MONDAY}, "updated"),
        # A candidate has come in the meantime.
        ({"state": "absent", "id": IDS["df001"]}, "failed"),
        ({"state": "absent", "id": IDS["df001"], "force": True}, "forgotten"),
    ],
)
def test_whoever_loses_to_another_run_looks_again(options: dict[str, Any], outcome: str) -> None:
    store = Racing(holding(df001=envelope("df001", 1 * DAY)).rows)
    assert outcomes(run(store, name="df001", **options)) == [outcome]
    if outcome == "updated":
        assert len(active(store, "df001").pending) == 1
        assert active(store, "df001").hold == Hold(MONDAY)


def test_it_gives_up_after_too_many_losses_and_the_others_are_done() -> None:
    store = Racing(holding(df001=envelope("df001", 1 * DAY), df002=envelope("df002", 1 * DAY)).rows)
    store.times = MOST_LOSSES
    result = run(store, credentials=[{"name": "df001"}, {"name": "df002"}], hold_until=MONDAY)
    assert outcomes(result) == ["failed", "updated"]
    assert "Other runs keep changing df001" in result["msg"]


class Failing(MemoryStore):
    """Saves df001, does not know about df002, and then fails."""

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        saved = super().save({name: change for name, change in changes.items() if name == "df001"})
        raise StoreError("The disk is gone.", saved=saved, unknown=["df002"])


def test_a_store_that_fails_in_between_leaves_an_outcome_for_each_row() -> None:
    store = Failing(holding(df001=envelope("df001", 1 * DAY), df002=envelope("df002", 1 * DAY)).rows)
    rows = [{"name": "df001"}, {"name": "df002"}, {"name": "df003", "password": "Known-1!", "rotated_at": "now"}]
    result = run(store, credentials=rows, hold_until=MONDAY)
    assert outcomes(result) == ["updated", "failed", "failed"]
    assert result["changed"]
    assert result["msg"].count("The disk is gone.") == 1


def test_a_refused_rehearsal_is_the_outcome_of_check_mode() -> None:
    store = holding(df001=envelope("df001", 1 * DAY))
    store.refuses_to_save = StoreError("It is read-only.", hint="Mount it for writing.")
    for options in ({"hold_until": MONDAY}, {"state": "absent", "id": IDS["df001"]}):
        result = run(store, name="df001", check_mode=True, **options)
        assert outcomes(result) == ["failed"]
        assert not result["changed"]
    assert not run(store, name="df001", hold_until="now", check_mode=True).get("failed"), "there is nothing to write"


# ----------------------------------------------------------------------------------------- check mode equals the run

PASSWORDS = ("Active-1", "Pending-1", "Known-1!")
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(("", "other", "own")),
        "profile": st.sampled_from(("", "team")),
        "password": st.sampled_from(("", *PASSWORDS)),
        "rotated_at": st.sampled_from(("", "now", "unknown", time_text(NOW - 50 * DAY), time_text(NOW - DAY), "odd")),
        "hold_until": st.sampled_from(("", "now", MONDAY, time_text(NOW - DAY), "odd")),
        "hold_reason": st.sampled_from(("", "audit", "Active-1 is it", "a\nb")),
    },
)


@st.composite
def stores(draw: st.DrawFn) -> MemoryStore:
    rows = {}
    for name in IDS:
        kind = draw(st.sampled_from(("none", "active", "candidate only", "unsettled", "two", "torn", "forgotten")))
        if kind in ("torn", "forgotten"):
            rows[name] = Stored({"format": 9} if kind == "torn" else FORGOTTEN, "1")
        elif kind != "none":
            pending = {"active": (), "two": (UNKNOWN, UNKNOWN)}.get(kind, (UNKNOWN,))
            age = None if kind == "candidate only" else draw(st.sampled_from((-DAY, DAY, 100 * DAY)))
            made = envelope(name, age, *pending)
            if draw(st.booleans()):
                made = made._replace(hold=Hold(draw(st.sampled_from((MONDAY, time_text(NOW - 1)))), "audit"))
            if age is not None and draw(st.booleans()):
                made = made._replace(rotated_at=LONG_AGO)
            if draw(st.booleans()):
                made = made._replace(account=made.account._replace(id=None))
            rows[name] = Stored(to_document(made), f"revision of {name}")
    return MemoryStore(rows)


@settings(max_examples=250, deadline=None)
@given(
    store=stores(),
    rows=st.lists(ROWS, min_size=len(IDS), max_size=len(IDS)),
    state=st.sampled_from(("present", "present", "absent")),
    force=st.booleans(),
)
def test_check_mode_says_what_a_run_does_and_a_second_run_is_quiet(
    store: MemoryStore, rows: list[dict[str, str]], state: str, force: bool
) -> None:
    for name, row in zip(IDS, rows, strict=True):
        row["name"] = name
        if row.get("id") == "own":
            row["id"] = IDS[name]
        elif row.get("id"):
            row["id"] = f"other-{name}"
    options: dict[str, Any] = {"credentials": rows, "state": state, "force": force, "diff": True}
    before = copy.deepcopy(store.rows)
    predicted = run(store, check_mode=True, **options)
    assert store.rows == before
    done = run(store, **options)
    assert predicted == done
    for row in done["credentials"]:
        known = [str(rows[row["name"]].document) for rows in (before, store.rows) if row["name"] in rows]
        # A text that is no password of the account is any text.
        assert not any(secret in str(row) and f"'{secret}'" in str(known) for secret in PASSWORDS)
        if row["outcome"] in ("unchanged", "failed"):
            assert store.rows.get(row["name"]) == before.get(row["name"])
    again = run(store, now=NOW + 1, **options)
    after = [each.replace("adopted", "unchanged").replace("updated", "unchanged") for each in outcomes(done)]
    assert outcomes(again) == [each.replace("forgotten", "unchanged") for each in after]
    assert not again["changed"]


def test_nothing_is_saved_where_somebody_was_faster_to_make_it() -> None:
    class Late(MemoryStore):
        def load(self, names: Any) -> Any:
            found = super().load(names)
            if not self.rows:
                self.rows["df001"] = Stored(to_document(envelope("df001", 1 * DAY)), "theirs")
            return found

    store = Late()
    result = run(store, name="df001", password="Known-1!", rotated_at="now")
    assert outcomes(result) == ["failed"]
    assert store.rows["df001"].revision == "theirs"


def test_the_note_of_an_account_that_has_moved_can_be_forgotten_and_nothing_else() -> None:
    note = {"format": "moved", "moved": {"to": "/srv/new.yml", "at": "2026-11-30T03:00:00Z", "last": "r0"}}
    store = MemoryStore({"df001": Stored({**note, "password": "Active-1"}, "seed")})
    for wish in ({"password": "Known-1!", "rotated_at": "now"}, {"hold_until": MONDAY}):
        result = run(store, name="df001", force=True, **wish)
        assert outcomes(result) == ["failed"]
        assert "The passwords of df001 moved to the store /srv/new.yml" in result["msg"]
    for check_mode in (True, False):
        assert outcomes(run(store, name="df001", state="absent", check_mode=check_mode)) == ["forgotten"]
    assert store.rows == {}
