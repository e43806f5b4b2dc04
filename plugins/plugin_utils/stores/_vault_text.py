# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""The text in a `vault_file`: documents by name, as JSON, which is YAML as well. Pure.

PyYAML takes many times as long, so it reads only what is no JSON, such as a file that somebody wrote by hand. What is
written here means the same to it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    PASSWORDS,
    Document,
    StoreError,
    check_name,
    exact,
    to_json,
)

FORMAT = 1

_UNREADABLE = "holds something that is not YAML, or a key that stands twice"
_WHOLE = "Put back a whole copy of it, or name another file."


class CannotOpen(Exception):
    """Why these bytes cannot be decrypted, as the end of a sentence about the file, and what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


# ----------------------------------------------------------------------------------------------------------- writing


def entry(name: str, document: Document) -> str:
    """Return one document as it stands in the file: each of its own keys in one line."""
    lines = ",\n".join(f"      {_key(key)}: {_readable(value)}" for key, value in document.items())
    return f"    {_readable(name)}: {{\n{lines}\n    }}" if lines else f"    {_readable(name)}: {{}}"


def to_text(entries: Mapping[str, str], variable: str = PASSWORDS.variable) -> bytes:
    """Return the content of the file that has these entries."""
    lines = ",\n".join(entries[name] for name in sorted(entries))
    inner = f"{{\n{lines}\n  }}" if lines else "{}"
    return f'{{\n  "{variable}_format": {FORMAT},\n  "{variable}": {inner}\n}}\n'.encode()


@functools.lru_cache
def _key(key: str) -> str:
    # All documents have the same ones.
    return _readable(key)


def _readable(value: Any) -> str:
    """Return JSON that means the same as YAML."""
    # At once: each document has several of them.
    if value is None:
        return "null"
    if value == []:
        return "[]"
    text = _ENCODER.encode(value)
    if "e+" in text or "e-" in text:
        text = _NO_POINT.sub(lambda match: f"{match[1]}.0{match[2]}" if match[1] else match[0], text)
    return text if text.isascii() and text.isprintable() else _NOT_ASCII.sub(_spelt, text)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
# YAML wants a point in every float. Texts come first, so that nothing in them is taken for a number.
_NO_POINT = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\d.])(\d)(e[-+]\d+)')
_NOT_ASCII = re.compile(r"[^\n -~]")


def _spelt(match: re.Match[str]) -> str:
    """Return Korean as it is, and spell what YAML forbids or nobody sees. Above U+FFFF YAML takes everything."""
    char = match[0]
    return char if char.isprintable() or char > "\uffff" else f"\\u{ord(char):04x}"


def survives(entry: str, name: str, document: Document) -> bool:
    """Tell whether this document is what every reader finds in its entry."""
    plain = f"{{{entry}}}".encode()
    # Printable ASCII in quotes means the same in JSON and in YAML.
    loads = (_load_json,) if plain.isascii() else (_load_json, _load_yaml)
    try:
        return all(load(plain) == {name: document} for load in loads)
    except CannotOpen:
        return False


# ----------------------------------------------------------------------------------------------------------- reading


class Found(NamedTuple):
    """A document of the file, and the same as JSON text."""

    document: Document
    text: str


def from_text(plain: bytes, variable: str = PASSWORDS.variable) -> dict[str, Found]:
    """Return the documents in the content of the file. Raises CannotOpen, which quotes nothing of it."""
    content = _load_json(plain)
    decoded = content is not None
    return _checked(content if decoded else _load_yaml(plain), variable, decoded)


def _load_json(plain: bytes) -> Any:
    """Return what the text means as JSON, None if it is none."""
    try:
        return _DECODER.decode(plain.decode("utf-8"))
    except RecursionError:
        # The C library of PyYAML would end the whole process.
        raise CannotOpen(_UNREADABLE, _WHOLE) from None
    except ValueError:
        return None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice, as `_Reader` does."""
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError
    return mapping


_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_int=exact)


# PyYAML may be built without its C library.
class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a base known at run time only
    """Refuses a key that stands twice: the next save would drop one of the two."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=True)
        if len(mapping) != len(node.value):
            raise yaml.YAMLError("a key stands twice")
        return mapping


def _construct_map(reader: Any, node: Any) -> Any:
    return reader.construct_mapping(node, deep=True)


_Reader.add_constructor("tag:yaml.org,2002:map", _construct_map)
# Text is quoted here, so what looks like a date is one that a person typed without quotes: keep it as typed.
_Reader.add_constructor("tag:yaml.org,2002:timestamp", lambda reader, node: reader.construct_scalar(node))


def _load_yaml(plain: bytes) -> Any:
    try:
        return yaml.load(plain.decode("utf-8"), Loader=_Reader)  # noqa: S506 a safe loader
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CannotOpen(f"holds something that is not YAML{line}", _WHOLE) from None
    except (yaml.YAMLError, UnicodeError, ValueError, TypeError, RecursionError):
        raise CannotOpen(_UNREADABLE, _WHOLE) from None


def _checked(content: Any, variable: str, decoded: bool) -> dict[str, Found]:
    """Return the documents, or raise CannotOpen where the content is not ours."""
    if not isinstance(content, dict) or f"{variable}_format" not in content:
        raise CannotOpen(f"holds something else than the {variable} of this collection", _WHOLE)
    version = content[f"{variable}_format"]
    if version != FORMAT or isinstance(version, bool):
        raise CannotOpen(
            f"is in format {version if isinstance(version, int) else 'unknown'}, and this version knows only {FORMAT}",
            "Use a newer version of the collection krcloud.credentials.",
        )
    documents = content.get(variable)
    if set(content) != {f"{variable}_format", variable} or not isinstance(documents, dict):
        raise CannotOpen(f"holds other variables than {variable}", "Give the store a file of its own.")
    found = {}
    try:
        for name, document in documents.items():
            if not isinstance(document, dict):
                raise CannotOpen(f"holds something else than a mapping for {ascii(name)[:60]}", _WHOLE)
            found[name] = Found(document, to_json(check_name(name), document, decoded=decoded))
    except StoreError as error:
        raise CannotOpen("holds a document that no store can keep", error.sentence()) from None
    return found
