# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NAVER Cloud Platform: the Data Forest accounts API and the Secure Token Service, behind the API gateway."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.parsers import expat

from .answers import XML, Answer, envelope, json_answer, raw
from .passwords import ECHOES, RULES
from .signatures import NcpDenied, verify_ncp
from .state import Account, ShortLivedKeys, State, Tenant
from .verdict import Call, Verdict

PREFIX = "/api/v2/accounts/"

# Operation -> stem of its XML root elements
ROOTS = {"getList": "GetAccountList", "getDetail": "GetAccountDetail", "resetPassword": "ResetAccountPassword"}

# Operation -> method and path. In a path, {name} stands for one part of it, which becomes a field of the request.
ROUTES = {
    "createCredentials": ("POST", "/api/v1/credentials"),
    **{operation: ("POST", PREFIX + operation) for operation in ROOTS},
}

PASSWORD_ADVICE = (
    "Please enter a valid password, which must be at least 8 characters in length and contain a combination of at "
    "least three types of the following: lowercase letters, uppercase letters, special characters and numbers."
)
EMPTY_FIELD = "invalid request parameter (constraint violation NotEmpty, {}): "
DEFAULT_MESSAGE = "invalid request parameters"


# These confirm by the documented fields alone.
WITHOUT_SUCCESS = frozenset(("createCredentials",))

INVALID_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code"


