# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Consumers: how long each account is locked out, from its reset to the file that a hook of the role has written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import measure
from benchmarks.world import CONCURRENCY, Contender, Play, World, openbao, vault_file

Store = Callable[[World], Mapping[str, Any]]

ROLE = "krcloud.credentials.ncp_dataforest_rotation"
FOLDER = "handed-over"

# By the variable of the role that names the task file.
HOOKS = {
    "publish_tasks": {
        "content": "{{ ncp_dataforest_rotation_password }}",
        "dest": FOLDER + "/{{ ncp_dataforest_rotation_account.name }}",
    },
    "publish_batch_tasks": {
        "content": "{{ ncp_dataforest_rotation_passwords | to_json }}",
        "dest": FOLDER + "/{{ ncp_dataforest_rotation_batch[0].name }}.json",
    },
}


def role(store: Store, hook: str | None = None) -> Callable[[World], Play]:
    """Return the task that gives each account a new password, and hands it over with one of `HOOKS`."""

    def call(world: World) -> Play:
        options = {**world.connection(), "store": store(world), "concurrency": CONCURRENCY, "new_accounts": "rotate"}
        if hook:
            options.update(force=True, **{hook: f"{hook}.yml"})
        return {
            "ansible.builtin.include_role": {"name": ROLE},
            "vars": {f"ncp_dataforest_rotation_{name}": value for name, value in options.items()},
        }

    return call


def with_full_store(store: Store) -> Callable[[World], None]:
    """Return what leaves the store with a password for each account, and writes the task files."""
    first = Contender("first", "the first rotation", role(store))

    def fill(world: World) -> None:
        world.simulator.settings(latency=0.0)
        measure.run(first.command(world))
        shutil.rmtree(world.folder / FOLDER, ignore_errors=True)
        (world.folder / FOLDER).mkdir()
        for hook, copy in HOOKS.items():
            tasks = [{"name": "Hand over", "ansible.builtin.copy": {**copy, "mode": "0600"}, "no_log": True}]
            (world.folder / f"{hook}.yml").write_text(json.dumps(tasks), encoding="utf-8")

    return fill


def locked_out(world: World) -> Sequence[float]:
    """Return for how many seconds each account was locked out. Raises Failed if one still is."""
    written = {}
    for file in (world.folder / FOLDER).iterdir():
        text = file.read_text(encoding="utf-8")
        passwords = json.loads(text) if file.suffix == ".json" else {file.name: text}
        written.update({name: (password, file.stat().st_mtime) for name, password in passwords.items()})
    accounts = world.simulator.truth()["accounts"]["default"]
    for name, account in accounts.items():
        if name not in written or written[name][0] != account["password"]:
            raise measure.Failed(f"{name} was not handed over.")
    return [written[name][1] - account["history"][-1]["time"] for name, account in accounts.items()]


def _contender(name: str, title: str, store: Store, hook: str) -> Contender:
    return Contender(
        name,
        f"role, {title}",
        role(store, hook),
        runs={1000: 1} if store is openbao else {},
        before=with_full_store(store),
        after=locked_out,
    )


HAND_OVERS = (
    _contender("accounts", "a hook for each account, `vault_file`", vault_file, "publish_tasks"),
    _contender("accounts-bao", "a hook for each account, `hashi_vault`", openbao, "publish_tasks"),
    _contender("batches", "a hook for each batch, `vault_file`", vault_file, "publish_batch_tasks"),
    _contender("batches-bao", "a hook for each batch, `hashi_vault`", openbao, "publish_batch_tasks"),
)
