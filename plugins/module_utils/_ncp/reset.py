# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set the passwords of one or of thousands of accounts in one task: look up, check everything, then reset."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, names, workers
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import dataforest, keys, rules

_ONLY = "the account"
_MOST_LABELS = 10
OUTCOMES = ("reset", "rejected", "unknown", "failed", "skipped")


class Target(NamedTuple):
    """One account and the password it is to get. Exactly one of ``id`` and ``name`` is set.

    ``place`` is where it stands in the options, ``tenant`` which credentials are used for it.
    """

    place: str
    id: Optional[str]
    name: Optional[str]
    password: str
    tenant: keys.Tenant

    @property
    def label(self) -> str:
        """What the account is called in messages. What may be anything but a name or an id is not quoted."""
        given = self.name or self.id or ""
        return f"{self.place} ({given})" if names.may_be_quoted(given) else self.place

    @property
    def wanted(self) -> str:
        """What was asked for, such as "name df001", or where that stands."""
        kind, given = ("id", self.id) if self.id is not None else ("name", self.name or "")
        where = f"the option {kind}" if self.place == _ONLY else f"{self.place}.{kind}"
        return f"{kind} {given}" if names.may_be_quoted(given) else f"{kind} in {where}"

    def __repr__(self) -> str:
        return f"Target {self.label}"


class Outcome(NamedTuple):
    """What became of one account. ``outcome`` is one of `OUTCOMES`."""

    id: Optional[str]
    name: Optional[str]
    outcome: str
    error: Optional[Dict[str, Any]] = None
    unanswered: bool = False

    def as_dict(self) -> Dict[str, Any]:
        """Return the outcome as modules report it."""
        return self._asdict()


def targets(options: Mapping[str, Any]) -> List[Target]:
    """Return what a task is to reset: one account, or a list of them. Raises ConfigurationError."""
    if options["accounts"] is None:
        return [Target(_ONLY, options["id"], options["name"], options["password"], keys.TASK)]
    if not options["accounts"]:
        raise errors.ConfigurationError("accounts is an empty list.", hint="Name at least one account.")
    return [
        Target(
            place=f"accounts[{at}]",
            id=item["id"],
            name=item["name"],
            password=item["password"],
            tenant=keys.Tenant(item["access_key"], item["secret_key"], item["profile"]),
        )
        for at, item in enumerate(options["accounts"])
    ]


def check_targets(targets: Sequence[Target]) -> None:
    """Raise ConfigurationError for the first thing that is wrong with any target. Sends nothing."""
    seen: Dict[Tuple[keys.Tenant, Optional[str], Optional[str]], str] = {}
    for target in targets:
        if target.id is not None:
            names.check_account_id(target.id, target.place)
        if target.name is not None:
            names.check_account_name(target.name, target.place)
        faults = rules.password_faults(target.password)
        if faults:
            raise errors.ConfigurationError(
                f"The password of {target.label} breaks the published rules: {'; '.join(faults)}.",
                hint="Nothing was sent. Choose another one.",
            )
        key = (target.tenant, target.id, target.name)
        if key in seen:
            raise errors.ConfigurationError(
                f"{target.label} is the same account as {seen[key]}.", hint="Name each account once; nothing was sent."
            )
        seen[key] = target.label


def doubts(targets: Sequence[Target]) -> List[str]:
    """Return warnings of what only some revisions of the published rules refuse; none quotes a password."""
    labels: Dict[str, List[str]] = {}
    for target in targets:
        found = rules.password_doubts(target.password)
        if found:
            labels.setdefault("; ".join(found), []).append(target.label)
    return [
        f"The vendor may reject the password of {_some(of)}: {why}. Its published rules differ in that."
        for why, of in labels.items()
    ]


def _some(labels: Sequence[str]) -> str:
    more = len(labels) - _MOST_LABELS
    return ", ".join(labels[:_MOST_LABELS]) + (f" and {more} more" if more > 0 else "")


def reset_passwords(
    targets: Sequence[Target],
    client_of: Callable[[keys.Tenant], dataforest.DataForest],
    *,
    check_mode: bool = False,
    concurrency: int = 8,
    max_failures: Optional[int] = None,
) -> List[Outcome]:
    """Reset all targets and return their outcomes in the same order; none is left out.

    Names are looked up before the first reset. In check mode everything is looked up and nothing is reset. After
    ``max_failures`` accounts have failed no further reset is begun, and those left are reported as skipped.
    Raises ConfigurationError when two targets turn out to be one account.
    """
    check_targets(targets)
    workers.check_limits(concurrency, max_failures)

    tenants = list(dict.fromkeys(target.tenant for target in targets if check_mode or target.id is None))
    at_a_time = min(concurrency, dataforest.MOST_LISTS)
    listed = dict(zip(tenants, workers.in_parallel(lambda tenant: _listed(client_of, tenant), tenants, at_a_time)))
    found = [_find(target, listed.get(target.tenant)) for target in targets]
    _refuse_same_account(targets, found)

    failures = _Count(max_failures)
    for error in found:
        if isinstance(error, errors.KrcloudError):
            failures.add()

    def settle(at: int) -> Outcome:
        target, account_id = targets[at], found[at]
        if isinstance(account_id, errors.KrcloudError):
            return _failed(target, None, account_id)
        if failures.reached:
            return Outcome(
                account_id,
                target.name,
                "skipped",
                errors.SkippedError(f"Not tried: max_failures ({max_failures}) was reached.").as_dict(),
            )
        unanswered = False
        if not check_mode:
            try:
                unanswered = client_of(target.tenant).reset_password(account_id, target.password)
            except errors.KrcloudError as error:
                failures.add()
                if isinstance(error, errors.UnknownOutcomeError):
                    error.hint = (
                        "Either password may be the current one: run the task again with the same new password."
                    )
                return _failed(target, account_id, error)
            except Exception as error:  # the other accounts must still be reported
                failures.add()
                return _failed(target, account_id, errors.internal_error(error))
        return Outcome(account_id, target.name, "reset", unanswered=unanswered)

    return workers.in_parallel(settle, range(len(targets)), concurrency)


