# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every service of NAVER Cloud Platform has in common: how it is called, and what its answers mean.

A service needs a client with its operations, which calls `Gateway.call` and reads the answers through
`Gateway.confirmed`. Only the documented confirmation confirms, and only an explicit refusal is one: any other answer
may stand for a request that was carried out.

Sources: api.ncloud-docs.com, common-ncpapi (signature), api-call-lgc-errorhandling (envelope and codes of the API
Gateway), analytics-dataforest (``success`` and ``message``).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, TypeVar

from ansible_collections.krcloud.credentials.plugins.module_utils._call import answers, bodies, caller, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, keys, redaction
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import signature

T = TypeVar("T")

SERVER = "NAVER Cloud"
CLOCK_SKEW_LIMIT = 300.0

# What the API Gateway means by an errorCode, whatever the HTTP status. The code is never that status: "200" means that
# the authentication failed. Code "300" is about the path.
_CODES = {
    **dict.fromkeys(("200", "210", "230"), answers.Meaning.UNAUTHORIZED),
    **dict.fromkeys(("400", "410", "420"), answers.Meaning.LIMITED),
    **dict.fromkeys(("500", "510", "900"), answers.Meaning.BROKEN),
}
_NO_PATH = "300"

# Where an error is in an answer: in which part, and in it the names of the code, and of messages in order.
_ENVELOPES = (
    ("error", "errorCode", ("message",)),
    ("responseError", "returnCode", ("returnMessage",)),
    ("status", "code", ("message",)),
    ("", "errorCode", ("message",)),
    ("", "code", ("msg", "message", "error")),
)

# As in: invalid request parameter (password, '...'). Please ...
_QUOTED_VALUE = re.compile(r"(\(\s*\w+\s*,\s*)(?:.*(?=\)\s*[.:])|.*)", re.DOTALL)


class _Complaint(NamedTuple):
    """What an answer says other than yes. ``refused`` if it holds ``success: false``."""

    code: Optional[str] = None
    message: Optional[str] = None
    from_gateway: bool = False
    refused: bool = False
    readable: bool = True

    def __repr__(self) -> str:
        return "_Complaint"

    @property
    def understood(self) -> bool:
        return self.refused or self.code is not None or self.message is not None


