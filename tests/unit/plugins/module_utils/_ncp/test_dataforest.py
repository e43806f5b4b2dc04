# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Data Forest client: what it sends, and how it understands every answer that may come."""

from __future__ import annotations

import json
import traceback
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost, Request, Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    AuthenticationError,
    KrcloudError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Account, Unusable, warning_of
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.dataforest import (
    GET_LIST,
    RESET_PASSWORD,
    DataForest,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.gateway import Gateway
from support.fakes import EPOCH, URL, FakeClock, ScriptedTransport, Step, answer, caller
from support.simulator.passwords import ECHOES
from support.simulator.signatures import verify_ncp

KEY, SECRET = "ACCESSKEY-0000000001", "the-secret-key-of-the-tenant"
ID, PASSWORD = "20nAZnjbUNFdc7RsILlC3A", "Str0ng-P4ss=word"
DONE = answer(200, {"success": True, "id": ID})


def client(transport: ScriptedTransport, wire_format: str = "json", **more: Any) -> DataForest:
    credentials = Credentials(KEY, SECRET, "the option access_key")
    return DataForest(Gateway(caller(transport, **more), credentials, Redactor([SECRET]), wire_format))


def reset_error(*script: Step, wire_format: str = "json", password: str = PASSWORD) -> KrcloudError:
    with ScriptedTransport(*script) as transport, pytest.raises(KrcloudError) as caught:
        client(transport, wire_format).reset_password(ID, password)
    return caught.value


def list_error(*script: Step) -> KrcloudError:
    with ScriptedTransport(*script) as transport, pytest.raises(KrcloudError) as caught:
        client(transport).list_accounts()
    return caught.value


def listed(body: object, wire_format: str = "json") -> list[Account]:
    with ScriptedTransport(answer(200, body)) as transport:
        listing = client(transport, wire_format).list_accounts()
    assert listing.unusable == []
    return listing.accounts


# ------------------------------------------------------------------------------------------------------------ requests


def verified(request: Request, operation: str) -> None:
    path = f"/api/v2/accounts/{operation}"
    assert request.url == URL + path
    assert verify_ncp(request.headers, "POST", path, {KEY: SECRET}, EPOCH, 300.0) == KEY


def test_a_reset_in_json() -> None:
    with ScriptedTransport(DONE) as transport:
        client(transport).reset_password(ID, PASSWORD)
    (request,) = transport.requests
    verified(request, "resetPassword")
    assert json.loads(request.body) == {"id": ID, "password": PASSWORD}
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/json"


def test_a_reset_in_xml() -> None:
    body = f"<ResetAccountPasswordResponse><success>true</success><id>{ID}</id></ResetAccountPasswordResponse>".encode()
    with ScriptedTransport(answer(200, body)) as transport:
        client(transport, "xml").reset_password(ID, "a<b&c>D1")
    (request,) = transport.requests
    verified(request, "resetPassword")
    assert request.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<ResetAccountPasswordRequest><id>{ID}</id><password>a&lt;b&amp;c&gt;D1</password></ResetAccountPasswordRequest>"
    )
    assert request.headers["Content-Type"] == request.headers["Accept"] == "application/xml"


def test_a_list_is_asked_for_with_an_empty_object_or_root() -> None:
    with ScriptedTransport(answer(200, {"success": True, "contents": []})) as transport:
        client(transport).list_accounts()
    verified(transport.requests[0], "getList")
    assert transport.requests[0].body == b"{}"
    with ScriptedTransport(answer(200, b"<r><success>true</success><total>0</total></r>")) as transport:
        assert client(transport, "xml").list_accounts() == ([], [])
    assert transport.requests[0].body.endswith(b"<GetAccountListRequest></GetAccountListRequest>")


def test_what_may_be_repeated() -> None:
    assert (GET_LIST.repeat, RESET_PASSWORD.repeat) == (Repeat.SAFE, Repeat.IDEMPOTENT)


