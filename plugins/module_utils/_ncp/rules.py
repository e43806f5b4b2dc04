# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The published rules for Data Forest passwords. They are checked before anything is sent, and generated passwords
follow them.

Sources: the resetPassword and create pages of the Data Forest API (api.ncloud-docs.com, analytics-dataforest-accounts),
in their older and current revisions, the error text on the older one, and the console guide. They disagree. What all of
them refuse is refused here. What only some refuse is left to the vendor, with a warning.
"""

from __future__ import annotations

from typing import Callable, List

from ansible_collections.krcloud.credentials.plugins.module_utils._core import numbers

SHORTEST = 8
LONGEST = 20
# The pages print a won sign, which is how Korean fonts show a backslash.
_FORBIDDEN = frozenset("'\"\\/&` ")
_PRINTABLE = frozenset(map(chr, range(0x20, 0x7F)))


def password_faults(password: str) -> List[str]:
    """Return what every published revision refuses about a password, in clauses that do not quote it.

    No revision allows an invisible character: it is a slip, or cannot be sent.
    """
    faults: List[str] = []
    if len(password) < SHORTEST:
        faults.append(f"it is shorter than {SHORTEST} characters")
    if not password.isprintable():
        faults.append("it has a control character or an invisible character")
    if len(_missing_kinds(password)) > 1:
        faults.append(
            "it has fewer than three of lower-case letters, upper-case letters, digits and special characters"
        )
    return faults


def password_doubts(password: str) -> List[str]:
    """Return what only some published revisions refuse about a password, in clauses that do not quote it."""
    doubts: List[str] = []
    chars = set(password)
    if len(password) > LONGEST:
        doubts.append(f"it is longer than {LONGEST} characters")
    if chars - _PRINTABLE:
        doubts.append("it has characters other than English letters, digits and special characters")
    if chars & _FORBIDDEN:
        doubts.append("it has a quote, backslash, slash, ampersand, backtick or blank")
    return doubts + [f"it has no {kind}" for kind in _missing_kinds(password)]


def _missing_kinds(password: str) -> List[str]:
    kinds = {
        "lower-case letter": any(map(str.islower, password)),
        "upper-case letter": any(map(str.isupper, password)),
        "digit": any(map(str.isdigit, password)),
        "special character": not all(map(str.isalnum, password)),
    }
    return [kind for kind, there in kinds.items() if not there]


# No look-alikes (0 O o, 1 l I |), and few characters that mean something to a shell, an ini file or YAML.
_CLASSES = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!#%*+-=?@^_~.")
_KINDS = [frozenset(kind) for kind in _CLASSES]
_ALPHABET = "".join(_CLASSES)
# The character for each byte. Bytes of the last, incomplete round are left out: they would favour some characters.
_CHARACTERS = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
_SURPLUS = bytes(range(256 - 256 % len(_ALPHABET), 256))


def generate_password(length: int, random_bytes: Callable[[int], bytes]) -> str:
    """Return a password that every published revision of the rules accepts: all four classes, nothing forbidden.

    ``random_bytes`` returns as many bytes as it is asked for, all values equally likely: pass `secrets.token_bytes`.
    Whole passwords are drawn until one has all classes, so that all valid ones are equally likely. With 20 characters
    that is about 122 bits. Raises ConfigurationError when the length is not 8 to 20.
    """
    numbers.check("length", length, numbers.Range(SHORTEST, LONGEST, whole=True))
    while True:
        password = random_bytes(2 * length).translate(_CHARACTERS, _SURPLUS)[:length].decode("ascii")
        if len(password) == length and not any(kind.isdisjoint(password) for kind in _KINDS):
            return password
