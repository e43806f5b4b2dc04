# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All hostile answers: the bytes that are sent, and how a client may understand them."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from hostile.operations import ID, SECRET, Operation
from hostile.raw_server import Play, says

MEGABYTE = 1_000_000
KILOBYTES_20 = 20_000

RIGHT = json.dumps({"success": True, "id": ID, "contents": []}).encode()


def head(status: int, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status} Any", "Connection: close", *headers, "", "")).encode("latin-1")


def whole(status: int, body: bytes, *headers: str) -> bytes:
    """An answer in which only the body is wrong."""
    return head(status, f"Content-Length: {len(body)}", *headers) + body


# ----------------------------------------------------------------------------------------- bodies that cannot be read


def bomb(levels: int = 10) -> bytes:
    """A billion laughs."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(levels))
    return f'<?xml version="1.0"?><!DOCTYPE a [{entities}]><a><id>&l{levels - 1};</id></a>'.encode()


UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "random bytes": bytes(range(256)) * 20,
    "not UTF-8": b'{"success": true, "message": "\xff\xfe\xc3\x28\xed\xa0\x80"}',
    "cut UTF-8": '{"success": true, "message": "비밀'.encode()[:-1],
    "UTF-16": RIGHT.decode().encode("utf-16"),
    "half a JSON document": RIGHT[: len(RIGHT) // 2],
    "two documents": RIGHT + RIGHT,
    "not an object": b"[" + RIGHT + b"]",
    "deep JSON": b'{"success":true,"contents":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "64 KiB of [": b"[" * 65536,
    "64 KiB of {": b'{"":' * 16384,
    "deep XML": b"<a>" * 9000 + b"</a>" * 9000,
    "NaN": b'{"success": true, "id": NaN}',
    "Infinity": b'{"success": true, "id": -Infinity}',
    "a number of 60,000 digits": b'{"success": true, "code": ' + b"9" * 60_000 + b"}",
    "entity bomb": bomb(),
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><success>true</success><id>&x;</id></a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><a><success>true</success></a>',
    "undeclared entity": b"<a><success>true</success><id>&x;</id></a>",
    "XML with a declared encoding": '<?xml version="1.0" encoding="UTF-16"?><a>'.encode("utf-16"),
    "half an XML document": b"<a><success>true</success><id>",
    "HTML": b"<!DOCTYPE html><html><body>\x1b[2J" + SECRET.encode() + b"</body></html>",
    "gzip bomb": gzip.compress(b" " * 20 * MEGABYTE + RIGHT),
}

# ------------------------------------------------------------------------- refusals that are readable, with a message

_ECHO = f"invalid request parameter (password, '{SECRET}'). Please check."
_B64 = base64.b64encode(SECRET.encode()).decode()


def _fill(text: str) -> str:
    return (text * (KILOBYTES_20 // len(text) + 1))[:KILOBYTES_20]


MESSAGES: dict[str, str] = {
    "ANSI and line breaks": "\x1b[2J\x1b[31mred\x1b[0m\r\nfatal: [forged]: FAILED! => {}\n\x1b]0;title\x07",
    "C1 controls": "\x9b2Jcleared\x9d0;title\x9c\x85ok: [forged]",
    "bidi and invisible": "\u202egnp.exe\u2066\u200b\u2028ok: [forged]\u2029\ufeff",
    "lone surrogates": "\ud800 and \udfff",
    "the password": _ECHO,
    "the password, escaped 50 times": "%" + "25" * 50 + SECRET.replace("!", "21").encode().hex("%"),
    "the password in Base64 in Base64": base64.b64encode(_B64.encode()).decode(),
    "the password at the cut": "x " * 990 + SECRET,
    "20 KB of nothing else": _fill("x"),
    "20 KB of combining marks": _fill("a\u0300\u0301")[:8000],
    "20 KB of percent signs": _fill("%" + "25" * 2000),
    "20 KB of backslashes": _fill("\\"),
    "20 KB of references": _fill("&amp;amp;amp;amp;"),
    "20 KB of Base64": _fill("QUFB"),
    "20 KB of Base64 in Base64": _fill(base64.b64encode(base64.b64encode(_B64.encode() * 40)).decode()),
    "20 KB of hexadecimal": _fill("3431"),
    "20 KB of quotes": _fill("''\"'\"'"),
    "20 KB of all of that": _fill("QUFBQUFB%2525\\\\\\\\&amp;amp;amp;" + "'" * 4 + "\\u005cu005c"),
    "20 KB of brackets": _fill("(a, ( a ,"),
}
NOT_IN_XML = ("ANSI and line breaks", "lone surrogates")


def refusal(message: str, operation: Operation) -> bytes:
    if operation.xml:
        return f"<r><success>false</success><message>{escape(message)}</message></r>".encode()
    return json.dumps(operation.refusal(message)).encode()


def refusal_in_code(message: str) -> bytes:
    """The same text in place of a code, as NAVER Cloud has it."""
    return json.dumps({"success": False, "error": {"errorCode": message, "details": []}}).encode()


# ------------------------------------------------------------------------------------ answers that never become whole


def for_ever(first: bytes, more: bytes, pause: float = 0.0) -> Play:
    def play(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(more)
            time.sleep(pause)

    return play


def stream(first: bytes, pieces: Callable[[], Iterable[bytes]]) -> Play:
    def play(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        for piece in pieces():
            connection.sendall(piece)

    return play


def in_drops(data: bytes, at_once: int = 0) -> Play:
    """Send an answer byte by byte, each within the timeout."""

    def play(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(data[:at_once])
        for at in range(at_once, len(data)):
            time.sleep(0.1)
            connection.sendall(data[at : at + 1])

    return play


def _hundred_megabytes() -> Iterable[bytes]:
    return itertools.repeat(b"x" * MEGABYTE, 100)


_CHUNKED = head(200, "Transfer-Encoding: chunked")
_PIECE = b"10000\r\n" + b"x" * 65536 + b"\r\n"
_SLOWLY = whole(200, RIGHT)

LOST: dict[str, Play] = {
    "100 MB, announced": stream(head(200, f"Content-Length: {100 * MEGABYTE}"), _hundred_megabytes),
    "100 MB, not announced": stream(head(200), _hundred_megabytes),
    "100 MB, announced with a negative length": stream(head(200, "Content-Length: -5"), _hundred_megabytes),
    "100 MB in a chunk of negative size": stream(_CHUNKED + b"-1\r\n", _hundred_megabytes),
    "100 MB in one chunk": stream(_CHUNKED + b"5F5E100\r\n", _hundred_megabytes),
    "a chunk of 2**64 bytes": stream(_CHUNKED + b"ffffffffffffffff\r\n", _hundred_megabytes),
    "chunks without end": for_ever(_CHUNKED, _PIECE),
    "empty chunk extensions without end": for_ever(_CHUNKED, b"1;" + b"x" * 60_000 + b"\r\n.\r\n"),
    "a chunk size without end": for_ever(_CHUNKED, b"0" * 65536),
    "no chunk size": says(_CHUNKED + b"zz\r\n" + RIGHT),
    "trailers without end": for_ever(_CHUNKED + b"0\r\n", b"X-Trailer: " + b"x" * 60_000 + b"\r\n"),
    "two lengths": says(head(200, "Content-Length: 10", "Content-Length: 400") + RIGHT),
    "a length of 5000 digits": says(head(200, "Content-Length: " + "9" * 5000) + RIGHT),
    "more announced than sent": says(head(200, "Content-Length: 4000") + RIGHT),
    "interim answers without end": for_ever(b"", b"HTTP/1.1 100 Continue\r\nX-Flood: " + b"x" * 60_000 + b"\r\n\r\n"),
    "interim answers in drops": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.1),
    "a status line without end": for_ever(b"HTTP/1.1 200 ", b"x" * 65536),
    "a header without end": for_ever(b"HTTP/1.1 200 OK\r\nX-Flood: ", b"x" * 65536),
    "a header of 1 MB": says(head(200, "X-Flood: " + "x" * MEGABYTE)),
    "2000 headers": says(whole(200, RIGHT, *(f"X-Flood-{number}: x" for number in range(2000)))),
    "headers without end": for_ever(b"HTTP/1.1 200 OK\r\n", b"X-Flood: " + b"x" * 1000 + b"\r\n"),
    "a status of four digits": says(b"HTTP/1.1 2000 OK\r\n\r\n" + RIGHT),
    "HTTP/0.9": says(RIGHT),
    "another protocol": says(b"SSH-2.0-Other\r\n\x00\x01\x1b[2J\r\n"),
    "nothing at all": says(b""),
    "a head in drops": in_drops(_SLOWLY),
    "a body in drops": in_drops(_SLOWLY, _SLOWLY.index(b"{")),
}

# ----------------------------------------------------------------------------- possible answers that are not documented

PLAUSIBLE: dict[str, tuple[int, bytes]] = {
    "under way": (202, b'{"message":"Accepted"}'),
    "a confirmation of another service": (200, b'{"code":0,"message":"SUCCESS","result":{}}'),
    "a refusal of another service": (200, b'{"code":1003,"message":"FAIL","result":{}}'),
    "a refusal of a third service": (400, b'{"code":"BadRequest","msg":"no","data":null}'),
    "a refusal of a server in between": (
        404,
        b'{"timestamp":"2026-01-01T00:00:00","status":404,"error":"Not Found"}',
    ),
    "an empty object": (200, b"{}"),
    "only a number of accounts": (200, b'{"total":3}'),
    "the server failed, with the status of a success": (200, b'{"error":{"errorCode":"900","message":"x"}}'),
    "the server failed, with the status of a refusal": (400, b'{"error":{"errorCode":500,"message":"x"}}'),
    "the server failed, with the status of an absence": (404, b'{"error":{"errorCode":"510","message":"x"}}'),
    "a refusal that proves nothing": (409, b'{"error":{"errorCode":"Conflict","message":"x"}}'),
    "yes and no": (200, b'{"success":true,"error":{"errorCode":"100","message":"x"}}'),
    "yes twice, and no": (200, b'{"success":false,"success":true}'),
}

# ------------------------------------------------------------------------------------------ answers that ask for time

LIMITS: dict[str, tuple[str, ...]] = {
    "in 100,000 digits of seconds": ("Retry-After: " + "9" * 60_000,),
    "in a negative time": ("Retry-After: -5",),
    "in the year 9999": ("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",),
    "in a zone that does not exist": ("Retry-After: Fri, 31 Dec 2049 23:59:59 +99999999",),
    "in 60 KB of commas": ("Retry-After: " + "," * 60_000,),
    "with a clock of the year 1": ("Date: Mon, 01 Jan 0001 00:00:00 GMT",),
    "with 60 KB of a clock": ("Date: " + "a " * 30_000,),
}

# ------------------------------------------------------------------------------------- lists, which may be megabytes


def account(number: int) -> dict[str, object]:
    """An account in the form of the vendor, with an ID of the usual length."""
    name = f"df{number:05d}"
    return {
        "id": f"20nAZnjbUNFdc7Rs{number:06d}",
        "name": name,
        "principal": f"{name}@KR.DF.NAVERNCP.COM",
        "status": "RUNNING",
        "createdAt": "2025-02-20T09:32:55+09:00",
        "updatedAt": "2025-02-20T09:32:55+09:00",
        "description": "An account for the nightly jobs of the analytics team, made by hand; do not delete.",
        "disabled": False,
    }


def listing(contents: str) -> bytes:
    return f'{{"success":true,"contents":[{contents}]}}'.encode()


def accounts(count: int, xml: bool = False) -> bytes:
    if not xml:
        return listing(",".join(json.dumps(account(number)) for number in range(count)))
    rows = (
        "".join(f"<{key}>{str(value).lower() if value is False else value}</{key}>" for key, value in row.items())
        for row in map(account, range(count))
    )
    contents = "".join(f"<contents>{row}</contents>" for row in rows)
    return f"<GetAccountListResponse><success>true</success>{contents}</GetAccountListResponse>".encode()


LARGEST = 4 * 1024 * 1024


def _full(piece: str) -> bytes:
    return listing(",".join([piece] * ((LARGEST - 100) // (len(piece.encode()) + 1))))


def _full_xml(inner: bytes, repeated: bytes) -> bytes:
    return b"<a><success>true</success>" + inner + repeated * ((LARGEST - 200) // len(repeated)) + b"</a>"


def _contents(text: str) -> bytes:
    return f"<contents>{text}</contents>".encode()


@dataclass(frozen=True)
class OneAccount:
    """An account with a field of the wrong kind, and one without a fault."""

    field: str
    value: object

    @property
    def body(self) -> bytes:
        return listing(f"{json.dumps({**account(1), self.field: self.value})},{json.dumps(account(2))}")


LISTS: dict[str, bytes] = {
    "4 MiB of lists": _full("[]"),
    "4 MiB of objects": _full('{"":0}'),
    "4 MiB of empty objects": _full("{}"),
    "4 MiB of short texts": _full('"aa"'),
    "4 MiB of numbers": _full("0.1"),
    "4 MiB of the shortest accounts": _full('{"id":"a"}'),
    "4 MiB of accounts": accounts(16_000)[:LARGEST],
    "4 MiB in one text, with one wide letter": listing('"' + "x" * (LARGEST - 100) + '\U0001f600"'),
    "4 MiB in long texts, with a wide letter each": _full('"' + r"\\" * 20_000 + '\U0001f600"'),
    "4 MiB in long texts, with a Korean letter each": _full('"' + r"\\" * 20_000 + '가"'),
    "4 MiB of as many texts as are allowed, with a Korean letter each": _full('"abcdefgh가"'),
    "4 MiB of accounts with a wide letter each": _full(
        '{"id":"' + "a" * 22 + '","name":"' + "x" * 400 + '\U0001f600"}'
    ),
    "4 MiB of as many lists as are allowed and long texts": listing(
        ",".join(["[]"] * 140_000 + ['"' + "가" * 100 + "x" * 39_000 + '"'] * 93)
    ),
    "4 MiB in long elements, with a Korean letter each": _full_xml(b"", _contents("x" * 40_000 + "가")),
    "4 MiB in long elements, with a wide letter each": _full_xml(b"", _contents("x" * 40_000 + "\U0001f600")),
    "4 MiB in the digits of one number": listing("9" * (LARGEST - 100)),
    "4 MiB in the digits of one fraction": listing("0." + "9" * (LARGEST - 100)),
    "4 MiB of [": b"[" * LARGEST,
    "4 MiB of names": b"{" + b",".join(b'"%x":0' % number for number in range(350_000)) + b"}",
    "4 MiB of elements": _full_xml(b"", b"<b/>"),
    "4 MiB of nested elements": _full_xml(b"", b"<b><c/></b>"),
    "4 MiB of attributes": b"<a " + b" ".join(b'x%x=""' % number for number in range(400_000)) + b"/>",
    "4 MiB in the name of one element": b"<" + b"a" * (LARGEST - 10) + b"/>",
    "4 MiB of comments": _full_xml(b"", b"<!---->"),
    "a megabyte of a name": OneAccount("name", "x" * MEGABYTE).body,
    "more accounts than anybody has": listing(",".join(['{"id":"abcdefgh"}'] * 20_000)),
}

ROWS: dict[str, OneAccount] = {
    "ANSI in a name": OneAccount("name", "\x1b[2Jdf001"),
    "bidi in a principal": OneAccount("principal", "\u202egnp"),
    "lone surrogates in a status": OneAccount("status", "\ud800"),
    "a line break in a time": OneAccount("createdAt", "2025\nok: [forged]"),
    "a list for a name": OneAccount("name", ["df001"]),
    "deep in a name": OneAccount("name", json.loads("[" * 500 + "]" * 500)),
    "a number for an ID": OneAccount("id", 7),
    "a template in a name": OneAccount("name", "{{ lookup('pipe', 'id > pwned') }}"),
    "a path in an ID": OneAccount("id", "../../etc/passwd"),
    "ANSI in an ID": OneAccount("id", "\x1b[2J"),
}

# Lists in a known form, without any usable row.
USELESS: dict[str, bytes] = {
    "4 MiB of accounts with a Korean letter each": _full('{"id":"' + "a" * 22 + '","name":"' + "x" * 400 + '가"}'),
    "as many rows with a template as are allowed": listing(",".join(['{"id":"{{x}}"}'] * 15_000)),
}
