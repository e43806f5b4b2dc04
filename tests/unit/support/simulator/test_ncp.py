# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data Forest and its gateway, seen by a raw client."""

from __future__ import annotations

import base64
import json
import re
import time
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest
import requests

from support.simulator import Simulator
from unit.support.simulator.raw_client import GOOD, NcpClient

AWKWARD = "pw'\"\\<&>% +한1"


def xml(response: requests.Response) -> ElementTree.Element:
    assert response.headers["Content-Type"].startswith("application/xml")
    return ElementTree.fromstring(response.content)  # noqa: S314 (our own answer)


def test_list(ncp: NcpClient) -> None:
    response = ncp("getList")
    document = response.json()
    assert response.status_code == 200
    assert (document["success"], document["total"], len(document["contents"])) == (True, 5, 5)
    first = document["contents"][0]
    assert re.fullmatch("[0-9A-Za-z]{22}", first.pop("id"))
    assert first == {
        "name": "df001",
        "principal": "df001@KR.DF.NAVERNCP.COM",
        "status": "RUNNING",
        "createdAt": "2025-02-20T09:32:55+09:00",
        "disabled": False,
    }


@pytest.mark.parametrize("media", ["application/json", "application/xml"])
def test_the_published_sample_asks_for_the_list_without_a_body(sim: Simulator, ncp: NcpClient, media: str) -> None:
    path = "/api/v2/accounts/getList"
    headers = {"Content-Type": media, **ncp.headers(path)}
    response = requests.post(f"{sim.ncp_url}{path}", headers=headers, timeout=5)
    assert response.status_code == 200
    assert sim.requests()[-1]["body"] == ""
    assert b"df005" in response.content
    for operation in ("getDetail", "resetPassword"):
        path = f"/api/v2/accounts/{operation}"
        headers = {"Content-Type": media, **ncp.headers(path)}
        assert requests.post(f"{sim.ncp_url}{path}", headers=headers, timeout=5).status_code == 400


def test_tenants_see_their_own_accounts(ncp: NcpClient) -> None:
    names = {
        tenant: [a["name"] for a in ncp("getList", tenant=tenant).json()["contents"]]
        for tenant in ("other", "readonly")
    }
    assert names == {"other": ["team-a", "team-b"], "readonly": ["df001", "df002", "df003", "df004", "df005"]}
    assert ncp("getDetail", {"id": ncp.account()}, tenant="other").status_code == 404


def test_detail(ncp: NcpClient) -> None:
    document = ncp("getDetail", {"id": ncp.account()}).json()
    assert set(document) == {"success", "id", "name", "status", "createdAt", "quotas"}
    assert [quota["namespace"] for quota in document["quotas"]] == ["koya", "tata"]


def test_reset(sim: Simulator, ncp: NcpClient) -> None:
    assert ncp.set_password("First-pw-1").json() == {"success": True, "id": ncp.account()}
    assert ncp.set_password("Second-pw-2").ok
    truth = sim.truth()["accounts"]["default"]["df001"]
    assert truth["password"] == "Second-pw-2"
    assert [(entry["n"], entry["password"]) for entry in truth["history"]] == [(1, "First-pw-1"), (2, "Second-pw-2")]
    assert sim.counters()["ncp"]["writes"] == 2
    assert sim.truth()["accounts"]["default"]["df002"]["history"] == []


def test_every_answer_has_a_date_and_a_trace_id(ncp: NcpClient) -> None:
    for response in (ncp("getList"), ncp("nothing"), ncp("getList", headers={"x-ncp-iam-access-key": None})):
        assert len(response.headers["x-ncp-trace-id"]) == 32
        assert abs(parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()) < 5


