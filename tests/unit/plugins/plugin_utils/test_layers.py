# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On the controller too imports point downwards, and the protocol does no input or output."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tooling.tree import ROOT

UTILS = ROOT / "plugins" / "plugin_utils"
PREFIX = "ansible_collections.krcloud.credentials.plugins.plugin_utils"

# From the bottom up: a file may import from the lines before its own, never from its own line or a later one.
LAYERS = (
    ("_duration", "_store", "_pipelining", "_reconnection", "_secret_options", "_module_result"),
    ("_effects", "_envelope", "stores", "_module_action"),
    ("_rotation",),
    ("_rotator", "_reset_mail", "_publication", "_credential"),
    ("_rotation_task", "_arguments"),
    ("_action", "_lookup"),
)
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(path.stem for path in UTILS.glob("*.py") if path.stem != "__init__")

PURE = ("_duration", "_envelope", "_rotation", "_rotator", "_effects", "_reset_mail", "_publication", "_credential")
IO = {"os", "sys", "io", "socket", "ssl", "time", "random", "secrets", "threading", "subprocess", "pathlib", "ansible"}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_file_has_its_layer() -> None:
    assert sorted(LEVEL) == sorted([*FILES, "stores"])


@pytest.mark.parametrize("name", FILES)
def test_imports_point_downwards(name: str) -> None:
    ours = {module for module in imported(UTILS / f"{name}.py") if module.startswith(f"{PREFIX}.")}
    used = {module.removeprefix(f"{PREFIX}.").partition(".")[0] for module in ours}
    assert {other for other in used if LEVEL[other] >= LEVEL[name]} == set()


@pytest.mark.parametrize("path", sorted((UTILS / "stores").glob("*.py")), ids=lambda path: path.stem)
def test_stores_know_nothing_of_what_is_done_with_them(path: Path) -> None:
    ours = {module for module in imported(path) if module.startswith(PREFIX)}
    assert all(module.startswith((f"{PREFIX}._store", f"{PREFIX}.stores")) for module in ours - {PREFIX})


@pytest.mark.parametrize("name", PURE)
def test_the_protocol_does_no_input_or_output(name: str) -> None:
    assert {module.partition(".")[0] for module in imported(UTILS / f"{name}.py")} & IO == set()


def test_plugins_are_wiring() -> None:
    """About 40 lines of code each, documentation aside."""
    for path in [*ROOT.glob("plugins/action/*.py"), *ROOT.glob("plugins/lookup/*.py")]:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        code = [node for node in body if not isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr))]
        assert sum((node.end_lineno or 0) - node.lineno + 1 for node in code) <= 40, path.name
