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
      - If not set, it is taken from the environment variable E(NCLOUD_ACCESS_KEY_ID) or E(NCLOUD_ACCESS_KEY), and
        otherwise from O(config_file). If O(profile) is set, the environment is not used.
      - The two keys are looked up separately. An error about them says where each was found.
    type: str
  secret_key:
    description:
      - The secret key that belongs to O(access_key).
      - If not set, it is taken from the environment variable E(NCLOUD_SECRET_ACCESS_KEY) or E(NCLOUD_SECRET_KEY), and
        otherwise from O(config_file). If O(profile) is set, the environment is not used.
    type: str
  profile:
    description:
      - The section of O(config_file) that holds the keys.
      - If it is set here, the environment variables for the keys are not used, and O(access_key) and O(secret_key) are
        refused, so that the keys of another tenant cannot be used by accident.
      - If not set, it is taken from the environment variable E(NCLOUD_PROFILE), and is otherwise V(DEFAULT).
        Keys in the environment take precedence over a section that is named in this way.
    type: str
  config_file:
    description:
      - The file that C(ncloud configure) writes. Each section holds the keys C(ncloud_access_key_id) and
        C(ncloud_secret_access_key).
      - It is read on the host that executes the task. Other sections inherit nothing from C([DEFAULT]).
    type: path
    default: ~/.ncloud/configure
"""
