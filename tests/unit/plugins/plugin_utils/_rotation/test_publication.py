# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What consumers have been given is noted once, and only if it is still the active password."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import publication
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    MOST_LOSSES,
    Change,
    Stored,
    StoreError,
)
from support.memory_store import MemoryStore

TIME = "2026-11-20T03:00:00Z"
NOW = 1_800_000_000.0

note_published = partial(publication.note_published, now=NOW)


def envelope(name: str, rotation_id: str | None, published: str | None = None) -> Stored:
    active = ("the password", TIME) if rotation_id else (None, None)
    whole = Envelope(Account(f"id{name}", name, None), *active, rotation_id, published=published)
    return Stored(to_document(whole), f"seed-{name}")


def published(store: MemoryStore) -> dict[str, str | None]:
    return {name: from_document(row.document).published for name, row in store.rows.items()}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({"df001": envelope("df001", "r1"), "df002": envelope("df002", "r2", published="r2")})


def test_what_is_new_is_noted_and_what_is_noted_already_is_left_alone(store: MemoryStore) -> None:
    rows = [{"name": "df001", "rotation_id": "r1"}, {"name": "df002", "rotation_id": "r2"}]
    untouched = store.rows["df002"]
    first = note_published(store, rows)
    assert first == {"changed": True, "accounts": [{**row, "published": True, "error": None} for row in rows]}
    assert published(store) == {"df001": "r1", "df002": "r2"}
    assert store.rows["df002"] == untouched
    assert note_published(store, rows) == {**first, "changed": False}


def test_check_mode_tells_the_same_and_writes_nothing(store: MemoryStore) -> None:
    before = copy.deepcopy(store.rows)
    rows = [{"name": "df001", "rotation_id": "r1"}]
    predicted = note_published(store, rows, check_mode=True)
    assert store.rows == before
    assert predicted == note_published(store, rows)


def test_rows_of_a_rotation_can_be_passed_on_as_they_are(store: MemoryStore) -> None:
    row = {
        "name": "df001",
        "id": "iddf001",
        "outcome": "rotated",
        "rotation_id": "r1",
        "published": False,
        "error": None,
    }
    assert note_published(store, [row])["accounts"] == [
        {"name": "df001", "rotation_id": "r1", "published": True, "error": None}
    ]


def test_the_password_of_another_rotation_is_left_to_the_next_run(store: MemoryStore) -> None:
    result = note_published(store, [{"name": "df001", "rotation_id": "r0"}])
    row = {"name": "df001", "rotation_id": "r0", "published": False, "error": None}
    assert result == {"changed": True, "accounts": [row]}
    assert published(store)["df001"] != "r1"


def test_nothing_to_note_is_fine(store: MemoryStore) -> None:
    assert note_published(store, []) == {"changed": False, "accounts": []}


class Raced(MemoryStore):
    """Somebody else writes before each of the first ``times`` writes."""

    def __init__(self, rows: Mapping[str, Stored], times: int, theirs: Callable[[], Stored]) -> None:
        super().__init__(rows)
        self._times, self._theirs = times, theirs

    def save(self, changes: Mapping[str, Change]) -> dict[str, Any]:
        if self._times:
            self._times -= 1
            for name in changes:
                self.rows[name] = Stored(self._theirs().document, f"theirs-{self._times}")
        return super().save(changes)


def test_a_race_is_run_again(store: MemoryStore) -> None:
    raced = Raced(store.rows, 3, lambda: envelope("df001", "r1"))
    assert note_published(raced, [{"name": "df001", "rotation_id": "r1"}])["changed"] is True
    assert published(raced)["df001"] == "r1"


def test_a_rotation_in_between_wins(store: MemoryStore) -> None:
    raced = Raced(store.rows, 1, lambda: envelope("df001", "r9"))
    result = note_published(raced, [{"name": "df001", "rotation_id": "r1"}])
    assert result["accounts"][0]["published"] is False
    assert published(raced)["df001"] not in ("r1", "r9")


def test_a_race_without_an_end_is_given_up(store: MemoryStore) -> None:
    raced = Raced(store.rows, MOST_LOSSES, lambda: envelope("df001", "r1"))
    with pytest.raises(StoreError, match="Other runs keep changing"):
        note_published(raced, [{"name": "df001", "rotation_id": "r1"}])


@pytest.mark.parametrize(
    ("rows", "kind", "said"),
    [
        ([{"name": "df001"}], "configuration", r"accounts\[0\] has no rotation_id"),
        ([{"name": "df001", "rotation_id": None}], "configuration", r"accounts\[0\] has no rotation_id"),
        ([{"rotation_id": "r1"}], "configuration", r"accounts\[0\] has no name"),
        ([{"name": 7, "rotation_id": "r1"}], "configuration", r"accounts\[0\] has no name"),
        ([{"name": "a/b", "rotation_id": "r1"}], "configuration", r"name in accounts\[0\] is not valid"),
        ([{"name": "df001", "rotation_id": "r1"}] * 2, "configuration", "df001 more than once"),
    ],
)
def test_rows_that_make_no_sense_are_refused_and_nothing_is_noted(
    store: MemoryStore, rows: Sequence[dict[str, Any]], kind: str, said: str
) -> None:
    before = copy.deepcopy(store.rows)
    with pytest.raises(KrcloudError, match=said) as caught:
        note_published(store, rows)
    assert caught.value.kind == kind
    assert caught.value.hint
    assert store.rows == before


