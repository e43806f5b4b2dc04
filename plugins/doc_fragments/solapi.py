# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of all modules for SOLAPI: the same table as `_solapi.options.SOLAPI`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_key:
    description:
      - An API key of SOLAPI.
      - According to the documentation, the request for a reset mail needs none. It is signed if both O(api_key) and
        O(api_secret) are set. Setting only one of them is an error.
      - If not set, the environment variable E(SOLAPI_API_KEY) is used.
    type: str
  api_secret:
    description:
      - The secret that belongs to O(api_key).
      - If not set, the environment variable E(SOLAPI_API_SECRET) is used.
    type: str
  api_url:
    description:
      - The address of the SOLAPI API.
      - If not set, the environment variable E(SOLAPI_API_URL) is used.
    type: str
    default: https://api.solapi.com
"""
