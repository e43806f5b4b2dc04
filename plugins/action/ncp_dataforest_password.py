# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of ncp_dataforest_password: it runs the module, and reports what is unknown if that is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.module_action import ModuleAction


class ActionModule(ModuleAction):
    """Wiring: only the module, and what is unknown if it is lost."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        result = super().run(tmp, task_vars)
        error = result.get("error") or {}
        if error.get("kind") == "unknown_outcome" and "accounts" not in result:
            given = self._task.args.get("accounts") or [self._task.args]
            items = [item if isinstance(item, Mapping) else {} for item in given]
            unknown = {"outcome": "unknown", "error": error, "unanswered": False}
            result["accounts"] = [{"id": item.get("id"), "name": item.get("name"), **unknown} for item in items]
        return result
