# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that repeat a command after they have lost their host, and how to stop one from doing so for a while.

Such a connection cannot tell whether the command was carried out before the connection was lost. All plugins that do
this call the option `reconnection_retries`: `ansible.builtin.ssh` (variable `ansible_ssh_retries`),
`ansible.builtin.psrp`, `amazon.aws.aws_ssm` (three by default), and plugins made after them.

The ssh plugin of ansible-core 2.19 to 2.22 reads the option again for each command (`_ssh_retry` in
lib/ansible/plugins/connection/ssh.py), so that `set_option` (lib/ansible/plugins/__init__.py) takes effect at once.
Whatever the option is, it repeats a command once if ssh ends with 255 and has said that the connection that it shares
with others was broken. That proves nothing: ssh then opens a connection of its own, which may have carried out the
command before it was lost. Each attempt is a call of `_bare_run` by `_run`. `test_core_parts.py` notices when any of
this changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

OPTION = "reconnection_retries"
_ATTEMPT = "_bare_run"


def retries(connection: Any) -> int:
    """Return how often a connection plugin would repeat a command: 0 if it has no such option."""
    return max(int(_option(connection) or 0), _attribute(connection) or 0)


@contextmanager
def none(connection: Any) -> Iterator[None]:
    """Keep a connection plugin from repeating commands inside of the block."""
    option, attribute, attempt = _option(connection), _attribute(connection), getattr(connection, _ATTEMPT, None)
    if attempt:
        setattr(connection, _ATTEMPT, _once(attempt))
    if option:
        connection.set_option(OPTION, 0)
    if attribute:
        setattr(connection, OPTION, 0)
    try:
        yield
    finally:
        if attempt:
            delattr(connection, _ATTEMPT)
        if option:
            connection.set_option(OPTION, option)
        if attribute:
            setattr(connection, OPTION, attribute)


def _once(attempt: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes an attempt, and raises AnsibleConnectionFailure instead of making another one."""
    failures: list[AnsibleError] = []

    def once(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise AnsibleConnectionFailure(str(failures[0]))
        try:
            return attempt(*args, **kwargs)
        except AnsibleError as error:
            failures.append(error)
            raise

    return once


def _option(connection: Any) -> Any:
    try:
        return connection.get_option(OPTION)
    except KeyError:
        return None


def _attribute(connection: Any) -> int | None:
    """Return the value that some plugins read from their option once, when they are created."""
    value = getattr(connection, OPTION, None)
    return value if isinstance(value, int) else None
