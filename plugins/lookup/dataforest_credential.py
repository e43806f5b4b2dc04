# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: dataforest_credential
short_description: Read passwords of NAVER Cloud Data Forest accounts from a store
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Returns the active passwords of accounts, or those that were active before, from the store in which
    M(krcloud.credentials.ncp_dataforest_rotation) keeps them.
  - If the outcome of a later password than the active one is not known, a warning names the account.
  - Changes nothing, in the store or at the vendor.
  - A password is returned exactly as it is in the store, and is never taken for a template.
extends_documentation_fragment:
  - krcloud.credentials.store
options:
  _terms:
    description:
      - The names of the accounts, one by one or as a list.
    type: list
    elements: str
    required: true
  store:
    description:
      - Where the passwords are kept. It is read on the controller.
      - One of the option and the variable is required.
    vars:
      - name: krcloud_credentials_store
  version:
    description:
      - Which password of each account is returned.
      - V(active) is the one that the vendor last confirmed.
      - V(previous) is the one that was active before. It is not valid at the vendor. Use it for a consumer that must be
        told its old password to accept a new one. A password that was replaced by version 0.1.0 is not found, because
        that version did not note which passwords were active.
    type: str
    choices:
      - active
      - previous
    default: active
  on_missing:
    description:
      - What to do about an account that is not in the store, or has no such password there. A new account has no active
        one until one is confirmed, and no previous one until that is replaced.
      - V(error) fails and names all such accounts.
      - V(warn) warns about them and leaves them out of the result.
      - V(skip) leaves them out of the result.
      - Whatever the value, the lookup fails if the document of a named account cannot be read, such as a secret that
        was deleted with C(bao kv delete), or was not written by a rotation. Accounts that are not named do not matter.
    type: str
    choices:
      - error
      - warn
      - skip
    default: error
notes:
  - Give C(no_log) to every task that uses the result, and do not pass the result in C(environment), which C(-vvv)
    prints. The result is masked in all output only from ansible-core 2.22 on.
  - Use C(query) for several accounts, and with O(on_missing=warn) and O(on_missing=skip). It always returns a list,
    whereas C(lookup) joins the passwords with commas.
  - Name all accounts that a task needs in one lookup. The store is then read once.
seealso:
  - module: krcloud.credentials.ncp_dataforest_rotation
  - plugin: krcloud.credentials.dataforest_password
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Give a job the password of its account
  ansible.builtin.command:
    argv: [/bin/sh, -c, 'umask 077 && cat >"$1.new" && mv "$1.new" "$1"', sh, "{{ job_folder }}/df001.password"]
    stdin: "{{ lookup('krcloud.credentials.dataforest_credential', 'df001', store=store) }}"
    stdin_add_newline: false
  changed_when: true
  no_log: true
  vars:
    ansible_pipelining: true
    store:
      path: credentials/dataforest.yml

- name: Read several passwords at once, by the names of their accounts
  ansible.builtin.set_fact:
    passwords: "{{ dict(names | zip(query('krcloud.credentials.dataforest_credential', names, store=store))) }}"
  no_log: true
  vars:
    names:
      - df001
      - df002
    store:
      path: credentials/dataforest.yml

- name: Give a job the new password, and the old one that its service asks for before it accepts another
  ansible.builtin.command:
    argv: [/bin/sh, -c, 'umask 077 && cat >"$1"', sh, "{{ job_folder }}/change-password.json"]
    stdin: "{{ {'old': old, 'new': new} | to_json }}"
    stdin_add_newline: false
  changed_when: true
  no_log: true
  vars:
    ansible_pipelining: true
    old: "{{ lookup('krcloud.credentials.dataforest_credential', 'df001', store=store, version='previous') }}"
    new: "{{ lookup('krcloud.credentials.dataforest_credential', 'df001', store=store) }}"
    store:
      path: credentials/dataforest.yml

- name: Use the password if there is one in OpenBao
  ansible.builtin.command:
    argv: [/bin/sh, -c, 'umask 077 && cat >"$1.new" && mv "$1.new" "$1"', sh, "{{ job_folder }}/team-a.password"]
    stdin: "{{ found | first }}"
    stdin_add_newline: false
  changed_when: true
  no_log: true
  when: found | length > 0
  vars:
    ansible_pipelining: true
    found: "{{ query('krcloud.credentials.dataforest_credential', 'team-a', store=store, on_missing='skip') }}"
    store:
      type: hashi_vault
      url: https://bao.example.com:8200
      token: "{{ bao_token }}"
"""

RETURN = r"""
_raw:
  description: The passwords, in the order of the accounts.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import opened_store, validated
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.lookup import RedactingLookup
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.reader import ACTIVE, VERSIONS, passwords
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry


class LookupModule(RedactingLookup):
    """Wiring: terms, options and store into `passwords`."""

    def look_up(self, terms: Sequence[Any], arguments: Mapping[str, Any]) -> list[str]:
        """Return the passwords of the accounts that the terms name."""
        if not terms:
            raise ConfigurationError("No account is named.", hint="Give the names of the accounts before the options.")
        names = [name for term in terms for name in (term if isinstance(term, (list, tuple)) else [term])]
        options = validated(credential_spec(), self.with_store(arguments), self.redactor)
        with closing(opened_store(options["store"], self._loader, self.redactor)) as store:
            wishes = {name: options[name] for name in ("version", "on_missing")}
            return passwords(store, names, **wishes, warn=self.warn)


def credential_spec() -> Spec:
    """Return the argument spec of the lookup."""
    return {
        "store": {"type": "dict", "options": registry.argument_spec()},
        "version": {"type": "str", "choices": list(VERSIONS), "default": ACTIVE},
        "on_missing": {"type": "str", "choices": ["error", "warn", "skip"], "default": "error"},
    }
