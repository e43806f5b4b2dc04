# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the Secure Token Service, against scripts and against the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call import connection
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost, Response
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, redaction, times
from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import gateway, sts, tenants
from support.fakes import EPOCH, ScriptedTransport, Step, answer, caller
from support.simulator import Simulator

SECRET = "ncp_iam_the-long-lived-secret"
DEVICE, CODE = "0012-device", "012345"
PAIR = {
    "accessKey": "ncp_iam_NEW0000000000001",
    "keySecret": "ncp_iam_a-new-secret-key-0001",
    "createTime": times.time_text(EPOCH),
    "expireTime": times.time_text(EPOCH + 3600),
    "useMfa": False,
}


def client(transport: ScriptedTransport, retries: int = 0) -> sts.Sts:
    key = Credentials("ncp_iam_OLD", SECRET, "the option access_key")
    return sts.Sts(gateway.Gateway(caller(transport, retries=retries), key, redaction.Redactor([SECRET])))


def create(*script: Step, retries: int = 0, **wish: Any) -> sts.Pair:
    with ScriptedTransport(*script) as transport:
        return client(transport, retries).create(sts.Wish(**{"seconds": 3600, **wish}))


def refusal(*script: Step, **wish: Any) -> errors.KrcloudError:
    with pytest.raises(errors.KrcloudError) as caught:
        create(*script, **wish)
    for secret in (SECRET, PAIR["keySecret"], CODE):
        assert str(secret) not in caught.value.sentence()
    return caught.value


def said(**changes: Any) -> Response:
    """The documented answer with some of its fields changed, or left out."""
    return answer(200, {name: value for name, value in {**PAIR, **changes}.items() if value is not ...})


# ------------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h", 3600), ("10m", 600), ("600", 600), ("12h", 43200), (" 43200 ", 43200), ("1h30m", 5400)],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text: str, seconds: int) -> None:
    assert sts.wish(text, None, None) == sts.Wish(seconds)


@pytest.mark.parametrize("text", ["599", "9m", "12h1s", "43201", "0", "1d", "9" * 13])
def test_a_duration_that_sts_refuses_is_not_sent(text: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"^duration is not valid: it must be "):
        sts.wish(text, None, None)


@pytest.mark.parametrize("text", ["", "1 h", "-600", "1.5h", "an hour"])
def test_a_duration_that_nobody_can_read_is_not_quoted(text: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"with a unit \(w, d, h, m or s\)|from 10m to 12h") as caught:
        sts.wish(text, None, None)
    assert not text or text not in caught.value.sentence()


@pytest.mark.parametrize(("given", "missing"), [("serial_number", "token_code"), ("token_code", "serial_number")])
@pytest.mark.parametrize("empty", [None, ""])
def test_device_and_code_need_each_other(given: str, missing: str, empty: str | None) -> None:
    options = {"serial_number": empty, "token_code": empty, given: CODE}
    with pytest.raises(errors.ConfigurationError, match=f"{given} has a value, but {missing} has none."):
        sts.wish("1h", **options)


def test_empty_texts_are_not_given() -> None:
    assert sts.wish("1h", "", "") == sts.Wish(3600)


@pytest.mark.parametrize("code", ["12345", "12345678901", "12345a", "123 456", "\u0661" * 6])
def test_a_code_is_digits_and_is_not_quoted(code: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="token_code is not valid") as caught:
        sts.wish("1h", DEVICE, code)
    assert code not in caught.value.sentence()


def test_a_device_is_one_line() -> None:
    with pytest.raises(errors.ConfigurationError, match="serial_number from the task is not valid"):
        sts.wish("1h", f"{DEVICE}\n", CODE)


# ------------------------------------------------------------------------------------------------------------- request


@pytest.mark.parametrize(
    ("wish", "body"),
    [
        (sts.Wish(600), {"durationSec": 600}),
        (sts.Wish(600, DEVICE, "123456"), {"durationSec": 600, "serialNumber": DEVICE, "tokenCode": 123456}),
        # As a number, it would lose its first digit.
        (sts.Wish(600, DEVICE, CODE), {"durationSec": 600, "serialNumber": DEVICE, "tokenCode": CODE}),
    ],
)
def test_the_request_is_the_documented_one(wish: sts.Wish, body: dict[str, Any]) -> None:
    with ScriptedTransport(said(useMfa=wish.token_code is not None)) as transport:
        client(transport).create(wish)
        assert transport.documents == [body]
        (request,) = transport.requests
    assert (request.method, request.url.partition("//")[2].partition("/")[2]) == ("POST", "api/v1/credentials")


