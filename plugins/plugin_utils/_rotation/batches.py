# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batch by batch to the consumers: in which order, when to stop, and what became of all accounts. Pure.

The role ncp_dataforest_rotation runs the tasks and asks here, by filters. All rows are those of the results of
ncp_dataforest_rotation and ncp_dataforest_publication.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import listed
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import FAILURES, OUTCOMES

Row = Mapping[str, Any]
Rows = Sequence[Row]

_DUE = ("rotated", "resumed")
_SENT = (*_DUE, "unknown")
# Kinds of errors that affect every account, unlike an answer about one account.
_OF_ALL = ("store", "transport")
# Of so few, each may have a fault of its own.
_FEW = 2
_MOST_NAMES = 5
_MOST_REASONS = 20
# What a course keeps of the rows of the module.
_KEPT = ("outcome", "rotation_id", "rotated_at", "next_due_at", "published", "error")
_AGAIN = (
    "then run the role again: it resumes what was begun, leaves alone what is done, and hands over what was not handed "
    "over."
)


# --------------------------------------------------------------------------------------------------------------- order


class Order(NamedTuple):
    """What a plan asks for, in the order in which it is done.

    ``first`` are batches that need no reset, ``waiting`` the accounts to reset, ``last`` the batches at which an
    earlier run may have ended. ``live`` are all accounts that are handed over, as far as the plan knows, and
    ``at_once`` those among them that need no reset. For ``unproven``, nobody has seen the task files of today work: no
    password was handed over since theirs are live, or theirs are handed over again. At the hand-over of ``suspects``
    among them, an earlier run ended.
    """

    first: Sequence[Rows] = ()
    waiting: Rows = ()
    last: Sequence[Rows] = ()
    live: Rows = ()
    at_once: Rows = ()
    unproven: Sequence[str] = ()
    suspects: Sequence[str] = ()

    def __repr__(self) -> str:
        return "Order"


def order(rows: Rows, *, plans: bool, hands_over: bool, canary: int, size: int, again: bool) -> Order:
    """Return what is to be done about the rows of a plan.

    ``plans`` and ``hands_over`` say whether there are task files, and some that hand over. ``size`` accounts are a
    batch, and ``canary`` of them go first (0 for none). With ``again``, what consumers already have is also handed
    over.
    """
    live = [row for row in rows if row["live" if again else "hand_over"]] if hands_over else []
    at_once = [row for row in live if row["outcome"] not in _DUE]
    begun = sorted((row for row in at_once if row["hand_over_begun"]), key=lambda row: bool(row["hand_over_alone"]))
    proven_at = max((row["published_at"] for row in rows if row["published_at"]), default="")
    # What consumers already have is only in `at_once` if it is to be handed over again.
    unproven = [row for row in at_once if row["published"] or (row["rotated_at"] or "") > proven_at]
    suspects = [row["name"] for row in unproven if row["hand_over_begun"]] if canary else []
    # If several runs ended so, it is not the fault of one account, and these are tried before any password is reset.
    early = ([row for row in begun if not row["hand_over_alone"]] or begun) if len(suspects) > 1 else []
    waiting = sorted((row for row in rows if row["outcome"] in _DUE), key=_turn) if plans else []
    return Order(
        first=[*_batches([row for row in at_once if not row["hand_over_begun"]], size), *_batches(early, 1)],
        waiting=waiting,
        # Each by itself, because what ended that run may end this one.
        last=_batches([row for row in begun if row not in early], 1),
        live=live,
        at_once=at_once,
        unproven=[row["name"] for row in unproven],
        suspects=suspects,
    )


def _turn(row: Row) -> tuple[bool, str, bool]:
    """Return the key by which the accounts that wait for their reset are sorted.

    Those with a pending password come last, and among these, the one that was sent last. So an account that stays
    unknown in each run does not keep the others from their turn.
    """
    return bool(row["last_sent_at"]), row["last_sent_at"] or "", row["outcome"] != "rotated"


