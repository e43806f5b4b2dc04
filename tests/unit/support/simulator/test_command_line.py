# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""serve, start and stop, as a person and as a playbook use them."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

TESTS = Path(__file__).resolve().parents[3]
FOLDER = (sys.executable, str(TESTS / "support" / "simulator"))
MODULE = (sys.executable, "-m", "support.simulator")


def run(*arguments: str, command: tuple[str, ...] = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30, cwd=TESTS, check=False)


def test_start_and_stop(tmp_path: Path) -> None:
    folder = tmp_path / "sim"
    started = run("start", "--dir", str(folder), "--latency", "0.01")
    try:
        assert started.returncode == 0, started.stderr
        ready = json.loads(started.stdout)
        assert ready == json.loads((folder / "simulator.json").read_text())
        for name in ("simulator.json", "simulator.log"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert set(ready) >= {
            "pid",
            "ncp_url",
            "ncp_tls_url",
            "solapi_url",
            "solapi_tls_url",
            "control_url",
            "trap_url",
        }
        assert requests.get(f"{ready['control_url']}/settings", timeout=5).json()["latency"] == 0.01
        assert requests.post(f"{ready['ncp_tls_url']}/", verify=ready["ca_file"], timeout=5).status_code == 404

        again = run("start", "--dir", str(folder))
        assert again.returncode == 1
        assert "already running" in again.stderr
    finally:
        stopped = run("stop", "--dir", str(folder))
    assert stopped.stdout.startswith("stopped")
    assert not folder.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(ready["control_url"], timeout=5)
    once_more = run("stop", "--dir", str(folder))
    assert (once_more.returncode, once_more.stdout[:2]) == (0, "no")


def test_start_says_why_it_failed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("start", "--dir", str(tmp_path), "--ncp-port", str(port))
    assert result.returncode == 1
    assert result.stdout == ""
    assert "ended with 1 before it was ready" in result.stderr
    assert f"cannot listen on 127.0.0.1:{port} for ncp" in result.stderr
    assert "Traceback" not in result.stderr


def test_stop_spares_a_stranger(tmp_path: Path) -> None:
    """The process of a stale ready file may be anybody's by now."""
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        stale = {"pid": stranger.pid, "control_url": f"http://127.0.0.1:{port}", "token": "old"}
        (tmp_path / "simulator.json").write_text(json.dumps(stale))
        assert run("stop", "--dir", str(tmp_path)).returncode == 0
        assert stranger.poll() is None
        assert not (tmp_path / "simulator.json").exists()
    finally:
        stranger.communicate(b"\n", timeout=10)


def test_end_of_life(tmp_path: Path) -> None:
    result = run("serve", "--dir", str(tmp_path), "--quiet", "--max-lifetime", "0.2", command=MODULE)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(tmp_path: Path, number: int) -> None:
    command = [*FOLDER, "serve", "--dir", str(tmp_path), "--max-lifetime", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        assert process.stdout is not None
        summary = ""
        while "/reset\n" not in summary or not summary.endswith("\n\n"):
            line = process.stdout.readline()
            assert line, summary
            summary += line
        ready = json.loads((tmp_path / "simulator.json").read_text())
        for text in (ready["ncp_url"], ready["ca_file"], "SIMULATORACCESSKEY01", "export NCLOUD_ACCESS_KEY_ID="):
            assert text in summary
        url = f"{ready['solapi_url']}/users/v1/member/password/reset"
        requests.post(url, json={"email": "user@example.com", "password": "Canary-1"}, timeout=5)
        requests.post(f"{ready['ncp_url']}/api/v2/accounts/Canary-2", data="Canary-3", timeout=5)
        os.kill(process.pid, number)
        rest = process.stdout.read()
        watchdog.cancel()
    assert process.returncode == 0
    assert "solapi  reset          -           200  applied" in rest
    assert "ncp     unknown        -           404" in rest
    assert "Canary" not in rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
