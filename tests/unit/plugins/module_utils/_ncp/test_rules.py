# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The published rules for passwords."""

from __future__ import annotations

import itertools
import math
import random
import secrets
import string
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import rules
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import (
    _ALPHABET,
    _CLASSES,
    generate_password,
    password_doubts,
    password_faults,
)
from support.simulator.passwords import RULES

GOOD = [
    "Abcd-1234",
    "Abcd-1234-Abcd-1234-"[:20],
    "!@#$%^*()-_=+aA1",
    "0123456aA-",
    "<>[]{}|~aA1",
]
BAD = [
    ("", ["shorter than 8", "fewer than three"]),
    ("Abcd-12", ["shorter than 8"]),
    ("abcdefgh", ["fewer than three"]),
    ("abcd1234", ["fewer than three"]),
    ("ABCD-----", ["fewer than three"]),
    ("0123456789", ["fewer than three"]),
    ("abcdefghijklmnopqrstu", ["fewer than three"]),
    *((f"Abcd-{char}1234", ["invisible"]) for char in "\n\t\0\x1b\x7f\xa0\u200b\u202e\ufeff"),
    ("Abcd\ud800-1234", ["invisible"]),
    ("Abcd-1234\n", ["invisible"]),
    ("A1-", ["shorter than 8"]),
]
# Each is accepted by at least one published revision, and refused by another one.
DOUBTFUL = [
    ("qazQAZ12", ["no special character"]),
    ("Aa1!aa&a", ["a quote, backslash"]),
    ("Abcdefg-", ["no digit"]),
    ("abcd-123", ["no upper-case letter"]),
    ("ABCD-123", ["no lower-case letter"]),
    ("0123456a-", ["no upper-case letter"]),
    ("Abcd-1234-Abcd-1234-x", ["longer than 20"]),
    *((f"Abcd{char}1234", ["a quote, backslash"]) for char in "'\"\\/&` "),
    *((f"Abcd-{char}1234", ["characters other than English"]) for char in "한é₩¥"),
    ("\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660aA", ["characters other than English", "no special"]),
    ("한국한국한국-1aa" * 3, ["longer than 20", "characters other than English", "no upper-case letter"]),
]


@pytest.mark.parametrize("password", GOOD)
def test_good_passwords(password: str) -> None:
    assert password_faults(password) == password_doubts(password) == []


@pytest.mark.parametrize(("password", "expected"), BAD)
def test_bad_passwords_and_all_that_is_wrong_with_them(password: str, expected: list[str]) -> None:
    faults = password_faults(password)
    assert len(faults) == len(expected)
    assert all(words in fault for words, fault in zip(expected, faults, strict=True))


@pytest.mark.parametrize(("password", "expected"), DOUBTFUL)
def test_what_only_some_revisions_refuse_is_doubtful(password: str, expected: list[str]) -> None:
    assert password_faults(password) == []
    doubts = password_doubts(password)
    assert len(doubts) == len(expected)
    assert all(words in doubt for words, doubt in zip(expected, doubts, strict=True))


def test_every_fault_is_named_at_once() -> None:
    assert len(password_faults("한\n")) == 3


VISIBLE = string.ascii_letters + string.digits + string.punctuation + " "


PUBLISHED = ("current", "older", "loose", "console", "first")


@given(st.text(VISIBLE, max_size=24))
def test_refused_is_what_every_revision_refuses_and_doubtful_what_some_do(password: str) -> None:
    verdicts = {RULES[name](password) for name in PUBLISHED}
    assert (password_faults(password) == []) == (True in verdicts)
    if True in verdicts:
        assert (password_doubts(password) == []) == (verdicts == {True})


@given(st.text(min_size=4))
def test_no_fault_quotes_the_password(password: str) -> None:
    fixed = " ".join(
        text for bad, _words in [*BAD, *DOUBTFUL] for text in (*password_faults(bad), *password_doubts(bad))
    )
    said = (*password_faults(password), *password_doubts(password))
    assert all(password not in text or password in fixed for text in said)


@pytest.mark.parametrize("length", [8, 12, 20])
def test_what_is_generated_satisfies_every_rule(length: int) -> None:
    for _index in range(2000):
        password = generate_password(length, secrets.token_bytes)
        assert len(password) == length
        assert password_faults(password) == password_doubts(password) == []
        assert all(RULES[name](password) for name in PUBLISHED)
        assert not set(password) & set("0Oo1lI|")


