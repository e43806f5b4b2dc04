#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_sts_credentials
short_description: Get short-lived keys of NAVER Cloud for this job
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Turns the keys of a sub account of NAVER Cloud into keys that expire, by its Secure Token Service (STS). Register
    the result, and give RV(access_key) and RV(secret_key) to the tasks that follow.
  - Runs on the controller. So the long-lived keys are needed there only, and never reach a target host. The environment
    variables and O(config_file) are those of the controller, too. The keyword C(environment) of a task does not reach
    them.
  - The keys belong to the same sub account, and have the same permissions. They need not be deleted, because they
    expire.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_ncp
  - krcloud.credentials.ncp
  - krcloud.credentials.sts
  - krcloud.credentials.connection
attributes:
  check_mode:
    support: partial
    details:
      - Gets keys in check mode, too, because the tasks that follow need keys to predict anything. Keys that nobody uses
        expire, and nothing else is changed.
  diff_mode:
    support: none
    details:
      - Shows nothing, as the result holds a secret.
  idempotent:
    support: none
    details:
      - Each run gets new keys, and is reported as changed. Earlier keys stay valid until they expire.
options:
  duration:
    description:
      - For how long the keys shall be valid, V(10m) to V(12h). A number without a unit is a number of seconds.
      - Make it longer than the job takes. Once the keys have expired, the vendor refuses all requests that they sign.
    type: str
    default: 1h
  serial_number:
    description:
      - The serial number or NRN of the OTP device of the sub account, if STS is to see a second factor.
      - It must be a string. Put it in quotes, or YAML turns V(00123) into a different number.
    type: str
  token_code:
    description:
      - The code that the device shows, 6 to 10 digits. It is a secret, and must be a string, so put it in quotes.
      - A code counts once, and for a short time, so it is for runs that a person starts. Required with
        O(serial_number).
    type: str
notes:
  - A request whose answer is lost is repeated. The keys of a lost answer are known to nobody, and expire.
  - Callbacks see nothing of the result of a successful task, as if it had C(no_log). So nothing of it is in the output
    at any verbosity, or in log files, JUnit files and the like. A failed task shows why it failed. A
    C(failed_when) or C(until) that fails a task that has got keys shows nothing.
  - RV(secret_key) is a secret of your play from then on. M(ansible.builtin.debug) shows it to whoever looks at the
    output. So does a loop over results of this module, by the label of each item, and by C(item) in log files, JUnit
    files and with C(-v). Before ansible-core 2.22, nothing masks it there. Give C(no_log) to tasks that loop over such
    results, or use it otherwise than as an option O(secret_key), and do not use it in C(environment), in command lines,
    or with C(cacheable) facts.
  - Cannot be used with C(async).
  - With C(run_once), one pair serves all hosts of a play.
  - Made from the documentation of the vendor, and tested with a simulator. It was not tried with the real service.
seealso:
  - module: krcloud.credentials.ncp_dataforest_rotation
  - module: krcloud.credentials.ncp_dataforest_password
  - name: Secure Token Service
    description: The documentation of the API.
    link: https://api.ncloud-docs.com/docs/en/management-sts
"""

EXAMPLES = r"""
- name: Get keys for this job, from those in the environment of the controller
  krcloud.credentials.ncp_sts_credentials:
    duration: 30m
  register: sts

- name: List accounts with them
  krcloud.credentials.ncp_dataforest_account_info:
    access_key: "{{ sts.access_key }}"
    secret_key: "{{ sts.secret_key }}"

- name: Rotate with them
  ansible.builtin.include_role:
    name: krcloud.credentials.ncp_dataforest_rotation
  vars:
    ncp_dataforest_rotation_access_key: "{{ sts.access_key }}"
    ncp_dataforest_rotation_secret_key: "{{ sts.secret_key }}"
    ncp_dataforest_rotation_store:
      path: credentials/dataforest.yml

- name: Get keys with a second factor, which a person types in
  krcloud.credentials.ncp_sts_credentials:
    profile: analytics
    duration: 2h
    serial_number: "{{ otp_device }}"
    token_code: "{{ otp_code }}"
  register: sts
"""

RETURN = r"""
changed:
  description: Whether keys were made, in check mode too.
  returned: always
  type: bool
  sample: true
access_key:
  description: The new access key.
  returned: success
  type: str
  sample: SIMULATORSTSKEY00001
secret_key:
  description: The secret key that belongs to it. It is in the registered result in clear text, and is never printed.
  returned: success
  type: str
  sample: a secret
created_at:
  description: When the keys were made, in UTC. V(null) if the vendor does not say.
  returned: success
  type: str
  sample: "2026-11-30T03:00:00Z"
expires_at:
  description: When the keys expire, in UTC. V(null) if the vendor does not say. A warning says so then.
  returned: success
  type: str
  sample: "2026-11-30T04:00:00Z"
duration:
  description:
    - For how many seconds the keys are valid, by RV(created_at) and RV(expires_at). V(null) if one of these is not
      known.
    - If this is not O(duration), there is a warning.
  returned: success
  type: int
  sample: 3600
mfa:
  description: Whether the keys count as made with a second factor. V(null) if the vendor does not say.
  returned: success
  type: bool
  sample: false
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    NAVER Cloud refused the credentials from the profile analytics of ~/.ncloud/configure (HTTP 403, code 403):
    Forbidden. The key is known, but lacks a permission. Check the permissions of its sub account. STS makes keys only
    for sub accounts: use the keys of one, not those of a main account.
error:
  description: The same as data, in the form of RV(krcloud.credentials.ncp_dataforest_account_info#module:error).
  returned: failure
  type: dict
  sample:
    kind: configuration
    message: "duration is not valid: it must be from 10m to 12h."
    hint: null
    http_status: null
    vendor_code: null
    trace_id: null
"""
