# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said, shown and kept if a module leaves no result: its interpreter is missing, broken, too old or killed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import _PY_MIN

from support.simulator import Simulator
from tooling import interpreters

PASSWORD = "Invented-1x"
NOWHERE = "/opt/none/python3"

WRAPPERS = {
    # The module acts, and then nobody is left to say so.
    "killed": f'{sys.executable} "$@" >/dev/null; kill -9 $$',
    "silent": f'{sys.executable} "$@" >/dev/null; echo "pasted {PASSWORD}" >&2; exit 3',
    # Its result is there, mixed with other words.
    "talkative": f'echo \'{{"talk": "of the weather"}}\'; exec {sys.executable} "$@"',
    # The module acts, and something else prints a result.
    "impostor": f'{sys.executable} "$@" >/dev/null; echo \'{{"changed": false, "msg": "all is well"}}\'',
    # The module never acts.
    "false": "exit 1",
    "cat": 'cat "$@"',
}


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[str], str]:
    """The path of an interpreter that is not what it should be."""

    def make(kind: str) -> str:
        if kind == "missing":
            return NOWHERE
        path = tmp_path / kind
        path.write_text(f"#!/bin/sh\n{WRAPPERS.get(kind, '')}\n", encoding="utf-8")
        path.chmod(0o600 if kind == "not executable" else 0o755)
        return str(path)

    return make


