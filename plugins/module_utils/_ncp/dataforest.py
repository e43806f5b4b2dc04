# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NAVER Cloud Platform Data Forest client: which requests there are, and what each answer proves.

Only the documented confirmation confirms, and only an explicit refusal is one: whatever else comes may stand for a
request that was carried out.

Sources: api.ncloud-docs.com, analytics-dataforest (overview, accounts-getlist, accounts-resetpassword), and the
API Gateway error page (api-call-lgc-errorhandling).
"""

from __future__ import annotations

import re
import threading
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union

from ansible_collections.krcloud.credentials.plugins.module_utils._call import answers, bodies, caller, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, keys, names, redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import signature

CLOCK_SKEW_LIMIT = 300.0
MOST_ACCOUNTS = 15_000
# How many lists of accounts may be under way at a time: each may take 4 MiB.
MOST_LISTS = 2
# To take one apart costs several times its size.
_ONE_LIST_AT_A_TIME = threading.Lock()

GET_LIST = caller.Operation("getList", "/api/v2/accounts/getList", caller.Repeat.SAFE, largest_answer=4 * 1024 * 1024)
# Setting the same value twice ends in the same state, and the call answers nothing that could differ.
RESET_PASSWORD = caller.Operation("resetPassword", "/api/v2/accounts/resetPassword", caller.Repeat.IDEMPOTENT)
_XML_ROOTS = {"getList": "GetAccountListRequest", "resetPassword": "ResetAccountPasswordRequest"}

# What the API Gateway says by an errorCode, whatever the HTTP status. The code is never that status: "200" means that
# authentication failed.
_CALLER, _LIMIT, _FAILED, _NO_PATH = "caller", "limit", "failed", "no path"
_GATEWAY_CODES = {
    **dict.fromkeys(("200", "210", "230"), _CALLER),
    **dict.fromkeys(("400", "410", "420"), _LIMIT),
    **dict.fromkeys(("500", "510", "900"), _FAILED),
    "300": _NO_PATH,
}
# What the gateway refuses with these, it may have passed on before, or may do so yet.
_NOT_PROVEN = frozenset((408, 409, 425, 429))


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


class Unusable(NamedTuple):
    """A row of getList that is left out: ``position`` counts from 1, ``reason`` is a sentence that quotes nothing."""

    position: int
    reason: str

    def as_dict(self) -> Dict[str, Any]:
        """Return the row as modules report it."""
        return self._asdict()


class Listing(NamedTuple):
    """What getList says: the accounts that can be worked with, in its order, and the rows that cannot."""

    accounts: List[Account]
    unusable: List[Unusable]


class _Complaint(NamedTuple):
    """What an answer says besides yes. ``refused`` if it holds ``success: false``."""

    code: Optional[str] = None
    message: Optional[str] = None
    from_gateway: bool = False
    refused: bool = False

    def __repr__(self) -> str:
        return "_Complaint"

    @property
    def understood(self) -> bool:
        return self.refused or self.code is not None or self.message is not None


class DataForest:
    """The accounts that one set of credentials may see. Threads may share it.

    ``wire_format`` is ``json`` or ``xml``. All methods raise the errors of `errors`.
    """

    def __init__(
        self,
        caller: caller.Caller,
        credentials: keys.Credentials,
        redactor: redaction.Redactor,
        wire_format: str = "json",
    ) -> None:
        self._caller = caller
        self._credentials = credentials
        self._redactor = redactor
        self._xml = wire_format == "xml"

    def accounts(self) -> Listing:
        """Return all accounts."""

        def interpret(response: transport.Response) -> Listing:
            with _ONE_LIST_AT_A_TIME:
                try:
                    return self._listing(response)
                except errors.KrcloudError as error:
                    # What led to it holds all that was taken apart, and the next list is not to stand beside that.
                    error.__context__ = None
                    raise error.with_traceback(None) from None

        listing: Listing = self._call(GET_LIST, {}, interpret)
        return listing

    def _listing(self, response: transport.Response) -> Listing:
        answer = self._confirmed(response)
        contents = answer.get("contents")
        items = contents if isinstance(contents, list) else [contents] if contents else []
        rows = [_row(item) for item in items[: MOST_ACCOUNTS + 1]]
        problem, repeatable = "", True
        if len(items) > MOST_ACCOUNTS:
            problem, repeatable = f"sent a list of more than {MOST_ACCOUNTS} accounts", False
        elif rows and all(row is _NO_ROW for row in rows):
            problem = "sent a list of accounts that is not in the documented form"
        elif answer.get("total") is not None:
            total = _whole_number(answer["total"])
            if total is None:
                problem = "sent a total that is not a number"
            elif total != len(items):
                problem = f"listed {len(items)} of {total} accounts"
        elif "contents" not in answer:
            problem = "sent no list of accounts"
        if problem:
            raise errors.ProtocolError(
                f"NAVER Cloud {problem}.", repeatable=repeatable, trace_id=self._trace_id(response)
            )
        return Listing(
            [row for row in rows if isinstance(row, Account)],
            [
                Unusable(at, f"Account {at} in the list of NAVER Cloud is left out: {row}.")
                for at, row in enumerate(rows, 1)
                if isinstance(row, str)
            ],
        )

    def reset_password(self, account_id: str, password: str) -> bool:
        """Set the password of one account. Returning means that the vendor confirmed it.

        Returns whether an earlier request with the same password had no answer, so that it may still arrive.
        """
        self._redactor.add(password)
        unanswered: List[bool] = []

        def interpret(response: transport.Response) -> None:
            answer = self._confirmed(response)
            if answer.get("id", account_id) != account_id:
                raise errors.ProtocolError(
                    "NAVER Cloud confirmed a reset of another account than the one asked for.",
                    repeatable=False,
                    trace_id=self._trace_id(response),
                )

        fields = {"id": account_id, "password": password}
        self._call(RESET_PASSWORD, fields, interpret, lambda: unanswered.append(True))
        return bool(unanswered)

    def _call(
        self,
        operation: caller.Operation,
        fields: Mapping[str, str],
        interpret: Callable[[transport.Response], Any],
        on_unanswered: Callable[[], None] = lambda: None,
    ) -> Any:
        content_type = "application/xml" if self._xml else "application/json"
        key = self._credentials
        return self._caller.call(
            operation,
            interpret,
            body=lambda: bodies.to_xml(_XML_ROOTS[operation.name], fields) if self._xml else bodies.to_json(fields),
            headers={"Content-Type": content_type, "Accept": content_type},
            sign=lambda target, now: signature.ncp_headers(operation.method, target, now, key.key, key.secret),
            on_unanswered=on_unanswered,
        )

    def _confirmed(self, response: transport.Response) -> Dict[str, Any]:
        """Return the body of an answer that says yes, and raise what any other answer means."""
        try:
            answer = bodies.parse(response.body)
        except bodies.Unreadable as reason:
            raise self._unreadable(response, str(reason)) from None
        also_no = any(answer.get(name) for name in ("error", "errorCode", "responseError"))
        if 200 <= response.status < 300 and _flag(answer.get("success")) and not also_no:
            return answer
        raise self._refusal(response, _complaint(answer))

    def _unreadable(self, response: transport.Response, reason: str) -> errors.KrcloudError:
        if response.status in (401, 403, 429) or 300 <= response.status < 400:
            return self._refusal(response, _Complaint())
        return errors.ProtocolError(
            f"NAVER Cloud gave an answer that cannot be used (HTTP {response.status}): {reason}.",
            http_status=response.status,
            trace_id=self._trace_id(response),
        )

    def _refusal(self, response: transport.Response, complaint: _Complaint) -> errors.KrcloudError:
        """Return the error that an answer other than a confirmation stands for."""
        status = response.status
        code, quoted = self._quote(complaint.code), self._quote(complaint.message)
        details: Dict[str, Any] = {"http_status": status, "vendor_code": code, "trace_id": self._trace_id(response)}
        said = (
            f" (HTTP {status}" + (f", code {code}" if code else "") + (f"): {quoted.rstrip('.')}." if quoted else ").")
        )
        means = _GATEWAY_CODES.get(complaint.code or "") if complaint.from_gateway else None
        if means == _FAILED:
            return errors.ProtocolError(f"NAVER Cloud failed to answer{said}", **details)
        if status == 429 or means == _LIMIT:
            return errors.RateLimitError(
                f"NAVER Cloud limits the number of requests{said}",
                hint="Lower concurrency or set requests_per_second.",
                **details,
            )
        if status in (401, 403) or means == _CALLER:
            return errors.AuthenticationError(
                f"NAVER Cloud refused the credentials from {self._credentials.origin}{said}",
                hint=self._credentials_hint(response, complaint.understood),
                **details,
            )
        by_gateway = complaint.from_gateway and 400 <= status < 500 and status not in _NOT_PROVEN
        if by_gateway or (complaint.refused and status < 500):
            if means == _NO_PATH:
                return errors.NotFoundError(
                    f"NAVER Cloud does not know the path that was called{said}", hint="Check api_url.", **details
                )
            if status == 404:
                return errors.NotFoundError(
                    f"NAVER Cloud does not know the account, or these credentials may not see it{said}",
                    hint="Check id, credentials and api_url.",
                    **details,
                )
            return errors.RejectedError(f"NAVER Cloud rejected the request{said}", **details)
        if 300 <= status < 400:
            return errors.ProtocolError(
                f"NAVER Cloud answered with a redirect (HTTP {status}), which is not followed.",
                repeatable=False,
                hint="Check api_url.",
                **details,
            )
        if status >= 500 or status < 200:
            return errors.ProtocolError(f"NAVER Cloud failed to answer{said}", **details)
        if status < 300:
            return errors.ProtocolError(f"NAVER Cloud answered without saying whether it succeeded{said}", **details)
        return errors.ProtocolError(
            f"NAVER Cloud gave an answer that cannot be used{said}",
            hint="It is in no form that NAVER Cloud documents: check api_url and proxies.",
            **details,
        )

    def _credentials_hint(self, response: transport.Response, understood: bool) -> str:
        skewed = answers.clock_hint(response, CLOCK_SKEW_LIMIT, "NAVER Cloud")
        if skewed:
            return skewed
        if response.status == 403 and not understood:
            return "It is not in the form of NAVER Cloud: look for a proxy or firewall that answers in its place."
        if response.status == 403:
            return "The key is known, but may not do this: check the permissions of its sub account."
        return "Check that the key and its secret belong together and that the key is in use."

    def _trace_id(self, response: transport.Response) -> Optional[str]:
        value = self._redactor.foreign_text(response.headers.get("x-ncp-trace-id", "")[:4000])
        return redaction.one_line(value, 80) or None

    def _quote(self, message: Optional[str]) -> Optional[str]:
        """Return the vendor's words fit to print. It quotes rejected values: those go, whatever became of them."""
        if not message:
            return None
        without_values = _QUOTED_VALUE.sub(r"\1" + redaction.MASK, message[:2000])
        return redaction.one_line(self._redactor.foreign_text(without_values)) or None


