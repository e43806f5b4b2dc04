# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every store must do. Runs against each of BENCHES."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    Change,
    Conflict,
    Store,
    Stored,
    StoreError,
)
from support.stores.benches import Bench, get, load, put, said
from support.stores.child import Child, Died, kill_myself

CANARY = "Kanarienvogel-비밀-8c1f!Zq"
OLD = {"password": f"{CANARY}-old", "round": 1}
NEW = {"password": f"{CANARY}-new", "round": 2}


pytestmark = pytest.mark.usefixtures("quick_key_derivation")


def change(document: Any, expected: str | None = None) -> Change:
    return Change(document, expected)


# ------------------------------------------------------------------------------------------------- read and write


def test_reads_what_it_wrote_in_this_and_in_any_other_run(bench: Bench) -> None:
    store = bench.open()
    revision = put(store, kim=OLD)["kim"]
    for reader in (store, bench.open()):
        assert get(reader, "kim").document == OLD
        assert get(reader, "kim").revision == revision
        assert bench.names() == ["kim"]


def test_a_store_that_nobody_wrote_to_is_empty(bench: Bench) -> None:
    store = bench.open()
    assert bench.names() == []
    assert store.load(["kim", "lee"]) == {}
    assert store.load([]) == {}
    assert store.save({}) == {}
    assert bench.names() == []


def test_names_that_do_not_exist_are_left_out(bench: Bench) -> None:
    store = bench.open()
    put(store, kim=OLD, lee=NEW)
    assert set(store.load(["lee", "park", "lee"])) == {"lee"}
    assert bench.names() == ["kim", "lee"]


def test_a_new_revision_is_enough_for_the_next_change(bench: Bench) -> None:
    store = bench.open()
    revision = put(store, kim={"round": 0})["kim"]
    seen = {revision}
    for number in range(1, 4):
        outcome = store.save({"kim": change({"round": number}, revision)})["kim"]
        assert isinstance(outcome, str)
        revision = outcome
        seen.add(revision)
    assert len(seen) == 4
    assert get(bench.open(), "kim").document == {"round": 3}


def test_what_was_loaded_may_be_changed_without_changing_the_store(bench: Bench) -> None:
    store = bench.open()
    document: dict[str, Any] = {"pending": [{"password": CANARY}]}
    put(store, kim=document)
    document["pending"].clear()
    for reader in (store, bench.open()):
        get(reader, "kim").document["pending"].clear()
        assert get(reader, "kim").document == {"pending": [{"password": CANARY}]}


def test_it_has_an_address_that_is_the_same_in_every_run_and_holds_no_secret(bench: Bench) -> None:
    first = bench.open()
    before = first.address
    put(first, kim=OLD)
    assert first.address == before == bench.open().address
    assert before.isprintable()
    assert not any(secret in before for secret in bench.secrets)
    assert first.is_same(bench.open())
    bench.move()
    other = bench.open()
    assert other.address != before
    assert not other.is_same(first)
    assert not first.is_same(other)


# ---------------------------------------------------------------------------------------------------------- conflicts


def test_a_stale_revision_is_a_conflict(bench: Bench) -> None:
    store = bench.open()
    first = put(store, kim=OLD)["kim"]
    second = bench.open().save({"kim": change(NEW, first)})["kim"]
    assert store.save({"kim": change({"round": 3}, first)}) == {"kim": Conflict()}
    assert (get(store, "kim").document, get(store, "kim").revision) == (NEW, second)


def test_new_means_new(bench: Bench) -> None:
    store = bench.open()
    put(store, kim=OLD)
    assert bench.open().save({"kim": change(NEW)}) == {"kim": Conflict()}
    assert bench.open().save({"kim": change(OLD)}) == {"kim": Conflict()}
    assert get(store, "kim").document == OLD


def test_what_is_gone_cannot_be_changed(bench: Bench) -> None:
    store = bench.open()
    revision = put(store, kim=OLD)["kim"]
    assert store.save({"lee": change(NEW, revision)}) == {"lee": Conflict()}
    assert bench.names() == ["kim"]


