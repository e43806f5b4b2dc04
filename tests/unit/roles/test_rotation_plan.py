# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role ncp_dataforest_rotation makes of a plan: its batches, their order, and when it stops. No play runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tooling.tree import ROOT

PREFIX = "__ncp_dataforest_rotation_"
ROLE = ROOT / "roles" / "ncp_dataforest_rotation"
# What main.yml sets at the beginning.
FACTS: dict[str, Any] = {
    "outcomes": {},
    "errors": {},
    "handed": [],
    "left": {},
    "refused": [],
    "halted": "",
    "over": "",
    "stopped": "",
}
OLD, NEW, NEWEST = (f"2026-{month}-20T03:00:00Z" for month in ("08", "09", "10"))


def trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def load(path: str) -> Any:
    return trusted(yaml.safe_load((ROLE / path).read_text(encoding="utf-8")))


VARIABLES = {**load("defaults/main.yml"), **load("vars/main.yml")}


class Run:
    """A call of the role after its plan. Options are named without the prefix of the role."""

    def __init__(self, *rows: dict[str, Any], facts: dict[str, Any] | None = None, **options: Any) -> None:
        options = {"publish_tasks": "publish.yml", **options}
        given = {f"ncp_dataforest_rotation_{name}": value for name, value in options.items() if value is not None}
        plan = {"accounts": list(rows), "changed": True, "max_failures": options.get("max_failures")}
        kept = {f"{PREFIX}{name}": value for name, value in {**FACTS, "plan": plan, **(facts or {})}.items()}
        magic = {"playbook_dir": "/srv", "ansible_check_mode": False}
        self._templar = Templar(loader=DataLoader(), variables={**magic, **VARIABLES, **given, **kept})

    def __getattr__(self, name: str) -> Any:
        return self._templar.template(trust_as_template(f"{{{{ {PREFIX}{name} }}}}"))


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


def names(batches: Any) -> list[list[str]]:
    return [[account["name"] for account in batch] for batch in batches]


def test_what_needs_no_reset_comes_first_and_what_ended_a_run_last() -> None:
    run = Run(
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
        hand_over_batch=2,
    )
    assert names(run.first) == [["left1", "left2"], ["left3"]]
    # What no run has settled so far may stay unknown: it must not keep the others from their turn.
    assert names([run.waiting]) == [["due1", "due2", "send again", "settle2", "settle1"]]
    assert names(run.last) == [["begun1"], ["begun2"], ["alone"]]
    assert run.doubt == ""


def test_without_task_files_that_hand_over_all_is_one_batch() -> None:
    rows = [unpublished("left"), *(row(f"due{at}", "rotated") for at in range(12))]
    prepared = Run(*rows, publish_tasks=None, prepare_tasks="prepare.yml")
    assert (prepared.first, prepared.last, prepared.canaries) == ([], [], 0)
    assert (prepared.size, len(prepared.rest)) == (12, 12)
    assert (prepared.planning, Run(*rows, publish_tasks=None).planning) == (True, False)
    assert Run(*rows, publish_tasks=None, publish_batch_tasks="batch.yml").canaries == 1


def test_everything_is_handed_over_again_if_that_is_wanted() -> None:
    rows = [row("published"), row("due", "rotated"), row("another id", "failed", live=False), unpublished("left")]
    assert names(Run(*rows, hand_over="all").first) == [["published", "left"]]
    assert names(Run(*rows).first) == [["left"]]


WHY = "It was not handed over."


