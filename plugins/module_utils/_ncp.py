# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""The NAVER Cloud Platform Data Forest client: which requests there are, and what each answer means.

Sources: api.ncloud-docs.com, analytics-dataforest (overview, accounts-getlist, accounts-resetpassword), and the
API Gateway error page (api-call-lgc-errorhandling).
"""

from __future__ import annotations

import re
import threading
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.krcloud.credentials.plugins.module_utils import (
    _bodies,
    _credentials,
    _errors,
    _http,
    _redaction,
    _signing,
)

CLOCK_SKEW_LIMIT = 300.0
MOST_ACCOUNTS = 15_000
# How many lists of accounts may be under way at a time: each may take 4 MiB.
MOST_LISTS = 2
# To take one apart costs several times its size.
_ONE_LIST_AT_A_TIME = threading.Lock()

GET_LIST = _http.Operation("getList", "/api/v2/accounts/getList", _http.Repeat.SAFE, largest_answer=4 * 1024 * 1024)
# Setting the same value twice ends in the same state, and the call answers nothing that could differ.
RESET_PASSWORD = _http.Operation("resetPassword", "/api/v2/accounts/resetPassword", _http.Repeat.IDEMPOTENT)
_XML_ROOTS = {"getList": "GetAccountListRequest", "resetPassword": "ResetAccountPasswordRequest"}

# errorCode of the API Gateway. It is never the HTTP status: "200" means that authentication failed.
_CALLER_CODES = frozenset(("200", "210", "230"))
_LIMIT_CODES = frozenset(("400", "410", "420"))
_UNKNOWN_PATH_CODE = "300"


class Account(NamedTuple):
    """One Data Forest account as getList describes it. ``disabled`` means that the user lacks permission for it."""

    id: str
    name: Optional[str]
    principal: Optional[str]
    status: Optional[str]
    disabled: Optional[bool]
    created_at: Optional[str]

    def as_dict(self) -> Dict[str, Any]:
        """Return the account as modules report it."""
        return self._asdict()


class _Complaint(NamedTuple):
    """What an error body says. ``refused`` if it holds ``success: false``; only the gateway's codes are documented."""

    code: Optional[str] = None
    message: Optional[str] = None
    from_gateway: bool = False
    refused: bool = False

    @property
    def understood(self) -> bool:
        return self.refused or self.code is not None or self.message is not None


