# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile vendors: whatever they answer, a task ends soon, uses little memory, and reports it in one clean sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from ansible.plugins.loader import init_plugin_loader

from hostile.tasks import TargetHost, target_host
from support.playbooks import installed_collection, run_playbook
from tooling import tree

# Before anything of the collection is imported.
init_plugin_loader([str(tree.link())])

# Fixtures.
__all__ = ["installed_collection", "run_playbook"]

# For all examples of one property together: the time of a single one depends more on the machine than on the code.
EXAMPLES = int(os.environ.get("KRCLOUD_FUZZ", "300"))
hypothesis.settings.register_profile("fuzz", parent=hypothesis.settings.default, deadline=None, max_examples=EXAMPLES)
hypothesis.settings.load_profile("fuzz")

PEAKS = pytest.StashKey[list[int]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin measuring."""
    config.stash[PEAKS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report what was measured."""
    if peaks := config.stash[PEAKS]:
        terminalreporter.write_line(
            f"{len(peaks)} tasks met a hostile server; the most memory: {max(peaks) / 1e6:.0f} MB."
        )
    terminalreporter.write_line(f"{EXAMPLES} examples of each fuzzed property.")


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TargetHost]:
    """The host on which the modules run."""
    home: Path = tmp_path_factory.mktemp("home")
    with target_host(str(tree.link()), {"HOME": str(home)}) as host:
        yield host


@pytest.fixture
def peaks(request: pytest.FixtureRequest) -> list[int]:
    """The peak memory of each task so far."""
    return request.config.stash[PEAKS]
