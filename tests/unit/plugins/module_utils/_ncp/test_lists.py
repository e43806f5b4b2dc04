# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lists of many tenants: in parallel, in little memory, and each with its own end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import TooLarge
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import AuthenticationError, KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import lists
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Account, Listing, Unusable
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.dataforest import MOST_LONG_LISTS, in_turn
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.lists import Filter, Listed, list_accounts
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.tenants import TASK, Asked, Tenant, of_rows

WAIT = 30.0
REFUSED = AuthenticationError("NAVER Cloud refused the credentials.", hint="Check the key.", http_status=401)


def account(name: str) -> Account:
    return Account(f"id{name}", name, None, "RUNNING", False, None)


class World:
    """What the tenants see. Each is a profile; those in ``long`` have a long list."""

    def __init__(self, **seen: Listing | Exception) -> None:
        self.seen = seen
        self.long: set[str] = set()
        self.asked: list[tuple[str | None, bool]] = []
        self.most_long = 0
        self._long_now = 0
        self._lock = threading.Lock()

    @property
    def tenants(self) -> list[Tenant]:
        return [Tenant(None, None, name) for name in self.seen]

    def list(self, wanted: Filter = Filter(), concurrency: int = 8) -> list[Listed]:  # noqa: B008 it is immutable
        return list_accounts([Asked(each) for each in self.tenants], self._client, wanted, concurrency)

    def _client(self, tenant: Tenant) -> Any:
        world = self

        class Client:
            def list_accounts(self, *, short: bool = False) -> Listing:
                return world._list(tenant.profile or "", short)

        return Client()

    def _list(self, name: str, short: bool) -> Listing:
        with self._lock:
            self.asked.append((name, short))
            if name in self.long and short:
                raise TooLarge("the answer is larger than 65536 bytes")
            self._long_now += not short
            self.most_long = max(self.most_long, self._long_now)
        found = self.seen[name]
        with self._lock:
            self._long_now -= not short
        if isinstance(found, Exception):
            raise found
        return found


def few(*names: str) -> Listing:
    return Listing([account(name) for name in names], [])


def test_each_tenant_has_its_own_end() -> None:
    broken = RuntimeError("a defect, with a secret")
    world = World(one=few("df001", "df002"), two=REFUSED, three=few(), four=broken, five=few("df005"))
    result = lists.result_of(world.list())
    assert [(row["name"], row["profile"], row["access_key"]) for row in result["accounts"]] == [
        ("df001", "one", None),
        ("df002", "one", None),
        ("df005", "five", None),
    ]
    told = result["tenants"]
    assert [(row["profile"], row["accounts"]) for row in told] == [
        ("one", 2),
        ("two", 0),
        ("three", 0),
        ("four", 0),
        ("five", 1),
    ]
    assert [row["error"]["kind"] if row["error"] else None for row in told] == [
        None,
        "authentication",
        None,
        "internal",
        None,
    ]
    assert result["failed"] is True
    assert result["error"] == REFUSED.as_dict()
    assert result["msg"].startswith("2 of 5 tenants could not be listed. tenants[1] (two): NAVER Cloud refused the")
    assert "Check the key. tenants[3] (four): krcloud.credentials has a defect" in result["msg"]
    assert "secret" not in str(result)


def test_a_tenant_without_credentials_is_not_asked_and_has_its_own_end() -> None:
    """Asked like the others, it would be looked for in the environment and in the default profile."""
    world = World(one=few("df001"), two=few("df002"))
    rows = [
        {"profile": "one", "access_key": None, "secret_key": None},
        {"profile": "", "access_key": None, "secret_key": None},
        {"profile": None, "access_key": "KEY1", "secret_key": ""},
        {"profile": None, "access_key": "", "secret_key": None},
        {"profile": "two", "access_key": None, "secret_key": None},
    ]
    result = lists.result_of(list_accounts(of_rows(rows), world._client, Filter()))
    assert sorted(world.asked) == [("one", False), ("two", False)]
    assert [(row["name"], row["profile"]) for row in result["accounts"]] == [("df001", "one"), ("df002", "two")]
    told = [
        (row["profile"], row["access_key"], row["accounts"], (row["error"] or {}).get("message"))
        for row in result["tenants"]
    ]
    nothing = "None of profile, access_key and secret_key has a value."
    assert told == [
        ("one", None, 1, None),
        (None, None, 0, nothing),
        (None, "KEY1", 0, "access_key has a value, but secret_key has none."),
        (None, None, 0, nothing),
        ("two", None, 1, None),
    ]
    assert result["msg"].startswith(f"3 of 5 tenants could not be listed. tenants[1]: {nothing} Give the tenant a")
    assert result["error"]["kind"] == "configuration"