@pytest.mark.parametrize("missing", ["x-ncp-apigw-timestamp", "x-ncp-iam-access-key", "x-ncp-apigw-signature-v2"])
def test_missing_header(ncp: NcpClient, missing: str) -> None:
    response = ncp("getList", headers={missing: None})
    details = "Authentication information are missing."
    assert response.status_code == 401
    assert response.json() == {"error": {"errorCode": "200", "message": "Authentication Failed", "details": details}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"x-ncp-iam-access-key": "SIMULATORACCESSKEY99"},
        {"x-ncp-apigw-signature-v2": "V4OrNSK6zFTjtDFalNg9YT9z6jGdr4d7CIo6z5buoAc="},
        {"x-ncp-apigw-timestamp": "1505290625682"},
    ],
)
def test_wrong_header(sim: Simulator, ncp: NcpClient, wrong: dict[str, str | None]) -> None:
    response = ncp("getList", headers=wrong)
    assert response.status_code == 401
    assert response.json()["error"]["details"] == "Invalid authentication information."
    assert sim.counters()["ncp"]["denied"] == 1
    assert sim.requests()[0]["verified"] is False


def test_signature_of_version_1_is_refused(ncp: NcpClient) -> None:
    signed = ncp.headers("/api/v2/accounts/getList")["x-ncp-apigw-signature-v2"]
    response = ncp("getList", headers={"x-ncp-apigw-signature-v2": None, "x-ncp-apigw-signature-v1": signed})
    assert response.status_code == 401


@pytest.mark.parametrize("query", ["?b=1&a=%2F", "?query1=&query2", "?space=+%20"])
def test_query_is_signed_as_on_the_wire(ncp: NcpClient, query: str) -> None:
    assert ncp("getList", query=query).ok
    assert ncp("getList", headers=ncp.headers(f"/api/v2/accounts/getList{query}")).status_code == 401


def test_clock(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(clock_offset=3600)
    response = ncp("getList")
    assert response.status_code == 401
    assert parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time() > 3500
    assert ncp("getList", headers=ncp.headers("/api/v2/accounts/getList", ahead=3600)).ok
    sim.settings(ncp_skew=7200)
    assert ncp("getList").ok


def test_read_only_key(sim: Simulator, ncp: NcpClient) -> None:
    response = ncp("resetPassword", {"id": ncp.account(), "password": GOOD}, tenant="readonly")
    assert (response.status_code, response.json()) == (403, {"message": "not allowed to access", "success": False})
    assert sim.counters()["ncp"]["writes"] == 0
    assert sim.requests()[0]["verified"] is True


def test_unknown_path(sim: Simulator, ncp: NcpClient) -> None:
    gateway = {"error": {"errorCode": "300", "message": "Not Found Exception"}}
    assert ncp("getLists").json() == gateway
    assert requests.get(f"{sim.ncp_url}/api/v2/accounts/getList", timeout=5).json() == gateway
    sim.settings(error_code_type="integer")
    assert ncp("getLists").json()["error"]["errorCode"] == 300


def test_list_needs_a_content_type(ncp: NcpClient) -> None:
    assert ncp("getList", headers={"Content-Type": None}).status_code == 400
    assert ncp("getDetail", {"id": ncp.account()}, headers={"Content-Type": None}).ok


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "constraint violation NotEmpty, password"),
        ({"password": GOOD}, 400, "constraint violation NotEmpty, id"),
        ({"id": 5, "password": GOOD}, 400, "id, must be a string"),
        ({"id": "a" * 22, "password": 12345678}, 400, "password, must be a string"),
        ({"id": "a" * 23, "password": GOOD}, 400, "invalid request parameter (id, "),
        ({"id": "../etc", "password": GOOD}, 400, "invalid request parameter (id, "),
        ({"id": "a" * 22, "password": GOOD}, 404, "no such element"),
        ("{", 400, "invalid request parameters"),
        ("[]", 400, "invalid request parameters"),
        ("", 400, "invalid request parameters"),
        ("[" * 100_000, 400, "invalid request parameters"),
    ],
)
def test_bad_request(sim: Simulator, ncp: NcpClient, body: object, status: int, message: str) -> None:
    response = ncp("resetPassword", body)
    assert response.status_code == status
    assert message in response.json()["message"]
    assert response.json()["success"] is False
    assert sim.counters()["ncp"]["writes"] == 0


