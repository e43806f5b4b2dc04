# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that repeat a command when they lose their peer, and how to keep one from doing that for a while.

The option is `reconnection_retries` wherever there is one: `ansible.builtin.ssh` (C(ansible_ssh_retries)),
`ansible.builtin.psrp`, `amazon.aws.aws_ssm` (three, unless told otherwise) and the plugins that are made after them.
Such a connection cannot tell whether the command was carried out before it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OPTION = "reconnection_retries"


def retries(connection: Any) -> int:
    """Return how often a connection plugin would repeat a command, 0 where it knows no such thing."""
    return max(int(_option(connection) or 0), _attribute(connection) or 0)


@contextmanager
def none(connection: Any) -> Iterator[None]:
    """Have a connection plugin repeat nothing as long as this lasts."""
    option, attribute = _option(connection), _attribute(connection)
    if option:
        connection.set_option(OPTION, 0)
    if attribute:
        setattr(connection, OPTION, 0)
    try:
        yield
    finally:
        if option:
            connection.set_option(OPTION, option)
        if attribute:
            setattr(connection, OPTION, attribute)


def _option(connection: Any) -> Any:
    try:
        return connection.get_option(OPTION)
    except KeyError:
        return None


def _attribute(connection: Any) -> int | None:
    """Return the value that a plugin read from its option when it was made, and goes by from then on."""
    value = getattr(connection, OPTION, None)
    return value if isinstance(value, int) else None
