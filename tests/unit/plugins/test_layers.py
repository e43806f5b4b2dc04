# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders say who may know whom: imports point downwards, vendors stand side by side, modules are wiring.

The rules come from the folders themselves: a folder of `module_utils` that is not one of the three shared ones is a
vendor, the folders of `plugin_utils` stand one above the other, and a file is pure if its docstring says "Pure".
"""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tooling import tree
from tooling.house import FILES, OURS, docstring, imported, ours, reached, room

LIBRARY = [name for name in FILES if name.startswith("module_utils.")]
HELPERS = [name for name in FILES if name.startswith("plugin_utils.")]
MODULES = [name for name in FILES if name.startswith("modules.")]
WIRING = [name for name in FILES if name.split(".")[0] in ("action", "filter", "lookup", "inventory")]

SHARED = ("module_utils._core", "module_utils._call", "module_utils._module")
VENDORS = sorted({name.rpartition(".")[0] for name in LIBRARY} - set(SHARED))

# From the lowest to the highest. A file of `plugin_utils` without a folder is beside `_rotation`, at the same height.
STORES, ROTATION, PLUGIN = "plugin_utils._stores", "plugin_utils._rotation", "plugin_utils._plugin"

# Names of the standard library that do input or output, or whose answers differ from one time to the next.
IO = {"http", "io", "os", "pathlib", "random", "secrets", "socket", "ssl", "subprocess", "sys", "threading", "time"}
# The last part of a path; a lock; a clock that is handed over; a value that is drawn again each time.
HARMLESS = {
    "module_utils._core.errors": {"os"},
    "module_utils._core.redaction": {"threading"},
    "module_utils._core.times": {"time"},
}
# These libraries are known only to this file.
NETWORK = {"requests", "urllib3", "certifi"}
WIRE = "module_utils._call.wire"


def foreign(name: str) -> set[str]:
    """The packages that a file imports, and all files of ours that it reaches."""
    return {module.partition(".")[0] for file in reached(name) for module in imported(file)}


PURE = [name for name in (*LIBRARY, *HELPERS) if re.search(r"\b(Pure|No I/O)\b", docstring(name))]


def test_the_rules_are_about_something() -> None:
    assert len(MODULES) >= 5
    assert {"module_utils._ncp", "module_utils._solapi"} <= set(VENDORS)
    assert {f"plugin_utils._rotation.{name}" for name in ("protocol", "publication", "results", "run", "turn")} <= set(
        PURE
    )
    assert {STORES, ROTATION, PLUGIN} < {room(name) for name in HELPERS}
    assert {f"module_utils.{name}" for name in ("_ncp.signature", "_solapi.signature", "_core.redaction")} <= set(PURE)
    assert "module_utils._core.errors" in reached("action.ncp_dataforest_rotation")


def test_no_file_imports_itself_by_others() -> None:
    tuple(TopologicalSorter({name: ours(name) for name in FILES}).static_order())


def test_no_folder_imports_itself_by_others() -> None:
    folders: dict[str, set[str]] = {}
    for name in (*LIBRARY, *HELPERS):
        folders.setdefault(room(name), set()).update(room(each) for each in ours(name))
    tuple(TopologicalSorter({each: used - {each} for each, used in folders.items()}).static_order())


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_points_downwards(name: str) -> None:
    core, call, module = SHARED
    below = {core: {core}, call: {core, call}, module: {core, call, module}}
    allowed = below.get(room(name), {core, call, room(name)})
    assert {room(each) for each in reached(name)} <= allowed


@pytest.mark.parametrize("name", HELPERS)
def test_the_helpers_of_the_controller_point_downwards(name: str) -> None:
    jobs = {room(each) for each in HELPERS} - {STORES, PLUGIN}
    below = {STORES: {STORES}, PLUGIN: {STORES, PLUGIN, *jobs}}
    allowed = below.get(room(name), {STORES, room(name)})
    assert {room(each) for each in reached(name) if each in HELPERS} <= allowed


@pytest.mark.parametrize("name", [name for name in HELPERS if room(name) not in (STORES, PLUGIN)])
def test_rotations_and_mails_know_no_ansible(name: str) -> None:
    assert "ansible" not in foreign(name)
    assert "module_utils._module" not in {room(each) for each in reached(name)}


def test_the_stores_leave_ansible_to_the_cipher() -> None:
    """The format of Ansible Vault is ansible-core's own, so nobody else writes it."""
    stores = [name for name in HELPERS if room(name) == STORES]
    direct = {name for name in stores if "ansible" in {module.partition(".")[0] for module in imported(name)}}
    assert direct == {f"{STORES}.vault_cipher"}
    # Through it, only the store that it belongs to knows Ansible, and the registry of all stores.
    assert {name for name in stores if "ansible" in foreign(name)} == {
        f"{STORES}.{name}" for name in ("vault_cipher", "vault_file", "registry")
    }


