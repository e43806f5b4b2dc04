#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_rotation
short_description: Keep the passwords of NAVER Cloud Data Forest accounts younger than a maximum age
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Keeps all passwords younger than O(max_age). Accounts that are due get a new password, all others are left alone.
  - A new password is committed to O(store) before it is sent to the vendor, and stays there until it is proven not to
    be the live one. A run may therefore be killed at any moment, and the next one settles everything.
  - The store is on the controller. The resets happen on the target host, through
    M(krcloud.credentials.ncp_dataforest_password), so C(delegate_to) a bastion works.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_ncp
  - krcloud.credentials.attributes.actiongroup_store
  - krcloud.credentials.ncp
  - krcloud.credentials.dataforest
  - krcloud.credentials.connection
  - krcloud.credentials.store
attributes:
  action_group:
    membership:
      - krcloud.credentials.ncp
      - krcloud.credentials.store
  check_mode:
    support: full
    details:
      - Reads the store and the accounts, and predicts what a run would do if the vendor accepts every password.
        Generates, writes and sends no password.
  diff_mode:
    support: full
    details:
      - Shows the state, the age and the number of pending passwords of each account that changes, before and after.
        Never shows a password.
  idempotent:
    support: full
    details:
      - A second run within O(max_age) changes nothing, unless O(force) is set.
options:
  store:
    description:
      - Where the passwords are kept. It is read and written on the controller.
      - If not set, the variable C(krcloud_credentials_store) of the play is used. One of them is required.
  accounts:
    description:
      - The accounts whose passwords are kept young. If not set, all accounts that the credentials may see. An empty
        list is refused.
      - Rows of M(krcloud.credentials.ncp_dataforest_account_info) can be passed as they are, and are not looked up. A
        row of a tenant with keys needs O(accounts[].secret_key) as well.
      - All other rows are looked up. With O(accounts[].name) and O(accounts[].id), both must be those of one account.
      - Names and IDs begin with a letter or digit, have only letters, digits, C(-), C(_), C(.) and C(@), and have at
        most 64 characters. An account with a different name or ID, here or at the vendor, is reported as V(failed).
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
        description: Not used, but allowed, because rows of M(krcloud.credentials.ncp_dataforest_account_info) have it.
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
          - The highest age of the password of this account, instead of O(max_age). O(jitter) applies to it as well.
        type: str
  tenants:
    description:
      - Rotate all accounts that each of these tenants may see, instead of those that the credentials of the task may
        see. All tenants are listed in one run, as many at the same time as O(concurrency) says.
      - A tenant that cannot be listed is reported as V(failed), with its profile or access key and without a name. The
        accounts of the others are not affected. The same is true for a tenant whose profile or key is empty. It is not
        looked for in the environment or in the profile V(DEFAULT).
      - If two tenants have an account of the same name, the second one is reported as V(failed), because O(store) knows
        accounts by their names. Give such tenants a store of their own.
      - Cannot be combined with O(accounts), O(access_key), O(secret_key) and O(profile). If C(module_defaults) set one
        of these, write V({{ omit }}) as its value in the task. The environment variables for them are not used.
      - An empty list is refused, and so is a tenant that is named twice.
    type: list
    elements: dict
    suboptions:
      profile:
        description:
          - The section of O(config_file) that holds the keys of the tenant. The file is read once.
        type: str
      access_key:
        description:
          - The access key of the tenant, if it has no O(tenants[].profile).
        type: str
      secret_key:
        description:
          - The secret key that belongs to O(tenants[].access_key).
        type: str
  exclude:
    description:
      - The names of accounts that are left alone, out of those that O(accounts), O(tenants) or the credentials mean.
        Nothing is read, sent or reported for them.
      - A name that is neither one of these accounts nor in O(store) is refused, and nothing is sent for any account, as
        it may be a typo. If some accounts could not be listed or found, such a name is a warning.
      - An empty list is refused.
    type: list
    elements: str
  max_age:
    description:
      - The highest age of a password. Whole numbers with a unit (V(w), V(d), V(h), V(m) or V(s)), such as V(90d) or
        V(1d12h), and at most V(36525d), which is a hundred years.
    type: str
    default: 90d
  jitter:
    description:
      - The share of O(max_age) by which a password may be due earlier, so that not all are due on the same day.
        Each account has a fixed date within it, which depends on its name.
    type: str
    default: 10%
  force:
    description:
      - Give every account a new password, whatever its age. A password that an earlier run began to set is settled
        first, and then replaced.
    type: bool
    default: false
  rotated_before:
    description:
      - Give every account a new password that has one made before this moment, such as that of a theft. The accounts
        that are due by O(max_age) get one as well.
      - A date and a time with a time zone, such as V(2026-11-30T10:00:00Z) or V(2026-11-30T19:00:00+09:00). Fractions
        of seconds are rounded up. A moment in the future is refused, and so is an option without a value.
      - What counts is when a password was made, not when it was confirmed. An older password that an earlier run began
        to set is therefore settled first, and then replaced. A password of which O(store) does not know when it was
        made, because it was adopted, or written by hand or by version 0.1.0, counts as older.
      - Nothing is sent for an account on hold. If its live password may have been made before this moment, the account
        is V(failed), and its error says until when it is on hold.
      - Repeat the task until all accounts are done. Accounts that have got a new password since are left alone.
      - Cannot be combined with O(force).
    type: str
  new_accounts:
    description:
      - What to do with an account that O(store) does not know. The store knows an account even if it holds only a
        password that was never confirmed.
      - V(fail) sends nothing for the account and reports it as V(failed). A mistyped path, a job without its file or an
        empty mount therefore changes no password. Such an account does not count towards O(max_failures).
      - V(rotate) gives the account a password. Set it for the first run, preferably on the command line and not in the
        playbook.
      - V(skip) leaves the account alone and reports it as V(skipped).
      - An account whose name O(store) knows with a different ID fails in any case. It may belong to another tenant,
        which needs a store of its own. If it was deleted and created again, set V(rotate), and write its name and its
        new ID in O(accounts), but not as a row of M(krcloud.credentials.ncp_dataforest_account_info). The passwords of
        the old ID are kept among the previous passwords.
    type: str
    choices:
      - fail
      - rotate
      - skip
    default: fail
  password_length:
    description:
      - The number of characters in new passwords, 8 to 20.
    type: int
    default: 20
  concurrency:
    description:
      - How many passwords to set, and how many tenants to list, at the same time, 1 to 64.
    type: int
    default: 8
  batch_size:
    description:
      - How many accounts are committed to the store and then reset together. A run that dies leaves at most this many
        pending. A smaller number takes more time, because each batch needs two commits and one run of a module.
    type: int
    default: 1000
  max_failures:
    description:
      - Begin no further account once this many have failed. The remaining ones are reported as V(skipped). Passwords
        that the store already holds for them are sent by the next run.
      - If not set, all accounts are tried.
    type: int
  max_resets:
    description:
      - Begin no further account once the passwords of this many were set or may have been set. The remaining ones that
        are due are reported as V(skipped), and nothing is written for them.
      - An account that cannot be reset (V(rejected) or V(failed)) passes its turn on to the next one. For that, no more
        accounts are tried at the same time than are left. If the vendor cannot be reached for three accounts in a row,
        no further one is tried.
      - Accounts with a pending password come last, and among these the one that was sent last. So an account that is
        V(unknown) in each run does not keep the others from their turn.
      - If not set, all accounts that are due are reset.
    type: int
  requests_per_second:
    description:
      - Send at most this many requests per second within a batch, and while several tenants are listed.
    type: float
