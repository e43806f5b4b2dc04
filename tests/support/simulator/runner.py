# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator inside a test process: its event loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import copy
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from .server import Server

T = TypeVar("T")


class Simulator:
    """`with Simulator() as sim:`; the fields of the ready document are attributes, `sim.ncp_url` and so on.

    All methods may be called from any thread. What they return is a copy.
    """

    ncp_url: str
    ncp_tls_url: str
    solapi_url: str
    solapi_tls_url: str
    tls_wrong_host_url: str
    tls_expired_url: str
    tls_self_signed_url: str
    control_url: str
    trap_url: str
    ca_file: str
    access_key: str
    secret_key: str
    api_key: str
    api_secret: str
    tenants: dict[str, dict[str, str]]
    solapi: dict[str, str]
    solapi_keys: dict[str, dict[str, str]]

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="simulator-")
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            self._folder.cleanup()
            raise self._failure
        self._take(self.connection())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._folder.cleanup()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # handed to the thread that waits for us
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._server = Server(Path(self._folder.name))
        await self._server.start()
        self._ready.set()
        await self._stop.wait()
        await self._server.stop()

    def _take(self, connection: dict[str, Any]) -> None:
        self.__dict__.update({key: value for key, value in connection.items() if key not in ("pid", "token")})
        self.__dict__.update(connection["tenants"]["default"])
        self.__dict__.update(connection["solapi"])

    # ------------------------------------------------------------------------------------------------------- control

    def connection(self) -> dict[str, Any]:
        """The ready document."""
        return self._do(self._server.control.connection)

    def fault(self, vendor: str, operation: str, kind: str, **rule: object) -> int:
        """Add one fault rule and return its id."""
        document = {"vendor": vendor, "operation": operation, "kind": kind, **rule}
        ids: list[int] = self._do(lambda: self._server.control.add_faults(document))["ids"]
        return ids[0]

    def faults(self) -> list[dict[str, Any]]:
        """The rules, each with the number of times that it `fired`."""
        return self._do(self._server.control.told_faults)

    def clear(self) -> None:
        """Remove all fault rules and release everything that hangs."""
        self._do(self._server.control.clear)

    def settings(self, **changes: object) -> dict[str, Any]:
        """Change some settings, or none, and return all of them."""
        return self._do(lambda: self._server.control.settings(changes))

    def truth(self) -> dict[str, Any]:
        """`accounts` per tenant by name (`id`, `password`, `history`), `mails`, and `short_lived_keys`."""
        return self._do(self._server.control.truth)

    def counters(self) -> dict[str, Any]:
        return self._do(self._server.control.counters)

    def requests(self) -> list[dict[str, Any]]:
        """Every request to a vendor, in order of arrival."""
        return self._do(self._server.control.requests)

    def trapped(self) -> list[dict[str, Any]]:
        """Every request that followed a redirect to the trap."""
        return self._do(self._server.control.trapped)

    def accounts(self, tenant: str = "default", **document: object) -> dict[str, Any]:
        """Replace a tenant's accounts: `count=` with `prefix=`, or `accounts=[{"name": ...}]`."""
        return self._do(lambda: self._server.control.accounts({"tenant": tenant, **document}))

    def tenant(self, name: str, **document: object) -> dict[str, Any]:
        """Add or change a tenant: `access_key`, `secret_key`, `read_only`, `accounts_of`, and what STS looks at."""
        return self._do(lambda: self._server.control.tenants({"name": name, **document}))

    def many_tenants(self, count: int, **document: object) -> dict[str, dict[str, str]]:
        """Make so many tenants, `prefix`00001 and so on, each with `accounts` of its own; return their keys."""
        keys = self._do(lambda: self._server.control.tenants({"count": count, **document}))
        prefix = document.get("prefix", "t")
        return {name: keys[name] for name in (f"{prefix}{number:05}" for number in range(1, count + 1))}

    def expire(self, **document: object) -> int:
        """Let all short-lived keys expire now, or those of `tenant=`, and return how many are left."""
        left: int = self._do(lambda: self._server.control.expire(document))["left"]
        return left

    def solapi_key(self, name: str, **document: object) -> dict[str, Any]:
        """Add or change a SOLAPI key: `api_key`, `api_secret`, `allowed_ips`."""
        return self._do(lambda: self._server.control.solapi_key({"name": name, **document}))

    def land(self) -> int:
        """Let the writes that `late` holds back land now, and return how many there were."""
        landed: int = self._do(self._server.control.land)["landed"]
        return landed

    def wait(self, **condition: object) -> int:
        """Wait until `fault=id` or `vendor=, counter=` reaches `at_least=`. Return the figure or raise TimeoutError."""

        async def ask() -> dict[str, Any]:
            return await self._server.control.wait(condition)

        result = self._await(ask)
        if not result["reached"]:
            raise TimeoutError(f"still at {result['value']}: {condition}")
        value: int = result["value"]
        return value

    def reset(self) -> None:
        """Restore the initial state: the seeded state, settings and counters, and no faults."""
        self._do(self._server.control.reset)

    def _do(self, act: Callable[[], T]) -> T:
        async def run() -> T:
            return copy.deepcopy(act())

        return self._await(run)

    def _await(self, act: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()
