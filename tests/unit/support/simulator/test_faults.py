# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of misbehaviour, observed from a raw client, and what it does to the truth."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import threading
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests
from requests import ConnectionError as LostConnection
from requests.exceptions import ChunkedEncodingError, ReadTimeout

from support.simulator import Simulator, Unsound
from support.simulator.misbehaviour import KINDS
from support.simulator.passwords import ECHOES
from unit.support.simulator.raw_client import GOOD, NcpClient


def writes(sim: Simulator) -> int:
    count = sim.counters()["ncp"]["writes"]
    assert isinstance(count, int)
    return count


def fault(sim: Simulator, kind: str, **rule: object) -> int:
    return sim.fault("ncp", "resetPassword", kind, **rule)


AT = pytest.mark.parametrize(("at", "applied"), [("before", 0), ("after", 1)])


# ----------------------------------------------------------------------------------------------- lost connections


@AT
@pytest.mark.parametrize(("kind", "error"), [("drop", "without response"), ("reset", "reset by peer")])
def test_lost_connection(sim: Simulator, ncp: NcpClient, kind: str, error: str, at: str, applied: int) -> None:
    fault(sim, kind, at=at)
    with pytest.raises(LostConnection, match=error):
        ncp.set_password()
    assert writes(sim) == applied
    assert sim.requests()[0] | {"fault": kind, "status": None, "applied": bool(applied)} == sim.requests()[0]
    assert ncp.set_password().ok  # once only


@pytest.mark.parametrize("kind", ["drop", "reset"])
def test_lost_connection_under_tls(sim: Simulator, ncp: NcpClient, kind: str) -> None:
    sim.fault("ncp", "getList", kind)
    with pytest.raises(LostConnection):
        ncp("getList", base=sim.ncp_tls_url, verify=sim.ca_file)


@AT
def test_hang(sim: Simulator, ncp: NcpClient, at: str, applied: int) -> None:
    fault(sim, "hang", at=at)
    with pytest.raises(ReadTimeout):
        ncp.set_password(timeout=0.2)
    assert writes(sim) == applied


def test_hang_ends_when_the_faults_are_cleared(sim: Simulator, ncp: NcpClient) -> None:
    rule = fault(sim, "hang")
    seen: list[BaseException] = []

    def client() -> None:
        try:
            ncp.set_password(timeout=90)
        except LostConnection as error:
            seen.append(error)

    thread = threading.Thread(target=client)
    thread.start()
    assert sim.wait(fault=rule, timeout=60) == 1
    assert sim.counters()["ncp"]["in_flight"] == 1
    sim.clear()
    thread.join(60)
    assert len(seen) == 1
    assert writes(sim) == 0


def test_hang_does_not_keep_the_simulator_from_stopping() -> None:
    with Simulator() as own:
        own.fault("solapi", "*", "hang")
        with pytest.raises(ReadTimeout):
            requests.get(own.solapi_url, timeout=0.05)
        own.fault("solapi", "*", "slow", delay=60)
        with pytest.raises(ReadTimeout):
            requests.get(own.solapi_url, timeout=0.05)
        begin = time.monotonic()
    assert time.monotonic() - begin < 2


def test_late(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "late")
    with pytest.raises(LostConnection):
        ncp.set_password("Late-pw-1")
    assert ncp.set_password("Early-pw-2").ok
    assert sim.truth()["accounts"]["default"]["df001"]["password"] == "Early-pw-2"
    assert sim.requests()[0]["applied"] is False
    assert sim.land() == 1
    assert sim.truth()["accounts"]["default"]["df001"]["password"] == "Late-pw-1"
    assert sim.requests()[0]["applied"] is True
    assert sim.land() == 0


def test_late_by_the_clock(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "late", delay=0.1)
    with pytest.raises(LostConnection):
        ncp.set_password()
    assert writes(sim) == 0
    assert sim.wait(vendor="ncp", counter="writes") == 1
    assert sim.land() == 0


def test_reset_forgets_what_is_still_on_its_way(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "late", delay=0.05)
    with pytest.raises(LostConnection):
        ncp.set_password()
    sim.reset()
    with pytest.raises(TimeoutError):
        sim.wait(counter="writes", timeout=0.15)


