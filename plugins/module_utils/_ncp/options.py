# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules for NAVER Cloud Platform: the keys, which every service takes, and those of each service."""

from __future__ import annotations

from typing import Any, Dict

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
