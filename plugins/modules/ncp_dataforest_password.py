#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_password
short_description: Set the password of NAVER Cloud Data Forest accounts
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Sets the password of one account, or of thousands in one task.
  - When an answer is lost, the same password is sent again, with a new signature, until the vendor confirms it.
  - Store the password before you run this module. The vendor can neither tell nor verify the current one.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_ncp
  - krcloud.credentials.ncp
  - krcloud.credentials.dataforest
  - krcloud.credentials.connection
attributes:
  check_mode:
    support: full
    details:
      - Checks all options, looks up the accounts, and sends no password.
      - Whether the vendor would accept the password can only be predicted from its published rules.
  diff_mode:
    support: none
    details:
      - The vendor does not tell the current password, and no password may be shown.
  idempotent:
    support: none
    details:
      - The vendor can neither tell nor verify the current password, so each run sets it and reports a change.
options:
  id:
    description:
      - The ID of the account. 1 to 64 letters, digits and C(-), C(_), C(.) and C(@); the first is a letter or digit.
    type: str
  name:
    description:
      - The name of the account, in the same form as O(id).
      - Its ID is looked up, with one more request for each set of credentials.
    type: str
  password:
    description:
      - The new password. It must have at least 8 characters, no invisible ones, and at least three of lower-case
        letters, upper-case letters, digits and special characters. Any other password is refused before a request is
        sent, because all revisions of the vendor's published rules refuse it.
      - Only some revisions allow a password that is longer than 20 characters, lacks one of the four kinds, or has a
        quote, backslash, slash, ampersand, backtick or blank, or characters other than English letters, digits and
        special characters. The task warns about such a password, in check mode too, and leaves the decision to the
        vendor.
      - It must be a string. Put it in quotes, or YAML turns V(0012345) into a different number and V(yes) into a
        boolean.
    type: str
  accounts:
    description:
      - Several accounts and their new passwords, instead of O(id), O(name) and O(password).
      - All items are checked before the first request. If one account fails, the others are still set.
    type: list
    elements: dict
    suboptions:
      id:
        description: The ID of the account.
        type: str
      name:
        description: The name of the account.
        type: str
      password:
        description: The new password, see O(password).
        type: str
        required: true
      access_key:
        description:
          - Use this key for this account, instead of the credentials of the task.
        type: str
      secret_key:
        description:
          - The secret key that belongs to O(accounts[].access_key).
        type: str
      profile:
        description:
          - Use this section of O(config_file) for this account, instead of the credentials of the task.
        type: str
  concurrency:
    description:
      - How many accounts to set at the same time, 1 to 64.
    type: int
    default: 8
  max_failures:
    description:
      - Begin no further account once this many (1 or more) have failed, whether they failed to be looked up or to be
        set. The remaining ones are reported as V(skipped).
      - If not set, all accounts are tried.
    type: int
  requests_per_second:
    description:
      - Send at most this many requests per second (0.001 or more) for all accounts together, evenly spread.
      - When the vendor answers that there are too many requests (HTTP 429), all accounts wait, and the task continues
        at half the rate. Each ten requests without such an answer add one request per second, up to this limit.
    type: float
notes:
  - A request is repeated if it never left this host, if it got no answer, if its answer cannot be read or proves
    nothing, if the server failed (HTTP 5xx), and if there were too many requests (HTTP 429). It is not repeated after
    an explicit refusal, refused credentials (HTTP 401 and 403), a certificate that is not accepted, or a redirect.
  - After RV(accounts[].outcome=unknown), either password may be the current one. Run the task again with the same
    password. This is safe until the password is confirmed.
seealso:
  - module: krcloud.credentials.ncp_dataforest_account_info
  - name: resetPassword
    description: The documentation of the request.
    link: https://api.ncloud-docs.com/docs/analytics-dataforest-accounts-resetpassword
"""

EXAMPLES = r"""
- name: Set the password of an account by its name
  krcloud.credentials.ncp_dataforest_password:
    name: df001
    password: "{{ new_password }}"

- name: Set the password of an account by its ID, with the keys of a profile of ~/.ncloud/configure
  krcloud.credentials.ncp_dataforest_password:
    id: 20nAZnjbUNFdc7RsILlC3A
    password: "{{ new_password }}"
    profile: analytics

- name: Set many passwords in one task, at most 20 requests a second
  krcloud.credentials.ncp_dataforest_password:
    accounts:
      - name: df001
        password: "{{ passwords.df001 }}"
      - name: df002
        password: "{{ passwords.df002 }}"
      - name: team-a
        password: "{{ passwords.team_a }}"
        profile: team-a
    concurrency: 10
    requests_per_second: 20
    max_failures: 3
"""

RETURN = r"""
changed:
  description: Whether a password was set or may have been set. In check mode, whether one would be set.
  returned: always
  type: bool
  sample: true
