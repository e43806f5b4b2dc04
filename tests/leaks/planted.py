# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the installed collection with a defect in them."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterable
from pathlib import Path

# As careless as possible: everything that the function was given, and everything that its object holds.
BREAK = "raise RuntimeError(f\"{locals()!r} {vars(locals().get('self', object))!r}\")"


def copy_with(collections: Path, folder: Path, statement: str, places: Iterable[tuple[str, str]]) -> Path:
    """A collections path with a statement at the beginning of functions, named by file and qualified name."""
    copy = folder / "planted"
    # Without the documentation, which shows contributors what an invented secret looks like.
    shutil.copytree(collections, copy, ignore=shutil.ignore_patterns("docs"))
    for file, name in places:
        path = copy / "ansible_collections/krcloud/credentials/plugins" / file
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        first = _function(ast.parse("".join(lines)), name).body[0]
        lines.insert(first.lineno - 1, f"{' ' * first.col_offset}{statement}\n")
        path.write_text("".join(lines), encoding="utf-8")
    return copy


def _function(node: ast.AST, name: str) -> ast.FunctionDef:
    for part in name.split("."):
        node = next(child for child in ast.walk(node) if getattr(child, "name", "") == part)
    assert isinstance(node, ast.FunctionDef)
    return node
