# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts in one task: all checked first, each reported, none twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    AuthenticationError,
    ConfigurationError,
    KrcloudError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    TransportError,
    UnknownOutcomeError,
    internal_error,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import of_word
from ansible_collections.krcloud.credentials.plugins.module_utils._core.workers import MOST_WORKERS
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.accounts import Account, Listing
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.reset import (
    Settled,
    Target,
    check_targets,
    doubts,
    reset_passwords,
    result_of,
)

GOOD = "Abcd-1234"
TASK = (None, None, None)
OTHER = (None, None, "other")
WAIT = 30.0


class FakeAccounts:
    """What one tenant sees: accounts by name, and what becomes of each reset."""

    def __init__(self, accounts: dict[str, str], endings: dict[str, BaseException | None] | None = None) -> None:
        self._accounts, self._endings = accounts, endings or {}
        self.listed = 0
        self.resets: list[tuple[str, str]] = []
        self.list_error: KrcloudError | None = None
        self.more: list[Account] = []
        self._lock = threading.Lock()

    def list_accounts(self, *, short: bool = False) -> Listing:
        with self._lock:
            self.listed += 1
        if self.list_error:
            raise self.list_error
        rows = [Account(key, name, None, "RUNNING", False, None) for name, key in self._accounts.items()]
        return Listing([*rows, *self.more], [])

    def reset_password(self, account_id: str, password: str) -> None:
        with self._lock:
            self.resets.append((account_id, password))
        ending = self._endings.get(account_id)
        if ending is not None:
            raise ending


def tenant(count: int = 5, **endings: BaseException | None) -> FakeAccounts:
    """Accounts df001, df002 ... with the ids ID1, ID2 ..."""
    return FakeAccounts({f"df{at:03d}": f"ID{at}" for at in range(1, count + 1)}, endings)


def by_name(*names: str, of: tuple[Any, ...] = TASK, password: str = GOOD) -> list[Target]:
    return [Target(f"accounts[{at}]", None, name, password, of) for at, name in enumerate(names)]


def by_id(*ids: str, of: tuple[Any, ...] = TASK, password: str = GOOD) -> list[Target]:
    return [Target(f"accounts[{at}]", key, None, password, of) for at, key in enumerate(ids)]


def reset(targets: Sequence[Target], client: FakeAccounts, **more: Any) -> list[Settled]:
    return reset_passwords(targets, lambda _tenant: client, **more)  # type: ignore[arg-type, return-value]


def outcomes(found: list[Settled]) -> list[str]:
    return [row.as_dict()["outcome"] for row in found]


# ------------------------------------------------------------------------------------------------------------ outcomes

ENDINGS: list[tuple[BaseException | None, str, str | None]] = [
    (None, "reset", None),
    (RejectedError("no"), "rejected", "rejected"),
    (UnknownOutcomeError("who knows"), "unknown", "unknown_outcome"),
    (NotFoundError("nobody"), "failed", "not_found"),
    (AuthenticationError("who"), "failed", "authentication"),
    (RateLimitError("slower"), "failed", "rate_limit"),
    (TransportError("no way"), "failed", "transport"),
    (ProtocolError("what"), "failed", "protocol"),
    (ConfigurationError("bad"), "failed", "configuration"),
    # It may have been raised after the request: nobody knows.
    (RuntimeError("a defect"), "unknown", "internal"),
    (KeyError("password"), "unknown", "internal"),
]


@pytest.mark.parametrize(("ending", "outcome", "kind"), ENDINGS)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_ending_among_good_ones(
    ending: BaseException | None, outcome: str, kind: str | None, concurrency: int
) -> None:
    client = tenant(ID2=ending)
    found = reset(by_name("df001", "df002", "df003"), client, concurrency=concurrency)
    assert outcomes(found) == ["reset", outcome, "reset"]
    assert [(each.id, each.name) for each in found] == [("ID1", "df001"), ("ID2", "df002"), ("ID3", "df003")]
    assert (found[1].error or {}).get("kind") == kind
    if outcome in ("rejected", "unknown"):
        assert (found[1].error or {}).get("hint")
    assert found[0].error is None
    assert sorted(client.resets) == [("ID1", GOOD), ("ID2", GOOD), ("ID3", GOOD)]


