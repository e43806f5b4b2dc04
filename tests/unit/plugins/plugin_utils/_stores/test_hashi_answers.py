# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server could answer, sensible or not: it is read as what it proves, or refused in one clear sentence."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import (
    AnswerLost,
    NotSent,
    Request,
    Response,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import hashi_login
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Conflict,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_server import Server
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.kv2 import HashiVaultStore
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import complete_options
from support.fakes import EPOCH, FakeClock

URL = "http://127.0.0.1:8200"
TOKEN, SECRET_ID, PASSWORD = "s.token-Kanarienvogel", "secret-id-Kanarienvogel", "password-Kanarienvogel"
OLD, NEW = {"password": f"{PASSWORD}-old"}, {"password": f"{PASSWORD}-new"}
MOUNT = {"path": "secret/", "type": "kv", "options": {"version": "2"}}
BY_APPROLE = {"auth_method": "approle", "role_id": "role", "secret_id": SECRET_ID}
LOG_IN, REVOKE = "/v1/auth/approle/login", "/v1/auth/token/revoke-self"


class Answers:
    """A transport whose server holds the document kim. ``instead`` has answers for some of its requests, by number."""

    def __init__(self, instead: Mapping[int, Any] | None = None, **by_part: Any) -> None:
        self.instead = dict(instead or {})
        self.by_part = by_part
        self.requests: list[Request] = []

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        self.requests.append(request)
        answer = self.instead.get(len(self.requests) - 1)
        answer = next((found for part, found in self.by_part.items() if part in request.url), answer)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer or self._usual(request)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(status, {}, raw, EPOCH)

    def close(self) -> None:
        pass

    def _usual(self, request: Request) -> tuple[int, Any]:
        path = request.url.removeprefix(URL)
        if path == LOG_IN:
            return 200, {"auth": {"client_token": TOKEN, "lease_duration": 100}}
        if path == REVOKE:
            return 204, b""
        if "/sys/internal/" in path:
            return 200, {"data": MOUNT}
        if path.endswith("capabilities-self"):
            asked = json.loads(request.body)["paths"]
            return 200, {"data": {each: ["create", "read", "update"] for each in asked}}
        if path.endswith("?list=true"):
            return 200, {"data": {"keys": ["kim"]}}
        if request.method == "POST":
            return 200, {"data": {"version": json.loads(request.body)["options"]["cas"] + 1}}
        if "/kim" in path:
            return 200, {"data": {"data": OLD, "metadata": {"version": 1}}}
        return 404, {"errors": []}


def store_with(transport: Answers, monkeypatch: pytest.MonkeyPatch, **options: Any) -> HashiVaultStore:
    monkeypatch.setattr(Server, "_open_transport", lambda self: transport)
    settings = {"type": "hashi_vault", "url": URL, "secret_path": "here", "concurrency": 1, **options}
    if "auth_method" not in options:
        settings["token"] = TOKEN
    _kind, complete = complete_options(settings, {})
    return HashiVaultStore(complete, clock=FakeClock(), backoff=lambda attempt: 0.0)


def said(error: KrcloudError) -> str:
    """What is said about an error, which must be one line, with what to do, and no secret."""
    sentence = error.sentence()
    assert sentence.isprintable()
    assert len(sentence) < 1000
    assert error.hint
    assert not any(secret in f"{sentence}{error!r}" for secret in (TOKEN, SECRET_ID, PASSWORD))
    return sentence


def failure(action: Any) -> str:
    with pytest.raises(StoreError) as caught:
        action()
    return said(caught.value)


