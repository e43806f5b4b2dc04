# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which a vendor, or the network before it, can misbehave: one function per kind.

A kind returns the answer to send instead of the vendor's, or does its worst on the connection itself and returns None,
after which the connection is closed.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate

from aiohttp import web

from . import VENDORS
from .answers import DATA_FOREST, HTML, JSON, TEXT, XML, Answer, envelope, json_answer, raw, reason
from .faults import Fault
from .ncp import Ncp
from .passwords import ECHOES
from .state import State
from .verdict import Vendor, Verdict

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Scene:
    """What a misbehaviour works with."""

    rule: Fault
    verdict: Verdict
    vendor: Vendor
    state: State
    request: web.BaseRequest
    trap_url: str
    apply: Callable[[], bool]  # applies the write, once; whether this was the time
    hold: Callable[[], Awaitable[None]]  # returns when the client is gone

    def dress(self, answer: Answer) -> Answer:
        """Return the answer with the headers that the vendor always sends, and those that the rule adds."""
        standing = replace(answer, headers=self.vendor.headers())
        return standing.with_headers(answer.headers).with_headers(self.rule.headers)

    def message(self, default: str | None = None) -> str | None:
        """The message of the rule, with the password in it if the rule echoes it."""
        text = self.rule.message or default
        if self.rule.echo is None or self.verdict.password is None:
            return text
        echo = ECHOES[self.rule.echo](self.verdict.password)
        return f"{text or 'invalid request parameter'} (password, '{echo}')"


@dataclass(frozen=True)
class Kind:
    play: Callable[[Scene], Awaitable[Answer | None]]
    vendors: tuple[str, ...]
    # The answer is true, so the write is always applied. `at` only says whether that happens before or after the delay
    # (for a drip, before the first or before the last byte).
    truthful: bool


KINDS: dict[str, Kind] = {}
_Play = Callable[[Scene], Awaitable[Answer | None]]


def kind(name: str, *vendors: str, truthful: bool = False) -> Callable[[_Play], _Play]:
    def register(play: _Play) -> _Play:
        KINDS[name] = Kind(play, vendors or VENDORS, truthful)
        return play

    return register


# ---------------------------------------------------------------------------------------------- the connection is lost


@kind("drop")
async def drop(scene: Scene) -> None:
    """The connection ends without an answer."""


@kind("reset")
async def reset(scene: Scene) -> None:
    """TCP RST."""
    transport = scene.request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


@kind("hang")
async def hang(scene: Scene) -> None:
    """No answer, until the client goes away, the faults are cleared or the simulator stops."""
    await scene.hold()


@kind("late")
async def late(scene: Scene) -> None:
    """The answer is lost, and the write lands `delay` seconds later or, without a delay, when `land` is called."""
    scene.state.land_later(scene.apply, scene.rule.delay)


# ----------------------------------------------------------------------------------------------- the answer is damaged


@kind("slow", truthful=True)
async def slow(scene: Scene) -> Answer:
    """The right answer, after `delay` seconds."""
    return scene.verdict.answer


@kind("drip_head", truthful=True)
async def drip_head(scene: Scene) -> None:
    """The status line and the headers arrive byte by byte."""
    await _drip(scene, head=True)


@kind("drip_body", truthful=True)
async def drip_body(scene: Scene) -> None:
    """The body arrives byte by byte."""
    await _drip(scene, head=False)


async def _drip(scene: Scene, head: bool) -> None:
    raw = scene.dress(scene.verdict.answer).on_the_wire()
    split = raw.index(b"\r\n\r\n") + 4
    slowly = raw[:split] if head else raw[split:]
    _write(scene, b"" if head else raw[:split])
    for position in range(len(slowly)):
        await asyncio.sleep(scene.rule.interval)
        if position == len(slowly) - 1 and not _gone(scene):
            scene.apply()
        _write(scene, slowly[position : position + 1])
    _write(scene, raw[split:] if head else b"")


