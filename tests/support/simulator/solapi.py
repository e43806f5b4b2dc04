# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SOLAPI: the request for a password-reset mail, and two authenticated probes."""

from __future__ import annotations

import json
import re
import secrets
import string
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from .answers import Answer, json_answer
from .signatures import SolapiDenied, SolapiKey, verify_solapi
from .state import State
from .verdict import Call, Verdict

ROUTES = {
    ("POST", "/users/v1/member/password/reset"): "reset",
    ("GET", "/cash/v1/balance"): "balance",
    ("GET", "/users/v1/member"): "member",
}

MESSAGES = {
    "InvalidAPIKey": "유효하지 않은 API Key입니다.",
    "SignatureDoesNotMatch": "생성한 signature를 확인하세요.",
    "RequestTimeTooSkewed": "요청 시간이 서버 시간과 너무 많이 차이납니다.",
    "DuplicatedSignature": "이미 사용된 signature입니다. salt를 변경하여 다시 시도하세요.",
    "Forbidden": "잘못된 접근입니다.",
    "ValidationError": "Authorization 헤더의 형식이 올바르지 않습니다.",
}
BAD_EMAIL = "'email' 값이 올바른 이메일 형식이 아닙니다."
NANOID = string.ascii_letters + string.digits + "_-"


class Solapi:
    name = "solapi"
    operations = tuple(ROUTES.values())
    own_envelope = "solapi"

    def __init__(self, state: State) -> None:
        self._state = state
        self._operations: dict[str, Callable[[Call, dict[str, Any]], Verdict]] = {
            "reset": self._reset,
            "balance": self._balance,
            "member": self._member,
        }

    def headers(self) -> dict[str, str]:
        return {"Date": formatdate(self._state.now(), usegmt=True)}

    def keys(self) -> dict[str, Any]:
        every = self._state.solapi_keys.items()
        keys = {name: {"api_key": key.api_key, "api_secret": key.api_secret} for name, key in every}
        return {"solapi": keys["default"], "solapi_keys": keys}

    def judge(self, call: Call) -> Verdict:
        operation = ROUTES.get((call.method, call.path))
        if operation is None:
            return Verdict("unknown", _error(404, "ResourceNotFound", "요청한 리소스를 찾을 수 없습니다."))
        try:
            key = self._key(call)
            if key is None and operation != "reset":
                raise SolapiDenied("Forbidden")
        except SolapiDenied as denied:
            return Verdict(operation, self._denial(str(denied), call.remote), denied=True)
        facts = {"verified": key is not None, "tenant": key.name if key else None}
        return self._operations[operation](call, facts)

    def _key(self, call: Call) -> SolapiKey | None:
        """A signature must be valid even where none is required."""
        header = call.headers.get("Authorization")
        if header is None:
            return None
        state = self._state
        keys = {key.api_key: key for key in state.solapi_keys.values()}
        return verify_solapi(header, keys, state.seen_signatures, state.now(), state.settings.solapi_skew, call.remote)

    def _denial(self, code: str, remote: str) -> Answer:
        if code == "ForbiddenIP":
            return _error(403, "Forbidden", f"허용되지 않은 IP({remote})로 접근하고 있습니다.")
        if code == "ValidationError":
            return _error(400, code, MESSAGES[code])
        return _error(self._state.settings.solapi_denied_status, code, MESSAGES[code])

    # ---------------------------------------------------------------------------------------------------- operations

    def _reset(self, call: Call, facts: dict[str, Any]) -> Verdict:
        try:
            document = json.loads(call.body)
        except (ValueError, RecursionError):
            document = None
        email = document.get("email") if isinstance(document, dict) else None
        if not isinstance(email, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            return Verdict("reset", _error(400, "ValidationError", BAD_EMAIL), **facts)
        refused = email in self._state.settings.solapi_rejected
        shape = self._old_shape if self._state.settings.solapi_shape == "old" else self._new_shape
        answer, sent = shape(email, refused)
        write = None if refused else lambda: self._state.send_mail(email, {**sent, "key": facts["tenant"]})
        return Verdict("reset", json_answer(200, answer), write, email=email, **facts)

    def _old_shape(self, email: str, refused: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        message_id = f"<{uuid.uuid4()}@mail.example.com>"
        mail = {
            "accepted": [] if refused else [email],
            "rejected": [email] if refused else [],
            "envelopeTime": 863,
            "messageTime": 630,
            "messageSize": 924,
            "response": f"250 Accepted [STATUS=new MSGID={secrets.token_urlsafe(32)}]",
            "envelope": {"from": "support@example.com", "to": [email]},
            "messageId": message_id,
        }
        return {"mail": mail}, {"message_id": message_id}

    def _new_shape(self, email: str, refused: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """Says nothing about delivery, and holds `hashId`, with which anybody can set the password of the member."""
        now = self._state.now()
        hash_id = self._state.settings.solapi_hash_id or "".join(secrets.choice(NANOID) for _index in range(21))
        created = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record_id = f"{int(now):08x}{secrets.token_hex(8)}"
        answer = {"_id": record_id, "email": email, "dateCreated": created, "dateUpdated": created, "hashId": hash_id}
        return answer, {"message_id": record_id, "hash_id": hash_id}

    def _balance(self, call: Call, facts: dict[str, Any]) -> Verdict:
        return Verdict("balance", json_answer(200, {"balance": 1000, "point": 50}), **facts)

    def _member(self, call: Call, facts: dict[str, Any]) -> Verdict:
        member = {
            "memberId": "MEM0000SIMULATOR",
            "email": "member@example.com",
            "name": "simulator",
            "status": "ACTIVE",
        }
        return Verdict("member", json_answer(200, member), **facts)

    def refusal(self, status: int, message: str, verdict: Verdict) -> Answer:
        return _error(status, "ValidationError", message)


def _error(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"errorCode": code, "errorMessage": message})
