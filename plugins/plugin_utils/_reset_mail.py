# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""At most one reset mail for each address and interval, across runs, crashes and parallel pipelines. No I/O.

Every request sends another mail, and the vendor does not say whether one was sent before. So the store remembers:

    recent mail on record?   -> request none, and report that one
    rehearse                 -> run the module in check mode, to find errors before the claim
    claim                    -> commit by compare-and-set that a mail is being requested; only then request it
    accepted, or unknown     -> it counts until the interval is over
    refused by a 2xx         -> it counts as well: such an answer contradicts itself
    provably not sent        -> put back the record from before the claim

A run that dies after its claim leaves it in the store. Its mail may have been sent, so it counts.

A record that is further in the future than clocks differ was made by a wrong clock, or is read by one. It counts from
the moment at which this is first noticed, and that moment is added to the record. The original time stays: it may be
right, and is used again as soon as it is no longer in the future.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import (
    FUTURE_TOLERANCE,
    seconds,
    time_text,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.mail_address import (
    about,
    canonical,
    spellings,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    LONGEST_NAME,
    MOST_LOSSES,
    Change,
    Conflict,
    Document,
    Loaded,
    Saved,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import Load, Rehearse, Save
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import check_here

FORMAT = 1

# What is known about a mail. CLAIMED: its run may be requesting it right now, or has died. WITHDRAWN: it was not sent.
# REJECTED: the vendor refused it, but with an HTTP status that means success.
CLAIMED, ACCEPTED, UNKNOWN, REJECTED, WITHDRAWN = "claimed", "accepted", "unknown", "rejected", "withdrawn"

# Failures that prove that no mail was sent, by their kind.
PROOFS = frozenset(("configuration", "transport", "authentication", "rate_limit", "rejected"))


class Mail(NamedTuple):
    """The last mail that was requested for an address.

    ``asked_at`` is by the clock of the controller. ``noticed_at`` is when a controller noticed that ``asked_at`` was in
    the future. ``rest`` holds the keys of newer versions.
    """

    email: str
    asked_at: str
    request_id: str
    outcome: str = CLAIMED
    message_id: str | None = None
    requested_at: str | None = None
    noticed_at: str | None = None
    rest: Mapping[str, Any] = {}

    def begin(self, now: float) -> float | None:
        """Return when the interval begins, in seconds; None if all times in the record are in the future."""
        times = [seconds(time) for time in (self.asked_at, self.noticed_at) if time]
        return next((time for time in times if time <= now + FUTURE_TOLERANCE), None)

    def counts_until(self, now: float, interval: float) -> float:
        """Return when the interval is over, in seconds. It begins now if all times in the record are in the future."""
        begin, asked = self.begin(now), seconds(self.asked_at)
        until = (float(int(now)) if begin is None else begin) + interval
        # By then, a time in the future may have come.
        return max(until, asked + interval) if asked <= until + FUTURE_TOLERANCE else until

    def document(self) -> Document:
        """Return the record as it is stored."""
        fields = {name: value for name, value in self._asdict().items() if name not in ("rest", "noticed_at")}
        noticed = {"noticed_at": self.noticed_at} if self.noticed_at else {}
        return {"format": FORMAT, **fields, **noticed, **self.rest}


class Ask(NamedTuple):
    """Run the module, or rehearse it in check mode. Answered with its result."""

    rehearse: bool


def record_name(email: str) -> str:
    """Return the name under which the store keeps the record of an address, however the address is spelled."""
    return _short(quote(canonical(email), safe="@+!#$&'*=?^`|~"))


def record_names(email: str) -> tuple[str, ...]:
    """Return all names under which there may be a record of an address, its own first.

    Version 0.1.0 only changed an address to lower case, and did not quote braces.
    """
    own = record_name(email)
    former = {_short(quote(spelling.lower(), safe="@+!#$&'*=?^`{|}~")) for spelling in spellings(email)}
    return (own, *sorted(former - {own}))


def _short(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 33]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def ask_once(
    email: str, interval: float, *, clock: Callable[[], float], request_id: str, check_mode: bool = False
) -> Generator[Load | Rehearse | Save | Ask, Any, dict[str, Any]]:
    """Request a mail, unless one counts within the last ``interval`` seconds, and return the result of the task.

    Raises StoreError when the store cannot be read or written. Then no mail was requested.
    """
    name, *_former = names = record_names(email)
    for _attempt in range(MOST_LOSSES):
        stored = yield from _load(names)
        mails = {each: _mail(email, found) for each, found in stored.items()}
        now = clock()
        recent = {
            each: mail
            for each, mail in mails.items()
            if mail.outcome != WITHDRAWN and interval and now < mail.counts_until(now, interval)
        }
        if recent:
            unnoticed = {each: mail for each, mail in recent.items() if mail.begin(now) is None}
            if check_mode and unnoticed:
                yield from _rehearse(unnoticed)
            elif not (yield from _notice(unnoticed, stored, now)):
                continue
            return _not_again(
                email, max(recent.values(), key=lambda mail: mail.counts_until(now, interval)), interval, now
            )
        rehearsed: Mapping[str, Any] = yield Ask(rehearse=True)
        if rehearsed.get("failed"):
            return {**told(email, rehearsed, sent=False), "next_due_at": None}
        claim = Mail(email, time_text(clock()), request_id, rest=mails[name].rest if name in mails else {})
        if check_mode:
            yield from _rehearse((name,))
            return {**rehearsed, "next_due_at": _due(claim.asked_at, interval)}
        before = stored.get(name)
        revision = yield from _save(name, claim.document(), before.revision if before else None)
        if revision is not None:
            return (yield from _ask(name, claim, revision, before, interval))
    raise StoreError(f"Other runs keep changing the record of {email} in the store.", hint="Run again.")


def _ask(
    name: str, claim: Mail, revision: str, before: Stored | None, interval: float
) -> Generator[Load | Save | Ask, Any, dict[str, Any]]:
    """Request the mail, now that the claim is committed, and note the outcome."""
    result = told(claim.email, (yield Ask(rehearse=False)), sent=True)
    due = _due(claim.asked_at, interval)
    wait = f" No other mail will be requested before {due}, unless min_interval is 0s." if interval else ""
    result["next_due_at"] = due
    if result["delivery"] == ACCEPTED:
        after = claim._replace(
            outcome=ACCEPTED, message_id=result["message_id"], requested_at=result["requested_at"]
        ).document()
    elif _proves_unsent(result):
        after = before.document if before else claim._replace(outcome=WITHDRAWN).document()
        result["next_due_at"] = None
    else:
        outcome = REJECTED if result["delivery"] == REJECTED else UNKNOWN
        after = claim._replace(outcome=outcome).document()
        result.update(changed=outcome == UNKNOWN, delivery=outcome, failed=True, **_advised(result, wait))
    try:
        # If another run has changed the record in the meantime, its record is the newer one.
        yield from _save(name, after, revision)
    except StoreError as error:
        said = result.get("msg") or f"{claim.email}: The mail was accepted."
        result.update(failed=True, next_due_at=due)
        result["msg"] = f"{said} The outcome could not be saved: {error.sentence()}{wait}"
        result.setdefault("error", error.as_dict())
    return result


def _advised(result: Mapping[str, Any], wait: str) -> dict[str, Any]:
    """Return message and error for a mail that counts: within the interval, another run would send nothing."""
    error = result.get("error")
    if not wait or not isinstance(error, Mapping):
        return {"msg": f"{result.get('msg')}{wait}"}
    rejected = result.get("delivery") == REJECTED
    hint = f"{'Check the address.' if rejected else 'Ask the member whether it arrived.'}{wait}"
    return {"msg": about(result["email"], f"{error['message']} {hint}"), "error": {**error, "hint": hint}}


def told(email: str | None, answered: Mapping[str, Any], *, sent: bool) -> dict[str, Any]:
    """Return the answer of a module with all documented keys, even if the module was lost before it could answer.

    ``sent`` says whether it was run to request a mail, and not in check mode.
    """
    nothing = {"changed": False, "email": email, "delivery": None, "message_id": None, "requested_at": None}
    result: dict[str, Any] = {**nothing, **answered}
    if sent and result.get("failed") and result["delivery"] is None and not _proves_unsent(result):
        result.update(changed=True, delivery=UNKNOWN)
        if email:
            result["msg"] = about(email, str(result.get("msg")))
    return result


def _proves_unsent(result: Mapping[str, Any]) -> bool:
    """Tell whether a failure of the module proves that no mail was sent. A refusal with a 2xx proves nothing."""
    error = result.get("error")
    if not isinstance(error, Mapping) or error.get("kind") not in PROOFS:
        return False
    status = error.get("http_status")
    return not (isinstance(status, int) and 200 <= status < 300)


def _not_again(email: str, mail: Mail, interval: float, now: float) -> dict[str, Any]:
    due = time_text(mail.counts_until(now, interval))
    delivery = mail.outcome if mail.outcome in (ACCEPTED, REJECTED) else UNKNOWN
    result: dict[str, Any] = {
        "changed": False,
        "email": email,
        "delivery": delivery,
        "message_id": mail.message_id,
        "requested_at": mail.requested_at or mail.asked_at,
        "next_due_at": due,
    }
    warnings = []
    if delivery == REJECTED:
        warnings.append(
            f"SOLAPI refused the mail to {email} that was requested at {mail.asked_at}, but with the HTTP status of a "
            f"success, so it counts. No other mail will be requested before {due}. Check the address. If you need a "
            "mail earlier, run once with min_interval set to 0s."
        )
    elif delivery == UNKNOWN:
        warnings.append(
            f"The mail to {email} that was requested at {mail.asked_at} may or may not have been sent. No other mail "
            f"will be requested before {due}. If it did not arrive, run once with min_interval set to 0s."
        )
    if seconds(mail.asked_at) > now + FUTURE_TOLERANCE:
        warnings.append(
            f"The store says that a mail to {email} was requested at {mail.asked_at}, which is in the future: the "
            "clock of a controller was wrong then, or the clock of this one is wrong now. No other mail will be "
            f"requested before {due}. Check the clocks. If you need a mail earlier, run once with min_interval set to "
            "0s."
        )
    if warnings:
        result["warnings"] = warnings
    return result


def _due(asked_at: str, interval: float) -> str:
    return time_text(seconds(asked_at) + interval)


# ------------------------------------------------------------------------------------------------------- the record


def _load(names: tuple[str, ...]) -> Generator[Load, Any, dict[str, Stored]]:
    """Return what the store holds under these names. Raises StoreError if any of it cannot be read."""
    loaded: Loaded = yield Load(names)
    found: dict[str, Stored] = {}
    for name, stored in loaded.items():
        if isinstance(stored, StoreError):
            raise stored
        found[name] = stored
    return found


def _notice(mails: Mapping[str, Mail], stored: Mapping[str, Stored], now: float) -> Generator[Save, Any, bool]:
    """Commit when these mails were noticed to be in the future. Tell whether no other run was faster."""
    if not mails:
        return True
    saved: Mapping[str, Saved] = yield Save(
        {
            name: Change(mail._replace(noticed_at=time_text(now)).document(), stored[name].revision)
            for name, mail in mails.items()
        }
    )
    revisions = [_revision(outcome) for outcome in saved.values()]
    return None not in revisions


def _save(name: str, document: Document, expected: str | None) -> Generator[Save, Any, str | None]:
    """Commit a record. Return its revision, or None if another run has changed it."""
    saved: Mapping[str, Saved] = yield Save({name: Change(document, expected)})
    return _revision(saved[name])


def _revision(saved: Saved) -> str | None:
    """Return the new revision, or None if another run was faster. Raises the StoreError that it may be."""
    if isinstance(saved, StoreError):
        raise saved
    return None if isinstance(saved, Conflict) else saved


def _rehearse(names: Iterable[str]) -> Generator[Rehearse, Any, None]:
    refused: Mapping[str, StoreError] = yield Rehearse(tuple(names))
    for error in refused.values():
        raise error


def _mail(email: str, stored: Stored) -> Mail:
    """Return the mail on record. Raises StoreError if it is not a valid record: then no mail may be requested."""
    document = stored.document
    check_here(f"The records of mails to {email}", document)
    known = {name: document[name] for name in Mail._fields if name != "rest" and name in document}
    rest = {name: value for name, value in document.items() if name not in known and name != "format"}
    try:
        mail = Mail(**known, rest=rest)
        for time in (mail.asked_at, *filter(None, (mail.noticed_at,))):
            seconds(time)
        if (
            document.get("format") == FORMAT
            and mail.outcome in (CLAIMED, ACCEPTED, UNKNOWN, REJECTED, WITHDRAWN)
            and all(value is None or isinstance(value, str) for value in (mail.message_id, mail.requested_at))
        ):
            return mail
    except (TypeError, ValueError):
        pass
    raise StoreError(
        f"What the store holds for {email} is not a record of a mail, or is from a newer version. Nothing was sent.",
        hint="Look at it, then correct it or move it away.",
    )


# ------------------------------------------------------------------------------------------------ for another store


def check_record(name: str, stored: Stored | StoreError) -> None:
    """Raise StoreError if the store holds anything but a record under a name."""
    if isinstance(stored, StoreError):
        raise stored
    _mail(name, stored)


def request_ids(document: Document) -> tuple[str, ...]:
    """Return the ids of the requests that a record knows: there is one."""
    return tuple(filter(None, (last_request(document),)))


def last_request(document: Document) -> str | None:
    """Return the id of the last request on record."""
    request_id = document.get("request_id")
    return request_id if isinstance(request_id, str) else None


def is_as_late(there: Document, here: Document) -> bool:
    """Tell whether a record is of the same mail as another one, or of a later one."""
    is_same = last_request(there) == last_request(here)
    return is_same or seconds(there["asked_at"]) > seconds(here["asked_at"])
