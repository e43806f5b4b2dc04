# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contenders: plays and programs that set or rotate the passwords of accounts of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.world import CONCURRENCY, Contender, Play, World, left_by, openbao, vault_file, without_store

# Above this size a loop takes minutes, and runs only on request.
LARGEST_LOOP = 100

CONNECTION = {name: f"{{{{ {name} }}}}" for name in ("api_url", "access_key", "secret_key")}


def loop(task: Callable[[World], dict[str, Any]]) -> Callable[[World], Play]:
    """Return the task in a loop over all accounts, or without a loop if there is only one."""

    def looped(world: World) -> Play:
        if world.size == 1:
            return {**task(world), "vars": {"item": "{{ accounts[0] }}"}}
        return {**task(world), "loop": "{{ accounts }}", "loop_control": {"label": "{{ item.id }}"}}

    return looped


def uri(world: World) -> dict[str, Any]:
    return {
        "ansible.builtin.uri": {
            "url": "{{ reset_url }}",
            "method": "POST",
            "headers": "{{ headers }}",
            "body_format": "json",
            "body": {"id": "{{ item.id }}", "password": "{{ item.password }}"},
        }
    }


def one_reset(world: World) -> dict[str, Any]:
    account = {"id": "{{ item.id }}", "password": "{{ item.password }}"}
    return {"krcloud.credentials.ncp_dataforest_password": {**CONNECTION, **account}}


def all_resets(world: World) -> Play:
    options = {"accounts": "{{ accounts }}", "concurrency": CONCURRENCY}
    return {"krcloud.credentials.ncp_dataforest_password": {**CONNECTION, **options}}


def rotation_to(store: Callable[[World], Mapping[str, Any]]) -> Callable[[World], Play]:
    def rotation(world: World) -> Play:
        options = {"store": store(world), "new_accounts": "rotate", "concurrency": CONCURRENCY}
        return {"krcloud.credentials.ncp_dataforest_rotation": {**CONNECTION, **options}}

    return rotation


def rotation_of_tenants(world: World) -> Play:
    options = {"store": vault_file(world), "new_accounts": "rotate", "concurrency": CONCURRENCY}
    tenants = "{{ lookup('ansible.builtin.file', 'tenants.json') | from_json }}"
    return {"krcloud.credentials.ncp_dataforest_rotation": {"api_url": "{{ api_url }}", "tenants": tenants, **options}}


def look_at(world: World) -> Play:
    return {"krcloud.credentials.ncp_dataforest_credential_info": {"store": vault_file(world)}}


ROTATION = Contender("rotation", "rotation, `vault_file`", rotation_to(vault_file), before=without_store)

SPEED = (
    Contender("session", "`requests.Session` in a script", None),
    Contender("uri", "loop of `ansible.builtin.uri`", loop(uri), largest=LARGEST_LOOP, given_accounts=True),
    Contender(
        "module", "loop of `ncp_dataforest_password`", loop(one_reset), largest=LARGEST_LOOP, given_accounts=True
    ),
    Contender("reset", "`ncp_dataforest_password`, one task", all_resets, given_accounts=True),
    ROTATION,
    Contender("rotation-bao", "rotation, `hashi_vault`", rotation_to(openbao)),
    Contender("quiet", "rotation, nothing due", rotation_to(vault_file), resets=0, before=left_by(ROTATION)),
    Contender("look", "`ncp_dataforest_credential_info`", look_at, resets=0, before=left_by(ROTATION)),
)

ROTATION_OF_TENANTS = Contender(
    "tenants", "rotation, `vault_file`", rotation_of_tenants, before=without_store, of_tenants=True
)

TENANTS = (
    ROTATION_OF_TENANTS,
    Contender(
        "tenants-quiet",
        "rotation, nothing due",
        rotation_of_tenants,
        resets=0,
        before=left_by(ROTATION_OF_TENANTS),
        of_tenants=True,
    ),
)