def test_one_bad_row_is_one_bad_row(store: MemoryStore) -> None:
    store.rows["df003"] = Stored({"password": "Tresor-4711"}, "seed")
    rows = [{"name": name, "rotation_id": "r1"} for name in ("df009", "df003", "df001")]
    result = note_published(store, rows)
    assert [row["published"] for row in result["accounts"]] == [False, False, True]
    assert [(row["error"] or {}).get("kind") for row in result["accounts"]] == ["not_found", "store", None]
    assert (result["failed"], result["changed"], result["error"]["kind"]) == (True, True, "not_found")
    assert "no account df009" in result["msg"]
    assert "under the name df003 is not an envelope" in result["msg"]
    assert "Tresor" not in str(result)
    assert from_document(store.rows["df001"].document).published == "r1"


def test_a_late_note_takes_back_that_the_newer_password_was_published(store: MemoryStore) -> None:
    # Consumers were given r1 after they had been given r2: nobody knows which of the two they use.
    late = [{"name": "df002", "rotation_id": "r1"}]
    predicted = note_published(store, late, check_mode=True)
    result = note_published(store, late)
    assert predicted == result
    assert (result["changed"], result["accounts"][0]["published"]) == (True, False)
    assert published(store)["df002"] is None
    # It cannot be told apart from another run that is late, too.
    assert [note_published(store, late)["changed"] for _time in range(2)] == [True, False]


def begun(store: MemoryStore) -> dict[str, str | None]:
    return {name: from_document(row.document).hand_over_begun for name, row in store.rows.items()}


def test_what_is_begun_is_noted_in_the_same_commit_until_it_is_published(store: MemoryStore) -> None:
    store.rows["df003"] = envelope("df003", "r3")
    first, second = ({"name": name, "rotation_id": f"r{name[-1]}"} for name in ("df001", "df003"))
    assert note_published(store, [], [first]) == {"changed": True, "accounts": []}
    assert begun(store) == {"df001": "r1", "df002": None, "df003": None}
    assert from_document(store.rows["df001"].document).is_left_behind

    saves = count_saves(store)
    assert note_published(store, [first], [second])["accounts"][0]["published"] is True
    assert begun(store) == {"df001": None, "df002": None, "df003": "r3"}
    assert saves == [["df001", "df003"]]
    assert note_published(store, [], [second])["changed"] is False


def count_saves(store: MemoryStore) -> list[list[str]]:
    saves: list[list[str]] = []
    save = store.save

    def counted(changes: Mapping[str, Change]) -> dict[str, Any]:
        saves.append(sorted(changes))
        return save(changes)

    store.save = counted  # type: ignore[method-assign]
    return saves


def test_that_something_is_begun_is_only_a_hint(store: MemoryStore) -> None:
    """An account may be gone, damaged, published or rotated again, or another run may be changing it."""
    store.rows["df004"] = Stored({"format": 1}, "seed")
    hints = [
        {"name": "df009", "rotation_id": "r9"},
        {"name": "df004", "rotation_id": "r4"},
        {"name": "df002", "rotation_id": "r2"},
        {"name": "df001", "rotation_id": "r0"},
    ]
    before = copy.deepcopy(store.rows)
    assert note_published(store, [], hints) == {"changed": False, "accounts": []}
    assert store.rows == before
    raced = Raced({"df001": store.rows["df001"]}, 1, lambda: envelope("df001", "r1"))
    assert note_published(raced, [], [{"name": "df001", "rotation_id": "r1"}]) == {"changed": False, "accounts": []}
    assert begun(raced) == {"df001": None}


def test_check_mode_writes_no_hint(store: MemoryStore) -> None:
    before = copy.deepcopy(store.rows)
    hint = [{"name": "df001", "rotation_id": "r1"}]
    assert note_published(store, [], hint, check_mode=True) == {"changed": True, "accounts": []}
    assert store.rows == before


def test_a_hint_without_a_name_is_refused(store: MemoryStore) -> None:
    with pytest.raises(KrcloudError, match=r"begun\[0\] has no rotation_id"):
        note_published(store, [], [{"name": "df001"}])


def test_a_late_note_has_the_newer_password_handed_over_again_even_if_that_is_noted_later(store: MemoryStore) -> None:
    # Both runs hand over at the same time, and the late one is the last to write: the note of the other proves nothing.
    late, newer = [{"name": "df001", "rotation_id": "r0"}], [{"name": "df001", "rotation_id": "r1"}]
    assert note_published(store, late) == {**note_published(store, late), "changed": True}
    predicted = note_published(store, newer, check_mode=True)
    result = note_published(store, newer)
    assert predicted == result
    assert (result["changed"], result["accounts"][0]["published"]) == (True, False)
    # The next run hands over after all of that.
    assert note_published(store, newer)["accounts"][0]["published"] is True
    assert published(store)["df001"] == "r1"


