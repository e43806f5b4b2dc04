# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slips in plays around our roles: each is named, nothing is sent, and others get their turn."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.simulator import Simulator
from tooling import tree

ROTATION, PASSWORD, RESET = "ncp_dataforest_rotation", "ncp_dataforest_password", "solapi_password_reset"
ROLES = tree.ROOT / "roles"
SHOW = "SAID: "


class Plays:
    """Playbooks around our roles, with a store each for passwords and mails."""

    def __init__(self, run_playbook: Any, simulator: Simulator, folder: Path) -> None:
        self._run_playbook = run_playbook
        self._folder = folder
        self.arguments = [f"--vault-password-file={folder / 'passphrase'}"]
        (folder / "passphrase").write_text("a passphrase of the tests\n", encoding="utf-8")
        vendor = {
            "api_url": simulator.ncp_url,
            "access_key": simulator.access_key,
            "secret_key": simulator.secret_key,
        }
        self.options: dict[str, dict[str, Any]] = {
            PASSWORD: {"accounts": [{"name": "df001", "password": "Invented-1x"}], **vendor},
            ROTATION: {
                "store": self.store("default"),
                "accounts": [{"name": "df001"}],
                "new_accounts": "rotate",
                **vendor,
            },
            RESET: {"emails": ["a@example.com"], "api_url": simulator.solapi_url},
        }

    def store(self, name: str) -> dict[str, str]:
        """A store of its own."""
        return {"path": str(self._folder / f"{name}.yml")}

    def call(self, role: str, **variables: Any) -> dict[str, Any]:
        """A task that calls a role, with the options of the class and others."""
        given = {f"{role}_{name}": value for name, value in {**self.options[role], **variables}.items()}
        return {"ansible.builtin.include_role": {"name": f"krcloud.credentials.{role}"}, "vars": given}

    def run(self, plays: Sequence[Mapping[str, Any]], *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run plays on localhost, or on other hosts that are also this machine."""
        host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        plays = [{"hosts": "localhost", "gather_facts": False, "vars": host, **play} for play in plays]
        done: subprocess.CompletedProcess[str] = self._run_playbook(json.dumps(plays), *self.arguments, *arguments)
        return done

    def refusals(self, role: str, *calls: Mapping[str, Any]) -> list[str]:
        """Call a role again and again, and return why each call failed, or '' if it did not."""
        tasks = [
            {
                "block": [self.call(role, **call), _say("")],
                "rescue": [_say("{{ ansible_failed_result.msg }}")],
            }
            for call in calls
        ]
        done = self.run([{"tasks": [*tasks, {"ansible.builtin.debug": {"msg": f"{SHOW}{{{{ said | to_json }}}}"}}]}])
        assert done.returncode == 0, done.stdout
        shown: list[str] = json.loads(json.loads(f'"{done.stdout.split(SHOW, 1)[1].splitlines()[0]}'))
        return shown


def _say(text: str) -> dict[str, Any]:
    return {"ansible.builtin.set_fact": {"said": "{{ said | default([]) + [text] }}"}, "vars": {"text": text}}


@pytest.fixture
def plays(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Plays:
    return Plays(run_playbook, simulator, tmp_path)


# Variables without a value, each of which the refusal must name.
EMPTY: dict[str, list[dict[str, Any]]] = {
    ROTATION: [
        {"accounts": None},
        {"accounts": []},
        {"accounts": ""},
        {"accounts": {}},
        {"store": None},
        {"store": {}},
        {"max_age": ""},
        {"profile": None},
        {"max_failures": None},
        {"verify_tasks": None},
        {"publish_tasks": ""},
        {"prepare_tasks": ""},
        {"publish_batch_tasks": None},
        {"hand_over": None},
        {"hand_over_batch": None},
        {"canary": None},
        {"report_path": None},
        {"report_path": ""},
        {"secure_logging": None},
        {"fail": None},
    ],
    PASSWORD: [
        {"accounts": None},
        {"accounts": []},
        {"accounts": ""},
        {"accounts": {}},
        {"name": ""},
        {"password": ""},
        {"profile": None},
        {"max_failures": None},
        {"api_url": ""},
        {"verify_tasks": None},
        {"secure_logging": None},
        {"fail": None},
    ],
    RESET: [
        {"emails": None},
        {"emails": []},
        {"emails": ""},
        {"store": None},
        {"store": {}},
        {"min_interval": ""},
        {"api_key": None},
        {"secure_logging": None},
        {"fail": None},
    ],
}
# What is handed to hooks is among them: if the user sets it, a hook may get the user's value.
UNKNOWN = {
    PASSWORD: ["acounts", "pasword", "account", "passwords"],
    ROTATION: ["acounts", "excluded", "account", "password", "batch", "passwords"],
    RESET: ["email", "mails", "interval"],
}


@pytest.mark.parametrize("role", [ROTATION, PASSWORD, RESET])
def test_what_has_no_value_or_is_not_known_is_refused(role: str, plays: Plays, simulator: Simulator) -> None:
    unknown = [{name: [{"name": "df001"}]} for name in UNKNOWN[role]]
    given = [*EMPTY[role], *unknown]
    for call, text in zip(given, plays.refusals(role, *given), strict=True):
        (name,) = call
        if call in unknown:
            assert text.startswith(f"The role has no variable {role}_{name}. Correct the name, or, if ")
        else:
            # For some types, ansible-core itself refuses null.
            own = f"{role}_{name} has no value. Give it one" in text
            chosen = f"value of {role}_{name} must be one of" in text
            assert own or chosen or re.search(rf"'{role}_{name}' is of type .*NoneType", text)
    assert simulator.requests() == []


def test_batches_have_a_size(plays: Plays, simulator: Simulator) -> None:
    given = [{"hand_over_batch": 0}, {"hand_over_batch": -1}, {"canary": -1}, {"canary": "1.5"}]
    for call, text in zip(given, plays.refusals(ROTATION, *given), strict=True):
        (name,) = call
        # Of some, ansible-core knows that they are no whole numbers.
        assert "ncp_dataforest_rotation_canary one from 0" in text or f"'{ROTATION}_{name}' is of type" in text
    assert simulator.requests() == []


@pytest.mark.parametrize("accounts", ["df001", ["df001"], {"name": "df001"}, 5])
def test_accounts_in_another_form_are_refused_with_what_to_write(
    plays: Plays, simulator: Simulator, accounts: Any
) -> None:
    (said,) = plays.refusals(ROTATION, {"accounts": accounts})
    assert "- name: df001" in said
    assert simulator.requests() == []


def test_a_text_is_one_address(plays: Plays, simulator: Simulator) -> None:
    fine, said = plays.refusals(RESET, {"emails": "a@example.com"}, {"emails": "b@example.com,c@example.com"})
    assert fine == ""
    assert "b@example.com,c@example.com" in said
    assert [mail["email"] for mail in simulator.truth()["mails"]] == ["a@example.com"]


def test_only_one_host_at_a_time_rotates_the_same_accounts(plays: Plays, simulator: Simulator, tmp_path: Path) -> None:
    other = simulator.tenants["other"]
    of_host = {
        "first": {"store": plays.store("default"), "access_key": simulator.access_key},
        "second": {"store": plays.store("other"), "access_key": other["access_key"]},
    }
    of_host["first"].update(secret_key=simulator.secret_key, accounts=[{"name": "df001"}])
    of_host["second"].update(secret_key=other["secret_key"], accounts=[{"name": "team-a"}])

    def by_host(*names: str) -> dict[str, str]:
        return {name: f"{{{{ of_host[inventory_hostname].{name} }}}}" for name in names}

    def play(task: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"hosts": "first,second", "tasks": [{"block": [task], "rescue": [_say("")]}], **more}

    again = {"new_accounts": "fail", "force": True}
    own = by_host("store", "access_key", "secret_key", "accounts")
    done = plays.run(
        [
            play(plays.call(ROTATION, force=True), serial=1),
            play({**plays.call(ROTATION, **again), "run_once": True}),
            play({"block": [plays.call(ROTATION, **again)], "run_once": True}),
            play({**plays.call(ROTATION, **again), "when": "inventory_hostname == 'second'"}),
            play(plays.call(ROTATION, force=True, **own, report_path=f"{tmp_path}/{{{{ inventory_hostname }}}}")),
            play(plays.call(ROTATION, **again, **own, report_path=f"{tmp_path}/same")),
            play(plays.call(ROTATION, **again)),
            play(plays.call(ROTATION, **again, **by_host("store", "accounts"))),
            play(plays.call(ROTATION, **again, **by_host("access_key", "secret_key"))),
            play(plays.call(ROTATION, **again), strategy="ansible.builtin.free"),
        ],
        "--inventory=first,second,",
        f"--extra-vars={json.dumps({'of_host': of_host})}",
    )
    assert "[WARNING]" not in done.stdout + done.stderr
    texts = re.split(r"^PLAY \[first,second\].*$", done.stdout, flags=re.MULTILINE)[1:]
    rotated = [re.findall(r"^changed: \[(\w+)\]$", text, re.MULTILINE) for text in texts]
    refused = [text.count("2 hosts run the role at the same time with the same store or the same") for text in texts]
    both = ["first", "second"]
    turns = [["first"], ["second"], ["first"], ["first"], ["second"]]
    assert [sorted(hosts) for hosts in rotated[:-1]] == [*turns, both, [], [], [], []]
    assert [bool(count) for count in refused] == [False] * 7 + [True] * 4
    # Each of two reports in one place would replace the other.
    assert f"Several calls of the role write the report {tmp_path}/same" in texts[6]
    for name, success in (("first", True), ("second", True), ("same", False)):
        assert json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))["success"] is success
    # The first host may not see the other one.
    assert len(rotated[-1]) <= 1


def test_the_roles_of_reset_mails_take_turns_too(plays: Plays, simulator: Simulator) -> None:
    def play(task: dict[str, Any]) -> dict[str, Any]:
        return {"hosts": "first,second", "tasks": [{"block": [task], "rescue": [_say("")]}]}

    done = plays.run(
        [
            play(plays.call(RESET)),
            play({"block": [plays.call(RESET)], "run_once": True}),
            play(plays.call(RESET, emails="{{ inventory_hostname }}@example.com")),
        ],
        "--inventory=first,second,",
    )
    assert "Several hosts run the role at the same time for the same addresses" in done.stdout
    mails = [mail["email"] for mail in simulator.truth()["mails"]]
    assert sorted(mails) == ["a@example.com", "first@example.com", "second@example.com"]


def test_the_store_of_reset_mails_is_not_kept_inside_the_collection(
    run_playbook: Any, plays: Plays, simulator: Simulator
) -> None:
    for path, mails in (("mails.yml", 0), ("$HOME/mails.yml", 1), ("~/mails.yml", 1)):
        given = {**plays.options[RESET], "store": {"path": path}, "min_interval": "30d"}
        done = run_playbook(
            Path("krcloud.credentials.request_solapi_reset"),
            *plays.arguments,
            extra_vars={f"{RESET}_{name}": value for name, value in given.items()},
        )
        assert done.returncode == (0 if mails else 2)
        assert ("The path of the store is not absolute" in done.stdout) is not bool(mails)
        assert len(simulator.truth()["mails"]) == mails


WRONG = "a-wrong-secret-key-000000000000000001"


def test_a_bad_key_of_one_tenant_keeps_no_other_from_its_turn(
    plays: Plays, simulator: Simulator, tmp_path: Path
) -> None:
    """This is the example of the README."""
    examples = re.findall(r"```yaml\n(.*?)```", (ROLES / ROTATION / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (yaml.safe_load(each) for each in examples if f"{ROTATION}_failures" in each)
    other = simulator.tenants["other"]
    keys = {"analytics": (simulator.access_key, WRONG), "billing": (other["access_key"], other["secret_key"])}
    (tmp_path / "configure").write_text(
        "".join(
            f"[{name}]\nncloud_access_key_id = {key}\nncloud_secret_access_key = {secret}\n"
            for name, (key, secret) in keys.items()
        ),
        encoding="utf-8",
    )
    (tmp_path / "credentials").mkdir()
    more = {"config_file": str(tmp_path / "configure"), "api_url": simulator.ncp_url, "new_accounts": "rotate"}
    variables = {f"{ROTATION}_{name}": value for name, value in more.items()}
    before = simulator.truth()["accounts"]
    done = plays.run(example, f"--extra-vars={json.dumps(variables)}")
    after = simulator.truth()["accounts"]
    assert done.returncode == 2
    assert before["default"] == after["default"]
    assert all(before["other"][name] != after["other"][name] for name in before["other"])
    assert '"msg": "analytics: NAVER Cloud refused the credentials from ' in done.stdout


def test_a_bad_key_of_one_host_keeps_no_other_from_its_turn(plays: Plays, simulator: Simulator) -> None:
    other = simulator.tenants["other"]
    tenants = {
        "bad": {"access_key": simulator.access_key, "secret_key": WRONG},
        "good": {"access_key": other["access_key"], "secret_key": other["secret_key"]},
    }
    of_tenant = {name: f"{{{{ tenants[inventory_hostname].{name} }}}}" for name in ("access_key", "secret_key")}
    store = plays.store("{{ inventory_hostname }}")
    call = plays.call(ROTATION, **of_tenant, store=store, accounts="{{ omit }}", fail=False)
    verdict = {
        "ansible.builtin.assert": {
            "that": "ncp_dataforest_rotation_failures == []",
            "fail_msg": "{{ ncp_dataforest_rotation_failures | join(' ') }}",
        }
    }
    hosts = {"hosts": ",".join(tenants)}
    wanted: list[dict[str, Any]] = [{**hosts, "serial": 1, "tasks": [call]}, {**hosts, "tasks": [verdict]}]
    before = simulator.truth()["accounts"]
    done = plays.run(wanted, f"--inventory={','.join(tenants)},", f"--extra-vars={json.dumps({'tenants': tenants})}")
    after = simulator.truth()["accounts"]
    assert done.returncode == 2
    assert before["default"] == after["default"]
    assert all(before["other"][name] != after["other"][name] for name in before["other"])
    assert f'"msg": "{plays.store("bad")["path"]}: NAVER Cloud refused the credentials from the' in done.stdout


@pytest.mark.parametrize("role", [ROTATION, PASSWORD, RESET])
def test_a_call_that_is_refused_keeps_no_other_from_its_turn(role: str, plays: Plays, simulator: Simulator) -> None:
    refused: list[dict[str, Any]] = [{UNKNOWN[role][0]: 1}, EMPTY[role][1]]
    calls = [plays.call(role, **call, fail=False) for call in (*refused, {})]
    verdict = {"ansible.builtin.debug": {"msg": f"{SHOW}{{{{ {role}_failures | to_json }}}}"}}
    done = plays.run([{"tasks": [*calls, verdict]}])
    assert done.returncode == 0, done.stdout
    # The last call has no part in what was wrong with the others.
    shown: list[str] = json.loads(json.loads(f'"{done.stdout.split(SHOW, 1)[1].splitlines()[0]}'))
    assert [f"{role}_{name}" in said for said, (name,) in zip(shown, refused, strict=True)] == [True, True]
    assert sum(int(vendor["writes"]) for name, vendor in simulator.counters().items() if name != "trap") == 1


def _names(tasks: list[dict[str, Any]]) -> Iterator[str]:
    """The names of all tasks with which a run can begin."""
    for task in tasks:
        if "block" in task:
            yield from _names(task["block"])
        elif "ansible.builtin.import_tasks" not in task:
            yield task["name"]


@pytest.mark.parametrize("role", [ROTATION, PASSWORD, RESET])
def test_a_run_that_begins_in_the_middle_of_the_role_says_so(role: str, plays: Plays, simulator: Simulator) -> None:
    call = {"role": f"krcloud.credentials.{role}", "vars": plays.call(role)["vars"]}
    begin, *rest = _names(yaml.safe_load((ROLES / role / "tasks" / "main.yml").read_text(encoding="utf-8")))
    checks = list(_names(yaml.safe_load((ROLES / role / "tasks" / "check.yml").read_text(encoding="utf-8"))))
    assert begin == "Reset the variables of an earlier call of the role"
    # The task that sends something is among them: it must not run without the checks before it.
    for name in (checks[0], checks[-1], *rest):
        done = plays.run([{"roles": [call]}], f"--start-at-task=*{name}")
        assert done.returncode == 2
        assert "A task of the role was left out, by --start-at-task, --step or a tag, so " in done.stdout
        assert "undefined" not in done.stdout
    assert simulator.requests() == []


def test_an_address_that_is_not_valid_keeps_no_other_call_from_its_mail(plays: Plays, simulator: Simulator) -> None:
    verdict = {"ansible.builtin.assert": {"that": f"{RESET}_failures == []", "fail_msg": f"{{{{ {RESET}_failures }}}}"}}
    calls = [plays.call(RESET, emails=emails, fail=False) for emails in ("not an address", "a@example.com")]
    done = plays.run([{"tasks": [*calls, verdict]}])
    assert done.returncode == 2
    assert [mail["email"] for mail in simulator.truth()["mails"]] == ["a@example.com"]
    assert len(re.findall(r'"outcome": "failed"', done.stdout)) == 1
    assert "not an address: " in done.stdout.split("TASK [ansible.builtin.assert]")[1]
