# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores that version 0.1.0 has made, and a playbook written for it, with the collection of today.

The files in from_0_1_0 were made by the code of that version. accounts.json is the truth of its simulator. In both
stores:

- df001 was rotated twice and handed over,
- df002 has an active password, and a candidate that the vendor has set without an answer,
- df003 was rotated but not handed over,
- df004 was adopted by hand, with a password that looks like a template,
- df005 has only a candidate,
- team-a belongs to another tenant, by its profile,
- one mail was accepted, and the outcome of another one is unknown.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support.playbooks import BIN, RunPlaybook
from support.simulator import Simulator
from support.stores.openbao import OpenBao
from tooling.tree import ROOT

pytestmark = pytest.mark.any_core

OLD = Path(__file__).parent / "from_0_1_0"
PASSPHRASE = f"--vault-password-file={OLD / 'passphrase'}"
BY_HAND = "Ab1{#xx#}-yzwq"
AGE = "36500d"  # so that the passwords in the files never become due


class Upgrade(NamedTuple):
    """What the user of 0.1.0 has."""

    folder: Path
    variables: dict[str, Any]
    envelopes: Callable[[], dict[str, Any]]
    """The envelopes in the store, by account."""


class Texts(yaml.SafeLoader):
    """Reads texts that Ansible is told not to evaluate as texts."""


Texts.add_constructor("!unsafe", Texts.construct_yaml_str)


