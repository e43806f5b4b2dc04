# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No module of this collection is written to a file together with its options, unless the user wants that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.simulator import Simulator
from tooling.tree import ROOT

CONNECTIONS = ROOT / "tests" / "leaks" / "connections"
MODULE = "AnsiballZ_"  # what ansible-core calls the file; -vvv says which file it puts where


@pytest.fixture
def tasks(simulator: Simulator, tmp_path: Path) -> list[dict[str, Any]]:
    """One task with each module that runs on a host."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("an invented passphrase", encoding="utf-8")
    ncp = {"api_url": simulator.ncp_url, "access_key": simulator.access_key, "secret_key": simulator.secret_key}
    account = next(iter(simulator.truth()["accounts"]["default"].values()))
    return [
        {"krcloud.credentials.ncp_dataforest_account_info": ncp},
        {"krcloud.credentials.ncp_dataforest_password": {**ncp, "id": account["id"], "password": "Invented-1"}},
        {
            "krcloud.credentials.ncp_dataforest_rotation": {
                **ncp,
                "store": {"path": str(tmp_path / "store.yml")},
                "new_accounts": "rotate",
            },
        },
        {
            "krcloud.credentials.solapi_password_reset": {
                "api_url": simulator.solapi_url,
                "email": "member@example.com",
            }
        },
    ]


def play(tasks: list[dict[str, Any]], variables: dict[str, Any] | None = None) -> str:
    return yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars": variables or {}, "tasks": tasks}])


def test_modules_travel_without_a_file(run_playbook: Any, tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    done = run_playbook(play(tasks), "-vvv", "--vault-password-file", str(tmp_path / "passphrase"))
    assert done.returncode == 0, done.stdout
    assert MODULE not in done.stdout


def test_the_user_may_want_files(run_playbook: Any, tasks: list[dict[str, Any]], tmp_path: Path) -> None:
    wanted = play(tasks, {"ansible_pipelining": False})
    done = run_playbook(wanted, "-vvv", "--vault-password-file", str(tmp_path / "passphrase"))
    assert done.returncode == 0, done.stdout
    for name in ("ncp_dataforest_account_info", "ncp_dataforest_password", "solapi_password_reset"):
        assert f"{MODULE}{name}.py" in done.stdout


@pytest.mark.parametrize("decision", ["none", "play", "task", "host", "extra", "delegated", "elsewhere"])
def test_modules_travel_without_a_file_where_there_is_no_option_for_it(
    run_playbook: Any, tasks: list[dict[str, Any]], tmp_path: Path, decision: str
) -> None:
    no = {"ansible_pipelining": False}
    bare = {"ansible_connection": "bare", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    other = {**bare, **(no if decision == "delegated" else {})}
    hosts = [{"ansible.builtin.add_host": {"name": "other", **other}}]
    if decision in ("host", "elsewhere"):
        hosts.append({"ansible.builtin.set_fact": no})
    if decision != "none":
        tasks = tasks[:1]
    for task in tasks:
        task.update({"vars": no} if decision == "task" else {})
        task.update({"delegate_to": "other"} if decision in ("delegated", "elsewhere") else {})
    done = run_playbook(
        play([*hosts, *tasks], {"ansible_connection": "bare", **(no if decision == "play" else {})}),
        f"--vault-password-file={tmp_path / 'passphrase'}",
        env={"ANSIBLE_CONNECTION_PLUGINS": str(CONNECTIONS), "PUT": str(tmp_path / "put")},
        extra_vars=no if decision == "extra" else None,
    )
    assert done.returncode == 0, done.stdout
    put = (tmp_path / "put").read_text(encoding="utf-8") if (tmp_path / "put").exists() else ""
    assert (MODULE in put) is (decision not in ("none", "elsewhere"))
