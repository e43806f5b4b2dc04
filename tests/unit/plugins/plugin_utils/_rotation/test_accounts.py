# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which accounts a task is about."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_rotation import SPEC
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.accounts import (
    without_empty_credentials,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.task import RotationTask
from support.memory_store import MemoryStore
from support.rotation_tasks import (
    DAY,
    IDS,
    Vendor,
    envelope,
    holding,
    listed,
    outcomes,
    task,
)


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
        {
            "tenants": [{"profile": "team"}, {"access_key": "AK", "secret_key": "SK"}],
            "concurrency": 8,
            "requests_per_second": None,
        },
    ]
    rows = vendor.runs("ncp_dataforest_password")[0]["accounts"]
    given = [{key: row[key] for key in row if key not in ("id", "password")} for row in rows]
    assert given == [{}, {}, {"profile": "team"}, {"access_key": "AK", "secret_key": "SK"}]


class Looked(dict[str, Any]):
    """A row of the list of accounts. The class counts how often anything is read from any row."""

    times = 0

    def __getitem__(self, key: str) -> Any:
        type(self).times += 1
        return super().__getitem__(key)


def test_a_list_of_accounts_is_not_searched_for_each_account() -> None:
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


def test_credentials_that_see_no_account_are_warned_about() -> None:
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


def test_an_id_under_two_names_and_two_sets_of_credentials_is_one_account() -> None:
    one, other = IDS["df001"], IDS["df003"]
    rows = [
        {"name": name, "id": one, "profile": profile, "status": "RUNNING"}
        for name, profile in (("df001", "one"), ("df002", "other"))
    ]
    vendor, store = Vendor(), holding()
    result = task(store, vendor, accounts=[*rows, {"name": "df003", "id": other}]).run(check_mode=False)
    assert outcomes(result) == ["rotated", "failed", "rotated"]
    # With both of them, the module would refuse all three.
    sent = [row["id"] for run in vendor.runs("ncp_dataforest_password") for row in run["accounts"]]
    assert sent == [one, other]
    error = result["accounts"][1]["error"]
    assert error["message"] == f"There is more than one account with the id {one}; only the first was processed."
    assert error["hint"] == "List each account once, with the credentials of its own tenant."
    assert "df002" not in store.rows


@pytest.mark.parametrize("options", [{}, {"exclude": ["df001"]}, {"force": True, "new_accounts": "rotate"}])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_name_with_the_id_of_another_account_sets_no_password(options: dict[str, Any], check_mode: bool) -> None:
    """It would be that of the other one, even if that is excluded or on hold."""
    adopted = envelope("df002", 100 * DAY)._replace(account=Account(None, "df002", None))
    store = holding(df001=envelope("df001", DAY), df002=adopted)
    rows = [{"name": "df002", "id": IDS["df001"]}, {"name": "df003", "id": IDS["df003"]}, {"name": "df001"}]
    vendor, before = Vendor(), dict(store.rows)
    result = task(store, vendor, accounts=rows, **options).run(check_mode=check_mode)
    assert result["accounts"][0]["outcome"] == "failed"
    assert result["accounts"][0]["error"]["message"] == (
        "The name and the id of accounts[0] do not belong together: the id is that of df001."
    )
    assert result["accounts"][1]["outcome"] == "rotated"
    assert store.rows["df002"] == before["df002"]


def test_an_id_that_nobody_has_is_not_believed_because_of_the_name() -> None:
    result = task(holding(), Vendor(), accounts=[{"name": "df001", "id": "gone"}]).run(check_mode=False)
    assert outcomes(result) == ["failed"]
    assert "The name and the id of accounts[0] do not belong together. Correct the row, or" in result["msg"]


def test_rows_of_a_list_are_not_listed_again() -> None:
    vendor = Vendor()
    result = task(holding(), vendor, accounts=[listed("df001"), listed("df002")]).run(check_mode=False)
    assert outcomes(result) == ["rotated", "rotated"]
    assert vendor.runs("ncp_dataforest_account_info") == []


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ({"access_key": "", "secret_key": "Invented-1x"}, "access_key"),
        ({"access_key": None, "secret_key": "Invented-1x"}, "access_key"),
        ({"access_key": "AK", "secret_key": ""}, "secret_key"),
    ],
)
@pytest.mark.parametrize("by", [("name",), ("id",), ("name", "id")])
def test_half_a_key_is_the_failure_of_its_row(keys: dict[str, Any], missing: str, by: tuple[str, ...]) -> None:
    vendor, store = Vendor(), holding(df001=envelope("df001", 1 * DAY))
    row = {name: {"name": "df001", "id": IDS["df001"]}[name] for name in by}
    accounts = [{**row, **keys}, {"name": "df002", "id": IDS["df002"], "access_key": "", "secret_key": ""}]
    for check_mode in (True, False):
        result = task(store, vendor, accounts=accounts).run(check_mode)
        assert outcomes(result) == ["failed", "rotated"]
        first = result["accounts"][0]
        assert first["error"]["kind"] == "configuration"
        assert first["error"]["message"].endswith(f", but none for {missing}.")
        # Handing over needs no key.
        assert first["hand_over"] is ("name" in by)
    # The module would refuse both of them.
    assert [list(sent) for run in vendor.runs("ncp_dataforest_password") for sent in run["accounts"]] == [
        ["id", "password"]
    ]


