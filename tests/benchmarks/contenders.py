# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contenders: plays and programs that set or rotate the passwords of accounts of the simulator."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import Cost
from support.playbooks import command
from support.simulator import Simulator
from support.simulator.signatures import ncp_signature
from support.stores.openbao import OpenBao

LATENCY = 0.05
CONCURRENCY = 10
RESET_PATH = "/api/v2/accounts/resetPassword"
# Above this size a loop takes minutes, and runs only on request.
LARGEST_LOOP = 100

Play = Mapping[str, Any]


@dataclass
class World:
    """The vendor with its latency, the server of a store, the installed collection, and a folder for the rest."""

    simulator: Simulator
    openbao: OpenBao
    collections: Path
    folder: Path
    size: int = 0
    round: int = 0

    @property
    def vault_file(self) -> Path:
        return self.folder / f"store-{self.size}.yml"

    def begin(self, size: int) -> None:
        """Give the vendor this many accounts, and count from zero."""
        self.size = size
        self.round += 1
        self.simulator.reset()
        # One signature has to last for a whole loop. Nothing is kept per request, so that memory does not grow.
        self.simulator.settings(latency=LATENCY, ncp_skew=86400.0, log_requests=False)
        self.simulator.accounts(count=size)

    def connection(self) -> dict[str, Any]:
        """Return the options of every play that sends requests to the vendor."""
        names = ("access_key", "secret_key")
        return {"api_url": self.simulator.ncp_url, **{name: getattr(self.simulator, name) for name in names}}

    def accounts(self) -> list[dict[str, str]]:
        """Return the accounts of the vendor, each with a new password."""
        accounts = self.simulator.truth()["accounts"]["default"].values()
        return [
            {"id": account["id"], "password": f"Bench-{self.round}-{number:06}"}
            for number, account in enumerate(accounts)
        ]

    def vars(self) -> dict[str, Any]:
        """Return what a play may use besides its accounts, such as signed headers."""
        timestamp = str(int(time.time() * 1000))
        key, secret = self.simulator.access_key, self.simulator.secret_key
        return {
            **self.connection(),
            "concurrency": CONCURRENCY,
            "reset_url": self.simulator.ncp_url + RESET_PATH,
            "headers": {
                "x-ncp-apigw-timestamp": timestamp,
                "x-ncp-iam-access-key": key,
                "x-ncp-apigw-signature-v2": ncp_signature(secret, key, "POST", RESET_PATH, timestamp),
            },
        }


@dataclass(frozen=True)
class Contender:
    """``task`` makes the only task of a play; without one, the contender is the program in `session.py`.

    ``resets`` is how many resets the vendor must have seen per account. ``before`` prepares a run and is not measured.
    With ``given_accounts`` the play is given the accounts and their passwords; a rotation finds and makes them itself.
    """

    name: str
    title: str
    task: Callable[[World], Play] | None
    resets: int = 1
    largest: int = sys.maxsize
    before: Callable[[World], None] = field(default=lambda world: None)
    given_accounts: bool = False

    def run(self, world: World, size: int) -> Sample:
        """Run once over this many accounts. Raises Failed if it did not do all of its work."""
        world.begin(size)
        self.before(world)
        world.simulator.settings(latency=LATENCY)
        earlier = world.simulator.counters()["ncp"]
        cost = measure.run(self._command(world))
        now = world.simulator.counters()["ncp"]
        if now["writes"] - earlier["writes"] != self.resets * size:
            raise measure.Failed(f"{self.name} made {now['writes'] - earlier['writes']} resets for {size} accounts.")
        seen = {name: now[name] - earlier[name] for name in ("connections", "requests")}
        return Sample(self.name, cost, **seen)

    def _command(self, world: World) -> dict[str, Any]:
        if self.task is None:
            job = world.folder / "job.json"
            job.write_text(json.dumps({**world.vars(), "accounts": world.accounts()}), encoding="utf-8")
            program = Path(__file__).with_name("session.py")
            return {"args": [sys.executable, str(program), str(job)], "cwd": world.folder}
        play: dict[str, Any] = {"hosts": "localhost", "gather_facts": False, "tasks": [self.task(world)]}
        needs = world.connection() if self.task is not ping else None
        if self.given_accounts:
            (world.folder / "accounts.json").write_text(json.dumps(world.accounts()), encoding="utf-8")
            # Read where it is used. A variable of the play would stay in memory all the time, and take several times as
            # much of it.
            play["vars"] = {"accounts": "{{ lookup('ansible.builtin.file', 'accounts.json') | from_json }}"}
            needs = world.vars()
        arguments = ("--vault-password-file", str(world.folder / "passphrase"))
        return command(world.collections, world.folder, json.dumps([play]), *arguments, extra_vars=needs)


@dataclass(frozen=True)
class Sample:
    """One run: what it cost, what the vendor saw of it, and the time of a ping play around it, in seconds."""

    contender: str
    cost: Cost
    connections: int
    requests: int
    ping: float | None = None


CONNECTION = {name: f"{{{{ {name} }}}}" for name in ("api_url", "access_key", "secret_key")}


def ping(world: World) -> Play:
    return {"ansible.builtin.ping": {}}


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


def vault_file(world: World) -> Mapping[str, Any]:
    return {"path": str(world.vault_file)}


def openbao(world: World) -> Mapping[str, Any]:
    return {
        "type": "hashi_vault",
        "url": world.openbao.url,
        "token": world.openbao.root_token,
        "secret_path": f"bench/{world.round}",
        "concurrency": CONCURRENCY,
    }


def without_store(world: World) -> None:
    world.vault_file.unlink(missing_ok=True)


def with_full_store(world: World) -> None:
    """Leave the store as a rotation of all accounts has left it."""
    if not world.vault_file.exists():
        world.simulator.settings(latency=0.0)
        measure.run(FULL_ROTATION._command(world))


FULL_ROTATION = Contender("rotation", "rotation, `vault_file`", rotation_to(vault_file), before=without_store)

PING = Contender("ping", "a bare ping play", ping, resets=0)

CONTENDERS = (
    Contender("session", "`requests.Session` in a script", None),
    Contender("uri", "loop of `ansible.builtin.uri`", loop(uri), largest=LARGEST_LOOP, given_accounts=True),
    Contender(
        "module", "loop of `ncp_dataforest_password`", loop(one_reset), largest=LARGEST_LOOP, given_accounts=True
    ),
    Contender("reset", "`ncp_dataforest_password`, one task", all_resets, given_accounts=True),
    FULL_ROTATION,
    Contender("rotation-bao", "rotation, `hashi_vault`", rotation_to(openbao)),
    Contender("quiet", "rotation, nothing due", rotation_to(vault_file), resets=0, before=with_full_store),
)


def between_pings(contenders: Iterable[Contender], world: World, size: int) -> Iterator[Sample]:
    """Run each contender once, with a ping play before and after it: the machine changes its speed within seconds."""
    before = PING.run(world, size)
    yield before
    for contender in contenders:
        sample = contender.run(world, size)
        after = PING.run(world, size)
        yield replace(sample, ping=(before.cost.wall + after.cost.wall) / 2)
        yield after
        before = after


@contextlib.contextmanager
def world(collections: Path, folder: Path) -> Iterator[World]:
    """Start what all contenders need."""
    (folder / "passphrase").write_text("a passphrase of the benchmark\n", encoding="utf-8")
    with OpenBao(folder) as openbao, Simulator() as simulator:
        yield World(simulator, openbao, collections, folder)
