# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules for NAVER Cloud Platform: the keys, which every service takes, and those of each service.

And what the option ``tenants`` names.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, names
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Group

KEYS = Group(
    {
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
        "profile": {"type": "str"},
        "config_file": {"type": "path", "default": "~/.ncloud/configure"},
    },
    {
        "access_key": ("NCLOUD_ACCESS_KEY_ID", "NCLOUD_ACCESS_KEY"),
        "secret_key": ("NCLOUD_SECRET_ACCESS_KEY", "NCLOUD_SECRET_KEY"),
        "profile": ("NCLOUD_PROFILE",),
    },
)

STS = KEYS.with_more(
    {"api_url": {"type": "str", "default": "https://sts.apigw.ntruss.com"}},
    {"api_url": ("NCLOUD_STS_API_URL",)},
)

DATAFOREST = KEYS.with_more(
    {
        "api_url": {"type": "str", "default": "https://df.apigw.ntruss.com"},
        "wire_format": {"type": "str", "choices": ["json", "xml"], "default": "json"},
    },
    {"api_url": ("NCLOUD_DATAFOREST_API_URL",)},
)

# The option `tenants`, for modules that are about all accounts of several tenants.
TENANTS: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "profile": {"type": "str"},
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
    },
    "mutually_exclusive": [("profile", "access_key"), ("profile", "secret_key")],
    "required_one_of": [("profile", "access_key")],
    "required_together": [("access_key", "secret_key")],
}


def tenants_named(options: Mapping[str, Any], given: Collection[str]) -> Optional[List[Mapping[str, Any]]]:
    """Return the rows of the option ``tenants``, None if it is not given.

    ``given`` are the names of the options that the user wrote, those without a value too. Raises ConfigurationError for
    no tenant, for the same one twice, and for credentials of the task beside them. A row that names no credentials is
    the failure of that tenant alone: see `tenant_fault`.
    """
    rows: Optional[List[Mapping[str, Any]]] = options["tenants"]
    if rows is None and "tenants" not in given:
        return None
    if not rows:
        raise errors.ConfigurationError(
            "tenants is given, but names no tenant.",
            hint="Name tenants, or leave the option out to use the credentials of the task.",
        )
    own = [name for name in TENANTS["options"] if options.get(name)]
    if own:
        raise errors.ConfigurationError(
            f"tenants cannot be combined with {' and '.join(own)}: each tenant has credentials of its own.",
            hint="Remove one of them. For a value from module_defaults, write '{{ omit }}' in its place in the task.",
        )
    seen: Dict[Tuple[Any, Any], int] = {}
    for at, row in enumerate(rows):
        if tenant_fault(row):
            continue
        first = seen.setdefault((row["profile"], row["access_key"]), at)
        if first != at:
            raise errors.ConfigurationError(
                f"tenants[{at}] is the same tenant as tenants[{first}]. Nothing was sent.",
                hint="Name each tenant once.",
            )
    return rows


def tenant_fault(row: Mapping[str, Any]) -> Optional[errors.ConfigurationError]:
    """Return why a row of the option ``tenants`` names no credentials, None if it does.

    Ansible counts an empty value as given. Such a row must not be completed from the environment or from the default
    profile, as these belong to another tenant.
    """
    given = [name for name in ("access_key", "secret_key") if row[name]]
    if row["profile"] or len(given) == 2:
        return None
    what = "None of profile, access_key and secret_key has a value."
    if given:
        missing = "secret_key" if given == ["access_key"] else "access_key"
        what = f"{given[0]} has a value, but {missing} has none."
    return errors.ConfigurationError(
        what, hint="Give the tenant a profile, or an access_key and a secret_key. Nothing was sent for it."
    )


def tenant_label(name: Optional[str], at: int) -> str:
    """Return what messages call a tenant of the option ``tenants``: its place and, unless it may be a secret, its name.

    ``name`` is its profile or its access key.
    """
    return f"tenants[{at}] ({name})" if name and names.may_be_quoted(name) else f"tenants[{at}]"
