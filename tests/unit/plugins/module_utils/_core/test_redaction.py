# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in text: every form, every mixture, and nothing else."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import shlex
import threading
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core import redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._core.pieces import Pieces
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import (
    MASK,
    SHORTEST_SECRET,
    Redactor,
    one_line,
    url_secrets,
)
from support.simulator.passwords import ECHOES

BEFORE, AFTER = "The vendor said: [", "] - and no more."

Form = Callable[[str], str]


def _octal(value: str) -> str:
    return "".join(f"\\{byte:03o}" if byte > 126 else chr(byte) for byte in value.encode())


def _utf16(value: str) -> list[int]:
    units = value.encode("utf-16-be")
    return [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]


FORMS: dict[str, Form] = {
    "plain": lambda value: value,
    "json": json.dumps,
    "json, not ASCII": lambda value: json.dumps(value, ensure_ascii=False),
    "json in json": lambda value: json.dumps(json.dumps(value)),
    "json, slashes": lambda value: json.dumps(value).replace("/", "\\/"),
    "\\u of everything": lambda value: "".join(f"\\u{unit:04x}" for unit in _utf16(value)),
    "\\U of everything": lambda value: "".join(f"\\U{ord(char):08x}" for char in value),
    "\\u{} of everything": lambda value: "".join(f"\\u{{{ord(char):x}}}" for char in value),
    "\\x of the bytes": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
    "octal of the bytes": _octal,
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda value: repr(value.encode()),
    "url": quote,
    "url, nothing safe": lambda value: quote(value, safe=""),
    "url, lower case": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "url, twice": lambda value: quote(quote(value, safe=""), safe=""),
    "form": quote_plus,
    "xml text": escape,
    "xml attribute": quoteattr,
    "html": html.escape,
    "decimal references": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "hexadecimal references": lambda value: "".join(f"&#x{ord(char):X};" for char in value),
    "xml in xml": lambda value: escape(escape(value)),
    "shell": shlex.quote,
    "yaml": lambda value: "'" + value.replace("'", "''") + "'",
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64, one off": lambda value: base64.b64encode(b"x" + value.encode()).decode(),
    "base64, two off": lambda value: base64.b64encode(b"xy" + value.encode() + b"z").decode(),
    "base64, url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64, no padding": lambda value: base64.b64encode(value.encode()).decode().rstrip("="),
    "basic": lambda value: "Basic " + base64.b64encode(f"user:{value}".encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
    "hexadecimal, upper case": lambda value: value.encode().hex().upper(),
    "hexadecimal, one off": lambda value: "a" + value.encode().hex(),
    "upper case": str.upper,
    "lower case": str.lower,
    "reversed": lambda value: value[::-1],
    "composed": lambda value: unicodedata.normalize("NFC", value),
    "decomposed": lambda value: unicodedata.normalize("NFD", value),
    "read as Latin-1": lambda value: value.encode().decode("latin-1"),
}

SECRETS = [
    "Str0ng-Pass!",
    "q\"u\\o't/e<&>% +x",
    "비밀번호-열두자",
    "\u041f\u0430\u0440\u043e\u043b\u044c123é",
    "emoji\U0001f511key",
    "trailing %41 &amp; \\n",
    "aaaaaa",
    "1234567890",
    "two words and a half",
    "A=b&c=d;e",
    "====////++++",
    "'''''\"\"\"\"",
]


def masked(secret: str, text: str) -> str:
    return Redactor([secret]).text(text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_every_form_of_a_secret(form: str, secret: str) -> None:
    shown = FORMS[form](secret)
    result = masked(secret, BEFORE + shown + AFTER)
    # Quotes that a form puts around the secret, and words such as Basic, may stay.
    assert result.startswith(BEFORE)
    assert result.endswith(AFTER)
    assert MASK in result
    inside = result[len(BEFORE) : -len(AFTER)]
    assert len(inside.replace(MASK, "")) <= len("u'Basic '")
    assert secret not in inside


@pytest.mark.parametrize("form", [form for form in ECHOES if form not in ("none", "truncated")])
@pytest.mark.parametrize("secret", SECRETS)
def test_every_form_in_which_the_simulator_echoes(form: str, secret: str) -> None:
    result = masked(secret, f"{BEFORE}{ECHOES[form](secret)}{AFTER}")
    assert MASK in result
    assert len(result) <= len(BEFORE + MASK + AFTER) + 2


# --------------------------------------------------------------------------------------------------------- any secrets

SECRET = st.text(
    st.sampled_from("abcdefXYZ0123456789!@#$%^&*()-_=+{}<>|;:,.?/~`'\"\\ 가나한글비밀éß漢\U0001f511"),
    min_size=SHORTEST_SECRET,
    max_size=24,
).filter(lambda text: len(text.strip()) >= SHORTEST_SECRET and text not in MASK)

# Forms that can be put around each other. The others in FORMS are special cases of these.
ESCAPES = [
    "json",
    "json, not ASCII",
    "url",
    "url, nothing safe",
    "xml text",
    "html",
    "decimal references",
    "repr",
    "shell",
]
ENCODINGS = ["base64", "base64, url", "base64, one off", "hexadecimal", "hexadecimal, upper case"]
SPELLINGS = ["plain", "upper case", "lower case", "reversed", "decomposed", "composed", "form"]


def has_too_many_layers(text: str) -> bool:
    """Whether a text has too many, such as one that was escaped twice. All of it is masked then, which is safe."""
    try:
        return not list(redaction._layers(text, redaction._Effort(text)))
    except redaction._TooMuch:
        return True


def check(secret: str, *forms: str) -> None:
    shown = secret
    for form in forms:
        shown = FORMS[form](shown)
    # What folds to something else altogether is no longer the secret: the upper case of a sharp s is two letters.
    assume("ß" not in secret or not {"upper case", "decomposed"} & set(forms))
    assume(shown not in BEFORE + AFTER and secret not in BEFORE + AFTER and shown not in MASK)
    result = masked(secret, BEFORE + shown + AFTER)
    if has_too_many_layers(BEFORE + shown + AFTER):
        assert result == MASK
        return
    assert result.startswith(BEFORE), result
    assert result.endswith(AFTER), result
    inside = result[len(BEFORE) : -len(AFTER)]
    assert MASK in inside, f"{shown!r} stays"
    assert secret not in inside
    assert shown not in inside


@given(SECRET, st.sampled_from(SPELLINGS), st.sampled_from(ESCAPES))
def test_an_escape_of_any_spelling(secret: str, spelling: str, escaped: str) -> None:
    check(secret, spelling, escaped)


@given(SECRET, st.sampled_from(SPELLINGS), st.sampled_from(ENCODINGS))
def test_an_encoding_of_any_spelling(secret: str, spelling: str, encoding: str) -> None:
    assume(spelling != "form")
    check(secret, spelling, encoding)


@given(SECRET, st.lists(st.sampled_from(ESCAPES), min_size=2, max_size=3))
@example("'\"'\"'\\\\'", ["repr", "repr"])
def test_escapes_in_escapes(secret: str, escapes: list[str]) -> None:
    check(secret, *escapes)


@given(SECRET, st.sampled_from(ENCODINGS), st.lists(st.sampled_from(ESCAPES), max_size=2))
def test_escapes_around_an_encoding(secret: str, encoding: str, escapes: list[str]) -> None:
    check(secret, encoding, *escapes)


@given(SECRET, st.sampled_from(ESCAPES), st.sampled_from(ENCODINGS))
def test_an_encoding_of_an_escape(secret: str, escaped: str, encoding: str) -> None:
    check(secret, escaped, encoding)


@given(SECRET, st.sampled_from(ENCODINGS), st.sampled_from(ENCODINGS))
def test_an_encoding_of_an_encoding(secret: str, inner: str, outer: str) -> None:
    check(secret, inner, outer)


@given(
    st.text(st.characters(codec="ascii"), min_size=SHORTEST_SECRET, max_size=30), st.binary(), st.binary(), st.data()
)
def test_what_is_not_looked_into_holds_nothing(secret: str, before: bytes, after: bytes, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(secret))] * 2)))
    held = before + secret[start:end].encode() + after
    text = data.draw(st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))(held).decode()
    redactor, thorough = Redactor([secret]), Redactor([secret])
    thorough._all_ascii = False
    assert redactor.text(text) == thorough.text(text)
    assert redactor.foreign_text(text) == thorough.foreign_text(text)


