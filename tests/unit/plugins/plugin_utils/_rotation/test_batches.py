# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches, their order, when the role stops, and its verdict. No play runs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import batches
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.batches import Course, Order

OLD, NEW, NEWEST = (f"2026-{month}-20T03:00:00Z" for month in ("08", "09", "10"))
WHY = "It was not handed over."


def row(name: str, outcome: str = "fresh", rotated_at: str = OLD, **more: Any) -> dict[str, Any]:
    """A row of a plan: an account whose password is published, unless told otherwise."""
    due = outcome in ("rotated", "resumed")
    whole = {
        "name": name,
        "outcome": outcome,
        "rotated_at": rotated_at,
        "last_sent_at": None,
        "published": not due,
        "published_at": None if due else rotated_at,
        "live": True,
        "hand_over": due,
        "hand_over_begun": False,
        "hand_over_alone": False,
        "error": None,
    }
    return {**whole, **more}


def unpublished(name: str, rotated_at: str = OLD, *, begun: bool = False, alone: bool = False) -> dict[str, Any]:
    flags = {
        "published": False,
        "published_at": None,
        "hand_over": True,
        "hand_over_begun": begun or alone,
        "hand_over_alone": alone,
    }
    return row(name, rotated_at=rotated_at, **flags)


def failed(name: str, **more: Any) -> dict[str, Any]:
    return row(name, "failed", error={"message": "It failed.", "hint": "Look.", "kind": "not_found"}, **more)


def order(*rows: dict[str, Any], **wishes: Any) -> Order:
    usual = {"plans": True, "hands_over": True, "canary": 1, "size": 10, "again": False}
    return batches.order(rows, **{**usual, **wishes})


def came(**outcomes: str) -> dict[str, dict[str, Any]]:
    """What a module has said of accounts, for a course."""
    error = {"message": "It is not known.", "hint": "Run again."}
    bad = ("rejected", "unknown", "failed")
    return {
        name: {
            "outcome": outcome,
            "rotation_id": f"new of {name}",
            "rotated_at": NEWEST,
            "next_due_at": None,
            "published": False,
            "error": error if outcome in bad else None,
        }
        for name, outcome in outcomes.items()
    }


def names(found: Any) -> list[list[str]]:
    return [[account["name"] for account in batch] for batch in found]


# --------------------------------------------------------------------------------------------------------------- order


def test_what_needs_no_reset_comes_first_and_what_ended_a_run_last() -> None:
    found = order(
        row("due1", "rotated"),
        unpublished("alone", alone=True),
        row("settle1", "resumed", last_sent_at=NEW),
        row("settle2", "resumed", last_sent_at=OLD),
        row("send again", "resumed"),
        unpublished("begun1", begun=True),
        unpublished("left1"),
        failed("left2", published=False, published_at=None, hand_over=True),
        unpublished("begun2", begun=True),
        unpublished("left3"),
        failed("nothing to do for it", live=False, published=False, published_at=None),
        row("all is well"),
        row("due2", "rotated"),
        size=2,
    )
    assert names(found.first) == [["left1", "left2"], ["left3"]]
    # What no run has settled so far may stay unknown: it must not keep the others from their turn.
    assert names([found.waiting]) == [["due1", "due2", "send again", "settle2", "settle1"]]
    assert names(found.last) == [["begun1"], ["begun2"], ["alone"]]
    assert batches.doubt(Course(), found, 1) == ""


def test_without_task_files_that_hand_over_nothing_is_handed_over() -> None:
    rows = [unpublished("left"), *(row(f"due{at}", "rotated") for at in range(12))]
    prepared = order(*rows, hands_over=False, canary=0, size=13)
    assert (prepared.first, prepared.last, prepared.live, len(prepared.waiting)) == ([], [], [], 12)
    assert order(*rows, plans=False, hands_over=False, canary=0, size=13).waiting == []


