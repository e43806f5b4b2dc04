# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reaches the modules inside our roles, for every option: the role's variables, otherwise module_defaults."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import controller_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.options import SOLAPI
from support.playbooks import command
from tooling import tree

PLUGINS = "ansible_collections.krcloud.credentials.plugins"
SECRET = "Canary-Zq7mVx-3pWn"

# Added to the end of the action, which then only notes the options that it would use.
PROBE = r"""

def _write(options):
    import json
    with open({notes!r}, "a", encoding="utf-8") as notes:
        notes.write(json.dumps(options) + "\n")
    return {{"changed": False, "accounts": [], "delivery": "accepted"}}
"""
BY_ACTION = "ActionModule.act = lambda self: _write(self.options(SPEC))\n"
# This one leaves its options to the module.
BY_MODULE = "ModuleAction.run_module_of_task = lambda self, task_vars, arguments=None: _write(dict(arguments))\n"
GROUPS = {"ncp": DATAFOREST, "solapi": SOLAPI}
# The vendor whose credentials a role takes.
ROLES = {"ncp_dataforest_rotation": "ncp", "ncp_dataforest_password": "ncp", "solapi_password_reset": "solapi"}
# What a role does not take from module_defaults: its task files need that, too, and what they look up gets none.
NAMED = {
    "ncp_dataforest_rotation": ("store",),
    "ncp_dataforest_password": ("accounts",),
    "solapi_password_reset": (),
}
# Instead of these rows, one account may be named.
ALONE = ("email", "id", "name", "password")


class Probe:
    """A role whose module only notes what it was given."""

    def __init__(self, role: str, installed: Path, folder: Path) -> None:
        self.role = role
        self.vendor = ROLES[role]
        action = import_module(f"{PLUGINS}.action.{role}")
        self.spec: dict[str, dict[str, Any]] = getattr(action, "SPEC", None) or controller_spec(
            GROUPS[self.vendor], import_module(f"{PLUGINS}.modules.{role}").OPTIONS
        )
        self._folder = folder
        self._notes = folder / "notes"
        self._collections = folder / "collections"
        shutil.copytree(installed, self._collections)
        path = self._collections / tree.COLLECTION / "plugins" / "action" / f"{role}.py"
        with path.open("a", encoding="utf-8") as file:
            file.write(PROBE.format(notes=str(self._notes)) + (BY_ACTION if hasattr(action, "SPEC") else BY_MODULE))

    def values(self, which: int) -> dict[str, Any]:
        """A value for each option. The first values are not the defaults, and the second values are different ones."""
        return {name: _value(name, option, which) for name, option in self.spec.items() if name not in ALONE}

    def run(self, defaults: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run the role, with no warning and no secret on the screen, and return what the module was given."""
        self._notes.unlink(missing_ok=True)
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": defaults,
            "vars": {f"{self.role}_{name}": value for name, value in variables.items()},
            "roles": [f"krcloud.credentials.{self.role}"],
        }
        given = command(self._collections, self._folder, json.dumps([play]), "-vvv")
        done = subprocess.run(**given, check=False, capture_output=True)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "[WARNING]" not in said
        assert SECRET not in said
        (noted,) = self._notes.read_text(encoding="utf-8").splitlines()
        options: dict[str, Any] = json.loads(noted)
        return options


def _value(name: str, option: dict[str, Any], which: int) -> Any:
    if name == "store":
        return {"path": f"store-{which}"}
    if name == "tenants":
        return [{"profile": f"team-{which}"}]
    if option["type"] == "list":
        if option["elements"] == "str":
            return [f"df{which}"]
        return [
            {"name": f"df{which}", "password": "Invented-1x"}
            if "password" in option["options"]
            else {"name": f"df{which}"}
        ]
    if "choices" in option:
        return option["choices"][-which]
    if option["type"] == "bool":
        # What is not among the defaults of the controller is true on the host.
        return option.get("default", name == "validate_certs") == (which == 2)
    if option["type"] in ("int", "float"):
        return option.get("least", 0) + which + (0.5 if option["type"] == "float" else 0)
    return f"{SECRET}-{which}" if option.get("no_log") else f"{name}-{which}"


@pytest.fixture(params=ROLES)
def probe(request: pytest.FixtureRequest, installed_collection: Path, tmp_path: Path) -> Probe:
    return Probe(request.param, installed_collection, tmp_path)


def same(got: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compare as far as wanted goes: validation adds what was left out of a list or a dictionary."""
    assert {name: _common(got[name], wanted[name]) for name in wanted} == wanted


def _common(got: Any, wanted: Any) -> Any:
    if isinstance(wanted, dict):
        return {key: _common(got[key], value) for key, value in wanted.items()}
    if isinstance(wanted, list):
        return [_common(*pair) for pair in zip(got, wanted, strict=True)]
    return got


def test_module_defaults_reach_into_the_role_and_its_variables_win(probe: Probe) -> None:
    one, two = probe.values(1), probe.values(2)
    required = {name: one.pop(name) for name in NAMED[probe.role]} or {"emails": "a@example.com"}
    module = f"krcloud.credentials.{probe.role}"
    same(probe.run({module: one}, required), one)
    same(probe.run({module: one}, required | two), two)

    # The same for a whole group, with defaults by name on top. A variable that is omitted counts as not set.
    group = f"group/krcloud.credentials.{probe.vendor}"
    of_all = {name: one[name] for name in (*GROUPS[probe.vendor].options, *CONNECTION)}
    by_name = {name: value for name, value in one.items() if name in ("store", "min_interval")} | {"deadline": 9.5}
    omitted = dict.fromkeys(of_all, "{{ nothing | default(omit) }}")
    same(probe.run({group: of_all, module: by_name}, required | omitted), of_all | by_name)