_ACCOUNT_TEXTS = ("id", "name", "principal", "status", "createdAt", "createAt")
_LONGEST_TEXT = 200
_NO_ROW = "it is not in the documented form"

# As in: invalid request parameter (password, '...'). Please ...
_QUOTED_VALUE = re.compile(r"(\(\s*\w+\s*,\s*)(?:.*(?=\)\s*[.:])|.*)", re.DOTALL)


def _row(item: Any) -> Union[Account, str]:
    """Return the account in a row of the list, or why it cannot be used, in a clause that quotes nothing.

    Id and name go into stores, files and command lines; the other texts end in results and on terminals, and are to be
    one short printable line each.
    """
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        return _NO_ROW
    texts: Dict[str, Optional[str]] = {}
    for name in _ACCOUNT_TEXTS:
        value = item.get(name)
        text = "" if value is None else str(value) if isinstance(value, (str, int)) else "\n"
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            return f"its {name} is not one short line of text"
        texts[name] = text or None
    if not names.is_safe(item["id"]):
        return f"its id is not valid ({names.RULE})"
    if texts["name"] is not None and not names.is_safe(texts["name"]):
        return f"its name is not valid ({names.RULE})"
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


def _whole_number(value: Any) -> Optional[int]:
    """Return a number that may arrive as decimal text, None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# Where errors stand: which part of an answer, and in it the names of the code, and of messages in order.
_ENVELOPES = (
    ("error", "errorCode", ("message",)),
    ("responseError", "returnCode", ("returnMessage",)),
    ("status", "code", ("message",)),
    ("", "errorCode", ("message",)),
    ("", "code", ("msg", "message", "error")),
)


def _complaint(answer: Mapping[str, Any]) -> _Complaint:
    """Return what an error body says, in whichever of the vendor's envelopes it comes; one with a code goes first."""
    refused = _flag(answer.get("success")) is False
    without_code = _Complaint(refused=refused)
    for part, code, messages in _ENVELOPES:
        envelope = answer.get(part) if part else answer
        if not isinstance(envelope, dict):
            continue
        given = (envelope.get(message) for message in messages)
        words = next((text for text in given if isinstance(text, str) and text), None)
        detail, number = envelope.get("details"), envelope.get(code)
        if words and isinstance(detail, str) and detail:
            words = f"{words}: {detail}"
        if isinstance(number, (str, int)) and not isinstance(number, bool) and number != "":
            return _Complaint(str(number)[:40], words, from_gateway=part == "error", refused=refused)
        if without_code.message is None:
            without_code = without_code._replace(message=words)
    return without_code


def matching(accounts: List[Account], account_id: Optional[str], name: Optional[str]) -> List[Account]:
    """Return the accounts with this ID and this name; None asks for nothing."""
    return [account for account in accounts if account_id in (None, account.id) and name in (None, account.name)]


def warning_of(unusable: Sequence[Unusable]) -> str:
    """Return what to warn of when rows of the list are left out."""
    more = f" In all {len(unusable)} are left out: see unusable in the result." if len(unusable) > 1 else ""
    return unusable[0].reason + more
