# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""The published forms of an account's id and name, and how messages may quote what a user gave as one. Pure.

Source: the getList and create pages of the Data Forest API (api.ncloud-docs.com, analytics-dataforest-accounts).
"""

from __future__ import annotations

import re

from ansible_collections.krcloud.credentials.plugins.module_utils import _errors

_ACCOUNT_ID = re.compile(r"[0-9A-Za-z]{1,22}")
_ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,14}[a-z0-9]")


def check_account_id(account_id: str, place: str) -> None:
    """Raise ConfigurationError, which does not quote it, for what is no id. ``place`` says where it stands."""
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise _errors.ConfigurationError(
            f"The id of {place} is not one: an id has 1 to 22 letters and digits.",
            hint="ncp_dataforest_account_info lists the ids.",
        )


def check_account_name(name: str, place: str) -> None:
    """Raise ConfigurationError, which does not quote it, for what is no name. ``place`` says where it stands."""
    if not _ACCOUNT_NAME.fullmatch(name):
        raise _errors.ConfigurationError(
            f"The name of {place} is not one: a name has 2 to 16 lower-case letters, digits and hyphens, "
            "and no hyphen at either end."
        )


def shown(name_or_id: str) -> str:
    """Return a name or an id as messages may quote it: what cannot be one may be anything, a password too."""
    is_one = _ACCOUNT_NAME.fullmatch(name_or_id) or _ACCOUNT_ID.fullmatch(name_or_id)
    return name_or_id if is_one else "(no name of an account)"
