# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that asks for a reset mail: check the address, ask, report."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, outcomes
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi import client, mail_address

# What results call a confirmed outcome.
CONFIRMED = "accepted"


def request_reset(solapi: client.Solapi, email: str, *, check_mode: bool = False) -> Dict[str, Any]:
    """Ask for a mail and return the result of the task, failures of the vendor included.

    Raises ConfigurationError when ``email`` is not one address.
    """
    mail_address.check_email(email)
    result: Dict[str, Any] = {
        "changed": True,
        "email": email,
        "delivery": None,
        "message_id": None,
        "requested_at": None,
    }
    if check_mode:
        return result
    try:
        mail = solapi.send_reset_mail(email)
    except errors.KrcloudError as error:
        if error.outcome is outcomes.Outcome.UNKNOWN:
            error.hint = (
                "The mail may have been sent. It was not requested again, because every request sends another mail. "
                "Ask the member whether it arrived before you run this again."
            )
        changed = error.outcome is outcomes.Outcome.UNKNOWN
        # A failure says nothing about the address.
        decided = error.outcome in (outcomes.Outcome.UNKNOWN, outcomes.Outcome.REJECTED)
        delivery = error.outcome.word(CONFIRMED) if decided else None
        failure = error.as_failure()
        failure["msg"] = mail_address.about(email, failure["msg"])
        return {**result, "changed": changed, "delivery": delivery, **failure}
    delivery = outcomes.Outcome.CONFIRMED.word(CONFIRMED)
    return {**result, "delivery": delivery, "message_id": mail.message_id, "requested_at": mail.requested_at}
