# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that repeat commands do not do it for a while, and do it again afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible.plugins.connection
import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin import reconnection

# All of ansible-core that have the option, with the variable that sets it.
HAVING = {"ssh": "ansible_ssh_retries", "psrp": "ansible_psrp_reconnection_retries"}


def connection(name: str, variables: dict[str, Any]) -> Any:
    made = connection_loader.get(f"ansible.builtin.{name}", PlayContext())
    made.set_options(var_options=variables)
    return made


def test_the_option_has_this_name_in_all_connections_of_ansible_core() -> None:
    """Fails when ansible-core gets a connection that repeats by another option."""
    named = set()
    for path in Path(ansible.plugins.connection.__path__[0]).glob("[a-z]*.py"):
        options = get_docstring(str(path), fragment_loader)[0]["options"]
        named |= {(path.stem, option) for option in options if "retries" in option or "reconnect" in option}
    assert named == {
        ("ssh", "reconnection_retries"),
        ("psrp", "reconnection_retries"),
        ("psrp", "reconnection_backoff"),
    }


@pytest.mark.parametrize("name", HAVING)
def test_a_command_is_not_repeated_and_later_it_is_again(name: str) -> None:
    made = connection(name, {HAVING[name]: 3})
    assert reconnection.retries(made) == 3
    with reconnection.none(made):
        assert made.get_option("reconnection_retries") == 0
        assert reconnection.retries(made) == 0
    assert made.get_option("reconnection_retries") == 3

    with pytest.raises(ConnectionError), reconnection.none(made):
        raise ConnectionError
    assert made.get_option("reconnection_retries") == 3


@pytest.mark.parametrize("name", HAVING)
def test_where_nothing_is_repeated_nothing_is_changed(name: str) -> None:
    made = connection(name, {})
    with reconnection.none(made):
        assert made.get_option_and_origin("reconnection_retries") == (0, "default")
    assert made.get_option_and_origin("reconnection_retries") == (0, "default")


BROKEN_PIPE = b"mux_client_hello_exchange: write packet: Broken pipe\r\n"


def test_a_broken_pipe_of_a_shared_connection_is_no_reason_to_run_a_command_again(tmp_path: Path) -> None:
    """In this case, ssh opens a connection of its own. That one was lost after the command had been carried out."""
    done, ssh = tmp_path / "done", tmp_path / "ssh"
    ssh.write_bytes(b"#!/bin/sh\necho done >> %s\nprintf '%s' >&2\nexit 255\n" % (bytes(done), BROKEN_PIPE))
    ssh.chmod(0o700)
    made = connection("ssh", {"ansible_ssh_executable": str(ssh), "ansible_host": "127.0.0.1"})
    for times in (1, 2):
        with pytest.raises(AnsibleConnectionFailure, match="Broken pipe"), reconnection.none(made):
            made.exec_command("true", in_data=b"a module", sudoable=False)
        assert done.read_text(encoding="utf-8") == "done\n" * times
    # Later it is repeated again.
    with pytest.raises(AnsibleError, match="Broken pipe"):
        made.exec_command("true", in_data=b"a module", sudoable=False)
    assert done.read_text(encoding="utf-8") == "done\n" * 4


def test_a_connection_without_the_option_is_left_alone() -> None:
    made = connection("local", {})
    assert reconnection.retries(made) == 0
    with reconnection.none(made):
        pass


class ReadsItWhenMade:
    """In the shape of amazon.aws.aws_ssm: the option is read once, and has a default above 0."""

    def __init__(self) -> None:
        self._option = 3
        self.reconnection_retries = self.get_option("reconnection_retries")

    def get_option(self, option: str) -> int:
        assert option == "reconnection_retries"
        return self._option

    def set_option(self, option: str, value: int) -> None:
        assert option == "reconnection_retries"
        self._option = value


def test_a_plugin_that_has_read_the_option_already_does_not_repeat_either() -> None:
    made = ReadsItWhenMade()
    with reconnection.none(made):
        assert (made.get_option("reconnection_retries"), made.reconnection_retries) == (0, 0)
    assert (made.get_option("reconnection_retries"), made.reconnection_retries) == (3, 3)
