# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layout of plugins/, read from the code, and its drawing in architecture.rst: `python -m tooling.house`.

A room is a folder of plugins/, or a file of `plugin_utils` that has no folder of its own. ROOMS says what each is for.
The code says which files are in it, what they are about and which rooms it imports. `make format` writes the drawing,
and test_house.py compares it.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import yaml

from tooling import tree

PLUGINS = tree.ROOT / "plugins"
OURS = "ansible_collections.krcloud.credentials.plugins."
PAGE = tree.ROOT / "docs/docsite/rst/architecture.rst"
BEGIN, END = ".. The next lines are written by `make format`.\n", ".. The lines that `make format` writes end here.\n"

FILES = {
    ".".join(path.relative_to(PLUGINS).with_suffix("").parts): path
    for path in sorted(PLUGINS.rglob("*.py"))
    if path.stem != "__init__"
}

# From the top to the bottom: a room imports only from those below it.
ROOMS = {
    "action": "The part of each module that runs on the controller: wiring.",
    "lookup": "The lookups: documentation and wiring.",
    "filter": "What the roles decide between their tasks: wiring.",
    "plugin_utils._plugin": "What action plugins and lookups need from ansible-core.",
    "plugin_utils._copy": "From one store to another.",
    "plugin_utils._rotation": "Rotation: the protocol, a run, a task, and what a store holds for an account.",
    "plugin_utils._reset_mail": "At most one mail per interval.",
    "plugin_utils._passwords": "The accounts of the role that sets passwords, and what became of them.",
    "plugin_utils._task_files": "What is wrong with the task files of users.",
    "plugin_utils._stores": "Where passwords are kept.",
    "modules": "The modules: documentation and wiring.",
    "module_utils._module": "What modules need from ansible-core.",
    "module_utils._ncp": "NAVER Cloud Platform: its gateway, and its services.",
    "module_utils._solapi": "SOLAPI.",
    "module_utils._call": "One call to a server, of a vendor or of a store.",
    "module_utils._core": "Basics that know nothing of HTTP or vendors.",
    "doc_fragments": "The documentation of options that several plugins share: the same tables as in the code.",
}

# The modules that run on a target host. The others are documentation only.
RUNNING = tuple(
    name.removeprefix("modules.")
    for name, path in FILES.items()
    if name.startswith("modules.") and "def main(" in path.read_text(encoding="utf-8")
)

# The modules that call a vendor from the controller.
CALLING = tuple(
    name.removeprefix("action.")
    for name, path in FILES.items()
    if name.startswith("action.") and "(CallingAction)" in path.read_text(encoding="utf-8")
)


def room(name: str) -> str:
    """The room of a file."""
    folder = name.rpartition(".")[0]
    return name if folder == "plugin_utils" else folder


@functools.cache
def imported(name: str) -> frozenset[str]:
    """Every module that a file imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(_parsed(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            assert node.module
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def ours(name: str) -> set[str]:
    """Our own files that a file imports."""
    return {each.removeprefix(OURS) for each in imported(name) if each.startswith(OURS)} & set(FILES)


def reached(name: str) -> set[str]:
    """A file and all of our own files that it imports, directly or not."""
    found: set[str] = set()
    waiting = {name}
    while waiting:
        found |= waiting
        waiting = {each for file in waiting for each in ours(file)} - found
    return found


def docstring(name: str) -> str:
    """The docstring of a file."""
    return ast.get_docstring(_parsed(name)) or ""


def sentence(name: str) -> str:
    """What a file is about: the first sentence of its docstring, or the short description of a plugin."""
    text = docstring(name) or next(_documentation(name))["short_description"] + "."
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]


def below(name: str) -> list[str]:
    """The rooms that the files of a room import, from the top to the bottom."""
    found = {room(each) for file in FILES if room(file) == name for each in ours(file)} - {name}
    return [each for each in ROOMS if each in found]


def drawing() -> str:
    """The rooms as a table, and below it the files of each."""
    return "\n".join((BEGIN, *_table(), *_lists(), END))


def page() -> str:
    """The page with its drawing as it should be."""
    before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + drawing() + rest.partition(END)[2]


def _parsed(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


def _documentation(name: str) -> Iterator[dict[str, str]]:
    for node in _parsed(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            yield yaml.safe_load(ast.literal_eval(node.value))


def _place(name: str) -> str:
    """A room as the path below plugins/."""
    path = name.replace(".", "/")
    return f"``{path}.py``" if name in FILES else f"``{path}/``"


def _short(name: str) -> str:
    last = name.rpartition(".")[2]
    return f"``{last}``"


def _table() -> Iterator[str]:
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: 28 44 28", "")
    yield from ("   * - Room, below ``plugins/``", "     - What it is for", "     - Imports")
    for name, purpose in ROOMS.items():
        yield f"   * - {_place(name)}"
        yield f"     - {purpose}"
        yield f"     - {', '.join(map(_short, below(name))) or 'nothing of ours'}"
    yield ""


def _lists() -> Iterator[str]:
    for name in ROOMS:
        files = [file for file in FILES if room(file) == name]
        yield from (f"{_place(name)}:", "")
        for file in files:
            said = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", sentence(file))
            yield f"- {_short(file)}: {said}"
        yield ""


def main() -> None:
    """Write the drawing."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