def test_a_lost_answer_is_asked_for_again_with_the_same_password_and_a_new_signature() -> None:
    clock = FakeClock()
    with ScriptedTransport(AnswerLost("cut off"), DONE, clock=clock, takes=1.0) as transport:
        client(transport, clock=clock, retries=3).reset_password(ID, PASSWORD)
    first, second = transport.requests
    assert first.body == second.body
    stamp, signature = "x-ncp-apigw-timestamp", "x-ncp-apigw-signature-v2"
    assert int(second.headers[stamp]) - int(first.headers[stamp]) == 1000
    assert first.headers[signature] != second.headers[signature]


# -------------------------------------------------------------------------------------------------------- good answers

ITEM = {
    "id": ID,
    "name": "df001",
    "principal": "df001@KR.DF.NAVERNCP.COM",
    "status": "RUNNING",
    "createdAt": "2025-02-20T09:32:55+09:00",
    "disabled": False,
}
ACCOUNT = Account(ID, "df001", "df001@KR.DF.NAVERNCP.COM", "RUNNING", False, "2025-02-20T09:32:55+09:00")


def xml_of(*items: dict[str, Any]) -> bytes:
    def contents(item: dict[str, Any]) -> str:
        inner = "".join(
            f"<{key}>{str(value).lower() if value is False else value}</{key}>" for key, value in item.items()
        )
        return f"<contents>{inner}</contents>"

    root = "GetAccountListResponse"
    return f"<{root}><success>true</success>{''.join(map(contents, items))}</{root}>".encode()


def without(*keys: str, **more: Any) -> dict[str, Any]:
    return {**{key: value for key, value in ITEM.items() if key not in keys}, **more}


@pytest.mark.parametrize(
    "item",
    [
        ITEM,
        without("createdAt", createAt=ITEM["createdAt"]),
        without("disabled", disabled="false"),
        without("disabled", disabled=" False "),
        {**ITEM, "new": {"field": 1}},
    ],
)
def test_an_account_in_every_spelling(item: dict[str, Any]) -> None:
    assert listed({"success": True, "total": 1, "contents": [item]}) == [ACCOUNT]


def test_one_account_and_two_accounts_in_xml() -> None:
    assert listed(xml_of(ITEM), "xml") == [ACCOUNT]
    assert [account.id for account in listed(xml_of(ITEM, {**ITEM, "id": "B"}), "xml")] == [ID, "B"]


def test_contents_may_be_one_object() -> None:
    assert listed({"success": True, "contents": ITEM}) == [ACCOUNT]


@pytest.mark.parametrize(
    "body",
    [
        {"contents": []},
        {"contents": None},
        {"total": 0},
        {"total": "0"},
        {"total": None, "contents": []},
        {"contents": ""},
        {"contents": {}},
    ],
)
def test_no_accounts(body: dict[str, Any]) -> None:
    assert listed({"success": True, **body}) == []


@pytest.mark.parametrize("total", [1, "1"])
def test_a_total_that_agrees(total: object) -> None:
    assert listed({"success": True, "total": total, "contents": [ITEM]}) == [ACCOUNT]
    assert listed({"success": True, "total": total, "contents": ITEM}) == [ACCOUNT]
    assert listed(xml_of(ITEM).replace(b"<contents>", b"<total>1</total><contents>", 1), "xml") == [ACCOUNT]


