# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find and mask secrets in text, whatever escapes or encodings the text went through. Pure.

A list of encoded forms of a secret always misses one. So this works the other way round: it undoes the escapes of the
*text*, layer by layer, remembers where each character came from, and looks for the plain secret. It understands, in any
mixture and nesting, JSON and Python escapes, percent-encoding, XML and HTML references, ``+`` for a blank in forms,
shell and YAML quoting, Base64 (both alphabets, any alignment), hexadecimal, upper and lower case, reversed text,
composed and decomposed Hangul, and UTF-8 that was read as Latin-1.
"""

from __future__ import annotations

import base64
import dataclasses
import re
import threading
import unicodedata
from collections import deque
from collections.abc import Mapping
from typing import Any, Deque, Dict, Iterable, Iterator, List, Optional, Pattern, Set, Tuple
from urllib.parse import unquote

from ansible_collections.krcloud.credentials.plugins.module_utils._core import pieces, words

MASK = "********"

SHORTEST_SECRET = words.SHORTEST_SECRET

_GRAM = SHORTEST_SECRET
_MOST_LAYERS = 40
_DEEPEST_ENCODING = 3
# How many characters are searched in all layers of a text: this many for each of its own, but at least this many.
_EFFORT, _LEAST_EFFORT = 60, 60_000
_LONGEST_REMEMBERED = 80

# One family of escapes at a time, as a secret may itself hold a character that starts an escape of another family.
# Before each family, a character that is part of all its escapes.
_ESCAPES = (
    (
        "\\",
        re.compile(
            r"""
          \\[uU][dD][89abAB][0-9a-fA-F]{2}\\[uU][dD][c-fC-F][0-9a-fA-F]{2}   # a JSON surrogate pair
        | \\U[0-9a-fA-F]{8} | \\u\{[0-9a-fA-F]{1,6}\} | \\u[0-9a-fA-F]{4} | \\x[0-9a-fA-F]{2} | \\[0-3][0-7]{2} | \\.
        """,
            re.VERBOSE | re.DOTALL,
        ),
    ),
    ("%", re.compile(r"(?:%[0-9a-fA-F]{2})+")),
    ("&", re.compile(r"&#[0-9]{1,7};|&#[xX][0-9a-fA-F]{1,6};|&[A-Za-z]{2,8};")),
    ("'", re.compile(r"""'"'"'|'\\''""")),
    ("'", re.compile(r"''")),
)
_SHORT_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX_RUN = re.compile(r"[0-9a-fA-F]{12,}")

# One decoded text, and for each of its characters the half-open range of the original text it came from; None for the
# original itself.
_Origin = Optional[List[Tuple[int, int]]]
_Layer = Tuple[str, _Origin]


class _TooMuch(Exception):
    """A text has more layers than anybody writes: it was built to cost time, or to hide what it holds."""