@given(st.lists(SECRET, min_size=1, max_size=4), st.lists(st.sampled_from([*ESCAPES, *SPELLINGS[:4]]), max_size=8))
def test_many_secrets_in_many_forms_at_once(secrets: list[str], forms: list[str]) -> None:
    redactor = Redactor(secrets)
    shown = [FORMS[form](secrets[at % len(secrets)]) for at, form in enumerate(forms)]
    assume(not any("ß" in secret for secret in secrets))
    result = redactor.text(" | ".join(shown))
    assert not [secret for secret in secrets if secret in result.replace(MASK, "")]
    assert not [text for text in shown if text in result]


@given(SECRET, st.text(max_size=60), st.text(max_size=60))
def test_masking_is_over_after_one_pass(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    once = redactor.text(before + secret + after)
    assert secret not in once
    assert redactor.text(once) == once


# ---------------------------------------------------------------------------------------------------- and nothing else

ODD = "Zq7!xKw9#pV"


@given(st.text(max_size=200) | st.text("\\%&#;xu0'+ =abcdef0123456789", max_size=200))
def test_text_without_secrets_is_left_alone(text: str) -> None:
    redactor = Redactor([ODD, "비밀번호-열두자"])
    assume("x7K" not in text)
    assert redactor.text(text) == text
    assert redactor.foreign_text(text) == text
    assert redactor.value({text: [text, 1, None]}) == {text: [text, 1, None]}


@given(st.text(max_size=100))
def test_without_secrets_nothing_is_masked(text: str) -> None:
    assert Redactor().text(text) == text
    assert Redactor([None, "", "short", "     x     "]).foreign_text(text) == text


@pytest.mark.parametrize("short", ["a", "abc", "12345", "  ab  ", "yes"])
def test_a_short_secret_shreds_nothing(short: str) -> None:
    text = f"A sentence with {short} in it, and base64 {base64.b64encode(short.encode() * 3).decode()}."
    redactor = Redactor([short])
    assert redactor.text(text) == text
    assert redactor.foreign_text(text) == text
    assert redactor.secrets == []


def test_the_shortest_secret_is_masked() -> None:
    assert masked("abcdef", "xabcdefx") == f"x{MASK}x"


def test_two_secrets_side_by_side_and_one_in_the_other() -> None:
    redactor = Redactor(["first-secret", "second-secret", "secret"])
    assert redactor.text("first-secretsecond-secret") == MASK + MASK or "secret" not in redactor.text(
        "first-secretsecond-secret"
    )
    assert redactor.text("a first-secret b") == f"a {MASK} b"
    assert redactor.text("a secret b") == f"a {MASK} b"


# -------------------------------------------------------------------------------------------------------- foreign text


@given(SECRET, st.data())
def test_a_truncated_echo_is_masked_in_foreign_text(secret: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(secret) - SHORTEST_SECRET))
    end = data.draw(st.integers(start + SHORTEST_SECRET, len(secret)))
    piece = secret[start:end]
    assume(piece not in BEFORE + AFTER + MASK)
    result = Redactor([secret]).foreign_text(f"{BEFORE}{piece}{AFTER}")
    assert result.startswith(BEFORE)
    assert result.endswith(AFTER)
    assert piece not in result
    assert MASK in result


