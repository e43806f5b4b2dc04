# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which credentials an account is reached with, and one gateway for each set of them, over one connection pool."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._call import caller
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import gateway, keys
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import tenant_fault


class Tenant(NamedTuple):
    """Which credentials an account is reached with: its own keys or profile, or those of the task."""

    access_key: Optional[str]
    secret_key: Optional[str]
    profile: Optional[str]

    def __repr__(self) -> str:
        given = [name for name, value in zip(self._fields, self) if value is not None]
        return f"Tenant by {' and '.join(given) or 'the task'}"

    @property
    def name(self) -> Optional[str]:
        """What names the tenant in results, besides the name of the option that holds it."""
        return self.profile or self.access_key


TASK = Tenant(None, None, None)


class Asked(NamedTuple):
    """One of those whose accounts are to be listed, or why it cannot be asked."""

    tenant: Tenant
    error: Optional[errors.ConfigurationError] = None

    def __repr__(self) -> str:
        return "Asked"


def of_rows(rows: Iterable[Mapping[str, Any]]) -> List[Asked]:
    """Return the tenants in rows of the option ``tenants``. What is empty was not given, as everywhere."""
    return [
        Asked(
            Tenant(row["access_key"] or None, row["secret_key"] or None, row["profile"] or None),
            tenant_fault(row),
        )
        for row in rows
    ]


def gateways(
    options: Mapping[str, Any],
    caller: caller.Caller,
    redactor: redaction.Redactor,
    tenants: Iterable[Tenant] = (TASK,),
) -> Callable[[Tenant], gateway.Gateway]:
    """Return a function that returns the gateway of each of the tenants. Sends nothing.

    ``options`` are those of the task; ``wire_format`` may be left out by services that know only JSON. Raises
    ConfigurationError if the credentials of the task are missing. If those of another tenant are, only the call for
    that tenant raises it.
    """
    made: Dict[Tenant, Union[gateway.Gateway, errors.ConfigurationError]] = {}
    files = keys.ProfileFiles()
    for tenant in dict.fromkeys(tenants):
        try:
            credentials = keys.ncp_credentials(_options_of(options, tenant), os.environ, files)
        except errors.ConfigurationError as error:
            if tenant == TASK:
                raise
            made[tenant] = error
            continue
        redactor.add(credentials.secret)
        made[tenant] = gateway.Gateway(caller, credentials, redactor, options.get("wire_format", "json"))

    def gateway_of(tenant: Tenant) -> gateway.Gateway:
        found = made[tenant]
        if isinstance(found, errors.ConfigurationError):
            raise found.with_traceback(None)
        return found

    return gateway_of


def _options_of(options: Mapping[str, Any], tenant: Tenant) -> Mapping[str, Optional[str]]:
    """Return the credential options of a tenant. Those of an item replace all of the task's, except the file."""
    return options if tenant == TASK else {**tenant._asdict(), "config_file": options["config_file"]}