def _batches(rows: Rows, size: int) -> list[Rows]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


# -------------------------------------------------------------------------------------------------------------- course


class Course(NamedTuple):
    """What became of the batches so far, by the names of accounts.

    ``rows`` are what the module last said of those that it was given. ``handed`` were handed over, ``left`` says why
    others do not count as handed over, and for ``refused`` ones a task file failed.
    ``troubled`` is the number of accounts that have failed, in one way or in two, and ``in_vain`` how many there are in
    the last batches of which none had a chance. ``over`` says why no further batch is begun, '' if one is.
    """

    rows: Mapping[str, Row] = {}
    handed: Sequence[str] = ()
    left: Mapping[str, str] = {}
    refused: Sequence[str] = ()
    troubled: int = 0
    in_vain: int = 0
    over: str = ""

    def __repr__(self) -> str:
        return "Course"


def after_batch(
    course: Course,
    *,
    result: Mapping[str, Any] | None,
    batch: Rows,
    failed: Mapping[str, str],
    passed: Rows,
    note: Mapping[str, Any],
    limit: int,
) -> Course:
    """Return the course after a batch.

    ``result`` is that of the module that has reset its accounts, None if that was not needed. Then the ``batch`` was
    handed over: ``failed`` says why task files failed, ``passed`` are those for which none has. ``note`` is the result
    of noting that. After ``limit`` failures no further batch is begun, 0 for no limit.
    """
    said: Rows = (result or {}).get("accounts") or ()
    came = [row for row in said if row["outcome"] != "skipped"]
    rows = {**course.rows, **{row["name"]: {key: row.get(key) for key in _KEPT} for row in said}}
    names = [row["name"] for row in batch]
    through = {row["name"] for row in passed}
    noted = {row["name"]: row for row in note.get("accounts") or ()}
    handed = [name for name in names if name in noted and noted[name]["published"]]
    left = {
        name: failed.get(name) or _why_left(name in through, noted.get(name), note.get("msg"))
        for name in names
        if name not in handed
    }
    failures = {name for name, row in rows.items() if row["outcome"] in FAILURES}
    troubled = len({*failures, *course.left, *left})
    stuck, why = _stuck(came, () if through else names, note)
    in_vain = course.in_vain + stuck if stuck else 0
    hopeless = f"Nothing could be done for {in_vain} accounts in a row. {why}" if in_vain > _FEW else ""
    reached = f"max_failures ({limit}) was reached." if 0 < limit <= troubled else ""
    return Course(
        rows=rows,
        handed=[*course.handed, *handed],
        left={**course.left, **left},
        refused=[*course.refused, *(name for name in names if name not in through)],
        troubled=troubled,
        in_vain=in_vain,
        over=_ended(result) or hopeless or reached,
    )


def _why(error: Mapping[str, Any] | None) -> str:
    return " ".join(str(part) for part in ((error or {}).get("message"), (error or {}).get("hint")) if part)


def _why_left(passed: bool, noted: Row | None, trouble: Any) -> str:
    if not passed:
        return "It was not handed over: its password could not be read from the store."
    if noted and not noted["error"]:
        return (
            "Another run rotated it or handed it over in the meantime, so consumers may have been given a dead "
            "password last. Run the role again to hand over the newest one."
        )
    why = _why(noted["error"]) if noted else str(trouble or "")
    return f"It was handed over, but that could not be noted, so the next run hands it over again. {why}".rstrip()


def _stuck(came: Rows, missed: Sequence[str], note: Mapping[str, Any]) -> tuple[int, str]:
    """Return for how many accounts of a batch nothing could be done, if that is so for all, and why.

    ``came`` are those of the module that was to reset them. Nobody was handed the passwords of ``missed`` ones.
    """
    errors = [row["error"] or {} for row in came]
    if errors and all(error.get("kind") in _OF_ALL for error in errors):
        return len(came), str(errors[0]["message"])
    # If the store as a whole fails, the passwords cannot be read either.
    if (note.get("error") or {}).get("kind") == "store":
        return len(missed), str(note["msg"])
    return 0, ""