def test_one_conflict_does_not_affect_the_others(bench: Bench) -> None:
    store = bench.open()
    revisions = put(store, kim=OLD, lee=OLD, park=OLD)
    bench.open().save({"lee": change(NEW, revisions["lee"])})
    outcomes = store.save(
        {**{name: change({"round": 9}, revision) for name, revision in revisions.items()}, "choi": change(NEW)}
    )
    assert outcomes["lee"] == Conflict()
    rounds = {name: stored.document["round"] for name, stored in load(store, bench.names()).items()}
    assert rounds == {"kim": 9, "lee": 2, "park": 9, "choi": 2}
    assert {name: stored.revision for name, stored in load(store, ["kim", "park", "choi"]).items()} == {
        name: outcome for name, outcome in outcomes.items() if name != "lee"
    }


def count(store: Store, rounds: int, me: str, meet: Callable[[], object]) -> int:
    """Add one to a counter by compare-and-set, ``rounds`` times; return how often somebody else was first."""
    lost = 0
    for number in range(rounds):
        while True:
            stored = get(store, "counter")
            if number == lost == 0:
                meet()
            document = {"count": stored.document["count"] + 1, "log": [*stored.document["log"], me]}
            outcome = store.save({"counter": change(document, stored.revision)})["counter"]
            if not isinstance(outcome, Conflict):
                break
            lost += 1
    return lost


@pytest.mark.parametrize(("writers", "rounds"), [(2, 100), (8, 15)])
def test_processes_that_write_at_the_same_time_lose_no_update(bench: Bench, writers: int, rounds: int) -> None:
    put(bench.open(), counter={"count": 0, "log": []})
    together = multiprocessing.get_context("fork").Barrier(writers)
    children = [
        Child(lambda me=f"w{number}": count(bench.open(), rounds, me, together.wait)) for number in range(writers)
    ]
    lost = sum(child.result() for child in children)
    document = get(bench.open(), "counter").document
    assert document["count"] == writers * rounds
    assert {document["log"].count(f"w{number}") for number in range(writers)} == {rounds}
    assert lost >= writers - 1, "they did not meet even once, so nothing was tested"


def test_exactly_one_of_many_creates_a_document(bench: Bench) -> None:
    def create(name: str, me: int) -> object:
        return bench.open().save({name: change({"owner": me})})[name]

    for name in ("kim", "lee", "park"):
        children = [Child(functools.partial(create, name, me)) for me in range(6)]
        outcomes = [child.result() for child in children]
        (winner,) = [me for me, outcome in enumerate(outcomes) if outcome != Conflict()]
        assert get(bench.open(), name).document == {"owner": winner}


# ------------------------------------------------------------------------------------------------------------- delete


def test_what_is_deleted_is_gone_and_can_be_made_again(bench: Bench) -> None:
    store = bench.open()
    revisions = put(store, kim=OLD, lee=OLD, park=NEW)
    assert store.delete({"kim": revisions["kim"], "park": revisions["park"]}) == {"kim": "", "park": ""}
    for reader in (store, bench.open()):
        assert set(reader.load(["kim", "lee", "park"])) == {"lee"}
        assert reader.names() == ["lee"]
    assert bench.names() == ["lee"]
    assert store.delete({}) == {}
    put(store, kim=NEW)
    assert get(bench.open(), "kim").document == NEW
    assert store.save({"park": change(OLD, revisions["park"])}) == {"park": Conflict()}


def test_what_somebody_has_changed_is_not_deleted(bench: Bench) -> None:
    store = bench.open()
    revisions = put(store, kim=OLD, lee=OLD)
    bench.open().save({"kim": change(NEW, revisions["kim"])})
    assert store.delete({**revisions, "nobody": revisions["lee"]}) == {
        "kim": Conflict(),
        "lee": "",
        "nobody": Conflict(),
    }
    assert get(store, "kim").document == NEW
    assert bench.names() == ["kim"]


