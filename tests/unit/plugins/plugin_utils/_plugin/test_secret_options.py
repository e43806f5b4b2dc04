# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import sys
import types

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import (
    NAMES,
    mask_in_output,
    secrets_in,
)
from tooling import leak_rule

SECRET = "Zq7!mVx-Canary01"


def test_the_names_are_those_that_the_argument_specs_mark() -> None:
    assert NAMES == leak_rule.SECRET_OPTIONS


def test_secrets_are_found_at_any_depth_and_in_json() -> None:
    row = {"name": "df001", "password": SECRET}
    for arguments in (row, {"accounts": [row]}, {"accounts": json.dumps([row])}, {"store": {"token": SECRET}}):
        assert list(secrets_in(arguments)) == [SECRET]
    assert list(secrets_in({"name": SECRET, "accounts": "[not JSON", "password": None})) == []


def test_ansible_core_is_told_no_short_secret_and_no_word_of_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would mask them in everything that the rest of the run prints."""
    told: list[str] = []
    ours = types.SimpleNamespace(register_secrets=told.extend)
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", ours)
    mask_in_output(["root", "", "12345", "abc   ", "failed", "changed\n", SECRET, "123456"])
    assert told == [SECRET, "123456"]