notes:
  - A lost request or a slow run may set an earlier password after a newer one was confirmed. While the store notes that
    this can happen, each run sends the active password once more and reports V(resumed). The first run that takes place
    a day after the note removes it.
  - Nothing is sent for an account on hold, whatever is due, pending or forced. It is V(skipped), or V(failed) if its
    live password may have been made before O(rotated_before). Its error says until when it is on hold and why. Its
    active password may be handed over all the same. See M(krcloud.credentials.ncp_dataforest_credential).
  - Run it on one host, with C(hosts=localhost) or C(run_once). If several hosts run it with one store at the same time,
    nothing is lost, but each of them sends the pending passwords, so that the same password is set several times.
  - If the vendor rejects a password, the run replaces it, and gives up after three passwords. The old password remains
    valid in that case.
  - Keep the store. It holds the only copy of the passwords.
seealso:
  - module: krcloud.credentials.ncp_dataforest_password
  - module: krcloud.credentials.ncp_dataforest_account_info
  - module: krcloud.credentials.ncp_dataforest_publication
  - module: krcloud.credentials.ncp_dataforest_credential
"""

EXAMPLES = r"""
- name: Keep all passwords younger than 90 days, in a file encrypted with Ansible Vault
  krcloud.credentials.ncp_dataforest_rotation:
    store:
      path: credentials/dataforest.yml
    new_accounts: "{{ new_accounts | default('fail') }}"   # the first run: --extra-vars new_accounts=rotate

