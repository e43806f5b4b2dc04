# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which accounts a task is about: the rows that the user wrote, or all that the credentials see. No I/O.

Whatever is wrong with one row is the failure of that row alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    ProtocolError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe, may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Directory, ambiguous, not_found
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.turn import Wanted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import (
    CREDENTIALS,
    Listing,
)

# What a row of ncp_dataforest_account_info says about an account besides its id and name.
LISTED_TOO = ("principal", "status", "disabled", "created_at")

ListAccounts = Callable[[Mapping[str, str | None]], Listing]
"""Returns what a set of credentials sees, as `Vendor.list_accounts` does."""


class Row(NamedTuple):
    """One row of the task's result: an account that a run can be about, or the reason why there is none.

    ``label`` is what the result calls it. ``credentials`` are its own ones, if it has any.
    """

    label: str | None
    credentials: Mapping[str, str | None] = {}
    wanted: Wanted | None = None
    error: KrcloudError | None = None

    def __repr__(self) -> str:
        return f"Row({self.label})"


class Whose(NamedTuple):
    """By what a result tells whose an account is: what names the credentials that were used for it."""

    profile: str | None
    access_key: str | None

    def __repr__(self) -> str:
        return "Whose"


def whose(credentials: Mapping[str, Any]) -> Whose:
    """Return what names these credentials."""
    return Whose(credentials.get("profile"), credentials.get("access_key"))


