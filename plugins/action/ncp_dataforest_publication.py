# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_dataforest_publication: it needs only the store, which is on the controller."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.publication import note_published
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.reader import readable_passwords
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry

ROWS: Spec = {name: {"type": "list", "elements": "dict", "default": []} for name in ("begun", "failed", "unpublished")}
SPEC: Spec = {
    "accounts": {"type": "list", "elements": "dict", "required": True},
    **ROWS,
    "store": {"type": "dict", "options": registry.argument_spec()},
}


class ActionModule(RedactingAction):
    """Wiring: options and store into `note_published`, and the passwords of a batch to the role."""

    _requires_connection = False
    _stores_passwords = True

    def act(self) -> dict[str, Any]:
        """Note what becomes of hand-overs, or predict."""
        options = self.options(SPEC)
        store, check_mode = self.store(options["store"]), self._task.check_mode
        try:
            rows = {name: options[name] for name in ROWS}
            return note_published(store, options["accounts"], **rows, now=time.time(), check_mode=check_mode)
        finally:
            # The store is decrypted already. What cannot be noted is handed over all the same.
            if self._task.no_log and self.variable("passwords"):
                passwords = readable_passwords(store, [row["name"] for row in options["begun"]])
                if passwords:
                    self.hand_out("passwords", passwords, passwords.values())