def test_a_writer_who_has_read_before_a_delete_does_not_bring_a_document_back(bench: Bench) -> None:
    revision = put(bench.open(), kim=OLD)["kim"]
    writer = bench.open()
    get(writer, "kim")
    bench.open().delete({"kim": revision})
    assert writer.save({"kim": change(NEW, revision)}) == {"kim": Conflict()}
    assert bench.names() == []


def test_exactly_one_of_a_writer_and_a_delete_wins(bench: Bench) -> None:
    for number in range(6):
        name = f"kim-{number}"
        revision = put(bench.open(), **{name: OLD})[name]

        def write(name: str = name, revision: str = revision) -> object:
            return bench.open().save({name: change(NEW, revision)})[name]

        def forget(name: str = name, revision: str = revision) -> object:
            return bench.open().delete({name: revision})[name]

        written, gone = [child.result() for child in (Child(write), Child(forget))]
        assert (written == Conflict()) is (gone == "")
        assert (name in bench.names()) is (gone != "")


def test_names_are_those_of_all_documents_even_of_one_that_cannot_be_read(bench: Bench) -> None:
    assert bench.open().names() == []
    put(bench.open(), **{"lee": OLD, "kim": OLD, "한글": OLD, "a b": OLD})
    assert bench.open().names() == sorted(["a b", "kim", "lee", "한글"])
    bench.spoil("kim")
    assert "kim" in bench.open().names()


@pytest.mark.parametrize("by_itself", [True, False])
def test_what_is_loaded_after_the_names_is_what_is_there_then(bench: Bench, by_itself: bool) -> None:
    revision = put(bench.open(), kim=OLD)["kim"]
    store = bench.open()
    assert store.names() == ["kim"]
    (store if by_itself else bench.open()).save({"kim": change(NEW, revision)})
    assert [get(store, "kim").document for _time in range(2)] == [NEW, NEW]
    assert store.names() == ["kim"]
    assert [get(store, "kim").document for _time in range(2)] == [NEW, NEW]


def test_a_kill_at_any_step_of_a_delete_leaves_what_another_delete_takes_up(bench: Bench) -> None:
    revisions = put(bench.open(), counted=OLD, kept=OLD)
    taken: list[str] = []
    store = bench.open()
    with bench.steps(lambda when, step: taken.append(step)):
        store.delete({"counted": revisions["counted"]})
    assert len(taken) >= 4
    found = []
    for number in range(len(taken)):
        name = f"kim-{number}"
        revision = put(bench.open(), **{name: OLD})[name]

        def die(number: int = number, name: str = name, revision: str = revision) -> None:
            left = iter(range(number, -1, -1))
            store = bench.open()
            with bench.steps(lambda when, step: kill_myself() if next(left) == 0 else None):
                store.delete({name: revision})

        with pytest.raises(Died):
            Child(die).result()
        survivor = bench.open()
        stored = load(survivor, [name]).get(name)
        found.append(stored and stored.document)
        assert stored is None or stored.document in (OLD, FORGOTTEN)
        if stored:
            assert survivor.delete({name: stored.revision}) == {name: ""}
        assert name not in bench.names()
    assert found[0] == OLD
    assert found[-1] is None
    assert get(bench.open(), "kept").document == OLD


def test_what_would_refuse_a_delete_is_predicted(bench: Bench) -> None:
    revision = put(bench.open(), kim=OLD)["kim"]
    assert bench.open().check_delete(["kim"]) == {}
    with bench.not_for_saving() as store:
        before = bench.mark()
        revision = get(store, "kim").revision
        hints = []
        for attempt in (lambda: store.check_delete(["kim"]), lambda: store.delete({"kim": revision})):
            with pytest.raises(StoreError) as caught:
                said(attempt())
            assert not caught.value.unknown
            hints.append(caught.value.hint)
        assert hints[0]
        assert hints[0] == hints[1]
        assert bench.mark() == before
    assert get(bench.open(), "kim").document == OLD


# ---------------------------------------------------------------------------------------------------- names and values


