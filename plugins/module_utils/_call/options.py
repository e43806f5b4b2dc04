# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that say how to reach a vendor: the same for all of them."""

from __future__ import annotations

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec

CONNECTION: Spec = {
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 10.0},
    "retries": {"type": "int", "default": 3},
    "deadline": {"type": "float", "default": 60.0},
}
