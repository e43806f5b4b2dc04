# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes down what ansible-core passes to callback plugins about results: what any of them could show or keep.

The options of the tasks, which ansible-core passes to them as well, go into a file of their own.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: Write every result to a file
description: For the leak sweep.
"""


class CallbackModule(CallbackBase):
    """One line of JSON for each event: the name of the task, the event, and what came with it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"

    def _write(self, event: str, result: Any) -> None:
        said = [str(item) for item in (result.exception, *result.warnings, *result.deprecations) if item]
        shown = {"task": result.task_name, "event": event, "result": result.result, "said": said}
        options = {"task": result.task_name, "event": event, "options": result.task_fields.get("args")}
        for place, line in (("KRCLOUD_RECORD", shown), ("KRCLOUD_OPTIONS", options)):
            with open(os.environ[place], "a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(json.dumps(line, ensure_ascii=False, default=repr) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._write("item", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._write("item", result)

    def v2_on_file_diff(self, result: Any) -> None:
        self._write("diff", result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        self._write("async", result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        self._write("async", result)
