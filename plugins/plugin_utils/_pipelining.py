# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""Modules of this collection travel to their host by pipelining: the passwords they are given stand in no file.

Ansible pipelines only when told to, since `sudo` may want a terminal. Else it writes each module with its options in
clear into a temporary file on the controller, and into another one on the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants as C

_VARIABLES = ("ansible_pipelining", "ansible_ssh_pipelining")


def prefer_pipelining(connection: Any, variables: Mapping[str, Any], delegate_to: str | None = None) -> None:
    """Have a connection use pipelining if it can, unless the user has decided about it, or becomes another user.

    ``connection`` is a connection plugin with its options set, ``variables`` are those of the task, which may be
    delegated.
    """
    if connection.become:
        return
    try:
        _value, origin = connection.get_option_and_origin("pipelining")
    except KeyError:
        # docker, kubectl, chroot, lxd and others have no such option, and ask the PlayContext instead (line 307 of
        # https://github.com/ansible/ansible/blob/v2.21.0/lib/ansible/plugins/connection/__init__.py). Those that cannot
        # pipeline do not ask at all.
        if not _decided(variables, delegate_to):
            connection._play_context.pipelining = True
    else:
        if origin == "default":
            connection.set_option("pipelining", True)


def _decided(variables: Mapping[str, Any], delegate_to: str | None) -> bool:
    """Tell whether the user has decided, where the PlayContext has only the value."""
    if delegate_to:
        variables = (variables.get("ansible_delegated_vars") or {}).get(delegate_to) or {}
    _value, origin = C.config.get_config_value_and_origin("ANSIBLE_PIPELINING")
    return origin != "default" or any(name in variables for name in _VARIABLES)
