# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drawing of the house is up to date, and the pages for contributors name files that exist."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tooling import house, tree

PAGES = sorted((tree.ROOT / "docs/docsite/rst").glob("adding_*.rst"))
LISTED = re.compile(r"^- ``(\w+)``: (.+)$", re.MULTILINE)


def test_the_drawing_is_up_to_date() -> None:
    drawn = house.PAGE.read_text(encoding="utf-8")
    assert drawn == house.page(), "Run `make format`, or `PYTHONPATH=tests python -m tooling.house`."


def test_each_file_is_in_one_room_and_once_in_the_drawing() -> None:
    assert {house.room(name) for name in house.FILES} == set(house.ROOMS)
    files = [name.rpartition(".")[2] for each in house.ROOMS for name in house.FILES if house.room(name) == each]
    found = LISTED.findall(house.drawing())
    assert [name for name, _sentence in found] == files
    for _name, sentence in found:
        assert 10 < len(sentence) < 150, sentence
        assert sentence.endswith("."), sentence


def test_each_room_imports_only_what_is_drawn_below_it() -> None:
    order = list(house.ROOMS)
    for at, name in enumerate(order):
        assert set(house.below(name)) <= set(order[at + 1 :]), name
    tuple(TopologicalSorter({name: house.below(name) for name in order}).static_order())


@pytest.mark.parametrize("path", [house.PAGE, *PAGES], ids=lambda path: path.stem)
def test_the_pages_for_contributors_name_files_that_are_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # The files that their examples add do not count.
    prose = re.sub(r"^( *)\.\. code-block::.*\n(\1 +.*\n| *\n)+", "", text, flags=re.MULTILINE)
    added = set(re.findall(r"\.\. example: (?:adds|changes) (\S+)", text))
    named = set(re.findall(r"``((?:plugins|tests|roles|docs|meta|changelogs)/[\w./-]+)``", prose))
    assert named
    assert {name for name in named - added if not (tree.ROOT / name).exists()} == set()
    for file, test in re.findall(r"``(tests/[\w./-]+)::(\w+)``", prose):
        assert f"def {test}(" in (tree.ROOT / file).read_text(encoding="utf-8"), test
