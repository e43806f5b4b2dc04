# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server side of a connection: count, let the vendor decide, apply, misbehave on command, answer, log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from .answers import Answer, envelope
from .faults import Fault, Faults
from .mail_answers import KINDS
from .misbehaviour import Scene
from .state import State
from .verdict import Call, Vendor, Verdict

Told = Callable[[dict[str, Any]], None]


class Listener(web.Server):
    """One vendor. It may be reachable at several ports, with and without TLS."""

    def __init__(self, vendor: Vendor, state: State, faults: Faults, trap_url: str, told: Told | None = None) -> None:
        super().__init__(self._serve, access_log=None, lingering_time=0)
        self._vendor, self._state, self._faults, self._trap_url = vendor, state, faults, trap_url
        self._told = told
        self._held: dict[RequestHandler, asyncio.Future[None]] = {}

    def __call__(self) -> RequestHandler:
        """A new TCP connection, before any TLS."""
        self._state.counters[self._vendor.name].connections += 1
        self._state.changed()
        return super().__call__()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        held = self._held.pop(handler, None)
        if held and not held.done():
            held.set_result(None)

    def release(self) -> None:
        """Release every connection that hangs."""
        for held in self._held.values():
            if not held.done():
                held.set_result(None)
        self._held.clear()

    async def _hold(self, request: web.BaseRequest) -> None:
        if request.transport is not None:
            held = self._held[request.protocol] = asyncio.get_running_loop().create_future()
            await held

    # ------------------------------------------------------------------------------------------------------- serving

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        state, vendor = self._state, self._vendor
        counters = state.counters[vendor.name]
        counters.requests += 1
        counters.in_flight += 1
        counters.peak = max(counters.peak, counters.in_flight)
        try:
            return await self._exchange(request)
        finally:
            counters.in_flight -= 1
            state.changed()

    async def _exchange(self, request: web.BaseRequest) -> web.StreamResponse:
        state, vendor = self._state, self._vendor
        arrived = time.monotonic()
        call = Call(request.method, _target(request), request.headers, b"", request.remote or "")
        try:
            call = Call(call.method, call.target, call.headers, await request.read(), call.remote)
            verdict = vendor.judge(call)
        except web.HTTPRequestEntityTooLarge:
            verdict = Verdict("unknown", envelope(vendor.own_envelope, 413))
        counters = state.counters[vendor.name]
        counters.by_operation[verdict.operation] += 1
        counters.denied += verdict.denied
        rule = self._faults.take(vendor.name, verdict.operation, verdict.facts())
        entry = self._log(call, verdict, rule)
        apply = self._apply_once(verdict, entry)
        state.changed()

        # The time that the simulator itself needs is part of the latency.
        left = arrived + state.settings.latency - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        if rule is None:
            apply()
            answer: Answer | None = verdict.answer.with_headers(vendor.headers())
        else:
            answer = await self._misbehave(request, verdict, rule, apply)
        if entry is not None:
            entry["status"] = answer.status if answer else None
            if self._told:
                self._told(entry)
        if answer is None:
            if request.transport is not None:
                request.transport.close()
            return web.Response()  # goes nowhere: the connection is closed
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def _misbehave(
        self, request: web.BaseRequest, verdict: Verdict, rule: Fault, apply: Callable[[], bool]
    ) -> Answer | None:
        kind = KINDS[rule.kind]
        scene = Scene(
            rule, verdict, self._vendor, self._state, request, self._trap_url, apply, lambda: self._hold(request)
        )
        if rule.at == "after":
            apply()
        if rule.delay and rule.kind != "late":
            await asyncio.sleep(rule.delay)
        try:
            answer = await kind.play(scene)
        except ConnectionError:  # the client left in the middle of it
            return None
        if answer is None:
            return None
        if kind.truthful:
            apply()
        return scene.dress(answer)

    # -------------------------------------------------------------------------------------------------------- records

    def _apply_once(self, verdict: Verdict, entry: dict[str, Any] | None) -> Callable[[], bool]:
        """Return the write of the verdict as a function that may be called at any time, and any number of times."""
        state, generation, applied = self._state, self._state.generation, False

        def apply() -> bool:
            nonlocal applied
            if verdict.write is None or applied or state.generation != generation:
                return False
            applied = True
            if entry is not None:
                entry["applied"] = True
            verdict.write()
            return True

        return apply

    def _log(self, call: Call, verdict: Verdict, rule: Fault | None) -> dict[str, Any] | None:
        if not self._state.settings.log_requests:
            return None
        entry = {
            "n": len(self._state.requests) + 1,
            "vendor": self._vendor.name,
            "tenant": verdict.tenant,
            "operation": verdict.operation,
            "method": call.method,
            "path": call.target,
            "headers": dict(call.headers),
            "body": call.body.decode("utf-8", "replace"),
            "verified": verdict.verified,
            "status": None,  # of the answer; null until there is one, which is never if the connection was lost
            "fault": rule.kind if rule else None,
            "applied": False,
            "time": time.time(),
        }
        self._state.requests.append(entry)
        return entry


def _target(request: web.BaseRequest) -> str:
    """Path and query as they were sent. A client that takes the simulator for a proxy sends the whole URL."""
    raw = request.raw_path
    if not raw.startswith("/"):
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    return raw
