# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes between the listener, a vendor and a misbehaviour: a call, and the vendor's verdict on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .answers import Answer


@dataclass(frozen=True)
class Call:
    """One request as it came in. `target` is path and query, raw as on the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    remote: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Verdict:
    """What the vendor would do, decided before anything is done: the answer, and the write that makes it true."""

    operation: str
    answer: Answer
    write: Callable[[], None] | None = None
    verified: bool = False  # it carried a right signature
    denied: bool = False  # it was refused because of who the caller is
    tenant: str | None = None
    id: str | None = None
    name: str | None = None
    email: str | None = None
    password: str | None = None
    root: str | None = None  # the root element, where the caller wants XML

    def facts(self) -> dict[str, str | None]:
        return {"tenant": self.tenant, "id": self.id, "name": self.name, "email": self.email}


class Vendor(Protocol):
    name: str
    own_envelope: str  # one of ENVELOPES

    @property
    def operations(self) -> tuple[str, ...]:
        """What it can be asked to do, as fault rules name it."""

    def judge(self, call: Call) -> Verdict:
        """Verify the call and decide on the answer. Only the write of the verdict changes accounts and mails."""

    def headers(self) -> dict[str, str]:
        """The headers of every answer of this vendor."""

    def keys(self) -> dict[str, Any]:
        """What the ready document says about its keys."""

    def refusal(self, status: int, message: str, verdict: Verdict) -> Answer:
        """A refusal in the form of this vendor."""
