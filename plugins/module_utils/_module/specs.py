# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs: the options of one module, and those that it shares with others."""

from __future__ import annotations

from ansible_collections.krcloud.credentials.plugins.module_utils._call.options import CONNECTION
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Group, Spec


def argument_spec(vendor: Group, options: Spec) -> Spec:
    """Return the argument spec of a module of ``vendor``: its own options and the shared ones.

    Credentials are not filled in from the environment here, but where they are used, so that an error can name
    the place each came from.
    """
    spec = {name: dict(option) for group in (options, vendor.options, CONNECTION) for name, option in group.items()}
    spec["api_url"]["fallback"] = (_from_environment, list(vendor.environment["api_url"]))
    return spec


def controller_spec(vendor: Group, options: Spec) -> Spec:
    """Return the argument spec of an action that passes the shared options on to a module of ``vendor``.

    Defaults, environment variables and home folders are those of the host on which the module runs.
    """
    spec = dict(options)
    for name, option in {**vendor.options, **CONNECTION}.items():
        kind = "str" if option["type"] == "path" else option["type"]
        spec[name] = {**{key: value for key, value in option.items() if key != "default"}, "type": kind}
    return spec


def _from_environment(*names: str) -> str:
    # Imported here so that this file can be imported without Ansible.
    from ansible.module_utils.basic import env_fallback

    return str(env_fallback(*names))
