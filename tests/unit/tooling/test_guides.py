# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each example of each guide is run, or says why not. What runs them is guides/test_guides.py."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
import yaml

from tooling import guides, leak_rule, tree
from tooling.guides import Example

# Texts for contributors, and one that has the examples of another.
OTHERS = {"CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md", "README.ko.md"}
NAMES = [name for name in guides.guides() if name not in OTHERS]
# Run by end_to_end/test_where_ansible_leaks.py, which has a list of its own.
LEAKS = re.compile(r"# This (leaks|cleans up): ")
EXPERIMENTS = (
    "Options of tasks",
    "Environment",
    "Roles",
    "Cached facts",
    "Asynchronous tasks",
    "Files of modules",
    "Debug mode",
)
EXAMPLES = [
    example
    for name in NAMES
    for example in guides.examples(name)
    if example.language in guides.RUNNABLE
    and not (name.endswith("secrets.rst") and (LEAKS.match(example.text) or example.section in EXPERIMENTS))
]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_says_what_the_tests_do_with_it(example: Example) -> None:
    assert example.verb, "Add a comment in front of it; see tests/tooling/guides.py."
    if example.verb == "shown":
        assert len(example.words.split()) >= 3, "Say why it is not run."
    if example.verb == "run elsewhere":
        assert (tree.ROOT / example.words).is_file()


@pytest.mark.parametrize("example", [found for found in EXAMPLES if found.language == "yaml"], ids=str)
def test_an_example_in_yaml_is_yaml(example: Example) -> None:
    assert list(yaml.load_all(example.text, leak_rule.Loader))


COPIES = [example for name in NAMES for example in guides.examples(name) if example.verb == "copied"]


@pytest.mark.parametrize("example", COPIES, ids=str)
def test_a_copy_is_the_file(example: Example) -> None:
    assert example.text == guides.without_header((tree.ROOT / example.words).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("---\n# Copyright\n# GNU\n# SPDX-License\n\na: 1\n", "---\na: 1\n"),
        ("#!/bin/sh\n# Copyright\n# GNU\n# SPDX-License\n\n# Why\n\nexit\n", "#!/bin/sh\n# Why\n\nexit\n"),
        ("// Copyright\n// GNU\n// SPDX-License\n\npipeline {\n}\n", "pipeline {\n}\n"),
    ],
)
def test_a_copy_has_no_header(text: str, left: str) -> None:
    assert guides.without_header(text) == left


def test_each_profile_of_an_example_is_in_the_file_of_the_guide() -> None:
    (shown,) = [found for found in EXAMPLES if found.language == "ini"]
    file = configparser.ConfigParser(default_section="")
    file.read_string(shown.text)
    named = {name for found in EXAMPLES for name in re.findall(r"\bprofile: ([\w-]+)$", found.text, re.MULTILINE)}
    assert named
    assert named <= set(file.sections())


def test_both_languages_show_the_same_examples() -> None:
    def code(name: str) -> list[tuple[str, str]]:
        found = [example for example in guides.examples(name) if example.language != "text"]
        return [(example.language, re.sub(r" *# .*", "", example.text)) for example in found]

    assert code("README.ko.md") == code("README.md")


RST = """\
Title
=====

.. example: file a.yml

.. code-block:: yaml
   :force:

   ---
   a: 1

Section
-------

1. Inside:

   .. example: run fails

   .. code-block:: console

      $ false

.. code-block:: text

   Nothing
"""
MARKDOWN = """\
# Title

<!-- example: shown for a reason -->

```yaml
---
a: 1
```

## Section

- Item

  ```console
  x
  ```
"""


def test_examples_are_found_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "a.rst").write_text(RST, encoding="utf-8")
    (tmp_path / "a.md").write_text(MARKDOWN, encoding="utf-8")
    assert [
        (found.line, found.section, found.verb, found.words, found.text) for found in guides.examples("a.rst", tmp_path)
    ] == [
        (6, "Title", "file", "a.yml", "---\na: 1\n"),
        (19, "Section", "run fails", "", "$ false\n"),
        (23, "Section", "", "", "Nothing\n"),
    ]
    assert [
        (found.line, found.section, found.verb, found.words, found.text) for found in guides.examples("a.md", tmp_path)
    ] == [
        (5, "Title", "shown", "for a reason", "---\na: 1\n"),
        (14, "Section", "", "", "x\n"),
    ]