def credentials_in(options: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the credentials in the options of a task or in a row of the user: none, a profile, or two keys."""
    return {name: options[name] for name in CREDENTIALS if options.get(name)}


def all_accounts(list_accounts: ListAccounts, own: Mapping[str, str | None]) -> list[Row]:
    """Return every account that the credentials of the task see. Raises KrcloudError where they cannot be listed.

    ``own`` are these credentials, as far as options give them.
    """
    listing = list_accounts({})
    rows = [listed_row(row, whose(own).profile) for row in listing.accounts]
    return each_once([*rows, *(Row(None, error=ProtocolError(reason)) for reason in listing.unusable)])


def written_accounts(
    items: Sequence[Mapping[str, Any]], list_accounts: ListAccounts, own: Mapping[str, str | None]
) -> list[Row]:
    """Return the accounts that the user wrote. Each set of credentials is listed at most once.

    ``own`` are the credentials of the task, as far as options give them, for rows that have none. Raises
    ConfigurationError for a name that appears twice.
    """
    known: dict[tuple[Any, ...], _Directory | KrcloudError] = {}
    rows = []
    for at, item in enumerate(items):
        credentials = credentials_in(item)
        fault = _fault(at, item)
        if fault:
            rows.append(Row(None, credentials, error=fault))
            continue
        half = _half_a_key(at, item)
        if half:
            rows.append(_failed(at, item, credentials, whose(credentials or own).profile, half))
            continue
        key = tuple(credentials.items())
        if key not in known and not (item["name"] and item["id"]):
            try:
                known[key] = Directory(list_accounts(credentials).accounts, _id_and_name)
            except KrcloudError as error:
                known[key] = error
        rows.append(_match(at, item, credentials, known.get(key), own))
    names = Counter(row.wanted.account.name for row in rows if row.wanted and not row.wanted.error)
    double = next((name for name, count in names.items() if count > 1), None)
    if double:
        raise ConfigurationError(
            f"accounts names {double} more than once; nothing was sent.",
            hint="Name each account once. If two tenants have an account of this name, give each tenant a store of its "
            "own.",
        )
    return each_once(rows)


def _fault(at: int, item: Mapping[str, Any]) -> ConfigurationError | None:
    """Return why a row that the user wrote cannot name an account."""
    if not (item["name"] or item["id"]):
        return ConfigurationError(
            f"accounts[{at}] has neither a name nor an id.", hint="Give one of them. Nothing was sent for this row."
        )
    key = next((key for key in ("name", "id") if item[key] and not is_safe(item[key])), None)
    return _unsafe(f"The {key} of accounts[{at}]", key) if key else None


def _half_a_key(at: int, item: Mapping[str, Any]) -> ConfigurationError | None:
    """Return what is missing from the credentials of a row. What is empty was not given, as everywhere.

    The password module would refuse all accounts because of it.
    """
    given, missing = sorted(("access_key", "secret_key"), key=lambda name: not item[name])
    if not item[given] or item[missing]:
        return None
    return ConfigurationError(
        f"accounts[{at}] has a value for {given}, but none for {missing}.",
        hint="Give both, or neither. Nothing was sent for this row.",
    )


def listed_row(row: Mapping[str, Any], profile: str | None, *, named: bool = False) -> Row:
    """Return an account of a list. Its id and name go into the store, so both have to be safe."""
    account_id, name = row.get("id"), row.get("name")
    if not isinstance(account_id, str) or not is_safe(account_id):
        return Row(None, error=_unsafe("The id of a listed account", "id"))
    if not isinstance(name, str) or not is_safe(name):
        which = f"the account with the id {account_id}" if may_be_quoted(account_id) else "a listed account"
        return Row(None, error=_unsafe(f"The name of {which}", "name"))
    return Row(name, wanted=Wanted(Account(account_id, name, profile), named))


def _unsafe(what: str, key: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} is not valid: {RULE}.", hint=f"Correct the {key}. Nothing was sent for this account."
    )


_Directory = Directory[Mapping[str, Any]]


def _id_and_name(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row.get("id"), row.get("name")


def _match(
    at: int,
    item: Mapping[str, Any],
    credentials: Mapping[str, str | None],
    seen: _Directory | KrcloudError | None,
    own: Mapping[str, str | None],
) -> Row:
    """Return the account that a row of the user means. ``seen`` is None for a row with both a name and an id."""
    profile, named = whose(credentials or own).profile, is_named(item)
    if item["name"] and item["id"]:
        return listed_row(item, profile, named=named)._replace(credentials=credentials)
    if not isinstance(seen, Directory):
        return _failed(at, item, credentials, profile, seen)
    found = seen.find(item["id"] or None, item["name"] or None)
    if len(found) == 1:
        return listed_row(found[0], profile, named=named)._replace(credentials=credentials)
    key = "name" if item["name"] else "id"
    what = f"the {key} {item[key]}" if may_be_quoted(item[key]) else f"the {key} of accounts[{at}]"
    remedy = "Give both the name and the id of the account that you mean."
    return _failed(at, item, credentials, profile, ambiguous(what, remedy) if found else not_found(what))


def _failed(
    at: int,
    item: Mapping[str, Any],
    credentials: Mapping[str, str | None],
    profile: str | None,
    error: KrcloudError | None,
) -> Row:
    """Return a row for which nothing can be done at the vendor. If it has a name, the store is read all the same."""
    given = item["name"] or item["id"]
    label = given if may_be_quoted(given) else f"accounts[{at}]"
    if not item["name"]:
        return Row(label, credentials, error=error)
    return Row(label, credentials, Wanted(Account(item["id"] or None, item["name"], profile), error=error))


def is_named(item: Mapping[str, Any]) -> bool:
    """Tell whether the user wrote the id in a row himself. A row copied from a list has an id as well."""
    return bool(item["id"]) and all(item[key] is None for key in LISTED_TOO)


def each_once(rows: Sequence[Row]) -> list[Row]:
    """Keep the first of several rows about one name or one id, and fail the others.

    An id is one account, whoever's credentials are used: the password module refuses all its accounts if two are one.
    """
    names: set[str] = set()
    ids: set[str] = set()
    unlike = []
    for row in rows:
        account = row.wanted.account if row.wanted else None
        if account is None:
            unlike.append(row)
            continue
        if account.name in names or account.id in ids:
            error = row.wanted.error if row.wanted else None
            row = row._replace(wanted=None, error=error or _double(account, "name" if account.name in names else "id"))
        names.add(account.name)
        if account.id:
            ids.add(account.id)
        unlike.append(row)
    return unlike


def _double(account: Account, key: str) -> ConfigurationError:
    what = f"name {account.name}" if key == "name" else f"id {account.id}"
    if key == "id" and not may_be_quoted(str(account.id)):
        what = "same id"
    return ConfigurationError(
        f"There is more than one account with the {what}; only the first was processed.",
        hint="If two tenants have an account of the same name, give each tenant a store of its own."
        if key == "name"
        else "List each account once, with the credentials of its own tenant.",
    )
