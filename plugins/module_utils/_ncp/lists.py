# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that lists the accounts of one tenant or of thousands: list, choose, report."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.krcloud.credentials.plugins.module_utils._call import transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import accounts, dataforest, options, tenants

# So many rows, usable or not, fit in memory with all that a result takes.
MOST_ROWS = 20_000
_MOST_REASONS = 3


class Filter(NamedTuple):
    """Which accounts are returned: those with this id and this name, each of which may be left out."""

    id: Optional[str] = None
    name: Optional[str] = None

    def __repr__(self) -> str:
        return "Filter"


class Listed(NamedTuple):
    """What a tenant sees, or why that is not known."""

    tenant: tenants.Tenant
    accounts: Sequence[accounts.Account] = ()
    unusable: Sequence[accounts.Unusable] = ()
    error: Optional[errors.KrcloudError] = None

    def __repr__(self) -> str:
        return f"Listed({len(self.accounts)})"


def list_accounts(
    asked: Sequence[tenants.Asked],
    client_of: Callable[[tenants.Tenant], dataforest.DataForest],
    wanted: Filter,
    concurrency: int = 8,
) -> List[Listed]:
    """Return what each of the tenants sees, in their order, from ``concurrency`` lists at a time.

    No client is made for a tenant that cannot be asked.
    """
    room = _Room(MOST_ROWS)

    def listed(tenant: tenants.Tenant, short: bool) -> Listed:
        try:
            listing = client_of(tenant).list_accounts(short=short)
            found = accounts.Directory(listing.accounts, accounts.id_and_name).find(wanted.id, wanted.name)
            if len(asked) > 1:
                room.take(len(found) + len(listing.unusable))
            return Listed(tenant, found, listing.unusable)
        except errors.KrcloudError as error:
            # The error is kept, and its traceback would keep the answer.
            error.__context__ = None
            return Listed(tenant, error=error.with_traceback(None))
        except transport.TooLarge:
            raise
        except Exception as error:  # the other tenants must still be reported
            return Listed(tenant, error=errors.internal_error(error))

    lists = iter(dataforest.in_turn(listed, [each.tenant for each in asked if not each.error], concurrency))
    return [Listed(each.tenant, error=each.error) if each.error else next(lists) for each in asked]


class _Room:
    """Counts rows across threads."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, rows: int) -> None:
        with self._lock:
            if rows > self._left:
                raise errors.ConfigurationError(
                    f"The tenants of this task have more than {MOST_ROWS} accounts, which is too many for one task.",
                    hint="Name fewer tenants in a task.",
                )
            self._left -= rows


# -------------------------------------------------------------------------------------------------------------- result


def result_of_one(listed: Listed) -> Dict[str, Any]:
    """Return the result of a task without tenants. Raises the error of its list."""
    if listed.error:
        raise listed.error
    return {
        "changed": False,
        "accounts": [account.as_dict() for account in listed.accounts],
        "unusable": [row.as_dict() for row in listed.unusable],
    }


def result_of(listed: Sequence[Listed]) -> Dict[str, Any]:
    """Return the result of a task with tenants, which fails unless all of them were listed."""
    result: Dict[str, Any] = {
        "changed": False,
        "accounts": [{**account.as_dict(), **_whose(each)} for each in listed for account in each.accounts],
        "unusable": [{**row.as_dict(), **_whose(each)} for each in listed for row in each.unusable],
        "tenants": [
            {
                **_whose(each),
                "accounts": len(each.accounts),
                "error": each.error.as_dict() if each.error else None,
            }
            for each in listed
        ],
    }
    bad = [(at, each.tenant, each.error) for at, each in enumerate(listed) if each.error]
    if bad:
        reasons = [
            f"{options.tenant_label(tenant.name, at)}: {error.sentence()}" for at, tenant, error in bad[:_MOST_REASONS]
        ]
        more = f" For {len(bad) - len(reasons)} more, see tenants." if len(bad) > len(reasons) else ""
        msg = f"{len(bad)} of {len(listed)} tenants could not be listed. {' '.join(reasons)}{more}"
        result.update(failed=True, msg=msg, error=bad[0][2].as_dict())
    return result


def warnings_of(listed: Sequence[Listed]) -> List[str]:
    """Return what to warn of: rows that are left out, of whichever tenant."""
    unusable = [row for each in listed for row in each.unusable]
    if not unusable:
        return []
    at, first = next((at, each) for at, each in enumerate(listed) if each.unusable)
    whose = "" if first.tenant == tenants.TASK else f"{options.tenant_label(first.tenant.name, at)}: "
    return [whose + accounts.warning_of(unusable)]


def _whose(listed: Listed) -> Dict[str, Optional[str]]:
    return {"profile": listed.tenant.profile, "access_key": listed.tenant.access_key}
