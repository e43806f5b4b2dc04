# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user tells the store about one account: a known password, a hold, or that it is to be forgotten. Pure.

Nothing here is proven by an answer of the vendor. So a password that the store has is overwritten only by force, and
then kept among the previous ones, with the notes about requests that may still be under way: the next run sends the
adopted password once more if an earlier one may arrive after it.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    NotFoundError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.module_utils._core.words import SHORTEST_SECRET
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    LONG_AGO,
    Account,
    Envelope,
    Hold,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.hold import passwords_of
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import is_active, kept, retired

NOW = "now"
UNKNOWN = "unknown"


class Wish(NamedTuple):
    """What a user says about an account. What is None is left as it is.

    ``rotated_at`` is a time as the store writes it, or NOW or UNKNOWN. ``hold_until`` is in seconds since the epoch: if
    that is over, a hold ends. ``label`` is what messages call the account.
    """

    account: Account
    label: str
    password: str | None = None
    rotated_at: str | None = None
    hold_until: float | None = None
    hold_reason: str | None = None

    def __repr__(self) -> str:
        return f"Wish({self.account.name})"


def present(envelope: Envelope | None, wish: Wish, rotation_id: str, now: float, *, force: bool = False) -> Envelope:
    """Return the envelope as the user wants it, the same if there is nothing to change.

    ``rotation_id`` is what a password that is adopted is called. With ``force``, it takes the place of another one.
    Raises KrcloudError, and quotes no password.
    """
    if envelope is None:
        if wish.password is None:
            raise NotFoundError(
                f"The store does not know {wish.label}, so it cannot be on hold.",
                hint="Correct the name or the store, or give its password and rotated_at as well.",
            )
        envelope = Envelope(wish.account)
    _check_id(envelope, wish)
    known = envelope.account
    account = Account(known.id or wish.account.id, known.name, wish.account.profile or known.profile)
    envelope = envelope._replace(account=account)
    if wish.password is not None:
        envelope = _with_password(envelope, wish, wish.password, rotation_id, now, force)
    for what in ("id", "profile"):
        _check_shown(envelope, wish, what, getattr(wish.account, what))
    return _with_hold(envelope, wish, now)


def check_absent(envelope: Envelope, wish: Wish, *, force: bool = False) -> None:
    """Raise KrcloudError if what the store has about an account must not be forgotten."""
    known = envelope.account.id
    if known and wish.account.id is None:
        raise ConfigurationError(
            f"{wish.label} has an id in the store, and none was given, so it was not forgotten.",
            hint=f"Give its id{f' ({known})' if may_be_quoted(known) else ''}, so that it is certain which account is "
            "meant.",
        )
    _check_id(envelope, wish)
    if envelope.pending and not force:
        raise _pending(wish, "was not forgotten")


def _check_id(envelope: Envelope, wish: Wish) -> None:
    known, given = envelope.account.id, wish.account.id
    if known and given and known != given:
        which = f" ({known})" if may_be_quoted(known) else ""
        raise ConfigurationError(
            f"The store knows {wish.label} under another id{which}, and nothing was changed.",
            hint="If that account belongs to another tenant, give this tenant a store of its own. If the account was "
            "deleted and created again, forget the old one first: state absent, with its old id.",
        )


# ----------------------------------------------------------------------------------------------------------- password


def _with_password(
    envelope: Envelope, wish: Wish, password: str, rotation_id: str, now: float, force: bool
) -> Envelope:
    if envelope.password == password:
        if force:
            envelope = _without_candidates(envelope, now)
        return _dated(envelope, wish, force)
    if not force:
        _check_free(envelope, wish, password)
    former = tuple(kept(retired(envelope, envelope.pending, now)))
    # Whoever uses an account that the store has given to nobody has got its password elsewhere.
    is_first = not former
    return envelope._replace(
        password=password,
        rotated_at=_first_known(envelope, wish, password, now),
        rotation_id=rotation_id,
        made_at=None,
        in_flight=(),
        pending=(),
        previous=former,
        published=rotation_id if is_first else envelope.published,
        published_at=time_text(now) if is_first else envelope.published_at,
    )


def _without_candidates(envelope: Envelope, now: float) -> Envelope:
    """Return the envelope with other values than the active one retired. The next run sends that one once more."""
    again = tuple(item for item in envelope.pending if is_active(envelope, item))
    others = [item for item in envelope.pending if item not in again]
    if not others:
        return envelope
    former = retired(envelope._replace(password=None), others, now)
    return envelope._replace(pending=again, previous=tuple(kept(former)))


def _check_free(envelope: Envelope, wish: Wish, password: str) -> None:
    """Raise ConfigurationError if another password would be overwritten."""
    if envelope.pending:
        raise _pending(wish, "was not adopted")
    if envelope.password is None:
        return
    hint = "If the given one is live, set force to true. The other one is then kept among the previous passwords."
    if any(former.password == password for former in envelope.previous):
        raise ConfigurationError(
            f"The password given for {wish.label} is one that was replaced since, and was not adopted.",
            hint=f"Leave the account out. {hint}",
        )
    raise ConfigurationError(f"The store has another password for {wish.label}, and it was not overwritten.", hint=hint)


def _pending(wish: Wish, what: str) -> KrcloudError:
    return ConfigurationError(
        f"{wish.label} {what}, because a password whose outcome is not known is pending, and may be the live one.",
        hint="Run ncp_dataforest_rotation with this store to settle it, or set force to true.",
    )


def _first_known(envelope: Envelope, wish: Wish, password: str, now: float) -> str:
    """Return when a password was set. Nothing that the store knows gets younger by being adopted."""
    given = {NOW: time_text(now), UNKNOWN: LONG_AGO}.get(wish.rotated_at or UNKNOWN, wish.rotated_at or UNKNOWN)
    made = [item.staged_at for item in envelope.pending if item.password == password]
    ended = [item.retired_at for item in envelope.previous if item.password == password]
    return min((given, *made, *ended), key=seconds)


def _dated(envelope: Envelope, wish: Wish, force: bool) -> Envelope:
    """Return the envelope with an earlier time for the active password, or with any that is given by force."""
    given, known = wish.rotated_at, envelope.rotated_at
    if given in (None, NOW, UNKNOWN) or known is None:
        return envelope
    return envelope._replace(rotated_at=given) if force or seconds(str(given)) < seconds(known) else envelope


# --------------------------------------------------------------------------------------------------------------- hold


def _with_hold(envelope: Envelope, wish: Wish, now: float) -> Envelope:
    if wish.hold_until is None:
        return envelope
    current = envelope.hold_at(now)
    if wish.hold_until <= now:
        return envelope._replace(hold=None) if current else envelope
    reason = wish.hold_reason or (current.reason if current else None)
    _check_shown(envelope, wish, "hold_reason", reason)
    hold = (current or Hold("", None))._replace(until=time_text(wish.hold_until), reason=reason)
    return envelope._replace(hold=hold)


def _check_shown(envelope: Envelope, wish: Wish, what: str, text: str | None) -> None:
    """Raise ConfigurationError if a text that results show holds a password."""
    if text and any(len(each) >= SHORTEST_SECRET and each in text for each in passwords_of(envelope)):
        raise ConfigurationError(
            f"{what} of {wish.label} holds a password of the account, and nothing was changed.",
            hint=f"Give another {what}: everybody who runs a rotation sees it.",
        )
