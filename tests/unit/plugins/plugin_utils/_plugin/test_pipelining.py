# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the modules of this collection travel by pipelining, with the connections of ansible-core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.pipelining import prefer_pipelining
from tooling import tree


def connection(name: str, variables: dict[str, Any] | None = None, become: str | None = None) -> Any:
    """A connection plugin, as a task has it when its action begins."""
    made = connection_loader.get(f"ansible.builtin.{name}", PlayContext())
    made.set_options(var_options=variables or {})
    if become:
        method = become_loader.get(f"ansible.builtin.{become}")
        method.set_options()
        made.set_become_plugin(method)
    return made


@pytest.mark.parametrize("name", ["local", "ssh"])
def test_a_module_travels_by_pipelining(name: str) -> None:
    made = connection(name)
    assert not made.is_pipelining_enabled()
    prefer_pipelining(made, list)
    assert made.is_pipelining_enabled()
    assert not made.is_pipelining_enabled(wrap_async=True)


@pytest.mark.parametrize("name", ["local", "ssh"])
@pytest.mark.parametrize("decision", [True, False])
def test_what_the_user_decided_stays(name: str, decision: bool) -> None:
    made = connection(name, {"ansible_pipelining": decision})
    prefer_pipelining(made, list)
    assert made.is_pipelining_enabled() is decision


def test_a_decision_in_the_environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_PIPELINING", "false")
    made = connection("local")
    prefer_pipelining(made, list)
    assert not made.is_pipelining_enabled()


@pytest.mark.parametrize("become", ["sudo", "su"])
def test_whoever_becomes_another_user_decides(become: str) -> None:
    """`sudo` with `requiretty` in its configuration refuses what comes by pipelining."""
    made = connection("ssh", become=become)
    prefer_pipelining(made, list)
    assert not made.is_pipelining_enabled()


@pytest.mark.parametrize(("become", "pipelines"), [("sudo", True), ("su", False)])
def test_with_become_a_variable_switches_it_on_except_for_su(become: str, pipelines: bool) -> None:
    made = connection("ssh", {"ansible_pipelining": True}, become=become)
    prefer_pipelining(made, list)
    assert made.is_pipelining_enabled() is pipelines


# In the shape of docker, kubectl, chroot, lxd and others.
BARE = """
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    transport = "bare"
    has_pipelining = %s
    _connect = exec_command = put_file = fetch_file = close = lambda self, *_arguments, **_options: None
"""


def bare(folder: Path, able: bool = True) -> Any:
    """A connection that has no option for it."""
    name = f"bare_{able}".lower()
    (folder / f"{name}.py").write_text(BARE % able, encoding="utf-8")
    connection_loader.add_directory(str(folder))
    made = connection_loader.get(name, PlayContext())
    with pytest.raises(KeyError):
        made.get_option("pipelining")
    assert not made.is_pipelining_enabled()
    return made


def test_a_connection_without_such_an_option_pipelines_too(tmp_path: Path) -> None:
    """Fails when ansible-core no longer asks the PlayContext."""
    made = bare(tmp_path)
    prefer_pipelining(made, list)
    assert made.is_pipelining_enabled()
    assert not made.is_pipelining_enabled(wrap_async=True)


def test_a_connection_that_cannot_pipeline_does_not(tmp_path: Path) -> None:
    made = bare(tmp_path, able=False)
    prefer_pipelining(made, list)
    assert not made.is_pipelining_enabled()


@pytest.mark.parametrize("name", ["ansible_pipelining", "ansible_ssh_pipelining"])
def test_a_decision_in_a_variable_stays(tmp_path: Path, name: str) -> None:
    made = bare(tmp_path)
    prefer_pipelining(made, lambda: [{}, {name: False}])
    assert not made.is_pipelining_enabled()


@pytest.mark.parametrize("become", ["sudo", "su"])
def test_become_decides_without_such_an_option_too(tmp_path: Path, become: str) -> None:
    made = bare(tmp_path)
    method = become_loader.get(f"ansible.builtin.{become}")
    method.set_options()
    made.set_become_plugin(method)
    prefer_pipelining(made, list)
    assert not made.is_pipelining_enabled()


@pytest.mark.parametrize("setting", ["environment", "file"])
def test_a_global_decision_stays(tmp_path: Path, setting: str) -> None:
    """In a process of its own: ansible-core reads its configuration once."""
    (tmp_path / "bare.py").write_text(BARE % True, encoding="utf-8")
    (tmp_path / "ansible.cfg").write_text("[defaults]\npipelining = False\n", encoding="utf-8")
    chosen = {"environment": {"ANSIBLE_PIPELINING": "0"}, "file": {"ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}}
    for more, pipelined in ((chosen[setting], "False"), ({}, "True")):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(tree.link()), **more}
        command = [sys.executable, "-c", ASK, str(tmp_path)]
        done = subprocess.run(command, env=environment, cwd="/", check=True, capture_output=True, text=True)
        assert done.stdout.strip() == pipelined


ASK = """
import sys
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.pipelining import prefer_pipelining

connection_loader.add_directory(sys.argv[1])
made = connection_loader.get("bare", PlayContext())
prefer_pipelining(made, list)
print(made.is_pipelining_enabled())
"""
