# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real playbooks, run by the real command, with the collection as users install it: fixtures of two suites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from support.simulator import Simulator
from tooling import tree

# Next to the interpreter that runs the tests, and so from the ansible-core of this session.
BIN = Path(sys.executable).parent


class RunPlaybook(Protocol):
    """The type of the fixture run_playbook."""

    def __call__(
        self,
        playbook: str | Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        extra_vars: Mapping[str, Any] | None = None,
    ) -> subprocess.CompletedProcess[str]: ...


def isolated(home: Path) -> dict[str, str]:
    """An environment in which Ansible sees nothing of the person who runs the tests."""
    kept = {
        name: os.environ[name] for name in ("LANG", "LC_ALL", "NO_PROXY", "TMPDIR", "no_proxy") if name in os.environ
    }
    return {
        "LC_ALL": "C.UTF-8",
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        # A play that finds no host tests nothing: never let that pass.
        "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
    }


@pytest.fixture(scope="session")
def installed_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collections path that holds krcloud.credentials, built and installed by ansible-galaxy."""
    scratch = tmp_path_factory.mktemp("collection")
    return tree.install(BIN / "ansible-galaxy", scratch, isolated(scratch / "home"))


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    """One simulator for all tests. Use the fixture `simulator`."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """The simulator in its initial state."""
    running_simulator.reset()
    return running_simulator


def command(
    collections: Path,
    folder: Path,
    playbook: str | Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    extra_vars: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What `subprocess` needs to run a playbook, given as text or as a path, on localhost.

    Everything it leaves behind is in ``folder``.
    """
    if isinstance(playbook, str):
        (folder / "playbook.yml").write_text(playbook, encoding="utf-8")
        playbook = folder / "playbook.yml"
    home = folder / "home"
    home.mkdir(exist_ok=True)
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": host}}}), encoding="utf-8")
    words = [str(BIN / "ansible-playbook"), "--inventory", str(inventory), *arguments]
    if extra_vars:
        # In a file: the values may be secrets, and the arguments of a process are public.
        (folder / "extra_vars.json").write_text(json.dumps(extra_vars), encoding="utf-8")
        words += ["--extra-vars", f"@{folder / 'extra_vars.json'}"]
    return {
        "args": [*words, str(playbook)],
        "text": True,
        "cwd": folder,
        "stdin": subprocess.DEVNULL,
        "env": {**isolated(home), "ANSIBLE_COLLECTIONS_PATH": str(collections), **(env or {})},
    }


@pytest.fixture
def run_playbook(installed_collection: Path, tmp_path: Path) -> RunPlaybook:
    """Run a playbook to its end; see `command`."""

    def run(playbook: str | Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        given = command(installed_collection, tmp_path, playbook, *arguments, **more)
        return subprocess.run(**given, check=False, capture_output=True)

    return run
