# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, and groups of options that several modules share."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

Spec = Dict[str, Dict[str, Any]]


class Group(NamedTuple):
    """Options that several modules share; `plugins/doc_fragments/` documents the same tables.

    ``environment`` names the variables that are used when an option is not set, in the order in which they are read.
    The first that is set and not empty takes precedence over the default of the option.
    """

    options: Spec
    environment: Mapping[str, Tuple[str, ...]]

    def __repr__(self) -> str:
        return "Group"

    def with_more(self, options: Spec, environment: Mapping[str, Tuple[str, ...]]) -> Group:
        """Return a group that holds these options and variables as well."""
        return Group({**self.options, **options}, {**self.environment, **environment})


def first_set(environ: Mapping[str, str], names: Sequence[str]) -> Tuple[str, Optional[str]]:
    """Return name and value of the first of these variables that is set and not empty; "" and None if none is."""
    for name in names:
        if environ.get(name):
            return name, environ[name]
    return "", None
