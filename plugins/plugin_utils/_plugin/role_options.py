# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a role of this collection gives its own task options.

It does not pass its variables on as options: ``{{ x | default(omit) }}`` overrides ``module_defaults`` even where x is
not given. Instead, the task of the role has a variable ``__MODULE_options`` with the prefix of the role's variables.
This also hides their values from callbacks, which are shown the options of a task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError


def options_of_role(action: ActionBase, names: Iterable[str], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of these options that have a variable of the role. Empty for a task that is not of a role of ours.

    Raises ConfigurationError for a variable without a value.
    """
    prefix = variable_of_task(action, "options")
    variables = {} if prefix is None else {name: f"{prefix}{name}" for name in names}
    given: dict[str, Any] = action._templar.template(
        # In a dictionary, as values that are omitted drop out of it.
        {name: task_vars[variable] for name, variable in variables.items() if variable in task_vars}
    )
    empty = [variables[name] for name, value in given.items() if value in (None, "", [], {})]
    if empty:
        raise ConfigurationError(f"{empty[0]} has no value.", hint="Give it one, or remove the variable.")
    return given


def variable_of_task(action: ActionBase, name: str) -> Any:
    """Return the value of the variable ``__MODULE_name`` of the task itself, None if the task has none.

    With such a variable, a role of this collection tells its own task what users have no option for. Raises
    ConfigurationError for a variable without a value.
    """
    variable = f"__{type(action).__module__.rpartition('.')[2]}_{name}"
    if variable not in action._task.vars:
        return None
    value = action._templar.template(action._task.vars[variable])
    if value is None:
        raise ConfigurationError(f"{variable} has no value.", hint="Nothing was sent.")
    return value
