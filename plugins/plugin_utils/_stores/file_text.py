# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text in a `vault_file`: documents by name, as JSON, which is YAML as well. Pure.

The file is a file of variables, and Ansible takes every text in one for a template. So a text or key that holds the
beginning of a template carries the YAML tag ``!unsafe``, which says that it is not one. A file with such a tag is no
longer JSON.

PyYAML takes many times as long, so it reads only files that are not JSON even without those tags, such as one that
somebody wrote by hand. What is written here means the same to PyYAML.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    PASSWORDS,
    RESET_MAILS,
    Document,
    StoreError,
    check_name,
    exact,
    to_json,
)

FORMAT = 1

_UNREADABLE = "holds something that is not YAML, or the same key twice"
_WHOLE = "Restore a complete copy of it, or name another file."

UNSAFE = "!unsafe"


class CannotOpen(Exception):
    """Why these bytes cannot be decrypted, as the end of a sentence about the file, and what to do.

    ``{file}`` in the hint stands for the path of the file.
    """

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def check_not_merged(data: bytes) -> None:
    """Raise CannotOpen for a file that git could not merge."""
    if (b"<<<<<<<" in data or b">>>>>>>" in data) and _CONFLICT.search(data):
        raise CannotOpen(
            "holds conflict markers of a merge",
            "Do not settle it by taking one side: each side may hold live passwords that the other lacks. Decrypt both "
            "sides (git show :2:FILE and git show :3:FILE give them), and bring them together account by account.",
        )


_CONFLICT = re.compile(rb"^(?:<{7}|>{7})(?: |\r?$)", re.MULTILINE)

# ----------------------------------------------------------------------------------------------------------- writing


def entry(name: str, document: Document) -> str:
    """Return one document as the file holds it: each key of the document in one line."""
    lines = ",\n".join(f"      {_key(key)}: {_readable(value)}" for key, value in document.items())
    text = f"    {_readable(name)}: {{\n{lines}\n    }}" if lines else f"    {_readable(name)}: {{}}"
    return _never_a_template(text)


def to_text(entries: Mapping[str, str], variable: str = PASSWORDS.variable) -> bytes:
    """Return the content of the file that has these entries."""
    lines = ",\n".join(entries[name] for name in sorted(entries))
    inner = f"{{\n{lines}\n  }}" if lines else "{}"
    return f'{{\n  "{variable}_format": {FORMAT},\n  "{variable}": {inner}\n}}\n'.encode()


@functools.lru_cache
def _key(key: str) -> str:
    # All documents have the same keys.
    return _readable(key)


def _readable(value: Any) -> str:
    """Return JSON that means the same as YAML."""
    # Without the encoder: each document has several of these.
    if value is None:
        return "null"
    if value == []:
        return "[]"
    text = _ENCODER.encode(value)
    if "e+" in text or "e-" in text:
        text = _NO_POINT.sub(lambda match: f"{match[1]}.0{match[2]}" if match[1] else match[0], text)
    return text if text.isascii() and text.isprintable() else _NOT_ASCII.sub(_spelt, text)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_TEXT = r'"(?:[^"\\]|\\.)*"'
# YAML wants a point in every float. Texts come first, so that nothing in them is taken for a number.
_NO_POINT = re.compile(_TEXT + r"|(?<![\d.])(\d)(e[-+]\d+)")
_NOT_ASCII = re.compile(r"[^\n -~]")


def _spelt(match: re.Match[str]) -> str:
    """Return Korean as it is, and escape what YAML forbids or nobody sees. YAML takes everything above U+FFFF."""
    char = match[0]
    return char if char.isprintable() or char > "\uffff" else f"\\u{ord(char):04x}"


def _never_a_template(text: str) -> str:
    """Put the tag before each text in JSON that any ansible-core could take for a template.

    The marks are those of `Templar.is_possibly_template`, none of which JSON escapes.
    """
    if not _PERHAPS_A_MARK.search(text):
        return text
    return _TEXTS.sub(lambda match: f"{UNSAFE} {match[0]}" if _MARK.search(match[0]) else match[0], text)


_TEXTS = re.compile(_TEXT)
# In a text with its quotes. The last mark counts only at its beginning.
_MARK = re.compile(r'\{[{%#]|\A"#jinja2:')
_PERHAPS_A_MARK = re.compile(r'\{[{%#]|"#jinja2:')


