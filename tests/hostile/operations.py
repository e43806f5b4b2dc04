# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of the modules, and what must hold for their results whatever the answer was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hostile.tasks import Ended, TargetHost

# The same secret in all places, so that the task knows every secret that an answer can echo.
SECRET = "Cana-ry!Passw0rd-7"
EMAIL = "member@example.com"
ID = "20nAZnjbUNFdc7RsILlC3A"

MOST_MEMORY = 100_000_000
LONGEST_MESSAGE = 1500

# For servers that answer: a busy machine must not look like a slow server.
_PATIENCE = {"timeout": 30.0, "deadline": 30.0, "retries": 0}
# For servers whose answer never ends.
HASTE = {"timeout": 1.0, "deadline": 1.0}
_NCP = {**_PATIENCE, "access_key": "canary-access-key", "secret_key": SECRET}
_SOLAPI = {**_PATIENCE, "api_key": "canary-api-key", "api_secret": SECRET, "email": EMAIL}


def _ncp_refusal(message: str) -> dict[str, Any]:
    return {"success": False, "message": message}


def _solapi_refusal(message: str) -> dict[str, Any]:
    return {"errorCode": "ValidationError", "errorMessage": message}


@dataclass(frozen=True)
class Operation:
    """One request of one module. ``changes``: its outcome may be unknown. ``refusal``: how its vendor says no."""

    name: str
    module: str
    options: dict[str, Any]
    changes: bool = True
    xml: bool = False
    refusal: Callable[[str], dict[str, Any]] = _ncp_refusal
    verdict: Callable[[dict[str, Any]], Any] = field(default=lambda result: result["accounts"][0]["outcome"])

    def run(self, target: TargetHost, url: str, **options: Any) -> Ended:
        return target.run(self.module, {**self.options, "api_url": url, **options})


_RESET = {**_NCP, "id": ID, "password": SECRET}
LIST = Operation("list", "ncp_dataforest_account_info", _NCP, changes=False, verdict=lambda _result: None)
LIST_MANY = Operation("list-many", LIST.module, _PATIENCE, changes=False, verdict=lambda _result: None)
RESET = Operation("reset", "ncp_dataforest_password", _RESET)
RESET_XML = Operation("reset-xml", RESET.module, {**_RESET, "wire_format": "xml"}, xml=True)
RESET_MANY = Operation("reset-many", RESET.module, _NCP)
MAIL = Operation(
    "mail",
    "solapi_password_reset",
    _SOLAPI,
    refusal=_solapi_refusal,
    verdict=lambda result: result["delivery"],
)
# A refusal or a lost answer leaves nothing behind but keys that nobody knows.
CREDENTIALS = Operation("credentials", "ncp_sts_credentials", _NCP, changes=False, verdict=lambda _result: None)
OPERATIONS = (
    LIST,
    RESET,
    RESET_XML,
    MAIL,
    CREDENTIALS,
)


def tenants(count: int) -> list[dict[str, str]]:
    """Keys of so many tenants."""
    return [{"access_key": f"canary-{number}", "secret_key": SECRET} for number in range(count)]


def texts(value: Any) -> Iterator[str]:
    """Every string in a result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def result_of(ended: Ended, peaks: list[int]) -> dict[str, Any]:
    """Return the result of a task, after checking what must hold for any task."""
    peaks.append(ended.peak)
    assert ended.peak < MOST_MEMORY
    # If it had printed anything else, such as a traceback, this would not be JSON.
    result: dict[str, Any] = json.loads(ended.output)
    assert ended.code == (1 if result.get("failed") else 0)
    # How ansible-core 2.22 tells the controller what to mask. It is never shown.
    result.pop("_ansible_new_secrets", None)
    assert SECRET not in json.dumps(result)
    for text in texts(result):
        assert text.isprintable(), text
    return result


def failure_of(ended: Ended, peaks: list[int]) -> dict[str, Any]:
    """The result of a task that failed and said why in one or two sentences."""
    result = result_of(ended, peaks)
    assert result["failed"] is True
    assert "exception" not in result
    assert 10 < len(result["msg"]) < LONGEST_MESSAGE
    assert result["msg"].endswith(".")
    return result