def test_everything_is_handed_over_again_if_that_is_wanted() -> None:
    rows = [row("published"), row("due", "rotated"), row("another id", "failed", live=False), unpublished("left")]
    assert names(order(*rows, again=True).first) == [["published", "left"]]
    assert names(order(*rows).first) == [["left"]]


def test_several_accounts_that_ended_runs_are_tried_before_anybody_is_reset() -> None:
    rows = [
        unpublished("alone", NEW, alone=True),
        unpublished("begun", NEW, begun=True),
        unpublished("left"),
        row("due", "rotated"),
    ]
    found = order(*rows)
    assert (names(found.first), names(found.last)) == ([["left"], ["begun"]], [["alone"]])
    assert names(order(rows[0], *rows[2:]).last) == [["alone"]]
    stubborn = order(unpublished("alone1", NEW, alone=True), unpublished("alone2", NEW, alone=True), rows[3])
    assert (names(stubborn.first), names(stubborn.last)) == ([["alone1"], ["alone2"]], [])
    proven = order(*rows, row("newer", rotated_at=NEW))
    assert (names(proven.first), names(proven.last)) == ([["left"]], [["begun"], ["alone"]])


# ---------------------------------------------------------------------------------------------------------------- halt


@pytest.mark.parametrize(
    ("rows", "course", "doubt"),
    [
        # Nobody was given a password since: the task files may be to blame.
        (
            [unpublished("df001", NEW), row("df002", rotated_at=OLD)],
            Course(refused=["df001"]),
            "for df001 still fails, and no other one",
        ),
        ([unpublished("df001", NEW)], Course(refused=["df001"]), "for df001 still fails, and no other one"),
        # Others have, from this run or from an earlier one: it is the account.
        ([unpublished("df001", NEW), row("df002", rotated_at=NEW)], Course(refused=["df001"]), ""),
        ([unpublished("df001", NEW), row("df002", rotated_at=NEWEST)], Course(refused=["df001"]), ""),
        ([unpublished("df001", NEW), unpublished("df002")], Course(refused=["df001"], handed=["df002"]), ""),
        # What was handed over is no reason.
        ([unpublished("df001", NEW)], Course(handed=["df001"]), ""),
        # One run that ended may be the fault of one account, several are not.
        ([unpublished("df001", NEW, alone=True)], Course(), ""),
        (
            [unpublished("df001", NEW, alone=True), unpublished("df002", NEWEST, alone=True)],
            Course(),
            "during the hand-over for df001 and df002, and no other",
        ),
        (
            [unpublished("df001", NEW, alone=True), unpublished("df002", NEWEST, begun=True)],
            Course(handed=["df002"]),
            "",
        ),
        (
            [unpublished("df001", NEW, alone=True), unpublished("df002", NEW, alone=True), row("df003", "x", NEW)],
            Course(),
            "",
        ),
    ],
)
def test_while_the_task_files_fail_nobody_is_reset(rows: list[dict[str, Any]], course: Course, doubt: str) -> None:
    found = order(*rows, row("due", "rotated"))
    assert doubt in batches.doubt(course, found, 1)
    assert bool(batches.doubt(course, found, 1)) is bool(doubt)
    # Whoever wants no canary wants no such caution.
    assert batches.doubt(course, order(*rows, row("due", "rotated"), canary=0), 0) == ""


def test_nobody_is_reset_if_nothing_could_be_handed_over_again() -> None:
    rows = [row("df001"), row("df002", rotated_at=NEW), row("due", "rotated")]
    found = order(*rows, again=True)
    assert "for df001 and df002 still fails" in batches.doubt(Course(refused=["df001", "df002"]), found, 1)
    assert batches.doubt(Course(refused=["df001"], handed=["df002"]), found, 1) == ""
    assert batches.doubt(Course(), order(*rows), 1) == ""


def skipped(name: str, why: str = "Not tried: max_resets (1) was reached.") -> dict[str, Any]:
    return row(name, "skipped", error={"message": why, "hint": None, "kind": "skipped"})