DISAGREES: list[tuple[dict[str, Any], str]] = [
    ({"total": 3}, "NAVER Cloud listed 0 of 3 accounts."),
    ({"total": "3"}, "NAVER Cloud listed 0 of 3 accounts."),
    ({"total": 3, "contents": None}, "NAVER Cloud listed 0 of 3 accounts."),
    ({"total": 3, "contents": []}, "NAVER Cloud listed 0 of 3 accounts."),
    ({"total": 2, "contents": [ITEM]}, "NAVER Cloud listed 1 of 2 accounts."),
    ({"total": 0, "contents": [ITEM]}, "NAVER Cloud listed 1 of 0 accounts."),
    ({"total": -1, "contents": []}, "NAVER Cloud listed 0 of -1 accounts."),
    # Rows that are left out count as well.
    ({"total": 1, "contents": [ITEM, {"id": "a/b"}]}, "NAVER Cloud listed 2 of 1 accounts."),
    ({"total": "many", "contents": []}, "NAVER Cloud sent a total that is not a number."),
    ({"total": "", "contents": []}, "NAVER Cloud sent a total that is not a number."),
    ({"total": 1.0, "contents": [ITEM]}, "NAVER Cloud sent a total that is not a number."),
    ({"total": True, "contents": [ITEM]}, "NAVER Cloud sent a total that is not a number."),
    ({"total": [1], "contents": [ITEM]}, "NAVER Cloud sent a total that is not a number."),
    # A confirmation of something else is not a list.
    ({}, "NAVER Cloud sent no list of accounts."),
    ({"id": ID}, "NAVER Cloud sent no list of accounts."),
]


@pytest.mark.parametrize(("body", "words"), DISAGREES)
def test_a_list_is_whole_or_refused(body: dict[str, Any], words: str) -> None:
    error = list_error(answer(200, {"success": True, **body}))
    assert error.__class__ is ProtocolError
    assert error.message == words


def test_an_xml_list_is_whole_or_refused() -> None:
    for body in (b"<total>3</total>", b"<total>2</total><contents><id>A</id></contents>", b""):
        transport = ScriptedTransport(answer(200, b"<r><success>true</success>" + body + b"</r>"))
        with transport, pytest.raises(ProtocolError):
            client(transport, "xml").list_accounts()


UNUSABLE: list[tuple[object, str]] = [
    ({**ITEM, "id": "{{ x }}"}, f"its id is not valid ({RULE})"),
    ({**ITEM, "id": "a/b"}, f"its id is not valid ({RULE})"),
    ({**ITEM, "id": ""}, f"its id is not valid ({RULE})"),
    ({**ITEM, "name": "{{ lookup('pipe','id > pwned') }}"}, f"its name is not valid ({RULE})"),
    ({**ITEM, "name": "a/b"}, f"its name is not valid ({RULE})"),
    ({**ITEM, "name": "e\u0301"}, f"its name is not valid ({RULE})"),
    ({**ITEM, "name": "x" * 65}, f"its name is not valid ({RULE})"),
    ({**ITEM, "name": "x" * 201}, "its name is not one short line of text"),
    ({**ITEM, "name": "df\n001"}, "its name is not one short line of text"),
    ({**ITEM, "name": ["df001"]}, "its name is not one short line of text"),
    ({**ITEM, "status": {}}, "its status is not one short line of text"),
    ({**ITEM, "principal": "\u202egnp"}, "its principal is not one short line of text"),
    ({**ITEM, "principal": 1.5}, "its principal is not one short line of text"),
    ({**ITEM, "createdAt": "\ud800"}, "its createdAt is not one short line of text"),
    ({**ITEM, "id": 5}, "it is not in the documented form"),
    ({"name": "df001"}, "it is not in the documented form"),
    ("text", "it is not in the documented form"),
    (None, "it is not in the documented form"),
    ([], "it is not in the documented form"),
]


@pytest.mark.parametrize(("row", "why"), UNUSABLE)
def test_a_row_that_cannot_be_used_stops_none_of_the_others(row: object, why: str) -> None:
    body = {"success": True, "total": 3, "contents": [ITEM, row, {**ITEM, "id": "B-1", "name": None}]}
    with ScriptedTransport(answer(200, json.dumps(body).encode())) as transport:
        accounts, unusable = client(transport).list_accounts()
    assert [account.id for account in accounts] == [ID, "B-1"]
    assert unusable == [Unusable(2, f"Account 2 in the list of NAVER Cloud is left out: {why}.")]
    assert warning_of(unusable) == unusable[0].reason


