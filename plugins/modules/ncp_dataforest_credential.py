#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_credential
short_description: Adopt, hold or forget passwords of NAVER Cloud Data Forest accounts in a store
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Takes passwords that are in use into O(store) without changing them, so that
    M(krcloud.credentials.ncp_dataforest_rotation) keeps them young from then on.
  - Pauses accounts, for which a rotation then sends nothing, and forgets accounts.
  - Runs on the controller, and sends nothing to the vendor. So it cannot tell whether a password is the live one.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_store
  - krcloud.credentials.store
attributes:
  check_mode:
    support: full
    details:
      - Reads the store, and predicts what a run would do, refusals included. Writes nothing.
  diff_mode:
    support: full
    details:
      - Shows the state, the age and the hold of each account that changes, before and after. Never shows a password.
  idempotent:
    support: full
    details:
      - If the store has the password already, nothing is written, even if O(rotated_at=now).
options:
  store:
    description:
      - Where the passwords are kept. It is read and written on the controller.
      - If not set, the variable C(krcloud_credentials_store) of the play is used. One of them is required.
  credentials:
    description:
      - The accounts, if there are several. All rows are checked before anything is written. Then what is valid is
        written, in one commit with a V(vault_file). A row that is not valid is reported as V(failed), and does not keep
        the others from being written.
      - A row without O(credentials[].profile), O(credentials[].rotated_at), O(credentials[].hold_until) or
        O(credentials[].hold_reason) has the value of the option of the same name of the task.
      - Empty texts are not values, so a CSV file may have empty fields.
      - An empty list is refused, and so is a list that names an account twice.
    type: list
    elements: dict
    suboptions:
      name:
        description: See O(name).
        type: str
      id:
        description: See O(id).
        type: str
      profile:
        description: See O(profile).
        type: str
      password:
        description: See O(password).
        type: str
      rotated_at:
        description: See O(rotated_at).
        type: str
      hold_until:
        description: See O(hold_until).
        type: str
      hold_reason:
        description: See O(hold_reason).
        type: str
  name:
    description:
      - The name of the account, if there is only one. The name is safe in the sense of
        O(krcloud.credentials.ncp_dataforest_rotation#module:accounts).
      - It must be a string, as must O(id). Put them in quotes, or YAML turns V(00123) into a different number.
    type: str
  id:
    description:
      - The ID of the account. For O(state=present), it may be left out. The next rotation of the account then adds it.
        For O(state=absent), it is required if the store has one.
      - An account that the store knows with a different ID fails, and nothing is overwritten, not even with O(force).
    type: str
  profile:
    description:
      - The profile whose keys are used for the account. Only for people, and for
        M(krcloud.credentials.ncp_dataforest_credential_info).
    type: str
  password:
    description:
      - The password that the account has. It is stored exactly as it is given. One that the published rules refuse is
        adopted with a warning, because it may be older than the rules.
      - If the store has a different active password, or one whose outcome is not known, the account fails unless
        O(force) is set.
      - Accounts that were new to the store count as published, because whoever uses them has the password already. A
        password that takes the place of another one does not.
      - Write a password with C({{) as C(!unsafe) text, or read it from a file with a lookup, since Ansible takes it for
        a template otherwise.
    type: str
  rotated_at:
    description:
      - When the password was set. Required with O(password).
      - A date and a time with a zone, such as V(2026-11-30T10:00:00+09:00), not in the future; V(now); or V(unknown),
        with which the password is due at once.
      - For a password that the store has already, only an earlier time changes anything, or any time with O(force).
        Adopting a password that the store knows as pending or previous does not make it younger, either.
    type: str
  hold_until:
    description:
      - Until when M(krcloud.credentials.ncp_dataforest_rotation) sends nothing for the account, not even a pending
        password, or one that is due by its O(krcloud.credentials.ncp_dataforest_rotation#module:force). Its active
        password may be handed over all the same. A run with
        O(krcloud.credentials.ncp_dataforest_rotation#module:rotated_before) fails and names the account if its live
        password may have been made before that moment.
      - A date and a time with a zone, not in the past; or V(now), which ends a hold.
      - Without O(password), the store must know the account.
    type: str
  hold_reason:
    description:
      - Why, in one line of at most 200 characters. Rotations show it. If it is not set, the reason of a hold that is in
        effect stays.
    type: str
  state:
    description:
      - V(present) adopts the password, sets or ends the hold, or both.
      - V(absent) forgets the account, and all its passwords. Other options about the account than O(name) and O(id) are
        ignored. An account with a pending password fails unless O(force) is set. With V(hashi_vault), the metadata and
        all versions are removed, for which the token needs C(delete) on the metadata path.
    type: str
    choices:
      - present
      - absent
    default: present
  force:
    description:
      - With O(state=present), let O(password) take the place of the active and the pending passwords, which are kept
        among the previous ones. If one of these may still become live, because a request may be under way, the next
        rotation sends the adopted password once more.
      - With O(state=absent), forget an account although a password is pending, which may be the live one.
    type: bool
    default: false
notes:
  - Give C(no_log) to a task that has passwords in a loop, because Ansible shows the item of each iteration. One task
    with O(credentials) needs no loop.
seealso:
  - module: krcloud.credentials.ncp_dataforest_credential_info
  - module: krcloud.credentials.ncp_dataforest_rotation
  - plugin: krcloud.credentials.dataforest_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Adopt one known password
  krcloud.credentials.ncp_dataforest_credential:
    name: df001
    password: "{{ known_password }}"
    rotated_at: "2026-09-01T09:00:00+09:00"
    store:
      path: credentials/dataforest.yml

- name: Adopt several, of which nobody knows how old they are
  krcloud.credentials.ncp_dataforest_credential:
    credentials:
      - name: df002
        password: "{{ known_password }}"
      - name: df003
        password: "{{ known_password }}"
        rotated_at: now
    rotated_at: unknown
    store:
      path: credentials/dataforest.yml

- name: Leave an account alone until Monday
  krcloud.credentials.ncp_dataforest_credential:
    name: df001
    # Such as 2026-12-07T09:00:00+09:00.
    hold_until: "{{ monday }}"
    hold_reason: The audit team works with it
    store:
      path: credentials/dataforest.yml

- name: Go on with it earlier
  krcloud.credentials.ncp_dataforest_credential:
    name: df001
    hold_until: now
    store:
      path: credentials/dataforest.yml

- name: Forget an account that was deleted
  krcloud.credentials.ncp_dataforest_credential:
    name: df003
    # As ncp_dataforest_credential_info shows it.
    id: "{{ its_id }}"
    state: absent
    store:
      path: credentials/dataforest.yml
"""

RETURN = r"""
changed:
  description: Whether anything was written. In check mode, whether anything would be written.
  returned: always
  type: bool
  sample: true
credentials:
  description: What became of each account, in the order of the rows. Never holds a password.
  returned: always, except when the options are refused or the store cannot be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the account. V(null) if it is not valid.
      type: str
      sample: df001
      returned: always
    id:
      description: The ID of the account, if it is known.
      type: str
      sample: 20nAZnjbUNFdc7RsILlC3A
      returned: always
    profile:
      description: The profile of the account, if it is known.
      type: str
      sample: analytics
      returned: always
    outcome:
      description:
        - V(adopted) when the store has a new active password.
        - V(updated) when something else was noted, such as a hold.
        - V(forgotten) when the account was removed from the store.
        - V(unchanged) when there was nothing to do.
        - V(failed) when nothing was done, for the reason in RV(credentials[].error).
      type: str
      sample: adopted
      returned: always
    state:
      description:
        - What the store has now. V(active) is a confirmed or adopted password, V(unsettled) one whose outcome is not
          known, and V(absent) nothing. V(null) if that is not known, because the row is not valid, or because what the
          store has cannot be read.
      type: str
      sample: active
      returned: always
    rotated_at:
      description: When the active password was set, in UTC. V(null) if there is none, or if that is not known.
      type: str
      sample: "2026-09-01T00:00:00Z"
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
      description: Why nothing was done, in the form of RV(error). V(null) otherwise.
      type: dict
      sample: null
      returned: always
summary:
  description: How many accounts ended in each outcome.
  returned: always, except when the options are refused or the store cannot be read
  type: dict
  sample:
    adopted: 40
    updated: 0
    forgotten: 0
    unchanged: 0
    failed: 0
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    1 of 40 accounts failed. The store has another password for df001, and it was not overwritten. If the given one is
    live, set force to true. The other one is then kept among the previous passwords. The store is /srv/dataforest.yml.
error:
  description: The first failure as data, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error).
  returned: failure
  type: dict
  sample:
    kind: configuration
    message: The store has another password for df001, and it was not overwritten.
    hint: If the given one is live, set force to true. The other one is then kept among the previous passwords.
    http_status: null
    vendor_code: null
    trace_id: null
"""
