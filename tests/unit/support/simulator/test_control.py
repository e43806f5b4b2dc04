# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control API: the truth and the levers over HTTP."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import fields

import hypothesis
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from support.simulator import Simulator
from support.simulator.faults import Fault
from support.simulator.passwords import ECHOES
from support.simulator.state import Settings, _NewAccount, _NewSolapiKey, _NewTenant
from unit.support.simulator.raw_client import GOOD, NcpClient


def control(sim: Simulator, method: str, path: str, body: object = None) -> requests.Response:
    return requests.request(method, f"{sim.control_url}{path}", json=body, timeout=15)


def test_connection(sim: Simulator) -> None:
    document = control(sim, "GET", "/connection").json()
    assert document["ncp_url"] == sim.ncp_url
    assert document["tenants"]["default"] == {"access_key": sim.access_key, "secret_key": sim.secret_key}
    assert document["solapi"] == {"api_key": sim.api_key, "api_secret": sim.api_secret}
    assert set(document["tenants"]) == {"default", "other", "readonly"}
    assert len(sim.access_key) == 20
    assert len(sim.secret_key) == 40
    assert len(sim.api_key) == 16


def test_truth_and_counters(sim: Simulator, ncp: NcpClient) -> None:
    ncp("getList")
    ncp.set_password()
    truth = control(sim, "GET", "/truth").json()
    assert truth == sim.truth()
    assert set(truth["accounts"]) == {"default", "other"}  # readonly sees those of default
    counters = control(sim, "GET", "/counters").json()
    assert counters["ncp"] == {
        "requests": 2,
        "writes": 1,
        "by_operation": {"getList": 1, "resetPassword": 1},
        "connections": 2,
        "denied": 0,
        "in_flight": 0,
        "peak": 1,
    }
    assert counters["trap"] == {"requests": 0}


def test_requests(sim: Simulator, ncp: NcpClient) -> None:
    ncp.set_password()
    (entry,) = control(sim, "GET", "/requests").json()
    assert entry["headers"]["x-ncp-iam-access-key"] == sim.access_key
    assert GOOD in entry["body"]
    del entry["headers"], entry["body"], entry["time"]
    assert entry == {
        "n": 1,
        "vendor": "ncp",
        "tenant": "default",
        "operation": "resetPassword",
        "method": "POST",
        "path": "/api/v2/accounts/resetPassword",
        "verified": True,
        "status": 200,
        "fault": None,
        "applied": True,
    }


def test_settings(sim: Simulator) -> None:
    before = control(sim, "GET", "/settings").json()
    after = control(sim, "PUT", "/settings", {"latency": 0.5, "echo_form": "hex"}).json()
    assert after == {**before, "latency": 0.5, "echo_form": "hex"} == sim.settings()


@pytest.mark.parametrize(
    ("method", "path", "body", "why"),
    [
        ("PUT", "/settings", {"colour": 1}, "settings has no field 'colour'"),
        ("PUT", "/settings", {"latency": -1}, "settings: latency must be at least 0"),
        ("PUT", "/settings", {"echo_form": "rot13"}, "settings: echo_form must be one of: raw, json"),
        ("PUT", "/settings", [], "settings must be a JSON object"),
        ("PUT", "/accounts", {"tenant": "nobody", "count": 1}, "there is no tenant 'nobody'"),
        ("PUT", "/accounts", {"tenant": "default"}, "either count"),
        ("PUT", "/accounts", {"count": 1, "accounts": []}, "either count"),
        ("PUT", "/accounts", {"accounts": [{"id": "x"}]}, "account: name is required"),
        ("PUT", "/accounts", {"accounts": [{"name": "a"}, {"name": "a"}]}, "twice"),
        ("PUT", "/accounts", {"count": "many"}, "must be a whole number"),
        ("PUT", "/tenants", {"name": "new"}, "needs access_key and secret_key"),
        ("PUT", "/tenants", {"name": "other", "accounts_of": "nobody"}, "no tenant 'nobody'"),
        ("PUT", "/tenants", {"count": 1, "name": "other"}, "no field 'name'"),
        ("PUT", "/tenants", {"count": -1}, "count must be"),
        ("PUT", "/solapi-keys", {"api_key": "x"}, "name is required"),
        ("POST", "/wait", {"fault": 99}, "there is no fault 99"),
        ("POST", "/wait", {"counter": "colours"}, "wait: counter must be one of"),
    ],
)
def test_unsound(sim: Simulator, method: str, path: str, body: object, why: str) -> None:
    response = control(sim, method, path, body)
    assert response.status_code == 400
    assert why in response.json()["error"]


