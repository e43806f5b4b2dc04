# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._envelope import (
    Account,
    Envelope,
    EnvelopeError,
    Pending,
    Previous,
    from_document,
    to_document,
)

TIME = "2026-11-20T03:00:00Z"
FULL = Envelope(
    Account("id1", "df001", "team"),
    "active-canary",
    TIME,
    "r1",
    (Pending("pending-canary", TIME, "r2", "unknown"), Pending("staged-canary", TIME, "r3")),
    (Previous("previous-canary", TIME, None),),
)


@pytest.mark.parametrize("envelope", [FULL, Envelope(Account(None, "df001", None))])
def test_a_document_comes_back_as_it_was(envelope: Envelope) -> None:
    assert from_document(json.loads(json.dumps(to_document(envelope)))) == envelope


def test_consumers_find_the_password_at_the_top() -> None:
    assert to_document(FULL)["password"] == "active-canary"
    assert list(to_document(FULL))[:3] == ["format", "account", "password"]


def test_candidates_are_all_that_may_be_live() -> None:
    assert FULL.candidates() == ["active-canary", "pending-canary", "staged-canary", "previous-canary"]


def test_its_text_holds_no_password() -> None:
    assert "canary" not in repr(FULL)


def damaged(**changes: Any) -> dict[str, Any]:
    return {**to_document(FULL), **changes}


@pytest.mark.parametrize(
    "document",
    [
        {},
        damaged(format=2),
        damaged(account=None),
        damaged(account={"id": 1, "name": "df001", "profile": None}),
        damaged(account={"id": "1", "name": "", "profile": None}),
        damaged(password=5349),
        damaged(password=None),
        damaged(rotated_at=None),
        damaged(rotated_at="canary"),
        damaged(pending=None),
        damaged(pending=["canary"]),
        damaged(pending=[{"password": "canary", "staged_at": TIME, "rotation_id": "r", "outcome": "canary"}]),
        damaged(pending=[{"password": "canary", "staged_at": "now", "rotation_id": "r", "outcome": "staged"}]),
        damaged(previous={}),
        damaged(previous=[{"password": "", "retired_at": TIME, "rotation_id": None}]),
    ],
)
def test_what_is_no_envelope_is_refused_without_being_quoted(document: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        from_document(document)
    assert "canary" not in str(refusal.value)
