# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the task files that users give to the roles can do their work.

Nothing here opens a file. Only `paths` reads the environment. The roles that have task files ask here before anything
changes, by filters.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

# A line with anything other than a comment, a document marker or an empty list.
_TASK = re.compile(r"^[ \t]*(?!#|---\s*$|\.\.\.|\[\s*\])\S", re.MULTILINE)
# What the roles call the passwords that they give to the tasks.
_PASSWORD = re.compile(r"\bncp_dataforest_(password_password|rotation_passwords?)\b")
_END = re.compile(r"""^[^#\n]*\bmeta['"]?:?\s+['"]?end_(play|host|batch|role)\b""", re.MULTILINE)


def paths(given: Sequence[Any], *, folder: str) -> list[str]:
    """Return the absolute paths of the files that are ``given``. Relative ones begin at ``folder``.

    An empty text names no file. What is not a text becomes one, so that the file that it seems to name is not found.
    """
    named = [str(each) for each in given if each not in ("", None)]
    return [os.path.join(folder, os.path.expanduser(os.path.expandvars(each))) for each in named]


def trouble(files: Mapping[str, str], *, otherwise: str, skip_tags: Sequence[str], run_tags: Sequence[str]) -> str:
    """Return why one of the task files would not do its work, '' if nothing is known against any of them.

    ``files`` are texts by their paths. ``otherwise`` says what would come of a task file that does nothing. A text that
    is not YAML is left to ansible-core, which says where it is wrong.
    """
    skipped, all_run = _tag(skip_tags), "all" in run_tags
    wrong: tuple[tuple[Callable[[str], object], str], ...] = (
        (
            lambda text: not _TASK.search(text) or _tasks(text) == [],
            f"contains no task. {otherwise} Correct the file, or, if it has nothing to do, remove the variable that "
            "names it.",
        ),
        (
            lambda text: skipped and skipped.search(text),
            f"contains a task that --skip-tags leaves out. {otherwise} Run without --skip-tags, or correct the file.",
        ),
        (
            _END.search,
            "ends the play, the host or the role with ansible.builtin.meta, so the role could neither go on with the "
            "other accounts nor report anything. Let a task fail instead.",
        ),
        (
            lambda text: any(_PASSWORD.search(name) for name in _names(_tasks(text))),
            "contains a task whose name has a password in it, and Ansible shows the names of tasks. Choose another "
            "name.",
        ),
        # With --tags, even tasks with the tag never may run.
        (
            lambda text: all_run and _never_runs(text),
            f"contains only tasks with the tag never, so none of them would run. {otherwise} Remove the tag.",
        ),
    )
    for path, text in files.items():
        for is_wrong, why in wrong:
            if is_wrong(text):
                return f"{path} {why} No password was changed."
    return ""


def _tag(tags: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds one of the tags as a word of its own, or the keyword itself if all tagged tasks are skipped."""
    words = [re.escape(re.sub(r"^(all|tagged)$", "tags", tag)) for tag in tags]
    return re.compile(rf"(?<![\w-])({'|'.join(words)})(?![\w-])") if words else None


def _never_runs(text: str) -> bool:
    tasks = _tasks(text)
    found = isinstance(tasks, list) and all(isinstance(task, dict) for task in tasks)
    return found and all("never" in task.get("tags", "") for task in tasks)


def _names(tasks: Any) -> Iterator[str]:
    """Yield the names of all tasks and blocks."""
    for task in tasks if isinstance(tasks, list) else ():
        if isinstance(task, dict):
            yield str(task.get("name", ""))
            for part in ("block", "rescue", "always"):
                yield from _names(task.get(part))


def _tasks(text: str) -> Any:
    """Return what the file holds, with each value as a text, whatever its tag. None if that is not YAML."""
    try:
        return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts, lists and dictionaries
    except yaml.YAMLError:
        return None
