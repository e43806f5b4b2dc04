# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is added to plugins/ is also in the suites, tables and texts that are about all of its kind."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.krcloud.credentials.plugins.doc_fragments import attributes
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin import module_action
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import STORES
from hostile.operations import OPERATIONS
from leaks.canaries import CANARIES
from leaks.cases import PLUGINS_AND_ROLES, TROUBLED
from tooling import house, leak_rule
from tooling.tree import ROOT


def text(*patterns: str) -> str:
    """All files that match."""
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in sorted(ROOT.glob(pattern)))


MODULES = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
LOOKUPS = {path.stem for path in ROOT.glob("plugins/lookup/*.py")}
ROLES = {path.name for path in ROOT.glob("roles/*")}
CLIENTS = [
    name
    for name, path in house.FILES.items()
    if name != "module_utils._call.caller" and "caller.Operation(" in path.read_text(encoding="utf-8")
]
GROUPS = tomllib.loads(text("antsibull-nox.toml"))["sessions"]["extra_checks"]["action_groups_config"]


def test_each_store_has_leak_cases() -> None:
    assert set(TROUBLED) == set(STORES)


@pytest.mark.parametrize("store", STORES)
def test_each_store_has_a_section_in_the_guide(store: str) -> None:
    assert re.search(rf"^.*``{store}``\n-{{3,}}$", text("docs/docsite/rst/rotation.rst"), re.MULTILINE)


@pytest.mark.parametrize("store", STORES)
def test_each_store_is_in_the_changelog(store: str) -> None:
    assert re.search(rf"\b{store}\b", text("changelogs/changelog.yaml", "changelogs/fragments/*.yml"))


def test_each_plugin_and_role_has_leak_cases() -> None:
    assert set(PLUGINS_AND_ROLES) == {*MODULES, *LOOKUPS, *(f"role {name}" for name in ROLES)}


def test_each_module_that_calls_a_vendor_meets_hostile_answers() -> None:
    assert {operation.module for operation in OPERATIONS} == {*house.RUNNING, *house.CALLING}


def test_each_module_that_runs_has_a_known_key_in_its_results() -> None:
    returned = {name.rpartition(".")[2] for name in module_action.RETURNED}
    assert returned == set(house.RUNNING)
    assert {name.rpartition(".")[2] for name in module_action.READING} < returned


@pytest.mark.parametrize("module", sorted(MODULES))
def test_each_module_has_an_integration_target(module: str) -> None:
    assert f"krcloud.credentials.{module}:" in text("tests/integration/targets/*/tasks/*.yml")


def test_each_target_has_aliases() -> None:
    for target in ROOT.glob("tests/integration/targets/*"):
        # This one is for the others, and tests nothing.
        if target.name != "setup_simulator":
            assert "needs/target/setup_simulator" in text(f"tests/integration/targets/{target.name}/aliases")


def test_each_action_group_has_a_pattern() -> None:
    assert set(yaml.safe_load(text("meta/runtime.yml"))["action_groups"]) == {group["name"] for group in GROUPS}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["name"])
def test_each_module_is_in_its_action_group(group: dict[str, object]) -> None:
    matching = {name for name in MODULES if re.search(str(group["pattern"]), name)}
    named = yaml.safe_load(text("meta/runtime.yml"))["action_groups"][group["name"]]
    assert set(named) == matching - set(group.get("exclusions", ()))  # type: ignore[call-overload]


def test_the_modules_with_passwords_in_their_store_are_a_group() -> None:
    """Whether a module is one of them is a matter of the code, and so is the variable that stands in for the option."""
    actions = {name: import_module(f"{house.OURS}action.{name}") for name in MODULES}
    with_store = {name for name, each in actions.items() if getattr(each.ActionModule, "_stores_passwords", False)}
    assert with_store == set(yaml.safe_load(text("meta/runtime.yml"))["action_groups"]["store"])
    with_option = {name for name, action in actions.items() if "store" in getattr(action, "SPEC", {})}
    assert with_option - with_store == {"solapi_password_reset"}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_each_module_shows_its_action_groups(module: str) -> None:
    path = str(ROOT / "plugins" / "modules" / f"{module}.py")
    shown = get_docstring(path, fragment_loader, collection_name="krcloud.credentials")[0]["attributes"]
    groups = yaml.safe_load(text("meta/runtime.yml"))["action_groups"]
    named = {f"krcloud.credentials.{group}" for group in groups if module in groups[group]}
    assert set(shown.get("action_group", {"membership": ()})["membership"]) == named


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["name"])
def test_each_action_group_has_a_fragment(group: dict[str, object]) -> None:
    name = str(group["name"])
    block = yaml.safe_load(getattr(attributes.ModuleDocFragment, f"ACTIONGROUP_{name.upper()}", ""))
    assert block["attributes"]["action_group"]["membership"] == [f"krcloud.credentials.{name}"]
    assert group["doc_fragment"] == f"krcloud.credentials.attributes.actiongroup_{name}"


@pytest.mark.parametrize("group", leak_rule.GROUPS)
def test_each_secret_of_a_vendor_has_a_canary(group: str) -> None:
    assert leak_rule.secret_options(leak_rule.GROUPS[group].options) <= set(CANARIES)


@pytest.mark.parametrize("group", leak_rule.GROUPS)
def test_each_variable_is_in_the_guide_on_credentials(group: str) -> None:
    variables = {name for names in leak_rule.GROUPS[group].environment.values() for name in names}
    assert variables <= set(re.findall(r"``(\w+)``", text("docs/docsite/rst/credentials.rst")))


@pytest.mark.parametrize("name", sorted(MODULES | LOOKUPS | ROLES))
@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_each_is_in_the_table_of_the_readme(name: str, readme: str) -> None:
    assert re.search(rf"^\| .*`{name}`.* \|", text(readme), re.MULTILINE)


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_has_tests_of_its_own(client: str) -> None:
    folder, _dot, name = client.rpartition(".")
    assert (ROOT / "tests/unit/plugins" / folder.replace(".", "/") / f"test_{name}.py").is_file()
