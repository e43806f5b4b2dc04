# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a store knows about accounts: how old, when due, what is stuck. Never a password. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope, from_stored
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.hold import shown_reason
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import Policy, due_at
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import Course, is_due
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import MOST_REASONS, standing
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Store, Stored, StoreError

FILTERS = ("due", "overdue", "unsettled", "unpublished", "held")

Row = Mapping[str, Any]


def report(
    store: Store, policy: Policy, now: float, *, names: Sequence[str] | None = None, only: Collection[str] = ()
) -> dict[str, Any]:
    """Return the result of a task that looks at a store: a row for each account, by name.

    ``names`` are the accounts to look at, all if None. ``only`` are FILTERS: a row is shown if one of them applies, or
    if its account cannot be read. All accounts that were looked at are counted. Raises ConfigurationError for a name
    that no account can have, and StoreError when the store as a whole cannot be read.
    """
    wanted = store.names() if names is None else _checked(names)
    loaded = store.load(wanted)
    course = Course("", now)
    rows = [_row(name, loaded.get(name), policy, now, course) for name in wanted]
    shown = [row for row in rows if row["error"] or not only or any(_applies(row, each) for each in only)]
    result: dict[str, Any] = {"changed": False, "credentials": shown, "summary": _summary(rows)}
    if not rows:
        # A mistyped path would look like a store in which nobody needs attention.
        result["warnings"] = [f"The store {store.place} has no accounts. If it should have some, correct store."]
    errors = [row["error"] for row in rows if row["error"]]
    if errors:
        said = [str(error[part]) for error in errors[:MOST_REASONS] for part in ("message", "hint") if error[part]]
        more = f" For {len(errors) - MOST_REASONS} more, see credentials." if len(errors) > MOST_REASONS else ""
        count = f"{len(errors)} of {len(rows)} accounts could not be read. " if len(rows) > 1 else ""
        result.update(failed=True, msg=f"{count}{' '.join(said)}{more}", error=errors[0])
    return result


def _checked(names: Sequence[str]) -> list[str]:
    if not names:
        raise ConfigurationError("names is given, but names no account.", hint="Leave it out to look at all accounts.")
    odd = next((at for at, name in enumerate(names) if not is_safe(name)), None)
    if odd is not None:
        raise ConfigurationError(f"names[{odd}] is not valid: {RULE}.", hint="Correct the name.")
    # A name that is given twice is one account.
    return list(dict.fromkeys("".join(name) for name in names))


def _row(name: str, found: Stored | StoreError | None, policy: Policy, now: float, course: Course) -> Row:
    try:
        envelope = from_stored(name, found) if found else None
    except StoreError as error:
        return {**_nothing(name, None), "error": error.as_dict()}
    if envelope is None:
        return _nothing(name, "absent")
    return _known(name, envelope, policy, now, course)


def _nothing(name: str, state: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "id": None,
        "profile": None,
        "state": state,
        "rotated_at": None,
        "age": None,
        "next_due_at": None,
        "due": False,
        "overdue": False,
        "pending": 0,
        "pending_since": None,
        "published": False,
        "held_until": None,
        "hold_reason": None,
        "error": None,
    }


def _known(name: str, envelope: Envelope, policy: Policy, now: float, course: Course) -> Row:
    at, hold = envelope.known_rotated_at, envelope.hold_at(now)
    due, current = due_at(envelope, policy) if at else None, standing(envelope, now)
    return {
        "name": name,
        "id": envelope.account.id,
        "profile": envelope.account.profile,
        "state": current.state,
        "rotated_at": at,
        "age": None if current.age is None else int(current.age),
        "next_due_at": None if due is None else time_text(due),
        "due": is_due(envelope, policy, now, course),
        # Of a password whose age nobody knows, nobody knows that it is young enough.
        "overdue": envelope.password is not None and (current.age is None or current.age > policy.max_age),
        "pending": current.pending,
        "pending_since": min((item.staged_at for item in envelope.pending), key=seconds, default=None),
        "published": envelope.is_published,
        "held_until": hold.until if hold else None,
        "hold_reason": shown_reason(envelope) if hold else None,
        "error": None,
    }


def _applies(row: Row, what: str) -> bool:
    if what == "unsettled":
        return bool(row["state"] == "unsettled")
    if what == "unpublished":
        return bool(row["state"] in ("active", "unsettled") and not row["published"])
    return bool(row["held_until"] if what == "held" else row[what])


def _summary(rows: Sequence[Row]) -> dict[str, int]:
    def counts() -> Iterator[tuple[str, int]]:
        yield "total", len(rows)
        yield "active", sum(row["state"] == "active" for row in rows)
        for each in FILTERS:
            yield each, sum(_applies(row, each) for row in rows)
        yield "absent", sum(row["state"] == "absent" for row in rows)
        yield "failed", sum(bool(row["error"]) for row in rows)

    return dict(counts())
