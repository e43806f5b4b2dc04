# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ncp_dataforest_rotation as a user runs it: from the installed collection, into a file of Ansible Vault."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from support.canary import found, sinks
from support.simulator import Simulator
from support.stores.openbao import OpenBao

NAMES = ["df001", "df002", "df003", "df004", "df005"]


class Pipeline:
    """One playbook with a rotation and its store, run as often as a test likes."""

    def __init__(self, run_playbook: Any, simulator: Simulator, folder: Path) -> None:
        self._run_playbook = run_playbook
        self._simulator = simulator
        self.folder = folder
        self.store = folder / "store" / "dataforest.yml"
        self.store.parent.mkdir()
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("a passphrase of the tests\n", encoding="utf-8")
        self.output = ""
        self.vars: dict[str, Any] = {}

    def run(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run the playbook, and return the result of the rotation."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        rotation = {
            "api_url": self._simulator.ncp_url,
            "access_key": self._simulator.access_key,
            "secret_key": self._simulator.secret_key,
            "store": {"path": str(self.store)},
            "new_accounts": "rotate",
            "retries": 0,
            **options,
        }
        tasks = [
            {
                "krcloud.credentials.ncp_dataforest_rotation": rotation,
                "register": "rotation",
                "ignore_errors": True,
                "vars": self.vars,
            },
            {
                "ansible.builtin.copy": {"content": "{{ rotation | to_json }}", "dest": str(result), "mode": "0600"},
                "check_mode": False,
                "diff": False,
            },
        ]
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        done = self._run_playbook(json.dumps(play), f"--vault-password-file={self.passphrase}", *arguments)
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output
        return dict(json.loads(result.read_text(encoding="utf-8")))

    def hold(self, name: str, until: str, **reason: str) -> None:
        """Set or end a hold."""
        hold = {"name": name, "hold_until": until, "store": {"path": str(self.store)}, **reason}
        play = [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "tasks": [{"krcloud.credentials.ncp_dataforest_credential": hold}],
            }
        ]
        done = self._run_playbook(json.dumps(play), f"--vault-password-file={self.passphrase}")
        assert done.returncode == 0, done.stdout + done.stderr

    def envelopes(self) -> dict[str, Any]:
        """What `ansible-vault view` shows of the store."""
        command = [
            str(Path(sys.executable).with_name("ansible-vault")),
            "view",
            f"--vault-password-file={self.passphrase}",
            str(self.store),
        ]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return dict(yaml.safe_load(shown)["dataforest_credentials"])

    def live(self) -> dict[str, str]:
        """The live passwords, as the vendor knows them."""
        accounts = self._simulator.truth()["accounts"]["default"]
        return {name: account["password"] for name, account in accounts.items()}


