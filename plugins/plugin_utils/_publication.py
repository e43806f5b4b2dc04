# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""Which passwords consumers have been given: noted in the store, so that a run that dies before is made up for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError, NotFoundError
from ansible_collections.krcloud.credentials.plugins.module_utils._names import shown
from ansible_collections.krcloud.credentials.plugins.module_utils._options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils import stores
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import (
    Envelope,
    from_stored,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    MOST_LOSSES,
    Change,
    Conflict,
    Store,
    Stored,
    StoreError,
)


def publication_spec() -> Spec:
    """Return the argument spec of the task."""
    return {
        "accounts": {"type": "list", "elements": "dict", "required": True},
        "store": {"type": "dict", "required": True, "options": stores.argument_spec()},
    }


def note_published(store: Store, accounts: Sequence[Mapping[str, Any]], *, check_mode: bool = False) -> dict[str, Any]:
    """Note in the store which rotation of each account has been published, and return the result of the task.

    ``accounts`` are rows with a name and a rotation_id; whatever else they hold is ignored. What is by now the
    password of another rotation is left to the next run. Raises ConfigurationError, NotFoundError for an account that
    the store does not have, and StoreError.
    """
    wanted = _by_name(accounts)
    changed = False
    noted: dict[str, bool] = {}
    for _attempt in range(MOST_LOSSES):
        rest = [name for name in wanted if name not in noted]
        changes: dict[str, Change] = {}
        for name, (envelope, revision) in _load(store, rest).items():
            noted[name] = envelope.rotation_id == wanted[name]
            if noted[name] and not envelope.is_published:
                changes[name] = Change(to_document(envelope._replace(published=wanted[name])), revision)
        saved = dict.fromkeys(changes, "") if check_mode else store.save(changes)
        for name, outcome in saved.items():
            if isinstance(outcome, Conflict):
                del noted[name]
            else:
                changed = True
        if len(noted) == len(wanted):
            rows = [{"name": name, "rotation_id": wanted[name], "published": noted[name]} for name in wanted]
            return {"changed": changed, "accounts": rows}
    raise StoreError("Other runs keep changing these accounts in the store.", hint="Run again when they are done.")


def _by_name(accounts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for at, row in enumerate(accounts):
        for key in ("name", "rotation_id"):
            if not isinstance(row.get(key), str) or not row[key]:
                raise ConfigurationError(
                    f"accounts[{at}] has no {key}.", hint="Give the names and rotation IDs of a rotation's result."
                )
        if row["name"] in wanted:
            raise ConfigurationError(
                f"accounts names {shown(row['name'])} more than once.", hint="Name each account once."
            )
        wanted[str(row["name"])] = str(row["rotation_id"])
    return wanted


def _load(store: Store, names: Sequence[str]) -> dict[str, tuple[Envelope, str]]:
    stored = store.load(names)
    missing = [name for name in names if name not in stored]
    if missing:
        raise NotFoundError(
            f"The store has no account {shown(missing[0])}.",
            hint="Give the names and rotation IDs of a rotation's result.",
        )
    return {name: _envelope(name, stored[name]) for name in names}


def _envelope(name: str, found: Stored | StoreError) -> tuple[Envelope, str]:
    envelope = from_stored(name, found)
    return envelope, found.revision if isinstance(found, Stored) else ""