def test_what_no_document_names_and_yet_is_safe_is_used() -> None:
    odd = [{"id": "B-1", "name": "팀_가.01@example.com"}, {"id": "c" * 64, "name": "DF001"}, {"id": "d", "name": 7}]
    assert [account.name for account in listed({"success": True, "contents": odd})] == [
        "팀_가.01@example.com",
        "DF001",
        "7",
    ]


def test_success_may_be_text() -> None:
    assert listed({"success": "true", "contents": [ITEM]}) == [ACCOUNT]


def test_an_account_of_which_little_is_known() -> None:
    (account,) = listed({"success": True, "contents": [{"id": ID, "name": None, "status": "", "disabled": "perhaps"}]})
    assert account == Account(ID, None, None, None, None, None)
    assert account.as_dict() == {
        "id": ID,
        "name": None,
        "principal": None,
        "status": None,
        "disabled": None,
        "created_at": None,
    }


@pytest.mark.parametrize(
    "contents",
    [
        "text",
        ["text"],
        [{}],
        [{"id": 5}],
        [{"id": None}],
        7,
        0,
        False,
        [None],
        [[]],
        [{"name": "df001"}, "text"],
    ],
)
def test_a_list_of_another_form_is_refused(contents: object) -> None:
    error = list_error(answer(200, {"success": True, "contents": contents}))
    assert error.__class__ is ProtocolError
    assert "not in the documented form" in error.message


@pytest.mark.parametrize("contents", [[{"id": ID}] * 16_000, ["text"] * 1000])
@pytest.mark.parametrize("success", [True, False])
def test_a_refused_list_is_gone_before_the_next_one_is_taken_apart(contents: list[object], success: bool) -> None:
    error: BaseException | None = list_error(answer(200, {"success": success, "contents": contents}))
    while error:
        for frame, _line in traceback.walk_tb(error.__traceback__):
            held = [value for value in frame.f_locals.values() if isinstance(value, (list, dict))]
            assert not [value for value in held if "contents" in value or len(value) >= 1000]
        error = error.__context__


@pytest.mark.parametrize(
    "body", [{"success": True}, {"success": True, "id": ID}, {"success": "true", "id": ID, "x": 1}]
)
def test_a_confirmation(body: dict[str, Any]) -> None:
    with ScriptedTransport(answer(200, body)) as transport:
        client(transport).reset_password(ID, PASSWORD)
    assert len(transport.requests) == 1


def test_a_confirmation_for_another_account_does_not_count() -> None:
    error = reset_error(answer(200, {"success": True, "id": "SomebodyElse"}))
    assert error.__class__ is UnknownOutcomeError
    assert "a different account" in error.message


# --------------------------------------------------------------------------------------------------------- bad answers

A, B = (
    {"message": "no such element", "success": False},
    {"error": {"errorCode": "200", "message": "Authentication Failed"}},
)
SPRING = {"timestamp": "2026-01-01T00:00:00.000+09:00", "error": "Bad Request", "message": "Required body"}
HTML = b"<!DOCTYPE html><html><body>nginx</body></html>"


def b(code: object, message: str = "words") -> dict[str, Any]:
    return {"error": {"errorCode": code, "message": message}}


def gateway_xml(code: str) -> bytes:
    return f"<error><errorCode>{code}</errorCode><message>words</message></error>".encode()