def test_an_unexpected_error_is_not_quoted() -> None:
    (found,) = reset(by_id("ID1"), tenant(ID1=RuntimeError(f"secret {GOOD}")))
    assert GOOD not in repr(found)
    assert "RuntimeError in test_reset.py, line " in found.error["message"]


def test_an_unknown_outcome_says_what_to_do() -> None:
    (found,) = reset(by_id("ID1"), tenant(ID1=UnknownOutcomeError("who knows")))
    assert "Run the task again with the same" in found.error["hint"]


@given(st.permutations(range(1, 21)), st.integers(1, 20))
def test_the_order_is_that_of_the_task(order: list[int], concurrency: int) -> None:
    client = tenant(20)
    targets = by_name(*(f"df{at:03d}" for at in order))
    found = reset(targets, client, concurrency=concurrency)
    assert [outcome.id for outcome in found] == [f"ID{at}" for at in order]
    assert sorted(client.resets) == sorted((f"ID{at}", GOOD) for at in order)


def test_each_account_gets_its_own_password() -> None:
    client = tenant()
    reset([*by_name("df001", password="First-111"), *by_id("ID2", password="Second-22")], client, concurrency=1)
    assert client.resets == [("ID1", "First-111"), ("ID2", "Second-22")]


# ------------------------------------------------------------------------------------------------------------ look-ups


def test_one_list_per_tenant_and_none_for_ids() -> None:
    one, two = tenant(), FakeAccounts({"team-a": "TA", "team-b": "TB"})
    clients: dict[Any, FakeAccounts] = {TASK: one, OTHER: two}
    targets = [*by_name("df001", "df002"), *by_name("team-a", "team-b", of=OTHER)]
    found = reset_passwords(targets, clients.__getitem__)  # type: ignore[arg-type]
    assert [outcome.id for outcome in found] == ["ID1", "ID2", "TA", "TB"]
    assert (one.listed, two.listed) == (1, 1)
    only_ids = tenant()
    assert outcomes(reset(by_id("ID1", "ID2"), only_ids)) == ["reset", "reset"]
    assert only_ids.listed == 0


def test_an_id_is_looked_up_only_if_there_is_a_list() -> None:
    found = reset([*by_name("df001"), *by_id("ID2", "absent")], tenant())
    assert outcomes(found) == ["reset", "reset", "failed"]
    assert found[2].error["kind"] == "not_found"


def test_a_missing_account_stops_nobody() -> None:
    client = tenant()
    found = reset(by_name("df001", "absent", "df003"), client)
    assert outcomes(found) == ["reset", "failed", "reset"]
    assert found[1].error["kind"] == "not_found"
    assert "no account with the name absent" in found[1].error["message"]
    assert found[1].id is None


def test_what_may_be_a_password_is_not_quoted_but_its_place_is_named() -> None:
    secret = "Zq7mVx-Canary01"
    client = tenant()
    found = reset([*by_name("df001", secret)], client)
    assert found[1].error["message"].startswith("There is no account with the name in accounts[1].name, or these")
    (alone,) = reset([Target("the account", None, secret, GOOD, TASK)], client)
    assert alone.error["message"].startswith("There is no account with the name in the option name, or these")
    (by_its_id,) = reset([Target("the account", "id." + secret, None, GOOD, TASK)], client, check_mode=True)
    assert by_its_id.error["message"].startswith("There is no account with the id in the option id, or these")
    for one in (found, [alone], [by_its_id]):
        assert secret not in result_of(one)["msg"]
    with pytest.raises(ConfigurationError) as caught:
        reset(by_name(secret, secret), client)
    assert caught.value.message == "accounts[1] is the same account as accounts[0]. Nothing was sent."


