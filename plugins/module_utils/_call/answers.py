# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an HTTP answer means, whoever gives it. Vendors add what their codes mean, and words of their own. Pure.

The status alone never confirms anything, and never proves a refusal of what was sent: both take the documented body.
Sources: RFC 9110, 15 (status codes); RFC 8470, 5.2 (425); RFC 6585, 4 (429).
"""

from __future__ import annotations

import datetime
import email.utils
import enum
from typing import Any, Dict, Mapping, NamedTuple, Optional, Type

from ansible_collections.krcloud.credentials.plugins.module_utils._call import transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

# A server that answers with one of these may have passed the request on before, or may do so yet.
_UNDECIDED = (408, 409, 425)


class Meaning(enum.Enum):
    """What an answer means that is not a confirmation. The value continues the sentence "The server ..."."""

    LIMITED = "limits the number of requests"
    UNAUTHORIZED = "refused the credentials"
    REJECTED = "rejected the request"
    NOT_FOUND = "does not know what was asked for"
    UNCONFIRMED = "answered without saying whether it succeeded"
    REDIRECT = "answered with a redirect, which is not followed"
    UNDECIDED = "did not say whether it carried out the request"
    UNDOCUMENTED = "gave an answer that cannot be used"
    BROKEN = "failed to answer"


_ERRORS: Mapping[Meaning, Type[errors.KrcloudError]] = {
    Meaning.LIMITED: errors.RateLimitError,
    Meaning.UNAUTHORIZED: errors.AuthenticationError,
    Meaning.REJECTED: errors.RejectedError,
    Meaning.NOT_FOUND: errors.NotFoundError,
}
# What a status says so plainly that the body need not be readable.
_PLAIN = (Meaning.LIMITED, Meaning.UNAUTHORIZED, Meaning.REDIRECT)


def of_status(status: int) -> Meaning:
    """Return what a status means when the body adds nothing that counts."""
    if status == 429:
        return Meaning.LIMITED
    if status in (401, 403):
        return Meaning.UNAUTHORIZED
    if 200 <= status < 300:
        return Meaning.UNCONFIRMED
    if 300 <= status < 400:
        return Meaning.REDIRECT
    if not 400 <= status < 500:
        return Meaning.BROKEN
    return Meaning.UNDECIDED if status in _UNDECIDED else Meaning.UNDOCUMENTED


def may_refuse(status: int) -> bool:
    """Tell whether an error code with this status proves that nothing was done: with a 4xx that says so itself."""
    return 400 <= status < 500 and of_status(status) not in (Meaning.UNDECIDED, Meaning.LIMITED)


def of(status: int, code: Optional[Meaning] = None, *, refused: bool = False, readable: bool = True) -> Meaning:
    """Return what an answer means that is not a confirmation.

    ``code`` is what the error code of the vendor means, if that is known. ``refused`` says that the body is an
    explicit refusal by the documentation of the vendor, ``readable`` that there is a body that could be read.
    """
    by_status = of_status(status)
    if not readable:
        return by_status if by_status in _PLAIN else Meaning.UNDOCUMENTED
    if code is Meaning.BROKEN:
        return code
    for about_the_caller in (Meaning.LIMITED, Meaning.UNAUTHORIZED):
        if about_the_caller in (by_status, code):
            return about_the_caller
    if refused:
        return code or Meaning.REJECTED
    return by_status


class Answer(NamedTuple):
    """An answer that is not a confirmation, as messages put it. ``code`` and ``message`` hold nothing secret."""

    server: str
    status: int
    code: Optional[str] = None
    message: Optional[str] = None
    trace_id: Optional[str] = None

    def __repr__(self) -> str:
        return f"Answer({self.status})"

    @property
    def details(self) -> Dict[str, Any]:
        """What errors tell beside the message."""
        return {"http_status": self.status, "vendor_code": self.code, "trace_id": self.trace_id}

    def error(self, meaning: Meaning, *, clause: str = "", hint: Optional[str] = None) -> errors.KrcloudError:
        """Return the error for an answer. ``clause`` takes the place of the value of ``meaning`` in its message."""
        place = f"HTTP {self.status}, code {self.code}" if self.code else f"HTTP {self.status}"
        words = f": {self.message.rstrip('.')}" if self.message else ""
        sentence = f"{self.server} {clause or meaning.value} ({place}){words}."
        kind = _ERRORS.get(meaning, errors.ProtocolError)
        if meaning is Meaning.REDIRECT:
            return kind(sentence, repeatable=False, hint=hint or "Check api_url and proxies.", **self.details)
        return kind(sentence, hint=hint, **self.details)


def moment(date: str) -> float:
    """Return a date of a header as seconds since the epoch, in any form of RFC 9110, 5.6.7. Raises ValueError.

    The oldest form has no zone, and is in UTC like all others.
    """
    try:
        parsed = email.utils.parsedate_to_datetime(date)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.timezone.utc)).timestamp()
    except (LookupError, TypeError, ValueError, OverflowError):
        raise ValueError(date) from None


def clock_skew(response: transport.Response) -> Optional[float]:
    """Return by how many seconds our clock is ahead of the server's Date header (negative: behind), if it has one."""
    try:
        return response.received_at - moment(response.headers["date"])
    except (LookupError, ValueError):
        return None


def clock_hint(response: transport.Response, limit: float, server: str) -> Optional[str]:
    """Return what to do when our clock is ``limit`` seconds or more off the server's, None while it is not."""
    skew = clock_skew(response)
    if skew is None or abs(skew) < limit:
        return None
    side = "ahead of" if skew > 0 else "behind"
    return (
        f"The clock of this host is {abs(skew):.0f} s {side} {server}, which allows {limit / 60:.0f} minutes. "
        "Set the clock."
    )