class _Effort:
    def __init__(self, text: str) -> None:
        self._left = max(_LEAST_EFFORT, _EFFORT * len(text))

    def spend(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise _TooMuch


class Redactor:
    """Knows the secrets of one run and masks them. Adding is cheap. Looking takes time linear in the text."""

    def __init__(self, secrets: Iterable[Optional[str]] = ()) -> None:
        self._secrets: Set[str] = set()
        # The needles, and the lengths of those that begin with each gram: thousands of keys may begin alike.
        self._needles: Set[str] = set()
        self._whole: Dict[str, Tuple[int, ...]] = {}
        # The pieces of needles, and the secrets that these are from.
        self._indexed: Tuple[Set[str], pieces.Pieces] = (set(), pieces.Pieces(_GRAM))
        self._indexing = threading.Lock()
        self._shortest = 0  # the length of the shortest needle; undoing escapes never makes a text longer
        self._all_ascii = True
        self._clean: Set[str] = set()  # short texts without a secret, which results repeat
        self._open: Set[str] = set(words.WORDS)
        self.add(*secrets)

    @property
    def secrets(self) -> List[str]:
        """The plain secrets known so far."""
        return sorted(self._secrets)

    def add(self, *secrets: Optional[str]) -> None:
        """Remember secrets. None, and values too short to be told from ordinary text, are ignored."""
        for secret in secrets:
            if secret is None or len(secret.strip()) < SHORTEST_SECRET or secret in self._secrets:
                continue
            self._secrets.add(str(secret))
            self._all_ascii = self._all_ascii and secret.isascii()
            for needle in _needles(str(secret)):
                self._shortest = min(self._shortest or len(needle), len(needle))
                self._needles.add(needle)
                lengths = self._whole.get(needle[:_GRAM], ())
                if len(needle) not in lengths:
                    self._whole[needle[:_GRAM]] = (*lengths, len(needle))
            # A new set, as a thread that is looking right now knows fewer secrets and goes on filling the old one.
            self._clean = set()

    def leave(self, *texts: str) -> None:
        """Remember what a user gave openly: `value` leaves a text readable that is one of these."""
        self._open.update(texts)

    def text(self, text: str) -> str:
        """Return ``text`` with every secret in it masked, or only a mask if it takes too long to tell what it holds."""
        clean = self._clean
        if text in clean:
            return text
        masked = self._mask(text)
        if masked == text and len(text) <= _LONGEST_REMEMBERED:
            clean.add(text)
        return masked

    def foreign_text(self, text: str) -> str:
        """Return text that is not ours, with secrets masked even where they were cut short.

        Any six characters in a row that are part of a secret are masked. That is too eager for our own sentences, but
        right for the message of a vendor that quotes what it was sent.
        """
        return self._mask(text, self._index())

    def value(self, value: Any) -> Any:
        """Return a copy of a result with every string in it masked: keys, nested values and message objects too.

        A text stays if it is one of the words that results consist of, or something that a user gave openly: readers
        of the result need these.
        """
        if isinstance(value, str):
            return value if len(value) < self._shortest or value in self._open else self.text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (dict, Mapping)):  # first the type that is tested faster
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return type(value)(self.value(item) for item in value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "backslashreplace"))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                field.name: self.value(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init
            }
            return dataclasses.replace(value, **fields)
        if isinstance(value, (int, float)) and str(value) in self._secrets:
            return MASK
        return value

    def _mask(self, text: str, parts: Optional[pieces.Pieces] = None) -> str:
        least = _GRAM if parts else self._shortest
        if not self._secrets or len(text) < least:
            return text
        spans: List[Tuple[int, int]] = []
        effort = _Effort(text)
        try:
            for decoded, origin in _layers(text, effort):
                spans += [_came_from(origin, *span) for span in self._find(decoded, parts)]
                for start, end, inner in _encoded_runs(decoded, least, self._all_ascii):
                    if self._holds(inner, parts, _DEEPEST_ENCODING, effort):
                        spans.append(_came_from(origin, start, end))
        except _TooMuch:
            return MASK
        return _replace(text, spans)

    def _holds(self, text: str, parts: Optional[pieces.Pieces], depth: int, effort: _Effort) -> bool:
        """Tell whether a secret is in decoded text, perhaps escaped or encoded once more."""
        least = _GRAM if parts else self._shortest
        return any(
            self._find(decoded, parts)
            or (
                depth > 1
                and any(
                    self._holds(inner, parts, depth - 1, effort)
                    for _at, _to, inner in _encoded_runs(decoded, least, self._all_ascii)
                )
            )
            for decoded, _origin in _layers(text, effort)
        )

    def _index(self) -> pieces.Pieces:
        """Return the pieces of all needles."""
        # The first answers come at the same time, and each thread would take the time and memory for all keys.
        with self._indexing:
            known, parts = self._indexed
            if len(known) < len(self._secrets):
                new = self._secrets - known
                parts = parts.with_more(needle for secret in new for needle in _needles(secret))
                self._indexed = (known | new, parts)
            return parts

    def _find(self, text: str, parts: Optional[pieces.Pieces]) -> List[Tuple[int, int]]:
        """Return where the needles are and, if asked for, where any piece of them is."""
        folded, whole, needles = _fold(text), self._whole, self._needles
        starts = range(len(folded) - (_GRAM if parts else self._shortest) + 1)
        found = [
            (at, at + length)
            for at in [at for at in starts if folded[at : at + _GRAM] in whole]
            for length in whole[folded[at : at + _GRAM]]
            if at + length <= len(folded) and folded[at : at + length] in needles
        ]
        if parts:
            found += [(at, at + _GRAM) for at in starts if folded[at : at + _GRAM] in parts]
        return found


def _needles(secret: str) -> Set[str]:
    """Return the plain forms to look for: the secret, and forms that no decoding of a text turns back into it."""
    forms = {secret, secret.strip(), secret.replace(" ", "+")}
    if secret.isascii():
        # The rest of this function makes no form of it that would not fold to one of these.
        folded = {form.lower() for form in forms if len(form) >= _GRAM}
        return folded | {form[::-1] for form in folded}
    forms |= {unicodedata.normalize(form, secret) for form in ("NFC", "NFD")}
    forms |= {cased for form in tuple(forms) for cased in (form.lower(), form.upper())}
    forms |= {form[::-1] for form in tuple(forms)}
    forms |= {form.encode("utf-8", "surrogatepass").decode("latin-1") for form in tuple(forms) if not form.isascii()}
    forms |= {form[::-1] for form in tuple(forms)}
    return {_fold(form) for form in forms if len(form) >= _GRAM}


