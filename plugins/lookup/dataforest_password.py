# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: dataforest_password
short_description: Generate a password for a NAVER Cloud Data Forest account
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Returns one new password that every published revision of the rules for Data Forest passwords accepts. It has
    lower-case letters, upper-case letters, digits and special characters, and no characters that look alike.
  - All such passwords are equally likely. With 20 characters, this amounts to more than 100 bits of entropy.
  - Takes no terms, writes no file and keeps nothing. Works the same in check mode.
options:
  length:
    description:
      - The length of the password, 8 to 20 characters.
    type: int
    default: 20
notes:
  - Each evaluation of the expression returns a new password, so a variable that is defined with it has a different
    value at every use. Use M(ansible.builtin.set_fact) with C(no_log) to get one fixed value, and store it in a safe
    place before you send it anywhere.
  - M(krcloud.credentials.ncp_dataforest_rotation) does all of this by itself, and survives a crash in between.
  - Give C(no_log) to every task that uses the result. It is masked in all output only from ansible-core 2.22 on.
seealso:
  - module: krcloud.credentials.ncp_dataforest_rotation
  - module: krcloud.credentials.ncp_dataforest_password
  - plugin: krcloud.credentials.dataforest_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Generate a password once, so that it is the same at every use
  ansible.builtin.set_fact:
    new_password: "{{ lookup('krcloud.credentials.dataforest_password', length=16) }}"
  no_log: true

- name: Store the password before it is sent
  ansible.builtin.command:
    argv: [/bin/sh, -c, 'umask 077 && cat >"$1.new" && mv "$1.new" "$1"', sh, "{{ safe_folder }}/df001.password"]
    stdin: "{{ new_password }}"
    stdin_add_newline: false
  changed_when: true
  no_log: true
  vars:
    ansible_pipelining: true

- name: Set the password
  krcloud.credentials.ncp_dataforest_password:
    name: df001
    password: "{{ new_password }}"
"""

RETURN = r"""
_raw:
  description: One new password.
  type: list
  elements: str
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.rules import LONGEST, SHORTEST, generate_password
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import validated
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.lookup import RedactingLookup


class LookupModule(RedactingLookup):
    """Wiring: the option into `generate_password`."""

    def look_up(self, terms: Sequence[Any], arguments: Mapping[str, Any]) -> list[str]:
        """Return one new password."""
        if terms:
            raise ConfigurationError(
                "dataforest_password takes no terms: it knows no accounts and keeps no file.",
                hint="Use length=16 to change the length, or dataforest_credential to read the password of an account.",
            )
        length = {"type": "int", "default": 20, "least": SHORTEST, "most": LONGEST}
        options = validated({"length": length}, arguments, self.redactor)
        return [generate_password(options["length"], secrets.token_bytes)]