@pytest.fixture
def pipeline(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Pipeline:
    return Pipeline(run_playbook, simulator, tmp_path)


@pytest.fixture
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def outcomes(result: dict[str, Any]) -> list[str]:
    return [account["outcome"] for account in result["accounts"]]


def resets(simulator: Simulator) -> int:
    return int(simulator.counters()["ncp"]["by_operation"].get("resetPassword", 0))


@pytest.mark.any_core
def test_what_was_planned_is_rotated_without_a_listing(pipeline: Pipeline, simulator: Simulator) -> None:
    """As the roles ask for it: with a variable of the task, which users have no option for."""
    planned = "{{ lookup('ansible.builtin.file', 'plan.json') | from_json }}"
    plan = pipeline.run("--check")["accounts"]
    (pipeline.folder / "plan.json").write_text(json.dumps([plan[3], plan[1]]), encoding="utf-8")
    pipeline.vars = {"__ncp_dataforest_rotation_planned": planned}
    lists = simulator.counters()["ncp"]["by_operation"]["getList"]
    result = pipeline.run()
    assert [row["name"] for row in result["accounts"]] == [NAMES[3], NAMES[1]]
    assert outcomes(result) == ["rotated", "rotated"]
    assert simulator.counters()["ncp"]["by_operation"]["getList"] == lists
    for nothing in ("{{ none }}", "{{ [] }}", "{{ absent }}"):
        pipeline.vars = {"__ncp_dataforest_rotation_planned": nothing}
        assert pipeline.run()["failed"] is True
    assert resets(simulator) == 2


def test_predicts_then_rotates_then_is_quiet(pipeline: Pipeline, simulator: Simulator) -> None:
    before = pipeline.live()
    predicted = pipeline.run("--check", "--diff")
    assert outcomes(predicted) == ["rotated"] * 5
    assert predicted["changed"] is True
    assert not pipeline.store.exists()
    assert pipeline.live() == before

    first = pipeline.run(batch_size=2)
    assert outcomes(first) == outcomes(predicted)
    assert [account["name"] for account in first["accounts"]] == NAMES
    assert first["summary"] == {**dict.fromkeys(first["summary"], 0), "rotated": 5}
    assert pipeline.live() == {name: envelope["password"] for name, envelope in pipeline.envelopes().items()}
    assert not set(before.values()) & set(pipeline.live().values())
    assert "4 of 5 accounts done, needing attention: 0" in pipeline.output

    kept, sent = pipeline.store.read_bytes(), resets(simulator)
    second = pipeline.run()
    assert outcomes(second) == ["fresh"] * 5
    assert second["changed"] is False
    assert (pipeline.store.read_bytes(), resets(simulator)) == (kept, sent)

    # Consumers need no lookup: the file is a file of variables.
    assert pipeline.store.read_bytes().startswith(b"$ANSIBLE_VAULT;")
    assert pipeline.store.stat().st_mode & 0o777 == 0o600


@pytest.mark.any_core
def test_lost_answers_are_resumed_with_the_same_passwords(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.run()
    old = pipeline.live()
    for name, at in (("df002", "before"), ("df004", "after")):
        simulator.fault(vendor="ncp", operation="resetPassword", kind="drop", at=at, times=0, match={"name": name})
    struck = pipeline.run("--diff", force=True)
    assert outcomes(struck) == ["rotated", "unknown", "rotated", "unknown", "rotated"]
    assert struck["failed"] is True
    assert "Run the task again to send it once more" in struck["msg"]
    assert "df002: unsettled, " in struck["diff"]["after"]
    pending = {}
    for name in ("df002", "df004"):
        (candidate,) = pipeline.envelopes()[name]["pending"]
        pending[name] = candidate["password"]
    assert (pipeline.live()["df002"], pipeline.live()["df004"]) == (old["df002"], pending["df004"])

    simulator.clear()
    predicted = pipeline.run("--check", "--diff")
    resumed = pipeline.run("--diff")
    assert outcomes(predicted) == outcomes(resumed) == ["fresh", "resumed", "fresh", "resumed", "fresh"]
    assert predicted["diff"]["after"] == resumed["diff"]["after"] == "df002: active, 0s old\ndf004: active, 0s old\n"
    for name, password in pending.items():
        assert pipeline.live()[name] == pipeline.envelopes()[name]["password"] == password


@pytest.mark.any_core
def test_an_undocumented_answer_costs_no_candidate(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.run()
    odd: list[dict[str, Any]] = [
        {"kind": "accepted"},
        {"kind": "code_zero"},
        {"kind": "status", "status": 200, "envelope": "b", "code": "900"},
        {"kind": "status", "status": 404, "envelope": "b", "code": "510"},
        {"kind": "status", "status": 400, "envelope": "code"},
    ]
    for name, fault in zip(NAMES, odd, strict=True):
        simulator.fault(vendor="ncp", operation="resetPassword", at="after", times=0, match={"name": name}, **fault)
    struck = pipeline.run(force=True)
    assert outcomes(struck) == ["unknown"] * 5
    # Each was applied: the store holds every live password.
    assert pipeline.live() == {name: held["pending"][0]["password"] for name, held in pipeline.envelopes().items()}
    simulator.clear()
    assert outcomes(pipeline.run()) == ["resumed"] * 5
    assert pipeline.live() == {name: held["password"] for name, held in pipeline.envelopes().items()}


@pytest.mark.any_core
def test_a_list_that_is_not_whole_is_not_a_list_of_nobody(pipeline: Pipeline, simulator: Simulator) -> None:
    simulator.fault(vendor="ncp", operation="getList", kind="no_contents", count=5, times=0)
    result = pipeline.run()
    assert result["failed"] is True
    assert "NAVER Cloud listed 0 of 5 accounts." in result["msg"]
    assert resets(simulator) == 0


@pytest.mark.any_core
def test_the_same_in_openbao(pipeline: Pipeline, simulator: Simulator, openbao: OpenBao) -> None:
    token = openbao.token('path "secret/*" { capabilities = ["create", "read", "update", "list"] }')
    store = {"type": "hashi_vault", "url": openbao.url, "token": token}
    assert outcomes(pipeline.run("-vvvv", "--diff", store=store)) == ["rotated"] * 5
    output = pipeline.output
    kept = {name: openbao.do("GET", f"secret/data/dataforest/{name}")["data"] for name in NAMES}
    assert {name: data["data"]["password"] for name, data in kept.items()} == pipeline.live()
    sent = resets(simulator)
    second = pipeline.run(store=store)
    assert (outcomes(second), second["changed"], resets(simulator)) == (["fresh"] * 5, False, sent)
    assert kept == {name: openbao.do("GET", f"secret/data/dataforest/{name}")["data"] for name in NAMES}
    assert not pipeline.store.exists()
    assert found([token, *pipeline.live().values()], output) == []
    for name, text in sinks(pipeline.folder, "playbook.yml"):
        assert found(pipeline.live().values(), text) == [], name

    away = pipeline.run(store={**store, "url": "http://127.0.0.1:9", "retries": 0}, force=True)
    assert (away["failed"], away["error"]["kind"], resets(simulator)) == (True, "store", sent)


@pytest.mark.any_core
def test_a_password_that_is_always_refused_stops_after_three(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.run()
    before = pipeline.live()
    sent = resets(simulator)
    simulator.fault(vendor="ncp", operation="resetPassword", kind="reject", times=0, match={"name": "df003"})
    refused = pipeline.run(accounts=[{"name": "df003"}], force=True)
    assert outcomes(refused) == ["rejected"]
    assert resets(simulator) == sent + 3
    assert pipeline.live() == before
    assert pipeline.envelopes()["df003"]["password"] == before["df003"]
    assert pipeline.envelopes()["df003"]["pending"] == []


@pytest.mark.any_core
def test_a_refused_key_and_a_missing_account_fail_by_themselves(pipeline: Pipeline, simulator: Simulator) -> None:
    accounts = [
        {"name": "df001"},
        {"name": "gone"},
        {"name": "df002", "access_key": simulator.access_key, "secret_key": "not the secret key"},
    ]
    result = pipeline.run(accounts=accounts)
    assert outcomes(result) == ["rotated", "failed", "failed"]
    assert [account["error"] and account["error"]["kind"] for account in result["accounts"]][1] == "not_found"
    assert "df001" in pipeline.envelopes()
    assert "df002" not in pipeline.envelopes()


@pytest.mark.any_core
def test_a_bad_day_is_bounded(pipeline: Pipeline, simulator: Simulator) -> None:
    simulator.fault(vendor="ncp", operation="resetPassword", kind="status", status=500, times=0)
    result = pipeline.run(batch_size=2, max_failures=2)
    assert outcomes(result) == ["unknown", "unknown", "skipped", "skipped", "skipped"]
    assert sorted(pipeline.envelopes()) == ["df001", "df002"]


def another_passphrase(pipeline: Pipeline) -> None:
    pipeline.passphrase.write_text("another passphrase\n", encoding="utf-8")


def torn(pipeline: Pipeline) -> None:
    pipeline.store.write_bytes(pipeline.store.read_bytes()[:-200])


def plain_text(pipeline: Pipeline) -> None:
    pipeline.store.write_text("dataforest_credentials: {}\n", encoding="utf-8")


def no_folder(pipeline: Pipeline) -> None:
    shutil.rmtree(pipeline.store.parent)


@pytest.mark.any_core
def test_a_store_that_cannot_be_used_stops_the_run_before_any_reset(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.run(accounts=[{"name": "df001"}])
    whole, phrase = pipeline.store.read_bytes(), pipeline.passphrase.read_text(encoding="utf-8")
    sent = resets(simulator)
    for harm in (another_passphrase, torn, plain_text, no_folder):
        harm(pipeline)
        result = pipeline.run(force=True)
        assert result["failed"] is True, harm
        assert result["error"]["kind"] == "store", harm
        assert result["error"]["hint"], harm
        assert "Traceback" not in pipeline.output
        assert resets(simulator) == sent
        pipeline.store.parent.mkdir(exist_ok=True)
        pipeline.store.write_bytes(whole)
        pipeline.passphrase.write_text(phrase, encoding="utf-8")


@pytest.mark.any_core
def test_after_an_incident_what_was_made_before_it_is_replaced_and_that_once(
    pipeline: Pipeline, simulator: Simulator
) -> None:
    pipeline.run()
    stolen = pipeline.live()
    time.sleep(1)  # passwords are dated in whole seconds
    moment = time_text(time.time())
    predicted = pipeline.run("--check", rotated_before=moment)
    assert (predicted["summary"]["rotated"], predicted["rotated_before"]) == (5, moment)
    assert pipeline.live() == stolen

    simulator.fault(vendor="ncp", operation="resetPassword", match={"name": "df002"}, kind="drop", at="after")
    struck = pipeline.run(rotated_before=moment)
    assert outcomes(struck) == ["rotated", "unknown", "rotated", "rotated", "rotated"]
    # As YAML reads it without quotes, and with another zone.
    again = pipeline.run(rotated_before=f"{{{{ '{moment}' | ansible.builtin.from_yaml }}}}")
    assert outcomes(again) == ["fresh", "resumed", "fresh", "fresh", "fresh"]
    assert resets(simulator) == 11
    assert not set(stolen.values()) & set(pipeline.live().values())
    there = datetime.fromisoformat(moment).astimezone(timezone(timedelta(hours=9)))
    quiet = pipeline.run(rotated_before=there.isoformat())
    assert (quiet["changed"], quiet["rotated_before"]) == (False, moment)
    assert resets(simulator) == 11


@pytest.mark.any_core
def test_after_an_incident_an_account_on_hold_is_a_failure_until_it_is_replaced(
    pipeline: Pipeline, simulator: Simulator
) -> None:
    pipeline.run()
    stolen = pipeline.live()
    time.sleep(1)  # passwords are dated in whole seconds
    moment = time_text(time.time())
    pipeline.hold("df003", "2999-01-01T00:00:00+09:00", hold_reason="The audit team works with it.")
    assert outcomes(pipeline.run()) == ["fresh", "fresh", "skipped", "fresh", "fresh"]

    most = ["rotated", "rotated", "failed", "rotated", "rotated"]
    said = (
        "1 of 5 accounts needs attention: 1 failed. df003: df003 is on hold until 2998-12-31T15:00:00Z: The audit team "
        "works with it. Its live password may have been made before rotated_before, and was not replaced. End the hold "
        "by running ncp_dataforest_credential with hold_until set to now, then run again with the same rotated_before. "
        f"The store is {pipeline.store}."
    )
    for arguments, wanted in (
        (("--check",), most),
        ((), most),
        ((), ["fresh", "fresh", "failed", "fresh", "fresh"]),
    ):
        result = pipeline.run(*arguments, rotated_before=moment)
        assert outcomes(result) == wanted
        assert (result["failed"], result["msg"]) == (True, said)
    assert resets(simulator) == 9
    assert pipeline.live()["df003"] == stolen["df003"]
    # What is made since may be on hold as well.
    pipeline.hold("df001", "2999-01-01T00:00:00+09:00")
    pipeline.hold("df003", "now")
    for wanted in ("rotated", "fresh"):
        result = pipeline.run(rotated_before=moment)
        assert outcomes(result) == ["skipped", "fresh", wanted, "fresh", "fresh"]
        assert result["failed"] is False
    assert resets(simulator) == 10
    assert not set(stolen.values()) & set(pipeline.live().values())


def test_a_moment_that_makes_no_sense_is_refused_before_anything(pipeline: Pipeline, simulator: Simulator) -> None:
    tomorrow = time_text(time.time() + 86400)
    for arguments, moment, said in (
        ((), tomorrow, "rotated_before is not valid: it lies in the future."),
        (("--check",), tomorrow, "rotated_before is not valid: it lies in the future."),
        ((), "{{ '2026-11-02 10:00:00' | ansible.builtin.from_yaml }}", "it has no time zone. Add Z for UTC"),
    ):
        refused = pipeline.run(*arguments, rotated_before=moment)
        assert refused["failed"] is True
        assert refused["error"]["kind"] == "configuration"
        assert said in refused["msg"]
    assert simulator.counters()["ncp"]["by_operation"] == {}
    assert not pipeline.store.exists()
