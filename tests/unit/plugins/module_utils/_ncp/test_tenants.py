# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With whose credentials an account is reached: those of its row, or those of the task."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.dataforest import DataForest
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.tenants import TASK, Tenant, gateways
from support.fakes import ScriptedTransport, answer, caller

NO_KEYS = {"access_key": None, "secret_key": None, "profile": None, "config_file": "/absent/configure"}
KEYS = {**NO_KEYS, "access_key": "THEKEY", "secret_key": "thesecret"}
OTHER = Tenant("OTHERKEY", "othersecret", None)
NONE = {"success": True, "total": 0}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NCLOUD_ACCESS_KEY_ID", "NCLOUD_ACCESS_KEY", "NCLOUD_SECRET_ACCESS_KEY", "NCLOUD_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("NCLOUD_PROFILE", raising=False)


def keys_used(options: dict[str, Any], *tenants: Tenant, redactor: Redactor | None = None) -> list[str]:
    with ScriptedTransport(*[answer(200, NONE)] * len(tenants)) as transport:
        gateway_of = gateways(options, caller(transport), redactor or Redactor(), tenants)
        for tenant in tenants:
            DataForest(gateway_of(tenant)).list_accounts()
    return [request.headers["x-ncp-iam-access-key"] for request in transport.requests]


def test_each_tenant_signs_with_its_own_key() -> None:
    redactor = Redactor()
    assert keys_used(KEYS, TASK, OTHER, TASK, redactor=redactor) == ["THEKEY", "OTHERKEY", "THEKEY"]
    assert {"thesecret", "othersecret"} <= set(redactor.secrets)


def test_a_row_takes_over_none_of_the_keys_of_the_task() -> None:
    with ScriptedTransport() as transport:
        gateway_of = gateways(KEYS, caller(transport), Redactor(), [TASK, Tenant("HALF", None, None)])
        with pytest.raises(ConfigurationError, match="No secret_key was found"):
            gateway_of(Tenant("HALF", None, None))
        assert gateway_of(TASK)


def test_a_tenant_without_keys_fails_alone_and_a_task_without_keys_at_once() -> None:
    with ScriptedTransport(answer(200, NONE)) as transport:
        gateway_of = gateways(NO_KEYS, caller(transport), Redactor(), [OTHER, Tenant(None, None, "absent")])
        DataForest(gateway_of(OTHER)).list_accounts()
        with pytest.raises(ConfigurationError, match="there is no such file"):
            gateway_of(Tenant(None, None, "absent"))
        with pytest.raises(ConfigurationError, match="No access_key and no secret_key were found"):
            gateways(NO_KEYS, caller(transport), Redactor())


def test_no_representation_of_a_tenant_shows_its_keys() -> None:
    assert repr(TASK) == "Tenant by the task"
    assert repr(Tenant("THEKEY", "thesecret", None)) == "Tenant by access_key and secret_key"
    assert f"{Tenant(None, None, 'a')}" == "Tenant by profile"
    assert Tenant(None, None, "a") == (None, None, "a")
