# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of ncp_dataforest_rotation_report: the report is written on the controller."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.report_files import begin, finish
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run_report import finished

SPEC: Spec = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["unfinished", "finished"], "default": "finished"},
    "started_at": {"type": "str"},
    "accounts": {"type": "list", "elements": "dict", "default": []},
    "verdict": {"type": "str", "default": ""},
    "problem": {"type": "str", "default": ""},
}


class ActionModule(RedactingAction):
    """Wiring: options into a report, and the report into its files."""

    _requires_connection = False

    def act(self) -> dict[str, Any]:
        """Write the report, or see whether it can be written."""
        options, check_mode = self.options(SPEC), self._task.check_mode
        path, now = options["path"], time_text(time.time())
        started_at = options["started_at"] or now
        if options["state"] == "unfinished":
            begin(path, started_at, check_mode=check_mode)
        elif not check_mode:
            said = {name: options[name] for name in ("verdict", "problem")}
            finish(path, finished(options["accounts"], **said, started_at=started_at, now=now))
        return {"changed": not check_mode, "started_at": started_at}
