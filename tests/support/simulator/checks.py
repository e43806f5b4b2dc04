# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checked documents: dataclasses whose fields say what they accept.

Settings and fault rules both come in as JSON from people and playbooks. The type of each field carries its check, so
there is one place to look for what may be said, and a mistake is answered with one clear sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_origin, get_type_hints

Check = Callable[[object], object]

# In seconds. The time of day plus this must still be a valid date.
DECADES = 1e9


class Unsound(ValueError):
    """A request to the control API that is not valid. Its text is the answer."""


class Form:
    """What may be said about a dataclass: a field of type Annotated[..., check] may be given, any other may not."""

    def __init__(self, what: str, of: type[Any]) -> None:
        hints = get_type_hints(of, include_extras=True)
        self._what = what
        self._checks: dict[str, Check] = {
            name: hint.__metadata__[0] for name, hint in hints.items() if get_origin(hint) is Annotated
        }

    def read(self, document: object) -> dict[str, Any]:
        """The fields that `document` gives, each passed through its check."""
        if not isinstance(document, Mapping):
            raise Unsound(f"{self._what} must be a JSON object")
        values: dict[str, Any] = {}
        for name, value in document.items():
            if name not in self._checks:
                raise Unsound(f"{self._what} has no field {name!r}; there are: {', '.join(sorted(self._checks))}")
            try:
                values[name] = self._checks[name](value)
            except Unsound as error:
                raise Unsound(f"{self._what}: {name} {error}") from None
        return values


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unsound("must be true or false")
    return value


def text(value: object) -> str:
    if not isinstance(value, str):
        raise Unsound("must be a string")
    return value


def utf8(value: object) -> str:
    """A text that can be used in a signature."""
    try:
        text(value).encode()
    except UnicodeEncodeError:
        raise Unsound("must be text that UTF-8 can encode") from None
    return text(value)


def header(value: object) -> str:
    """A text that can be the value of a header, and cannot smuggle in another header."""
    if any(char in "\r\n\0" for char in utf8(value)):
        raise Unsound("must be one line")
    return text(value)


def headers(value: object) -> dict[str, str]:
    given = text_map(value)
    for name, content in given.items():
        header(content)
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise Unsound("must have the names of headers")
    return given


def number(low: float | None = None, high: float | None = None) -> Callable[[object], float]:
    def check(value: object) -> float:
        try:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise Unsound("must be a number")
        except OverflowError:
            raise Unsound("must be a smaller number") from None
        if low is not None and value < low:
            raise Unsound(f"must be at least {low:g}")
        if high is not None and value > high:
            raise Unsound(f"must be at most {high:g}")
        return float(value)

    return check


def whole(low: int, high: int | None = None) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unsound("must be a whole number")
        if value < low or (high is not None and value > high):
            raise Unsound(f"must be at least {low}" if high is None else f"must be between {low} and {high}")
        return value

    return check


def one_of(*choices: str | int) -> Check:
    def check(value: object) -> object:
        if value not in choices:
            raise Unsound(f"must be one of: {', '.join(map(str, choices))}")
        return value

    return check


def optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def either(first: Check, second: Check) -> Check:
    def check(value: object) -> object:
        try:
            return first(value)
        except Unsound as one:
            try:
                return second(value)
            except Unsound as other:
                raise Unsound(f"{one} or {other}") from None

    return check


def texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise Unsound("must be a list of strings")
    return [text(item) for item in value]


def text_map(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise Unsound("must be an object of strings")
    return {text(key): text(item) for key, item in value.items()}


def anything(value: object) -> object:
    return value
