# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From one store to another: outcomes, deaths, races, and what check mode says about random pairs of stores."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import from_document, from_stored
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    FORGOTTEN,
    Change,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.moved import (
    Mark,
    Moved,
    digest,
    mark_of,
    moved,
    note,
    with_mark,
    without_mark,
)
from support.copies import AT, candidate, copied, document, outcomes, record
from support.memory_store import MemoryStore

HERE, THERE, ELSEWHERE = "/srv/dataforest.yml", "https://bao.example.com:8200 (secret/dataforest)", "/srv/other.yml"


class Killed(BaseException):
    """The process is gone."""


class Stepping(MemoryStore):
    """Calls ``step`` before and after each save, as other runs and kills come between any two."""

    step: Callable[[], None] = staticmethod(lambda: None)
    saves = 0

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        self.step()
        saved = super().save(changes)
        self.saves += 1
        self.step()
        return saved


def store(address: str, **documents: Any) -> Stepping:
    rows = {name: Stored(copy.deepcopy(each), f"first-of-{name}") for name, each in documents.items()}
    return Stepping(rows, address=address)


def pair(**documents: Any) -> tuple[Stepping, Stepping]:
    return store(HERE, **documents), store(THERE)


def documents(of: MemoryStore) -> dict[str, Any]:
    return {name: row.document for name, row in of.rows.items()}


def note_of(name: str, to: str, round_: int = 1, *, kept: bool = True) -> dict[str, Any]:
    whole = document(name, round_)
    left = {key: whole[key] for key in ("account", "password", "rotated_at", "rotation_id")} if kept else {}
    return dict(note(Moved(to, AT, f"{name}-{round_}"), left))


def test_envelopes_move_as_they_are_and_a_second_run_is_quiet() -> None:
    held = document("df002", 3, pending=[candidate("df002")], hold={"until": "2999-01-01T00:00:00Z", "reason": "감사"})
    only_candidate = document("df003", pending=[candidate("df003")], password=None, rotated_at=None, rotation_id=None)
    all_of_them = {"df001": document("df001"), "df002": held, "df003": only_candidate}
    source, destination = pair(**all_of_them)
    first = copied(source, destination, diff=True)
    assert outcomes(first) == dict.fromkeys(all_of_them, "copied")
    assert documents(destination) == all_of_them
    assert first["moved_to"] == THERE
    assert first["diff"]["before"].startswith(f"df001: in {HERE}\n")
    assert first["diff"]["after"].startswith(f"df001: in {THERE}\n")
    assert "run again with source_passwords set to remove" in first["warnings"][0]
    assert not any(secret in str(first) for secret in ("Former!", "Candidate!"))
    saves = source.saves, destination.saves
    second = copied(source, destination, diff=True)
    assert outcomes(second) == dict.fromkeys(all_of_them, "unchanged")
    assert (second["changed"], "warnings" in second, second["diff"]) == (False, False, {"before": "", "after": ""})
    assert (source.saves, destination.saves) == saves == (2, 1)


def test_a_note_keeps_the_active_password_only_and_stops_everybody_who_reads_an_envelope() -> None:
    source, destination = pair(df001=document("df001", 2, pending=[candidate("df001")]))
    copied(source, destination)
    left = source.rows["df001"].document
    assert left == {
        "format": "moved",
        "moved": {"to": THERE, "at": AT, "last": "df001-2"},
        "account": document("df001")["account"],
        "password": "Former!df001-2",
        "rotated_at": "2026-01-02T03:00:00Z",
        "rotation_id": "df001-2",
    }
    # Version 0.1.0 knows format 1 only.
    with pytest.raises(ValueError, match="its format is not 1"):
        from_document(left)
    with pytest.raises(StoreError) as caught:
        from_stored("df001", source.rows["df001"])
    assert caught.value.sentence() == (
        f"The passwords of df001 moved to the store {THERE} at {AT}. Name that store instead of this one."
    )