@kind("torn")
async def torn(scene: Scene) -> None:
    """The connection ends in the middle of the announced body."""
    raw = scene.dress(scene.verdict.answer).on_the_wire()
    body = len(scene.verdict.answer.body)
    _write(scene, raw[: len(raw) - (body - body // 2)])


@kind("torn_json")
async def torn_json(scene: Scene) -> Answer:
    """Half of the body, announced as the whole."""
    answer = scene.verdict.answer
    return replace(answer, body=answer.body[: len(answer.body) // 2])


@kind("bad_utf8")
async def bad_utf8(scene: Scene) -> Answer:
    """A refusal whose message is not UTF-8."""
    answer = scene.vendor.refusal(scene.rule.status or 400, scene.message("MARK") or "", scene.verdict)
    mark = b"MARK" if b"MARK" in answer.body else raw(scene.rule.message or "")
    return replace(answer, body=answer.body.replace(mark, mark + b"\xff\xfe\xc3\x28\xed\xa0\x80", 1))


@kind("ansi")
async def ansi(scene: Scene) -> Answer:
    """A refusal whose message tries to control the terminal and to forge log lines."""
    forged = "\x1b[2J\x1b[31mred\x1b[0m\r\nfatal: [forged]: FAILED! => {}\n\x1b]0;title\x07\u202egnp\u2028ok: [forged]"
    answer = scene.vendor.refusal(scene.rule.status or 400, "MARK", scene.verdict)
    text = scene.message(forged) or forged
    if scene.verdict.root:
        # XML cannot express most control characters, so they are sent raw, as a careless server would
        return replace(answer, body=answer.body.replace(b"MARK", raw(text.replace("<", "&lt;"))))
    return replace(answer, body=answer.body.replace(b"MARK", json.dumps(text)[1:-1].encode()))


@kind("gzip", truthful=True)
async def gzipped(scene: Scene) -> Answer:
    """Compressed although nobody asked for it. With `size`, that many megabytes of spaces come before the answer."""
    plain = scene.verdict.answer
    spaces = b" " * int((scene.rule.size or 0) * MEGABYTE)
    body = await asyncio.get_running_loop().run_in_executor(None, gzip.compress, spaces + plain.body, 6)
    return replace(plain, body=body).with_headers({"Content-Encoding": "gzip"})


@kind("date_skew", truthful=True)
async def date_skew(scene: Scene) -> Answer:
    """The Date header is `skew` seconds off. With `status`, the answer is a gateway error instead of the right one."""
    date = {"Date": formatdate(scene.state.now() + scene.rule.skew, usegmt=True)}
    return scene.verdict.answer.with_headers(date)


@kind("header_flood")
async def header_flood(scene: Scene) -> Answer:
    """The right answer, after `count` headers of `size` bytes each."""
    value = "x" * int(scene.rule.size or 100)
    flood = {f"X-Flood-{number}": value for number in range(scene.rule.count or 2000)}
    return scene.verdict.answer.with_headers(flood)


# -------------------------------------------------------------------------------------------------- a different answer


@kind("status")
async def status(scene: Scene) -> Answer:
    """Any status, in any envelope."""
    rule = scene.rule
    code = rule.status or 500
    style = rule.envelope or scene.vendor.own_envelope
    if style == "a" and scene.verdict.root:  # the one envelope that has an XML form
        text = scene.message(DATA_FOREST.get(code, reason(code).lower())) or ""
        return _body_of_rule(scene, scene.vendor.refusal(code, text, scene.verdict))
    return _body_of_rule(scene, envelope(style, code, scene.message(), rule.code))


@kind("rate_limited")
async def rate_limited(scene: Scene) -> Answer:
    """429 with `retry_after` in seconds, as a date (`retry_after_form: date`), or as it is if it is a string."""
    after = scene.rule.retry_after
    answer = envelope(scene.rule.envelope or scene.vendor.own_envelope, 429, scene.message(), scene.rule.code)
    answer = _body_of_rule(scene, answer)
    if after is None:
        return answer
    if isinstance(after, float):
        as_date = scene.rule.retry_after_form == "date"
        seconds = f"{after:.0f}" if after.is_integer() else f"{after}"
        after = formatdate(scene.state.now() + after, usegmt=True) if as_date else seconds
    return answer.with_headers({"Retry-After": after})


@kind("html")
async def html(scene: Scene) -> Answer:
    """An HTML page, as from a proxy or firewall."""
    return _body_of_rule(scene, envelope("html", scene.rule.status or 200, scene.message()))


@kind("empty")
async def empty(scene: Scene) -> Answer:
    """No body at all."""
    return Answer(scene.rule.status or 200)


@kind("non_object")
async def non_object(scene: Scene) -> Answer:
    """JSON that is not an object: `body` is a list (the default), a string, a number or null."""
    document = scene.rule.body if scene.rule.body is not None else []
    text = document if document in ("null", "[]", '"x"') else json.dumps(document)
    return Answer(scene.rule.status or 200, raw(str(text)), {"Content-Type": JSON})


@kind("success_false", "ncp")
async def success_false(scene: Scene) -> Answer:
    """A refusal with the status 200."""
    message = scene.message("unexpected error") or ""
    return scene.vendor.refusal(scene.rule.status or 200, message, scene.verdict)


@kind("reject", "ncp")
async def reject(scene: Scene) -> Answer:
    """The vendor's refusal of a password, whatever the password."""
    assert isinstance(scene.vendor, Ncp)
    text = scene.vendor.password_message(scene.verdict.password or "", form=scene.rule.echo)
    return scene.vendor.refusal(scene.rule.status or 400, scene.rule.message or text, scene.verdict)


@kind("accepted", "ncp")
async def accepted(scene: Scene) -> Answer:
    """202 with a message that says that the server will take care of it: neither a confirmation nor a refusal."""
    return json_answer(scene.rule.status or 202, {"message": scene.message("Accepted")})


@kind("code_zero", "ncp")
async def code_zero(scene: Scene) -> Answer:
    """A confirmation as neighbouring services give it, or with `code` a refusal. Data Forest documents neither."""
    code = scene.rule.code or 0
    message = scene.message("FAIL" if code else "SUCCESS")
    return json_answer(scene.rule.status or 200, {"code": code, "message": message, "result": {}})


@kind("no_contents", "ncp")
async def no_contents(scene: Scene) -> Answer:
    """A list that says how many accounts there are, `count` or all of them, but holds none."""
    total = scene.rule.count or 3
    if scene.verdict.root:
        text = f"<{scene.verdict.root}><success>true</success><total>{total}</total></{scene.verdict.root}>"
        return Answer(scene.rule.status or 200, text.encode(), {"Content-Type": XML})
    return json_answer(scene.rule.status or 200, {"success": True, "total": total})


@kind("wrong_id", "ncp")
async def wrong_id(scene: Scene) -> Answer:
    """The answer is about a different account."""
    answer = scene.verdict.answer
    if not scene.verdict.id:
        return answer
    return replace(answer, body=answer.body.replace(scene.verdict.id.encode(), b"SomebodyElsesAccount00"))


@kind("redirect")
async def redirect(scene: Scene) -> Answer:
    """A redirect to the trap, which counts the clients that follow."""
    target = scene.rule.location or f"{scene.trap_url}{scene.request.raw_path}"
    return Answer(scene.rule.status or 307, b"", {"Location": target, "Content-Type": HTML})


# ---------------------------------------------------------------------------------------------------- hostile answers


@kind("huge")
async def huge(scene: Scene) -> None:
    """`size` megabytes (100) of one JSON string, with an honest Content-Length."""
    size = int((scene.rule.size or 100) * MEGABYTE)

    async def pieces() -> AsyncIterator[bytes]:
        left = size - 2
        yield b'"'
        while left > 0:
            yield b"x" * min(left, 65536)
            left -= 65536
        yield b'"'

    await _stream(scene, pieces(), {"Content-Length": str(size)})


@kind("endless")
async def endless(scene: Scene) -> None:
    """An endless body in chunks."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"success":true,"id":"'
        while True:
            yield b"x" * 65536
            if scene.rule.interval:
                await asyncio.sleep(scene.rule.interval)

    await _stream(scene, pieces(), {})


@kind("deep")
async def deep(scene: Scene) -> Answer:
    """A body nested `depth` (100,000) times, in the format that the caller accepts."""
    depth = scene.rule.depth or 100_000
    code = scene.rule.status or 200
    if scene.verdict.root:
        return Answer(code, b"<a>" * depth + b"</a>" * depth, {"Content-Type": XML})
    return Answer(code, b'{"success":true,"contents":' + b"[" * depth + b"]" * depth + b"}", {"Content-Type": JSON})


@kind("bomb")
async def bomb(scene: Scene) -> Answer:
    """An XML entity bomb (billion laughs), whatever the caller accepts."""
    levels = "".join(
        f'<!ENTITY l{n} "{"".join([f"&l{n - 1};"] * 10)}">' if n else '<!ENTITY l0 "lol">' for n in range(10)
    )
    root = scene.verdict.root or "ResetAccountPasswordResponse"
    text = f'<?xml version="1.0"?><!DOCTYPE {root} [{levels}]><{root}><id>&l9;</id><success>true</success></{root}>'
    return Answer(scene.rule.status or 200, text.encode(), {"Content-Type": XML})


# ------------------------------------------------------------------------------------------------------------- helpers


def _body_of_rule(scene: Scene, answer: Answer) -> Answer:
    """Return the answer with the body of the rule, if it has one: a string as it is, anything else as JSON."""
    body = scene.rule.body
    if body is None:
        return answer
    if isinstance(body, str):
        return Answer(answer.status, raw(body), {"Content-Type": answer.headers.get("Content-Type", TEXT)})
    return json_answer(answer.status, body)


def _gone(scene: Scene) -> bool:
    transport = scene.request.transport
    return transport is None or transport.is_closing()


def _write(scene: Scene, data: bytes) -> None:
    """Write directly to the connection, without aiohttp."""
    transport = scene.request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError
    transport.write(data)


async def _stream(scene: Scene, pieces: AsyncIterator[bytes], headers: dict[str, str]) -> None:
    dressed = scene.dress(Answer(scene.rule.status or 200, b"", {"Content-Type": JSON, **headers}))
    response = web.StreamResponse(status=dressed.status, headers=dressed.headers)
    if "Content-Length" not in headers:
        response.enable_chunked_encoding()
    await response.prepare(scene.request)
    async for piece in pieces:
        await response.write(piece)
