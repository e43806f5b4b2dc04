# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On the controller too imports point downwards, and the protocol does no input or output."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tooling import tree
from tooling.tree import ROOT

UTILS = ROOT / "plugins" / "plugin_utils"
OURS = "ansible_collections.krcloud.credentials."
PREFIX = f"{OURS}plugins.plugin_utils"

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


def reached(path: Path) -> dict[str, set[str]]:
    """All files of the collection that a file imports, to the end, itself included, with what each imports."""
    found: dict[str, set[str]] = {}
    waiting = {path}
    while waiting:
        file = waiting.pop()
        found[file.stem] = imported(file)
        ours = {ROOT / f"{name.removeprefix(OURS).replace('.', '/')}" for name in found[file.stem] if OURS in name}
        candidates = {file for each in ours for file in (each.with_suffix(".py"), each / "__init__.py")}
        waiting |= {file for file in candidates if file.is_file() and file.stem not in found}
    return found


@pytest.mark.parametrize("name", PURE)
def test_the_protocol_does_no_input_or_output(name: str) -> None:
    """Nor does anything that it imports, to the end."""
    allowed = {
        "_errors": {"os"},  # for the last part of a path
    }
    files = reached(UTILS / f"{name}.py")
    used = {file: {module.partition(".")[0] for module in modules} & IO for file, modules in files.items()}
    assert {file: found for file, found in used.items() if found - allowed.get(file, set())} == {}


@pytest.mark.parametrize("name", PURE)
def test_the_protocol_needs_no_ansible(name: str) -> None:
    """The interpreter itself says so."""
    program = (
        f"import sys, {PREFIX}.{name}; print(sorted({{'ansible', 'requests', 'urllib3', 'hvac'}} & set(sys.modules)))"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tree.link())}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_imports_are_followed_to_the_end() -> None:
    assert {"_action", "_arguments", "_raw_params", "_errors", "vault_file"} < set(reached(UTILS / "_action.py"))


def test_plugins_are_wiring() -> None:
    """About 40 lines of code each, documentation aside."""
    for path in [*ROOT.glob("plugins/action/*.py"), *ROOT.glob("plugins/lookup/*.py")]:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        code = [node for node in body if not isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr))]
        assert sum((node.end_lineno or 0) - node.lineno + 1 for node in code) <= 40, path.name
