# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of the module costs, counted and not timed: imports, connections, requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.simulator import Simulator
from tooling import tree

ACCOUNTS = 40
CONCURRENCY = 4

# Runs the module as AnsiballZ does, and writes the names of everything that it has imported to the second argument.
PROGRAM = """
import atexit, runpy, sys
from pathlib import Path
import ansible.module_utils.basic as basic

basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = Path(sys.argv[1]).read_bytes(), "legacy"
atexit.register(lambda: Path(sys.argv[2]).write_text(" ".join(sys.modules)))
name = "ansible_collections.krcloud.credentials.plugins.modules.ncp_dataforest_password"
runpy.run_module(name, run_name="__main__")
"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        simulator.accounts(count=ACCOUNTS)
        yield simulator


def run(simulator: Simulator, folder: Path, **options: Any) -> tuple[dict[str, Any], set[str]]:
    """Run the module; return its result, and everything that it imported."""
    connection = {name: getattr(simulator, name) for name in ("access_key", "secret_key")}
    arguments = {"api_url": simulator.ncp_url, **connection, **options}
    (folder / "arguments").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "arguments"), str(folder / "imported")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree.link()), "HOME": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout)), set((folder / "imported").read_text(encoding="utf-8").split())


def passwords(simulator: Simulator) -> list[dict[str, str]]:
    accounts = simulator.truth()["accounts"]["default"].values()
    return [{"id": account["id"], "password": f"Lean-{at:06}"} for at, account in enumerate(accounts)]


def test_a_run_imports_only_what_it_needs(simulator: Simulator, tmp_path: Path) -> None:
    result, imported = run(simulator, tmp_path, **passwords(simulator)[0])
    assert result["changed"] is True
    assert "urllib3" in imported
    own = {name.rpartition(".")[2] for name in imported if name.startswith("ansible_collections.krcloud.")}
    assert not own & {"_solapi", "plugin_utils"}
    # XML is for XML answers, profiles for those who use them, threads for more than one account, the rest for proxies.
    unused = {"xml", "xml.parsers.expat", "configparser", "concurrent.futures.thread", "requests"}
    assert not imported & unused


def test_a_bulk_reset_opens_no_more_connections_than_it_has_workers(simulator: Simulator, tmp_path: Path) -> None:
    result, _imported = run(simulator, tmp_path, accounts=passwords(simulator), concurrency=CONCURRENCY)
    assert [account["outcome"] for account in result["accounts"]] == ["reset"] * ACCOUNTS
    seen = simulator.counters()["ncp"]
    assert seen["by_operation"] == {"resetPassword": ACCOUNTS}
    assert seen["connections"] <= CONCURRENCY
    assert seen["peak"] <= CONCURRENCY
