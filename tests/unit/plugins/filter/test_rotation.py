# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the roles: each is documented, and a play gets plain data from its example."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.krcloud.credentials.plugins.filter import password, rotation, task_files
from ansible_collections.krcloud.credentials.plugins.plugin_utils import _passwords, _task_files
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import batches
from tooling.tree import ROOT

FILTERS = {
    name: each for file in (rotation, password, task_files) for name, each in file.FilterModule().filters().items()
}
# What a filter passes its keywords on to.
BEHIND: dict[str, Callable[..., Any]] = {
    "rotation_order": batches.order,
    "rotation_course": batches.after_batch,
    "rotation_verdict": batches.verdict,
    "rotation_accounts": batches.accounts,
    "password_accounts": _passwords.accounts,
    "password_verdict": _passwords.verdict,
    "task_file_paths": _task_files.paths,
    "task_file_trouble": _task_files.trouble,
}
NOT_A_TEMPLATE = "{{ 7 * 7 }}"
ROW = {
    "name": "df001",
    "outcome": "fresh",
    "rotated_at": "2026-08-20T03:00:00Z",
    "last_sent_at": None,
    "published": False,
    "published_at": None,
    "live": True,
    "hand_over": True,
    "hand_over_begun": False,
    "hand_over_alone": False,
    "error": {"message": NOT_A_TEMPLATE, "hint": None},
}
NAMED = {"name": "df001", "password": NOT_A_TEMPLATE}
GIVEN = [{"name": "df001", "id": None, "profile": "analytics", "tenant": "analytics"}]
SAID = {"accounts": [{"name": "df001", "id": "0", "outcome": "unknown", "error": ROW["error"]}], "failed": True}
ORDER = batches.order([ROW], plans=True, hands_over=True, canary=1, size=10, again=False)._asdict()
# What the examples use.
VARIABLES = {
    "named": NAMED,
    "given": GIVEN,
    "said": SAID,
    "plan": {"accounts": [ROW]},
    "planned": ORDER,
    "course": {},
    "batch": [ROW],
    "ansible_skip_tags": [],
    "ansible_run_tags": ["all"],
    "noted": {"accounts": [{"name": "df001", "published": False, "error": ROW["error"]}]},
}
AFTER = "It was handed over, but that could not be noted, so the next run hands it over again. " + NOT_A_TEMPLATE
EXPECTED = {
    "password_accounts": GIVEN,
    "password_verdict": _passwords.verdict(SAID, given=GIVEN, verified=[0], failed={"0": '"Log in"'}),
    "task_file_paths": ["/srv/plays/verify.yml"],
    "task_file_trouble": (
        "/srv/plays/verify.yml contains no task. Nothing would be verified. Correct the file, or, if it has nothing to "
        "do, remove the variable that names it. No password was changed."
    ),
    "rotation_order": ORDER,
    "rotation_course": {
        "rows": {},
        "handed": [],
        "left": {"df001": AFTER},
        "refused": [],
        "troubled": 1,
        "in_vain": 0,
        "over": "",
    },
    "rotation_halt": "",
    "rotation_verdict": batches.verdict(
        {"accounts": [ROW]}, batches.Course(), batches.Order(**ORDER), halted="", planned_only=True, predicted=False
    ),
    "rotation_accounts": batches.accounts(
        {"accounts": [ROW]}, batches.Course(), batches.Order(**ORDER), halted="", planned_only=True
    ),
}


def described(name: str) -> Any:
    return yaml.safe_load((ROOT / "plugins/filter" / f"{name}.yml").read_text(encoding="utf-8"))


def test_each_filter_is_documented() -> None:
    assert {path.stem for path in (ROOT / "plugins/filter").glob("*.yml")} == set(FILTERS) == set(EXPECTED)
    assert {described(name)["DOCUMENTATION"]["name"] for name in FILTERS} == set(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_its_options_are_documented(name: str) -> None:
    documentation = described(name)["DOCUMENTATION"]
    named = [each for each in inspect.signature(FILTERS[name]).parameters.values() if each.kind != each.VAR_KEYWORD]
    passed_on = inspect.signature(BEHIND[name]).parameters.values() if name in BEHIND else ()
    parameters = [*named[1:], *(each for each in passed_on if each.kind == each.KEYWORD_ONLY)]
    options = {key: option for key, option in documentation["options"].items() if key != "_input"}
    assert list(options) == [each.name for each in parameters]
    required = [key for key, option in options.items() if option.get("required")]
    assert required == [each.name for each in parameters if each.default is each.empty]
    positional = [key for key in documentation.get("positional", "").split(", ") if key]
    assert positional == [each.name for each in named[1:] if each.default is each.empty]


@pytest.mark.parametrize("name", FILTERS)
def test_a_play_gets_plain_data_from_its_example(name: str) -> None:
    (task,) = yaml.safe_load(described(name)["EXAMPLES"])
    (expression,) = next(value for key, value in task.items() if key != "name").values()
    found = Templar(DataLoader(), VARIABLES).template(trust_as_template(expression))
    # As the facts of a play are kept.
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(EXPECTED[name]))
