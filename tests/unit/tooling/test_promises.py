# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each promise names the tests that hold it, and each of these tests exists."""

from __future__ import annotations

import ast
import re

import pytest

from tooling.tree import ROOT

GUIDES = [
    f"docs/docsite/rst/{name}.rst"
    for name in (
        "first_reset",
        "credentials",
        "rotation",
        "pipelines",
        "adoption",
        "attention",
        "hold",
        "incident",
        "reset_mails",
        "failures",
        "locked_out",
        "secrets",
    )
]
TABLES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("docs/promises.md", *GUIDES)}
NAMED = [
    (name, file, test) for name, text in TABLES.items() for file, test in re.findall(r"([\w/]+\.py)::(\w+)`", text)
]


@pytest.mark.parametrize(("name", "file", "test"), NAMED)
def test_a_named_test_is_there(name: str, file: str, test: str) -> None:
    paths = list(ROOT.glob(f"tests/**/{file}"))
    assert len(paths) == 1, f"{name} names {file}, which is not one file: name its folder, too."
    (path,) = paths
    functions = {
        node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    }
    assert test in functions, name


@pytest.mark.parametrize("name", TABLES)
def test_each_guide_for_users_names_tests(name: str) -> None:
    assert [test for guide, _file, test in NAMED if guide == name]


def test_the_table_of_the_readme_has_its_promises() -> None:
    promised = re.findall(r"^- \*\*(.+?)\.\*\*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = re.findall(r"^\| (.+?) \| `", TABLES["docs/promises.md"], re.MULTILINE)
    assert told[: len(promised)] == promised
