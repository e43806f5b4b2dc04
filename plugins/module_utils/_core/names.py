# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names and ids of accounts are safe to use, and when messages may quote them. Pure.

The vendor publishes a narrower form (getList and create pages of the Data Forest API, api.ncloud-docs.com,
analytics-dataforest-accounts), but may widen it any day, so an account is not left out for that. A text is safe if it
means nothing special in files, paths, templates and command lines.
"""

from __future__ import annotations

import re
import unicodedata

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

_ACCOUNT_ID = re.compile(r"[0-9A-Za-z]{1,22}")
_ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,14}[a-z0-9]")

LONGEST = 64
RULE = f"it must be 1 to {LONGEST} letters, digits and - _ . @, begin with a letter or digit, and be in Unicode NFC"
_SAFE_ASCII = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@-]*")
_SIGNS = frozenset("-_.@")
# The Hangul fillers: letters to Unicode, but invisible.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0")


def is_safe(text: str) -> bool:
    """Tell whether a name or an id can be used as it is in a store, a path, a template or a command line.

    It begins with a letter or digit of any script, goes on with letters, digits and ``- _ . @``, is in the Unicode form
    NFC, and has at most 64 characters (code points).
    """
    if len(text) > LONGEST:
        return False
    if text.isascii():
        return bool(_SAFE_ASCII.fullmatch(text))
    return (
        text[0] not in _SIGNS
        and all(char in _SIGNS or _is_letter_or_digit(char) for char in text)
        and unicodedata.is_normalized("NFC", text)
    )


def _is_letter_or_digit(char: str) -> bool:
    category = unicodedata.category(char)
    return (category.startswith("L") or category == "Nd") and char not in _INVISIBLE


def check_account_id(account_id: str, place: str) -> None:
    """Raise ConfigurationError for an id that is not safe, without quoting it. ``place`` says where it was given."""
    _check("id", account_id, place)


def check_account_name(name: str, place: str) -> None:
    """Raise ConfigurationError for a name that is not safe, without quoting it. ``place`` says where it was given."""
    _check("name", name, place)


def _check(kind: str, text: str, place: str) -> None:
    if not is_safe(text):
        raise errors.ConfigurationError(
            f"The {kind} of {place} is not valid: {RULE}.", hint="ncp_dataforest_account_info lists the accounts."
        )


def may_be_quoted(name_or_id: str) -> bool:
    """Tell whether messages may quote a name or an id. Anything that lacks the published form may be a password."""
    return name_may_be_quoted(name_or_id) or bool(_ACCOUNT_ID.fullmatch(name_or_id))


def name_may_be_quoted(name: str) -> bool:
    """Tell whether messages may quote what can only be a name: many passwords have the form of an id."""
    return bool(_ACCOUNT_NAME.fullmatch(name))
