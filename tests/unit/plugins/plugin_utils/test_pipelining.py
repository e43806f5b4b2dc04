# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the modules of this collection travel by pipelining, with the connections of ansible-core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader

from ansible_collections.krcloud.credentials.plugins.plugin_utils._pipelining import prefer_pipelining


def connection(name: str, variables: dict[str, Any] | None = None, become: str | None = None) -> Any:
    """A connection plugin, as a task has it when its action begins."""
    made = connection_loader.get(f"ansible.builtin.{name}", PlayContext())
    made.set_options(var_options=variables or {})
    if become:
        method = become_loader.get(f"ansible.builtin.{become}")
        method.set_options()
        made.set_become_plugin(method)
    return made


@pytest.mark.parametrize("name", ["local", "ssh"])
def test_a_module_travels_by_pipelining(name: str) -> None:
    made = connection(name)
    assert not made.is_pipelining_enabled()
    prefer_pipelining(made)
    assert made.is_pipelining_enabled()
    assert not made.is_pipelining_enabled(wrap_async=True)


@pytest.mark.parametrize("name", ["local", "ssh"])
@pytest.mark.parametrize("decision", [True, False])
def test_what_the_user_decided_stays(name: str, decision: bool) -> None:
    made = connection(name, {"ansible_pipelining": decision})
    prefer_pipelining(made)
    assert made.is_pipelining_enabled() is decision


def test_a_decision_in_the_environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_PIPELINING", "false")
    made = connection("local")
    prefer_pipelining(made)
    assert not made.is_pipelining_enabled()


@pytest.mark.parametrize("become", ["sudo", "su"])
def test_whoever_becomes_another_user_decides(become: str) -> None:
    """`sudo` with `requiretty` in its configuration refuses what comes by pipelining."""
    made = connection("ssh", become=become)
    prefer_pipelining(made)
    assert not made.is_pipelining_enabled()


# As those of many other collections are.
BARE = """
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    transport = "bare"
    has_pipelining = True
    _connect = exec_command = put_file = fetch_file = close = lambda self, *_arguments, **_options: None
"""


def test_a_connection_without_such_an_option_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(BARE, encoding="utf-8")
    connection_loader.add_directory(str(tmp_path))
    made = connection_loader.get("bare", PlayContext())
    with pytest.raises(KeyError):
        made.get_option("pipelining")
    prefer_pipelining(made)
    assert not made.is_pipelining_enabled()