DOCUMENTS: dict[str, Any] = {
    "empty": {},
    "kinds": {
        "none": None,
        "yes": True,
        "no": False,
        "int": -7,
        "big": 2**53 - 1,
        "small": 1 - 2**53,
        "float": 0.1,
        "list": [],
        "map": {},
    },
    "like numbers": {
        "a": ["0012345", "09234e1", "1e5", "1_000", "12:30:00", "0x1F", ".inf", "NaN", "-", "~", "2026-01-31"]
    },
    "like words": {
        "b": ["yes", "No", "on", "null", "y", "true", "=", "<<", "---", "...", "!vault", "{{ x }}", "{% if %}"]
    },
    "specials": {"password": "'\"`\\/&|<>#%@!?*:;,.[]{}()^~$+=_- '' \"\" \\n %41 &amp; $(id) {{ 1 + 1 }}"},
    "blanks": {"password": "  a  b\t", "lines": "a\nb\r\nc\rd\n\n", "edge": "\n", "blank": " "},
    "odd": {"password": "\x00\x01\x07\x1b[31m\x7f\x85\u00a0\u2028\u2029\ufeff\u200b\ufffd"},
    "한글": {"password": "비밀번호-갂각힣", "분해": "\u1112\u1161\u11ab\u1100\u1173\u11af", "emoji": "🔑🇰🇷"},
    "keys": {"yes": 1, "0012": 2, "a b": 3, "": 4, "~": 5, "한": 6, "y": 7, "1.5": 8, "{}": 9, "# x": 10, "k: v": 11},
    "nested": {"a": [[1, [2, {"b": [None, {"c": "d"}]}]], {"e": []}], "long": "x" * 4000 + " " + "y z " * 1000},
    "64 KiB": {"password": "비" * 21_000 + "x" * 2_560, "pending": [{"password": "q'\"" * 10}] * 50},
}


def test_gives_back_every_value_as_it_was(bench: Bench) -> None:
    put(bench.open(), **DOCUMENTS)
    stored = load(bench.open(), list(DOCUMENTS))
    assert {name: item.document for name, item in stored.items()} == DOCUMENTS
    # 1 == True == 1.0 in Python.
    kinds = stored["kinds"].document
    assert {key: type(value) for key, value in kinds.items()} == {
        key: type(value) for key, value in DOCUMENTS["kinds"].items()
    }


NAMES = ("k", "kim-1", "data.forest", "kim@example.com", "a+b", "100%", "a%2Fb", "a b", "q?x=1#y", "a'b", 'a"b', "a\\b")
NAMES += ("분석팀", "yes", "0012", "null", "~", "...", ".a", "-", "{kim}", "a:b", "&a", "*a", "!a", "n" * 200)


def test_takes_every_name(bench: Bench) -> None:
    put(bench.open(), **{name: {"name": name} for name in NAMES})
    store = bench.open()
    assert bench.names() == sorted(NAMES)
    assert {name: stored.document["name"] for name, stored in load(store, NAMES).items()} == {
        name: name for name in NAMES
    }


def test_one_of_two_spellings_of_a_name_is_refused(bench: Bench) -> None:
    """Otherwise, nobody could tell the two documents apart."""
    store = bench.open()
    put(store, **{"한글": OLD})
    for name in ("\u1112\u1161\u11ab\u1100\u1173\u11af", "e\u0301"):
        for attempt in (
            lambda name=name: store.load([name]),
            lambda name=name: store.save({name: change(NEW)}),
            lambda name=name: store.check_save([name]),
            lambda name=name: store.delete({name: "1"}),
            lambda name=name: store.check_delete([name]),
        ):
            with pytest.raises(StoreError, match="cannot be the name") as caught:
                attempt()
            assert "Unicode NFC" in str(caught.value.hint)
            assert name not in caught.value.sentence()
    assert bench.names() == ["한글"]


