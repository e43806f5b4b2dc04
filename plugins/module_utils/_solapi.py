# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""The SOLAPI client: asks for the mail with which a member sets a new password.

Source: SOLAPI documentation, users/sendResetPassword. Its revisions show two answers: an old one that reports what
the mail server said, and a new one that describes the stored request. The new one holds ``hashId``, the very token
that the mail carries: whoever has it can set the password, so it is never read into anything but the redactor.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.krcloud.credentials.plugins.module_utils import (
    _bodies,
    _credentials,
    _errors,
    _http,
    _redaction,
    _signing,
)

CLOCK_SKEW_LIMIT = 900.0

# Every request sends another mail.
SEND_RESET = _http.Operation("sendResetPassword", "/users/v1/member/password/reset", _http.Repeat.UNSAFE)

# One token of 32 characters is usual. Knowing a secret costs memory, many times its length.
_MOST_TOKENS, _LONGEST_TOKEN = 20, 500

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x20\x7f]{1,64}@[^\s@<>()\[\],;:\"\\\x00-\x20\x7f]{1,253}")
_ERRORS_ABOUT_THE_CALLER = frozenset(
    ("invalidapikey", "signaturedoesnotmatch", "requesttimetooskewed", "duplicatedsignature", "forbidden")
)


class ResetMail(NamedTuple):
    """What is known of a mail that was asked for. ``message_id`` is None where the vendor does not tell it."""

    message_id: Optional[str]
    requested_at: str


def check_email(email: str) -> str:
    """Return the address, or raise ConfigurationError when it cannot be one."""
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        raise _errors.ConfigurationError(
            "email is not a mail address.",
            hint="Write one address in the form name@example.com, without a display name.",
        )
    return email


