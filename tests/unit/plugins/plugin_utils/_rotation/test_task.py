# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation task, from its options to its result, with a store in memory and a vendor that does as it is told."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_rotation import SPEC
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    STAGED,
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Pending,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import LONGEST_FLIGHT
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import OUTCOMES
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.task import RotationTask
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.turn import MOST_LOSSES_AFTER_A_SEND
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Change,
    Stored,
    StoreError,
)
from support.memory_store import MemoryStore

NOW = 1_800_000_000.0
DAY = 86400.0
NAMES = ("df001", "df002", "df003", "df004")
IDS = {name: f"id{name}" for name in NAMES}
MESSAGES = {
    "rejected": ("rejected", "NAVER Cloud rejected the request (HTTP 400).", None),
    "unknown": ("unknown_outcome", "It is not known.", "Run the task again with the same new password."),
    "failed": ("authentication", "NAVER Cloud refused the credentials.", "Check the key."),
    "skipped": ("skipped", "Not tried: max_failures (1) was reached.", None),
}


class Vendor:
    """Runs the modules. ``says`` holds the outcomes of the resets of an account, in order, and then confirms."""

    def __init__(self, **says: Sequence[str]) -> None:
        self.says = {name: list(outcomes) for name, outcomes in says.items()}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.live: dict[str, str] = {}
        self.tenants: dict[str | None, Sequence[str]] = {}
        self.instead: dict[str, Any] = {}

    def run_module(self, name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((name, copy.deepcopy(dict(options))))
        if name in self.instead:
            return dict(self.instead[name])
        if name == "ncp_dataforest_account_info":
            names = self.tenants.get(options.get("access_key") or options.get("profile"), NAMES)
            return {"accounts": [{"name": each, "id": f"id{each}", "status": "RUNNING"} for each in names]}
        return {"accounts": [self._reset(row) for row in options["accounts"]]}

    def _reset(self, row: Mapping[str, Any]) -> dict[str, Any]:
        name = row["id"].removeprefix("id")
        outcome = self.says[name].pop(0) if self.says.get(name) else "reset"
        if outcome == "reset":
            self.live[name] = row["password"]
            return {"id": row["id"], "outcome": outcome, "error": None}
        kind, message, hint = MESSAGES[outcome]
        return {"id": row["id"], "outcome": outcome, "error": {"kind": kind, "message": message, "hint": hint}}

    def runs(self, module: str) -> list[dict[str, Any]]:
        return [options for name, options in self.calls if name == module]


def task(store: Any, vendor: Vendor, *, now: float = NOW, **options: Any) -> RotationTask:
    validated = ArgumentSpecValidator(SPEC).validate({"store": {"path": "s.yml"}, "new_accounts": "rotate", **options})
    assert not validated.error_messages
    return RotationTask(
        validated.validated_parameters,
        store,
        vendor.run_module,
        progress=lambda done, total, failures: None,
        clock=lambda: now,
    )


def envelope(name: str, age: float | None, *pending: str, account_id: str | None = None) -> Envelope:
    account = Account(account_id or IDS[name], name, None)
    active = ("Active-1", time_text(NOW - age), "r0") if age is not None else (None, None, None)
    waiting = tuple(
        Pending(f"pending-{at}", time_text(NOW - 60), f"p{at}", outcome, (Flight("another run", time_text(NOW - 60)),))
        for at, outcome in enumerate(pending)
    )
    return Envelope(account, *active, pending=waiting)


def holding(**envelopes: Envelope) -> MemoryStore:
    return MemoryStore({name: Stored(to_document(each), f"seed-{name}") for name, each in envelopes.items()})


def outcomes(result: Mapping[str, Any]) -> list[str]:
    return [row["outcome"] for row in result["accounts"]]


# ------------------------------------------------------------------------------------------------------- outcomes


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
        assert result["msg"].endswith("A further run resumes what was begun, and leaves alone what is done.")
        assert sum(result["summary"].values()) == len(names)
        for row in result["accounts"]:
            if row["outcome"] in ("rotated", "resumed", "fresh"):
                assert row["error"] is None
            else:
                assert row["error"]["message"]
                assert row["error"]["hint"], row
    advice = {row["outcome"]: row["error"]["hint"] for row in (*first["accounts"], *second["accounts"]) if row["error"]}
    assert advice["rejected"].startswith("3 passwords were tried, and none was accepted")
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


def test_keys_that_are_refused_burn_nothing_and_keep_their_hint() -> None:
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
def test_a_module_that_does_not_report_leaves_all_it_was_given_unknown(broken: dict[str, Any]) -> None:
    vendor = Vendor()
    vendor.instead["ncp_dataforest_password"] = broken
    store = MemoryStore()
    result = task(store, vendor).run(check_mode=False)
    assert outcomes(result) == ["unknown"] * 4
    assert all(row["error"]["hint"] for row in result["accounts"])
    assert [row["outcome"] for row in store.rows["df001"].document["pending"]] == [UNKNOWN]
    assert outcomes(task(store, Vendor()).run(check_mode=False)) == ["resumed"] * 4


class Failing(MemoryStore):
    """Fails at the given write, the first being 0, before or after it has taken effect."""

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
def test_a_store_that_fails_ends_the_run_and_every_account_is_told_of(
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
    mended = MemoryStore(store.rows)
    assert set(outcomes(task(mended, vendor).run(check_mode=False))) <= {"rotated", "resumed", "fresh"}
    assert vendor.live == {name: row.document["password"] for name, row in mended.rows.items()}


# ------------------------------------------------------------------------------------------------------ what is run


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


class Counting(MemoryStore):
    """Counts how many names each load and each commit is about."""

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
    # Staged and promoted; between the two read back.
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


def test_accounts_that_cannot_be_listed_are_told_of_as_the_module_did() -> None:
    error = {"kind": "authentication", "message": "Refused.", "hint": "Check the key.", "http_status": 401}
    vendor = Vendor()
    vendor.instead["ncp_dataforest_account_info"] = {"failed": True, "msg": "Refused. Check the key.", "error": error}
    with pytest.raises(KrcloudError) as caught:
        task(MemoryStore(), vendor).run(check_mode=False)
    assert caught.value.as_dict() == {**error, "vendor_code": None, "trace_id": None}
    result = task(MemoryStore(), vendor, accounts=[{"name": "df001"}]).run(check_mode=False)
    assert (outcomes(result), result["changed"]) == (["failed"], False)
    assert result["accounts"][0]["error"] == caught.value.as_dict()


def test_each_set_of_credentials_is_looked_up_once_and_goes_with_its_accounts() -> None:
    vendor = Vendor()
    accounts = [
        {"name": "df001"},
        {"id": "iddf002"},
        {"name": "df003", "profile": "team"},
        {"name": "df004", "access_key": "AK", "secret_key": "SK"},
    ]
    result = task(MemoryStore(), vendor, accounts=accounts, access_key="TASK", secret_key="TASK-SECRET").run(
        check_mode=False
    )
    assert outcomes(result) == ["rotated"] * 4
    own = {"access_key": "TASK", "secret_key": "TASK-SECRET"}
    assert vendor.runs("ncp_dataforest_account_info") == [
        own,
        {"profile": "team"},
        {"access_key": "AK", "secret_key": "SK"},
    ]
    rows = vendor.runs("ncp_dataforest_password")[0]["accounts"]
    given = [{key: row[key] for key in row if key not in ("id", "password")} for row in rows]
    assert given == [{}, {}, {"profile": "team"}, {"access_key": "AK", "secret_key": "SK"}]


class Looked(dict[str, Any]):
    """A row of the list of accounts that counts how often anything of it, or of its like, is read."""

    times = 0

    def __getitem__(self, key: str) -> Any:
        type(self).times += 1
        return super().__getitem__(key)


def test_a_list_of_accounts_is_not_gone_through_anew_for_each_account() -> None:
    names = [f"df{number:03}" for number in range(100)]
    vendor = Vendor()
    vendor.instead["ncp_dataforest_account_info"] = {"accounts": [Looked(name=name, id=f"id{name}") for name in names]}
    given = [{"name": name} if at % 2 else {"id": f"id{name}"} for at, name in enumerate(names)]
    result = task(MemoryStore(), vendor, accounts=given).run(check_mode=True)
    assert [row["name"] for row in result["accounts"]] == names
    assert Looked.times < 10 * len(names)


@pytest.mark.parametrize(("key", "other"), [("name", "id"), ("id", "name")])
def test_none_of_several_accounts_is_taken_for_the_one_that_is_meant(key: str, other: str) -> None:
    vendor = Vendor()
    rows = [{"name": "df001", "id": "iddf001"}, {"name": "df002", "id": "iddf002"}]
    rows.append({key: rows[0][key], other: "another"})
    vendor.instead["ncp_dataforest_account_info"] = {"accounts": rows}
    given = [{key: row[key]} for row in rows[:2]]
    result = task(MemoryStore(), vendor, accounts=given).run(check_mode=False)
    assert outcomes(result) == ["failed", "rotated"]
    assert f"There are several accounts with the {key} {rows[0][key]}. Give both" in result["msg"]
    assert list(vendor.live) == ["df002"]
    vendor.instead["ncp_dataforest_account_info"]["accounts"][2] = rows[0]
    assert outcomes(task(MemoryStore(), vendor, accounts=given).run(check_mode=True)) == ["rotated"] * 2


def test_a_row_whose_name_is_empty_fails_by_itself() -> None:
    vendor = Vendor()
    given = [{"name": ""}, {"id": "", "name": ""}, {"id": "", "name": "df001"}, {"id": "iddf002", "name": ""}]
    result = task(MemoryStore(), vendor, accounts=given).run(check_mode=False)
    assert outcomes(result) == ["failed", "failed", "rotated", "rotated"]
    assert "accounts[0] has neither a name nor an id. Give one of them." in result["msg"]
    assert sorted(vendor.live) == ["df001", "df002"]


def test_credentials_that_see_no_account_are_warned_of() -> None:
    vendor = Vendor()
    vendor.tenants[None] = []
    result = task(MemoryStore(), vendor).run(check_mode=False)
    assert (result["changed"], result["accounts"]) == (False, [])
    assert "see no account" in result["warnings"][0]
    assert "warnings" not in task(MemoryStore(), Vendor()).run(check_mode=False)


def test_credentials_that_fail_fail_only_their_accounts() -> None:
    vendor = Vendor()
    vendor.tenants["team"] = ["df002"]
    accounts = [{"name": "df001"}, {"name": "df001", "profile": "team"}, {"name": "df002", "profile": "team"}]
    result = task(MemoryStore(), vendor, accounts=accounts).run(check_mode=False)
    assert outcomes(result) == ["rotated", "failed", "rotated"]
    assert result["accounts"][1]["error"]["kind"] == "not_found"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 65}, "concurrency"),
        ({"max_failures": 0}, "max_failures"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"batch_size": 0}, "batch_size"),
        ({"password_length": 7}, "7"),
        ({"password_length": 21}, "21"),
        ({"max_age": "ninety days"}, "max_age"),
        ({"max_age": "0d"}, "max_age"),
        ({"jitter": "10"}, "jitter"),
        ({"jitter": "100%"}, "jitter"),
        ({"accounts": []}, "accounts"),
        ({"accounts": [{"name": "df001"}, {"id": "iddf001"}]}, "more than once"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_committed(
    options: dict[str, Any], said: str
) -> None:
    vendor, store = Vendor(), MemoryStore()
    with pytest.raises(KrcloudError, match=said) as caught:
        task(store, vendor, **options).run(check_mode=False)
    assert caught.value.kind == "configuration"
    assert store.rows == {}
    assert vendor.runs("ncp_dataforest_password") == []


# ------------------------------------------------------------------------------------------------------- check mode

AGES = st.sampled_from([0.0, 1 * DAY, 80 * DAY, 82 * DAY, 89 * DAY, 90 * DAY, 400 * DAY, -2 * DAY])
PENDING = st.lists(st.sampled_from([STAGED, UNKNOWN]), max_size=2)


@st.composite
def states(draw: st.DrawFn) -> dict[str, Stored]:
    """What a store may hold of the accounts."""
    rows = {}
    for name in NAMES:
        kind = draw(st.sampled_from(["absent", "envelope", "other id", "no envelope"]))
        pending = draw(PENDING)
        age = draw(AGES) if not pending else draw(st.one_of(st.none(), AGES))
        document: Any = to_document(envelope(name, age, *pending, account_id="another" if kind == "other id" else None))
        if kind == "no envelope":
            document = {"password": "hunter2"}
        if kind != "absent":
            rows[name] = Stored(document, f"seed-{name}")
    return rows


@given(states(), st.booleans(), st.sampled_from([1, 3]), st.booleans())
def test_check_mode_predicts_exactly_what_the_run_then_does(
    rows: dict[str, Stored], force: bool, batch_size: int, one_is_gone: bool
) -> None:
    options: dict[str, Any] = {"force": force, "batch_size": batch_size}
    if one_is_gone:
        options["accounts"] = [{"name": "gone"}, *({"name": name} for name in NAMES)]
    store, vendor = MemoryStore(copy.deepcopy(rows)), Vendor()
    predicted = task(store, vendor, **options).run(check_mode=True, diff=True)
    assert store.rows == rows
    assert vendor.runs("ncp_dataforest_password") == []

    done = task(store, vendor, **options).run(check_mode=False, diff=True)
    for key in ("changed", "summary", "diff", "failed", "msg"):
        assert predicted.get(key) == done.get(key), key
    assert outcomes(predicted) == outcomes(done)
    assert [row["published"] for row in predicted["accounts"]] == [row["published"] for row in done["accounts"]]
    shown = predicted["diff"]["before"] + predicted["diff"]["after"]
    assert "active-" not in shown
    assert "pending-" not in shown
    assert "hunter2" not in str(predicted)

    # A day later nothing can be in flight any more, once a run has seen to that.
    calm_options = {**options, "force": False, "now": NOW + LONGEST_FLIGHT}
    task(store, Vendor(), **calm_options).run(check_mode=False)
    calm = task(store, Vendor(), **calm_options).run(check_mode=True, diff=True)
    assert (calm["changed"], calm["diff"]) == (False, {"before": "", "after": ""})


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


class Overtaken(MemoryStore):
    """Another run promotes a password of its own before each write but the first ``calm`` ones."""

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


def test_new_accounts_fail_by_default_and_the_others_have_their_turn() -> None:
    store = holding(df001=envelope("df001", 100 * DAY))
    vendor = Vendor()
    options: dict[str, Any] = {"accounts": [{"name": "df002"}, {"name": "df001"}], "max_failures": 1}
    result = task(store, vendor, **options, new_accounts="fail").run(check_mode=False)
    assert outcomes(result) == ["failed", "rotated"]
    assert result["accounts"][0]["error"]["kind"] == "configuration"
    assert "new_accounts set to rotate" in result["msg"]
    assert "df002" not in store.rows
    predicted = task(store, vendor, **options, new_accounts="fail").run(check_mode=True)
    assert outcomes(predicted) == ["failed", "fresh"]
    left = task(store, vendor, **options, new_accounts="skip").run(check_mode=False)
    assert outcomes(left) == ["skipped", "fresh"]
    assert not left.get("failed")


def listed(account: str, **more: Any) -> dict[str, Any]:
    """A row as ncp_dataforest_account_info returns it."""
    rest = {"principal": None, "status": "RUNNING", "disabled": False, "created_at": "2025-02-20T09:32:55+09:00"}
    return {"id": IDS[account], "name": account, **rest, **more}


def test_rows_of_account_info_are_taken_as_they_are_and_not_looked_up() -> None:
    vendor = Vendor()
    result = task(holding(), vendor, accounts=[listed("df001"), listed("df002")]).run(check_mode=False)
    assert outcomes(result) == ["rotated", "rotated"]
    assert vendor.runs("ncp_dataforest_account_info") == []


@pytest.mark.parametrize("accounts", [None, []])
def test_accounts_that_are_given_and_name_nobody_are_refused(accounts: Any) -> None:
    options = ArgumentSpecValidator(SPEC).validate({"store": {"path": "s.yml"}, "accounts": accounts})
    vendor = Vendor()
    given = RotationTask(
        options.validated_parameters,
        holding(),
        vendor.run_module,
        progress=lambda *numbers: None,
        given=("store", "accounts"),
    )
    with pytest.raises(KrcloudError, match="accounts is given, but names no account"):
        given.run(check_mode=False)
    assert vendor.calls == []


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
            assert result["accounts"][1]["outcome"] != "failed"
    assert store.rows["df001"] == before


def test_an_account_made_anew_is_taken_over_when_its_new_id_is_written() -> None:
    store = holding(df001=envelope("df001", 1 * DAY, account_id="another"))
    accounts = [{"name": "df001", "id": IDS["df001"]}]
    assert outcomes(task(store, Vendor(), accounts=accounts, new_accounts="fail").run(check_mode=False)) == ["failed"]
    assert outcomes(task(store, Vendor(), accounts=accounts).run(check_mode=True)) == ["rotated"]
    assert outcomes(task(store, Vendor(), accounts=accounts).run(check_mode=False)) == ["rotated"]
    after = from_document(store.rows["df001"].document)
    assert after.account.id == IDS["df001"]
    assert [former.password for former in after.previous] == ["Active-1"]


def test_names_and_ids_that_are_not_safe_are_the_failure_of_their_rows() -> None:
    vendor = Vendor()
    vendor.instead["ncp_dataforest_account_info"] = {
        "accounts": [
            listed("df001"),
            listed("df002", name="{{ lookup('pipe', 'id') }}"),
            listed("df003", id="a/b"),
            listed("df004", name=None),
            listed("df004", name="df001"),
            listed("df001", name="twin"),
        ],
        "unusable": [{"reason": "An account of the list has no id that can be used."}],
    }
    store = holding()
    result = task(store, vendor).run(check_mode=False)
    assert outcomes(result) == ["rotated"] + ["failed"] * 6
    assert list(store.rows) == ["df001"]
    assert "lookup" not in str(result)
    assert "more than one account with the name df001" in result["accounts"][4]["error"]["message"]
    assert f"more than one account with the id {IDS['df001']}" in result["accounts"][5]["error"]["message"]
    written = task(store, Vendor(), accounts=[{"name": "{{ x }}"}, {"id": "a b"}, {"name": "df001"}]).run(False)
    assert outcomes(written) == ["failed", "failed", "fresh"]
    assert "The name of accounts[0] is not valid" in written["accounts"][0]["error"]["message"]


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


def active(store: MemoryStore, name: str) -> Envelope:
    return from_document(store.rows[name].document)


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
    # While a candidate may be live, nobody knows that the active password is.
    assert [row["hand_over"] for row in result["accounts"]] == [True, False, False, True]
    # The keys die between the list and the reset: the new candidate was certainly not set.
    result = task(store, Vendor(df004=["failed"]), accounts=names[3:]).run(check_mode=False)
    assert outcomes(result) == ["failed"]
    assert [row["hand_over"] for row in result["accounts"]] == [True]
    assert active(store, "df004").pending


def test_a_hand_over_that_was_begun_is_told_until_another_password_is_active() -> None:
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


@pytest.mark.parametrize("said", ["reset?", None, 7])
def test_an_outcome_that_is_not_known_is_not_known(said: Any) -> None:
    store = holding(df001=envelope("df001", 100 * DAY))
    vendor = Vendor()
    row = {"id": IDS["df001"], "outcome": said, "error": None}
    vendor.instead["ncp_dataforest_password"] = {"accounts": [row]}
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["unknown"]
    vendor.instead["ncp_dataforest_password"] = {"accounts": [{**row, "id": "another", "outcome": "reset"}]}
    assert outcomes(task(store, vendor, accounts=[{"name": "df001"}]).run(check_mode=False)) == ["unknown"]


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


def previous_in_flight() -> dict[str, Any]:
    flight = {"run": "another", "since": time_text(NOW - 60)}
    return {"password": "late", "retired_at": time_text(NOW - 60), "rotation_id": "late", "in_flight": [flight]}


def test_the_diff_shows_a_date_in_the_future() -> None:
    store = holding(df001=envelope("df001", -400 * DAY))
    for check_mode in (True, False):
        result = task(store, Vendor(), accounts=[{"name": "df001"}]).run(check_mode, diff=True)
        assert outcomes(result) == ["rotated"]
        assert result["diff"] == {
            "before": "df001: active, dated 400d in the future\n",
            "after": "df001: active, 0s old\n",
        }


def test_a_document_that_alone_cannot_be_saved_is_the_failure_of_its_account() -> None:
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
