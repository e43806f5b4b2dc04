# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation task, from its options to its result. What its parts do is in their own tests."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    STAGED,
    UNKNOWN,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import LONGEST_FLIGHT
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Stored,
)
from support.memory_store import MemoryStore
from support.rotation_tasks import (
    DAY,
    NAMES,
    NOW,
    Vendor,
    envelope,
    holding,
    outcomes,
    task,
)

AGES = st.sampled_from([0.0, 1 * DAY, 80 * DAY, 82 * DAY, 89 * DAY, 90 * DAY, 400 * DAY, -2 * DAY])
PENDING = st.lists(st.sampled_from([STAGED, UNKNOWN]), max_size=2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 65}, "concurrency"),
        ({"max_failures": 0}, "max_failures"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"batch_size": 0}, "batch_size"),
        ({"password_length": 7}, "length"),
        ({"password_length": 21}, "length"),
        ({"max_age": "ninety days"}, "max_age"),
        ({"max_age": "0d"}, "max_age"),
        ({"rotated_before": "2026-11-30T10:00:00"}, "rotated_before"),
        ({"rotated_before": ""}, "rotated_before has no value"),
        ({"rotated_before": None, "given": ["rotated_before"]}, "rotated_before has no value"),
        ({"rotated_before": time_text(NOW + 1)}, "future"),
        ({"rotated_before": time_text(NOW), "force": True}, "force"),
        ({"jitter": "10"}, "jitter"),
        ({"jitter": "100%"}, "jitter"),
        ({"accounts": []}, "accounts"),
        ({"accounts": [{"name": "df001"}, {"id": "iddf001"}]}, "more than once"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_committed(
    options: dict[str, Any], said: str
) -> None:
    vendor, store = Vendor(), MemoryStore()
    with pytest.raises(KrcloudError, match=said) as caught:
        task(store, vendor, **options).run(check_mode=False)
    assert caught.value.kind == "configuration"
    assert store.rows == {}
    assert vendor.runs("ncp_dataforest_password") == []


@st.composite
def states(draw: st.DrawFn) -> dict[str, Stored]:
    """What a store may hold about the accounts."""
    rows = {}
    for name in NAMES:
        kind = draw(st.sampled_from(["absent", "envelope", "other id", "no envelope"]))
        pending = draw(PENDING)
        age = draw(AGES) if not pending else draw(st.one_of(st.none(), AGES))
        known = envelope(name, age, *pending, account_id="another" if kind == "other id" else None)
        made_ago = draw(st.one_of(st.none(), AGES)) if age is not None else None
        made_at = None if made_ago is None else time_text(NOW - made_ago)
        document: Any = to_document(known._replace(made_at=made_at))
        if kind == "no envelope":
            document = {"password": "hunter2"}
        if kind != "absent":
            rows[name] = Stored(document, f"seed-{name}")
    return rows


WISHES = st.sampled_from(
    [{"force": False}, {"force": True}, *({"rotated_before": time_text(NOW - ago)} for ago in (0, 30, 85 * DAY))]
)


@given(states(), WISHES, st.sampled_from([1, 3]), st.booleans())
def test_check_mode_predicts_exactly_what_the_run_then_does(
    rows: dict[str, Stored], wishes: dict[str, Any], batch_size: int, one_is_gone: bool
) -> None:
    options: dict[str, Any] = {**wishes, "batch_size": batch_size}
    if one_is_gone:
        options["accounts"] = [{"name": "gone"}, *({"name": name} for name in NAMES)]
    store, vendor = MemoryStore(copy.deepcopy(rows)), Vendor()
    predicted = task(store, vendor, **options).run(check_mode=True, diff=True)
    assert store.rows == rows
    assert vendor.runs("ncp_dataforest_password") == []

    done = task(store, vendor, **options).run(check_mode=False, diff=True)
    for key in ("changed", "summary", "diff", "failed", "msg", "rotated_before"):
        assert predicted.get(key) == done.get(key), key
    assert outcomes(predicted) == outcomes(done)
    assert [row["published"] for row in predicted["accounts"]] == [row["published"] for row in done["accounts"]]
    shown = predicted["diff"]["before"] + predicted["diff"]["after"]
    assert "active-" not in shown
    assert "pending-" not in shown
    assert "hunter2" not in str(predicted)

    # A day later nothing can be in flight any more, and a run removes the notes about it.
    calm_options = {**options, "force": False, "now": NOW + LONGEST_FLIGHT}
    task(store, Vendor(), **calm_options).run(check_mode=False)
    calm = task(store, Vendor(), **calm_options).run(check_mode=True, diff=True)
    assert (calm["changed"], calm["diff"]) == (False, {"before": "", "after": ""})


def test_a_moment_that_changes_nothing_is_probably_a_slip() -> None:
    def warnings(before: float, **more: Any) -> Any:
        made = task(holding(df001=envelope("df001", age=DAY)), Vendor(), rotated_before=time_text(before), **more)
        return made.run(check_mode=True).get("warnings")

    assert warnings(NOW - 90 * DAY) is None
    said = f"rotated_before is {time_text(NOW - 91 * DAY)}, which is longer ago than max_age (90d)."
    (warning,) = warnings(NOW - 91 * DAY)
    assert warning.startswith(said)
    # The role has been told by its plan.
    assert warnings(NOW - 91 * DAY, planned=[{"name": "df001", "id": "iddf001"}]) is None


def test_a_run_can_be_repeated_by_the_moment_that_it_reports() -> None:
    store = holding(**{name: envelope(name, age=DAY) for name in NAMES})
    results = [task(store, Vendor(), rotated_before="2027-01-15T16:59:58.5+09:00").run(check_mode=False)]
    assert results[0]["rotated_before"] == time_text(NOW - 1)
    results.append(task(store, Vendor(), rotated_before=results[0]["rotated_before"]).run(check_mode=False))
    assert [result["summary"]["rotated"] for result in results] == [len(NAMES), 0]
    assert [result["changed"] for result in results] == [True, False]
    assert task(store, Vendor()).run(check_mode=False)["rotated_before"] is None
