# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Python without `requests` on the target: the one library that modules need."""

from __future__ import annotations

import json
import sys
import venv
from pathlib import Path
from typing import Any

from support.simulator import Simulator


def test_the_interpreter_and_the_remedy_are_named(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    assert sys.executable != python
    options = {
        "api_url": simulator.ncp_url,
        "access_key": simulator.access_key,
        "secret_key": simulator.secret_key,
        "name": "df001",
        "password": "Str0ng-P4ss=word",
    }
    task = {"krcloud.credentials.ncp_dataforest_password": options, "vars": {"ansible_python_interpreter": python}}
    done = run_playbook(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    assert done.returncode == 2
    assert "Failed to import the required Python library (requests)" in done.stdout
    assert f"'{python} -m pip install requests'" in done.stdout
    assert simulator.requests() == []