# -------------------------------------------------------------------------------------------------- spoilt answers


@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize("kind", ["slow", "gzip", "date_skew", "drip_head", "drip_body"])
def test_a_true_answer_is_true(sim: Simulator, ncp: NcpClient, kind: str, at: str) -> None:
    assert KINDS[kind].truthful
    fault(sim, kind, at=at, interval=0.0001, delay=0.05)
    begin = time.monotonic()
    response = ncp.set_password()
    assert time.monotonic() - begin >= 0.05
    assert response.json() == {"success": True, "id": ncp.account()}
    assert "x-ncp-trace-id" in response.headers
    assert writes(sim) == 1


@pytest.mark.parametrize(("at", "applied"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["drip_head", "drip_body"])
def test_drip_is_slow_though_bytes_come(sim: Simulator, ncp: NcpClient, kind: str, at: str, applied: int) -> None:
    fault(sim, kind, at=at, interval=0.05)
    with pytest.raises(ReadTimeout):
        raw_read(sim, ncp, seconds=0.3)
    assert writes(sim) == applied


def raw_read(sim: Simulator, ncp: NcpClient, seconds: float) -> None:
    """Read as a client without a deadline would, byte by byte, and give up after `seconds` in total."""
    path = "/api/v2/accounts/resetPassword"
    connection = http.client.HTTPConnection(urlsplit(sim.ncp_url).netloc, timeout=5)
    connection.request("POST", path, json.dumps({"id": ncp.account(), "password": GOOD}), ncp.headers(path))
    assert connection.sock is not None
    begin, read = time.monotonic(), b""
    while time.monotonic() - begin < seconds:
        piece = connection.sock.recv(1 if b"\r\n\r\n" not in read else 65536)
        assert piece, "the whole answer came"
        read += piece
    connection.close()
    raise ReadTimeout(str(len(read)))


def test_slow_lands_though_the_client_is_gone(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "slow", delay=0.3)
    with pytest.raises(ReadTimeout):
        ncp.set_password(timeout=0.1)
    assert writes(sim) == 0
    assert sim.wait(counter="writes") == 1


@AT
def test_torn(sim: Simulator, ncp: NcpClient, at: str, applied: int) -> None:
    fault(sim, "torn", at=at)
    with pytest.raises(ChunkedEncodingError, match="IncompleteRead"):
        ncp.set_password()
    assert writes(sim) == applied


@AT
def test_torn_json(sim: Simulator, ncp: NcpClient, at: str, applied: int) -> None:
    fault(sim, "torn_json", at=at)
    response = ncp.set_password()
    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        response.json()
    assert writes(sim) == applied


def test_bad_utf8(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "bad_utf8")
    response = ncp.set_password()
    assert response.status_code == 400
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()


def test_ansi(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "ansi", echo="raw")
    message = ncp.set_password().json()["message"]
    assert "\x1b[2J" in message
    assert "\r\nfatal: [" in message
    assert f"'{GOOD}'" in message


def test_gzip(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "gzip", size=5)
    path = "/api/v2/accounts/resetPassword"
    with requests.post(
        f"{sim.ncp_url}{path}",
        json={"id": ncp.account(), "password": GOOD},
        headers=ncp.headers(path),
        stream=True,
        timeout=5,
    ) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        raw = response.raw.read(decode_content=False)
    assert len(raw) < 10_000
    assert len(gzip.decompress(raw)) > 5_000_000


def test_date_skew(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "date_skew", skew=-600)
    date = parsedate_to_datetime(ncp.set_password().headers["Date"]).timestamp()
    assert -605 < date - time.time() < -595


def test_header_flood(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "header_flood")
    with pytest.raises(LostConnection, match="more than 100 headers"):
        ncp.set_password()
    assert writes(sim) == 0


# --------------------------------------------------------------------------------------------------- other answers


@pytest.mark.parametrize(
    ("envelope", "body"),
    [
        ("a", {"message": "unexpected error", "success": False}),
        ("b", {"error": {"errorCode": "500", "message": "Endpoint Error"}}),
        ("solapi", {"errorCode": "ServiceUnavailable", "errorMessage": "요청을 처리하지 못했습니다."}),
    ],
)
def test_status_in_json(sim: Simulator, ncp: NcpClient, envelope: str, body: object) -> None:
    status = 500 if envelope == "a" else 503
    fault(sim, "status", status=status, envelope=envelope, headers={"X-Extra": "1", "date": "yesterday"})
    response = ncp.set_password()
    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["X-Extra"] == "1"
    assert response.headers["Date"] == "yesterday"
    assert writes(sim) == 0


def test_status_in_other_envelopes(sim: Simulator, ncp: NcpClient) -> None:
    found = {}
    for envelope in ("spring", "html", "text", "empty"):
        fault(sim, "status", status=502, envelope=envelope, at="after", message="told")
        response = ncp.set_password()
        found[envelope] = (response.status_code, response.headers.get("Content-Type", "").partition(";")[0])
        assert ("told" in response.text) == (envelope != "empty")
    assert found["spring"] == (502, "application/json")
    assert found["html"] == (502, "text/html")
    assert found["text"] == (502, "text/plain")
    assert found["empty"][0] == 502
    assert writes(sim) == 4


def test_status_with_its_own_body(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "status", status=500, body={"responseError": {"returnCode": "1"}})
    assert ncp.set_password().json() == {"responseError": {"returnCode": "1"}}
    fault(sim, "status", status=599, body="{'broken'")
    assert ncp.set_password().text == "{'broken'"


def test_status_a_in_xml(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "status", status=500, envelope="a")
    response = ncp("resetPassword", {"id": ncp.account(), "password": GOOD}, headers={"Accept": "application/xml"})
    assert b"<ResetAccountPasswordResponse><message>unexpected error</message>" in response.content


def test_rate_limited(sim: Simulator, ncp: NcpClient) -> None:
    for rule in ({}, {"retry_after": 2}, {"retry_after": 120, "retry_after_form": "date"}, {"retry_after": "soon"}):
        fault(sim, "rate_limited", **rule)
    plain, seconds, date, odd = (ncp.set_password() for _index in range(4))
    assert plain.json() == {"error": {"errorCode": "410", "message": "Throttle Limited"}}
    assert {answer.status_code for answer in (plain, seconds, date, odd)} == {429}
    assert "Retry-After" not in plain.headers
    assert seconds.headers["Retry-After"] == "2"
    assert 115 < parsedate_to_datetime(date.headers["Retry-After"]).timestamp() - time.time() < 125
    assert odd.headers["Retry-After"] == "soon"


@pytest.mark.parametrize(
    ("kind", "rule", "status", "text"),
    [
        ("html", {}, 200, "<h1>200 OK</h1>"),
        ("html", {"status": 503}, 503, "<h1>503 Service Unavailable</h1>"),
        ("empty", {}, 200, ""),
        ("empty", {"status": 204}, 204, ""),
        ("non_object", {}, 200, "[]"),
        ("non_object", {"body": "x"}, 200, '"x"'),
        ("non_object", {"body": "null"}, 200, "null"),
        ("non_object", {"body": 5}, 200, "5"),
        ("success_false", {}, 200, '{"message": "unexpected error", "success": false}'),
        ("success_false", {"echo": "reversed"}, 200, GOOD[::-1]),
        ("wrong_id", {}, 200, '"id": "SomebodyElsesAccount00"'),
        ("reject", {}, 400, f"(password, '{GOOD}')"),
        ("reject", {"echo": "hex"}, 400, GOOD.encode().hex()),
    ],
)
def test_other_answers(
    sim: Simulator, ncp: NcpClient, kind: str, rule: dict[str, object], status: int, text: str
) -> None:
    for at, applied in (("before", 0), ("after", 1)):
        fault(sim, kind, at=at, **rule)
        response = ncp.set_password()
        assert response.status_code == status
        assert text in response.text
        assert writes(sim) == applied


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(sim: Simulator, ncp: NcpClient, status: int) -> None:
    fault(sim, "redirect", status=status)
    response = ncp.set_password()
    assert response.status_code == status
    assert response.headers["Location"] == f"{sim.trap_url}/api/v2/accounts/resetPassword"
    assert sim.counters()["trap"]["requests"] == 0
    requests.post(response.headers["Location"], data="secret", timeout=5)
    assert sim.counters()["trap"]["requests"] == 1
    assert sim.trapped()[0]["body"] == "secret"


def test_redirect_elsewhere(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "redirect", location="http://example.com/")
    assert ncp.set_password().headers["Location"] == "http://example.com/"


@pytest.mark.parametrize("form", sorted(set(ECHOES) - {"none"}))
def test_any_error_may_echo(sim: Simulator, ncp: NcpClient, form: str) -> None:
    fault(sim, "status", status=500, envelope="text", echo=form)
    assert ECHOES[form](GOOD) in ncp.set_password().text


# ------------------------------------------------------------------------------------------------- hostile answers


def test_huge(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "huge", size=3)
    assert len(ncp.set_password().content) == 3_000_000


@pytest.mark.parametrize("kind", ["huge", "endless"])
def test_more_than_anyone_wants(sim: Simulator, ncp: NcpClient, kind: str) -> None:
    rule = sim.fault("ncp", "getList", kind, size=1_000_000, interval=0)
    path = "/api/v2/accounts/getList"
    with requests.post(f"{sim.ncp_url}{path}", json={}, headers=ncp.headers(path), stream=True, timeout=5) as response:
        taken = 0
        for piece in response.iter_content(65536):
            taken += len(piece)
            if taken > 3_000_000:
                break
    assert sim.wait(fault=rule) == 1
    assert ncp("getList").ok


def test_deep(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "deep")
    text = ncp.set_password().text
    assert text.count("[") == text.count("]") == 100_000
    fault(sim, "deep", depth=10)
    body = {"id": ncp.account(), "password": GOOD}
    assert ncp("resetPassword", body, headers={"Accept": "application/xml"}).text == "<a>" * 10 + "</a>" * 10


def test_bomb(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "bomb")
    text = ncp.set_password().text
    assert "<!DOCTYPE ResetAccountPasswordResponse [" in text
    assert "&l8;" * 10 in text


# ------------------------------------------------------------------------------------------------------ the queue


def test_times_and_skip(sim: Simulator, ncp: NcpClient) -> None:
    rule = fault(sim, "status", status=500, times=2, skip=1)
    assert [ncp.set_password().status_code for _index in range(5)] == [200, 500, 500, 200, 200]
    (told,) = sim.faults()
    assert (told["id"], told["fired"], told["skip"], told["status"]) == (rule, 2, 1, 500)


@pytest.mark.parametrize("times", [0, None])
def test_for_ever(sim: Simulator, ncp: NcpClient, times: int | None) -> None:
    sim.fault("ncp", "*", "status", status=503, times=times)
    assert {ncp("getList").status_code for _index in range(5)} == {503}
    sim.clear()
    assert ncp("getList").ok


def test_rules_in_their_order(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "status", status=500)
    fault(sim, "status", status=503)
    assert [ncp.set_password().status_code for _index in range(3)] == [500, 503, 200]


def test_match(sim: Simulator, ncp: NcpClient) -> None:
    fault(sim, "status", status=500, match={"name": "df002"}, times=0)
    fault(sim, "status", status=501, match={"id": ncp.account("df003"), "tenant": "default"}, times=0)
    fault(sim, "status", status=502, match={"tenant": "other"}, times=0)
    assert [ncp.set_password(name=name).status_code for name in ("df001", "df002", "df003")] == [200, 500, 501]


def test_match_email(sim: Simulator) -> None:
    sim.fault("solapi", "reset", "status", status=503, match={"email": "b@example.com"})
    url = f"{sim.solapi_url}/users/v1/member/password/reset"
    codes = [requests.post(url, json={"email": f"{name}@example.com"}, timeout=5).status_code for name in "abb"]
    assert codes == [200, 503, 200]
    assert len(sim.truth()["mails"]) == 2


def test_mail_is_sent_though_the_answer_is_lost(sim: Simulator) -> None:
    sim.fault("solapi", "reset", "drop", at="after")
    with pytest.raises(LostConnection):
        requests.post(f"{sim.solapi_url}/users/v1/member/password/reset", json={"email": "a@example.com"}, timeout=5)
    assert len(sim.truth()["mails"]) == 1


def test_solapi_errors_have_their_own_envelope(sim: Simulator) -> None:
    sim.fault("solapi", "*", "rate_limited", retry_after=1)
    response = requests.get(f"{sim.solapi_url}/cash/v1/balance", timeout=5)
    assert (response.status_code, response.json()["errorCode"]) == (429, "TooManyRequests")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"kind": "nonsense"}, "there is no kind 'nonsense'"),
        ({"vendor": "aws"}, "vendor must be one of: ncp, solapi"),
        ({"operation": "balance"}, "ncp has no operation 'balance'"),
        ({"vendor": "solapi", "operation": "*", "kind": "reject"}, "kind 'reject' is not for vendor 'solapi'"),
        ({"kind": "status"}, "needs a status"),
        ({"kind": "status", "status": 99}, "status must be between 200 and 999"),
        ({"at": "during"}, "at must be one of: before, after"),
        ({"times": -1}, "times must be at least 0"),
        ({"times": True}, "times must be a whole number"),
        ({"delay": "1"}, "delay must be a number"),
        ({"interval": float("inf")}, "interval must be a number"),
        ({"match": {"colour": "red"}}, "match may only hold"),
        ({"colour": "red"}, "has no field 'colour'"),
        ({"fired": 3}, "has no field 'fired'"),
        ({"retry_after": []}, "retry_after must be a number or must be a string"),
        ({"retry_after": 10**400}, "retry_after must be a smaller number or"),
        ({"skew": 1e300}, "skew must be at most 1e+09"),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "headers must be one line"),
        ({"headers": {"X A": "b"}}, "headers must have the names of headers"),
        ({"location": "/\n"}, "location must be one line"),
    ],
)
def test_unsound_rules(sim: Simulator, rule: dict[str, object], why: str) -> None:
    document = {"vendor": "ncp", "operation": "*", "kind": "drop", **rule}
    with pytest.raises(Unsound, match=re.escape(why)):
        sim.fault(**document)  # type: ignore[arg-type]
    response = requests.post(f"{sim.control_url}/faults", data=json.dumps(document), timeout=5)
    assert response.status_code == 400
    assert why in response.json()["error"]
    assert sim.faults() == []


