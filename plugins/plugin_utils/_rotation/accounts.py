# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which accounts a task is about: the rows that the user wrote, or all that the credentials see. No I/O.

Whatever is wrong with one row is the failure of that row alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    ProtocolError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe, may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Directory, ambiguous, not_found
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import tenant_fault, tenant_label
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import parse_max_age
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.turn import Wanted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import (
    CREDENTIALS,
    Credentials,
    Listing,
    Vendor,
    Whose,
    credentials_in,
    whose,
)

# What a row of ncp_dataforest_account_info says about an account besides its id and name.
LISTED_TOO = ("principal", "status", "disabled", "created_at")
# How many tenants without an account a warning names.
_MOST_BLIND = 10
# What the module is given in the place of a tenant that it cannot ask. It reports it as one.
_NOBODY: Credentials = {"profile": ""}


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


def all_accounts(vendor: Vendor, own: Credentials) -> list[Row]:
    """Return every account that the credentials of the task see. Raises KrcloudError where they cannot be listed.

    ``own`` are these credentials, as far as options give them.
    """
    return each_once(_listed(vendor.list_own(), own, {}, ""))


def tenant_accounts(items: Sequence[Mapping[str, Any]], vendor: Vendor, warn: Callable[[str], None]) -> list[Row]:
    """Return every account that each of the tenants sees, and a row that fails for each that cannot be listed.

    ``items`` are the rows of the option ``tenants``. Raises KrcloudError if the module that lists them fails as a
    whole.
    """
    rows: list[Row] = []
    blind = []
    for at, (item, listing) in enumerate(zip(items, _lists_of_tenants(items, vendor), strict=True)):
        tenant = credentials_in(item)
        # Half a key may be that of another tenant as well.
        name = tenant_label(None if tenant_fault(item) else tenant.get("profile") or tenant.get("access_key"), at)
        if isinstance(listing, KrcloudError):
            listing.message = f"The accounts of {name} could not be listed: {listing.message}"
            rows.append(Row(None, tenant, error=listing))
            continue
        if not listing.accounts and not listing.unusable:
            blind.append(name)
        rows += _listed(listing, tenant, tenant, f"Of {name}: ")
    if blind:
        more = f" and {len(blind) - _MOST_BLIND} more" if len(blind) > _MOST_BLIND else ""
        shown = ", ".join(blind[:_MOST_BLIND]) + more
        see = "sees" if len(blind) == 1 else "see"
        warn(f"{len(blind)} of {len(items)} tenants {see} no account: {shown}. Check whose credentials they are.")
    return each_once(rows)


def _lists_of_tenants(items: Sequence[Mapping[str, Any]], vendor: Vendor) -> Sequence[Listing | KrcloudError]:
    faults = [tenant_fault(item) for item in items]
    if all(faults):
        return [fault for fault in faults if fault]
    # Each in its place, as warnings of the module name tenants by these.
    asked = [_NOBODY if fault else credentials_in(item) for item, fault in zip(items, faults, strict=True)]
    return [fault or listed for fault, listed in zip(faults, vendor.list_tenants(asked), strict=True)]


def _listed(listing: Listing, used: Credentials, credentials: Credentials, of: str) -> Iterable[Row]:
    """Yield what a list says. ``used`` are the credentials that it was asked for with, ``of`` begins its complaints."""
    for row in listing.accounts:
        yield listed_row(row, whose(used).profile)._replace(credentials=credentials)
    for reason in listing.unusable:
        yield Row(None, credentials, error=ProtocolError(of + reason))


def without_empty_credentials(rows: Any) -> Any:
    """Return the rows that the user wrote without credentials that are null, as Ansible would count these as given.

    Rows of ncp_dataforest_account_info have such.
    """
    if not isinstance(rows, list):
        return rows
    return [
        {key: value for key, value in row.items() if value is not None or key not in CREDENTIALS}
        if isinstance(row, Mapping)
        else row
        for row in rows
    ]


def written_accounts(items: Sequence[Mapping[str, Any]], vendor: Vendor, own: Credentials) -> list[Row]:
    """Return the accounts that the user wrote. Each set of credentials is listed at most once.

    Rows of an earlier list are taken as they are. Any other pair of a name and an id is compared with the list: with
    the id of another account, the password of that one would be set, though it be on hold or excluded.

    ``own`` are the credentials of the task, as far as options give them, for rows that have none. Raises
    ConfigurationError for a name that appears twice.
    """
    seen = _directories(vendor, (credentials_in(item) for at, item in enumerate(items) if _is_looked_up(at, item)))
    rows = []
    for at, item in enumerate(items):
        credentials, fault = credentials_in(item), fault_in(at, item)
        if fault:
            rows.append(Row(None, credentials, error=fault))
            continue
        mistake = mistake_in(at, item)
        if mistake:
            rows.append(_failed(at, item, credentials, whose(credentials or own).profile, mistake))
        else:
            rows.append(_match(at, item, credentials, seen.get(_key(credentials)), own))
    names = Counter(row.wanted.account.name for row in rows if row.wanted and not row.wanted.error)
    double = next((name for name, count in names.items() if count > 1), None)
    if double:
        raise ConfigurationError(
            f"accounts names {double} more than once; nothing was sent.",
            hint="Name each account once. If two tenants have an account of this name, give each tenant a store of its "
            "own.",
        )
    return each_once(rows)


def _is_looked_up(at: int, item: Mapping[str, Any]) -> bool:
    """Tell whether a list is needed to know the account that a row of the user means."""
    return not (fault_in(at, item) or mistake_in(at, item) or _is_listed(item))


def _is_listed(item: Mapping[str, Any]) -> bool:
    return bool(item["name"] and item["id"]) and not is_named(item)


def fault_in(at: int, item: Mapping[str, Any]) -> ConfigurationError | None:
    """Return why a row that the user wrote cannot name an account."""
    if not (item["name"] or item["id"]):
        return ConfigurationError(
            f"accounts[{at}] has neither a name nor an id.", hint="Give one of them. Nothing was sent for this row."
        )
    key = next((key for key in ("name", "id") if item[key] and not is_safe(item[key])), None)
    return _unsafe(f"The {key} of accounts[{at}]", key) if key else None


def mistake_in(at: int, item: Mapping[str, Any]) -> ConfigurationError | None:
    """Return why a row that names an account cannot be used all the same."""
    try:
        own_max_age(item, f"accounts[{at}].max_age")
    except ConfigurationError as error:
        error.hint = "Nothing was sent for this row."
        return error
    return _half_a_key(at, item)


def own_max_age(item: Mapping[str, Any], option: str = "max_age") -> float | None:
    """Return the ``max_age`` of a row that the user wrote, in seconds, if it has one. Raises ConfigurationError."""
    return parse_max_age(item["max_age"], option) if item["max_age"] else None


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
_Key = tuple[tuple[str, str | None], ...]


def _key(credentials: Credentials) -> _Key:
    return tuple(credentials.items())


def _directories(vendor: Vendor, wanted: Iterable[Credentials]) -> dict[_Key, _Directory | KrcloudError]:
    """Return what each of these sets of credentials sees, or why that is not known."""
    sets = {_key(credentials): credentials for credentials in wanted}
    known: dict[_Key, Listing | KrcloudError] = {}
    if sets.pop((), None) is not None:
        try:
            known[()] = vendor.list_own()
        except KrcloudError as error:
            known[()] = error
    # One run of the module refuses the same key with two secrets, but either of these may be the right one.
    runs: list[dict[Whose, _Key]] = []
    for key, credentials in sets.items():
        name = whose(credentials)
        run = next((run for run in runs if name not in run), None)
        if run is None:
            run = {}
            runs.append(run)
        run[name] = key
    for run in runs:
        try:
            listed = vendor.list_tenants([sets[key] for key in run.values()])
        except KrcloudError as error:
            listed = [error] * len(run)
        known.update(zip(run.values(), listed, strict=True))
    return {
        key: Directory(found.accounts, _id_and_name) if isinstance(found, Listing) else found
        for key, found in known.items()
    }


def _id_and_name(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row.get("id"), row.get("name")


def _match(
    at: int,
    item: Mapping[str, Any],
    credentials: Credentials,
    seen: _Directory | KrcloudError | None,
    own: Credentials,
) -> Row:
    """Return the account that a row of the user means. ``seen`` is None for a row of an earlier list."""
    profile = whose(credentials or own).profile

    def of(row: Mapping[str, Any]) -> Row:
        found = listed_row(row, profile, named=is_named(item))._replace(credentials=credentials)
        return found._replace(wanted=found.wanted and found.wanted._replace(max_age=own_max_age(item)))

    if _is_listed(item):
        return of(item)
    if not isinstance(seen, Directory):
        return _failed(at, item, credentials, profile, seen)
    found = seen.find(item["id"] or None, item["name"] or None)
    if len(found) == 1:
        return of(found[0])
    if item["name"] and item["id"] and (seen.find(item["id"]) or seen.find(name=item["name"])):
        return _failed(at, item, credentials, profile, _unlike(at, item, seen))
    key = "name" if item["name"] else "id"
    what = f"the {key} {item[key]}" if may_be_quoted(item[key]) else f"the {key} of accounts[{at}]"
    remedy = "Give both the name and the id of the account that you mean."
    return _failed(at, item, credentials, profile, ambiguous(what, remedy) if found else not_found(what))


def _unlike(at: int, item: Mapping[str, Any], seen: _Directory) -> ConfigurationError:
    """Return the error for a name and an id that are not those of one account."""
    row = listed_row(next(iter(seen.find(item["id"])), {}), None)
    other = row.wanted.account.name if row.wanted else ""
    whose_id = f": the id is that of {other}" if may_be_quoted(other) else ""
    return ConfigurationError(
        f"The name and the id of accounts[{at}] do not belong together{whose_id}.",
        hint="Correct the row, or leave the id out. Nothing was sent for it.",
    )


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


def each_once(rows: Iterable[Row]) -> list[Row]:
    """Keep the first of several rows about one name or one id, and fail the others.

    An id is one account, whoever's credentials are used: the password module refuses all its accounts if two are one.
    """
    names: dict[str, str | None] = {}
    ids: set[str] = set()
    unlike = []
    for row in rows:
        account = row.wanted.account if row.wanted else None
        if account is None:
            unlike.append(row)
            continue
        if account.name in names or account.id in ids:
            error = row.wanted.error if row.wanted else None
            row = row._replace(wanted=None, error=error or _double(account, names))
        names.setdefault(account.name, account.id)
        if account.id:
            ids.add(account.id)
        unlike.append(row)
    return unlike


def _double(account: Account, names: Mapping[str, str | None]) -> ConfigurationError:
    hint = "If two tenants have an account of the same name, give each tenant a store of its own."
    what = f"name {account.name}"
    if account.name not in names:
        hint = "List each account once, with the credentials of its own tenant."
        what = f"id {account.id}" if may_be_quoted(str(account.id)) else "same id"
    elif account.id and names[account.name] == account.id:
        what += " and the same id"
        hint = "If two tenants see it, check whether they have the same keys. The account needs only one of them."
    return ConfigurationError(
        f"There is more than one account with the {what}; only the first was processed.", hint=hint
    )
