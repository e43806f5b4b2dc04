# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""Modules of this collection travel to their host by pipelining: the passwords they are given stand in no file.

Ansible pipelines only when told to, since `sudo` may want a terminal. Else it writes each module with its options in
clear into a temporary file on the controller, and into another one on the host.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


def prefer_pipelining(connection: Any) -> None:
    """Have a connection use pipelining if it can, unless the user has decided about it, or becomes another user.

    ``connection`` is a connection plugin with its options set.
    """
    if connection.become:
        return
    try:
        _value, origin = connection.get_option_and_origin("pipelining")
    except KeyError:
        return  # It has no such option.
    if origin == "default":
        connection.set_option("pipelining", True)


class PipeliningAction(ActionBase):
    """An action whose modules travel by pipelining where they can."""

    def _execute_module(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        prefer_pipelining(self._connection)
        result: dict[str, Any] = super()._execute_module(*args, **kwargs)
        return result

    def run_module_of_task(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module of the task the way Ansible does it where there is no action plugin."""
        return self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)


class ModuleAction(PipeliningAction):
    """The action of a module that needs nothing else on the controller."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        super().run(tmp, task_vars)
        return self.run_module_of_task(task_vars)
