# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as a whole: all listeners in one event loop of one process."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from . import tls
from .background import CA_FILE
from .control import Control, application
from .faults import Faults
from .listener import Listener, Told
from .misbehaviour import KINDS
from .ncp import Ncp
from .solapi import Solapi
from .state import State
from .verdict import Vendor

HOST = "127.0.0.1"


class Server:
    """All listeners, with one state. The certificate of the CA is written to `folder`."""

    def __init__(self, folder: Path, ports: Mapping[str, int] | None = None, told: Told | None = None) -> None:
        self._folder, self._ports, self._told = folder, dict(ports or {}), told
        self._listening: list[asyncio.Server] = []
        self._servers: list[web.Server] = []
        self._runner: web.AppRunner | None = None
        self.state = State()
        self.vendors: tuple[Vendor, ...] = (Ncp(self.state), Solapi(self.state))
        self.faults = Faults(
            {name: kind.vendors for name, kind in KINDS.items()},
            {vendor.name: vendor.operations for vendor in self.vendors},
        )
        self.connection: dict[str, Any] = {"pid": os.getpid(), "token": secrets.token_hex(16)}
        self.control = Control(self.state, self.faults, self.vendors, self.connection, self._release)

    async def start(self) -> None:
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        ca_file = self._folder / CA_FILE
        contexts = tls.contexts(ca_file)
        trap_url = await self._listen("trap", self._serving(web.Server(self._trap, access_log=None)))
        listeners = {
            vendor.name: Listener(vendor, self.state, self.faults, trap_url, self._told) for vendor in self.vendors
        }
        self._servers += listeners.values()
        self._runner = web.AppRunner(application(self.control), access_log=None)
        await self._runner.setup()
        assert self._runner.server is not None

        for name, listener in listeners.items():
            self.connection[f"{name}_url"] = await self._listen(name, listener)
            self.connection[f"{name}_tls_url"] = await self._listen(f"{name}_tls", listener, contexts["good"])
        ncp = listeners["ncp"]
        self.connection |= {
            "tls_wrong_host_url": await self._listen("tls_wrong_host", ncp, contexts["wrong_host"]),
            "tls_expired_url": await self._listen("tls_expired", ncp, contexts["expired"]),
            "tls_self_signed_url": await self._listen("tls_self_signed", ncp, contexts["self_signed"]),
            "control_url": await self._listen("control", self._runner.server),
            "trap_url": trap_url,
            "ca_file": str(ca_file.resolve()),
        }

    def _serving(self, server: web.Server) -> web.Server:
        self._servers.append(server)
        return server

    async def _listen(
        self, name: str, protocol: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None = None
    ) -> str:
        loop = asyncio.get_running_loop()
        port = self._ports.get(name, 0)
        try:
            server = await loop.create_server(protocol, HOST, port, ssl=context, backlog=2048)
        except OSError as error:
            raise OSError(f"cannot listen on {HOST}:{port} for {name}: {error.strerror}") from None
        self._listening.append(server)
        return f"{'https' if context else 'http'}://{HOST}:{server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        for listening in self._listening:
            listening.close()
        self._release()
        for server in self._servers:
            await server.shutdown(0.05)
        if self._runner is not None:
            await self._runner.cleanup()

    def _release(self) -> None:
        for server in self._servers:
            if isinstance(server, Listener):
                server.release()

    async def _trap(self, request: web.BaseRequest) -> web.StreamResponse:
        """The target of redirects. No request should ever arrive here, least of all with credentials."""
        self.state.trap_requests += 1
        body = (await request.read()).decode("utf-8", "replace")
        self.state.trapped.append(
            {
                "n": self.state.trap_requests,
                "method": request.method,
                "path": request.raw_path,
                "headers": dict(request.headers),
                "body": body,
                "time": time.time(),
            }
        )
        self.state.changed()
        return web.json_response({"success": True, "trap": True})
