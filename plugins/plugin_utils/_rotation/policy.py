# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user wants: when a password is due, and what to do with accounts that the store does not know. Pure."""

from __future__ import annotations

import copy
import enum
import hashlib
import math

from ansible_collections.krcloud.credentials.plugins.module_utils._core.durations import parse_duration
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope


class NewAccounts(enum.Enum):
    """What to do about an account that the store does not know."""

    FAIL = "fail"
    ROTATE = "rotate"
    SKIP = "skip"


class Policy:
    """When a password is due, and what to do with accounts that the store does not know.

    ``max_age`` is in seconds. ``jitter`` is the share of it by which a password may be due earlier. With ``force``,
    every password that was made before the run began is due, and with ``rotated_before`` every one that was not
    certainly made at or after that moment, in whole seconds since the epoch.
    """

    def __init__(
        self,
        max_age: float,
        jitter: float = 0.1,
        force: bool = False,
        new_accounts: NewAccounts = NewAccounts.FAIL,
        rotated_before: float | None = None,
    ) -> None:
        if not (math.isfinite(max_age) and max_age > 0):
            raise ConfigurationError("max_age is not valid: it must be greater than 0, such as 90d.")
        if not 0 <= jitter < 1:
            raise ConfigurationError("jitter is not valid: it must be 0% or more and less than 100%.")
        if force and rotated_before is not None:
            raise ConfigurationError(
                "rotated_before cannot be combined with force.",
                hint="Remove force. With it, each repetition of the run would set all passwords anew.",
            )
        self.max_age = max_age
        self.jitter = jitter
        self.force = force
        self.new_accounts = new_accounts
        self.rotated_before = rotated_before

    def with_max_age(self, max_age: float | None) -> Policy:
        """Return the policy for an account with a ``max_age`` of its own, if it has one. It is not checked again."""
        if max_age is None:
            return self
        policy = copy.copy(self)
        policy.max_age = max_age
        return policy


def long_before(policy: Policy, max_age: str, now: float) -> str | None:
    """Return a warning if ``rotated_before`` is so long ago that it is probably a slip. ``max_age`` is as written."""
    if policy.rotated_before is None or policy.rotated_before >= now - policy.max_age:
        return None
    return (
        f"rotated_before is {time_text(policy.rotated_before)}, which is longer ago than max_age ({max_age}). "
        "Passwords of that age are due anyway. Check the year and the time zone."
    )


def parse_max_age(text: str, option: str) -> float:
    """Return how old a password may get, in seconds. Raises ConfigurationError, which names the option."""
    max_age = parse_duration(text, option)
    if max_age <= 0:
        raise ConfigurationError(f"{option} is not valid: it must be greater than 0, such as 90d.")
    return max_age


def due_at(envelope: Envelope, policy: Policy) -> float | None:
    """Return when the active password must be replaced, in seconds since the epoch; None if there is none.

    Jitter only brings the date forward, so that no password gets older than ``max_age``. It depends only on the
    account's name, so that it is the same in every run.
    """
    if envelope.rotated_at is None:
        return None
    digest = hashlib.sha256(envelope.account.name.encode("utf-8")).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return seconds(envelope.rotated_at) + policy.max_age * (1.0 - policy.jitter * share)


def is_outdated(envelope: Envelope, policy: Policy, now: float) -> bool:
    """Tell whether the active password was, or may have been, made before the moment of the policy."""
    return policy.rotated_before is not None and made_at(envelope, now) < policy.rotated_before


def is_exposed(envelope: Envelope, policy: Policy, now: float) -> bool:
    """Tell whether the live password was, or may have been, made before the moment of the policy.

    It may be another one than the active one. When a former password was made is not noted.
    """
    if policy.rotated_before is None:
        return False
    candidates = (seconds(item.staged_at) for item in envelope.pending)
    return (
        is_outdated(envelope, policy, now)
        or any(not policy.rotated_before <= staged_at <= now for staged_at in candidates)
        or any(former.in_flight for former in envelope.previous)
    )


def made_at(envelope: Envelope, now: float) -> float:
    """Return when the active password was made. If that is not certain, it was made long ago.

    It is not if somebody else has made it, or if some clock was wrong: it was made before it was confirmed, and before
    now.
    """
    if envelope.made_at is None or envelope.rotated_at is None:
        return -math.inf
    made = seconds(envelope.made_at)
    return -math.inf if made > min(seconds(envelope.rotated_at), now) else made
