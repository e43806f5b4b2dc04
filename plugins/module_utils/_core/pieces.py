# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which short pieces some texts have, in little memory. Pure.

A set of the pieces of 10,000 keys would take 40 MB.
"""

from __future__ import annotations

from typing import Iterable, Tuple

# With so many bits for each piece, one of a hundred other texts looks like a piece, and the texts have to be asked.
_BITS = 64
_FEWEST = 1 << 16


class Pieces:
    """All pieces of ``size`` characters of some texts. It never changes, so threads may share it."""

    def __init__(self, size: int, texts: Iterable[str] = ()) -> None:
        self.size = size
        self._texts: Tuple[str, ...] = ()
        self._joined = ""
        # A bit is set for each piece.
        self._bits = bytearray(_FEWEST // 8)
        self._take(tuple(texts))

    def with_more(self, texts: Iterable[str]) -> Pieces:
        """Return the pieces of these texts and of more."""
        more = Pieces(self.size)
        more._texts = self._texts
        more._bits = bytearray(self._bits)
        more._take(tuple(texts))
        return more

    def _take(self, texts: Tuple[str, ...]) -> None:
        self._texts += texts
        self._joined = "\0".join(self._texts)
        if len(self._joined) * _BITS > len(self._bits) * 8:
            bits = _FEWEST
            while bits < len(self._joined) * _BITS:
                bits *= 2
            self._bits, texts = bytearray(bits // 8), self._texts
        bits_of, mask, size = self._bits, len(self._bits) * 8 - 1, self.size
        for text in texts:
            for at in range(len(text) - size + 1):
                bit = hash(text[at : at + size]) & mask
                bits_of[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, piece: str) -> bool:
        bit = hash(piece) & (len(self._bits) * 8 - 1)
        return bool(self._bits[bit >> 3] & (1 << (bit & 7))) and piece in self._joined
