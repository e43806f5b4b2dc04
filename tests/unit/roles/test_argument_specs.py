# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role documents is what it does: defaults, names, the options that it passes on, the table of its README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from tooling.tree import ROOT

ROLES = sorted(path.parent for path in ROOT.glob("roles/*/meta"))
Options = dict[str, dict[str, Any]]

PLUGINS = "ansible_collections.krcloud.credentials.plugins"
# Options that only the role or only its module has, which go by the same name.
DIFFERENT = {
    "ncp_dataforest_rotation": {
        "prepare_tasks",
        "verify_tasks",
        "publish_tasks",
        "publish_batch_tasks",
        "hand_over",
        "hand_over_batch",
        "canary",
        "report_path",
        "fail",
        "secure_logging",
    },
    "ncp_dataforest_password": {"verify_tasks", "fail", "secure_logging"},
    "solapi_password_reset": {"email", "emails", "fail", "secure_logging"},
}
# What the roles provide: facts for the play, and variables for the task files of the user.
FACTS = {"summary", "failures"}
HANDED = {"account", "password", "batch", "passwords"}


@pytest.fixture(params=ROLES, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def options(role: Path) -> Options:
    specs: Options = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    found: Options = specs["main"]["options"]
    return found


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def variables(role: Path) -> set[str]:
    """Every variable with the prefix of the role that its tasks read or set, without the internal ones."""
    files = [*role.glob("tasks/**/*.yml"), *role.glob("vars/*.yml")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    # The prefix itself, which messages mention, does not count.
    return set(re.findall(rf"(?<![\w.^]){role.name}_(?=[a-z])\w+", text))


def test_there_are_roles() -> None:
    assert ROLES


def test_the_defaults_are_those_documented(role: Path, options: Options) -> None:
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    defaults = load(role / "defaults" / "main.yml")
    assert defaults == documented
    assert {name: type(value) for name, value in defaults.items()} == {
        name: type(value) for name, value in documented.items()
    }


def test_options_carry_the_name_of_the_role(role: Path, options: Options) -> None:
    assert [name for name in options if not name.startswith(f"{role.name}_")] == []


def test_what_is_used_is_documented(role: Path, options: Options) -> None:
    told = {f"{role.name}_{name}" for name in FACTS | HANDED}
    assert variables(role) - told - set(options) == set()


def test_what_the_module_does_not_take_is_used(role: Path) -> None:
    own = {f"{role.name}_{name}" for name in DIFFERENT[role.name]} - {"solapi_password_reset_email"}
    assert own - variables(role) == set()


def test_the_known_variables_are_the_documented_ones_and_the_facts_that_the_role_sets(
    role: Path, options: Options
) -> None:
    told = load(role / "vars" / "main.yml")
    known, facts = (set(told[f"__{role.name}_{kind}"]) for kind in ("known", "facts"))
    assert {f"{role.name}_{name}" for name in known} == set(options)
    set_facts = {
        name.removeprefix(f"{role.name}_")
        for path in role.glob("tasks/*.yml")
        for task in _tasks(load(path))
        for name in task.get("ansible.builtin.set_fact", {})
        # An option of the task.
        if not name.startswith("__") and name != "cacheable"
    }
    assert facts == set_facts == FACTS


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part, []))


def test_no_internal_variable_is_kept_by_a_task_without_the_mark(role: Path) -> None:
    """What a task registers or sets would be an unknown variable in the next call of the role."""
    for path in role.glob("tasks/*.yml"):
        for task in _tasks(load(path)):
            kept = {task.get("register", "__")} | set(task.get("vars", {}))
            assert {name for name in kept if not name.startswith("__")} <= {f"{role.name}_{name}" for name in HANDED}


def test_no_option_is_both_required_and_given_a_default(options: Options) -> None:
    assert [name for name, option in options.items() if option.get("required") and "default" in option] == []


def test_secrets_are_plain_strings_that_are_not_logged(options: Options) -> None:
    secrets = {name: option for name, option in options.items() if re.search(r"secret$|secret_key$|password$", name)}
    for name, option in secrets.items():
        # An error about a type or about choices would quote the value.
        assert (option["type"], option.get("no_log"), "choices" in option) == ("str", True, False), name


def test_dictionaries_have_no_suboptions(options: Options) -> None:
    """Where ansible-core knows suboptions but finds a list, it quotes the list, and all the secrets in it."""
    assert [name for name, option in options.items() if "options" in option] == []


def test_attributes_are_documented(role: Path) -> None:
    attributes = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["attributes"]
    assert {"check_mode", "diff_mode", "idempotent", "platform"} <= set(attributes)
    for name, attribute in attributes.items():
        assert attribute["support"] in ("full", "partial", "none"), name
        assert attribute["details"], name


def test_the_readme_lists_the_options_in_order(role: Path, options: Options) -> None:
    table = re.findall(r"^\| `(\w+)` \| (.*?) \|", (role / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name, dummy in table] == list(options)
    taken = {f"{role.name}_{name}": option for name, option in documented(role.name).items()}
    for name, default in table:
        option = options[name]
        if option.get("required"):
            assert default == "required", name
        elif (value := option.get("default", taken.get(name, {}).get("default"))) is not None:
            assert default.endswith(f"`{str(value).lower()}`"), name


def documented(module: str) -> Options:
    """The options of a module, with those of its fragments."""
    own = yaml.safe_load(import_module(f"{PLUGINS}.modules.{module}").DOCUMENTATION)
    options: Options = {}
    for name in own["extends_documentation_fragment"]:
        fragment, _dot, part = name.removeprefix("krcloud.credentials.").partition(".")
        texts = import_module(f"{PLUGINS}.doc_fragments.{fragment}").ModuleDocFragment
        options.update(yaml.safe_load(getattr(texts, part.upper() or "DOCUMENTATION")).get("options", {}))
    return options | {name: options.get(name, {}) | option for name, option in own["options"].items()}


def facts(option: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for an option of a role and of its module."""
    return {key: option.get(key) for key in ("type", "elements", "choices")} | {
        "required": option.get("required", False)
    }


def test_a_role_offers_what_its_module_takes(role: Path, options: Options) -> None:
    offered = {name.removeprefix(f"{role.name}_"): facts(option) for name, option in options.items()}
    taken = {name: facts(option) for name, option in documented(role.name).items()}
    # ansible-core may quote what does not fit; the module says how to write it.
    for name in ("accounts", "tenants"):
        taken.get(name, {}).update(type="raw", elements=None)
    assert set(offered) ^ set(taken) == DIFFERENT[role.name]
    both = set(offered) & set(taken)
    assert {name: offered[name] for name in both} == {name: taken[name] for name in both}


def test_a_role_has_no_default_for_an_option_of_its_module_and_tells_that_of_the_module(
    role: Path, options: Options
) -> None:
    """This lets module_defaults reach into the role."""
    own = {f"{role.name}_{name}" for name in DIFFERENT[role.name]}
    assert {name for name, option in options.items() if "default" in option} <= own
    for name, option in documented(role.name).items():
        # Where the environment may say otherwise, the text says that, too.
        if "default" in option and name != "api_url":
            said = " ".join(options[f"{role.name}_{name}"]["description"])
            assert f"The module's default is V({str(option['default']).lower()})." in said, name