def _ended(result: Mapping[str, Any] | None) -> str:
    """Return why the module cannot be run again, '' if it can."""
    if result is None:
        return ""
    if "accounts" not in result:
        return str(result.get("msg") or "The module ended without a result.")
    return "The host that resets passwords could no longer be reached." if result.get("unreachable") else ""


# ---------------------------------------------------------------------------------------------------------------- halt


def doubt(course: Course, planned: Order, canary: int) -> str:
    """Return why no password may be reset, now that what is live has been handed over. '' if any may."""
    if course.handed or not canary:
        return ""
    stubborn = [name for name in planned.unproven if name in course.refused]
    if stubborn:
        why = f"the hand-over for {_named(stubborn)} still fails"
    elif len(planned.suspects) > 1:
        why = f"runs ended during the hand-over for {_named(planned.suspects)}"
    else:
        return ""
    return (
        f"No password was reset, because {why}, and no other one has succeeded since. If the task files are right, run "
        "once with ncp_dataforest_rotation_canary set to 0."
    )


def after_canary(course: Course, rows: Rows, canary: int) -> str:
    """Return why the others are left alone, now that the first accounts had their turn. '' if they are not.

    ``rows`` are those of the module that was to reset only ``canary`` of them.
    """
    sent = [row for row in rows if row["outcome"] in _SENT]
    dead = [row["name"] for row in sent if row["outcome"] == "unknown" or row["name"] in course.refused]
    if dead:
        what = "password of {} was" if len(dead) == 1 else "passwords of {} were"
        return f"The {what.format(_named(dead))} reset first, and could not be handed over."
    not_sent = [row for row in rows if row["outcome"] == "skipped"]
    # Fewer than were to go first: it was not this bound that ended the run of the module.
    return _why(not_sent[0]["error"]) if not_sent and len(sent) < canary else ""


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return listed([*names[:_MOST_NAMES], f"{more} more"] if more > 0 else names)


# ------------------------------------------------------------------------------------------------------------- verdict


def verdict(
    said: Mapping[str, Any], course: Course, planned: Order, *, halted: str, planned_only: bool, predicted: bool
) -> dict[str, Any]:
    """Return the ``summary`` of the role and its ``verdict``, '' if it does not fail.

    ``said`` is the result of the plan or, unless it was ``planned_only``, of everything. ``predicted`` says that the
    role ran in check mode.
    """
    rows: Rows = said.get("accounts") or ()
    why_not = course.over or halted
    judged = [_judged(row, course, planned_only and not predicted) for row in rows]
    attention = [
        {"name": each.row["name"], "outcome": each.outcome, "reason": each.reason} for each in judged if each.reason
    ]
    given = {row["name"] for row in planned.live} if predicted else set(course.handed)
    to_give = {row["name"] for row in planned.at_once} | set(course.left)
    names = list(dict.fromkeys(row["name"] for row in rows))
    summary = {
        **{word: [each.row["name"] for each in judged if each.outcome == word] for word in OUTCOMES},
        "published": [name for name in names if name in given],
        "unpublished": [name for name in names if name in to_give and name not in given],
        "attention": attention,
        "stopped": why_not,
    }
    why = _why_failed(attention, len(rows), why_not, len(summary["skipped"])) if attention or why_not else ""
    failed = said.get("failed") or said.get("unreachable")
    return {"summary": summary, "verdict": why or (str(said.get("msg")) if failed else "")}


