# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ncp_dataforest_rotation decides between its tasks. Wiring: plain data in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation import batches

Rows = Sequence[Mapping[str, Any]]


def rotation_order(rows: Rows, **wishes: Any) -> dict[str, Any]:
    """See `batches.order`."""
    planned = batches.order(rows, **wishes)
    return planned._asdict()


def rotation_course(course: Mapping[str, Any], **batch: Any) -> dict[str, Any]:
    """See `batches.after_batch`."""
    after = batches.after_batch(batches.Course(**course), **batch)
    return after._asdict()


def rotation_halt(course: Mapping[str, Any], planned: Mapping[str, Any], canary: int, rows: Rows | None = None) -> str:
    """See `batches.doubt` and, with rows, `batches.after_canary`."""
    if rows is None:
        return batches.doubt(batches.Course(**course), batches.Order(**planned), canary)
    return batches.after_canary(batches.Course(**course), rows, canary)


def rotation_verdict(
    said: Mapping[str, Any], course: Mapping[str, Any], planned: Mapping[str, Any], **facts: Any
) -> dict[str, Any]:
    """See `batches.verdict`."""
    return batches.verdict(said, batches.Course(**course), batches.Order(**planned), **facts)


def rotation_accounts(
    said: Mapping[str, Any], course: Mapping[str, Any], planned: Mapping[str, Any], **facts: Any
) -> list[dict[str, Any]]:
    """See `batches.accounts`."""
    return batches.accounts(said, batches.Course(**course), batches.Order(**planned), **facts)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        filters = (rotation_order, rotation_course, rotation_halt, rotation_verdict, rotation_accounts)
        return {each.__name__: each for each in filters}
