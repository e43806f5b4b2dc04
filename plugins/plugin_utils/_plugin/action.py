# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ActionBase of this collection: nothing leaves it unredacted, and every failure is one clear sentence.

What an action hands out in the clear is for `register` only. A result says so to ansible-core 2.19 to 2.22 by
`_ansible_no_log`, which is not documented: `update_result_no_log` (lib/ansible/playbook/base.py) leaves it there, and
callbacks get none of the values, by `as_callback_task_result` (lib/ansible/executor/task_result.py) up to 2.20 and by
`as_result_dict` (lib/ansible/_internal/_task.py) from 2.21 on. `test_core_parts.py` notices when they change.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    internal_error,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._module.arguments import leave_identifiers
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import (
    STORE_VARIABLE,
    opened_store,
    validated,
    with_store,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.module_action import SendingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.role_options import (
    options_of_role,
    variable_of_task,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import mask_in_output
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import PASSWORDS, Contents, Store


class RedactingAction(SendingAction):
    """An action whose ``act`` returns the result of the task, or raises the error that explains its failure."""

    _supports_check_mode = True
    _supports_async = False
    _unreachable = False
    # Whether a variable of the play may stand in for the option `store`: see `with_store`.
    _stores_passwords = False
    # Whether the task may save something in a store, unless it runs in check mode.
    _saves = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        super().run(tmp, task_vars)
        self.redactor = Redactor()
        self.task_vars = task_vars or {}
        self._handed_out: dict[str, Any] = {}
        try:
            with contextlib.ExitStack() as self._stores:
                result = self.act()
        except KrcloudError as error:
            result = error.as_failure()
        except AnsibleError as error:
            result = {"failed": True, "msg": str(error)}
        except Exception as error:  # nothing may leave unredacted, tracebacks included
            result = internal_error(error).as_failure()
        if self._unreachable and result.get("failed"):
            # Ansible handles it as an unreachable host, and the result still says why.
            result = {**result, "unreachable": True}
        masked: dict[str, Any] = self.redactor.value(result)
        # Callbacks see nothing of a result that has anything in the clear. `register` does.
        return {**masked, **self._handed_out, "_ansible_no_log": True} if self._handed_out else masked

    @abstractmethod
    def act(self) -> Mapping[str, Any]:
        """Return the result of the task."""

    def hand_out(self, name: str, value: Any, secrets: Iterable[str]) -> None:
        """Return a value that holds secrets, without masking it, to whoever registers the result.

        Callbacks get a result without any values, and ansible-core masks the secrets in what it prints later, which it
        can do from 2.22 on.
        """
        mask_in_output(secrets)
        self._handed_out[name] = value

    def warn(self, warning: str) -> None:
        """Warn, masked."""
        self._display.warning(self.redactor.text(warning))

    def options(self, spec: Spec) -> dict[str, Any]:
        """Return the validated options of the task. Raises ConfigurationError, which quotes no secret."""
        options = validated(spec, self.arguments(spec), self.redactor)
        alike = leave_identifiers(self.redactor, spec, options)
        if alike:
            self.warn(alike)
        return options

    def arguments(self, spec: Spec) -> dict[str, Any]:
        """Return the options of the task as they were given. Options that come from the variables of a role go first.

        Raises ConfigurationError for a variable without a value.
        """
        given = {**self._task.args, **options_of_role(self, spec, self.task_vars)}
        if self._stores_passwords:
            given = dict(with_store(given, self.task_vars, self._stored_where))
        return given

    def _stored_where(self, value: Any) -> Any:
        try:
            return self._templar.template(value)
        except AnsibleError as error:
            why = str(error).rstrip(".")
            raise ConfigurationError(f"The variable {STORE_VARIABLE} cannot be used: {why}.") from None

    def variable(self, name: str) -> Any:
        """Return what a role of this collection tells its own task, see `variable_of_task`."""
        return variable_of_task(self, name)

    def store(self, options: Mapping[str, Any], contents: Contents = PASSWORDS) -> Store:
        """Return the store that the option ``store`` describes. It is closed when the task ends, in whatever way."""
        may_save = self._saves and not self._task.check_mode
        store = opened_store(options, self._loader, self.redactor, contents=contents, may_save=may_save)
        return self._stores.enter_context(contextlib.closing(store))

    def run_module(self, name: str, arguments: Mapping[str, Any], *, rehearse: bool = False) -> Mapping[str, Any]:
        """Run a module of this collection on the target host, or only in check mode, and return its result."""
        check_mode = self._task.check_mode
        self._task.check_mode = check_mode or rehearse
        try:
            return self.send(f"krcloud.credentials.{name}", arguments, task_vars=self.task_vars)
        finally:
            self._task.check_mode = check_mode

    def send(self, name: str | None = None, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Run a module, and remember whether its host could be reached."""
        result = super().send(name, arguments, **more)
        self._unreachable = bool(result.get("unreachable"))
        return result

    def _knowing(self, secrets: Iterable[str]) -> Redactor:
        self.redactor.add(*secrets)
        return self.redactor
