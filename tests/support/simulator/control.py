# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The truth and the controls, out of band: one class, used over HTTP here and in process by runner.py."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any

from aiohttp import web

from . import VENDORS, checks
from .answers import json_text
from .checks import Unsound
from .faults import Faults
from .state import State
from .verdict import Vendor

COUNTERS = ("requests", "writes", "connections", "denied", "in_flight", "peak")


class Control:
    def __init__(
        self,
        state: State,
        faults: Faults,
        vendors: Iterable[Vendor],
        connection: dict[str, Any],
        release: Callable[[], None],
    ) -> None:
        self.state, self.faults, self._vendors = state, faults, vendors
        self._connection, self._release = connection, release

    def connection(self) -> dict[str, Any]:
        """All addresses, and the keys of every vendor as they are now."""
        keys = [vendor.keys().items() for vendor in self._vendors]
        return {**self._connection, **dict(itertools.chain(*keys))}

    def truth(self) -> dict[str, Any]:
        return self.state.truth()

    def counters(self) -> dict[str, Any]:
        return self.state.counted()

    def requests(self) -> list[dict[str, Any]]:
        return self.state.requests

    def trapped(self) -> list[dict[str, Any]]:
        return self.state.trapped

    def settings(self, document: object = None) -> dict[str, Any]:
        if document is not None:
            self.state.change_settings(document)
        return dataclasses.asdict(self.state.settings)

    def add_faults(self, document: object) -> dict[str, Any]:
        return {"ids": self.faults.add(document)}

    def told_faults(self) -> list[dict[str, Any]]:
        return self.faults.told()

    def clear(self) -> dict[str, Any]:
        """Remove all fault rules and release everything that hangs."""
        self.faults.clear()
        self._release()
        return {}

    def accounts(self, document: object) -> dict[str, Any]:
        """Replace the accounts of a tenant, and return them in the form of `truth`."""
        tenant = self.state.change_accounts(document)
        return {name: account.truth() for name, account in tenant.accounts.by_name.items()}

    def tenants(self, document: object) -> dict[str, Any]:
        self.state.change_tenants(document)
        return self.connection()["tenants"]  # type: ignore[no-any-return]

    def solapi_key(self, document: object) -> dict[str, Any]:
        self.state.change_solapi_key(document)
        return self.connection()["solapi_keys"]  # type: ignore[no-any-return]

    def expire(self, document: object) -> dict[str, Any]:
        """Let short-lived keys expire now."""
        return {"left": self.state.expire(document)}

    def land(self) -> dict[str, Any]:
        return {"landed": self.state.land()}

    def reset(self) -> dict[str, Any]:
        """Restore the initial state."""
        self.clear()
        self.state.reset()
        return {}

    async def wait(self, document: object) -> dict[str, Any]:
        """Wait until a counter, or the number of times that a fault fired, reaches `at_least`."""
        asked = _Wait(**_WAIT.read(document))
        reached = await self.state.wait_until(lambda: self._figure(asked) >= asked.at_least, asked.timeout)
        return {"reached": reached, "value": self._figure(asked)}

    def _figure(self, asked: _Wait) -> int:
        if asked.fault is not None:
            return self.faults.fired(asked.fault)
        if asked.vendor == "trap":
            return self.state.trap_requests
        value = getattr(self.state.counters[asked.vendor], asked.counter)
        assert isinstance(value, int)
        return value


@dataclasses.dataclass
class _Wait:
    fault: Annotated[int | None, checks.optional(checks.whole(1))] = None
    vendor: Annotated[str, checks.one_of(*VENDORS, "trap")] = "ncp"
    counter: Annotated[str, checks.one_of(*COUNTERS)] = "requests"
    at_least: Annotated[int, checks.whole(0)] = 1
    timeout: Annotated[float, checks.number(0)] = 10.0


_WAIT = checks.Form("wait", _Wait)


def application(control: Control) -> web.Application:
    """The control API. Bodies and answers are JSON. A request that is not valid gets a 400 and one sentence."""
    app = web.Application(middlewares=[_sentences], client_max_size=64_000_000)

    def get(path: str, tell: Callable[[], object]) -> None:
        async def handler(request: web.Request) -> web.Response:
            return _json(tell())

        app.router.add_get(path, handler)

    def send(method: str, path: str, do: Callable[[object], object | Awaitable[object]]) -> None:
        async def handler(request: web.Request) -> web.Response:
            result = do(await _document(request))
            return _json(await result if isinstance(result, Awaitable) else result)

        app.router.add_route(method, path, handler)

    get("/connection", control.connection)
    get("/truth", control.truth)
    get("/counters", control.counters)
    get("/requests", control.requests)
    get("/trapped", control.trapped)
    get("/settings", control.settings)
    get("/faults", control.told_faults)
    send("PUT", "/settings", control.settings)
    send("PUT", "/accounts", control.accounts)
    send("PUT", "/tenants", control.tenants)
    send("PUT", "/solapi-keys", control.solapi_key)
    send("POST", "/faults", control.add_faults)
    send("POST", "/wait", control.wait)
    send("DELETE", "/faults", lambda dummy: control.clear())
    send("POST", "/expire", control.expire)
    send("POST", "/land", lambda dummy: control.land())
    send("POST", "/reset", lambda dummy: control.reset())
    return app


async def _document(request: web.Request) -> object:
    body = await request.read()
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError):  # also if it is not UTF-8
        raise Unsound("the body must be JSON") from None


def _json(document: object) -> web.Response:
    return web.json_response(document, dumps=json_text)


@web.middleware
async def _sentences(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Unsound as error:
        return web.json_response({"error": str(error)}, status=400, dumps=json_text)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        sentence = f"there is no {request.method} {request.path}"
        return web.json_response({"error": sentence}, status=error.status, dumps=json_text)
