# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts are found by id, by name or by both, in lists of whatever kind."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import (
    Account,
    Directory,
    Unusable,
    ambiguous,
    id_and_name,
    not_found,
    warning_of,
)

ACCOUNTS = [
    Account(account_id, name, None, None, None, None)
    for account_id, name in (("A", "df001"), ("B", "df002"), ("C", None), ("D", "df002"), ("A", "df009"))
]


def found(account_id: str | None, name: str | None) -> list[Account]:
    return Directory(ACCOUNTS, id_and_name).find(account_id, name)


def test_accounts_are_found_by_id_by_name_or_by_both() -> None:
    assert found("B", None) == found("B", "df002") == [ACCOUNTS[1]]
    assert found(None, "df001") == [ACCOUNTS[0]]
    assert found(None, None) == ACCOUNTS
    assert found("B", "df001") == found("absent", None) == found(None, "absent") == []


def test_several_accounts_with_one_name_or_one_id_are_all_found() -> None:
    assert found(None, "df002") == [ACCOUNTS[1], ACCOUNTS[3]]
    assert found("A", None) == [ACCOUNTS[0], ACCOUNTS[4]]


def test_an_id_is_not_a_name() -> None:
    accounts = [Account("df001", "A", None, None, None, None), Account("A", "df001", None, None, None, None)]
    directory = Directory(accounts, id_and_name)
    assert directory.find("A") == [accounts[1]]
    assert directory.find(name="A") == [accounts[0]]


def test_rows_of_a_result_are_found_in_the_same_way() -> None:
    rows = [{"id": "A", "name": "df001"}, {"id": "A", "name": "df001", "status": "RUNNING"}, {"id": "B"}]

    def key(row: Mapping[str, str]) -> tuple[str | None, str | None]:
        return row.get("id"), row.get("name")

    directory = Directory(rows, key)
    # What is listed twice is one account.
    assert directory.find("A") == directory.find(name="df001") == [rows[0]]
    assert directory.find("B") == [rows[2]]


@given(
    st.lists(st.builds(Account, st.sampled_from("ABC"), st.sampled_from(["x", "y", None]), *[st.none()] * 4)),
    st.sampled_from(["A", "B", None]),
    st.sampled_from(["x", "y", None]),
)
def test_nothing_else_is_found(accounts: list[Account], account_id: str | None, name: str | None) -> None:
    fitting = [each for each in accounts if account_id in (None, each.id) and name in (None, each.name)]
    if account_id or name:
        fitting = list(dict.fromkeys(fitting))
    assert sorted(map(repr, Directory(accounts, id_and_name).find(account_id, name))) == sorted(map(repr, fitting))


def test_what_is_said_of_an_account_that_is_not_found_or_not_alone() -> None:
    assert not_found("the name df001").message == (
        "There is no account with the name df001, or these credentials may not see it."
    )
    assert ambiguous("the name df001", "Specify the account by its id.").sentence() == (
        "There are several accounts with the name df001. Specify the account by its id."
    )


def test_many_rows_that_cannot_be_used_are_warned_about_in_one_sentence() -> None:
    rows = [Unusable(at, f"Account {at} is left out.") for at in (2, 5, 9)]
    assert warning_of(rows) == "Account 2 is left out. In all, 3 are left out: see unusable in the result."
