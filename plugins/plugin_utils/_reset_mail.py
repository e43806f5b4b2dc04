# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""At most one reset mail for each address and interval, across runs, crashes and pipelines side by side. No I/O.

Every request sends another mail, and the vendor does not tell whether one was sent before. So the store remembers:

    recent mail on record?   -> ask for none, report that one
    rehearse                 -> the module in check mode: what can be known beforehand is known before the claim
    claim                    -> commit by compare-and-set that a mail is being asked for; only then ask
    accepted, or not known   -> it counts until the interval is over
    provably not sent        -> put back what stood there before the claim

A run that dies after its claim leaves it behind. Nobody can tell whether its mail was sent, so it counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.krcloud.credentials.plugins.module_utils._options import Spec, controller_spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils import stores
from ansible_collections.krcloud.credentials.plugins.plugin_utils._effects import Load, Save
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    LONGEST_NAME,
    MOST_LOSSES,
    Change,
    Conflict,
    Loaded,
    Stored,
    StoreError,
)

FORMAT = 1

# What is known of a mail. CLAIMED: its run has not said, and may be asking right now. WITHDRAWN: it was not sent.
CLAIMED, ACCEPTED, UNKNOWN, WITHDRAWN = "claimed", "accepted", "unknown", "withdrawn"

# Failures that prove that no mail was sent, by their kind.
PROOFS = frozenset(("configuration", "transport", "authentication", "rate_limit", "rejected"))


def reset_mail_spec() -> Spec:
    """Return the argument spec of a task with a store."""
    return controller_spec(
        "solapi",
        {
            "email": {"type": "str", "required": True},
            "store": {"type": "dict", "required": True, "options": stores.argument_spec()},
            "min_interval": {"type": "str", "required": True},
        },
    )


class Mail(NamedTuple):
    """The last mail that was asked for at an address. ``asked_at`` is by the clock of the controller."""

    email: str
    asked_at: str
    request_id: str
    outcome: str = CLAIMED
    message_id: str | None = None
    requested_at: str | None = None


class Ask(NamedTuple):
    """Run the module, or rehearse it in check mode. Answered with its result."""

    rehearse: bool


def record_name(email: str) -> str:
    """Return the name under which the store keeps the record of an address, in whatever case it is written."""
    name = quote(email.lower(), safe="@+!#$&'*=?^`{|}~")
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 33]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def ask_once(
    email: str, interval: float, *, clock: Callable[[], float], request_id: str, check_mode: bool = False
) -> Generator[Load | Save | Ask, Any, dict[str, Any]]:
    """Ask for a mail unless one counts within the last ``interval`` seconds; return the result of the task."""
    name = record_name(email)
    stored = yield from _load(name)
    for _attempt in range(MOST_LOSSES):
        before = _mail(email, stored)
        if before and before.outcome != WITHDRAWN and clock() < seconds(before.asked_at) + interval:
            return _not_again(email, before, interval)
        rehearsed: Mapping[str, Any] = yield Ask(rehearse=True)
        if check_mode or rehearsed.get("failed"):
            return {**rehearsed, "next_due_at": None}
        claim = Mail(email, time_text(clock()), request_id)
        revision = yield from _save(name, claim, stored.revision if stored else None)
        if revision is not None:
            return (yield from _ask(name, claim, revision, before, interval))
        stored = yield from _load(name)
    raise StoreError(f"Other runs keep changing the record of {email} in the store.", hint="Run again.")


def _ask(
    name: str, claim: Mail, revision: str, before: Mail | None, interval: float
) -> Generator[Load | Save | Ask, Any, dict[str, Any]]:
    """Ask, now that the claim is committed, and note what became of it."""
    result: dict[str, Any] = dict((yield Ask(rehearse=False)))
    due = _due(claim, interval)
    wait = f" No other mail is asked for before {due}, unless min_interval is 0s." if interval else ""
    result["next_due_at"] = due
    if result.get("delivery") == ACCEPTED:
        after = claim._replace(
            outcome=ACCEPTED, message_id=result.get("message_id"), requested_at=result.get("requested_at")
        )
    elif (result.get("error") or {}).get("kind") in PROOFS:
        after = before or claim._replace(outcome=WITHDRAWN)
        result["next_due_at"] = None
    else:
        after = claim._replace(outcome=UNKNOWN)
        result = {"email": claim.email, "message_id": None, "requested_at": None, **result}
        result.update(changed=True, delivery=UNKNOWN, failed=True, msg=f"{result.get('msg')}{wait}")
    try:
        # If somebody has changed the record meanwhile, theirs is the newer one.
        yield from _save(name, after, revision)
    except StoreError as error:
        said = result.get("msg") or "The mail was accepted."
        result.update(failed=True, next_due_at=due)
        result["msg"] = f"{said} The store could not be told: {error.sentence()}{wait}"
        result.setdefault("error", error.as_dict())
    return result


def _not_again(email: str, mail: Mail, interval: float) -> dict[str, Any]:
    known = mail.outcome == ACCEPTED
    result: dict[str, Any] = {
        "changed": False,
        "email": email,
        "delivery": ACCEPTED if known else UNKNOWN,
        "message_id": mail.message_id,
        "requested_at": mail.requested_at or mail.asked_at,
        "next_due_at": _due(mail, interval),
    }
    if not known:
        result["warnings"] = [
            f"It is not known whether the mail that was asked for at {mail.asked_at} was sent to {email}. No other is "
            f"asked for before {result['next_due_at']}. If it did not arrive, run once with min_interval set to 0s."
        ]
    return result


def _due(mail: Mail, interval: float) -> str:
    return time_text(seconds(mail.asked_at) + interval)


# ------------------------------------------------------------------------------------------------------- the record


def _load(name: str) -> Generator[Load, Any, Stored | None]:
    stored: Loaded = yield Load((name,))
    found = stored.get(name)
    if isinstance(found, StoreError):
        raise found
    return found


def _save(name: str, mail: Mail, expected: str | None) -> Generator[Save, Any, str | None]:
    """Commit a record; return its revision, or None if somebody else has changed it."""
    saved: Mapping[str, str | Conflict] = yield Save({name: Change({"format": FORMAT, **mail._asdict()}, expected)})
    revision = saved[name]
    return None if isinstance(revision, Conflict) else revision


def _mail(email: str, stored: Stored | None) -> Mail | None:
    """Return the mail on record. Raises StoreError where the record is none: then nobody may ask."""
    if stored is None:
        return None
    fields = {key: value for key, value in stored.document.items() if key != "format"}
    try:
        mail = Mail(**fields)
        seconds(mail.asked_at)
        if stored.document.get("format") == FORMAT and mail.outcome in (CLAIMED, ACCEPTED, UNKNOWN, WITHDRAWN):
            return mail
    except (TypeError, ValueError):
        pass
    raise StoreError(
        f"The store holds something for {email} that is no record of a mail, or of a newer version; nothing was sent.",
        hint="Look at it, and move it away or mend it.",
    )