def test_passwords_are_removed_from_the_source_on_request_at_once_or_later() -> None:
    source, destination = pair(df001=document("df001"), df002=document("df002"))
    assert outcomes(copied(source, destination, names=["df001"], remove=True)) == {"df001": "copied"}
    assert outcomes(copied(source, destination, names=["df002"])) == {"df002": "copied"}
    # In the meantime, the destination goes on.
    put = destination.rows["df002"]
    destination.rows["df002"] = Stored(document("df002", 2), "another")
    both = copied(source, destination, remove=True, diff=True)
    assert outcomes(both) == {"df001": "unchanged", "df002": "removed"}
    assert both["diff"]["before"] == f"df002: in {THERE}, readable in {HERE}\n"
    assert "Former!" not in str(documents(source))
    assert documents(destination) == {"df001": document("df001"), "df002": document("df002", 2)} != put
    assert not copied(source, destination, remove=True)["changed"]


@pytest.mark.parametrize("remove", [False, True])
def test_nothing_is_removed_for_which_the_destination_has_nothing(remove: bool) -> None:
    source, destination = pair(df001=document("df001"))
    copied(source, destination)
    destination.rows.clear()
    before = documents(source)
    result = copied(source, destination, remove=remove)
    assert outcomes(result) == {"df001": "failed"}
    assert "which does not have them any more" in result["msg"]
    assert documents(source) == before


def test_a_conflict_is_reported_for_its_account_and_never_overwritten() -> None:
    source, destination = pair(df001=document("df001"), df002=document("df002"))
    theirs = document("df001", password="Theirs!1", rotation_id="theirs")
    destination.rows["df001"] = Stored(theirs, "theirs")
    result = copied(source, destination)
    assert outcomes(result) == {"df001": "conflict", "df002": "copied"}
    assert result["failed"]
    assert result["msg"].startswith("1 of 2 could not be moved. The passwords of df001 differ between the stores")
    assert documents(destination) == {"df001": theirs, "df002": document("df002")}
    assert documents(source)["df001"] == document("df001")
    assert outcomes(copied(source, destination)) == {"df001": "conflict", "df002": "unchanged"}


def test_what_is_there_already_only_gets_its_note() -> None:
    source, destination = pair(df001=document("df001"))
    destination.rows.update(source.rows)
    assert outcomes(copied(source, destination)) == {"df001": "copied"}
    assert (destination.saves, moved(source.rows["df001"].document)) == (0, Moved(THERE, AT, "df001-1"))


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"format": 2}, "is not an envelope: its format is not 1"),
        ({"format": 1, "password": "Secret!1"}, "is not an envelope"),
        (FORGOTTEN, "was told to forget df001"),
        (note_of("df001", ELSEWHERE), f"moved to the store {ELSEWHERE} at {AT}, which is not the destination"),
    ],
)
def test_what_is_no_envelope_stays_where_it_is(odd: Any, said: str) -> None:
    source, destination = pair(df001=odd, df002=document("df002"))
    result = copied(source, destination)
    assert outcomes(result) == {"df001": "failed", "df002": "copied"}
    assert said in result["msg"]
    assert "Secret!1" not in str(result)
    assert (documents(source)["df001"], list(documents(destination))) == (odd, ["df002"])


def test_an_account_that_cannot_be_read_fails_alone() -> None:
    for at in (0, 1):
        stores = pair(df001=document("df001"), df002=document("df002"))
        stores[at].unreadable["df001"] = StoreError("It was deleted.")
        result = copied(*stores)
        assert outcomes(result) == {"df001": "failed", "df002": "copied"}
        assert "It was deleted." in result["msg"]
        assert (f"In the destination {THERE}" in result["msg"]) is bool(at)


def test_names_move_some_and_a_typo_fails_alone() -> None:
    source, destination = pair(df001=document("df001"), df002=document("df002"))
    result = copied(source, destination, names=["df002", "df009", "Secret!1"])
    assert [(row["name"], row["outcome"]) for row in result["credentials"]] == [
        ("df002", "copied"),
        ("df009", "failed"),
        (None, "failed"),
    ]
    assert "The source has nothing for names[2]." in result["msg"]
    assert "Secret!1" not in str(result)
    assert list(documents(destination)) == ["df002"]
    assert documents(source)["df001"] == document("df001")


def test_an_empty_source_and_empty_names_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=f"The source {HERE} has nothing to copy"):
        copied(*pair())
    with pytest.raises(ConfigurationError, match="names is given"):
        copied(*pair(df001=document("df001")), names=[])
    with pytest.raises(ConfigurationError, match=r"names\[1\] is not valid"):
        copied(*pair(df001=document("df001")), names=["df001", "a/b"])


