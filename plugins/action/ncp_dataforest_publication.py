# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_dataforest_publication: it needs only the store, which is on the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.publication import note_published
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry

SPEC: Spec = {
    "accounts": {"type": "list", "elements": "dict", "required": True},
    "begun": {"type": "list", "elements": "dict", "default": []},
    "store": {"type": "dict", "required": True, "options": registry.argument_spec()},
}


class ActionModule(RedactingAction):
    """Wiring: options and store into `note_published`."""

    _requires_connection = False

    def act(self) -> dict[str, Any]:
        """Note what was published, or predict."""
        options = self.options(SPEC)
        store, check_mode = self.store(options["store"]), self._task.check_mode
        return note_published(store, options["accounts"], options["begun"], check_mode=check_mode)
