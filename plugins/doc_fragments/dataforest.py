# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Data Forest besides the keys: `_ncp.options.DATAFOREST` without `_ncp.options.KEYS`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - The address of the Data Forest API.
      - If not set, the environment variable E(NCLOUD_DATAFOREST_API_URL) is used.
    type: str
    default: https://df.apigw.ntruss.com
  wire_format:
    description:
      - The format of requests and answers. The vendor documents both, and the results are the same.
    type: str
    choices:
      - json
      - xml
    default: json
"""
