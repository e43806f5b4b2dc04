# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup that generates a password. The tests of the generator say how good its passwords are."""

from __future__ import annotations

import secrets
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.krcloud.credentials.plugins.lookup.dataforest_password import LookupModule
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import (
    _ALPHABET,
    LONGEST,
    SHORTEST,
    password_faults,
)

LOOKUP = "'krcloud.credentials.dataforest_password'"


def generate(*terms: Any, **options: Any) -> list[str]:
    return LookupModule(DataLoader()).run(list(terms), {}, **options)


@pytest.mark.parametrize("length", range(SHORTEST, LONGEST + 1))
def test_one_password_of_the_length_asked_for(length: int) -> None:
    (password,) = generate(length=length)
    assert len(password) == length
    assert password_faults(password) == []


def test_a_play_gets_a_new_one_each_time(template: Callable[..., Any], tmp_path: Path) -> None:
    # A variable that is defined by the lookup, not one that holds its result.
    defined = {"password": f"{{{{ lookup({LOOKUP}, length=length) }}}}", "length": "12"}
    first, second = (template("password", **defined) for _index in range(2))
    assert len(first) == len(second) == 12
    assert first != second
    assert len(template(f"lookup({LOOKUP})")) == LONGEST
    assert list(tmp_path.iterdir()) == []


def test_chance_comes_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = bytes(map(_ALPHABET.index, "Abcdefg2!"))
    monkeypatch.setattr(secrets, "token_bytes", lambda count: drawn.ljust(count, b"\xff"))
    assert generate(length=9) == ["Abcdefg2!"]


def test_ansible_is_told_what_to_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    ours = types.SimpleNamespace(register_secrets=masked.extend)
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", ours)
    assert generate() == masked


@pytest.mark.parametrize(
    ("terms", "options", "why"),
    [
        *(
            ([], {"length": length}, r"length is not valid: it must be a whole number from 8 to 20\.$")
            for length in (7, 21, "many", 8.5, 47114711)
        ),
        ([], {"lenght": 12}, r"There is no option lenght\. Supported parameters include: length\."),
        (["/dev/null length=15"], {}, r"takes no terms: it knows no accounts and keeps no file\. Use length=16"),
        (["df001"], {"length": 12}, r"dataforest_credential to read the password of an account\."),
    ],
)
def test_mistakes_are_named(terms: list[Any], options: dict[str, Any], why: str) -> None:
    with pytest.raises(AnsibleLookupError, match=why) as caught:
        generate(*terms, **options)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_documentation_is_that_of_the_options(documented: Callable[[str], dict[str, Any]]) -> None:
    documentation = documented("dataforest_password")
    assert set(documentation["options"]) == {"length"}
    length = documentation["options"]["length"]
    assert length["type"] == "int"
    assert [len(password) for password in generate()] == [length["default"]]
    assert f"{SHORTEST} to {LONGEST}" in " ".join(length["description"])
    assert documentation["name"] == "dataforest_password"
