# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SOLAPI client: asks for the mail with which a member sets a new password.

Source: SOLAPI documentation, users/sendResetPassword. Its revisions show two answers: an old one that reports what
the mail server said, and a new one that describes the stored request. The new one holds ``hashId``, the very token
that the mail carries: whoever has it can set the password, so it is never read into anything but the redactor.

What an answer proves:

    accepted  a 2xx with one of the two: `mail.accepted` names the address, or `_id`, `email` (the address) and
              `dateCreated` are all there. `hashId` and `dateUpdated` are not asked for.
    rejected  an explicit no: `errorCode` or `errorMessage` with a 4xx or a 2xx, or `mail.rejected` names the address
    neither   401, 403, 429, and a 4xx with a code about keys or clocks: the caller was refused, and nothing was done
    unknown   all else, and 408, 409 and 425 with any body
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._call import answers, bodies, caller, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, keys, redaction, times
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi import mail_address, signature

CLOCK_SKEW_LIMIT = 900.0

# Every request sends another mail.
SEND_RESET = caller.Operation("sendResetPassword", "/users/v1/member/password/reset", caller.Repeat.UNSAFE)

# One token of 32 characters is usual. Knowing a secret costs memory, many times its length.
_MOST_TOKENS, _LONGEST_TOKEN = 20, 500

_ERRORS_ABOUT_THE_CALLER = frozenset(
    ("invalidapikey", "signaturedoesnotmatch", "requesttimetooskewed", "duplicatedsignature", "forbidden")
)
# Of the 4xx, those that do not say that nothing was done.
_UNDECIDED = (408, 409, 425)

# What a mail is called (RFC 5322, 3.6.4), but for braces: nobody's id is to become a template wherever it is kept.
_MESSAGE_ID = re.compile(r"<?[A-Za-z0-9.!#$%&'*+/=?^_`|~-]+@[A-Za-z0-9.!#$%&'*+/=?^_`|~:\[\]-]+>?")
_LONGEST_MESSAGE_ID = 200
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


class ResetMail(NamedTuple):
    """What is known of a mail that was asked for. ``message_id`` is None where the vendor does not tell it."""

    message_id: Optional[str]
    requested_at: str


