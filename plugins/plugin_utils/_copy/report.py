# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a copy to its documents, and from what became of them to the result of the task. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    NotFoundError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import name_may_be_quoted
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy.decision import (
    CONFLICT,
    COPIED,
    FAILED,
    OUTCOMES,
    REMOVED,
    Decision,
    Kind,
    Places,
    Step,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Store,
    StoreError,
    check_name,
)

# How many accounts the message of a task explains. The result explains all of them.
MOST_REASONS = 10

Found = Mapping[str, Sequence[str]]
"""The names of documents by what the user calls them. None of them are in the source if there are no names."""


def wanted(kind: Kind, names: Sequence[str] | None, source: Store) -> Found:
    """Return what is to be moved: what is named, or everything that is in the source.

    Raises ConfigurationError for names that no document can have, and if there is nothing to move, and StoreError
    when the source cannot be read.
    """
    if names is None:
        present = source.names()
        if not present:
            raise ConfigurationError(f"The source {source.place} has nothing to copy.", hint="Correct source.")
        return {name: [name] for name in present}
    if not names:
        raise ConfigurationError("names is given, but names nothing.", hint="Leave it out to move everything.")
    called: dict[str, tuple[str, ...]] = {}
    for at, name in enumerate(names):
        try:
            called["".join(name)] = kind.spellings(check_name("".join(name)))
        except StoreError as fault:
            raise ConfigurationError(f"names[{at}] is not valid.", hint=fault.hint) from None
    there = source.load(list(dict.fromkeys(each for spellings in called.values() for each in spellings)))
    return {name: [each for each in spellings if each in there] for name, spellings in called.items()}


def result(
    found: Found, done: Mapping[str, Decision], places: Places, *, kept: bool, diff: bool = False
) -> dict[str, Any]:
    """Return the result of the task. ``kept`` says that notes keep something that can be read."""
    rows = [row for at, name in enumerate(found) for row in _rows(at, name, found[name], done)]
    counts = Counter(row["outcome"] for row in rows)
    said: dict[str, Any] = {
        "changed": counts[COPIED] + counts[REMOVED] > 0,
        "moved_to": places.destination,
        "credentials": rows,
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
    }
    if kept and counts[COPIED]:
        said["warnings"] = [
            f"The source {places.source} keeps the active passwords of what was copied ({counts[COPIED]}), so that its "
            "readers go on for now. When nobody reads it any more, run again with source_passwords set to remove."
        ]
    if diff:
        said["diff"] = _diff([name for name in done if done[name].outcome in (COPIED, REMOVED)], done, places)
    bad = [row for row in rows if row["outcome"] in (CONFLICT, FAILED)]
    if bad:
        reasons = dict.fromkeys(_sentence(row["error"]) for row in bad[:MOST_REASONS])
        more = [f"For {len(bad) - MOST_REASONS} more, see credentials."] if len(bad) > MOST_REASONS else []
        count = f"{len(bad)} of {len(rows)} could not be moved."
        said.update(failed=True, msg=" ".join([count, *reasons, *more]), error=bad[0]["error"])
    return said


def _rows(at: int, name: str, documents: Sequence[str], done: Mapping[str, Decision]) -> list[dict[str, Any]]:
    if not documents:
        called = name if name_may_be_quoted(name) else f"names[{at}]"
        error = NotFoundError(f"The source has nothing for {called}.", hint="Correct the name or the source.")
        return [_row(name if called == name else None, FAILED, error)]
    return [_row(each, done[each].outcome, done[each].error) for each in documents]


def _row(name: str | None, outcome: str, error: KrcloudError | None) -> dict[str, Any]:
    return {"name": name, "outcome": outcome, "error": error.as_dict() if error else None}


def _sentence(error: Mapping[str, Any]) -> str:
    return " ".join(str(error[part]) for part in ("message", "hint") if error[part])


def _diff(names: Sequence[str], done: Mapping[str, Decision], places: Places) -> dict[str, str]:
    def line(name: str, *, after: bool) -> str:
        if done[name].step is Step.REMOVE:
            return f"{name}: in {places.destination}" + ("\n" if after else f", readable in {places.source}\n")
        return f"{name}: in {places.destination if after else places.source}\n"

    return {
        "before": "".join(line(name, after=False) for name in names),
        "after": "".join(line(name, after=True) for name in names),
    }
