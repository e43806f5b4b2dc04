# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ncp_dataforest_password as a user runs it, with verify tasks of the user."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.canary import found, sinks
from support.playbooks import RunPlaybook
from support.simulator import Simulator
from tooling import tree

PREFIX = "ncp_dataforest_password_"
ROLE = "krcloud.credentials.ncp_dataforest_password"
PLAYBOOK = Path("krcloud.credentials.set_dataforest_passwords")
# What YAML, Jinja, JSON and the vendor's rules make difficult.
AWKWARD = {
    "df001": "A{{ 1 + 1 }}b-{% raw %}-{# no #}",
    "df002": 'It\'s "quoted" & 1\\n',
    "df003": "암호 하나 Abc-1",
    "df004": "  Blank 1-x at both ends  ",
    "df005": "@yes: #1 !unsafe *A",
}
VERIFY: list[dict[str, Any]] = [
    {
        "name": "Log in with the new password",
        "ansible.builtin.assert": {"that": "ncp_dataforest_password_account.name not in locked_out"},
    },
    {
        "name": "Keep what the task was given",
        "ansible.builtin.copy": {
            "content": "{{ {'account': ncp_dataforest_password_account, 'password': ncp_dataforest_password_password}"
            " | to_json }}",
            "dest": "{{ verified }}/{{ ncp_dataforest_password_account.name }}.json",
            "mode": "0600",
        },
        "no_log": True,
    },
]


class Unsafe(str):
    """A text that Ansible is told not to evaluate."""


class Dumper(yaml.SafeDumper):
    """Writes such texts with their tag."""


Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style="'"))