class Solapi:
    """The SOLAPI user service. Without ``credentials`` requests go unsigned, as the documentation shows them.

    ``new_salt`` returns a fresh random text of 12 to 64 bytes each time. All methods raise the errors of ``_errors``.
    """

    def __init__(
        self,
        caller: _http.Caller,
        credentials: Optional[_credentials.Credentials],
        redactor: _redaction.Redactor,
        new_salt: Callable[[], str],
    ) -> None:
        self._caller = caller
        self._credentials = credentials
        self._redactor = redactor
        self._new_salt = new_salt

    def send_reset_mail(self, email: str) -> ResetMail:
        """Ask for a reset mail. Returning means that the vendor accepted the address.

        Raises RejectedError when the vendor refuses the address, and UnknownOutcomeError when the mail may or may
        not have been sent: then nothing is repeated, for every request sends another mail.
        """

        def interpret(response: _http.Response) -> ResetMail:
            return self._interpret(response, email)

        return self._caller.call(
            SEND_RESET,
            lambda: _bodies.to_json({"email": check_email(email)}),
            {"Content-Type": "application/json", "Accept": "application/json"},
            self._sign,
            interpret,
        )

    def _sign(self, _target: str, now: float) -> Mapping[str, str]:
        key = self._credentials
        return _signing.solapi_headers(now, self._new_salt(), key.key, key.secret) if key else {}

    def _interpret(self, response: _http.Response, email: str) -> ResetMail:
        try:
            answer = _bodies.parse(response.body)
        except _bodies.Unreadable as reason:
            if response.status in (401, 403, 429) or 300 <= response.status < 400:
                raise self._refusal(response, None, None) from None
            raise _errors.ProtocolError(
                f"SOLAPI gave an answer that cannot be used (HTTP {response.status}): {reason}.",
                http_status=response.status,
            ) from None
        tokens = _reset_tokens(answer)
        if len(tokens) > _MOST_TOKENS or any(len(token) > _LONGEST_TOKEN for token in tokens):
            raise _errors.ProtocolError(
                "SOLAPI answered with more reset tokens, or longer ones, than one mail has.",
                http_status=response.status,
            )
        self._redactor.add(*tokens)
        code, message = answer.get("errorCode"), answer.get("errorMessage")
        if not 200 <= response.status < 300 or code:
            raise self._refusal(
                response, code if isinstance(code, str) else None, message if isinstance(message, str) else None
            )
        mail = answer.get("mail")
        if isinstance(mail, dict):
            if email.lower() in _addresses(mail.get("rejected")):
                raise _errors.RejectedError(
                    "The mail server of SOLAPI rejected the address.",
                    hint="Check the address.",
                    http_status=response.status,
                )
            if email.lower() not in _addresses(mail.get("accepted")):
                raise _errors.ProtocolError(
                    "SOLAPI answered without saying whether the address was accepted.", http_status=response.status
                )
        return ResetMail(self._message_id(mail), _requested_at(answer, response.received_at))

    def _message_id(self, mail: Any) -> Optional[str]:
        value = mail.get("messageId") if isinstance(mail, dict) else None
        return _redaction.one_line(self._redactor.foreign_text(value[:4000]), 200) if isinstance(value, str) else None

    def _refusal(self, response: _http.Response, code: Optional[str], message: Optional[str]) -> _errors.KrcloudError:
        """Return the error that an answer other than a confirmation stands for."""
        status = response.status
        code = _redaction.one_line(self._redactor.foreign_text(code[:200]), 60) if code else None
        quoted = _redaction.one_line(self._redactor.foreign_text(message[:2000])) if message else None
        said = f" (HTTP {status}" + (f", {code}" if code else "") + (f"): {quoted.rstrip('.')}." if quoted else ").")
        details: Dict[str, Any] = {"http_status": status, "vendor_code": code}
        if status == 429:
            return _errors.RateLimitError(f"SOLAPI limits the number of requests{said}", **details)
        if status in (401, 403) or (code or "").lower() in _ERRORS_ABOUT_THE_CALLER:
            caller = (
                f"the credentials from {self._credentials.origin}"
                if self._credentials
                else "a request without credentials"
            )
            return _errors.AuthenticationError(
                f"SOLAPI refused {caller}{said}", hint=self._hint(response, code, message), **details
            )
        if 300 <= status < 400:
            return _errors.ProtocolError(
                f"SOLAPI answered with a redirect (HTTP {status}), which is not followed.",
                repeatable=False,
                hint="Check api_url.",
                **details,
            )
        if status >= 500 or (code is None and message is None):
            return _errors.ProtocolError(f"SOLAPI failed to answer{said}", **details)
        hint = "Check the address and api_url." if status == 404 else None
        return _errors.RejectedError(f"SOLAPI rejected the request{said}", hint=hint, **details)

    def _hint(self, response: _http.Response, code: Optional[str], message: Optional[str]) -> str:
        kind = (code or "").lower()
        skewed = _http.clock_hint(response, CLOCK_SKEW_LIMIT, "SOLAPI")
        if skewed:
            return skewed
        if kind == "forbidden" and re.search(r"\d+\.\d+\.\d+\.\d+|IP", message or ""):
            return "The API key has a list of allowed IP addresses: add the address of this host in the SOLAPI console."
        if kind == "requesttimetooskewed":
            return "The clock of this host is 15 minutes or more off: set the clock."
        if kind == "duplicatedsignature":
            return "Something replays requests: look for a proxy that sends them twice."
        if not self._credentials:
            return "Give api_key and api_secret; if they are not asked for, look for a proxy that answers in its place."
        return "Check that api_key and api_secret belong together and that the key is in use."


def _addresses(value: Any) -> List[str]:
    return [item.lower() for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _requested_at(answer: Mapping[str, Any], received_at: float) -> str:
    """Return the vendor's own time where it tells one, else ours, both as ISO 8601 in UTC."""
    value = answer.get("dateCreated")
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", value):
        return value
    return datetime.fromtimestamp(int(received_at), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reset_tokens(value: Any) -> List[str]:
    """Return every hashId in an answer, wherever it stands."""
    found: List[str] = []
    waiting: List[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            found += [
                str(entry)
                for name, entry in item.items()
                if str(name).lower() == "hashid" and isinstance(entry, (str, int))
            ]
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return found


def request_reset(client: Solapi, email: str, *, check_mode: bool = False) -> Dict[str, Any]:
    """Ask for a mail and return the result of the task, failures of the vendor included."""
    check_email(email)
    result: Dict[str, Any] = {
        "changed": True,
        "email": email,
        "delivery": None,
        "message_id": None,
        "requested_at": None,
    }
    if check_mode:
        return result
    try:
        mail = client.send_reset_mail(email)
    except _errors.KrcloudError as error:
        if isinstance(error, _errors.UnknownOutcomeError):
            error.hint = (
                "The mail may have been sent, and was not asked for again, since every request sends another mail: "
                "ask the member before running this again."
            )
        delivery = {"unknown_outcome": "unknown", "rejected": "rejected"}.get(error.kind)
        return {**result, "changed": delivery == "unknown", "delivery": delivery, **error.as_failure()}
    return {**result, "delivery": "accepted", "message_id": mail.message_id, "requested_at": mail.requested_at}
