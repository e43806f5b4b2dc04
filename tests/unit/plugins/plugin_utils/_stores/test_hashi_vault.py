# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can break only with a server: answers that are lost, logins, mounts, versions, TLS, restarts."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import opened_store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Pending,
    Previous,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import (
    MOST_FLIGHTS,
    MOST_OPEN,
    MOST_OPEN_IN_ALL,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import (
    MOST_CANDIDATES,
    MOST_PREVIOUS,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import hashi_login
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    Change,
    Conflict,
    Store,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.kv2 import LARGEST_ANSWER, HashiVaultStore
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import complete_options
from support.fakes import FakeClock
from support.stores.benches import POLICY, HashiVaultBench, get, load, put, said
from support.stores.fault_proxy import (
    CUT_ANSWER,
    DENY_ANSWER,
    DROP_ANSWER,
    DROP_REQUEST,
    HANG,
    PASS,
    FaultProxy,
    Reply,
    Seen,
)
from support.stores.openbao import DurableOpenBao, OpenBao

CANARY = "Kanarienvogel-비밀-8c1f!Zq"
OLD = {"password": f"{CANARY}-old"}
NEW = {"password": f"{CANARY}-new"}
THIRD = {"password": f"{CANARY}-third"}


@pytest.fixture
def proxy(openbao: OpenBao) -> Iterator[FaultProxy]:
    with FaultProxy(openbao.port).running() as proxy:
        yield proxy


class NoWaiting(FakeClock):
    """The real time, which the wire uses, plus the sleeps, which take no time."""

    def time(self) -> float:
        return time.time() + self.passed

    def monotonic(self) -> float:
        return time.monotonic() + self.passed


def store_on(hashi: HashiVaultBench, url: str, clock: FakeClock | None = None, **options: Any) -> Store:
    """A store at this address that does not wait between its attempts."""
    settings = {"url": url, "token": hashi.token, "secret_path": hashi.folder, **options}
    _kind, complete = complete_options({"type": "hashi_vault", **settings}, {})
    return HashiVaultStore(complete, clock=clock or NoWaiting(), backoff=lambda attempt: 0.0)


def on_writes(*actions: str | Reply) -> Callable[[Seen], str | Reply]:
    """Spoil the first writes, in this order."""
    return lambda seen: actions[seen.write] if seen.write is not None and seen.write < len(actions) else PASS


def versions(hashi: HashiVaultBench, name: str) -> int:
    return int(hashi.server.do("GET", f"secret/metadata/{hashi.folder}/{name}")["data"]["current_version"])


def failing(action: Callable[[], object], *secrets: str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        action()
    for secret in (CANARY, "비밀", *secrets):
        assert secret not in caught.value.sentence()
    return caught.value


def reading(store: Store) -> Callable[[], object]:
    return lambda: load(store, ["kim"])


def readings(store: Store) -> tuple[Callable[[], object], Callable[[], object]]:
    return reading(store), lambda: store.check_save(["kim"])


# --------------------------------------------------------------------------------------------------------- consumers


def test_a_consumer_reads_the_password_as_a_field_of_the_secret(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD)
    answer = hashi.server.do("GET", f"secret/data/{hashi.folder}/kim")
    assert answer["data"]["data"]["password"] == OLD["password"]


def test_revisions_are_versions(hashi: HashiVaultBench) -> None:
    store = hashi.open()
    assert put(store, kim=OLD) == {"kim": "1"}
    assert store.save({"kim": Change(NEW, "1")}) == {"kim": "2"}


def test_a_revision_of_another_store_is_refused(hashi: HashiVaultBench) -> None:
    for revision in ("a8f0", "", "-1", "1.0", "\uff11"):
        assert (
            "is not one of the store" in failing(lambda r=revision: hashi.open().save({"kim": Change(NEW, r)})).message
        )


def test_folders_below_are_not_documents(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD)
    put(hashi.open(secret_path=f"{hashi.folder}/below"), lee=OLD)
    assert hashi.names() == ["kim"]


# ------------------------------------------------------------------------------------------------------- lost answers


@pytest.mark.parametrize(
    "fault", [DROP_REQUEST, DROP_ANSWER, CUT_ANSWER, DENY_ANSWER, Reply(502, b"<html>Bad gateway"), Reply(500)]
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_write_whose_answer_was_lost_is_settled_and_made_once(
    hashi: HashiVaultBench, proxy: FaultProxy, fault: str | Reply, times: int
) -> None:
    put(hashi.open(), kim=OLD)
    proxy.rule = on_writes(*[fault] * times)
    store = store_on(hashi, proxy.url)
    assert store.save({"kim": Change(NEW, "1"), "lee": Change(NEW, None)}) == {"kim": "2", "lee": "1"}
    assert {name: stored.document for name, stored in load(hashi.open(), ["kim", "lee"]).items()} == {
        "kim": NEW,
        "lee": NEW,
    }
    assert (versions(hashi, "kim"), versions(hashi, "lee")) == (2, 1)


def test_a_write_that_is_done_and_never_answered_is_settled(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    proxy.rule = on_writes(HANG)
    assert store_on(hashi, proxy.url, timeout=0.3).save({"kim": Change(NEW, None)}) == {"kim": "1"}
    assert versions(hashi, "kim") == 1


def test_mine_is_mine_even_if_somebody_has_built_on_it_since(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    def rule(seen: Seen) -> str:
        if seen.write == 1:
            assert hashi.open().save({"kim": Change(THIRD, "1")}) == {"kim": "2"}
        return DROP_ANSWER if seen.write == 0 else PASS

    proxy.rule = rule
    assert store_on(hashi, proxy.url).save({"kim": Change(NEW, None)}) == {"kim": "1"}
    assert get(hashi.open(), "kim").document == THIRD


def test_a_lost_request_that_somebody_overtook_is_a_conflict(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    def rule(seen: Seen) -> str:
        if seen.write == 1:
            put(hashi.open(), kim=THIRD)
        return DROP_REQUEST if seen.write == 0 else PASS

    proxy.rule = rule
    assert store_on(hashi, proxy.url).save({"kim": Change(NEW, None)}) == {"kim": Conflict()}
    assert get(hashi.open(), "kim").document == THIRD


@pytest.mark.parametrize("done", [True, False])
def test_what_cannot_be_settled_is_called_unknown(hashi: HashiVaultBench, proxy: FaultProxy, done: bool) -> None:
    proxy.rule = on_writes(*[DROP_ANSWER if done else DROP_REQUEST] + [DROP_REQUEST] * 9)
    error = failing(lambda: store_on(hashi, proxy.url, retries=2).save({"kim": Change(NEW, None)}), hashi.token)
    assert error.unknown == {"kim"}
    assert error.sentence() == (
        f"It is not known whether kim was saved. The store {proxy.url} gave no whole answer: "
        "the connection was closed before the answer was complete. Gave up after 3 attempts. "
        "Run again when the server answers."
    )
    assert hashi.names() == (["kim"] if done else [])


def test_a_repeat_that_is_refused_does_not_undo_the_first_request(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    refusal = Reply(403, b'{"errors":["permission denied"]}')
    proxy.rule = on_writes(DROP_ANSWER, refusal)
    error = failing(lambda: store_on(hashi, proxy.url).save({"kim": Change(NEW, None)}))
    assert error.unknown == {"kim"}
    assert "not known whether kim was saved" in error.message


def test_settling_that_fails_leaves_it_unknown(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    proxy.rule = lambda seen: DROP_ANSWER if seen.write == 0 else DROP_REQUEST if "version=1" in seen.path else PASS
    error = failing(lambda: store_on(hashi, proxy.url).save({"kim": Change(NEW, None)}))
    assert error.unknown == {"kim"}


@pytest.mark.parametrize("status", [403, 413])
def test_a_document_that_is_refused_alone_does_not_affect_others(
    hashi: HashiVaultBench, proxy: FaultProxy, status: int
) -> None:
    put(hashi.open(), park=OLD)
    refusal = Reply(status, b'{"errors":["permission denied"]}')
    proxy.rule = lambda seen: refusal if seen.path.endswith("/lee") else PASS
    store = store_on(hashi, proxy.url, concurrency=1)
    saved = store.save({name: Change(NEW, None) for name in ("kim", "park", "lee", "choi")})
    refused = saved.pop("lee")
    assert isinstance(refused, StoreError)
    assert (refused.http_status, refused.unknown) == (status, frozenset())
    assert hashi.token not in refused.sentence()
    assert saved == {"kim": "1", "park": Conflict(), "choi": "1"}


def test_a_document_with_more_strings_than_the_server_takes_is_refused_alone(hashi: HashiVaultBench) -> None:
    outcomes = hashi.open().save(
        {"kim": Change({"texts": ["text"] * 2000}, None), "park": Change(NEW, None)},
    )
    assert outcomes["park"] == "1"
    error = outcomes["kim"]
    assert isinstance(error, StoreError)
    assert "does not take a document as large as kim" in error.message
    assert hashi.names() == ["park"]


# A run adds no value beyond the bound, but tries up to MOST_CANDIDATES and restores the active one.
BEYOND = MOST_CANDIDATES + 1


@pytest.mark.parametrize(
    ("values", "with_all_notes"),
    # Before the values become more than MOST_OPEN, the notes beside each of them become one.
    [(MOST_OPEN + BEYOND, MOST_OPEN + BEYOND), (MOST_OPEN_IN_ALL + BEYOND, BEYOND)],
)
def test_the_server_takes_the_largest_envelope_that_a_run_makes(
    hashi: HashiVaultBench, values: int, with_all_notes: int
) -> None:
    now = "2027-01-15T08:00:00Z"
    flights = tuple(Flight(str(uuid.uuid4()), now) for _at in range(MOST_FLIGHTS))
    rows = [
        Pending("p", now, str(uuid.uuid4()), UNKNOWN, flights if at < with_all_notes else flights[:1])
        for at in range(values)
    ]
    largest = Envelope(
        Account("id1", "\uac00" * 64, "team-a"),
        password="p",
        rotated_at=now,
        rotation_id=rows[0].rotation_id,
        previous=tuple(Previous("p", now, row.rotation_id) for row in rows[:MOST_PREVIOUS]),
        made_at=now,
        in_flight=flights,
        published=rows[0].rotation_id,
        hand_over_begun=rows[0].rotation_id,
        hand_over_doubted=rows[0].rotation_id,
    )
    former = tuple(Previous("p", now, row.rotation_id, row.in_flight) for row in rows[BEYOND:])
    mixed = largest._replace(pending=tuple(rows[:BEYOND]), previous=(*former, *largest.previous))
    documents = {"kim": to_document(largest._replace(pending=tuple(rows))), "lee": to_document(mixed)}
    assert put(hashi.open(), **documents) == {"kim": "1", "lee": "1"}


def test_what_was_refused_is_certainly_not_saved_and_the_rest_is_reported(
    hashi: HashiVaultBench, proxy: FaultProxy
) -> None:
    put(hashi.open(), park=OLD)
    proxy.rule = lambda seen: Reply(400, b'{"errors":["odd"]}') if seen.path.endswith("/lee") else PASS
    store = store_on(hashi, proxy.url, concurrency=1)
    error = failing(
        lambda: store.save({name: Change(NEW, None) for name in ("kim", "park", "lee", "choi")}), hashi.token
    )
    assert error.saved == {"kim": "1", "park": Conflict()}
    assert error.unknown == frozenset()
    assert hashi.names() == ["kim", "park"], "after a failure nothing more is begun"


def test_never_reached_is_certainly_not_saved(hashi: HashiVaultBench) -> None:
    store = store_on(hashi, "http://127.0.0.1:9")
    for checked in (False, True):
        store._folder._mount_checked = checked
        error = failing(lambda: store.save({"kim": Change(NEW, None)}))
        assert not error.unknown
        assert "the connection was refused" in error.message


# ------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("fault", [DROP_REQUEST, DROP_ANSWER, CUT_ANSWER, Reply(503, b"busy"), Reply(429)])
def test_reading_is_repeated(hashi: HashiVaultBench, proxy: FaultProxy, fault: str | Reply) -> None:
    put(hashi.open(), kim=OLD)
    proxy.rule = lambda seen: fault if seen.number % 3 != 2 else PASS
    store = store_on(hashi, proxy.url)
    assert store.load(["kim"]).keys() == {"kim"}
    assert get(store, "kim").document == OLD


def test_waits_as_long_as_it_is_asked_to(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    clock = NoWaiting()
    proxy.rule = on_writes(Reply(429, b'{"errors":["slow down"]}', (("Retry-After", "7"),)))
    assert store_on(hashi, proxy.url, clock).save({"kim": Change(NEW, None)}) == {"kim": "1"}
    assert clock.naps == [7.0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_is_too_long_is_named_and_not_begun(hashi: HashiVaultBench, proxy: FaultProxy, status: int) -> None:
    put(hashi.open(), kim=OLD)
    clock = NoWaiting()
    proxy.rule = lambda seen: Reply(status, b'{"errors":["slow down"]}', (("Retry-After", "3600"),))
    store = store_on(hashi, proxy.url, clock)
    store._folder._mount_checked = True
    for action in (lambda: store.load(["kim"]), lambda: store.save({"kim": Change(NEW, "1")})):
        error = failing(action)
        assert (
            "Gave up after 1 attempt: the server asked for 3600 s, and the deadline of 60 s leaves no time for another."
            in error.message
        )
    assert clock.naps == []


def test_a_login_that_is_put_off_is_waited_for(hashi: HashiVaultBench, policy: str, proxy: FaultProxy) -> None:
    put(hashi.open(), kim=OLD)
    clock = NoWaiting()
    later = [Reply(429, b"", (("Retry-After", "5"),))]
    proxy.rule = lambda seen: later.pop() if later and seen.path.endswith("/login") else PASS
    store = store_on(hashi, proxy.url, clock, **by_approle(hashi, policy))
    assert get(store, "kim").document == OLD
    assert clock.naps == [5.0]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"])
def test_what_is_on_this_machine_is_asked_without_a_proxy(
    hashi: HashiVaultBench, openbao: OpenBao, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A proxy would see token and passwords in clear text."""
    with FaultProxy(openbao.port).running() as between:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                monkeypatch.delenv(name)
        monkeypatch.setenv(variable, between.url)
        store = store_on(hashi, hashi.server.url)
        put(store, kim=OLD)
        assert get(store, "kim").document == OLD
        store.close()
        assert between.seen == []
        assert between.connections == 0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, b"<html>Not found"),
        Reply(404, b'{"errors":["some proxy"]}'),
        Reply(404),
        Reply(200, b"<html>Please log in"),
        Reply(200, b'{"data":{"data":null}}'),
        Reply(200, b'{"data":{"data":{},"metadata":{}}}'),
        Reply(204),
        Reply(418, b"[]"),
    ],
)
def test_only_the_servers_own_word_counts_for_absence(hashi: HashiVaultBench, proxy: FaultProxy, reply: Reply) -> None:
    put(hashi.open(), kim=OLD)
    proxy.rule = lambda seen: PASS if "/sys/" in seen.path else reply
    store = store_on(hashi, proxy.url, retries=0)
    for action in (*readings(store), lambda: store.save({"kim": Change(NEW, None)})):
        assert failing(action).hint


def test_a_redirect_is_not_followed(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    put(hashi.open(), kim=OLD)
    there = (("Location", f"{hashi.server.url}/v1/secret/data/{hashi.folder}/kim"),)
    proxy.rule = lambda seen: PASS if "/sys/" in seen.path else Reply(307, b"", there)
    store = store_on(hashi, proxy.url)
    assert "a redirect, which is not followed" in failing(reading(store)).message
    assert "a redirect, which is not followed" in failing(lambda: store.save({"kim": Change(NEW, "1")})).message
    assert versions(hashi, "kim") == 1


def test_what_a_server_says_is_shown_without_what_it_was_sent(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    def echo(seen: Seen) -> str | Reply:
        sent = json.loads(seen.body)["data"]["password"] if seen.body else ""
        said = f"cannot store {sent!r} for {hashi.token}\x1b[31m"
        return PASS if "/sys/" in seen.path else Reply(422, json.dumps({"errors": [said]}).encode())

    proxy.rule = echo
    store = store_on(hashi, proxy.url)
    error = failing(lambda: store.save({"kim": Change(NEW, None)}), hashi.token, hashi.token[4:20], "\x1b")
    assert "(HTTP 422): cannot store" in error.message


def test_asks_in_parallel_over_few_connections(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    names = [f"kim-{number}" for number in range(60)]
    store = store_on(hashi, proxy.url, concurrency=4)
    put(store, **dict.fromkeys(names, OLD))
    assert len(store.load(names)) == 60
    assert proxy.most_at_once <= 4
    assert proxy.connections <= 4
    assert len(proxy.seen) == 122, "each once, the mount once, and one list of what there is"


MANY = [f"kim-{number:03}" for number in range(60)]


def test_what_is_not_there_is_not_asked_for_one_by_one(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    put(hashi.open(), **dict.fromkeys(MANY[:2], OLD))
    assert sorted(store_on(hashi, proxy.url).load(MANY)) == MANY[:2]
    assert len(proxy.seen) == 4, "the mount, a list, and the two that there are"
    other = store_on(hashi, proxy.url, secret_path=f"{hashi.folder}/empty")
    assert other.load(MANY) == {}


def test_a_token_needs_no_right_to_list(hashi: HashiVaultBench) -> None:
    put(hashi.open(), **dict.fromkeys(MANY, OLD))
    reader = hashi.server.token('path "secret/data/test/*" { capabilities = ["read"] }')
    assert sorted(hashi.open(token=reader).load([*MANY, "lee"])) == MANY


def test_an_answer_without_end_is_refused(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    proxy.rule = lambda seen: PASS if "/sys/" in seen.path else Reply(200, b"x" * (LARGEST_ANSWER + 1))
    error = failing(lambda: store_on(hashi, proxy.url, retries=0).load(["kim"]))
    assert "the answer is larger than" in error.message


def test_a_certificate_that_is_not_trusted_is_not_tried_again(durable: DurableOpenBao) -> None:
    clock = NoWaiting()
    settings = {"url": durable.url, "token": "none", "secret_path": "dataforest", "retries": 5}
    _kind, complete = complete_options({"type": "hashi_vault", **settings}, {})
    error = failing(lambda: HashiVaultStore(complete, clock=clock).load(["kim"]))
    assert error.hint == "If it was issued by an authority of your own, name that authority in ca_path."
    assert clock.naps == []


# ------------------------------------------------------------------------------------------------ mounts and versions


def test_the_mount_must_be_of_version_2(hashi: HashiVaultBench) -> None:
    store = hashi.open(mount_point="kv1")
    error = failing(lambda: store.save({"kim": Change(NEW, None)}))
    assert error.message.endswith("is KV version 1; the store needs KV version 2.")
    assert hashi.server.call("GET", f"kv1/data/{hashi.folder}/kim")[0] == 404


def test_a_place_in_a_mount_is_not_a_mount(hashi: HashiVaultBench) -> None:
    store = hashi.open(mount_point="secret/data/test", token=hashi.server.root_token)
    error = failing(reading(store))
    assert error.hint == "Set mount_point to secret, and the rest as secret_path."


def test_a_mount_may_have_slashes_and_korean_in_its_name(hashi: HashiVaultBench) -> None:
    server = hashi.server
    status, _answer = server.call(
        "POST", "sys/mounts/team/%EB%B9%84%EB%B0%80", {"type": "kv", "options": {"version": "2"}}
    )
    assert status in (204, 400)
    store = hashi.open(mount_point="team/비밀", token=server.root_token, retries=20)
    put(store, kim=OLD)
    assert get(store, "kim").document == OLD


@pytest.mark.parametrize(
    ("fate", "way_back"),
    [
        ("delete", "bao kv undelete -mount=secret -versions=2 {}"),
        ("destroy", "bao kv rollback -mount=secret -version=N {}"),
    ],
)
def test_a_current_version_that_is_gone_is_not_taken_for_absence(
    hashi: HashiVaultBench, fate: str, way_back: str
) -> None:
    store = hashi.open()
    put(store, kim=OLD, lee=OLD)
    store.save({"kim": Change(NEW, "1")})
    hashi.server.do("POST", f"secret/{fate}/{hashi.folder}/kim", {"versions": [2]})
    loaded = store.load(["lee", "kim"])
    assert isinstance(loaded["lee"], Stored), "the others are read all the same"
    error = failing(lambda: load(store, ["lee", "kim"]))
    assert f"Version 2 of secret/{hashi.folder}/kim" in error.message
    assert way_back.format(f"{hashi.folder}/kim") in str(error.hint)
    assert store.save({"kim": Change(THIRD, None)}) == {"kim": Conflict()}
    hashi.server.do("DELETE", f"secret/metadata/{hashi.folder}/kim")
    assert set(store.load(["lee", "kim"])) == {"lee"}
    assert put(store, kim=THIRD) == {"kim": "1"}


@pytest.mark.parametrize("note", [2**60, -(2**53)])
def test_a_document_that_could_not_be_saved_again_as_it_is_does_not_affect_others(
    hashi: HashiVaultBench, note: int
) -> None:
    """Somebody has added a number to it. The server rounds such numbers, and another store would refuse them."""
    put(hashi.open(), lee=OLD)
    hashi.server.do("POST", f"secret/data/{hashi.folder}/kim", {"data": {**OLD, "note": note}})
    store = hashi.open()
    loaded = store.load(["lee", "kim"])
    assert isinstance(loaded["lee"], Stored)
    error = failing(lambda: load(store, ["kim"]))
    assert f"secret/{hashi.folder}/kim on {hashi.server.url} holds something that no store can keep" in error.message
    assert f"bao kv put -mount=secret {hashi.folder}/kim @FILE.json" in str(error.hint)
    assert list(store.check_save(["lee", "kim"])) == ["kim"]


def test_predictions_cover_more_documents_than_the_server_takes_in_one_request(hashi: HashiVaultBench) -> None:
    names = [f"kim-{number}" for number in range(1100)]
    assert sorted(may(hashi, "read").check_save(names)) == sorted(names)


def test_a_mount_that_deletes_documents_by_itself_is_named_once(hashi: HashiVaultBench) -> None:
    """What is deleted is in no store, and nobody has rotated it."""
    put(hashi.open(), kim=OLD, lee=OLD)
    for name in ("kim", "lee"):
        hashi.server.do("POST", f"secret/metadata/{hashi.folder}/{name}", {"delete_version_after": "9000h"})
    said: list[str] = []
    store = HashiVaultStore(complete_options(hashi.options, {})[1], warn=said.append)
    assert load(store, ["kim", "lee"]).keys() == {"kim", "lee"}
    assert said == [], "only versions that are written from now on"
    assert store.save({name: Change(NEW, "1") for name in ("kim", "lee")}) == {"kim": "2", "lee": "2"}
    for _time in range(2):
        assert load(store, ["kim", "lee"]).keys() == {"kim", "lee"}
    (warning,) = said
    assert f"The server deletes documents of the store {store.place} by itself, the first at 20" in warning
    assert "delete_version_after" in warning


def test_what_a_token_may_not_do_is_named(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD)
    reader = hashi.server.token('path "secret/data/test/*" { capabilities = ["read"] }')
    store = hashi.open(token=reader)
    assert get(store, "kim").document == OLD
    error = failing(lambda: said(store.save({"kim": Change(NEW, "1")})), reader)
    assert f"does not permit this token to write secret/{hashi.folder}/kim" in error.message
    assert not error.unknown


def test_one_secret_that_may_not_be_read_does_not_affect_others(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD, lee=NEW)
    policy = 'path "secret/data/test/*" { capabilities = ["read"] }'
    reader = hashi.server.token(f'{policy} path "secret/data/{hashi.folder}/kim" {{ capabilities = ["deny"] }}')
    store = hashi.open(token=reader)
    loaded = store.load(["kim", "lee"])
    assert isinstance(loaded["lee"], Stored)
    assert loaded["lee"].document == NEW
    assert "does not permit this token to read" in failing(lambda: load(store, ["kim", "lee"]), reader).message


def test_a_token_that_ends_while_documents_are_read_is_the_failure_of_all(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD, lee=NEW)
    reader = hashi.server.token('path "secret/data/test/*" { capabilities = ["read"] }')
    store = hashi.open(token=reader)
    assert store.load(["kim", "lee"]).keys() == {"kim", "lee"}
    hashi.server.do("POST", "auth/token/revoke", {"token": reader})
    assert "the token is expired" in failing(lambda: store.load(["kim", "lee"]), reader).message


def test_an_address_names_the_namespace(hashi: HashiVaultBench) -> None:
    plain, team = hashi.open(), hashi.open(namespace="team/")
    assert plain.address == f"{hashi.server.url} (secret/{hashi.folder})"
    assert team.address == f"{hashi.server.url} (namespace team, secret/{hashi.folder})"
    assert team.is_same(hashi.open(namespace="team"))
    assert not plain.is_same(team)


def test_namespaces_are_passed_on(hashi: HashiVaultBench) -> None:
    hashi.server.do("POST", "sys/namespaces/unit", {})
    hashi.server.do("POST", "unit/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    store = hashi.open(namespace="unit", token=hashi.server.root_token, retries=20)
    put(store, kim=OLD)
    assert hashi.server.call("GET", f"unit/secret/data/{hashi.folder}/kim")[0] == 200
    assert hashi.server.call("GET", f"secret/data/{hashi.folder}/kim")[0] == 404


# -------------------------------------------------------------------------------------------------------------- logins


@pytest.fixture
def policy(hashi: HashiVaultBench) -> str:
    hashi.server.do("PUT", "sys/policies/acl/rotation", {"policy": POLICY})
    return "rotation"


def by_approle(hashi: HashiVaultBench, policy: str, **role: Any) -> dict[str, Any]:
    """The options of a login by AppRole, for a role with this policy."""
    server = hashi.server
    server.call("POST", "sys/auth/approle", {"type": "approle"})
    server.do("POST", "auth/approle/role/rotation", {"token_policies": [policy], "token_ttl": "100s", **role})
    role_id = server.do("GET", "auth/approle/role/rotation/role-id")["data"]["role_id"]
    secret_id = server.do("POST", "auth/approle/role/rotation/secret-id", {})["data"]["secret_id"]
    return {"auth_method": "approle", "role_id": role_id, "secret_id": secret_id, "token": None}


def test_logs_in_by_approle_and_again_before_the_token_ends(
    hashi: HashiVaultBench, policy: str, proxy: FaultProxy
) -> None:
    login = by_approle(hashi, policy)
    clock = NoWaiting()
    store = store_on(hashi, proxy.url, clock, **login)
    put(store, kim=OLD)

    def logins() -> int:
        return sum(seen.path == "/v1/auth/approle/login" for seen in proxy.seen)

    clock.passed += 79
    store.load(["kim"])
    assert logins() == 1
    clock.passed += 2
    store.load(["kim"])
    assert logins() == 2
    another = {**login, "secret_id": "not-the-secret-id"}
    wrong = store_on(hashi, proxy.url, **another)
    error = failing(reading(wrong), login["secret_id"], "not-the-secret-id")
    assert "refused the login by approle at auth/approle" in error.message
    assert "role_id and secret_id" in str(error.hint)
    proxy.rule = lambda seen: DROP_ANSWER if seen.path.endswith("login") and seen.number % 2 else PASS
    put(store_on(hashi, proxy.url, **login), lee=OLD)


def signed_jwt(key: ec.EllipticCurvePrivateKey, claims: dict[str, Any]) -> str:
    def text(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    signed = ".".join(text(json.dumps(part).encode()) for part in ({"alg": "ES256", "typ": "JWT"}, claims))
    numbers = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{text(b''.join(number.to_bytes(32, 'big') for number in numbers))}"


def test_logs_in_by_jwt(hashi: HashiVaultBench, policy: str) -> None:
    server = hashi.server
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    server.call("POST", "sys/auth/pipeline", {"type": "jwt"})
    server.do("POST", "auth/pipeline/config", {"jwt_validation_pubkeys": [public.decode()]})
    role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["us"], "token_policies": [policy]}
    server.do("POST", "auth/pipeline/role/rotation", role)
    now = int(time.time())
    jwt = signed_jwt(key, {"sub": "pipeline", "aud": "us", "iat": now - 5, "nbf": now - 5, "exp": now + 600})
    login = {"auth_method": "jwt", "auth_mount_point": "pipeline", "role": "rotation", "token": None}
    put(store_on(hashi, server.url, jwt=jwt, **login), kim=OLD)
    spoilt = f"{jwt[:-8]}AAAAAAAA"
    error = failing(reading(store_on(hashi, server.url, jwt=spoilt, **login)), spoilt, jwt[-40:-8], jwt[:60])
    assert "refused the login by jwt at auth/pipeline" in error.message


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file in which a pod finds the token of its service account."""
    path = tmp_path / "token"
    path.write_text("eyJ.of.the.pod\n")
    monkeypatch.setattr(hashi_login, "POD_TOKEN", str(path))
    return path


BY_KUBERNETES = {"auth_method": "kubernetes", "role": "rotation", "token": None}


def kubernetes(hashi: HashiVaultBench, asked: list[Any], mount: str = "kubernetes") -> Callable[[Seen], str | Reply]:
    """A server with the login by Kubernetes, which answers as the API page says."""

    def rule(seen: Seen) -> str | Reply:
        if seen.path != f"/v1/auth/{mount}/login":
            return PASS
        asked.append(json.loads(seen.body))
        token = hashi.server.token(POLICY + 'path "auth/token/revoke-self" { capabilities = ["update"] }')
        return Reply(200, json.dumps({"auth": {"client_token": token, "lease_duration": 60}}).encode())

    return rule


def test_the_token_of_the_pod_is_where_kubernetes_puts_it() -> None:
    assert hashi_login.POD_TOKEN == "/var/run/secrets/kubernetes.io/serviceaccount/token"


def test_logs_in_by_kubernetes_with_the_token_of_the_pod(hashi: HashiVaultBench, proxy: FaultProxy, pod: Path) -> None:
    asked: list[Any] = []
    learned: list[str] = []
    proxy.rule = kubernetes(hashi, asked)
    clock = NoWaiting()
    settings = {**hashi.options, **BY_KUBERNETES, "url": proxy.url}
    store = HashiVaultStore(complete_options(settings, {})[1], learn=learned.append, clock=clock)
    before = live_tokens(hashi.server)
    put(store, kim=OLD)
    # Kubernetes replaces it while a run is under way.
    pod.write_text("eyJ.of.later")
    clock.passed += 50
    assert get(store, "kim").document == OLD
    assert asked == [{"role": "rotation", "jwt": "eyJ.of.the.pod"}, {"role": "rotation", "jwt": "eyJ.of.later"}]
    assert {"eyJ.of.the.pod", "eyJ.of.later"} <= set(learned), "it is not an option, so the redactor must be told"
    assert len(learned) == 4, "and of the tokens of both logins"
    store.close()
    assert live_tokens(hashi.server) == before


def test_logs_in_by_kubernetes_with_a_token_that_was_given(
    hashi: HashiVaultBench, proxy: FaultProxy, pod: Path
) -> None:
    asked: list[Any] = []
    proxy.rule = kubernetes(hashi, asked, "cluster/one")
    pod.unlink()
    login = {**BY_KUBERNETES, "auth_mount_point": "cluster/one", "jwt": "eyJ.of.mine"}
    put(store_on(hashi, proxy.url, **login), kim=OLD)
    assert asked == [{"role": "rotation", "jwt": "eyJ.of.mine"}]


@pytest.mark.parametrize("content", [None, b"", b"\n", b"a\nb", "비밀".encode(), b"\xff"])
def test_a_pod_without_a_token_is_named_and_nothing_is_sent(
    hashi: HashiVaultBench, proxy: FaultProxy, pod: Path, content: bytes | None
) -> None:
    pod.unlink()
    if content is not None:
        pod.write_bytes(content)
    store = store_on(hashi, proxy.url, **BY_KUBERNETES)
    for action in (*readings(store), lambda: store.save({"kim": Change(NEW, None)})):
        error = failing(action)
        assert f"The token of the pod cannot be read from {pod} (" in error.message
        assert "set jwt of the store" in str(error.hint)
        assert not error.unknown
    assert proxy.seen == []


def test_a_refusal_that_quotes_the_token_of_the_pod_does_not_show_it(
    hashi: HashiVaultBench, proxy: FaultProxy, pod: Path
) -> None:
    said = json.dumps({"errors": ["cannot verify eyJ.of.the.pod"]}).encode()
    proxy.rule = lambda seen: Reply(403, said) if seen.path.endswith("/login") else PASS
    error = failing(reading(store_on(hashi, proxy.url, **BY_KUBERNETES)), "eyJ.of.the.pod", "of.the.pod")
    assert "refused the login by kubernetes at auth/kubernetes (HTTP 403): cannot verify" in error.message
    assert "Check role and jwt, and auth_mount_point" in str(error.hint)


def test_whoever_opens_a_store_masks_the_tokens_that_it_gets(
    hashi: HashiVaultBench, proxy: FaultProxy, pod: Path
) -> None:
    proxy.rule = kubernetes(hashi, [])
    redactor = Redactor()
    store = opened_store({**hashi.options, **BY_KUBERNETES, "url": proxy.url}, None, redactor)
    put(store, kim=OLD)
    (login,) = [seen for seen in proxy.seen if seen.path.endswith("/login")]
    said = redactor.text(f"{login.body.decode()} {' '.join(redactor.secrets)}")
    assert "eyJ.of.the.pod" not in said
    assert len(redactor.secrets) == 2, "the token of the pod, and the one of the login"
    store.close()


def test_a_login_by_jwt_never_takes_the_token_of_the_pod(hashi: HashiVaultBench, pod: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs the option jwt with auth_method jwt"):
        hashi.open(**{**BY_KUBERNETES, "auth_method": "jwt"})


def live_tokens(server: OpenBao) -> set[str]:
    return set(server.do("LIST", "auth/token/accessors")["data"]["keys"])


def test_no_login_of_ours_outlives_its_use(hashi: HashiVaultBench, policy: str) -> None:
    login = by_approle(hashi, policy)
    put(hashi.open(), kim=OLD)
    before = live_tokens(hashi.server)
    for _lookup in range(20):
        store = hashi.open(**login)
        assert get(store, "kim").document == OLD
        store.close()
        store.close()
    assert live_tokens(hashi.server) == before
    # A store that has logged in twice, and is used again after it was closed.
    clock = NoWaiting()
    store = store_on(hashi, hashi.server.url, clock, **login)
    get(store, "kim")
    clock.passed += 81
    get(store, "kim")
    assert len(live_tokens(hashi.server) - before) == 2
    store.close()
    assert get(store, "kim").document == OLD
    store.close()
    assert live_tokens(hashi.server) == before


def test_a_token_that_was_given_lives_on(hashi: HashiVaultBench) -> None:
    store = hashi.open()
    put(store, kim=OLD)
    store.close()
    assert get(store, "kim").document == OLD


def test_a_login_that_was_never_made_is_not_ended(hashi: HashiVaultBench, policy: str, proxy: FaultProxy) -> None:
    store_on(hashi, proxy.url, **by_approle(hashi, policy)).close()
    assert proxy.seen == []


@pytest.mark.parametrize(
    "fault", [DROP_REQUEST, DROP_ANSWER, Reply(403, b'{"errors":["permission denied"]}'), Reply(500)]
)
def test_a_login_that_cannot_be_ended_is_reported_and_fails_nothing(
    hashi: HashiVaultBench, policy: str, proxy: FaultProxy, fault: str | Reply
) -> None:
    said: list[str] = []
    settings = {**hashi.options, **by_approle(hashi, policy), "url": proxy.url}
    store = HashiVaultStore(complete_options(settings, {})[1], warn=said.append)
    put(store, kim=OLD)
    proxy.rule = lambda seen: fault if seen.path.endswith("/revoke-self") else PASS
    store.close()
    (warning,) = said
    assert warning.startswith(f"The login at {proxy.url} could not be ended (")
    refused = isinstance(fault, Reply) and fault.status == 403
    assert ("or its policy lacks update on auth/token/revoke-self" in warning) is refused


def test_a_login_with_a_batch_token_need_not_be_ended(hashi: HashiVaultBench, policy: str) -> None:
    said: list[str] = []
    settings = {**hashi.options, **by_approle(hashi, policy, token_type="batch")}
    store = HashiVaultStore(complete_options(settings, {})[1], warn=said.append)
    put(store, kim=OLD)
    store.close()
    assert said == []


def test_takes_no_token_that_nobody_gave_it(
    hashi: HashiVaultBench, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".vault-token").write_text(hashi.server.root_token)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something")
    monkeypatch.setenv("VAULT_TOKEN", hashi.server.root_token)
    monkeypatch.setenv("VAULT_ADDR", hashi.server.url)
    login = {"auth_method": "approle", "role_id": "nobody", "secret_id": "nothing", "token": None}
    assert "refused the login" in failing(reading(store_on(hashi, proxy.url, **login))).message
    with pytest.raises(ConfigurationError, match="needs the option token with auth_method token"):
        store_on(hashi, proxy.url, token=None)


def test_without_requests_the_way_to_install_it_is_named(
    hashi: HashiVaultBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REQUESTS_IMPORT_ERROR", ImportError("No module named 'requests'"))
    store = hashi.open()
    for action in (*readings(store), lambda: store.save({"kim": Change(NEW, None)})):
        error = failing(action)
        assert f"{sys.executable} does not have it" in error.message
        assert error.hint == f"Install it: {sys.executable} -m pip install requests"


# ------------------------------------------------------------------------------------------------------------ predicted

SELF = 'path "sys/capabilities-self" { capabilities = ["update"] }'


def may(hashi: HashiVaultBench, *capabilities: str, ask: bool = True) -> Store:
    rights = ", ".join(f'"{each}"' for each in capabilities)
    policy = f'path "secret/data/test/*" {{ capabilities = [{rights}] }} {SELF if ask else ""}'
    return hashi.open(token=hashi.server.token(policy))


def test_a_token_that_may_only_read_is_predicted(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD)
    before = hashi.mark()
    for store in (may(hashi, "read"), may(hashi, "read", "create")):
        predicted = store.check_save(["kim"])["kim"]
        met = store.save({"kim": Change(NEW, "1")})["kim"]
        assert isinstance(met, StoreError)
        assert predicted.sentence() == met.sentence()
    assert list(may(hashi, "read", "update").check_save(["kim", "new"])) == ["new"]
    assert hashi.mark() == before


def test_what_a_token_may_is_not_refused_and_changes_nothing(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD)
    before = hashi.mark()
    for store in (
        may(hashi, "read", "create", "update"),
        may(hashi, "read", "update"),
        may(hashi, "read", ask=False),  # nobody can tell
        hashi.open(token=hashi.server.root_token),
    ):
        assert store.check_save(["kim"]) == {}
        assert store.check_save([]) == {}
    assert may(hashi, "read", "create", "update").check_save(["kim", "new"]) == {}
    assert hashi.mark() == before


def test_what_was_read_before_is_not_read_again_to_predict(hashi: HashiVaultBench, proxy: FaultProxy) -> None:
    put(hashi.open(), kim=OLD)
    store = store_on(hashi, proxy.url)
    store.load(["kim", "new"])
    seen = len(proxy.seen)
    store.check_save(["kim", "new"])
    assert [each.path for each in proxy.seen[seen:]] == ["/v1/sys/capabilities-self"]


def test_a_reader_is_told_what_a_reader_needs(hashi: HashiVaultBench) -> None:
    put(hashi.open(), kim=OLD)
    writer = hashi.open(token=hashi.server.token('path "secret/data/test/*" { capabilities = ["create", "update"] }'))
    error = failing(lambda: load(writer, ["kim"]))
    assert error.hint == f"Give its policy read on secret/data/{hashi.folder}/kim, or use a fresh token."
    error = failing(lambda: said(may(hashi, "read").save({"kim": Change(NEW, "1")})))
    assert error.hint == (
        f"Give its policy create, read and update on secret/data/{hashi.folder}/*, or use a fresh token."
    )
    nobody = hashi.open(token=hashi.server.token('path "other/*" { capabilities = ["read"] }'))
    error = failing(lambda: load(nobody, ["kim"]))
    assert error.hint == (
        "Check mount_point, namespace and token of the store. To read, its policy needs read on "
        f"secret/data/{hashi.folder}/*."
    )


@pytest.mark.parametrize("versions", [0, 1])
def test_what_must_not_be_deleted_can_still_be_read(hashi: HashiVaultBench, versions: int) -> None:
    """A token without the policy default cannot ask, and meets the refusal when the document is marked already."""
    revision = put(hashi.open(), kim=OLD)["kim"]
    hashi.server.do("POST", f"secret/metadata/{hashi.folder}/kim", {"max_versions": versions})
    store = may(hashi, "read", "create", "update", ask=False)
    refused = store.delete({"kim": revision})["kim"]
    assert isinstance(refused, StoreError)
    assert refused.hint == f"Give its policy delete on secret/metadata/{hashi.folder}/*, or use a fresh token."
    left = hashi.open().load(["kim"])["kim"]
    assert isinstance(left, Stored)
    # A server that keeps one version only has lost the other one.
    assert left.document == (FORGOTTEN if versions else OLD)
    assert hashi.open().delete({"kim": left.revision}) == {"kim": ""}


# -------------------------------------------------------------------------------------------------- a server that lives


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableOpenBao]:
    with DurableOpenBao(tmp_path_factory.mktemp("durable")) as server:
        yield server


def durable_store(server: DurableOpenBao, **options: Any) -> Store:
    login = {"url": server.url, "token": server.root_token, "ca_path": str(server.ca_path)}
    settings = {**login, "secret_path": "dataforest", "retries": 0, **options}
    _kind, complete = complete_options({"type": "hashi_vault", **settings}, {})
    return HashiVaultStore(complete, backoff=lambda attempt: 0.0)


def test_a_server_that_is_killed_keeps_what_it_said_was_saved(durable: DurableOpenBao) -> None:
    store = durable_store(durable)
    put(store, restart=OLD)
    assert store.save({"restart": Change(NEW, "1")}) == {"restart": "2"}
    durable.stop(signal.SIGKILL)
    error = failing(lambda: store.load(["restart"]), durable.root_token)
    assert "could not be reached" in error.message
    durable.start()
    durable.wait_until(200)
    assert (get(store, "restart").document, get(store, "restart").revision) == (NEW, "2")
    assert store.save({"restart": Change(THIRD, "2")}) == {"restart": "3"}


def test_trusts_whom_it_is_told_to(durable: DurableOpenBao, tmp_path: Path) -> None:
    put(durable_store(durable), tls=OLD)
    error = failing(reading(durable_store(durable, ca_path=None)))
    assert "its TLS certificate is not trusted" in error.message
    assert "does not exist" in failing(reading(durable_store(durable, ca_path=str(tmp_path / "none.pem")))).message
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get(durable_store(durable, ca_path=None, validate_certs=False), "tls").document == OLD


@pytest.mark.parametrize("variable", ["BAO_CACERT", "VAULT_CACERT"])
def test_trusts_what_the_variables_of_the_command_line_tools_name(
    durable: DurableOpenBao, tmp_path: Path, variable: str
) -> None:
    put(durable_store(durable), **{variable: OLD})
    login = {"type": "hashi_vault", "url": durable.url, "token": durable.root_token, "secret_path": "dataforest"}
    for environ in ({variable: str(durable.ca_path)}, {variable: str(durable.ca_path), "BAO_CAPATH": "/nowhere"}):
        store = HashiVaultStore(complete_options({**login, "retries": 0}, environ)[1])
        assert get(store, variable).document == OLD
    environ = {variable: str(tmp_path / "none.pem"), "BAO_SKIP_VERIFY": "1", "VAULT_SKIP_VERIFY": "1"}
    error = failing(reading(HashiVaultStore(complete_options({**login, "retries": 0}, environ)[1])), durable.root_token)
    assert f"the environment variable {variable} names {tmp_path / 'none.pem'}, which does not exist" in error.message


def test_trusts_a_folder_of_authorities(durable: DurableOpenBao, tmp_path: Path) -> None:
    put(durable_store(durable), capath=OLD)
    shutil.copy(durable.ca_path, tmp_path / "ca.pem")
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make the folder")
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    login = {"type": "hashi_vault", "url": durable.url, "token": durable.root_token, "secret_path": "dataforest"}
    for variable in ("BAO_CAPATH", "VAULT_CAPATH"):
        store = HashiVaultStore(complete_options(login, {variable: str(tmp_path)})[1])
        assert get(store, "capath").document == OLD


def test_a_sealed_server_is_named_and_nothing_is_unknown(durable: DurableOpenBao) -> None:
    put(store := durable_store(durable), sealed=OLD)
    durable.do("PUT", "sys/seal")
    try:
        for action in (
            lambda: store.load(["sealed"]),
            lambda: store.save({"sealed": Change(NEW, "1")}),
            reading(durable_store(durable)),
        ):
            error = failing(action)
            assert error.message == f"{durable.url} is sealed (HTTP 503)."
            assert not error.unknown
    finally:
        durable.stop()
        durable.start()
        durable.wait_until(200)
    assert get(store, "sealed").document == OLD
