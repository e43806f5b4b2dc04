# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of ncp_dataforest_credential ask for, and which rows are not valid."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.action.ncp_dataforest_credential import SPEC
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import seconds, time_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import validated
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.adoption import Wish
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.credential_rows import (
    YEAR,
    Row,
    wished_rows,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import Account

NOW = 1_800_000_000.0
SECRET = "Canary-77!"


def rows(**options: Any) -> list[Row]:
    return wished_rows(validated(SPEC, {"store": {"path": "s.yml"}, **options}, Redactor()), NOW)


def wish_of(row: Row) -> Wish:
    assert row.error is None, row.error
    assert row.wish is not None
    return row.wish


def test_one_account_is_named_by_the_options_of_the_task() -> None:
    (row,) = rows(name="df001", id="id1", password=SECRET, rotated_at="now", profile="team")
    assert wish_of(row) == Wish(Account("id1", "df001", "team"), "df001", SECRET, "now")
    assert SECRET not in repr((row, row.wish))


def test_rows_take_over_what_they_lack_and_empty_fields_are_not_given() -> None:
    first, second = rows(
        credentials=[
            {"name": "df001", "id": "", "profile": "", "password": SECRET, "rotated_at": "", "hold_until": ""},
            {"name": "df002", "profile": "own", "password": SECRET, "rotated_at": "2026-09-01 09:00+0900"},
        ],
        rotated_at="unknown",
        profile="team",
    )
    assert wish_of(first) == Wish(Account(None, "df001", "team"), "df001", SECRET, "unknown")
    assert wish_of(second) == Wish(Account(None, "df002", "own"), "df002", SECRET, "2026-09-01T00:00:00Z")


def test_a_hold_is_a_time_or_ends_now() -> None:
    (held,) = rows(name="df001", hold_until="2027-01-18T09:00:00+09:00", hold_reason="감사")
    assert wish_of(held).hold_until == seconds("2027-01-18T00:00:00Z")
    assert wish_of(held).hold_reason == "감사"
    (ended,) = rows(name="df001", hold_until="now")
    assert (wish_of(ended).hold_until, ended.warnings) == (NOW, ())
    for text in ("2020-01-01T00:00:00Z", time_text(NOW)):
        (past,) = rows(credentials=[{"name": "df001", "hold_until": text}])
        assert past.error
        assert past.error.message == f"hold_until of df001 is in the past ({text}), and nothing was changed."


def test_a_hold_of_more_than_a_year_is_probably_a_slip() -> None:
    (year,) = rows(name="df001", hold_until=time_text(NOW + YEAR))
    (more,) = rows(name="df001", hold_until=time_text(NOW + YEAR + 1))
    assert year.warnings == ()
    assert more.warnings[0].startswith(f"df001 is on hold until {time_text(NOW + YEAR + 1)}, which is more than a year")


def test_to_forget_an_account_its_name_and_id_are_enough() -> None:
    (row,) = rows(name="df001", id="id1", state="absent", password=SECRET, rotated_at="rubbish")
    assert wish_of(row) == Wish(Account("id1", "df001", None), "df001")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"name": ""}, "credentials[1] has no name."),
        ({}, "credentials[1] has no name."),
        ({"name": f"{SECRET}/"}, "The name of credentials[1] is not valid"),
        ({"name": "df001", "id": f"{SECRET} "}, "The id of credentials[1] is not valid"),
        ({"name": "df001"}, "df001 has neither a password nor hold_until."),
        ({"name": "df001", "password": SECRET}, "df001 has a password, but no rotated_at."),
        ({"name": "df001", "password": "", "rotated_at": "now"}, "df001 has neither a password nor hold_until."),
        ({"name": "df001", "password": SECRET, "rotated_at": SECRET}, "rotated_at of df001 is not valid"),
        ({"name": "df001", "password": SECRET, "rotated_at": "2026-11-30"}, "rotated_at of df001 is not"),
        (
            {"name": "df001", "password": SECRET, "rotated_at": "2026-11-30T10:00:00"},
            "rotated_at of df001 is not",
        ),
        ({"name": "df001", "password": SECRET, "rotated_at": "2027-02-01T00:00:00Z"}, "is in the future."),
        ({"name": "df001", "hold_until": SECRET}, "hold_until of df001 is not valid"),
        ({"name": "df001", "hold_until": "2027-13-01T00:00:00Z"}, "hold_until of df001 is not valid"),
        ({"name": "df001", "password": SECRET, "rotated_at": "now", "hold_reason": "x"}, "but no hold_until."),
        ({"name": "df001", "hold_until": "now", "hold_reason": "a\nb"}, "hold_reason of df001 is not valid"),
        ({"name": "df001", "hold_until": "now", "hold_reason": "x" * 201}, "hold_reason of df001 is not"),
        ({"name": "df001", "id": "id0", "hold_until": "now"}, "df001 has the id of an earlier row"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_and_concerns_no_other(item: dict[str, Any], said: str) -> None:
    good = {"name": "df000", "id": "id0", "password": SECRET, "rotated_at": "now"}
    found = rows(credentials=[good, item, {**good, "name": "df009", "id": "id9"}])
    assert [row.error is None for row in found] == [True, False, True]
    error = found[1].error
    assert error is not None
    assert said in error.message
    assert SECRET not in f"{error.sentence()}{found[1]!r}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "No account is named."),
        ({"name": ""}, "No account is named."),
        ({"credentials": []}, "credentials is given, but names no account."),
        ({"credentials": [{"name": "df001"}], "name": "df001"}, "name cannot be combined with credentials."),
        ({"credentials": [{"name": "df001"}], "password": SECRET}, "password cannot be combined with credentials."),
        (
            {"credentials": [{"name": "df001", "hold_until": "now"}] * 2},
            "credentials names df001 more than once; nothing was changed.",
        ),
        ({"credentials": [{"name": "df001", "password": 12345678}]}, "credentials[0].password is not a string"),
    ],
)
def test_a_task_that_does_not_say_which_accounts_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rows(**options)
    assert said in caught.value.message
    assert SECRET not in caught.value.sentence()


def test_a_password_that_the_rules_refuse_is_adopted_with_a_warning() -> None:
    (row,) = rows(name="df001", password="한글 x", rotated_at="now")
    assert wish_of(row).password == "한글 x"
    (warning,) = row.warnings
    assert warning.startswith("The password of df001 breaks the published rules: it is shorter than 8 characters")
    assert "한글" not in warning
    (good,) = rows(name="df001", password="Abcdefg-1", rotated_at="now")
    assert good.warnings == ()


@pytest.mark.parametrize("key", ["name", "id"])
@pytest.mark.parametrize("value", [0o123, True, 1e5])
def test_what_yaml_has_changed_names_no_account(key: str, value: object) -> None:
    row = {"name": "df001", "password": SECRET, "rotated_at": "now", key: value}
    for options, path in ((row, key), ({"credentials": [row]}, f"credentials[0].{key}")):
        with pytest.raises(ConfigurationError, match=rf"^{re.escape(path)} is not a string: YAML made it a "):
            rows(**options)