# ------------------------------------------------------------------------------------------------------------ all of it

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from([10**30, 10**400, -(2**70), 1.5, 1e300, float("nan"), float("inf")])
    | st.text(max_size=8)
    | st.sampled_from(["", "1", "2", "kv", "sealed", "a\nb\x1b[31m", "\ud800", "x" * 3000, "no handler for route"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
BODIES = st.one_of(
    ANYTHING,
    st.builds(lambda x: {"data": x}, ANYTHING),
    st.builds(lambda x: {"data": {"version": x}}, ANYTHING),
    st.builds(lambda x, y: {"data": {"data": x, "metadata": y}}, ANYTHING, ANYTHING),
    st.builds(lambda x, y: {"data": {"data": x, "metadata": {"version": y, "destroyed": x}}}, ANYTHING, ANYTHING),
    st.builds(lambda x: {"data": {"keys": x}}, ANYTHING),
    st.builds(lambda x, y: {"data": {**MOUNT, "type": x, "options": y}}, ANYTHING, ANYTHING),
    st.builds(lambda x, y: {"data": {**MOUNT, "path": x, "options": {"version": y}}}, ANYTHING, ANYTHING),
    st.builds(lambda x: {"data": {"secret/data/here/kim": x}}, ANYTHING),
    st.builds(lambda x: {"errors": x}, ANYTHING),
    st.builds(lambda x: {"errors": [x, "permission denied"]}, ANYTHING),
    st.builds(lambda x: {"auth": x}, ANYTHING),
    st.builds(lambda x, y: {"auth": {"client_token": x, "lease_duration": y, "token_type": y}}, ANYTHING, ANYTHING),
    st.sampled_from([b"", b"<html>", b"[" * 5000, b'{"data":', b"\xff\xfe", b'{"data":' + b"9" * 5000 + b"}"]),
)
STATUSES = st.sampled_from(
    (*[200] * 6, *range(200, 208), 301, 307, *range(400, 432), 472, 473, *range(500, 505), 599, 999)
)
LOST = st.sampled_from([NotSent("the connection was refused"), AnswerLost("the answer broke off")])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.integers(0, 6), st.tuples(STATUSES, BODIES) | LOST, min_size=1, max_size=4),
    st.sampled_from([{}, BY_APPROLE]),
    st.integers(0, 1),
    st.sampled_from([["kim"], ["kim", "lee"], ["kim", *(f"lee-{number}" for number in range(20))]]),
)
def test_whatever_a_server_answers_ends_in_a_sentence_or_in_what_it_says(
    instead: Mapping[int, Any], login: Mapping[str, str], retries: int, names: Sequence[str]
) -> None:
    for action in ("load", "check_save", "save"):
        with pytest.MonkeyPatch.context() as patch:
            store = store_with(Answers(instead), patch, retries=retries, **login)
            warned: list[str] = []
            store._warn = warned.append
            arguments = {name: Change(NEW, "1" if name == "kim" else None) for name in names}
            try:
                found = getattr(store, action)(arguments if action == "save" else names)
            except StoreError as error:
                said(error)
                found = error.saved
            store.close()
        assert set(found) <= set(names)
        for each in found.values():
            if isinstance(each, StoreError):
                said(each)
            elif action == "load":
                assert isinstance(each, Stored)
                assert each.revision.isdigit()
            else:
                assert each == Conflict() or each in ("1", "2")
        assert all(warning.isprintable() and TOKEN not in warning for warning in warned)


# ------------------------------------------------------------------------------------------------------------- versions


@pytest.mark.parametrize("number", [True, 0, -1, 1.0, "2", "2; rm -rf /", "2\nb", [2], {"a": 2}, 10**30 * 1.0])
def test_what_is_not_a_version_is_never_taken_for_one(monkeypatch: pytest.MonkeyPatch, number: Any) -> None:
    for status, data in ((200, OLD), (404, None)):
        read = {"data": {"data": data, "metadata": {"version": number, "destroyed": False}}}
        store = store_with(Answers(kim=(status, read)), monkeypatch, retries=0)
        assert "did not read secret/here/kim" in failure(lambda store=store: store.load(["kim"]))
    store = store_with(Answers(kim=(200, {"data": {"version": number}})), monkeypatch, retries=0)
    with pytest.raises(StoreError) as caught:
        store.save({"kim": Change(NEW, "1")})
    assert caught.value.unknown == {"kim"}


def test_a_write_is_confirmed_by_the_version_that_it_makes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (1, 3, 7):
        store = store_with(Answers(kim=(200, {"data": {"version": version}})), monkeypatch)
        with pytest.raises(StoreError, match="not known whether kim was saved") as caught:
            store.save({"kim": Change(NEW, "1")})
        assert caught.value.unknown == {"kim"}


@pytest.mark.parametrize("body", [b"<html>Bad request", {}, [], {"errors": "sealed"}, {"data": {"version": 2}}])
@pytest.mark.parametrize("status", [400, 404, 405, 412, 418])
def test_a_refusal_that_is_not_the_server_s_own_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, status: int, body: Any
) -> None:
    store = store_with(Answers(kim=(status, body)), monkeypatch, retries=1)
    with pytest.raises(StoreError, match="not known whether kim was saved") as caught:
        store.save({"kim": Change(NEW, "1")})
    assert caught.value.unknown == {"kim"}
    own = store_with(Answers(kim=(status, {"errors": ["no"]})), monkeypatch, retries=1)
    with pytest.raises(StoreError, match="did not write secret/here/kim") as caught:
        own.save({"kim": Change(NEW, "1")})
    assert caught.value.unknown == frozenset()


# --------------------------------------------------------------------------------------------------------------- mounts


@pytest.mark.parametrize(
    ("mount", "sentence"),
    [
        ({"options": None}, "is KV version 1;"),
        ({"options": "2"}, "is KV version 1;"),
        ({"options": {"version": "3"}}, "is KV version 3;"),
        ({"options": {"version": "x\ny\x1b[31m" + "z" * 500}}, "is KV version x y"),
        ({"options": {"version": ["2"]}}, "is KV version unknown;"),
        ({"type": "generic", "options": {}}, "is KV version 1;"),
        ({"type": "pki"}, "is of the type pki;"),
        ({"type": {"a": 1}}, "is of the type unknown;"),
        ({"path": "team/"}, "is not a mount, but a place in the mount team."),
        ({"path": None}, "did not look up secret/here"),
    ],
)
def test_what_is_not_a_mount_of_version_2_is_named(
    monkeypatch: pytest.MonkeyPatch, mount: dict[str, Any], sentence: str
) -> None:
    store = store_with(Answers(internal=(200, {"data": {**MOUNT, **mount}})), monkeypatch)
    assert sentence in failure(lambda: store.load(["kim"]))


