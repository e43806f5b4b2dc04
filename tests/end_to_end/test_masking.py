# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masking hides secrets, and nothing that a playbook depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.simulator import Simulator

# How ansible-core 2.22 masks, and how 2.21 and earlier do.
SHREDS = ("$REDACTED$", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")


@pytest.fixture
def run(run_playbook: Any, tmp_path: Path) -> Any:
    def run(*tasks: dict[str, Any], env: dict[str, str] | None = None) -> Any:
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (tmp_path / "passphrase").write_text("an invented passphrase", encoding="utf-8")
        return run_playbook(json.dumps(play), f"--vault-password-file={tmp_path / 'passphrase'}", "-v", env=env)

    return run


def ncp(simulator: Simulator, **options: Any) -> dict[str, Any]:
    keys = {"access_key": simulator.access_key, "secret_key": simulator.secret_key}
    return {"api_url": simulator.ncp_url, "retries": 0, **keys, **options}


AFTERWARDS = {"ansible.builtin.command": "echo root and changed", "name": "The root of what is changed"}


def test_a_short_secret_shreds_nothing(run: Any, simulator: Simulator) -> None:
    store = {"type": "hashi_vault", "url": "http://127.0.0.1:9", "token": "root", "retries": 0}
    lookup = "lookup('krcloud.credentials.dataforest_credential', 'df001', store=store)"
    done = run(
        {"krcloud.credentials.ncp_dataforest_account_info": ncp(simulator, secret_key="root"), "ignore_errors": True},
        {"krcloud.credentials.ncp_dataforest_rotation": ncp(simulator, store=store), "ignore_errors": True},
        {
            "ansible.builtin.command": "echo {{ " + lookup + " }}",
            "vars": {"store": store},
            "ignore_errors": True,
        },
        AFTERWARDS,
    )
    assert done.returncode == 0, done.stdout
    assert not [shred for shred in SHREDS if shred in done.stdout + done.stderr]
    assert "root and changed" in done.stdout


@pytest.mark.parametrize("word", ["failed", "changed", "outcome", "rejected"])
def test_a_secret_that_is_a_word_of_results_lets_nothing_pass(run: Any, simulator: Simulator, word: str) -> None:
    env = {"HTTPS_PROXY": f"http://user:{word}@127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    simulator.fault(vendor="ncp", operation="resetPassword", kind="reject", times=0)
    reset = ncp(simulator, name="df001", password="Invented-1x")
    store = {"type": "hashi_vault", "url": "http://127.0.0.1:9", "token": word, "retries": 0}
    rotation = ncp(simulator, store=store, accounts=[{"name": "df001"}])
    done = run(
        {"krcloud.credentials.ncp_dataforest_password": reset, "register": "reset", "ignore_errors": True},
        {"krcloud.credentials.ncp_dataforest_rotation": rotation, "register": "rotation", "ignore_errors": True},
        {
            "ansible.builtin.assert": {
                "that": [
                    "reset is failed",
                    "reset.accounts[0].outcome == 'rejected'",
                    "reset.changed is false",
                    "rotation is failed",
                    "rotation.changed is not defined or rotation.changed is false",
                ]
            }
        },
        env=env,
    )
    assert done.returncode == 0, done.stdout
    assert "ignored=2" in done.stdout


@pytest.mark.parametrize("password", ["Team-A01", "team-A01"])
def test_a_name_like_the_password_is_found_in_the_result(run: Any, simulator: Simulator, password: str) -> None:
    simulator.accounts("default", accounts=[{"name": "team-a01"}])
    reset = ncp(simulator, accounts=[{"name": "team-a01", "password": password}])
    done = run(
        {"krcloud.credentials.ncp_dataforest_password": reset, "register": "reset"},
        {"ansible.builtin.assert": {"that": "reset.accounts | map(attribute='name') == ['team-a01']"}},
    )
    assert done.returncode == 0, done.stdout
    assert "can be read from accounts[0].name" in done.stdout + done.stderr
    assert password not in done.stdout + done.stderr
