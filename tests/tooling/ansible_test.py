# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-test needs to run without a container."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tooling.tree import CACHE

PIP_CONFIG = CACHE / "pip.conf"
"""The settings of pip, written by tests/tooling/start.py: ansible-test hides them from pip if they are variables."""

PLANTED = "plugins/modules/planted_error.py"

# ansible-test installs pip with a script that it downloads from a host of its own project. A file in its cache comes
# first: this one, which takes the pip that comes with Python. ensurepip runs in a child because it would otherwise
# leave pip's configuration files switched off for the install that follows.
GET_PIP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *arguments]))
"""
GET_PIP_VERSIONS = ("24_2", "25_2")
"""The first version is for ansible-core 2.19, the second for 2.20 to 2.22."""


def environment(home: Path) -> dict[str, str]:
    """The variables for ansible-test, which then keeps its environments and caches in the given folder."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP_VERSIONS:
        (cache / f"get_pip_{version}.py").write_text(GET_PIP, encoding="utf-8")
    if PIP_CONFIG.is_file():
        (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
        shutil.copy(PIP_CONFIG, home / ".config" / "pip" / "pip.conf")
    return {"HOME": str(home)}


def use_releases(environment: Path) -> None:
    """Let ansible-test install by name, from the package index, what it would otherwise take from a web address.

    ansible-core 2.22.0rc1 requires such a version of dill, which knows Python 3.15. On older Pythons the released
    version is enough.
    """
    for file in environment.glob("lib/*/site-packages/ansible_test/_data/requirements/sanity.*.txt"):
        text = file.read_text(encoding="utf-8")
        released = re.sub(r"(?m)^(\S+) @ https://.*$", r"\1", text)
        if released != text:
            # Not in place: the file is a hard link into uv's cache.
            file.unlink()
            file.write_text(released, encoding="utf-8")


def plant(collection: Path) -> Path:
    """Add a module that does not even compile. A sanity run that passes with it checks nothing."""
    file = collection / PLANTED
    file.write_text("def (\n", encoding="utf-8")
    return file