- name: Keep all passwords of three tenants young, each of which has its own keys
  krcloud.credentials.ncp_dataforest_rotation:
    tenants:
      - profile: analytics
      - profile: team-a
      - access_key: "{{ team_b_access_key }}"
        secret_key: "{{ team_b_secret_key }}"
    store:
      path: credentials/tenants.yml
    concurrency: 16
    new_accounts: "{{ new_accounts | default('fail') }}"

- name: Rotate two accounts of two tenants, keep their passwords in OpenBao, and stop after the first failure
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

- name: Keep most passwords younger than 90 days, one younger than a week, and leave one alone
  krcloud.credentials.ncp_dataforest_rotation:
    accounts:
      - name: df001
      - name: df002
        max_age: 7d
      - name: df003
    exclude:
      - df003
    store:
      path: credentials/dataforest.yml

- name: Replace the passwords that were made before a theft, and only these, however often it runs
  krcloud.credentials.ncp_dataforest_rotation:
    store:
      path: credentials/dataforest.yml
    rotated_before: "2026-11-02T10:00:00+09:00"
"""

RETURN = r"""
changed:
  description: Whether anything changed in the store or at the vendor. In check mode, whether anything would change.
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
      description: The name of the account. V(null) if it is not known or not valid.
      type: str
      sample: df001
      returned: always
    id:
      description: The ID of the account. V(null) if it could not be looked up.
      type: str
      sample: 20nAZnjbUNFdc7RsILlC3A
      returned: always
    profile:
      description: The profile whose keys were used for the account, if one was named.
      type: str
      sample: analytics
      returned: always
    access_key:
      description: The access key that was used for the account, if it was given as an option.
      type: str
      sample: null
      returned: always
    outcome:
      description:
        - V(rotated) when the account has a new password, which is now the active one in the store.
        - V(resumed) when a password from an earlier run, whose outcome was not known, is now confirmed. Also when the
          active password was sent once more, because an earlier one may have been set after it.
        - V(fresh) when nothing was due.
        - V(rejected) when the vendor rejected three new passwords. The old password remains valid.
        - V(unknown) when no answer proved whether the new password was set. It is in the store, and the next run sends
          it again.
        - V(failed) when the cause is not the password, but for example the account, the credentials or the store.
        - V(skipped) when O(max_failures) or O(max_resets) was reached or the store failed before the account was begun,
          and for accounts that O(new_accounts=skip) leaves alone or that are on hold.
      type: str
      sample: rotated
      returned: always
    rotation_id:
      description:
        - The ID of the rotation that made the active password.
        - V(null) in check mode for a password that does not exist yet.
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
    last_sent_at:
      description:
        - When an earlier run was last about to send a password that was still pending before this run, in UTC.
          V(null) if none was pending.
      type: str
      sample: null
      returned: always
    published:
      description:
        - Whether the active password has been noted as published with
          M(krcloud.credentials.ncp_dataforest_publication).
      type: bool
      sample: false
      returned: always
    published_at:
      description:
        - When the active password was noted as published, in UTC. V(null) if it is not. For a password that version
          0.1.0 has noted, RV(accounts[].rotated_at).
      type: str
      sample: null
      returned: always
    live:
      description:
        - Whether the active password is the live one, as far as is known. V(false) if there is none, if a pending
          password may be live instead, or if the store knows the name with a different ID.
      type: bool
      sample: true
      returned: always
    hand_over:
      description:
        - Whether the active password must be handed over to its consumers. It is RV(accounts[].live), and it is not
          noted as published.
        - This does not depend on the vendor. It may be V(true) for an account that V(failed), if a password that was
          confirmed in an earlier run has not been handed over yet. The account must then be named in O(accounts),
          because it cannot be listed.
      type: bool
      sample: true
      returned: always
    hand_over_begun:
      description:
        - Whether an earlier run began to hand over the active password and did not note that it finished. The same
          problem may occur again, so hand over such accounts after all others.
      type: bool
      sample: false
      returned: always
    hand_over_alone:
      description:
        - Whether that was the only hand-over that the earlier run had begun at that time, so that nothing else can have
          ended it.
      type: bool
      sample: false
      returned: always
    error:
      description:
        - What went wrong, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error). The kind may
          also be V(store).
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
rotated_before:
  description: The option O(rotated_before) in UTC and whole seconds. V(null) if it is not set.
  returned: always, except when the options are refused or the store cannot be read
  type: str
  sample: null
max_failures:
  description: The option O(max_failures), which C(module_defaults) may have set.
  returned: always, except when the options are refused or the store cannot be read
  type: int
  sample: null
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
    1 of 100 accounts needs attention: 1 rejected. df001: NAVER Cloud rejected the request (HTTP 400). None of the
    passwords that were tried was accepted. Look at the reason, then run the task again. The store is
    /srv/dataforest.yml.
"""