UNKNOWN = UnknownOutcomeError
REFUSALS: list[tuple[Response, type[KrcloudError], str | None, str]] = [
    # Envelope A, which has no code
    (answer(400, {"message": "invalid request parameters", "success": False}), RejectedError, None, "parameters"),
    (answer(403, {"message": "not allowed to access", "success": False}), AuthenticationError, None, "not allowed"),
    (answer(404, A), NotFoundError, None, "no such element"),
    (answer(500, {"message": "unexpected error", "success": False}), UNKNOWN, None, "unexpected error"),
    (answer(200, {"message": "unexpected error", "success": False}), RejectedError, None, "unexpected error"),
    (answer(200, {"success": False}), RejectedError, None, "rejected the request (HTTP 200)."),
    (answer(200, {"success": "false", "message": "no"}), RejectedError, None, "no"),
    (answer(409, {"success": False, "message": "no"}), RejectedError, None, "no"),
    (answer(302, {"success": False, "message": "no"}), RejectedError, None, "no"),
    # The same in XML
    (answer(400, b"<r><message>bad &lt;id&gt;</message><success>false</success></r>"), RejectedError, None, "bad <id>"),
    (answer(200, b"<r><message>no</message><success>false</success></r>"), RejectedError, None, ": no."),
    (
        answer(404, b"<r><message>no such element</message><success>false</success></r>"),
        NotFoundError,
        None,
        "no such element",
    ),
    (answer(404, b"<r><message>no such element</message></r>"), UNKNOWN, None, "no such element"),
    # Envelope B; its code is never the HTTP status
    (answer(400, b("100")), RejectedError, "100", "code 100): words."),
    (answer(401, b("200")), AuthenticationError, "200", "code 200): words."),
    (answer(401, b(200)), AuthenticationError, "200", "code 200): words."),
    (answer(401, b("210")), AuthenticationError, "210", "words"),
    (answer(403, b("230")), AuthenticationError, "230", "words"),
    (answer(404, b("300")), NotFoundError, "300", "path"),
    (answer(429, b("400")), RateLimitError, "400", "words"),
    (answer(429, b("410")), RateLimitError, "410", "words"),
    (answer(429, b("420")), RateLimitError, "420", "words"),
    (answer(413, b("430")), RejectedError, "430", "words"),
    (answer(500, b("900")), UNKNOWN, "900", "words"),
    (answer(503, b("500")), UNKNOWN, "500", "words"),
    (answer(504, b(510)), UNKNOWN, "510", "words"),
    (answer(401, gateway_xml("210")), AuthenticationError, "210", "words"),
    (answer(504, gateway_xml("510")), UNKNOWN, "510", "words"),
    (answer(400, gateway_xml("100")), RejectedError, "100", "words"),
    (answer(400, b(" 900\n")), UNKNOWN, "900", "words"),
    (answer(400, b(" ")), UNKNOWN, None, "words"),
    (answer(400, b("BadRequest")), RejectedError, "BadRequest", "words"),
    (answer(404, b("NotFound")), NotFoundError, "NotFound", "words"),
    (
        answer(401, {"error": {"errorCode": "200", "message": "Failed", "details": "Invalid information."}}),
        AuthenticationError,
        "200",
        "Failed: Invalid information.",
    ),
    # With these codes, or with a status that no refusal has, the gateway may have passed the request on
    (answer(408, b("100")), UNKNOWN, "100", "words"),
    (answer(409, b("Conflict")), UNKNOWN, "Conflict", "words"),
    (answer(425, b("100")), UNKNOWN, "100", "words"),
    (answer(200, b("100")), UNKNOWN, "100", "words"),
    (answer(200, gateway_xml("100")), UNKNOWN, "100", "words"),
    (answer(302, b("100")), UNKNOWN, "100", "redirect"),
    (answer(500, b("100")), UNKNOWN, "100", "words"),
    # These only look like the envelope
    (answer(400, {"error": {"message": "words"}}), UNKNOWN, None, "words"),
    (answer(400, {"error": {"errorCode": None, "message": "words"}}), UNKNOWN, None, "words"),
    (answer(400, {"error": {"errorCode": "", "message": "words"}}), UNKNOWN, None, "words"),
    (answer(400, {"error": {"errorCode": True, "message": "words"}}), UNKNOWN, None, "words"),
    (answer(400, {"error": {"code": "100", "message": "words"}}), UNKNOWN, None, "words"),
    (answer(400, {"error": "words"}), UNKNOWN, None, "cannot be used"),
    # Others, which no document of Data Forest mentions
    (answer(202, {"message": "Accepted"}), UNKNOWN, None, "(HTTP 202): Accepted."),
    (answer(200, {"code": 0, "message": "SUCCESS", "result": {}}), UNKNOWN, "0", "SUCCESS"),
    (answer(200, {"code": 1, "message": "failed"}), UNKNOWN, "1", "failed"),
    (answer(200, {"id": ID}), UNKNOWN, None, "without saying whether"),
    (answer(400, {"responseError": {"returnCode": "800", "returnMessage": "words"}}), UNKNOWN, "800", "words"),
    (answer(400, {"status": {"code": 7, "message": "words"}}), UNKNOWN, "7", "words"),
    (answer(400, {"errorCode": "X", "message": "words"}), UNKNOWN, "X", "words"),
    (answer(400, {"code": "BadRequest", "msg": "words", "data": None}), UNKNOWN, "BadRequest", "words"),
    (answer(400, {**SPRING, "status": 400}), UNKNOWN, None, "Required body"),
    (answer(404, {**SPRING, "status": 404}), UNKNOWN, None, "Required body"),
    (answer(401, {**SPRING, "status": 401}), AuthenticationError, None, "Required body"),
    (answer(500, {**SPRING, "status": 500}), UNKNOWN, None, "Required body"),
    # A number that is not the gateway's does not mean what the gateway's numbers mean.
    (answer(400, {"code": 400, "msg": "words"}), UNKNOWN, "400", "words"),
    (answer(400, {"errorCode": 210, "message": "words"}), UNKNOWN, "210", "words"),
    # Yes and no at once
    (answer(200, {"success": True, "id": ID, **b("100")}), UNKNOWN, "100", "words"),
    (answer(200, {"success": True, "id": ID, "errorCode": "X"}), UNKNOWN, "X", "without saying whether"),
    (answer(400, {"success": False, **b("900")}), UNKNOWN, "900", "words"),
    (answer(200, b'{"success": false, "success": true}'), UNKNOWN, None, "has the same key twice"),
    # Unreadable: whether it was done is not known, unless the status alone says no
    (answer(401, HTML), AuthenticationError, None, "(HTTP 401)."),
    (answer(403, b""), AuthenticationError, None, "(HTTP 403)."),
    (answer(429, HTML), RateLimitError, None, "(HTTP 429)."),
    (answer(200, HTML), UNKNOWN, None, "HTML"),
    (answer(404, HTML), UNKNOWN, None, "HTML"),
    (answer(200, b""), UNKNOWN, None, "empty"),
    (answer(204, b""), UNKNOWN, None, "empty"),
    (answer(200, []), UNKNOWN, None, "not a JSON object"),
    (answer(200, {}), UNKNOWN, None, "without saying whether"),
    (answer(200, {"success": None}), UNKNOWN, None, "without saying whether"),
    (answer(200, {"success": "maybe"}), UNKNOWN, None, "without saying whether"),
    (answer(200, {"success": 1}), UNKNOWN, None, "without saying whether"),
    (answer(200, {"success": 0}), UNKNOWN, None, "without saying whether"),
    (answer(400, {}), UNKNOWN, None, "cannot be used"),
    (answer(400, b""), UNKNOWN, None, "empty"),
    (answer(404, {}), UNKNOWN, None, "cannot be used"),
    (answer(400, {"success": True}), UNKNOWN, None, "cannot be used"),
    (answer(404, {"success": True, "id": ID}), UNKNOWN, None, "cannot be used"),
    (answer(502, HTML), UNKNOWN, None, "HTML"),
    (answer(100, {"success": True}), UNKNOWN, None, "failed to answer"),
    (answer(307, b""), UNKNOWN, None, "redirect"),
    (answer(302, {"success": True, "id": ID}), UNKNOWN, None, "redirect"),
]

