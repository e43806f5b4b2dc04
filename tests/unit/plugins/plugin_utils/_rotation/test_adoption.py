# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of an envelope when a user tells the store about an account."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import KrcloudError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.adoption import Wish, check_absent, present
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    LONG_AGO,
    UNKNOWN,
    Account,
    Envelope,
    Flight,
    Hold,
    Pending,
    Previous,
    from_document,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.flights import LONGEST_FLIGHT
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.policy import Policy, due_at
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.protocol import Course, Step, plan

DAY = 86400.0
NOW = 1_800_000_000.0
ACCOUNT = Account("id1", "df001", None)
MONDAY = time_text(NOW + 3 * DAY)
FLIGHT = (Flight("a run", time_text(NOW - 60)),)
ACTIVE = Envelope(ACCOUNT, "Active-1", time_text(NOW - 10 * DAY), "r1", published="r1")
CANDIDATE = Pending("Pending-1", time_text(NOW - 60), "r2", UNKNOWN, FLIGHT)
UNSETTLED = ACTIVE._replace(pending=(CANDIDATE,))


def wish(password: str | None = None, rotated_at: str | None = "now", **more: Any) -> Wish:
    account = more.pop("account", Account(None, "df001", None))
    return Wish(account, "df001", password, rotated_at if password else None, **more)


def told(envelope: Envelope | None, wanted: Wish, *, force: bool = False, now: float = NOW) -> Envelope:
    after = present(envelope, wanted, "new", now, force=force)
    # What is written can be read again, and the same wish changes nothing more.
    assert from_document(to_document(after)) == after
    assert present(after, wanted, "newer", now + 1, force=force) == after
    return after


def refused(envelope: Envelope | None, wanted: Wish, *, force: bool = False) -> str:
    with pytest.raises(KrcloudError) as caught:
        present(envelope, wanted, "new", NOW, force=force)
    said = caught.value.sentence()
    assert caught.value.hint
    assert not any(secret in said for secret in ("Active-1", "Pending-1", "Known-1"))
    return said


def step(envelope: Envelope, now: float = NOW, max_age: float = 90 * DAY) -> Step:
    return plan(envelope, ACCOUNT, Policy(max_age, 0.0), now, Course("run", now))


@pytest.mark.parametrize(
    ("rotated_at", "stored", "planned"),
    [
        ("now", time_text(NOW), Step.REST),
        (time_text(NOW - 89 * DAY), time_text(NOW - 89 * DAY), Step.REST),
        (time_text(NOW - 91 * DAY), time_text(NOW - 91 * DAY), Step.STAGE),
        ("unknown", LONG_AGO, Step.STAGE),
    ],
)
def test_a_password_is_adopted_with_its_age(rotated_at: str, stored: str, planned: Step) -> None:
    after = told(None, wish("Known-1", rotated_at))
    assert (after.password, after.rotated_at, after.rotation_id) == ("Known-1", stored, "new")
    assert after.made_at is None
    assert step(after) is planned
    # Whoever uses the account has the password.
    assert after.is_published


def test_an_age_that_nobody_knows_is_due_however_high_the_maximum_is() -> None:
    after = told(None, wish("Known-1", "unknown"))
    assert step(after, max_age=36525 * DAY) is Step.STAGE
    assert after.known_rotated_at is None
    assert time_text(due_at(after, Policy(36525 * DAY)) or 0.0) < "1970"


@pytest.mark.parametrize(
    "password", ["{{ x }}", "{% if %}", "'\"\\", "비밀번호-갂", "  a  b ", "a\tb\n", "!unsafe", "x"]
)
def test_a_password_is_kept_exactly(password: str) -> None:
    assert told(None, wish(password)).password == password


