# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs: the options of one module, and those that it shares with others."""

from __future__ import annotations

import os
from typing import Container, List, Mapping

from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._core import options, redaction


def argument_spec(vendor: options.Group, own: options.Spec) -> options.Spec:
    """Return the argument spec of a module of ``vendor``: its ``own`` options and the shared ones.

    Credentials are not filled in from the environment here, but where they are used, so that an error can name
    the place each came from.
    """
    spec = {name: dict(option) for group in (own, vendor.options, CONNECTION) for name, option in group.items()}
    spec["api_url"]["fallback"] = (_from_environment, list(vendor.environment["api_url"]))
    return spec


def controller_spec(vendor: options.Group, own: options.Spec) -> options.Spec:
    """Return the argument spec of an action that passes the shared options on to a module of ``vendor``.

    Defaults, environment variables and home folders are those of the host on which the module runs.
    """
    spec = dict(own)
    for name, option in {**vendor.options, **CONNECTION}.items():
        kind = "str" if option["type"] == "path" else option["type"]
        spec[name] = {**{key: value for key, value in option.items() if key != "default"}, "type": kind}
    return spec


def variables(spec: options.Spec) -> List[str]:
    """Return the environment variables from which Ansible fills these options, in the order in which it reads them."""
    return [variable for option in spec.values() for variable in option.get("fallback", (None, []))[1]]


def secrets_in_addresses(spec: options.Spec, environ: Mapping[str, str]) -> List[str]:
    """Return the secrets in those variables that hold addresses: of a vendor, or of a proxy."""
    addresses = variables(spec)
    urls = [value for name, value in environ.items() if name in addresses or name.lower().endswith("_proxy")]
    return [secret for url in urls for secret in redaction.url_secrets(url)]


def called(name: str, spec: options.Spec, given: Container[str]) -> str:
    """Return how messages call an option: with the environment variable, if its value is from there.

    ``given`` are the names of the options that the task has.
    """
    variable, _value = options.first_set(os.environ, [] if name in given else variables({name: spec[name]}))
    return f"{name} from the environment variable {variable}" if variable else name


def _from_environment(*names: str) -> str:
    # Imported here so that this file can be imported without Ansible.
    from ansible.module_utils.basic import AnsibleFallbackNotFound

    _name, value = options.first_set(os.environ, names)
    if value is None:
        raise AnsibleFallbackNotFound
    return value
