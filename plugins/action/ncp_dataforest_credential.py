# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_dataforest_credential: it needs only the store, which is on the controller."""

from __future__ import annotations

import time
import uuid
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_rows import (
    ABSENT,
    PRESENT,
    wished_rows,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_task import CredentialTask
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry

CREDENTIAL: Spec = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "profile": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "rotated_at": {"type": "str"},
    "hold_until": {"type": "str"},
    "hold_reason": {"type": "str"},
}
SPEC: Spec = {
    **CREDENTIAL,
    "credentials": {"type": "list", "elements": "dict", "options": CREDENTIAL},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
    "force": {"type": "bool", "default": False},
    "store": {"type": "dict", "options": registry.argument_spec()},
}


class ActionModule(RedactingAction):
    """Wiring: options and store into a `CredentialTask`."""

    _requires_connection = False

    _stores_passwords = True

    def act(self) -> dict[str, Any]:
        """Tell the store, or predict."""
        options, now = self.options(SPEC), time.time()
        if options["credentials"] is None and "credentials" in self._task.args:
            raise ConfigurationError("credentials is given, but names no account.", hint="Name accounts.")
        task = CredentialTask(
            self.store(options["store"]),
            wished_rows(options, now),
            state=options["state"],
            force=options["force"],
            now=now,
            new_id=lambda: str(uuid.uuid4()),
        )
        return task.run(self._task.check_mode, diff=self._task.diff)
