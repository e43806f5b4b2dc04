# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies of requests from data, and data from the bodies of answers, each of which may be hostile."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Tuple

_DEEPEST_ELEMENT = 32
# Each takes up to about 70 bytes of memory, in whatever structure. 10,000 accounts have 170,000.
_MOST_PARTS = 300_000
# In bytes. Most answers are small, and many workers read them at the same time. 64 KiB of accounts have 4,000 parts.
SMALL = 64 * 1024
_MOST_PARTS_IF_SMALL = 10_000
_LONGEST_NUMBER = 20
_PIECE = 64 * 1024
# In bytes. A text or name of this size may be accepted, one of twice the size never is.
_LONGEST_TEXT = 64 * 1024
# In bytes. One character beyond the Basic Multilingual Plane makes all characters of a text take four bytes of memory.
_LARGEST_WITH_WIDE_LETTERS = 2 * 1024 * 1024
_LEADS_OF_WIDE_LETTERS = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")


_ENCODER = json.JSONEncoder(ensure_ascii=False)


class Unreadable(ValueError):
    """A body cannot be read. The text of the exception is a clause that says why and quotes nothing."""


def to_json(fields: Mapping[str, Any]) -> bytes:
    """Return a JSON object."""
    return _ENCODER.encode(dict(fields)).encode("utf-8")


def to_xml(root: str, fields: Mapping[str, Any]) -> bytes:
    """Return an XML document with one element per field, in order."""
    from xml.sax.saxutils import escape

    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>'.encode()


def parse(body: bytes) -> Dict[str, Any]:
    """Return the object in a JSON or XML body. The first character tells which of the two it is.

    XML leaves are strings, repeated elements are lists. Raises Unreadable.
    """
    start = body[:1024].decode("utf-8-sig", "replace").lstrip()
    if not start and not body[1024:].strip():
        raise Unreadable("it is empty")
    is_xml = start.startswith("<")
    most_parts = _MOST_PARTS_IF_SMALL if len(body) <= SMALL else _MOST_PARTS
    if sum(map(body.count, (b"<", b"=") if is_xml else (b"[", b"{", b":", b","))) > most_parts:
        raise Unreadable("it has too many parts")
    if _has_long_part(body, b"<" if is_xml else b'"'):
        raise Unreadable("it has a part that is too long")
    if not is_xml:
        return _parse_json(body)
    if start.lower().lstrip("<!-").startswith(("doctype html", "html")) or "<html" in start.lower():
        raise Unreadable("it is an HTML page")
    return _parse_xml(body)


def _has_long_part(body: bytes, border: bytes) -> bool:
    """Tell whether there is a stretch without a border that is as long as the longest text."""
    stretches = range(0, len(body) - _LONGEST_TEXT + 1, _LONGEST_TEXT)
    return any(body.find(border, at, at + _LONGEST_TEXT) < 0 for at in stretches)


def _parse_json(body: bytes) -> Dict[str, Any]:
    if len(body) > _LARGEST_WITH_WIDE_LETTERS and any(lead in body for lead in _LEADS_OF_WIDE_LETTERS):
        raise Unreadable("it is too large for text with four-byte characters")
    decoder = _DECODER_OF_SMALL if len(body) <= SMALL else _DECODER
    try:
        parsed = decoder.decode(body.decode("utf-8-sig"))
    except Unreadable:
        raise
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8 text") from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError:
        raise Unreadable("it is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise Unreadable("it is not a JSON object")
    return parsed


def _whole_number(digits: str) -> int:
    # The time to read a long number grows with the square of its length.
    return int(digits) if len(digits) <= _LONGEST_NUMBER else _no_number(digits)


def _no_number(_text: str) -> NoReturn:
    raise ValueError


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Parsers disagree about which of the two counts, so the body would hold two answers, such as yes and no.
        raise Unreadable("it has the same key twice")
    return found


# Not strict: a sample in the vendor's documentation has a raw line break in a string.
_DECODER = json.JSONDecoder(strict=False, parse_int=_whole_number, parse_constant=_no_number)
# The hook would double the memory that a list of accounts takes.
_DECODER_OF_SMALL = json.JSONDecoder(
    strict=False, parse_int=_whole_number, parse_constant=_no_number, object_pairs_hook=_object
)


def _parse_xml(body: bytes) -> Dict[str, Any]:
    from xml.parsers import expat

    # Of each open element: its name, its children so far, its text so far.
    path: List[Tuple[str, Dict[str, Any], List[str]]] = []
    root: Optional[Any] = None

    def start(name: str, _attributes: object) -> None:
        if len(path) >= _DEEPEST_ELEMENT:
            raise Unreadable("it is nested too deeply")
        path.append((name.rpartition(":")[2], {}, []))

    def end(_name: str) -> None:
        nonlocal root
        name, children, words = path.pop()
        value: Any = children or "".join(words).strip()
        if not path:
            root = {name: value} if name == "error" or not children else children
        else:
            siblings = path[-1][1]
            if name not in siblings:
                siblings[name] = value
            elif isinstance(siblings[name], list):
                siblings[name].append(value)
            else:
                siblings[name] = [siblings[name], value]

    def text_of_leaf(words: str) -> None:
        path[-1][2].append(words)

    def refuse(*_declaration: object) -> None:
        raise Unreadable("it declares a DTD or entities, which are not accepted")

    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text_of_leaf
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    # In pieces, because the whole as one text would take several times its size.
    pieces = memoryview(body)[body.index(b"<") :]
    try:
        for at in range(0, len(pieces), _PIECE):
            parser.Parse(pieces[at : at + _PIECE], False)
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise Unreadable("it is not well-formed XML") from None
    if not isinstance(root, dict):
        raise Unreadable("it is not an XML document")
    return root
