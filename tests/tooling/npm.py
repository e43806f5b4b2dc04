# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that only npm has. They are only unpacked, without the packages that they depend on, and nothing is run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from tooling.tree import CACHE


class Package(NamedTuple):
    """A package in one version, and the hash of its archive."""

    name: str
    version: str
    sha256: str


def parent(package: Package) -> Path | None:
    """Fetch and unpack a package if that has not been done yet, and return the folder that it is in, under its name.

    None where node or npm is missing.
    """
    folder = CACHE / "npm" / package.version
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    if not (folder / package.name).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            command = ["npm", "pack", f"{package.name}@{package.version}", "--silent", "--ignore-scripts"]
            subprocess.run(command, check=True, cwd=scratch)
            tarball = Path(scratch, f"{package.name}-{package.version}.tgz")
            if hashlib.sha256(tarball.read_bytes()).hexdigest() != package.sha256:
                raise RuntimeError(f"{tarball.name} does not have the expected hash: do not use it.")
            with tarfile.open(tarball) as archive:
                archive.extractall(scratch, filter="data")
            # Another session may have been faster.
            if not (folder / package.name).is_dir():
                Path(scratch, "package").rename(folder / package.name)
    return folder
