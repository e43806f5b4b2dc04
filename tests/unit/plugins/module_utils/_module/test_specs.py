# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options are described in two places, for people and for Ansible: the two agree."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._module.ansible_module import RedactingModule
from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import argument_spec, controller_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST, KEYS
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.options import SOLAPI
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import NAMES
from tooling.house import RUNNING
from tooling.leak_rule import GROUPS

SECRETS = NAMES
PACKAGE = "ansible_collections.krcloud.credentials.plugins.modules"


def documented(text: str) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load(text).get("options", {})
    return options


def of_fragment(name: str) -> dict[str, Any]:
    """The options that a fragment documents."""
    fragment = importlib.import_module(f"ansible_collections.krcloud.credentials.plugins.doc_fragments.{name}")
    return documented(fragment.ModuleDocFragment.DOCUMENTATION)


def own(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a group has besides the keys of NAVER Cloud, which have a fragment of their own."""
    return {name: option for name, option in options.items() if name not in KEYS.options}


FRAGMENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "connection": (of_fragment("connection"), CONNECTION),
    "ncp": (of_fragment("ncp"), KEYS.options),
    **{name: (of_fragment(name), own(group.options)) for name, group in GROUPS.items()},
}


class Built(Exception):
    """Raised when a module has been described, because nothing else is needed from it."""


def specification(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a module tells Ansible about itself."""
    told: dict[str, Any] = {}

    def init(_self: RedactingModule, argument_spec: dict[str, Any], **more: Any) -> None:
        told.update(argument_spec=argument_spec, **more)
        raise Built

    monkeypatch.setattr(RedactingModule, "__init__", init)
    with pytest.raises(Built):
        importlib.import_module(f"{PACKAGE}.{name}").main()
    return told


def assert_same(documentation: dict[str, Any], spec: dict[str, Any]) -> None:
    assert set(documentation) == set(spec)
    for name, option in spec.items():
        said = documentation[name]
        assert said["type"] == option["type"], name
        assert said.get("default") == option.get("default"), name
        assert type(said.get("default")) is type(option.get("default")), name
        assert said.get("choices") == option.get("choices"), name
        assert bool(said.get("required")) == bool(option.get("required")), name
        assert said.get("elements") == option.get("elements"), name
        assert said.get("aliases") == option.get("aliases"), name
        assert bool(said.get("suboptions")) == bool(option.get("options")), name
        if option.get("options"):
            assert_same(said["suboptions"], option["options"])


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_fragments_describe_the_shared_options(fragment: str) -> None:
    assert_same(*FRAGMENTS[fragment])


@pytest.mark.parametrize("name", RUNNING)
def test_modules_describe_their_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    documentation = yaml.safe_load(module.DOCUMENTATION)
    assert documentation["module"] == name
    extended = {each.rpartition(".")[2] for each in documentation["extends_documentation_fragment"]}
    fragments = extended & set(FRAGMENTS)
    assert "connection" in fragments
    shared = {option: text for fragment in fragments for option, text in FRAGMENTS[fragment][0].items()}
    alone = documentation["options"]
    assert not set(alone) & set(shared)
    told = specification(name, monkeypatch)
    spec = dict(told["argument_spec"])
    if alone.pop("store", None):
        # The action plugin knows its suboptions: see plugin_utils/_plugin/test_options.py.
        assert spec.pop("store") == {"type": "dict"}
    assert_same({**alone, **shared}, spec)
    assert told["supports_check_mode"] is True


def every_option(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        pair for name, option in spec.items() for pair in [(name, option), *every_option(option.get("options") or {})]
    ]


@pytest.mark.parametrize("name", RUNNING)
def test_secrets_and_only_they_are_marked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = every_option(specification(name, monkeypatch)["argument_spec"])
    marked = {option for option, described in options if described.get("no_log")}
    assert marked == {option for option, _described in options} & SECRETS
    for option, described in options:
        if option in SECRETS:
            # With any other type, or with choices, the error about a value that does not fit would quote the value.
            assert described["type"] == "str"
            assert "choices" not in described
            assert "default" not in described


def test_every_module_has_a_secret() -> None:
    assert {"secret_key", "api_secret"} <= {*DATAFOREST.options, *SOLAPI.options} & SECRETS


def mentioned(fragment: str) -> dict[str, tuple[str, ...]]:
    """The environment variables that the text of each option names, in their order."""
    found = {}
    for name, option in FRAGMENTS[fragment][0].items():
        variables = re.findall(r"E\((\w+)\)", " ".join(option["description"]))
        if variables:
            found[name] = tuple(variables)
    return found


def test_the_documented_variables_are_those_that_are_read() -> None:
    assert mentioned("ncp") == dict(KEYS.environment)
    for name, group in GROUPS.items():
        assert mentioned(name) == own(group.environment)


def test_the_address_of_a_service_is_its_own() -> None:
    assert "api_url" not in KEYS.options
    assert "api_url" not in KEYS.environment


def test_the_variables_of_the_connection() -> None:
    assert mentioned("connection") == {"ca_path": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}


@pytest.mark.parametrize("vendor", GROUPS)
def test_the_address_may_come_from_the_environment(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, names = argument_spec(GROUPS[vendor], {})["api_url"]["fallback"]
    assert tuple(names) == GROUPS[vendor].environment["api_url"]
    monkeypatch.setenv(names[0], "https://elsewhere.example")
    assert function(*names) == "https://elsewhere.example"
    monkeypatch.delenv(names[0])
    with pytest.raises(AnsibleFallbackNotFound):
        function(*names)


@pytest.mark.parametrize("vendor", GROUPS)
def test_an_action_leaves_defaults_and_paths_to_the_target_host(vendor: str) -> None:
    spec = controller_spec(GROUPS[vendor], {"own": {"type": "path", "default": "~"}})
    assert spec.pop("own") == {"type": "path", "default": "~"}
    assert set(spec) == set(argument_spec(GROUPS[vendor], {}))
    for name, option in spec.items():
        assert "default" not in option, name
        assert "fallback" not in option, name
        assert option["type"] != "path", name
        assert option.get("no_log") == argument_spec(GROUPS[vendor], {})[name].get("no_log"), name


def test_a_specification_shares_nothing_with_the_next() -> None:
    first = argument_spec(DATAFOREST, {"own": {"type": "str"}})
    first["api_url"]["default"] = "changed"
    assert argument_spec(DATAFOREST, {})["api_url"]["default"] == DATAFOREST.options["api_url"]["default"] != "changed"
    assert "fallback" not in DATAFOREST.options["api_url"]
    assert "own" in first
    assert "own" not in argument_spec(DATAFOREST, {})


def test_an_option_of_a_module_wins_nothing_over_the_shared_ones() -> None:
    assert set(argument_spec(SOLAPI, {"email": {"type": "str"}})) == {"email", *SOLAPI.options, *CONNECTION}
