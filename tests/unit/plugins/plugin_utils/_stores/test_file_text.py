# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text in the file: what every reader finds in it, and what is not a template or not a document."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib
from ansible.template import Templar, is_trusted_as_template, trust_as_template
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import file_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Conflict,
    Stored,
    StoreError,
    to_json,
)
from support.sealed_files import CANARY, NEW, OLD, seal, secrets_of
from support.stores.benches import PASSPHRASE, VaultFileBench, get, load, put

# ------------------------------------------------------------------------------------------------------ for consumers


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


# What may begin a template for Ansible, and what only looks like it.
MARKS = st.sampled_from(["{{", "{%", "{#", "#jinja2:", "{", "%", "#}", "}}", "#jinja", "!unsafe ", '"', "\\", "a"])
MARKED = st.lists(MARKS | st.text(st.characters(codec="ascii"), max_size=2), max_size=4).map("".join)


class OtherReader(yaml.SafeLoader):
    """A reader without Ansible, written as the documentation says."""


OtherReader.add_constructor("!unsafe", yaml.SafeLoader.construct_scalar)


def read_by_others(text: str) -> Any:
    return yaml.load(text, Loader=OtherReader)  # noqa: S506 a safe loader


@settings(max_examples=200, deadline=None)
@given(document=st.dictionaries(TEXTS | MARKED, VALUES | MARKED | st.lists(MARKED, max_size=2), max_size=4))
# Numbers that JSON writes without a point; keys and texts with a special meaning in YAML; characters that YAML forbids,
# invisible ones, and a flag.
@example(document={"a": 1e20, "b": [-1e-7, 1e300], "c": {"d": 1.5e20, "e": -0.0}, "f": "1e+20", "g\n 1e+20": 2e16})
@example(document={"<<": "=", "on": "no", "1": "0012345", "": "", "~": "null", "at": "2026-01-31", "[]": [{}, [], ""]})
@example(document={"\x00\x7f\x85\u2028": "\ufeff\ufffe\u200b\xa0\t\\'\"/", "🇰🇷": "\U000e0001\U0010ffff 비밀"})
@example(document={"password": "Ab1{#xx#}-yzwq", "{{ 1 }}": {"a": [{"{% b": "#jinja2: c"}]}, "c": '\\"{{', "d": "{ {"})
@example(document={"x": "y" * 2000, "password": "비{{밀"})
def test_every_document_survives(document: dict[str, Any]) -> None:
    entry = file_text.entry("kim", document)
    plain = file_text.to_text({"kim": entry})
    found = file_text.from_text(plain)
    assert (found.documents, found.strays) == ({"kim": (document, to_json("kim", document))}, {})
    assert file_text.survives(entry, "kim", document)
    shown = plain.decode().replace("\n", "")
    assert all(char.isprintable() or char > "\uffff" for char in shown)
    # Readers in the wild: those of JSON, Python's own reader of YAML, and Ansible's.
    content = {"dataforest_credentials_format": 1, "dataforest_credentials": {"kim": document}}
    if not any(map(may_be_a_template, texts_of(document))):
        assert json.loads(plain) == content, "all that can be JSON is"
    assert read_by_others(plain.decode()) == content
    read = DataLoader().load(trust_as_template(plain.decode()))
    assert read == content
    assert [text for text in texts_of(read) if may_be_a_template(text) and is_trusted_as_template(text)] == []


def may_be_a_template(text: str) -> bool:
    return bool(Templar(DataLoader()).is_possibly_template(text))


