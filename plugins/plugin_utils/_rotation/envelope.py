# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The envelope: everything about one account's passwords, as one document in a store. Pure.

`password` is at the top, so that a consumer needs to know nothing else. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import check_here

FORMAT = 1

# How a sentence begins about an account whose passwords are in another store.
MOVED = "The passwords of {}"

# When a password was set of which nobody knows that: longer ago than any `max_age`, for older versions, too.
LONG_AGO = "0001-01-01T00:00:00Z"

# What is known about a candidate. STAGED: it is in the store, and a run that died may have sent it.
# UNKNOWN: it was sent, and no answer said whether it was applied.
STAGED = "staged"
UNKNOWN = "unknown"


class EnvelopeError(ValueError):
    """A document is not an envelope. Says in one clause what is wrong with it, and quotes nothing of it."""


class Account(NamedTuple):
    """Who the passwords are for."""

    id: str | None
    name: str
    profile: str | None


class Flight(NamedTuple):
    """A run that may still send a password, or whose request may still arrive; ``since`` is when that was committed.

    ``unknown`` holds keys of newer versions as JSON text, so that flights can be compared.
    """

    run: str
    since: str
    unknown: str = "{}"

    def __repr__(self) -> str:
        return f"Flight({self.run}, {self.since})"


class Hold(NamedTuple):
    """Nothing is sent for the account before the time ``until``. ``reason`` is for people.

    ``unknown`` holds keys of newer versions as JSON text.
    """

    until: str
    reason: str | None = None
    unknown: str = "{}"

    def __repr__(self) -> str:
        return "Hold"


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Pending(NamedTuple):
    """A candidate that may be the live password. ``outcome`` is STAGED or UNKNOWN.

    ``unknown`` holds keys of newer versions, which are kept.
    """

    password: str
    staged_at: str
    rotation_id: str
    outcome: str = STAGED
    in_flight: tuple[Flight, ...] = ()
    unknown: Mapping[str, Any] = _NOTHING

    def __repr__(self) -> str:
        return f"Pending({self.rotation_id}, {self.outcome}, {len(self.in_flight)} in flight)"


class Previous(NamedTuple):
    """A password that was active, or a candidate that never was. While it is in flight it may become live again.

    ``rotated_at`` is when it was confirmed, where it is known that it was active: version 0.1.0 did not note it.
    """

    password: str
    retired_at: str
    rotation_id: str | None
    in_flight: tuple[Flight, ...] = ()
    unknown: Mapping[str, Any] = _NOTHING
    rotated_at: str | None = None

    def __repr__(self) -> str:
        return f"Previous({self.rotation_id}, {len(self.in_flight)} in flight)"


class Envelope(NamedTuple):
    """The active password, candidates oldest first, and earlier passwords latest first.

    ``rotated_at`` is when the active password was confirmed, ``made_at`` when it was made, where that is known.
    """

    account: Account
    password: str | None = None
    rotated_at: str | None = None
    rotation_id: str | None = None
    pending: tuple[Pending, ...] = ()
    previous: tuple[Previous, ...] = ()
    published: str | None = None  # the rotation id of the password that consumers were last given
    published_at: str | None = None  # when that was noted, where it is known
    made_at: str | None = None
    in_flight: tuple[Flight, ...] = ()
    hand_over_begun: str | None = None  # the rotation id of the password that a run last began to hand over
    hand_over_alone: str | None = None  # the same, if the run had begun no other hand-over at that time
    # The rotation id of the active password when a note came late: consumers were given an older one, perhaps after it.
    hand_over_doubted: str | None = None
    hold: Hold | None = None
    unknown: Mapping[str, Any] = _NOTHING
    unknown_of_account: Mapping[str, Any] = _NOTHING

    @property
    def known_rotated_at(self) -> str | None:
        """When the active password was confirmed. None if there is none, or if nobody knows."""
        return None if self.rotated_at == LONG_AGO else self.rotated_at

    @property
    def is_published(self) -> bool:
        """Whether consumers have been given the active password."""
        return self.rotation_id is not None and self.published == self.rotation_id

    @property
    def last_sent_at(self) -> str | None:
        """When a run last was about to send the newest candidate, as far as that is noted. None if there is none."""
        if not self.pending:
            return None
        newest = self.pending[-1]
        return max((newest.staged_at, *(flight.since for flight in newest.in_flight)), key=seconds)

    @property
    def published_since(self) -> str | None:
        """Since when consumers have the active password, or since when they could have it. None if they do not."""
        return (self.published_at or self.known_rotated_at) if self.is_published else None

    @property
    def formerly_active(self) -> str | None:
        """The password that was active before this one, as far as that is known."""
        return next((former.password for former in self.previous if former.rotated_at), None)

    @property
    def is_left_behind(self) -> bool:
        """Whether a run has begun to hand over the active password, and nobody has noted that it was done."""
        return self.rotation_id is not None and not self.is_published and self.hand_over_begun == self.rotation_id

    @property
    def is_left_alone(self) -> bool:
        """Whether it is left behind, and nothing but its hand-over can have ended that run."""
        return self.is_left_behind and self.hand_over_alone == self.rotation_id

    def hold_at(self, now: float) -> Hold | None:
        """Return the hold under which the account is at a time, in seconds since the epoch."""
        return self.hold if self.hold and now < seconds(self.hold.until) else None

    def __repr__(self) -> str:
        return f"Envelope of {self.account.name} ({len(self.pending)} pending, {len(self.previous)} previous)"


