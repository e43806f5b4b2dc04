# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that signs by itself, with nothing repeated and nothing followed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

import requests

from support.simulator import Simulator

GOOD = "Abcd-1234"


class NcpClient:
    """One request at a time, each on a connection of its own."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim

    def headers(
        self,
        path: str,
        tenant: str = "default",
        method: str = "POST",
        ahead: float = 0,
        keys: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        keys = keys or self._sim.connection()["tenants"][tenant]
        timestamp = str(int((time.time() + ahead) * 1000))
        text = f"{method} {path}\n{timestamp}\n{keys['access_key']}"
        digest = hmac.new(keys["secret_key"].encode(), text.encode(), hashlib.sha256).digest()
        return {
            "x-ncp-apigw-timestamp": timestamp,
            "x-ncp-iam-access-key": keys["access_key"],
            "x-ncp-apigw-signature-v2": base64.b64encode(digest).decode(),
        }

    def __call__(
        self,
        operation: str,
        body: object = None,
        *,
        tenant: str = "default",
        headers: Mapping[str, str | None] | None = None,
        base: str | None = None,
        query: str = "",
        verify: str | bool = True,
        timeout: float = 10,
    ) -> requests.Response:
        path = f"/api/v2/accounts/{operation}{query}"
        data = body.encode() if isinstance(body, str) else json.dumps({} if body is None else body).encode()
        sent = {"Content-Type": "application/json", **self.headers(path, tenant), **(headers or {})}
        return requests.post(
            f"{base or self._sim.ncp_url}{path}",
            data=data,
            headers={name: value for name, value in sent.items() if value is not None},
            allow_redirects=False,
            verify=verify,
            timeout=timeout,
        )

    def account(self, name: str = "df001", tenant: str = "default") -> str:
        account_id = self._sim.truth()["accounts"][tenant][name]["id"]
        assert isinstance(account_id, str)
        return account_id

    def set_password(self, password: str = GOOD, name: str = "df001", timeout: float = 10) -> requests.Response:
        return self("resetPassword", {"id": self.account(name), "password": password}, timeout=timeout)
