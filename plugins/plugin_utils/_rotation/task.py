# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation task: from its options to accounts, through the store and the vendor, to its result.

It is given two things: a store, and a way to run a module of this collection on the target host.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._call.rate import RateLimiter
from ansible_collections.krcloud.credentials.plugins.module_utils._core.durations import parse_percentage
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import check_limits
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import tenants_named
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import generate_password, password_faults
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.accounts import (
    Row,
    all_accounts,
    tenant_accounts,
    written_accounts,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.exclusion import (
    check_excluded,
    excluded_names,
    without,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.moments import parse_past
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.planned import planned_accounts
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import (
    NewAccounts,
    Policy,
    long_before,
    parse_max_age,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import Result, diff_of, task_result
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run import Run
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.vendor import (
    RunModule,
    Vendor,
    credentials_in,
    whose,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import carry_out


class RotationTask:
    """One task with validated options. All methods raise the errors of `errors`.

    ``given`` are the names of the options that the user wrote, those without a value too. ``planned`` are rows of an
    earlier result of the same task, if only these accounts are to be rotated.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        store: Store,
        run_module: RunModule,
        *,
        progress: Callable[[int, int, int], None],
        given: Collection[str] = (),
        planned: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._given = given
        self._planned = planned
        self._own = credentials_in(options)
        self._excluded = excluded_names(options["exclude"], "exclude" in given)
        self._warnings: list[str] = []
        self._store = store
        self._vendor = Vendor(options, run_module)
        # What the password module would refuse only after the first commit is refused here.
        check_limits(options["concurrency"], options["max_failures"])
        RateLimiter(options["requests_per_second"])
        generate_password(options["password_length"], secrets.token_bytes)
        before = options["rotated_before"]
        if not before and (before is not None or "rotated_before" in given):
            # An ordinary run would pass for one after an incident.
            raise ConfigurationError("rotated_before has no value.", hint="Give it one, or leave the option out.")
        self._policy = Policy(
            parse_max_age(options["max_age"], "max_age"),
            parse_percentage(options["jitter"], "jitter"),
            options["force"],
            NewAccounts(options["new_accounts"]),
            parse_past(before, "rotated_before", clock()) if before else None,
        )
        if planned is None and (warning := long_before(self._policy, options["max_age"], clock())):
            self._warnings.append(warning)
        self._run = Run(
            self._policy,
            generate=lambda: generate_password(options["password_length"], secrets.token_bytes),
            new_id=lambda: str(uuid.uuid4()),
            clock=clock,
            place=lambda: store.place,
            faults=password_faults,
            batch_size=options["batch_size"],
            max_failures=options["max_failures"],
            max_resets=options["max_resets"],
            progress=progress,
        )

    def run(self, check_mode: bool, *, diff: bool = False) -> dict[str, Any]:
        """Rotate, or in check mode predict, and return the result of the task, with a ``diff`` if asked for."""
        rows = self._included(self._find_accounts())
        wanted = [row.wanted for row in rows if row.wanted]
        # By ID: with a name the module would have to look it up once more.
        targets = {
            row.wanted.account.name: {"id": row.wanted.account.id, **row.credentials} for row in rows if row.wanted
        }
        steps = self._run.predict(wanted) if check_mode else self._run.rotate(wanted)
        settled = iter(carry_out(steps, self._store, lambda effect: self._vendor.send(effect, targets)))
        results = [self._result(row, next(settled) if row.wanted else None) for row in rows]
        result = task_result(results, self._store.place, forced=self._options["force"])
        before = self._policy.rotated_before
        # Those who go on with a part of this result do so by the same options.
        result["rotated_before"] = None if before is None else time_text(before)
        result["max_failures"] = self._options["max_failures"]
        if self._warnings:
            result["warnings"] = self._warnings
        if diff:
            result["diff"] = diff_of(results)
        return result

    def _find_accounts(self) -> list[Row]:
        items = self._options["accounts"]
        if not items and (items is not None or "accounts" in self._given):
            raise ConfigurationError(
                "accounts is given, but names no account.",
                hint="Name accounts, or leave the option out to rotate all of them.",
            )
        tenants = tenants_named(self._options, self._given)
        if items and tenants:
            raise ConfigurationError(
                "tenants cannot be combined with accounts.", hint="Give each row of accounts a profile or keys instead."
            )
        if self._planned is not None:
            return planned_accounts(self._planned, self._options)
        if items:
            return written_accounts(items, self._vendor, self._own)
        if tenants:
            return tenant_accounts(tenants, self._vendor, self._warnings.append)
        rows = all_accounts(self._vendor, self._own)
        if not rows:
            self._warnings.append(
                "These credentials see no account, so there is nothing to rotate. Check whose they are."
            )
        return rows

    def _included(self, rows: list[Row]) -> list[Row]:
        left = without(rows, self._excluded)
        # Of a plan, only a part may be here.
        if self._planned is None:
            check_excluded(self._excluded, rows, self._store, self._warnings.append)
            if rows and not left:
                self._warnings.append("exclude names all accounts, so there is nothing to rotate.")
        return left

    def _result(self, row: Row, settled: Result | None) -> Result:
        """Return the result of a row, and whose it is. The store cannot be asked about a row without an account."""
        of_row = whose(row.credentials or self._own)
        if settled is None:
            error = row.error.as_dict() if row.error else None
            settled = Result(Account(None, row.label or "", of_row.profile), "failed", error=error)
        return settled._replace(access_key=of_row.access_key)
