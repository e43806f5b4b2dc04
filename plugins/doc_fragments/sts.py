# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for STS besides the keys: `_ncp.options.STS` without `_ncp.options.KEYS`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - The address of the API of the Secure Token Service (STS).
      - If not set, the environment variable E(NCLOUD_STS_API_URL) is used.
    type: str
    default: https://sts.apigw.ntruss.com
"""
