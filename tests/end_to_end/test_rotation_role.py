# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role ncp_dataforest_rotation as a user runs it: with the playbook of the collection, and hooks of the user."""

from __future__ import annotations

import json
import re
import shutil
import signal
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from end_to_end.rotation_role import (
    HAND_OVER,
    NAMES,
    ON_CONSUMER,
    PREFIX,
    Consumers,
    Pipeline,
    resets,
    shown,
    summary,
)
from support.canary import found, sinks
from support.simulator import Simulator
from tooling import tree

ROLE = tree.ROOT / "roles" / "ncp_dataforest_rotation"


@pytest.fixture
def pipeline(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Pipeline:
    return Pipeline(run_playbook, simulator, tmp_path)


@pytest.mark.any_core
def test_every_password_is_handed_over_once_whatever_happens_in_between(
    pipeline: Pipeline, simulator: Simulator, tmp_path: Path
) -> None:
    before = pipeline.live()
    predicted = pipeline.run("--check", "--diff", secure_logging=False)
    assert predicted.returncode == 0, predicted.stdout
    assert "\n+++ after" in predicted.stdout
    assert summary(predicted) == {"rotated": NAMES, "published": NAMES}
    assert (pipeline.live(), pipeline.consumers()) == (before, {})

    # One account does not exist, and one fails the user's check. The third is handed over, and the run fails.
    first = pipeline.run(
        "-vvvv",
        "--diff",
        locked_out=("df001",),
        accounts=[{"name": name} for name in ("gone", *NAMES)],
        canary=0,
        secure_logging=False,
    )
    assert first.returncode == 2
    assert summary(first) == {"rotated": NAMES, "failed": ["gone"], "published": ["df002"], "unpublished": ["df001"]}
    gone, df001 = shown(first)["attention"]
    assert (gone["name"], gone["outcome"], df001["name"], df001["outcome"]) == ("gone", "failed", "df001", "rotated")
    assert gone["reason"].startswith("There is no account with the name gone, ")
    assert df001["reason"] == (
        'It was not handed over: the task "Log in with the new password" of a verify or publish task file failed. The '
        "new password is live."
    )
    assert "2 of 3 accounts need attention. gone (failed): There is no account with the name gone, " in first.stdout
    assert " df001 (rotated): It was not handed over: the task " in first.stdout
    live = pipeline.live()
    (consumer,) = pipeline.consumers().values()
    assert consumer["password"] == live["df002"]
    assert list(consumer["account"]) == ["name", "id", "outcome", "rotation_id", "rotated_at", "next_due_at"]
    assert (consumer["account"]["name"], consumer["account"]["outcome"]) == ("df002", "rotated")
    assert not set(live.values()) & set(before.values())
    shutil.rmtree(pipeline.handed_over)
    texts = {"output": first.stdout + first.stderr, **dict(sinks(tmp_path, "extra_vars.json", "passphrase"))}
    secrets = (*live.values(), simulator.secret_key)
    assert {name: found(secrets, text) for name, text in texts.items() if found(secrets, text)} == {}

    # The next run dies before it has handed over what is left, and the run after that makes up for it.
    sent = resets(simulator)
    struck = pipeline.run(struck_down=("df001",))
    assert struck.returncode == -signal.SIGKILL
    assert pipeline.consumers() == {}
    third = pipeline.run()
    assert third.returncode == 0, third.stdout
    assert summary(third) == {"fresh": NAMES, "published": ["df001"]}
    assert {name: given["password"] for name, given in pipeline.consumers().items()} == {"df001": live["df001"]}

    assert "changed=0 " in pipeline.run("--check").stdout
    quiet = pipeline.run()
    assert "changed=0 " in quiet.stdout
    assert summary(quiet) == {"fresh": NAMES}
    assert pipeline.consumers() == {}
    assert resets(simulator) == sent


def test_what_is_wrong_is_said_before_any_reset(pipeline: Pipeline, simulator: Simulator, tmp_path: Path) -> None:
    def play(hosts: str, **options: Any) -> dict[str, Any]:
        role = {
            "ansible.builtin.include_role": {"name": "krcloud.credentials.ncp_dataforest_rotation"},
            "vars": {f"{PREFIX}{name}": value for name, value in options.items()},
        }
        said = {"ansible.builtin.debug": {"msg": "It went on."}}
        return {"hosts": hosts, "gather_facts": False, "tasks": [{"block": [role], "rescue": [said]}]}

    # Extra variables would override those of the play.
    del pipeline.options["verify_tasks"], pipeline.options["publish_tasks"]
    (tmp_path / "broken.yml").write_text("- no.such.module:\n", encoding="utf-8")
    plays = [
        play("first,second"),
        play("localhost", verify_tasks="missing.yml"),
        play("localhost", publish_tasks=["missing.yml"]),
        play("localhost", publish_tasks="broken.yml"),
    ]
    done = pipeline.run("--inventory=first,second,", playbook=json.dumps(plays))
    assert "2 hosts run the role at the same time with the same store or the same credentials" in done.stdout
    assert f"There is no file {tmp_path}/missing.yml, which" in done.stdout
    assert f"There is no file {tmp_path}/['missing.yml'], which" in done.stdout
    assert "couldn't resolve module/action 'no.such.module'" in done.stdout + done.stderr
    assert "Plan the rotation" not in done.stdout
    assert simulator.requests() == []


def test_paths_may_begin_with_a_variable_and_the_store_is_not_kept_inside_the_collection(
    pipeline: Pipeline, simulator: Simulator
) -> None:
    refused = pipeline.run(store={"path": "dataforest.yml"})
    assert refused.returncode == 2
    assert "The path of the store is not absolute, so the store would be inside the collection." in refused.stdout
    assert simulator.requests() == []
    hooks = {f"{name}_tasks": f"$HOME/../{name}.yml" for name in ("verify", "publish")}
    for path in ("$HOME/dataforest.yml", "~/dataforest.yml"):
        taken = pipeline.run("--check", store={"path": path}, **hooks)
        assert summary(taken) == {"rotated": NAMES, "published": NAMES}


@pytest.mark.parametrize(
    ("text", "skipped", "refused"),
    [
        ("", "", True),
        ("---\n# - name: Hand over\n  # and so on\n\n[]\n...\n", "", True),
        (json.dumps([{**HAND_OVER, "tags": "hand-out"}]), "other,hand-out", True),
        (yaml.safe_dump([{**HAND_OVER, "tags": ["hand-out"]}]), "tagged", True),
        (yaml.safe_dump([{**HAND_OVER, "tags": ["hand-out"]}]), "hand,out,o.er", False),
        (yaml.safe_dump([{**HAND_OVER, "tags": "never"}, {**HAND_OVER, "tags": ["never", "rarely"]}]), "", True),
        (yaml.safe_dump([{**HAND_OVER, "tags": ["never", "rarely"]}, HAND_OVER]), "", False),
    ],
)
def test_nothing_is_noted_as_published_by_tasks_that_do_not_run(
    pipeline: Pipeline, simulator: Simulator, tmp_path: Path, text: str, skipped: str, refused: bool
) -> None:
    (tmp_path / "idle.yml").write_text(text, encoding="utf-8")
    given = [f"--skip-tags={skipped}"] if skipped else []
    done = pipeline.run(*given, publish_tasks=str(tmp_path / "idle.yml"))
    reasons = ("no task.", "a task that --skip-tags leaves out.", "only tasks with the tag never, so none of them")
    assert any(f"idle.yml contains {reason}" in done.stdout for reason in reasons) is refused, done.stdout
    assert (resets(simulator) == 0) is refused
    assert sorted(pipeline.consumers()) == ([] if refused else NAMES)


@pytest.mark.any_core
@pytest.mark.parametrize("trouble", ["keys", "vendor"])
def test_what_is_live_is_handed_over_without_the_vendor(pipeline: Pipeline, simulator: Simulator, trouble: str) -> None:
    first = pipeline.run(locked_out=("df001", "df002"), canary=0)
    assert summary(first) == {"rotated": NAMES, "unpublished": NAMES}
    live = pipeline.live()

    if trouble == "keys":
        pipeline.options["secret_key"] = "a-wrong-secret-key-000000000000000001"
    else:
        pipeline.options["api_url"] = "http://127.0.0.1:9"
    second = pipeline.run(locked_out=("df002",))
    assert second.returncode == 2
    assert summary(second) == {"failed": NAMES, "published": ["df001"], "unpublished": ["df002"]}
    assert {name: given["password"] for name, given in pipeline.consumers().items()} == {"df001": live["df001"]}
    df001, df002 = shown(second)["attention"]
    assert "It was not handed over: " in df002["reason"]
    assert df002["reason"].startswith(df001["reason"])

    predicted = pipeline.run("--check")
    assert pipeline.consumers() == {}
    done = pipeline.run()
    assert summary(predicted) == summary(done) == {"failed": NAMES, "published": ["df002"]}
    assert shown(predicted) == shown(done)
    assert "changed=1 " in predicted.stdout
    assert predicted.returncode == done.returncode == 2
    assert summary(pipeline.run()) == {"failed": NAMES}


@pytest.mark.any_core
def test_a_run_that_is_late_says_so_and_the_next_one_hands_over_what_is_live(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    given = ("store", "api_url", "access_key", "secret_key")
    another = {
        "when": "ncp_dataforest_rotation_account.name in struck_down",
        "block": [
            {
                "name": "Let another run rotate",
                "krcloud.credentials.ncp_dataforest_rotation": {
                    **{name: pipeline.options[name] for name in given},
                    "accounts": [{"name": "{{ ncp_dataforest_rotation_account.name }}"}],
                    "force": True,
                },
                "register": "another",
            },
            {
                "name": "Let it note what it has handed over",
                "krcloud.credentials.ncp_dataforest_publication": {
                    "store": pipeline.options["store"],
                    "accounts": "{{ another.accounts }}",
                },
            },
        ],
    }
    (tmp_path / "slow.yml").write_text(yaml.safe_dump([HAND_OVER, another]), encoding="utf-8")
    late = pipeline.run(publish_tasks=str(tmp_path / "slow.yml"), struck_down=("df001",))
    assert late.returncode == 2
    assert summary(late) == {"rotated": NAMES, "published": ["df002"], "unpublished": ["df001"]}
    (df001,) = shown(late)["attention"]
    assert df001["reason"].startswith("Another run rotated it or handed it over in the meantime, so consumers may have")
    assert pipeline.consumers()["df001"]["password"] != pipeline.live()["df001"]

    second = pipeline.run()
    assert second.returncode == 0, second.stdout
    assert summary(second) == {"fresh": NAMES, "published": ["df001"]}
    assert pipeline.consumers()["df001"]["password"] == pipeline.live()["df001"]


def test_a_consumer_that_is_down_ends_the_run_and_is_tried_last_from_then_on(
    pipeline: Pipeline, simulator: Simulator, tmp_path: Path
) -> None:
    consumers = Consumers(pipeline, tmp_path)
    (tmp_path / "publish.yml").write_text(yaml.safe_dump([ON_CONSUMER]), encoding="utf-8")
    del pipeline.options["verify_tasks"]
    before = pipeline.live()

    first = consumers.run("df001")
    assert first.returncode == 4
    assert pipeline.consumers() == {}
    assert [name for name, password in pipeline.live().items() if password != before[name]] == ["df001"]

    second = consumers.run("df001")
    assert second.returncode == 4
    assert "Handed over so far: 1, needing attention: 0" in second.stdout
    live = pipeline.live()
    assert {name: given["password"] for name, given in pipeline.consumers().items()} == {"df002": live["df002"]}

    third = consumers.run()
    assert third.returncode == 0
    assert summary(third) == {"fresh": NAMES, "published": ["df001"]}
    assert {name: given["password"] for name, given in pipeline.consumers().items()} == {"df001": live["df001"]}
    assert resets(simulator) == 2


@pytest.mark.any_core
def test_a_task_that_checks_the_consumer_lets_the_others_have_their_turn(pipeline: Pipeline, tmp_path: Path) -> None:
    """This is the example of the README."""
    consumers = Consumers(pipeline, tmp_path)
    examples = re.findall(r" *```yaml\n(.*?)```", (ROLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (each for each in examples if "ignore_unreachable" in each)
    host = "consumer-{{ ncp_dataforest_rotation_account.name }}"
    tasks = [
        task | ({"delegate_to": host} if "delegate_to" in task else {})
        for task in yaml.safe_load(textwrap.dedent(example))
    ]
    (tmp_path / "verify.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    (tmp_path / "publish.yml").write_text(yaml.safe_dump([ON_CONSUMER]), encoding="utf-8")

    done = consumers.run("df001", canary=0)
    assert done.returncode == 2
    assert summary(done) == {"rotated": NAMES, "published": ["df002"], "unpublished": ["df001"]}
    (df001,) = shown(done)["attention"]
    assert df001["reason"].startswith(
        'It was not handed over: the task "Stop here if it cannot be reached" of a verify '
    )
    assert list(pipeline.consumers()) == ["df002"]

    assert summary(consumers.run()) == {"fresh": NAMES, "published": ["df001"]}


def test_what_is_live_is_handed_over_also_when_the_host_of_the_role_itself_is_down(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    consumers = Consumers(pipeline, tmp_path)
    assert summary(pipeline.run(locked_out=("df001", "df002"), canary=0))["unpublished"] == NAMES
    live = pipeline.live()
    tasks = [{**HAND_OVER, "delegate_to": "localhost"}]
    (tmp_path / "publish.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    del pipeline.options["verify_tasks"]
    role = {"role": "krcloud.credentials.ncp_dataforest_rotation"}
    play = {"hosts": "consumer-df001", "gather_facts": False, "roles": [role]}
    done = consumers.run("df001", playbook=json.dumps([play]))
    assert done.returncode == 2
    assert summary(done) == {"failed": NAMES, "published": NAMES}
    assert {name: given["password"] for name, given in pipeline.consumers().items()} == live
