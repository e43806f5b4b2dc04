# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Envelopes, records and tasks for the tests that move them from one store to another."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_store_copy import KINDS
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy import report
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy.copying import Copy
from ansible_collections.krcloud.credentials.plugins.plugin_utils._copy.decision import OUTCOMES, Places
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Store

NOW = 1_800_000_000.0
AT = "2027-01-15T08:00:00Z"

_numbers = itertools.count(1)


def document(name: str, round_: int = 1, **more: Any) -> dict[str, Any]:
    """The envelope of an account after so many rotations, with two keys of a newer version."""
    former = [
        {
            "password": f"Former!{name}-{number}",
            "retired_at": f"2026-01-{number + 1:02d}T03:00:00Z",
            "rotation_id": f"{name}-{number}",
            "rotated_at": f"2026-01-{number:02d}T03:00:00Z",
        }
        for number in range(round_ - 1, 0, -1)
    ]
    return {
        "format": 1,
        "account": {"id": f"id{name}", "name": name, "profile": "analytics", "newer": 1},
        "password": f"Former!{name}-{round_}",
        "rotated_at": f"2026-01-{round_:02d}T03:00:00Z",
        "rotation_id": f"{name}-{round_}",
        "published": None,
        "pending": [],
        "previous": former,
        "newer": ["{{ kept }}", 1],
        **more,
    }


def candidate(name: str) -> dict[str, Any]:
    """A password whose outcome nobody knows."""
    return {
        "password": f"Candidate!{name}",
        "staged_at": "2026-02-01T03:00:00Z",
        "rotation_id": f"{name}-candidate",
        "outcome": "unknown",
        "in_flight": [{"run": "an earlier run", "since": "2026-02-01T03:00:00Z"}],
    }


def record(email: str, request_id: str = "first", **more: Any) -> dict[str, Any]:
    """What a store holds about the last mail to an address."""
    return {
        "format": 1,
        "email": email,
        "asked_at": "2026-01-01T03:00:00Z",
        "request_id": request_id,
        "outcome": "accepted",
        "message_id": None,
        "requested_at": None,
        **more,
    }


def copied(
    source: Store,
    destination: Store,
    *,
    names: Sequence[str] | None = None,
    contents: str = "passwords",
    remove: bool = False,
    check_mode: bool = False,
    diff: bool = False,
) -> dict[str, Any]:
    """The result of a task."""
    kind = KINDS[contents]
    found = report.wanted(kind, names, source)
    task = Copy(kind, source, destination, remove=remove, now=NOW, new_id=lambda: f"mark-{next(_numbers)}")
    done = task.run([each for spellings in found.values() for each in spellings], check_mode=check_mode)
    places = Places(source.address, destination.address)
    result = report.result(found, done, places, kept=not remove and contents == "passwords", diff=diff)
    assert tuple(result["summary"]) == OUTCOMES
    assert sum(result["summary"].values()) == len(result["credentials"])
    return result


def outcomes(result: Mapping[str, Any]) -> dict[str, str]:
    """What became of each document."""
    return {row["name"]: row["outcome"] for row in result["credentials"]}
