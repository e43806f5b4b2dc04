# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an option is, and what a group of them is that several modules share."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Tuple

Spec = Dict[str, Dict[str, Any]]


class Group(NamedTuple):
    """Options that several modules share; `plugins/doc_fragments/` documents the same tables.

    ``environment`` names the variables that stand in for an option, in the order in which they are read. The first
    that is set and not empty takes precedence over the option's default, but not over the option.
    """

    options: Spec
    environment: Mapping[str, Tuple[str, ...]]

    def __repr__(self) -> str:
        return "Group"
