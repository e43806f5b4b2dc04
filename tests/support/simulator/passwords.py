# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The password rules that the vendor has published, and the forms in which it may echo a rejected password."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from .answers import raw

FORBIDDEN = frozenset("'\"₩/&` \\")


def _classes(password: str) -> tuple[bool, bool, bool, bool]:
    lower = any(c.islower() for c in password)
    upper = any(c.isupper() for c in password)
    digit = any(c.isdigit() for c in password)
    special = any(not c.isalnum() for c in password)
    return lower, upper, digit, special


def _current(password: str) -> bool:
    lower, upper, digit, special = _classes(password)
    return 8 <= len(password) <= 20 and (lower or upper) and digit and special and not FORBIDDEN & set(password)


def _older(password: str) -> bool:
    return 8 <= len(password) <= 20 and all(_classes(password)) and not FORBIDDEN & set(password)


def _first(password: str) -> bool:
    """The older resetPassword page: four classes, and nothing about forbidden characters."""
    return 8 <= len(password) <= 20 and all(_classes(password))


def _console(password: str) -> bool:
    lower, upper, digit, special = _classes(password)
    return 8 <= len(password) <= 20 and (lower or upper) and digit and special


def _loose(password: str) -> bool:
    return len(password) >= 8 and sum(_classes(password)) >= 3


RULES: dict[str, Callable[[str], bool]] = {
    "current": _current,
    "older": _older,
    "first": _first,
    "console": _console,
    "loose": _loose,
    "none": lambda password: True,
}


def _json(value: str) -> str:
    """As Gson writes it by default, safe for HTML."""
    escaped = json.dumps(value)[1:-1]
    for char in "<>&='":
        escaped = escaped.replace(char, f"\\u{ord(char):04x}")
    return escaped


def _json_unicode(value: str) -> str:
    def spell(char: str) -> str:
        units = char.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))

    return "".join(c if c.isascii() and c.isalnum() else spell(c) for c in value)


ECHOES: dict[str, Callable[[str], str]] = {
    "raw": lambda value: value,
    "json": _json,
    "json_unicode": _json_unicode,
    "json_twice": lambda value: _json(_json(value)),
    "xml": lambda value: html.escape(value).replace("&#x27;", "&apos;"),
    "xml_numeric": lambda value: "".join(c if c.isascii() and c.isalnum() else f"&#{ord(c)};" for c in value),
    "url": lambda value: quote(raw(value), safe=""),
    "url_plus": lambda value: quote_plus(raw(value)),
    "base64": lambda value: base64.b64encode(raw(value)).decode(),
    "base64_url": lambda value: base64.urlsafe_b64encode(raw(value)).decode().rstrip("="),
    "upper": str.upper,
    "lower": str.lower,
    "reversed": lambda value: value[::-1],
    "truncated": lambda value: value[: len(value) * 3 // 4],
    "hex": lambda value: raw(value).hex(),
    "repr": repr,
    "none": lambda value: "",
}
