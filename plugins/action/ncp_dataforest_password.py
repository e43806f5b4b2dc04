# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of ncp_dataforest_password: it runs the module, and reports what is unknown if that is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.module_action import ModuleAction

# What says which accounts get which passwords. The role keeps these, because its verify tasks need them, too.
_NAMING = ("accounts", "id", "name", "password")
_LIMITS = ("concurrency", "max_failures", "requests_per_second")


class ActionModule(ModuleAction):
    """Wiring: only the module, and what is unknown if it is lost."""

    def run_module_of_task(
        self, task_vars: dict[str, Any] | None, arguments: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the module, with the options of the task or of the role."""
        arguments = self._task.args if arguments is None else arguments
        if "__ncp_dataforest_password_options" in self._task.vars:
            # Imported here, as few runs need it.
            from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError

            try:
                arguments = self._arguments_of_role(arguments, task_vars or {})
            except ConfigurationError as refused:
                return refused.as_failure()
        result = super().run_module_of_task(task_vars, arguments)
        error = result.get("error") or {}
        if error.get("kind") == "unknown_outcome" and "accounts" not in result:
            given = arguments.get("accounts") or [arguments]
            items = [item if isinstance(item, Mapping) else {} for item in given]
            unknown = {"outcome": "unknown", "error": error, "unanswered": False}
            result["accounts"] = [{"id": item.get("id"), "name": item.get("name"), **unknown} for item in items]
        return result

    def _arguments_of_role(self, given: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
        from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST
        from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin import role_options

        names = (*DATAFOREST.options, *CONNECTION, *_LIMITS)
        options = role_options.options_of_role(self, names, task_vars)
        defaults = {name: value for name, value in given.items() if name not in _NAMING}
        return {**defaults, **options, **role_options.variable_of_task(self, "named")}
