# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection in the shape of docker, kubectl, chroot, lxd and others: it can pipeline, but has no option for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: bare
short_description: Run commands here
description: For the leak sweep, and for the tests of pipelining.
"""


class Connection(ConnectionBase):
    """Runs commands on this machine. Each file that is put is noted in the file that PUT names."""

    transport = "bare"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def close(self) -> None:
        """Nothing was opened."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command."""
        done = subprocess.run(["/bin/sh", "-c", cmd], input=in_data, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> Any:
        """Copy a file."""
        shutil.copy(in_path, out_path)
        if "PUT" in os.environ:
            with open(os.environ["PUT"], "a", encoding="utf-8") as log:
                log.write(f"{out_path}\n")

    def fetch_file(self, in_path: str, out_path: str) -> Any:
        """Copy a file."""
        shutil.copy(in_path, out_path)
