# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which passwords consumers have been given, as noted in the store, so that the next run makes up for one that died.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    NotFoundError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe, may_be_quoted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Envelope,
    from_stored,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Change,
    Conflict,
    Saved,
    Store,
    Stored,
    StoreError,
)

_GIVE = "Give the names and rotation IDs of a rotation's result."


def note_published(
    store: Store,
    accounts: Sequence[Mapping[str, Any]],
    begun: Sequence[Mapping[str, Any]] = (),
    *,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Note in the store which rotation of each account has been published, and return the result of the task.

    ``accounts`` are rows with a name and a rotation_id; other keys are ignored. If a note comes late, when the account
    has another password, consumers may have been given the older one last. So the newer password no longer counts as
    published; and if its own note is still to come, that note does not count. An account about which nothing can be
    noted fails alone. ``begun`` are rows of accounts whose hand-over begins now; this is noted in the same commit, if
    possible. Raises ConfigurationError for rows that are not valid, and StoreError when the store as a whole fails.
    """
    wanted = _by_name(accounts, "accounts")
    hints = {name: value for name, value in _by_name(begun, "begun").items() if name not in wanted}
    changed = False
    noted: dict[str, bool | KrcloudError] = {}
    for _attempt in range(MOST_LOSSES):
        rest = [name for name in wanted if name not in noted]
        stored = store.load([*rest, *hints])
        changes = _begin(stored, hints)
        for name in rest:
            found = stored.get(name)
            try:
                if found is None:
                    raise _missing(name, list(wanted).index(name))
                envelope = from_stored(name, found)
            except KrcloudError as error:
                noted[name] = error
                continue
            after = _after_note(envelope, wanted[name])
            noted[name] = after.is_published and after.rotation_id == wanted[name]
            if after != envelope and isinstance(found, Stored):
                changes[name] = Change(to_document(after), found.revision)
        saved = _rehearsed(store, changes) if check_mode else store.save(changes)
        for name, outcome in saved.items():
            if isinstance(outcome, StoreError):
                if name in wanted:
                    noted[name] = outcome
            elif not isinstance(outcome, Conflict):
                changed = True
            elif name in wanted:
                del noted[name]
        hints = {}
        if len(noted) == len(wanted):
            return _result(wanted, noted, changed)
    raise StoreError("Other runs keep changing these accounts in the store.", hint="Run again when they have finished.")


def _begin(stored: Mapping[str, Stored | StoreError], hints: Mapping[str, str]) -> dict[str, Change]:
    """Return the changes that note a begun hand-over, for the accounts whose password is still the active one."""
    changes = {}
    for name, rotation_id in hints.items():
        found = stored.get(name)
        try:
            envelope = from_stored(name, found) if isinstance(found, Stored) else None
        except StoreError:
            continue
        if envelope and isinstance(found, Stored) and envelope.rotation_id == rotation_id:
            # It is handed over after the older password that came late.
            after = envelope._replace(hand_over_begun=rotation_id, hand_over_doubted=None)
            if after != envelope and not envelope.is_published:
                changes[name] = Change(to_document(after), found.revision)
    return changes


def _rehearsed(store: Store, changes: Mapping[str, Change]) -> dict[str, Saved]:
    return {**dict.fromkeys(changes, ""), **store.check_save(list(changes))}


def _after_note(envelope: Envelope, rotation_id: str) -> Envelope:
    if envelope.rotation_id == rotation_id:
        doubted = envelope.hand_over_doubted == rotation_id
        return envelope._replace(
            published=None if doubted else rotation_id, hand_over_begun=None, hand_over_doubted=None
        )
    if envelope.is_published:
        return envelope._replace(published=None)
    # The active one may be handed over by another run right now, perhaps before the older one.
    return envelope._replace(hand_over_doubted=envelope.rotation_id)


def _result(wanted: Mapping[str, str], noted: Mapping[str, bool | KrcloudError], changed: bool) -> dict[str, Any]:
    errors = {name: error for name, error in noted.items() if isinstance(error, KrcloudError)}
    rows = [
        {
            "name": name,
            "rotation_id": rotation_id,
            "published": noted[name] is True,
            "error": errors[name].as_dict() if name in errors else None,
        }
        for name, rotation_id in wanted.items()
    ]
    result: dict[str, Any] = {"changed": changed, "accounts": rows}
    if errors:
        first = next(errors[name] for name in wanted if name in errors)
        said = " ".join(dict.fromkeys(errors[name].sentence() for name in wanted if name in errors))
        result.update(first.as_failure(), msg=said)
    return result


def _missing(name: str, at: int) -> NotFoundError:
    what = f"account {name}" if may_be_quoted(name) else f"account with the name in accounts[{at}]"
    return NotFoundError(f"The store has no {what}.", hint=_GIVE)


def _by_name(accounts: Sequence[Mapping[str, Any]], option: str) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for at, row in enumerate(accounts):
        for key in ("name", "rotation_id"):
            if not isinstance(row.get(key), str) or not row[key]:
                raise ConfigurationError(f"{option}[{at}] has no {key}.", hint=_GIVE)
        if not is_safe(row["name"]):
            raise ConfigurationError(f"The name in {option}[{at}] is not valid: {RULE}.", hint=_GIVE)
        if row["name"] in wanted:
            what = row["name"] if may_be_quoted(row["name"]) else f"the account in {option}[{at}]"
            raise ConfigurationError(f"{option} names {what} more than once.", hint="Name each account once.")
        wanted[str(row["name"])] = str(row["rotation_id"])
    return wanted