# What each code of the gateway means, whatever the HTTP status of its answer, as failures.rst says.
CODES: dict[str, type[KrcloudError]] = {
    **dict.fromkeys(("200", "210", "230"), AuthenticationError),
    **dict.fromkeys(("400", "410", "420"), RateLimitError),
    **dict.fromkeys(("500", "510", "900"), UnknownOutcomeError),
}


@pytest.mark.parametrize("status", [200, 202, 302, 400, 404, 408, 409, 413, 500, 503, 504])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("as_number", [False, True])
def test_a_code_of_the_gateway_means_the_same_whatever_the_status(code: str, status: int, as_number: bool) -> None:
    error = reset_error(answer(status, b(int(code) if as_number else code)))
    assert error.__class__ is CODES[code]
    assert error.vendor_code == code
    assert reset_error(answer(status, gateway_xml(code))).__class__ is CODES[code]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("code", ["500", "510", "900"])
def test_a_server_that_failed_proves_nothing_whatever_the_status(code: str, status: int) -> None:
    assert reset_error(answer(status, b(code))).__class__ is UnknownOutcomeError
    assert list_error(answer(status, b(code))).__class__ is ProtocolError


@pytest.mark.parametrize(("response", "kind", "code", "words"), REFUSALS)
def test_every_envelope(response: Response, kind: type[KrcloudError], code: str | None, words: str) -> None:
    error = reset_error(response)
    assert error.__class__ is kind
    assert error.vendor_code == code
    assert words in error.message
    assert error.http_status in (response.status, None)


