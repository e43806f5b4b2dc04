# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of everything that talks to SOLAPI: the same table as `_solapi.options.SOLAPI`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - An API key of SOLAPI.
      - The call for a reset mail needs none according to the documentation. Requests are signed only when both
        O(api_key) and O(api_secret) are known, and setting only one of them is an error.
      - The environment variable E(SOLAPI_API_KEY) is used when this is not set.
    type: str
  api_secret:
    description:
      - The secret that belongs to O(api_key).
      - The environment variable E(SOLAPI_API_SECRET) is used when this is not set.
    type: str
  api_url:
    description:
      - The address of the SOLAPI API.
      - The environment variable E(SOLAPI_API_URL) is used when this is not set.
    type: str
    default: https://api.solapi.com
"""
