# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undocumented answers that SOLAPI might give to a request for a mail: what each of them proves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Limits
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Request, Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.client import Solapi
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.reset import request_reset
from ansible_collections.krcloud.credentials.plugins.plugin_utils._reset_mail import ask_once
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.effects import carry_out
from support.memory_store import MemoryStore

pytestmark = pytest.mark.timeout(1800)

EMAIL = "회원@한국.kr"
OURS = (EMAIL, "회원@xn--3e0b707e.kr", "회원@한국.KR")
CREATED = "2020-09-23T03:40:16.331Z"
NOW = 1_767_225_600.0

# With documented values in every place, so that both confirmations and lookalikes occur.
NEW = {"_id": "5f6ac3a047c7acc34a009660", "email": EMAIL, "dateCreated": CREATED, "dateUpdated": CREATED, "hashId": "h"}
addresses = st.lists(st.sampled_from([*OURS, "other@example.com", EMAIL.encode().hex(), ""]), max_size=2)
mails = st.fixed_dictionaries(
    {},
    optional={
        "accepted": addresses | st.sampled_from([None, EMAIL, {EMAIL: True}, 1]),
        "rejected": addresses | st.sampled_from([None, EMAIL]),
        "pending": addresses,
        "messageId": st.sampled_from(["<a@mail.example.com>", "", None, "{{ lookup('pipe', 'id') }}"]),
        "response": st.sampled_from(["250 Accepted", "550 No such user", "421 Try again later"]),
    },
)
OTHERS: dict[str, list[Any]] = {
    "success": [True, False, "true"],
    "ok": [True, 1],
    "code": [0, 200, "0000", "SUCCESS", 404],
    "message": ["SUCCESS", "Accepted", "Too Many Requests", ""],
    "msg": ["ok"],
    "status": ["ACCEPTED", "PENDING", "FAILED", 200],
    "statusCode": [2000, "2000", 4000],
    "result": [True, {}, NEW, "sent"],
    "data": [NEW, {"mail": {"accepted": [EMAIL]}}, None],
    "error": ["Not Found", {"errorCode": "200", "message": "x"}, None],
    "errors": [[], [{"errorCode": "ValidationError"}]],
    "name": ["a member"],
    "memberId": ["MEMabcdefghijk"],
}
documents = st.fixed_dictionaries(
    {},
    optional={
        "errorCode": st.sampled_from([None, "", " ", 0, False, "NoMember", "AlreadySent", 1010, ["x"], True])
        | st.sampled_from(["ValidationError", "InvalidAPIKey", "invalidapikey", "RequestTimeTooSkewed", "Forbidden"]),
        "errorMessage": st.sampled_from([None, "", " ", "없는 회원입니다.", {"ko": "x"}, ["x"], 0]),
        "mail": mails | st.sampled_from([None, "sent", True, [EMAIL], {}]),
        **{name: st.sampled_from(values) for name, values in OTHERS.items()},
    },
)
# Some or all keys of the newer form, and perhaps a different value for one.
records = st.one_of(
    st.just({}),
    st.just(NEW),
    st.sets(st.sampled_from(sorted(NEW))).map(lambda kept: {key: NEW[key] for key in kept}),
    st.builds(
        lambda key, value: {**NEW, key: value},
        st.sampled_from(sorted(NEW)),
        st.sampled_from([None, "", 5, True, [], *OURS, "other@example.com", "2020-09-23", "0000-00-00T00:00:00Z"]),
    ),
)
answers = st.builds(lambda record, document: {**record, **document}, records, documents)
statuses = st.sampled_from([200, 200, 200, 201, 202, 207, 301, 400, 400, 401, 402, 403, 404, 408, 409, 413, 422]) | (
    st.sampled_from([425, 429, 451, 500, 502, 503, 504, 520])
)


def says_no(answer: dict[str, Any]) -> bool:
    code, message = answer.get("errorCode"), answer.get("errorMessage")
    by_code = (isinstance(code, str) and code.strip() != "") or (
        isinstance(code, int) and not isinstance(code, bool) and code != 0
    )
    return by_code or (isinstance(message, str) and message.strip() != "")


def says_no_besides(answer: dict[str, Any]) -> bool:
    """Whether it has an error in a form that SOLAPI has not documented. A confirmation with one does not count."""
    values = [answer.get(name) for name in ("error", "errors", "errorCode", "errorMessage")]
    return answer.get("success") is False or any(value for value in values if value != " ")


def proves(status: int, answer: dict[str, Any]) -> str | None:
    """What an answer proves by the documentation of the module. None: the caller was refused."""
    mail = answer.get("mail")
    told = mail if isinstance(mail, dict) else {}
    lists = {name: told[name] if isinstance(told.get(name), list) else [] for name in ("accepted", "rejected")}
    names_us = {name: any(email in OURS for email in emails) for name, emails in lists.items()}
    if 200 <= status < 300:
        if says_no(answer) or names_us["rejected"]:
            return "rejected"
        record = (
            answer.get("_id") not in (None, "", 5, True, [])
            and answer.get("email") in OURS
            and answer.get("dateCreated") == CREATED
        )
        confirmed = names_us["accepted"] if isinstance(mail, dict) else record
        return "accepted" if confirmed and not says_no_besides(answer) else "unknown"
    if status in (401, 403, 429):
        return None
    if not 400 <= status < 500 or status in (408, 409, 425) or not says_no(answer):
        return "unknown"
    about_the_caller = ("invalidapikey", "requesttimetooskewed", "forbidden")
    return None if str(answer.get("errorCode")).strip().lower() in about_the_caller else "rejected"


class Recorded:
    """A transport that gives one answer."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        return self._response


@given(statuses, answers)
@example(200, {"errorMessage": "없는 회원입니다."})
@example(202, {"message": "Accepted"})
@example(200, {"code": 0, "message": "SUCCESS", "result": {}})
@example(200, {**NEW, "email": OURS[1]})
@example(409, {"errorCode": "AlreadySent", "errorMessage": "x"})
def test_an_answer_proves_what_the_documentation_says(status: int, answer: dict[str, Any]) -> None:
    response = Response(status, {}, json.dumps(answer, ensure_ascii=False).encode(), NOW)
    caller = Caller(Recorded(response), "https://vendor.example.com", Limits(retries=0))
    asked: list[dict[str, Any]] = []

    def ask(effect: Any) -> dict[str, Any]:
        client = Solapi(caller, None, Redactor(), lambda: "salt" * 8)
        result = request_reset(client, EMAIL, check_mode=effect.rehearse)
        if not effect.rehearse:
            asked.append(result)
        return result

    def run() -> dict[str, Any]:
        return carry_out(ask_once(EMAIL, 86400.0, clock=lambda: NOW, request_id="r"), store, ask)

    store = MemoryStore()
    expected = proves(status, answer)
    result = run()
    assert result["delivery"] == expected
    assert result["changed"] is (expected in ("accepted", "unknown"))
    assert bool(result.get("failed")) is (expected != "accepted")
    # No second mail, unless this answer proves that there was no first one.
    free = expected is None or (expected == "rejected" and status >= 400)
    again = run()
    assert len(asked) == (2 if free else 1)
    assert (result["next_due_at"] is None) is free
    if not free:
        assert (again["changed"], again["delivery"]) == (False, expected)
    assert "{{" not in json.dumps([result["message_id"], *(row.document for row in store.rows.values())])
