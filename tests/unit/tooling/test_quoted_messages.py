# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each message that a guide quotes is one that the collection has."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from tooling.tree import ROOT

# The first column of the tables with the heading "Message".
TABLE = re.compile(r"^   \* - Message\n(?:     - .*\n)+((?:   \* - .*\n(?:     .*\n)*)+)", re.MULTILINE)
ROW = re.compile(r"^   \* - (.*)$", re.MULTILINE)
QUOTED = [
    (path.name, quoted)
    for path in sorted(ROOT.glob("docs/docsite/rst/*.rst"))
    for table in TABLE.findall(path.read_text(encoding="utf-8"))
    for row in ROW.findall(table)
    for quoted in re.findall(r"``(.+?)``", row)
]
VALUE = "\0"


def texts(tree: ast.AST) -> list[str]:
    """All texts in a Python file. VALUE stands for what is put into them."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else VALUE for part in node.values]
            found.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


@functools.cache
def messages() -> tuple[str, ...]:
    files = [*ROOT.glob("plugins/**/*.py")]
    return tuple(text for file in files for text in texts(ast.parse(file.read_text(encoding="utf-8"))))


def is_one(quoted: str) -> bool:
    """Whether one of our messages has the parts of a quoted one, in order and with something between them."""
    pattern = re.compile(".+".join(re.escape(part.strip()) for part in quoted.split("...")), re.DOTALL)
    return any(pattern.search(text) for text in messages())


def test_guides_quote_messages() -> None:
    assert {name for name, _quoted in QUOTED} == {"failures.rst"}
    assert len(QUOTED) > 30


@pytest.mark.parametrize(("name", "quoted"), QUOTED, ids=[quoted for _name, quoted in QUOTED])
def test_a_quoted_message_is_one_of_ours(name: str, quoted: str) -> None:
    assert is_one(quoted), name


def test_others_are_not(tmp_path: Path) -> None:
    assert not is_one("is encrypted over the vault id ...")
    assert not is_one("... was saved. It is not known whether ...")
