# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ncp_dataforest_password decides between its tasks. Wiring: plain data in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils import _passwords


def password_accounts(named: Mapping[str, Any], **credentials: Any) -> list[dict[str, Any]]:
    """See `_passwords.accounts`."""
    return _passwords.accounts(named, **credentials)


def password_verdict(said: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """See `_passwords.verdict`."""
    return _passwords.verdict(said, **facts)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {each.__name__: each for each in (password_accounts, password_verdict)}
