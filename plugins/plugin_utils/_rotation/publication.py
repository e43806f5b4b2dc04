# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which passwords consumers have been given, as noted in the store, so that the next run makes up for one that died.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    NotFoundError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe, may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
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

Rows = Sequence[Mapping[str, Any]]


class _Note(NamedTuple):
    """What is to be noted about one account. ``make`` returns the envelope with the note. ``place`` is its option."""

    rotation_id: str
    make: Callable[[Envelope, str], Envelope]
    place: str


def note_published(
    store: Store,
    accounts: Rows,
    begun: Rows = (),
    *,
    failed: Rows = (),
    unpublished: Rows = (),
    now: float,
    check_mode: bool = False,
) -> dict[str, Any]:
    """Note in the store what becomes of hand-overs, in one commit if possible, and return the result of the task.

    All are rows with a name and a rotation_id; other keys are ignored. ``accounts`` were handed over, ``now`` in
    seconds since the epoch. If a note comes late, when the account has another password, consumers may have been given
    the older one last. So the newer password no longer counts as published; and if its own note is still to come, that
    note does not count. ``unpublished`` have to be handed over again. An account about which nothing can be noted fails
    alone.

    The others are only hints for the next run: the hand-over of ``begun`` begins now, that of ``failed`` has ended.

    Raises ConfigurationError for rows that are not valid, and StoreError when the store as a whole fails.
    """
    wanted = _wanted(accounts, unpublished, time_text(now))
    hints = {name: hint for name, hint in _hints(begun, failed).items() if name not in wanted}
    changed = False
    noted: dict[str, bool | KrcloudError] = {}
    for _attempt in range(MOST_LOSSES):
        rest = [name for name in wanted if name not in noted]
        stored = store.load([*rest, *hints])
        changes = _hinted(stored, hints)
        for name in rest:
            found = stored.get(name)
            try:
                if found is None:
                    raise _missing(name, wanted[name].place)
                envelope = from_stored(name, found)
            except KrcloudError as error:
                noted[name] = error
                continue
            rotation_id = wanted[name].rotation_id
            after = wanted[name].make(envelope, rotation_id)
            noted[name] = after.is_published and after.rotation_id == rotation_id
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


# -------------------------------------------------------------------------------------------------------------- notes


def _wanted(accounts: Rows, unpublished: Rows, now: str) -> dict[str, _Note]:
    wanted = _by_name(accounts, "accounts", partial(_published, now=now))
    others = _by_name(unpublished, "unpublished", _unpublished)
    both = next((other.place for name, other in others.items() if name in wanted), None)
    if both:
        raise ConfigurationError(f"{both} is in accounts, too.", hint="Name each account once.")
    return {**wanted, **others}


def _hints(begun: Rows, failed: Rows) -> dict[str, _Note]:
    """Return what is noted only if that is possible at once."""
    begin = _begun_alone if len(begun) == 1 else _begun
    return {**_by_name(failed, "failed", _failed), **_by_name(begun, "begun", begin)}


def _published(envelope: Envelope, rotation_id: str, *, now: str) -> Envelope:
    if envelope.rotation_id == rotation_id:
        doubted = envelope.hand_over_doubted == rotation_id
        return envelope._replace(
            published=None if doubted else rotation_id,
            published_at=envelope.published_at if envelope.is_published else now,
            hand_over_begun=None,
            hand_over_alone=None,
            hand_over_doubted=None,
        )
    if envelope.is_published:
        return envelope._replace(published=None)
    # The active one may be handed over by another run right now, perhaps before the older one.
    return envelope._replace(hand_over_doubted=envelope.rotation_id)


def _unpublished(envelope: Envelope, rotation_id: str) -> Envelope:
    return envelope._replace(published=None) if envelope.rotation_id == rotation_id else envelope


def _begun(envelope: Envelope, rotation_id: str, alone: str | None = None) -> Envelope:
    if envelope.rotation_id != rotation_id or envelope.is_published:
        return envelope
    # It is handed over after the older password that came late.
    return envelope._replace(hand_over_begun=rotation_id, hand_over_alone=alone, hand_over_doubted=None)


def _begun_alone(envelope: Envelope, rotation_id: str) -> Envelope:
    return _begun(envelope, rotation_id, alone=rotation_id)


def _failed(envelope: Envelope, rotation_id: str) -> Envelope:
    if envelope.hand_over_begun != rotation_id:
        return envelope
    return envelope._replace(hand_over_begun=None, hand_over_alone=None)


def _hinted(stored: Mapping[str, Stored | StoreError], hints: Mapping[str, _Note]) -> dict[str, Change]:
    changes = {}
    for name, hint in hints.items():
        found = stored.get(name)
        try:
            envelope = from_stored(name, found) if isinstance(found, Stored) else None
        except StoreError:
            continue
        if envelope and isinstance(found, Stored):
            after = hint.make(envelope, hint.rotation_id)
            if after != envelope:
                changes[name] = Change(to_document(after), found.revision)
    return changes


def _rehearsed(store: Store, changes: Mapping[str, Change]) -> dict[str, Saved]:
    return {**dict.fromkeys(changes, ""), **store.check_save(list(changes))}


# ------------------------------------------------------------------------------------------------------------- result


def _result(wanted: Mapping[str, _Note], noted: Mapping[str, bool | KrcloudError], changed: bool) -> dict[str, Any]:
    errors = {name: error for name, error in noted.items() if isinstance(error, KrcloudError)}
    rows = [
        {
            "name": name,
            "rotation_id": note.rotation_id,
            "published": noted[name] is True,
            "error": errors[name].as_dict() if name in errors else None,
        }
        for name, note in wanted.items()
    ]
    result: dict[str, Any] = {"changed": changed, "accounts": rows}
    if errors:
        first = next(errors[name] for name in wanted if name in errors)
        said = " ".join(dict.fromkeys(errors[name].sentence() for name in wanted if name in errors))
        result.update(first.as_failure(), msg=said)
    return result


def _missing(name: str, place: str) -> NotFoundError:
    what = f"account {name}" if may_be_quoted(name) else f"account with the name in {place}"
    return NotFoundError(f"The store has no {what}.", hint=_GIVE)


def _by_name(rows: Rows, option: str, make: Callable[[Envelope, str], Envelope]) -> dict[str, _Note]:
    wanted: dict[str, _Note] = {}
    for at, row in enumerate(rows):
        place = f"{option}[{at}]"
        for key in ("name", "rotation_id"):
            if not isinstance(row.get(key), str) or not row[key]:
                raise ConfigurationError(f"{place} has no {key}.", hint=_GIVE)
        if not is_safe(row["name"]):
            raise ConfigurationError(f"The name in {place} is not valid: {RULE}.", hint=_GIVE)
        if row["name"] in wanted:
            what = row["name"] if may_be_quoted(row["name"]) else f"the account in {place}"
            raise ConfigurationError(f"{option} names {what} more than once.", hint="Name each account once.")
        wanted[str(row["name"])] = _Note(str(row["rotation_id"]), make, place)
    return wanted