# ------------------------------------------------------------------------------------------------------ one store


def test_a_store_is_not_copied_to_itself() -> None:
    source = store(HERE, df001=document("df001"))
    for check_mode in (True, False):
        with pytest.raises(ConfigurationError, match="are the same store"):
            copied(source, source, check_mode=check_mode)
    assert documents(source) == {"df001": document("df001")}


def test_a_store_under_two_names_is_found_out_before_anything_is_lost() -> None:
    source = store(HERE, df001=document("df001"), df002=document("df002", 2))
    before = copy.deepcopy(documents(source))
    alias = Stepping(address="https://10.0.0.1:8200 (secret/dataforest)")
    alias.rows = source.rows
    with pytest.raises(ConfigurationError, match="are the same store, and nothing was changed"):
        copied(source, alias)
    assert documents(source) == before


def test_a_store_under_two_names_is_found_out_after_a_kill() -> None:
    marked = dict(with_mark(document("df001"), Mark("one", (digest(document("df001")),))))
    source = store(HERE, df001=marked)
    alias = Stepping(address="an alias")
    alias.rows = source.rows
    for check_mode in (True, False):
        with pytest.raises(ConfigurationError, match="are the same store"):
            copied(source, alias, check_mode=check_mode)
    assert documents(source) == {"df001": marked}


# ---------------------------------------------------------------------------------------------------------- chains


def test_from_a_to_b_to_c_and_back_to_a() -> None:
    a, b, c = store("a", df001=document("df001")), store("b"), store("c")
    for number, (source, destination) in enumerate(((a, b), (b, c), (c, a), (a, b)), 1):
        assert outcomes(copied(source, destination)) == {"df001": "copied"}
        assert documents(destination)["df001"] == document("df001", number)
        assert moved(source.rows["df001"].document) == Moved(destination.address, AT, f"df001-{number}")
        destination.rows["df001"] = Stored(document("df001", number + 1), f"rotated-{number}")


def test_the_way_back_is_open_whatever_happened_since() -> None:
    a, b = store("a", df001=document("df001")), store("b")
    copied(a, b)
    unlike = document("df001", password="New!", rotation_id="new")
    b.rows["df001"] = Stored(unlike, "new")
    assert outcomes(copied(b, a)) == {"df001": "copied"}
    assert documents(a)["df001"] == unlike


def test_a_note_is_not_overwritten_by_what_does_not_know_its_last_password() -> None:
    source, destination = pair(df001=document("df001"))
    destination.rows["df001"] = Stored(note_of("df001", ELSEWHERE, 2), "theirs")
    result = copied(source, destination)
    assert outcomes(result) == {"df001": "conflict"}
    assert f"moved from the destination to the store {ELSEWHERE} before" in result["msg"]
    assert documents(destination)["df001"] == note_of("df001", ELSEWHERE, 2)


# ------------------------------------------------------------------------------------------------- deaths and races


def after(number: int, act: Callable[[], None], *stores: Stepping) -> None:
    """Act at this moment of the saves of both stores."""
    left = [number]

    def step() -> None:
        left[0] -= 1
        if left[0] == 0:
            act()

    for each in stores:
        each.step = step  # type: ignore[method-assign]


def die() -> None:
    raise Killed


def calm(*stores: Stepping) -> None:
    for each in stores:
        each.step = lambda: None  # type: ignore[method-assign]


def rotated(of: Stepping, name: str, round_: int) -> None:
    """Rotate an account as any version does: unknown keys are kept."""
    mark = mark_of(of.rows[name].document)
    fresh = document(name, round_)
    of.rows[name] = Stored(dict(with_mark(fresh, mark)) if mark else fresh, f"rotated-{name}-{round_}")


# Before and after each of: mark, copy, note.
BOUNDARIES = range(1, 7)


