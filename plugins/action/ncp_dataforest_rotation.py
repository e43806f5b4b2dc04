# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of ncp_dataforest_rotation: the store is here, the resets happen on the target host."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import controller_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST, TENANTS
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import LONGEST, SHORTEST
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.accounts import (
    LISTED_TOO,
    without_empty_credentials,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    NewAccounts,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.task import RotationTask
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import CREDENTIALS
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry

ACCOUNT: Spec = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "profile": {"type": "str"},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "max_age": {"type": "str"},
    **{name: {"type": "raw"} for name in LISTED_TOO},
}

SPEC = controller_spec(
    DATAFOREST,
    {
        "accounts": {
            "type": "list",
            "elements": "dict",
            "options": ACCOUNT,
            "mutually_exclusive": [("profile", "access_key"), ("profile", "secret_key")],
            "required_one_of": [("id", "name")],
            "required_together": [("access_key", "secret_key")],
        },
        "tenants": TENANTS,
        "exclude": {"type": "list", "elements": "str"},
        "store": {"type": "dict", "options": registry.argument_spec()},
        "max_age": {"type": "str", "default": "90d"},
        "jitter": {"type": "str", "default": "10%"},
        "force": {"type": "bool", "default": False},
        "rotated_before": {"type": "str"},
        "new_accounts": {"type": "str", "choices": [each.value for each in NewAccounts], "default": "fail"},
        "password_length": {"type": "int", "default": 20, "no_log": False, "least": SHORTEST, "most": LONGEST},
        "concurrency": {"type": "int", "default": 8},
        "batch_size": {"type": "int", "default": 1000, "least": 1},
        "max_failures": {"type": "int"},
        "max_resets": {"type": "int"},
        "requests_per_second": {"type": "float"},
    },
)


class ActionModule(RedactingAction):
    """Wiring: options, store and module runs into a `RotationTask`."""

    _stores_passwords = True

    _requires_connection = True

    def arguments(self, spec: Spec) -> dict[str, Any]:
        """Return the options of the task as they were given.

        Tenants that a variable of the role names take the place of credentials from ``module_defaults``.
        """
        given = super().arguments(spec)
        if "accounts" in given:
            given["accounts"] = without_empty_credentials(given["accounts"])
        prefix = self.variable("options")
        if prefix is not None and f"{prefix}tenants" in self.task_vars:
            defaults = [name for name in CREDENTIALS if f"{prefix}{name}" not in self.task_vars]
            given = {name: value for name, value in given.items() if name not in defaults}
        return given

    def act(self) -> dict[str, Any]:
        """Rotate, or predict."""
        # Of one step of the role.
        options = {**self.options(SPEC), **(self.variable("limits") or {})}
        task = RotationTask(
            options,
            self.store(options["store"]),
            self.run_module,
            progress=_show_progress,
            given=self._task.args,
            planned=self.variable("planned"),
        )
        return task.run(self._task.check_mode, diff=self._task.diff)


def _show_progress(done: int, total: int, failures: int) -> None:
    Display().display(f"ncp_dataforest_rotation: {done} of {total} accounts done, needing attention: {failures}")
