# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SOLAPI, seen by a raw client and by the vendor's own Python package."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import uuid
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
import requests

from support.simulator import Simulator

RESET = "/users/v1/member/password/reset"


def authorization(
    sim: Simulator, name: str = "default", date: str | None = None, salt: str | None = None
) -> dict[str, str]:
    key = sim.connection()["solapi_keys"][name]
    date = date or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    salt = salt or uuid.uuid4().hex
    signature = hmac.new(key["api_secret"].encode(), (date + salt).encode(), hashlib.sha256).hexdigest()
    text = f"HMAC-SHA256 apiKey={key['api_key']}, date={date}, salt={salt}, signature={signature}"
    return {"Authorization": text}


def ask(
    sim: Simulator, body: object, headers: dict[str, str] | None = None, base: str | None = None
) -> requests.Response:
    url = f"{base or sim.solapi_url}{RESET}"
    return requests.post(url, json=body, headers=headers, timeout=10, verify=sim.ca_file)


def test_new_shape(sim: Simulator) -> None:
    document = ask(sim, {"email": "user@example.com"}).json()
    assert set(document) == {"_id", "email", "dateCreated", "dateUpdated", "hashId"}
    assert re.fullmatch("[0-9a-f]{24}", document["_id"])
    assert abs(int(document["_id"][:8], 16) - time.time()) < 5
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["dateCreated"])
    assert re.fullmatch("[A-Za-z0-9_-]{21}", document["hashId"])
    (mail,) = sim.truth()["mails"]
    assert (mail["email"], mail["hash_id"], mail["key"]) == ("user@example.com", document["hashId"], None)
    assert sim.counters()["solapi"]["writes"] == 1


def test_fixed_hash_id(sim: Simulator) -> None:
    sim.settings(solapi_hash_id="canary'\"<한>")
    assert ask(sim, {"email": "user@example.com"}).json()["hashId"] == "canary'\"<한>"


def test_old_shape(sim: Simulator) -> None:
    sim.settings(solapi_shape="old", solapi_rejected=["gone@example.com"])
    mail = ask(sim, {"email": "user@example.com"}).json()["mail"]
    assert (mail["accepted"], mail["rejected"]) == (["user@example.com"], [])
    assert mail["messageId"] == sim.truth()["mails"][0]["message_id"]
    mail = ask(sim, {"email": "gone@example.com"}).json()["mail"]
    assert (mail["accepted"], mail["rejected"]) == ([], ["gone@example.com"])
    assert sim.counters()["solapi"]["writes"] == 1


@pytest.mark.parametrize(
    "body", [{}, {"email": None}, {"email": "nobody"}, {"email": "a b@example.com"}, [], {"email": 5}]
)
def test_bad_email(sim: Simulator, body: object) -> None:
    response = ask(sim, body)
    assert response.status_code == 400
    assert response.json() == {
        "errorCode": "ValidationError",
        "errorMessage": "'email' 값이 올바른 이메일 형식이 아닙니다.",
    }
    assert "이메일".encode() in response.content  # not escaped


def test_signed_reset_is_verified(sim: Simulator) -> None:
    assert ask(sim, {"email": "user@example.com"}, authorization(sim)).ok
    assert sim.truth()["mails"][0]["key"] == "default"
    assert [entry["verified"] for entry in sim.requests()] == [True]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"date": "2019-07-01T00:41:48Z"}, 403, "RequestTimeTooSkewed"),
        ({"salt": "short"}, 400, "ValidationError"),
        ({"name": "restricted"}, 403, "Forbidden"),
    ],
)
def test_refusals(sim: Simulator, change: dict[str, str], status: int, code: str) -> None:
    response = ask(sim, {"email": "user@example.com"}, authorization(sim, **change))
    assert (response.status_code, response.json()["errorCode"]) == (status, code)
    assert re.search("[가-힣]", response.json()["errorMessage"])
    assert sim.counters()["solapi"] | {"writes": 0, "denied": 1} == sim.counters()["solapi"]


def test_allow_list_names_the_address(sim: Simulator) -> None:
    response = ask(sim, {"email": "user@example.com"}, authorization(sim, "restricted"))
    assert response.json()["errorMessage"] == "허용되지 않은 IP(127.0.0.1)로 접근하고 있습니다."
    sim.solapi_key("restricted", allowed_ips=["127.0.0.1"])
    assert ask(sim, {"email": "user@example.com"}, authorization(sim, "restricted")).ok