@pytest.mark.parametrize(
    ("rows", "refused", "died"),
    [
        ([row("df001", "rotated"), skipped("df002")], [], ""),
        ([failed("df001"), row("df002", "rotated"), skipped("df003")], [], ""),
        ([failed("df001"), failed("df002")], [], ""),
        ([row("df001", "rotated"), skipped("df002")], ["df001"], "The password of df001 was reset first, and"),
        ([row("df001", "unknown"), skipped("df002")], [], "The password of df001 was reset first, and could not"),
        ([failed("df001"), skipped("df002", "Not tried: the store failed.")], [], "Not tried: the store failed."),
    ],
)
def test_the_others_are_reset_only_if_the_first_was_handed_over(
    rows: list[dict[str, Any]], refused: list[str], died: str
) -> None:
    why = batches.after_canary(Course(refused=refused), rows, 1)
    assert why.startswith(died)
    assert bool(why) is bool(died)


def test_a_verdict_without_a_failure_of_an_account_says_only_why_the_role_stopped() -> None:
    found = verdict(row("df001", published=False), row("df002", "rotated"), halted="Runs ended.")
    assert found["verdict"].startswith("Runs ended. Accounts that were left alone: 1. Fix the causes")
    assert verdict(failed("df001"), row("df002"))["verdict"].startswith(
        "1 of 2 accounts needs attention. df001 (failed): "
    )


def test_a_reason_names_few_of_many() -> None:
    many = [f"df{at:03}" for at in range(8)]
    found = order(*(unpublished(name, NEW) for name in many))
    assert "df003, df004 and 3 more still fails" in batches.doubt(Course(refused=many), found, 1)


# -------------------------------------------------------------------------------------------------------------- course

BATCH = [row(name) for name in ("df001", "df002", "df003")]


def after(
    *notes: dict[str, Any],
    failed: dict[str, str] | None = None,
    passed: list[str] | None = None,
    msg: str | None = None,
    before: Course | None = None,
    result: dict[str, Any] | None = None,
    limit: int = 0,
) -> Course:
    """The course after a batch of three."""
    failed = failed or {}
    through = [each for each in BATCH if each["name"] not in failed and each["name"] in (passed or each["name"])]
    note = {"accounts": list(notes)} if msg is None else {"failed": True, "msg": msg}
    given: dict[str, Any] = {"batch": BATCH, "failed": failed, "passed": through, "note": note, "limit": limit}
    return batches.after_batch(before or Course(), result=result, **given)


def noted(name: str, published: bool = True, error: str | None = None) -> dict[str, Any]:
    return {"name": name, "published": published, "error": error and {"message": error, "hint": "Fix it."}}


def test_what_cannot_be_noted_says_why() -> None:
    failed = {"df001": WHY}
    course = after(noted("df002"), noted("df003", published=False), failed=failed)
    assert course.left["df001"] == WHY
    assert course.left["df003"].startswith("Another run rotated it")
    assert (course.handed, course.refused) == (["df002"], ["df001"])
    assert "df002" not in course.left

    left = after(noted("df002"), noted("df003", False, "The store has no account df003."), failed=failed).left
    assert left["df003"].startswith("It was handed over, but that could not be noted, so the next run hands it over ")
    assert left["df003"].endswith(" again. The store has no account df003. Fix it.")
    left = after(msg="The disk is full.", failed=failed).left
    assert left["df001"] == WHY
    assert left["df002"] == left["df003"]
    assert left["df002"].endswith("hands it over again. The disk is full.")
    assert after(*(noted(f"df00{at}") for at in (1, 2, 3))).left == {}


def test_a_password_that_could_not_be_read_was_not_handed_over() -> None:
    course = after(noted("df002"), failed={"df001": WHY}, passed=["df002"])
    assert course.left == {
        "df001": WHY,
        "df003": "It was not handed over: its password could not be read from the store.",
    }
    assert course.refused == ["df001", "df003"]


