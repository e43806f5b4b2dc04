# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signer against every known answer, and against the simulator's own code."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.signature import ncp_headers, ncp_signature
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.signature import (
    solapi_headers,
    solapi_signature,
)
from support.simulator import signatures

OUR_KEY, OUR_SECRET = "NCPKATACCESSKEY00001", "NCP-KAT-secret-key-000000000000000000000"

NCP_VECTORS = [
    # The first two are published with other people's signers. The others were computed with three independent ones.
    (
        "GET",
        "/vserver/v2/getServerInstanceList?responseFormatType=json",
        "1234567890123",
        "TestAccessKey",
        "TestSecretKey",
        "FPsYYX8fuMAgi+cue3eACOW0dNtIwu1LYWfg/megA2M=",
    ),
    (
        "POST",
        "/vserver/v2/createServerInstances?regionCode=KR",
        "1700000000000",
        "AK_TEST",
        "SK_TEST",
        "xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw=",
    ),
    (
        "POST",
        "/api/v2/accounts/resetPassword",
        "1505290625682",
        OUR_KEY,
        OUR_SECRET,
        "V4OrNSK6zFTjtDFalNg9YT9z6jGdr4d7CIo6z5buoAc=",
    ),
    (
        "POST",
        "/api/v2/accounts/getList",
        "1505290625682",
        OUR_KEY,
        OUR_SECRET,
        "y06ZJFgBYZyq8j1okG2yZP2x70fkVRxthVjEsvfjeqw=",
    ),
    (
        "GET",
        "/photos/puppy.jpg?query1=&query2",
        "1505290625682",
        OUR_KEY,
        OUR_SECRET,
        "bihZio8Dgj7X0GiI452dXbApoewhGQ+I991baa8UL3A=",
    ),
]

SOLAPI_DATE, SOLAPI_SALT = "2025-09-14T12:34:56Z", "Abc123XYZ789abcdEFGHijklMNOPqr"
SOLAPI_SIGNATURE = "69607016f2059c0bcb97954551ec3a03323ada290e6c98ed1d15b0f34d51b1a1"
SOLAPI_TIME = datetime(2025, 9, 14, 12, 34, 56, tzinfo=UTC).timestamp()

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(("method", "target", "timestamp", "key", "secret", "expected"), NCP_VECTORS)
def test_ncp_known_answers(method: str, target: str, timestamp: str, key: str, secret: str, expected: str) -> None:
    assert ncp_signature(method, target, timestamp, key, secret) == expected


@pytest.mark.parametrize("vector", NCP_VECTORS, ids=lambda vector: vector[1])
@pytest.mark.parametrize("part", range(5), ids=["method", "target", "timestamp", "key", "secret"])
def test_every_input_is_signed(vector: tuple[str, ...], part: int) -> None:
    inputs = list(vector[:5])
    inputs[part] += "1"
    assert ncp_signature(*inputs) != vector[5]


def test_ncp_headers_are_these_three_and_agree_with_each_other() -> None:
    headers = ncp_headers("POST", "/api/v2/accounts/getList", 1505290625.6825, OUR_KEY, OUR_SECRET)
    assert headers == {
        "x-ncp-apigw-timestamp": "1505290625682",
        "x-ncp-iam-access-key": OUR_KEY,
        "x-ncp-apigw-signature-v2": "y06ZJFgBYZyq8j1okG2yZP2x70fkVRxthVjEsvfjeqw=",
    }


@given(now=st.floats(0, 4e9), target=TEXT, key=TEXT, secret=TEXT)
def test_the_timestamp_is_in_milliseconds_and_the_one_that_is_signed(
    now: float, target: str, key: str, secret: str
) -> None:
    headers = ncp_headers("POST", target, now, key, secret)
    timestamp = headers["x-ncp-apigw-timestamp"]
    assert timestamp.isascii()
    assert timestamp.isdigit()
    assert math.isclose(int(timestamp), now * 1000, abs_tol=1.0)
    assert headers["x-ncp-apigw-signature-v2"] == ncp_signature("POST", target, timestamp, key, secret)


def test_solapi_known_answer() -> None:
    assert solapi_signature(SOLAPI_DATE, SOLAPI_SALT, "testSecret") == SOLAPI_SIGNATURE


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.999])
def test_solapi_header_known_answer(fraction: float) -> None:
    assert solapi_headers(SOLAPI_TIME + fraction, SOLAPI_SALT, "testKey", "testSecret") == {
        "Authorization": f"HMAC-SHA256 apiKey=testKey, date={SOLAPI_DATE}, salt={SOLAPI_SALT}, "
        f"signature={SOLAPI_SIGNATURE}"
    }


@pytest.mark.parametrize("salt", ["", "x" * 11, "x" * 65, "가" * 22, "가" * 3])
def test_a_salt_of_the_wrong_length_is_refused(salt: str) -> None:
    with pytest.raises(ValueError, match="12 to 64 bytes"):
        solapi_headers(SOLAPI_TIME, salt, "testKey", "testSecret")


@pytest.mark.parametrize("salt", ["x" * 12, "x" * 64, "가" * 4])
def test_a_salt_of_a_right_length_is_taken(salt: str) -> None:
    header = solapi_headers(SOLAPI_TIME, salt, "testKey", "testSecret")["Authorization"]
    assert f" salt={salt}, " in header


@given(method=TEXT, target=TEXT, timestamp=TEXT, key=TEXT, secret=TEXT)
def test_the_verifier_of_the_simulator_agrees_on_ncp(
    method: str, target: str, timestamp: str, key: str, secret: str
) -> None:
    theirs = signatures.ncp_signature(secret, key, method, target, timestamp)
    assert ncp_signature(method, target, timestamp, key, secret) == theirs


@given(
    now=st.integers(0, 4_000_000_000),
    salt=st.text("abcdefXYZ0189-_", min_size=12, max_size=64),
    secret=TEXT,
)
def test_the_verifier_of_the_simulator_accepts_our_solapi_header(now: int, salt: str, secret: str) -> None:
    header = solapi_headers(float(now), salt, "OURKEY", secret)["Authorization"]
    key = signatures.SolapiKey("ours", "OURKEY", secret)
    assert signatures.verify_solapi(header, {"OURKEY": key}, {}, float(now), 900.0, "127.0.0.1") == key
