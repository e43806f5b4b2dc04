# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one hierarchy of errors, and the one place where an error becomes text and data for a result."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

from ansible_collections.krcloud.credentials.plugins.module_utils._core import outcomes


class KrcloudError(Exception):
    """What went wrong, in sentences that a person can act on.

    ``message`` says what happened and ``hint`` what to do; neither ever holds a secret. ``http_status``,
    ``vendor_code`` and ``trace_id`` are the vendor's, where it gave any. ``kind`` is the word for the error in results,
    and ``outcome`` says what became of a request that ended with it, if that request changes something. ``repeatable``
    says that another attempt may get another answer; each class has its usual value. ``retry_after`` are the seconds
    that a server asked to wait.
    """

    kind = "error"
    outcome = outcomes.Outcome.FAILED
    repeatable = False
    retry_after: Optional[float] = None

    def __init__(
        self,
        message: str,
        *,
        hint: Optional[str] = None,
        http_status: Optional[int] = None,
        vendor_code: Optional[str] = None,
        trace_id: Optional[str] = None,
        repeatable: Optional[bool] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.http_status = http_status
        self.vendor_code = vendor_code
        self.trace_id = trace_id
        if repeatable is not None:
            self.repeatable = repeatable

    def sentence(self) -> str:
        """Return message and hint as one line of text."""
        return f"{self.message} {self.hint}" if self.hint else self.message

    def as_dict(self) -> Dict[str, Any]:
        """Return the error as modules report it under ``error``."""
        return {
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
            "http_status": self.http_status,
            "vendor_code": self.vendor_code,
            "trace_id": self.trace_id,
        }

    def as_failure(self) -> Dict[str, Any]:
        """Return the part of a task's result that says it failed, and of what."""
        return {"failed": True, "msg": self.sentence(), "error": self.as_dict()}


class ConfigurationError(KrcloudError):
    """An option, environment variable or file is missing or wrong. Nothing was sent."""

    kind = "configuration"


class TransportError(KrcloudError):
    """There was no answer, and the request provably never left, or changes nothing."""

    kind = "transport"


class AuthenticationError(KrcloudError):
    """The vendor refused the caller (401, 403). Says nothing about the value that was sent."""

    kind = "authentication"


class RateLimitError(KrcloudError):
    """The vendor wants fewer requests (429)."""

    kind = "rate_limit"
    repeatable = True


class SkippedError(KrcloudError):
    """Not tried, because of what happened before."""

    kind = "skipped"
    outcome = outcomes.Outcome.SKIPPED


class RejectedError(KrcloudError):
    """The vendor proved that it did not do what it was asked, because of what was sent."""

    kind = "rejected"
    outcome = outcomes.Outcome.REJECTED


class NotFoundError(RejectedError):
    """The account does not exist, or these credentials cannot see it."""

    kind = "not_found"
    outcome = outcomes.Outcome.FAILED


class ProtocolError(KrcloudError):
    """The server failed (5xx), or its answer is not one that the documentation allows.

    The request may have been carried out.
    """

    kind = "protocol"
    repeatable = True


class UnknownOutcomeError(KrcloudError):
    """The request may or may not have been carried out.

    ``story`` tells in sentences what became of the attempts, and ``last`` is what the last one ended with.
    """

    kind = "unknown_outcome"
    outcome = outcomes.Outcome.UNKNOWN

    def __init__(self, message: str, *, story: str = "", last: Optional[KrcloudError] = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.story = story
        self.last = last


class InternalError(KrcloudError):
    """A defect in this collection. It may have come after a request that was carried out."""

    kind = "internal"
    outcome = outcomes.Outcome.UNKNOWN


def internal_error(error: BaseException) -> InternalError:
    """Return the error for an exception that no code expected. It names type and place, and never quotes the text."""
    if isinstance(error, KeyboardInterrupt):
        return InternalError(
            "The task was interrupted. The requests that it had begun may have been carried out.", hint="Run it again."
        )
    return InternalError(
        f"krcloud.credentials has a defect ({_type_and_place(error)}). The requests that it had begun may have been "
        "carried out.",
        hint="Please report this message, with the version of the collection.",
    )


def unsendable(error: BaseException) -> ConfigurationError:
    """Return the error for an exception that no code expected, raised before the first byte was sent."""
    return ConfigurationError(
        f"The request could not be built ({_type_and_place(error)}). Nothing was sent.",
        hint="Look for unusual characters in keys, ids, names and passwords.",
    )


def _type_and_place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {os.path.basename(trace.tb_frame.f_code.co_filename)}, line {trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"
