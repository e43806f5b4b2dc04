# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store for tests of the code that uses one."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Conflict,
    Stored,
    StoreError,
)


class MemoryStore:
    """A store that cannot fail, except for what a test puts into ``unreadable`` and ``refuses_to_save``."""

    def __init__(self, rows: Mapping[str, Stored] | None = None, *, address: str = "memory") -> None:
        self.address = self.place = address
        self.rows: dict[str, Stored] = dict(rows or {})
        self.unreadable: dict[str, StoreError] = {}
        self.refuses_to_save: StoreError | None = None
        self.closed = 0

    def is_same(self, other: Any) -> bool:
        return self is other

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        found = {name: copy.deepcopy(self.rows[name]) for name in names if name in self.rows}
        return {**found, **{name: error for name, error in self.unreadable.items() if name in names}}

    def check_save(self, names: Sequence[str]) -> dict[str, StoreError]:
        if self.refuses_to_save is not None:
            raise self.refuses_to_save
        return {}

    def names(self) -> list[str]:
        return sorted({*self.rows, *self.unreadable})

    def check_delete(self, names: Sequence[str]) -> dict[str, StoreError]:
        return self.check_save(names)

    def delete(self, expected: Mapping[str, str]) -> dict[str, Any]:
        gone: dict[str, Any] = {}
        for name, revision in expected.items():
            row = self.rows.get(name)
            gone[name] = "" if row and row.revision == revision else Conflict()
            if gone[name] == "":
                del self.rows[name]
        return gone

    def close(self) -> None:
        self.closed += 1

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        saved: dict[str, Any] = {}
        for name, change in changes.items():
            row = self.rows.get(name)
            if (row.revision if row else None) != change.expected:
                saved[name] = Conflict()
                continue
            revision = str(uuid.uuid4())
            self.rows[name] = Stored(copy.deepcopy(dict(change.document)), revision)
            saved[name] = revision
        return saved
