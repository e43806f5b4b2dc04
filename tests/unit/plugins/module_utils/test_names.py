# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be the id or the name of an account, and what of it may be shown."""

from __future__ import annotations

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._names import (
    check_account_id,
    check_account_name,
    shown,
)


@pytest.mark.parametrize("text", ["a", "0", "20nAZnjbUNFdc7RsILlC3A", "Z" * 22])
def test_ids(text: str) -> None:
    check_account_id(text, "accounts[0]")


@pytest.mark.parametrize("text", ["", "a" * 23, "a-b", "a b", "가", "a\n", "a/../b"])
def test_no_ids(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_account_id(text, "accounts[0]")
    # It may be anything, a password too.
    assert caught.value.message == "The id of accounts[0] is not one: an id has 1 to 22 letters and digits."


@pytest.mark.parametrize("text", ["df", "df001", "a-b", "0--0", "a" * 16])
def test_names(text: str) -> None:
    check_account_name(text, "accounts[0]")


@pytest.mark.parametrize("text", ["", "a", "a" * 17, "-ab", "ab-", "Ab", "a_b", "a b", "ab\n", "가나"])
def test_no_names(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_account_name(text, "accounts[0]")
    assert caught.value.message.startswith("The name of accounts[0] is not one: a name has 2 to 16 lower-case letters")


@pytest.mark.parametrize("text", ["df001", "a-b", "20nAZnjbUNFdc7RsILlC3A"])
def test_names_and_ids_are_shown(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("text", ["Pa55-word", "pass word", "pass_word!", "비밀번호", "x" * 23, ""])
def test_what_cannot_be_a_name_is_not_shown(text: str) -> None:
    assert shown(text) == "(no name of an account)"
