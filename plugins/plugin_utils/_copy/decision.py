# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about one document that moves from one store to another. Pure.

A document is only ever put where there is none, over an earlier copy of itself, or over the note of a document that has
come back. Everything else that the destination has is a conflict, which is for people to resolve.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    Contents,
    Document,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import (
    Moved,
    digest,
    mark_of,
    moved,
    shown,
    without_mark,
)

COPIED, REMOVED, UNCHANGED, CONFLICT, FAILED = OUTCOMES = ("copied", "removed", "unchanged", "conflict", "failed")


class Kind(NamedTuple):
    """What a store holds, as far as a copy has to know.

    ``check`` raises StoreError for a document that is not one of these. ``ids`` returns those of all passwords or mails
    in a document, ``last`` the latest of them, and ``kept`` what stays readable in the source. ``covers`` tells whether
    the first document holds everything of value in the second. ``spellings`` returns the names that a document may have
    which the user calls so. ``what`` names a document at the beginning of a sentence, in the plural, and ``forget``
    says how it is removed.
    """

    contents: Contents
    what: str
    forget: str
    check: Callable[[str, Stored | StoreError], object]
    ids: Callable[[Document], Collection[str]]
    covers: Callable[[Document, Document], bool]
    last: Callable[[Document], str | None]
    kept: Callable[[Document], Document]
    spellings: Callable[[str], tuple[str, ...]]

    def __repr__(self) -> str:
        return f"Kind({self.contents.variable})"


class Places(NamedTuple):
    """The addresses of both stores."""

    source: str
    destination: str

    def __repr__(self) -> str:
        return "Places"


class Step(Enum):
    """COPY the document, then put a note in its place. NOTE: it is there already. REMOVE what the note has kept."""

    COPY = "copy"
    NOTE = "note"
    REMOVE = "remove"
    REST = "rest"


class Decision(NamedTuple):
    """A step, the outcome once it is done, and why it is not done. ``replaces`` says that an earlier copy is there."""

    step: Step
    outcome: str
    error: KrcloudError | None = None
    replaces: bool = False

    def __repr__(self) -> str:
        return f"Decision({self.step}, {self.outcome})"


_REST = Decision(Step.REST, UNCHANGED)


def decide(
    kind: Kind,
    name: str,
    source: Stored | StoreError,
    destination: Stored | StoreError | None,
    places: Places,
    *,
    remove: bool,
) -> Decision:
    """Return what is to be done, given what the stores hold under a name.

    With ``remove``, no note keeps anything readable.
    """
    if isinstance(source, StoreError):
        return _failed(source)
    if isinstance(destination, StoreError):
        return _failed(destination, places)
    there = destination.document if destination else None
    if there == FORGOTTEN:
        return _failed(_refused(kind, name, destination) or StoreError("This cannot be."), places)
    gone = moved(source.document)
    if gone:
        return _moved(kind, name, source.document, gone, there, places, remove)
    refused = _refused(kind, name, source)
    if refused:
        return _failed(refused)
    if there is None:
        return Decision(Step.COPY, COPIED)
    return _both(kind, name, source.document, there, _refused(kind, name, destination) is None, places)


def _refused(kind: Kind, name: str, stored: Stored | None) -> StoreError | None:
    try:
        if stored:
            kind.check(name, stored)
    except StoreError as error:
        return error
    return None


def _failed(error: StoreError, places: Places | None = None) -> Decision:
    if places:
        message = f"In the destination {places.destination}: {error.message}"
        error = StoreError(message, hint=error.hint, http_status=error.http_status)
    return Decision(Step.REST, FAILED, error)


# ------------------------------------------------------------------------------------------------- a note in the source


def _moved(
    kind: Kind, name: str, note: Document, said: Moved, there: Document | None, places: Places, remove: bool
) -> Decision:
    """Return what is to be done about a document that the source no longer has."""
    what, (to, at) = kind.what.format(name), shown(note, said)
    if said.to != places.destination:
        return _failed(
            StoreError(
                f"{what} moved to the store {to} at {at}, which is not the destination. Nothing was copied.",
                hint="Name that store as the source.",
            )
        )
    further = moved(there) if there is not None else None
    if there is None or (further and further.to == places.source):
        return _failed(
            StoreError(
                f"{what} moved to the destination at {at}, which does not have them any more.",
                hint="Find out what became of them there, such as that an older copy of that store was restored. "
                f"{kind.forget}",
            )
        )
    if not further and _refused(kind, name, Stored(there, "")):
        return _conflict(kind, name)
    if remove and kind.kept(note):
        return Decision(Step.REMOVE, REMOVED)
    return _REST


# ------------------------------------------------------------------------------------------------ documents in both


def _both(kind: Kind, name: str, here: Document, there: Document, is_valid: bool, places: Places) -> Decision:
    """Return what is to be done about a document where the destination has something."""
    mark, note = mark_of(here), moved(there)
    if note:
        # It comes back, by the way it went or by another.
        returns = note.to == places.source or note.last in kind.ids(here)
        return Decision(Step.COPY, COPIED) if returns else _conflict(kind, name, note=note, document=there)
    if without_mark(there) == without_mark(here):
        return Decision(Step.NOTE, COPIED)
    copied = mark.copied if mark else ()
    if digest(there) in copied:
        return Decision(Step.COPY, COPIED, replaces=True)
    if is_valid and digest(here) in copied and kind.covers(there, here):
        # A run with the destination was faster than the note.
        return Decision(Step.NOTE, COPIED)
    return _conflict(kind, name)


def _conflict(kind: Kind, name: str, *, note: Moved | None = None, document: Document | None = None) -> Decision:
    """Return why nothing is done about a document where the destination has something else."""
    what = kind.what.format(name)
    if note and document is not None:
        to, _at = shown(document, note)
        return Decision(
            Step.REST,
            CONFLICT,
            StoreError(
                f"{what} moved from the destination to the store {to} before, and the source does not know the last "
                "one there. Nothing was overwritten.",
                hint=f"If the source has the latest one, remove the note in the destination, then run again. "
                f"{kind.forget}",
            ),
        )
    return Decision(
        Step.REST,
        CONFLICT,
        StoreError(
            f"{what} differ between the stores, and neither is a copy of the other. Nothing was overwritten.",
            hint=f"Find out which one is right, remove the other one from its store, then run again. {kind.forget}",
        ),
    )