@pytest.mark.parametrize("form", ["json", "url", "xml text", "base64", "hexadecimal", "reversed", "upper case"])
def test_a_truncated_echo_is_masked_in_its_escaped_forms_too(form: str) -> None:
    secret = "Str0ng-Pass&word!"
    result = Redactor([secret]).foreign_text(f"{BEFORE}{FORMS[form](secret[:12])}{AFTER}")
    assert result in (f"{BEFORE}{MASK}{AFTER}", f'{BEFORE}"{MASK}"{AFTER}')


def test_our_own_text_keeps_pieces() -> None:
    assert masked("configuration-1", "The configuration is wrong.") == "The configuration is wrong."


def test_secrets_that_come_later_count_as_well() -> None:
    redactor = Redactor(["first-secret"])
    assert redactor.foreign_text("second") == "second"
    redactor.add("second-secret")
    assert redactor.foreign_text("second-se") == MASK
    assert redactor.text("second-secret") == MASK


# -------------------------------------------------------------------------------------------------------------- values


@dataclasses.dataclass(frozen=True)
class Message:
    msg: str
    details: tuple[Any, ...]
    number: int = 1
    derived: str = dataclasses.field(init=False, default="derived")


SECRET_TEXT = "Str0ng-Pass!"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (SECRET_TEXT, MASK),
        ({SECRET_TEXT: 1}, {MASK: 1}),
        ({"a": {"b": [SECRET_TEXT, {"c": (SECRET_TEXT,)}]}}, {"a": {"b": [MASK, {"c": (MASK,)}]}}),
        ({f"x {SECRET_TEXT}": None}, {f"x {MASK}": None}),
        ({SECRET_TEXT}, {MASK}),
        (frozenset([SECRET_TEXT]), frozenset([MASK])),
        (SECRET_TEXT.encode(), MASK),
        (b"\xff" + SECRET_TEXT.encode(), f"\\xff{MASK}"),
        (Message(SECRET_TEXT, (SECRET_TEXT, 2)), Message(MASK, (MASK, 2))),
        ([Message("x", ({SECRET_TEXT: Message(SECRET_TEXT, ())},))], [Message("x", ({MASK: Message(MASK, ())},))]),
        (987654321, MASK),
        (987654321.5, MASK),
        ([987654321, 98765432], [MASK, 98765432]),
        (True, True),
        (None, None),
        (1.5, 1.5),
        ({"a": True, "b": None, "c": 1}, {"a": True, "b": None, "c": 1}),
    ],
)
def test_values_of_every_kind(value: Any, expected: Any) -> None:
    result = Redactor([SECRET_TEXT, "987654321", "987654321.5", "True"]).value(value)
    assert result == expected
    assert type(result) is type(expected)


