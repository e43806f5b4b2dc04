# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts at a time: batches, limits, commits that fail or are lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.turn import MOST_LOSSES_AFTER_A_SEND
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Change,
    Stored,
    StoreError,
)
from support.memory_store import MemoryStore
from support.rotation_tasks import (
    DAY,
    NAMES,
    Vendor,
    envelope,
    holding,
    outcomes,
    task,
)


class Failing(MemoryStore):
    """Fails at the given write, counted from 0, before or after it has taken effect."""

    def __init__(self, at: int, *, after: bool, rows: Mapping[str, Stored] | None = None) -> None:
        super().__init__(rows)
        self._at, self._after, self._writes = at, after, 0

    def save(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        self._writes += 1
        if self._writes <= self._at:
            return super().save(changes)
        if self._writes == self._at + 1 and self._after:
            super().save(changes)
        raise StoreError("The disk is gone.", unknown=list(changes))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("at", "expected", "sent"),
    [
        (0, ["failed", "failed", "skipped", "skipped"], 0),
        (1, ["unknown", "unknown", "skipped", "skipped"], 1),
        (2, ["rotated", "rotated", "failed", "failed"], 1),
        (3, ["rotated", "rotated", "unknown", "unknown"], 2),
    ],
)
def test_a_store_that_fails_ends_the_run_and_every_account_is_reported(
    at: int, expected: list[str], sent: int, after: bool
) -> None:
    vendor = Vendor()
    store = Failing(at, after=after)
    result = task(store, vendor, batch_size=2).run(check_mode=False)
    assert outcomes(result) == expected
    assert len(vendor.runs("ncp_dataforest_password")) == sent
    assert "The disk is gone." in result["msg"]
    for row in result["accounts"]:
        kind = {"rotated": None, "skipped": "skipped"}.get(row["outcome"], "store")
        assert (row["error"] or {}).get("kind") == kind
    repaired = MemoryStore(store.rows)
    assert set(outcomes(task(repaired, vendor).run(check_mode=False))) <= {"rotated", "resumed", "fresh"}
    assert vendor.live == {name: row.document["password"] for name, row in repaired.rows.items()}


def test_an_answer_that_got_lost_stays_unknown_when_the_store_fails_too() -> None:
    vendor = Vendor(df001=["unknown"], df002=["failed"])
    accounts = [{"name": "df001"}, {"name": "df002"}]
    result = task(Failing(1, after=False), vendor, accounts=accounts).run(check_mode=False)
    assert outcomes(result) == ["unknown", "failed"]


