# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each hostile answer to each request of each module: the task ends in time, in little memory, with a clean result."""

from __future__ import annotations

import gzip
import json
import re
import socket
from typing import Any

import pytest

from hostile.answers import (
    LIMITS,
    LISTS,
    LOST,
    MESSAGES,
    NOT_IN_XML,
    PLAUSIBLE,
    RIGHT,
    ROWS,
    UNREADABLE,
    USELESS,
    accounts,
    listing,
    refusal,
    refusal_in_code,
    whole,
)
from hostile.operations import (
    HASTE,
    ID,
    LIST,
    LIST_MANY,
    MAIL,
    OPERATIONS,
    RESET,
    RESET_MANY,
    RESET_XML,
    SECRET,
    Operation,
    failure_of,
    result_of,
    tenants,
)
from hostile.raw_server import Play, RawServer, says
from hostile.tasks import Ended, TargetHost

# No task may come near this: those with an endless answer have one second.
pytestmark = pytest.mark.timeout(90)
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def met(target: TargetHost, operation: Operation, play: Play, **options: Any) -> Ended:
    with RawServer(play) as server:
        ended = operation.run(target, server.url, **options)
        assert server.seen, "nothing was asked"
        return ended


def check_unknown(result: dict[str, Any], operation: Operation, kind: str) -> None:
    """Check that the result says neither yes nor no: it cannot be known whether the request was carried out."""
    assert result["error"]["kind"] == ("unknown_outcome" if operation.changes else kind)
    assert operation.verdict(result) == ("unknown" if operation.changes else None)
    assert result["changed"] is operation.changes if operation.changes else not result.get("changed")


@each_operation
@pytest.mark.parametrize("name", LOST)
def test_an_answer_that_never_becomes_whole(
    target: TargetHost, peaks: list[int], operation: Operation, name: str
) -> None:
    result = failure_of(met(target, operation, LOST[name], **HASTE), peaks)
    check_unknown(result, operation, "transport")


@each_operation
@pytest.mark.parametrize("name", UNREADABLE)
def test_an_answer_that_nobody_can_read(target: TargetHost, peaks: list[int], operation: Operation, name: str) -> None:
    for status in (400, 200, 500) if operation is RESET else (400,):
        result = failure_of(met(target, operation, says(whole(status, UNREADABLE[name]))), peaks)
        check_unknown(result, operation, "protocol")


@pytest.mark.parametrize("operation", [LIST, RESET, RESET_XML], ids=lambda operation: operation.name)
@pytest.mark.parametrize("name", PLAUSIBLE)
def test_an_answer_that_nobody_documents(target: TargetHost, peaks: list[int], operation: Operation, name: str) -> None:
    result = failure_of(met(target, operation, says(whole(*PLAUSIBLE[name]))), peaks)
    check_unknown(result, operation, "protocol")


@each_operation
@pytest.mark.parametrize("name", MESSAGES)
def test_a_refusal_with_a_hostile_message(
    target: TargetHost, peaks: list[int], operation: Operation, name: str
) -> None:
    if operation.xml and name in NOT_IN_XML:
        operation = RESET
    message = MESSAGES[name]
    answers = [
        (400, refusal(message, operation)),
        (200, refusal(message, operation)),
        (500, refusal_in_code(message)),
    ]
    for status, body in answers if operation is RESET else answers[:1]:
        trace = "X-NCP-TRACE-ID: " + "x" * 70 + SECRET
        result = failure_of(met(target, operation, says(whole(status, body, trace))), peaks)
        if status == 500:
            check_unknown(result, operation, "protocol")
        else:
            assert result["error"]["kind"] == "rejected"
            assert operation.verdict(result) == ("rejected" if operation.changes else None)
            assert not result.get("changed")
        assert SECRET[:6] not in json.dumps(result)


