# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules of this collection reach their host by pipelining, so that the passwords in their options are in no file.

Ansible pipelines only when told to, as `sudo` may want a terminal. Otherwise it writes each module with its options in
clear to a temporary file on the controller, and to another one on the host.

This uses parts of ansible-core 2.19 to 2.22 that are not documented, and `test_core_parts.py` notices when they change:
`get_option_and_origin` of a plugin (lib/ansible/plugins/__init__.py), `get_config_value_and_origin`
(lib/ansible/config/manager.py), and the attribute of the PlayContext that `is_pipelining_enabled` falls back to
(lib/ansible/plugins/connection/__init__.py).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from ansible import constants as C

_VARIABLES = ("ansible_pipelining", "ansible_ssh_pipelining")


def prefer_pipelining(connection: Any, given: Callable[[], Iterable[Container[str]]]) -> None:
    """Make a connection use pipelining if it can, unless the user has set the option or becomes another user.

    ``connection`` is a connection plugin with its options set. ``given`` returns the variables that the user has set:
    the variables of a task cannot tell, as they hold the defaults of the connection as well.
    """
    if connection.become:
        return
    try:
        _value, origin = connection.get_option_and_origin("pipelining")
    except KeyError:
        # docker, kubectl, chroot, lxd and others have no such option and go by the PlayContext. Plugins that cannot
        # pipeline ignore it.
        _value, origin = C.config.get_config_value_and_origin("ANSIBLE_PIPELINING")
        if origin == "default" and not any(name in variables for variables in given() for name in _VARIABLES):
            connection._play_context.pipelining = True
    else:
        if origin == "default":
            connection.set_option("pipelining", True)