@pytest.mark.parametrize(
    ("password", "accepted_by"),
    [
        ("Abcd-1234", {"current", "older", "loose", "none"}),
        ("abcd-1234", {"current", "loose", "none"}),
        ("Abcd12345", {"loose", "none"}),
        ("Abcd/1234", {"loose", "none"}),
        ("Abcd\\1234", {"loose", "none"}),
        ("Abcd 1234", {"loose", "none"}),
        ("Abcd-1234" * 3, {"loose", "none"}),
        ("qazQAZ1", {"none"}),
        ("12345678", {"none"}),
    ],
)
def test_password_rules(sim: Simulator, ncp: NcpClient, password: str, accepted_by: set[str]) -> None:
    accepting = set()
    for rule in ("current", "older", "loose", "none"):
        sim.settings(password_rule=rule)
        accepting |= {rule} if ncp.set_password(password).ok else set()
    assert accepting == accepted_by


def test_rejection_echoes_the_password_as_documented(sim: Simulator, ncp: NcpClient) -> None:
    response = ncp.set_password("qazQAZ1")
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert response.json()["message"].startswith(
        "invalid request parameter (password, 'qazQAZ1').\nPlease enter a valid password, which must be at least 8"
    )
    sim.settings(raw_newline=True)
    text = ncp.set_password("qazQAZ1").text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert json.loads(text, strict=False) == response.json()


@pytest.mark.parametrize(
    ("form", "echo"),
    [
        ("raw", AWKWARD),
        ("json", r"pw\u0027\"\\\u003c\u0026\u003e% +\ud55c1"),
        ("json_unicode", r"pw\u0027\u0022\u005c\u003c\u0026\u003e\u0025\u0020\u002b\ud55c1"),
        ("json_twice", r"pw\\u0027\\\"\\\\\\u003c\\u0026\\u003e% +\\ud55c1"),
        ("xml", "pw&apos;&quot;\\&lt;&amp;&gt;% +한1"),
        ("xml_numeric", "pw&#39;&#34;&#92;&#60;&#38;&#62;&#37;&#32;&#43;&#54620;1"),
        ("url", "pw%27%22%5C%3C%26%3E%25%20%2B%ED%95%9C1"),
        ("url_plus", "pw%27%22%5C%3C%26%3E%25+%2B%ED%95%9C1"),
        ("base64", base64.b64encode(AWKWARD.encode()).decode()),
        ("base64_url", base64.urlsafe_b64encode(AWKWARD.encode()).decode().rstrip("=")),
        ("upper", AWKWARD.upper()),
        ("lower", AWKWARD.lower()),
        ("reversed", AWKWARD[::-1]),
        ("truncated", AWKWARD[:9]),
        ("hex", AWKWARD.encode().hex()),
        ("repr", repr(AWKWARD)),
    ],
)
def test_echo_forms(sim: Simulator, ncp: NcpClient, form: str, echo: str) -> None:
    sim.settings(echo_form=form)
    for accept in ("application/json", "application/xml"):
        body = {"id": ncp.account(), "password": AWKWARD}
        response = ncp("resetPassword", body, headers={"Accept": accept})
        text = response.json()["message"] if accept.endswith("json") else xml(response).findtext("message", "")
        assert text.startswith(f"invalid request parameter (password, '{echo}').\n")


