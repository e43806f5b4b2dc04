# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    EnvelopeError,
    Flight,
    Hold,
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


def test_its_text_holds_no_password() -> None:
    assert "canary" not in repr(FULL)
    assert "canary" not in repr((FULL.pending, FULL.previous))


def test_keys_of_a_newer_version_are_kept_wherever_they_stand() -> None:
    newer = json.loads(json.dumps(to_document(FULL)))
    newer["zone"] = {"of": TIME}
    newer["hold"] = {"until": TIME, "reason": "audit", "by": {"name": "kim"}}
    newer["account"]["zone"] = "fin"
    newer["pending"][0]["why"] = "new"
    newer["pending"][0]["unknown"] = newer["previous"][0]["unknown"] = "a key like any other"
    newer["previous"][0]["why"] = "old"
    newer["in_flight"] = [{"run": "r", "since": TIME, "host": {"name": "a"}}]
    assert to_document(from_document(newer)) == newer


def test_what_is_in_flight_comes_back() -> None:
    flight = (Flight("run", TIME),)
    envelope = FULL._replace(
        made_at=TIME,
        in_flight=flight,
        hand_over_begun="r0",
        pending=(FULL.pending[0]._replace(in_flight=flight),),
        previous=(FULL.previous[0]._replace(in_flight=flight),),
    )
    assert from_document(json.loads(json.dumps(to_document(envelope)))) == envelope


@pytest.mark.parametrize("hold", [Hold(TIME), Hold(TIME, "Audit: 감사")])
def test_a_hold_comes_back_and_stands_before_the_candidates(hold: Hold) -> None:
    document = to_document(FULL._replace(hold=hold))
    assert from_document(json.loads(json.dumps(document))).hold == hold
    assert list(document)[-3:] == ["hold", "pending", "previous"]


def test_a_hold_ends_at_its_time() -> None:
    envelope = FULL._replace(hold=Hold(TIME))
    assert envelope.hold_at(seconds(TIME) - 1) == Hold(TIME)
    assert envelope.hold_at(seconds(TIME)) is None
    assert FULL.hold_at(0) is None


def test_a_candidate_of_the_first_version_may_still_be_sent_by_whoever_made_it() -> None:
    document = to_document(FULL)
    for item in document["pending"]:
        del item["in_flight"]
    assert [item.in_flight for item in from_document(document).pending] == [(Flight("", TIME),)] * 2


def test_a_password_written_by_hand_gets_an_id_that_is_the_same_in_every_run() -> None:
    document = {**to_document(FULL), "rotation_id": None}
    assert from_document(document).rotation_id == from_document(document).rotation_id == f"adopted-{TIME}"


@pytest.mark.parametrize(("now", "text"), [(253402300800.0, "9999-12-31T23:59:59Z"), (0.9, "1970-01-01T00:00:00Z")])
def test_times_beyond_the_calendar_end_with_it(now: float, text: str) -> None:
    assert time_text(now) == text


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
        damaged(in_flight="canary"),
        damaged(in_flight=[{"run": "r", "since": "canary"}]),
        damaged(made_at="canary"),
        damaged(hand_over_begun=["canary"]),
        damaged(hold="canary"),
        damaged(hold={"reason": "canary"}),
        damaged(hold={"until": "canary"}),
        damaged(hold={"until": TIME, "reason": ["canary"]}),
        damaged(previous=[{"password": "", "retired_at": TIME, "rotation_id": None}]),
    ],
)
def test_what_is_not_an_envelope_is_refused_without_being_quoted(document: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        from_document(document)
    assert "canary" not in str(refusal.value)
