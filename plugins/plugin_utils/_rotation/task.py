# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation task: from its options to accounts, through the store and the password module, to its result.

Two things are given to it: a store, and a way to run a module of this collection on the target host.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._call.rate import RateLimiter
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    NotFoundError,
    ProtocolError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe, may_be_quoted, shown
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import check_limits
from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import controller_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import generate_password, password_faults
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.durations import (
    duration_text,
    parse_duration,
    parse_percentage,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    NewAccounts,
    Policy,
    Standing,
    Verdict,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run import (
    FAILURES,
    OUTCOMES,
    Answer,
    Result,
    Rotation,
    Send,
    Wanted,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import carry_out

# Runs a module by its short name with these options, and returns its result.
RunModule = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

ACCOUNTS_MODULE = "ncp_dataforest_account_info"
RESET_MODULE = "ncp_dataforest_password"

_RUN_AGAIN = "Run the task again: what was begun is resumed."
_CREDENTIALS = ("access_key", "secret_key", "profile")
# What ncp_dataforest_account_info tells of an account beside its id and name.
_LISTED_TOO = ("principal", "status", "disabled", "created_at")
_VERDICTS = {
    "reset": Verdict.CONFIRMED,
    "rejected": Verdict.REJECTED,
    "unknown": Verdict.UNKNOWN,
    "failed": Verdict.WITHHELD,
    "skipped": Verdict.SKIPPED,
}
# How many accounts the message of a task explains. All are in its result.
MOST_REASONS = 10
# The kinds of failure of a whole task that prove that nothing was sent.
_NOTHING_SENT = ("configuration", "transport")


def rotation_spec() -> Spec:
    """Return the argument spec of the task."""
    account: Spec = {name: {"type": "str"} for name in ("name", "id", "profile")}
    account["access_key"] = {"type": "str", "no_log": False}
    account["secret_key"] = {"type": "str", "no_log": True}
    account.update({name: {"type": "raw"} for name in _LISTED_TOO})
    return controller_spec(
        DATAFOREST,
        {
            "accounts": {
                "type": "list",
                "elements": "dict",
                "options": account,
                "mutually_exclusive": [("profile", "access_key"), ("profile", "secret_key")],
                "required_one_of": [("id", "name")],
                "required_together": [("access_key", "secret_key")],
            },
            "store": {"type": "dict", "required": True, "options": registry.argument_spec()},
            "max_age": {"type": "str", "default": "90d"},
            "jitter": {"type": "str", "default": "10%"},
            "force": {"type": "bool", "default": False},
            "new_accounts": {"type": "str", "choices": [each.value for each in NewAccounts], "default": "fail"},
            "password_length": {"type": "int", "default": 20, "no_log": False},
            "concurrency": {"type": "int", "default": 8},
            "batch_size": {"type": "int", "default": 1000},
            "max_failures": {"type": "int"},
            "requests_per_second": {"type": "float"},
        },
    )


class _Row(NamedTuple):
    """One row of the result: an account that a run can be about, or one that cannot even be asked for in the store.

    ``credentials`` are its own ones, if it has any.
    """

    label: str | None
    credentials: Mapping[str, str | None] = {}
    wanted: Wanted | None = None
    error: KrcloudError | None = None

    def __repr__(self) -> str:
        return f"_Row({self.label})"


class RotationTask:
    """One task with validated options. All methods raise the errors of `errors`.

    ``given`` are the names of the options that the user wrote, those without a value too.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        store: Store,
        run_module: RunModule,
        *,
        progress: Callable[[int, int, int], None],
        given: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._given = given
        self._store = store
        self._run_module = run_module
        # Before anything is committed: what the password module would refuse only after that.
        check_limits(options["concurrency"], options["max_failures"])
        RateLimiter(options["requests_per_second"])
        generate_password(options["password_length"], secrets.token_bytes)
        self._rotation = Rotation(
            Policy(
                parse_duration(options["max_age"], "max_age"),
                parse_percentage(options["jitter"], "jitter"),
                options["force"],
                NewAccounts(options["new_accounts"]),
            ),
            generate=lambda: generate_password(options["password_length"], secrets.token_bytes),
            new_id=lambda: str(uuid.uuid4()),
            clock=clock,
            faults=password_faults,
            batch_size=options["batch_size"],
            max_failures=options["max_failures"],
            progress=progress,
        )

    def run(self, check_mode: bool, *, diff: bool = False) -> dict[str, Any]:
        """Rotate, or in check mode predict, and return the result of the task, with a ``diff`` if asked for."""
        rows = self._find_accounts()
        wanted = [row.wanted for row in rows if row.wanted]
        # By ID: with a name the module would have to look it up once more.
        self._targets = {
            row.wanted.account.name: {"id": row.wanted.account.id, **row.credentials} for row in rows if row.wanted
        }
        steps = self._rotation.predict(wanted) if check_mode else self._rotation.run(wanted)
        settled = iter(carry_out(steps, self._store, self._send))
        results = [next(settled) if row.wanted else _without_a_name(row) for row in rows]
        result = _task_result(results)
        if not rows:
            result["warnings"] = [
                "These credentials see no account, so there is nothing to rotate. Check whose they are."
            ]
        if diff:
            result["diff"] = _diff(results)
        return result

    # ------------------------------------------------------------------------------------------------ accounts

    def _find_accounts(self) -> list[_Row]:
        items = self._options["accounts"]
        if items:
            return _each_once(self._named(items))
        if items is not None or "accounts" in self._given:
            raise ConfigurationError(
                "accounts is given, and names no account.", hint="Name accounts, or leave the option out for all."
            )
        listed = self._list({})
        rows = [_listed_row(row, self._options.get("profile")) for row in listed.accounts]
        return _each_once([*rows, *listed.unusable])

    def _named(self, items: Sequence[Mapping[str, Any]]) -> list[_Row]:
        known: dict[tuple[Any, ...], _Listing | KrcloudError] = {}
        rows = []
        for at, item in enumerate(items):
            credentials = {name: item[name] for name in _CREDENTIALS if item[name]}
            if not (item["name"] or item["id"]):
                rows.append(_Row(None, credentials, error=_empty(at)))
                continue
            fault = next((key for key in ("name", "id") if item[key] and not is_safe(item[key])), None)
            if fault:
                rows.append(_Row(None, credentials, error=_unsafe(f"The {fault} of accounts[{at}]", fault)))
                continue
            key = tuple(credentials.items())
            if key not in known and not (item["name"] and item["id"]):
                try:
                    known[key] = self._list(credentials)
                except KrcloudError as error:
                    known[key] = error
            rows.append(_match(at, item, credentials, known.get(key), self._options.get("profile")))
        names = Counter(row.wanted.account.name for row in rows if row.wanted and not row.wanted.error)
        double = next((name for name, count in names.items() if count > 1), None)
        if double:
            raise ConfigurationError(
                f"accounts names {double} more than once; nothing was sent.",
                hint="Name each account once. Accounts of two tenants that have the same name need a store for each.",
            )
        return rows

    def _list(self, credentials: Mapping[str, str | None]) -> _Listing:
        result = self._run_module(ACCOUNTS_MODULE, self._module_options(credentials))
        if result.get("failed") or not isinstance(result.get("accounts"), list):
            raise _error_of(result)
        unusable = [_Row(None, error=ProtocolError(str(row.get("reason")))) for row in result.get("unusable") or ()]
        return _Listing(result["accounts"], unusable, _by_name_and_id(result["accounts"]))

    def _module_options(self, credentials: Mapping[str, str | None]) -> dict[str, Any]:
        shared = {
            name: self._options[name]
            for name in (*DATAFOREST.options, *CONNECTION)
            if self._options.get(name) is not None
        }
        if not credentials:
            return shared
        return {**{name: value for name, value in shared.items() if name not in _CREDENTIALS}, **credentials}

    def _send(self, effect: Send) -> dict[str, Answer]:
        accounts = [{**self._targets[name], "password": password} for name, password in effect.passwords.items()]
        options = self._module_options({})
        options.update({name: self._options[name] for name in ("concurrency", "requests_per_second")})
        result = self._run_module(RESET_MODULE, {**options, "accounts": accounts, "max_failures": effect.max_failures})
        rows = result.get("accounts")
        if not isinstance(rows, list) or len(rows) != len(accounts):
            error = _error_of(result)
            answer = Answer(Verdict.WITHHELD if error.kind in _NOTHING_SENT else Verdict.UNKNOWN, error.as_dict())
            return dict.fromkeys(effect.passwords, answer)
        return {name: _answer(row, self._targets[name]["id"]) for name, row in zip(effect.passwords, rows, strict=True)}


def _answer(row: Any, account_id: str | None) -> Answer:
    """Return what a row of the password module says. Whatever it does not say plainly is not known."""
    if not isinstance(row, Mapping) or row.get("id") != account_id:
        return Answer(Verdict.UNKNOWN, UnknownOutcomeError("The module reported another account.").as_dict())
    return Answer(
        _VERDICTS.get(str(row.get("outcome")), Verdict.UNKNOWN), row.get("error"), row.get("unanswered") is True
    )


# ---------------------------------------------------------------------------------------------------------- accounts


class _Listing(NamedTuple):
    """What one set of credentials sees: rows of the module, and those of them that cannot be used.

    ``by`` has each account under ("name", its name) and under ("id", its id), and None where several have that.
    """

    accounts: Sequence[Mapping[str, Any]]
    unusable: Sequence[_Row]
    by: Mapping[tuple[str, Any], Mapping[str, Any] | None]


def _by_name_and_id(accounts: Sequence[Mapping[str, Any]]) -> dict[tuple[str, Any], Mapping[str, Any] | None]:
    by: dict[tuple[str, Any], Mapping[str, Any] | None] = {}
    for row in accounts:
        names = ("name", row.get("name")), ("id", row.get("id"))
        for key, (other, value) in zip(names, reversed(names), strict=True):
            first = by.setdefault(key, row)
            if first is not row and first is not None and first.get(other) != value:
                by[key] = None
    return by


def _listed_row(row: Mapping[str, Any], profile: str | None, *, named: bool = False) -> _Row:
    """Return an account of a list. What the vendor calls it goes into the store, so it has to be safe."""
    account_id, name = row.get("id"), row.get("name")
    for key, value in (("id", account_id), ("name", name)):
        if not isinstance(value, str) or not is_safe(value):
            place = "An account of the list" if key == "id" else f"The account with the id {shown(str(account_id))}"
            return _Row(None, error=_unsafe(f"{place}: its {key}", key))
    return _Row(str(name), wanted=Wanted(Account(str(account_id), str(name), profile), named))


def _unsafe(place: str, key: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} is not valid: {RULE}.",
        hint=f"Correct the {key}. Nothing was sent for this account.",
    )


def _empty(at: int) -> ConfigurationError:
    return ConfigurationError(
        f"accounts[{at}] has neither a name nor an id.", hint="Give one of them. Nothing was sent for this row."
    )


def _match(
    at: int,
    item: Mapping[str, Any],
    credentials: Mapping[str, str | None],
    listed: _Listing | KrcloudError | None,
    profile: str | None,
) -> _Row:
    """Return what a row of the user is about, given what its credentials see; None: it has id and name."""
    profile = item["profile"] or (None if credentials else profile)
    # A row of a list has an id as well, but nobody wrote it there.
    named = bool(item["id"]) and all(item[key] is None for key in _LISTED_TOO)
    if item["name"] and item["id"]:
        return _listed_row(item, profile, named=named)._replace(credentials=credentials)
    key = "name" if item["name"] else "id"
    label = item[key] if may_be_quoted(item[key]) else f"accounts[{at}]"
    error = listed if isinstance(listed, KrcloudError) else _absent(key, label, at)
    if isinstance(listed, _Listing) and (key, item[key]) in listed.by:
        row = listed.by[key, item[key]]
        if row is not None:
            return _listed_row(row, profile, named=named)._replace(credentials=credentials)
        error = _several(key, label, at)
    if key == "name":
        return _Row(label, credentials, Wanted(Account(None, item["name"], profile), error=error))
    return _Row(label, credentials, error=error)


def _absent(key: str, label: str, at: int) -> NotFoundError:
    return NotFoundError(
        f"There is no account with {_what(key, label, at)}, or these credentials may not see it.",
        hint=f"{ACCOUNTS_MODULE} lists those they see.",
    )


def _several(key: str, label: str, at: int) -> NotFoundError:
    return NotFoundError(
        f"There are several accounts with {_what(key, label, at)}.",
        hint="Give both the name and the id of the one that is meant.",
    )


def _what(key: str, label: str, at: int) -> str:
    return f"the {key} {label}" if label != f"accounts[{at}]" else f"the {key} of {label}"


def _each_once(rows: Sequence[_Row]) -> list[_Row]:
    """Let the first of several rows about one name, or about one id of one tenant, stand, and fail the others."""
    names: set[str] = set()
    ids: set[tuple[str, tuple[Any, ...]]] = set()
    unlike = []
    for row in rows:
        account = row.wanted.account if row.wanted else None
        if account is None:
            unlike.append(row)
            continue
        key = (account.id, tuple(row.credentials.items())) if account.id else None
        if account.name in names or key in ids:
            what = f"name {account.name}" if account.name in names else f"id {shown(str(account.id))}"
            error = row.wanted.error if row.wanted else None
            row = row._replace(wanted=None, error=error or _double(what))
        names.add(account.name)
        if key:
            ids.add(key)
        unlike.append(row)
    return unlike


def _double(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is more than one account with the {what}; the first one had its turn.",
        hint="Accounts of two tenants that have the same name need a store for each tenant.",
    )


def _without_a_name(row: _Row) -> Result:
    """Return the result of an account that the store cannot be asked for."""
    error = row.error.as_dict() if row.error else None
    return Result(Account(None, row.label or "", row.credentials.get("profile")), "failed", error=error)


class _ReportedError(KrcloudError):
    """The failure of a module, as the module has reported it."""

    def __init__(self, kind: str, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.kind = kind


def _error_of(result: Mapping[str, Any]) -> KrcloudError:
    """Return the failure that a module has reported, or that kept it from reporting."""
    error = result.get("error")
    message = str(result.get("msg") or "The module ended without a result.")
    if not isinstance(error, Mapping):
        return UnknownOutcomeError(message, hint=_RUN_AGAIN)
    details = {name: error.get(name) for name in ("hint", "http_status", "vendor_code", "trace_id")}
    return _ReportedError(str(error.get("kind")), str(error.get("message") or message), **details)


def _diff(results: Sequence[Result]) -> dict[str, str]:
    """Return ages and states of the accounts that changed, a line for each, before and after."""
    changed = [(result.account.name, result.before, result.after) for result in results]
    lines = [
        (f"{name}: {_shown(before)}\n", f"{name}: {_shown(after)}\n")
        for name, before, after in changed
        if before is not None and after is not None and before != after
    ]
    return {"before": "".join(line[0] for line in lines), "after": "".join(line[1] for line in lines)}


def _shown(standing: Standing) -> str:
    age = "" if standing.age is None else f", {duration_text(standing.age)} old"
    if standing.age is not None and standing.age < 0:
        age = f", dated {duration_text(-standing.age)} in the future"
    pending = f", {standing.pending} pending" if standing.pending else ""
    return f"{standing.state}{age}{pending}"


def _task_result(results: Sequence[Result]) -> dict[str, Any]:
    counts = Counter(result.outcome for result in results)
    rows = [
        {
            "name": result.account.name or None,
            "id": result.account.id,
            "profile": result.account.profile,
            "outcome": result.outcome,
            "rotation_id": result.rotation_id,
            "rotated_at": result.rotated_at,
            "previously_rotated_at": result.previously_rotated_at,
            "next_due_at": result.next_due_at,
            "published": result.published,
            "hand_over": result.hand_over,
            "hand_over_begun": result.hand_over_begun,
            "error": dict(result.error) if result.error else None,
        }
        for result in results
    ]
    task: dict[str, Any] = {
        "changed": any(
            result.outcome in ("rotated", "resumed", "rejected", "unknown") or result.before != result.after
            for result in results
        ),
        "accounts": rows,
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
    }
    bad = [row for row in rows if row["outcome"] in FAILURES]
    if bad:
        said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in (*FAILURES, "skipped") if counts[outcome])
        reasons = " ".join(map(_reason, bad[:MOST_REASONS]))
        more = f" And {len(bad) - MOST_REASONS} more: see accounts." if len(bad) > MOST_REASONS else ""
        task["failed"] = True
        task["msg"] = (
            f"{len(bad)} of {len(rows)} accounts need attention: {said}. {reasons}{more} "
            "A further run resumes what was begun, and leaves alone what is done."
        )
    return task


def _reason(row: Mapping[str, Any]) -> str:
    error: Mapping[str, Any] = row["error"] or {}
    why = " ".join(str(error[part]) for part in ("message", "hint") if error.get(part))
    return f"{row['name']}: {why}" if row["name"] else why