def test_undocumented_answers(sim: Simulator, ncp: NcpClient) -> None:
    for at in ("before", "after"):
        sim.fault("ncp", "resetPassword", "accepted", at=at)
        response = ncp.set_password(f"Accepted-{at}-1")
        assert (response.status_code, response.json()) == (202, {"message": "Accepted"})
        sim.fault("ncp", "resetPassword", "code_zero", at=at)
        assert ncp.set_password(f"Zero-{at}-1").json() == {"code": 0, "message": "SUCCESS", "result": {}}
    sim.fault("ncp", "resetPassword", "code_zero", code=1003)
    assert ncp.set_password("Refused-1").json() == {"code": 1003, "message": "FAIL", "result": {}}
    sim.fault("ncp", "resetPassword", "status", status=400, envelope="code")
    assert ncp.set_password("Refused-2").json() == {"code": 400, "msg": "Bad Request", "data": None}
    history = sim.truth()["accounts"]["default"]["df001"]["history"]
    assert [entry["password"] for entry in history] == ["Accepted-after-1", "Zero-after-1"]


def test_a_list_that_names_a_number_and_no_accounts(sim: Simulator, ncp: NcpClient) -> None:
    sim.fault("ncp", "getList", "no_contents")
    assert ncp("getList").json() == {"success": True, "total": 3}
    sim.fault("ncp", "getList", "no_contents", count=7)
    assert b"<total>7</total>" in ncp("getList", headers={"Accept": "application/xml"}).content


@pytest.mark.parametrize(("seconds", "text"), [(2, "2"), (2.5, "2.5"), (1_234_567, "1234567")])
def test_seconds_to_wait_are_spelt_out(sim: Simulator, ncp: NcpClient, seconds: float, text: str) -> None:
    sim.fault("ncp", "getList", "rate_limited", retry_after=seconds)
    assert ncp("getList").headers["Retry-After"] == text


def test_every_kind_is_tested(request: pytest.FixtureRequest) -> None:
    """It is tested here, or in test_solapi.py."""
    source = request.path.read_text() + (request.path.parent / "test_solapi.py").read_text()
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []
