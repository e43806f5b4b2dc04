# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator's own verification against published and recomputed known answers."""

from __future__ import annotations

import string
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.simulator.signatures import (
    INVALID,
    MISSING,
    NCP_ACCESS_KEY,
    NCP_SIGNATURE,
    NCP_TIMESTAMP,
    NcpDenied,
    SolapiDenied,
    SolapiKey,
    ncp_signature,
    parse_authorization,
    parse_date,
    solapi_signature,
    verify_ncp,
    verify_solapi,
)

KAT = ("NCPKATACCESSKEY00001", "NCP-KAT-secret-key-000000000000000000000")


@pytest.mark.parametrize(
    ("method", "target", "timestamp", "keys", "signature"),
    [
        (
            "GET",
            "/vserver/v2/getServerInstanceList?responseFormatType=json",
            "1234567890123",
            ("TestAccessKey", "TestSecretKey"),
            "FPsYYX8fuMAgi+cue3eACOW0dNtIwu1LYWfg/megA2M=",
        ),
        (
            "POST",
            "/vserver/v2/createServerInstances?regionCode=KR",
            "1700000000000",
            ("AK_TEST", "SK_TEST"),
            "xBcE26XFU55BMjppdPT7ZY3oDrqoOedfPyAn3Cq4lUw=",
        ),
        (
            "POST",
            "/api/v2/accounts/resetPassword",
            "1505290625682",
            KAT,
            "V4OrNSK6zFTjtDFalNg9YT9z6jGdr4d7CIo6z5buoAc=",
        ),
        ("POST", "/api/v2/accounts/getList", "1505290625682", KAT, "y06ZJFgBYZyq8j1okG2yZP2x70fkVRxthVjEsvfjeqw="),
        (
            "GET",
            "/photos/puppy.jpg?query1=&query2",
            "1505290625682",
            KAT,
            "bihZio8Dgj7X0GiI452dXbApoewhGQ+I991baa8UL3A=",
        ),
    ],
)
def test_ncp_known_answers(method: str, target: str, timestamp: str, keys: tuple[str, str], signature: str) -> None:
    access_key, secret_key = keys
    assert ncp_signature(secret_key, access_key, method, target, timestamp) == signature
    headers = {NCP_TIMESTAMP: timestamp, NCP_ACCESS_KEY: access_key, NCP_SIGNATURE: signature}
    now = int(timestamp) / 1000
    assert verify_ncp(headers, method, target, {access_key: secret_key}, now, 300) == access_key


def ncp_headers(timestamp: str = "1700000000000") -> dict[str, str]:
    signature = ncp_signature("secret", "key", "POST", "/p", timestamp)
    return {NCP_TIMESTAMP: timestamp, NCP_ACCESS_KEY: "key", NCP_SIGNATURE: signature}


@pytest.mark.parametrize(
    ("change", "details"),
    [
        ({NCP_TIMESTAMP: ""}, MISSING),
        ({NCP_ACCESS_KEY: ""}, MISSING),
        ({NCP_SIGNATURE: ""}, MISSING),
        ({NCP_ACCESS_KEY: "other"}, INVALID),
        ({NCP_SIGNATURE: "AAAA"}, INVALID),
        ({NCP_SIGNATURE: "\udce9"}, INVALID),
        ({NCP_TIMESTAMP: "1700000000"}, INVALID),
        ({NCP_TIMESTAMP: "now"}, INVALID),
        ({NCP_TIMESTAMP: "1700000000001"}, INVALID),
    ],
)
def test_ncp_refuses(change: dict[str, str], details: str) -> None:
    with pytest.raises(NcpDenied, match=details):
        verify_ncp({**ncp_headers(), **change}, "POST", "/p", {"key": "secret"}, 1700000000, 300)


