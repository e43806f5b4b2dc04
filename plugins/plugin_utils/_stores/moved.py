# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stays of a document that was moved to another store: a note, and before it, a mark in the document. Pure.

The note takes the place of the document. Its format is no number, so a reader that does not know it takes it for
something newer, and stops. The mark is one more key, which all versions keep. It says what was copied, so that a copy
is still known as one when the document has changed in the meantime.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor, one_line
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Document, StoreError, strings

FORMAT = "moved"
_NOTE = "moved"
_MARK = "copying"
_LONGEST_ADDRESS = 300


class Moved(NamedTuple):
    """Where a document is now, as `Store.address` says it, since when, and which password or mail was the last here."""

    to: str
    at: str
    last: str | None

    def __repr__(self) -> str:
        return "Moved"


def note(moved: Moved, kept: Document) -> Document:
    """Return what takes the place of a document, with those of its keys that are ``kept``."""
    return {"format": FORMAT, _NOTE: moved._asdict(), **kept}


def moved(document: Document) -> Moved | None:
    """Return what the note in place of a document says. None if it is no such note."""
    said = document.get(_NOTE)
    if document.get("format") != FORMAT or not isinstance(said, dict):
        return None
    to, at, last = (said.get(key) for key in Moved._fields)
    if not isinstance(to, str) or not isinstance(at, str) or not (last is None or isinstance(last, str)):
        return None
    return Moved(to, at, last)


def shown(document: Document, said: Moved) -> tuple[str, str]:
    """Return where a document is and since when, each in one line, without anything else that is in the document."""
    others = strings({key: value for key, value in document.items() if key not in ("format", _NOTE, "account")})
    redactor = Redactor(others)
    return redactor.text(one_line(said.to, _LONGEST_ADDRESS)), redactor.text(one_line(said.at, 40))


def check_here(what: str, document: Document) -> None:
    """Raise StoreError if a note says that a document is in another store. ``what`` begins a sentence about it."""
    said = moved(document)
    if said:
        to, at = shown(document, said)
        raise StoreError(f"{what} moved to the store {to} at {at}.", hint="Name that store instead of this one.")


class Mark(NamedTuple):
    """A document is being copied. ``id`` is unique, ``copied`` are the digests of what the destination may have."""

    id: str
    copied: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Mark({self.id})"


def mark_of(document: Document) -> Mark | None:
    """Return the mark in a document. None if there is none."""
    found: Any = document.get(_MARK)
    found = found if isinstance(found, dict) else {}
    mark_id, copied = found.get("id"), found.get("copied")
    if not isinstance(mark_id, str) or not isinstance(copied, list):
        return None
    return Mark(mark_id, tuple(filter(lambda each: isinstance(each, str), copied)))


def with_mark(document: Document, mark: Mark) -> Document:
    """Return a document with this mark."""
    return {**document, _MARK: {"id": mark.id, "copied": list(mark.copied)}}


def without_mark(document: Document) -> Document:
    """Return a document as it is copied: without any mark."""
    return {key: value for key, value in document.items() if key != _MARK}


def digest(document: Document) -> str:
    """Return a digest of a document without its mark. It is kept only beside what it was made of."""
    text = json.dumps(without_mark(document), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
