# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores by their names, and how options become one of them.

`docs/docsite/rst/adding_a_store.rst` says how to add one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import hashi_vault, vault_file
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    PASSWORDS,
    Contents,
    Context,
    Store,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options, either, listed

STORES: Mapping[str, ModuleType] = {"vault_file": vault_file, "hashi_vault": hashi_vault}
DEFAULT_TYPE = "vault_file"


# What Ansible is not told about an option.
_OURS = ("required", "form", "needed_for")


def argument_spec() -> Spec:
    """Return the suboptions of an option ``store``: those of all stores side by side.

    None of them is required, since `open_store` asks for what its store needs.
    """
    spec: Spec = {"type": {"type": "str", "choices": list(STORES), "default": DEFAULT_TYPE}}
    for store in STORES.values():
        for name, option in store.OPTIONS.items():
            merged = {key: value for key, value in option.items() if key not in _OURS}
            if spec.setdefault(name, merged) != merged:
                raise AssertionError(f"two stores have different options called {name}")
    return spec


def _ignore(_text: str) -> None:
    pass


def open_store(
    options: Mapping[str, Any],
    loader: Any,
    environ: Mapping[str, str] | None = None,
    *,
    contents: Contents = PASSWORDS,
    warn: Callable[[str], None] = _ignore,
    learn: Callable[[str], None] = _ignore,
    may_save: bool = True,
) -> Store:
    """Return the store that the options describe. Neither reads nor connects.

    ``loader`` is the DataLoader of the action or lookup plugin; see `contract.Context`. Raises ConfigurationError.
    """
    kind, complete = complete_options(options, os.environ if environ is None else environ)
    store: Store = STORES[kind].open_store(complete, Context(loader, contents, warn, learn, may_save))
    return store


def secrets_of(options: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the secrets among the options and in the environment that stands in for them, for a redactor."""
    _kind, complete = complete_options(options, os.environ if environ is None else environ)
    return complete.secrets


def complete_options(options: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[str, Options]:
    """Return the type of the store, and its options with environment and defaults filled in.

    An option that is None or empty counts as not given. Raises ConfigurationError, which quotes no value.
    """
    given = {name: value for name, value in options.items() if value is not None and value != ""}
    kind = given.pop("type", DEFAULT_TYPE)
    if kind not in tuple(STORES):
        raise ConfigurationError(f"The type of the store is not valid: it must be {either(STORES)}.")
    spec: Spec = STORES[kind].OPTIONS
    everybodys = argument_spec()
    for name in sorted(set(given) - set(spec)):
        # An argument spec fills in the defaults of all stores.
        if name in everybodys and given[name] == everybodys[name].get("default"):
            continue
        raise ConfigurationError(f"The store {kind} has no option {name!r}.", hint=f"It has {listed(spec)}.")
    return kind, Options(kind, spec, STORES[kind].ENVIRONMENT, given, environ)