@pytest.mark.parametrize("moment", BOUNDARIES)
@pytest.mark.parametrize("rotates", ["nothing", "source", "source three times"])
def test_a_kill_anywhere_and_a_rotation_with_the_old_store_lose_nothing(moment: int, rotates: str) -> None:
    source, destination = pair(df001=document("df001"), df002=document("df002", 3))
    after(moment, die, source, destination)
    with pytest.raises(Killed):
        copied(source, destination)
    calm(source, destination)
    rounds = {"nothing": 0, "source": 1, "source three times": 3}[rotates]
    has_note = moved(source.rows["df001"].document) is not None
    for number in range(rounds if not has_note else 0):
        rotated(source, "df001", number + 2)
    predicted = copied(source, destination, check_mode=True)
    result = copied(source, destination)
    assert (
        outcomes(predicted)
        == outcomes(result)
        == dict.fromkeys(("df001", "df002"), "unchanged" if has_note else "copied")
    )
    assert documents(destination)["df001"] == document("df001", 1 if has_note else rounds + 1)
    assert documents(destination)["df002"] == document("df002", 3)
    assert not copied(source, destination)["changed"]


@pytest.mark.parametrize("moment", BOUNDARIES[3:5])
def test_a_kill_and_a_rotation_with_the_new_store_lose_nothing(moment: int) -> None:
    source, destination = pair(df001=document("df001"))
    after(moment, die, source, destination)
    with pytest.raises(Killed):
        copied(source, destination)
    calm(source, destination)
    rotated(destination, "df001", 2)
    assert outcomes(copied(source, destination)) == {"df001": "copied"}
    assert documents(destination)["df001"] == document("df001", 2)


def test_a_kill_and_rotations_with_both_stores_are_a_conflict() -> None:
    source, destination = pair(df001=document("df001"))
    after(4, die, source, destination)
    with pytest.raises(Killed):
        copied(source, destination)
    calm(source, destination)
    rotated(source, "df001", 2)
    destination.rows["df001"] = Stored(document("df001", password="Theirs!", rotation_id="theirs"), "theirs")
    assert outcomes(copied(source, destination)) == {"df001": "conflict"}


@pytest.mark.parametrize("moment", BOUNDARIES)
def test_a_rotation_in_between_is_copied_again(moment: int) -> None:
    source, destination = pair(df001=document("df001"))

    def act() -> None:
        if not moved(source.rows["df001"].document):
            rotated(source, "df001", 2)

    after(moment, act, source, destination)
    assert outcomes(copied(source, destination)) == {"df001": "copied"}
    assert documents(destination)["df001"] == document("df001", 2 if moment < BOUNDARIES[-1] else 1)
    said = moved(source.rows["df001"].document)
    assert said
    assert said.last == documents(destination)["df001"]["rotation_id"]


@pytest.mark.parametrize("moment", BOUNDARIES)
def test_two_copies_at_a_time_agree(moment: int) -> None:
    source, destination = pair(df001=document("df001"), df002=document("df002"))

    def act() -> None:
        calm(source, destination)
        copied(source, destination)

    after(moment, act, source, destination)
    assert set(outcomes(copied(source, destination)).values()) <= {"copied", "unchanged"}
    assert documents(destination) == {"df001": document("df001"), "df002": document("df002")}
    assert not copied(source, destination)["changed"]


def test_a_rotation_that_never_rests_fails_its_account() -> None:
    source, destination = pair(df001=document("df001"), df002=document("df002"))
    numbers = iter(range(2, 1000))

    def step() -> None:
        rotated(source, "df001", next(numbers))

    source.step = step  # type: ignore[method-assign]
    result = copied(source, destination)
    assert outcomes(result) == {"df001": "failed", "df002": "copied"}
    assert "Other runs keep changing df001" in result["msg"]


# ------------------------------------------------------------------------------------------------ stores that fail


@pytest.mark.parametrize("at", [0, 1])
def test_a_store_that_may_not_be_written_leaves_everything_as_it_is(at: int) -> None:
    stores = pair(df001=document("df001"))
    stores[at].refuses_to_save = StoreError("It is read-only.")
    predicted, result = copied(*stores, check_mode=True), copied(*stores)
    assert predicted == result
    assert outcomes(result) == {"df001": "failed"}
    assert (documents(stores[0]), documents(stores[1])) == ({"df001": document("df001")}, {})


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_store_that_fails_in_the_middle_fails_what_it_had_not_saved(failing: int) -> None:
    class Failing(Stepping):
        def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
            count[0] += 1
            if count[0] != failing:
                return super().save(changes)
            saved = super().save({"df001": changes["df001"]})
            raise StoreError("It is away.", saved=saved, unknown=["df002"])

    count = [0]
    source, destination = Failing(address=HERE), Failing(address=THERE)
    source.rows = store(HERE, **{name: document(name) for name in ("df001", "df002", "df003")}).rows
    result = copied(source, destination)
    assert outcomes(result) == {"df001": "copied", "df002": "failed", "df003": "failed"}
    again = copied(source, destination)
    assert outcomes(again) == {"df001": "unchanged", "df002": "copied", "df003": "copied"}
    assert documents(destination) == {name: document(name) for name in ("df001", "df002", "df003")}


