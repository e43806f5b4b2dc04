# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real playbooks against the simulator."""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader

from support.playbooks import installed_collection, run_playbook, running_simulator, simulator
from tooling import tree

# The tables of options say what to try.
init_plugin_loader([str(tree.link())])

# Fixtures.
__all__ = ["installed_collection", "run_playbook", "running_simulator", "simulator"]