def test_a_lost_answer_is_asked_for_again() -> None:
    assert create(AnswerLost("it was cut off"), said(), retries=1).access_key == PAIR["accessKey"]
    assert refusal(AnswerLost("it was cut off")).kind == "transport"


# -------------------------------------------------------------------------------------------------------------- answer


def test_the_documented_answer() -> None:
    pair = create(said())
    assert pair == (PAIR["accessKey"], PAIR["keySecret"], EPOCH, EPOCH + 3600, False, ())
    assert pair.result() == {
        "access_key": PAIR["accessKey"],
        "created_at": "2023-11-14T22:13:20Z",
        "expires_at": "2023-11-14T23:13:20Z",
        "duration": 3600,
        "mfa": False,
    }


@pytest.mark.parametrize("missing", ["accessKey", "keySecret"])
@pytest.mark.parametrize("value", [..., None, 7, ["x"], {}])
def test_without_both_keys_there_are_none(missing: str, value: Any) -> None:
    error = refusal(said(**{missing: value}))
    assert error.kind == "protocol"
    assert error.message == "NAVER Cloud answered without saying whether it succeeded (HTTP 200)."


@pytest.mark.parametrize("name", ["accessKey", "keySecret"])
@pytest.mark.parametrize(
    "key", ["", "short", "has a blank", "line\nbreak-in-it", "ncp_iam_키키키키", 'quo"ted-key', "k" * 201, "{{ 1+1 }}"]
)
def test_odd_keys_are_not_used_and_not_quoted(name: str, key: str) -> None:
    error = refusal(said(**{name: key}))
    assert error.message == "NAVER Cloud sent keys that are not valid."
    assert error.hint == "Run the task again, and check api_url if that does not help."


@pytest.mark.parametrize("name", ["accessKey", "keySecret"])
@pytest.mark.parametrize("key", [SECRET, f"x{SECRET}", SECRET[::-1]])
def test_the_long_lived_secret_never_comes_back_as_a_new_key(name: str, key: str) -> None:
    assert refusal(said(**{name: key})).message == "NAVER Cloud sent a secret of the task back instead of new keys."


@pytest.mark.parametrize("after", [0, -1, -86400])
def test_expired_keys_are_not_used(after: int) -> None:
    error = refusal(said(expireTime=times.time_text(EPOCH + after)))
    assert error.message == f"NAVER Cloud sent keys that expired at {times.time_text(EPOCH + after)}."


@pytest.mark.parametrize(
    "value", [..., None, "", "soon", "\x1b[2J", 1_700_003_600, "2023-11-14T23:13:20", "2023-02-30"]
)
def test_keys_of_unknown_expiry_are_used_with_a_doubt(value: Any) -> None:
    pair = create(said(expireTime=value))
    assert (pair.expires_at, pair.result()["duration"]) == (None, None)
    assert pair.doubts == ("NAVER Cloud did not say when the new keys expire, or not in the documented form.",)


@pytest.mark.parametrize(
    ("changes", "lifetime"),
    [
        ({"expireTime": times.time_text(EPOCH + 600)}, 600),
        ({"expireTime": times.time_text(EPOCH + 7200)}, 7200),
        # By our own clock, which may be wrong by some minutes.
        ({"createTime": ..., "expireTime": times.time_text(EPOCH + 3000)}, 3000),
    ],
)
def test_another_lifetime_than_asked_for_is_a_doubt(changes: dict[str, Any], lifetime: int) -> None:
    pair = create(said(**changes))
    until = times.time_text(EPOCH + lifetime)
    assert pair.doubts == (f"The new keys are valid for {lifetime} s, until {until}, and not for 3600 s as asked.",)


@pytest.mark.parametrize(
    "changes",
    [
        {"createTime": ..., "expireTime": times.time_text(EPOCH + 3400)},
        {"createTime": "2023-11-15T07:13:20+09:00", "expireTime": "2023-11-15T08:13:20.123+0900"},
        {"useMfa": ...},
    ],
)
def test_what_is_no_doubt(changes: dict[str, Any]) -> None:
    assert create(said(**changes)).doubts == ()


