# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores under test."""

from __future__ import annotations

from support.stores.fixtures import bench, folder, hashi, openbao, quick_key_derivation, vault

# Fixtures.
__all__ = ["bench", "folder", "hashi", "openbao", "quick_key_derivation", "vault"]