accounts:
  description: What became of each account, in the order of the task. Never holds a password.
  returned: always, except when the options are refused or the module could not begin
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the account. V(null) if it could not be looked up.
      type: str
      sample: 20nAZnjbUNFdc7RsILlC3A
      returned: always
    name:
      description: The name of the account, if the task gave it.
      type: str
      sample: df001
      returned: always
    outcome:
      description:
        - V(reset) when the vendor confirmed the new password. In check mode, when it would be sent.
        - V(rejected) when the vendor explicitly refused the new password. The old one remains valid.
        - V(unknown) when no answer proved whether the new password was set.
        - V(failed) when the reset failed for a reason other than the password, such as the account, the credentials or
          the network. The old password remains valid.
        - V(skipped) when O(max_failures) was reached first.
      type: str
      sample: reset
      returned: always
    error:
      description: Why it is not V(reset), in the form of RV(error). V(null) otherwise.
      type: dict
      sample: null
      returned: always
    unanswered:
      description:
        - Whether an earlier request with the same password got no answer, although a later one was confirmed. The
          earlier one may still arrive, which matters only if a different password is set within the next hours.
          M(krcloud.credentials.ncp_dataforest_rotation) handles that case.
      type: bool
      sample: false
      returned: always
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    df001: NAVER Cloud refused the credentials from the profile DEFAULT of ~/.ncloud/configure (HTTP 401, code 200):
    Authentication Failed. Check that the access key and the secret key belong together, and that the key is in use and
    not expired.
error:
  description:
    - The failure as data, if the options were refused or the task has only one account.
    - Absent if ansible-core itself refuses the options.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of V(configuration), V(transport), V(authentication), V(rate_limit), V(rejected), V(not_found),
          V(unknown_outcome), V(protocol), V(skipped) and V(internal).
      type: str
      sample: authentication
      returned: always
    message:
      description: What happened.
      type: str
      sample: NAVER Cloud refused the credentials from the profile DEFAULT of ~/.ncloud/configure (HTTP 401, code 200).
      returned: always
    hint:
      description: What to do, if that is known.
      type: str
      sample: Check that the access key and the secret key belong together, and that the key is in use and not expired.
      returned: always
    http_status:
      description: The HTTP status of the answer, if there was one.
      type: int
      sample: 401
      returned: always
    vendor_code:
      description: The error code of the vendor, if it sent one. It is never the HTTP status.
      type: str
      sample: "200"
      returned: always
    trace_id:
      description: The ID under which the vendor can find the request, if it sent one.
      type: str
      sample: 5f1c7a9e2b3d
      returned: always
"""

from typing import Any, Dict

from ansible_collections.krcloud.credentials.plugins.module_utils._call import connection, rate
from ansible_collections.krcloud.credentials.plugins.module_utils._module import ansible_module, specs
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import dataforest, reset, tenants
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST

ACCOUNT = {
    "id": {"type": "str"},
    "name": {"type": "str"},
    "password": {"type": "str", "no_log": True, "required": True},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "profile": {"type": "str"},
}
OPTIONS: Dict[str, Dict[str, Any]] = {
    "id": {"type": "str"},
    "name": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "accounts": {
        "type": "list",
        "elements": "dict",
        "options": ACCOUNT,
        "mutually_exclusive": [("id", "name"), ("profile", "access_key"), ("profile", "secret_key")],
        "required_one_of": [("id", "name")],
        "required_together": [("access_key", "secret_key")],
    },
    "concurrency": {"type": "int", "default": 8},
    "max_failures": {"type": "int"},
    "requests_per_second": {"type": "float"},
}


def reset_accounts(module: ansible_module.RedactingModule) -> Dict[str, Any]:
    options = module.params
    wanted = reset.targets(options)
    caller = connection.open_caller(
        options,
        module.warn,
        connections=min(options["concurrency"], len(wanted)),
        limiter=rate.RateLimiter(options["requests_per_second"]),
    )
    gateway_of = tenants.gateways(options, caller, module.redactor, (target.tenant for target in wanted))
    for doubt in reset.doubts(wanted):
        module.warn(doubt)
    settled = reset.reset_passwords(
        wanted,
        lambda tenant: dataforest.DataForest(gateway_of(tenant)),
        check_mode=module.check_mode,
        concurrency=options["concurrency"],
        max_failures=options["max_failures"],
    )
    return reset.result_of(settled)


def main() -> None:
    module = ansible_module.RedactingModule(
        specs.argument_spec(DATAFOREST, OPTIONS),
        mutually_exclusive=[("id", "name"), ("id", "accounts"), ("name", "accounts"), ("password", "accounts")],
        required_one_of=[("id", "name", "accounts")],
        required_by={"id": "password", "name": "password"},
        supports_check_mode=True,
    )
    module.run(lambda: reset_accounts(module))


if __name__ == "__main__":
    main()
