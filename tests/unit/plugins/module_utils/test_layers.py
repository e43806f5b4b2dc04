# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports point downwards, clients know neither Ansible nor requests, and modules hold no logic."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ansible_collections.krcloud.credentials.plugins.module_utils as package

LIBRARY = Path(next(iter(package.__path__)))
MODULES = LIBRARY.parent / "modules"
OURS = "ansible_collections.krcloud.credentials.plugins."

# From the bottom up: a file may import from the lines before its own, never from its own line or a later one.
LAYERS = (
    ("_words",),
    ("_ansiballz", "_signing", "_errors", "_bodies", "_redaction", "_options"),
    ("_numbers",),
    ("_mail_address", "_names", "_pace", "_credentials", "_password"),
    ("_http", "_raw_params"),
    ("_transport", "_ncp", "_solapi"),
    ("_reset", "_module"),
    ("_ncp_module",),
)
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(path.stem for path in LIBRARY.glob("*.py") if path.stem != "__init__")
MODULE_FILES = sorted(path.stem for path in MODULES.glob("*.py") if path.stem != "__init__")

# Names of the standard library that do input or output.
IO = {"os", "sys", "io", "socket", "ssl", "time", "random", "secrets", "threading", "subprocess", "pathlib", "http"}
# Who may import Ansible, and who requests.
ANSIBLE, REQUESTS = {"_module"}, {"_transport"}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            assert node.module
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def library(names: set[str]) -> set[str]:
    """Those of our library among imported modules."""
    prefix = f"{OURS}module_utils."
    return {name[len(prefix) :].partition(".")[0] for name in names if name.startswith(prefix)}


def reached(*names: str) -> set[str]:
    """These files of our library and all of them that they import, to the end."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        found |= waiting
        waiting = {each for name in waiting for each in library(imported(LIBRARY / f"{name}.py"))} - found
    return found


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_every_file_has_its_layer() -> None:
    assert sorted(LEVEL) == FILES
    assert len(MODULE_FILES) >= 3


@pytest.mark.parametrize("name", FILES)
def test_imports_point_downwards(name: str) -> None:
    upwards = {other for other in library(imported(LIBRARY / f"{name}.py")) if LEVEL[other] >= LEVEL[name]}
    assert upwards == set()


@pytest.mark.parametrize("name", [*FILES, *MODULE_FILES])
def test_the_library_imports_nothing_else_of_ours(name: str) -> None:
    path = (LIBRARY if name in FILES else MODULES) / f"{name}.py"
    ours = {imported_name for imported_name in imported(path) if imported_name.startswith("ansible_collections")}
    assert all(imported_name.startswith(f"{OURS}module_utils") for imported_name in ours)


@pytest.mark.parametrize("name", [*FILES, *MODULE_FILES])
def test_files_are_imported_whole(name: str) -> None:
    """To pack a module, ansible-core looks for every imported name as for a file, in each importing file anew."""
    path = (LIBRARY if name in FILES else MODULES) / f"{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sources = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {source for source in sources if source.startswith(OURS)} <= {f"{OURS}module_utils"}


def test_the_signer_is_pure() -> None:
    names = imported(LIBRARY / "_signing.py")
    assert library(names) == set()
    assert roots(names) & (IO | {"ansible", "requests"}) == set()


@pytest.mark.parametrize(
    "name",
    [
        "_bodies",
        "_errors",
        "_mail_address",
        "_names",
        "_ncp",
        "_options",
        "_password",
        "_redaction",
        "_solapi",
        "_words",
    ],
)
def test_what_only_thinks_does_nothing(name: str) -> None:
    """Nor does anything that it imports, to the end."""
    allowed = {
        "_credentials": {"os"},  # to read the file of profiles
        "_errors": {"os"},  # for the last part of a path
        "_http": {"random"},  # to spread attempts
        "_ncp": {"threading"},  # for a lock
        "_pace": {"threading", "time"},  # a clock that is handed over, and workers
    }
    used = {each: roots(imported(LIBRARY / f"{each}.py")) & IO for each in reached(name)}
    assert {each: found for each, found in used.items() if found - allowed.get(each, set())} == {}


# They know it where they are used by Ansible, and can be imported without it.
LATE = {"_options", "_raw_params"}


@pytest.mark.parametrize("name", sorted(set(FILES) - ANSIBLE - LATE))
def test_ansible_is_known_only_to_the_module(name: str) -> None:
    names = imported(LIBRARY / f"{name}.py")
    assert "ansible" not in roots(names)
    assert "AnsibleModule" not in (LIBRARY / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(LATE))
def test_some_know_ansible_only_when_they_are_used(name: str) -> None:
    tree = ast.parse((LIBRARY / f"{name}.py").read_text(encoding="utf-8"))
    top = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not [module for module in top if module and module.startswith("ansible.")]


@pytest.mark.parametrize("name", sorted(set(FILES) - REQUESTS))
def test_requests_is_known_only_to_the_transport(name: str) -> None:
    assert roots(imported(LIBRARY / f"{name}.py")) & {"requests", "urllib3", "certifi"} == set()


@pytest.mark.parametrize("name", MODULE_FILES)
def test_modules_know_neither(name: str) -> None:
    assert roots(imported(MODULES / f"{name}.py")) & {"ansible", "requests", "urllib3"} == set()


def lines_of_code(path: Path) -> int:
    """Lines that hold code; not counted are documentation, imports, tables of options, comments and blank lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    counted: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        counted |= {line for part in ast.walk(node) for line in _lines(part)}
    return len(counted)