def flag(value: Any) -> Optional[bool]:
    """Return a truth value that may arrive as a boolean or as text, None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def succeeded(answer: Mapping[str, Any]) -> bool:
    """Tell whether a body says ``success: true``, with which Data Forest and its neighbours confirm."""
    return flag(answer.get("success")) is True


class Gateway:
    """One service of NAVER Cloud, called with one set of credentials. Threads may share it.

    ``wire_format`` is ``json`` or ``xml``. All methods raise the errors of `errors`.
    """

    def __init__(
        self,
        caller: caller.Caller,
        credentials: keys.Credentials,
        redactor: redaction.Redactor,
        wire_format: str = "json",
    ) -> None:
        self.redactor = redactor
        self._caller = caller
        self._credentials = credentials
        self._xml = wire_format == "xml"

    def call(
        self,
        operation: caller.Operation,
        interpret: Callable[[transport.Response], T],
        fields: Optional[Mapping[str, Any]] = None,
        *,
        values: Optional[Mapping[str, str]] = None,
        xml_root: str = "",
        on_unanswered: Callable[[], None] = lambda: None,
    ) -> T:
        """Send a signed request, and return what ``interpret`` makes of its answer. See `caller.Caller.call`.

        ``fields`` are the body, None for a request without one. If the wire format is XML, ``xml_root`` is its root.
        """
        content_type = "application/xml" if self._xml else "application/json"
        key = self._credentials

        def body() -> bytes:
            if fields is None:
                return b""
            return bodies.to_xml(xml_root, fields) if self._xml else bodies.to_json(fields)

        return self._caller.call(
            operation,
            interpret,
            values=values,
            body=body,
            headers={"Content-Type": content_type, "Accept": content_type},
            sign=lambda target, now: signature.ncp_headers(operation.method, target, now, key.key, key.secret),
            on_unanswered=on_unanswered,
        )

    def confirmed(
        self,
        response: transport.Response,
        confirms: Callable[[Mapping[str, Any]], bool] = succeeded,
        resource: Optional[str] = "resource",
    ) -> Dict[str, Any]:
        """Return the body of an answer that confirms, and raise the error that any other answer stands for.

        ``confirms`` tells whether the body of a 2xx is the documented confirmation, ``resource`` names what a 404 is
        about, which is None if a 404 refuses the credentials.
        """
        try:
            answer = bodies.parse(response.body)
        except bodies.Unreadable as reason:
            raise self._error(response, _Complaint(message=str(reason), readable=False), resource) from None
        also_no = any(answer.get(name) for name in ("error", "errorCode", "responseError"))
        if 200 <= response.status < 300 and confirms(answer) and not also_no:
            return answer
        raise self._error(response, _complaint(answer), resource)

    def contradiction(
        self, response: transport.Response, clause: str, *, repeatable: bool = True, hint: Optional[str] = None
    ) -> errors.ProtocolError:
        """Return the error for a confirmation that is not what was asked for; ``clause`` says what NAVER Cloud did."""
        trace_id = self._trace_id(response)
        return errors.ProtocolError(f"{SERVER} {clause}.", hint=hint, repeatable=repeatable, trace_id=trace_id)

    def _error(
        self, response: transport.Response, complaint: _Complaint, resource: Optional[str]
    ) -> errors.KrcloudError:
        """Return the error that an answer other than a confirmation stands for."""
        status, from_gateway = response.status, complaint.from_gateway
        refused = (from_gateway and answers.may_refuse(status)) or (complaint.refused and status < 500)
        code = _CODES.get(complaint.code or "") if from_gateway else None
        no_path = from_gateway and complaint.code == _NO_PATH
        if code is None and (no_path or status == 404):
            about_keys = resource is None and not no_path
            missing = answers.Meaning.UNAUTHORIZED if about_keys else answers.Meaning.NOT_FOUND
            code = missing if refused else None
        meaning = answers.of(status, code, refused=refused, readable=complaint.readable)
        shows_reason = complaint.readable or meaning is answers.Meaning.UNDOCUMENTED
        answer = answers.Answer(
            SERVER,
            status,
            self._quote(complaint.code),
            self._quote(complaint.message) if shows_reason else None,
            self._trace_id(response),
        )
        if meaning is answers.Meaning.LIMITED:
            return answer.error(meaning, hint="Lower concurrency or set requests_per_second.")
        if meaning is answers.Meaning.UNAUTHORIZED:
            clause = f"refused the credentials from {self._credentials.origin}"
            return answer.error(meaning, clause=clause, hint=self._credentials_hint(response, complaint))
        if meaning is answers.Meaning.NOT_FOUND and no_path:
            return answer.error(meaning, clause="does not know the path of the request", hint="Check api_url.")
        if meaning is answers.Meaning.NOT_FOUND:
            clause = f"does not know the {resource}, or these credentials may not see it"
            return answer.error(meaning, clause=clause, hint=f"Check the {resource}, the credentials and api_url.")
        if meaning is answers.Meaning.UNDOCUMENTED:
            return answer.error(meaning, hint=f"{SERVER} documents no such answer. Check api_url and proxies.")
        return answer.error(meaning)

    def _credentials_hint(self, response: transport.Response, complaint: _Complaint) -> str:
        skewed = answers.clock_hint(response, CLOCK_SKEW_LIMIT, SERVER)
        if skewed:
            return skewed
        if response.status == 403 and not (complaint.readable and complaint.understood):
            return f"{SERVER} documents no such answer. Check whether a proxy or firewall gave it."
        if response.status == 403:
            return "The key is known, but lacks a permission. Check the permissions of its sub account."
        return (
            "Check that the access key and the secret key belong together, and that the key is in use and not expired."
        )

    def _trace_id(self, response: transport.Response) -> Optional[str]:
        value = self.redactor.foreign_text(response.headers.get("x-ncp-trace-id", "")[:4000])
        return redaction.one_line(value, 80) or None

    def _quote(self, message: Optional[str]) -> Optional[str]:
        """Return the words of the vendor, fit to print. Values that it rejected are taken out, in whatever form."""
        if not message:
            return None
        without_values = _QUOTED_VALUE.sub(r"\1" + redaction.MASK, message[:2000])
        return redaction.one_line(self.redactor.foreign_text(without_values)) or None


def _complaint(answer: Mapping[str, Any]) -> _Complaint:
    """Return what an error body says, in whichever envelope of the vendor. An envelope with a code goes first."""
    refused = flag(answer.get("success")) is False
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
        if isinstance(number, (str, int)) and not isinstance(number, bool) and str(number).strip():
            return _Complaint(str(number).strip()[:40], words, from_gateway=part == "error", refused=refused)
        if without_code.message is None:
            without_code = without_code._replace(message=words)
    return without_code
