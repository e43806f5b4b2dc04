# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Crash sweeps: the promise that no password is ever lost, tested at every moment at which a run can die."""

from __future__ import annotations

import pytest
from ansible.plugins.loader import init_plugin_loader

from support.playbooks import installed_collection, running_simulator, simulator
from sweeps.tally import Tally
from tooling import long_form, tree

# Before anything of the collection is imported.
init_plugin_loader([str(tree.link())])

from support.stores.fixtures import bench, folder, openbao, quick_key_derivation, vault  # noqa: E402

# Fixtures.
__all__ = [
    "bench",
    "folder",
    "installed_collection",
    "openbao",
    "quick_key_derivation",
    "running_simulator",
    "simulator",
    "vault",
]

TALLY = pytest.StashKey[Tally]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long."""
    long_form.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Begin counting."""
    config.stash[TALLY] = Tally()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long sweeps unless they are asked for."""
    long_form.choose(config, items, timeout=300, long_timeout=7200)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was swept."""
    tally = config.stash[TALLY]
    for line in (*tally.lines, *tally.violations[:20]):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"In all {tally.kills} kills, {len(tally.violations)} violations.")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    return request.config.stash[TALLY]


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """The name of the store that `bench` is about."""
    return str(request.node.callspec.params["bench"])
