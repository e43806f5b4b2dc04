# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SOLAPI client: at most one mail, and never its token."""

from __future__ import annotations

import json
import re
import unicodedata
from email.utils import formatdate
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Repeat
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost, NotSent, Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    AuthenticationError,
    ConfigurationError,
    KrcloudError,
    RateLimitError,
    RejectedError,
    UnknownOutcomeError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.client import (
    SEND_RESET,
    ResetMail,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.reset import request_reset
from support.fakes import EPOCH, URL, ScriptedTransport, Step, answer
from support.mails import (
    CREATED,
    CREDENTIALS,
    EMAIL,
    KEY,
    MESSAGE_ID,
    NEW,
    OLD,
    OUR_TIME,
    SECRET,
    TOKEN,
    client,
    e,
    old,
)
from support.simulator.signatures import SolapiKey, verify_solapi


def send(response: Response, redactor: Redactor | None = None) -> ResetMail:
    with ScriptedTransport(response) as transport:
        return client(transport, redactor=redactor).send_reset_mail(EMAIL)


def failure(*script: Step, credentials: Credentials | None = CREDENTIALS, **more: Any) -> KrcloudError:
    with ScriptedTransport(*script) as transport, pytest.raises(KrcloudError) as caught:
        client(transport, credentials, **more).send_reset_mail(EMAIL)
    return caught.value


# ------------------------------------------------------------------------------------------------------------ requests


def test_an_unsigned_request() -> None:
    with ScriptedTransport(answer(200, NEW)) as transport:
        client(transport).send_reset_mail(EMAIL)
    (request,) = transport.requests
    assert request.url == f"{URL}/users/v1/member/password/reset"
    assert json.loads(request.body) == {"email": EMAIL}
    assert request.headers == {"Content-Type": "application/json", "Accept": "application/json"}


def test_a_signed_request() -> None:
    with ScriptedTransport(answer(200, NEW)) as transport:
        client(transport, CREDENTIALS).send_reset_mail(EMAIL)
    key = SolapiKey("ours", KEY, SECRET)
    header = transport.requests[0].headers["Authorization"]
    assert verify_solapi(header, {KEY: key}, {}, EPOCH, 900.0, "127.0.0.1") == key


def test_every_attempt_has_a_salt_of_its_own() -> None:
    with ScriptedTransport(NotSent("no"), answer(429), NotSent("no"), answer(200, NEW)) as transport:
        client(transport, CREDENTIALS, retries=3).send_reset_mail(EMAIL)
    seen: dict[str, float] = {}
    key = SolapiKey("ours", KEY, SECRET)
    for request in transport.requests:  # a repeated signature would be refused
        verify_solapi(request.headers["Authorization"], {KEY: key}, seen, EPOCH, 900.0, "127.0.0.1")
    assert len(seen) == 4


def test_the_request_is_declared_unsafe_to_repeat() -> None:
    assert SEND_RESET.repeat is Repeat.UNSAFE


@pytest.mark.parametrize(
    "step", [AnswerLost("cut off"), answer(500), answer(503), answer(504), answer(200, b"<html>"), answer(200, b"")]
)
def test_a_request_that_may_have_arrived_is_not_repeated(step: Step) -> None:
    assert failure(step, retries=5).__class__ is UnknownOutcomeError


def test_what_is_not_an_address_is_refused_before_any_request() -> None:
    with ScriptedTransport() as transport, pytest.raises(ConfigurationError, match="email is not a mail address"):
        client(transport).send_reset_mail("a@example.com, b@example.com")


# -------------------------------------------------------------------------------------------------------- good answers


def test_the_old_shape() -> None:
    assert send(answer(200, OLD)) == ResetMail(MESSAGE_ID, OUR_TIME)


def test_the_new_shape() -> None:
    assert send(answer(200, NEW)) == ResetMail(None, CREATED)


@pytest.mark.parametrize("key", ["hashId", "dateUpdated"])
def test_what_the_new_shape_need_not_hold(key: str) -> None:
    assert send(answer(200, {name: value for name, value in NEW.items() if name != key})) == ResetMail(None, CREATED)


UNPROVEN: list[dict[str, Any]] = [
    *({name: value for name, value in NEW.items() if name != key} for key in ("_id", "email", "dateCreated")),
    *({**NEW, key: value} for key in ("_id", "email", "dateCreated") for value in (None, "", " ", 5, [], {}, True)),
    {**NEW, "email": "other@example.com"},
    {**NEW, "email": [EMAIL]},
    {},
    {"anything": 1},
    {"email": EMAIL},
    {"email": EMAIL, "result": True},  # how the vendor answers when asked whether an address exists
    {"mail": "sent"},
    {"mail": None},
    {"mail": [EMAIL]},
    {"mail": {}},
    {"message": "OK"},
    {"success": True},
    {"code": 0, "message": "SUCCESS", "result": {}},
    {"status": "PENDING", "groupId": "G4V20200923124016", "count": {"total": 1}},
    {"errorCode": "", "errorMessage": ""},
    {"errorCode": None, "errorMessage": None},
    {"errorCode": 0},
    {"errorCode": ["ValidationError"], "errorMessage": {"a": 1}},
    # Parts of one shape do not make up for missing parts of the other.
    {**NEW, "mail": {**OLD["mail"], "accepted": []}},
]


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", UNPROVEN, ids=str)
def test_an_undocumented_confirmation_confirms_nothing(body: dict[str, Any], status: int) -> None:
    error = failure(answer(status, body))
    assert error.__class__ is UnknownOutcomeError
    assert f"without saying that it accepted the address (HTTP {status})" in error.message


@pytest.mark.parametrize("shape", [NEW, OLD])
@pytest.mark.parametrize("no", [{"errorCode": None}, {"errorCode": ""}, {"errorCode": 0}, {"errorMessage": " "}])
def test_a_confirmation_may_say_that_there_was_no_error(shape: dict[str, Any], no: dict[str, Any]) -> None:
    assert send(answer(200, {**shape, **no}))


@pytest.mark.parametrize("shape", [NEW, OLD])
@pytest.mark.parametrize(
    "no",
    [
        {"success": False},
        {"success": "false"},
        {"error": "Not Found"},
        {"error": {"message": "no"}},
        {"errors": [{"errorCode": "ValidationError"}]},
        {"errorCode": ["ValidationError"]},
        {"errorCode": True},
        {"errorMessage": {"ko": "없는 회원입니다."}},
    ],
    ids=str,
)
def test_what_says_yes_and_no_confirms_nothing(shape: dict[str, Any], no: dict[str, Any]) -> None:
    assert failure(answer(200, {**shape, **no})).__class__ is UnknownOutcomeError


@pytest.mark.parametrize(
    "created",
    [
        "yesterday",
        "2020-09-23",
        f"{CREATED}\n",
        f"{CREATED} x",
        5,
        None,
        "2020-09-23T03:40:16+09:00",
        "2020-13-32T25:61:61Z",
        re.sub("[0-9]", lambda digit: chr(0x660 + int(digit[0])), CREATED),  # Arabic digits
        "{{ lookup('pipe', 'id') }}",
    ],
)
def test_a_time_that_is_not_valid_is_not_shown_and_proves_nothing(created: object) -> None:
    assert send(answer(200, {**OLD, "dateCreated": created})).requested_at == OUR_TIME
    assert failure(answer(200, {**NEW, "dateCreated": created})).__class__ is UnknownOutcomeError


@pytest.mark.parametrize("message_id", [MESSAGE_ID, "3f0c2a8e@mail.example.com", "<a.b+c=d/e$f@[192.0.2.1]>"])
def test_a_message_id(message_id: str) -> None:
    assert send(answer(200, old(messageId=message_id))).message_id == message_id


@pytest.mark.parametrize(
    "message_id",
    [
        "{{ lookup('pipe', 'id > pwned') }}",
        "<{{lookup('pipe','id')}}@mail.example.com>",
        "<{{secret}}@mail.example.com>",
        "<{%raw%}@mail.example.com>",
        "<{#x#}@mail.example.com>",
        "<a\x1b[0m\nb@example.com>",
        "<a b@example.com>",
        "<a@example.com>\n",
        f"<{'x' * 200}@example.com>",
        "한글@example.com",
        "<a>",
        "",
        "None",
        5,
        None,
        ["<a@example.com>"],
    ],
)
def test_what_cannot_be_the_id_of_a_message_is_passed_over(message_id: object) -> None:
    assert send(answer(200, old(messageId=message_id))).message_id is None


def test_a_secret_in_the_id_of_a_message_is_masked() -> None:
    assert send(answer(200, old(messageId=f"<{SECRET}@example.com>")), Redactor([SECRET])).message_id == (
        "<********@example.com>"
    )


SPELLINGS = [
    (EMAIL, EMAIL.upper()),
    (EMAIL, "Member@EXAMPLE.com."),
    ("user@한국.kr", "user@xn--3e0b707e.kr"),
    ("user@xn--3e0b707e.kr", "USER@XN--3E0B707E.KR"),
    (unicodedata.normalize("NFD", "사용자@한국.kr"), "사용자@xn--3e0b707e.kr"),
]


@pytest.mark.parametrize(("asked", "answered"), SPELLINGS)
def test_the_spelling_of_the_address_does_not_matter(asked: str, answered: str) -> None:
    for one, other in ((asked, answered), (answered, asked)):
        for body in ({**NEW, "email": other}, old(accepted=[other])):
            with ScriptedTransport(answer(200, body)) as transport:
                client(transport).send_reset_mail(one)
            assert transport.documents == [{"email": one}]  # as it was given
        with ScriptedTransport(answer(200, old(accepted=[], rejected=[other]))) as transport:
            assert request_reset(client(transport), one)["delivery"] == "rejected"


@pytest.mark.parametrize("rejected", [[EMAIL], [EMAIL.upper()], ["other@example.com", EMAIL]])
def test_a_rejected_address_fails(rejected: list[str]) -> None:
    error = failure(answer(200, old(accepted=[], rejected=rejected)))
    assert error.__class__ is RejectedError
    assert "rejected the address" in error.message
    assert error.hint == "Check the address."
    # Rejected is rejected, whatever is in the other list.
    assert failure(answer(200, old(rejected=rejected))).__class__ is RejectedError


@pytest.mark.parametrize(
    "mail", [{"accepted": []}, {"accepted": None}, {"accepted": ["other@example.com"]}, {"accepted": EMAIL}]
)
def test_an_address_in_neither_list_is_unknown(mail: dict[str, Any]) -> None:
    assert failure(answer(200, old(**mail))).__class__ is UnknownOutcomeError


# ----------------------------------------------------------------------------------------------------------- the token


@pytest.mark.parametrize(
    "body",
    [
        NEW,
        {"hashId": TOKEN},
        {"data": [{"deep": {"HASHID": TOKEN}}]},
        {**OLD, "hashId": TOKEN},
    ],
)
def test_the_token_is_a_secret_from_then_on(body: dict[str, Any]) -> None:
    redactor = Redactor()
    with ScriptedTransport(answer(200, body)) as transport:
        result = request_reset(client(transport, redactor=redactor), EMAIL)
    assert TOKEN in redactor.secrets
    assert TOKEN not in repr(result)


def test_the_token_of_a_refusal_is_a_secret_too() -> None:
    body = {"errorCode": "ValidationError", "errorMessage": f"pending reset {TOKEN} of member", "hashId": TOKEN}
    redactor = Redactor()
    error = failure(answer(400, body), redactor=redactor)
    assert TOKEN in redactor.secrets
    assert TOKEN not in f"{error.sentence()} {error.as_dict()}"


def test_the_token_is_nowhere_in_a_result() -> None:
    with ScriptedTransport(answer(200, NEW)) as transport:
        assert TOKEN not in repr(request_reset(client(transport), EMAIL))


# --------------------------------------------------------------------------------------------------------- bad answers


REFUSALS: list[tuple[Response, type[KrcloudError], str | None, str]] = [
    (answer(403, e("InvalidAPIKey")), AuthenticationError, "InvalidAPIKey", "말"),
    (answer(403, e("InvalidApiKey")), AuthenticationError, "InvalidApiKey", "말"),
    (answer(400, e("InvalidApiKey")), AuthenticationError, "InvalidApiKey", "말"),
    (answer(400, e("SignatureDoesNotMatch")), AuthenticationError, "SignatureDoesNotMatch", "말"),
    (answer(403, e("RequestTimeTooSkewed")), AuthenticationError, "RequestTimeTooSkewed", "말"),
    (answer(403, e("DuplicatedSignature")), AuthenticationError, "DuplicatedSignature", "말"),
    (answer(403, e("Forbidden")), AuthenticationError, "Forbidden", "말"),
    (answer(401, b""), AuthenticationError, None, "(HTTP 401)."),
    (answer(403, b"<html></html>"), AuthenticationError, None, "(HTTP 403)."),
    (answer(429, e("TooManyRequests")), RateLimitError, "TooManyRequests", "말"),
    (answer(429, b"slow down"), RateLimitError, None, "(HTTP 429)."),
    (answer(400, e("ValidationError", "email 값")), RejectedError, "ValidationError", "email 값"),
    (answer(404, e("ResourceNotFound")), RejectedError, "ResourceNotFound", "말"),
    (answer(402, e("NotEnoughBalance")), RejectedError, "NotEnoughBalance", "말"),
    (
        answer(400, {"errorCode": "ValidationError"}),
        RejectedError,
        "ValidationError",
        "code ValidationError).",
    ),
    (answer(400, {"errorMessage": "말"}), RejectedError, None, "말"),
    *((answer(status, e("ValidationError")), RejectedError, "ValidationError", "말") for status in (200, 201, 202)),
    (answer(200, e("InvalidAPIKey")), RejectedError, "InvalidAPIKey", "말"),
    (answer(200, {"errorMessage": "없는 회원입니다."}), RejectedError, None, "없는 회원입니다."),
    (answer(200, {"errorCode": "NoMember"}), RejectedError, "NoMember", "(HTTP 200, code NoMember)."),
    (answer(200, {**NEW, **e("ValidationError")}), RejectedError, "ValidationError", "말"),
    (answer(200, {**OLD, "errorMessage": "말"}), RejectedError, None, "말"),
    (answer(400, {"errorCode": 1010}), RejectedError, "1010", "(HTTP 400, code 1010)."),
    (answer(400, {"errorCode": "\x1b"}), RejectedError, None, "(HTTP 400)."),
    *((answer(status, e("AlreadySent")), UnknownOutcomeError, "AlreadySent", "말") for status in (408, 409, 425)),
    (answer(409, e("InvalidAPIKey")), UnknownOutcomeError, "InvalidAPIKey", "말"),
    (answer(500, e("InvalidAPIKey")), UnknownOutcomeError, "InvalidAPIKey", "말"),
    (answer(302, e("InvalidAPIKey")), UnknownOutcomeError, "InvalidAPIKey", "redirect"),
    (answer(404, {"message": "Not Found"}), UnknownOutcomeError, None, "(HTTP 404)"),
    (answer(413, b"<html></html>"), UnknownOutcomeError, None, "HTML"),
    (answer(404, NEW), UnknownOutcomeError, None, "(HTTP 404)"),
    (answer(500, OLD), UnknownOutcomeError, None, "(HTTP 500)"),
    (answer(500, e("InternalError")), UnknownOutcomeError, "InternalError", "말"),
    (answer(503, b"upstream"), UnknownOutcomeError, None, "not valid JSON"),
    (answer(400, b"Bad Request"), UnknownOutcomeError, None, "not valid JSON"),
    (answer(400, {}), UnknownOutcomeError, None, "(HTTP 400)"),
    (answer(200, []), UnknownOutcomeError, None, "not a JSON object"),
    (answer(200, b""), UnknownOutcomeError, None, "empty"),
    (answer(200, b"\xff"), UnknownOutcomeError, None, "UTF-8"),
    (answer(307, b""), UnknownOutcomeError, None, "redirect"),
    (answer(302, {}), UnknownOutcomeError, None, "redirect"),
]


@pytest.mark.parametrize(("response", "kind", "code", "words"), REFUSALS)
def test_every_refusal(response: Response, kind: type[KrcloudError], code: str | None, words: str) -> None:
    error = failure(response)
    assert error.__class__ is kind
    assert error.vendor_code == code
    assert words in error.message


@pytest.mark.parametrize(("code", "message"), [(5, 7), (None, None), ([], {}), ({"a": 1}, True)])
def test_fields_of_the_wrong_type_do_no_harm(code: object, message: object) -> None:
    assert failure(answer(400, {"errorCode": code, "errorMessage": message})).message.isprintable()


HINTS: list[tuple[Response, str]] = [
    (answer(403, e("Forbidden", "허용되지 않은 IP(203.0.113.7)로 접근하고 있습니다.")), "list of allowed IP addresses"),
    (answer(403, e("Forbidden", "허용되지 않은 IP입니다.")), "list of allowed IP addresses"),
    (answer(403, e("Forbidden", "잘못된 접근입니다.")), "belong together"),
    (answer(403, e("RequestTimeTooSkewed")), "15 minutes or more off"),
    (answer(403, e("DuplicatedSignature")), "repeats requests"),
    (answer(400, e("SignatureDoesNotMatch")), "belong together"),
    (answer(200, e("SignatureDoesNotMatch")), "belong together"),
    (answer(403, e("Any"), date=formatdate(EPOCH - 1000, usegmt=True)), "1000 s ahead of SOLAPI"),
    (answer(403, e("Any"), date=formatdate(EPOCH + 1000, usegmt=True)), "1000 s behind SOLAPI"),
    (answer(403, e("Any"), date=formatdate(EPOCH + 800, usegmt=True)), "belong together"),
]


@pytest.mark.parametrize(("response", "words"), HINTS)
def test_hints(response: Response, words: str) -> None:
    assert words in (failure(response).hint or "")


def test_a_refusal_says_what_to_do() -> None:
    assert failure(answer(400, e("ValidationError"))).hint == "Check the address."


def test_whose_credentials_were_refused() -> None:
    refused = answer(403, e("Forbidden"))
    assert "the credentials from the option api_key" in failure(refused).message
    assert "a request without credentials" in failure(refused, credentials=None).message


def test_secrets_in_a_message_are_masked_and_lines_are_not_forged() -> None:
    body = e("Bad\x1b[31m\n", f"secret {SECRET[:12]}\x1b[2J\r\nfatal: x")
    error = failure(answer(400, body), redactor=Redactor([SECRET]))
    assert SECRET[:12] not in error.sentence()
    assert error.message.isprintable()
    assert (error.vendor_code or "").isprintable()