def test_what_is_not_read_back_gets_no_note() -> None:
    class Losing(Stepping):
        def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
            if self.saves:
                raise StoreError("It is away.")
            return super().load(names)

    source, destination = store(HERE, df001=document("df001")), Losing(address=THERE)
    result = copied(source, destination)
    assert outcomes(result) == {"df001": "failed"}
    assert without_mark(documents(source)["df001"]) == document("df001")


def test_what_is_read_back_differently_gets_no_note() -> None:
    class Mangling(Stepping):
        def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
            mangled = {
                name: Change({**each.document, "password": "?"}, each.expected) for name, each in changes.items()
            }
            return super().save(mangled)

    source, destination = store(HERE, df001=document("df001")), Mangling(address=THERE)
    assert outcomes(copied(source, destination)) == {"df001": "conflict"}
    assert without_mark(documents(source)["df001"]) == document("df001")


# ------------------------------------------------------------------------------------------------------ reset mails


def test_records_of_mails_move_by_their_addresses() -> None:
    name = "%ED%99%8D%EA%B8%B8%EB%8F%99@example.com"
    source, destination = pair(**{name: record("홍길동@example.com"), "b@example.com": record("b@example.com")})
    result = copied(source, destination, names=["홍길동@example.com", "c@example.com"], contents="reset_mails")
    assert [row["outcome"] for row in result["credentials"]] == ["copied", "failed"]
    assert "warnings" not in result
    assert documents(destination) == {name: record("홍길동@example.com")}
    assert documents(source)[name] == {"format": "moved", "moved": {"to": THERE, "at": AT, "last": "first"}}
    assert outcomes(copied(source, destination, contents="reset_mails"))["b@example.com"] == "copied"
    assert not copied(source, destination, contents="reset_mails", remove=True)["changed"]


@pytest.mark.parametrize(
    ("theirs", "outcome"),
    [
        ({"asked_at": "2026-01-02T03:00:00Z", "request_id": "later"}, "copied"),
        ({"asked_at": "2025-01-02T03:00:00Z", "request_id": "earlier"}, "conflict"),
    ],
)
def test_a_later_record_in_the_destination_is_the_right_one(theirs: Any, outcome: str) -> None:
    source, destination = pair(**{"a@example.com": record("a@example.com")})
    after(4, die, source, destination)
    with pytest.raises(Killed):
        copied(source, destination, contents="reset_mails")
    calm(source, destination)
    destination.rows["a@example.com"] = Stored(record("a@example.com", **theirs), "theirs")
    assert outcomes(copied(source, destination, contents="reset_mails")) == {"a@example.com": outcome}
    assert destination.rows["a@example.com"].document["request_id"] == theirs["request_id"]


def test_envelopes_are_no_records_of_mails() -> None:
    source, destination = pair(df001=document("df001"))
    assert outcomes(copied(source, destination, contents="reset_mails")) == {"df001": "failed"}


# -------------------------------------------------------------------------------------------------- random stores

NAMES = ("df001", "df002", "df003")
Made = Callable[[str], Any]
UNREADABLE = object()


def marked(name: str, round_: int, *earlier: int) -> dict[str, Any]:
    digests = tuple(digest(document(name, each)) for each in (*earlier, round_))
    return dict(with_mark(document(name, round_), Mark(f"mark-of-{name}", digests)))


