# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ncp_dataforest_rotation by the playbook of the collection, with task files whose consumers are files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from support.simulator import Simulator

PREFIX = "ncp_dataforest_rotation_"
PLAYBOOK = "krcloud.credentials.rotate_dataforest"
NAMES = ["df001", "df002"]

VERIFY = [
    {
        "name": "Log in with the new password",
        "ansible.builtin.assert": {"that": "ncp_dataforest_rotation_account.name not in locked_out"},
    }
]
# The lookup runs in a worker: the parent of the shell's parent is the run.
STRIKE_DOWN = "kill -KILL $(sed -n 's/^PPid:\\s*//p' /proc/$PPID/status)"
HAND_OVER: dict[str, Any] = {
    "name": "Hand over the new password",
    "ansible.builtin.copy": {
        "content": "{{ {'account': ncp_dataforest_rotation_account,"
        " 'password': ncp_dataforest_rotation_password} | to_json }}",
        "dest": "{{ handed_over }}/{{ ncp_dataforest_rotation_account.name }}.json",
        "mode": "0600",
    },
    "no_log": True,
}
PUBLISH: list[dict[str, Any]] = [
    {
        "name": "Be struck down",
        "ansible.builtin.debug": {"msg": f'{{{{ lookup("ansible.builtin.pipe", "{STRIKE_DOWN}") }}}}'},
        "when": "ncp_dataforest_rotation_account.name in struck_down",
    },
    HAND_OVER,
]
PUBLISH_BATCH: list[dict[str, Any]] = [
    {
        "name": "Look whether all can log in",
        "ansible.builtin.assert": {
            "that": "ncp_dataforest_rotation_batch | map(attribute='name') | intersect(locked_out) == []"
        },
    },
    {
        "name": "Hand over the new passwords",
        "ansible.builtin.copy": {
            "content": "{{ {'accounts': ncp_dataforest_rotation_batch, 'passwords': ncp_dataforest_rotation_passwords}"
            " | to_json }}",
            "dest": "{{ handed_over }}/batch-{{ ncp_dataforest_rotation_batch[0].name }}.json",
            "mode": "0600",
        },
        "no_log": True,
    },
]
PREPARE = [{"name": "Look for the consumers", "ansible.builtin.assert": {"that": "not unprepared"}}]
FILES = {"verify": VERIFY, "publish": PUBLISH, "publish_batch": PUBLISH_BATCH, "prepare": PREPARE}


class Pipeline:
    """The playbook of the collection with a store and two hooks, run as often as a test likes."""

    def __init__(
        self, run_playbook: Any, simulator: Simulator, folder: Path, names: Sequence[str] = tuple(NAMES)
    ) -> None:
        self._run_playbook = run_playbook
        self._simulator = simulator
        self._folder = folder
        self.names = list(names)
        self.handed_over = folder / "handed_over"
        (folder / "passphrase").write_text("a passphrase of the tests\n", encoding="utf-8")
        for name, tasks in FILES.items():
            (folder / f"{name}.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
        self.options = {
            "store": {"path": str(folder / "dataforest.yml")},
            "accounts": [{"name": name} for name in names],
            "verify_tasks": str(folder / "verify.yml"),
            "publish_tasks": str(folder / "publish.yml"),
            "api_url": simulator.ncp_url,
            "access_key": simulator.access_key,
            "secret_key": simulator.secret_key,
            "new_accounts": "rotate",
            "retries": 0,
        }

    def run(
        self,
        *arguments: str,
        playbook: str | Path = Path(PLAYBOOK),
        locked_out: tuple[str, ...] = (),
        struck_down: tuple[str, ...] = (),
        unprepared: bool = False,
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run the playbook with an empty folder of handed-over passwords. An option that is None is not given."""
        shutil.rmtree(self.handed_over, ignore_errors=True)
        self.handed_over.mkdir()
        given = {name: value for name, value in {**self.options, **options}.items() if value is not None}
        variables = {
            **{f"{PREFIX}{name}": value for name, value in given.items()},
            "handed_over": str(self.handed_over),
            "locked_out": locked_out,
            "struck_down": struck_down,
            "unprepared": unprepared,
        }
        done: subprocess.CompletedProcess[str] = self._run_playbook(
            playbook,
            f"--vault-password-file={self._folder / 'passphrase'}",
            *arguments,
            extra_vars=variables,
        )
        return done

    def consumers(self) -> dict[str, Any]:
        """What the publish hooks were given in the last run, by account or batch."""
        return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in self.handed_over.iterdir()}

    def live(self) -> dict[str, str]:
        """The live passwords of the accounts in question, as the vendor knows them."""
        accounts = self._simulator.truth()["accounts"]["default"]
        return {name: accounts[name]["password"] for name in self.names}


class Consumers:
    """A host for each account. If it is down, the connection fails as ssh does."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self._pipeline = pipeline
        self.down = folder / "down"
        ssh = folder / "ssh"
        ssh.write_text("#!/bin/sh\necho 'ssh: connect to host: Connection refused' >&2\nexit 255\n", encoding="utf-8")
        ssh.chmod(0o700)
        variables = {
            "ansible_ssh_executable": str(ssh),
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        state = f"{{{{ 'ssh' if 'consumer-NAME' in lookup('ansible.builtin.file', '{self.down}') else 'local' }}}}"
        self._inventory = folder / "consumers.json"
        hosts = {
            f"consumer-{name}": {**variables, "ansible_connection": state.replace("NAME", name)}
            for name in pipeline.names
        }
        self._inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")

    def run(self, *down: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run the role while the consumers of some accounts are down."""
        self.down.write_text(" ".join(f"consumer-{name}" for name in down), encoding="utf-8")
        return self._pipeline.run(f"--inventory={self._inventory}", **more)


# A publish task that runs on the host of the consumer.
ON_CONSUMER: dict[str, Any] = {**HAND_OVER, "delegate_to": "consumer-{{ ncp_dataforest_rotation_account.name }}"}


def shown(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The summary as the role shows it last."""
    lists: dict[str, Any]
    lists, _end = json.JSONDecoder().raw_decode(done.stdout.rsplit('"ncp_dataforest_rotation_summary": ', 1)[1])
    return lists


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    """The lists of accounts in the summary that are not empty."""
    others = ("attention", "stopped")
    return {name: accounts for name, accounts in shown(done).items() if accounts and name not in others}


def resets(simulator: Simulator) -> int:
    """How many passwords the vendor was asked to set."""
    return int(simulator.counters()["ncp"]["by_operation"].get("resetPassword", 0))
