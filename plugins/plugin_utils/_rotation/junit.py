# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run as JUnit XML, which CI servers show: each account is a test case. Pure.

The elements and attributes are a part of those that the schema of Jenkins' xUnit plugin allows (``junit-10.xsd``).
GitLab tells test cases apart by ``classname`` and ``name`` and shows the text of a failure; other readers show its
``message``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree

from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import FAILURES
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run_report import ROLE

# What no XML 1.0 document may hold, not even as a reference.
_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNKNOWN, _SKIPPED = (outcome.word("") for outcome in (Outcome.UNKNOWN, Outcome.SKIPPED))
# Of the account that has no name, and of keys that no option names.
_NAMELESS, _USUAL = "without a name", "default"
_SHOWN = ("outcome", "hand_over", "published", "rotated_at", "next_due_at", "id")


class Case(NamedTuple):
    """A test case. ``verdict`` is the name of the element that says that it has not passed, '' if it has."""

    group: str
    name: str
    verdict: str = ""
    type: str = ""
    message: str = ""
    text: str = ""
    output: str = ""
    time: float = 0.0

    def __repr__(self) -> str:
        return "Case"


def as_junit(report: Mapping[str, Any]) -> str:
    """Return a report of `run_report` as the text of a file.

    One test case stands for the run as a whole. So a failure that is about no account is seen, and a run that has no
    account is not a file without tests, which some readers refuse.
    """
    duration = _duration(report)
    whole = Case("run", "run", time=duration)
    if report["problem"]:
        kind = "unfinished" if report["finished_at"] is None else "run"
        verdict = "error" if kind == "unfinished" else "failure"
        whole = whole._replace(verdict=verdict, type=kind, message=report["problem"], text=report["verdict"])
    # A key that was made for this run would give each of its cases a new identity in each run.
    keys = {row["access_key"] for row in report["accounts"] if not row["profile"]}
    cases = [whole, *(_case(row, row["access_key"] if len(keys) > 1 else None) for row in report["accounts"])]
    found = Counter(case.verdict for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(found["failure"]), "errors": str(found["error"])}
    root = ElementTree.Element("testsuites", {"name": ROLE, **counts, "time": f"{duration:.3f}"})
    suite = {
        "name": ROLE,
        **counts,
        "skipped": str(found["skipped"]),
        "time": f"{duration:.3f}",
        # Without a zone, as its readers expect it. It is in UTC.
        "timestamp": report["started_at"].rstrip("Z"),
    }
    _fill(ElementTree.SubElement(root, "testsuite", suite), cases)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _duration(report: Mapping[str, Any]) -> float:
    if report["finished_at"] is None:
        return 0.0
    return max(seconds(report["finished_at"]) - seconds(report["started_at"]), 0.0)


def _case(row: Mapping[str, Any], access_key: str | None) -> Case:
    shown = {key: _word(row[key]) for key in _SHOWN if row[key] is not None}
    case = Case(
        row["profile"] or access_key or _USUAL,
        row["name"] or _NAMELESS,
        message=row["reason"],
        text=" ".join(part for part in (row["reason"], row["remedy"]) if part),
        output="\n".join(f"{key}: {value}" for key, value in shown.items()),
    )
    if row["attention"]:
        kind = row["outcome"] if row["outcome"] in FAILURES else "hand_over"
        return case._replace(verdict="error" if kind == _UNKNOWN else "failure", type=kind)
    if row["outcome"] == _SKIPPED or row["hand_over"] == "open":
        return case._replace(verdict="skipped", type=row["outcome"])
    return case


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fill(suite: ElementTree.Element, cases: list[Case]) -> None:
    for case, name in zip(cases, _names(cases), strict=True):
        attributes = {"classname": f"{ROLE}.{case.group}", "name": name, "time": f"{case.time:.3f}"}
        element = ElementTree.SubElement(suite, "testcase", _valid(attributes))
        if case.verdict:
            said = ElementTree.SubElement(element, case.verdict, _valid({"type": case.type, "message": case.message}))
            said.text = _xml(case.text)
        if case.output:
            ElementTree.SubElement(element, "system-out").text = _xml(case.output)


def _names(cases: list[Case]) -> Iterator[str]:
    """Yield a name for each case that no other one of its group has, as readers keep only one of each name."""
    seen: Counter[tuple[str, str]] = Counter()
    taken = {(case.group, case.name) for case in cases}
    for case in cases:
        seen[case.group, case.name] += 1
        name, at = case.name, seen[case.group, case.name]
        while at > 1 and (case.group, name) in taken:
            name = f"{case.name} ({at})"
            at += 1
        taken.add((case.group, name))
        yield name


def _valid(attributes: Mapping[str, str]) -> dict[str, str]:
    return {key: _xml(value) for key, value in attributes.items()}


def _xml(text: str) -> str:
    return _INVALID.sub(_REPLACEMENT, text)
