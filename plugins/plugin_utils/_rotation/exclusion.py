# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts that a task leaves out, by their names. With a typo, an account would be rotated that was to be spared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import is_safe, name_may_be_quoted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.accounts import Row
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Store


def excluded_names(value: Sequence[str] | None, given: bool) -> list[str]:
    """Return the names in the option ``exclude``. Raises ConfigurationError if it is given, but names no account."""
    names = [name.strip() for name in value or ()]
    if (given or value is not None) and not all(names or ("",)):
        raise ConfigurationError(
            "exclude is given, but names no account.", hint="Name accounts, or leave the option out to rotate all."
        )
    return list(dict.fromkeys(names))


def without(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Return the rows about other accounts."""
    return [row for row in rows if _name(row) not in names]


def check_excluded(names: Sequence[str], rows: Sequence[Row], store: Store, warn: Callable[[str], None]) -> None:
    """Make sure that each name is one of these rows, or at least known to the store, as an account may be deleted.

    Raises ConfigurationError if one is not, and StoreError. If it may be that of a row without an account, warns.
    """
    seen = {_name(row) for row in rows}
    unseen = [name for name in names if name not in seen]
    possible = [name for name in unseen if is_safe(name)]
    known = store.load(possible) if possible else {}
    strange = [
        name if name_may_be_quoted(name) else f"exclude[{names.index(name)}]" for name in unseen if name not in known
    ]
    if not strange:
        return
    named = ", ".join(strange)
    what = f"exclude names {named}, but there is no such account in this run or in the store {store.place}."
    identified = {_name(row) for row in rows if row.wanted}
    if any(row.wanted is None and row.label not in identified for row in rows):
        warn(f"{what} It may be one of the accounts that could not be listed or found.")
        return
    alike = {name.casefold(): name for name in seen if name}
    meant = [alike[name.casefold()] for name in unseen if name.casefold() in alike]
    remedy = f"Write {', '.join(meant)}, if that is meant." if meant else "Correct the name, or remove it."
    raise ConfigurationError(f"{what} Nothing was sent.", hint=remedy)


def _name(row: Row) -> str | None:
    return row.wanted.account.name if row.wanted else row.label