def from_stored(name: str, stored: Stored | StoreError) -> Envelope:
    """Return the envelope that the store holds under a name. Raises StoreError, which quotes nothing of it."""
    if isinstance(stored, StoreError):
        raise stored
    if stored.document == FORGOTTEN:
        raise StoreError(
            f"The store was told to forget {name}, and did not finish.",
            hint="Run ncp_dataforest_credential with state set to absent for it again.",
        )
    check_here(MOVED.format(name), stored.document)
    try:
        return from_document(stored.document)
    except EnvelopeError as fault:
        raise StoreError(
            f"What the store holds under the name {name} is not an envelope: {fault}.",
            hint="Look at it, then correct it or move it away.",
        ) from None


def to_document(envelope: Envelope) -> dict[str, Any]:
    """Return the envelope as plain data, in an order that suits a human reader."""
    active = {
        "password": envelope.password,
        "rotated_at": envelope.rotated_at,
        "rotation_id": envelope.rotation_id,
        "published": envelope.published,
        **({"published_at": envelope.published_at} if envelope.published and envelope.published_at else {}),
        **({"hand_over_begun": envelope.hand_over_begun} if envelope.hand_over_begun else {}),
        **({"hand_over_alone": envelope.hand_over_alone} if envelope.hand_over_alone else {}),
        **({"hand_over_doubted": envelope.hand_over_doubted} if envelope.hand_over_doubted else {}),
        **({"made_at": envelope.made_at} if envelope.made_at else {}),
        **({"in_flight": _flown(envelope.in_flight)} if envelope.in_flight else {}),
    }
    return {
        "format": FORMAT,
        "account": {**envelope.account._asdict(), **envelope.unknown_of_account},
        **active,
        **({"hold": _held(envelope.hold)} if envelope.hold else {}),
        "pending": [_row(item, always=True) for item in envelope.pending],
        "previous": [_row(item) for item in envelope.previous],
        **envelope.unknown,
    }


def _row(item: Pending | Previous, *, always: bool = False) -> dict[str, Any]:
    known = {name: value for name, value in item._asdict().items() if name not in ("in_flight", "unknown")}
    if known.get("rotated_at", "") is None:
        del known["rotated_at"]
    flights = {"in_flight": _flown(item.in_flight)} if item.in_flight or always else {}
    return {**known, **flights, **item.unknown}


def _flown(flights: Sequence[Flight]) -> list[dict[str, str]]:
    return [{"run": flight.run, "since": flight.since, **json.loads(flight.unknown)} for flight in flights]


def _held(hold: Hold) -> dict[str, Any]:
    return {"until": hold.until, "reason": hold.reason, **json.loads(hold.unknown)}