def test_a_name_that_several_accounts_have_is_refused() -> None:
    client = tenant()
    client.more = [Account("ID9", "df002", None, None, None, None), Account("ID3", "df003", None, None, None, None)]
    found = reset(by_name("df001", "df002", "df003"), client)
    assert outcomes(found) == ["reset", "failed", "reset"]
    assert found[1].error["message"] == "There are several accounts with the name df002."
    assert found[1].error["hint"] == "Specify the account by its id."
    assert outcomes(reset(by_id("ID2", "ID9"), client, check_mode=True)) == ["reset", "reset"]


def test_an_account_without_a_name_is_not_called_none() -> None:
    client = tenant()
    client.more = [Account("ID9", None, None, None, None, None)]
    assert outcomes(reset(by_name("None"), client)) == ["failed"]
    assert outcomes(reset(by_id("ID9"), client, check_mode=True)) == ["reset"]


def test_a_list_that_fails_fails_its_own_tenant_only() -> None:
    one, two = tenant(), FakeAccounts({"team-a": "TA"})
    one.list_error = AuthenticationError("refused")
    clients: dict[Any, FakeAccounts] = {TASK: one, OTHER: two}
    found = reset_passwords([*by_name("df001"), *by_name("team-a", of=OTHER)], clients.__getitem__)  # type: ignore[arg-type]
    assert outcomes(found) == ["failed", "reset"]
    assert found[0].error["kind"] == "authentication"
    assert one.resets == []


def test_an_id_that_looks_like_a_name_is_looked_up_as_an_id() -> None:
    client = FakeAccounts({"abc": "X1", "x1": "abc"})
    found = reset([*by_name("abc"), *by_id("abc")], client)
    assert [outcome.id for outcome in found] == ["X1", "abc"]


# ---------------------------------------------------------------------------------------------------------- check mode


def test_check_mode_looks_up_and_resets_nothing() -> None:
    client = tenant()
    found = reset([*by_name("df001", "absent"), *by_id("ID3", "ID99")], client, check_mode=True)
    assert outcomes(found) == ["reset", "failed", "reset", "failed"]
    assert "no account with the id ID99" in found[3].error["message"]
    assert client.listed == 1
    assert client.resets == []


# ---------------------------------------------------------------------------------------------------------- duplicates

DUPLICATES = [
    by_name("df001", "df001"),
    by_id("ID1", "ID1"),
    [*by_name("df001"), *by_id("ID1")],
    [*by_id("ID1"), *by_name("df002", "df001")],
]


@pytest.mark.parametrize("targets", DUPLICATES)
@pytest.mark.parametrize("check_mode", [False, True])
def test_the_same_account_twice_is_refused_before_anything_is_reset(targets: list[Target], check_mode: bool) -> None:
    client = tenant()
    with pytest.raises(ConfigurationError, match="is the same account as") as caught:
        reset(targets, client, check_mode=check_mode)
    assert client.resets == []
    assert targets[-1].label in caught.value.message
    assert targets[0].label in caught.value.message


def test_the_same_account_by_two_tenants_is_refused() -> None:
    client = tenant()
    with pytest.raises(ConfigurationError, match="is the same account as"):
        reset([*by_name("df001"), *by_name("df001", of=OTHER)], client)
    assert client.resets == []


def test_the_same_name_of_two_tenants_may_be_two_accounts() -> None:
    clients: dict[Any, FakeAccounts] = {TASK: FakeAccounts({"df": "A1"}), OTHER: FakeAccounts({"df": "B1"})}
    found = reset_passwords([*by_name("df"), *by_name("df", of=OTHER)], clients.__getitem__)  # type: ignore[arg-type]
    assert [outcome.id for outcome in found] == ["A1", "B1"]


