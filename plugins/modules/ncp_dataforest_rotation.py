#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_rotation
short_description: Keep the passwords of NAVER Cloud Data Forest accounts younger than an age
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Sees to it that no password is older than O(max_age). What is due gets a new password, all else is left alone.
  - A new password is committed to O(store) before the first byte of it goes to the vendor, and it stays there until it
    is proven not to be the live one. So a run may be struck down at any moment, and the next one settles everything.
  - The store is on the controller. The resets happen on the target host, through
    M(krcloud.credentials.ncp_dataforest_password), so C(delegate_to) a bastion works.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_ncp
  - krcloud.credentials.ncp
  - krcloud.credentials.dataforest
  - krcloud.credentials.connection
  - krcloud.credentials.store
attributes:
  check_mode:
    support: full
    details:
      - Reads the store and the accounts, and predicts what a run would do if the vendor accepts every password.
        Generates, writes and sends nothing.
  diff_mode:
    support: full
    details:
      - Shows state, age and number of pending passwords of each account that changes, before and after. Never shows a
        password.
  idempotent:
    support: full
    details:
      - A second run within O(max_age) changes nothing, unless O(force) is set.
options:
  store:
    required: true
  accounts:
    description:
      - The accounts to keep. If left out, all accounts that the credentials may see. If given, it must name some.
      - Rows of M(krcloud.credentials.ncp_dataforest_account_info) can be given as they are. An account with
        O(accounts[].name) and O(accounts[].id) is not looked up.
      - Names and IDs begin with a letter or digit, go on with letters, digits, C(-), C(_), C(.) and C(@), and have at
        most 64 characters. An account that is called otherwise, here or by the vendor, is reported as V(failed).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the account.
        type: str
      id:
        description: The ID of the account.
        type: str
      principal:
        description: Not used. It is there in rows of M(krcloud.credentials.ncp_dataforest_account_info).
        type: raw
      status:
        description: Not used, see O(accounts[].principal).
        type: raw
      disabled:
        description: Not used, see O(accounts[].principal).
        type: raw
      created_at:
        description: Not used, see O(accounts[].principal).
        type: raw
      profile:
        description:
          - Use this section of O(config_file) for this account, instead of the credentials of the task.
        type: str
      access_key:
        description:
          - Use this key for this account, instead of the credentials of the task.
        type: str
      secret_key:
        description:
          - The secret key that belongs to O(accounts[].access_key).
        type: str
  max_age:
    description:
      - How old a password may get. A whole number and a unit out of V(w), V(d), V(h), V(m) and V(s), such as V(90d).
        V(36525d), a hundred years, is the longest.
    type: str
    default: 90d
  jitter:
    description:
      - By which share of O(max_age) a password may be due earlier, so that not all are due on the same day.
        It is fixed for each account by its name.
    type: str
    default: 10%
  force:
    description:
      - Give every account a new password, whatever its age. One that was begun before is settled first, and then
        replaced.
    type: bool
    default: false
  new_accounts:
    description:
      - What to do about an account that O(store) does not know. An account of which the store holds a password that was
        never confirmed is known.
      - V(fail) sends nothing for it and reports it as V(failed). So a mistyped path, a job without its file or an empty
        mount changes no password. Such an account does not count for O(max_failures).
      - V(rotate) gives it a password. Set it for the first run, best on the command line, and not in the playbook.
      - V(skip) leaves it alone and reports it as V(skipped).
      - An account whose name O(store) knows under another ID fails in any case, as it may be that of another tenant,
        which needs a store of its own. If it was deleted and made anew, set V(rotate) and write its name and its new ID
        in O(accounts), but not as a row of M(krcloud.credentials.ncp_dataforest_account_info). What the old ID had is
        kept among the previous passwords.
    type: str
    choices:
      - fail
      - rotate
      - skip
    default: fail
  password_length:
    description:
      - How long new passwords are, 8 to 20 characters.
    type: int
    default: 20
  concurrency:
    description:
      - How many accounts are reset at the same time, 1 to 64.
    type: int
    default: 8
  batch_size:
    description:
      - How many accounts are committed to the store and then reset together. It is the most that a run leaves pending
        when it dies. A smaller number takes more time, as each batch is two commits and one run of a module.
    type: int
    default: 1000
  max_failures:
    description:
      - Begin with no further account once this many have failed. Those left are reported as V(skipped). What the store
        already holds for them is sent by the next run.
      - If not set, all accounts are tried.
    type: int
  requests_per_second:
    description:
      - Send no more than this many requests a second within a batch.
    type: float
notes:
  - A request that got lost, or a run that was slow, may set an earlier password after another one was confirmed. As
    long as the store notes that this can happen, a run sends the active password once more and reports V(resumed). The
    first run a day after the note ends it.
  - Run it on one host, with C(hosts=localhost) or C(run_once). Several hosts that run it on one store at the same time
    lose nothing, but each of them sends what it finds pending, so that the same password is set several times.
  - A password that the vendor refuses is replaced, three times in one run at the most. The one from before then still
    holds.
  - Keep the store. It holds the only copy of the passwords.