class Refused(Exception):
    """A refusal by Data Forest, in envelope A."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def document(self) -> dict[str, Any]:
        return _failure(self.message)


class RefusedBySts(Refused):
    """A refusal by STS, whose codes are documented and whose envelope is not: this one has those of the gateway."""

    def document(self) -> dict[str, Any]:
        return {"error": {"errorCode": str(self.status), "message": self.message}}


class Ncp:
    name = "ncp"
    operations = tuple(ROUTES)
    own_envelope = "b"

    def __init__(self, state: State) -> None:
        self._state = state
        self._operations: dict[str, Callable[[Tenant, dict[str, Any]], _Done]] = {
            "createCredentials": self._create_credentials,
            "getList": self._get_list,
            "getDetail": self._get_detail,
            "resetPassword": self._reset_password,
        }

    def headers(self) -> dict[str, str]:
        return {"Date": formatdate(self._state.now(), usegmt=True), "x-ncp-trace-id": secrets.token_hex(16)}

    def keys(self) -> dict[str, Any]:
        return {"tenants": {name: tenant.keys() for name, tenant in self._state.tenants.items()}}

    # ------------------------------------------------------------------------------------------------------- judging

    def judge(self, call: Call) -> Verdict:
        operation, fields = _route(call)
        if operation not in self._operations:
            return Verdict("unknown", self._gateway(404))
        try:
            tenant = self._tenant(call)
        except NcpDenied as denied:
            return Verdict(operation, self._gateway(401, str(denied)), denied=True)

        media = call.headers.get("Content-Type", "").lower()
        in_xml = operation in ROOTS and _wants_xml(call.headers.get("Accept", ""), media)
        root = f"{ROOTS[operation]}Response" if in_xml else None
        facts: dict[str, Any] = {"verified": True, "tenant": tenant.name, "root": root}
        try:
            if tenant.read_only and operation == "resetPassword":
                facts["denied"] = True
                raise Refused(403, "not allowed to access")
            if operation == "getList" and not media:
                raise Refused(400, "invalid request parameters (Content-Type)")
            # The page shows getList with a Content-Type and without a body.
            if call.body or (call.method == "POST" and operation != "getList"):
                root_asked = f"{ROOTS.get(operation)}Request"
                fields |= _parse_xml(call.body, root_asked) if "xml" in media else _parse_json(call.body)
            facts |= self._who(tenant, fields)
            done = self._operations[operation](tenant, fields)
        except Refused as refused:
            return Verdict(operation, self._answer(refused.status, refused.document(), root), **facts)
        document = done.document if operation in WITHOUT_SUCCESS else {"success": True, **done.document}
        return Verdict(operation, self._answer(200, document, root), done.write, **facts)

    def _tenant(self, call: Call) -> Tenant:
        state = self._state
        known, skew = state.secret_keys(), state.settings.ncp_skew
        return state.tenant_of(verify_ncp(call.headers, call.method, call.target, known, state.now(), skew))

    @staticmethod
    def _who(tenant: Tenant, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What fault rules match on and echoes repeat, even if the request is refused later."""
        given = {key: value for key in ("id", "password") if isinstance(value := fields.get(key), str)}
        account = tenant.accounts.by_id.get(given.get("id", ""))
        return {**given, "name": account.name if account else None}

    # ---------------------------------------------------------------------------------------------------- operations

    def _create_credentials(self, tenant: Tenant, fields: dict[str, Any]) -> _Done:
        state = self._state
        seconds, device = fields.get("durationSec", 3600), fields.get("serialNumber")
        code = str(fields.get("tokenCode", ""))
        if tenant.main_account:
            raise RefusedBySts(403, "Only a sub account may do this")
        if not (str(seconds).isdecimal() and 600 <= int(seconds) <= 43200):
            raise RefusedBySts(400, f"durationSec: valid range: 600 - 43200 : [{seconds}]")
        right = (tenant.otp_device, tenant.otp_code) == (device, code) and (tenant.name, code) not in state.spent_codes
        if (device or code) and not (tenant.otp_device and right):
            raise RefusedBySts(401, INVALID_CODE)
        now = float(int(state.now()))
        keys = ShortLivedKeys(
            tenant.name,
            f"ncp_iam_{secrets.token_hex(10).upper()}",
            f"ncp_iam_{secrets.token_hex(20)}",
            now,
            now + (state.settings.sts_duration or int(seconds)),
            mfa=bool(code),
        )
        document = {
            "accessKey": keys.access_key,
            "keySecret": keys.secret_key,
            "createTime": _moment(keys.created_at),
            "expireTime": _moment(keys.expires_at),
            "useMfa": keys.mfa,
        }
        return _Done(document, lambda: state.make_keys(keys, code))

    def _get_list(self, tenant: Tenant, fields: dict[str, Any]) -> _Done:
        items = [self._item(account) for account in tenant.accounts.by_name.values()]
        return _Done({"total": len(items), "contents": items})

    def _get_detail(self, tenant: Tenant, fields: dict[str, Any]) -> _Done:
        account = _account(tenant, fields)
        quotas = [{"namespace": space, "fileCountMillion": 1, "spaceTb": 200} for space in ("koya", "tata")]
        whole = self._item(account)
        detail = {key: value for key, value in whole.items() if key not in ("principal", "disabled")}
        return _Done({**detail, "quotas": quotas})

    def _reset_password(self, tenant: Tenant, fields: dict[str, Any]) -> _Done:
        settings = self._state.settings
        password = _text(fields, "password")
        _text(fields, "id")
        if settings.reject_next:
            settings.reject_next -= 1
            raise Refused(400, self.password_message(password))
        if not RULES[settings.password_rule](password):
            raise Refused(400, self.password_message(password))
        account = _account(tenant, fields)
        if settings.reject_reuse and password == account.password:
            raise Refused(400, self.password_message(password, "The new password must differ from the current one."))
        return _Done({"id": account.id}, lambda: self._state.set_password(tenant, account, password))

    def _item(self, account: Account) -> dict[str, Any]:
        settings = self._state.settings
        disabled: bool | str = account.disabled
        return {
            "id": account.id,
            "name": account.name,
            "principal": f"{account.name}@KR.DF.NAVERNCP.COM",
            "status": account.current_status(),
            settings.created_key: account.created_at,
            "disabled": str(disabled).lower() if settings.disabled_type == "string" else disabled,
        }

    # ------------------------------------------------------------------------------------------------------- answers

    def password_message(self, password: str, advice: str = PASSWORD_ADVICE, form: str | None = None) -> str:
        """The vendor's refusal of a password, which repeats the password."""
        form = form or self._state.settings.echo_form
        if form == "none":
            return f"{DEFAULT_MESSAGE}.\n{advice}"
        return f"invalid request parameter (password, '{ECHOES[form](password)}').\n{advice}"

    def refusal(self, status: int, message: str, verdict: Verdict) -> Answer:
        return self._answer(status, _failure(message), verdict.root)

    def _gateway(self, status: int, details: str | None = None) -> Answer:
        """Envelope B. No XML form of it is known, so it is JSON whatever the caller accepts."""
        document = json.loads(envelope("b", status).body)
        if self._state.settings.error_code_type == "integer":
            document["error"]["errorCode"] = int(document["error"]["errorCode"])
        if details:
            document["error"]["details"] = details
        return json_answer(status, document)

    def _answer(self, status: int, document: dict[str, Any], root: str | None) -> Answer:
        if root:
            return Answer(status, _to_xml(root, document), {"Content-Type": XML})
        answer = json_answer(status, document)
        if self._state.settings.raw_newline:
            return Answer(status, answer.body.replace(b"\\n", b"\n"), answer.headers)
        return answer