def texts_of(value: Any) -> list[str]:
    """Every text in a document, keys included."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (*texts_of(key), *texts_of(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [value] if isinstance(value, str) else []


def test_a_key_that_yaml_finds_too_long_is_refused_and_not_lost() -> None:
    document = {"k" * 1100: 1}
    assert not file_text.survives(file_text.entry("kim", document), "kim", document)


@pytest.mark.parametrize("typed", ['!unsafe "0012{{345"', "!unsafe '0012{{345'", "!unsafe 0012{{345"])
def test_a_tag_that_a_person_typed_is_read(vault: VaultFileBench, typed: str) -> None:
    plain = f"# by hand\n{ACCOUNTS}  kim:\n    !unsafe 'a{{{{': 1\n    password: {typed}\n    number: !unsafe 5\n"
    vault.path.write_bytes(seal(plain.encode()))
    assert get(vault.open(), "kim").document == {"a{{": 1, "password": "0012{{345", "number": 5}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"y"'),
        ("x", "1"),
        # JSON and YAML read these differently: as two halves of a character in YAML, and as a line end.
        ("é😀", '"é\\ud83d\\ude00"'),
        ("a\x85b", '"a\x85b"'),
        # No reader accepts this.
        ("x", '"x'),
    ],
)
def test_a_text_that_a_reader_takes_for_something_else_does_not_survive(value: str, text: str) -> None:
    entry = file_text.entry("kim", {"a": "here"}).replace('"here"', text)
    assert not file_text.survives(entry, "kim", {"a": value})


# ------------------------------------------------------------------------------------------------------ damaged content


ACCOUNTS = "dataforest_credentials_format: 1\ndataforest_credentials:\n"


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ("", "does not hold the dataforest_credentials"),
        (
            "solapi_reset_mails_format: 1\nsolapi_reset_mails: {}",
            "holds the solapi_reset_mails of this collection, not the dataforest_credentials",
        ),
        ("just text", "does not hold the dataforest_credentials"),
        ("[1, 2]", "does not hold the dataforest_credentials"),
        ("password: hunter2", "does not hold the dataforest_credentials"),
        ("dataforest_credentials: {}", "does not hold the dataforest_credentials"),
        (
            "dataforest_credentials_format: 2\ndataforest_credentials: {}",
            "is in format 2, and this version knows only 1",
        ),
        ("dataforest_credentials_format: true\ndataforest_credentials: {}", "is in format"),
        ("dataforest_credentials_format: '1'\ndataforest_credentials: {}", "is in format unknown"),
        ("dataforest_credentials_format: 1", "holds other variables than dataforest_credentials"),
        (f"{ACCOUNTS}  kim: {{}}\nother: 1", "holds other variables than dataforest_credentials"),
        (f"{ACCOUNTS}  kim: {{a: 1}}\n  kim: {{a: 2}}", "the same key twice"),
        (f"{ACCOUNTS}  kim: {{a: 1", "not YAML in line"),
        (f"{ACCOUNTS}  kim: [\n\t", "not YAML in line"),
        ("\x00\x01", "not YAML"),
    ],
)
def test_content_of_others_is_named_and_left_alone(vault: VaultFileBench, plain: str, why: str) -> None:
    vault.path.write_bytes(sealed := seal(f"# {CANARY}\n{plain}".encode()))
    store = vault.open()
    for attempt in (lambda: load(store, ["kim"]), lambda: store.save({"lee": Change(NEW, None)})):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert why in caught.value.sentence()
        assert "hunter2" not in caught.value.sentence()
        assert CANARY not in caught.value.sentence()
    assert vault.path.read_bytes() == sealed


@pytest.mark.parametrize(
    ("kim", "why"),
    [
        ('{"a": 1}, "kim": {"a": 2}', "the same key twice"),
        (f'{{"a": {"[" * 100_000}{"]" * 100_000}}}', "not YAML"),
        ('{"a": "x}', "not YAML in line"),
    ],
    ids=range(3),
)
def test_json_of_others_is_named(kim: str, why: str) -> None:
    plain = f'{{"dataforest_credentials_format": 1, "dataforest_credentials": {{"kim": {kim}}}}}'
    with pytest.raises(file_text.CannotOpen, match=why) as caught:
        file_text.from_text(plain.encode())
    error: BaseException | None = caught.value
    while error:
        assert not isinstance(error, json.JSONDecodeError), "it holds the whole text"
        error = error.__context__


def test_a_file_in_yaml_is_read_and_then_written_as_json(vault: VaultFileBench) -> None:
    vault.path.write_bytes(seal(f"# by hand\n---\n{ACCOUNTS}  lee:\n    password: 'it''s'\n".encode()))
    put(vault.open(), kim=OLD)
    plain = VaultLib(secrets_of(("default", PASSPHRASE))).decrypt(vault.path.read_bytes())
    assert json.loads(plain)["dataforest_credentials"] == {"kim": OLD, "lee": {"password": "it's"}}


def test_takes_what_a_person_typed_without_quotes(vault: VaultFileBench) -> None:
    vault.path.write_bytes(seal(f"{ACCOUNTS}  kim: {{password: abc, at: 2026-01-31T03:00:00Z, n: 5}}".encode()))
    store = vault.open()
    assert get(store, "kim").document == {"password": "abc", "at": "2026-01-31T03:00:00Z", "n": 5}


STRAYS = [
    ("kim", "text", "is not a document: it is not a mapping", "text"),
    ("kim", '"text {{ 1 }}"', "is not a document: it is not a mapping", "text {{ 1 }}"),
    ("kim", "[1, {a: b}]", "is not a document: it is not a mapping", [1, {"a": "b"}]),
    ("kim", "{1: 2}", "something that no store can keep", {1: 2}),
    ("kim", "{a: .inf}", "something that no store can keep", {"a": float("inf")}),
    ("kim", f"{{a: {2**53}}}", "something that no store can keep", {"a": 2**53}),
    ("kim", "{a: 1, a: 2}", "it holds something that is not YAML, or the same key twice", None),
    ("kim", f'{{"a": {"9" * 5000}}}', "it holds something that is not YAML", None),
    ("kim", "{a: !vault x}", "it holds something that is not YAML in line 4", None),
    ("kim", "!!python/object/apply:os.getcwd []", "it holds something that is not YAML in line 4", None),
    ("kim", "&x {a: *x}", "it holds something that is not YAML", None),
    ("kim", "{password: 'a: b # c', ? [x] : y}", "it holds something that is not YAML", None),
]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(("name", "value", "why", "kept"), STRAYS, ids=range(len(STRAYS)))
def test_what_is_not_a_document_fails_alone_and_is_kept(
    vault: VaultFileBench, name: str, value: str, why: str, kept: Any, as_json: bool
) -> None:
    if as_json:
        plain = f'{{"dataforest_credentials_format": 1, "dataforest_credentials": {{"lee": {{}}, "{name}": {value}}}}}'
    else:
        plain = f"# {CANARY}\n{ACCOUNTS}  {name}: {value}\n  lee: {{}}\n"
    vault.path.write_bytes(seal(plain.encode()))
    for _save in range(2):
        store = vault.open()
        found = store.load([name, "lee"])
        assert isinstance(found["lee"], Stored), "the others are read all the same"
        error = found[name]
        assert isinstance(error, StoreError)
        assert (why.removesuffix(" in line 4") if as_json or _save else why) in error.sentence()
        assert CANARY not in error.sentence()
        outcomes = store.save({name: Change(NEW, None), "lee": Change({"n": _save}, found["lee"].revision)})
        assert outcomes[name] == Conflict(), "it is never overwritten"
        assert outcomes["lee"] != Conflict()
        after = decrypted(vault)
        if kept is not None:
            assert read_by_others(after)["dataforest_credentials"][name] == kept
        assert [text for text in texts_of_scalars(after) if may_be_a_template(text)] == []
    before = decrypted(vault)
    put(vault.open(), park=OLD)
    entry = next(line for line in before.splitlines() if line.startswith(f'    "{name}"') or f"    {name}:" in line)
    assert entry.rstrip(",") in decrypted(vault)


def test_half_a_character_in_json_is_kept(vault: VaultFileBench) -> None:
    plain = '{"dataforest_credentials_format": 1, "dataforest_credentials": {"lee": {"a": "\\ud83d"}}}'
    vault.path.write_bytes(seal(plain.encode()))
    put(vault.open(), kim=OLD)
    assert json.loads(decrypted(vault))["dataforest_credentials"] == {"kim": OLD, "lee": {"a": "\ud83d"}}


@pytest.mark.parametrize(("key", "value"), [("1", "{}"), ("a/b", "{password: x}"), ("''", "text")])
def test_what_is_under_a_name_that_no_document_can_have_is_kept(vault: VaultFileBench, key: str, value: str) -> None:
    vault.path.write_bytes(seal(f"{ACCOUNTS}  {key}: {value}\n".encode()))
    put(vault.open(), kim=OLD)
    assert get(vault.open(), "kim").document == OLD
    there = yaml.safe_load(decrypted(vault))["dataforest_credentials"]
    assert there == {yaml.safe_load(key): yaml.safe_load(value), "kim": OLD}


def decrypted(vault: VaultFileBench) -> str:
    return VaultLib(secrets_of(("default", PASSPHRASE))).decrypt(vault.path.read_bytes()).decode()


def texts_of_scalars(text: str) -> list[str]:
    """Everything in the file that Ansible could take for a template: texts without the tag."""
    nodes = [yaml.compose(text)]
    found = []
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.ScalarNode):
            found += [node.value] if node.tag != "!unsafe" else []
        elif isinstance(node, yaml.CollectionNode) and id(node) not in seen:
            seen.add(id(node))
            nodes += [part for child in node.value for part in (child if isinstance(child, tuple) else (child,))]
    return found


# ------------------------------------------------------------------------------------------------- merges and poison


def conflict(text: bytes, end: bytes = b"\n") -> list[bytes]:
    """What git leaves of two versions that it cannot merge, in each of its styles."""
    ours, theirs = text + b"0\n", text + b"1\n"
    sides = b"<<<<<<< HEAD" + end + ours + b"%s=======" + end + theirs + b">>>>>>> 1a2b3c4 (rotate)" + end
    return [sides % b"", sides % (b"||||||| base" + end + text)]


@pytest.mark.parametrize("style", [0, 1])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_markers_of_a_merge_are_named(vault: VaultFileBench, style: int, end: bytes) -> None:
    put(vault.open(), kim=OLD)
    first, rest = vault.path.read_bytes().split(b"\n", 1)
    inside = decrypted(vault).encode()
    for content in (
        first + b"\n" + conflict(rest, end)[style],  # the usual one: the first line is the same on both sides
        conflict(vault.path.read_bytes(), end)[style],
        seal(conflict(inside, end)[style]),  # somebody merged the clear text and encrypted it again
        seal(b'{\n  "dataforest_credentials_format": 1,\n' + conflict(b'  "dataforest_credentials": {', end)[style]),
    ):
        vault.path.write_bytes(content)
        with pytest.raises(StoreError, match="holds conflict markers of a merge; it was left as it is") as caught:
            vault.open().load(["kim"])
        assert "each side may hold live passwords" in str(caught.value.hint)
        assert CANARY not in caught.value.sentence()


def test_a_document_may_look_like_a_merge(vault: VaultFileBench) -> None:
    document = {"password": "<<<<<<< HEAD", "a": ">>>>>>> x", "b": "\n<<<<<<< HEAD\n"}
    put(vault.open(), kim=document)
    assert get(vault.open(), "kim").document == document


def test_a_store_that_was_poisoned_is_safe_after_its_next_save_of_anything(vault: VaultFileBench) -> None:
    name = "{{ lookup('pipe','id > pwned') }}"
    poisoned = {name: {"account": {"name": name}, "{{ key }}": ["{% raw %}"]}, "kim": {"password": "Ab1{#xx#}-yzwq"}}
    plain = json.dumps({"dataforest_credentials_format": 1, "dataforest_credentials": poisoned})
    vault.path.write_bytes(seal(plain.encode()))
    put(vault.open(), lee=OLD)
    assert read_by_others(decrypted(vault))["dataforest_credentials"] == {**poisoned, "lee": OLD}
    assert [text for text in texts_of_scalars(decrypted(vault)) if may_be_a_template(text)] == []
    assert get(vault.open(), name).document == poisoned[name]
