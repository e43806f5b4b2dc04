# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batch by batch to the consumers: who is first, who is left alone, and what the next run makes up for."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from end_to_end.rotation_role import (
    HAND_OVER,
    ON_CONSUMER,
    PREFIX,
    Consumers,
    Pipeline,
    resets,
    shown,
    summary,
)
from support.simulator import Simulator


def names(count: int) -> list[str]:
    return [f"df{at:03}" for at in range(1, count + 1)]


class Runs:
    """A pipeline with as many accounts as a test needs, and without a verify hook."""

    def __init__(self, run_playbook: Any, simulator: Simulator, folder: Path) -> None:
        self._make = (run_playbook, simulator, folder)
        self._simulator = simulator

    def with_accounts(self, count: int, **options: Any) -> Pipeline:
        """A pipeline with so many accounts at the vendor."""
        self._simulator.accounts(count=count, prefix="df")
        pipeline = Pipeline(*self._make, names=names(count))
        pipeline.options.update({"verify_tasks": None, **options})
        return pipeline


@pytest.fixture
def runs(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Runs:
    return Runs(run_playbook, simulator, tmp_path)


def handed(pipeline: Pipeline) -> dict[str, str]:
    """The passwords that the consumers of the last run were given, one by one."""
    return {name: given["password"] for name, given in pipeline.consumers().items() if "password" in given}


@pytest.mark.any_core
def test_while_the_task_files_fail_one_account_is_reset_and_is_handed_over_first_then(
    runs: Runs, simulator: Simulator
) -> None:
    pipeline = runs.with_accounts(4, hand_over_batch=2)
    everybody, rest = tuple(names(4)), names(4)[1:]
    verify = str(Path(pipeline.options["publish_tasks"]).with_name("verify.yml"))
    first = pipeline.run(locked_out=everybody, verify_tasks=verify)
    assert first.returncode == 2
    assert summary(first) == {"rotated": ["df001"], "skipped": rest, "unpublished": ["df001"]}
    assert shown(first)["stopped"] == "The password of df001 was reset first, and could not be handed over."
    assert [each["name"] for each in shown(first)["attention"]] == ["df001"]
    assert "handed over. Accounts that were left alone: 3. Fix the causes" in first.stdout

    second = pipeline.run(locked_out=everybody, verify_tasks=verify)
    assert second.returncode == 2
    assert summary(second) == {"fresh": ["df001"], "skipped": rest, "unpublished": ["df001"]}
    assert "the hand-over for df001 still fails" in shown(second)["stopped"]
    assert resets(simulator) == 1

    third = pipeline.run()
    assert third.returncode == 0, third.stdout
    assert summary(third) == {"fresh": ["df001"], "rotated": rest, "published": list(everybody)}
    assert handed(pipeline) == pipeline.live()
    # The first one that is reset is by itself, then two at a time.
    turns = [line.rsplit("(item=", 1)[1] for line in third.stdout.splitlines() if "account.yml for " in line]
    assert turns == [f"{name})" for name in everybody]
    assert "(item=1 of 3)" in third.stdout
    assert "(item=df003, df004)" in third.stdout

    quiet = pipeline.run()
    assert "changed=0 " in quiet.stdout
    assert summary(quiet) == {"fresh": list(everybody)}
    assert resets(simulator) == 4


@pytest.mark.any_core
def test_where_others_have_passwords_as_new_a_failure_is_that_of_the_account(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(4)
    verify = str(Path(pipeline.options["publish_tasks"]).with_name("verify.yml"))
    pipeline.options.update(verify_tasks=verify)
    first = pipeline.run(locked_out=("df003",), accounts=[{"name": name} for name in names(3)])
    assert summary(first) == {"rotated": names(3), "published": ["df001", "df002"], "unpublished": ["df003"]}
    second = pipeline.run(locked_out=("df003",))
    assert summary(second) == {
        "fresh": names(3),
        "rotated": ["df004"],
        "published": ["df004"],
        "unpublished": ["df003"],
    }
    assert shown(second)["stopped"] == ""
    assert resets(simulator) == 4


@pytest.mark.any_core
def test_one_that_cannot_be_reset_passes_its_turn_on(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(3)
    simulator.fault(vendor="ncp", operation="resetPassword", match={"name": "df001"}, kind="reject", times=3)
    done = pipeline.run()
    assert summary(done) == {"rejected": ["df001"], "rotated": ["df002", "df003"], "published": ["df002", "df003"]}
    assert "(item=df003)" in done.stdout


@pytest.mark.any_core
def test_all_batches_together_reset_no_more_than_wanted(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(5, hand_over_batch=1, max_resets=3)
    first = pipeline.run()
    assert first.returncode == 0, first.stdout
    assert summary(first) == {"rotated": names(3), "skipped": names(5)[3:], "published": names(3)}
    assert shown(first)["stopped"] == ""
    assert summary(pipeline.run()) == {"fresh": names(3), "rotated": names(5)[3:], "published": names(5)[3:]}
    assert resets(simulator) == 5


@pytest.mark.any_core
def test_the_failures_of_all_batches_count(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(6, hand_over_batch=1, max_failures=2)
    verify = str(Path(pipeline.options["publish_tasks"]).with_name("verify.yml"))
    simulator.fault(vendor="ncp", operation="resetPassword", match={"name": "df002"}, kind="reject", times=3)
    done = pipeline.run(locked_out=("df003",), verify_tasks=verify)
    assert done.returncode == 2
    assert summary(done) == {
        "rotated": ["df001", "df003"],
        "rejected": ["df002"],
        "skipped": ["df004", "df005", "df006"],
        "published": ["df001"],
        "unpublished": ["df003"],
    }
    assert shown(done)["stopped"] == "max_failures (2) was reached."
    # Where a run stops, the batches that are left are not shown one by one.
    assert done.stdout.split("was reached.")[1].count("Rotate the passwords of a batch") == 0
    by_default = {"module_defaults": {"krcloud.credentials.ncp_dataforest_rotation": {"max_failures": 2}}}
    role = {"role": "krcloud.credentials.ncp_dataforest_rotation"}
    play = {"hosts": "localhost", "gather_facts": False, **by_default, "roles": [role]}
    again = pipeline.run(
        locked_out=("df004", "df005"),
        verify_tasks=verify,
        max_failures=None,
        playbook=json.dumps([play]),
    )
    assert shown(again)["stopped"] == "max_failures (2) was reached."
    assert summary(again)["skipped"] == ["df006"]


def test_a_consumer_that_ends_a_run_is_found_and_keeps_no_other_from_its_turn(
    runs: Runs, simulator: Simulator, tmp_path: Path
) -> None:
    pipeline = runs.with_accounts(6, hand_over_batch=4)
    consumers = Consumers(pipeline, tmp_path)
    (tmp_path / "publish.yml").write_text(yaml.safe_dump([ON_CONSUMER]), encoding="utf-8")

    # It ends in the midst of a batch, and nobody knows where.
    first = consumers.run("df003")
    assert first.returncode == 4
    assert sorted(handed(pipeline)) == ["df001", "df002"]
    assert resets(simulator) == 5
    # One by one up to the one that ends it.
    second = consumers.run("df003")
    assert second.returncode == 4
    done = {**handed(pipeline)}
    assert "df002" in done
    # Now that is known: all others have their turn. df006 had its own before, if the first run reset all of the second
    # batch within the second in which it noted df001.
    third = consumers.run("df003")
    assert third.returncode == 4
    done |= handed(pipeline)
    assert "df003" not in done
    assert {"df004", "df005", "df006"} <= done.keys()
    assert resets(simulator) == 6
    fourth = consumers.run()
    assert fourth.returncode == 0
    assert summary(fourth) == {"fresh": names(6), "published": ["df003"]}


@pytest.mark.any_core
def test_where_all_consumers_are_down_two_accounts_are_reset_and_no_more(
    runs: Runs, simulator: Simulator, tmp_path: Path
) -> None:
    pipeline = runs.with_accounts(4)
    consumers = Consumers(pipeline, tmp_path)
    (tmp_path / "publish.yml").write_text(yaml.safe_dump([ON_CONSUMER]), encoding="utf-8")
    for expected in (1, 2, 2):
        assert consumers.run(*names(4)).returncode == 4
        assert resets(simulator) == expected
    done = consumers.run()
    assert done.returncode == 0, done.stdout
    assert summary(done)["published"] == names(4)


@pytest.mark.parametrize(
    "text", ["- ansible.builtin.meta: end_host", "- {'meta': 'end_play'}", "- action: meta end_role"]
)
def test_a_task_file_that_would_end_the_run_in_silence_is_refused(
    runs: Runs, simulator: Simulator, tmp_path: Path, text: str
) -> None:
    pipeline = runs.with_accounts(2)
    hook = tmp_path / "publish.yml"
    hook.write_text(f"{hook.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")
    refused = pipeline.run()
    assert refused.returncode == 2
    assert "publish.yml ends the play, the host or the role with ansible.builtin.meta" in refused.stdout
    assert resets(simulator) == 0


def test_a_task_without_a_name_that_fails_is_called_by_its_action(runs: Runs, tmp_path: Path) -> None:
    pipeline = runs.with_accounts(2)
    (tmp_path / "publish.yml").write_text("- ansible.builtin.fail: {msg: no}\n", encoding="utf-8")
    failed = pipeline.run()
    assert failed.returncode == 2
    (reason,) = (each["reason"] for each in shown(failed)["attention"])
    assert reason.startswith("It was not handed over: the task without a name (ansible.builtin.fail) of a verify or ")

    prepared = pipeline.run(prepare_tasks=str(tmp_path / "publish.yml"))
    assert "The task without a name (ansible.builtin.fail) of ncp_dataforest_rotation_prepare_tasks " in prepared.stdout


def test_a_file_that_cannot_be_included_is_a_failure_of_that_account(runs: Runs, tmp_path: Path) -> None:
    pipeline = runs.with_accounts(3)
    included = f"{tmp_path}/{{{{ ncp_dataforest_rotation_account.name }}}}.yml"
    (tmp_path / "publish.yml").write_text(f"- ansible.builtin.include_tasks: '{included}'\n", encoding="utf-8")
    for name in ("df001", "df003"):
        (tmp_path / f"{name}.yml").write_text("- ansible.builtin.debug:\n", encoding="utf-8")
    failed = pipeline.run()
    assert failed.returncode == 2
    assert summary(failed) == {"rotated": names(3), "published": ["df001", "df003"], "unpublished": ["df002"]}
    (reason,) = (each["reason"] for each in shown(failed)["attention"])
    assert reason.startswith("It was not handed over: the task without a name (ansible.builtin.include_tasks) of a ")


def test_handlers_run_before_a_hand_over_is_noted(runs: Runs, simulator: Simulator, tmp_path: Path) -> None:
    pipeline = runs.with_accounts(4, hand_over_batch=3)
    hook = tmp_path / "publish.yml"
    notice = "- {ansible.builtin.debug: {msg: new}, changed_when: true, notify: Restart the consumer}"
    hook.write_text(f"{hook.read_text(encoding='utf-8')}\n{notice}\n", encoding="utf-8")
    restart = {"name": "Restart the consumer", "ansible.builtin.assert": {"that": "restarts | bool"}}
    role = {"role": "krcloud.credentials.ncp_dataforest_rotation"}
    playbook = json.dumps([{"hosts": "localhost", "gather_facts": False, "roles": [role], "handlers": [restart]}])

    assert pipeline.run("-e", "restarts=false", playbook=playbook).returncode == 2
    assert resets(simulator) == 1
    done = pipeline.run("-e", "restarts=true", playbook=playbook)
    assert done.returncode == 0, done.stdout
    assert summary(done) == {"fresh": ["df001"], "rotated": names(4)[1:], "published": names(4)}
    assert done.stdout.count("RUNNING HANDLER") == 3
    assert handed(pipeline) == pipeline.live()


def test_under_run_once_one_of_several_hosts_works_batch_by_batch(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(4, hand_over_batch=2)
    role = {"role": "krcloud.credentials.ncp_dataforest_rotation", "run_once": True}
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "first,second", "gather_facts": False, "vars": local, "roles": [role]}
    done = pipeline.run("--inventory=first,second,", playbook=json.dumps([play]))
    assert done.returncode == 0, done.stdout
    assert summary(done) == {"rotated": names(4), "published": names(4)}
    assert handed(pipeline) == pipeline.live()
    assert resets(simulator) == 4


@pytest.mark.any_core
def test_a_consumer_that_refuses_what_is_handed_over_again_gets_it_from_the_next_run(
    runs: Runs, simulator: Simulator
) -> None:
    pipeline = runs.with_accounts(3, hand_over_batch=2)
    verify = str(Path(pipeline.options["publish_tasks"]).with_name("verify.yml"))
    assert pipeline.run().returncode == 0
    again = pipeline.run(hand_over="all", canary=0, verify_tasks=verify, locked_out=("df002",))
    assert again.returncode == 2
    assert summary(again) == {"fresh": names(3), "published": ["df001", "df003"], "unpublished": ["df002"]}
    assert summary(pipeline.run()) == {"fresh": names(3), "published": ["df002"]}
    assert resets(simulator) == 3


def test_a_batch_hook_gets_all_passwords_of_a_batch_at_once(runs: Runs, simulator: Simulator, tmp_path: Path) -> None:
    hook = str(tmp_path / "publish_batch.yml")
    pipeline = runs.with_accounts(4, publish_tasks=None, publish_batch_tasks=hook, hand_over_batch=3)
    first = pipeline.run(locked_out=("df003",))
    assert first.returncode == 2
    assert summary(first) == {"rotated": names(4), "published": ["df001"], "unpublished": names(4)[1:]}
    (reason,) = {each["reason"] for each in shown(first)["attention"]}
    assert reason.startswith('It was not handed over: the task "Look whether all can log in" of a verify or publish ')
    verified = {"verify_tasks": str(tmp_path / "verify.yml"), "publish_tasks": str(tmp_path / "publish.yml")}
    second = pipeline.run(locked_out=("df003",), **verified)
    assert summary(second) == {"fresh": names(4), "published": ["df002", "df004"], "unpublished": ["df003"]}
    live = {name: password for name, password in pipeline.live().items() if name in ("df002", "df004")}
    assert handed(pipeline) == live
    whole = pipeline.consumers()["batch-df002"]
    assert whole["passwords"] == live
    assert [account["name"] for account in whole["accounts"]] == ["df002", "df004"]
    assert list(whole["accounts"][0]) == ["name", "id", "outcome", "rotation_id", "rotated_at", "next_due_at"]
    assert resets(simulator) == 4


ODD = {"df001": "{{ 7 * 7 }}-Aa1", "df002": "{% raw %}Aa1!{#", "df003": "a\\'\"Aa1!$&", "df004": "[1, 2]"}


def test_passwords_come_to_the_hooks_exactly_as_they_are(runs: Runs, simulator: Simulator, tmp_path: Path) -> None:
    hook = str(tmp_path / "publish_batch.yml")
    pipeline = runs.with_accounts(4, publish_batch_tasks=hook)
    ids = {name: account["id"] for name, account in simulator.truth()["accounts"]["default"].items()}
    documents = {
        name: {
            "format": 1,
            "account": {"name": name, "id": ids[name], "profile": None},
            "password": password,
            "rotated_at": time_text(time.time() - 86400),
            "rotation_id": "by-hand",
            "pending": [],
            "previous": [],
        }
        for name, password in ODD.items()
    }
    text = json.dumps({"dataforest_credentials_format": 1, "dataforest_credentials": documents})
    vault = VaultLib([("default", VaultSecret((tmp_path / "passphrase").read_bytes().strip()))])
    (tmp_path / "dataforest.yml").write_bytes(vault.encrypt(text))
    done = pipeline.run()
    assert done.returncode == 0, done.stdout
    assert summary(done) == {"fresh": names(4), "published": names(4)}
    assert handed(pipeline) == pipeline.consumers()["batch-df001"]["passwords"] == ODD


@pytest.mark.any_core
def test_everything_is_handed_over_again_without_a_reset(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(3, hand_over_batch=1)
    assert summary(pipeline.run())["published"] == names(3)
    predicted = pipeline.run("--check", hand_over="all")
    assert summary(predicted) == {"fresh": names(3), "published": names(3)}
    assert "changed=1 " in predicted.stdout
    struck = pipeline.run(hand_over="all", struck_down=("df002",))
    assert struck.returncode == -signal.SIGKILL
    assert sorted(handed(pipeline)) == ["df001"]
    # What a run that dies leaves is made up for by the next one.
    plain = pipeline.run()
    assert summary(plain) == {"fresh": names(3), "published": ["df002", "df003"]}
    assert handed(pipeline).keys() == {"df002", "df003"}
    again = pipeline.run(hand_over="all")
    assert again.returncode == 0, again.stdout
    assert summary(again) == {"fresh": names(3), "published": names(3)}
    assert handed(pipeline) == pipeline.live()
    assert resets(simulator) == 3


@pytest.mark.any_core
def test_nothing_is_changed_before_all_is_prepared(runs: Runs, simulator: Simulator, tmp_path: Path) -> None:
    pipeline = runs.with_accounts(2, prepare_tasks=str(tmp_path / "prepare.yml"))
    before = pipeline.live()
    first = pipeline.run(unprepared=True)
    assert first.returncode == 2
    assert summary(first) == {"skipped": names(2)}
    assert shown(first)["stopped"].startswith('The task "Look for the consumers" of ncp_dataforest_rotation_prepare_')
    assert shown(first)["stopped"].endswith("failed, so no password was changed.")
    assert (pipeline.live(), pipeline.consumers()) == (before, {})
    assert not (tmp_path / "dataforest.yml").exists()
    # Also where nobody is to hand over anything.
    assert summary(pipeline.run(unprepared=True, publish_tasks=None)) == {"skipped": names(2)}
    alone = pipeline.run(publish_tasks=None)
    assert summary(alone) == {"rotated": names(2)}
    assert alone.stdout.count("TASK [krcloud.credentials.ncp_dataforest_rotation : Rotate the passwords of a ") == 1
    # A run with nothing to do needs no consumers.
    assert summary(pipeline.run())["published"] == names(2)
    quiet = pipeline.run(unprepared=True)
    assert quiet.returncode == 0
    assert "Look for the consumers" not in quiet.stdout


def test_earlier_batches_are_handed_over_when_the_host_of_the_role_goes_down(
    runs: Runs, simulator: Simulator, tmp_path: Path
) -> None:
    pipeline = runs.with_accounts(5, hand_over_batch=1)
    consumers = Consumers(pipeline, tmp_path)
    go_down = {
        "name": "Let the host of the role go down",
        "ansible.builtin.copy": {"content": "consumer-df001", "dest": str(consumers.down), "mode": "0600"},
        "delegate_to": "localhost",
        "when": "ncp_dataforest_rotation_account.name == 'df002'",
    }
    tasks = [{**HAND_OVER, "delegate_to": "localhost"}, go_down]
    (tmp_path / "publish.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    role = {"role": "krcloud.credentials.ncp_dataforest_rotation"}
    play = {"hosts": "consumer-df001", "gather_facts": False, "roles": [role]}
    done: subprocess.CompletedProcess[str] = consumers.run(playbook=json.dumps([play]))
    assert done.returncode == 2
    assert summary(done) == {
        "rotated": names(2),
        "published": names(2),
        "unknown": ["df003"],
        "skipped": ["df004", "df005"],
    }
    assert shown(done)["stopped"] == "The host that resets passwords could no longer be reached."
    assert handed(pipeline).keys() == {"df001", "df002"}
    assert resets(simulator) == 2


@pytest.mark.any_core
def test_all_batches_are_judged_by_the_moment_of_the_plan(runs: Runs, simulator: Simulator, tmp_path: Path) -> None:
    """The variable is a template, and gives a later moment as soon as the plan is made."""
    pipeline = runs.with_accounts(2)
    pipeline.run()
    stolen = pipeline.live()
    moment = tmp_path / "moment"
    time.sleep(1)  # passwords are dated in whole seconds
    moment.write_text(time_text(time.time()), encoding="utf-8")
    incident: dict[str, Any] = {"rotated_before": f"{{{{ lookup('ansible.builtin.file', '{moment}') }}}}"}
    simulator.fault(vendor="ncp", operation="resetPassword", match={"name": "df002"}, kind="drop", at="after")
    assert summary(pipeline.run(**incident))["unknown"] == ["df002"]
    assert resets(simulator) == 4

    time.sleep(1)
    later = {"content": time_text(time.time()), "dest": str(moment), "mode": "0600"}
    (tmp_path / "later.yml").write_text(yaml.safe_dump([{"ansible.builtin.copy": later}]), encoding="utf-8")
    second = pipeline.run(prepare_tasks=str(tmp_path / "later.yml"), **incident)
    assert summary(second) == {"fresh": ["df001"], "resumed": ["df002"], "published": ["df002"]}
    # By the later moment, it would have been replaced as well.
    assert resets(simulator) == 5
    assert moment.read_text(encoding="utf-8") == later["content"]
    assert not set(stolen.values()) & set(pipeline.live().values())


@pytest.mark.any_core
def test_an_incident_that_meets_a_hold_hands_over_the_others_and_fails(runs: Runs, simulator: Simulator) -> None:
    pipeline = runs.with_accounts(3)
    pipeline.run()
    stolen = pipeline.live()
    hold = {"name": "df002", "hold_until": "{{ hold_until }}", "store": f"{{{{ {PREFIX}store }}}}"}
    tasks = [{"krcloud.credentials.ncp_dataforest_credential": hold}]
    holding = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    assert pipeline.run("--extra-vars=hold_until=2999-01-01T00:00:00Z", playbook=holding).returncode == 0
    time.sleep(1)  # passwords are dated in whole seconds
    moment = time_text(time.time())

    others = ["df001", "df003"]
    for arguments, wanted in (
        (("--check",), {"rotated": others, "failed": ["df002"], "published": others}),
        ((), {"rotated": others, "failed": ["df002"], "published": others}),
        ((), {"fresh": others, "failed": ["df002"]}),
    ):
        done = pipeline.run(*arguments, rotated_before=moment)
        assert done.returncode == 2
        assert summary(done) == wanted
        (df002,) = shown(done)["attention"]
        assert df002["reason"].startswith("df002 is on hold until 2999-01-01T00:00:00Z. Its live password may have ")
        assert "1 of 3 accounts needs attention. df002 (failed): df002 is on hold until 2999" in done.stdout
    assert pipeline.live()["df002"] == stolen["df002"]
    assert summary(pipeline.run()) == {"fresh": others, "skipped": ["df002"]}

    assert pipeline.run("--extra-vars=hold_until=now", playbook=holding).returncode == 0
    last = pipeline.run(rotated_before=moment)
    assert last.returncode == 0, last.stdout
    assert summary(last) == {"fresh": others, "rotated": ["df002"], "published": ["df002"]}
    assert resets(simulator) == 6
    assert not set(stolen.values()) & set(pipeline.live().values())


def test_a_variable_of_the_play_names_the_store_for_the_role_its_modules_and_its_lookups(
    runs: Runs, simulator: Simulator, tmp_path: Path
) -> None:
    pipeline = runs.with_accounts(2, exclude=["df002"], accounts=None)
    store = pipeline.options.pop("store")
    lookup = "lookup('krcloud.credentials.dataforest_credential', ncp_dataforest_rotation_account.name)"
    verify = [{"ansible.builtin.assert": {"that": f"{lookup} == ncp_dataforest_rotation_password"}}]
    (tmp_path / "look.yml").write_text(yaml.safe_dump(verify), encoding="utf-8")
    without = pipeline.run()
    assert without.returncode == 2
    assert "There is no variable ncp_dataforest_rotation_store, and krcloud_credentials_store is not" in without.stdout
    assert resets(simulator) == 0

    variable = json.dumps({"krcloud_credentials_store": store})
    done = pipeline.run("--extra-vars", variable, verify_tasks=str(tmp_path / "look.yml"))
    assert done.returncode == 0, done.stdout
    assert summary(done) == {"rotated": ["df001"], "published": ["df001"]}
    assert handed(pipeline) == {"df001": pipeline.live()["df001"]}
    assert Path(store["path"]).exists()
