# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that sets the passwords of one account or of thousands: check everything, look up, reset, report."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, names, outcomes, workers
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import accounts, dataforest, rules, tenants

_ONLY = "the account"
_MOST_LABELS = 10
# What results call a confirmed outcome.
CONFIRMED = "reset"


class Target(NamedTuple):
    """One account and its new password. Exactly one of ``id`` and ``name`` is set.

    ``place`` is where it is in the options, ``tenant`` which credentials are used for it.
    """

    place: str
    id: Optional[str]
    name: Optional[str]
    password: str
    tenant: tenants.Tenant

    @property
    def label(self) -> str:
        """What messages call the account. They quote only what has the form of a name or an id."""
        given = self.name or self.id or ""
        return f"{self.place} ({given})" if names.may_be_quoted(given) else self.place

    @property
    def wanted(self) -> str:
        """What the account is looked up by, such as "the name df001", or where that is written."""
        kind, given = ("id", self.id) if self.id is not None else ("name", self.name or "")
        where = f"the option {kind}" if self.place == _ONLY else f"{self.place}.{kind}"
        return f"the {kind} {given}" if names.may_be_quoted(given) else f"the {kind} in {where}"

    def __repr__(self) -> str:
        return f"Target {self.label}"


class Settled(NamedTuple):
    """What became of one account. ``unanswered``: an earlier request with the same password may still arrive."""

    id: Optional[str]
    name: Optional[str]
    outcome: outcomes.Outcome
    error: Optional[Dict[str, Any]] = None
    unanswered: bool = False

    def as_dict(self) -> Dict[str, Any]:
        """Return it as modules report it."""
        return {**self._asdict(), "outcome": self.outcome.word(CONFIRMED)}


def targets(options: Mapping[str, Any]) -> List[Target]:
    """Return the accounts whose passwords a task sets, with their new passwords. Raises ConfigurationError."""
    if options["accounts"] is None:
        return [Target(_ONLY, options["id"], options["name"], options["password"], tenants.TASK)]
    if not options["accounts"]:
        raise errors.ConfigurationError("accounts is an empty list.", hint="List at least one account.")
    return [
        Target(
            place=f"accounts[{at}]",
            id=item["id"],
            name=item["name"],
            password=item["password"],
            # What is empty was not given, as everywhere.
            tenant=tenants.Tenant(item["access_key"] or None, item["secret_key"] or None, item["profile"] or None),
        )
        for at, item in enumerate(options["accounts"])
    ]


def check_targets(targets: Sequence[Target]) -> None:
    """Raise ConfigurationError for the first fault in any target. Sends nothing."""
    seen: Dict[Tuple[tenants.Tenant, Optional[str], Optional[str]], str] = {}
    for target in targets:
        if target.id is not None:
            names.check_account_id(target.id, target.place)
        if target.name is not None:
            names.check_account_name(target.name, target.place)
        if not target.password:
            raise errors.ConfigurationError(f"{target.label} has no password. Nothing was sent.", hint="Give it one.")
        faults = rules.password_faults(target.password)
        if faults:
            raise errors.ConfigurationError(
                f"The password of {target.label} breaks the published rules: {'; '.join(faults)}. Nothing was sent.",
                hint="Choose another password.",
            )
        key = (target.tenant, target.id, target.name)
        if key in seen:
            raise _same_account(target.label, seen[key])
        seen[key] = target.label


def _same_account(label: str, other: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"{label} is the same account as {other}. Nothing was sent.", hint="List each account once."
    )


def doubts(targets: Sequence[Target]) -> List[str]:
    """Return warnings about passwords that only some revisions of the published rules refuse. None is quoted."""
    labels: Dict[str, List[str]] = {}
    for target in targets:
        found = rules.password_doubts(target.password) if target.password else []
        if found:
            labels.setdefault("; ".join(found), []).append(target.label)
    return [
        f"The vendor may reject the password of {_some(of)}: {why}. Its published rules disagree about that."
        for why, of in labels.items()
    ]


def _some(labels: Sequence[str]) -> str:
    more = len(labels) - _MOST_LABELS
    return ", ".join(labels[:_MOST_LABELS]) + (f" and {more} more" if more > 0 else "")


def reset_passwords(
    targets: Sequence[Target],
    client_of: Callable[[tenants.Tenant], dataforest.DataForest],
    *,
    check_mode: bool = False,
    concurrency: int = 8,
    max_failures: Optional[int] = None,
) -> List[Settled]:
    """Set the passwords of all targets, and return what became of each, in the same order.

    Names are looked up before the first reset. In check mode everything is looked up and nothing is reset. After
    ``max_failures`` accounts have failed no further reset is begun, and the rest are reported as skipped.
    Raises ConfigurationError when two targets turn out to be one account.
    """
    check_targets(targets)
    workers.check_limits(concurrency, max_failures)
    found = _look_up(targets, client_of, check_mode, concurrency)
    _refuse_same_account(targets, found)

    failures = _Count(max_failures)
    for error in found:
        if isinstance(error, errors.KrcloudError):
            failures.add()

    def settle(at: int) -> Settled:
        target, account_id = targets[at], found[at]
        if isinstance(account_id, errors.KrcloudError):
            return _failed(target, None, account_id)
        if failures.reached:
            skipped = errors.SkippedError(f"Not tried: max_failures ({max_failures}) was reached.")
            return _failed(target, account_id, skipped)
        if check_mode:
            return Settled(account_id, target.name, outcomes.Outcome.CONFIRMED)
        settled = _reset(target, account_id, client_of)
        if settled.error:
            failures.add()
        return settled

    return workers.in_parallel(settle, range(len(targets)), concurrency)