def test_a_mount_may_have_a_long_name(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "/".join(["team" * 20] * 3)
    store = store_with(
        Answers(internal=(200, {"data": {**MOUNT, "path": f"{name}/"}})), monkeypatch, mount_point=name, token=TOKEN
    )
    assert store.load(["kim"])["kim"] == Stored(OLD, "1")


# --------------------------------------------------------------------------------------------------------------- logins


@pytest.mark.parametrize("token", ["", " ", "a b\n", "s.\r\nX-Vault-Policy: root", "비밀", "\ud800", None, 5, ["s.x"]])
def test_a_login_without_a_token_that_can_be_used_is_named(monkeypatch: pytest.MonkeyPatch, token: Any) -> None:
    """A server gives an empty one where it wants a second factor."""
    answers = Answers(login=(200, {"auth": {"client_token": token, "mfa_requirement": {"mfa_request_id": "x"}}}))
    store = store_with(answers, monkeypatch, **BY_APPROLE)
    assert "gave no token for the login by approle at auth/approle (HTTP 200)" in failure(lambda: store.load(["kim"]))
    assert len(answers.requests) == 1, "nothing is asked without a token"


@pytest.mark.parametrize("lease", [10**400, 1e308, float("inf"), float("nan"), -1, 0, None, "100", True, [1], 100.5])
def test_any_lease_is_a_time_to_live_or_none(monkeypatch: pytest.MonkeyPatch, lease: Any) -> None:
    answers = Answers(login=(200, {"auth": {"client_token": TOKEN, "lease_duration": lease}}))
    store = store_with(answers, monkeypatch, **BY_APPROLE)
    assert store.load(["kim"])["kim"] == Stored(OLD, "1")
    store.close()
    urls = [request.url.removeprefix(URL) for request in answers.requests]
    assert (urls.count(LOG_IN), urls.count(REVOKE)) == (1, 1)


class Waiters(FakeClock):
    """A clock that tells when so many threads have asked for the time."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.all_there = threading.Event()
        self._asked = itertools.count(1)
        self._count = count

    def monotonic(self) -> float:
        if next(self._asked) == self._count:
            self.all_there.set()
        return super().monotonic()


def test_requests_that_wait_for_a_login_that_fails_do_not_each_try_again() -> None:
    """With a server that hangs, that would take a timeout for each of them."""
    workers, tried = 8, []
    clock = Waiters(workers)

    class Once:
        def call(self, *_request: Any, **_details: Any) -> Any:
            tried.append(clock.all_there.wait(30))
            raise KrcloudError("no answer within 10 s", hint="Wait.", repeatable=True)

    _kind, options = complete_options({"type": "hashi_vault", "url": URL, **BY_APPROLE}, {})
    once: Any = Once()
    login = hashi_login.Login(options, once, clock, lambda secret: None, list)
    failures: list[KrcloudError] = []

    def ask() -> None:
        with pytest.raises(KrcloudError) as caught:
            login.headers()
        failures.append(caught.value)

    threads = [threading.Thread(target=ask) for _worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert tried == [True]
    assert [failure.message for failure in failures] == ["no answer within 10 s"] * workers
    assert len(set(map(id, failures))) == workers, "each has its own, which its call completes"
    # Whoever comes later tries again.
    clock.passed += 1
    ask()
    assert len(tried) == 2


# ------------------------------------------------------------------------------------------------------------ predicted


@pytest.mark.parametrize("may", [["read", {}], [{}], [None], ["deny"]])
def test_odd_capabilities_predict_a_refusal_and_nothing_worse(monkeypatch: pytest.MonkeyPatch, may: Any) -> None:
    capabilities = (200, {"data": {"secret/data/here/kim": may}})
    store = store_with(Answers(**{"capabilities-self": capabilities}), monkeypatch)
    assert list(store.check_save(["kim", "lee"])) == ["kim"]


def test_capabilities_are_asked_for_in_pieces_that_the_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"lee-{number}" for number in range(1100)]
    answers = Answers()
    store = store_with(answers, monkeypatch)
    assert store.check_save(names) == {}
    asked = [json.loads(each.body)["paths"] for each in answers.requests if each.url.endswith("capabilities-self")]
    assert [len(paths) for paths in asked] == [500, 500, 100]
    assert [path.rpartition("/")[2] for paths in asked for path in paths] == names
