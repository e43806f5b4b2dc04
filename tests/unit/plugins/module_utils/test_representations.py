# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No representation shows a secret: what debuggers, tracebacks with locals and careless f-strings print."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

import ansible_collections.krcloud.credentials.plugins.module_utils as package

CANARY = "Canary-77"
# What each kind of tuple shows, and why that may be seen. Any other field of any other kind shows nothing.
SHOWN = {
    # Where the value was found or belongs, never the value itself.
    "Credentials": {"origin"},
    "Target": {"place"},
    # What results show anyway.
    "Account": {"id", "name", "principal", "status", "disabled", "created_at"},
    "Unusable": {"position", "reason"},
    "Listing": {"accounts", "unusable"},
    "Settled": {"id", "name", "outcome", "error", "unanswered"},
    "ResetMail": {"message_id", "requested_at"},
    # Constants and settings.
    "Operation": {"name", "path", "repeat", "largest_answer", "method", "tentative"},
    "Range": {"least", "most", "whole", "unit"},
    "Wait": {"seconds", "why"},
    # The method, and the status.
    "Request": {"method"},
    "Response": {"status"},
    "Answer": {"status"},
}


def kinds() -> dict[str, Any]:
    """Every kind of tuple and dataclass of the library, by its name."""
    found: dict[str, Any] = {}
    library = Path(next(iter(package.__path__)))
    for path in sorted(library.rglob("*.py")):
        module = importlib.import_module(".".join((package.__name__, *path.relative_to(library).with_suffix("").parts)))
        for name, kind in vars(module).items():
            is_tuple = isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")
            if (is_tuple or dataclasses.is_dataclass(kind)) and kind.__module__ == module.__name__:
                assert name not in found
                found[name] = kind
    return found


KINDS = kinds()


def fields(kind: Any) -> list[str]:
    return list(getattr(kind, "_fields", None) or [field.name for field in dataclasses.fields(kind)])


@pytest.mark.parametrize("name", KINDS)
def test_a_representation_shows_nothing_but_what_may_be_seen(name: str) -> None:
    kind = KINDS[name]
    shown = set()
    for field in fields(kind):
        instance = kind(**{each: CANARY if each == field else "" for each in fields(kind)})
        if CANARY in repr(instance):
            shown.add(field)
    # A name or an id is shown if it has the form of one, which this text does not have.
    assert shown == SHOWN.get(name, set())


def test_the_table_names_what_there_is() -> None:
    assert set(SHOWN) <= set(KINDS)
    assert {"Tenant", "_Complaint"} <= set(KINDS) - set(SHOWN)
