# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules of this collection travel to their host by pipelining: the passwords they are given stand in no file.

Ansible pipelines only when told to, since `sudo` may want a terminal. Else it writes each module with its options in
clear into a temporary file on the controller, and into another one on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from ansible import constants as C

_VARIABLES = ("ansible_pipelining", "ansible_ssh_pipelining")


def prefer_pipelining(connection: Any, given: Callable[[], Iterable[Container[str]]]) -> None:
    """Have a connection use pipelining if it can, unless the user has decided about it, or becomes another user.

    ``connection`` is a connection plugin with its options set. ``given`` returns the variables that the user has set
    for it: those of a task hold the defaults of a connection, too.
    """
    if connection.become:
        return
    try:
        _value, origin = connection.get_option_and_origin("pipelining")
    except KeyError:
        # docker, kubectl, chroot, lxd and others have no such option, and ask the PlayContext instead (line 307 of
        # https://github.com/ansible/ansible/blob/v2.21.0/lib/ansible/plugins/connection/__init__.py). Those that cannot
        # pipeline do not ask at all.
        _value, origin = C.config.get_config_value_and_origin("ANSIBLE_PIPELINING")
        if origin == "default" and not any(name in variables for variables in given() for name in _VARIABLES):
            connection._play_context.pipelining = True
    else:
        if origin == "default":
            connection.set_option("pipelining", True)