def _listed(
    client_of: Callable[[keys.Tenant], dataforest.DataForest], tenant: keys.Tenant
) -> Mapping[str, Optional[dataforest.Account]] | errors.KrcloudError:
    try:
        accounts = client_of(tenant).accounts().accounts
    except errors.KrcloudError as error:
        # It is kept, and where it comes from holds on to the answer.
        error.__context__ = None
        return error.with_traceback(None)
    # Ids and names cannot be mixed up: the one kind of lookup asks for an id, the other for a name.
    found: Dict[str, Optional[dataforest.Account]] = {f"id {account.id}": account for account in accounts}
    for account in accounts:
        if account.name is not None:
            other = found.get(f"name {account.name}", account)
            found[f"name {account.name}"] = account if other and other.id == account.id else None
    return found


def _find(
    target: Target, listed: Mapping[str, Optional[dataforest.Account]] | errors.KrcloudError | None
) -> str | errors.KrcloudError:
    if isinstance(listed, errors.KrcloudError):
        return listed
    if listed is None:
        return str(target.id)
    key = f"id {target.id}" if target.id is not None else f"name {target.name}"
    account = listed.get(key)
    if account is not None:
        return account.id
    if key in listed:
        return errors.NotFoundError(
            f"There are several accounts with the {target.wanted}.", hint="Give the id of the one that is meant."
        )
    return errors.NotFoundError(
        f"There is no account with the {target.wanted}, or these credentials may not see it.",
        hint="ncp_dataforest_account_info lists those they see, and says what cannot be used.",
    )


def _refuse_same_account(targets: Sequence[Target], found: Sequence[str | errors.KrcloudError]) -> None:
    seen: Dict[str, str] = {}
    for target, account_id in zip(targets, found):
        if isinstance(account_id, str) and account_id in seen:
            raise errors.ConfigurationError(
                f"{target.label} is the same account as {seen[account_id]}.",
                hint="Name each account once; nothing was sent.",
            )
        if isinstance(account_id, str):
            seen[account_id] = target.label


def _failed(target: Target, account_id: Optional[str], error: errors.KrcloudError) -> Outcome:
    outcome = "failed"
    if isinstance(error, (errors.UnknownOutcomeError, errors.InternalError)):
        outcome = "unknown"
    elif isinstance(error, errors.RejectedError) and not isinstance(error, errors.NotFoundError):
        outcome = "rejected"
    return Outcome(account_id or target.id, target.name, outcome, error.as_dict())


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


def _said_of(outcome: Outcome) -> str:
    given = outcome.name or outcome.id or ""
    return f"{given}: " if names.may_be_quoted(given) else ""


def result_of(outcomes: Sequence[Outcome]) -> Dict[str, Any]:
    """Return the result of a task: failed unless every account is reset."""
    result: Dict[str, Any] = {
        "changed": any(outcome.outcome in ("reset", "unknown") for outcome in outcomes),
        "accounts": [outcome.as_dict() for outcome in outcomes],
    }
    bad = [outcome for outcome in outcomes if outcome.outcome != "reset"]
    if not bad:
        return result
    if len(outcomes) == 1 and bad[0].error:
        error = bad[0].error
        message = " ".join(part for part in (error["message"], error["hint"]) if part)
        return {**result, "failed": True, "msg": f"{_said_of(bad[0])}{message}", "error": error}
    counts = Counter(outcome.outcome for outcome in bad)
    summary = ", ".join(f"{counts[kind]} {kind}" for kind in OUTCOMES if counts[kind])
    first = next((outcome for outcome in bad if outcome.outcome != "skipped"), bad[0])
    place = f"accounts[{outcomes.index(first)}]: "
    why = ""
    if first.error:
        why = " ".join(part for part in (first.error["message"], first.error["hint"]) if part)
        why = f" The first is {_said_of(first) or place}{why}"
    # An unknown outcome says so itself.
    again = (
        ""
        if counts["rejected"] or first.outcome == "unknown"
        else " It is safe to run the task again with the same passwords."
    )
    return {
        **result,
        "failed": True,
        "msg": f"{len(bad)} of {len(outcomes)} accounts were not reset: {summary}.{why} See accounts for each.{again}",
    }
