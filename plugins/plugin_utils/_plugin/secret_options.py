# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options of this collection hold secrets, and how ansible-core learns what is in them."""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.words import SHORTEST_SECRET, WORDS

NAMES = frozenset(("api_secret", "jwt", "password", "secret_id", "secret_key", "token"))


def secrets_in(arguments: Any) -> Iterator[str]:
    """Yield the text of every secret option, at any depth, also of options that are written as JSON text."""
    if isinstance(arguments, Mapping):
        for name, value in arguments.items():
            if name in NAMES and isinstance(value, str):
                yield value
            else:
                yield from secrets_in(value)
    elif isinstance(arguments, (list, tuple)):
        for item in arguments:
            yield from secrets_in(item)
    elif isinstance(arguments, str) and arguments[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            yield from secrets_in(json.loads(arguments))


def mask_in_output(secrets: Iterable[str]) -> None:
    """Have ansible-core mask secrets in all that it prints, which it can do from 2.22 on.

    It masks what it is told wherever that stands, even inside of words and in the keys of its own output. So it is told
    nothing that is short, and no word that it writes itself.
    """
    with contextlib.suppress(ImportError):
        masker = importlib.import_module("ansible.module_utils.secrets")
        masker.register_secrets(
            [secret for secret in secrets if len(secret.strip()) >= SHORTEST_SECRET and secret.strip() not in WORDS]
        )
