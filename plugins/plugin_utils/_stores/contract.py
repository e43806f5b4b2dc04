# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a store is: documents by name, each with a revision, changed by compare-and-set, durable once saved.

A store knows nothing of rotation. It neither reads nor changes what is in a document.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError

Document = Mapping[str, Any]
"""Plain data as JSON has it, opaque to a store."""

LONGEST_NAME = 200

# What a document may be after a `Store.delete` that did not finish.
FORGOTTEN: Document = {"forgotten": True}

# How often a run may lose a document against others before it gives up.
MOST_LOSSES = 10


class Contents(NamedTuple):
    """What one kind of store holds: the variable at the top of a `vault_file`, the usual path in a `hashi_vault`."""

    variable: str
    secret_path: str


PASSWORDS = Contents("dataforest_credentials", "dataforest")
RESET_MAILS = Contents("solapi_reset_mails", "solapi")


class Context(NamedTuple):
    """What a store is opened in, besides its options.

    ``loader`` is the DataLoader of the plugin, which knows the vault secrets of the play and the folder of the
    playbook. ``warn`` says something to the user. ``learn`` is told of each secret that the store comes by while it is
    used, so that nobody shows it. ``may_save`` is false for whoever only reads, as in check mode.
    """

    loader: Any
    contents: Contents
    warn: Callable[[str], None]
    learn: Callable[[str], None]
    may_save: bool = True

    def __repr__(self) -> str:
        return "Context"


class Stored(NamedTuple):
    """A document as it is in the store. The revision means something to this process and this store only."""

    document: Document
    revision: str

    def __repr__(self) -> str:
        return f"Stored(revision={self.revision!r})"


class Change(NamedTuple):
    """What a document is to become, provided that it still has the revision ``expected``, or does not exist if None."""

    document: Document
    expected: str | None

    def __repr__(self) -> str:
        return f"Change(expected={self.expected!r})"


class Conflict:
    """Somebody else has changed the document since ``expected``. What is there now is theirs, so read it again."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conflict)

    def __hash__(self) -> int:
        return hash(Conflict)


Saved = Union[str, Conflict, "StoreError"]
"""The new revision of a document, or why it has none: somebody was faster, or this document cannot be saved."""

Loaded = Mapping[str, "Stored | StoreError"]
"""What a store holds under each of the names asked for; see `Store.load`."""


class StoreError(KrcloudError):
    """The store is away, locked, torn, foreign, full or forbidden.

    When a `save` fails, ``saved`` holds what was settled before, and ``unknown`` names the documents that may or may
    not have been saved. All others were certainly not saved, and will not be.
    """

    kind = "store"

    def __init__(
        self,
        message: str,
        *,
        saved: Mapping[str, Saved] | None = None,
        unknown: Collection[str] = (),
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.saved = dict(saved or {})
        self.unknown = frozenset(unknown)


class Store(Protocol):
    """A place that keeps documents. All methods raise StoreError, and nothing else, when they fail."""

    @property
    def place(self) -> str:
        """Where the store is, as messages name it and, where that is known, that there is none yet."""

    @property
    def address(self) -> str:
        """Where the store is, the same in every process and for years to come, without anything that is secret."""

    def is_same(self, other: Store) -> bool:
        """Tell whether another store is this one, as far as that shows without asking a server."""

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        """Return the documents of these names, without those that do not exist. What is returned is durable.

        Where the store can be read but one document cannot (deleted, destroyed, not permitted, not a document), its
        value is a StoreError, and the others are returned all the same.
        """

    def check_save(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """Return which of these names a `save` would refuse on their own, as far as that shows without writing.

        Raises StoreError if it would refuse all of them. Changes nothing, and creates no file.
        """

    def save(self, changes: Mapping[str, Change]) -> dict[str, Saved]:
        """Make each change whose ``expected`` still holds, and return what became of each.

        Neither a conflict nor a StoreError about one document keeps the others from being saved.
        """

    def names(self) -> list[str]:
        """Return the names of all documents, those that cannot be read included, in their order."""

    def check_delete(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """Return which of these names a `delete` would refuse, as `check_save` does for a `save`."""

    def delete(self, expected: Mapping[str, str]) -> dict[str, Saved]:
        """Delete each document that still has the revision it is expected to have, with all that is left of it.

        Returns and raises what `save` does, with an empty revision for what is gone. What dies in between may leave
        `FORGOTTEN` in its place, which is a document like any other.
        """

    def close(self) -> None:
        """End what the store keeps open, including a login of its own. Raises nothing. A store may be used again."""


def check_name(name: str) -> str:
    """Return a name that every store can keep, or raise StoreError, which does not quote it, as it may be a secret."""
    if (
        not isinstance(name, str)
        or not is_part(name)
        # Two spellings of one text would be two documents that nobody could tell apart.
        or not unicodedata.is_normalized("NFC", name)
    ):
        raise StoreError(
            "What was given as a name cannot be the name of a document in a store.",
            hint=f"A name has 1 to {LONGEST_NAME} printable characters in Unicode NFC, no slash, and no blanks around "
            "it.",
        )
    return str(name)


def is_part(text: str) -> bool:
    """Tell whether a text can stand between two slashes of a path."""
    return (
        0 < len(text) <= LONGEST_NAME
        and text.isprintable()
        and text == text.strip()
        and "/" not in text
        and text not in (".", "..")
    )


def to_json(name: str, document: Document, *, decoded: bool = False) -> str:
    """Return a document as JSON text, or raise StoreError if it is not plain data. Quotes no value.

    ``decoded`` says that it comes from JSON with whole numbers that are `exact`, so that it needs no second look.
    """
    try:
        text = _ENCODER.encode(dict(document))
        text.encode("utf-8")
        # JSON silently turns tuples into lists, and keys that are numbers into text.
        if decoded or _DECODER.decode(text) == document:
            return text
    except (TypeError, ValueError, RecursionError):
        pass
    raise StoreError(
        f"The document {name} cannot be stored: it holds something that is not plain data, a number "
        "too large to be kept exactly, or text that is not Unicode.",
        hint="Look for text that is not Unicode in the options, such as in profile.",
    )


def exact(digits: str) -> int:
    """Return a whole number. Raises ValueError if a server that takes numbers for floats could round it silently."""
    if abs(int(digits)) >= 2**53:
        raise ValueError
    return int(digits)


# Made once: `json.dumps` and `json.loads` make a new one for every call with options.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(parse_int=exact)


def strings(value: Any) -> list[str]:
    """Return every text in a document, none of which may be seen in a message about it."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in strings(item)]
    return []