def test_no_echo(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(echo_form="none")
    assert AWKWARD not in ncp.set_password(AWKWARD).json()["message"]


def test_reject_next(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(reject_next=2)
    assert [ncp.set_password().status_code for _index in range(3)] == [400, 400, 200]


def test_reject_reuse(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(reject_reuse=True)
    assert [ncp.set_password(p).status_code for p in (GOOD, GOOD, f"{GOOD}x", GOOD)] == [200, 400, 200, 200]


def test_changing(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(changing_seconds=60)
    ncp.set_password()
    assert [a["status"] for a in ncp("getList").json()["contents"]][:2] == ["CHANGING", "RUNNING"]


def test_contradictions_of_the_documentation(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(created_key="createAt", disabled_type="string")
    first = ncp("getList").json()["contents"][0]
    assert first["createAt"] == "2025-02-20T09:32:55+09:00"
    assert "createdAt" not in first
    assert first["disabled"] == "false"


# --------------------------------------------------------------------------------------------------------------- XML


def reset_document(account_id: str, password: str, root: str = "ResetAccountPasswordRequest", prolog: str = "") -> str:
    element = ElementTree.Element(root)
    ElementTree.SubElement(element, "id").text = account_id
    ElementTree.SubElement(element, "password").text = password
    return prolog + ElementTree.tostring(element, encoding="unicode")


XML = {"Content-Type": "application/xml"}


def test_xml_reset(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(password_rule="none")
    answer = xml(ncp("resetPassword", reset_document(ncp.account(), AWKWARD), headers=XML))
    assert answer.tag == "ResetAccountPasswordResponse"
    assert {child.tag: child.text for child in answer} == {"id": ncp.account(), "success": "true"}
    assert sim.truth()["accounts"]["default"]["df001"]["password"] == AWKWARD


def test_xml_list_repeats_contents(ncp: NcpClient) -> None:
    answer = xml(ncp("getList", "<GetAccountListRequest/>", headers=XML))
    assert answer.tag == "GetAccountListResponse"
    assert [item.findtext("name") for item in answer.findall("contents")] == [f"df00{n}" for n in range(1, 6)]
    assert answer.findtext("contents/disabled") == "false"


def test_accept_decides_the_language_of_the_answer(ncp: NcpClient) -> None:
    assert xml(ncp("getList", headers={"Accept": "application/xml"})).findtext("success") == "true"
    both = {**XML, "Accept": "application/json, application/xml"}
    assert ncp("getList", "<GetAccountListRequest/>", headers=both).json()["success"] is True
    assert ncp("getList", headers={"Accept": "*/*"}).json()["success"] is True


def test_xml_errors(ncp: NcpClient) -> None:
    answer = xml(ncp("resetPassword", reset_document(ncp.account(), "qazQAZ1"), headers=XML))
    assert answer.findtext("success") == "false"
    assert "'qazQAZ1'" in (answer.findtext("message") or "")
    gateway = ncp("getList", "<GetAccountListRequest/>", headers={**XML, "x-ncp-iam-access-key": None})
    assert gateway.json()["error"]["errorCode"] == "200"  # the gateway knows JSON only


@pytest.mark.parametrize(
    "prolog",
    ['<!DOCTYPE x SYSTEM "file:///etc/passwd">', '<!DOCTYPE x [<!ENTITY a "b">]>', "<!DOCTYPE x>", "<broken"],
)
def test_xml_without_document_types(sim: Simulator, ncp: NcpClient, prolog: str) -> None:
    response = ncp("resetPassword", reset_document(ncp.account(), GOOD, prolog=prolog), headers=XML)
    assert response.status_code == 400
    assert sim.counters()["ncp"]["writes"] == 0


def test_xml_root_must_fit(ncp: NcpClient) -> None:
    document = reset_document(ncp.account(), GOOD, root="GetAccountListRequest")
    assert ncp("resetPassword", document, headers=XML).status_code == 400


# --------------------------------------------------------------------------------------------------------------- TLS


def test_tls(sim: Simulator, ncp: NcpClient) -> None:
    assert ncp("getList", base=sim.ncp_tls_url, verify=sim.ca_file).ok
    assert ncp("getList", base=sim.ncp_tls_url.replace("127.0.0.1", "localhost"), verify=sim.ca_file).ok


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("tls_wrong_host_url", "IP address mismatch"),
        ("tls_expired_url", "certificate has expired"),
        ("tls_self_signed_url", "self-signed certificate"),
    ],
)
def test_bad_certificates(sim: Simulator, ncp: NcpClient, name: str, why: str) -> None:
    with pytest.raises(requests.exceptions.SSLError, match=why):
        ncp("getList", base=getattr(sim, name), verify=sim.ca_file)
    assert sim.counters()["ncp"]["requests"] == 0
    assert sim.counters()["ncp"]["connections"] == 1