class Site:
    """One task with an interpreter of its own."""

    def __init__(self, run_playbook: Any, simulator: Simulator, folder: Path) -> None:
        self._run_playbook, self.simulator, self.folder = run_playbook, simulator, folder
        self.output = ""
        (folder / "passphrase").write_text("an invented passphrase", encoding="utf-8")

    def run(self, module: str, options: dict[str, Any], interpreter: str, **keywords: Any) -> dict[str, Any]:
        """Run the task as verbosely as possible, and return its result."""
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        tasks = [
            {
                f"krcloud.credentials.{module}": options,
                "register": "result",
                "ignore_errors": True,
                "vars": {"ansible_python_interpreter": interpreter},
                **keywords,
            },
            {"ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(result), "mode": "0600"}},
        ]
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        passphrase = f"--vault-password-file={self.folder / 'passphrase'}"
        done = self._run_playbook(json.dumps(play), passphrase, "-v")
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output
        return dict(json.loads(result.read_text(encoding="utf-8")))

    def ncp(self, **options: Any) -> dict[str, Any]:
        keys = {name: getattr(self.simulator, name) for name in ("access_key", "secret_key")}
        return {"api_url": self.simulator.ncp_url, "retries": 0, **keys, **options}

    def set(self, interpreter: str, **keywords: Any) -> dict[str, Any]:
        return self.run("ncp_dataforest_password", self.ncp(name="df001", password=PASSWORD), interpreter, **keywords)

    def rotate(self, interpreter: str) -> dict[str, Any]:
        store = {"path": str(self.folder / "store.yml")}
        options = self.ncp(store=store, accounts=[{"name": "df001"}], new_accounts="rotate")
        return self.run("ncp_dataforest_rotation", options, interpreter)

    def mail(self, interpreter: str) -> dict[str, Any]:
        store = {"path": str(self.folder / "mails.yml")}
        mail = {"api_url": self.simulator.solapi_url, "email": "member@example.com"}
        return self.run("solapi_password_reset", {**mail, "store": store, "min_interval": "30d"}, interpreter)

    def sent(self) -> int:
        """How many passwords and mails the vendors have accepted."""
        return sum(int(vendor["writes"]) for name, vendor in self.simulator.counters().items() if name != "trap")


@pytest.fixture
def site(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Site:
    return Site(run_playbook, simulator, tmp_path)


@pytest.mark.parametrize(
    ("kind", "expected", "says", "sent"),
    [
        ("missing", "configuration", NOWHERE, 0),
        ("not executable", "configuration", "(exit status 126)", 0),
        ("false", "unknown_outcome", "The module returned no result (exit status 1).", 0),
        ("cat", "unknown_outcome", "The module returned no result (exit status 0): ", 0),
        ("killed", "unknown_outcome", "The module returned no result (exit status 137)", 1),
        ("silent", "unknown_outcome", "(exit status 3): pasted ********.", 1),
        ("talkative", "unknown_outcome", "of the weather", 1),
        ("impostor", "unknown_outcome", "took something else for one", 1),
    ],
)
def test_a_password_is_set_or_not(
    site: Site, interpreter: Callable[[str], str], kind: str, expected: str, says: str, sent: int
) -> None:
    result = site.set(interpreter(kind))
    assert result["failed"] is True
    assert (result["error"]["kind"], result["changed"]) == (expected, expected == "unknown_outcome")
    assert says in result["msg"]
    outcomes = [(row["name"], row["outcome"]) for row in result.get("accounts", [])]
    assert outcomes == ([("df001", "unknown")] if expected == "unknown_outcome" else [])
    assert site.sent() == sent
    assert PASSWORD not in site.output
    assert site.simulator.secret_key not in site.output


@pytest.mark.parametrize("kind", ["missing", "not executable"])
def test_a_rotation_that_never_began_changes_nothing(site: Site, interpreter: Callable[[str], str], kind: str) -> None:
    result = site.rotate(interpreter(kind))
    (row,) = result["accounts"]
    assert (row["outcome"], row["error"]["kind"], result["changed"]) == ("failed", "configuration", False)
    assert "did not begin (exit status 12" in result["msg"]
    assert not (site.folder / "store.yml").exists()


def test_a_rotation_whose_resets_never_begin_keeps_what_it_staged(site: Site, tmp_path: Path) -> None:
    """The listing works, and then the interpreter is gone."""
    once = tmp_path / "once"
    once.write_text(f'#!/bin/sh\nmv {once} {once}.gone\nexec {sys.executable} "$@"\n', encoding="utf-8")
    once.chmod(0o755)
    result = site.rotate(str(once))
    (row,) = result["accounts"]
    assert (row["outcome"], row["error"]["kind"]) == ("failed", "configuration")
    assert site.sent() == 0
    assert site.rotate(sys.executable)["accounts"][0]["outcome"] in ("rotated", "resumed")


@pytest.mark.parametrize("kind", ["killed", "talkative"])
def test_a_reset_whose_result_is_lost_is_resumed(site: Site, interpreter: Callable[[str], str], kind: str) -> None:
    # Only the second run of a module, which is the reset, uses it.
    path = Path(interpreter(kind))
    moved = path.rename(path.with_suffix(".broken"))
    path.write_text(f'#!/bin/sh\nmv {moved} {path}\nexec {sys.executable} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    result = site.rotate(str(path))
    (row,) = result["accounts"]
    assert (row["outcome"], row["error"]["kind"], site.sent()) == ("unknown", "unknown_outcome", 1)
    assert site.rotate(sys.executable)["accounts"][0]["outcome"] == "resumed"


def test_a_mail_that_was_never_asked_for_may_be_asked_for(site: Site, interpreter: Callable[[str], str]) -> None:
    assert site.mail(interpreter("missing"))["error"]["kind"] == "configuration"
    assert site.mail(sys.executable)["delivery"] == "accepted"
    assert site.sent() == 1


OLD = [python for python in ("3.7", "3.8") if tuple(map(int, python.split("."))) < _PY_MIN]


@pytest.mark.parametrize("version", OLD)
def test_a_python_that_is_too_old(site: Site, version: str) -> None:
    path = shutil.which(f"python{version}", path=os.pathsep.join(interpreters.search_path()))
    if path is None:
        pytest.skip(f"needs Python {version}")
    result = site.set(path)
    assert result["error"]["kind"] == "configuration"
    assert f"Current version: {version}" in result["msg"] or "SyntaxError" in result["msg"]
    assert "ansible_python_interpreter" in result["msg"]
    assert site.sent() == 0


def test_a_user_that_nobody_can_become(site: Site) -> None:
    if shutil.which("su") is None:
        pytest.skip("needs su")
    result = site.set(sys.executable, become=True, become_user="nobody-of-that-name", become_method="su")
    assert result["failed"] is True
    assert "become user" in result["msg"]
    assert result["error"]["kind"] == "configuration"
    assert site.sent() == 0
