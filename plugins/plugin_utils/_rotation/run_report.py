# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a run of the role, for programs: the data and its JSON. Pure.

`docs/report.schema.json` describes the JSON for users. Its texts may be a vendor's, so each is one printable line that
no reader takes for a template.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import one_line
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.results import OUTCOMES

# It changes if keys change their meaning or go away, but not if new ones come.
FORMAT = 1
ROLE = "krcloud.credentials.ncp_dataforest_rotation"

UNFINISHED = (
    "The run has not ended: it is still under way, or it was ended before it could write its report. Read its output, "
    "then run the role again: it resumes what was begun."
)

_LONGEST = 20_000
# What begins a template, as ansible-core looks for it in the files that a play loads as variables.
_TEMPLATE = re.compile(r"\{(?=[{%#])")


def unfinished(started_at: str) -> dict[str, Any]:
    """Return the report of a run that has just begun, which stays if the run is killed."""
    report = finished((), verdict=UNFINISHED, problem=UNFINISHED, started_at=started_at, now="")
    return {**report, "finished_at": None}


def finished(
    accounts: Sequence[Mapping[str, Any]], *, verdict: str, problem: str, started_at: str, now: str
) -> dict[str, Any]:
    """Return the report of a run.

    ``accounts`` are those of `batches.accounts`. ``verdict`` says why the run failed, and ``problem`` which failure is
    about no single account; both are '' if there is none. The moments are texts, as in results.
    """
    rows = [_shown(row) for row in accounts]
    verdict, problem = _said(verdict), _said(problem)
    outcomes, hand_overs = (Counter(row[key] for row in rows) for key in ("outcome", "hand_over"))
    # A failed run says what has failed, if none of its accounts does.
    problem = problem or ("" if any(row["attention"] for row in rows) else verdict)
    return {
        "format": FORMAT,
        "role": ROLE,
        # No reader may see a success where another one sees a failure.
        "success": not (verdict or problem or any(row["attention"] for row in rows)),
        "verdict": verdict,
        "problem": problem,
        "started_at": started_at,
        "finished_at": now,
        "summary": {
            "total": len(rows),
            **{outcome: outcomes[outcome] for outcome in OUTCOMES},
            "published": hand_overs["done"],
            "unpublished": hand_overs["failed"] + hand_overs["open"],
            "attention": sum(row["attention"] for row in rows),
        },
        "accounts": rows,
    }


def as_json(report: Mapping[str, Any]) -> str:
    """Return a report as the text of a file."""
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def _shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy whose texts are one printable line each."""
    return {key: _line(value) if isinstance(value, str) else value for key, value in data.items()}


def _said(text: str) -> str:
    """Return why a run failed as one line. What failed without a word has failed all the same."""
    return _line(text) or ("It failed without a reason." if text else "")


def _line(text: str) -> str:
    return _TEMPLATE.sub("{ ", one_line(text, _LONGEST))
