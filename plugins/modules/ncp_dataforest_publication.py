#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_publication
short_description: Note that consumers were given the new passwords of NAVER Cloud Data Forest accounts
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - After M(krcloud.credentials.ncp_dataforest_rotation) has rotated a password, it must be handed over to its
    consumers. When that is done, this module notes it in O(store).
  - A run may die in between. The next one finds the account fresh, but with
    RV(krcloud.credentials.ncp_dataforest_rotation#module:accounts[].published=false), and can hand it over then.
  - A note may come late, when the account already has a newer password. Consumers may have been given the older one
    after the newer one, so this module then notes the newer one as not published.
  - The role P(krcloud.credentials.ncp_dataforest_rotation#role) does all of this.
  - Runs on the controller, and sends nothing to the vendor.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_store
  - krcloud.credentials.store
attributes:
  check_mode:
    support: full
    details:
      - Reads the store, and writes nothing.
  diff_mode:
    support: none
    details:
      - RV(accounts) shows everything that changes.
  idempotent:
    support: full
    details:
      - If everything is noted already, nothing is written.
options:
  store:
    description:
      - Where the passwords are kept. It is read and written on the controller.
      - If not set, the variable C(krcloud_credentials_store) of the play is used. One of them is required.
  accounts:
    description:
      - The accounts whose passwords were published. Rows of a rotation's result can be passed as they are. Other keys
        are ignored.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the account.
        type: str
        required: true
      rotation_id:
        description: The ID of the rotation that made the password, as the rotation reports it.
        type: str
        required: true
  begun:
    description:
      - Accounts whose passwords are about to be handed over, in the form of O(accounts). If the run dies before they
        are noted with O(accounts), the next one finds
        RV(krcloud.credentials.ncp_dataforest_rotation#module:accounts[].hand_over_begun=true), and can hand them over
        last. For a single account, it also finds
        RV(krcloud.credentials.ncp_dataforest_rotation#module:accounts[].hand_over_alone=true).
      - This is only a hint. Accounts for which it cannot be noted are ignored.
    type: list
    elements: dict
    default: []
  failed:
    description:
      - Accounts that were noted with O(begun), and whose hand-over has failed without ending the run, in the form of
        O(accounts). The next run does not find them as begun.
      - This is only a hint, too.
    type: list
    elements: dict
    default: []
  unpublished:
    description:
      - Accounts whose passwords must be handed over again, in the form of O(accounts), for example because a consumer
        was restored from a backup. They no longer count as published, so the next run finds
        RV(krcloud.credentials.ncp_dataforest_rotation#module:accounts[].hand_over=true).
    type: list
    elements: dict
    default: []
seealso:
  - module: krcloud.credentials.ncp_dataforest_rotation
  - plugin: krcloud.credentials.dataforest_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Keep all passwords younger than 90 days
  krcloud.credentials.ncp_dataforest_rotation:
    store:
      path: credentials/dataforest.yml
  register: rotation

- name: Note the passwords that were handed over in between
  krcloud.credentials.ncp_dataforest_publication:
    accounts: >-
      {{ rotation.accounts | selectattr('hand_over') }}
    store:
      path: credentials/dataforest.yml
"""

RETURN = r"""
changed:
  description: Whether anything was noted. In check mode, whether anything would be noted.
  returned: always
  type: bool
  sample: true
accounts:
  description: What was noted about the accounts in O(accounts), and then about those in O(unpublished).
  returned: always, except when the options are refused or the store cannot be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the account.
      type: str
      sample: df001
      returned: always
    rotation_id:
      description: The ID of the rotation, as it was given.
      type: str
      sample: 3f0c2a8e-6f0b-4b8e-9a53-0d7c1c1a2b3c
      returned: always
    published:
      description:
        - Whether the password is noted as published. V(false) for accounts in O(unpublished). For the others, V(false)
          if the account has been rotated again since, or another run has handed over an older password in the
          meantime. The newest password must then be handed over, perhaps once more.
      type: bool
      sample: true
      returned: always
    error:
      description: Why nothing could be noted, in the form of RV(error). V(null) otherwise.
      type: dict
      sample: null
      returned: always
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: The store has no account df009. Give the names and rotation IDs of a rotation's result.
error:
  description: The failure as data, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error).
  returned: failure
  type: dict
  sample:
    kind: not_found
    message: The store has no account df009.
    hint: Give the names and rotation IDs of a rotation's result.
    http_status: null
    vendor_code: null
    trace_id: null
"""