class Counting(MemoryStore):
    """Counts the names of each load and each commit."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[int] = []
        self.commits: list[int] = []

    def load(self, names: Sequence[str]) -> dict[str, Stored]:
        self.loads.append(len(names))
        return super().load(names)

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        self.commits.append(len(changes))
        return super().save(changes)


@pytest.mark.parametrize(("batch_size", "batches"), [(1000, [4]), (3, [3, 1])])
def test_a_batch_is_two_commits_and_one_run_of_a_module(batch_size: int, batches: list[int]) -> None:
    vendor, store = Vendor(), Counting()
    rotated = task(store, vendor, batch_size=batch_size).run(check_mode=False)
    assert outcomes(rotated) == ["rotated"] * 4
    assert len(vendor.runs("ncp_dataforest_account_info")) == 1
    assert [len(run["accounts"]) for run in vendor.runs("ncp_dataforest_password")] == batches
    # Staged and promoted, and read back in between.
    assert store.commits == [size for size in batches for _stage_and_promote in range(2)]
    assert store.loads == [4, *batches]


def test_where_nothing_is_due_nothing_is_committed_and_nobody_is_reset() -> None:
    vendor, store = Vendor(), Counting()
    task(store, vendor).run(check_mode=False)
    store.loads, store.commits, vendor.calls = [], [], []
    assert outcomes(task(store, vendor).run(check_mode=False)) == ["fresh"] * 4
    assert [name for name, _options in vendor.calls] == ["ncp_dataforest_account_info"]
    assert (store.loads, store.commits) == ([4], [])


def test_max_failures_holds_within_a_batch_and_what_was_staged_is_sent_by_the_next_run() -> None:
    vendor = Vendor(df001=["unknown"], df002=["skipped"], df003=["skipped"], df004=["skipped"])
    store = MemoryStore()
    result = task(store, vendor, max_failures=1).run(check_mode=False)
    assert outcomes(result) == ["unknown", "skipped", "skipped", "skipped"]
    (reset,) = vendor.runs("ncp_dataforest_password")
    assert reset["max_failures"] == 1
    staged = {name: row.document["pending"][0]["password"] for name, row in store.rows.items()}
    assert outcomes(task(store, vendor).run(check_mode=False)) == ["resumed"] * 4
    assert vendor.live == staged


def test_one_that_was_skipped_for_a_rejection_has_its_turn_when_the_next_candidate_is_taken() -> None:
    vendor = Vendor(df001=["rejected"], df002=["skipped"], df003=["skipped"], df004=["skipped"])
    store = MemoryStore()
    assert outcomes(task(store, vendor, max_failures=1).run(check_mode=False)) == ["rotated"] * 4
    assert vendor.live == {name: row.document["password"] for name, row in store.rows.items()}


class Overtaken(MemoryStore):
    """Another run promotes a password of its own before each write except the first ``calm`` ones."""

    def __init__(self, calm: int) -> None:
        super().__init__()
        self._calm, self.saves = calm, 0

    def save(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        self.saves += 1
        if self.saves > self._calm:
            for name in changes:
                theirs = envelope(name, 100 * DAY)
                self.rows[name] = Stored(to_document(theirs), f"theirs-{self.saves}")
        return super().save(changes)


@pytest.mark.parametrize(
    ("calm", "outcome", "advice", "losses"),
    [
        (0, "failed", "Run again when they have finished.", MOST_LOSSES),
        (1, "unknown", "When the other runs have finished, run with force set to true.", MOST_LOSSES_AFTER_A_SEND),
    ],
)
def test_runs_that_keep_winning_are_given_way_in_the_end(calm: int, outcome: str, advice: str, losses: int) -> None:
    store, vendor = Overtaken(calm), Vendor()
    (row,) = task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)["accounts"]
    assert row["outcome"] == outcome
    assert row["error"]["message"] == "Other runs keep changing df001 in the store."
    assert row["error"]["hint"].endswith(advice)
    assert store.saves == calm + losses + 1


def test_check_mode_predicts_that_the_store_cannot_be_written() -> None:
    class ReadOnly(MemoryStore):
        def check_save(self, names: Sequence[str]) -> None:
            if names:
                raise StoreError("The store is read-only.", hint="Mount it for writing.")

        def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
            raise StoreError("The store is read-only.", hint="Mount it for writing.")

    rows = {name: envelope(name, 100 * DAY) for name in NAMES[:3]} | {"df004": envelope("df004", 1 * DAY)}
    store = ReadOnly(holding(**rows).rows)
    results = [task(store, Vendor(), batch_size=2).run(check_mode) for check_mode in (True, False)]
    assert outcomes(results[0]) == outcomes(results[1]) == ["failed", "failed", "skipped", "fresh"]
    assert results[0] == results[1]


def test_what_a_failing_store_has_saved_is_settled() -> None:
    class Filling(MemoryStore):
        saves = 0

        def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
            self.saves += 1
            if self.saves == 1:
                return super().save(changes)
            first, *rest = changes
            saved = super().save({first: changes[first]})
            raise StoreError("The disk is full.", saved=saved, unknown=rest[:1])

    store = Filling()
    result = task(store, Vendor(), accounts=[{"name": name} for name in NAMES[:3]]).run(check_mode=False)
    assert outcomes(result) == ["rotated", "unknown", "unknown"]
    assert [row["rotated_at"] is None for row in result["accounts"]] == [False, True, True]


def test_a_document_that_cannot_be_saved_is_the_failure_of_its_account() -> None:
    refusal = StoreError("The server does not permit this token to write df001.", hint="Give its policy update.")

    class Partly(MemoryStore):
        def check_save(self, names: Sequence[str]) -> dict[str, StoreError]:
            return {name: refusal for name in names if name == "df001"}

        def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
            others = super().save({name: change for name, change in changes.items() if name != "df001"})
            return {**others, **({"df001": refusal} if "df001" in changes else {})}

    store = Partly(holding(df001=envelope("df001", 100 * DAY), df002=envelope("df002", 100 * DAY)).rows)
    accounts = [{"name": "df001"}, {"name": "df002"}]
    results = [task(store, Vendor(), accounts=accounts).run(check_mode) for check_mode in (True, False)]
    assert outcomes(results[0]) == outcomes(results[1]) == ["failed", "rotated"]
    assert results[1]["accounts"][0]["error"]["hint"] == "Give its policy update."
    assert results[0]["msg"] == results[1]["msg"]


@pytest.mark.parametrize(
    ("says", "max_resets", "expected", "sent"),
    [
        ({}, 1, ["rotated", "skipped", "skipped", "skipped"], [1]),
        ({}, 3, ["rotated", "rotated", "rotated", "skipped"], [3]),
        ({}, 9, ["rotated"] * 4, [4]),
        # What may have been set counts as well.
        ({"df001": ["unknown"]}, 1, ["unknown", "skipped", "skipped", "skipped"], [1]),
        # One that fails by itself passes the turn on. No more than what is left is sent at a time.
        ({"df001": ["failed"]}, 1, ["failed", "rotated", "skipped", "skipped"], [1, 1]),
        ({"df001": ["rejected"] * 3}, 2, ["rejected", "rotated", "rotated", "skipped"], [2, 1, 1, 1]),
        ({"df001": ["rejected"]}, 1, ["rotated", "skipped", "skipped", "skipped"], [1, 1]),
    ],
)
def test_max_resets_counts_what_was_or_may_have_been_set(
    says: Mapping[str, Sequence[str]], max_resets: int, expected: list[str], sent: list[int]
) -> None:
    vendor, store = Vendor(**says), MemoryStore()
    result = task(store, vendor, max_resets=max_resets).run(check_mode=False)
    assert outcomes(result) == expected
    assert [len(run["accounts"]) for run in vendor.runs("ncp_dataforest_password")] == sent
    left = {row["name"] for row in result["accounts"] if row["outcome"] == "skipped"}
    assert not left & store.rows.keys()
    messages = {row["error"]["message"] for row in result["accounts"] if row["outcome"] == "skipped"}
    assert messages <= {f"Not tried: max_resets ({max_resets}) was reached."}


def test_check_mode_predicts_max_resets() -> None:
    store = holding(df001=envelope("df001", 1 * DAY), df002=envelope("df002", 100 * DAY))
    predicted, real = (task(store, Vendor(), max_resets=2).run(check_mode) for check_mode in (True, False))
    assert outcomes(predicted) == outcomes(real) == ["fresh", "rotated", "rotated", "skipped"]
    assert predicted["accounts"][3] == real["accounts"][3]
    assert not real.get("failed")


def test_one_that_is_unknown_in_each_run_keeps_no_other_from_its_turn() -> None:
    store, vendor = MemoryStore(), Vendor(df001=["unknown"] * 9)
    assert outcomes(task(store, vendor, max_resets=1).run(check_mode=False)) == ["unknown", *["skipped"] * 3]
    for at in (1, 2, 3):
        predicted, real = (task(store, vendor, max_resets=1).run(check_mode) for check_mode in (True, False))
        assert outcomes(predicted) == outcomes(real)
        assert outcomes(real) == ["skipped", *["fresh"] * (at - 1), "rotated", *["skipped"] * (3 - at)]
    assert outcomes(task(store, vendor, max_resets=1).run(check_mode=False)) == ["unknown", *["fresh"] * 3]


def test_where_the_vendor_cannot_be_reached_the_turn_is_not_passed_on_for_ever() -> None:
    vendor, store = Vendor(), MemoryStore()
    vendor.instead["ncp_dataforest_password"] = {"failed": True, "msg": "no", "error": {"kind": "transport"}}
    result = task(store, vendor, max_resets=1).run(check_mode=False)
    assert outcomes(result) == ["failed", "failed", "failed", "skipped"]
    assert "could not be reached" in result["accounts"][3]["error"]["message"]
    assert outcomes(task(MemoryStore(), vendor).run(check_mode=False)) == ["failed"] * 4


def test_the_result_tells_after_how_many_failures_it_stops() -> None:
    """The role counts failed hand-overs as well, and `module_defaults` may have set the option."""
    assert [task(MemoryStore(), Vendor(), **given).run(check_mode=True)["max_failures"] for given in ({}, LIMIT)] == [
        None,
        3,
    ]


LIMIT = {"max_failures": 3}