@pytest.mark.parametrize("status", [403, 400])
def test_wrong_signature(sim: Simulator, status: int) -> None:
    sim.settings(solapi_denied_status=status)
    header = authorization(sim)["Authorization"]
    response = ask(sim, {"email": "user@example.com"}, {"Authorization": header[:-1] + "x"})
    assert (response.status_code, response.json()["errorCode"]) == (status, "SignatureDoesNotMatch")


def test_replay(sim: Simulator) -> None:
    header = authorization(sim)
    assert ask(sim, {"email": "user@example.com"}, header).ok
    assert ask(sim, {"email": "user@example.com"}, header).json()["errorCode"] == "DuplicatedSignature"


def test_clock(sim: Simulator) -> None:
    sim.settings(clock_offset=-1000)
    assert ask(sim, {"email": "user@example.com"}, authorization(sim)).json()["errorCode"] == "RequestTimeTooSkewed"
    sim.settings(solapi_skew=2000)
    assert ask(sim, {"email": "user@example.com"}, authorization(sim)).ok


def test_tls(sim: Simulator) -> None:
    assert ask(sim, {"email": "user@example.com"}, base=sim.solapi_tls_url).ok


def test_protected_and_unknown_paths(sim: Simulator) -> None:
    assert requests.get(f"{sim.solapi_url}/users/v1/member", timeout=5).status_code == 403
    assert requests.get(f"{sim.solapi_url}/users/v1/member", headers=authorization(sim), timeout=5).ok
    assert requests.get(f"{sim.solapi_url}/nothing", timeout=5).json()["errorCode"] == "ResourceNotFound"


def official(sim: Simulator, secret: str | None = None) -> Any:
    service = import_module("solapi").SolapiMessageService(sim.api_key, secret or sim.api_secret)
    service.base_url = sim.solapi_url
    return service


def test_official_client(sim: Simulator) -> None:
    assert official(sim).get_balance().balance == 1000
    assert sim.requests()[0]["verified"] is True
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        official(sim, "WRONG").get_balance()


@pytest.mark.parametrize(
    ("kind", "rule", "status", "document"),
    [
        ("says_no", {}, 200, {"errorMessage": "없는 회원입니다."}),
        ("says_no", {"code": "NoMember", "message": "x"}, 200, {"errorCode": "NoMember", "errorMessage": "x"}),
        ("says_nothing", {}, 202, {"message": "Accepted"}),
        ("says_nothing", {"status": 200, "body": {"code": 0}}, 200, {"code": 0}),
    ],
)
def test_answers_that_confirm_nothing(
    sim: Simulator, kind: str, rule: dict[str, object], status: int, document: object
) -> None:
    for at, applied in (("before", 0), ("after", 1)):
        sim.fault("solapi", "reset", kind, at=at, **rule)
        response = ask(sim, {"email": "user@example.com"})
        assert (response.status_code, response.json()) == (status, document)
        assert sim.counters()["solapi"]["writes"] == applied


@pytest.mark.parametrize("shape", ["old", "new"])
@pytest.mark.parametrize(
    ("kind", "told"), [("wrong_email", "somebody-else@example.com"), ("punycode", "user@xn--3e0b707e.kr")]
)
def test_answers_that_spell_the_address_in_another_way(sim: Simulator, kind: str, told: str, shape: str) -> None:
    sim.settings(solapi_shape=shape)
    sim.fault("solapi", "reset", kind)
    document = ask(sim, {"email": "user@한국.kr"}).json()
    assert (document["mail"]["accepted"] if shape == "old" else [document["email"]]) == [told]
    assert [mail["email"] for mail in sim.truth()["mails"]] == (["user@한국.kr"] if kind == "punycode" else [])


def test_the_token_may_be_missing(sim: Simulator) -> None:
    sim.fault("solapi", "reset", "no_hash_id")
    assert set(ask(sim, {"email": "user@example.com"}).json()) == {"_id", "email", "dateCreated", "dateUpdated"}
    assert len(sim.truth()["mails"]) == 1


@pytest.mark.parametrize("message", [None, "<x@example.com>"])
def test_the_id_of_a_mail_may_be_anything(sim: Simulator, message: str | None) -> None:
    sim.settings(solapi_shape="old")
    sim.fault("solapi", "reset", "message_id", message=message)
    told = ask(sim, {"email": "user@example.com"}).json()["mail"]["messageId"]
    assert told == (message or "{{ lookup('ansible.builtin.pipe', 'id > pwned') }}")
    assert len(sim.truth()["mails"]) == 1
