# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation, and then the lookups as consumers use them: from the installed collection, in one play."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from support.canary import found, sinks
from support.simulator import Simulator

CREDENTIAL, PASSWORD = "dataforest_credential", "dataforest_password"
PASSPHRASES = ("the passphrase of the play", "the passphrase of somebody else")
STORE = {"path": "credentials/dataforest.yml"}

Task = dict[str, Any]


def expression(function: str, lookup: str, arguments: str) -> str:
    return f"{{{{ {function}('krcloud.credentials.{lookup}', {arguments}) }}}}"


def examples(collections: Path, lookup: str) -> list[Task]:
    """The documented examples. There is no server here, so what they read from one comes from our file."""
    plugin = collections / "ansible_collections/krcloud/credentials/plugins/lookup" / f"{lookup}.py"
    text = re.search(r'EXAMPLES = r"""(.*?)"""', plugin.read_text(encoding="utf-8"), re.DOTALL)
    assert text
    tasks: list[Task] = yaml.safe_load(text[1])
    for task in tasks:
        if "store" in task.get("vars", {}):
            task["vars"]["store"] = STORE
    return tasks


def rotation(*names: str, **more: Any) -> Task:
    accounts = [{"name": name} for name in names]
    return {
        "krcloud.credentials.ncp_dataforest_rotation": {
            "store": STORE,
            "accounts": accounts,
            "new_accounts": "rotate",
            **more,
        }
    }


def sealed(passphrase: str) -> bytes:
    """A file of Ansible Vault."""
    return bytes(VaultLib([("default", VaultSecret(passphrase.encode()))]).encrypt("dataforest_credentials: {}"))


@dataclass(frozen=True)
class Seen:
    """What the play left behind."""

    folder: Path
    output: str
    results: dict[str, Any]


@pytest.fixture
def seen(run_playbook: Any, installed_collection: Path, simulator: Simulator, tmp_path: Path) -> Seen:
    """Run the play, as verbosely as possible.

    df001 has an active password, df002 has one and a candidate of unknown outcome, and df003 only such a candidate.
    """
    for name in ("credentials", "job", "safe"):
        (tmp_path / name).mkdir()
    (tmp_path / "passphrase").write_text(f"{PASSPHRASES[0]}\n", encoding="utf-8")
    (tmp_path / "credentials" / "torn.yml").write_bytes(sealed(PASSPHRASES[0])[:-20])
    (tmp_path / "credentials" / "foreign.yml").write_bytes(sealed(PASSPHRASES[1]))
    lost = {"vendor": "ncp", "operation": "resetPassword", "kind": "drop", "at": "after", "times": 0}
    simulator.fault(**lost, match={"name": "df002"}, skip=1)
    simulator.fault(**lost, match={"name": "df003"})

    read = f"store={json.dumps(STORE)}"
    results = {
        "both": expression("query", CREDENTIAL, f"['df002', 'df001'], {read}"),
        "warned": expression("query", CREDENTIAL, f"'df003', 'gone', 'df001', {read}, on_missing='warn'"),
        "skipped": expression("query", CREDENTIAL, f"'df003', 'gone', 'df001', {read}, on_missing='skip'"),
        "by_name": "{{ passwords }}",
        "generated": "{{ new_password }}",
        "in_check_mode": "{{ in_check_mode }}",
        "failures": "{{ failures.results | map(attribute='msg') }}",
    }
    written = tmp_path / "results.json"
    failing = [("gone", "dataforest"), ("df003", "dataforest"), ("df001", "torn"), ("df001", "foreign")]
    tasks = [
        rotation("df001", "df002"),
        rotation("df001", force=True),
        {**rotation("df002", "df003", force=True), "ignore_errors": True},
        *examples(installed_collection, CREDENTIAL),
        *examples(installed_collection, PASSWORD),
        {
            "ansible.builtin.set_fact": {"in_check_mode": expression("lookup", PASSWORD, "length=8")},
            "check_mode": True,
            "no_log": True,
        },
        {
            # Without no_log, because there is nothing to see.
            "ansible.builtin.debug": {
                "msg": expression("lookup", CREDENTIAL, "item[0], store={'path': 'credentials/' ~ item[1] ~ '.yml'}")
            },
            "loop": failing,
            "ignore_errors": True,
            "register": "failures",
        },
        {
            "ansible.builtin.copy": {"content": "{{ results | to_json }}", "dest": str(written), "mode": "0600"},
            "no_log": True,
        },
    ]
    keys = {"access_key": simulator.access_key, "secret_key": simulator.secret_key}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {
            "group/krcloud.credentials.ncp": {"api_url": simulator.ncp_url, "retries": 0, **keys},
        },
        "vars": {"results": results, "job_folder": str(tmp_path / "job"), "safe_folder": str(tmp_path / "safe")},
        "tasks": tasks,
    }
    env = {"ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"), "ANSIBLE_DISPLAY_TRACEBACK": "always"}
    secret_file = f"--vault-password-file={tmp_path / 'passphrase'}"
    done = run_playbook(json.dumps([play]), secret_file, "-vvvv", "--diff", env=env)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-5000:]
    assert "ignored=2 " in done.stdout, output[-5000:]
    return Seen(tmp_path, output, json.loads(written.read_text(encoding="utf-8")))


def test_consumers_read_what_the_vendor_accepts(seen: Seen, simulator: Simulator) -> None:
    histories = {name: account["history"] for name, account in simulator.truth()["accounts"]["default"].items()}
    passwords = {name: [entry["password"] for entry in history] for name, history in histories.items()}
    # The example for dataforest_password has set another password of df001, about which the store knows nothing.
    of_df001, (active, candidate), (only_candidate,) = (passwords[name] for name in ("df001", "df002", "df003"))
    former, first, example = of_df001

    assert seen.results["both"] == [active, first]
    assert seen.results["warned"] == seen.results["skipped"] == [first]
    assert seen.results["by_name"] == {"df001": first, "df002": active}
    assert (seen.folder / "job" / "df001.password").read_text(encoding="utf-8") == first
    assert not (seen.folder / "job" / "team-a.password").exists()
    change = json.loads((seen.folder / "job" / "change-password.json").read_text(encoding="utf-8"))
    assert change == {"old": former, "new": first}

    assert seen.results["generated"] == example
    assert (seen.folder / "safe" / "df001.password").read_text(encoding="utf-8") == example
    assert (len(example), len(seen.results["in_check_mode"])) == (16, 8)

    store = seen.folder / STORE["path"]
    for warning in (
        f"The outcome of the last rotation of df002 in the store {store} is unknown",
        f"The store {store} holds nothing for gone and no confirmed password yet for df003. Left out of the result.",
    ):
        assert warning in " ".join(seen.output.split())
    explained = (
        f"The store {store} holds nothing for gone. Correct the name or the store",
        f"The store {store} holds no confirmed password yet for df003.",
        "torn.yml is damaged",
        "foreign.yml cannot be opened with the vault secrets of this run (default): it is encrypted with another",
    )
    assert [words in said for words, said in zip(explained, seen.results["failures"], strict=True)] == [True] * 4

    secrets = [former, first, example, active, candidate, only_candidate, seen.results["in_check_mode"], *PASSPHRASES]
    assert len(set(secrets)) == 9
    assert found(secrets, seen.output) == []
    ours = ("passphrase", "playbook.yml", "results.json", "df001.password", "change-password.json")
    for name, text in sinks(seen.folder, *ours):
        assert found(secrets, text) == [], name
