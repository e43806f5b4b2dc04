# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps that a store takes outside of its process, changed so that each calls a hook.

Imports nothing heavy, because it is also used inside `ansible-playbook`.
"""

from __future__ import annotations

import fcntl
import os
import types
from collections.abc import Callable, Iterator
from typing import Any

Hook = Callable[[str, str], None]
"""Called for every step that leaves the process, with "before" or "after" and the name of the step."""

Replacement = tuple[Any, str, Any]
"""An object, the name of an attribute of it, and what to put there."""

# Every call of vault_file that the kernel sees.
OS_STEPS: tuple[str, ...] = ("open", "close", "read", "write", "fsync", "fstat", "stat", "fchmod", "fchown", "replace")
OS_STEPS += ("unlink", "access", "statvfs")


def of_vault_file(files: types.ModuleType, hook: Hook) -> Iterator[Replacement]:
    """What to put into the module `durable_file`, so that every system call of the store calls the hook."""
    for library, names in ((os, OS_STEPS), (fcntl, ("flock",))):
        watched = types.SimpleNamespace(**vars(library))
        for name in names:
            setattr(watched, name, told(getattr(library, name), name, hook))
        yield files, library.__name__, watched


def of_on_save(command: type[Any], hook: Hook) -> Iterator[Replacement]:
    """What to put into the class `Command`, so that each run of the command of a store calls the hook."""
    yield command, "run", told(command.run, "on_save", hook)


def of_a_store(request: Any) -> bool:
    """Whether it is a request to the server of a store. Those of the modules go over the same wire."""
    return "X-Vault-Request" in request.headers


def of_hashi_vault(wire: types.ModuleType, hook: Hook) -> Iterator[Replacement]:
    """What to put into the module `wire`, so that every request of the store, logins included, calls the hook."""
    send = wire.PooledTransport.send
    telling = told(send, "request", hook)

    def sent(self: Any, request: Any, timeout: float, deadline: float) -> Any:
        return (telling if of_a_store(request) else send)(self, request, timeout, deadline)

    yield wire.PooledTransport, "send", sent


def told(function: Callable[..., Any], name: str, hook: Hook) -> Callable[..., Any]:
    """The same function, which calls the hook before and after."""

    def telling(*args: Any, **kwargs: Any) -> Any:
        hook("before", name)
        result = function(*args, **kwargs)
        hook("after", name)
        return result

    return telling
