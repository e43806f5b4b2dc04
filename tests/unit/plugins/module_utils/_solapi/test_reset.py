# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole task: what it reports, and that it sends at most one mail."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost, NotSent
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.reset import request_reset
from support.fakes import FakeClock, ScriptedTransport, Step, answer
from support.mails import (
    CREDENTIALS,
    EMAIL,
    MESSAGE_ID,
    NEW,
    OLD,
    OUR_TIME,
    client,
    e,
    old,
)

NOTHING = {"changed": True, "email": EMAIL, "delivery": None, "message_id": None, "requested_at": None}


def run(*script: Step, **more: Any) -> dict[str, Any]:
    with ScriptedTransport(*script) as transport:
        return request_reset(client(transport, CREDENTIALS, **more), EMAIL)


def test_an_accepted_mail() -> None:
    assert run(answer(200, OLD)) == {
        **NOTHING,
        "delivery": "accepted",
        "message_id": MESSAGE_ID,
        "requested_at": OUR_TIME,
    }


OUTCOMES: list[tuple[Step, str | None, bool, str]] = [
    (answer(200, old(accepted=[], rejected=[EMAIL])), "rejected", False, "rejected"),
    (answer(400, e("ValidationError")), "rejected", False, "rejected"),
    (AnswerLost("cut off"), "unknown", True, "unknown_outcome"),
    (answer(500), "unknown", True, "unknown_outcome"),
    (NotSent("refused"), None, False, "transport"),
    (answer(403, e("InvalidAPIKey")), None, False, "authentication"),
    (answer(429), None, False, "rate_limit"),
]


@pytest.mark.parametrize(("step", "delivery", "changed", "kind"), OUTCOMES)
def test_what_a_task_reports(step: Step, delivery: str | None, changed: bool, kind: str) -> None:
    result = run(step)
    assert result["failed"] is True
    assert (result["delivery"], result["changed"], result["error"]["kind"]) == (delivery, changed, kind)
    assert (result["email"], result["message_id"], result["requested_at"]) == (EMAIL, None, None)
    assert result["msg"].startswith(f"{EMAIL}: {result['error']['message']}")


def test_an_unknown_outcome_says_what_to_do() -> None:
    result = run(AnswerLost("cut off"))
    assert "The mail may have been sent" in result["msg"]
    assert "member" in result["error"]["hint"]


def test_a_connection_that_never_came_about_is_tried_again() -> None:
    assert run(NotSent("refused"), NotSent("refused"), answer(200, NEW), retries=2)["delivery"] == "accepted"
    assert run(NotSent("refused"), NotSent("refused"), retries=1)["error"]["kind"] == "transport"


@pytest.mark.parametrize("status", [500, 503])
def test_a_wait_that_a_failing_vendor_asks_for_is_named_and_not_waited(status: int) -> None:
    clock = FakeClock()
    result = run(answer(status, retry_after="30"), retries=5, clock=clock)
    assert (result["delivery"], result["changed"]) == ("unknown", True)
    assert "the server asked for 30 s." in result["msg"]
    assert clock.slept == 0


def test_a_wait_for_fewer_requests_is_waited_or_named() -> None:
    clock = FakeClock()
    assert run(answer(429, retry_after="30"), answer(200, NEW), retries=1, clock=clock)["delivery"] == "accepted"
    assert clock.slept == 30
    result = run(answer(429, retry_after="3600"), retries=1)
    assert (result["delivery"], result["error"]["kind"]) == (None, "rate_limit")
    assert "the server asked for 3600 s, and the deadline of 60 s leaves no time for another." in result["msg"]
    assert result["error"]["hint"] == "Run the task again after 3600 s."


def test_a_secret_that_cannot_sign_fails_before_anything_is_sent() -> None:
    with ScriptedTransport() as transport:
        result = request_reset(client(transport, CREDENTIALS._replace(secret="ab\udcff\udcfecdef")), EMAIL)
    assert (result["failed"], result["changed"], result["delivery"]) == (True, False, None)
    assert result["error"]["kind"] == "configuration"


def test_check_mode_sends_nothing() -> None:
    clock = FakeClock()
    with ScriptedTransport() as transport:
        assert request_reset(client(transport, clock=clock), EMAIL, check_mode=True) == NOTHING
    assert clock.passed == 0


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_address_is_checked_in_check_mode_too(check_mode: bool) -> None:
    with ScriptedTransport() as transport, pytest.raises(ConfigurationError):
        request_reset(client(transport), "nobody", check_mode=check_mode)