IN_SOURCE: tuple[Made, ...] = (
    lambda name: None,
    lambda name: document(name, 2),
    lambda name: document(name, 2, pending=[candidate(name)]),
    lambda name: marked(name, 2),
    lambda name: marked(name, 2, 1),
    lambda name: {**marked(name, 1), **document(name, 2)},
    lambda name: note_of(name, THERE, 2),
    lambda name: note_of(name, THERE, 2, kept=False),
    lambda name: note_of(name, ELSEWHERE, 2),
    lambda name: dict(FORGOTTEN),
    lambda name: {"format": 2, "password": f"Former!{name}-2"},
    lambda name: UNREADABLE,
)
IN_DESTINATION: tuple[Made, ...] = (
    lambda name: None,
    lambda name: None,
    lambda name: document(name, 1),
    lambda name: document(name, 2),
    lambda name: document(name, 3),
    lambda name: document(name, 2, password="Theirs!", rotation_id="theirs"),
    lambda name: note_of(name, HERE, 1),
    lambda name: note_of(name, HERE, 1, kept=False),
    lambda name: note_of(name, ELSEWHERE, 2),
    lambda name: note_of(name, ELSEWHERE, 3),
    lambda name: dict(FORGOTTEN),
    lambda name: {"format": 2},
    lambda name: UNREADABLE,
)


def made(address: str, makers: Mapping[str, Made]) -> Stepping:
    found = {name: maker(name) for name, maker in makers.items()}
    filled = store(
        address, **{name: each for name, each in found.items() if each is not None and each is not UNREADABLE}
    )
    filled.unreadable = {name: StoreError("It was deleted.") for name, each in found.items() if each is UNREADABLE}
    return filled


def by_name(makers: Sequence[Made]) -> st.SearchStrategy[dict[str, Made]]:
    return st.fixed_dictionaries({name: st.sampled_from(makers) for name in NAMES})


def passwords(*stores: MemoryStore) -> Iterator[str]:
    """Every password that an envelope has: what is found nowhere else could be lost."""
    for each in stores:
        for row in each.rows.values():
            with contextlib.suppress(ValueError, StoreError):
                envelope = from_document(row.document)
                yield from filter(None, [envelope.password])
                yield from (item.password for item in (*envelope.pending, *envelope.previous))


@settings(max_examples=250, deadline=None)
@given(by_name(IN_SOURCE), by_name(IN_DESTINATION), st.booleans(), st.sampled_from([None, ["df002", "df003"]]))
def test_check_mode_is_the_run_and_a_second_run_is_quiet(
    here: dict[str, Made], there: dict[str, Made], remove: bool, names: list[str] | None
) -> None:
    source, destination = made(HERE, here), made(THERE, there)
    before = copy.deepcopy((source.rows, destination.rows))
    had = set(passwords(source, destination))
    if names is None and not source.names():
        for check_mode in (True, False):
            with pytest.raises(ConfigurationError, match="has nothing to copy"):
                copied(source, destination, check_mode=check_mode)
        return
    predicted = copied(source, destination, names=names, remove=remove, check_mode=True, diff=True)
    assert (source.rows, destination.rows) == before
    result = copied(source, destination, names=names, remove=remove, diff=True)
    assert result == predicted
    assert result["changed"] is ((source.rows, destination.rows) != before)
    assert had <= set(passwords(source, destination))
    for row in result["credentials"]:
        if row["outcome"] in ("conflict", "failed", "unchanged"):
            assert source.rows.get(row["name"]) == before[0].get(row["name"])
            assert destination.rows.get(row["name"]) == before[1].get(row["name"])
    state = copy.deepcopy((source.rows, destination.rows))
    again = copied(source, destination, names=names, remove=remove)
    assert not again["changed"]
    assert (source.rows, destination.rows) == state
    done = {"copied": "unchanged", "removed": "unchanged"}
    assert outcomes(again) == {name: done.get(each, each) for name, each in outcomes(result).items()}


@settings(max_examples=150, deadline=None)
@given(by_name(IN_SOURCE), by_name(IN_DESTINATION), st.booleans(), st.integers(1, 6), st.booleans())
def test_a_kill_anywhere_ends_as_if_there_had_been_none(
    here: dict[str, Made], there: dict[str, Made], remove: bool, moment: int, predicts: bool
) -> None:
    if all(maker("x") is None for maker in here.values()):
        return
    ends = []
    for killed in (True, False):
        source, destination = made(HERE, here), made(THERE, there)
        had = set(passwords(source, destination))
        if killed:
            after(moment, die, source, destination)
            with contextlib.suppress(Killed):
                copied(source, destination, remove=remove)
            calm(source, destination)
            assert had <= set(passwords(source, destination))
            if predicts:
                copied(source, destination, remove=remove, check_mode=True)
        copied(source, destination, remove=remove)
        assert had <= set(passwords(source, destination))
        ends.append((documents(source), documents(destination)))
    assert ends[0] == ends[1]
