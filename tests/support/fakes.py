# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the client library use in place of the world: a clock, a transport, answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from ansible_collections.krcloud.credentials.plugins.module_utils._call.caller import Caller, Limits
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import Request, Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock

EPOCH = 1_700_000_000.0
"""The time of the wall clock when a test begins."""

URL = "https://vendor.example"


class FakeClock(Clock):
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.naps: list[float] = []
        self._lock = threading.Lock()

    def time(self) -> float:
        return EPOCH + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, f"asked to sleep {seconds} seconds"
        with self._lock:
            self.naps.append(seconds)
            self.passed += seconds

    @property
    def slept(self) -> float:
        return sum(self.naps)


Step = Response | Exception | Callable[[Request], Response]


class ScriptedTransport:
    """Answers from a script, in order. As a context manager, it also fails if a step was never reached.

    ``takes`` seconds pass on the clock with every request, but never beyond the deadline.
    """

    def __init__(self, *script: Step, clock: FakeClock | None = None, takes: float = 0.0) -> None:
        self._script = list(script)
        self._clock, self._takes = clock, takes
        self.requests: list[Request] = []
        self.deadlines: list[float] = []

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        assert self._script, f"one request too many: {request.url}"
        self.requests.append(request)
        self.deadlines.append(deadline)
        if self._clock:
            left = deadline - self._clock.monotonic()
            assert left > 0, "a request begun after the deadline"
            self._clock.passed += min(self._takes, left)
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Response) else step(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            assert not self._script, f"{len(self._script)} requests too few"

    @property
    def documents(self) -> list[Any]:
        """The bodies that were sent, read as JSON."""
        return [json.loads(request.body) for request in self.requests]


def answer(status: int, body: object = b"", **headers: str) -> Response:
    """An answer with these bytes as body, or anything else as JSON. Underscores in header names stand for hyphens."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, EPOCH)


def caller(transport: ScriptedTransport, clock: FakeClock | None = None, retries: int = 0, **more: Any) -> Caller:
    """A caller that does not wait between attempts, on a clock that stands still."""
    arguments: Mapping[str, Any] = {"backoff": lambda attempt: 0.0, **more}
    return Caller(transport, URL, Limits(retries=retries), clock=clock or FakeClock(), **arguments)