def test_unsound_bodies_and_paths(sim: Simulator) -> None:
    for data in (b"{", b"\xff\xfe", b"[" * 200_000, b"\x00"):
        response = requests.put(f"{sim.control_url}/settings", data=data, timeout=5)
        assert (response.status_code, response.json()) == (400, {"error": "the body must be JSON"})
    odd = {"Content-Type": "application/json; charset=none-such"}
    assert requests.put(f"{sim.control_url}/settings", data=b"{}", headers=odd, timeout=5).status_code == 200
    assert control(sim, "GET", "/nothing").json() == {"error": "there is no GET /nothing"}
    assert control(sim, "DELETE", "/truth").status_code == 405


# JSON text can express half of a surrogate pair, but UTF-8 cannot.
LONE = '{"id": "%s", "password": "Lone-\\ud800-1"}'


@pytest.mark.parametrize("form", sorted(ECHOES))
def test_the_truth_is_reported_whatever_was_set(sim: Simulator, ncp: NcpClient, form: str) -> None:
    sim.settings(password_rule="none", echo_form=form)
    assert ncp("resetPassword", LONE % ncp.account()).ok
    sim.settings(reject_next=1)
    assert ncp("resetPassword", LONE % ncp.account()).status_code == 400
    for path in ("/truth", "/requests", "/counters", "/settings", "/faults", "/connection", "/trapped"):
        assert control(sim, "GET", path).status_code == 200
    truth = control(sim, "GET", "/truth").json()
    assert truth == sim.truth()
    assert truth["accounts"]["default"]["df001"]["password"] == "Lone-\ud800-1"


def test_names_and_headers_of_any_bytes_are_reported(sim: Simulator, ncp: NcpClient) -> None:
    names = ["a\ud800", "\udfffb", "한", "\x1b[2J"]
    document = json.dumps({"accounts": [{"name": name, "password": name} for name in names]})
    assert requests.put(f"{sim.control_url}/accounts", data=document, timeout=5).status_code == 200
    assert [account["name"] for account in ncp("getList").json()["contents"]] == names
    xml = ncp("getList", headers={"Accept": "application/xml"})
    assert xml.status_code == 200
    raw_header = {"X-Odd": b"\xff\xfe".decode("latin-1")}
    assert ncp("getList", headers=raw_header).status_code == 200
    assert len(control(sim, "GET", "/requests").json()) == 3
    assert set(control(sim, "GET", "/truth").json()["accounts"]["default"]) == set(names)


WORDS = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["default", "other", "ncp", "solapi", "getList", "drop", "status", "late", "createdAt", "hex"]
)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(
    {field.name for form in (Settings, Fault, _NewAccount, _NewTenant, _NewSolapiKey) for field in fields(form)}
    | {"tenant", "count", "prefix", "accounts", "accounts_of", "at_least", "counter", "fault"}
    # So that no test waits
    - {"delay", "latency", "timeout", "interval", "size", "depth"}
)
DOCUMENTS = st.dictionaries(st.sampled_from(FIELDS) | WORDS, VALUES, max_size=4) | VALUES


WAYS = st.sampled_from(["PUT settings", "PUT accounts", "PUT tenants", "PUT solapi-keys", "POST faults"])


@given(WAYS, DOCUMENTS)
@hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_any_document_is_taken_or_answered_with_a_sentence(sim: Simulator, way: str, document: object) -> None:
    method, path = way.split()
    response = requests.request(method, f"{sim.control_url}/{path}", data=json.dumps(document), timeout=5)
    assert response.status_code in (200, 400)
    assert response.status_code == 200 or len(response.json()["error"]) > 10
    for told in ("truth", "requests", "settings", "faults", "connection"):
        assert control(sim, "GET", f"/{told}").status_code == 200
    control(sim, "POST", "/reset")


def test_generated_accounts(sim: Simulator, ncp: NcpClient) -> None:
    made = control(sim, "PUT", "/accounts", {"tenant": "default", "count": 1000, "prefix": "df"}).json()
    assert (len(made), min(made), max(made)) == (1000, "df0001", "df1000")
    assert ncp("getList").json()["total"] == 1000
    assert ncp("getList", tenant="readonly").json()["total"] == 1000
    assert made == sim.accounts(count=1000)  # the same ids every time


def test_listed_accounts(sim: Simulator, ncp: NcpClient) -> None:
    sim.accounts("other", accounts=[{"name": "x", "id": "X1", "password": "Old-pw-1", "disabled": True}])
    (item,) = ncp("getList", tenant="other").json()["contents"]
    assert (item["id"], item["name"], item["disabled"]) == ("X1", "x", True)
    assert sim.truth()["accounts"]["other"] == {"x": {"id": "X1", "password": "Old-pw-1", "history": []}}