def from_document(document: Mapping[str, Any]) -> Envelope:
    """Return the envelope in a document. Raises EnvelopeError."""
    if document.get("format") != FORMAT:
        raise EnvelopeError(f"its format is not {FORMAT}")
    account = _mapping(document, "account")
    password, rotated_at = _text(document, "password", True), _time(document, "rotated_at", True)
    if (password is None) != (rotated_at is None):
        raise EnvelopeError("it has only one of password and rotated_at")
    rotation_id = _text(document, "rotation_id", True)
    if rotation_id is None and rotated_at is not None:
        # Written by hand. Everything is identified by the id of a rotation, so it gets one: the same in every run.
        rotation_id = f"adopted-{rotated_at}"
    return Envelope(
        Account(_text(account, "id", True), str(_text(account, "name")), _text(account, "profile", True)),
        password,
        rotated_at,
        rotation_id,
        published=_text(document, "published", True),
        published_at=_time(document, "published_at", True),
        pending=tuple(map(_pending, _rows(document, "pending"))),
        previous=tuple(map(_previous, _rows(document, "previous"))),
        made_at=_time(document, "made_at", True),
        in_flight=_flights(document),
        hand_over_begun=_text(document, "hand_over_begun", True),
        hand_over_alone=_text(document, "hand_over_alone", True),
        hand_over_doubted=_text(document, "hand_over_doubted", True),
        hold=_hold(_mapping(document, "hold")) if document.get("hold") is not None else None,
        unknown=_rest(document, _KEYS),
        unknown_of_account=_rest(account, Account._fields),
    )


_KEYS = frozenset(("format", *Envelope._fields)) - {"unknown", "unknown_of_account"}
_KEYS_OF_PENDING = frozenset(Pending._fields) - {"unknown"}
_KEYS_OF_PREVIOUS = frozenset(Previous._fields) - {"unknown"}


def _pending(item: Mapping[str, Any]) -> Pending:
    staged_at = str(_time(item, "staged_at"))
    # Version 0.1.0 noted nothing: the run that made it may still send it.
    flights = _flights(item) if "in_flight" in item else (Flight("", staged_at),)
    return Pending(
        str(_text(item, "password")),
        staged_at,
        str(_text(item, "rotation_id")),
        _outcome(item),
        flights,
        _rest(item, _KEYS_OF_PENDING),
    )


def _previous(item: Mapping[str, Any]) -> Previous:
    return Previous(
        str(_text(item, "password")),
        str(_time(item, "retired_at")),
        _text(item, "rotation_id", True),
        _flights(item),
        _rest(item, _KEYS_OF_PREVIOUS),
        _time(item, "rotated_at", True),
    )


def _hold(hold: Mapping[str, Any]) -> Hold:
    rest = json.dumps(dict(_rest(hold, ("until", "reason"))))
    return Hold(str(_time(hold, "until")), _text(hold, "reason", True), rest)


def _flights(document: Mapping[str, Any]) -> tuple[Flight, ...]:
    rows = _rows(document, "in_flight") if document.get("in_flight") is not None else ()
    return tuple(
        Flight(str(row.get("run") or ""), str(_time(row, "since")), json.dumps(dict(_rest(row, ("run", "since")))))
        for row in rows
    )


def _rest(document: Mapping[str, Any], known: Collection[str]) -> Mapping[str, Any]:
    """Return what a newer version has added. It is kept, so that a save by this version does not destroy it."""
    rest = {key: value for key, value in document.items() if key not in known}
    return rest or _NOTHING


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if not isinstance(value, Mapping):
        raise EnvelopeError(f"{name} is not a mapping")
    return value


def _rows(document: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise EnvelopeError(f"{name} is not a list of mappings")
    return value


def _text(document: Mapping[str, Any], name: str, optional: bool = False) -> str | None:
    value = document.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, str) or not value:
        raise EnvelopeError(f"{name} is not a string")
    return str(value)


def _time(document: Mapping[str, Any], name: str, optional: bool = False) -> str | None:
    value = _text(document, name, optional)
    try:
        if value is not None:
            seconds(value)
    except ValueError:
        raise EnvelopeError(f"{name} is not a time such as 2026-01-31T03:00:00Z") from None
    return value


def _outcome(document: Mapping[str, Any]) -> str:
    value = document.get("outcome")
    if value not in (STAGED, UNKNOWN):
        raise EnvelopeError(f"outcome is neither {STAGED} nor {UNKNOWN}")
    return str(value)
