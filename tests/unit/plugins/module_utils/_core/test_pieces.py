# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces of texts are found exactly, and take little memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.pieces import Pieces

TEXTS = st.lists(st.text("ab가", max_size=12) | st.text(max_size=12), max_size=6)


def naive(texts: list[str], size: int) -> set[str]:
    return {text[at : at + size] for text in texts for at in range(len(text) - size + 1)}


@given(TEXTS, TEXTS, st.lists(st.text("ab가", min_size=3, max_size=3)))
def test_these_pieces_and_no_others(first: list[str], second: list[str], others: list[str]) -> None:
    pieces = Pieces(3, first)
    more = pieces.with_more(second)
    for known, texts in ((pieces, first), (more, first + second)):
        there = naive(texts, 3)
        assert all(piece in known for piece in there)
        assert [piece for piece in others if piece in known] == [piece for piece in others if piece in there]


def test_what_looks_like_a_piece_is_looked_up() -> None:
    """So many that every bit is set many times over, if the bits alone decided."""
    pieces = Pieces(6, [f"secret-{number:06}" for number in range(100)])
    others = [f"{number:06x}" for number in range(0xA00000, 0xA00000 + 300_000)]
    assert [other for other in others if other in pieces] == []


def test_the_pieces_of_ten_thousand_keys_take_little_memory() -> None:
    keys = [f"{number:040x}"[::-1] for number in range(10**30, 10**30 + 10_000)]
    tracemalloc.start()
    try:
        pieces = Pieces(6, keys).with_more(key[::-1] for key in keys)
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert keys[5000][7:13] in pieces
    assert kept < 12_000_000
