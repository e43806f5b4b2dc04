# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of all modules for SOLAPI."""

from __future__ import annotations

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Group

SOLAPI = Group(
    {
        "api_key": {"type": "str", "no_log": False},
        "api_secret": {"type": "str", "no_log": True},
        "api_url": {"type": "str", "default": "https://api.solapi.com"},
    },
    {
        "api_key": ("SOLAPI_API_KEY",),
        "api_secret": ("SOLAPI_API_SECRET",),
        "api_url": ("SOLAPI_API_URL",),
    },
)