def test_many_tenants(sim: Simulator, ncp: NcpClient) -> None:
    keys = sim.many_tenants(300, prefix="team-", accounts=2)
    assert list(keys)[:2] == ["team-00001", "team-00002"]
    assert len({key["access_key"] for key in keys.values()} | {key["secret_key"] for key in keys.values()}) == 600
    assert [row["name"] for row in ncp("getList", tenant="team-00300").json()["contents"]] == [
        "team-00300-1",
        "team-00300-2",
    ]
    assert sim.connection()["tenants"]["team-00007"] == keys["team-00007"]
    assert list(sim.truth()["accounts"]["team-00007"]) == ["team-00007-1", "team-00007-2"]
    sim.reset()
    assert "team-00007" not in sim.connection()["tenants"]
    assert sim.many_tenants(1, prefix="team-") == {"team-00001": keys["team-00001"]}
    assert [row["name"] for row in ncp("getList", tenant="team-00001").json()["contents"]] == ["team-00001"]


def test_tenants(sim: Simulator, ncp: NcpClient) -> None:
    secret = "s'\"\\<&>% 한"
    sim.tenant("new", access_key="SIMULATORACCESSKEY09", secret_key=secret, accounts_of="default")
    assert ncp("getList", tenant="new").json()["total"] == 5
    sim.tenant("new", read_only=True)
    assert sim.connection()["tenants"]["new"]["secret_key"] == secret
    body = {"id": ncp.account(), "password": GOOD}
    assert ncp("resetPassword", body, tenant="new").status_code == 403


def test_latency(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(latency=0.1)
    assert ncp("getList").elapsed.total_seconds() >= 0.1


def test_benchmark_mode_keeps_no_log(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(log_requests=False)
    assert ncp.set_password().ok
    assert sim.requests() == []
    assert sim.counters()["ncp"]["writes"] == 1


def test_peak(sim: Simulator, ncp: NcpClient) -> None:
    rule = sim.fault("ncp", "*", "hang", times=3)

    def client() -> None:
        with suppress(requests.ConnectionError):
            ncp("getList")

    threads = [threading.Thread(target=client) for _index in range(3)]
    for thread in threads:
        thread.start()
    assert sim.wait(fault=rule, at_least=3) == 3
    sim.clear()
    for thread in threads:
        thread.join()
    assert sim.counters()["ncp"]["peak"] == 3


def test_wait(sim: Simulator, ncp: NcpClient) -> None:
    assert control(sim, "POST", "/wait", {"timeout": 0}).json() == {"reached": False, "value": 0}
    ncp("getList")
    assert control(sim, "POST", "/wait", {"vendor": "ncp", "counter": "requests"}).json() == {
        "reached": True,
        "value": 1,
    }


def test_land_over_http(sim: Simulator, ncp: NcpClient) -> None:
    sim.fault("ncp", "resetPassword", "late")
    with pytest.raises(requests.ConnectionError):
        ncp.set_password()
    assert control(sim, "POST", "/land").json() == {"landed": 1}


def test_faults_over_http(sim: Simulator, ncp: NcpClient) -> None:
    rules = [{"vendor": "ncp", "kind": "status", "status": 500}, {"vendor": "solapi", "kind": "drop"}]
    ids = control(sim, "POST", "/faults", rules).json()["ids"]
    ncp("getList")
    assert [(rule["id"], rule["fired"]) for rule in control(sim, "GET", "/faults").json()] == [(ids[0], 1), (ids[1], 0)]
    control(sim, "DELETE", "/faults")
    assert control(sim, "GET", "/faults").json() == []
    control(sim, "POST", "/faults", [rules[0], {"vendor": "ncp", "kind": "nonsense"}])
    assert control(sim, "GET", "/faults").json() == []  # all or none


def test_reset(sim: Simulator, ncp: NcpClient) -> None:
    initial = sim.truth(), sim.settings(), sim.connection()
    ncp.set_password()
    sim.settings(latency=1, solapi_rejected=["a@example.com"])
    sim.accounts(count=3)
    sim.tenant("other", access_key="SIMULATORACCESSKEY09")
    sim.fault("ncp", "*", "drop")
    control(sim, "POST", "/reset")
    assert (sim.truth(), sim.settings(), sim.connection()) == initial
    assert sim.counters()["ncp"]["requests"] == 0
    assert sim.requests() == sim.faults() == sim.trapped() == []


def test_what_is_returned_is_a_copy(sim: Simulator) -> None:
    sim.truth()["accounts"]["default"].clear()
    assert len(sim.truth()["accounts"]["default"]) == 5
