# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts that an earlier run of the same task has planned, which need no listing. Pure.

The rows of a result hold no secret, so their credentials are looked up in the options of the task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import tenant_fault
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.accounts import (
    Row,
    each_once,
    fault_in,
    is_named,
    listed_row,
    mistake_in,
    own_max_age,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import (
    Credentials,
    Whose,
    credentials_in,
    whose,
)


class _Wish(NamedTuple):
    """What the options say about accounts. Without a name or an id, it is about any name or id."""

    whose: Whose
    name: str | None = None
    id: str | None = None

    def __repr__(self) -> str:
        return "_Wish"


class _Means(NamedTuple):
    """How an account is reached or why it cannot be, whether the user wrote its id himself, and its ``max_age``."""

    credentials: Credentials
    named: bool = False
    error: ConfigurationError | None = None
    max_age: float | None = None

    def __repr__(self) -> str:
        return "_Means"


def planned_accounts(planned: Any, options: Mapping[str, Any]) -> list[Row]:
    """Return the accounts in rows of an earlier result of the task, in their order.

    Of each row, ``name``, ``id``, ``profile`` and ``access_key`` are used. ``options`` are the validated options of the
    task. A row that these do not ask for fails alone. Raises ConfigurationError for anything but a list of rows.
    """
    if not isinstance(planned, Sequence) or not planned or not all(isinstance(row, Mapping) for row in planned):
        raise ConfigurationError("The planned accounts are not rows of an earlier result.", hint="Nothing was sent.")
    wishes: dict[_Wish, _Means] = {}
    for wish, means in _wishes(options):
        wishes.setdefault(wish, means)
    return each_once([_planned(row, wishes) for row in planned])


def _wishes(options: Mapping[str, Any]) -> Iterable[tuple[_Wish, _Means]]:
    own = credentials_in(options)
    for item in options["tenants"] or ():
        if not tenant_fault(item):
            tenant = credentials_in(item)
            yield _Wish(whose(tenant)), _Means(tenant)
    if options["accounts"] is None and options["tenants"] is None:
        yield _Wish(whose(own)), _Means({})
    for at, item in enumerate(options["accounts"] or ()):
        if fault_in(at, item):
            continue
        credentials = credentials_in(item)
        wish = _Wish(whose(credentials or own), item["name"] or None, item["id"] or None)
        mistake = mistake_in(at, item)
        yield wish, _Means(credentials, is_named(item), mistake, None if mistake else own_max_age(item))


def _planned(row: Mapping[str, Any], wishes: Mapping[_Wish, _Means]) -> Row:
    of_row = whose(row)
    found = listed_row(row, of_row.profile)
    if found.wanted is None:
        return found
    name, account_id = row["name"], row["id"]
    for wish in (
        _Wish(of_row, name, account_id),
        _Wish(of_row, name),
        _Wish(of_row, None, account_id),
        _Wish(of_row),
    ):
        if means := wishes.get(wish):
            wanted = found.wanted._replace(named=means.named, error=means.error, max_age=means.max_age)
            return found._replace(credentials=means.credentials, wanted=wanted)
    error = ConfigurationError(
        f"The options do not ask for {name if may_be_quoted(name) else 'this account'} with these credentials.",
        hint="Nothing was sent for it. Let accounts and credentials stay the same while the role runs.",
    )
    return found._replace(wanted=found.wanted._replace(error=error))
