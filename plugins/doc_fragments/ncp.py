# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys, which all modules for NAVER Cloud Platform take: the same table as `_ncp.options.KEYS`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The access key of a NAVER Cloud Platform user.
      - If not set, the environment variables E(NCLOUD_ACCESS_KEY_ID) and E(NCLOUD_ACCESS_KEY) are asked, in this order,
        and then the profile file O(config_file). With O(profile) the environment is not asked.
      - The two keys are looked for separately. An error about them names where each was found.
    type: str
  secret_key:
    description:
      - The secret key that belongs to O(access_key).
      - If not set, the environment variables E(NCLOUD_SECRET_ACCESS_KEY) and E(NCLOUD_SECRET_KEY) are asked,
        in this order, and then the profile file O(config_file). With O(profile) the environment is not asked.
    type: str
  profile:
    description:
      - The section of O(config_file) that holds the keys.
      - When it is set here, the environment variables for the keys are not asked, and O(access_key) and O(secret_key)
        are refused, so that the keys of another tenant cannot be used by accident.
      - If not set, the environment variable E(NCLOUD_PROFILE) names it, and without that it is V(DEFAULT).
        Keys in the environment win over a section named in this way.
    type: str
  config_file:
    description:
      - The file that C(ncloud configure) writes. Each section holds the keys C(ncloud_access_key_id) and
        C(ncloud_secret_access_key).
      - It is read on the host that executes the task. A section takes nothing over from C([DEFAULT]).
    type: path
    default: ~/.ncloud/configure
"""