def test_if_no_tenant_has_credentials_all_of_them_fail() -> None:
    rows = of_rows([{"profile": "", "access_key": None, "secret_key": None}] * 2)
    result = lists.result_of(list_accounts(rows, World()._client, Filter()))
    assert [row["error"]["kind"] for row in result["tenants"]] == ["configuration"] * 2


def test_a_task_whose_tenants_are_all_listed_does_not_fail() -> None:
    result = lists.result_of(World(one=few("df001"), two=few()).list())
    assert {"failed", "msg", "error"} & set(result) == set()
    assert result["changed"] is False


def test_the_message_explains_the_first_failures_and_counts_the_others() -> None:
    world = World(**{f"team-{at}": REFUSED for at in range(10)})
    result = lists.result_of(world.list())
    assert result["msg"].startswith("10 of 10 tenants could not be listed. tenants[0] (team-0): NAVER")
    assert result["msg"].endswith("For 7 more, see tenants.")
    assert result["msg"].count("Check the key.") == 3


@pytest.mark.parametrize(
    ("wanted", "names"),
    [(Filter(name="df001"), ["df001", "df001"]), (Filter(id="iddf002"), ["df002"]), (Filter("iddf002", "df001"), [])],
)
def test_accounts_are_chosen_of_each_tenant(wanted: Filter, names: list[str]) -> None:
    result = lists.result_of(World(one=few("df001", "df002"), two=few("df001")).list(wanted))
    assert [row["name"] for row in result["accounts"]] == names
    assert sum(row["accounts"] for row in result["tenants"]) == len(names)


def test_rows_that_cannot_be_used_say_whose_they_are() -> None:
    row = Unusable(1, "Account 1 in the list of NAVER Cloud is left out: no.")
    listed = World(one=few("df001"), two=Listing([], [row]), three=Listing([], [row])).list()
    assert lists.result_of(listed)["unusable"] == [
        {**row.as_dict(), "profile": name, "access_key": None} for name in ("two", "three")
    ]
    (warning,) = lists.warnings_of(listed)
    assert warning.startswith("tenants[1] (two): Account 1 in the list of NAVER Cloud is left out: no. In all, 2 are")
    assert lists.warnings_of([Listed(TASK, [], [row])]) == [row.reason]
    assert lists.warnings_of([Listed(TASK, [account("df001")])]) == []


def test_long_lists_are_asked_for_again_and_few_at_a_time() -> None:
    world = World(**{f"t{at}": few(f"df{at:03}") for at in range(20)})
    world.long = {f"t{at}" for at in range(5, 15)}
    listed = world.list(concurrency=16)
    assert [row.accounts[0].name for row in listed] == [f"df{at:03}" for at in range(20)]
    assert sorted(name for name, short in world.asked if short) == sorted(world.seen)
    assert sorted(name for name, short in world.asked if not short) == sorted(world.long)
    assert world.most_long <= MOST_LONG_LISTS


def test_few_lists_are_not_asked_for_twice() -> None:
    world = World(one=few("df001"), two=REFUSED)
    world.long = {"one", "two"}
    assert [len(row.accounts) for row in world.list()] == [1, 0]
    assert sorted(world.asked) == [("one", False), ("two", False)]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_lists_are_asked_for_at_the_same_time(concurrency: int) -> None:
    together = threading.Barrier(concurrency)

    def use(tenant: Tenant, short: bool) -> str | None:
        together.wait(WAIT)
        return tenant.profile

    asked = World(**{f"t{at}": few() for at in range(6)}).tenants
    assert in_turn(use, asked, concurrency) == [f"t{at}" for at in range(6)]


def test_no_more_rows_are_kept_than_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_ROWS", 10)
    rows = few(*(f"df{at:03}" for at in range(4)))
    world = World(one=rows, two=rows, three=rows, four=few("df001", "df002"), five=rows)
    listed = world.list(concurrency=1)
    assert [len(row.accounts) for row in listed] == [4, 4, 0, 2, 0]
    assert isinstance(listed[2].error, KrcloudError)
    assert listed[2].error.message.startswith("The tenants of this task have more than 10 accounts")
    # One list has a bound of its own.
    monkeypatch.setattr(lists, "MOST_ROWS", 3)
    assert len(World(one=rows).list()[0].accounts) == 4


def test_errors_are_kept_without_what_they_came_from() -> None:
    def frames(error: BaseException | None) -> Sequence[str]:
        names = []
        trace = error.__traceback__ if error else None
        while trace:
            names.append(trace.tb_frame.f_code.co_name)
            trace = trace.tb_next
        return names

    (row,) = World(one=AuthenticationError("no")).list()
    assert frames(row.error) == []


def test_the_error_of_the_task_is_raised() -> None:
    with pytest.raises(AuthenticationError):
        lists.result_of_one(Listed(TASK, error=REFUSED))
    result = lists.result_of_one(Listed(TASK, [account("df001")]))
    assert [row["name"] for row in result["accounts"]] == ["df001"]
    assert "profile" not in result["accounts"][0]
