# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""The text in a `vault_file`: documents by name, as YAML for people and other tools. Pure.

A general YAML library takes a millisecond for each account, in both directions. So the text is written here, in one
plain form, and a text in just that form is read here, too. All other texts, such as those that somebody has edited,
are read by PyYAML, which also judges what was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    PASSWORDS,
    Document,
    StoreError,
    check_name,
    to_json,
)

FORMAT = 1

_NOTE = "# Kept by krcloud.credentials. Do not edit this while a play runs that uses it.\n---\n"


class CannotOpen(Exception):
    """Why these bytes cannot be decrypted, as the end of a sentence about the file, and what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


# ----------------------------------------------------------------------------------------------------------- writing


def to_yaml(documents: Mapping[str, Document], variable: str = PASSWORDS.variable) -> bytes:
    """Return the content of the file."""
    lines: list[str] = []
    content = {name: documents[name] for name in sorted(documents)}
    _write({f"{variable}_format": FORMAT, variable: content}, "", lines)
    return (_NOTE + "\n".join(lines) + "\n").encode()


def survives(documents: Mapping[str, Document], variable: str = PASSWORDS.variable) -> bool:
    """Tell whether these documents are what a reader finds in the text that is written of them."""
    plain = to_yaml(documents, variable)
    # Printable ASCII, line by line and in quotes, means the same to every reader. All else PyYAML must read.
    simple = plain.isascii() and b'"' not in plain and documents
    try:
        found = _read_text(plain)[variable] if simple else from_yaml(plain, variable)
    except (CannotOpen, *_NOT_AS_WRITTEN):
        return False
    return bool(found == documents)


def _write(value: Any, pad: str, lines: list[str]) -> None:
    """Add the lines of a mapping or list that is not empty."""
    deeper = pad + "  "
    if isinstance(value, dict):
        for key, item in value.items():
            if item and isinstance(item, (dict, list)):
                lines.append(f"{pad}{_key(key)}:")
                _write(item, deeper, lines)
            else:
                lines.append(f"{pad}{_key(key)}: {_scalar(item)}")
        return
    for item in value:
        if item and isinstance(item, (dict, list)):
            first = len(lines)
            _write(item, deeper, lines)
            lines[first] = f"{pad}- {lines[first][len(deeper) :]}"
        else:
            lines.append(f"{pad}- {_scalar(item)}")


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
# What YAML 1.1 takes for something else than text.
_NOT_TEXT = frozenset(("yes", "no", "on", "off", "true", "false", "null"))


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _NOT_TEXT else _scalar(key)


def _scalar(value: Any) -> str:
    """Return text in quotes, so that nobody's YAML takes it for a number, and Korean as it is; all else as JSON."""
    if value is None:
        return "null"
    if isinstance(value, str):
        if value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        spelt = (char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in value)
        return '"' + "".join(spelt) + '"'
    if isinstance(value, int):
        return str(value).lower()  # truth values are whole numbers to Python
    text = json.dumps(value)
    # YAML wants a point in every float.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


# ----------------------------------------------------------------------------------------------------------- reading


def from_yaml_as_written(plain: bytes, variable: str = PASSWORDS.variable) -> dict[str, dict[str, Any]] | None:
    """Return the documents of a text that `to_yaml` has written, None for any other.

    What is read is written once more and compared. So the reading may be careless: no other text gets through.
    """
    try:
        documents: dict[str, dict[str, Any]] = _read_text(plain)[variable]
        return documents if documents and to_yaml(documents, variable) == plain else None
    except _NOT_AS_WRITTEN:
        return None


_NOT_AS_WRITTEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def _read_text(plain: bytes) -> Any:
    """Read a text that `to_yaml` has written. Of any other it returns anything, or raises one of `_NOT_AS_WRITTEN`."""
    return _read(plain.decode("utf-8").removeprefix(_NOTE).split("\n")[-2::-1], "")


_READ_KEY = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_]+)|'((?:[^']|'')*)'):(?: |$)")


def _read(lines: list[str], pad: str) -> Any:
    """Take a mapping or list off the end of the lines, which are in reverse order."""
    value: Any = [] if lines[-1].startswith(f"{pad}- ") else {}
    deeper = pad + "  "
    while lines and lines[-1].startswith(pad) and not lines[-1].startswith(deeper):
        line = lines.pop()[len(pad) :]
        if isinstance(value, list):
            if line.startswith("- - ") or _READ_KEY.match(line, 2):
                lines.append(deeper + line[2:])
                value.append(_read(lines, deeper))
            else:
                value.append(_read_scalar(line[2:]))
            continue
        found = _READ_KEY.match(line)
        if not found:
            raise ValueError
        key = found[1] or found[2].replace("''", "'")
        value[key] = _read_scalar(line[found.end() :]) if found.end() < len(line) else _read(lines, deeper)
    return value


def _read_scalar(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return None if text == "null" else int(text) if text.isdecimal() else json.loads(text)


# The base is known at run time only: PyYAML may be built without its C library.
class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
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


def from_yaml(plain: bytes, variable: str = PASSWORDS.variable) -> dict[str, dict[str, Any]]:
    """Return the documents in the content of the file. Raises CannotOpen, which quotes nothing of it."""
    whole = "Put back a whole copy of it, or name another file."
    try:
        content = yaml.load(plain.decode("utf-8"), Loader=_Reader)  # noqa: S506 a safe loader
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CannotOpen(f"holds something that is not YAML{line}", whole) from None
    except (yaml.YAMLError, UnicodeError, ValueError, TypeError, RecursionError):
        raise CannotOpen("holds something that is not YAML, or a key that stands twice", whole) from None
    if not isinstance(content, dict) or f"{variable}_format" not in content:
        raise CannotOpen(f"holds something else than the {variable} of this collection", whole)
    version = content[f"{variable}_format"]
    if version != FORMAT or isinstance(version, bool):
        raise CannotOpen(
            f"is in format {version if isinstance(version, int) else 'unknown'}, and this version knows only {FORMAT}",
            "Use a newer version of the collection krcloud.credentials.",
        )
    documents = content.get(variable)
    if set(content) != {f"{variable}_format", variable} or not isinstance(documents, dict):
        raise CannotOpen(f"holds other variables than {variable}", "Give the store a file of its own.")
    try:
        for name, document in documents.items():
            if not isinstance(document, dict):
                raise CannotOpen(f"holds something else than a mapping for {ascii(name)[:60]}", whole)
            to_json(check_name(name), document)
    except StoreError as error:
        raise CannotOpen("holds a document that no store can keep", error.sentence()) from None
    return documents
