# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ids and names are safe, and which texts may be shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import (
    check_account_id,
    check_account_name,
    is_safe,
    may_be_quoted,
    name_may_be_quoted,
)

SAFE = {
    "documented name": "df001",
    "documented id": "20nAZnjbUNFdc7RsILlC3A",
    "one letter": "a",
    "one digit": "0",
    "id with a hyphen": "B-1",
    "all signs": "team_a-01.eu@example.com",
    "64 characters": "a" * 64,
    "Hangul": "데이터포레스트-01",
    "64 Hangul syllables": "가" * 64,
    "Hangul letters alone": "ㄱㄴ",
    "Vietnamese, composed": unicodedata.normalize("NFC", "Trần"),
    "Chinese": "数据",
    "Hebrew": "אב",
    "Arabic digits": "٠١٢",
    "letter, then Devanagari digit": "a५",
    "letter beyond the Basic Multilingual Plane": "𠀀a",
}
UNSAFE = {
    "nothing": "",
    "65 characters": "a" * 65,
    "65 Hangul syllables": "가" * 65,
    "template": "{{ lookup('pipe','id') }}",
    "template alone": "{{x}}",
    "block of a template": "{%x%}",
    "comment of a template": "a{#x#}b",
    "slash": "a/b",
    "backslash": "a\\b",
    "folder above": "..",
    "path": "a/../b",
    "hidden file": ".a",
    "option of a command": "-rf",
    "at first": "@a",
    "underscore first": "_a",
    "blank": "a b",
    "blank at the end": "a ",
    "no-break space": "a\u00a0b",
    "ideographic space": "가\u3000나",
    "line break": "a\nb",
    "line break at the end": "ab\n",
    "carriage return": "ab\r",
    "line separator": "a\u2028b",
    "tab": "a\tb",
    "NUL": "a\0b",
    "escape": "a\x1b[31m",
    "delete": "a\x7f",
    "C1 control": "a\x9b",
    "right-to-left mark": "a\u200fb",
    "right-to-left override": "a\u202eb",
    "right-to-left isolate": "א\u2067ב",
    "zero-width space": "a\u200bb",
    "zero-width joiner": "a\u200db",
    "byte order mark": "\ufeffa",
    "soft hyphen": "a\u00adb",
    "combining mark first": "\u0301a",
    "combining mark that composes": "e\u0301",
    "combining mark that does not compose": "a\u0334",
    "Hangul, decomposed": unicodedata.normalize("NFD", "한국"),
    "invisible Hangul filler": "a\u3164b",
    "invisible Hangul filler alone": "\u3164",
    "invisible halfwidth filler": "\uffa0",
    "sign that NFC replaces": "a\u212bb",
    "superscript digit": "a\u00b2",
    "fraction": "½",
    "Roman numeral": "Ⅷ",
    "emoji": "a😀",
    "lone surrogate": "a\ud800",
    "private use": "a\ue000",
    "not assigned": "a\u0378",
    "quote": "a'b",
    "double quote": 'a"b',
    "dollar": "a$b",
    "backtick": "a`b",
    "colon": "a:b",
    "plus": "a+b",
    "percent": "a%b",
    "fullwidth solidus": "a\uff0fb",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in SAFE.items()])
def test_safe(text: str) -> None:
    assert is_safe(text)
    check_account_id(text, "accounts[0]")
    check_account_name(text, "accounts[0]")


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in UNSAFE.items()])
@pytest.mark.parametrize(("kind", "check"), [("id", check_account_id), ("name", check_account_name)])
def test_unsafe(text: str, kind: str, check: Callable[[str, str], None]) -> None:
    assert not is_safe(text)
    with pytest.raises(ConfigurationError) as caught:
        check(text, "accounts[0]")
    # It may be anything, even a password.
    assert caught.value.message == (
        f"The {kind} of accounts[0] is not valid: it must be 1 to 64 letters, digits and - _ . @, "
        "begin with a letter or digit, and be in Unicode NFC."
    )


@pytest.mark.parametrize("text", ["df001", "a-b", "20nAZnjbUNFdc7RsILlC3A"])
def test_names_and_ids_may_be_quoted(text: str) -> None:
    assert may_be_quoted(text)


@pytest.mark.parametrize("text", ["20nAZnjbUNFdc7RsILlC3A", "qazQAZ12", "DF001"])
def test_what_has_the_form_of_an_id_only_is_not_quoted_as_a_name(text: str) -> None:
    assert not name_may_be_quoted(text)


@pytest.mark.parametrize("text", ["Pa55-word", "pass word", "pass_word!", "비밀번호", "x" * 23, ""])
def test_what_cannot_be_a_name_may_not_be_quoted(text: str) -> None:
    assert not may_be_quoted(text)
    assert not name_may_be_quoted(text)
