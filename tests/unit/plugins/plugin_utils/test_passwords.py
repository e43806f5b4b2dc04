# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which accounts the role ncp_dataforest_password is about, and what it says about them."""

from __future__ import annotations

from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._passwords import accounts, verdict


def row(name: str | None, outcome: str, **more: Any) -> dict[str, Any]:
    error = None if outcome == "reset" else {"message": f"It is {outcome}.", "hint": "Do it."}
    return {"name": name, "id": f"id-{name}", "outcome": outcome, "error": error, "unanswered": False, **more}


def given(*names: str | None) -> list[dict[str, Any]]:
    return [{"name": name, "id": None, "profile": None, "tenant": ""} for name in names]


def judged(*rows: dict[str, Any], verified: tuple[int, ...] = (), **failed: str) -> tuple[dict[str, Any], str]:
    """The lists of the summary that are not empty, and the verdict. `failed` is by `row0` and so on."""
    found = verdict(
        {"accounts": rows, "failed": any(each["error"] for each in rows)},
        given=given(*(each["name"] for each in rows)),
        verified=verified,
        failed={name.removeprefix("row"): task for name, task in failed.items()},
    )
    return {name: names for name, names in found["summary"].items() if names}, found["verdict"]


def test_an_account_belongs_to_the_tenant_whose_credentials_it_has() -> None:
    rows = [
        {"name": "a", "password": "p"},
        {"name": "a", "password": "p", "profile": "own"},
        {"id": "0", "password": "p", "access_key": "OWN", "secret_key": "s"},
        {"name": "a", "password": "p", "profile": "", "access_key": ""},
    ]
    for profile, key, tenant in (("analytics", None, "analytics"), (None, "KEY", "KEY"), (None, None, "")):
        found = accounts({"accounts": rows}, profile=profile, access_key=key)
        assert [each["tenant"] for each in found] == [tenant, "own", "OWN", tenant]
        assert [each["profile"] for each in found] == [profile, "own", None, profile]
    assert accounts({"id": "0", "password": "p"}, profile=None, access_key=None) == [
        {"name": None, "id": "0", "profile": None, "tenant": ""}
    ]


def test_no_password_is_among_them() -> None:
    both = {"accounts": [{"name": "a", "password": "secret"}]}, {"name": "a", "password": "secret"}
    assert [str(accounts(named, profile=None, access_key=None)).count("secret") for named in both] == [0, 0]


def test_all_is_well() -> None:
    assert judged(row("a", "reset"), row("b", "reset")) == ({"reset": ["a", "b"]}, "")
    assert judged(row("a", "reset"), verified=(0,)) == ({"reset": ["a"], "verified": ["a"]}, "")


def test_an_account_without_a_name_goes_by_its_id() -> None:
    lists, _verdict = judged(row(None, "reset"), row(None, "unknown", id=None))
    assert (lists["reset"], lists["unknown"]) == (["id-None"], ["accounts[1]"])


def test_what_went_wrong_is_said_for_each() -> None:
    rows = (row("a", "reset"), row("b", "reset"), row("c", "unknown"), row("d", "skipped"))
    lists, why = judged(*rows, verified=(0, 1), row1='"Log in"')
    attention = lists.pop("attention")
    wanted = {"reset": ["a", "b"], "unknown": ["c"], "skipped": ["d"], "verified": ["a"], "unverified": ["b"]}
    assert lists == wanted
    unverified = (
        'It was reset, but the task "Log in" of ncp_dataforest_password_verify_tasks failed. The new password is live.'
    )
    nobody = {"profile": None}
    assert attention == [
        {**nobody, "name": "b", "id": "id-b", "outcome": "reset", "reason": unverified},
        {**nobody, "name": "c", "id": "id-c", "outcome": "unknown", "reason": "It is unknown. Do it."},
    ]
    assert why == (
        f"2 of 4 accounts need attention. b: reset: {unverified} c: unknown: It is unknown. Do it. Accounts that were "
        "not tried because of ncp_dataforest_password_max_failures: 1. Fix the causes, then run the role again. It is "
        "safe to set the same password once more."
    )


def test_one_account_needs_attention() -> None:
    _lists, why = judged(row("a", "reset"), row("b", "failed"))
    assert why.startswith("1 of 2 accounts needs attention. b: failed")


def test_a_long_list_is_cut() -> None:
    _lists, why = judged(*(row(f"a{at}", "failed") for at in range(21)))
    assert "a19: failed" in why
    assert "a20" not in why
    assert " The others are listed in ncp_dataforest_password_summary.attention. " in why


def test_a_module_without_rows_says_why_itself() -> None:
    nothing: dict[str, Any] = {"given": [], "verified": [], "failed": {}}
    found = verdict({"failed": True, "msg": "It did not begin."}, **nothing)
    assert found["verdict"] == "It did not begin."
    assert not any(found["summary"].values())
    assert verdict({"unreachable": True, "msg": "Gone."}, **nothing)["verdict"] == "Gone."
    assert verdict({"changed": False}, **nothing)["verdict"] == ""
