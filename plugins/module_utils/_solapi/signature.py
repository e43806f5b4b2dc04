# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature of a request to SOLAPI. Pure: time and salt are arguments. No I/O.

Source: SOLAPI documentation, "API Key" authentication (docs.solapi.com, authentication/api-key).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Dict

from ansible_collections.krcloud.credentials.plugins.module_utils._core import times

SOLAPI_SALT_BYTES = (12, 64)


def solapi_signature(date: str, salt: str, api_secret: str) -> str:
    """Return HMAC-SHA256 over the date text followed by the salt text, in lower-case hexadecimal."""
    return hmac.new(api_secret.encode("utf-8"), (date + salt).encode("utf-8"), hashlib.sha256).hexdigest()


def solapi_headers(now: float, salt: str, api_key: str, api_secret: str) -> Dict[str, str]:
    """Return the Authorization header of one request made at ``now`` (seconds since the epoch).

    The vendor refuses a signature that it has seen within 15 minutes, so every request and every repeat needs a fresh
    ``salt``. Raises ValueError if the salt is not 12 to 64 bytes long.
    """
    shortest, longest = SOLAPI_SALT_BYTES
    if not shortest <= len(salt.encode("utf-8")) <= longest:
        raise ValueError(f"a SOLAPI salt has {shortest} to {longest} bytes")
    date = times.time_text(now)
    signature = solapi_signature(date, salt, api_secret)
    return {"Authorization": f"HMAC-SHA256 apiKey={api_key}, date={date}, salt={salt}, signature={signature}"}