seealso:
  - module: krcloud.credentials.ncp_dataforest_password
  - module: krcloud.credentials.ncp_dataforest_account_info
  - module: krcloud.credentials.ncp_dataforest_publication
"""

EXAMPLES = r"""
- name: See to it that no password is older than 90 days, in a file encrypted with Ansible Vault
  krcloud.credentials.ncp_dataforest_rotation:
    store:
      path: credentials/dataforest.yml
    new_accounts: "{{ new_accounts | default('fail') }}"   # the first run: --extra-vars new_accounts=rotate

- name: Keep two accounts of two tenants in OpenBao, and stop after the first batch with a failure
  krcloud.credentials.ncp_dataforest_rotation:
    accounts:
      - name: df001
        profile: analytics
      - name: team-a
        profile: team-a
    store:
      type: hashi_vault
      url: https://bao.example.com:8200
      token: "{{ bao_token }}"
    max_age: 30d
    max_failures: 1
"""

RETURN = r"""
changed:
  description: Whether anything was changed in the store or at the vendor. In check mode, whether it would be.
  returned: always
  type: bool
  sample: true
accounts:
  description: What became of each account. Never holds a password.
  returned: always, except when the options are refused or the store cannot be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the account. V(null) where it is not known, or not valid.
      type: str
      sample: df001
      returned: always
    id:
      description: The ID of the account. V(null) if it could not be looked up.
      type: str
      sample: 20nAZnjbUNFdc7RsILlC3A
      returned: always
    profile:
      description: The profile that the account was reached with, where one was named.
      type: str
      sample: analytics
      returned: always
    outcome:
      description:
        - V(rotated) when the account has a new password, and the store knows it as the active one.
        - V(resumed) when the password of an earlier run, whose fate was not known, is now confirmed. Also when the
          active one was sent once more, because an earlier one may have been set after it.
        - V(fresh) when nothing was due.
        - V(rejected) when the vendor refused three new passwords. The one from before still holds.
        - V(unknown) when no answer told whether the new password was set. It is in the store, and the next run sends it
          again.
        - V(failed) when the account, the credentials or the store are the problem.
        - V(skipped) when O(max_failures) was reached, or the store failed, before its turn came, and for accounts that
          O(new_accounts=skip) leaves alone.
      type: str
      sample: rotated
      returned: always
    rotation_id:
      description:
        - The number of the rotation that made the active password.
        - V(null) in check mode for a password that is yet to be made.
      type: str
      sample: 3f0c2a8e-6f0b-4b8e-9a53-0d7c1c1a2b3c
      returned: always
    rotated_at:
      description: When the active password was confirmed, in UTC.
      type: str
      sample: "2026-11-20T03:00:00Z"
      returned: always
    previously_rotated_at:
      description: When the password that was active before this run was confirmed, in UTC.
      type: str
      sample: "2026-08-22T03:00:00Z"
      returned: always
    next_due_at:
      description: When the active password is due, in UTC.
      type: str
      sample: "2027-02-14T11:12:13Z"
      returned: always
    published:
      description:
        - Whether the active password has been noted as published with
          M(krcloud.credentials.ncp_dataforest_publication).
      type: bool
      sample: false
      returned: always
    hand_over:
      description:
        - Whether consumers are to be given the active password. It is the live one as far as is known, and not noted as
          published.
        - This does not depend on the vendor. It may be V(true) for an account that V(failed), because a password that
          was confirmed in an earlier run has not been handed over yet. For that, the account has to be named in
          O(accounts), as nobody can list it then.
      type: bool
      sample: true
      returned: always
    hand_over_begun:
      description:
        - Whether an earlier run began to hand over the active password, and it was not noted that this was done. What
          happened then may happen again, so such an account is best handed over after all others.
      type: bool
      sample: false
      returned: always
    error:
      description:
        - What went wrong, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error). The kind may be
          V(store), too.
      type: dict
      sample: null
      returned: always
summary:
  description: How many accounts ended in each outcome.
  returned: always, except when the options are refused or the store cannot be read
  type: dict
  sample:
    rotated: 3
    resumed: 0
    fresh: 97
    rejected: 0
    unknown: 0
    failed: 0
    skipped: 0
error:
  description: The failure as data, in the form of RV(accounts[].error).
  returned: when the options are refused, or the accounts or the store cannot be read
  type: dict
  sample:
    kind: store
    message: The store /srv/dataforest.yml is damaged; it was left as it is.
    hint: Put back a whole copy of it.
    http_status: null
    vendor_code: null
    trace_id: null
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    1 of 100 accounts need attention: 1 rejected. df001: NAVER Cloud rejected the request (HTTP 400). 3
    passwords were tried, and none was accepted. Look at the reason, then run the task again. A further run resumes
    what was begun, and leaves alone what is done.
"""
