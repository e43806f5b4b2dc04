# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random answers to the parser and to both clients: each leads to a value or to one of our errors, and is clean.

KRCLOUD_FUZZ sets how many examples each property gets.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.bodies import Unreadable, parse
from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Limits
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Request, Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import is_safe
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Account
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.dataforest import DataForest
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.gateway import Gateway
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.sts import Sts, Wish
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.client import ResetMail, Solapi
from hostile.answers import MESSAGES, UNREADABLE, accounts
from hostile.operations import EMAIL, ID, LONGEST_MESSAGE, SECRET, texts

pytestmark = pytest.mark.timeout(1800)

KEYS = {
    **{"accessKey": "ncp_iam_A0000000000001", "keySecret": "ncp_iam_s0000000000001", "useMfa": False},
    **{"createTime": "2026-01-01T00:00:00Z", "expireTime": "2026-01-01T01:00:00Z"},
}
# Real answers of both vendors, and of proxies in front of them.
REAL = (
    accounts(2),
    accounts(2, xml=True),
    json.dumps({"success": True, "id": ID}).encode(),
    json.dumps({"success": False, "error": {"errorCode": "200", "message": "Authentication Failed"}}).encode(),
    json.dumps({"responseError": {"returnCode": 400, "returnMessage": f"(password, '{SECRET}')."}}).encode(),
    f"<ResetAccountPasswordResponse><success>true</success><id>{ID}</id></ResetAccountPasswordResponse>".encode(),
    b"<error><errorCode>300</errorCode><message>Not Found Exception</message><details>x</details></error>",
    json.dumps({"mail": {"accepted": [EMAIL], "rejected": [], "messageId": "<x@example.com>"}}).encode(),
    json.dumps(
        {"_id": "5" * 24, "hashId": "h" * 32, "email": EMAIL, "dateCreated": "2026-01-01T00:00:00.000Z"}
    ).encode(),
    json.dumps({"errorCode": "ValidationError", "errorMessage": f"no {SECRET}"}).encode(),
    json.dumps(KEYS).encode(),
)
NAMES = (
    *("success", "id", "contents", "name", "status", "disabled", "createdAt", "error", "errorCode", "message", "msg"),
    *("details", "responseError", "returnCode", "returnMessage", "code", "mail", "accepted", "rejected", "messageId"),
    *("hashId", "errorMessage", "dateCreated", "email"),
    *KEYS,
)
# The ways in which a careless server may echo a request.
ECHOES: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: text[2:-2],
    quote,
    lambda text: quote(quote(text)),
    escape,
    lambda text: json.dumps(json.dumps(text)),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: text.encode().hex(),
)

surrogates = st.text(st.characters(codec=None), max_size=30)
words = st.one_of(
    surrogates,
    st.sampled_from([ID, EMAIL, "true", "false", "", "200", *(text[:3000] for text in MESSAGES.values())]),
    st.builds(
        lambda before, echo, after: before + echo(SECRET) + after, surrogates, st.sampled_from(ECHOES), surrogates
    ),
)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES) | surrogates, inner, max_size=6)
    ),
    max_leaves=12,
)


def as_xml(tree: Any, name: str = "a") -> str:
    if isinstance(tree, dict):
        inner = "".join(as_xml(value, key if key in NAMES else "other") for key, value in tree.items())
    elif isinstance(tree, list):
        return "".join(as_xml(value, name) for value in tree)
    else:
        inner = escape(str(tree))
    return f"<{name}>{inner}</{name}>"


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A real answer with pieces removed, duplicated or replaced."""
    body = draw(st.sampled_from(REAL))
    for _index in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        piece = draw(st.one_of(st.binary(max_size=12), st.just(body[start:end] * 2), st.just(b"")))
        body = body[:start] + piece + body[end:]
    return body


json_trees = trees.map(lambda tree: json.dumps(tree, ensure_ascii=True).encode())
raw_json_trees = trees.map(lambda tree: json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass"))
xml_trees = trees.map(lambda tree: as_xml(tree).encode("utf-8", "surrogatepass"))
bodies = st.one_of(
    st.binary(max_size=300), spoilt(), json_trees, raw_json_trees, xml_trees, st.sampled_from(list(UNREADABLE.values()))
)
header_values = st.one_of(
    st.text(st.characters(codec="latin-1"), max_size=60),
    st.sampled_from(["Fri, 31 Dec 9999 23:59:59 GMT", "1e999", "\xb2", "5", "Mon, 01 Jan 0001 00:00:00 +9999", SECRET]),
    st.integers(0, 300).map(lambda size: "x" * size + SECRET),
)
responses = st.builds(
    Response,
    status=st.sampled_from([200, 201, 301, 400, 401, 403, 404, 429, 500, 503]) | st.integers(100, 999),
    headers=st.dictionaries(st.sampled_from(["date", "retry-after", "x-ncp-trace-id", "content-type"]), header_values),
    body=bodies,
    received_at=st.just(1_767_225_600.0),
)


def changed_keys(changes: dict[str, Any]) -> Response:
    """The documented answer with keys, with something else in some of its fields."""
    return Response(200, {}, json.dumps({**KEYS, **changes}).encode(), 1_767_225_600.0)


class Recorded:
    """A transport that gives one answer."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        return self._response