@pytest.mark.parametrize(
    "name", ["", " a", "a ", ".", "..", "canary/", "/", "a\nb", "a\x00", "\ud800", "n" * 201, 5, None]
)
def test_refuses_names_that_not_every_store_can_keep(bench: Bench, name: Any) -> None:
    store = bench.open()
    for attempt in (
        lambda: store.load([name]),
        lambda: store.save({"kim": change(OLD), name: change(OLD)}),
        lambda: store.check_save(["kim", name]),
        lambda: store.check_delete(["kim", name]),
        lambda: store.delete({name: "1"}),
    ):
        with pytest.raises(StoreError, match="cannot be the name") as caught:
            attempt()
        assert "canary" not in caught.value.sentence(), "it may be anything, even a password"
    assert bench.names() == []


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), (1, 2), {1: 2}, {1, 2}, b"bytes", object(), "\ud800"],
    ids=lambda value: ascii(value)[:12],
)
def test_refuses_what_is_not_plain_data_and_saves_the_others(bench: Bench, value: Any) -> None:
    store = bench.open()
    outcomes = store.save(
        {"kim": change(OLD), "lee": change({"password": CANARY, "value": value}), "park": change(OLD)}
    )
    refused = outcomes.pop("lee")
    assert isinstance(refused, StoreError)
    assert "The document lee cannot be stored" in refused.message
    assert refused.hint
    assert CANARY not in refused.sentence()
    assert bench.names() == ["kim", "park"]
    assert outcomes == {name: each.revision for name, each in load(store, ["kim", "park"]).items()}
    assert isinstance(store.save({"lee": change({"value": value})})["lee"], StoreError)


def test_keeps_a_thousand_documents(bench: Bench) -> None:
    names = [f"account-{number:04d}" for number in range(1000)]
    document = {"password": CANARY, "previous": [{"password": CANARY, "retired_at": "2026-01-31T03:00:00Z"}] * 2}
    store = bench.open()
    revisions = put(store, **{name: {**document, "name": name} for name in names})
    assert bench.names() == names
    stored = load(bench.open(), names)
    assert [item.document["name"] for item in stored.values()] == names
    assert {name: item.revision for name, item in stored.items()} == revisions


# -------------------------------------------------------------------------------------------------------------- faults


@pytest.fixture
def steps(bench: Bench) -> list[tuple[str, str]]:
    """Every step of a save of one changed and one new document, in order."""
    put(bench.open(), counted=OLD)
    store = bench.open()
    revision = get(store, "counted").revision
    taken: list[tuple[str, str]] = []
    with bench.steps(lambda when, step: taken.append((when, step))):
        store.save({"counted": change(NEW, revision), "also": change(NEW)})
    return taken


def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_nothing_in_the_way(
    bench: Bench, steps: list[tuple[str, str]]
) -> None:
    assert len(steps) >= 4
    found = []
    for number in range(len(steps)):
        name = f"kim-{number}"
        revision = put(bench.open(), **{name: OLD})[name]

        def die(number: int = number, name: str = name, revision: str = revision) -> None:
            left = iter(range(number, -1, -1))
            store = bench.open()
            store.load([name])
            with bench.steps(lambda when, step: kill_myself() if next(left) == 0 else None):
                store.save({name: change(NEW, revision), f"new-{number}": change(NEW)})

        with pytest.raises(Died) as died:
            Child(die).result()
        assert died.value.signal == signal.SIGKILL
        survivor = bench.open()
        stored = get(survivor, name)
        assert stored.document in (OLD, NEW)
        found.append(stored.document == NEW)
        outcome = survivor.save({name: change({"round": 3}, stored.revision)})[name]
        assert isinstance(outcome, str)
        assert get(bench.open(), name).document == {"round": 3}
    assert not found[0]
    assert found[-1]
    others = load(bench.open(), [f"new-{number}" for number in range(len(steps))])
    assert all(stored.document == NEW for stored in others.values())