def test_a_list_that_fails_has_no_unknown_outcome() -> None:
    for response in (
        answer(202, {"message": "Accepted"}),
        answer(500, b("900")),
        answer(200, HTML),
        answer(200, b""),
        answer(302, b""),
    ):
        assert list_error(response).__class__ is ProtocolError


@pytest.mark.parametrize("response", [answer(401, B), answer(403, A), answer(404, A), answer(400, A), answer(302, b"")])
def test_what_is_decided_is_not_asked_again(response: Response) -> None:
    with ScriptedTransport(response) as transport, pytest.raises(KrcloudError):
        client(transport, retries=5).reset_password(ID, PASSWORD)
    assert len(transport.requests) == 1


@given(
    st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "success",
                        "error",
                        "errorCode",
                        "message",
                        "status",
                        "code",
                        "msg",
                        "id",
                        "responseError",
                        "details",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
)
def test_any_json_is_a_confirmation_or_an_error_of_ours(status: int, body: object) -> None:
    transport = ScriptedTransport(answer(status, json.dumps(body).encode()))
    try:
        client(transport).reset_password(ID, PASSWORD)
    except KrcloudError as error:
        assert error.message  # noqa: PT017
    else:
        assert status in (200, 201)
        assert isinstance(body, dict)
        assert str(body["success"]).strip().lower() == "true"
        assert not body.get("error")


# ----------------------------------------------------------------------------------------------------- trace and hints


def test_the_trace_id_is_kept() -> None:
    assert reset_error(answer(400, A, x_ncp_trace_id="5f1c7a9e2b3d")).trace_id == "5f1c7a9e2b3d"
    assert reset_error(answer(200, HTML, x_ncp_trace_id="5f1c7a9e2b3d")).trace_id == "5f1c7a9e2b3d"
    assert reset_error(answer(400, A)).trace_id is None
    assert reset_error(answer(400, A, x_ncp_trace_id="a\x1b[31m\nb" * 99)).trace_id.isprintable()


