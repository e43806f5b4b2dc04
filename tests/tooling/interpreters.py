# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Python interpreters of this machine that really work."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

# A shim of pyenv answers for every version that is installed and exits with 127 for all but the selected ones.
# That breaks ansible-test, uv and nox alike, so shims are never used: the interpreters behind them are.
SHIMS = re.compile(r"[/\\]shims[/\\]?$")

# Debian's Python comes without ensurepip, and is of no use to us until python3-venv is installed.
PROBE = """\
import ensurepip, sys, venv
print("%d.%d" % sys.version_info[:2], getattr(sys, "_base_executable", sys.executable))
"""


def search_path() -> list[str]:
    """PATH without shims, followed by the folders of the interpreters that pyenv has installed."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    roots = [Path(folder).parent for folder in folders if SHIMS.search(folder)]
    roots += [Path(os.environ[name]) for name in ("PYENV_ROOT",) if os.environ.get(name)]
    roots += [Path(os.environ[name], ".pyenv") for name in ("HOME",) if os.environ.get(name)]
    installed = [str(path) for root in roots for path in sorted(root.glob("versions/3.*/bin"))]
    return list(dict.fromkeys([folder for folder in folders if not SHIMS.search(folder)] + installed))


@functools.cache
def find() -> dict[str, str]:
    """One working interpreter per minor version, such as {"3.12": "/usr/bin/python3.12"}, oldest first.

    The oldest is 3.8, which ansible-core 2.19 still supports on target hosts.
    """
    candidates = [Path(sys.executable)]
    for folder in search_path():
        candidates += [path for path in Path(folder).glob("python3.*") if re.search(r"n3\.(8|9|1\d)$", path.name)]
    found: dict[str, str] = {}
    for candidate in candidates:
        if candidate.name.removeprefix("python") in found:
            continue
        probe = subprocess.run([candidate, "-c", PROBE], check=False, capture_output=True, text=True)
        if probe.returncode == 0:
            version, executable = probe.stdout.strip().split(" ", 1)
            found.setdefault(version, executable)
    return dict(sorted(found.items(), key=lambda item: int(item[0].split(".")[1])))


def path_with(found: dict[str, str]) -> str:
    """A PATH on which `pythonX.Y` is the interpreter that was found, for tools that look there."""
    folders = [str(Path(executable).parent) for executable in reversed(found.values())]
    return os.pathsep.join(dict.fromkeys(folders + search_path()))