class _Done:
    """An operation that succeeds: what to answer besides `success`, and the write that makes it true."""

    def __init__(self, document: dict[str, Any], write: Callable[[], None] | None = None) -> None:
        self.document, self.write = document, write


def _route(call: Call) -> tuple[str, dict[str, Any]]:
    """The operation that a call asks for, and the fields in its path."""
    for operation, (method, path) in ROUTES.items():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        match = re.fullmatch(pattern, call.path)
        if match and method == call.method:
            return operation, {name: unquote(value) for name, value in match.groupdict().items()}
    return "unknown", {}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _failure(message: str) -> dict[str, Any]:
    return {"message": message, "success": False}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None or value == "":
        raise Refused(400, EMPTY_FIELD.format(name))
    if not isinstance(value, str):
        raise Refused(400, f"invalid request parameter ({name}, must be a string)")
    return value


def _account(tenant: Tenant, fields: Mapping[str, Any]) -> Account:
    account_id = _text(fields, "id")
    if not re.fullmatch("[0-9A-Za-z]{1,22}", account_id):
        raise Refused(400, f"invalid request parameter (id, '{account_id}')")
    account = tenant.accounts.by_id.get(account_id)
    if account is None:
        raise Refused(404, "no such element")
    return account


# ------------------------------------------------------------------------------------------------------ JSON and XML


def _wants_xml(accept: str, content_type: str) -> bool:
    """The first supported type in Accept decides. Without one, the answer has the type of the request."""
    for part in accept.lower().split(","):
        media = part.partition(";")[0].strip()
        if media in ("application/json", "application/xml"):
            return media == "application/xml"
    return "xml" in content_type


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refused(400, DEFAULT_MESSAGE)
    return document


def _parse_xml(body: bytes, root: str) -> dict[str, Any]:
    """The children of the root as a flat dictionary. A document type, and so any entity, is refused."""

    def refuse(*dummy: object) -> None:
        raise Refused(400, "invalid request parameters (DOCTYPE is not allowed)")

    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
        element = builder.close()
    except (expat.ExpatError, ValueError, AssertionError):
        raise Refused(400, DEFAULT_MESSAGE) from None
    if element.tag != root:
        raise Refused(400, DEFAULT_MESSAGE)
    return {child.tag: child.text or "" for child in element}


def _to_xml(root: str, document: Mapping[str, Any]) -> bytes:
    element = ElementTree.Element(root)
    _fill(element, document)
    text: str = ElementTree.tostring(element, encoding="unicode")
    return raw(f"<?xml version='1.0' encoding='UTF-8'?>\n{text}")


def _fill(element: ElementTree.Element, document: Mapping[str, Any]) -> None:
    for key, value in document.items():
        for item in value if isinstance(value, list) else [value]:  # a list is the element, repeated
            child = ElementTree.SubElement(element, key)
            if isinstance(item, Mapping):
                _fill(child, item)
            else:
                child.text = str(item).lower() if isinstance(item, bool) else str(item)
