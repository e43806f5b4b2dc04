# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a request that changes something: one vocabulary from the answer to the result. Pure.

    answer                                    kind of error         Outcome    rotation              word in results
    ----------------------------------------  --------------------  ---------  --------------------  ---------------
    the documented confirmation               (none)                CONFIRMED  make it active        reset, accepted,
                                                                                                     rotated, resumed
    an explicit refusal of what was sent      rejected              REJECTED   drop it, try another  rejected
    anything else, or no answer; a defect     unknown_outcome,      UNKNOWN    keep it, resend it    unknown
    of ours while the request was under way   internal
    a refusal of the caller (401, 403, 429),  authentication,       FAILED     keep it, send it      failed; no
    no such account, or the request never     rate_limit,                      in the next run       delivery of
    left                                      not_found,                                             a mail
                                              transport,
                                              configuration
    (nothing was sent, because enough other   skipped               SKIPPED    keep it, send it      skipped
    accounts had failed)                                                       in the next run

An error says which outcome it stands for (`errors.KrcloudError.outcome`). A request that changes nothing has no
outcome, only an error: then the kind may also be `protocol`.
"""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """What became of a request that changes something, and what that proves."""

    CONFIRMED = "it was carried out: the answer is the documented confirmation"
    REJECTED = "it was not carried out, because of what was sent"
    UNKNOWN = "it may or may not have been carried out"
    FAILED = "it was not carried out, for a reason that says nothing about what was sent"
    SKIPPED = "it was not sent, because of what had happened before"

    def word(self, confirmed: str) -> str:
        """Return the word for it in results, which is ``confirmed`` for a confirmation: each module has its own."""
        return confirmed if self is Outcome.CONFIRMED else self.name.lower()


def of_word(word: object, confirmed: str) -> Outcome:
    """Return the outcome that a word in a result stands for. Any other word proves nothing."""
    return next((each for each in Outcome if each.word(confirmed) == word), Outcome.UNKNOWN)
