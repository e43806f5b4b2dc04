# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One vocabulary for what became of a request, from the errors to the words in results."""

from __future__ import annotations

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, outcomes
from ansible_collections.krcloud.credentials.plugins.module_utils._core.outcomes import Outcome, of_word

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.KrcloudError)]
OUTCOMES = {
    "rejected": Outcome.REJECTED,
    "unknown_outcome": Outcome.UNKNOWN,
    "internal": Outcome.UNKNOWN,
    "skipped": Outcome.SKIPPED,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_says_what_became_of_the_request(kind: type[errors.KrcloudError]) -> None:
    assert kind.outcome is OUTCOMES.get(kind.kind, Outcome.FAILED)


def test_only_a_confirmation_has_a_word_of_its_own_in_each_module() -> None:
    words = [each.word("reset") for each in Outcome]
    assert words == ["reset", "rejected", "unknown", "failed", "skipped"]
    assert [each.word("accepted") for each in Outcome][1:] == words[1:]
    assert [of_word(word, "reset") for word in words] == list(Outcome)


@pytest.mark.parametrize("word", ["accepted", "confirmed", "CONFIRMED", "", None, 1, ["reset"], Outcome.CONFIRMED])
def test_any_other_word_proves_nothing(word: object) -> None:
    assert of_word(word, "reset") is Outcome.UNKNOWN


def test_the_table_names_each_kind_and_each_outcome() -> None:
    table = outcomes.__doc__ or ""
    assert all(each.name in table for each in Outcome)
    assert all(kind.kind in table for kind in KINDS if kind is not errors.KrcloudError)
