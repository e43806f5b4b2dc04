# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of the benchmark: the vendor, the servers and the collection that it needs, and what a contender is."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

Play = Mapping[str, Any]


@dataclass
class World:
    """The vendor with its latency, the server of a store, the installed collection, and a folder for the rest."""

    simulator: Simulator
    openbao: OpenBao
    collections: Path
    folder: Path
    size: int = 0
    of_tenants: bool = False
    round: int = 0

    @property
    def vault_file(self) -> Path:
        return self.folder / f"store-{self.size}{'-of-tenants' * self.of_tenants}.yml"

    def begin(self, size: int, of_tenants: bool) -> None:
        """Give the vendor this many accounts, of one tenant or each of a tenant of its own, and count from zero."""
        self.size, self.of_tenants = size, of_tenants
        self.round += 1
        self.simulator.reset()
        # One signature has to last for a whole loop. Nothing is kept per request, so that memory does not grow.
        self.simulator.settings(latency=LATENCY, ncp_skew=86400.0, log_requests=False)
        if of_tenants:
            keys = self.simulator.many_tenants(size).values()
            tenants = [{name: each[name] for name in ("access_key", "secret_key")} for each in keys]
            (self.folder / "tenants.json").write_text(json.dumps(tenants), encoding="utf-8")
        else:
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

    ``resets`` is how many resets the vendor must have seen per account. ``before`` prepares a run, and ``after`` says
    how long each account was locked out, in seconds; neither is measured. With ``given_accounts`` the play is given
    the accounts and their passwords; a rotation finds and makes them itself. With ``of_tenants``, each account has a
    tenant of its own. There are at most ``largest`` accounts. With some numbers of accounts, it may run less often
    than the others: ``runs`` says how often.
    """

    name: str
    title: str
    task: Callable[[World], Play] | None
    resets: int = 1
    largest: int = sys.maxsize
    runs: Mapping[int, int] = field(default_factory=dict)
    before: Callable[[World], None] = field(default=lambda world: None)
    after: Callable[[World], Sequence[float]] = field(default=lambda world: ())
    given_accounts: bool = False
    of_tenants: bool = False

    def run(self, world: World, size: int) -> Sample:
        """Run once over this many accounts. Raises Failed if it did not do all of its work."""
        world.begin(size, self.of_tenants)
        self.before(world)
        world.simulator.settings(latency=LATENCY)
        earlier = world.simulator.counters()["ncp"]
        cost = measure.run(self.command(world))
        now = world.simulator.counters()["ncp"]
        if now["writes"] - earlier["writes"] != self.resets * size:
            raise measure.Failed(f"{self.name} made {now['writes'] - earlier['writes']} resets for {size} accounts.")
        seen = {name: now[name] - earlier[name] for name in ("connections", "requests")}
        return Sample(self.name, cost, **seen, locked_out=self.after(world))

    def command(self, world: World) -> dict[str, Any]:
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
    """One run: what it cost, what the vendor saw of it, and how long accounts were locked out.

    ``ping`` is the time of a ping play around it. All times are in seconds.
    """

    contender: str
    cost: Cost
    connections: int
    requests: int
    locked_out: Sequence[float] = ()
    ping: float | None = None


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


def left_by(rotation: Contender) -> Callable[[World], None]:
    """Return what leaves the store as a rotation of all accounts leaves it."""

    def fill(world: World) -> None:
        if not world.vault_file.exists():
            world.simulator.settings(latency=0.0)
            measure.run(rotation.command(world))

    return fill


def ping(world: World) -> Play:
    return {"ansible.builtin.ping": {}}


PING = Contender("ping", "a bare ping play", ping, resets=0)


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