def test_what_does_not_look_like_an_id_is_called_by_its_place() -> None:
    secret = "Zq7mVx-Canary01"
    half = {"id": secret, "access_key": "AK", "secret_key": ""}
    result = task(holding(), Vendor(), accounts=[{"id": secret}, half]).run(check_mode=False)
    assert [row["name"] for row in result["accounts"]] == ["accounts[0]", "accounts[1]"]
    assert secret not in str(result)


def test_names_and_ids_need_not_have_the_documented_form() -> None:
    odd = {"df001": "B-1", "팀_가.01@example.com": "c" * 64}
    rows = [listed("df001", name=name, id=account_id) for name, account_id in odd.items()]
    for accounts in (None, rows):
        vendor, store = Vendor(), holding()
        vendor.instead["ncp_dataforest_account_info"] = {"accounts": rows}
        result = task(store, vendor, **({"accounts": accounts} if accounts else {})).run(check_mode=False)
        assert outcomes(result) == ["rotated"] * 2
        assert {name: row.document["account"]["id"] for name, row in store.rows.items()} == odd


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


# ------------------------------------------------------------------------------------------------------------- tenants

KEYS = {"access_key": "AK", "secret_key": "SK"}
REFUSED = {"kind": "authentication", "message": "Refused.", "hint": "Check the key.", "http_status": 401}


def test_all_accounts_of_all_tenants_are_listed_in_one_run() -> None:
    vendor = Vendor()
    vendor.tenants.update(one=["df001", "df002"], AK=["df003"])
    options = {"tenants": [{"profile": "one"}, KEYS], "concurrency": 20, "requests_per_second": 7.0, "config_file": "c"}
    store = MemoryStore()
    result = task(store, vendor, **options).run(check_mode=False)
    assert outcomes(result) == ["rotated"] * 3
    assert [(row["name"], row["profile"], row["access_key"]) for row in result["accounts"]] == [
        ("df001", "one", None),
        ("df002", "one", None),
        ("df003", None, "AK"),
    ]
    pace = {"concurrency": 20, "requests_per_second": 7.0}
    assert vendor.runs("ncp_dataforest_account_info") == [
        {"tenants": [{"profile": "one"}, KEYS], "config_file": "c", **pace}
    ]
    (reset,) = vendor.runs("ncp_dataforest_password")
    given = [{key: row[key] for key in row if key not in ("id", "password")} for row in reset["accounts"]]
    assert given == [{"profile": "one"}, {"profile": "one"}, KEYS]
    assert store.rows["df001"].document["account"]["profile"] == "one"
    assert "AK" not in str(store.rows["df003"].document)
    assert outcomes(task(store, vendor, **options).run(check_mode=False)) == ["fresh"] * 3


def test_a_tenant_that_cannot_be_listed_is_a_row_that_says_whose_it_is() -> None:
    vendor = Vendor()
    vendor.tenants.update(one=["df001"], two=["df002"])
    vendor.refused = {"AK": REFUSED, "no name!": REFUSED, "three": REFUSED}
    tenants = [{"profile": "one"}, KEYS, {"profile": "no name!"}, {"profile": "three"}, {"profile": "two"}]
    result = task(MemoryStore(), vendor, tenants=tenants).run(check_mode=False)
    assert outcomes(result) == ["rotated", "failed", "failed", "failed", "rotated"]
    failed = result["accounts"][1:4]
    assert [(row["name"], row["id"], row["profile"], row["access_key"]) for row in failed] == [
        (None, None, None, "AK"),
        (None, None, "no name!", None),
        (None, None, "three", None),
    ]
    assert [row["error"]["message"] for row in failed] == [
        f"The accounts of {name} could not be listed: Refused."
        for name in ("tenants[1] (AK)", "tenants[2]", "tenants[3] (three)")
    ]
    assert failed[0]["error"] == {**REFUSED, "message": failed[0]["error"]["message"]} | dict.fromkeys(
        ("vendor_code", "trace_id")
    )
    assert sorted(vendor.live) == ["df001", "df002"]


