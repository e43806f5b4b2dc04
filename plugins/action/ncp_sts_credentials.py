# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_sts_credentials: the keys that it is given never leave the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import argument_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import sts, tenants
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import STS
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.calling import CallingAction

SPEC = argument_spec(STS, sts.OPTIONS)


class ActionModule(CallingAction):
    """Wiring: options and keys of the controller into a request for new keys."""

    def act(self) -> dict[str, Any]:
        """Get new keys, in check mode too: what follows needs them."""
        options = self.options(SPEC)
        wish = sts.wish(options["duration"], options["serial_number"], options["token_code"])
        gateway = tenants.gateways(options, self.open_caller(options), self.redactor)(tenants.TASK)
        pair = sts.Sts(gateway).create(wish)
        for doubt in pair.doubts:
            self.warn(doubt)
        self.hand_out("secret_key", pair.secret_key, [pair.secret_key])
        return {"changed": True, **pair.result()}