class _Judged(NamedTuple):
    """What became of the account of a row of the plan.

    ``last`` is what the module said of it after the plan. ``errors`` of both, and why it was ``left`` if that is so.
    """

    row: Row
    outcome: str
    last: Row
    errors: Sequence[Mapping[str, Any]]
    left: str

    def __repr__(self) -> str:
        return "_Judged"

    @property
    def reason(self) -> str:
        """Why the account needs attention, '' if it does not."""
        needs = self.left or (self.errors and self.outcome != "skipped")
        return " ".join(part for part in (*map(_why, self.errors), self.left) if part) if needs else ""


def _judged(row: Row, course: Course, skipped: bool) -> _Judged:
    name, outcome = row["name"], row["outcome"]
    last: Row = {}
    # Another row of the same name has a failure of its own.
    if outcome in _DUE:
        last = course.rows.get(name, {})
        outcome = last.get("outcome") or ("skipped" if skipped else outcome)
    left = course.left.get(name, "") if row["outcome"] in _DUE or row["live"] else ""
    errors = [error for error in (row["error"], last.get("error")) if error]
    return _Judged(row, outcome, last, errors, left)


def _why_failed(attention: Sequence[Mapping[str, Any]], rows: int, why_not: str, skipped: int) -> str:
    said = []
    if attention:
        said.append(f"{len(attention)} of {rows} accounts {'needs' if len(attention) == 1 else 'need'} attention.")
    said += [
        f"{each['name'] or 'Without a name'} ({each['outcome']}): {each['reason']}"
        for each in attention[:_MOST_REASONS]
    ]
    if len(attention) > _MOST_REASONS:
        said.append("The others are listed in ncp_dataforest_rotation_summary.attention.")
    if why_not:
        said.append(f"{why_not} Accounts that were left alone: {skipped}.")
    return " ".join([*said, f"Fix the causes, {_AGAIN}"])


# ------------------------------------------------------------------------------------------------------------ accounts


def accounts(
    said: Mapping[str, Any], course: Course, planned: Order, *, halted: str, planned_only: bool
) -> list[dict[str, Any]]:
    """Return what became of each account, a row for each, as a report of the run has it: see `run_report`.

    The arguments are those of `verdict`. Not for check mode.
    """
    to_give = {row["name"] for row in planned.at_once}
    why_not = course.over or halted
    judged = [_judged(row, course, planned_only) for row in said.get("accounts") or ()]
    return [_account(each, course, to_give, why_not, planned_only) for each in judged]


def _account(
    judged: _Judged, course: Course, to_give: Collection[str], why_not: str, planned_only: bool
) -> dict[str, Any]:
    row, name = judged.row, judged.row["name"]
    due = row["outcome"] in _DUE
    hand_over = "none"
    # As in `_judged`.
    if due or row["live"]:
        hand_over = (
            "done" if name in course.handed else "failed" if judged.left else "open" if name in to_give else "none"
        )
    now: Row = row
    if due and planned_only:
        # The plan tells of a password that was only to be made.
        now = judged.last or {"rotated_at": row.get("previously_rotated_at")}
    reason, remedy = _told(judged, why_not if (due and judged.outcome == "skipped") or hand_over == "open" else "")
    return {
        **{key: row.get(key) for key in ("name", "id", "profile", "access_key")},
        "outcome": judged.outcome,
        "attention": bool(judged.reason),
        "reason": reason,
        "remedy": remedy,
        "hand_over": hand_over,
        "published": {"done": True, "failed": False, "open": False}.get(hand_over, now.get("published")),
        **{key: now.get(key) for key in ("rotation_id", "rotated_at", "next_due_at")},
    }


def _told(judged: _Judged, why_not: str) -> tuple[str, str]:
    """Return why an account is not as it should be, and what to do, or '' and ''."""
    if why_not and not judged.reason:
        return why_not, f"Fix the cause, {_AGAIN}"
    causes = [*(error.get("message") for error in judged.errors), judged.left]
    hints = [error.get("hint") for error in judged.errors]
    reason, remedy = (" ".join(str(part) for part in parts if part) for parts in (causes, hints))
    return reason, remedy or (f"Fix the cause, {_AGAIN}" if judged.reason else "")
