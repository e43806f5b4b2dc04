# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action that calls a vendor from the controller, shown with the one that gets short-lived keys."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.action.ncp_sts_credentials import ActionModule
from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from support.simulator import Simulator

SECRET = "Zq7!mVx-Canary01"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """With the address and the keys of a tenant in the environment of the controller."""
    running.reset()
    monkeypatch.setenv("NCLOUD_STS_API_URL", running.ncp_url)
    monkeypatch.setenv("NCLOUD_ACCESS_KEY_ID", running.access_key)
    monkeypatch.setenv("NCLOUD_SECRET_KEY", running.secret_key)
    return running


def run(warnings: list[str] | None = None, **options: Any) -> dict[str, Any]:
    """The result of a task, as its action returns it to ansible-core."""
    task = SimpleNamespace(args={"retries": 0, **options}, async_val=0, check_mode=False, diff=False, vars={})
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nowhere"))
    templar = SimpleNamespace(template=lambda value: value)
    action = ActionModule(task, connection, None, None, templar, None)
    action._display = SimpleNamespace(warning=([] if warnings is None else warnings).append)
    result: dict[str, Any] = action.run(task_vars={})
    return result


def test_what_it_hands_out_is_in_the_clear_and_hidden_from_callbacks(simulator: Simulator) -> None:
    result = run()
    (kept,) = simulator.truth()["short_lived_keys"]
    assert (result["access_key"], result["secret_key"]) == (kept["access_key"], kept["secret_key"])
    assert result["_ansible_no_log"] is True
    assert result["changed"] is True


def test_a_failure_is_shown(simulator: Simulator) -> None:
    simulator.tenant("default", main_account=True)
    result = run()
    assert result["failed"] is True
    assert "_ansible_no_log" not in result
    assert "STS makes keys only for sub accounts" in result["msg"]
    assert "the environment variable NCLOUD_ACCESS_KEY_ID" in result["msg"]


def test_a_doubt_is_a_warning(simulator: Simulator) -> None:
    simulator.settings(sts_duration=700)
    warnings: list[str] = []
    assert run(warnings)["duration"] == 700
    (warning,) = warnings
    assert warning.startswith("The new keys are valid for 700 s, until ")


def test_a_wrong_address_from_the_environment_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCLOUD_STS_API_URL", f"http://user:{SECRET}@example.com")
    result = run(access_key="a-key-000", secret_key="another-secret")
    assert "api_url from the environment variable NCLOUD_STS_API_URL" in result["msg"]
    assert SECRET not in str(result)


def test_a_secret_of_a_proxy_is_masked(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@127.0.0.1:9")
    simulator.fault(vendor="ncp", operation="createCredentials", kind="status", status=400, message=f"no {SECRET}")
    assert "********" in run()["msg"]


def test_an_option_beats_the_environment(simulator: Simulator) -> None:
    other = simulator.tenants["other"]
    run(access_key=other["access_key"], secret_key=other["secret_key"])
    assert [pair["tenant"] for pair in simulator.truth()["short_lived_keys"]] == ["other"]


def test_without_the_library_nothing_is_sent(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "REQUESTS_IMPORT_ERROR", ImportError())
    result = run()
    assert result["msg"].startswith("The task needs the Python library requests, and ")
    assert simulator.requests() == []


@pytest.mark.parametrize(("name", "value"), [("token_code", 123456), ("serial_number", 12)])
def test_what_yaml_has_changed_is_refused(simulator: Simulator, name: str, value: int) -> None:
    result = run(**{"serial_number": "1", "token_code": "123456", name: value})
    assert result["msg"].startswith(f"{name} is not a string: YAML made it a number. Put it in quotes")
    assert simulator.requests() == []
