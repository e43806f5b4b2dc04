# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data Forest accounts: what a list says about them, and how one is found by its name or id. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, Generic, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

T = TypeVar("T")


class Account(NamedTuple):
    """One Data Forest account as getList describes it. ``disabled`` means that the user lacks permission for it."""

    id: str
    name: Optional[str]
    principal: Optional[str]
    status: Optional[str]
    disabled: Optional[bool]
    created_at: Optional[str]

    def as_dict(self) -> Dict[str, Any]:
        """Return the account as modules report it."""
        return self._asdict()


class Unusable(NamedTuple):
    """A row of getList that is left out: ``position`` counts from 1, ``reason`` is a sentence that quotes nothing."""

    position: int
    reason: str

    def as_dict(self) -> Dict[str, Any]:
        """Return the row as modules report it."""
        return self._asdict()


class Listing(NamedTuple):
    """What getList says: the accounts that can be used, in its order, and the rows that cannot."""

    accounts: List[Account]
    unusable: List[Unusable]


def warning_of(unusable: Sequence[Unusable]) -> str:
    """Return the warning about rows of the list that are left out."""
    more = f" In all, {len(unusable)} are left out: see unusable in the result." if len(unusable) > 1 else ""
    return unusable[0].reason + more


def id_and_name(account: Account) -> Tuple[str, Optional[str]]:
    """Return by what an account is found."""
    return account.id, account.name


class Directory(Generic[T]):
    """The accounts of one list, found by id, by name or by both. ``key`` returns the id and the name of one."""

    def __init__(self, accounts: Sequence[T], key: Callable[[T], Tuple[Any, Any]]) -> None:
        self._accounts = accounts
        self._by_id: Dict[Any, Dict[Any, T]] = {}
        self._by_name: Dict[Any, Dict[Any, T]] = {}
        for account in accounts:
            account_id, name = key(account)
            # An account that is listed twice counts once, the first time.
            self._by_id.setdefault(account_id, {}).setdefault(name, account)
            self._by_name.setdefault(name, {}).setdefault(account_id, account)

    def find(self, account_id: Optional[str] = None, name: Optional[str] = None) -> List[T]:
        """Return the accounts with this id and this name, each of which may be left out: with neither, all."""
        if account_id is None and name is None:
            return list(self._accounts)
        if name is None:
            return list(self._by_id.get(account_id, {}).values())
        found = self._by_name.get(name, {})
        return list(found.values()) if account_id is None else [found[account_id]] if account_id in found else []


def not_found(what: str) -> errors.NotFoundError:
    """Return the error for an account that no list has. ``what`` is such as "the name df001"."""
    return errors.NotFoundError(
        f"There is no account with {what}, or these credentials may not see it.",
        hint="ncp_dataforest_account_info lists the accounts that they see, and says which cannot be used.",
    )


def ambiguous(what: str, remedy: str) -> errors.NotFoundError:
    """Return the error for several accounts of which only one can be meant. ``remedy`` says what tells them apart."""
    return errors.NotFoundError(f"There are several accounts with {what}.", hint=remedy)
