# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds a secret does not show it in its repr, which tracebacks, logs and other people's f-strings contain."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from enum import Enum
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    Policy,
)
from tooling.tree import ROOT

CANARY = "Zq7!mVx-Canary01"
PACKAGE = "ansible_collections.krcloud.credentials.plugins"
# Texts that can hold no secret: identifiers, times, places in options, and words and sentences of ours.
IDENTIFIERS = "id name names profile principal rotation_id revision request_id message_id email"
TIMES = (
    "created_at previously_rotated_at rotated_at requested_at asked_at staged_at retired_at next_due_at noticed_at "
    "since"
)
OURS = "kind outcome place position reason status state unit why error origin label"
OPEN = {
    "*": f"{IDENTIFIERS} {TIMES} {OURS}",
    "Change": "expected",  # a revision
    "Contents": "variable secret_path",
    "Course": "run made lost landed live",  # ids of rotations
    "Flight": "run",
    "Mail": "rest",  # of the record of a mail, which nobody gives a secret
    "Operation": "path method",
    "Request": "method url",
    "Version": "digest",
    "Means": "run",  # the id of a run
    "Place": "server mount path",  # of a document, as each message about it names it: URLs with a password are refused
}
# Types that cannot be made without values, and hold no text.
SAMPLES: dict[Any, Any] = {Policy: Policy(max_age=86400.0), float: 1.0}


def files() -> list[str]:
    folders = (ROOT / "plugins" / "module_utils", ROOT / "plugins" / "plugin_utils")
    paths = sorted(path for folder in folders for path in folder.rglob("*.py") if path.stem != "__init__")
    return [".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts) for path in paths]


def holders() -> Iterator[type]:
    """Every NamedTuple and every dataclass of the collection."""
    for file in files():
        for value in vars(import_module(f"{PACKAGE}.{file}")).values():
            if isinstance(value, type) and value.__module__ == f"{PACKAGE}.{file}" and fields(value):
                yield value


def fields(kind: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind) if field.init)
    return tuple(getattr(kind, "_fields", ())) if issubclass(kind, tuple) else ()


def full(kind: Any) -> Any:
    """A value of a type with a secret in every text of it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in (str, Any, object):
        return CANARY
    if kind is bytes:
        return CANARY.encode()
    if origin is Literal:
        return arguments[0]
    if origin in (Union, UnionType):
        return full(next(each for each in arguments if each is not NoneType))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"open": full(arguments[1])}
    if isinstance(origin, type) and issubclass(origin, (Sequence, Set)):
        items = [full(each) for each in arguments if each is not ...]
        return tuple(items) if origin is tuple else items
    if origin is Callable or kind is Callable:
        return len
    if isinstance(kind, type) and fields(kind):
        return made(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return SAMPLES.get(kind) or (kind() if isinstance(kind, type) else None)


def made(kind: type) -> Any:
    hints = get_type_hints(kind)
    known = f"{OPEN['*']} {OPEN.get(kind.__name__, '')}".split()
    return kind(**{field: "open" if field in known else full(hints[field]) for field in fields(kind)})


HOLDERS = list(holders())


def test_they_are_found() -> None:
    assert {"Pending", "Request", "Target", "Stored", "Credentials"} <= {kind.__name__ for kind in HOLDERS}


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: kind.__name__)
def test_a_secret_is_not_shown(kind: type) -> None:
    assert CANARY not in repr(made(kind))


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: kind.__name__)
def test_a_secret_in_another_form_of_its_object_is_not_shown(kind: type) -> None:
    """`str` and `format` of a tuple come from its repr."""
    value = made(kind)
    inside = {"a": value}
    assert CANARY not in f"{value} {value!s} {[value]} {inside}"
