# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""Request signatures of both vendors: inputs, a time and a salt in, headers out. No I/O.

Sources: NAVER Cloud Platform common API guide, signature version 2 (api.ncloud-docs.com/docs/common-ncpapi);
SOLAPI documentation, "API Key" authentication (docs.solapi.com, authentication/api-key).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone
from typing import Dict

SOLAPI_SALT_BYTES = (12, 64)


def ncp_signature(method: str, target: str, timestamp: str, access_key: str, secret_key: str) -> str:
    """Return the signature version 2 of one request, in standard padded Base64.

    ``target`` is the path with its query exactly as they go over the wire; ``timestamp`` is the Unix time in
    milliseconds as decimal text, the same text that goes into the header. Body, host and headers are not signed.
    """
    message = f"{method} {target}\n{timestamp}\n{access_key}"
    digest = hmac.new(secret_key.encode("utf-8"), message.encode("utf-8"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def ncp_headers(method: str, target: str, now: float, access_key: str, secret_key: str) -> Dict[str, str]:
    """Return the three headers that authenticate one request made at ``now`` (seconds since the epoch)."""
    timestamp = str(int(now * 1000))
    return {
        "x-ncp-apigw-timestamp": timestamp,
        "x-ncp-iam-access-key": access_key,
        "x-ncp-apigw-signature-v2": ncp_signature(method, target, timestamp, access_key, secret_key),
    }


def solapi_signature(date: str, salt: str, api_secret: str) -> str:
    """Return HMAC-SHA256 over the date text followed by the salt text, in lower-case hexadecimal."""
    return hmac.new(api_secret.encode("utf-8"), (date + salt).encode("utf-8"), hashlib.sha256).hexdigest()


def solapi_headers(now: float, salt: str, api_key: str, api_secret: str) -> Dict[str, str]:
    """Return the Authorization header of one request made at ``now`` (seconds since the epoch).

    The vendor refuses a signature that it saw within 15 minutes: give every request, repeats included, a fresh
    ``salt``. Raises ValueError when the salt is not 12 to 64 bytes long.
    """
    shortest, longest = SOLAPI_SALT_BYTES
    if not shortest <= len(salt.encode("utf-8")) <= longest:
        raise ValueError(f"a SOLAPI salt has {shortest} to {longest} bytes")
    date = datetime.fromtimestamp(int(now), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = solapi_signature(date, salt, api_secret)
    return {"Authorization": f"HMAC-SHA256 apiKey={api_key}, date={date}, salt={salt}, signature={signature}"}
