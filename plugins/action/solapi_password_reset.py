# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of solapi_password_reset: with a store, at most one mail for each address and interval."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.durations import parse_duration
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import controller_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.mail_address import check_email
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.options import SOLAPI
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._reset_mail import Ask, ask_once, told
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import RESET_MAILS
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import carry_out

# The options of a task with a store.
SPEC = controller_spec(
    SOLAPI,
    {
        "email": {"type": "str", "required": True},
        "store": {"type": "dict", "required": True, "options": registry.argument_spec()},
        "min_interval": {"type": "str", "required": True},
    },
)


class ActionModule(RedactingAction):
    """Wiring: without a store only the module, with a store `ask_once`."""

    _supports_async = True

    def act(self) -> Mapping[str, Any]:
        """Request a mail, unless one was requested recently."""
        given = self.arguments(SPEC)
        if given.get("email") is not None:
            check_email(given["email"])
        if given.get("store") is None:
            result = self.run_module_of_task(self.task_vars, given)
            known = self._task.async_val or "error" not in result
            return result if known else told(given.get("email"), result, sent=not self._task.check_mode)
        if self._task.async_val:
            raise ConfigurationError("store cannot be combined with async.", hint="Run the task without async.")
        options = self.options(SPEC)
        store = self.store(options["store"], RESET_MAILS)
        interval = parse_duration(options["min_interval"], "min_interval")
        arguments = {
            name: value
            for name, value in options.items()
            if name not in ("store", "min_interval") and value is not None
        }

        def ask(effect: Ask) -> Mapping[str, Any]:
            return self.run_module("solapi_password_reset", arguments, rehearse=effect.rehearse)

        mail = ask_once(
            options["email"],
            interval,
            clock=time.time,
            request_id=str(uuid.uuid4()),
            check_mode=self._task.check_mode,
        )
        return carry_out(mail, store, ask)
