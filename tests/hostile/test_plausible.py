# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plausible answers of Data Forest that are not documented: what each of them proves, and nothing more.

They are composed of what its documentation, other services of the vendor and proxies are known to say. What each of
them proves is derived here a second time, from the documentation and not from the client. KRCLOUD_FUZZ sets how many
examples each property gets.
"""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Limits
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Request, Response
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
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Listing
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.dataforest import DataForest
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.gateway import Gateway
from hostile.operations import ID, SECRET

pytestmark = pytest.mark.timeout(1800)

STATUSES = (
    *(200, 201, 202, 204, 207, 226, 300, 302, 304, 307, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411),
    *(412, 413, 415, 418, 421, 422, 423, 424, 425, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507, 520),
)
CALLER, LIMIT, FAILED = ("200", "210", "230"), ("400", "410", "420"), ("500", "510", "900")
PROVES_NOTHING = (408, 409, 425, 429)

Anything = st.SearchStrategy[Any]

# Each part of an answer may be there or not, in any of its forms.
flags: Anything = st.sampled_from([True, False, "true", "false", "TRUE", " False ", None, 0, 1, "yes", "SUCCESS", []])
codes: Anything = st.sampled_from(
    [*CALLER, *LIMIT, *FAILED, "100", "300", "430", "0", "999", "BadRequest", "Conflict", "SUCCESS"]
)
numbers: Anything = st.one_of(codes, st.sampled_from([0, 1, 100, 200, 210, 300, 400, 500, 510, 900, -1]))
odd_codes: Anything = st.one_of(
    numbers, st.none(), st.booleans(), st.sampled_from(["", " ", " 900\n", 1.5]), st.just({})
)
words: Anything = st.sampled_from(
    ["SUCCESS", "Accepted", "OK", "unexpected error", "없는 계정입니다.", "", None, {}, 7]
)
ids: Anything = st.sampled_from([ID, ID.lower(), "SomebodyElsesAccount00", "", None, 7])
gateway_parts = {"errorCode": odd_codes, "message": words, "details": words, "code": numbers}
gateway: Anything = st.fixed_dictionaries({}, optional=gateway_parts)
rows: Anything = st.sampled_from(
    [
        {"id": ID, "name": "df001"},
        {"id": "B-1"},
        {"id": "a/b", "name": "df002"},
        {"id": "C", "name": "{{ x }}"},
        {"name": "df003"},
        "text",
        None,
    ]
)
contents: Anything = st.one_of(st.lists(rows, max_size=3), rows, st.just(""), st.just({}), st.integers(0, 3))
totals: Anything = st.integers(-1, 4) | st.integers(0, 4).map(str) | st.sampled_from([None, "", "many", 1.0, True, []])
PARTS: dict[str, Anything] = {
    "success": flags,
    "id": ids,
    "message": words,
    "msg": words,
    "error": st.one_of(gateway, st.lists(gateway, max_size=1), words),
    "errorCode": odd_codes,
    "errorMessage": words,
    "code": odd_codes,
    "result": st.sampled_from([{}, None, {"id": ID}]),
    "data": st.none(),
    "responseError": st.fixed_dictionaries({"returnCode": odd_codes, "returnMessage": words}),
    "status": st.one_of(st.integers(200, 599), st.fixed_dictionaries({"code": odd_codes, "message": words})),
    "timestamp": st.just("2026-01-01T00:00:00.000+09:00"),
    "total": totals,
    "contents": contents,
}
objects = st.dictionaries(st.sampled_from(sorted(PARTS)), st.none(), max_size=5).flatmap(
    lambda chosen: st.fixed_dictionaries({name: PARTS[name] for name in chosen})
)
no_objects = st.sampled_from(["", "OK", "<html><body>nginx</body></html>", "[]", "null", "true", '"SUCCESS"', "[{}]"])


def as_xml(value: Any, name: str) -> str:
    if isinstance(value, list):
        return "".join(as_xml(item, name) for item in value)
    inner = (
        "".join(as_xml(item, key) for key, item in value.items()) if isinstance(value, dict) else escape(leaf(value))
    )
    return f"<{name}>{inner}</{name}>"


def leaf(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def in_xml(value: Any) -> Any:
    """What remains of an answer in XML: no types, no empty objects, and a list only if it has two items."""
    if not isinstance(value, dict):
        return leaf(value).strip()
    kept: dict[str, Any] = {}
    for name, item in value.items():
        items = item if isinstance(item, list) else [item]
        if items:
            kept[name] = in_xml(items[0]) if len(items) == 1 else [in_xml(each) for each in items]
    return kept or ""


class Answered:
    """A transport that gives one answer."""

    def __init__(self, status: int, text: str) -> None:
        self._response = Response(status, {}, text.encode(), 1_767_225_600.0)

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        return self._response


def client(status: int, text: str, wire_format: str) -> DataForest:
    caller = Caller(Answered(status, text), "https://vendor.example.com", Limits(retries=0))
    return DataForest(Gateway(caller, Credentials("key", SECRET, "the options"), Redactor([SECRET]), wire_format))


# ------------------------------------------------------------------------------------------------ from the documents


def says(value: Any) -> bool | None:
    """True, False, or None for neither, from a truth value or a text."""
    return {"true": True, "false": False}.get(str(value).strip().lower()) if isinstance(value, (bool, str)) else None


def gateway_code(answer: dict[str, Any]) -> str | None:
    """The code in the documented envelope of the gateway: text or a number."""
    error = answer.get("error")
    code = error.get("errorCode") if isinstance(error, dict) else None
    return str(code).strip() or None if isinstance(code, (int, str)) and not isinstance(code, bool) else None


def is_yes(status: int, answer: dict[str, Any]) -> bool:
    """Whether it has HTTP 2xx and success, and no error beside it."""
    no = any(answer.get(name) for name in ("error", "errorCode", "responseError"))
    return 200 <= status < 300 and says(answer.get("success")) is True and not no


def meanings(status: int, answer: dict[str, Any]) -> set[type[KrcloudError]]:
    """What an answer other than yes may mean."""
    code = gateway_code(answer)
    if code in FAILED:
        return {UnknownOutcomeError}
    if status == 429 or code in LIMIT:
        return {RateLimitError}
    if status in (401, 403) or code in CALLER:
        return {AuthenticationError}
    by_gateway = code is not None and 400 <= status < 500 and status not in PROVES_NOTHING
    if by_gateway or (says(answer.get("success")) is False and status < 500):
        return {RejectedError, NotFoundError}
    return {UnknownOutcomeError}


# ---------------------------------------------------------------------------------------------------------- properties


@given(st.sampled_from(STATUSES), objects, st.booleans())
@example(200, {"success": True, "id": ID}, False)
@example(200, {"success": True, "id": ID}, True)
@example(200, {"success": False, "message": "no"}, True)
@example(400, {"error": {"errorCode": "100"}}, True)
@example(202, {"message": "Accepted"}, False)
@example(200, {"code": 0, "message": "SUCCESS", "result": {}}, False)
@example(200, {"error": {"errorCode": "900", "message": "Unexpected Error"}}, False)
@example(404, {"error": {"errorCode": 510}}, False)
@example(400, {"code": "BadRequest", "msg": "no"}, False)
@example(200, {"success": True, "id": ID, "error": {"errorCode": "100"}}, False)
def test_a_reset_is_confirmed_or_refused_by_what_is_documented_and_by_nothing_else(
    status: int, answer: dict[str, Any], xml: bool
) -> None:
    text = as_xml(answer, "ResetAccountPasswordResponse") if xml else json.dumps(answer)
    read = (in_xml(answer) or {}) if xml else answer
    confirmed = is_yes(status, read) and read.get("id", ID) == ID
    expected = {UnknownOutcomeError} if is_yes(status, read) else meanings(status, read)
    try:
        client(status, text, "xml" if xml else "json").reset_password(ID, SECRET)
    except KrcloudError as error:
        assert not confirmed
        assert type(error) in expected  # noqa: PT017
    else:
        assert confirmed


@given(st.sampled_from(STATUSES), no_objects)
def test_what_is_not_an_object_proves_nothing(status: int, text: str) -> None:
    with pytest.raises(KrcloudError) as caught:
        client(status, text, "json").reset_password(ID, SECRET)
    about_caller = {401: AuthenticationError, 403: AuthenticationError, 429: RateLimitError}
    assert caught.value.__class__ is about_caller.get(status, UnknownOutcomeError)


@given(st.sampled_from((200, 200, 202, 400, 404, 500)), objects, st.booleans())
@example(200, {"success": True, "total": 2, "contents": [{"id": ID, "name": "df001"}, {"id": "a/b"}]}, False)
@example(200, {"success": True, "total": 1, "contents": [{"id": ID, "name": "df001"}]}, True)
@example(200, {"success": True, "total": 3}, False)
@example(200, {"success": True, "id": ID}, False)
@example(200, {"success": True, "total": 1, "contents": []}, False)
@example(200, {"success": True, "total": 0}, True)
def test_a_list_is_whole_and_says_so_or_it_is_an_error(status: int, answer: dict[str, Any], xml: bool) -> None:
    text = as_xml(answer, "GetAccountListResponse") if xml else json.dumps(answer)
    read = (in_xml(answer) or {}) if xml else answer
    # A list has no outcome that could be unknown.
    expected = {UnknownOutcomeError} if is_yes(status, read) else meanings(status, read)
    expected = {ProtocolError if kind is UnknownOutcomeError else kind for kind in expected}
    try:
        found = client(status, text, "xml" if xml else "json").list_accounts()
    except KrcloudError as error:
        assert type(error) in expected  # noqa: PT017
    else:
        assert is_yes(status, read)
        check_listing(found, read.get("contents"), read.get("total"), "contents" in read)


def check_listing(found: Listing, listed: Any, total: Any, is_there: bool) -> None:
    items = listed if isinstance(listed, list) else [listed] if listed else []
    # No account is dropped silently or made up, and an empty list was announced as empty.
    assert len(found.accounts) + len(found.unusable) == len(items)
    assert {account.id for account in found.accounts} <= {ID, "B-1"}
    assert is_there or str(total) == "0"
    if total is not None:
        assert isinstance(total, (int, str))
        assert not isinstance(total, bool)
        assert int(total) == len(items)
