# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The passwords of a batch, as far as they can be read. What a lookup says is in the tests of the lookup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import UNKNOWN
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.reader import readable_passwords
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Stored, StoreError
from support.memory_store import MemoryStore
from support.rotation_tasks import DAY, envelope, holding


def test_one_bad_account_keeps_no_other_from_its_password() -> None:
    store = holding(df001=envelope("df001", 1 * DAY), df002=envelope("df002", None, UNKNOWN))
    store.rows["df003"] = Stored({"format": 1, "password": "Tresor-4711"}, "seed")
    store.unreadable["df004"] = StoreError("Version 3 of secret/dataforest/df004 is deleted.")
    assert readable_passwords(store, ["df001", "df002", "df003", "df004", "gone"]) == {"df001": "Active-1"}


def test_a_store_that_cannot_be_read_has_no_passwords() -> None:
    class Away(MemoryStore):
        def load(self, names: Sequence[str]) -> dict[str, Any]:
            raise StoreError("The store could not be reached.")

    assert readable_passwords(Away(), ["df001"]) == {}
