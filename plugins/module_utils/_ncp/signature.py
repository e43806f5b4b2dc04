# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signature version 2 of a request to NAVER Cloud Platform. Pure: the time is an argument. No I/O.

Source: NAVER Cloud Platform common API guide (api.ncloud-docs.com/docs/common-ncpapi).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Dict


def ncp_signature(method: str, target: str, timestamp: str, access_key: str, secret_key: str) -> str:
    """Return the signature version 2 of one request, in standard padded Base64.

    ``target`` is the path with its query, exactly as they are sent. ``timestamp`` is the Unix time in milliseconds as
    decimal text, exactly as in the header. Body, host and headers are not signed.
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
