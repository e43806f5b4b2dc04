# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor, as a rotation sees it: two modules of this collection that run on the target host. No I/O of its own.

One lists accounts, the other sets passwords. Both get the options of the task that concern the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError, UnknownOutcomeError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome, of_word
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST

RunModule = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Runs a module by its short name with these options, and returns its result."""

ACCOUNTS_MODULE = "ncp_dataforest_account_info"
RESET_MODULE = "ncp_dataforest_password"

# The options that a row of `accounts` or `tenants` may have for itself.
CREDENTIALS = ("access_key", "secret_key", "profile")
# The options about how many requests there may be.
_PACE = ("concurrency", "requests_per_second")

# The word of the password module for a confirmation.
_RESET = "reset"
# The kinds of failure of a whole module run that prove that it sent nothing.
_NOTHING_SENT = ("configuration", "transport")


Credentials = Mapping[str, str | None]
"""What an account is reached with: nothing for the credentials of the task, a profile, or two keys."""


class Whose(NamedTuple):
    """By what a result tells whose an account is: what names the credentials that were used for it."""

    profile: str | None
    access_key: str | None

    def __repr__(self) -> str:
        return "Whose"


def whose(credentials: Mapping[str, Any]) -> Whose:
    """Return what names these credentials."""
    return Whose(credentials.get("profile"), credentials.get("access_key"))


def credentials_in(options: Mapping[str, Any]) -> Credentials:
    """Return the credentials in the options of a task or in a row of the user."""
    return {name: options[name] for name in CREDENTIALS if options.get(name)}


class Send(NamedTuple):
    """Set these passwords, but begin no more after ``max_failures``. Answered with an `Answer` for each name."""

    passwords: Mapping[str, str]
    max_failures: int | None = None

    def __repr__(self) -> str:
        return f"Send({', '.join(self.passwords)})"


class Answer(NamedTuple):
    """What the vendor said about one password. ``error`` is as `KrcloudError.as_dict` renders it.

    ``unanswered`` says that an earlier request with this password got no answer, and may still arrive.
    """

    outcome: Outcome
    error: Mapping[str, Any] | None = None
    unanswered: bool = False


class Listing(NamedTuple):
    """What one set of credentials sees: rows of the module, and why others of its list cannot be used."""

    accounts: list[Mapping[str, Any]]
    unusable: list[str]

    def __repr__(self) -> str:
        return f"Listing of {len(self.accounts)}"


class Vendor:
    """Lists accounts and sets their passwords. ``options`` are the validated options of the task."""

    def __init__(self, options: Mapping[str, Any], run_module: RunModule) -> None:
        self._options = options
        self._run_module = run_module

    def list_own(self) -> Listing:
        """Return what the credentials of the task see. Raises KrcloudError."""
        result = self._run_module(ACCOUNTS_MODULE, self._shared())
        if result.get("failed") or not isinstance(result.get("accounts"), list):
            raise _error_of(result)
        return Listing(result["accounts"], [str(row.get("reason")) for row in result.get("unusable") or ()])

    def list_tenants(self, tenants: Sequence[Credentials]) -> list[Listing | KrcloudError]:
        """Return what each of the tenants sees, or why that is not known, from one run of the module.

        Raises KrcloudError if the module as a whole fails.
        """
        options = {name: value for name, value in self._shared().items() if name not in CREDENTIALS}
        options.update({name: self._options[name] for name in _PACE})
        result = self._run_module(ACCOUNTS_MODULE, {**options, "tenants": list(tenants)})
        told = result.get("tenants")
        if not isinstance(told, list) or len(told) != len(tenants) or not isinstance(result.get("accounts"), list):
            raise _error_of(result)
        # Not by the options, as the module masks what looks like a secret there.
        seen = {whose(row): Listing([], []) for row in told}
        for row in result["accounts"]:
            seen[whose(row)].accounts.append(row)
        for row in result.get("unusable") or ():
            seen[whose(row)].unusable.append(str(row.get("reason")))
        return [_error_of(row) if row.get("error") else seen[whose(row)] for row in told]

    def send(self, effect: Send, targets: Mapping[str, Mapping[str, Any]]) -> dict[str, Answer]:
        """Set passwords. ``targets`` has the id of each account, and its own credentials if it has any."""
        accounts = [{**targets[name], "password": password} for name, password in effect.passwords.items()]
        options = self._shared()
        options.update({name: self._options[name] for name in _PACE})
        result = self._run_module(RESET_MODULE, {**options, "accounts": accounts, "max_failures": effect.max_failures})
        rows = result.get("accounts")
        if not isinstance(rows, list) or len(rows) != len(accounts):
            error = _error_of(result)
            answer = Answer(Outcome.FAILED if error.kind in _NOTHING_SENT else Outcome.UNKNOWN, error.as_dict())
            return dict.fromkeys(effect.passwords, answer)
        return {name: _answer(row, targets[name]["id"]) for name, row in zip(effect.passwords, rows, strict=True)}

    def _shared(self) -> dict[str, Any]:
        names = (*DATAFOREST.options, *CONNECTION)
        return {name: self._options[name] for name in names if self._options.get(name) is not None}


def _answer(row: Any, account_id: str | None) -> Answer:
    """Return what a row of the password module says. Whatever it does not say plainly is unknown."""
    if not isinstance(row, Mapping) or row.get("id") != account_id:
        return Answer(Outcome.UNKNOWN, UnknownOutcomeError("The module reported another account.").as_dict())
    return Answer(of_word(row.get("outcome"), _RESET), row.get("error"), row.get("unanswered") is True)


class _ReportedError(KrcloudError):
    """The failure of a module, as the module reported it."""

    def __init__(self, kind: str, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.kind = kind


def _error_of(result: Mapping[str, Any]) -> KrcloudError:
    """Return the failure that a module reported, or that kept it from reporting one."""
    error = result.get("error")
    message = str(result.get("msg") or "The module ended without a result.")
    if not isinstance(error, Mapping):
        return UnknownOutcomeError(message, hint="Run the task again to resume what was begun.")
    details = {name: error.get(name) for name in ("hint", "http_status", "vendor_code", "trace_id")}
    return _ReportedError(str(error.get("kind")), str(error.get("message") or message), **details)