def survives(entry: str, name: str, document: Document) -> bool:
    """Tell whether every reader finds this document in its entry."""
    plain = f"{{{entry}}}".encode()
    # Printable ASCII in quotes means the same in JSON and in YAML, unless it is a key that YAML finds too long.
    same = plain.isascii() and UNSAFE not in entry and not _LONG_KEY.search(entry)
    try:
        if not all(load(plain) == {name: document} for load in ((_load_json,) if same else (_load_json, _load_yaml))):
            return False
    except CannotOpen:
        return False
    return True


_LONG_KEY = re.compile(r'"(?:[^"\\]|\\.){1000,}": ')

# ----------------------------------------------------------------------------------------------------------- reading


class Found(NamedTuple):
    """A document of the file, and the same as JSON text."""

    document: Document
    text: str

    def __repr__(self) -> str:
        return f"Found({len(self.text)} characters)"


class Stray(NamedTuple):
    """What a name has instead of a document: why it is not one, in a clause, and its entry, which is kept as it is."""

    why: str
    entry: str

    def __repr__(self) -> str:
        return f"Stray({self.why!r})"


class Texts(NamedTuple):
    """Everything that the file holds. A stray without a valid name gets one that no document can have."""

    documents: Mapping[str, Found]
    strays: Mapping[str, Stray]


def from_text(plain: bytes, variable: str = PASSWORDS.variable) -> Texts:
    """Return the content of the file. Raises CannotOpen, which quotes nothing of it."""
    try:
        content = _load_json(plain)
        if content is not None:
            return _sorted_out(_items_of(content, variable), decoded=True)
        return _sorted_out(_nodes_of(plain, variable), decoded=False)
    except CannotOpen:
        check_not_merged(plain)
        raise


class _Item(NamedTuple):
    """A name, its value, and a function that returns both as an entry, which is called only where needed."""

    name: Any
    value: Any
    entry: Callable[[], str]
    why: str | None = None

    def __repr__(self) -> str:
        return "_Item()"


def _sorted_out(items: Iterator[_Item], *, decoded: bool) -> Texts:
    documents: dict[str, Found] = {}
    strays: dict[str, Stray] = {}
    for item in items:
        name, why = item.name, item.why
        try:
            name = check_name(item.name)
        except StoreError:
            # Nobody can ask for this name, but what it holds must not get lost.
            name, why = f"/{len(strays)}", "it has a name that no document can have"
        if name in documents or name in strays:
            raise CannotOpen(_UNREADABLE, _WHOLE)
        if why is None and not isinstance(item.value, dict):
            why = "it is not a mapping"
        if why is None:
            try:
                documents[name] = Found(item.value, to_json(name, item.value, decoded=decoded))
                continue
            except StoreError:
                why = "it holds something that no store can keep, such as a number that is too large"
        strays[name] = Stray(why, item.entry())
    return Texts(documents, strays)


def _load_json(plain: bytes) -> Any:
    """Return the content of the text as JSON, apart from tags, or None if it is not JSON."""
    try:
        text = plain.decode("utf-8")
        if UNSAFE in text:
            text = _TAGGED.sub(lambda match: match[1] or "", text)
        return _DECODER.decode(text)
    except RecursionError:
        # The C library of PyYAML would crash the process.
        raise CannotOpen(_UNREADABLE, _WHOLE) from None
    except ValueError:
        return None


_TAGGED = re.compile(rf"({_TEXT})|{UNSAFE}\s+", re.DOTALL)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse the same key twice, as `_Reader` does."""
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError
    return mapping


_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_int=exact)


def _items_of(content: Any, variable: str) -> Iterator[_Item]:
    keys = content if isinstance(content, dict) else {}
    documents = _checked(keys, keys.get(f"{variable}_format"), keys.get(variable), dict, variable)
    for name, value in documents.items():
        yield _Item(name, value, functools.partial(_json_entry_of, name, value))


def _json_entry_of(name: str, value: Any) -> str:
    # Also what only Python takes for JSON, such as NaN.
    return _never_a_template(f"    {json.dumps(name)}: {json.dumps(value)}")


def _checked(keys: Mapping[Any, Any], version: Any, documents: Any, kind: type, variable: str) -> Any:
    """Return the documents, or raise CannotOpen if the content is not ours."""
    if f"{variable}_format" not in keys:
        other = next((each.variable for each in (PASSWORDS, RESET_MAILS) if f"{each.variable}_format" in keys), None)
        if other:
            raise CannotOpen(f"holds the {other} of this collection, not the {variable}", "Name another file.")
        raise CannotOpen(f"does not hold the {variable} of this collection", _WHOLE)
    if version != FORMAT or isinstance(version, bool):
        raise CannotOpen(
            f"is in format {version if isinstance(version, int) else 'unknown'}, and this version knows only {FORMAT}",
            "Use a newer version of the collection krcloud.credentials.",
        )
    if set(keys) != {f"{variable}_format", variable} or not isinstance(documents, kind):
        raise CannotOpen(f"holds other variables than {variable}", "Give the store a file of its own.")
    return documents


# -------------------------------------------------------------------------------------------------- what is not JSON


# PyYAML may be built without its C library.
class _Reader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a base known at run time only
    """Refuses the same key twice: the next save would drop one of the two."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=True)
        if len(mapping) != len(node.value):
            raise yaml.YAMLError("the same key twice")
        return mapping


