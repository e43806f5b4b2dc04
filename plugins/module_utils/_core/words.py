# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that results are made of: their keys, outcomes and kinds of errors. They are never masked. Pure.

A user whose password is such a word must still be able to tell a failure from a success, and masking these words would
hide no secret. The tests compare the list with the documentation of all modules. Words that are shorter than the
shortest secret that is masked need not be here.
"""

from __future__ import annotations

# Shorter values occur in ordinary text by chance. Masking them would make it unreadable, and reveal what they are.
SHORTEST_SECRET = 6

# What ansible-core and its callbacks look for in a result.
_CORE = (
    "_ansible_delegated_vars",
    "_ansible_no_log",
    "_ansible_parsed",
    "_ansible_verbose_always",
    "ansible_facts",
    "ansible_job_id",
    "censored",
    "changed",
    "deprecations",
    "exception",
    "failed",
    "finished",
    "invocation",
    "module_args",
    "module_stderr",
    "module_stdout",
    "results_file",
    "skipped",
    "started",
    "unreachable",
    "warnings",
)
_KEYS = (
    "access_key",
    "accounts",
    "api_url",
    "before",
    "created_at",
    "credentials",
    "delivery",
    "disabled",
    "duration",
    "expires_at",
    "hand_over",
    "hand_over_alone",
    "hand_over_begun",
    "held_until",
    "hold_reason",
    "hold_until",
    "http_status",
    "last_sent_at",
    "max_failures",
    "message",
    "message_id",
    "moved_to",
    "next_due_at",
    "outcome",
    "overdue",
    "pending",
    "pending_since",
    "position",
    "previously_rotated_at",
    "principal",
    "profile",
    "published",
    "published_at",
    "reason",
    "requested_at",
    "rotated_at",
    "rotated_before",
    "rotation_id",
    "secret_key",
    "started_at",
    "status",
    "summary",
    "tenants",
    "trace_id",
    "unanswered",
    "unpublished",
    "unusable",
    "vendor_code",
)
_VALUES = (
    # outcomes of accounts
    "failed",
    "rejected",
    "resumed",
    "rotated",
    "skipped",
    "unknown",
    # what became of accounts that a store was told about
    "adopted",
    "forgotten",
    "unchanged",
    "updated",
    # what became of what moves to another store
    "conflict",
    "copied",
    "removed",
    # what became of a mail
    "accepted",
    # states of an account in a store
    "absent",
    "active",
    "unsettled",
    # kinds of errors
    "authentication",
    "configuration",
    "internal",
    "not_found",
    "protocol",
    "rate_limit",
    "transport",
    "unknown_outcome",
    # states of an account at the vendor
    "ACCEPTED",
    "CHANGING",
    "RUNNING",
)

WORDS = frozenset((*_CORE, *_KEYS, *_VALUES))
