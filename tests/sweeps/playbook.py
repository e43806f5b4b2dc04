# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real playbook in which a sweep kills or interrupts what it likes."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from support.playbooks import command
from support.stores.benches import PASSPHRASE
from sweeps.boundaries import passed
from sweeps.world import World, known

HERE = Path(__file__).parent


class Playbook:
    """One rotation task, run by `ansible-playbook` as often as a test likes."""

    def __init__(self, world: World, collections: Path, folder: Path) -> None:
        self._world = world
        self._collections = collections
        self._folder = folder
        self._log = folder / "boundaries"
        self._alive = folder / "alive"
        self._alive.touch()
        self._output = folder / "output"
        (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")

    def start(self, *, fatal: int | str = "", victim: str = "", **options: Any) -> subprocess.Popen[str]:
        """Start it, in a process group of its own, as a terminal does."""
        self._log.unlink(missing_ok=True)
        simulator = self._world.simulator
        task = {
            "api_url": simulator.ncp_url,
            "access_key": simulator.access_key,
            "secret_key": simulator.secret_key,
            "store": self._world.bench.options,
            "new_accounts": "rotate",
            "retries": 0,
            "concurrency": 1,
            **options,
        }
        env = {
            "PYTHONPATH": os.pathsep.join((str(HERE / "interposed"), str(HERE.parent))),
            "KRCLOUD_ALIVE": str(self._alive),
            "KRCLOUD_BOUNDARIES": str(self._log),
            "KRCLOUD_FATAL": str(fatal),
            "KRCLOUD_VICTIM": victim,
        }
        given = command(
            self._collections,
            self._folder,
            json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [self.task(task)]}]),
            f"--vault-password-file={self._folder / 'passphrase'}",
            env=env,
        )
        with self._output.open("w") as output:
            return subprocess.Popen(**given, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    def task(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what rotates with these options."""
        return {"krcloud.credentials.ncp_dataforest_rotation": options}

    def run(self, **more: Any) -> int:
        """Run it, and return its exit code when it and everything that it has started have ended."""
        code = self.start(**more).wait()
        self.wait_for_orphans()
        return code

    def wait_for_orphans(self) -> None:
        """Wait until the last process of a run has ended: the lock is free when no process holds it any more."""
        with self._alive.open() as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)

    @property
    def boundaries(self) -> list[str]:
        """The boundaries of the last run."""
        return passed(self._log)

    @property
    def output(self) -> str:
        """The output of the last run."""
        return self._output.read_text(encoding="utf-8")

    def secrets(self) -> list[str]:
        """Everything that nobody may read in the output."""
        candidates = [
            password for envelope in self._world.envelopes().values() for password in known(envelope) if password
        ]
        return [*candidates, *(password for _name, password, _status in self._world.sent()), *self._world.bench.secrets]
