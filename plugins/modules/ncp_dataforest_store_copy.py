#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_store_copy
short_description: Move passwords of NAVER Cloud Data Forest accounts from one store to another
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Copies everything that O(source) has about accounts to O(destination) exactly as it is, with pending and previous
    passwords and holds, and leaves a note in the source that says where they are now. No password changes.
  - After that, M(krcloud.credentials.ncp_dataforest_rotation) with the source fails for these accounts and names the
    destination, also in version 0.1.0. All other accounts are rotated as before.
  - Runs on the controller, and sends nothing to the vendor.
  - A run that was killed is completed by the next one, also if there were rotations in between.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.store.pair
attributes:
  check_mode:
    support: full
    details:
      - Reads both stores, and predicts what a run would do, refusals included. Writes nothing.
  diff_mode:
    support: full
    details:
      - Shows in which store each account that moves is before and after. Never shows a password.
  idempotent:
    support: full
    details:
      - What has moved is left alone, also if the destination has rotated it since.
options:
  names:
    description:
      - The names of the accounts to move or, with O(contents=reset_mails), the addresses. If not set, everything in the
        source is moved.
      - An empty list is refused. A name that the source does not have fails, and the others are moved.
    type: list
    elements: str
  contents:
    description:
      - What the stores hold. V(reset_mails) are the records that
        M(krcloud.credentials.solapi_password_reset) keeps in its
        O(krcloud.credentials.solapi_password_reset#module:store).
    type: str
    choices:
      - passwords
      - reset_mails
    default: passwords
  source_passwords:
    description:
      - What becomes of the passwords in the source.
      - With V(keep), the note keeps the active password of each account, so that nobody who still reads the source is
        locked out at once. The lookup P(krcloud.credentials.dataforest_credential#lookup) returns it with a warning.
        It becomes invalid as soon as the destination rotates the account.
      - With V(remove), the note has no password, and readers of the source fail. For what was moved with V(keep)
        before, run again with V(remove). Nothing is removed for which the destination has nothing.
      - A server with a V(hashi_vault) also keeps earlier versions, and there may be backups of a V(vault_file).
    type: str
    choices:
      - keep
      - remove
    default: keep
notes:
  - Where both stores have something about an account, and neither of them was copied from the other, nothing is
    overwritten, and the account is a V(conflict). What cannot be read, or is from a newer version of the collection, is
    not copied, and fails.
  - With a V(hashi_vault) as the source, the token also needs C(list) on the metadata path, unless O(names) is set.
seealso:
  - module: krcloud.credentials.ncp_dataforest_credential
  - module: krcloud.credentials.ncp_dataforest_rotation
  - plugin: krcloud.credentials.dataforest_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Move one account to a file of its own
  krcloud.credentials.ncp_dataforest_store_copy:
    source:
      path: credentials/dataforest.yml
    destination:
      path: credentials/analytics.yml
    names:
      - df001

- name: Move everything from a file to OpenBao
  krcloud.credentials.ncp_dataforest_store_copy:
    source:
      path: credentials/analytics.yml
    destination:
      type: hashi_vault
      url: https://bao.example.com:8200
      token: "{{ bao_token }}"

- name: When all readers have moved, leave no password in the file
  krcloud.credentials.ncp_dataforest_store_copy:
    source:
      path: credentials/analytics.yml
    destination:
      type: hashi_vault
      url: https://bao.example.com:8200
      token: "{{ bao_token }}"
    source_passwords: remove

- name: Move the records of reset mails
  krcloud.credentials.ncp_dataforest_store_copy:
    source:
      path: credentials/mails.yml
    destination:
      path: credentials/reset-mails.yml
    contents: reset_mails
"""

RETURN = r"""
changed:
  description: Whether anything was written. In check mode, whether anything would be written.
  returned: always
  type: bool
  sample: true
moved_to:
  description: Where the destination is, as the notes in the source say it. Holds no secret.
  returned: always, except when the options are refused or a store cannot be read
  type: str
  sample: https://bao.example.com:8200 (secret/dataforest)
credentials:
  description: What became of each account, in the order of their names or of O(names). Never holds a password.
  returned: always, except when the options are refused or a store cannot be read
  type: list
  elements: dict
  contains:
    name:
      description:
        - The name of the account, or that of the record of an address. V(null) if the source does not have it and it
          does not look like a name.
      type: str
      sample: df001
      returned: always
    outcome:
      description:
        - V(copied) when the destination has it now, and the source a note.
        - V(removed) when it had moved before, and its password was removed from the source.
        - V(unchanged) when it had moved before.
        - V(conflict) when the destination has something else, and nothing was done.
        - V(failed) when it could not be moved, for the reason in RV(credentials[].error).
      type: str
      sample: copied
      returned: always
    error:
      description: Why it was not moved, in the form of RV(error). V(null) otherwise.
      type: dict
      sample: null
      returned: always
summary:
  description: How many accounts ended in each outcome.
  returned: always, except when the options are refused or a store cannot be read
  type: dict
  sample:
    copied: 40
    removed: 0
    unchanged: 0
    conflict: 0
    failed: 0
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    1 of 40 could not be moved. The passwords of df001 differ between the stores, and neither is a copy of the other.
    Nothing was overwritten. Find out which one is right, remove the other one from its store, then run again. To
    remove what a store has about an account, run ncp_dataforest_credential with state set to absent.
error:
  description: The first failure as data, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error).
  returned: failure
  type: dict
  sample:
    kind: store
    message: >-
      The passwords of df001 differ between the stores, and neither is a copy of the other. Nothing was overwritten.
    hint: >-
      Find out which one is right, remove the other one from its store, then run again. To remove what a store has about
      an account, run ncp_dataforest_credential with state set to absent.
    http_status: null
    vendor_code: null
    trace_id: null
"""