# -------------------------------------------------------------------------------------------------------------- checks


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (by_id("")[0], "The id of accounts[0] is not valid: it must be 1 to 64 letters"),
        (by_id("a" * 65)[0], "The id of accounts[0] is not valid"),
        (by_id("a/b")[0], "The id of accounts[0] is not valid"),
        (by_id("ID1\n")[0], "The id of accounts[0] is not valid"),
        (by_name("")[0], "The name of accounts[0] is not valid: it must be 1 to 64 letters"),
        (by_name("{{x}}")[0], "The name of accounts[0] is not valid"),
        (by_name("-ab")[0], "The name of accounts[0] is not valid"),
        (by_id("ID1", password="")[0], "accounts[0] (ID1) has no password. Nothing was sent."),
        (by_id("ID1", password="Zy-1")[0], "password of accounts[0] (ID1) breaks the published rules: it is shorter"),
        (by_id("ID1", password="abcd1234")[0], "it has fewer than three of"),
        (by_id("ID1", password="Abcd-1234\n")[0], "it has a control character"),
    ],
)
def test_a_mistake_in_any_target_stops_all_before_the_first_request(target: Target, words: str) -> None:
    client = tenant()
    with pytest.raises(ConfigurationError) as caught:
        reset([*by_name("df002"), target], client)
    assert words in caught.value.message
    assert (client.listed, client.resets) == (0, [])
    assert not target.password or target.password not in caught.value.sentence()


def test_what_only_some_revisions_refuse_is_warned_about_and_sent() -> None:
    targets = [
        *by_name("df001", password="qazQAZ12"),
        Target("accounts[1]", None, "df002", "qazQAZ34", TASK),
        Target("accounts[2]", "ID3", None, "Aa1!aa&a", TASK),
        Target("accounts[3]", None, "df004", GOOD, TASK),
    ]
    said = doubts(targets)
    assert said == [
        "The vendor may reject the password of accounts[0] (df001), accounts[1] (df002): it has no special "
        "character. Its published rules disagree about that.",
        "The vendor may reject the password of accounts[2] (ID3): it has a quote, backslash, slash, ampersand, "
        "backtick or blank. Its published rules disagree about that.",
    ]
    assert not any(target.password in text for target in targets for text in said)
    client = tenant()
    assert outcomes(reset(targets, client)) == ["reset"] * 4
    assert len(client.resets) == 4


def test_many_doubts_are_one_warning() -> None:
    (said,) = doubts(by_name(*(f"df{at:03d}" for at in range(1000)), password="qazQAZ12"))
    assert "accounts[9] (df009) and 990 more: it has no special character." in said


def test_good_targets_pass() -> None:
    targets = [*by_name("df001", "df002"), *by_id("ID3")]
    check_targets(targets)
    assert doubts(targets) == []
    assert [repr(target) for target in targets] == [f"Target {target.label}" for target in targets]


@pytest.mark.parametrize("concurrency", [0, -1, MOST_WORKERS + 1])
def test_concurrency_has_bounds(concurrency: int) -> None:
    with pytest.raises(ConfigurationError, match="concurrency is not valid: it must be a whole number from 1 to 64"):
        reset(by_id("ID1"), tenant(), concurrency=concurrency)


@pytest.mark.parametrize("most", [0, -1])
def test_max_failures_has_a_bound(most: int) -> None:
    with pytest.raises(ConfigurationError, match="max_failures is not valid: it must be a whole number from 1 to"):
        reset(by_id("ID1"), tenant(), max_failures=most)


# -------------------------------------------------------------------------------------------------------- max_failures


def test_after_so_many_failures_nothing_is_begun_and_everyone_is_reported() -> None:
    client = tenant(6, ID2=RejectedError("no"), ID3=RuntimeError("defect"))
    found = reset(by_id(*(f"ID{at}" for at in range(1, 7))), client, concurrency=1, max_failures=2)
    assert outcomes(found) == ["reset", "rejected", "unknown", "skipped", "skipped", "skipped"]
    assert [account for account, _password in client.resets] == ["ID1", "ID2", "ID3"]
    assert "max_failures (2) was reached" in found[3].error["message"]