def test_what_became_of_earlier_batches_is_kept() -> None:
    before = Course(came(df009="unknown"), ["df008"], {"df007": WHY}, ["df007"])
    result = {"accounts": [*BATCH[:2], failed("df003"), skipped("df004")]}
    course = after(noted("df001"), noted("df002"), noted("df003"), before=before, result=result)
    outcomes = {"df009": "unknown", "df001": "fresh", "df002": "fresh", "df003": "failed", "df004": "skipped"}
    assert {name: last["outcome"] for name, last in course.rows.items()} == outcomes
    assert course.rows["df003"]["error"] == failed("df003")["error"]
    assert course.troubled == 3
    assert course.handed == ["df008", "df001", "df002", "df003"]
    assert (course.left, course.refused, course.over) == ({"df007": WHY}, ["df007"], "")


@pytest.mark.parametrize(
    ("limit", "over"), [(0, ""), (1, "max_failures (1) was reached."), (2, "max_failures (2) was reached."), (3, "")]
)
def test_the_failures_of_all_batches_count(limit: int, over: str) -> None:
    # One account may fail in two ways.
    before = Course(came(df009="unknown"), left={"df009": WHY})
    course = after(noted("df002"), noted("df003"), failed={"df001": WHY}, before=before, limit=limit)
    assert (course.over, course.troubled) == (over, 2)


def trouble(kind: str, outcome: str = "failed") -> dict[str, Any]:
    return row("df001", outcome, error={"message": "The disk is full.", "hint": None, "kind": kind})


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, ""),
        ({"accounts": [row("df001", "rotated"), trouble("store")]}, ""),
        ({"accounts": [trouble("store")] * 3}, "Nothing could be done for 3 accounts in a row. The disk is full."),
        ({"accounts": [trouble("store"), trouble("transport"), trouble("rejected", "rejected")]}, ""),
        # Of so few, each may have a fault of its own.
        ({"accounts": [trouble("store")] * 2}, ""),
        ({"accounts": [trouble("unknown_outcome", "unknown")], "unreachable": True}, "The host that resets passwords"),
        ({"failed": True, "msg": "The store is damaged."}, "The store is damaged."),
        ({"failed": True}, "The module ended without a result."),
    ],
)
def test_a_batch_in_which_nothing_could_be_done_is_the_last(result: dict[str, Any] | None, why: str) -> None:
    course = after(*(noted(f"df00{at}") for at in (1, 2, 3)), result=result)
    assert course.over.startswith(why)
    assert bool(course.over) is bool(why)


def stuck(names: str, *, before: Course, result: dict[str, Any] | None = None, read: str = "") -> Course:
    """The course after a batch in which the store did not answer, except for the passwords of some accounts."""
    batch = [row(name) for name in names.split()]
    note = {"failed": True, "msg": "The store is away.", "error": {"kind": "store"}} if batch else {}
    passed = [each for each in batch if each["name"] in read.split()]
    return batches.after_batch(before, result=result, batch=batch, failed={}, passed=passed, note=note, limit=0)


def test_small_batches_in_which_nothing_could_be_done_count_together() -> None:
    one = {"accounts": [trouble("store")]}
    second = stuck("", before=stuck("", before=Course(), result=one), result=one)
    assert (second.over, second.in_vain) == ("", 2)
    assert (
        stuck("", before=second, result=one).over == "Nothing could be done for 3 accounts in a row. The disk is full."
    )
    # One that could be reset, or one with a fault of its own, begins the count anew.
    for other in ({"accounts": [row("df001", "rotated")]}, {"accounts": [trouble("not_found")]}):
        assert stuck("", before=second, result=other).in_vain == 0


def test_hand_overs_end_when_the_store_no_longer_answers() -> None:
    first = stuck("df001", before=Course())
    second = stuck("df002", before=first)
    assert (first.over, second.over) == ("", "")
    third = stuck("df003", before=second)
    assert third.over == "Nothing could be done for 3 accounts in a row. The store is away."
    assert third.troubled == 3
    # What can be read is handed over, even if nothing can be noted.
    assert stuck("df003 df004", before=second, read="df004").in_vain == 0
    reset = {"accounts": [row(f"df00{at}", "rotated") for at in (1, 2, 3)]}
    assert stuck("df001 df002 df003", before=Course(), result=reset).over.startswith("Nothing could be done for 3 ")