def test_tenants_that_see_nothing_are_warned_of_and_what_cannot_be_used_says_whose_it_is() -> None:
    vendor = Vendor()
    vendor.tenants.update({f"team-{at:02}": [] for at in range(12)}, some=["df001"])
    tenants = [{"profile": name} for name in vendor.tenants]
    result = task(MemoryStore(), vendor, tenants=tenants).run(check_mode=False)
    assert outcomes(result) == ["rotated"]
    (warning,) = result["warnings"]
    assert warning.startswith("12 of 13 tenants see no account: tenants[0] (team-00), tenants[1] (team-01),")
    assert warning.endswith("tenants[9] (team-09) and 2 more. Check whose credentials they are.")
    result = task(MemoryStore(), vendor, tenants=tenants[-2:]).run(check_mode=True)
    assert result["warnings"] == [
        "1 of 2 tenants sees no account: tenants[0] (team-11). Check whose credentials they are."
    ]
    reason = "Account 1 in the list of NAVER Cloud is left out: it is not in the documented form."
    vendor.instead["ncp_dataforest_account_info"] = {
        "accounts": [],
        "unusable": [{"position": 1, "reason": reason, "profile": None, "access_key": "AK"}],
        "tenants": [{"profile": None, "access_key": "AK", "accounts": 0, "error": None}],
    }
    result = task(MemoryStore(), vendor, tenants=[KEYS]).run(check_mode=False)
    (row,) = result["accounts"]
    assert (row["outcome"], row["access_key"]) == ("failed", "AK")
    assert row["error"]["message"] == f"Of tenants[0] (AK): {reason}"
    assert "warnings" not in result


def test_two_tenants_with_an_account_of_one_name() -> None:
    vendor = Vendor()
    vendor.instead["ncp_dataforest_account_info"] = {
        "accounts": [
            {"name": "df001", "id": "one", "profile": "one", "access_key": None},
            {"name": "df001", "id": "two", "profile": "two", "access_key": None},
            {"name": "df001", "id": "one", "profile": "three", "access_key": None},
        ],
        "tenants": [{"profile": each, "accounts": 1, "error": None} for each in ("one", "two", "three")],
    }
    tenants = [{"profile": each} for each in ("one", "two", "three")]
    result = task(MemoryStore(), vendor, tenants=tenants).run(check_mode=True)
    assert outcomes(result) == ["rotated", "failed", "failed"]
    assert [row["profile"] for row in result["accounts"]] == ["one", "two", "three"]
    other, same = (row["error"] for row in result["accounts"][1:])
    assert "more than one account with the name df001; only" in other["message"]
    assert "give each tenant a store of its own" in other["hint"]
    assert "more than one account with the name df001 and the same id" in same["message"]
    assert "check whether they have the same keys" in same["hint"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tenants": []}, "tenants is given, but names no tenant"),
        ({"tenants": None}, "tenants is given, but names no tenant"),
        ({"tenants": [KEYS], "accounts": [{"name": "df001"}]}, "tenants cannot be combined with accounts"),
        ({"tenants": [KEYS], "profile": "one"}, "tenants cannot be combined with profile"),
        ({"tenants": [{"profile": "one"}], **KEYS}, "cannot be combined with access_key and secret_key"),
        ({"tenants": [{**KEYS}, {"profile": "one"}, {**KEYS}]}, "tenants.2. is the same tenant as tenants.0."),
        ({"tenants": [KEYS, {**KEYS, "secret_key": "other"}]}, "tenants.1. is the same tenant as tenants.0."),
    ],
)
def test_tenants_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    vendor = Vendor()
    with pytest.raises(KrcloudError, match=said):
        task(MemoryStore(), vendor, given=tuple(options), **options).run(check_mode=False)
    assert vendor.calls == []


def test_a_list_that_fails_as_a_whole_fails_all_of_its_rows_and_only_these() -> None:
    vendor = Vendor()
    accounts = [{"name": "df001", "profile": "one"}, listed("df002"), {"name": "df003", **KEYS}]
    vendor.instead["ncp_dataforest_account_info"] = {"failed": True, "msg": "Gone.", "error": {"kind": "transport"}}
    result = task(MemoryStore(), vendor, accounts=accounts).run(check_mode=False)
    assert outcomes(result) == ["failed", "rotated", "failed"]
    with pytest.raises(KrcloudError, match="Gone"):
        task(MemoryStore(), vendor, tenants=[KEYS]).run(check_mode=False)


