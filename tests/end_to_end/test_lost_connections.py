# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection never runs a module twice that sends passwords or mails: with a real ssh and a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from end_to_end.ssh_server import SshServer
from support.playbooks import BIN
from support.simulator import Simulator

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh client")


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer() as server:
        yield server


class Site:
    """A play that uses the server, with `ansible_ssh_retries` set."""

    def __init__(self, run_playbook: Any, simulator: Simulator, server: SshServer, folder: Path) -> None:
        self._run_playbook, self._simulator, self._server = run_playbook, simulator, server
        self.folder = folder
        self.store = folder / "store.yml"
        self.output = ""
        (folder / "passphrase").write_text("an invented passphrase", encoding="utf-8")

    def run(self, module: str, options: dict[str, Any], *arguments: str, **variables: Any) -> dict[str, Any]:
        """Run one task, and return its result."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        tasks = [
            {f"krcloud.credentials.{module}": options, "register": "result", "ignore_errors": True},
            {
                "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(result), "mode": "0600"},
                "delegate_to": "127.0.0.9",
                "vars": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                "check_mode": False,
            },
        ]
        play = {"hosts": "localhost", "gather_facts": False, "vars": self._server.variables(**variables)}
        done = self._run_playbook(
            json.dumps([{**play, "tasks": tasks}]), f"--vault-password-file={self.folder / 'passphrase'}", *arguments
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output
        return dict(json.loads(result.read_text(encoding="utf-8")))

    def ncp(self, **options: Any) -> dict[str, Any]:
        keys = {name: getattr(self._simulator, name) for name in ("access_key", "secret_key")}
        return {"api_url": self._simulator.ncp_url, "retries": 0, **keys, **options}

    def rotate(self, *arguments: str, **variables: Any) -> dict[str, Any]:
        accounts = [{"name": name} for name in ("df001", "df002")]
        options = self.ncp(store={"path": str(self.store)}, accounts=accounts, new_accounts="rotate")
        return self.run("ncp_dataforest_rotation", options, *arguments, **variables)

    def kept(self) -> set[str]:
        """Every password in the store."""
        command = ["ansible-vault", "view", f"--vault-password-file={self.folder / 'passphrase'}", str(self.store)]
        command[0] = str(BIN / command[0])
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        envelopes = yaml.safe_load(text)["dataforest_credentials"].values()
        rows = [row for envelope in envelopes for row in (envelope, *envelope["pending"], *envelope["previous"])]
        return {row["password"] for row in rows if row.get("password")}

    def live(self) -> set[str]:
        """The passwords that the vendor accepts."""
        accounts = self._simulator.truth()["accounts"]["default"]
        return {accounts[name]["password"] for name in ("df001", "df002")}


@pytest.fixture
def site(run_playbook: Any, simulator: Simulator, server: SshServer, tmp_path: Path) -> Site:
    return Site(run_playbook, simulator, server, tmp_path)


def once_after(happened: Callable[[], int], times: int = 1) -> Callable[[], bool]:
    """Return a function that makes a session die, ``times`` times, if something has happened since the last look."""
    seen = [happened(), times]

    def dies() -> bool:
        before, seen[0] = seen[0], happened()
        if seen[0] == before or not seen[1]:
            return False
        seen[1] -= 1
        return True

    return dies


def done(simulator: Simulator, vendor: str, operation: str) -> Callable[[], int]:
    return lambda: int(simulator.counters()[vendor]["by_operation"].get(operation, 0))


def resets(simulator: Simulator) -> Callable[[], int]:
    return done(simulator, "ncp", "resetPassword")


PIPELINING = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "by file"])


@PIPELINING
def test_a_rotation_is_not_repeated(site: Site, simulator: Simulator, server: SshServer, pipelining: bool) -> None:
    server.dies = once_after(resets(simulator), times=9)
    result = site.rotate(ansible_pipelining=pipelining)
    assert resets(simulator)() == 2
    assert [row["outcome"] for row in result["accounts"]] == ["unknown", "unknown"]
    assert result["unreachable"] is True
    assert site.live() <= site.kept()

    server.dies = lambda: False
    result = site.rotate(ansible_pipelining=pipelining)
    assert [row["outcome"] for row in result["accounts"]] == ["resumed", "resumed"]
    assert resets(simulator)() == 4


def test_a_rotation_is_not_repeated_after_a_shared_connection_was_broken(
    site: Site, simulator: Simulator, server: SshServer
) -> None:
    """In this case, the ssh plugin repeats a command whatever the retries of the user are."""
    broken = site.folder / "ssh"
    says = "echo 'mux_client_hello_exchange: write packet: Broken pipe' >&2"
    broken.write_text(f'#!/bin/sh\n{says}\nexec {shutil.which("ssh")} "$@"\n', encoding="utf-8")
    broken.chmod(0o700)
    server.dies = once_after(resets(simulator), times=9)
    result = site.rotate(ansible_ssh_executable=str(broken), ansible_ssh_retries=0)
    assert resets(simulator)() == 2
    assert [row["outcome"] for row in result["accounts"]] == ["unknown", "unknown"]
    assert site.live() <= site.kept()


def test_the_live_password_is_kept_though_the_vendor_refuses_another_at_once(
    site: Site, simulator: Simulator, server: SshServer
) -> None:
    before = site.live()
    server.dies = once_after(lambda: int(simulator.counters()["ncp"]["writes"]), times=9)
    for name in ("df001", "df002"):
        simulator.fault(vendor="ncp", operation="resetPassword", kind="reject", match={"name": name}, skip=1, times=0)
    site.rotate()
    assert not site.live() & before
    assert site.live() <= site.kept()


def test_one_mail_is_sent(site: Site, simulator: Simulator, server: SshServer) -> None:
    mail = {"api_url": simulator.solapi_url, "email": "member@example.com", "retries": 0}
    stored = {**mail, "store": {"path": str(site.folder / "mails.yml")}, "min_interval": "30d"}
    server.dies = once_after(lambda: len(simulator.truth()["mails"]), times=9)
    for options in (stored, mail):
        before = len(simulator.truth()["mails"])
        result = site.run("solapi_password_reset", options)
        assert len(simulator.truth()["mails"]) == before + 1
        assert (result["failed"], result["changed"], result["unreachable"]) == (True, True, True)
        assert (result["error"]["kind"], result["delivery"]) == ("unknown_outcome", "unknown")
    assert site.run("solapi_password_reset", stored)["delivery"] == "unknown"
    assert len(simulator.truth()["mails"]) == 2


def test_a_password_is_set_once(site: Site, simulator: Simulator, server: SshServer) -> None:
    server.dies = once_after(resets(simulator), times=9)
    result = site.run("ncp_dataforest_password", site.ncp(name="df001", password="Invented-1x"))
    assert resets(simulator)() == 1
    assert (result["changed"], result["error"]["kind"]) == (True, "unknown_outcome")
    assert "Invented-1x" not in site.output


def test_the_connection_is_still_opened_with_the_retries_of_the_user(
    site: Site, simulator: Simulator, server: SshServer
) -> None:
    server.refusals = 2
    result = site.run("ncp_dataforest_password", site.ncp(name="df001", password="Invented-1x"))
    assert result["accounts"][0]["outcome"] == "reset"
    assert server.refusals == 0


def test_nothing_was_sent_where_the_connection_never_opens(site: Site, simulator: Simulator, server: SshServer) -> None:
    server.refusals = 99
    result = site.rotate(ansible_ssh_retries=1)
    assert {row["error"]["kind"] for row in result["accounts"]} == {"transport"}
    assert (result["unreachable"], result["changed"]) == (True, False)
    assert resets(simulator)() == 0


def test_nothing_was_sent_where_the_connection_is_lost_before_the_module_begins(
    site: Site, simulator: Simulator, server: SshServer
) -> None:
    """It is lost while the folder for the module is made."""
    server.dies = lambda: True
    by_file = {"ansible_pipelining": False, "ansible_python_interpreter": sys.executable, "ansible_ssh_retries": 0}
    result = site.run("ncp_dataforest_password", site.ncp(name="df001", password="Invented-1x"), **by_file)
    assert (result["error"]["kind"], result["changed"], result["unreachable"]) == ("transport", False, True)
    assert simulator.requests() == []


def test_listing_and_check_mode_keep_the_retries_of_the_user(
    site: Site, simulator: Simulator, server: SshServer
) -> None:
    lists = done(simulator, "ncp", "getList")
    server.dies = once_after(lists)
    result = site.run("ncp_dataforest_account_info", site.ncp())
    assert (len(result["accounts"]), lists()) == (5, 2)

    server.dies = once_after(lists)
    result = site.run("ncp_dataforest_password", site.ncp(name="df001", password="Invented-1x"), "--check")
    assert (result["accounts"][0]["outcome"], lists()) == ("reset", 4)
    assert resets(simulator)() == 0