def _fold(text: str) -> str:
    """Return lower case of the same length, so that positions stay the same."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(low if len(low) == 1 else char for char, low in ((char, char.lower()) for char in text))


def _layers(text: str, effort: _Effort) -> Iterator[_Layer]:
    """Yield the text as it is, then with its escapes undone: by each family, layer by layer, the nearest first."""
    waiting: Deque[_Layer] = deque([(text, None)])
    seen = {text}
    while waiting:
        layer = waiting.popleft()
        effort.spend(layer[0])
        yield layer
        for sign, escape in _ESCAPES:
            if sign not in layer[0]:
                continue
            decoded = _undo(escape, layer)
            if decoded[0] in seen:
                continue
            if len(seen) == _MOST_LAYERS:
                raise _TooMuch
            seen.add(decoded[0])
            waiting.append(decoded)


def _came_from(origin: _Origin, start: int, end: int) -> Tuple[int, int]:
    return (start, end) if origin is None else (origin[start][0], origin[end - 1][1])


def _undo(escape: Pattern[str], layer: _Layer) -> _Layer:
    text, origin = layer
    if not escape.search(text):
        return layer
    if origin is None:
        origin = [(at, at + 1) for at in range(len(text))]
    chars: List[str] = []
    spans: List[Tuple[int, int]] = []
    position = 0
    for match in escape.finditer(text):
        chars.extend(text[position : match.start()])
        spans.extend(origin[position : match.start()])
        plain = _plain(match.group())
        chars.extend(plain)
        spans.extend([(origin[match.start()][0], origin[match.end() - 1][1])] * len(plain))
        position = match.end()
    chars.extend(text[position:])
    spans.extend(origin[position:])
    return "".join(chars), spans


def _plain(escape: str) -> str:
    """Return what one escape stands for."""
    if escape.startswith("%"):
        # Bytes, not characters: UTF-8 is read as Latin-1 here, and the needles have that form as well.
        return bytes.fromhex(escape.replace("%", "")).decode("latin-1")
    if escape.startswith("&"):
        # Imported here, as its table of names is long and few texts hold any.
        from html import unescape

        return unescape(escape)
    if escape.startswith("'"):
        return "'"
    kind, digits = escape[1], escape[2:].strip("{}")
    if kind in "uU" and "\\" in digits:
        high, low = (int(part, 16) for part in (digits[:4], digits[-4:]))
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if kind in "uUx" and digits:
        point = int(digits, 16)
        return chr(point) if point < 0x110000 else escape
    if kind in "0123" and digits:
        return chr(int(escape[1:], 8))
    return _SHORT_ESCAPES.get(kind, kind)


def _encoded_runs(text: str, least: int, all_ascii: bool) -> Iterator[Tuple[int, int, str]]:
    """Yield start, end and decoded text of everything that may be Base64 or hexadecimal of ``least`` bytes or more.

    With ``all_ascii``, decoded text with less ASCII than that in a row is left out, as it is for most ids and words.
    """
    for match in _BASE64_RUN.finditer(text):
        run = match.group().rstrip("=").replace("-", "+").replace("_", "/")
        if len(run) * 3 // 4 < least:
            continue
        for skip in range(4):
            usable = run[skip:]
            usable = usable[: len(usable) - (len(usable) % 4 == 1)]
            data = base64.b64decode(usable + "=" * (-len(usable) % 4))
            if not all_ascii or re.search(rb"[\x00-\x7f]{%d}" % least, data):
                yield match.start(), match.end(), data.decode("latin-1")
    for match in _HEX_RUN.finditer(text):
        run = match.group()
        for skip in range(2):
            usable = run[skip : len(run) - (len(run) - skip) % 2]
            yield match.start(), match.end(), bytes.fromhex(usable).decode("latin-1")


def _replace(text: str, spans: List[Tuple[int, int]]) -> str:
    if not spans:
        return text
    parts: List[str] = []
    position = 0
    for start, end in sorted(spans):
        if start >= position:
            parts += [text[position:start], MASK]
        position = max(position, end)
    parts.append(text[position:])
    return "".join(parts)


def url_secrets(url: str) -> List[str]:
    """Return the parts of a URL with a user name and a password that must not be shown, as written and decoded."""
    userinfo = (url.partition("://")[2] or url).rpartition("@")[0]
    password = userinfo.partition(":")[2] or userinfo
    return [userinfo, password, unquote(password)] if userinfo else []


_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]+")


def one_line(text: str, longest: int = 300) -> str:
    """Return foreign text as one printable line of bounded length: no escape sequences, no line breaks."""
    line = _CONTROL.sub(" ", text[: longest * 8]).strip()
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"
