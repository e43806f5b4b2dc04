# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of SOLAPI: the request for the mail with which a member sets a new password, and what answers prove.

Source: SOLAPI documentation, users/sendResetPassword. Its revisions show two answers: an old one that reports what
the mail server said, and a new one that describes the stored request. The new one holds ``hashId``, the token that is
also in the mail. Anybody who has it can set the password, so it is given to the redactor and to nothing else.

What an answer proves:

    accepted  a 2xx with one of the two: `mail.accepted` names the address, or `_id`, `email` (the address) and
              `dateCreated` are all there, and no error stands beside it. `hashId` and `dateUpdated` may be missing.
    rejected  an explicit refusal: `errorCode` or `errorMessage` with a 4xx or a 2xx, or `mail.rejected` names the
              address
    failed    401, 403, 429, and a 4xx with a code about keys or clocks: the caller was refused, and no mail was sent
    unknown   everything else, and 408, 409 and 425 with any body
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._call import answers, bodies, caller, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, keys, redaction, times
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi import mail_address, signature

SERVER = "SOLAPI"
CLOCK_SKEW_LIMIT = 900.0

# Every request sends another mail.
SEND_RESET = caller.Operation("sendResetPassword", "/users/v1/member/password/reset", caller.Repeat.UNSAFE)

# One token of 32 characters is usual. Each secret takes many times its length in memory.
_MOST_TOKENS, _LONGEST_TOKEN = 20, 500

_CODES_ABOUT_THE_CALLER = frozenset(
    ("invalidapikey", "signaturedoesnotmatch", "requesttimetooskewed", "duplicatedsignature", "forbidden")
)

# A message ID (RFC 5322, 3.6.4) without braces, so that no ID becomes a template where it is stored.
_MESSAGE_ID = re.compile(r"<?[A-Za-z0-9.!#$%&'*+/=?^_`|~-]+@[A-Za-z0-9.!#$%&'*+/=?^_`|~:\[\]-]+>?")
_LONGEST_MESSAGE_ID = 200
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


class ResetMail(NamedTuple):
    """A mail that the vendor accepted. ``message_id`` is None where the vendor does not tell it."""

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
        not have been sent. In that case nothing is repeated, because every request sends another mail.
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
            raise self._error(response, None, str(reason), readable=False) from None
        self._learn_tokens(response, answer)
        code, message = _complaint(answer)
        mail = answer.get("mail")
        if not 200 <= response.status < 300 or code or message:
            raise self._error(response, code, message)
        described = answers.Answer(SERVER, response.status)
        if isinstance(mail, dict) and _names(mail.get("rejected"), email):
            clause = "says that its mail server rejected the address"
            raise described.error(answers.Meaning.REJECTED, clause=clause, hint="Check the address.")
        if not _confirms(answer, email) or _denies(answer):
            clause = "answered without saying that it accepted the address"
            if _confirms(answer, email):
                clause = "accepted the address and reported an error in the same answer"
            raise described.error(answers.Meaning.UNCONFIRMED, clause=clause)
        return ResetMail(self._message_id(mail), _time(answer) or times.time_text(response.received_at))

    def _learn_tokens(self, response: transport.Response, answer: Mapping[str, Any]) -> None:
        tokens = _reset_tokens(answer)
        if len(tokens) > _MOST_TOKENS or any(len(token) > _LONGEST_TOKEN for token in tokens):
            clause = "answered with more reset tokens, or longer ones, than one mail has"
            raise answers.Answer(SERVER, response.status).error(answers.Meaning.UNDOCUMENTED, clause=clause)
        self._redactor.add(*tokens)

    def _message_id(self, mail: Any) -> Optional[str]:
        """Return the message ID, None if the answer holds none that is valid."""
        value = mail.get("messageId") if isinstance(mail, dict) else None
        if not isinstance(value, str) or not _MESSAGE_ID.fullmatch(value[: _LONGEST_MESSAGE_ID + 1]):
            return None
        return self._redactor.foreign_text(value) if len(value) <= _LONGEST_MESSAGE_ID else None

    def _error(
        self, response: transport.Response, code: Optional[str], message: Optional[str], *, readable: bool = True
    ) -> errors.KrcloudError:
        """Return the error that an answer other than a confirmation stands for."""
        status = response.status
        refused = bool(code or message) and (200 <= status < 300 or answers.may_refuse(status))
        about_the_caller = (code or "").lower() in _CODES_ABOUT_THE_CALLER
        by_code = answers.Meaning.UNAUTHORIZED if about_the_caller and answers.may_refuse(status) else None
        meaning = answers.of(status, by_code, refused=refused, readable=readable)
        shows_message = readable or meaning is answers.Meaning.UNDOCUMENTED
        answer = answers.Answer(
            SERVER,
            status,
            self._quote(code, 60),
            self._quote(message, 300) if shows_message else None,
        )
        if meaning is answers.Meaning.UNAUTHORIZED:
            key = self._credentials
            clause = f"refused the credentials from {key.origin}" if key else "refused a request without credentials"
            return answer.error(meaning, clause=clause, hint=self._credentials_hint(response, code, message))
        hint = None
        if meaning is answers.Meaning.REJECTED and about_the_caller:
            hint = self._credentials_hint(response, code, message)
        elif meaning is answers.Meaning.REJECTED and status == 404:
            hint = "Check the address and api_url."
        elif meaning is answers.Meaning.REJECTED:
            hint = "Check the address."
        return answer.error(meaning, hint=hint)

    def _quote(self, text: Optional[str], longest: int) -> Optional[str]:
        """Return the words of the vendor, fit to print."""
        return redaction.one_line(self._redactor.foreign_text(text[:2000]), longest) or None if text else None

    def _credentials_hint(self, response: transport.Response, code: Optional[str], message: Optional[str]) -> str:
        kind = (code or "").lower()
        skewed = answers.clock_hint(response, CLOCK_SKEW_LIMIT, SERVER)
        if skewed:
            return skewed
        if kind == "forbidden" and re.search(r"\d+\.\d+\.\d+\.\d+|IP", message or ""):
            return (
                "The API key has a list of allowed IP addresses. Add the address of this host to it in the console of "
                "SOLAPI."
            )
        if kind == "requesttimetooskewed":
            return "The clock of this host is 15 minutes or more off. Set the clock."
        if kind == "duplicatedsignature":
            return "The request arrived twice. Check whether a proxy repeats requests."
        if not self._credentials:
            return "Set api_key and api_secret, or check whether a proxy gave this answer."
        return "Check that api_key and api_secret belong together, and that the key is in use."


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
    """Tell whether an answer is one of the two confirmations in the documentation, for this address."""
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


def _denies(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer says no in a way that is not documented, so that it cannot be a confirmation."""
    told = (answer.get(name) for name in ("error", "errors", "errorCode", "errorMessage"))
    return str(answer.get("success")).strip().lower() == "false" or any(
        value.strip() if isinstance(value, str) else value for value in told
    )


def _names(addresses: Any, email: str) -> bool:
    return isinstance(addresses, list) and any(mail_address.is_same(email, each) for each in addresses)


def _time(answer: Mapping[str, Any]) -> Optional[str]:
    """Return the time of the request by the vendor's clock, as ISO 8601 in UTC, None where it is not told."""
    value = answer.get("dateCreated")
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return None
    return value


def _reset_tokens(value: Any) -> List[str]:
    """Return every hashId in an answer, at any depth."""
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