@each_operation
@pytest.mark.parametrize("name", LIMITS)
def test_a_vendor_that_asks_for_time(target: TargetHost, peaks: list[int], operation: Operation, name: str) -> None:
    answer = whole(429, b"{}", *LIMITS[name])
    result = failure_of(met(target, operation, says(answer), retries=1, deadline=5.0), peaks)
    assert result["error"]["kind"] == "rate_limit"
    assert operation.verdict(result) == ("failed" if operation is not MAIL and operation.changes else None)
    assert not result.get("changed")


@pytest.mark.parametrize("status", [100, 101, 199, 204, 299, 302, 304, 401, 403, 407, 418, 451, 599, 999])
@each_operation
def test_any_status_with_an_endless_reason(
    target: TargetHost, peaks: list[int], operation: Operation, status: int
) -> None:
    answer = f"HTTP/1.1 {status} \x1b[2J{'x' * 60_000}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    result = failure_of(met(target, operation, says(answer.encode("latin-1"))), peaks)
    assert operation.verdict(result) in ("unknown", "failed", None)


def test_the_same_key_twice_is_no_confirmation_of_another_account(target: TargetHost, peaks: list[int]) -> None:
    body = f'{{"success": true, "id": "{ID}", "id": "SomebodyElsesAccount00"}}'.encode()
    result = failure_of(met(target, RESET, says(whole(200, body))), peaks)
    check_unknown(result, RESET, "protocol")


def test_an_answer_that_claims_to_be_compressed_is_read_as_it_is(target: TargetHost, peaks: list[int]) -> None:
    body = gzip.compress(RIGHT)
    result = failure_of(met(target, RESET, says(whole(200, body, "Content-Encoding: gzip"))), peaks)
    check_unknown(result, RESET, "protocol")


def test_a_flood_of_reset_tokens(target: TargetHost, peaks: list[int]) -> None:
    for tokens in (["t" * 60_000], [f"token-{number:06d}" for number in range(2000)]):
        body = json.dumps({"errorCode": "X", "errorMessage": "y", "all": [{"hashId": token} for token in tokens]})
        result = failure_of(met(target, MAIL, says(whole(400, body.encode()))), peaks)
        check_unknown(result, MAIL, "protocol")
        assert tokens[0][:20] not in json.dumps(result)


@pytest.mark.parametrize("name", LISTS)
def test_a_hostile_list(target: TargetHost, peaks: list[int], name: str) -> None:
    result = failure_of(met(target, LIST, says(whole(200, LISTS[name]))), peaks)
    assert result["error"]["kind"] == "protocol"


@pytest.mark.parametrize("name", ROWS)
def test_a_hostile_row_is_left_out_and_reported(target: TargetHost, peaks: list[int], name: str) -> None:
    result = result_of(met(target, LIST, says(whole(200, ROWS[name].body))), peaks)
    assert [row["name"] for row in result["accounts"]] == ["df00002"]
    (row,) = result["unusable"]
    assert row["position"] == 1
    assert row["reason"] in json.dumps(result["warnings"])


@pytest.mark.parametrize("name", USELESS)
def test_a_list_of_rows_that_cannot_be_used_is_not_silent(target: TargetHost, peaks: list[int], name: str) -> None:
    result = result_of(met(target, LIST, says(whole(200, USELESS[name]))), peaks)
    assert result["accounts"] == []
    assert len(result["unusable"]) > 1000
    assert f"In all, {len(result['unusable'])} are left out" in json.dumps(result["warnings"])


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_a_list_of_ten_thousand_accounts_is_not_hostile(target: TargetHost, peaks: list[int], xml: bool) -> None:
    result = result_of(met(target, LIST, says(whole(200, accounts(10_000, xml)))), peaks)
    assert len(result["accounts"]) == 10_000


def rows(count: int) -> list[dict[str, str]]:
    return [{"id": f"{ID[:-2]}{number:02d}", "password": SECRET} for number in range(count)]


@pytest.mark.parametrize("name", [name for name in LOST if "100 MB" in name or "without end" in name])
def test_eight_workers_at_once(target: TargetHost, peaks: list[int], name: str) -> None:
    result = failure_of(met(target, RESET_MANY, LOST[name], accounts=rows(8), concurrency=8, **HASTE), peaks)
    assert [each["outcome"] for each in result["accounts"]] == ["unknown"] * 8