def view(file: Path) -> Any:
    """What `ansible-vault view` shows of a file, read by a program that knows nothing of Ansible."""
    command = [str(BIN / "ansible-vault"), "view", PASSPHRASE, str(file)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return yaml.load(shown, Texts)  # noqa: S506 a SafeLoader


@pytest.fixture
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def seed(simulator: Simulator, folder: Path, store: str) -> dict[str, Any]:
    """Set the vendor up as the old version has left it; return the variables of the playbook except the stores."""
    for tenant, accounts in json.loads((OLD / "accounts.json").read_text(encoding="utf-8"))[store].items():
        simulator.accounts(tenant, accounts=accounts)
    profiles = {"DEFAULT": simulator.tenants["default"], "team-a": simulator.tenants["other"]}
    (folder / "configure").write_text(
        "".join(
            f"[{name}]\nncloud_access_key_id = {keys['access_key']}\nncloud_secret_access_key = {keys['secret_key']}\n"
            for name, keys in profiles.items()
        ),
        encoding="utf-8",
    )
    (folder / "jobs").mkdir()
    shutil.copy(OLD / "publish.yml", folder)
    return {
        "connection": {"api_url": simulator.ncp_url, "config_file": str(folder / "configure")},
        "solapi_url": simulator.solapi_url,
        "folder": str(folder),
        "job_folder": str(folder / "jobs"),
        "max_age": AGE,
    }


@pytest.fixture
def in_files(simulator: Simulator, tmp_path: Path) -> Upgrade:
    paths = {name: tmp_path / f"{name}.yml" for name in ("dataforest", "reset_mails")}
    for name, path in paths.items():
        shutil.copy(OLD / f"{name}.vault", path)
    stores = {
        "passwords_store": {"path": str(paths["dataforest"])},
        "mails_store": {"path": str(paths["reset_mails"])},
    }
    return Upgrade(
        tmp_path,
        {**seed(simulator, tmp_path, "file"), **stores},
        lambda: dict(view(paths["dataforest"])["dataforest_credentials"]),
    )


@pytest.fixture
def in_openbao(simulator: Simulator, openbao: OpenBao, tmp_path: Path) -> Upgrade:
    documents = json.loads((OLD / "kv.json").read_text(encoding="utf-8"))
    for name, document in documents.items():
        openbao.do("POST", f"secret/data/{name}", {"data": document})
    # The policy of the guide of 0.1.0.
    rules = [
        f'path "secret/data/{place}/*" {{ capabilities = ["create", "read", "update"] }}\n'
        f'path "secret/metadata/{place}/*" {{ capabilities = ["list"] }}\n'
        for place in ("dataforest", "solapi")
    ]
    token = openbao.token("".join(rules))
    server = {"type": "hashi_vault", "url": openbao.url, "token": token}
    names = [name.removeprefix("dataforest/") for name in documents if name.startswith("dataforest/")]

    def envelopes() -> dict[str, Any]:
        return {name: openbao.do("GET", f"secret/data/dataforest/{name}")["data"]["data"] for name in names}

    stores = {"passwords_store": server, "mails_store": server}
    return Upgrade(tmp_path, {**seed(simulator, tmp_path, "kv"), **stores}, envelopes)


@pytest.fixture(params=["in_files", "in_openbao"])
def upgrade(request: pytest.FixtureRequest) -> Upgrade:
    found: Upgrade = request.getfixturevalue(request.param)
    return found


def live(simulator: Simulator) -> dict[str, str]:
    accounts = simulator.truth()["accounts"]
    found = {name: account["password"] for name, account in accounts["default"].items()}
    return {**found, "team-a": accounts["other"]["team-a"]["password"]}


def resets(simulator: Simulator) -> int:
    return int(simulator.counters()["ncp"]["by_operation"].get("resetPassword", 0))


def test_the_old_playbook_goes_on_where_the_old_version_stopped(
    run_playbook: RunPlaybook, simulator: Simulator, upgrade: Upgrade
) -> None:
    before, old = upgrade.envelopes(), live(simulator)
    candidates = {name: before[name]["pending"][0]["password"] for name in ("df002", "df005")}
    done = run_playbook(OLD / "playbook.yml", PASSPHRASE, extra_vars=upgrade.variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OUTCOMES fresh resumed fresh fresh resumed fresh fresh" in done.stdout

    # Only what was pending was sent, with the same passwords.
    assert resets(simulator) == len(candidates)
    assert live(simulator) == {**old, **candidates}
    after = upgrade.envelopes()
    assert {name: envelope["password"] for name, envelope in after.items()} == live(simulator)
    assert not any(envelope["pending"] for envelope in after.values())
    # What was there has kept its name and meaning.
    for name, envelope in before.items():
        assert set(envelope) <= set(after[name]), name
        assert set(map(str, envelope["previous"])) <= set(map(str, after[name]["previous"])), name

    # The hook was run for the account that had not been handed over.
    handed_over = {path.stem: path.read_text(encoding="utf-8") for path in (upgrade.folder / "jobs").iterdir()}
    assert handed_over == {"df003": old["df003"]}
    assert (upgrade.folder / "df001.password").read_text(encoding="utf-8") == old["df001"]
    assert simulator.truth()["mails"] == []

    again = run_playbook(OLD / "playbook.yml", PASSPHRASE, extra_vars=upgrade.variables)
    assert again.returncode == 0, again.stdout + again.stderr
    assert resets(simulator) == len(candidates)
    assert upgrade.envelopes() == after


def test_old_passwords_come_of_age(run_playbook: RunPlaybook, simulator: Simulator, upgrade: Upgrade) -> None:
    old = live(simulator)
    rotation = {
        **upgrade.variables["connection"],
        "store": upgrade.variables["passwords_store"],
        "max_age": AGE,
        "force": True,
    }
    play = {"hosts": "localhost", "gather_facts": False}
    tasks = [{"krcloud.credentials.ncp_dataforest_rotation": rotation}]
    done = run_playbook(json.dumps([{**play, "tasks": tasks}]), PASSPHRASE)
    assert done.returncode == 0, done.stdout + done.stderr
    new, after = live(simulator), upgrade.envelopes()
    # Candidates that were pending are settled first, which for df002 changes nothing at the vendor.
    assert {name for name in new if new[name] == old[name]} <= {"df002", "team-a"}
    assert {name: envelope["password"] for name, envelope in after.items()} == new
    assert after["df004"]["previous"][0]["password"] == BY_HAND


def test_a_file_of_variables_says_every_password_as_it_is(run_playbook: RunPlaybook, in_files: Upgrade) -> None:
    """This holds after the first save: what 0.1.0 generated never looks like a template, but what people wrote may."""
    file = in_files.variables["passwords_store"]["path"]
    seen = in_files.folder / "seen.json"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [file],
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ dataforest_credentials | dict2items(value_name='kept') | to_json }}",
                    "dest": str(seen),
                    "mode": "0600",
                },
                "no_log": True,
            }
        ],
    }
    saved = run_playbook(OLD / "playbook.yml", PASSPHRASE, extra_vars=in_files.variables)
    assert saved.returncode == 0, saved.stdout + saved.stderr
    done = run_playbook(json.dumps([play]), PASSPHRASE)
    assert done.returncode == 0, done.stdout + done.stderr
    read = {item["key"]: item["kept"] for item in json.loads(seen.read_text(encoding="utf-8"))}
    assert read == in_files.envelopes()