class Solapi:
    """The SOLAPI user service. Without ``credentials`` requests go unsigned, as the documentation shows them.

    ``new_salt`` returns a fresh random text of 12 to 64 bytes each time. All methods raise the errors of `errors`.
    """

    def __init__(
        self,
        caller: caller.Caller,
        credentials: Optional[keys.Credentials],
        redactor: redaction.Redactor,
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

        def interpret(response: transport.Response) -> ResetMail:
            return self._interpret(response, email)

        return self._caller.call(
            SEND_RESET,
            interpret,
            body=lambda: bodies.to_json({"email": mail_address.check_email(email)}),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            sign=self._sign,
        )

    def _sign(self, _target: str, now: float) -> Mapping[str, str]:
        key = self._credentials
        return signature.solapi_headers(now, self._new_salt(), key.key, key.secret) if key else {}

    def _interpret(self, response: transport.Response, email: str) -> ResetMail:
        try:
            answer = bodies.parse(response.body)
        except bodies.Unreadable as reason:
            if response.status in (401, 403, 429) or 300 <= response.status < 400:
                raise self._refusal(response, None, None) from None
            raise errors.ProtocolError(
                f"SOLAPI gave an answer that cannot be used (HTTP {response.status}): {reason}.",
                http_status=response.status,
            ) from None
        tokens = _reset_tokens(answer)
        if len(tokens) > _MOST_TOKENS or any(len(token) > _LONGEST_TOKEN for token in tokens):
            raise errors.ProtocolError(
                "SOLAPI answered with more reset tokens, or longer ones, than one mail has.",
                http_status=response.status,
            )
        self._redactor.add(*tokens)
        code, message = _complaint(answer)
        mail = answer.get("mail")
        if not 200 <= response.status < 300 or code or message:
            raise self._refusal(response, code, message)
        if isinstance(mail, dict) and _names(mail.get("rejected"), email):
            raise errors.RejectedError(
                "The mail server of SOLAPI rejected the address.",
                hint="Check the address.",
                http_status=response.status,
            )
        if not _confirms(answer, email):
            raise errors.ProtocolError(
                f"SOLAPI answered without saying that it accepted the address (HTTP {response.status}).",
                http_status=response.status,
            )
        return ResetMail(self._message_id(mail), _time(answer) or times.time_text(response.received_at))

    def _message_id(self, mail: Any) -> Optional[str]:
        """Return the message ID where the answer tells one that is one."""
        value = mail.get("messageId") if isinstance(mail, dict) else None
        if not isinstance(value, str) or not _MESSAGE_ID.fullmatch(value[: _LONGEST_MESSAGE_ID + 1]):
            return None
        return self._redactor.foreign_text(value) if len(value) <= _LONGEST_MESSAGE_ID else None

    def _refusal(
        self, response: transport.Response, code: Optional[str], message: Optional[str]
    ) -> errors.KrcloudError:
        """Return the error that an answer other than a confirmation stands for."""
        status, says_no = response.status, bool(code or message)
        code = (redaction.one_line(self._redactor.foreign_text(code[:200]), 60) or None) if code else None
        quoted = redaction.one_line(self._redactor.foreign_text(message[:2000])) if message else None
        said = f" (HTTP {status}" + (f", {code}" if code else "") + (f"): {quoted.rstrip('.')}." if quoted else ").")
        details: Dict[str, Any] = {"http_status": status, "vendor_code": code}
        if status == 429:
            return errors.RateLimitError(f"SOLAPI limits the number of requests{said}", **details)
        about_the_caller = (code or "").lower() in _ERRORS_ABOUT_THE_CALLER
        if status in (401, 403) or (about_the_caller and 400 <= status < 500 and status not in _UNDECIDED):
            caller = (
                f"the credentials from {self._credentials.origin}"
                if self._credentials
                else "a request without credentials"
            )
            return errors.AuthenticationError(
                f"SOLAPI refused {caller}{said}", hint=self._hint(response, code, message), **details
            )
        if 300 <= status < 400:
            return errors.ProtocolError(
                f"SOLAPI answered with a redirect (HTTP {status}), which is not followed.",
                repeatable=False,
                hint="Check api_url.",
                **details,
            )
        if not 200 <= status < 500 or not says_no:
            return errors.ProtocolError(f"SOLAPI failed to answer{said}", **details)
        if status in _UNDECIDED:
            return errors.ProtocolError(f"SOLAPI does not say that no mail was sent{said}", **details)
        hint = "Check the address and api_url." if status == 404 else None
        if about_the_caller:
            hint = self._hint(response, code, message)
        return errors.RejectedError(f"SOLAPI rejected the request{said}", hint=hint, **details)

    def _hint(self, response: transport.Response, code: Optional[str], message: Optional[str]) -> str:
        kind = (code or "").lower()
        skewed = answers.clock_hint(response, CLOCK_SKEW_LIMIT, "SOLAPI")
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


def _complaint(answer: Mapping[str, Any]) -> Tuple[Optional[str], Optional[str]]:
    """Return the code and the message of an answer that says no, each None where it has none."""
    code, message = answer.get("errorCode"), answer.get("errorMessage")
    if isinstance(code, int) and not isinstance(code, bool):
        code = str(code) if code else None
    return (
        (code.strip() or None) if isinstance(code, str) else None,
        (message.strip() or None) if isinstance(message, str) else None,
    )


def _confirms(answer: Mapping[str, Any], email: str) -> bool:
    """Tell whether an answer is one of the two that the documentation has, about this address."""
    mail = answer.get("mail")
    if isinstance(mail, dict):
        return _names(mail.get("accepted"), email)
    record = answer.get("_id")
    return (
        isinstance(record, str)
        and bool(record.strip())
        and mail_address.is_same(email, answer.get("email"))
        and _time(answer) is not None
    )


def _names(addresses: Any, email: str) -> bool:
    return isinstance(addresses, list) and any(mail_address.is_same(email, each) for each in addresses)


def _time(answer: Mapping[str, Any]) -> Optional[str]:
    """Return when the vendor says that the request was made, as ISO 8601 in UTC, None where it does not."""
    value = answer.get("dateCreated")
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return None
    return value


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
    mail_address.check_email(email)
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
    except errors.KrcloudError as error:
        if isinstance(error, errors.UnknownOutcomeError):
            error.hint = (
                "The mail may have been sent, and was not asked for again, since every request sends another mail: "
                "ask the member before running this again."
            )
        delivery = {"unknown_outcome": "unknown", "rejected": "rejected"}.get(error.kind)
        return {**result, "changed": delivery == "unknown", "delivery": delivery, **error.as_failure()}
    return {**result, "delivery": "accepted", "message_id": mail.message_id, "requested_at": mail.requested_at}
