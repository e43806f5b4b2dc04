# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suites with a short form, for every day, and a long form: tests that are marked `long` run only with --long."""

from __future__ import annotations

import pytest


def add_option(parser: pytest.Parser) -> None:
    """Add --long."""
    parser.addoption("--long", action="store_true", help="the long form, which takes an hour or more")


def choose(config: pytest.Config, items: list[pytest.Item], *, timeout: int, long_timeout: int) -> None:
    """Leave out the long form unless it is asked for, and set the timeout of each test, in seconds."""
    left_out = [] if config.getoption("long") else [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        item.add_marker(pytest.mark.timeout(long_timeout if item.get_closest_marker("long") else timeout))
