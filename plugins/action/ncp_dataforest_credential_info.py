# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_dataforest_credential_info: it needs only the store, which is on the controller."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.durations import (
    parse_duration,
    parse_percentage,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import Policy
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.report import FILTERS, report
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry

SPEC: Spec = {
    "names": {"type": "list", "elements": "str"},
    "only": {"type": "list", "elements": "str", "choices": list(FILTERS)},
    "max_age": {"type": "str", "default": "90d"},
    "jitter": {"type": "str", "default": "10%"},
    "store": {"type": "dict", "options": registry.argument_spec()},
}


class ActionModule(RedactingAction):
    """Wiring: options and store into a `report`."""

    _requires_connection = False

    _stores_passwords = True
    _saves = False

    def act(self) -> dict[str, Any]:
        """Look at the store."""
        options = self.options(SPEC)
        policy = Policy(parse_duration(options["max_age"], "max_age"), parse_percentage(options["jitter"], "jitter"))
        if options["names"] is None and "names" in self._task.args:
            raise ConfigurationError("names has no value.", hint="Leave it out to look at all accounts.")
        store = self.store(options["store"])
        return report(store, policy, time.time(), names=options["names"], only=options["only"] or ())
