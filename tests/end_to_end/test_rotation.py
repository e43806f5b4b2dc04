# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ncp_dataforest_rotation as a user runs it: from the installed collection, into a file of Ansible Vault."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from end_to_end.canary import found, sinks
from simulator import Simulator

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

    def run(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run it, and return the result of the rotation."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        rotation = {
            "api_url": self._simulator.ncp_url,
            "access_key": self._simulator.access_key,
            "secret_key": self._simulator.secret_key,
            "store": {"path": str(self.store)},
            "retries": 0,
            **options,
        }
        tasks = [
            {"krcloud.credentials.ncp_dataforest_rotation": rotation, "register": "rotation", "ignore_errors": True},
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
        """The truth."""
        accounts = self._simulator.truth()["accounts"]["default"]
        return {name: account["password"] for name, account in accounts.items()}


@pytest.fixture
def pipeline(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Pipeline:
    return Pipeline(run_playbook, simulator, tmp_path)


def outcomes(result: dict[str, Any]) -> list[str]:
    return [account["outcome"] for account in result["accounts"]]


def resets(simulator: Simulator) -> int:
    return int(simulator.counters()["ncp"]["by_operation"].get("resetPassword", 0))


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
    assert "4 of 5 accounts done, 0 failed" in pipeline.output

    kept, sent = pipeline.store.read_bytes(), resets(simulator)
    second = pipeline.run()
    assert outcomes(second) == ["fresh"] * 5
    assert second["changed"] is False
    assert (pipeline.store.read_bytes(), resets(simulator)) == (kept, sent)

    # Consumers need no lookup: the file is a file of variables.
    assert pipeline.store.read_bytes().startswith(b"$ANSIBLE_VAULT;")
    assert pipeline.store.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_lost_answer_is_resumed_with_the_same_password(pipeline: Pipeline, simulator: Simulator, at: str) -> None:
    pipeline.run()
    simulator.fault(vendor="ncp", operation="resetPassword", kind="drop", at=at, times=0, match={"name": "df002"})
    struck = pipeline.run(force=True)
    assert outcomes(struck) == ["rotated", "unknown", "rotated", "rotated", "rotated"]
    assert struck["failed"] is True
    assert "Run the task again" in struck["msg"]
    envelope = pipeline.envelopes()["df002"]
    (pending,) = envelope["pending"]
    assert pipeline.live()["df002"] in (envelope["password"], pending["password"])

    simulator.clear()
    assert outcomes(pipeline.run("--check")) == ["fresh", "resumed", "fresh", "fresh", "fresh"]
    assert outcomes(pipeline.run()) == ["fresh", "resumed", "fresh", "fresh", "fresh"]
    assert pipeline.live()["df002"] == pipeline.envelopes()["df002"]["password"] == pending["password"]
    assert outcomes(pipeline.run()) == ["fresh"] * 5


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


def test_a_bad_day_is_bounded(pipeline: Pipeline, simulator: Simulator) -> None:
    simulator.fault(vendor="ncp", operation="resetPassword", kind="status", status=500, times=0)
    result = pipeline.run(batch_size=2, max_failures=1)
    assert outcomes(result) == ["unknown", "unknown", "skipped", "skipped", "skipped"]
    assert sorted(pipeline.envelopes()) == ["df001", "df002"]


def damage_passphrase(pipeline: Pipeline) -> None:
    pipeline.passphrase.write_text("another passphrase\n", encoding="utf-8")


def tear(pipeline: Pipeline) -> None:
    pipeline.store.write_bytes(pipeline.store.read_bytes()[:-200])


def replace_by_plain_text(pipeline: Pipeline) -> None:
    pipeline.store.write_text("dataforest_credentials: {}\n", encoding="utf-8")


def take_the_folder_away(pipeline: Pipeline) -> None:
    pipeline.store.parent.rename(pipeline.folder / "elsewhere")


@pytest.mark.parametrize("harm", [damage_passphrase, tear, replace_by_plain_text, take_the_folder_away])
def test_a_store_that_cannot_be_used_stops_the_run_before_any_reset(
    pipeline: Pipeline, simulator: Simulator, harm: Callable[[Pipeline], None]
) -> None:
    pipeline.run(accounts=[{"name": "df001"}])
    harm(pipeline)
    sent = resets(simulator)
    result = pipeline.run(force=True)
    assert result["failed"] is True
    assert result["error"]["kind"] == "store"
    assert "Traceback" not in pipeline.output
    assert resets(simulator) == sent


def test_no_password_is_seen_at_any_verbosity(pipeline: Pipeline, simulator: Simulator) -> None:
    pipeline.run("-vvvv", "--diff")
    outputs = [pipeline.output]
    simulator.fault(
        vendor="ncp", operation="resetPassword", kind="reject", times=2, match={"name": "df001"}, echo="raw"
    )
    pipeline.run("-vvvv", "--diff", force=True)
    outputs.append(pipeline.output)
    history = [entry["password"] for account in pipeline.envelopes().values() for entry in account["previous"]]
    passwords = [*pipeline.live().values(), *history]
    assert len(set(passwords)) == 10
    refused = json.loads(simulator.requests()[-1]["body"])["password"]
    secrets = [*passwords, refused, "a passphrase of the tests"]
    for output in outputs:
        assert found(secrets, output) == []
    for name, text in sinks(pipeline.folder, "playbook.yml", "passphrase"):
        assert found(secrets, text) == [], name
