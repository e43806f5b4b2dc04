# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was swept, for the summary."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tally:
    """A line for each store and kind of run."""

    lines: list[str] = field(default_factory=list)
    kills: int = 0
    violations: list[str] = field(default_factory=list)

    def note(self, what: str, violations: list[str]) -> None:
        """Add the figures of one test."""
        self.lines.append(f"{what}, {len(violations)} violations")
        self.violations += violations

    def add_kills(self, what: str, boundaries: int, kills: int, violations: list[str]) -> None:
        """Add the figures of one sweep."""
        self.kills += kills
        self.note(f"{what}: {boundaries} boundaries, {kills} kills", violations)
