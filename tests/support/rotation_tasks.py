# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation task for tests, with a store in memory and a vendor that does as it is told."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_rotation import SPEC
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    Flight,
    Pending,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.task import RotationTask
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Stored,
)
from support.memory_store import MemoryStore

NOW = 1_800_000_000.0
DAY = 86400.0
NAMES = ("df001", "df002", "df003", "df004")
IDS = {name: f"id{name}" for name in NAMES}
MESSAGES = {
    "rejected": ("rejected", "NAVER Cloud rejected the request (HTTP 400).", None),
    "unknown": ("unknown_outcome", "It is not known.", "Run the task again with the same new password."),
    "failed": ("authentication", "NAVER Cloud refused the credentials.", "Check the key."),
    "skipped": ("skipped", "Not tried: max_failures (1) was reached.", None),
}


class Vendor:
    """Runs the modules. ``says`` holds the outcomes of the next resets of an account. All later ones are confirmed."""

    def __init__(self, **says: Sequence[str]) -> None:
        self.says = {name: list(outcomes) for name, outcomes in says.items()}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.live: dict[str, str] = {}
        self.tenants: dict[str | None, Sequence[str]] = {}
        self.refused: dict[str | None, dict[str, Any]] = {}
        self.instead: dict[str, Any] = {}

    def run_module(self, name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((name, copy.deepcopy(dict(options))))
        if name in self.instead:
            return dict(self.instead[name])
        if name == "ncp_dataforest_account_info":
            return self._list(options)
        return {"accounts": [self._reset(row) for row in options["accounts"]]}

    def _list(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if "tenants" not in options:
            return {"accounts": self._seen(options), "unusable": []}
        result: dict[str, Any] = {"accounts": [], "unusable": [], "tenants": []}
        for tenant in options["tenants"]:
            whose = {name: tenant.get(name) for name in ("profile", "access_key")}
            error = self.refused.get(tenant.get("access_key") or tenant.get("profile"))
            error = error or self.refused.get(tenant.get("secret_key"))
            seen = [] if error else self._seen(tenant)
            result["accounts"] += [{**row, **whose} for row in seen]
            result["tenants"].append({**whose, "accounts": len(seen), "error": error})
        if any(row["error"] for row in result["tenants"]):
            result["failed"] = True
        return result

    def _seen(self, credentials: Mapping[str, Any]) -> list[dict[str, Any]]:
        names = self.tenants.get(credentials.get("access_key") or credentials.get("profile"), NAMES)
        return [{"name": each, "id": f"id{each}", "status": "RUNNING"} for each in names]

    def _reset(self, row: Mapping[str, Any]) -> dict[str, Any]:
        name = row["id"].removeprefix("id")
        outcome = self.says[name].pop(0) if self.says.get(name) else "reset"
        if outcome == "reset":
            self.live[name] = row["password"]
            return {"id": row["id"], "outcome": outcome, "error": None}
        kind, message, hint = MESSAGES[outcome]
        return {"id": row["id"], "outcome": outcome, "error": {"kind": kind, "message": message, "hint": hint}}

    def runs(self, module: str) -> list[dict[str, Any]]:
        return [options for name, options in self.calls if name == module]


def task(
    store: Any,
    vendor: Vendor,
    *,
    now: float = NOW,
    planned: Any = None,
    given: Collection[str] = (),
    **options: Any,
) -> RotationTask:
    # Validation fills in the rows that it is given.
    arguments = copy.deepcopy({"store": {"path": "s.yml"}, "new_accounts": "rotate", **options})
    validated = ArgumentSpecValidator(SPEC).validate(arguments)
    assert not validated.error_messages
    return RotationTask(
        validated.validated_parameters,
        store,
        vendor.run_module,
        progress=lambda done, total, failures: None,
        planned=planned,
        given=given,
        clock=lambda: now,
    )


def envelope(name: str, age: float | None, *pending: str, account_id: str | None = None) -> Envelope:
    account = Account(account_id or IDS[name], name, None)
    active = ("Active-1", time_text(NOW - age), "r0") if age is not None else (None, None, None)
    waiting = tuple(
        Pending(f"pending-{at}", time_text(NOW - 60), f"p{at}", outcome, (Flight("another run", time_text(NOW - 60)),))
        for at, outcome in enumerate(pending)
    )
    return Envelope(account, *active)._replace(pending=waiting)


def holding(**envelopes: Envelope) -> MemoryStore:
    return MemoryStore({name: Stored(to_document(each), f"seed-{name}") for name, each in envelopes.items()})


def outcomes(result: Mapping[str, Any]) -> list[str]:
    return [row["outcome"] for row in result["accounts"]]


def listed(account: str, **more: Any) -> dict[str, Any]:
    """A row as ncp_dataforest_account_info returns it."""
    rest = {"principal": None, "status": "RUNNING", "disabled": False, "created_at": "2025-02-20T09:32:55+09:00"}
    return {"id": IDS[account], "name": account, **rest, **more}


def active(store: MemoryStore, name: str) -> Envelope:
    return from_document(store.rows[name].document)


def previous_in_flight() -> dict[str, Any]:
    flight = {"run": "another", "since": time_text(NOW - 60)}
    return {"password": "late", "retired_at": time_text(NOW - 60), "rotation_id": "late", "in_flight": [flight]}