@pytest.mark.parametrize(("off", "fine"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_ncp_skew(off: int, fine: bool) -> None:
    arguments = (ncp_headers(), "POST", "/p", {"key": "secret"}, 1700000000 + off, 300)
    if fine:
        assert verify_ncp(*arguments) == "key"
    else:
        with pytest.raises(NcpDenied, match=INVALID):
            verify_ncp(*arguments)


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0xFFF, exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(secret=TEXT, target=TEXT, other=TEXT)
def test_ncp_signs_secret_and_target(secret: str, target: str, other: str) -> None:
    signature = ncp_signature(secret, "key", "POST", target, "1")
    if other != target:
        assert ncp_signature(secret, "key", "POST", other, "1") != signature
    if other != secret:
        assert ncp_signature(other, "key", "POST", target, "1") != signature


# ------------------------------------------------------------------------------------------------------------ SOLAPI

DATE, SALT = "2025-09-14T12:34:56Z", "Abc123XYZ789abcdEFGHijklMNOPqr"
SHA256 = "69607016f2059c0bcb97954551ec3a03323ada290e6c98ed1d15b0f34d51b1a1"
MD5 = "d6316404c6290c2f5b60af1817871d71"
NOW = datetime.fromisoformat("2025-09-14T12:34:56+00:00").timestamp()
KEYS = {"testKey": SolapiKey("test", "testKey", "testSecret")}


def header(scheme: str = "HMAC-SHA256", date: str = DATE, salt: str = SALT, signature: str | None = None) -> str:
    signed = signature or solapi_signature("testSecret", date, salt)
    return f"{scheme} apiKey=testKey, date={date}, salt={salt}, signature={signed}"


@pytest.mark.parametrize(
    ("scheme", "digest", "signature"), [("HMAC-SHA256", "sha256", SHA256), ("HMAC-MD5", "md5", MD5)]
)
def test_solapi_known_answers(scheme: str, digest: str, signature: str) -> None:
    assert solapi_signature("testSecret", DATE, SALT, digest) == signature
    assert verify_solapi(header(scheme, signature=signature), KEYS, {}, NOW, 900, "127.0.0.1").name == "test"


def test_solapi_documented_header_is_understood() -> None:
    sample = (
        "HMAC-SHA256 apiKey=NCSAYU7YDBXYORXC, date=2019-07-01T00:41:48Z, salt=jqsba2jxjnrjor, "
        "signature=1779eac71a24cbeeadfa7263cb84b7ea0af1714f5c0270aa30ffd34600e363b4"
    )
    digest, given = parse_authorization(sample)
    assert digest == "sha256"
    assert given["apikey"] == "NCSAYU7YDBXYORXC"
    assert given["salt"] == "jqsba2jxjnrjor"


@pytest.mark.parametrize(
    "names", ["apiKey date salt signature", "ApiKey Date salt signature", "Apikey Date Salt Signature"]
)
def test_solapi_parameter_names_in_any_case(names: str) -> None:
    values = ("testKey", DATE, SALT, SHA256)
    pairs = ", ".join(f"{name}={value}" for name, value in zip(names.split(), values, strict=True))
    assert verify_solapi(f"hmac-sha256 {pairs}", KEYS, {}, NOW, 900, "127.0.0.1").name == "test"


@pytest.mark.parametrize(
    "date",
    [
        "2025-09-14T12:34:56Z",
        "2025-09-14T21:34:56+09:00",
        "2025-09-14T21:34:56.044908+09:00",
        "2025-09-14T21:34:56.123456789+09:00",
        "2025-09-14T21:34:56.123+0900",
        "2025-09-14T12:34:56.123Z",
        "2025-09-14T07:04:56-05:30",
        "2025-09-14 21:34:56",
    ],
)
def test_solapi_dates_of_official_clients(date: str) -> None:
    assert parse_date(date) == NOW
    assert verify_solapi(header(date=date), KEYS, {}, NOW, 900, "127.0.0.1").name == "test"


def test_solapi_date_without_seconds() -> None:
    assert parse_date("2025-09-14T21:34+09:00") == NOW - 56


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("bearer token", "Forbidden"),
        ("HMAC-SHA512 apiKey=testKey", "Forbidden"),
        ("HMAC-SHA256 apiKey=testKey", "ValidationError"),
        (header().replace("testKey", "nobody"), "InvalidAPIKey"),
        (header(signature="ab" * 32), "SignatureDoesNotMatch"),
        (header(signature=SHA256.upper()), "SignatureDoesNotMatch"),
        (header(date="yesterday"), "ValidationError"),
        (header(date="2025-13-14T12:34:56Z"), "ValidationError"),
        (header(salt="s" * 11), "ValidationError"),
        (header(salt="s" * 65), "ValidationError"),
        (header(salt="가" * 22), "ValidationError"),
    ],
)
def test_solapi_refuses(sent: str, code: str) -> None:
    with pytest.raises(SolapiDenied, match=code):
        verify_solapi(sent, KEYS, {}, NOW, 900, "127.0.0.1")


@pytest.mark.parametrize("salt", ["s" * 12, "s" * 64, "가" * 21])
def test_solapi_salt_may_be_12_to_64_bytes(salt: str) -> None:
    assert verify_solapi(header(salt=salt), KEYS, {}, NOW, 900, "127.0.0.1")


@pytest.mark.parametrize("off", [901, -901])
def test_solapi_skew(off: int) -> None:
    assert verify_solapi(header(), KEYS, {}, NOW + off * 0.99, 900, "127.0.0.1")
    with pytest.raises(SolapiDenied, match="RequestTimeTooSkewed"):
        verify_solapi(header(), KEYS, {}, NOW + off, 900, "127.0.0.1")


def test_solapi_signature_counts_once_within_the_window() -> None:
    seen: dict[str, float] = {}
    verify_solapi(header(), KEYS, seen, NOW, 900, "127.0.0.1")
    with pytest.raises(SolapiDenied, match="DuplicatedSignature"):
        verify_solapi(header(), KEYS, seen, NOW + 1, 900, "127.0.0.1")
    later = datetime.fromtimestamp(NOW + 1000, tz=None).astimezone().isoformat()
    verify_solapi(header(date=later), KEYS, seen, NOW + 1000, 900, "127.0.0.1")
    assert len(seen) == 1  # the old one is forgotten


def test_solapi_allow_list() -> None:
    keys = {"testKey": SolapiKey("test", "testKey", "testSecret", ("203.0.113.9",))}
    with pytest.raises(SolapiDenied, match="ForbiddenIP"):
        verify_solapi(header(), keys, {}, NOW, 900, "127.0.0.1")
    assert verify_solapi(header(), keys, {}, NOW, 900, "203.0.113.9")


@given(st.text(string.printable, max_size=200))
def test_solapi_any_header_is_answered(text: str) -> None:
    with pytest.raises(SolapiDenied):
        verify_solapi(text, KEYS, {}, NOW, 900, "127.0.0.1")
