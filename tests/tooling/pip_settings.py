# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies the settings of pip to the other installers as well.

People who need a mirror, a certificate or local wheels have told pip. uv does not read these settings, and ansible-test
drops every PIP_* variable. So both are given what pip is told, and no setting of uv is ever overridden.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Mapping

UV_NAMES = {
    "cert": "SSL_CERT_FILE",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
}


def settings(python: str) -> dict[str, str]:
    """What the pip of this interpreter is told by its files and variables: variables win, [install] beats [global]."""
    found: dict[str, str] = {}
    listing = subprocess.run([python, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True).stdout
    for section in ("global.", "install.", ":env:."):
        for line in listing.splitlines():
            if line.startswith(section) and "=" in line:
                name, value = line.removeprefix(section).split("=", 1)
                found[name.lower()] = " ".join(str(ast.literal_eval(value)).split())
    return {name: value for name, value in found.items() if name in UV_NAMES}


def for_uv(found: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables to add for uv, except those that the environment sets itself."""
    added = {UV_NAMES[name]: value for name, value in found.items() if not environment.get(UV_NAMES[name])}
    if "UV_INDEX" in added:
        # pip takes the best version of all indexes, uv by default stops at the first index that knows the name.
        added.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return added


def config(found: Mapping[str, str]) -> str:
    """The text of a pip.conf with the same settings, which also makes pip silent about success."""
    lines = [f"{name} = {value}\n" for name, value in {**found, "quiet": "1"}.items()]
    return "".join(["[global]\n", *lines])
