# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run as JSON and as JUnit XML, by the schemas of both, read by validators that are not ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import run_report
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.junit import as_junit
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import OUTCOMES
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run_report import (
    ROLE,
    UNFINISHED,
    as_json,
    finished,
    unfinished,
)
from tooling.tree import ROOT

SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
JSON = jsonschema.Draft202012Validator(SCHEMA)
JUNIT = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))

STARTED, ENDED = "2026-11-20T03:00:00Z", "2026-11-20T03:01:30Z"
WHY = "It was not handed over."


def account(name: str | None = "df001", outcome: str = "fresh", **more: Any) -> dict[str, Any]:
    """An account as `batches.accounts` reports it, with nothing to do unless told otherwise."""
    usual = {
        "name": name,
        "id": "20nAZnjbUNFdc7RsILlC3A",
        "profile": None,
        "access_key": None,
        "outcome": outcome,
        "attention": False,
        "reason": "",
        "remedy": "",
        "hand_over": "none",
        "published": True,
        "rotation_id": "3f0c2a8e-6f0b-4b8e-9a53-0d7c1c1a2b3c",
        "rotated_at": STARTED,
        "next_due_at": None,
    }
    return {**usual, **more}


def bad(name: str | None, outcome: str, **more: Any) -> dict[str, Any]:
    return account(name, outcome, **{"attention": True, "reason": WHY, "remedy": "Run again.", **more})


def report(*accounts: dict[str, Any], verdict: str = "", problem: str = "") -> dict[str, Any]:
    return finished(accounts, verdict=verdict, problem=problem, started_at=STARTED, now=ENDED)


def checked(found: dict[str, Any]) -> tuple[dict[str, Any], ElementTree.Element]:
    """What readers of both files get. Fails if a schema refuses it, or if they do not agree whether the run failed."""
    data, text = json.loads(as_json(found)), as_junit(found)
    JSON.validate(data)
    JUNIT.validate(text)
    root = ElementTree.fromstring(text)  # noqa: S314 - it is ours
    suite = root[0]
    counted = {name: len(suite.findall(f"testcase/{name}")) for name in ("failure", "error", "skipped")}
    counts = {"tests": len(suite), "failures": counted["failure"], "errors": counted["error"]}
    assert {name: int(suite.attrib[name]) for name in counts} == {name: int(root.attrib[name]) for name in counts}
    assert {name: int(suite.attrib[name]) for name in (*counts, "skipped")} == {**counts, "skipped": counted["skipped"]}
    assert data["success"] is (counted["failure"] + counted["error"] == 0)
    assert len(suite) == len(data["accounts"]) + 1
    assert data["summary"]["total"] == len(data["accounts"]) == sum(data["summary"][each] for each in OUTCOMES)
    return data, suite


def cases(suite: ElementTree.Element) -> dict[str, tuple[str, str, str]]:
    """By name: the element of the verdict, its type and its message."""
    found = {}
    for case in suite:
        verdicts = [part for part in case if part.tag != "system-out"]
        (verdict,) = verdicts or [ElementTree.Element("passed", {"type": "", "message": ""})]
        found[case.attrib["name"]] = (verdict.tag, verdict.attrib["type"], verdict.attrib["message"])
    return found


def declared(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("properties", {})


def test_the_schemas_are_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["format"]["const"] == run_report.FORMAT
    assert SCHEMA["$defs"]["account"]["properties"]["outcome"]["enum"] == list(OUTCOMES)


def test_each_key_is_declared_and_required() -> None:
    found = report(account())
    parts = [(found, SCHEMA), (found["accounts"][0], SCHEMA["$defs"]["account"])]
    for data, schema in parts:
        assert list(data) == list(declared(schema)) == schema["required"]
    assert list(found["summary"]) == SCHEMA["properties"]["summary"]["required"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": 2},
        {"success": True},
        {"finished_at": "today"},
        {"verdict": "two\nlines"},
        {"accounts": [account(outcome="lost")]},
        {"summary": {}},
    ],
)
def test_the_schema_refuses_what_is_wrong(wrong: dict[str, Any]) -> None:
    found = {**report(bad("df001", "failed"), verdict=WHY), **wrong}
    assert not JSON.is_valid(json.loads(json.dumps(found)))


def test_a_run_with_nothing_to_do_is_a_success_with_all_its_accounts() -> None:
    data, suite = checked(report(account("df001"), account("df002")))
    assert (data["success"], data["summary"]["fresh"]) == (True, 2)
    assert cases(suite) == dict.fromkeys(("run", "df001", "df002"), ("passed", "", ""))
    assert suite.attrib["time"] == suite[0].attrib["time"] == "90.000"
    assert suite.attrib["timestamp"] == "2026-11-20T03:00:00"
    output = suite[1].findtext("system-out")
    assert output is not None
    assert "outcome: fresh\nhand_over: none\npublished: true\nrotated_at: 2026-11-20T03:00:00Z\n" in output


def test_a_run_without_accounts_has_a_test_case() -> None:
    _data, suite = checked(report())
    assert list(cases(suite)) == ["run"]


