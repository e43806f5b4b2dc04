# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of ncp_dataforest_rotation: the store is here, the resets happen on the target host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import (
    ConfigurationError,
    KrcloudError,
    internal_error,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._raw_params import check_quoted, learn
from ansible_collections.krcloud.credentials.plugins.module_utils._redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.plugin_utils import stores
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation_task import RotationTask, rotation_spec


class ActionModule(ActionBase):
    """Wiring: options, store and module runs into a `RotationTask`, and its result out, redacted."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        super().run(tmp, task_vars)
        redactor = Redactor()
        try:
            result = self._rotate(redactor, task_vars or {})
        except KrcloudError as error:
            result = error.as_failure()
        except AnsibleError as error:
            result = {"failed": True, "msg": str(error)}
        except Exception as error:  # nothing may leave unredacted, tracebacks included
            result = internal_error(error).as_failure()
        masked: dict[str, Any] = redactor.value(result)
        return masked

    def _rotate(self, redactor: Redactor, task_vars: dict[str, Any]) -> dict[str, Any]:
        spec = rotation_spec()
        learn(redactor, spec, self._task.args)
        check_quoted(spec, self._task.args)
        validated = ArgumentSpecValidator(spec).validate(self._task.args)
        if validated.error_messages:
            raise ConfigurationError(f"{redactor.text(validated.error_messages[0])}.")
        options = validated.validated_parameters
        given = {name: value for name, value in options["store"].items() if value is not None}
        redactor.add(*stores.secrets_of(given))
        store = stores.open_store(given, self._loader)

        def run_module(name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            result: Mapping[str, Any] = self._execute_module(
                module_name=f"krcloud.credentials.{name}", module_args=dict(arguments), task_vars=task_vars
            )
            return result

        task = RotationTask(options, store, run_module, progress=_show_progress)
        return task.run(check_mode=self._task.check_mode)


def _show_progress(done: int, total: int, failures: int) -> None:
    Display().display(f"ncp_dataforest_rotation: {done} of {total} accounts done, {failures} failed")
