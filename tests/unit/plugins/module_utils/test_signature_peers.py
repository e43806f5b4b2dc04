# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signer against packages of other people: they share no line with ours, nor with the simulator."""

from __future__ import annotations

import json
import os
import subprocess
from types import SimpleNamespace
from typing import TypedDict
from urllib.parse import urlencode

import pytest
from certbot_dns_navercloud.dns_navercloud import _NaverCloudClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ncloud_server.api_client import ApiClient
from solapi.lib.authenticator import Authenticator

from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.signature import ncp_signature
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.signature import (
    solapi_headers,
    solapi_signature,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE"])
PATHS = st.text("abcXYZ019/-._~%+!$&'()*,;=:@ 한글", max_size=40).map(lambda path: "/" + path)
QUERIES = st.lists(st.tuples(TEXT, TEXT), max_size=4)
TIMESTAMPS = st.integers(0, 4_000_000_000_000).map(str)


@given(METHODS, PATHS, QUERIES, TIMESTAMPS, TEXT, TEXT)
def test_ncloud_server(
    method: str, path: str, query: list[tuple[str, str]], timestamp: str, key: str, secret: str
) -> None:
    configuration = SimpleNamespace(host="https://ncloud.example/api/v2", access_key=key, secret_key=secret)
    peer = SimpleNamespace(configuration=configuration)
    theirs = ApiClient.make_signature(peer, method, path, query, timestamp).decode()
    # It joins the query as it is: the caller has encoded it, or not.
    target = f"/api/v2{path}" + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    assert ncp_signature(method, target, timestamp, key, secret) == theirs


@given(METHODS, PATHS, QUERIES, TIMESTAMPS, TEXT, TEXT)
def test_certbot_dns_navercloud(
    method: str, path: str, query: list[tuple[str, str]], timestamp: str, key: str, secret: str
) -> None:
    theirs = _NaverCloudClient(key, secret).make_signature(method, path, query, timestamp).decode()
    target = f"/dns/v1{path}" + (f"?{urlencode(query)}" if query else "")
    assert ncp_signature(method, target, timestamp, key, secret) == theirs


@given(TEXT, TEXT, TEXT)
def test_solapi(date: str, salt: str, secret: str) -> None:
    assert solapi_signature(date, salt, secret) == Authenticator.get_signature(secret, date + salt)


@given(st.integers(0, 4_000_000_000), st.text("abcXYZ019", min_size=12, max_size=64), TEXT, TEXT)
def test_the_whole_header_of_solapi(now: int, salt: str, key: str, secret: str) -> None:
    ours = solapi_headers(float(now), salt, key, secret)["Authorization"]
    date = ours.rpartition(", date=")[2].partition(", salt=")[0]
    peer = Authenticator(key, secret)
    peer.get_iso_datetime = lambda: date  # type: ignore[method-assign]
    peer.unique_id = lambda: salt  # type: ignore[method-assign]
    # Theirs differs in the case of two names, which the vendor does not mind.
    expected = peer.get_auth_info().replace("HMAC-SHA256 ApiKey=", "HMAC-SHA256 apiKey=", 1)
    assert ours == expected.replace(f"{key}, Date={date}", f"{key}, date={date}", 1)


class NodeInput(TypedDict):
    method: str
    url: str
    timestamp: str
    accessKey: str
    secretKey: str


INPUTS = st.fixed_dictionaries(
    {"method": METHODS, "url": PATHS | TEXT, "timestamp": TIMESTAMPS, "accessKey": TEXT, "secretKey": TEXT}
)

PROGRAM = """
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
const { generateSignature } = await import(pathToFileURL(process.argv[1]).href);
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(generateSignature)));
"""


@pytest.mark.npm_peer
@settings(max_examples=4, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.lists(INPUTS, min_size=50, max_size=100))
def test_ncloud_mcp_server(inputs: list[NodeInput]) -> None:
    signer = os.path.join(os.environ["KRCLOUD_NPM_PEERS"], "ncloud-mcp-server", "dist", "auth", "signature.js")
    run = subprocess.run(
        ["node", "--input-type=module", "--eval", PROGRAM, signer],
        check=True,
        capture_output=True,
        input=json.dumps(inputs),
        text=True,
    )
    theirs = json.loads(run.stdout)
    ours = [
        ncp_signature(given["method"], given["url"], given["timestamp"], given["accessKey"], given["secretKey"])
        for given in inputs
    ]
    assert ours == theirs