def test_the_same_password_changes_nothing_but_what_was_not_known() -> None:
    for rotated_at in ("now", "unknown", time_text(NOW - 9 * DAY), ACTIVE.rotated_at):
        assert told(ACTIVE, wish("Active-1", rotated_at)) == ACTIVE
    for rotated_at in ("now", "unknown"):
        assert told(ACTIVE, wish("Active-1", rotated_at), force=True) == ACTIVE
    # A candidate of a rotation is none of its business.
    assert told(UNSETTLED, wish("Active-1")) == UNSETTLED
    filled = told(ACTIVE._replace(account=Account(None, "df001", None)), wish("Active-1", account=ACCOUNT))
    assert filled.account == ACCOUNT
    team = told(ACTIVE, wish("Active-1", account=Account(None, "df001", "team")))
    assert team == ACTIVE._replace(account=Account("id1", "df001", "team"))


def test_a_password_gets_older_and_younger_only_by_force() -> None:
    older, younger = time_text(NOW - 20 * DAY), time_text(NOW - 1 * DAY)
    assert told(ACTIVE, wish("Active-1", older)) == ACTIVE._replace(rotated_at=older)
    assert told(ACTIVE, wish("Active-1", younger), force=True) == ACTIVE._replace(rotated_at=younger)
    unknown = ACTIVE._replace(rotated_at=LONG_AGO)
    assert told(unknown, wish("Active-1", younger)) == unknown
    assert told(unknown, wish("Active-1", younger), force=True).rotated_at == younger


def test_another_password_is_not_overwritten() -> None:
    assert "another password for df001" in refused(ACTIVE, wish("Known-1"))
    replaced = ACTIVE._replace(previous=(Previous("Known-1", time_text(NOW), "r0"),))
    assert "replaced since" in refused(replaced, wish("Known-1"))
    for begun in (UNSETTLED, UNSETTLED._replace(password=None, rotated_at=None, rotation_id=None)):
        for password in ("Known-1", "Pending-1"):
            assert "is pending, and may be the live one" in refused(begun, wish(password))


def test_by_force_it_is_kept_among_the_previous_ones() -> None:
    after = told(UNSETTLED, wish("Known-1"), force=True)
    assert (after.password, after.rotation_id, after.pending, after.in_flight) == ("Known-1", "new", (), ())
    assert [(each.password, each.in_flight) for each in after.previous] == [("Pending-1", FLIGHT), ("Active-1", ())]
    # Consumers were given the other one.
    assert not after.is_published
    # The candidate may still arrive, so the adopted password is sent once more, until that is over.
    assert step(after) is Step.RESTORE
    assert told(ACTIVE, wish("Known-1"), force=True).previous[0].password == "Active-1"


def test_by_force_what_was_active_stays_the_previous_version() -> None:
    for before in (ACTIVE, UNSETTLED, ACTIVE._replace(rotated_at=LONG_AGO)):
        after = told(before, wish("Known-1"), force=True)
        # A candidate that never was active is not what consumers had.
        assert after.formerly_active == "Active-1"
        assert [each.rotated_at for each in after.previous if each.password == "Active-1"] == [before.rotated_at]
        assert told(after, wish("Active-1"), force=True).formerly_active == "Known-1"
    assert told(UNSETTLED, wish("Active-1"), force=True).formerly_active is None
    assert told(None, wish("Known-1")).formerly_active is None


def test_by_force_candidates_give_way_to_the_active_password() -> None:
    after = told(UNSETTLED, wish("Active-1"), force=True)
    assert (after.password, after.rotation_id, after.rotated_at) == ("Active-1", "r1", ACTIVE.rotated_at)
    assert [each.password for each in after.previous] == ["Pending-1"]
    assert step(after) is Step.RESTORE
    # One that is sent once more itself stays: another value may have arrived after it.
    again = ACTIVE._replace(pending=(CANDIDATE, Pending("Active-1", time_text(NOW), "r1", UNKNOWN, FLIGHT)))
    after = told(again, wish("Active-1"), force=True)
    assert [each.rotation_id for each in after.pending] == ["r1"]
    assert step(after) is Step.RESEND


def test_what_the_store_knows_gets_no_younger() -> None:
    after = told(UNSETTLED, wish("Pending-1"), force=True)
    assert after.rotated_at == CANDIDATE.staged_at
    retired = time_text(NOW - 5 * DAY)
    before = ACTIVE._replace(previous=(Previous("Known-1", retired, "r0"),))
    assert told(before, wish("Known-1"), force=True).rotated_at == retired
    without = before._replace(password=None, rotated_at=None, rotation_id=None)
    after = told(without, wish("Known-1"))
    assert after.rotated_at == retired
    # The store has given it to others before, perhaps for another id.
    assert not after.is_published


