# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of all modules of this collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted changed status without changing anything.
  diff_mode:
    description: Returns details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description: When run twice in a row with the same arguments, the second run finds nothing to change.
  platform:
    description: Where the module can run.
    platforms: posix
    support: full
"""

    ACTIONGROUP_NCP = r"""
attributes:
  action_group:
    description: Use C(group/krcloud.credentials.ncp) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - krcloud.credentials.ncp
"""

    ACTIONGROUP_SOLAPI = r"""
attributes:
  action_group:
    description: Use C(group/krcloud.credentials.solapi) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - krcloud.credentials.solapi
"""

    ACTIONGROUP_STORE = r"""
attributes:
  action_group:
    description: Use C(group/krcloud.credentials.store) in C(module_defaults) to set O(store) for this module.
    support: full
    membership:
      - krcloud.credentials.store
"""
