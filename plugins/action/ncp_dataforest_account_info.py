# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of ncp_dataforest_account_info: it only runs the module on its host."""

from __future__ import annotations

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.module_action import ModuleAction


class ActionModule(ModuleAction):
    """Wiring: only the module."""