def _reset(target: Target, account_id: str, client_of: Callable[[tenants.Tenant], dataforest.DataForest]) -> Settled:
    try:
        unanswered = client_of(target.tenant).reset_password(account_id, target.password)
    except errors.KrcloudError as error:
        if error.outcome is outcomes.Outcome.UNKNOWN:
            error.hint = "Either password may be the current one. Run the task again with the same new password."
        elif error.outcome is outcomes.Outcome.REJECTED:
            error.hint = error.hint or "If the reason is about the password, choose another one."
        return _failed(target, account_id, error)
    except Exception as error:  # the other accounts must still be reported
        return _failed(target, account_id, errors.internal_error(error))
    return Settled(account_id, target.name, outcomes.Outcome.CONFIRMED, unanswered=unanswered)


def _failed(target: Target, account_id: Optional[str], error: errors.KrcloudError) -> Settled:
    return Settled(account_id or target.id, target.name, error.outcome, error.as_dict())


# ------------------------------------------------------------------------------------------------------------- look-up

_Found = Union[str, errors.KrcloudError]


def _look_up(
    targets: Sequence[Target],
    client_of: Callable[[tenants.Tenant], dataforest.DataForest],
    check_mode: bool,
    concurrency: int,
) -> List[_Found]:
    """Return the id of each target, or why it has none.

    No list is asked for because of ids alone, except in check mode. But an id is looked up if there is a list.
    """
    of_tenant: Dict[tenants.Tenant, List[int]] = {
        target.tenant: [] for target in targets if check_mode or target.id is None
    }
    for at, target in enumerate(targets):
        if target.tenant in of_tenant:
            of_tenant[target.tenant].append(at)
    found: List[_Found] = [str(target.id) for target in targets]

    def look_up(tenant: tenants.Tenant, short: bool) -> List[_Found]:
        # Nothing else of a list is kept: those of a thousand tenants may not fit in memory.
        return _find(lambda: client_of(tenant), [targets[at] for at in of_tenant[tenant]], short)

    asked = list(of_tenant)
    for tenant, ids in zip(asked, dataforest.in_turn(look_up, asked, concurrency)):
        for at, account_id in zip(of_tenant[tenant], ids):
            found[at] = account_id
    return found


def _find(client_of: Callable[[], dataforest.DataForest], targets: Sequence[Target], short: bool) -> List[_Found]:
    """Return the ids of targets of one tenant, or why they have none."""
    try:
        directory = accounts.Directory(client_of().list_accounts(short=short).accounts, accounts.id_and_name)
    except errors.KrcloudError as error:
        # The error is kept, and its traceback would keep the answer.
        error.__context__ = None
        return [error.with_traceback(None)] * len(targets)
    return [_one_of(directory.find(target.id, target.name), target) for target in targets]


def _one_of(found: Sequence[accounts.Account], target: Target) -> _Found:
    ids = {account.id for account in found}
    if not ids:
        return accounts.not_found(target.wanted)
    return ids.pop() if len(ids) == 1 else accounts.ambiguous(target.wanted, "Specify the account by its id.")


def _refuse_same_account(targets: Sequence[Target], found: Sequence[_Found]) -> None:
    seen: Dict[str, str] = {}
    for target, account_id in zip(targets, found):
        if isinstance(account_id, str):
            if account_id in seen:
                raise _same_account(target.label, seen[account_id])
            seen[account_id] = target.label


class _Count:
    """Counts failures across threads."""

    def __init__(self, limit: Optional[int]) -> None:
        self._limit = limit
        self._lock = Lock()
        self._count = 0

    def add(self) -> None:
        with self._lock:
            self._count += 1

    @property
    def reached(self) -> bool:
        return self._limit is not None and self._count >= self._limit


# -------------------------------------------------------------------------------------------------------------- result


def result_of(rows: Sequence[Settled]) -> Dict[str, Any]:
    """Return the result of a task, which fails unless every password was set."""
    result: Dict[str, Any] = {
        "changed": any(row.outcome in (outcomes.Outcome.CONFIRMED, outcomes.Outcome.UNKNOWN) for row in rows),
        "accounts": [row.as_dict() for row in rows],
    }
    bad = [row for row in rows if row.outcome is not outcomes.Outcome.CONFIRMED]
    if not bad:
        return result
    if len(rows) == 1 and bad[0].error:
        return {**result, "failed": True, "msg": f"{_prefix(bad[0])}{_why(bad[0])}", "error": bad[0].error}
    return {**result, "failed": True, "msg": _summary(rows, bad)}


def _summary(rows: Sequence[Settled], bad: Sequence[Settled]) -> str:
    counts = Counter(row.outcome for row in bad)
    kinds = ", ".join(f"{counts[kind]} {kind.word(CONFIRMED)}" for kind in outcomes.Outcome if counts[kind])
    first = next((row for row in bad if row.outcome is not outcomes.Outcome.SKIPPED), bad[0])
    place = _prefix(first) or f"accounts[{rows.index(first)}]: "
    why = f" The first is {place}{_why(first)}" if first.error else ""
    # After a rejection the same password would be rejected again, and an unknown outcome says itself what to do.
    again = (
        ""
        if counts[outcomes.Outcome.REJECTED] or first.outcome is outcomes.Outcome.UNKNOWN
        else " It is safe to run the task again with the same passwords."
    )
    return f"{len(bad)} of {len(rows)} accounts were not reset: {kinds}.{why} See accounts for each.{again}"


def _prefix(row: Settled) -> str:
    given = row.name or row.id or ""
    return f"{given}: " if names.may_be_quoted(given) else ""


def _why(row: Settled) -> str:
    error = row.error or {}
    return " ".join(error[part] for part in ("message", "hint") if error.get(part))