# ------------------------------------------------------------------------------------------------------------- verdict


def verdict(
    *rows: dict[str, Any], course: Course | None = None, halted: str = "", predicted: bool = False, **said: Any
) -> dict[str, Any]:
    return batches.verdict(
        {"accounts": list(rows), **said},
        course or Course(),
        order(*rows),
        halted=halted,
        planned_only=True,
        predicted=predicted,
    )


def test_the_verdict_names_what_was_left_alone_in_one_sentence() -> None:
    plan = [row("df001", "rotated"), row("df002", "rotated"), row("df003"), failed("df004"), row("df005", "rotated")]
    course = Course(came(df001="rotated"), left={"df001": WHY})
    found = verdict(*plan, course=course, halted="It could not be handed over.")
    summary = found["summary"]
    assert (summary["rotated"], summary["skipped"], summary["fresh"]) == (["df001"], ["df002", "df005"], ["df003"])
    assert [each["name"] for each in summary["attention"]] == ["df001", "df004"]
    assert (summary["unpublished"], summary["stopped"]) == (["df001"], "It could not be handed over.")
    assert found["verdict"].startswith(
        "2 of 5 accounts need attention. df001 (rotated): It was not handed over. df004 (failed): "
    )
    assert " It could not be handed over. Accounts that were left alone: 2. Fix the " in found["verdict"]

    done = Course(came(df001="rotated", df002="rotated", df005="rotated"), handed=["df001", "df002"])
    assert [each["name"] for each in verdict(*plan, course=done)["summary"]["attention"]] == ["df004"]
    assert verdict(*plan[:3], course=done)["verdict"] == ""
    assert verdict(*plan[:3], course=done)["summary"]["published"] == ["df001", "df002"]


def test_a_prediction_counts_as_done() -> None:
    plan = [row("df001", "rotated"), unpublished("df002"), row("df003")]
    found = verdict(*plan, predicted=True)
    assert (found["summary"]["rotated"], found["summary"]["published"]) == (["df001"], ["df001", "df002"])
    assert (found["summary"]["unpublished"], found["verdict"]) == ([], "")


def test_what_was_not_reset_says_why() -> None:
    course = Course(came(df001="unknown"))
    found = verdict(row("df001", "rotated"), course=course)["summary"]
    assert found["attention"] == [{"name": "df001", "outcome": "unknown", "reason": "It is not known. Run again."}]


def test_a_second_row_about_one_name_keeps_its_own_failure() -> None:
    double = failed("df001", live=False, published=False)
    course = Course(came(df001="rotated"), handed=["df001"])
    summary = verdict(row("df001", "rotated"), double, course=course)["summary"]
    assert (summary["rotated"], summary["failed"], summary["published"]) == (["df001"], ["df001"], ["df001"])
    assert summary["attention"] == [{"name": "df001", "outcome": "failed", "reason": "It failed. Look."}]


def test_many_reasons_are_cut_and_a_row_without_a_name_is_called_so() -> None:
    said = verdict(*[{**failed("df001"), "name": None}] * 22)["verdict"]
    assert said.count("Without a name (failed): It failed. Look.") == 20
    assert "The others are listed in ncp_dataforest_rotation_summary.attention." in said


@pytest.mark.parametrize("how", ["failed", "unreachable"])
def test_a_plan_that_failed_as_a_whole_says_why(how: str) -> None:
    assert verdict(msg="The store is damaged.", **{how: True})["verdict"] == "The store is damaged."


# ------------------------------------------------------------------------------------------------------------ accounts


def reported(
    *rows: dict[str, Any], course: Course | None = None, halted: str = "", planned_only: bool = True
) -> list[dict[str, Any]]:
    plan = order(*rows, plans=planned_only, hands_over=planned_only)
    said = {"accounts": list(rows)}
    return batches.accounts(said, course or Course(), plan, halted=halted, planned_only=planned_only)


