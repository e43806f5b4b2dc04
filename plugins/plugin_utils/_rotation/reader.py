# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a consumer reads from a store: passwords, and what to say where there is none. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError, NotFoundError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import name_may_be_quoted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope, from_stored
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Loaded,
    Store,
    Stored,
    StoreError,
    check_name,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import moved, shown

ROTATION = "krcloud.credentials.ncp_dataforest_rotation"

# Which passwords can be read.
ACTIVE = "active"
PREVIOUS = "previous"
VERSIONS = (ACTIVE, PREVIOUS)


def passwords(
    store: Store, names: Sequence[Any], *, version: str = ACTIVE, on_missing: str, warn: Callable[[str], None]
) -> list[str]:
    """Return the active passwords of accounts, or those that were active before, in the order of their names.

    Raises NotFoundError for accounts that have none, unless ``on_missing`` is ``warn`` or ``skip``: then they are left
    out. Raises StoreError when the store or a document cannot be read, or when a document is not an envelope.
    """
    labels = {name: _label(name, at) for at, name in enumerate(names, 1)}
    loaded = _load(store, labels)
    left = _left_behind(loaded, warn) if version == ACTIVE else {}
    envelopes = {name: _envelope(store, name, labels, loaded) for name in loaded if name not in left}
    every = {name: each.password if version == ACTIVE else each.formerly_active for name, each in envelopes.items()}
    found = left | {name: password for name, password in every.items() if password is not None}
    missing = [name for name in labels if name not in found]
    if missing and on_missing == "error":
        remedy = f", or run {ROTATION} with this store" if version == ACTIVE else ""
        raise NotFoundError(
            _missing(missing, labels, envelopes, store.place, version),
            hint=f"Correct the name or the store{remedy}.",
        )
    if missing and on_missing == "warn":
        warn(f"{_missing(missing, labels, envelopes, store.place, version)} Left out of the result.")
    unsettled = [name for name in found if name in envelopes and envelopes[name].pending]
    if unsettled and version == ACTIVE:
        warn(
            f"The outcome of the last rotation of {', '.join(unsettled)} in the store {store.place} is unknown: the "
            f"live password may be newer than the active one used here. Run {ROTATION} to settle it."
        )
    return [found[name] for name in names if name in found]


def _left_behind(loaded: Loaded, warn: Callable[[str], None]) -> dict[str, str]:
    """Return the passwords that notes of documents in another store still have, and warn of each of these stores."""
    left: dict[str, str] = {}
    places: dict[tuple[str, str], list[str]] = {}
    for name, found in loaded.items():
        said = moved(found.document) if isinstance(found, Stored) else None
        if not said or not isinstance(found, Stored) or not isinstance(found.document.get("password"), str):
            continue
        left[name] = found.document["password"]
        places.setdefault(shown(found.document, said), []).append(name)
    for (to, at), names in places.items():
        warn(
            f"The passwords of {', '.join(names)} moved to the store {to} at {at}. Read them there: what is left here "
            "becomes invalid, without any further notice, as soon as it is rotated there."
        )
    return left


def readable_passwords(store: Store, names: Sequence[str]) -> dict[str, str]:
    """Return the active passwords of those of these accounts that have one and can be read, by name. Raises nothing."""
    try:
        loaded = store.load(list(names))
    except StoreError:
        return {}
    passwords = {}
    for name, found in loaded.items():
        with contextlib.suppress(StoreError):
            password = from_stored(name, found).password
            if password is not None:
                passwords[name] = password
    return passwords


def _label(name: Any, at: int) -> str:
    """Return what messages call a term. A term that does not look like a name may be anything, even a password.

    Raises ConfigurationError for a term that no store can have as a name.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f"Term {at} is not a string.", hint="Give names of accounts, in quotes.")
    try:
        check_name(name)
    except StoreError as fault:
        raise ConfigurationError(f"Term {at} cannot be the name of an account.", hint=fault.hint) from None
    return name if name_may_be_quoted(name) else f"term {at}"


def _load(store: Store, labels: Mapping[str, str]) -> Loaded:
    try:
        return store.load(list(labels))
    except StoreError as error:
        for name in labels:
            _unquote(error, name, labels)
        raise


def _envelope(store: Store, name: str, labels: Mapping[str, str], loaded: Loaded) -> Envelope:
    found = loaded[name]
    try:
        return from_stored(name, found)
    except StoreError as error:
        if not isinstance(found, Stored):
            _unquote(error, name, labels)
        raise


def _unquote(error: StoreError, name: str, labels: Mapping[str, str]) -> None:
    """Replace a name that the store does not know by its label in an error."""
    if labels[name] != name:
        error.message = error.message.replace(name, labels[name])
        error.hint = error.hint and error.hint.replace(name, labels[name])


def _missing(
    names: Sequence[str], labels: Mapping[str, str], present: Mapping[str, Envelope], place: str, version: str
) -> str:
    absent = ", ".join(labels[name] for name in names if name not in present)
    without = ", ".join(name for name in names if name in present)
    clauses = [f"nothing for {absent}"] if absent else []
    if without and version == ACTIVE:
        clauses.append(f"no confirmed password yet for {without}")
    elif without:
        clauses.append(f"no password that is known to have been active before for {without}")
    return f"The store {place} holds {' and '.join(clauses)}."
