# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes this folder importable as ansible_collections.krcloud.credentials, the way Ansible itself does it."""

from __future__ import annotations

import os

import hypothesis
import pytest
from ansible.plugins.loader import init_plugin_loader

from tooling import tree

# Before any test module is imported.
init_plugin_loader([str(tree.link())])

# How long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("unit", parent=hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("unit")

NPM_PEERS = os.environ.get("KRCLOUD_NPM_PEERS")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out comparisons with the npm package where it could not be fetched."""
    if NPM_PEERS:
        return
    left_out = [item for item in items if item.get_closest_marker("npm_peer")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out."""
    if not NPM_PEERS:
        terminalreporter.write_line("Left out: tests marked npm_peer, because node or npm is not on PATH.")