def test_what_was_late_before_a_rotation_says_nothing_of_the_password_after_it(store: MemoryStore) -> None:
    note_published(store, [{"name": "df001", "rotation_id": "r0"}])
    whole = from_document(store.rows["df001"].document)._replace(rotation_id="r2")
    store.rows["df001"] = Stored(to_document(whole), "rotated")
    assert note_published(store, [{"name": "df001", "rotation_id": "r2"}])["accounts"][0]["published"] is True


def test_a_late_note_of_an_account_without_a_password_changes_nothing() -> None:
    store = MemoryStore({"df001": envelope("df001", None)})
    assert note_published(store, [{"name": "df001", "rotation_id": "r0"}])["changed"] is False


def test_what_begins_after_a_late_note_is_taken(store: MemoryStore) -> None:
    newer = [{"name": "df001", "rotation_id": "r1"}]
    note_published(store, [{"name": "df001", "rotation_id": "r0"}])
    note_published(store, [], newer)
    assert note_published(store, newer)["accounts"][0]["published"] is True


def alone(store: MemoryStore) -> dict[str, str | None]:
    return {name: from_document(row.document).hand_over_alone for name, row in store.rows.items()}


def test_what_is_begun_alone_is_noted_as_such_until_more_are_begun_with_it(store: MemoryStore) -> None:
    store.rows["df003"] = envelope("df003", "r3")
    one, other = ({"name": name, "rotation_id": f"r{name[-1]}"} for name in ("df001", "df003"))
    note_published(store, [], [one])
    assert alone(store) == {"df001": "r1", "df002": None, "df003": None}
    assert from_document(store.rows["df001"].document).is_left_alone
    note_published(store, [], [one, other])
    assert alone(store) == {"df001": None, "df002": None, "df003": None}
    note_published(store, [], [other])
    note_published(store, [other])
    assert alone(store)["df003"] is None


def test_a_hand_over_that_has_failed_is_no_longer_under_way(store: MemoryStore) -> None:
    store.rows["df003"] = envelope("df003", "r3")
    one, other = ({"name": name, "rotation_id": f"r{name[-1]}"} for name in ("df001", "df003"))
    note_published(store, [], [one])
    note_published(store, [], [other])
    saves = count_saves(store)
    result = note_published(store, [other], failed=[one])
    assert [row["name"] for row in result["accounts"]] == ["df003"]
    assert saves == [["df001", "df003"]]
    assert (begun(store)["df001"], alone(store)["df001"], published(store)["df001"]) == (None, None, None)
    # Of a password that another run has begun to hand over since, it says nothing.
    note_published(store, [], [one])
    assert note_published(store, [], failed=[{**one, "rotation_id": "r0"}])["changed"] is False
    assert begun(store)["df001"] == "r1"


def test_what_is_to_be_handed_over_again_no_longer_counts_as_published(store: MemoryStore) -> None:
    row = {"name": "df002", "rotation_id": "r2"}
    before = copy.deepcopy(store.rows)
    predicted = note_published(store, [], unpublished=[row], check_mode=True)
    assert store.rows == before
    result = note_published(store, [], unpublished=[row])
    assert predicted == result == {"changed": True, "accounts": [{**row, "published": False, "error": None}]}
    assert published(store)["df002"] is None
    assert note_published(store, [], unpublished=[row])["changed"] is False
    assert note_published(store, [row])["accounts"][0]["published"] is True
    # Another password than the one that is meant is left alone.
    assert note_published(store, [], unpublished=[{**row, "rotation_id": "r1"}])["changed"] is False
    assert published(store)["df002"] == "r2"


def test_what_is_to_be_handed_over_again_has_to_be_there(store: MemoryStore) -> None:
    result = note_published(store, [], unpublished=[{"name": "df009", "rotation_id": "r9"}])
    assert (result["failed"], result["error"]["kind"]) == (True, "not_found")
    row = {"name": "df001", "rotation_id": "r1"}
    with pytest.raises(KrcloudError, match=r"unpublished\[0\] is in accounts"):
        note_published(store, [row], unpublished=[row])


def test_since_when_a_password_is_published_is_noted_once(store: MemoryStore) -> None:
    rows = [{"name": "df001", "rotation_id": "r1"}, {"name": "df002", "rotation_id": "r2"}]
    since = {"df001": time_text(NOW), "df002": TIME}

    def told() -> dict[str, str | None]:
        return {name: from_document(row.document).published_since for name, row in store.rows.items()}

    # Of a password that an earlier version has noted, only the age is known.
    assert told() == {"df001": None, "df002": TIME}
    note_published(store, rows)
    assert told() == since
    assert publication.note_published(store, rows, now=NOW + 60)["changed"] is False
    assert told() == since
    note_published(store, [], unpublished=rows[:1])
    assert told()["df001"] is None
    assert "published_at" not in store.rows["df001"].document
    publication.note_published(store, rows, now=NOW + 60)
    assert told()["df001"] == time_text(NOW + 60)