def test_a_class_is_not_a_message() -> None:
    assert Redactor([SECRET_TEXT]).value(Message) is Message


def test_the_original_is_left_alone() -> None:
    original = {"a": [SECRET_TEXT]}
    Redactor([SECRET_TEXT]).value(original)
    assert original == {"a": [SECRET_TEXT]}


# ---------------------------------------------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", set()),
        ("http://proxy:3128", set()),
        ("proxy:3128", set()),
        ("user:pass-word@proxy:3128", {"pass-word", "user:pass-word"}),
        ("http://user:pass-word@proxy:3128", {"pass-word", "user:pass-word"}),
        ("http://user:p%40ss%2Dword@proxy", {"p%40ss%2Dword", "p@ss-word", "user:p%40ss%2Dword"}),
        ("http://token-alone@proxy", {"token-alone"}),
        ("http://user:pass@word@proxy", {"pass@word", "user:pass@word"}),
        ("http://user:pass-word@[bad", {"pass-word", "user:pass-word"}),
    ],
)
def test_passwords_in_urls_are_secrets(url: str, expected: set[str]) -> None:
    assert set(url_secrets(url)) == expected


# ---------------------------------------------------------------------------------------------------------------- cost


class Counting(dict[str, tuple[int, ...]]):
    """A dictionary that counts how often it is asked."""

    asked = 0

    def __contains__(self, key: object) -> bool:
        self.asked += 1
        return super().__contains__(key)