def test_says_in_one_sentence_what_is_wrong_and_leaves_everything_as_it_was(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    put(bench.open(), kim=OLD)
    for fault, broken in bench.faults().items():
        with broken() as store:
            for attempt in (
                lambda store=store: load(store, ["kim"]),
                lambda store=store: said(store.check_save(["kim"])),
                lambda store=store: said(store.save({"kim": change(NEW), "lee": change(NEW)})),
                lambda store=store: store.names(),
                lambda store=store: said(store.check_delete(["kim"])),
                lambda store=store: said(store.delete({"kim": "1"})),
            ):
                with pytest.raises(StoreError) as caught:
                    attempt()
                error = caught.value
                assert error.kind == "store", fault
                assert error.hint, fault
                assert "\n" not in error.sentence(), fault
                assert "Traceback" not in error.sentence(), fault
                assert error.__cause__ is None, fault
                assert error.__suppress_context__ or error.__context__ is None, fault
                for secret in (CANARY, *bench.secrets):
                    assert secret not in f"{error.sentence()}{error!r}{error.as_dict()}{caplog.text}", fault
                assert not error.saved, fault
                assert not error.unknown, fault
        assert {name: stored.document for name, stored in load(bench.open(), ["kim", "lee"]).items()} == {"kim": OLD}


def test_one_document_that_cannot_be_read_does_not_affect_others(bench: Bench) -> None:
    revisions = put(bench.open(), kim=OLD, lee=OLD)
    bench.spoil("kim")
    store = bench.open()
    found = store.load(["kim", "lee", "park"])
    assert set(found) == {"kim", "lee"}
    error = found["kim"]
    assert isinstance(error, StoreError)
    assert error.hint
    assert "kim" in error.message
    assert CANARY not in error.sentence()
    assert isinstance(found["lee"], Stored)
    outcomes = store.save({"kim": change(NEW), "lee": change(NEW, found["lee"].revision), "park": change(NEW)})
    assert outcomes["kim"] == Conflict(), "it is not taken for absent"
    assert get(bench.open(), "lee").document == get(bench.open(), "park").document == NEW
    assert isinstance(bench.open().load(["kim"])["kim"], StoreError)
    assert revisions.keys() == {"kim", "lee"}


def test_what_would_refuse_a_save_is_predicted(bench: Bench) -> None:
    put(bench.open(), kim=OLD)
    with bench.not_for_saving() as store:
        before = bench.mark()
        hints = []
        revision = get(store, "kim").revision
        for attempt in (lambda: store.check_save(["kim"]), lambda: store.save({"kim": change(NEW, revision)})):
            with pytest.raises(StoreError) as caught:
                said(attempt())
            assert caught.value.hint
            assert not caught.value.unknown
            hints.append(caught.value.hint)
        assert hints[0] == hints[1]
        assert bench.mark() == before


def test_what_can_be_saved_is_not_predicted_to_fail(bench: Bench) -> None:
    store = bench.open()
    assert store.check_save([]) == {}
    assert store.check_save(["kim"]) == {}
    assert bench.names() == []
    revision = put(store, kim=OLD)["kim"]
    before = bench.mark()
    for checked in (store, bench.open()):
        assert checked.check_save(["kim", "lee"]) == {}
    assert bench.mark() == before
    assert store.save({"kim": change(NEW, revision)}) != {"kim": Conflict()}


def test_a_closed_store_can_be_used_again(bench: Bench) -> None:
    store = bench.open()
    store.close()
    put(store, kim=OLD)
    store.close()
    store.close()
    assert get(store, "kim").document == OLD


# ------------------------------------------------------------------------------------------------------------- secrecy


@pytest.fixture
def processes() -> Iterator[list[str]]:
    """The programs that this process starts, or tries to."""
    started: list[str] = []
    watching = True

    def hook(event: str, _args: object) -> None:
        if watching and event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.system", "pty.spawn"):
            started.append(event)

    sys.addaudithook(hook)
    yield started
    watching = False


def test_nothing_of_a_secret_is_seen_outside_of_the_store(
    bench: Bench,
    processes: list[str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(Display(), "verbosity", 6)
    environment = dict(os.environ)
    store = bench.open()
    revision = put(store, kim=OLD)["kim"]
    store.save({"kim": change(NEW, revision)})
    store.save({"kim": change(OLD, revision)})
    shown = [*map(repr, (store, store.load(["kim"]), change(NEW), vars(store))), revision]
    out, err = capfd.readouterr()
    for secret in (CANARY, "비밀", *bench.secrets):
        for text in (*shown, out, err, caplog.text):
            assert secret not in text
            assert secret.encode("utf-8").hex() not in text
    assert processes == []
    assert dict(os.environ) == environment
