# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loaded by every Python that starts with this folder on its path: `ansible-playbook`, its workers, the modules.

It writes down the boundaries of the rotation in all of them, and at the fatal one it kills the victim of the test.
KRCLOUD_ALIVE is a file that each of them keeps locked for as long as it lives; see `test_playbook_crash.py`.
"""

from __future__ import annotations

import builtins
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from support.stores.steps import Hook, Replacement, of_hashi_vault, of_vault_file, told
from sweeps.boundaries import Boundaries, of_vendor

PLUGINS = "ansible_collections.krcloud.credentials.plugins"


def of_consumers(basic: ModuleType, hook: Hook) -> Iterator[Replacement]:
    """What to put into `basic`, so that a module of the hooks that gives a file its content calls the hook."""
    yield basic.AnsibleModule, "atomic_move", told(basic.AnsibleModule.atomic_move, "hand-over", hook)


WATCHED: dict[str, tuple[Callable[[ModuleType, Hook], Iterator[Replacement]], ...]] = {
    f"{PLUGINS}.plugin_utils._stores.durable_file": (of_vault_file,),
    f"{PLUGINS}.module_utils._call.wire": (of_hashi_vault, of_vendor),
    "ansible.module_utils.basic": (of_consumers,),
}


def kill() -> None:
    """Kill the module that has come to the boundary, or the worker that it is or belongs to, or the whole playbook."""
    victim = os.environ["KRCLOUD_VICTIM"]
    if victim == "playbook":
        os.kill(int(os.environ["KRCLOUD_PLAYBOOK"]), signal.SIGKILL)
        os.killpg(0, signal.SIGKILL)
    # A worker leads a session and a process group of its own, and its modules are in them.
    os.kill(os.getsid(0) if victim == "worker" else os.getpid(), signal.SIGKILL)


def watch() -> None:
    """Put the hook into each module as soon as it has been imported."""
    wanted = os.environ.get("KRCLOUD_FATAL", "")
    hook = Boundaries(Path(os.environ["KRCLOUD_BOUNDARIES"]), int(wanted) if wanted.isdigit() else wanted, kill)
    real = builtins.__import__

    def importing(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        for name in [name for name in WATCHED if name in sys.modules]:
            module = sys.modules[name]
            # A module is in sys.modules as soon as its import begins.
            if not getattr(module.__spec__, "_initializing", False):
                for watch_steps in WATCHED.pop(name):
                    for target, attribute, value in watch_steps(module, hook):
                        setattr(target, attribute, value)
        return result

    builtins.__import__ = importing


os.environ.setdefault("KRCLOUD_PLAYBOOK", str(os.getpid()))
fcntl.flock(os.open(os.environ["KRCLOUD_ALIVE"], os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)
watch()
