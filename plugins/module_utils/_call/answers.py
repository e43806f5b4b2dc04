# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer says, whoever gives it."""

from __future__ import annotations

import email.utils
from typing import Optional

from ansible_collections.krcloud.credentials.plugins.module_utils._call import transport


def clock_skew(response: transport.Response) -> Optional[float]:
    """Return by how many seconds our clock is ahead of the server's Date header (negative: behind), if it has one."""
    try:
        return response.received_at - email.utils.parsedate_to_datetime(response.headers["date"]).timestamp()
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def clock_hint(response: transport.Response, limit: float, vendor: str) -> Optional[str]:
    """Return what to do when our clock is ``limit`` seconds or more off the vendor's, None while it is not."""
    skew = clock_skew(response)
    if skew is None or abs(skew) < limit:
        return None
    side = "ahead of" if skew > 0 else "behind"
    return f"The clock of this host is {abs(skew):.0f} s {side} {vendor}, and {limit / 60:.0f} minutes may be: set it."
