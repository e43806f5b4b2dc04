# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles ask about the task files of users. Wiring: plain data in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils import _task_files


def task_file_paths(given: Sequence[Any], **where: Any) -> list[str]:
    """See `_task_files.paths`."""
    return _task_files.paths(given, **where)


def task_file_trouble(files: Mapping[str, str], **run: Any) -> str:
    """See `_task_files.trouble`."""
    return _task_files.trouble(files, **run)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {each.__name__: each for each in (task_file_paths, task_file_trouble)}
