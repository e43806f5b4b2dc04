# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""What a consumer gets out of a store: active passwords, and what is to be said where there is none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError, NotFoundError
from ansible_collections.krcloud.credentials.plugins.module_utils._names import shown
from ansible_collections.krcloud.credentials.plugins.module_utils._options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils import stores
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import (
    from_stored,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import Store

ROTATION = "krcloud.credentials.ncp_dataforest_rotation"


def credential_spec() -> Spec:
    """Return the argument spec of the lookup."""
    return {
        "store": {"type": "dict", "required": True, "options": stores.argument_spec()},
        "on_missing": {"type": "str", "choices": ["error", "warn", "skip"], "default": "error"},
    }


def active_passwords(store: Store, names: Sequence[Any], *, on_missing: str, warn: Callable[[str], None]) -> list[str]:
    """Return the active passwords of accounts in the order of their names.

    Raises NotFoundError for accounts that have none, unless ``on_missing`` is ``warn`` or ``skip``: then they are left
    out. Raises StoreError for what is no envelope, and when the store cannot be read.
    """
    if not all(isinstance(name, str) for name in names):
        raise ConfigurationError("The name of an account is not a string.", hint="Put names in quotes.")
    stored = store.load(list(dict.fromkeys(names)))
    envelopes = {name: from_stored(name, document) for name, document in stored.items()}
    active = {name: envelope.password for name, envelope in envelopes.items() if envelope.password is not None}
    missing = [name for name in dict.fromkeys(names) if name not in active]
    if missing and on_missing == "error":
        raise NotFoundError(
            _missing(missing, envelopes, store.place), hint=f"Correct the name or the store, or run {ROTATION} with it."
        )
    if missing and on_missing == "warn":
        warn(f"{_missing(missing, envelopes, store.place)} Left out of the result.")
    unsettled = [name for name in active if envelopes[name].pending]
    if unsettled:
        warn(
            f"What became of the last rotation of {', '.join(unsettled)} in the store {store.place} is not known: the "
            f"live password may be a later one than the active one used here. Run {ROTATION} to settle it."
        )
    return [active[name] for name in names if name in active]


def _missing(names: Sequence[str], present: Collection[str], place: str) -> str:
    absent = ", ".join(shown(name) for name in names if name not in present)
    unconfirmed = ", ".join(name for name in names if name in present)
    clauses = [f"nothing for {absent}"] if absent else []
    clauses += [f"no confirmed password yet for {unconfirmed}"] if unconfirmed else []
    return f"The store {place} holds {' and '.join(clauses)}."