@pytest.mark.parametrize(
    ("ahead", "words"), [(3600, "3600 s ahead of"), (-400, "400 s behind"), (300, "300 s ahead of")]
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_clock_is_named(ahead: int, words: str, status: int) -> None:
    error = reset_error(answer(status, B, date=formatdate(EPOCH - ahead, usegmt=True)))
    assert words in (error.hint or "")
    assert "5 minutes" in (error.hint or "")


@pytest.mark.parametrize("headers", [{}, {"date": "nonsense"}, {"date": formatdate(EPOCH - 200, usegmt=True)}])
def test_a_right_clock_is_not_blamed(headers: dict[str, str]) -> None:
    assert "clock" not in (reset_error(answer(401, B, **headers)).hint or "")


def test_hints_for_refused_credentials() -> None:
    assert "belong together" in (reset_error(answer(401, B)).hint or "")
    assert "permissions" in (reset_error(answer(403, A)).hint or "")
    assert "from the option access_key" in reset_error(answer(401, B)).message


def test_a_limit_whose_wait_is_too_long_says_how_long_it_is() -> None:
    error = reset_error(answer(429, b("410"), retry_after="3600"))
    assert isinstance(error, RateLimitError)
    assert "the server asked for 3600 s" in error.message
    assert error.hint == "Run the task again after 3600 s. Lower concurrency or set requests_per_second."


# ------------------------------------------------------------------------------------------------ the password, echoed

PASSWORDS = [PASSWORD, "Abc<&>+1%2", "aB3%\"x\\y'z", "(a, 'b').:9Z", "Qwerty-12345678901"]
ADVICE = "Please enter a valid password."


def gone(error: KrcloudError, password: str, shown: str) -> None:
    said = f"{error.sentence()} {error.as_dict()} {error!r} {error.args}"
    for text in {password, shown, password.lower(), password.upper(), password[::-1], *password.split()}:
        if len(text) >= 6:
            assert text not in said


@pytest.mark.parametrize("form", [form for form in ECHOES if form != "none"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_an_echoed_password_is_masked_in_the_documented_sentence(form: str, password: str) -> None:
    shown = ECHOES[form](password)
    message = f"invalid request parameter (password, '{shown}').\n{ADVICE}"
    error = reset_error(answer(400, {"message": message, "success": False}), password=password)
    gone(error, password, shown)
    assert "invalid request parameter (password, " + MASK in error.message
    assert error.message.endswith(f"). {ADVICE}")


@pytest.mark.parametrize("form", [form for form in ECHOES if form != "none"])
@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("wire_format", ["json", "xml"])
def test_an_echoed_password_is_masked_anywhere(form: str, password: str, wire_format: str) -> None:
    shown = ECHOES[form](password)
    document = {"message": f"[{shown}] is too weak", "success": False}
    body = json.dumps(document).encode()
    if wire_format == "xml":
        escaped = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        body = f"<r><message>[{escaped}] is too weak</message><success>false</success></r>".encode()
    error = reset_error(answer(400, body), wire_format=wire_format, password=password)
    gone(error, password, shown)
    assert MASK in error.message
    assert error.message.endswith("] is too weak.")


def test_a_value_cut_in_the_middle_of_the_sentence_is_masked() -> None:
    error = reset_error(
        answer(400, {"message": f"invalid request parameter (password, '{PASSWORD[:4]}", "success": False})
    )
    assert PASSWORD[:4] not in error.message
    assert MASK in error.message


@pytest.mark.parametrize("where", ["details", "errorCode"])
def test_a_password_in_other_fields_is_masked_or_not_quoted(where: str) -> None:
    error = reset_error(answer(400, {"error": {"message": "bad", "errorCode": "100", where: PASSWORD}}))
    assert PASSWORD not in f"{error.sentence()} {error.as_dict()}"


def test_the_secret_key_is_masked_too() -> None:
    error = reset_error(answer(401, b("200", f"unknown key {SECRET[:20]}")))
    assert SECRET[:6] not in error.message


def test_a_message_cannot_forge_lines_or_colours() -> None:
    error = reset_error(answer(400, {"message": "a\x1b[31m\r\nfatal: [forged]\u202e\u2028x", "success": False}))
    assert error.message.isprintable()
    assert "a [31m fatal: [forged] x" in error.message


def test_a_long_message_is_cut() -> None:
    error = reset_error(answer(400, {"message": "x" * 60_000, "success": False}))
    assert len(error.message) < 400


def test_the_vendors_language_is_kept() -> None:
    error = reset_error(answer(400, {"message": "잘못된 요청입니다", "success": False}))
    assert "잘못된 요청입니다" in error.message
