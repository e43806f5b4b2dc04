# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""The option groups that modules and plugins share; `plugins/doc_fragments/` documents the same tables."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

Spec = Dict[str, Dict[str, Any]]

CONNECTION: Spec = {
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 10.0},
    "retries": {"type": "int", "default": 3},
    "deadline": {"type": "float", "default": 60.0},
}

NCP: Spec = {
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "profile": {"type": "str"},
    "config_file": {"type": "path", "default": "~/.ncloud/configure"},
    "api_url": {"type": "str", "default": "https://df.apigw.ntruss.com"},
    "wire_format": {"type": "str", "choices": ["json", "xml"], "default": "json"},
}

SOLAPI: Spec = {
    "api_key": {"type": "str", "no_log": False},
    "api_secret": {"type": "str", "no_log": True},
    "api_url": {"type": "str", "default": "https://api.solapi.com"},
}

VENDORS: Mapping[str, Spec] = {"ncp": NCP, "solapi": SOLAPI}

# Options that an environment variable may set, in the order in which the variables are asked. The first that is set
# and not empty wins over the option's default, and loses against the option.
ENVIRONMENT: Mapping[str, Mapping[str, Tuple[str, ...]]] = {
    "ncp": {
        "access_key": ("NCLOUD_ACCESS_KEY_ID", "NCLOUD_ACCESS_KEY"),
        "secret_key": ("NCLOUD_SECRET_ACCESS_KEY", "NCLOUD_SECRET_KEY"),
        "profile": ("NCLOUD_PROFILE",),
        "api_url": ("NCLOUD_DATAFOREST_API_URL",),
    },
    "solapi": {
        "api_key": ("SOLAPI_API_KEY",),
        "api_secret": ("SOLAPI_API_SECRET",),
        "api_url": ("SOLAPI_API_URL",),
    },
}


def argument_spec(vendor: str, options: Spec) -> Spec:
    """Return the argument spec of a module of ``vendor``: its own options and the shared ones.

    Credentials are not filled in from the environment here, but where they are used, so that an error can name
    the place each came from.
    """
    spec = {name: dict(option) for group in (options, VENDORS[vendor], CONNECTION) for name, option in group.items()}
    spec["api_url"]["fallback"] = (_from_environment, list(ENVIRONMENT[vendor]["api_url"]))
    return spec


def controller_spec(vendor: str, options: Spec) -> Spec:
    """Return the argument spec of an action that passes the shared options on to a module of ``vendor``.

    Defaults, environment variables and home folders are those of the host on which the module runs.
    """
    spec = dict(options)
    for name, option in {**VENDORS[vendor], **CONNECTION}.items():
        kind = "str" if option["type"] == "path" else option["type"]
        spec[name] = {**{key: value for key, value in option.items() if key != "default"}, "type": kind}
    return spec


def _from_environment(*names: str) -> str:
    # Imported here so that the client libraries stay free of Ansible.
    from ansible.module_utils.basic import env_fallback

    return str(env_fallback(*names))
