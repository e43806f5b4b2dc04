# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of vendors: what is common to all of them."""

from __future__ import annotations

from typing import NamedTuple, Sequence

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors
from ansible_collections.krcloud.credentials.plugins.module_utils._core.words import SHORTEST_SECRET

_HEADER_SAFE = frozenset(chr(code) for code in range(0x21, 0x7F)) - frozenset(",\"'")


class Credentials(NamedTuple):
    """A key, its secret, and in words where the two were found."""

    key: str
    secret: str
    origin: str

    def __repr__(self) -> str:
        return f"Credentials from {self.origin}"


def check_key(name: str, value: str, origin: str) -> None:
    """Raise ConfigurationError for a key that cannot stand in a header as it is, without quoting it."""
    check_secret(name, value, origin)
    if not set(value) <= _HEADER_SAFE:
        raise errors.ConfigurationError(
            f"{name} from {origin} is not valid: it has characters that no key has.", hint="Copy the key again."
        )


def check_secret(name: str, value: str, origin: str) -> None:
    """Raise ConfigurationError for a secret with which nothing can be signed as it is, without quoting it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise errors.ConfigurationError(
            f"{name} from {origin} is not valid: it is not UTF-8 text.",
            hint="Copy it again, and check the encoding of the file or variable that it comes from.",
        ) from None
    check_line(name, value, origin)


def check_line(name: str, value: str, origin: str) -> None:
    """Raise ConfigurationError for a value that is not one line without blanks around it, without quoting it."""
    if value != value.strip() or not value.isprintable():
        raise errors.ConfigurationError(
            f"{name} from {origin} is not valid: it has blanks around it or control characters in it.",
            hint="Remove them. Often it is a line break from the file that the value was read from.",
        )


def is_usable(value: str, longest: int) -> bool:
    """Tell whether a key or secret of foreign origin can be used everywhere, and can be told from ordinary text."""
    return SHORTEST_SECRET <= len(value) <= longest and set(value) <= _HEADER_SAFE


def plural(what: str, names: Sequence[str]) -> str:
    """Return such as "the option a" or "the options a and b"."""
    return f"{what}{'s' if len(names) > 1 else ''} {listed(names)}"


def listed(places: Sequence[str]) -> str:
    """Return such as "a, b and c"."""
    return places[0] if len(places) == 1 else ", ".join(places[:-1]) + " and " + places[-1]