def test_a_missing_account_counts_as_a_failure() -> None:
    client = tenant()
    found = reset(by_name("df001", "absent"), client, concurrency=1, max_failures=1)
    assert outcomes(found) == ["skipped", "failed"]
    assert client.resets == []


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 8))
def test_max_failures_with_many_workers(failing: int, most: int, concurrency: int) -> None:
    endings: dict[str, BaseException | None] = {f"ID{at}": RejectedError("no") for at in range(1, failing + 1)}
    client = tenant(12, **endings)
    found = reset(by_id(*(f"ID{at}" for at in range(1, 13))), client, concurrency=concurrency, max_failures=most)
    assert len(found) == 12
    failed = outcomes(found).count("rejected")
    # Those that were under way when the limit was reached may still fail; no further one is begun.
    assert failed <= most + concurrency - 1
    assert len(client.resets) == 12 - outcomes(found).count("skipped")
    assert failed == failing or failed >= most


# -------------------------------------------------------------------------------------------------------------- result


def outcome(kind: str, name: str | None = "df001", message: str = "It broke.") -> Settled:
    error = None if kind == "reset" else RejectedError(message, hint="Do this.").as_dict()
    return Settled("ID1", name, of_word(kind, "reset"), error)


def test_a_good_result() -> None:
    assert result_of([outcome("reset")]) == {
        "changed": True,
        "accounts": [{"id": "ID1", "name": "df001", "outcome": "reset", "error": None, "unanswered": False}],
    }


@pytest.mark.parametrize(("kind", "changed"), [("rejected", False), ("failed", False), ("unknown", True)])
def test_a_bad_result_of_one_account(kind: str, changed: bool) -> None:
    result = result_of([outcome(kind)])
    assert (result["failed"], result["changed"]) == (True, changed)
    assert result["msg"] == "df001: It broke. Do this."
    assert result["error"]["kind"] == "rejected"
    assert result_of([outcome(kind, name=None)])["msg"].startswith("ID1: ")


def test_a_bad_result_of_many_accounts() -> None:
    found = [outcome("reset"), outcome("skipped"), outcome("unknown"), outcome("rejected"), outcome("skipped")]
    result = result_of(found)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].startswith("4 of 5 accounts were not reset: 1 rejected, 1 unknown, 2 skipped.")
    assert "It broke." in result["msg"]
    assert [each["outcome"] for each in result["accounts"]] == outcomes(found)


def test_what_to_do_is_said_once() -> None:
    again = "It is safe to run the task again"
    assert result_of([outcome("failed"), outcome("failed")])["msg"].count(again) == 1
    found = reset(by_id("ID1", "ID2"), tenant(ID1=UnknownOutcomeError("who knows"), ID2=UnknownOutcomeError("who")))
    assert result_of(found)["msg"].count("Run the task again") == 1


@given(st.lists(st.sampled_from(["reset", "rejected", "unknown", "failed", "skipped"]), min_size=1, max_size=8))
def test_a_task_fails_unless_all_were_reset(kinds: list[str]) -> None:
    result = result_of([outcome(kind) for kind in kinds])
    assert bool(result.get("failed")) == (set(kinds) != {"reset"})
    assert result["changed"] == bool({"reset", "unknown"} & set(kinds))
    assert [each["outcome"] for each in result["accounts"]] == kinds


# ----------------------------------------------------------------------------------------------- errors nobody expects


def raised(action: Callable[[], object]) -> BaseException:
    try:
        action()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_internal_error_names_type_and_place_and_quotes_nothing() -> None:
    error = internal_error(raised(lambda: {}["canary"]))
    assert error.kind == "internal"
    assert "(KeyError in test_reset.py, line " in error.message
    assert "canary" not in error.sentence()
    assert "(RuntimeError)" in internal_error(RuntimeError("canary")).message
    assert "interrupted" in internal_error(KeyboardInterrupt()).message
