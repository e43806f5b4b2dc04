# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of an action or a lookup, and the store that they describe. A redactor learns all their secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._module.arguments import (
    check_keys,
    check_numbers,
    check_quoted,
    check_rows,
    learn,
    may_be_row,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import (
    mask_in_output,
    secrets_in,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import PASSWORDS, Contents, Store

# The variable of a play that stands in for the option `store`. The store of reset mails is another one.
STORE_VARIABLE = "krcloud_credentials_store"


def with_store(
    given: Mapping[str, Any], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> Mapping[str, Any]:
    """Return the options as they were given, with the store that STORE_VARIABLE names if they have none.

    Raises ConfigurationError if the variable has no store either.
    """
    if "store" in given:
        if given["store"] is None:
            raise ConfigurationError("store has no value.", hint="Give it one, or remove the option.")
        return given
    if STORE_VARIABLE not in variables:
        raise ConfigurationError(
            f"There is no option store, and no variable {STORE_VARIABLE}.",
            hint="Set one of them to a dictionary that says where the passwords are kept.",
        )
    store = template(variables[STORE_VARIABLE])
    if store in ("", {}):
        raise ConfigurationError(f"{STORE_VARIABLE} has no value.", hint="Give it one, or remove the variable.")
    if not may_be_row(store):
        raise ConfigurationError(
            f"The variable {STORE_VARIABLE} is not a dictionary.", hint="Write the options of store below it."
        )
    return {**given, "store": store}


def validated(spec: Spec, arguments: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the options with their defaults. Raises ConfigurationError, which quotes no secret."""
    arguments = _plain(arguments)
    learn(redactor, spec, arguments)
    check_rows(spec, arguments)
    check_keys(spec, arguments)
    check_quoted(spec, arguments)
    check_numbers(spec, arguments)
    # With `no_log`, ansible-core 2.22 would mask these values on the controller from now on, however short they are.
    mask_in_output(secrets_in(arguments))
    result = ArgumentSpecValidator(_without_no_log(spec)).validate(arguments)
    if result.error_messages:
        # The last one names options that do not exist, which explains why others are missing. (`validate` in
        # lib/ansible/module_utils/common/arg_spec.py, ansible-core 2.19 to 2.22)
        said = result.error_messages[-1].rstrip(".")
        unknown = "There is no option " if result.unsupported_parameters else ""
        raise ConfigurationError(redactor.text(f"{unknown}{said}."))
    options: dict[str, Any] = result.validated_parameters
    return options


def _without_no_log(spec: Spec) -> Spec:
    return {
        name: {
            key: _without_no_log(value) if key == "options" else value
            for key, value in option.items()
            if key != "no_log"
        }
        for name, option in spec.items()
    }


def _plain(value: Any) -> Any:
    """Return a copy in plain lists and dictionaries. Those of a lookup are lazy and keep a reference to the templar."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def opened_store(
    options: Mapping[str, Any],
    loader: Any,
    redactor: Redactor,
    *,
    contents: Contents = PASSWORDS,
    may_save: bool = False,
) -> Store:
    """Return the store that the option ``store`` describes. ``loader`` is the DataLoader of the plugin."""

    def learn(*secrets: str) -> None:
        redactor.add(*secrets)
        mask_in_output(secrets)

    def warn(text: str) -> None:
        Display().warning(redactor.text(text))

    learn(*registry.secrets_of(options))
    return registry.open_store(options, loader, contents=contents, warn=warn, learn=learn, may_save=may_save)
