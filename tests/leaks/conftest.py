# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The leak sweep: secrets wherever one can be given, and a search for them in every place that they could get to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from leaks.canaries import CANARIES
from leaks.script import Script, Silence
from leaks.stage import Coverage, Stage
from support.playbooks import installed_collection, running_simulator, simulator
from support.simulator import Simulator
from support.stores.openbao import OpenBao
from tooling import long_form

# Fixtures.
__all__ = ["installed_collection", "running_simulator", "simulator"]

COVERAGE = pytest.StashKey[Coverage]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long and --share."""
    long_form.add_option(parser)
    parser.addoption("--share", choices=("first", "second"), help="the plugins and roles of this half, and the rest")


def pytest_configure(config: pytest.Config) -> None:
    """Begin counting."""
    config.stash[COVERAGE] = Coverage()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the output formats that are only for the long form, and plugins and roles of the other half."""
    long_form.choose(config, items, timeout=600, long_timeout=1200)
    if share := config.getoption("share"):
        left_out = [item for item in items if any(mark.args[0] != share for mark in item.iter_markers("share"))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was covered."""
    for line in config.stash[COVERAGE].table():
        terminalreporter.write_line(line)


@pytest.fixture
def coverage(request: pytest.FixtureRequest) -> Coverage:
    return request.config.stash[COVERAGE]


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server that knows the canary token."""
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        policy = 'path "secret/*" { capabilities = ["create", "read", "update", "list", "delete"] }'
        server.do("PUT", "sys/policies/acl/store", {"policy": policy})
        server.do("POST", "auth/token/create", {"id": CANARIES["token"], "policies": ["store"]})
        yield server


@pytest.fixture
def script(
    request: pytest.FixtureRequest,
    installed_collection: Path,
    simulator: Simulator,
    openbao: OpenBao,
    tmp_path: Path,
) -> Iterator[Script]:
    """An empty script, to be run in a folder of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        listener.settimeout(60)
        stage = Stage(installed_collection, tmp_path)
        yield Script(simulator, openbao, Silence(listener), stage, long=request.config.getoption("long"))