# What worked with 0.1.0 and no longer does: the task, a word of the message, and what the changelog says.
ROTATION = "krcloud.credentials.ncp_dataforest_rotation"
NO_MORE: dict[str, tuple[dict[str, Any], str, str]] = {
    "begin with an account": (
        {ROTATION: {"accounts": [{"name": "df005"}]}},
        "new_accounts",
        "an account that the store does not know is now reported as failed",
    ),
    "mean all accounts by none": (
        {ROTATION: {"accounts": None}},
        "accounts",
        "``accounts`` without a value is refused",
    ),
    "take over an account of another ID": (
        {ROTATION: {"accounts": [{"name": "df001"}]}},
        "df001",
        "an account whose name the store knows with a different ID fails",
    ),
    "misspell a variable of the role": (
        {
            "ansible.builtin.include_role": {"name": ROTATION},
            "vars": {"ncp_dataforest_rotation_max_ages": "1d", "ncp_dataforest_rotation_accounts": [{"name": "df003"}]},
        },
        "ncp_dataforest_rotation_max_ages",
        "for example one with a typo",
    ),
}


def breaking_changes() -> Iterator[str]:
    """The breaking changes of the releases since then, and of the next one."""
    for path in ROOT.glob("changelogs/fragments/*.yml"):
        yield from yaml.safe_load(path.read_text(encoding="utf-8")).get("breaking_changes", [])
    written = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))
    for release in (written["releases"] or {}).values():
        yield from release.get("changes", {}).get("breaking_changes", [])


def test_what_no_longer_works_says_so_and_is_in_the_changelog(
    run_playbook: RunPlaybook, simulator: Simulator, in_files: Upgrade
) -> None:
    accounts = simulator.truth()["accounts"]["default"]
    known = [{"name": name, "id": account["id"], "password": account["password"]} for name, account in accounts.items()]
    known[0]["id"] = "20nAZnjbUNFdc7RsILlC3A"
    simulator.accounts(accounts=known)
    connection, store = in_files.variables["connection"], in_files.variables["passwords_store"]
    tasks = []
    for name, (task, _said, _written) in NO_MORE.items():
        if ROTATION in task:
            # Here only the path is wrong, as far as 0.1.0 could know.
            path = str(in_files.folder / "new.yml") if "begin" in name else store["path"]
            step = {ROTATION: {**connection, **task[ROTATION], "store": {"path": path}}}
        else:
            options = {"store": store, "force": True, **connection}
            given = {f"ncp_dataforest_rotation_{option}": value for option, value in options.items()}
            step = {**task, "vars": {**given, **task["vars"]}}
        told = {"ansible.builtin.debug": {"msg": f"TOLD {name}: {{{{ ansible_failed_result.msg }}}}"}}
        tasks.append({"name": name, "block": [step], "rescue": [told]})
    done = run_playbook(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), PASSPHRASE)
    assert resets(simulator) == 0, done.stdout
    for name, (_task, said, _written) in NO_MORE.items():
        (line,) = [line for line in done.stdout.splitlines() if f"TOLD {name}: " in line]
        assert said in line
    changes = " ".join(breaking_changes())
    for _task, _said, written in NO_MORE.values():
        assert written in " ".join(changes.split())
