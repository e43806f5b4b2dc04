# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ncp_dataforest_credential as wishes, each row by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError, KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.names import RULE, is_safe, may_be_quoted
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import password_faults
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.adoption import NOW, UNKNOWN, Wish
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.hold import LONGEST_REASON
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.moments import parse_moment

# Options of the task that rows without them take over, and those that belong to one account.
SHARED = ("profile", "rotated_at", "hold_until", "hold_reason")
OF_ONE = ("name", "id", "password")
PRESENT, ABSENT = "present", "absent"
YEAR = 365 * 86400


class Row(NamedTuple):
    """One row of the result: what the user wishes, or why that is not valid. ``name`` is shown."""

    name: str | None
    wish: Wish | None = None
    error: KrcloudError | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Row({self.name})"


def wished_rows(options: Mapping[str, Any], now: float) -> list[Row]:
    """Return the rows that the validated options ask for.

    Raises ConfigurationError for options that do not say which accounts, or name one of them twice.
    """
    rows = [_row(place, item, options["state"], now) for place, item in _items(options)]
    names: set[str] = set()
    ids: set[str] = set()
    for at, row in enumerate(rows):
        if row.wish is None:
            continue
        name, account_id = row.wish.account.name, row.wish.account.id
        if name in names:
            raise ConfigurationError(
                f"credentials names {row.wish.label} more than once; nothing was changed.",
                hint="Name each account once.",
            )
        names.add(name)
        if account_id and account_id in ids:
            error = ConfigurationError(
                f"{row.wish.label} has the id of an earlier row, and nothing was changed for it.",
                hint="Each account has an id of its own.",
            )
            rows[at] = Row(row.name, error=error)
        elif account_id:
            ids.add(account_id)
    return rows


def _items(options: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rows: Sequence[Mapping[str, Any]] | None = options["credentials"]
    if rows is None:
        if not options["name"]:
            raise ConfigurationError("No account is named.", hint="Give name, or rows with a name each in credentials.")
        yield "", options
        return
    both = next((name for name in OF_ONE if options[name]), None)
    if both:
        raise ConfigurationError(f"{both} cannot be combined with credentials.", hint="Give it in a row.")
    if not rows:
        raise ConfigurationError("credentials is given, but names no account.", hint="Name accounts.")
    for at, row in enumerate(rows):
        shared = {name: row.get(name) or options[name] for name in SHARED}
        yield f"credentials[{at}]", {**row, **shared}


def _row(place: str, item: Mapping[str, Any], state: str, now: float) -> Row:
    name = item["name"] or ""
    shown = name if is_safe(name) else None
    called = f" of {place}" if place else ""
    try:
        if not name:
            raise ConfigurationError(f"{place} has no name.", hint="Give the name of the account.")
        for key in ("name", "id"):
            if item[key] and not is_safe(item[key]):
                raise ConfigurationError(f"The {key}{called} is not valid: {RULE}.", hint=f"Correct the {key}.")
        label = name if may_be_quoted(name) else f"the account in {place}" if place else "the account"
        wish = Wish(Account(item["id"] or None, name, item["profile"] or None), label)
        if state == ABSENT:
            return Row(shown, wish)
        called = f" of {label}" if place else ""
        wish = _held(_dated(wish, item, called, now), item, called, now)
        return Row(shown, wish, warnings=tuple(_warnings(wish, now)))
    except ConfigurationError as error:
        return Row(shown, error=error)


def _dated(wish: Wish, item: Mapping[str, Any], called: str, now: float) -> Wish:
    # A copy: what a template returns carries tags that other libraries do not know.
    password, rotated_at = "".join(item["password"] or ""), item["rotated_at"]
    if not password:
        if not item["hold_until"]:
            raise ConfigurationError(
                f"{wish.label} has neither a password nor hold_until.",
                hint="Give one of them. To forget the account and all its passwords in the store, set state to absent.",
            )
        return wish
    if not rotated_at:
        raise ConfigurationError(
            f"{wish.label} has a password, but no rotated_at.",
            hint="Give the time when it was set, now, or unknown, with which it is due at once.",
        )
    if rotated_at not in (NOW, UNKNOWN):
        moment = _moment(rotated_at, f"rotated_at{called}", f"{NOW} or {UNKNOWN}")
        if moment > now + 1:
            raise ConfigurationError(
                f"rotated_at{called} is in the future.", hint="Check the time, its zone, and the clock of this machine."
            )
        rotated_at = time_text(moment)
    return wish._replace(password=password, rotated_at="".join(rotated_at))


def _moment(text: str, option: str, others: str) -> float:
    try:
        return parse_moment(text, option)
    except ConfigurationError as error:
        hint = f"{error.hint or ''} It may also be {others}.".strip()
        raise ConfigurationError(error.message, hint=hint) from None


def _held(wish: Wish, item: Mapping[str, Any], called: str, now: float) -> Wish:
    until, reason = item["hold_until"], item["hold_reason"]
    if not until:
        if reason:
            raise ConfigurationError(
                f"{wish.label} has a hold_reason, but no hold_until.", hint="Say until when it is on hold."
            )
        return wish
    if reason and (len(reason) > LONGEST_REASON or not reason.isprintable()):
        raise ConfigurationError(
            f"hold_reason{called} is not valid: it must be one line of at most {LONGEST_REASON} printable characters."
        )
    moment = now if until == NOW else _moment(until, f"hold_until{called}", NOW)
    if until != NOW and moment <= now:
        raise ConfigurationError(
            f"hold_until{called} is in the past ({time_text(moment)}), and nothing was changed.",
            hint="Check the date and the zone. To end a hold, set hold_until to now.",
        )
    return wish._replace(hold_until=moment, hold_reason="".join(reason) if reason else None)


def _warnings(wish: Wish, now: float) -> Iterator[str]:
    if wish.password and (faults := password_faults(wish.password)):
        yield (
            f"The password of {wish.label} breaks the published rules: {'; '.join(faults)}. It is adopted as it is, "
            "but a rotation cannot send it again."
        )
    if wish.hold_until is not None and wish.hold_until > now + YEAR:
        yield (
            f"{wish.label} is on hold until {time_text(wish.hold_until)}, which is more than a year away. Its password "
            "is not rotated until then. Check the date."
        )
