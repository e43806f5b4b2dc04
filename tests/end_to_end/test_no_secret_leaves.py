# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret stands in any output at -vvvv --diff with no_log off, whatever the vendors answer and the user mistypes."""

from __future__ import annotations

import json
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from end_to_end.canary import forms, found, sinks
from simulator import Simulator
from simulator.passwords import ECHOES

# Each passes the published rules, so that it is sent, and is awkward in some encoding.
PASSWORDS = ("Zq7<%>+=;x{}#$^*~|?", "aB3%41%2Bx:@!()[]-_.", "Kt9+Kt9-Kt9_Kt9,", "09234e1Xy!")
# Never sent as they are, so that all characters may occur.
SECRET_KEY = "s3cr\"et'\\<&>%+ 키와 비밀번호=k"
INPUTS = ("playbook.yml", "extra_vars.json", "configure")


def play(tasks: list[dict[str, Any]], simulator: Simulator, **ncp: str) -> str:
    """A playbook of tasks that may fail, each with the simulator's keys by default."""
    keys = {"access_key": simulator.access_key, "secret_key": simulator.secret_key, **ncp}
    document = {
        "hosts": "localhost",
        "gather_facts": False,
        "ignore_errors": True,
        "module_defaults": {
            "group/krcloud.credentials.ncp": {"api_url": simulator.ncp_url, "retries": 0, **keys},
            "group/krcloud.credentials.solapi": {"api_url": simulator.solapi_url, "retries": 0},
        },
        "tasks": tasks,
    }
    return json.dumps([document])


def reset(**options: Any) -> dict[str, Any]:
    return {"krcloud.credentials.ncp_dataforest_password": options, "register": "result"}


@pytest.fixture
def assert_silent(run_playbook: Any, tmp_path: Path, simulator: Simulator) -> Any:
    """Run a playbook as talkatively as can be, and search all that it leaves for secrets."""

    def run(tasks: list[dict[str, Any]], secrets: tuple[str, ...], failing: int, **ncp: str) -> str:
        log = tmp_path / "ansible.log"
        env = {
            "ANSIBLE_LOG_PATH": str(log),
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
            "ANSIBLE_INJECT_INVOCATION": "true",
            "ANSIBLE_CALLBACK_RESULT_INDENTATION": "1",
        }
        variables = {"passwords": PASSWORDS, "secret_key": SECRET_KEY}
        done = run_playbook(play(tasks, simulator, **ncp), "-vvvv", "--diff", env=env, extra_vars=variables)
        assert f"ignored={failing} " in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
        assert log.stat().st_size > 1000
        texts = {"standard output": done.stdout, "standard error": done.stderr, **dict(sinks(tmp_path, *INPUTS))}
        leaks = {name: found(secrets, text) for name, text in texts.items()}
        assert not any(leaks.values()), {name: kinds for name, kinds in leaks.items() if kinds}
        return str(done.stdout)

    return run


def test_the_search_finds_what_is_there(run_playbook: Any, simulator: Simulator) -> None:
    """A planted leak: without it, a search that finds nothing would prove nothing."""
    task = {"ansible.builtin.debug": {"msg": "{{ passwords }} {{ secret_key }}"}}
    done = run_playbook(play([task], simulator), extra_vars={"passwords": PASSWORDS, "secret_key": SECRET_KEY})
    for secret in (*PASSWORDS, SECRET_KEY):
        assert "json, not ASCII" in found([secret], done.stdout)
    for secret in (*PASSWORDS, SECRET_KEY):
        for name, form in forms(secret).items():
            assert name in found([secret], f"before {form} after")


def bulk(simulator: Simulator, count: int, **options: Any) -> dict[str, Any]:
    """One task that resets so many accounts, the passwords in turn."""
    simulator.accounts(tenant="default", count=count, prefix="df")
    names = sorted(simulator.truth()["accounts"]["default"])
    passwords = [f"{{{{ passwords[{at % len(PASSWORDS)}] }}}}" for at in range(count)]
    accounts = [{"name": name, "password": password} for name, password in zip(names, passwords, strict=True)]
    return reset(accounts=accounts, **options)


