# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options of this collection hold secrets, and how ansible-core learns these secrets.

ansible-core 2.22 masks what `register_secrets` (lib/ansible/module_utils/secrets.py) was told. The function is not
documented; `test_core_parts.py` notices when it changes.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.words import SHORTEST_SECRET, WORDS

NAMES = frozenset(("api_secret", "jwt", "password", "secret_id", "secret_key", "token", "token_code"))


def secrets_in(arguments: Any) -> Iterator[str]:
    """Yield the text of every secret option, at any depth, including options that are written as JSON text."""
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
    """Make ansible-core mask secrets in everything that it prints, which it can do from 2.22 on.

    It masks a secret anywhere, even inside words and in the keys of its own output. So short secrets, and words that
    it prints itself, are not registered.
    """
    with contextlib.suppress(ImportError):
        masker = importlib.import_module("ansible.module_utils.secrets")
        masker.register_secrets(
            [secret for secret in secrets if len(secret.strip()) >= SHORTEST_SECRET and secret.strip() not in WORDS]
        )