def _lines(node: ast.AST) -> range:
    if not hasattr(node, "lineno"):
        return range(0)
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


@pytest.mark.parametrize("name", MODULE_FILES)
def test_modules_hold_documentation_and_wiring_only(name: str) -> None:
    assert lines_of_code(MODULES / f"{name}.py") <= 40


@pytest.mark.parametrize("name", FILES)
def test_the_library_says_that_it_is_private(name: str) -> None:
    text = (LIBRARY / f"{name}.py").read_text(encoding="utf-8")
    assert name.startswith("_")
    assert "# Private to krcloud.credentials: names and behaviour may change in any release." in text
    assert ast.get_docstring(ast.parse(text))


CLIENT = {
    "_ansiballz",
    "_bodies",
    "_credentials",
    "_errors",
    "_http",
    "_module",
    "_names",
    "_ncp",
    "_ncp_module",
    "_numbers",
    "_options",
    "_pace",
    "_raw_params",
    "_redaction",
    "_signing",
    "_transport",
    "_words",
}
PAYLOADS = {
    "ncp_dataforest_account_info": CLIENT,
    "ncp_dataforest_password": CLIENT | {"_password", "_reset"},
    "solapi_password_reset": CLIENT - {"_ncp", "_ncp_module"} | {"_mail_address", "_solapi"},
    # Both run on the controller; the file on the target's side holds documentation.
    "ncp_dataforest_publication": set(),
    "ncp_dataforest_rotation": set(),
}


@pytest.mark.parametrize("name", MODULE_FILES)
def test_a_module_carries_only_what_it_uses(name: str) -> None:
    """Ansible packs all that a module imports, and all that those files import, wherever the imports stand."""
    packed = reached(*library(imported(MODULES / f"{name}.py")))
    assert packed == PAYLOADS[name]


@pytest.mark.parametrize("name", sorted(name for name, packed in PAYLOADS.items() if packed))
def test_a_module_starts_with_the_file_that_makes_it_start_fast(name: str) -> None:
    body = ast.parse((MODULES / f"{name}.py").read_text(encoding="utf-8")).body
    ours = next(node for node in body if isinstance(node, ast.ImportFrom) and str(node.module).startswith(OURS))
    assert ours.names[0].name == "_ansiballz"
    main = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "main")
    assert ast.unparse(main.body[0]) == "_ansiballz.all_is_imported()"
