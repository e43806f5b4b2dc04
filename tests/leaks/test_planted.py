# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaks that are planted are found, in each form and in each place. Otherwise, finding nothing would prove nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from leaks import cases
from leaks.canaries import CANARIES
from leaks.planted import copy_with
from leaks.script import Script
from leaks.stage import Coverage, Evidence, Stage
from support.canary import forms

SECRET = CANARIES["password0"]


@pytest.mark.parametrize("name", CANARIES)
def test_each_form_is_found(name: str) -> None:
    for form, text in forms(CANARIES[name]).items():
        seen = Evidence({"a sink": {"a file": f"TASK [one] before\n{text} after"}}, 0)
        assert f"a sink: {name} ({form}) in a file, TASK [one]" in seen.leaks(CANARIES)


def careless(stage: Stage) -> list[dict[str, Any]]:
    """One task for each place to which a secret can get."""
    shell = "ansible.builtin.shell"
    copy = {"content": "{{ password0 }}", "mode": "0600"}
    return [
        {"ansible.builtin.fail": {"msg": "{{ password0 }}"}, "ignore_errors": True},
        {shell: {"cmd": "sleep 0.5 # {{ password0 | quote }}"}},
        {shell: {"cmd": "sleep 0.5"}, "environment": {"PASSWORD": "{{ password0 }}"}},
        {shell: {"cmd": "cat > $TMPDIR/one; sleep 0.5; rm $TMPDIR/one", "stdin": "{{ password0 }}"}},
        {shell: {"cmd": "cat", "stdin": "{{ password0 }}"}, "async": 10, "poll": 0},
        {"ansible.builtin.copy": {**copy, "dest": f"{stage.folder}/copy"}},
        {"ansible.builtin.copy": {**copy, "dest": f"{stage.store}/.dataforest.yml.swp"}},
        {"ansible.builtin.set_fact": {"kept": "{{ password0 }}", "cacheable": True}},
        {"ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.file', password0, errors='warn') }}"}},
        {"ansible.builtin.debug": {"msg": "{{ password0 }}"}},
    ]


def leaking(evidence: Evidence) -> set[str]:
    """The sinks in which the secret was found."""
    return {line.partition(":")[0] for line in evidence.leaks({"the secret": SECRET})}


def test_each_place_is_searched(script: Script) -> None:
    stage = script.stage
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": careless(stage)}]
    evidence = stage.run(json.dumps(play), extra_vars=CANARIES)
    assert evidence.returncode == 0, evidence.output
    assert leaking(evidence) == evidence.texts.keys()


def test_an_archive_that_is_left_behind_is_opened(script: Script) -> None:
    pack = f"cat > ansiballz && {sys.executable} -m zipfile -c zip ansiballz && rm ansiballz"
    command = f"mkdir -m 700 $TMPDIR/left && cd $TMPDIR/left && {pack}"
    task = {"ansible.builtin.shell": {"cmd": command, "stdin": "{{ password0 }}"}}
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    evidence = script.stage.run(json.dumps(play), extra_vars=CANARIES)
    assert evidence.returncode == 0, evidence.output
    assert script.stage.folder / "tmp" / "left" / "zip" in evidence.payloads
    assert "files left behind" in leaking(evidence)


def test_the_artifacts_of_ansible_runner_are_searched(script: Script) -> None:
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": careless(script.stage)[:1]}]
    evidence = script.stage.run_by_runner(json.dumps(play), extra_vars=CANARIES)
    assert evidence.returncode == 0, evidence.output
    assert {"artifacts of ansible-runner", "standard output", "what callbacks get"} <= leaking(evidence)


def test_a_redaction_that_redacts_nothing_is_found(script: Script, tmp_path: Path) -> None:
    places = [("module_utils/_core/redaction.py", "Redactor._mask")]
    script.stage.collections = copy_with(script.stage.collections, tmp_path, "return text", places)
    with script.about("ncp_dataforest_account_info"), script.on(cases.VENDOR):
        quoting = script.tenant(kind="status", status=403, message=forms(CANARIES["secret_key"])["xml text"])
        script.task("ncp_dataforest_account_info", quoting)
    coverage = Coverage()
    with pytest.raises(AssertionError, match=r"standard output: secret_key \(xml text\)"):
        script.run(coverage)
    assert coverage.leaks
