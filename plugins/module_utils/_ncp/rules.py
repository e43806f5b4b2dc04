# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The published rules for a Data Forest password: checked before anything is sent, and kept by what is generated.

Sources: the resetPassword and create pages of the Data Forest API (api.ncloud-docs.com, analytics-dataforest-accounts),
older and current, the error text on the older one, and the console guide. They differ. What every one of them refuses
is refused here; what only some refuse is the vendor's to decide, and is worth a warning.
"""

from __future__ import annotations

from typing import Callable, List

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

SHORTEST = 8
LONGEST = 20
# The pages print a won sign; in Korean fonts that is how a backslash looks.
_FORBIDDEN = frozenset("'\"\\/&` ")
_PRINTABLE = frozenset(map(chr, range(0x20, 0x7F)))


def password_faults(password: str) -> List[str]:
    """Return what every published revision refuses about a password, in clauses that do not quote it.

    A character that cannot be seen is in no revision: it is a slip, or cannot be sent.
    """
    faults: List[str] = []
    if len(password) < SHORTEST:
        faults.append(f"it is shorter than {SHORTEST} characters")
    if not password.isprintable():
        faults.append("it holds a control character, or another one that cannot be seen")
    if len(_missing_kinds(password)) > 1:
        faults.append(
            "it holds fewer than three of: lower-case letters, upper-case letters, digits, special characters"
        )
    return faults


def password_doubts(password: str) -> List[str]:
    """Return what only some published revisions refuse about a password, in clauses that do not quote it."""
    doubts: List[str] = []
    chars = set(password)
    if len(password) > LONGEST:
        doubts.append(f"it is longer than {LONGEST} characters")
    if chars - _PRINTABLE:
        doubts.append("it holds something else than English letters, digits and special characters")
    if chars & _FORBIDDEN:
        doubts.append("it holds a quote, backslash, slash, ampersand, backtick or blank")
    return doubts + [f"it holds no {kind}" for kind in _missing_kinds(password)]


def _missing_kinds(password: str) -> List[str]:
    kinds = {
        "lower-case letter": any(map(str.islower, password)),
        "upper-case letter": any(map(str.isupper, password)),
        "digit": any(map(str.isdigit, password)),
        "special character": not all(map(str.isalnum, password)),
    }
    return [kind for kind, there in kinds.items() if not there]


# No look-alikes (0 O o, 1 l I |), and nothing that a shell, an ini file or a YAML reader takes for its own at once.
_CLASSES = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "!#%*+-=?@^_~.")
_KINDS = [frozenset(kind) for kind in _CLASSES]
_ALPHABET = "".join(_CLASSES)
# What a byte stands for; those of the last, incomplete round are taken out, or they would favour some characters.
_CHARACTERS = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
_SURPLUS = bytes(range(256 - 256 % len(_ALPHABET), 256))


def generate_password(length: int, random_bytes: Callable[[int], bytes]) -> str:
    """Return a password that every published revision of the rules accepts: all four classes, nothing forbidden.

    ``random_bytes`` returns so many bytes, all values equally likely; give it `secrets.token_bytes`. Whole passwords
    are drawn until one has all classes, so that each that qualifies is equally likely: at 20 characters about 122 bits.
    Raises ConfigurationError when the length is not 8 to 20.
    """
    if not SHORTEST <= length <= LONGEST:
        raise errors.ConfigurationError(
            f"A password of {length} characters was asked for: the vendor allows {SHORTEST} to {LONGEST}."
        )
    while True:
        password = random_bytes(2 * length).translate(_CHARACTERS, _SURPLUS)[:length].decode("ascii")
        if len(password) == length and not any(kind.isdisjoint(password) for kind in _KINDS):
            return password