def test_of_two_secrets_for_one_key_the_wrong_one_does_not_fail_the_rows_with_the_right_one() -> None:
    vendor = Vendor()
    vendor.refused = {"wrong": REFUSED}
    wrong = {**KEYS, "secret_key": "wrong"}
    accounts = [{"name": "df001", **wrong}, {"name": "df002", **KEYS}, {"name": "df003", **KEYS}]
    result = task(MemoryStore(), vendor, accounts=accounts).run(check_mode=False)
    assert outcomes(result) == ["failed", "rotated", "rotated"]
    assert result["accounts"][0]["error"]["message"] == "Refused."
    assert [run["tenants"] for run in vendor.runs("ncp_dataforest_account_info")] == [[wrong], [KEYS]]


def test_tenants_without_credentials_fail_alone_and_are_not_asked() -> None:
    """The module would refuse all of them, or look for the keys of such a tenant in the environment."""
    vendor = Vendor()
    vendor.tenants.update(one=["df001"], AK=["df002"])
    rows = [
        {"profile": ""},
        {"profile": "one"},
        {"access_key": "AK", "secret_key": ""},
        KEYS,
        {"access_key": "", "secret_key": "S"},
        {"profile": None},
    ]
    for check_mode in (True, False):
        result = task(MemoryStore(), vendor, tenants=rows).run(check_mode=check_mode)
        assert outcomes(result) == ["failed", "rotated", "failed", "rotated", "failed", "failed"]
        bad = [row for row in result["accounts"] if row["error"]]
        nothing = "None of profile, access_key and secret_key has a value."
        assert [row["error"]["message"].partition(" could not be listed: ")[::2] for row in bad] == [
            ("The accounts of tenants[0]", nothing),
            ("The accounts of tenants[2]", "access_key has a value, but secret_key has none."),
            ("The accounts of tenants[4]", "secret_key has a value, but access_key has none."),
            ("The accounts of tenants[5]", nothing),
        ]
        assert {row["error"]["kind"] for row in bad} == {"configuration"}
        assert [(row["name"], row["profile"], row["access_key"]) for row in bad] == [
            (None, None, None),
            (None, None, "AK"),
            (None, None, None),
            (None, None, None),
        ]
    # In their places, as warnings of the module name tenants by these.
    nobody = {"profile": ""}
    asked = [nobody, {"profile": "one"}, nobody, KEYS, nobody, nobody]
    assert [run["tenants"] for run in vendor.runs("ncp_dataforest_account_info")] == [asked] * 2


def test_if_no_tenant_has_credentials_nothing_is_asked() -> None:
    vendor = Vendor()
    result = task(MemoryStore(), vendor, tenants=[{"profile": ""}, {"profile": ""}]).run(check_mode=False)
    assert outcomes(result) == ["failed", "failed"]
    assert vendor.calls == []


def test_a_tenant_whose_name_the_module_masks_is_known_by_what_is_left_of_it() -> None:
    """The name of a profile may hold what is the secret of another tenant."""
    vendor = Vendor()
    masked = {"profile": "the ********!", "access_key": None}
    vendor.instead["ncp_dataforest_account_info"] = {
        "failed": True,
        "accounts": [
            {"name": "df001", "id": "iddf001", **masked},
            {"name": "df002", "id": "iddf002", "profile": "one", "access_key": None},
        ],
        "unusable": [{"reason": "Account 2 is left out.", **masked}],
        "tenants": [
            {**masked, "accounts": 1, "error": None},
            {"profile": "one", "access_key": None, "accounts": 1, "error": None},
            {"profile": None, "access_key": "********", "accounts": 0, "error": REFUSED},
        ],
    }
    tenants = [{"profile": "the secret!"}, {"profile": "one"}, {"access_key": "secret!", "secret_key": "secret!"}]
    result = task(MemoryStore(), vendor, tenants=tenants).run(check_mode=False)
    assert outcomes(result) == ["rotated", "failed", "rotated", "failed"]
    (reset,) = vendor.runs("ncp_dataforest_password")
    assert [(row["id"], row["profile"]) for row in reset["accounts"]] == [
        ("iddf001", "the secret!"),
        ("iddf002", "one"),
    ]


def test_rows_of_account_info_with_tenants_are_taken_as_they_are() -> None:
    """Ansible counts an option that is null as given."""
    rows = [listed("df001", profile="one", access_key=None), listed("df002", profile=None, access_key=None)]
    validator = ArgumentSpecValidator(SPEC)
    store = {"path": "s.yml"}
    assert validator.validate({"store": store, "accounts": rows}).error_messages
    accounts = without_empty_credentials(rows)
    assert not validator.validate({"store": store, "accounts": accounts}).error_messages
    result = task(holding(), vendor := Vendor(), accounts=accounts).run(check_mode=False)
    assert outcomes(result) == ["rotated", "rotated"]
    assert [row["profile"] for row in result["accounts"]] == ["one", None]
    assert vendor.runs("ncp_dataforest_account_info") == []
    for odd in (None, "text", ["text", 7]):
        assert without_empty_credentials(odd) == odd
