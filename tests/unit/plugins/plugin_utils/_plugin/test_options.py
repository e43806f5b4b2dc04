# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action plugin takes is what the module of its name documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.krcloud.credentials.plugins.action import (
    ncp_dataforest_credential,
    ncp_dataforest_credential_info,
    ncp_dataforest_publication,
    ncp_dataforest_rotation,
    ncp_dataforest_rotation_report,
    ncp_dataforest_store_copy,
    ncp_sts_credentials,
    solapi_password_reset,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.numbers import RANGES
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import validated
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import NAMES
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from tooling import leak_rule
from tooling.tree import ROOT

SPECS = {
    "ncp_dataforest_rotation": ncp_dataforest_rotation.SPEC,
    "ncp_dataforest_credential": ncp_dataforest_credential.SPEC,
    "ncp_dataforest_credential_info": ncp_dataforest_credential_info.SPEC,
    "ncp_dataforest_publication": ncp_dataforest_publication.SPEC,
    "ncp_dataforest_rotation_report": ncp_dataforest_rotation_report.SPEC,
    "ncp_dataforest_store_copy": ncp_dataforest_store_copy.SPEC,
    "ncp_sts_credentials": ncp_sts_credentials.SPEC,
    "solapi_password_reset": solapi_password_reset.SPEC,
}
# Defaults of these hold on the target host, where the module fills them in.
ON_THE_TARGET = {*CONNECTION}.union(*(group.options for group in leak_rule.GROUPS.values()))


def documented(name: str) -> dict[str, Any]:
    """The options that `ansible-doc` shows, fragments included."""
    path = ROOT / "plugins" / "modules" / f"{name}.py"
    options: dict[str, Any] = get_docstring(str(path), fragment_loader, collection_name="krcloud.credentials")[0][
        "options"
    ]
    return options


def assert_same(documentation: dict[str, Any], spec: dict[str, Any], inside: bool = False) -> None:
    assert set(documentation) == set(spec)
    for name, option in spec.items():
        said = documentation[name]
        if inside or name not in ON_THE_TARGET:
            assert said["type"] == option["type"], name
            assert said.get("default") == option.get("default"), name
        assert said.get("choices") == option.get("choices"), name
        assert said.get("elements") == option.get("elements"), name
        assert bool(option.get("no_log")) == (name in NAMES), name
        if option.get("options"):
            assert_same(said["suboptions"], option["options"], inside=True)


@pytest.mark.parametrize("name", SPECS)
def test_an_action_takes_what_its_module_documents(name: str) -> None:
    assert_same(documented(name), SPECS[name])


@pytest.mark.parametrize("name", sorted(SPECS.keys() - {"solapi_password_reset"}))
def test_what_is_required_is_documented_as_required(name: str) -> None:
    required = {option for option, said in documented(name).items() if said.get("required")}
    assert required == {option for option, said in SPECS[name].items() if said.get("required")}
    # A variable of the play may stand in for it.
    assert "store" not in required


def test_secrets_in_a_store_cannot_be_quoted_by_an_error() -> None:
    for name, option in registry.argument_spec().items():
        if name in NAMES:
            assert (option["type"], option["no_log"], option.get("choices"), option.get("default")) == (
                "str",
                True,
                None,
                None,
            )


def source(action: str) -> str:
    return (ROOT / "plugins" / "action" / f"{action}.py").read_text(encoding="utf-8")


def test_every_module_has_an_action() -> None:
    modules, actions = (
        {path.stem for path in (ROOT / "plugins" / kind).glob("*.py")} - {"__init__"} for kind in ("modules", "action")
    )
    assert actions == modules
    # Actions that only send their module off leave the options to it.
    assert all("(ModuleAction)" in source(name) for name in modules - set(SPECS))


def numbers(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in spec.items():
        if option["type"] in ("int", "float"):
            yield name, option
        yield from numbers(option.get("options", {}))


@pytest.mark.parametrize("name", sorted(SPECS.keys() - {"ncp_dataforest_rotation_report"}))
def test_every_number_has_a_range_that_a_refusal_can_name(name: str) -> None:
    found = list(numbers(SPECS[name]))
    assert found
    assert [option for option, said in found if option not in RANGES and "least" not in said] == []


@pytest.mark.parametrize("value", [0, -1, 47114711.5, "4711-Canary", float("inf")])
@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("password_length", "a whole number from 8 to 20"),
        ("batch_size", "a whole number of 1 or more"),
        ("concurrency", "a whole number from 1 to 64"),
        ("max_failures", "a whole number from 1 to 1000000"),
    ],
)
def test_a_number_that_is_refused_is_not_quoted(name: str, allowed: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validated(SPECS["ncp_dataforest_rotation"], {"store": {"path": "x"}, name: value}, Redactor())
    assert caught.value.sentence() == f"{name} is not valid: it must be {allowed}."
