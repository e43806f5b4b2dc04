# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which accounts the role ncp_dataforest_password is about, and what became of them. Pure.

The role runs the tasks and asks here, by filters. Rows are those of the result of ncp_dataforest_password.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome

_CONFIRMED = "reset"
_MOST_REASONS = 20
_NOT_VERIFIED = (
    "It was reset, but the task {} of ncp_dataforest_password_verify_tasks failed. The new password is live."
)


def accounts(named: Mapping[str, Any], *, profile: str | None, access_key: str | None) -> list[dict[str, Any]]:
    """Return which accounts the role is about, in the order of the task, without their passwords.

    ``named`` are the options that name them. ``profile`` and ``access_key`` belong to accounts without credentials of
    their own. Each has ``name``, ``id``, ``profile`` and, for telling tenants apart, ``tenant``.
    """
    found = []
    for row in named.get("accounts", [named]):
        own = row.get("profile"), row.get("access_key")
        used = own if any(own) else (profile, access_key)
        found.append(
            {
                "name": row.get("name"),
                "id": row.get("id"),
                "profile": used[0] or None,
                "tenant": str(used[0] or used[1] or ""),
            }
        )
    return found


def verdict(
    said: Mapping[str, Any], *, given: Sequence[Mapping[str, Any]], verified: Sequence[int], failed: Mapping[str, str]
) -> dict[str, Any]:
    """Return the ``summary`` of the role and its ``verdict``, '' if it does not fail.

    ``said`` is the result of the module about the accounts ``given``. The verify tasks ran for the accounts with the
    numbers ``verified``. ``failed`` names the task that failed, by the number of the account.
    """
    rows: Sequence[Mapping[str, Any]] = said.get("accounts") or ()
    names = [str(row["name"] or row["id"] or f"accounts[{at}]") for at, row in enumerate(rows)]
    reasons = [_reason(row, failed.get(str(at))) for at, row in enumerate(rows)]
    words = [outcome.word(_CONFIRMED) for outcome in Outcome]
    summary: dict[str, Any] = {
        **{word: [name for name, row in zip(names, rows, strict=True) if row["outcome"] == word] for word in words},
        "verified": [names[at] for at in verified if str(at) not in failed],
        "unverified": [names[at] for at in verified if str(at) in failed],
        "attention": [
            {
                "name": row["name"],
                "id": row["id"],
                "profile": given[at]["profile"],
                "outcome": row["outcome"],
                "reason": reasons[at],
            }
            for at, row in enumerate(rows)
            if reasons[at]
        ],
    }
    troubled = [at for at, reason in enumerate(reasons) if reason]
    listed = [f"{names[at]}: {rows[at]['outcome']}: {reasons[at]}" for at in troubled[:_MOST_REASONS]]
    why = _why_failed(listed, len(troubled), len(rows), len(summary["skipped"])) if troubled else ""
    lost = said.get("failed") or said.get("unreachable")
    return {"summary": summary, "verdict": why or (str(said.get("msg") or "It failed.") if lost else "")}


def _reason(row: Mapping[str, Any], task: str | None) -> str:
    """Return why an account needs attention, '' if it does not."""
    if row["outcome"] == Outcome.SKIPPED.word(_CONFIRMED):
        return ""
    if row["outcome"] == _CONFIRMED:
        return "" if task is None else _NOT_VERIFIED.format(task)
    error = row["error"] or {}
    return " ".join(str(error[part]) for part in ("message", "hint") if error.get(part)) or "It is not known why."


def _why_failed(listed: Sequence[str], troubled: int, rows: int, skipped: int) -> str:
    said = [f"{troubled} of {rows} accounts need{'s' if troubled == 1 else ''} attention.", *listed]
    if troubled > len(listed):
        said.append("The others are listed in ncp_dataforest_password_summary.attention.")
    if skipped:
        said.append(f"Accounts that were not tried because of ncp_dataforest_password_max_failures: {skipped}.")
    said.append("Fix the causes, then run the role again. It is safe to set the same password once more.")
    return " ".join(said)