@pytest.mark.parametrize("length", [-1, 0, 7, 21, 47114711])
def test_a_length_that_the_vendor_refuses_is_refused(length: int) -> None:
    with pytest.raises(ConfigurationError, match=r"^length is not valid: it must be a whole number from 8 to 20\.$"):
        generate_password(length, secrets.token_bytes)


def qualifying(length: int, spared: str = "") -> int:
    """How many texts of a length have all classes, if the class of ``spared`` is already present."""
    # All texts, without those that lack one class or more: inclusion and exclusion.
    needed = [kind for kind in _CLASSES if not set(spared) & set(kind)]
    lacking = itertools.chain.from_iterable(itertools.combinations(needed, n) for n in range(len(needed) + 1))
    return sum((-1) ** len(kinds) * (len(_ALPHABET) - sum(map(len, kinds))) ** length for kinds in lacking)


def test_the_count_is_that_of_trying_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "_CLASSES", ("ab", "AB", "2", "!"))
    monkeypatch.setitem(globals(), "_ALPHABET", "abAB2!")
    texts = [text for text in itertools.product("abAB2!", repeat=5) if all(set(text) & set(kind) for kind in _CLASSES)]
    assert qualifying(5) == len(texts)
    for char in "abAB2!":
        assert qualifying(4, char) == sum(text[0] == char for text in texts)


def test_twenty_characters_hold_a_hundred_bits() -> None:
    assert len(set(_ALPHABET)) == len(_ALPHABET)
    assert math.log2(qualifying(20)) > 100


@given(st.lists(st.text(_ALPHABET, min_size=8, max_size=8), max_size=3), st.randoms(use_true_random=False))
def test_a_password_is_the_first_draw_that_qualifies(lost: list[str], source: random.Random) -> None:
    good = "".join(source.sample([source.choice(kind) for kind in (*_CLASSES, *_CLASSES)], 8))
    drawings = [*lost, good]
    waiting = iter(drawings)

    def random_bytes(count: int) -> bytes:
        # Any of the bytes that stand for a character, and anywhere between them those that stand for none.
        whole = 256 - 256 % len(_ALPHABET)
        drawn = [source.randrange(_ALPHABET.index(char), whole, len(_ALPHABET)) for char in next(waiting)]
        while len(drawn) < count:
            drawn.insert(source.randrange(len(drawn) + 1), source.randrange(whole, 256))
        return bytes(drawn)

    expected = next(text for text in drawings if all(set(text) & set(kind) for kind in _CLASSES))
    assert generate_password(8, random_bytes) == expected


def chi_squares(generate: Callable[[], str], draws: int = 20_000) -> list[float]:
    """How far passwords of 8 characters are from all being equally likely, at each place: Pearson's chi-square."""
    expected = {char: draws * qualifying(7, char) / qualifying(8) for char in _ALPHABET}
    assert math.isclose(sum(expected.values()), draws)
    passwords = [generate() for _index in range(draws)]
    counts = [Counter(password[place] for password in passwords) for place in range(8)]
    return [sum((count[char] - mean) ** 2 / mean for char, mean in expected.items()) for count in counts]


def limit(freedom: int) -> float:
    """The 0.1 % point of the chi-square distribution (Wilson and Hilferty's approximation)."""
    return float(freedom * (1 - 2 / (9 * freedom) + 3.0902 * math.sqrt(2 / (9 * freedom))) ** 3)


def test_no_place_favours_a_character() -> None:
    # A fixed seed, because this tests what is made of random bytes, and not their source.
    source = random.Random(20261122)
    seen = chi_squares(lambda: generate_password(8, source.randbytes))
    assert max(seen) < limit(len(_ALPHABET) - 1)


def test_that_comparison_sees_a_favour(monkeypatch: pytest.MonkeyPatch) -> None:
    # The usual mistake: the remainder of a byte.
    monkeypatch.setattr(rules, "_SURPLUS", b"")
    source = random.Random(20261122)
    seen = chi_squares(lambda: generate_password(8, source.randbytes))
    assert min(seen) > limit(len(_ALPHABET) - 1)