def test_another_id_is_refused_even_by_force() -> None:
    other = wish("Active-1", account=Account("id2", "df001", None))
    for force in (False, True):
        said = refused(ACTIVE, other, force=force)
        assert "under another id (id1)" in said
        assert "a store of its own" in said


# --------------------------------------------------------------------------------------------------------------- hold


def test_a_hold_is_set_prolonged_and_ended() -> None:
    held = told(ACTIVE, wish(hold_until=NOW + 3 * DAY, hold_reason="audit"))
    assert held == ACTIVE._replace(hold=Hold(MONDAY, "audit"))
    later = told(held, wish(hold_until=NOW + 4 * DAY))
    assert later.hold == Hold(time_text(NOW + 4 * DAY), "audit")
    assert told(later, wish(hold_until=NOW)).hold is None
    assert told(UNSETTLED, wish(hold_until=NOW + DAY)).pending == UNSETTLED.pending


def test_a_hold_in_the_past_changes_nothing_unless_it_ends_one() -> None:
    over = ACTIVE._replace(hold=Hold(time_text(NOW - DAY), "audit"))
    for before in (ACTIVE, over):
        assert told(before, wish(hold_until=NOW - DAY)) == before
    assert told(over, wish(hold_until=NOW + 3 * DAY)).hold == Hold(MONDAY), "the old reason was for the old one"


def test_a_hold_and_a_password_go_together() -> None:
    after = told(None, wish("Known-1", hold_until=NOW + 3 * DAY))
    assert (after.password, after.hold) == ("Known-1", Hold(MONDAY))
    assert "does not know df001" in refused(None, wish(hold_until=NOW + DAY))


@pytest.mark.parametrize("password", ["Active-1", "Pending-1", "Known-1"])
def test_what_is_shown_and_holds_a_password_is_refused(password: str) -> None:
    before = UNSETTLED._replace(previous=(Previous("Known-1", time_text(NOW), "r0"),))
    said = refused(before, wish(hold_until=NOW + DAY, hold_reason=f"It is {password}!"))
    assert said.startswith("hold_reason of df001 holds a password")
    said = refused(before, wish(hold_until=NOW + DAY, account=Account(None, "df001", password)))
    assert said.startswith("profile of df001 holds a password")
    nameless = before._replace(account=Account(None, "df001", None))
    said = refused(nameless, wish(hold_until=NOW + DAY, account=Account(password, "df001", None)))
    assert said.startswith("id of df001 holds a password")


# ------------------------------------------------------------------------------------------------------------- forget


def test_an_account_is_forgotten_by_its_id_and_not_while_a_password_is_pending() -> None:
    known, unknown = wish(account=ACCOUNT), wish()
    check_absent(ACTIVE, known)
    check_absent(ACTIVE._replace(account=Account(None, "df001", None)), unknown)
    check_absent(ACTIVE._replace(account=Account(None, "df001", None)), known)
    check_absent(UNSETTLED, known, force=True)
    for envelope, wanted, force, said in (
        (ACTIVE, unknown, True, "has an id in the store, and none was given"),
        (ACTIVE, wish(account=Account("id2", "df001", None)), True, "under another id (id1)"),
        (UNSETTLED, known, False, "was not forgotten, because a password whose outcome is not known is pending"),
    ):
        with pytest.raises(KrcloudError) as caught:
            check_absent(envelope, wanted, force=force)
        assert said in caught.value.message
        assert caught.value.hint


def test_after_a_day_the_adopted_password_is_not_sent_again() -> None:
    """The notes that moved with a candidate end as all others do."""
    after = told(UNSETTLED, wish("Known-1", time_text(NOW - DAY)), force=True)
    assert step(after, NOW + LONGEST_FLIGHT) is Step.RESTORE, "the first run after that sends it, and removes the note"
