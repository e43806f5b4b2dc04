# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers, and every error envelope known to come from these vendors or from something in front of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from http import HTTPStatus

JSON = "application/json;charset=UTF-8"
XML = "application/xml;charset=UTF-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def with_headers(self, headers: dict[str, str]) -> Answer:
        """The same answer with these headers, which replace those of the same name."""
        taken = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in taken}
        return replace(self, headers={**kept, **headers})

    def on_the_wire(self) -> bytes:
        """The whole answer as bytes, to be written to the connection directly. It ends the connection."""
        headers = {"Content-Length": str(len(self.body)), **self.headers, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} {reason(self.status)}\r\n{head}\r\n".encode() + self.body


def reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def raw(text: str) -> bytes:
    """Any text as bytes. Half of a surrogate pair, which UTF-8 does not allow, is sent as a careless server would."""
    return text.encode("utf-8", "surrogatepass")


def json_text(document: object) -> str:
    """JSON with plain letters, or with escapes if a text holds half of a surrogate pair."""
    text = json.dumps(document, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(document)
    return text


def json_answer(status: int, document: object) -> Answer:
    return Answer(status, json_text(document).encode(), {"Content-Type": JSON})


# Envelope A: Data Forest itself. It has no code, only a message.
DATA_FOREST = {
    400: "invalid request parameters",
    403: "not allowed to access",
    404: "no such element",
    500: "unexpected error",
}

# Envelope B: the API gateway in front of it. The code is never the HTTP status.
GATEWAY = {
    400: (100, "Bad Request Exception"),
    401: (200, "Authentication Failed"),
    403: (230, "Forbidden"),
    404: (300, "Not Found Exception"),
    413: (430, "Request Entity Too Large"),
    429: (410, "Throttle Limited"),
    500: (900, "Unexpected Error"),
    503: (500, "Endpoint Error"),
    504: (510, "Endpoint Timeout"),
}

ENVELOPES = ("a", "b", "solapi", "spring", "code", "html", "text", "empty")


def envelope(style: str, status: int, message: str | None = None, code: str | int | None = None) -> Answer:
    """An error answer in one of ENVELOPES. What is not given is filled in as the sender would do it."""
    phrase = reason(status)
    if style == "a":
        return json_answer(status, {"message": message or DATA_FOREST.get(status, phrase.lower()), "success": False})
    if style == "b":
        number, text = GATEWAY.get(status, (900, phrase))
        error = {"errorCode": str(number) if code is None else code, "message": message or text}
        return json_answer(status, {"error": error})
    if style == "solapi":
        word = "".join(part.capitalize() for part in phrase.split())
        return json_answer(
            status, {"errorCode": code or word, "errorMessage": message or "요청을 처리하지 못했습니다."}
        )
    if style == "spring":
        body = {"timestamp": "2026-01-01T00:00:00.000+09:00", "status": status, "error": phrase}
        return json_answer(status, {**body, "message": message or "No message available"})
    if style == "code":  # other services of NAVER Cloud
        return json_answer(status, {"code": status if code is None else code, "msg": message or phrase, "data": None})
    if style == "html":
        page = (
            f"<!DOCTYPE html>\n<html><head><title>{status} {phrase}</title></head>\n"
            f"<body><h1>{status} {phrase}</h1><p>{message or 'nginx'}</p></body></html>\n"
        )
        return Answer(status, raw(page), {"Content-Type": HTML})
    if style == "text":
        return Answer(status, raw(message or f"{status} {phrase}"), {"Content-Type": TEXT})
    return Answer(status)