class DataForest:
    """The accounts that one set of credentials may see. Threads may share it.

    ``wire_format`` is ``json`` or ``xml``. All methods raise the errors of ``_errors``.
    """

    def __init__(
        self,
        caller: _http.Caller,
        credentials: _credentials.Credentials,
        redactor: _redaction.Redactor,
        wire_format: str = "json",
    ) -> None:
        self._caller = caller
        self._credentials = credentials
        self._redactor = redactor
        self._xml = wire_format == "xml"

    def accounts(self) -> List[Account]:
        """Return all accounts."""

        def interpret(response: _http.Response) -> List[Account]:
            with _ONE_LIST_AT_A_TIME:
                try:
                    return listed(response)
                except _errors.KrcloudError as error:
                    # What led to it holds all that was taken apart, and the next list is not to stand beside that.
                    error.__context__ = None
                    raise error.with_traceback(None) from None

        def listed(response: _http.Response) -> List[Account]:
            answer = self._confirmed(response)
            contents = answer.get("contents", [])
            items = contents if isinstance(contents, list) else [contents] if contents else []
            if len(items) > MOST_ACCOUNTS:
                raise _errors.ProtocolError(
                    f"NAVER Cloud sent a list of more than {MOST_ACCOUNTS} accounts.",
                    repeatable=False,
                    trace_id=self._trace_id(response),
                )
            accounts = [account for account in map(_account, items) if account]
            if len(accounts) < len(items):
                raise _errors.ProtocolError(
                    "NAVER Cloud sent a list of accounts that is not in the documented form.",
                    trace_id=self._trace_id(response),
                )
            return accounts

        accounts: List[Account] = self._call(GET_LIST, {}, interpret)
        return accounts

    def reset_password(self, account_id: str, password: str) -> None:
        """Set the password of one account. Returning means that the vendor confirmed it."""
        self._redactor.add(password)

        def interpret(response: _http.Response) -> None:
            answer = self._confirmed(response)
            if answer.get("id", account_id) != account_id:
                raise _errors.ProtocolError(
                    "NAVER Cloud confirmed a reset of another account than the one asked for.",
                    repeatable=False,
                    trace_id=self._trace_id(response),
                )

        self._call(RESET_PASSWORD, {"id": account_id, "password": password}, interpret)

    def _call(
        self, operation: _http.Operation, fields: Mapping[str, str], interpret: Callable[[_http.Response], Any]
    ) -> Any:
        content_type = "application/xml" if self._xml else "application/json"
        key = self._credentials
        return self._caller.call(
            operation,
            lambda: _bodies.to_xml(_XML_ROOTS[operation.name], fields) if self._xml else _bodies.to_json(fields),
            {"Content-Type": content_type, "Accept": content_type},
            lambda target, now: _signing.ncp_headers("POST", target, now, key.key, key.secret),
            interpret,
        )

    def _confirmed(self, response: _http.Response) -> Dict[str, Any]:
        """Return the body of an answer that says yes, and raise what any other answer means."""
        try:
            answer = _bodies.parse(response.body)
        except _bodies.Unreadable as reason:
            raise self._unreadable(response, str(reason)) from None
        success = _flag(answer.get("success"))
        if 200 <= response.status < 300 and success:
            return answer
        complaint = _complaint(answer)
        if 200 <= response.status < 300 and success is None and complaint.message is None:
            raise _errors.ProtocolError(
                "NAVER Cloud answered without saying whether it succeeded.",
                http_status=response.status,
                trace_id=self._trace_id(response),
            )
        raise self._refusal(response, complaint)

    def _unreadable(self, response: _http.Response, reason: str) -> _errors.KrcloudError:
        if response.status in (401, 403, 429) or 300 <= response.status < 400:
            return self._refusal(response, _Complaint())
        return _errors.ProtocolError(
            f"NAVER Cloud gave an answer that cannot be used (HTTP {response.status}): {reason}.",
            http_status=response.status,
            trace_id=self._trace_id(response),
        )

    def _refusal(self, response: _http.Response, complaint: _Complaint) -> _errors.KrcloudError:
        """Return the error that an answer other than a confirmation stands for."""
        status = response.status
        code, quoted = self._quote(complaint.code), self._quote(complaint.message)
        gateway_code = complaint.code if complaint.from_gateway and status >= 400 else None
        details: Dict[str, Any] = {"http_status": status, "vendor_code": code, "trace_id": self._trace_id(response)}
        said = (
            f" (HTTP {status}" + (f", code {code}" if code else "") + (f"): {quoted.rstrip('.')}." if quoted else ").")
        )
        if status == 429 or gateway_code in _LIMIT_CODES:
            return _errors.RateLimitError(
                f"NAVER Cloud limits the number of requests{said}",
                hint="Lower concurrency or set requests_per_second.",
                **details,
            )
        if status in (401, 403) or gateway_code in _CALLER_CODES:
            return _errors.AuthenticationError(
                f"NAVER Cloud refused the credentials from {self._credentials.origin}{said}",
                hint=self._credentials_hint(response, complaint.understood),
                **details,
            )
        if 300 <= status < 400:
            return _errors.ProtocolError(
                f"NAVER Cloud answered with a redirect (HTTP {status}), which is not followed.",
                repeatable=False,
                hint="Check api_url.",
                **details,
            )
        if status >= 500 or status < 200:
            return _errors.ProtocolError(f"NAVER Cloud failed to answer{said}", **details)
        if gateway_code == _UNKNOWN_PATH_CODE:
            return _errors.NotFoundError(
                f"NAVER Cloud does not know the path that was called{said}", hint="Check api_url.", **details
            )
        if status == 404:
            return _errors.NotFoundError(
                f"NAVER Cloud does not know the account, or these credentials may not see it{said}",
                hint="Check id, credentials and api_url.",
                **details,
            )
        if not complaint.understood:
            return _errors.ProtocolError(f"NAVER Cloud gave an answer that cannot be used{said}", **details)
        return _errors.RejectedError(f"NAVER Cloud rejected the request{said}", **details)

    def _credentials_hint(self, response: _http.Response, understood: bool) -> str:
        skewed = _http.clock_hint(response, CLOCK_SKEW_LIMIT, "NAVER Cloud")
        if skewed:
            return skewed
        if response.status == 403 and not understood:
            return "It is not in the form of NAVER Cloud: look for a proxy or firewall that answers in its place."
        if response.status == 403:
            return "The key is known, but may not do this: check the permissions of its sub account."
        return "Check that the key and its secret belong together and that the key is in use."

    def _trace_id(self, response: _http.Response) -> Optional[str]:
        value = self._redactor.foreign_text(response.headers.get("x-ncp-trace-id", "")[:4000])
        return _redaction.one_line(value, 80) or None

    def _quote(self, message: Optional[str]) -> Optional[str]:
        """Return the vendor's words fit to print. It quotes rejected values: those go, whatever became of them."""
        if not message:
            return None
        without_values = _QUOTED_VALUE.sub(r"\1" + _redaction.MASK, message[:2000])
        return _redaction.one_line(self._redactor.foreign_text(without_values)) or None


