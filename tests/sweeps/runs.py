# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks without Ansible: the real task, store and client code, from the options to the HTTP requests."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.krcloud.credentials.plugins.action import ncp_dataforest_credential as credential
from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_rotation import SPEC
from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._module.specs import argument_spec
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST
from ansible_collections.krcloud.credentials.plugins.modules import ncp_dataforest_account_info as info
from ansible_collections.krcloud.credentials.plugins.modules import ncp_dataforest_password as password
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_rows import wished_rows
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_task import CredentialTask
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.task import RotationTask
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Store
from support.simulator import Simulator
from support.stores.benches import Bench, replaced
from support.stores.steps import Hook
from sweeps.boundaries import of_vendor

# The options of each module that the task runs, and its body.
MODULES: Mapping[str, tuple[dict[str, Any], Callable[[Any], dict[str, Any]]]] = {
    "ncp_dataforest_account_info": (info.OPTIONS, info.list_accounts),
    "ncp_dataforest_password": (password.OPTIONS, password.reset_accounts),
}


class _Module:
    """Everything that the body of a module needs from its AnsibleModule."""

    check_mode = False

    def __init__(self, spec: dict[str, Any], options: Mapping[str, Any]) -> None:
        self.params = _validated(argument_spec(DATAFOREST, spec), options)
        self.given = frozenset(options)
        self.redactor = Redactor()

    def warn(self, warning: str) -> None:
        raise AssertionError(warning)


def run_module(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module would, in this process."""
    spec, body = MODULES[name]
    try:
        result = body(_Module(spec, options))
    except KrcloudError as error:
        result = error.as_failure()
    return dict(json.loads(json.dumps(result)))


def rotate(
    store: Store, simulator: Simulator, *, clock: Callable[[], float] = time.time, **options: Any
) -> dict[str, Any]:
    """Return the result of a rotation task with these options."""
    access = {name: getattr(simulator, name) for name in ("access_key", "secret_key")}
    given = {"api_url": simulator.ncp_url, "store": {}, "new_accounts": "rotate", "retries": 0, **access, **options}
    task = RotationTask(_validated(SPEC, given), store, run_module, progress=lambda *numbers: None, clock=clock)
    return task.run(check_mode=False)


def tell(store: Store, *, now: float, check_mode: bool, **options: Any) -> dict[str, Any]:
    """Return the result of a task that tells the store something. What it adopts has the same id each time."""
    given = _validated(credential.SPEC, {"store": {}, **options})
    rows, choices = wished_rows(given, now), {name: given[name] for name in ("state", "force")}
    return CredentialTask(store, rows, **choices, now=now, new_id=lambda: "adopted").run(check_mode)


@contextlib.contextmanager
def watched(bench: Bench, hook: Hook) -> Iterator[None]:
    """In this block, every step of a rotation to the store and to the vendor calls the hook."""
    with bench.steps(hook), replaced(of_vendor(wire, hook)):
        yield


def _validated(spec: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    validated = ArgumentSpecValidator(spec).validate(dict(options))
    assert not validated.error_messages, validated.error_messages
    return dict(validated.validated_parameters)
