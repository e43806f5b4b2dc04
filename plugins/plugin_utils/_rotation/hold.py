# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be said about a hold, whose reason is a text that somebody has written. Pure."""

from __future__ import annotations

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    SkippedError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor, one_line
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Envelope

LONGEST_REASON = 200


def passwords_of(envelope: Envelope) -> list[str]:
    """Return every password in an envelope."""
    passwords = [item.password for item in envelope.pending] + [item.password for item in envelope.previous]
    return passwords if envelope.password is None else [envelope.password, *passwords]


def shown_reason(envelope: Envelope) -> str | None:
    """Return the reason of the hold in one line, without any password of the envelope. None if there is none."""
    if envelope.hold is None or envelope.hold.reason is None:
        return None
    return Redactor(passwords_of(envelope)).text(one_line(envelope.hold.reason, LONGEST_REASON))


def held_back(envelope: Envelope) -> SkippedError:
    """Return why nothing is sent for an account on hold."""
    return SkippedError(
        f"{_on_hold(envelope)}.",
        hint="A hold ends by itself, or when ncp_dataforest_credential runs with hold_until set to now.",
    )


def held_against(envelope: Envelope) -> ConfigurationError:
    """Return why a password could not be replaced that may be older than ``rotated_before``."""
    return ConfigurationError(
        f"{_on_hold(envelope)}. Its live password may have been made before rotated_before, and was not replaced.",
        hint="End the hold by running ncp_dataforest_credential with hold_until set to now, then run again with the "
        "same rotated_before.",
    )


def _on_hold(envelope: Envelope) -> str:
    name, until = envelope.account.name, envelope.hold.until if envelope.hold else ""
    which = name if may_be_quoted(name) else "This account"
    reason = shown_reason(envelope)
    why = f": {reason.removesuffix('.')}" if reason else ""
    return f"{which} is on hold until {until}{why}"
