# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores by their names, and how options become one of them.

How to add a store:

1. Write one file here with a class that keeps the contract of `contract.Store`. Three promises need thought:
   compare-and-set is decided where all writers meet, never by a read before a write; `save` returns after the document
   would survive a power failure, and `load` returns nothing that would not; when an answer is lost, settle it by
   repeating the same compare-and-set or by reading, and name in ``StoreError.unknown`` only what stays unsettled.
   A document that cannot be read is never taken for absent. `check_save` predicts refusals, `close` ends a login.
   A store on a server makes its requests with `_call.caller.Caller`, as `hashi_server` does.
2. Give the file ``OPTIONS`` (an argument spec), ``ENVIRONMENT`` (variables that stand in for an option, in the order in
   which they are read) and ``open_store(options, context)``, which neither reads nor connects; see `contract.Context`.
   Mark secrets with ``no_log``, and let `options.Options` check the rest: ``least`` and ``most``, ``form``,
   ``needed_for``. Import libraries that not everybody has where they are used, and say how to install them. Messages
   call an option as ``options.called(name)`` does.
3. Enter the file in ``STORES`` below.
4. Document its options in `plugins/doc_fragments/store.py`, which a test compares with `argument_spec`.
5. Add one class to ``BENCHES`` in `tests/support/stores/benches.py`: all of `test_conformance.py` and the crash sweeps
   then run against the store. What can break only in this store gets a test file of its own. Add the store to the
   cases of `tests/leaks/cases.py`, and a contender to `tests/benchmarks/contenders.py`.
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


# What Ansible is not told of an option.
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
) -> Store:
    """Return the store that the options describe. Neither reads nor connects.

    ``loader`` is the DataLoader of the action or lookup plugin; see `contract.Context`. Raises ConfigurationError.
    """
    kind, complete = complete_options(options, os.environ if environ is None else environ)
    store: Store = STORES[kind].open_store(complete, Context(loader, contents, warn, learn))
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
