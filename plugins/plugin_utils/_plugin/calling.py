# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions that call a vendor themselves, so that its keys never leave the controller."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._call import address, caller, connection, wire
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._module import specs
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction


class CallingAction(RedactingAction):
    """An action that calls a vendor. Options, environment variables and files are those of the controller."""

    _requires_connection = False

    def options(self, spec: Spec) -> dict[str, Any]:
        """Return the validated options of the task, of which ``api_url`` is one. Raises ConfigurationError."""
        self.redactor.add(*specs.secrets_in_addresses(spec, os.environ))
        options = super().options(spec)
        address.check_api_url(options["api_url"], specs.called("api_url", spec, self._task.args))
        return options

    def open_caller(self, options: Mapping[str, Any]) -> caller.Caller:
        """Return what makes calls to the vendor. Sends nothing. Raises ConfigurationError."""
        try:
            if wire.REQUESTS_IMPORT_ERROR:
                raise wire.RequestsMissing
            return connection.open_caller(options, self.warn)
        except wire.RequestsMissing:
            raise ConfigurationError(
                f"The task needs the Python library requests, and {sys.executable} does not have it.",
                hint=f"Install it: {sys.executable} -m pip install requests",
            ) from None
