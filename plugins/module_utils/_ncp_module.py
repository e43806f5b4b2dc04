# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""From the options of a NAVER Cloud module to its clients: one per set of credentials, over one connection pool."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Union

from ansible_collections.krcloud.credentials.plugins.module_utils import (
    _credentials,
    _errors,
    _module,
    _ncp,
    _pace,
)


def clients(
    module: _module.RedactingModule, tenants: Iterable[_credentials.Tenant], connections: int = 1
) -> Callable[[_credentials.Tenant], _ncp.DataForest]:
    """Return what returns the client of each tenant; sends nothing.

    Raises ConfigurationError when the credentials of the task are missing. When those of one tenant among several are,
    only the call for that tenant raises it.
    """
    options = module.params
    caller = _module.caller_for(module, connections, _pace.Pace(options.get("requests_per_second")))
    made: Dict[_credentials.Tenant, Union[_ncp.DataForest, _errors.ConfigurationError]] = {}
    for tenant in dict.fromkeys(tenants):
        try:
            credentials = _credentials.ncp_credentials(_options_of(options, tenant), os.environ, _credentials.read_text)
        except _errors.ConfigurationError as error:
            if tenant == _credentials.TASK:
                raise
            made[tenant] = error
            continue
        module.redactor.add(credentials.secret)
        made[tenant] = _ncp.DataForest(caller, credentials, module.redactor, options["wire_format"])

    def client_of(tenant: _credentials.Tenant) -> _ncp.DataForest:
        found = made[tenant]
        if isinstance(found, _errors.ConfigurationError):
            raise found.with_traceback(None)
        return found

    return client_of


def client(module: _module.RedactingModule) -> _ncp.DataForest:
    """Return a client for the credentials of the task. Raises ConfigurationError; sends nothing."""
    return clients(module, [_credentials.TASK])(_credentials.TASK)


def _options_of(options: Mapping[str, Any], tenant: _credentials.Tenant) -> Mapping[str, Optional[str]]:
    """Return the credential options that hold for a tenant. What an item says replaces all that the task says."""
    if tenant == _credentials.TASK:
        return options
    access_key, secret_key, profile = tenant
    return {
        "access_key": access_key,
        "secret_key": secret_key,
        "profile": profile,
        "config_file": options["config_file"],
    }
