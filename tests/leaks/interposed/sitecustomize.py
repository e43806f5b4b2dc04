# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loaded by every Python of a run: also writes to a file what goes to syslog."""

from __future__ import annotations

import os
import syslog
from typing import Any

_write = syslog.syslog


def write(*arguments: Any) -> None:
    with open(os.environ["KRCLOUD_SYSLOG"], "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"{arguments[-1]}\n")
    _write(*arguments)


setattr(syslog, "syslog", write)  # noqa: B010 its type is that of an overloaded function
