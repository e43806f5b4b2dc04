# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plugin costs on the controller before it does anything, counted and not timed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tooling import tree

PLUGINS = "ansible_collections.krcloud.credentials.plugins"
FOLDERS = {"action", "filter", "lookup", "module_utils", "plugin_utils"}
# What Ansible itself imports for an action or a lookup does not count.
PROGRAM = """
import importlib, sys
import ansible.plugins.action, ansible.plugins.lookup, ansible.parsing.vault, ansible.template
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(" ".join(set(sys.modules) - before))
"""


@pytest.mark.parametrize(
    "plugin",
    [
        "action.ncp_dataforest_rotation",
        "action.ncp_dataforest_credential",
        "action.ncp_dataforest_credential_info",
        "action.ncp_dataforest_publication",
        "action.ncp_dataforest_rotation_report",
        "action.ncp_dataforest_store_copy",
        "action.solapi_password_reset",
        "lookup.dataforest_credential",
        "lookup.dataforest_password",
        "action.ncp_dataforest_account_info",
        "action.ncp_dataforest_password",
    ],
)
def test_a_plugin_imports_only_what_every_run_needs(plugin: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"{PLUGINS}.{plugin}"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tree.link())},
        check=True,
        capture_output=True,
        text=True,
    )
    imported = set(done.stdout.split())
    # Libraries are for the store that needs them, the clients of the vendors for the module on the target host.
    assert not {name.partition(".")[0] for name in imported} & {"requests", "urllib3", "certifi"}
    last = {name.rpartition(".")[2] for name in imported if name.startswith(f"{PLUGINS}.")}
    own = {name for name in last - FOLDERS if not name.startswith("_")}
    assert own
    if plugin in ("action.ncp_dataforest_account_info", "action.ncp_dataforest_password"):
        assert own == {
            plugin.partition(".")[2],
            "module_action",
            "pipelining",
            "reconnection",
            "secret_options",
            "words",
        }
    assert not own & {"kv2", "wire", "caller", "dataforest", "client", "keys", "bodies", "reset"}