@pytest.mark.parametrize(
    ("rows", "facts", "doubt"),
    [
        # Nobody was given a password since: the task files may be to blame.
        ([unpublished("df001", NEW), row("df002", rotated_at=OLD)], {"refused": ["df001"]}, "df001 still cannot be"),
        ([unpublished("df001", NEW)], {"refused": ["df001"]}, "df001 still cannot be"),
        # Others have, from this run or from an earlier one: it is the account.
        ([unpublished("df001", NEW), row("df002", rotated_at=NEW)], {"refused": ["df001"]}, ""),
        ([unpublished("df001", NEW), row("df002", rotated_at=NEWEST)], {"refused": ["df001"]}, ""),
        ([unpublished("df001", NEW), unpublished("df002")], {"refused": ["df001"], "handed": ["df002"]}, ""),
        # What was handed over is no reason.
        ([unpublished("df001", NEW)], {"handed": ["df001"]}, ""),
        # One run that ended may be the fault of one account, several are not.
        ([unpublished("df001", NEW, alone=True)], {}, ""),
        (
            [unpublished("df001", NEW, alone=True), unpublished("df002", NEWEST, alone=True)],
            {},
            "handed over those of df001, df002, and none was",
        ),
        ([unpublished("df001", NEW, alone=True), unpublished("df002", NEWEST, begun=True)], {"handed": ["df002"]}, ""),
        (
            [unpublished("df001", NEW, alone=True), unpublished("df002", NEW, alone=True), row("df003", "x", NEW)],
            {},
            "",
        ),
    ],
)
def test_while_the_task_files_fail_nobody_is_reset(
    rows: list[dict[str, Any]], facts: dict[str, Any], doubt: str
) -> None:
    due = row("due", "rotated")
    assert doubt in Run(*rows, due, facts=facts).doubt
    assert bool(Run(*rows, due, facts=facts).doubt) is bool(doubt)
    # Whoever wants no canary wants no such caution.
    assert Run(*rows, due, facts=facts, canary=0).doubt == ""


def test_several_accounts_that_ended_runs_are_tried_before_anybody_is_reset() -> None:
    rows = [
        unpublished("alone", NEW, alone=True),
        unpublished("begun", NEW, begun=True),
        unpublished("left"),
        row("due", "rotated"),
    ]
    run = Run(*rows)
    assert (names(run.first), names(run.last)) == ([["left"], ["begun"]], [["alone"]])
    proven = Run(*rows, row("newer", rotated_at=NEW))
    assert (names(proven.first), names(proven.last)) == ([["left"]], [["begun"], ["alone"]])


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
    plan = [row(each["name"], "rotated") for each in rows]
    run = Run(*plan, facts={"refused": refused, "result": {"accounts": rows}})
    assert run.dead_canary.startswith(died)
    assert bool(run.dead_canary) is bool(died)
    assert names([run.rest]) == [[each["name"] for each in rows if each["outcome"] == "skipped"]]
    assert Run(*plan, facts={"refused": refused, "halted": "Why.", "result": {"accounts": rows}}).rest == []


class Batch(Run):
    """In the midst of a batch of three accounts, whose names and rotation IDs are alike."""

    def __init__(self, facts: dict[str, Any], **options: Any) -> None:
        batch = [row(name) for name in ("df001", "df002", "df003")]
        passwords = dict.fromkeys(("df001", "df002", "df003"), "Secret-1")
        given = {"batch": batch, "look": {"passwords": passwords}, **facts}
        super().__init__(*batch, facts=given, **options)


def noted(name: str, published: bool = True, error: str | None = None) -> dict[str, Any]:
    return {"name": name, "published": published, "error": error and {"message": error, "hint": "Mend it."}}


def test_what_cannot_be_noted_says_why() -> None:
    notes = [noted("df002"), noted("df003", published=False)]
    left = Batch({"left": {"df001": WHY}, "note": {"accounts": notes}}).left_now
    assert left["df001"] == WHY
    assert left["df003"].startswith("Another run rotated it")
    assert "df002" not in left

    notes = [noted("df002"), noted("df003", published=False, error="The store has no account df003.")]
    left = Batch({"left": {"df001": WHY}, "note": {"accounts": notes}}).left_now
    assert left["df003"].startswith("It was handed over, but that could not be noted, so the next run hands it over ")
    assert left["df003"].endswith(" again. The store has no account df003. Mend it.")
    left = Batch({"left": {"df001": WHY}, "note": {"failed": True, "msg": "The disk is full."}}).left_now
    assert left["df001"] == WHY
    assert left["df002"] == left["df003"]
    assert left["df002"].endswith("hands it over again. The disk is full.")
    assert Batch({"note": {"accounts": [noted(f"df00{at}") for at in (1, 2, 3)]}}).left_now == {}


