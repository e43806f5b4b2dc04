# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One address, in all the ways in which people and servers spell it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.mail_address import (
    canonical,
    check_email,
    is_same,
    spellings,
)

EMAIL = "member@example.com"
KOREAN = "user@한국.kr"
PUNYCODE = "user@xn--3e0b707e.kr"


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    "email",
    [EMAIL, "a.b+c_d-e@sub.example.co.kr", "o'neil@example.com", "사용자@예시.한국", nfd("사용자@예시.한국"), "x@y"],
)
def test_addresses(email: str) -> None:
    assert check_email(email) == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "member",
        "@example.com",
        "member@",
        "a@b@c",
        "Member <member@example.com>",
        "a@example.com, b@example.com",
        "a@example.com\n",
        "a b@example.com",
        "a@exa mple.com",
        "a@example.com\r\nBcc: b@example.com",
        "a\0@example.com",
        'a"@example.com',
        "{{ lookup('pipe', 'id') }}@example.com",
        "x" * 65 + "@example.com",
        "a@" + "x" * 253,
        "a\udcff@example.com",
        "a@example.com\ufeff",
        "a@exa\u200bmple.com",
        "\u202ea@example.com",
        5,
        True,
        b"a@example.com",
    ],
)
def test_what_is_not_an_address(email: object) -> None:
    with pytest.raises(ConfigurationError, match="email is not a mail address") as caught:
        check_email(email)
    assert caught.value.sentence().isascii()  # it quotes nothing


@pytest.mark.parametrize(("email", "what"), [([EMAIL], "a list"), ((EMAIL,), "a list"), ({"a": EMAIL}, "a dictionary")])
def test_several_are_not_one(email: object, what: str) -> None:
    with pytest.raises(ConfigurationError, match=f"email is not valid: it is {what}, not one address") as caught:
        check_email(email)
    assert "loop" in str(caught.value.hint)


SAME: list[tuple[str, ...]] = [
    (EMAIL, "Member@Example.COM", "MEMBER@EXAMPLE.COM", "member@example.com."),
    (KOREAN, PUNYCODE, nfd(KOREAN), PUNYCODE.upper(), "USER@한국.KR", "user@한국\u3002kr", "user@한국\uff0ekr"),
    ("사용자@example.com", nfd("사용자@example.com")),
    ("é@example.com", "e\u0301@example.com", "É@example.com"),
    ("a@bücher.example", "a@xn--bcher-kva.example", "a@BÜCHER.example", "a@bu\u0308cher.example"),
    ("a@faß.example", "a@xn--fa-hia.example"),
    ("\u03c3\u03b1\u03c3@example.com", "\u03a3\u0391\u03a3@example.com"),  # a sigma at the end
    ("a@" + "".join(chr(ord(letter) + 0xFEE0) for letter in "example") + ".com", "a@example.com"),  # full width
]


@pytest.mark.parametrize("same", SAME, ids=lambda same: same[0])
def test_spellings_of_one_address(same: tuple[str, ...]) -> None:
    assert len({canonical(email) for email in same}) == 1
    assert all(is_same(one, other) for one in same for other in same)


@pytest.mark.parametrize(
    "other",
    [
        "members@example.com",
        "member@example.org",
        "member@sub.example.com",
        "member@example.com.kr",
        "member+tag@example.com",
        "m.ember@example.com",
        "member@xn--example-.com",  # decodes to ASCII, so it is not IDNA
        "",
        "@",
        "member",
        None,
        5,
        [EMAIL],
    ],
)
def test_other_addresses(other: object) -> None:
    assert not is_same(EMAIL, other)


def test_domains_that_differ_stay_apart() -> None:
    assert (
        len({canonical(f"a@{domain}") for domain in ("faß.de", "fass.de", "한국.kr", "한굮.kr", "xn--.kr", ".kr")}) == 6
    )


@pytest.mark.parametrize(
    "domain",
    [
        "xn--99999999999.kr",
        "xn--.kr",
        "xn---.kr",
        "xn--\u00e9.kr",
        "-a.kr",
        "a..kr",
        "..",
        "한" * 64 + ".kr",
        "x" * 64 + ".kr",
        "\ud800.kr",
        "\u0627a.kr",
        "xn--ib9b.kr",
    ],
)
def test_a_domain_that_idna_does_not_allow_raises_nothing(domain: str) -> None:
    email = f"a@{domain}"
    assert canonical(email) == canonical(email.upper())
    assert email in spellings(email)


def test_an_address_in_ascii_has_one_spelling() -> None:
    assert spellings(EMAIL) == [EMAIL]
    assert spellings("Member@Example.COM.") == ["Member@Example.COM.", "Member@example.com"]


def test_the_spellings_of_others() -> None:
    assert {KOREAN, PUNYCODE, nfd(KOREAN)} <= set(spellings(KOREAN)) == set(spellings(nfd(KOREAN)))
    assert {KOREAN, PUNYCODE, nfd(KOREAN)} <= set(spellings(PUNYCODE))
    assert len(spellings(nfd("사용자@한국.kr"))) <= 15


addresses = st.builds(
    lambda local, labels: f"{local}@{'.'.join(labels)}",
    st.text(max_size=8),
    st.lists(st.text(max_size=8) | st.from_regex(r"(?i)xn--[a-z0-9-]{0,12}", fullmatch=True), max_size=3),
)


@given(addresses)
@example("a@xn--" + "z" * 60)
@example("\ud800@\ud800")
def test_any_text_has_one_canonical_spelling(email: str) -> None:
    once = canonical(email)
    assert canonical(once) == once
    assert is_same(once, email)
    for each in spellings(email):
        assert canonical(each) == once