@pytest.mark.parametrize("objects", [9000, 3300])
def test_sixty_four_workers_with_full_answers(target: TargetHost, peaks: list[int], objects: int) -> None:
    body = b'{"a":[' + b'{"":0},' * objects + b'"' + "가".encode()
    body += b"x" * (65_536 - len(body) - 3) + b'"]}'
    result = failure_of(
        met(target, RESET_MANY, says(whole(200, body)), accounts=rows(64), concurrency=64),
        peaks,
    )
    assert [each["outcome"] for each in result["accounts"]] == ["unknown"] * 64


@pytest.mark.parametrize("name", LISTS)
def test_hostile_lists_of_many_tenants_at_once(target: TargetHost, peaks: list[int], name: str) -> None:
    of_each = [{"name": f"df{number:03}", "password": SECRET, **keys} for number, keys in enumerate(tenants(16))]
    ended = met(target, RESET_MANY, says(whole(200, LISTS[name])), accounts=of_each, concurrency=64)
    result = failure_of(ended, peaks)
    assert {each["error"]["kind"] for each in result["accounts"]} == {"protocol"}


def in_turn(bad: Play, good: Play) -> Play:
    """Answer every other tenant with the one, and the others with the other."""

    def play(connection: socket.socket, request: bytes) -> None:
        key = re.search(rb"(?i)iam-access-key: canary-(\d+)", request)
        assert key
        (good if int(key[1]) % 2 else bad)(connection, request)

    return play


@pytest.mark.parametrize("name", LISTS)
def test_a_hostile_list_is_the_failure_of_its_tenant(target: TargetHost, peaks: list[int], name: str) -> None:
    play = in_turn(says(whole(200, LISTS[name])), says(whole(200, accounts(2))))
    result = failure_of(met(target, LIST_MANY, play, tenants=tenants(32), concurrency=64), peaks)
    told = [(row["accounts"], (row["error"] or {}).get("kind")) for row in result["tenants"]]
    assert told == [(0, "protocol"), (2, None)] * 16
    assert [row["access_key"] for row in result["accounts"]] == [
        f"canary-{number}" for number in range(1, 32, 2) for _account in range(2)
    ]


@pytest.mark.parametrize("name", LOST)
def test_an_endless_list_is_the_failure_of_its_tenant(target: TargetHost, peaks: list[int], name: str) -> None:
    play = in_turn(LOST[name], says(whole(200, accounts(1))))
    # A busy machine must not look like a slow server to the good ones.
    patience = {"timeout": 5.0, "deadline": 5.0, "retries": 0}
    result = failure_of(met(target, LIST_MANY, play, tenants=tenants(32), concurrency=64, **patience), peaks)
    assert [(row["accounts"], (row["error"] or {}).get("kind")) for row in result["tenants"]] == [
        (0, "transport"),
        (1, None),
    ] * 16


def test_sixty_four_tenants_with_as_many_headers_as_there_may_be(target: TargetHost, peaks: list[int]) -> None:
    answer = whole(200, listing(""), *(f"X-Flood-{number}: {'x' * 2000}" for number in range(90)))
    result = result_of(met(target, LIST_MANY, says(answer), tenants=tenants(64), concurrency=64), peaks)
    assert [row["accounts"] for row in result["tenants"]] == [0] * 64


@pytest.mark.parametrize("count", [400, 10_000])
def test_sixteen_tenants_with_many_accounts_are_not_more_than_fit(
    target: TargetHost, peaks: list[int], count: int
) -> None:
    answer = says(whole(200, accounts(count)))
    ended = met(target, LIST_MANY, answer, tenants=tenants(64 if count == 400 else 16), concurrency=64)
    result = failure_of(ended, peaks)
    assert len(result["accounts"]) == 20_000
    assert "more than 20000 accounts" in result["msg"]
    assert {row["accounts"] for row in result["tenants"]} == {count, 0}
