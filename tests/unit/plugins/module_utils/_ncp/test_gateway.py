# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all services of NAVER Cloud have in common, shown with one that confirms in a way of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Operation, Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    AuthenticationError,
    KrcloudError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    RejectedError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.gateway import Gateway
from support.fakes import EPOCH, URL, ScriptedTransport, answer, caller
from support.simulator.signatures import verify_ncp

KEY, SECRET = "ACCESSKEY-0000000001", "the-secret-key-of-the-tenant"
ISSUE = Operation("credentials", "/api/v1/credentials", Repeat.SAFE)
PAIR = {"accessKey": "A", "keySecret": "the-new-secret", "expireTime": "2026-01-01T00:00:00Z"}


def is_pair(body: Mapping[str, Any]) -> bool:
    return all(isinstance(body.get(name), str) for name in ("accessKey", "keySecret"))


def issue(*script: Response) -> tuple[dict[str, Any], ScriptedTransport]:
    """A second service: its confirmation has no flag."""
    with ScriptedTransport(*script) as transport:
        service = Gateway(caller(transport), Credentials(KEY, SECRET, "the option access_key"), Redactor([SECRET]))

        def interpret(response: Response) -> dict[str, Any]:
            return service.confirmed(response, is_pair, resource="user")

        return service.call(ISSUE, interpret, {"durationSec": 3600}), transport


def test_a_service_says_what_confirms() -> None:
    pair, transport = issue(answer(200, PAIR))
    assert pair == PAIR
    (request,) = transport.requests
    assert request.url == URL + "/api/v1/credentials"
    assert request.body == b'{"durationSec": 3600}'
    assert verify_ncp(request.headers, "POST", "/api/v1/credentials", {KEY: SECRET}, EPOCH, 300.0) == KEY


ANSWERS: list[tuple[Response, type[KrcloudError], str]] = [
    (answer(200, {}), ProtocolError, "answered without saying whether it succeeded (HTTP 200)."),
    (answer(200, {"success": True}), ProtocolError, "answered without saying whether it succeeded (HTTP 200)."),
    (answer(200, {**PAIR, "error": {"errorCode": "100"}}), ProtocolError, "without saying whether it succeeded"),
    (answer(500, PAIR), ProtocolError, "failed to answer (HTTP 500)."),
    (answer(400, {"error": {"errorCode": "BadRequest", "message": "no"}}), RejectedError, "code BadRequest): no."),
    (answer(404, {"error": {"errorCode": "100"}}), NotFoundError, "does not know the user, or these credentials may"),
    (answer(404, {"error": {"errorCode": 300}}), NotFoundError, "does not know the path of the request (HTTP 404"),
    (answer(429), RateLimitError, "limits the number of requests (HTTP 429)."),
    (answer(401, {"error": {"errorCode": "200"}}), AuthenticationError, "refused the credentials from the option"),
    (
        answer(409, {"error": {"errorCode": "Conflict"}}),
        ProtocolError,
        "did not say whether it carried out the request",
    ),
]


@pytest.mark.parametrize(("response", "kind", "words"), ANSWERS)
def test_its_other_answers_mean_what_they_mean_everywhere(
    response: Response, kind: type[KrcloudError], words: str
) -> None:
    with pytest.raises(KrcloudError) as caught:
        issue(response)
    assert caught.value.__class__ is kind
    assert words in caught.value.message
