#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_credential_info
short_description: Look at the ages and states of NAVER Cloud Data Forest passwords in a store
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Returns what O(store) knows about accounts, such as how old a password is, when it is due, and since when one is
    pending. Never returns a password.
  - Runs on the controller, and sends nothing to the vendor. So it does not know accounts that are not in the store.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_store
  - krcloud.credentials.store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - Changes nothing.
  idempotent:
    support: full
options:
  store:
    description:
      - Where the passwords are kept. It is read on the controller.
      - If not set, the variable C(krcloud_credentials_store) of the play is used. One of them is required.
  names:
    description:
      - The names of the accounts to look at. If not set, all that are in the store, in the order of their names.
      - With V(hashi_vault) and without names, the token needs C(list) on the metadata path.
    type: list
    elements: str
  only:
    description:
      - Return only accounts to which one of these applies, and those that cannot be read.
      - V(due) and V(overdue) as in RV(credentials[].due) and RV(credentials[].overdue).
      - V(unsettled) are accounts with a pending password, which may be the live one.
      - V(unpublished) are accounts whose consumers do not have the active password, as far as is noted.
      - V(held) are accounts on hold.
    type: list
    elements: str
    choices:
      - due
      - overdue
      - unsettled
      - unpublished
      - held
  max_age:
    description:
      - The highest age of a password, as in O(krcloud.credentials.ncp_dataforest_rotation#module:max_age).
    type: str
    default: 90d
  jitter:
    description:
      - The share of O(max_age) by which a password may be due earlier, as in
        O(krcloud.credentials.ncp_dataforest_rotation#module:jitter).
    type: str
    default: 10%
seealso:
  - module: krcloud.credentials.ncp_dataforest_credential
  - module: krcloud.credentials.ncp_dataforest_rotation
  - plugin: krcloud.credentials.dataforest_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: See who needs attention
  krcloud.credentials.ncp_dataforest_credential_info:
    only:
      - overdue
      - unsettled
      - unpublished
    store:
      path: credentials/dataforest.yml
  register: attention

- name: Fail if a password is too old
  ansible.builtin.assert:
    that: attention.summary.overdue == 0
    fail_msg: "{{ attention.credentials | selectattr('overdue') | map(attribute='name') | join(', ') }}"
"""

RETURN = r"""
changed:
  description: Always V(false).
  returned: always
  type: bool
  sample: false
credentials:
  description: What the store knows about each account.
  returned: always, except when the options are refused or the store cannot be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the account.
      type: str
      sample: df001
      returned: always
    id:
      description: The ID of the account, if it is known.
      type: str
      sample: 20nAZnjbUNFdc7RsILlC3A
      returned: always
    profile:
      description: The profile with which the account was last rotated, if one was named.
      type: str
      sample: analytics
      returned: always
    state:
      description:
        - V(active) if nothing is pending, and V(unsettled) if a pending password may be the live one.
        - V(absent) for an account in O(names) that is not in the store. V(null) if it cannot be read.
      type: str
      sample: active
      returned: always
    rotated_at:
      description: When the active password was set, in UTC. V(null) if there is none, or if that is not known.
      type: str
      sample: "2026-11-20T03:00:00Z"
      returned: always
    age:
      description:
        - The age of the active password in seconds. V(null) if it is not known. Negative if it was set by a machine
          whose clock was more than a day ahead.
      type: int
      sample: 864000
      returned: always
    next_due_at:
      description: When the active password is due, in UTC. V(null) if it has no known age.
      type: str
      sample: "2027-02-14T11:12:13Z"
      returned: always
    due:
      description: Whether a rotation would make a new password, once nothing is pending and the account is not on hold.
      type: bool
      sample: false
      returned: always
    overdue:
      description: Whether the active password is older than O(max_age). V(true) if its age is not known.
      type: bool
      sample: false
      returned: always
    pending:
      description: How many passwords are pending.
      type: int
      sample: 0
      returned: always
    pending_since:
      description: Since when the oldest of them is pending, in UTC.
      type: str
      sample: null
      returned: always
    published:
      description: Whether consumers have the active password, as far as is noted.
      type: bool
      sample: true
      returned: always
    held_until:
      description: Until when the account is on hold, in UTC. V(null) if it is not on hold.
      type: str
      sample: null
      returned: always
    hold_reason:
      description: Why the account is on hold.
      type: str
      sample: null
      returned: always
    error:
      description: Why the account cannot be read, in the form of RV(error). V(null) otherwise.
      type: dict
      sample: null
      returned: always
summary:
  description: How many accounts there are in all, in each state, and to how many each choice of O(only) applies.
  returned: always, except when the options are refused or the store cannot be read
  type: dict
  sample:
    total: 100
    active: 99
    due: 3
    overdue: 0
    unsettled: 1
    unpublished: 2
    held: 1
    absent: 0
    failed: 0
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    1 of 100 accounts could not be read. What the store holds under the name df007 is not an envelope: its format is not
    1. Look at it, then correct it or move it away.
error:
  description: The first failure as data, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error).
  returned: failure
  type: dict
  sample:
    kind: store
    message: "What the store holds under the name df007 is not an envelope: its format is not 1."
    hint: Look at it, then correct it or move it away.
    http_status: null
    vendor_code: null
    trace_id: null
"""