def outcome(response: Response, ask: Callable[[Caller, Credentials, Redactor], Any]) -> Any:
    """What a client returns for an answer. Errors are checked here, and returned as None."""
    caller = Caller(Recorded(response), "https://vendor.example.com", Limits(retries=0))
    redactor = Redactor([SECRET])
    try:
        return ask(caller, Credentials("canary-access-key", SECRET, "the options"), redactor)
    except KrcloudError as error:
        sentence = error.sentence()
        assert 10 < len(sentence) < LONGEST_MESSAGE
        for text in texts(error.as_dict()):
            assert text.isprintable()
            shown = redactor.text(text)
            assert shown == text, "a secret, found by the last gate only"
            assert not any(SECRET[at : at + 6] in text for at in range(len(SECRET) - 5))
        json.dumps(error.as_failure()).encode()
        return None


@given(bodies)
@example(b"\xef\xbb\xbf{}")
def test_a_body_is_an_object_or_unreadable(body: bytes) -> None:
    try:
        parsed = parse(body)
    except Unreadable as unreadable:
        reason = str(unreadable)
    else:
        reason = "it is an object" if isinstance(parsed, dict) else ""
    assert re.fullmatch("it [ -~]+", reason)


@given(trees)
def test_json_is_read_as_json_has_it(tree: Any) -> None:
    body = json.dumps({"a": tree})
    try:
        parsed = parse(body.encode())
    except Unreadable:
        assert "NaN" in body or "Infinity" in body or any(len(digits) > 20 for digits in body.split())
    else:
        assert json.dumps(parsed) == body


@given(responses)
@example(Response(200, {}, accounts(2), 1_767_225_600.0))
@example(Response(200, {}, accounts(2).replace(b"df00001", b"{{ x }}"), 1_767_225_600.0))
def test_any_answer_to_a_list(response: Response) -> None:
    listing = outcome(
        response, lambda caller, key, redactor: DataForest(Gateway(caller, key, redactor)).list_accounts()
    )
    for account in listing.accounts if listing else []:
        assert isinstance(account, Account)
        assert all(text.isprintable() and len(text) <= 200 for text in texts(account.as_dict()))
        assert is_safe(account.id)
        assert account.name is None or is_safe(account.name)
    for row in listing.unusable if listing else []:
        assert re.fullmatch("Account [0-9]+ in the list of NAVER Cloud is left out: it[ -~]+[.]", row.reason)


@given(responses)
def test_any_answer_to_a_reset(response: Response) -> None:
    def ask(caller: Caller, key: Credentials, redactor: Redactor) -> bool:
        DataForest(Gateway(caller, key, redactor)).reset_password(ID, SECRET)
        return True

    if outcome(response, ask):
        # Confirmed by a 2xx whose body says so, for this account.
        answer = parse(response.body)
        assert 200 <= response.status < 300
        assert str(answer["success"]).strip().lower() == "true"
        assert answer.get("id", ID) == ID


@given(responses | st.dictionaries(st.sampled_from(list(KEYS)), words, max_size=2).map(changed_keys))
@example(changed_keys({}))
def test_any_answer_to_a_request_for_keys(response: Response) -> None:
    pair = outcome(response, lambda caller, key, redactor: Sts(Gateway(caller, key, redactor)).create(Wish(3600)))
    if pair is not None:
        answer = parse(response.body)
        assert 200 <= response.status < 300
        assert (pair.access_key, pair.secret_key) == (answer["accessKey"], answer["keySecret"])
        assert pair.expires_at is None or pair.expires_at > response.received_at
        for text in (pair.access_key, pair.secret_key, *texts(pair.result()), *pair.doubts):
            assert text.isprintable()
            assert Redactor([SECRET]).text(text) == text
        # They go into headers.
        assert re.fullmatch(r"[!-~]{6,200}", pair.access_key)
        assert re.fullmatch(r"[!-~]{6,200}", pair.secret_key)


@given(responses)
def test_any_answer_to_a_request_for_a_mail(response: Response) -> None:
    mail = outcome(
        response, lambda caller, key, redactor: Solapi(caller, key, redactor, lambda: "salt" * 8).send_reset_mail(EMAIL)
    )
    if mail is not None:
        assert isinstance(mail, ResetMail)
        assert 200 <= response.status < 300
        # They end up in a store that may be read as variables.
        told = (mail.message_id or "", mail.requested_at)
        assert all(text.isprintable() and SECRET not in text and "{" not in text for text in told)
