# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Secure Token Service of the simulator, seen by a raw client, and the keys that it makes."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
import requests

from support.simulator import Simulator, Unsound
from unit.support.simulator.raw_client import NcpClient

PATH = "/api/v1/credentials"


def ask(sim: Simulator, ncp: NcpClient, body: object = None, tenant: str = "default") -> requests.Response:
    headers = {"Content-Type": "application/json", **ncp.headers(PATH, tenant)}
    return requests.post(f"{sim.ncp_url}{PATH}", data=json.dumps(body or {}), headers=headers, timeout=10)


def use(sim: Simulator, ncp: NcpClient) -> int:
    """The status of a list that the last keys ask for."""
    pair = sim.truth()["short_lived_keys"][-1]
    return ncp("getList", headers=ncp.headers("/api/v2/accounts/getList", keys=pair)).status_code


def test_keys_sign_like_those_of_the_tenant_until_they_expire(sim: Simulator, ncp: NcpClient) -> None:
    document = ask(sim, ncp, {"durationSec": 600}).json()
    assert set(document) == {"accessKey", "keySecret", "createTime", "expireTime", "useMfa"}
    created, expires = (datetime.fromisoformat(document[name]) for name in ("createTime", "expireTime"))
    assert (expires - created).total_seconds() == 600
    assert use(sim, ncp) == 200
    assert sim.requests()[-1]["tenant"] == "default"
    assert sim.expire() == 0
    assert use(sim, ncp) == 401
    (kept,) = sim.truth()["short_lived_keys"]
    assert (kept["access_key"], kept["expired"]) == (document["accessKey"], True)


def test_the_clock_of_the_vendor_lets_keys_expire_too(sim: Simulator, ncp: NcpClient) -> None:
    ask(sim, ncp, {"durationSec": 600})
    sim.settings(clock_offset=601.0, ncp_skew=1000.0)
    assert use(sim, ncp) == 401


def test_the_keys_of_one_tenant_expire_alone(sim: Simulator, ncp: NcpClient) -> None:
    ask(sim, ncp, tenant="other")
    ask(sim, ncp)
    assert sim.expire(tenant="other") == 1
    assert use(sim, ncp) == 200
    with pytest.raises(Unsound, match="has no field 'name'"):
        sim.expire(name="other")


@pytest.mark.parametrize("body", [{"durationSec": 599}, {"durationSec": 43201}, {"durationSec": "soon"}])
def test_durations_that_are_refused(sim: Simulator, ncp: NcpClient, body: object) -> None:
    answer = ask(sim, ncp, body)
    assert (answer.status_code, answer.json()["error"]["errorCode"]) == (400, "400")
    assert sim.truth()["short_lived_keys"] == []


def test_main_accounts_get_none(sim: Simulator, ncp: NcpClient) -> None:
    sim.tenant("default", main_account=True)
    assert ask(sim, ncp).status_code == 403


def test_a_code_counts_once_and_for_its_device(sim: Simulator, ncp: NcpClient) -> None:
    factor = {"serialNumber": "device", "tokenCode": "012345"}
    assert ask(sim, ncp, factor).status_code == 401
    sim.tenant("default", otp_device="device", otp_code="012345")
    assert ask(sim, ncp, {**factor, "serialNumber": "another"}).status_code == 401
    assert ask(sim, ncp, {"tokenCode": "012345"}).status_code == 401
    assert ask(sim, ncp, factor).json()["useMfa"] is True
    assert ask(sim, ncp, factor).status_code == 401
    assert ask(sim, ncp).json()["useMfa"] is False


def test_a_wrong_signature_gets_none(sim: Simulator, ncp: NcpClient) -> None:
    headers = {**ncp.headers(PATH), "x-ncp-apigw-signature-v2": "x" * 44}
    answer = requests.post(f"{sim.ncp_url}{PATH}", data="{}", headers=headers, timeout=10)
    assert (answer.status_code, sim.truth()["short_lived_keys"]) == (401, [])


def test_a_lost_answer_has_made_keys_and_a_lost_request_has_not(sim: Simulator, ncp: NcpClient) -> None:
    for at, made in (("before", 0), ("after", 1)):
        sim.fault(vendor="ncp", operation="createCredentials", kind="drop", at=at)
        with pytest.raises(requests.ConnectionError):
            ask(sim, ncp)
        assert len(sim.truth()["short_lived_keys"]) == made


def test_the_lifetime_may_be_another_one(sim: Simulator, ncp: NcpClient) -> None:
    sim.settings(sts_duration=60)
    ask(sim, ncp, {"durationSec": 3600})
    (kept,) = sim.truth()["short_lived_keys"]
    assert kept["expires_at"] - kept["created_at"] == 60


def test_a_reset_forgets_them(sim: Simulator, ncp: NcpClient) -> None:
    ask(sim, ncp)
    sim.reset()
    assert sim.truth()["short_lived_keys"] == []