def test_each_outcome_has_its_verdict() -> None:
    held = "df007 is on hold."
    rows = [
        account("df001", "rotated", hand_over="done"),
        account("df002", "resumed"),
        bad("df003", "rejected"),
        bad("df004", "unknown"),
        bad("df005", "failed"),
        bad("df006", "rotated", hand_over="failed", published=False),
        account("df007", "skipped", reason=held),
        account("df008", hand_over="open", published=False, reason="max_failures (2) was reached."),
        bad("df009", "skipped", hand_over="failed", published=False),
    ]
    data, suite = checked(report(*rows, verdict="5 of 9 accounts need attention."))
    assert cases(suite) == {
        # The verdict is about accounts, and these say it themselves.
        "run": ("passed", "", ""),
        "df001": ("passed", "", ""),
        "df002": ("passed", "", ""),
        "df003": ("failure", "rejected", WHY),
        "df004": ("error", "unknown", WHY),
        "df005": ("failure", "failed", WHY),
        "df006": ("failure", "hand_over", WHY),
        "df007": ("skipped", "skipped", held),
        "df008": ("skipped", "fresh", "max_failures (2) was reached."),
        "df009": ("failure", "hand_over", WHY),
    }
    assert suite.findtext("testcase/failure") == f"{WHY} Run again."
    assert (data["summary"]["published"], data["summary"]["unpublished"], data["summary"]["attention"]) == (1, 3, 5)


def test_a_failure_that_is_about_no_account_is_a_test_case() -> None:
    why = "The store is damaged."
    for found in (report(verdict=why), report(verdict=f"{why} Mend it.", problem=why), report(problem=why)):
        data, suite = checked(found)
        assert cases(suite) == {"run": ("failure", "run", why)}
        assert data["problem"] == why
    _data, suite = checked(report(account(), bad("df002", "failed"), verdict="Both.", problem="It was halted."))
    assert [verdict for verdict, _type, _message in cases(suite).values()] == ["failure", "passed", "failure"]


def test_a_run_that_has_not_ended_is_an_error() -> None:
    data, suite = checked(unfinished(STARTED))
    assert (data["success"], data["finished_at"], data["accounts"]) == (False, None, [])
    assert cases(suite) == {"run": ("error", "unfinished", UNFINISHED)}


def test_each_case_has_a_name_of_its_own_and_says_whose_account_it_is() -> None:
    rows = [
        account("df001"),
        account("df001"),
        account("df001 (2)"),
        account("df001", profile="analytics"),
        account("df001", access_key="team-a-key"),
        account(None, "failed", attention=True, reason=WHY),
        account(None, "failed", attention=True, reason=WHY),
        account("run", profile="run"),
    ]
    _data, suite = checked(report(*rows, verdict=WHY))
    assert [(case.attrib["classname"].removeprefix(f"{ROLE}."), case.attrib["name"]) for case in suite] == [
        ("run", "run"),
        ("default", "df001"),
        ("default", "df001 (3)"),
        ("default", "df001 (2)"),
        ("analytics", "df001"),
        ("team-a-key", "df001"),
        ("default", "without a name"),
        ("default", "without a name (2)"),
        ("run", "run (2)"),
    ]


def test_a_key_that_was_made_for_this_run_does_not_name_its_cases() -> None:
    def groups(*keys: str) -> list[str]:
        _said, suite = checked(report(*(account(f"df{at}", access_key=key) for at, key in enumerate(keys))))
        return [case.attrib["classname"].removeprefix(f"{ROLE}.") for case in suite][1:]

    assert groups("of-today", "of-today") == groups("of-tomorrow", "of-tomorrow")
    assert groups("team-a", "team-b") == ["team-a", "team-b"]


def test_no_text_is_a_template_or_more_than_one_line() -> None:
    foreign = "a\x1b[31m\nb\x00 {{ 7 * 7 }} {% if %} {# {{{ ]]> <!-- &amp; \ud800 \ufffe ㄱ 가"
    data, suite = checked(report(bad(foreign, "failed", reason=foreign, profile=foreign), verdict=foreign))
    shown = data["accounts"][0]
    assert shown["reason"] == shown["name"] == data["verdict"]
    assert shown["reason"] == "a [31m b { { 7 * 7 }} { % if %} { # { { { ]]> <!-- &amp; ? ? ㄱ 가"
    assert suite[1].attrib["name"] == shown["name"]
    assert suite.findtext("testcase/failure") == f"{shown['reason']} Run again."
    assert "]]>" not in as_junit(report(account(foreign)))


# Any text, and more often one that XML, JSON or templates mind.
TEXTS = st.text(max_size=20) | st.text(
    st.sampled_from("{%#<>&]\"'\x00\x08\x85\u2028\ud800\udfff\ufffe\ufeff가"), max_size=9
)
ACCOUNTS = st.builds(
    account,
    st.none() | TEXTS,
    st.sampled_from(OUTCOMES),
    profile=st.none() | TEXTS,
    access_key=st.none() | TEXTS,
    attention=st.booleans(),
    reason=TEXTS,
    remedy=TEXTS,
    hand_over=st.sampled_from(["done", "failed", "open", "none"]),
    published=st.sampled_from([True, False, None]),
    rotated_at=st.sampled_from([STARTED, None]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACCOUNTS, max_size=4), TEXTS, TEXTS)
def test_whatever_texts_there_are_both_files_are_valid_and_agree(
    rows: list[dict[str, Any]], verdict: str, problem: str
) -> None:
    found = report(*rows, verdict=verdict, problem=problem)
    data, _suite = checked(found)
    assert data["success"] is not (bool(verdict or problem) or any(row["attention"] for row in rows))
    for text in (as_json(found), as_junit(found)):
        assert not re.search(r"\{[{%#]", text)


def test_xml_replaces_what_it_cannot_hold() -> None:
    """The texts of a report hold nothing of the kind. This is the last fence."""
    found = {**report(account()), "problem": "a\x0bb\x00c\ufffe\ud800"}
    text = as_junit(found)
    JUNIT.validate(text)
    assert "a\ufffdb\ufffdc\ufffd\ufffd" in text