def _construct_map(reader: Any, node: Any) -> Any:
    return reader.construct_mapping(node, deep=True)


def _construct_unsafe(reader: Any, node: Any) -> Any:
    """Return what follows the tag. What is in quotes is text."""
    bare = copy.copy(node)
    implicit = (not node.style, bool(node.style)) if isinstance(node, yaml.ScalarNode) else True
    bare.tag = reader.resolve(type(node), node.value, implicit)
    return reader.construct_object(bare, deep=True)


_Reader.add_constructor("tag:yaml.org,2002:map", _construct_map)
# Text that is written here is in quotes. A person has typed this one without: keep it as typed.
_Reader.add_constructor("tag:yaml.org,2002:timestamp", lambda reader, node: reader.construct_scalar(node))
_Reader.add_constructor(UNSAFE, _construct_unsafe)


def _load_yaml(plain: bytes) -> Any:
    with _reading(plain) as (reader, node):
        return reader.construct_document(node) if node else None


def _nodes_of(plain: bytes, variable: str) -> Iterator[_Item]:
    """Read each document by itself, so that one that cannot be read affects no other."""
    with _reading(plain) as (reader, root):
        tops = root.value if isinstance(root, yaml.MappingNode) else []
        keys = {reader.construct_document(key): value for key, value in tops}
        if len(keys) != len(tops):
            raise yaml.YAMLError("the same key twice")
        version = keys.get(f"{variable}_format")
        said = version and reader.construct_document(version)
        whole = _checked(keys, said, keys.get(variable), yaml.MappingNode, variable)
        reader.flatten_mapping(whole)
        for key, node in whole.value:
            value, why = None, None
            try:
                value = reader.construct_document(node)
            except _NOT_READ as error:
                why = f"it holds {_problem(error)}"
            yield _Item(reader.construct_document(key), value, functools.partial(_entry_of, key, node), why)


# What a document that cannot be read raises, although the file around it can be read.
_NOT_READ = (yaml.YAMLError, ValueError, TypeError, RecursionError)


@contextlib.contextmanager
def _reading(plain: bytes) -> Iterator[tuple[Any, Any]]:
    """Yield a reader and the root of the one document in the text. Raises CannotOpen for everything that goes wrong."""
    try:
        reader = _Reader(plain.decode("utf-8"))
        try:
            yield reader, reader.get_single_node()
        finally:
            reader.dispose()
    except _NOT_READ as error:
        raise CannotOpen(f"holds {_problem(error)}", _WHOLE) from None


def _problem(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        return f"something that is not YAML{line}"
    return "something that is not YAML, or the same key twice"


def _written(node: Any) -> str:
    """Return a node in one line, fit to be one of several. What may be a template gets its tag."""
    _make_plain(node, set())
    text: str = yaml.serialize(yaml.SequenceNode("tag:yaml.org,2002:seq", [node], flow_style=True), width=2**30)
    return text.strip()[1:-1]


def _make_plain(node: Any, seen: set[int]) -> None:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        if node.tag == "tag:yaml.org,2002:str" and _MARK.search(f'"{node.value}'):
            node.tag, node.style = UNSAFE, '"'
        return
    node.flow_style = True
    for child in node.value:
        for part in child if isinstance(child, tuple) else (child,):
            _make_plain(part, seen)


def _entry_of(key: Any, node: Any) -> str:
    """Return the entry of a document that cannot be read. Raises CannotOpen if it cannot be kept as it is."""
    text = f"    {_written(key)}: {_written(node)}"
    with _reading(f"{{{text}}}".encode()) as (_reader, again):
        if len(again.value) == 1 and text == f"    {_written(again.value[0][0])}: {_written(again.value[0][1])}":
            return text
    raise CannotOpen(_UNREADABLE, _WHOLE)
