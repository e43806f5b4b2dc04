# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes and marks, also those that somebody has written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import (
    Mark,
    Moved,
    digest,
    mark_of,
    moved,
    note,
    with_mark,
    without_mark,
)

DOCUMENT = {"format": 1, "password": "비밀-Secret!1", "newer": [1, None]}


def test_a_note_comes_back_as_it_was_written() -> None:
    said = Moved("/srv/dataforest.yml", "2026-11-30T03:00:00Z", None)
    assert moved(note(said, {"password": "kept"})) == said
    assert moved(DOCUMENT) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"format": 1, "moved": {"to": "x", "at": "y", "last": None}},
        {"format": "moved"},
        {"format": "moved", "moved": "x"},
        {"format": "moved", "moved": {"to": 1, "at": "y"}},
        {"format": "moved", "moved": {"to": "x"}},
        {"format": "moved", "moved": {"to": "x", "at": "y", "last": 1}},
    ],
)
def test_what_is_no_note_is_none(odd: Any) -> None:
    assert moved(odd) is None


def test_a_mark_changes_nothing_else() -> None:
    mark = Mark("one", (digest(DOCUMENT), "another"))
    marked = with_mark(DOCUMENT, mark)
    assert mark_of(marked) == mark
    assert without_mark(marked) == DOCUMENT
    assert digest(marked) == digest(DOCUMENT)
    assert digest({**DOCUMENT, "format": 2}) != digest(DOCUMENT)


@pytest.mark.parametrize("odd", [None, "x", {"id": 1, "copied": []}, {"id": "x"}, {"id": "x", "copied": "y"}])
def test_what_is_no_mark_is_none(odd: Any) -> None:
    assert mark_of({"copying": odd}) is None
    assert mark_of({}) is None