def test_a_report_says_of_each_account_what_became_of_it() -> None:
    rows = [
        row("handed", "rotated"),
        row("refused", "rotated"),
        row("unknown", "resumed"),
        row("fresh"),
        unpublished("live"),
        unpublished("stubborn"),
        failed("failed"),
        row("held", "skipped", error={"message": "It is on hold.", "hint": None}),
    ]
    course = Course(
        came(handed="rotated", refused="rotated", unknown="unknown"),
        handed=["handed", "live"],
        left={"refused": WHY, "stubborn": WHY},
    )
    found = reported(*rows, course=course)
    assert {
        each["name"]: (each["outcome"], each["hand_over"], each["published"], each["attention"]) for each in found
    } == {
        "handed": ("rotated", "done", True, False),
        "refused": ("rotated", "failed", False, True),
        "unknown": ("unknown", "none", False, True),
        "fresh": ("fresh", "none", True, False),
        "live": ("fresh", "done", True, False),
        "stubborn": ("fresh", "failed", False, True),
        "failed": ("failed", "none", True, True),
        "held": ("skipped", "none", True, False),
    }
    said = {each["name"]: (each["reason"], each["remedy"]) for each in found if each["reason"] or each["remedy"]}
    again = said["refused"][1]
    assert again.startswith("Fix the cause, then run the role again: it resumes what was begun")
    assert said == {
        "refused": (WHY, again),
        "stubborn": (WHY, again),
        "unknown": ("It is not known.", "Run again."),
        "failed": ("It failed.", "Look."),
        "held": ("It is on hold.", ""),
    }
    # The password is the one that the run has made, not one that the plan has only predicted.
    assert [found[0][key] for key in ("rotated_at", "rotation_id")] == [NEWEST, "new of handed"]


def test_a_report_says_why_accounts_were_left_alone() -> None:
    rows = [
        row("due", "rotated", NEWEST, previously_rotated_at=OLD),
        row("canary", "rotated"),
        unpublished("live"),
        row("fresh"),
    ]
    course = Course(came(canary="rotated"), left={"canary": WHY})
    found = {each["name"]: each for each in reported(*rows, course=course, halted="It was halted.")}
    due, live = found["due"], found["live"]
    assert (due["outcome"], due["reason"], due["attention"]) == ("skipped", "It was halted.", False)
    # Of its active password, the plan has told nothing but when it was confirmed.
    assert (due["rotated_at"], due["published"], due["rotation_id"]) == (OLD, None, None)
    assert (live["hand_over"], live["reason"], live["attention"]) == ("open", "It was halted.", False)
    assert (found["canary"]["reason"], found["fresh"]["reason"]) == (WHY, "")
    # One that the module itself has left alone.
    error = {"message": "max_resets (1) was reached.", "hint": "Run again."}
    last = {"due": {**came(due="skipped")["due"], "error": error}}
    assert reported(rows[0], course=Course(last))[0]["reason"] == "max_resets (1) was reached."


def test_without_task_files_a_report_is_what_the_module_said() -> None:
    whole = {"id": "0", "profile": "analytics", "access_key": None, "rotation_id": "r1", "next_due_at": NEWEST}
    (found,) = reported(row("df001", "rotated", NEW, **whole), planned_only=False)
    assert {key: found[key] for key in whole} == whole
    assert (found["rotated_at"], found["hand_over"], found["published"]) == (NEW, "none", False)


def test_a_second_row_about_one_name_is_reported_by_itself() -> None:
    double = failed("df001", live=False, published=False)
    one, other = reported(row("df001", "rotated"), double, course=Course(came(df001="rotated"), handed=["df001"]))
    assert (one["hand_over"], one["attention"]) == ("done", False)
    assert (other["hand_over"], other["published"], other["reason"]) == ("none", False, "It failed.")
