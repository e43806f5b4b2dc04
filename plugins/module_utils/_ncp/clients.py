# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a task to its clients: one for each set of credentials, over one connection pool."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._call import caller
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import dataforest, keys


def clients(
    options: Mapping[str, Any],
    caller: caller.Caller,
    redactor: redaction.Redactor,
    tenants: Iterable[keys.Tenant],
) -> Callable[[keys.Tenant], dataforest.DataForest]:
    """Return what returns the client of each tenant; sends nothing.

    Raises ConfigurationError when the credentials of the task are missing. When those of one tenant among several are,
    only the call for that tenant raises it.
    """
    made: Dict[keys.Tenant, Union[dataforest.DataForest, errors.ConfigurationError]] = {}
    for tenant in dict.fromkeys(tenants):
        try:
            credentials = keys.ncp_credentials(_options_of(options, tenant), os.environ, keys.read_text)
        except errors.ConfigurationError as error:
            if tenant == keys.TASK:
                raise
            made[tenant] = error
            continue
        redactor.add(credentials.secret)
        made[tenant] = dataforest.DataForest(caller, credentials, redactor, options["wire_format"])

    def client_of(tenant: keys.Tenant) -> dataforest.DataForest:
        found = made[tenant]
        if isinstance(found, errors.ConfigurationError):
            raise found.with_traceback(None)
        return found

    return client_of


def client(options: Mapping[str, Any], caller: caller.Caller, redactor: redaction.Redactor) -> dataforest.DataForest:
    """Return a client for the credentials of the task. Raises ConfigurationError; sends nothing."""
    return clients(options, caller, redactor, [keys.TASK])(keys.TASK)


def _options_of(options: Mapping[str, Any], tenant: keys.Tenant) -> Mapping[str, Optional[str]]:
    """Return the credential options that hold for a tenant. What an item says replaces all that the task says."""
    if tenant == keys.TASK:
        return options
    access_key, secret_key, profile = tenant
    return {
        "access_key": access_key,
        "secret_key": secret_key,
        "profile": profile,
        "config_file": options["config_file"],
    }
