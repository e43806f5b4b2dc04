# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ActionBase of this collection: nothing leaves it unredacted, and every failure is one clear sentence."""

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
    opened_store,
    validated,
    with_store,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.module_action import SendingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import PASSWORDS, Contents, Store


class RedactingAction(SendingAction):
    """An action whose ``act`` returns the result of the task, or raises the error that explains its failure."""

    _supports_check_mode = True
    _supports_async = False
    _unreachable = False
    # Whether a variable of the play may stand in for the option `store`: see `with_store`.
    _stores_passwords = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        super().run(tmp, task_vars)
        self.redactor = Redactor()
        self.task_vars = task_vars or {}
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
        return masked

    @abstractmethod
    def act(self) -> Mapping[str, Any]:
        """Return the result of the task."""

    def options(self, spec: Spec) -> dict[str, Any]:
        """Return the validated options of the task. Raises ConfigurationError, which quotes no secret."""
        options = validated(spec, self.arguments(spec), self.redactor)
        alike = leave_identifiers(self.redactor, spec, options)
        if alike:
            self._display.warning(alike)
        return options

    def arguments(self, spec: Spec) -> dict[str, Any]:
        """Return the options of the task as they were given. Options that come from the variables of a role go first.

        A role of this collection does not pass its variables on as options: ``{{ x | default(omit) }}`` overrides
        ``module_defaults`` even where x is not given. Instead, the task of the role has a variable
        ``__MODULE_options`` with the prefix of the role's variables. This also hides their values from callbacks, which
        are shown the options of a task.

        Raises ConfigurationError for a variable without a value.
        """
        prefix = self.variable("options")
        variables = {} if prefix is None else {name: f"{prefix}{name}" for name in spec}
        given: dict[str, Any] = self._templar.template(
            # In a dictionary, as values that are omitted drop out of it.
            {name: self.task_vars[variable] for name, variable in variables.items() if variable in self.task_vars}
        )
        empty = [variables[name] for name, value in given.items() if value in (None, "", [], {})]
        if empty:
            raise ConfigurationError(f"{empty[0]} has no value.", hint="Give it one, or remove the variable.")
        given = {**self._task.args, **given}
        if self._stores_passwords:
            given = dict(with_store(given, self.task_vars, self._templar.template))
        return given

    def variable(self, name: str) -> Any:
        """Return the value of the variable ``__MODULE_NAME`` of the task itself, None if the task has none.

        With such a variable, a role of this collection tells its own task what users have no option for. Raises
        ConfigurationError for a variable without a value.
        """
        variable = f"__{type(self).__module__.rpartition('.')[2]}_{name}"
        if variable not in self._task.vars:
            return None
        value = self._templar.template(self._task.vars[variable])
        if value is None:
            raise ConfigurationError(f"{variable} has no value.", hint="Nothing was sent.")
        return value

    def store(self, options: Mapping[str, Any], contents: Contents = PASSWORDS) -> Store:
        """Return the store that the option ``store`` describes. It is closed when the task ends, in whatever way."""
        store = opened_store(options, self._loader, self.redactor, contents=contents)
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
