# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents on their way from one store to another, and the result of that task. It never talks to a vendor.

Each goes through these steps, all of them at a time::

    decide    from what both stores have
    mark      the source, by compare-and-set: what is copied next is known as a copy from now on
    copy      to the destination, by compare-and-set, and read it back
    note      in the place of the marked document, by compare-and-set

Whoever dies in between, or changes a document, leaves something from which the next decision goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy.decision import (
    FAILED,
    Decision,
    Kind,
    Places,
    Step,
    decide,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Change,
    Conflict,
    Document,
    Saved,
    Store,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import (
    Mark,
    Moved,
    digest,
    mark_of,
    moved,
    note,
    with_mark,
    without_mark,
)


class _Way(NamedTuple):
    """A document on its way, and what both stores have of it. ``revision`` is that of the source, once it is marked."""

    decision: Decision
    source: Stored
    destination: Stored | None
    mark: Mark
    revision: str | None = None

    def __repr__(self) -> str:
        return f"_Way({self.decision})"

    @property
    def document(self) -> Document:
        """What the destination is to have."""
        if self.decision.step is Step.COPY or self.destination is None:
            return without_mark(self.source.document)
        return self.destination.document


Ways = Mapping[str, _Way]


class Copy:
    """One task. ``remove`` says that the source keeps nothing that can be read. ``now`` is in seconds."""

    def __init__(
        self, kind: Kind, source: Store, destination: Store, *, remove: bool, now: float, new_id: Callable[[], str]
    ) -> None:
        self._kind = kind
        self._source = source
        self._destination = destination
        self._remove = remove
        self._now = now
        self._new_id = new_id
        self._done: dict[str, Decision] = {}

    def run(self, names: Sequence[str], *, check_mode: bool = False) -> Mapping[str, Decision]:
        """Move the documents of these names, which the source has, or predict it. Return what became of each.

        Raises ConfigurationError if both stores are one, and StoreError where a store cannot be read.
        """
        if self._source.is_same(self._destination):
            raise _one_store()
        for _attempt in range(MOST_LOSSES):
            rest = [name for name in names if name not in self._done]
            if not rest:
                break
            ways = self._ready(self._decided(rest))
            if check_mode:
                self._done.update({name: way.decision for name, way in ways.items()})
            else:
                self._note(self._copied(self._marked(ways)))
        for name in names:
            if name not in self._done:
                why = f"Other runs keep changing {name} in one of the stores."
                self._fail(name, StoreError(why, hint="Run again when they have finished."))
        return {name: self._done[name] for name in names}

    def _fail(self, name: str, error: StoreError) -> None:
        self._done[name] = Decision(Step.REST, FAILED, error)

    # ----------------------------------------------------------------------------------------------------- decide

    def _decided(self, names: Sequence[str]) -> Ways:
        """Return the documents for which there is something to do. With the others it is done."""
        sources, destinations = self._source.load(names), self._destination.load(names)
        places = Places(self._source.address, self._destination.address)
        ways: dict[str, _Way] = {}
        for name in names:
            source, destination = sources.get(name), destinations.get(name)
            if source is None:
                self._fail(name, StoreError(f"{self._kind.what.format(name)} are not in the source any more."))
                continue
            _check_mark(source, destination)
            decision = decide(self._kind, name, source, destination, places, remove=self._remove)
            if decision.step is Step.REST or isinstance(source, StoreError) or isinstance(destination, StoreError):
                self._done[name] = decision
            else:
                ways[name] = _Way(decision, source, destination, self._mark(decision, source, destination))
        return ways

    def _mark(self, decision: Decision, source: Stored, destination: Stored | None) -> Mark:
        """Return the mark that the source has while it is copied: the one that it has, if that says enough."""
        before = digest(destination.document) if destination and decision.replaces else None
        copied = tuple(filter(None, (before, digest(source.document))))
        known = mark_of(source.document)
        return known if known and set(copied) <= set(known.copied) else Mark(self._new_id(), copied)

    def _ready(self, ways: Ways) -> Ways:
        """Return those that both stores would save, as far as that shows before anything is written."""
        copies = [name for name, way in ways.items() if way.decision.step is Step.COPY]
        refused = {**_refused(self._destination, copies), **_refused(self._source, list(ways))}
        for name, error in refused.items():
            self._fail(name, error)
        return {name: way for name, way in ways.items() if name not in refused}

    # ------------------------------------------------------------------------------------------------------ carry out

    def _marked(self, ways: Ways) -> Ways:
        changes = {
            name: Change(with_mark(way.source.document, way.mark), way.source.revision)
            for name, way in ways.items()
            if way.decision.step is not Step.REMOVE and mark_of(way.source.document) != way.mark
        }
        saved = self._saved(self._source, changes)
        return {
            name: way._replace(revision=saved.get(name, way.source.revision))
            for name, way in ways.items()
            if name in saved or name not in changes
        }

    def _copied(self, ways: Ways) -> Ways:
        """Return those that the destination has, as it was read back."""
        changes = {
            name: Change(way.document, way.destination.revision if way.destination else None)
            for name, way in ways.items()
            if way.decision.step is Step.COPY
        }
        saved = self._saved(self._destination, changes)
        ways = {name: way for name, way in ways.items() if name in saved or name not in changes}
        if not ways:
            return {}
        try:
            there = self._destination.load(list(ways))
        except StoreError as error:
            for name in ways:
                self._fail(name, error)
            return {}
        self._check_alias(ways, there)
        return {name: way for name, way in ways.items() if self._is_there(name, way, there.get(name))}

    def _is_there(self, name: str, way: _Way, found: Stored | StoreError | None) -> bool:
        if isinstance(found, StoreError):
            self._fail(name, found)
            return False
        return found is not None and found.document == way.document

    def _check_alias(self, ways: Ways, there: Mapping[str, Stored | StoreError]) -> None:
        """Raise ConfigurationError if the destination shows the marks of the source, without which nothing changed."""
        both = [
            name
            for name, way in ways.items()
            if way.decision.step is not Step.REMOVE and _marked_with(there.get(name), way.mark)
        ]
        if both:
            changes = {name: Change(without_mark(ways[name].source.document), ways[name].revision) for name in both}
            self._saved(self._source, changes)
            raise _one_store()

    def _note(self, ways: Ways) -> None:
        changes = {name: Change(self._note_for(way), way.revision) for name, way in ways.items()}
        for name in self._saved(self._source, changes):
            self._done[name] = ways[name].decision

    def _note_for(self, way: _Way) -> Document:
        document = way.source.document
        said = moved(document) or Moved(self._destination.address, time_text(self._now), self._kind.last(document))
        return note(said, {} if self._remove else self._kind.kept(document))

    def _saved(self, store: Store, changes: Mapping[str, Change]) -> dict[str, str]:
        """Save changes, and return the revisions of those that were saved.

        Those that lost to another run are left to be decided again; those that cannot be saved have failed.
        """
        outcomes: Mapping[str, Saved] = {}
        try:
            outcomes = store.save(changes) if changes else {}
        except StoreError as error:
            outcomes = {**dict.fromkeys(changes, error), **error.saved}
        for name, outcome in outcomes.items():
            if isinstance(outcome, StoreError):
                self._fail(name, outcome)
        return {name: each for name, each in outcomes.items() if not isinstance(each, (Conflict, StoreError))}


def _refused(store: Store, names: Sequence[str]) -> Mapping[str, StoreError]:
    try:
        return store.check_save(names) if names else {}
    except StoreError as error:
        return dict.fromkeys(names, error)


def _marked_with(found: Stored | StoreError | None, mark: Mark) -> bool:
    there = mark_of(found.document) if isinstance(found, Stored) else None
    return there is not None and there.id == mark.id


def _check_mark(source: Stored | StoreError, destination: Stored | StoreError | None) -> None:
    """Raise ConfigurationError if both have the same mark, which no copy has."""
    mark = mark_of(source.document) if isinstance(source, Stored) else None
    if mark and _marked_with(destination, mark):
        raise _one_store()


def _one_store() -> ConfigurationError:
    return ConfigurationError(
        "source and destination are the same store, and nothing was changed.",
        hint="Name another destination, or correct one of the two.",
    )
