# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""The envelope: all that is known of one account's passwords, as one document in a store. Pure.

`password` stands at the top, so that a consumer needs to know nothing else. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import Stored, StoreError

FORMAT = 1
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

# What is known of a candidate. STAGED: in the store, and perhaps sent by a run that did not live to say so.
# UNKNOWN: sent, and no answer told what became of it.
STAGED = "staged"
UNKNOWN = "unknown"


class EnvelopeError(ValueError):
    """A document is not an envelope; says in one clause what is wrong with it, and quotes nothing of it."""


class Account(NamedTuple):
    """Who the passwords are for."""

    id: str | None
    name: str
    profile: str | None


class Pending(NamedTuple):
    """A candidate that may be the live password. ``outcome`` is STAGED or UNKNOWN."""

    password: str
    staged_at: str
    rotation_id: str
    outcome: str = STAGED


class Previous(NamedTuple):
    """A password that was active, or a candidate whose request might still land."""

    password: str
    retired_at: str
    rotation_id: str | None


class Envelope(NamedTuple):
    """The active password, candidates oldest first, and earlier passwords latest first."""

    account: Account
    password: str | None = None
    rotated_at: str | None = None
    rotation_id: str | None = None
    pending: tuple[Pending, ...] = ()
    previous: tuple[Previous, ...] = ()
    published: str | None = None  # the rotation id of the password that consumers were last given

    @property
    def is_published(self) -> bool:
        """Whether consumers have been given the active password."""
        return self.rotation_id is not None and self.published == self.rotation_id

    def candidates(self) -> list[str]:
        """Every password that may be live according to this envelope."""
        active = [] if self.password is None else [self.password]
        return [*active, *(item.password for item in self.pending), *(item.password for item in self.previous)]

    def __repr__(self) -> str:
        return f"Envelope of {self.account.name} ({len(self.pending)} pending, {len(self.previous)} previous)"


def from_stored(name: str, stored: Stored | StoreError) -> Envelope:
    """Return the envelope that the store holds under a name. Raises StoreError, which quotes nothing of it."""
    if isinstance(stored, StoreError):
        raise stored
    try:
        return from_document(stored.document)
    except EnvelopeError as fault:
        raise StoreError(
            f"The store holds something under the name {name} that is no envelope: {fault}.",
            hint="Look at it, and move it away or mend it.",
        ) from None


def to_document(envelope: Envelope) -> dict[str, Any]:
    """Return the envelope as plain data, in the order in which a person wants to read it."""
    return {
        "format": FORMAT,
        "account": envelope.account._asdict(),
        "password": envelope.password,
        "rotated_at": envelope.rotated_at,
        "rotation_id": envelope.rotation_id,
        "published": envelope.published,
        "pending": [item._asdict() for item in envelope.pending],
        "previous": [item._asdict() for item in envelope.previous],
    }


def from_document(document: Mapping[str, Any]) -> Envelope:
    """Return the envelope in a document. Raises EnvelopeError."""
    if document.get("format") != FORMAT:
        raise EnvelopeError(f"its format is not {FORMAT}")
    account = _mapping(document, "account")
    active = (
        _text(document, "password", True),
        _time(document, "rotated_at", True),
        _text(document, "rotation_id", True),
    )
    if (active[0] is None) != (active[1] is None):
        raise EnvelopeError("password and rotated_at belong together")
    return Envelope(
        Account(_text(account, "id", True), str(_text(account, "name")), _text(account, "profile", True)),
        *active,
        published=_text(document, "published", True),
        pending=tuple(
            Pending(
                str(_text(item, "password")),
                str(_time(item, "staged_at")),
                str(_text(item, "rotation_id")),
                _outcome(item),
            )
            for item in _rows(document, "pending")
        ),
        previous=tuple(
            Previous(str(_text(item, "password")), str(_time(item, "retired_at")), _text(item, "rotation_id", True))
            for item in _rows(document, "previous")
        ),
    )


@functools.lru_cache
def seconds(time: str) -> float:
    """Return a time of an envelope as seconds since the epoch. Raises ValueError."""
    # Each time is asked for often, and accounts that were rotated in one run have the same.
    if not _TIME.fullmatch(time):
        raise ValueError(time)
    return datetime.fromisoformat(time).timestamp()


def time_text(now: float) -> str:
    """Return seconds since the epoch as a time of an envelope."""
    return _second_text(int(now))


@functools.lru_cache
def _second_text(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()[:19] + "Z"


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
        raise EnvelopeError(f"{name} is not a text")
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