@pytest.mark.parametrize("wire_format", ["json", "xml"])
def test_rejected_passwords_that_the_vendor_echoes(simulator: Simulator, assert_silent: Any, wire_format: str) -> None:
    times = 2 * len(PASSWORDS)
    for echo in ECHOES:
        simulator.fault(
            vendor="ncp", operation="resetPassword", kind="status", status=400, envelope="a", echo=echo, times=times
        )
    count = times * len(ECHOES)
    single = reset(name="df001", password="{{ passwords[0] }}", wire_format=wire_format)
    simulator.fault(vendor="ncp", operation="resetPassword", kind="status", status=400, envelope="a", echo="raw")
    output = assert_silent([bulk(simulator, count, wire_format=wire_format), single], PASSWORDS, failing=2)
    assert f"{count} of {count} accounts were not reset: {count} rejected." in output
    assert "df001: NAVER Cloud rejected the request (HTTP 400)" in output


def test_echoes_in_every_envelope_and_status(simulator: Simulator, assert_silent: Any) -> None:
    shapes = [
        (envelope, status) for envelope in ("a", "b", "spring", "html", "text") for status in (200, 400, 403, 404, 500)
    ]
    for envelope, status in shapes:
        simulator.fault(
            vendor="ncp",
            operation="resetPassword",
            kind="status",
            status=status,
            envelope=envelope,
            echo="raw",
            times=4,
        )
    count = 4 * len(shapes)
    output = assert_silent([bulk(simulator, count)], PASSWORDS, failing=1)
    assert f"{count} of {count} accounts were not reset" in output
    assert simulator.counters()["ncp"]["writes"] == 0


def test_the_reset_token_of_a_mail(simulator: Simulator, assert_silent: Any) -> None:
    token = "V1StGXR8_Z5jdHi6B-myT"
    simulator.settings(solapi_hash_id=token)
    mail = {"krcloud.credentials.solapi_password_reset": {"email": "member@example.com"}}
    assert_silent([mail], (token,), failing=0)
    assert simulator.counters()["solapi"]["writes"] == 1


def test_what_users_mistype(simulator: Simulator, assert_silent: Any) -> None:
    tasks = [
        reset(name="df001", pasword="{{ passwords[0] }}"),
        reset(name="df001", password=["{{ passwords[0] }}"]),
        reset(name="df001", password={"value": "{{ passwords[0] }}"}),
        reset(name="df001", password="{{ passwords[0] }}", id="0", accounts=[]),
        reset(name="df001", password="{{ passwords[0] }}{{ passwords[1] }}"),
        reset(name="{{ passwords[0] }}", password="{{ passwords[0] }}"),
        reset(accounts="{{ passwords }}"),
        reset(accounts=["{{ passwords[0] }}"]),
        reset(accounts=[{"name": "df001", "pasword": "{{ passwords[0] }}"}]),
        reset(accounts=[{"name": "df001", "password": ["{{ passwords[0] }}"]}]),
        reset(accounts=[{"name": "df001", "password": "{{ passwords[0] }}", "secret": "{{ passwords[1] }}"}]),
        reset(accounts="{{ [{'name': 'df001', 'pasword': passwords[0]}] | to_json }}"),
        reset(name="df001", password="{{ passwords[0] }}", concurrency="{{ passwords[0] }}"),
        reset(
            name="df001",
            password="{{ passwords[0] }}",
            api_url="https://user:{{ passwords[1] | urlencode }}@example.com",
        ),
        reset(name="df001", password="{{ passwords[0] }}", secret_key="{{ secret_key }}\n"),
        reset(name="df001", password="{{ passwords[0] }}", secret_key="{{ secret_key }}"),
        {"krcloud.credentials.solapi_password_reset": {"email": "no address", "api_secret": "{{ secret_key }}"}},
        {"krcloud.credentials.solapi_password_reset": {"email": "no address", "pasword": "{{ passwords[0] }}"}},
    ]
    assert_silent(tasks, (*PASSWORDS[:2], SECRET_KEY), failing=len(tasks))
    assert simulator.counters()["ncp"]["writes"] == 0


def test_without_requests(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    task = {**reset(name="df001", password="{{ passwords[0] }}"), "vars": {"ansible_python_interpreter": python}}
    done = run_playbook(play([task], simulator), "-vvvv", extra_vars={"passwords": PASSWORDS})
    assert "ignored=1 " in done.stdout
    assert "Failed to import the required Python library (requests)" in done.stdout
    assert f"'{python} -m pip install requests'" in done.stdout
    assert found(PASSWORDS, done.stdout + done.stderr) == []
    assert sys.executable != python
