# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signing peer that only npm has. The file that signs needs no others, so the package is only unpacked."""

from __future__ import annotations

from tooling import npm

PEER = npm.Package("ncloud-mcp-server", "1.16.0", "d4b98b98f13bc500c72879c5d2017a4b7526e4fc95ab5b0cd3495f7d3a801cb8")


def environment() -> dict[str, str]:
    """KRCLOUD_NPM_PEERS, the folder that holds the unpacked package; empty if node or npm is missing.

    tests/unit/conftest.py then leaves out the tests that need it, and says so.
    """
    folder = npm.parent(PEER)
    return {} if folder is None else {"KRCLOUD_NPM_PEERS": str(folder)}
