# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of SOLAPI against scripted answers, and the answers that its documentation shows."""

from __future__ import annotations

import itertools
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.client import Solapi
from support.fakes import ScriptedTransport, caller

EMAIL = "member@example.com"
KEY, SECRET = "NCSOURKEY0000001", "OURSECRET00000000000000000000001"
CREDENTIALS = Credentials(KEY, SECRET, "the option api_key")
TOKEN = "V1StGXR8_Z5jdHi6B-myT"
CREATED = "2020-09-23T03:40:16.331Z"
OUR_TIME = "2023-11-14T22:13:20Z"
MESSAGE_ID = "<3f0c2a8e@mail.example.com>"

NEW = {
    "_id": "5f6ac3a047c7acc34a009660",
    "email": EMAIL,
    "dateCreated": CREATED,
    "dateUpdated": CREATED,
    "hashId": TOKEN,
}
OLD = {
    "mail": {
        "accepted": [EMAIL],
        "rejected": [],
        "messageTime": 630,
        "response": "250 Accepted [STATUS=new MSGID=abc]",
        "envelope": {"from": "support@example.com", "to": [EMAIL]},
        "messageId": MESSAGE_ID,
    }
}


def old(**mail: Any) -> dict[str, Any]:
    return {"mail": {**OLD["mail"], **mail}}


def client(
    transport: ScriptedTransport, credentials: Credentials | None = None, redactor: Redactor | None = None, **more: Any
) -> Solapi:
    salts = (f"salt-number-{number:04d}" for number in itertools.count())
    return Solapi(caller(transport, **more), credentials, redactor or Redactor(), lambda: next(salts))


def e(code: str, message: str = "말") -> dict[str, str]:
    """The body of a refusal."""
    return {"errorCode": code, "errorMessage": message}
