# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""A rotation task: from its options to accounts, through the store and the password module, to its result.

Two things are given to it: a store, and a way to run a module of this collection on the target host.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import (
    ConfigurationError,
    KrcloudError,
    NotFoundError,
    TransportError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._names import shown
from ansible_collections.krcloud.credentials.plugins.module_utils._options import (
    CONNECTION,
    NCP,
    Spec,
    controller_spec,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._pace import Pace, check_limits
from ansible_collections.krcloud.credentials.plugins.module_utils._password import generate_password
from ansible_collections.krcloud.credentials.plugins.plugin_utils import stores
from ansible_collections.krcloud.credentials.plugins.plugin_utils._duration import (
    duration_text,
    parse_duration,
    parse_percentage,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._effects import carry_out
from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import (
    NewAccounts,
    Policy,
    Standing,
    Verdict,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotator import (
    FAILURES,
    OUTCOMES,
    Answer,
    Result,
    Rotation,
    Send,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import Store

# Runs a module by its short name with these options, and returns its result.
RunModule = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
# What one set of credentials sees: each account under ("name", its name) and under ("id", its ID).
_Listed = Mapping[tuple[str, str], Mapping[str, Any]]

ACCOUNTS_MODULE = "ncp_dataforest_account_info"
RESET_MODULE = "ncp_dataforest_password"

_RUN_AGAIN = "Run the task again: what was begun is resumed."
_CREDENTIALS = ("access_key", "secret_key", "profile")
_VERDICTS = {
    "reset": Verdict.CONFIRMED,
    "rejected": Verdict.REJECTED,
    "unknown": Verdict.UNKNOWN,
    "failed": Verdict.WITHHELD,
    "skipped": Verdict.SKIPPED,
}


def rotation_spec() -> Spec:
    """Return the argument spec of the task."""
    account: Spec = {name: {"type": "str"} for name in ("name", "id", "profile")}
    account["access_key"] = {"type": "str", "no_log": False}
    account["secret_key"] = {"type": "str", "no_log": True}
    return controller_spec(
        "ncp",
        {
            "accounts": {
                "type": "list",
                "elements": "dict",
                "options": account,
                "mutually_exclusive": [("id", "name"), ("profile", "access_key"), ("profile", "secret_key")],
                "required_one_of": [("id", "name")],
                "required_together": [("access_key", "secret_key")],
            },
            "store": {"type": "dict", "required": True, "options": stores.argument_spec()},
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


class _Wanted(NamedTuple):
    """One account that the task is about: what the user wrote, and what was found."""

    label: str
    credentials: Mapping[str, str | None]
    account: Account | None
    error: KrcloudError | None = None


class RotationTask:
    """One task with validated options. All methods raise the errors of ``_errors``."""

    def __init__(
        self,
        options: Mapping[str, Any],
        store: Store,
        run_module: RunModule,
        *,
        progress: Callable[[int, int, int], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._store = store
        self._run_module = run_module
        # Before anything is committed: what the password module would refuse only after that.
        check_limits(options["concurrency"], options["max_failures"])
        Pace(options["requests_per_second"])
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
            batch_size=options["batch_size"],
            max_failures=options["max_failures"],
            progress=progress,
        )

    def run(self, check_mode: bool, *, diff: bool = False) -> dict[str, Any]:
        """Rotate, or in check mode predict, and return the result of the task, with a ``diff`` if asked for."""
        wanted = self._find_accounts()
        found = [row.account for row in wanted if row.account]
        # By ID: with a name the module would have to look it up once more.
        self._targets = {row.account.name: {"id": row.account.id, **row.credentials} for row in wanted if row.account}
        steps = self._rotation.predict(found) if check_mode else self._rotation.run(found)
        results = iter(carry_out(steps, self._store, self._send))
        rows = [
            next(results) if row.account else Result(Account(None, row.label, None), "failed", error=_as_dict(row))
            for row in wanted
        ]
        result = _task_result(rows)
        if not rows:
            result["warnings"] = [
                "These credentials see no account, so there is nothing to rotate. Check whose they are."
            ]
        if diff:
            result["diff"] = _diff(rows)
        return result

    # ------------------------------------------------------------------------------------------------ accounts

    def _find_accounts(self) -> list[_Wanted]:
        if self._options["accounts"] is None:
            listed = self._list({})
            return [_Wanted(row["name"], {}, _account(row, None)) for row in listed]
        if not self._options["accounts"]:
            raise ConfigurationError(
                "accounts is an empty list.", hint="Name accounts, or leave the option out for all."
            )
        known: dict[tuple[Any, ...], _Listed | KrcloudError] = {}
        wanted = []
        for item in self._options["accounts"]:
            credentials = {name: item[name] for name in _CREDENTIALS if item[name]}
            key = tuple(credentials.items())
            if key not in known:
                try:
                    known[key] = _by_name_and_id(self._list(credentials))
                except KrcloudError as error:
                    known[key] = error
            wanted.append(_match(item, credentials, known[key]))
        names = [row.account.name for row in wanted if row.account]
        double = next((name for name, count in Counter(names).items() if count > 1), None)
        if double:
            raise ConfigurationError(f"accounts names {double} more than once.", hint="Name each account once.")
        return wanted

    def _list(self, credentials: Mapping[str, str | None]) -> list[Mapping[str, Any]]:
        result = self._run_module(ACCOUNTS_MODULE, self._module_options(credentials))
        if result.get("failed") or not isinstance(result.get("accounts"), list):
            raise _error_of(result)
        return [row for row in result["accounts"] if row.get("name")]

    def _module_options(self, credentials: Mapping[str, str | None]) -> dict[str, Any]:
        shared = {name: self._options[name] for name in (*NCP, *CONNECTION) if self._options.get(name) is not None}
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
            # Options that are refused are refused before anything is sent, and neither is anything by a module that
            # never began; of all other failures nothing is known.
            refused = error.kind in (ConfigurationError.kind, TransportError.kind)
            answer = Answer(Verdict.WITHHELD if refused else Verdict.UNKNOWN, error.as_dict())
            return dict.fromkeys(effect.passwords, answer)
        return {
            name: Answer(_VERDICTS.get(row.get("outcome"), Verdict.UNKNOWN), row.get("error"))
            for name, row in zip(effect.passwords, rows, strict=True)
        }


def _account(row: Mapping[str, Any], profile: str | None) -> Account:
    return Account(str(row["id"]), str(row["name"]), profile)


def _by_name_and_id(listed: Iterable[Mapping[str, Any]]) -> _Listed:
    return {(key, row[key]): row for row in listed for key in ("name", "id")}


def _match(item: Mapping[str, Any], credentials: Mapping[str, str | None], listed: _Listed | KrcloudError) -> _Wanted:
    label = shown(item["name"] or item["id"])
    if isinstance(listed, KrcloudError):
        return _Wanted(label, credentials, None, listed)
    key = "name" if item["name"] else "id"
    row = listed.get((key, item[key]))
    if row is not None:
        return _Wanted(label, credentials, _account(row, item["profile"]))
    missing = NotFoundError(
        f"There is no account with the {key} {label}, or these credentials may not see it.",
        hint=f"{ACCOUNTS_MODULE} lists those they see.",
    )
    return _Wanted(label, credentials, None, missing)


def _as_dict(row: _Wanted) -> dict[str, Any] | None:
    return row.error.as_dict() if row.error else None


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
    pending = f", {standing.pending} pending" if standing.pending else ""
    return f"{standing.state}{age}{pending}"


def _task_result(results: Sequence[Result]) -> dict[str, Any]:
    counts = Counter(result.outcome for result in results)
    rows = [
        {
            "name": result.account.name,
            "id": result.account.id,
            "outcome": result.outcome,
            "rotation_id": result.rotation_id,
            "rotated_at": result.rotated_at,
            "next_due_at": result.next_due_at,
            "published": result.published,
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
        first: Mapping[str, Any] = next(result.error or {} for result in results if result.outcome in FAILURES)
        why = " ".join(str(first[part]) for part in ("message", "hint") if first.get(part))
        task["failed"] = True
        task["msg"] = (
            f"{len(bad)} of {len(rows)} accounts need attention: {said}. The first is {bad[0]['name']}: {why} "
            "A further run resumes what was begun, and leaves alone what is done."
        )
    return task
