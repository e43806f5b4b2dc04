# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the modules of this collection are sent to their host: once, and without a file where that is possible.

This overrides protected methods of ansible-core's `ActionBase` (lib/ansible/plugins/action/__init__.py, ansible-core
2.19 to 2.22). `_execute_module` first calls `_configure_module`, `_make_tmp_path` and `_fixup_perms2`, which may run
commands on the host, and then `_low_level_execute_command` with the command that starts the module. If a later version
prepares something by another method, that counts as the start of the module, which is safe. `test_core_parts.py`
notices when one of these methods changes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin import reconnection
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.pipelining import prefer_pipelining
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import (
    mask_in_output,
    secrets_in,
)

if TYPE_CHECKING:
    from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor

# All other modules send passwords or request mails, unless they run in check mode.
READING = frozenset(("krcloud.credentials.ncp_dataforest_account_info",))
# The key that each module returns whenever it succeeds.
RETURNED = {
    "krcloud.credentials.ncp_dataforest_account_info": "accounts",
    "krcloud.credentials.ncp_dataforest_password": "accounts",
    "krcloud.credentials.solapi_password_reset": "delivery",
}


class SendingAction(ActionBase):
    """An action that sends modules of this collection."""

    _preparing = True
    _repeatable = True
    _begun = False

    def _execute_module(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run a module. All arguments are named."""
        prefer_pipelining(self._connection, lambda: self._given(kwargs.get("task_vars") or {}))
        mask_in_output(secrets_in(kwargs.get("module_args") or self._task.args))
        self._begun, self._preparing = False, False
        self._repeatable = not self._changes(kwargs.get("module_name"))
        try:
            self._open()
            result: dict[str, Any] = super()._execute_module(*args, **kwargs)
        finally:
            self._preparing = True
        return result

    def _given(self, task_vars: Mapping[str, Any]) -> Iterator[Container[str]]:
        """Yield the variables of the host, the play and the task, where these can be told from defaults."""
        hosts, host = task_vars.get("hostvars") or {}, self._task.delegate_to or task_vars.get("inventory_hostname")
        if host in hosts:
            yield hosts[host]
        yield self._task.play.get_vars()
        yield self._task.get_vars()

    def _changes(self, name: str | None) -> bool:
        return not self._task.check_mode and (name or self._task.resolved_action) not in READING

    def _expected(self, name: str | None) -> str | None:
        return None if self._task.async_val else RETURNED.get(name or self._task.resolved_action or "")

    def _open(self) -> None:
        """Open the connection while it may still repeat what fails: the module itself is started only once."""
        if not self._repeatable and reconnection.retries(self._connection):
            self._prepare(self._low_level_execute_command, "true", sudoable=False)

    def _prepare(self, do: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        preparing, self._preparing = self._preparing, True
        try:
            return do(*args, **kwargs)
        finally:
            self._preparing = preparing

    def _configure_module(self, *args: Any, **kwargs: Any) -> Any:
        return self._prepare(super()._configure_module, *args, **kwargs)

    def _make_tmp_path(self, *args: Any, **kwargs: Any) -> Any:
        return self._prepare(super()._make_tmp_path, *args, **kwargs)

    def _fixup_perms2(self, *args: Any, **kwargs: Any) -> Any:
        return self._prepare(super()._fixup_perms2, *args, **kwargs)

    def _low_level_execute_command(self, *args: Any, **kwargs: Any) -> Any:
        if self._preparing:
            return super()._low_level_execute_command(*args, **kwargs)
        self._begun = True
        if self._repeatable:
            return super()._low_level_execute_command(*args, **kwargs)
        with reconnection.none(self._connection):
            return super()._low_level_execute_command(*args, **kwargs)

    def send(self, name: str | None = None, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Run a module, by default that of the task. Return its result, or what is known if it returned none."""
        arguments = dict(self._task.args if arguments is None else arguments)
        try:
            result = self._execute_module(module_name=name, module_args=arguments, **more)
        except Exception as error:  # whatever it was, the module may have run
            return self._failed(name, arguments, error)
        return self._failed(name, arguments, result) or result

    def _failed(
        self, name: str | None, arguments: Mapping[str, Any], ending: Exception | Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the result for a module that has not reported one, or an empty dictionary if it has."""
        changes, expected = self._changes(name), self._expected(name)
        if isinstance(ending, Mapping) and not ending.get("failed") and (not expected or expected in ending):
            return {}
        # Imported here, as few runs need it.
        from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin import lost_module

        show = self._knowing(secrets_in(arguments)).foreign_text
        failure = (
            lost_module.failure_of_exception(ending, show, begun=self._begun, changes=changes)
            if isinstance(ending, Exception)
            else lost_module.failure_of_result(ending, show, changes=changes, expected=expected)
        )
        if failure is None:
            return {}
        result = {**failure.as_failure(), "changed": failure.kind == "unknown_outcome"}
        return {**result, "unreachable": True} if isinstance(ending, AnsibleConnectionFailure) else result

    def _knowing(self, secrets: Iterable[str]) -> Redactor:
        """Return a redactor that knows these secrets."""
        from ansible_collections.krcloud.credentials.plugins.module_utils._core import redaction

        return redaction.Redactor(secrets)

    def run_module_of_task(
        self, task_vars: dict[str, Any] | None, arguments: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the module of the task, with its own or other options, as Ansible does for a module without an action."""
        return self.send(None, arguments, task_vars=task_vars, wrap_async=self._task.async_val)


class ModuleAction(SendingAction):
    """The action of a module that needs nothing else on the controller."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        super().run(tmp, task_vars)
        return self.run_module_of_task(task_vars)
