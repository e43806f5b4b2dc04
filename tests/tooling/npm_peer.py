# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signing peer that only npm has. The file that signs needs no others, so the package is only unpacked."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tooling.tree import CACHE

NAME, VERSION = "ncloud-mcp-server", "1.16.0"
SHA256 = "d4b98b98f13bc500c72879c5d2017a4b7526e4fc95ab5b0cd3495f7d3a801cb8"


def environment() -> dict[str, str]:
    """KRCLOUD_NPM_PEERS, the folder that holds the unpacked package; empty if node or npm is missing.

    tests/unit/conftest.py then leaves out the tests that need it, and says so.
    """
    folder = CACHE / "npm" / VERSION
    if shutil.which("node") is None or shutil.which("npm") is None:
        return {}
    if not (folder / NAME).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            command = ["npm", "pack", f"{NAME}@{VERSION}", "--silent", "--ignore-scripts"]
            subprocess.run(command, check=True, cwd=scratch)
            tarball = Path(scratch, f"{NAME}-{VERSION}.tgz")
            if hashlib.sha256(tarball.read_bytes()).hexdigest() != SHA256:
                raise RuntimeError(f"{tarball.name} does not have the expected hash: do not use it.")
            with tarfile.open(tarball) as archive:
                archive.extractall(scratch, filter="data")
            # Another session may have been faster.
            if not (folder / NAME).is_dir():
                Path(scratch, "package").rename(folder / NAME)
    return {"KRCLOUD_NPM_PEERS": str(folder)}