def test_a_second_factor_that_did_not_count_is_a_doubt() -> None:
    factor = {"serial_number": DEVICE, "token_code": CODE}
    assert create(said(useMfa=True), **factor).doubts == ()
    (doubt,) = create(said(useMfa="false"), **factor).doubts
    assert doubt == "NAVER Cloud made the new keys without a second factor, although token_code was given."


# ------------------------------------------------------------------------------------------------------------ refusals

SUB_ACCOUNT = "STS makes keys only for sub accounts: use the keys of one, not those of a main account."


def refused(status: int, message: str = "no", code: object = None) -> Response:
    return answer(status, {"error": {"errorCode": code or status, "message": message}})


@pytest.mark.parametrize(
    ("response", "kind", "says"),
    [
        (
            refused(401, code=200),
            "authentication",
            "refused the credentials from the option access_key (HTTP 401, code",
        ),
        (refused(403), "authentication", "(HTTP 403, code 403): no. The key is known, but lacks a permission."),
        (
            refused(404),
            "authentication",
            "(HTTP 404, code 404): no. Check that the access key and the secret key belong",
        ),
        (
            refused(422, "sub accounts only"),
            "rejected",
            "rejected the request (HTTP 422, code 422): sub accounts only.",
        ),
    ],
)
def test_a_refusal_names_cause_place_and_remedy(response: Response, kind: str, says: str) -> None:
    error = refusal(response)
    assert error.kind == kind
    assert says in error.sentence()
    assert error.sentence().endswith(SUB_ACCOUNT)
    assert "token_code" not in error.sentence()


def test_a_path_that_the_gateway_does_not_know_is_not_about_the_keys() -> None:
    error = refusal(refused(404, code=300))
    assert (error.kind, error.message) == (
        "not_found",
        "NAVER Cloud does not know the path of the request (HTTP 404, code 300): no.",
    )


def test_a_refused_code_says_to_give_a_new_one() -> None:
    error = refusal(refused(401, f"invalid MFA one time pass code {CODE}"), serial_number=DEVICE, token_code=CODE)
    assert "invalid MFA one time pass code ********." in error.message
    assert "A token code counts once, and for a short time: give a new token_code" in str(error.hint)


def test_a_clock_that_is_wrong_is_still_named() -> None:
    error = refusal(answer(401, {"error": {"errorCode": "200"}}, date="Tue, 14 Nov 2023 23:00:00 GMT"))
    assert "clock" in str(error.hint)


# ----------------------------------------------------------------------------------------------------------- simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def asked(simulator: Simulator, wish: sts.Wish) -> sts.Pair:
    options = {
        **{"api_url": simulator.ncp_url, "access_key": simulator.access_key, "secret_key": simulator.secret_key},
        **{"profile": None, "config_file": "", "validate_certs": True, "ca_path": None},
        **{"timeout": 10.0, "retries": 1, "deadline": 30.0},
    }
    service = tenants.gateways(options, connection.open_caller(options, print), redaction.Redactor())(tenants.TASK)
    return sts.Sts(service).create(wish)


def test_the_simulator_agrees(simulator: Simulator) -> None:
    simulator.tenant("default", otp_device=DEVICE, otp_code=CODE)
    for wish, mfa in ((sts.Wish(600), False), (sts.Wish(43200, DEVICE, CODE), True)):
        pair = asked(simulator, wish)
        kept = simulator.truth()["short_lived_keys"][-1]
        assert (kept["access_key"], kept["secret_key"]) == (pair.access_key, pair.secret_key)
        assert (pair.result()["duration"], pair.mfa, pair.doubts) == (wish.seconds, mfa, ())
    with pytest.raises(errors.AuthenticationError, match="one time pass code"):
        asked(simulator, sts.Wish(600, DEVICE, CODE))
    simulator.tenant("default", main_account=True)
    with pytest.raises(errors.AuthenticationError, match="HTTP 403"):
        asked(simulator, sts.Wish(600))


def test_a_pair_whose_answer_is_lost_is_left_to_expire(simulator: Simulator) -> None:
    simulator.fault(vendor="ncp", operation="createCredentials", kind="drop", at="after")
    pair = asked(simulator, sts.Wish(600))
    lost, kept = simulator.truth()["short_lived_keys"]
    assert lost["access_key"] != kept["access_key"] == pair.access_key
