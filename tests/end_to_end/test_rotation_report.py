# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report that a pipeline reads: after each end that a run of the role can have, both files say what happened."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from end_to_end.rotation_role import PREFIX, Pipeline
from support.simulator import Simulator
from tooling.tree import ROOT

SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))


def read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The report as JSON, and of each test case its verdict."""
    report: dict[str, Any] = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, SCHEMA)
    suite = ElementTree.parse(f"{path}.xml").getroot()[0]  # noqa: S314 - it is ours
    verdicts = {
        case.attrib["name"]: next((part.tag for part in case if part.tag != "system-out"), "passed") for case in suite
    }
    return report, verdicts


def outcomes(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["outcome"], each["hand_over"]) for each in report["accounts"]}


@pytest.mark.any_core
def test_whatever_ends_a_run_its_report_says_so(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> None:
    pipeline, path = Pipeline(run_playbook, simulator, tmp_path), tmp_path / "reports" / "rotation"
    pipeline.options["report_path"] = str(path)

    predicted = pipeline.run("--check")
    assert predicted.returncode == 0, predicted.stdout
    assert not path.parent.exists()

    # The first account cannot be handed over, so the other one is left alone.
    halted = pipeline.run(locked_out=("df001", "df002"))
    assert halted.returncode == 2
    report, verdicts = read(path)
    assert outcomes(report) == {"df001": ("rotated", "failed"), "df002": ("skipped", "none")}
    assert verdicts == {"run": "failure", "df001": "failure", "df002": "skipped"}
    assert report["problem"] == "The password of df001 was reset first, and could not be handed over."
    assert report["accounts"][1]["reason"] == report["problem"]
    assert report["accounts"][0]["published"] is False

    done = pipeline.run()
    assert done.returncode == 0, done.stdout
    report, verdicts = read(path)
    assert report["success"] is True
    assert outcomes(report) == {"df001": ("fresh", "done"), "df002": ("rotated", "done")}
    assert verdicts == dict.fromkeys(("run", "df001", "df002"), "passed")
    assert all(each["published"] and each["rotated_at"] and each["next_due_at"] for each in report["accounts"])

    killed = pipeline.run(struck_down=("df001",), hand_over="all")
    assert killed.returncode == -signal.SIGKILL
    report, verdicts = read(path)
    assert (report["success"], report["finished_at"], verdicts) == (False, None, {"run": "error"})

    refused = pipeline.run(acounts=[])
    assert refused.returncode == 2
    report, verdicts = read(path)
    assert report["problem"].startswith(f"The role has no variable {PREFIX}acounts.")
    assert (report["accounts"], verdicts) == ([], {"run": "failure"})

    unprepared = pipeline.run(prepare_tasks=str(tmp_path / "prepare.yml"), unprepared=True)
    assert unprepared.returncode == 2
    report, verdicts = read(path)
    assert 'The task "Look for the consumers" of ncp_dataforest_rotation_prepare_tasks failed' in report["problem"]
    assert verdicts == {"run": "failure", "df001": "skipped", "df002": "skipped"}
    assert outcomes(report) == {"df001": ("fresh", "open"), "df002": ("fresh", "open")}

    # What the killed run has begun is completed, and after that there is nothing to do.
    assert pipeline.run().returncode == 0
    quiet = pipeline.run()
    assert "changed=0 " in quiet.stdout
    report, verdicts = read(path)
    assert outcomes(report) == {"df001": ("fresh", "none"), "df002": ("fresh", "none")}
    assert verdicts == dict.fromkeys(("run", "df001", "df002"), "passed")

    # Nothing is reset if the report cannot be written.
    Path(f"{path}.xml").unlink()
    Path(f"{path}.xml").symlink_to(tmp_path / "elsewhere")
    live = pipeline.live()
    nowhere = pipeline.run(force=True)
    assert nowhere.returncode == 2
    assert f"{path}.xml is a symbolic link, which a report does not follow. Remove it" in nowhere.stdout
    assert not (tmp_path / "elsewhere").exists()
    assert pipeline.live() == live


@pytest.mark.any_core
def test_several_calls_have_several_reports(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> None:
    pipeline = Pipeline(run_playbook, simulator, tmp_path, names=["df001"])
    usual = {**pipeline.options, "fail": False}

    def call(**options: Any) -> dict[str, Any]:
        given = {f"{PREFIX}{name}": value for name, value in {**usual, **options}.items()}
        role = {"name": "krcloud.credentials.ncp_dataforest_rotation"}
        return {"ansible.builtin.include_role": role, "vars": given}

    folder = tmp_path / "reports"
    tasks = [
        # Relative, and without any output.
        {**call(report_path="reports/first"), "no_log": True},
        call(report_path="reports/second", secret_key="a-wrong-secret-key-000000000000000001", force=True),
        call(report_path=str(folder / "first"), force=True),
        call(report_path="reports/last"),
        {"ansible.builtin.assert": {"that": "ncp_dataforest_rotation_failures | length == 2"}},
    ]
    playbook = tmp_path / "calls.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    for name in list(pipeline.options):
        del pipeline.options[name]
    done = pipeline.run(playbook=playbook)
    assert done.returncode == 0, done.stdout
    _report, verdicts = read(folder / "second")
    assert verdicts == {"run": "passed", "df001": "failure"}
    # A red run must not leave a green report, so it has replaced that of the first call.
    report, verdicts = read(folder / "first")
    assert (verdicts, report["accounts"]) == ({"run": "failure"}, [])
    assert report["problem"].startswith(f"Several calls of the role write the report {folder}/first, and each would")
    report, verdicts = read(folder / "last")
    assert verdicts == {"run": "passed", "df001": "passed"}
    assert report["success"] is True