def test_stores_do_not_know_each_other() -> None:
    """They share only the contract and the options, and what is below these."""
    stores = [name for name in ours(f"{STORES}.registry") if "OPTIONS" in FILES[name].read_text(encoding="utf-8")]
    assert len(stores) >= 2
    shared = {f"{STORES}.{name}" for name in ("contract", "options")}
    for one, other in itertools.permutations(stores, 2):
        assert {name for name in reached(one) & reached(other) if room(name) == STORES} <= shared


@pytest.mark.parametrize("name", [*LIBRARY, *HELPERS])
def test_no_file_has_more_than_400_lines(name: str) -> None:
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("name", [name for name in LIBRARY if room(name) != "module_utils._module"])
def test_the_library_knows_no_ansible(name: str) -> None:
    assert "ansible" not in foreign(name)
    assert "AnsibleModule" not in FILES[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in LIBRARY if room(name) == "module_utils._core"])
def test_the_core_knows_neither_http_nor_a_vendor(name: str) -> None:
    assert not {"http", "socket", "ssl"} & foreign(name)
    text = FILES[name].read_text(encoding="utf-8")
    assert not re.search(r"\b(NAVER|SOLAPI|HTTP request)\b", text)


@pytest.mark.parametrize("name", [name for name in FILES if name != WIRE])
def test_only_the_wire_knows_the_library_of_the_network(name: str) -> None:
    assert not {module.partition(".")[0] for module in imported(name)} & NETWORK


@pytest.mark.parametrize("name", [*LIBRARY, *MODULES])
def test_what_is_packed_imports_files_as_a_whole(name: str) -> None:
    """To pack a module, ansible-core searches for every imported name as for a file, again for each importing file."""
    sources = {each for each in imported(name) if each.startswith(OURS)}
    names = {each for each in sources if each.removeprefix(OURS).rpartition(".")[0] in FILES}
    assert len(names) <= 3


@pytest.mark.parametrize("name", MODULES)
def test_a_module_packs_one_vendor_and_no_helper_of_the_controller(name: str) -> None:
    rooms = {room(each) for each in reached(name) - {name}}
    assert rooms == set() or rooms > set(SHARED)
    assert len(rooms - set(SHARED)) <= 1


# The files of its vendor that are packed with a module, which depend on what it does.
VENDOR_FILES = {
    "ncp_dataforest_account_info": {
        *("accounts", "dataforest", "gateway", "keys", "lists", "options", "signature", "tenants"),
    },
    "ncp_dataforest_password": {
        *("accounts", "dataforest", "gateway", "keys", "options", "reset", "rules", "signature", "tenants"),
    },
    "solapi_password_reset": {"client", "keys", "mail_address", "options", "reset", "signature"},
}


@pytest.mark.parametrize("name", [name for name in MODULES if len(reached(name)) > 1])
def test_a_module_packs_only_what_it_uses(name: str) -> None:
    module, packed = name.rpartition(".")[2], reached(name)
    assert {each.rpartition(".")[2] for each in packed if room(each) in VENDORS} == VENDOR_FILES[module]
    # Those that work on many accounts or tenants at a time.
    assert ("module_utils._core.workers" in packed) is module.startswith("ncp_dataforest_")


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_does_nothing(name: str) -> None:
    """Nor does anything that it imports, directly or not."""
    used = {each: {module.partition(".")[0] for module in imported(each)} & IO for each in reached(name)}
    left = {each: found - HARMLESS.get(each, set()) for each, found in used.items()}
    assert {each: found for each, found in left.items() if found} == {}


@pytest.mark.parametrize("name", [name for name in HELPERS if room(name) not in (STORES, PLUGIN)])
def test_rotations_and_mails_run_without_ansible(name: str) -> None:
    """This asks the interpreter itself."""
    program = f"import sys, {OURS}{name}; print(sorted({{'ansible', 'requests', 'urllib3'}} & set(sys.modules)))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tree.link())}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [*LIBRARY, *HELPERS])
def test_it_is_private_and_says_what_it_is_for(name: str) -> None:
    assert "._" in name
    assert docstring(name)


def lines_of_code(path: Path) -> int:
    """Lines of code, without documentation, imports, tables of options, comments and blank lines."""
    counted: set[int] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.If, ast.For, ast.With, ast.Try)):
            counted |= {line for part in ast.walk(node) for line in _lines(part)}
    return len(counted)


def _lines(node: ast.AST) -> range:
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    return range(first, last + 1) if first else range(0)


@pytest.mark.parametrize("name", [*MODULES, *WIRING])
def test_plugins_hold_documentation_and_wiring_only(name: str) -> None:
    assert lines_of_code(FILES[name]) <= 40