def test_a_task_file_for_a_batch_gets_those_that_have_passed_and_whose_passwords_are_known() -> None:
    look = {"passwords": {"df001": "Secret-1", "df002": "Secret-2"}}
    facts = {"left": {"df001": WHY}, "look": look, "note": {"accounts": [noted("df002")]}}
    whole = Batch(facts, publish_batch_tasks="batch.yml")
    assert names([whole.passed]) == [["df002"]]
    assert whole.left_now == {
        "df001": WHY,
        "df003": "It was not handed over: its password could not be read from the store.",
    }
    # One after the other, each looks for itself.
    assert names([Batch(facts).passed]) == [["df002", "df003"]]


def test_the_verdict_names_what_was_left_alone_in_one_sentence() -> None:
    plan = [row("df001", "rotated"), row("df002", "rotated"), row("df003"), failed("df004"), row("df005", "rotated")]
    facts = {"outcomes": {"df001": "rotated"}, "left": {"df001": WHY}, "halted": "It could not be handed over."}
    run = Run(*plan, facts=facts)
    assert run.words == ["rotated", "skipped", "fresh", "failed", "skipped"]
    assert [each["name"] for each in run.attention] == ["df001", "df004"]
    assert run.verdict.startswith("2 of 5 accounts need attention. df001: rotated: It was not handed over. df004: ")
    assert " It could not be handed over. Accounts that are due and were left alone: 2. Fix the causes" in run.verdict

    done = {"outcomes": dict.fromkeys(("df001", "df002", "df005"), "rotated"), "handed": ["df001", "df002"]}
    assert [each["name"] for each in Run(*plan, facts=done).attention] == ["df004"]
    assert Run(*plan[:3], facts={"outcomes": {"df001": "rotated", "df002": "rotated"}}).verdict == ""


def test_what_was_not_reset_says_why() -> None:
    errors = {"df001": "It is not known. Run again."}
    run = Run(row("df001", "rotated"), facts={"outcomes": {"df001": "unknown"}, "errors": errors})
    assert run.attention == [{"name": "df001", "outcome": "unknown", "reason": "It is not known. Run again."}]


@pytest.mark.parametrize(
    ("max_failures", "facts", "limits"),
    [
        (None, {}, {}),
        (None, {"left": {"df001": WHY}, "most": 2}, {"max_resets": 2}),
        (3, {"left": {"df001": WHY}}, {"max_failures": 2}),
        # One account may fail in two ways.
        (
            3,
            {"left": {"df001": WHY}, "errors": {"df001": WHY, "df002": WHY}, "most": 1},
            {"max_failures": 1, "max_resets": 1},
        ),
    ],
)
def test_the_failures_of_all_batches_count(
    max_failures: int | None, facts: dict[str, Any], limits: dict[str, int]
) -> None:
    assert Run(row("df003", "rotated"), facts=facts, max_failures=max_failures).limits_now == limits


def trouble(kind: str, outcome: str = "failed") -> dict[str, Any]:
    return row("df001", outcome, error={"message": "The disk is full.", "hint": None, "kind": kind})


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"accounts": [row("df001", "rotated"), trouble("store")]}, ""),
        ({"accounts": [trouble("store")] * 3}, "No account of a whole batch could be reset. The disk is full."),
        ({"accounts": [trouble("store"), trouble("transport"), trouble("rejected", "rejected")]}, ""),
        # Of so few, each may have a fault of its own.
        ({"accounts": [trouble("store")] * 2}, ""),
        ({"accounts": [trouble("unknown_outcome", "unknown")], "unreachable": True}, "The host that resets passwords"),
        ({"failed": True, "msg": "The store is damaged."}, "The store is damaged."),
    ],
)
def test_a_batch_in_which_nothing_could_be_done_is_the_last(result: dict[str, Any], why: str) -> None:
    run = Run(row("df001", "rotated"), facts={"result": result, "came": result.get("accounts", [])})
    assert run.dead_batch.startswith(why)
    assert bool(run.dead_batch) is bool(why)