class Passwords:
    """The role and its playbook with verify tasks whose consumers are files."""

    def __init__(self, run_playbook: RunPlaybook, simulator: Simulator, folder: Path) -> None:
        self._run_playbook, self._simulator, self.folder = run_playbook, simulator, folder
        # The collection decides which passwords are sent.
        simulator.settings(password_rule="none")
        self._verified = folder / "verified"
        self._verified.mkdir()
        (folder / "verify.yml").write_text(yaml.safe_dump(VERIFY), encoding="utf-8")
        self.options: dict[str, Any] = {
            "verify_tasks": str(folder / "verify.yml"),
            "api_url": simulator.ncp_url,
            "access_key": simulator.access_key,
            "secret_key": simulator.secret_key,
            "retries": 0,
        }

    def run(
        self,
        *arguments: str,
        playbook: str | Path = PLAYBOOK,
        locked_out: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run the playbook of the collection, or another one. An option that is None is not given."""
        for path in self._verified.iterdir():
            path.unlink()
        given = {name: value for name, value in {**self.options, **options}.items() if value is not None}
        variables = {f"{PREFIX}{name}": value for name, value in given.items()}
        variables |= {"verified": str(self._verified), "locked_out": list(locked_out)}
        file = self.folder / "variables.yml"
        file.write_text(yaml.dump(variables, Dumper=Dumper, allow_unicode=True), encoding="utf-8")
        return self._run_playbook(playbook, f"--extra-vars=@{file}", *arguments, env=env)

    @property
    def verified(self) -> dict[str, Any]:
        """What the verify tasks were given in the last run, by account."""
        return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in self._verified.iterdir()}

    def live(self, *names: str) -> dict[str, str]:
        """The live passwords, as the vendor knows them."""
        accounts = self._simulator.truth()["accounts"]["default"]
        return {name: accounts[name]["password"] for name in names or accounts}

    @property
    def sent(self) -> int:
        """How many passwords the vendor was asked to set."""
        return int(self._simulator.counters()["ncp"]["by_operation"].get("resetPassword", 0))


def shown(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The summary as the role shows it last, without lists that are empty."""
    lists: dict[str, Any]
    lists, _end = json.JSONDecoder().raw_decode(done.stdout.rsplit('"ncp_dataforest_password_summary": ', 1)[1])
    return {name: accounts for name, accounts in lists.items() if accounts}


def play(*tasks: dict[str, Any], hosts: str = "localhost", **keywords: Any) -> dict[str, Any]:
    return {"hosts": hosts, "gather_facts": False, "tasks": list(tasks), **keywords}


def call(**options: Any) -> dict[str, Any]:
    """A task that calls the role."""
    return {
        "ansible.builtin.include_role": {"name": ROLE},
        "vars": {f"{PREFIX}{name}": value for name, value in options.items()},
    }


@pytest.fixture
def passwords(run_playbook: RunPlaybook, simulator: Simulator, tmp_path: Path) -> Passwords:
    return Passwords(run_playbook, simulator, tmp_path)


def test_each_password_is_set_and_verified_exactly_as_it_was_written(
    passwords: Passwords, simulator: Simulator, tmp_path: Path
) -> None:
    rows = [{"name": name, "password": Unsafe(password)} for name, password in AWKWARD.items()]
    before = passwords.live()
    predicted = passwords.run("--check", "--diff", accounts=rows)
    assert predicted.returncode == 0, predicted.stdout
    assert shown(predicted) == {"reset": list(AWKWARD)}
    assert (passwords.live(), passwords.verified, passwords.sent) == (before, {}, 0)

    done = passwords.run("-vvvv", "--diff", accounts=rows, secure_logging=False)
    assert done.returncode == 0, done.stdout
    assert shown(done) == {"reset": list(AWKWARD), "verified": list(AWKWARD)}
    assert passwords.live(*AWKWARD) == AWKWARD
    assert {name: given["password"] for name, given in passwords.verified.items()} == AWKWARD
    account = passwords.verified["df001"]["account"]
    ids = {name: account["id"] for name, account in simulator.truth()["accounts"]["default"].items()}
    assert account == {"name": "df001", "id": ids["df001"], "profile": None, "outcome": "reset"}
    given = [tmp_path / "variables.yml", *(tmp_path / "verified").iterdir()]
    texts = {"output": done.stdout + done.stderr, **dict(sinks(tmp_path, *(path.name for path in given)))}
    secrets = (*AWKWARD.values(), simulator.secret_key)
    assert {name: found(secrets, text) for name, text in texts.items() if found(secrets, text)} == {}


def test_what_a_lookup_returns_is_taken_as_it_is(passwords: Passwords, tmp_path: Path) -> None:
    (tmp_path / "passwords.json").write_text(json.dumps(AWKWARD), encoding="utf-8")
    read = f"(lookup('ansible.builtin.file', '{tmp_path}/passwords.json') | from_json)"
    one = passwords.run(name="df001", password=f"{{{{ {read}.df001 }}}}")
    assert one.returncode == 0, one.stdout
    assert passwords.live("df001") == {"df001": AWKWARD["df001"]}
    assert passwords.verified["df001"]["password"] == AWKWARD["df001"]
    rows = f"{{{{ {read} | dict2items(key_name='name', value_name='password') }}}}"
    many = passwords.run(accounts=rows, verify_tasks=None)
    assert many.returncode == 0, many.stdout
    assert "[WARNING]" not in (one.stdout + one.stderr + many.stdout).replace("[WARNING]: The vendor may reject", "")
    assert passwords.live(*AWKWARD) == AWKWARD
    # Without verify tasks, nothing counts as verified.
    assert shown(many) == {"reset": list(AWKWARD)}


@pytest.mark.any_core
def test_one_bad_account_is_one_bad_account(passwords: Passwords, simulator: Simulator) -> None:
    match = {"match": {"name": "df003"}}
    simulator.fault("ncp", "resetPassword", "drop", at="after", **match)
    simulator.fault("ncp", "resetPassword", "reject", match={"name": "df004"})
    rows = [{"name": name, "password": f"Invented-{at}x"} for at, name in enumerate(("gone", *AWKWARD))]
    done = passwords.run(accounts=rows, locked_out=("df002",))
    assert done.returncode == 2
    said = shown(done)
    attention = said.pop("attention")
    assert said == {
        "reset": ["df001", "df002", "df005"],
        "rejected": ["df004"],
        "unknown": ["df003"],
        "failed": ["gone"],
        "verified": ["df001", "df005"],
        "unverified": ["df002"],
    }
    assert [(row["name"], row["outcome"]) for row in attention] == [
        ("gone", "failed"),
        ("df002", "reset"),
        ("df003", "unknown"),
        ("df004", "rejected"),
    ]
    reasons = {row["name"]: row["reason"] for row in attention}
    assert reasons["df002"] == (
        'It was reset, but the task "Log in with the new password" of ncp_dataforest_password_verify_tasks failed. '
        "The new password is live."
    )
    assert reasons["df003"].endswith("Run the task again with the same new password.")
    assert "4 of 6 accounts need attention. gone: failed: There is no account with the name gone" in done.stdout
    assert "It is safe to set the same password once more." in done.stdout

    # The same values again settle what was unknown.
    again = passwords.run(accounts=[rows[3]])
    assert again.returncode == 0, again.stdout
    assert shown(again) == {"reset": ["df003"], "verified": ["df003"]}
    assert passwords.live("df003") == {"df003": rows[3]["password"]}


def test_a_file_that_verify_tasks_cannot_include_is_a_failure_of_that_account(
    passwords: Passwords, tmp_path: Path
) -> None:
    included = "{{ playbook_dir }}/{{ ncp_dataforest_password_account.name }}.yml"
    task_file = tmp_path / "include.yml"
    task_file.write_text(f"- ansible.builtin.include_tasks: '{included}'\n", encoding="utf-8")
    for name in ("df001", "df003"):
        (tmp_path / f"{name}.yml").write_text("- ansible.builtin.debug:\n", encoding="utf-8")
    rows = [{"name": name, "password": f"Invented-{name}X"} for name in ("df001", "df002", "df003")]
    done = passwords.run(playbook=json.dumps([play(call(accounts=rows))]), verify_tasks=str(task_file))
    assert done.returncode == 2
    said = shown(done)
    assert (said["verified"], said["unverified"]) == (["df001", "df003"], ["df002"])
    assert "but the task without a name (ansible.builtin.include_tasks) of ncp" in said["attention"][0]["reason"]


def test_a_module_that_is_lost_leaves_unknown_accounts(passwords: Passwords, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o700)
    rows = [{"name": name, "password": "Invented-1x"} for name in ("df001", "df002")]
    done = passwords.run(f"--extra-vars=ansible_python_interpreter={python}", accounts=rows)
    assert done.returncode == 2
    assert shown(done)["unknown"] == ["df001", "df002"]
    assert "Run the task again with the same" in done.stdout or "It is safe to set the same password" in done.stdout
    assert passwords.sent == 0


def test_calls_take_their_turn_and_several_tenants_share_one(
    passwords: Passwords, simulator: Simulator, tmp_path: Path
) -> None:
    """Also with module_defaults, of which some keep facts in a file, and where the verdict comes last."""
    cache = tmp_path / "cache"
    other = simulator.tenants["other"]
    keys = {name: other[name] for name in ("access_key", "secret_key")}
    connection = {name: passwords.options[name] for name in ("api_url", "access_key", "secret_key", "retries")}
    left_out: dict[str, Any] = dict.fromkeys(passwords.options)
    done = passwords.run(
        playbook=json.dumps(
            [
                play(
                    call(name="df001", password="Invented-1x", fail=False),
                    call(name="gone", password="Invented-2x", fail=False),
                    call(
                        accounts=[
                            {"name": "df002", "password": "Invented-3x"},
                            {"name": "team-a", "password": "Invented-4x", **keys},
                        ]
                    ),
                    {"ansible.builtin.debug": {"msg": f"{{{{ {PREFIX}failures | length }}}} failed."}},
                    module_defaults={
                        "group/krcloud.credentials.ncp": connection,
                        "ansible.builtin.set_fact": {"cacheable": True},
                    },
                )
            ]
        ),
        env={"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(cache)},
        **left_out,
    )
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout + done.stderr
    assert "1 failed." in done.stdout
    assert shown(done) == {"reset": ["df002", "team-a"]}
    assert passwords.live("df001", "df002") == {"df001": "Invented-1x", "df002": "Invented-3x"}
    assert simulator.truth()["accounts"]["other"]["team-a"]["password"] == "Invented-4x"
    cached = "".join(path.read_text(encoding="utf-8") for path in cache.iterdir())
    assert f"{PREFIX}summary" in cached
    assert "Invented" not in cached


# What is wrong with a call, and what the refusal says.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "No account and password are named."),
    ({"name": "df001"}, "No account and password are named."),
    ({"password": "Invented-1x"}, "No account and password are named."),
    ({"name": "df001", "password": "{{ lookup('krcloud.credentials.dataforest_password') }}"}, "nobody would know the"),
    ({"accounts": "df001"}, "such as '- name: df001', with its password."),
    ({"accounts": ["df001"]}, "such as '- name: df001', with its password."),
    ({"accounts": ["name=df001 password=Invented-1x"]}, "such as '- name: df001', with its password."),
    ({"accounts": {"name": "df001", "password": "Invented-1x"}}, "such as '- name: df001', with its password."),
    ({"accounts": [{"name": "df001", "pasword": "Invented-1x"}]}, "There is no option accounts[0].pasword."),
    ({"accounts": [{"name": "df001", "password": 12345678}]}, "Put it in quotes"),
    ({"accounts": [{"name": "df001", "password": "Invented-1x"}] * 2}, "is the same account as"),
    ({"accounts": [{"name": "df001", "password": "Invented-1x"}], "id": "0"}, "mutually exclusive"),
    ({"name": "df001", "password": "Invented-1x", "verify_tasks": "missing.yml"}, "missing.yml, which"),
    ({"name": "df001", "password": "Invented-1x", "verify_tasks": ["empty.yml"]}, "['empty.yml'], which"),
    ({"name": "df001", "password": "Invented-1x", "verify_tasks": "empty.yml"}, "empty.yml contains no task."),
    ({"name": "df001", "password": "Invented-1x", "verify_tasks": "end.yml"}, "end.yml ends the play, the host or"),
    (
        {"name": "df001", "password": "Invented-1x", "verify_tasks": "never.yml"},
        "never.yml contains only tasks with the tag never",
    ),
    ({"name": "df001", "password": "Invented-1x", "verify_tasks": "named.yml"}, "named.yml contains a task whose name"),
    (
        {"name": "df001", "password": "{{ lookup('ansible.builtin.file', '/no/such/file') }}"},
        "The accounts and passwords cannot be looked up: The lookup plugin 'ansible.builtin.file' failed: ",
    ),
]


TASK_FILES = {
    "empty": "---\n# nothing\n",
    "broken": "- no.such.module:\n",
    "end": "- ansible.builtin.meta: end_host\n",
    "never": "- ansible.builtin.debug:\n  tags: [never]\n",
    "named": "- name: '{{ ncp_dataforest_password_password }}'\n  ansible.builtin.debug:\n",
    "slow": "- ansible.builtin.debug:\n  tags: [slow]\n",
}


def write_task_files(folder: Path) -> None:
    for name, text in TASK_FILES.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")


@pytest.mark.any_core
def test_what_is_wrong_is_said_before_any_reset(passwords: Passwords, simulator: Simulator, tmp_path: Path) -> None:
    write_task_files(tmp_path)
    say: dict[str, Any] = {
        "ansible.builtin.set_fact": {"said": "{{ said | default([]) + [ansible_failed_result.msg] }}"}
    }
    calls = [call(**wrong) for wrong, _text in WRONG]
    # Otherwise ansible-core looks first, and says what it finds.
    calls[-1]["ansible.builtin.include_role"]["rolespec_validate"] = False
    tasks: list[dict[str, Any]] = [{"block": [each], "rescue": [say]} for each in calls]
    show = {"ansible.builtin.copy": {"content": "{{ said | to_json }}", "dest": f"{tmp_path}/said", "mode": "0600"}}
    done = passwords.run(playbook=json.dumps([play(*tasks, show)]), verify_tasks=None)
    assert done.returncode == 0, done.stdout
    said = json.loads((tmp_path / "said").read_text(encoding="utf-8"))
    assert [text for text, (_wrong, part) in zip(said, WRONG, strict=True) if part not in str(text)] == []
    assert "Invented" not in done.stdout + done.stderr
    assert simulator.counters()["ncp"]["writes"] == 0


@pytest.mark.parametrize(
    ("name", "arguments", "part"),
    [
        # Ansible ends the run at a file that cannot be loaded.
        ("broken", (), "couldn't resolve module/action 'no.such.module'"),
        ("slow", ("--skip-tags=slow",), "slow.yml contains a task that --skip-tags leaves out."),
    ],
)
def test_a_task_file_that_would_not_run_changes_no_password(
    passwords: Passwords, simulator: Simulator, tmp_path: Path, name: str, arguments: tuple[str, ...], part: str
) -> None:
    write_task_files(tmp_path)
    file = str(tmp_path / f"{name}.yml")
    ended = passwords.run(*arguments, name="df001", password="Invented-1x", verify_tasks=file)
    assert ended.returncode != 0
    assert part in ended.stdout + ended.stderr
    assert simulator.counters()["ncp"]["writes"] == 0


def test_only_one_host_at_a_time_sets_the_password_of_an_account(passwords: Passwords) -> None:
    once = call(name="df001", password="Invented-1x")
    own = call(name="{{ inventory_hostname }}", password="Invented-2x")
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}

    def hosts(task: dict[str, Any], **keywords: Any) -> dict[str, Any]:
        said = {"ansible.builtin.debug": {"msg": "It was refused."}}
        return play({"block": [task], "rescue": [said]}, hosts="df001,df002", vars=local, **keywords)

    plays = [hosts(once), hosts({**once, "run_once": True}), hosts(once, serial=1), hosts(own)]
    done = passwords.run("--inventory=df001,df002,", playbook=json.dumps(plays), verify_tasks=None)
    texts = done.stdout.split("\nPLAY [df001,df002]")[1:]
    assert ["It was refused." in text for text in texts[:2]] == [True, False], done.stdout
    assert "It was refused." not in texts[-1]
    assert "Several hosts run the role at the same time for the same accounts" in texts[0]
    # Under run_once, then one host after the other, then each its own account.
    assert passwords.sent == 1 + 2 + 2
    assert passwords.live("df001", "df002") == {"df001": "Invented-2x", "df002": "Invented-2x"}


def test_the_readme_is_about_this_role() -> None:
    assert (tree.ROOT / "roles/ncp_dataforest_password/README.md").read_text(encoding="utf-8").startswith(f"# {ROLE}\n")
