# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller side of ncp_dataforest_rotation: the store is here, the resets happen on the target host."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.task import RotationTask, rotation_spec


class ActionModule(RedactingAction):
    """Wiring: options, store and module runs into a `RotationTask`."""

    _requires_connection = True

    def act(self) -> dict[str, Any]:
        """Rotate, or predict."""
        options = self.options(rotation_spec())
        task = RotationTask(
            options,
            self.store(options["store"]),
            self.run_module,
            progress=_show_progress,
            given=self._task.args,
        )
        return task.run(self._task.check_mode, diff=self._task.diff)


def _show_progress(done: int, total: int, failures: int) -> None:
    Display().display(f"ncp_dataforest_rotation: {done} of {total} accounts done, {failures} failed")