_ACCOUNT_TEXTS = ("id", "name", "principal", "status", "createdAt", "createAt")

# As in: invalid request parameter (password, '...'). Please ...
_QUOTED_VALUE = re.compile(r"(\(\s*\w+\s*,\s*)(?:.*(?=\)\s*[.:])|.*)", re.DOTALL)


def _account(item: Any) -> Optional[Account]:
    """Return the account in a row of the list, None if it is in no form that is known.

    Each text is to be one short printable line: it ends in results and on terminals.
    """
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return None
    texts: Dict[str, Optional[str]] = {}
    for name in _ACCOUNT_TEXTS:
        value = item.get(name)
        if not isinstance(value, (str, int, type(None))):
            return None
        text = "" if value is None else str(value)
        if len(text) > 200 or not text.isprintable():
            return None
        texts[name] = text or None
    return Account(
        id=item["id"],
        name=texts["name"],
        principal=texts["principal"],
        status=texts["status"],
        disabled=_flag(item.get("disabled")),
        # The type page spells it createAt, the samples createdAt.
        created_at=texts["createdAt"] or texts["createAt"],
    )


def _flag(value: Any) -> Optional[bool]:
    """Return a truth value that may arrive as a boolean or as text."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _complaint(answer: Mapping[str, Any]) -> _Complaint:
    """Return what an error body says, in whichever of the vendor's envelopes it comes."""
    refused = _flag(answer.get("success")) is False
    for envelope, code, message in (
        (answer.get("error"), "errorCode", "message"),
        (answer.get("responseError"), "returnCode", "returnMessage"),
        (answer.get("status"), "code", "message"),
        (answer, "errorCode", "message"),
        (answer, "code", "msg"),
        (answer, "code", "message"),
        (answer, "code", "error"),
    ):
        if isinstance(envelope, dict) and (envelope.get(message) or envelope.get(code)):
            number, words = envelope.get(code), envelope.get(message)
            detail = envelope.get("details")
            if isinstance(words, str) and isinstance(detail, str) and detail:
                words = f"{words}: {detail}"
            return _Complaint(
                code=str(number)[:40] if isinstance(number, (str, int)) else None,
                message=words if isinstance(words, str) else None,
                from_gateway=envelope is answer.get("error"),
                refused=refused,
            )
    return _Complaint(refused=refused)


def matching(accounts: List[Account], account_id: Optional[str], name: Optional[str]) -> List[Account]:
    """Return the accounts with this ID and this name; None asks for nothing."""
    return [account for account in accounts if account_id in (None, account.id) and name in (None, account.name)]