def look_ups(secrets: int, text: str) -> int:
    redactor = Redactor([f"{at:05d}-secret-of-somebody" for at in range(secrets)])
    counting = redactor._whole = Counting(redactor._whole)
    redactor.text(text)
    return counting.asked


ESCAPED = 'A "quoted\\n" text, 100%25 of it &amp; more; ' + base64.b64encode(b"nothing in here").decode() + "; "


def test_a_thousand_secrets_cost_no_more_look_ups_than_one() -> None:
    assert look_ups(1000, ESCAPED * 20) == look_ups(1, ESCAPED * 20) > 0


def test_the_work_grows_with_the_text_and_no_faster() -> None:
    small, large = look_ups(10, ESCAPED * 10), look_ups(10, ESCAPED * 100)
    assert large <= 10.5 * small


@pytest.mark.parametrize(
    "hostile", ["\\" * 4000, "%25" * 1500, "&amp;" * 800, "'" * 4000, "\\u005c" * 700, "%5Cu0025" * 500]
)
def test_hostile_nesting_is_bounded(hostile: str) -> None:
    assert 0 < look_ups(10, hostile) <= 8 * redaction._MOST_LAYERS * len(hostile)


def test_a_thousand_secrets_that_begin_alike_are_each_found() -> None:
    secrets = [f"Passw0rd-{at:04d}" for at in range(1000)]
    redactor = Redactor(secrets)
    assert redactor.text("\n".join(secrets)) == "\n".join([MASK] * 1000)
    # The begin of one, which all of them have, is not compared with each of them.
    assert max(map(len, redactor._whole.values())) == 1
    longer = f"{secrets[0]}-and-more"
    redactor.add(longer)
    assert redactor.text(f"a {longer} b {secrets[0]} c {secrets[0][:-1]}") == f"a {MASK} b {MASK} c {secrets[0][:-1]}"


def test_threads_that_look_at_the_same_time_share_one_index(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    second = threading.Event()
    with_more = Pieces.with_more

    def slowly(known: Pieces, texts: Iterable[str]) -> Pieces:
        made.append(1)
        if len(made) > 1:
            second.set()
        # Until another thread has come here too, or long enough to see that none does.
        second.wait(0.3)
        return with_more(known, texts)

    monkeypatch.setattr(Pieces, "with_more", slowly)
    redactor = Redactor(["Zq7mVx-Canary01"])
    with ThreadPoolExecutor(8) as pool:
        masked = set(pool.map(redactor.foreign_text, ["It said: mVx-Canary"] * 8))
    assert masked == {f"It said: {MASK}"}
    assert len(made) == 1


# ------------------------------------------------------------------------------------------------------------ one line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("  a \r\n\t b  ", "a b"),
        ("a\x1b[31mred\x1b[0m", "a [31mred [0m"),
        ("a\x1b]0;title\x07b", "a ]0;title b"),
        ("a\u202egnp.exe", "a gnp.exe"),
        ("a\u2066b\u2069c\u200fd\u200be\ufefff", "a b c d e f"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf", "a b c d e f"),
        ("a\x00b\x7fc\x9bd", "a b c d"),
        ("허용되지 않은 IP(1.2.3.4)", "허용되지 않은 IP(1.2.3.4)"),
        ("a\ud800b", "a?b"),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.text(st.characters(), max_size=500), st.integers(1, 400))
def test_one_line_is_one_printable_line_of_bounded_length(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert line.isprintable()
    assert line.isascii() or not [
        char for char in line if unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE")
    ]


def test_a_long_text_is_cut_visibly() -> None:
    assert one_line("x" * 1000) == "x" * 299 + "…"
    assert one_line("x" * 300) == "x" * 300
