#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_account_info
short_description: List NAVER Cloud Data Forest accounts
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Lists the Data Forest accounts that the credentials may see, or the accounts of many O(tenants).
  - If the vendor says how many accounts there are and lists a different number, the task fails.
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
      - This module only reads.
  diff_mode:
    support: none
    details:
      - This module changes nothing.
  idempotent:
    support: full
    details:
      - This module changes nothing.
options:
  id:
    description:
      - Return only the account with this ID.
    type: str
  name:
    description:
      - Return only the account with this name. With O(tenants), return the one of each tenant that has it.
    type: str
  tenants:
    description:
      - List the accounts of each of these tenants, instead of those that the credentials of the task may see. All of
        them are listed in one run, several at the same time.
      - If a tenant cannot be listed, the others still are. The task then fails, and its result holds what the others
        see. The same is true for a tenant whose profile or key is empty. It is not looked for in the environment or in
        the profile V(DEFAULT).
      - Cannot be combined with O(access_key), O(secret_key) and O(profile). If C(module_defaults) set one of these,
        write V({{ omit }}) as its value in the task. The environment variables for them are not used.
      - An empty list is refused, and so is a tenant that is named twice.
      - The tenants of one task may have up to 20,000 accounts. A tenant with more accounts than are left of these fails
        like one that cannot be listed.
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
  concurrency:
    description:
      - How many tenants to list at the same time, 1 to 64. With more than two tenants, lists of more than 64 KiB, which
        is some hundred accounts, are asked for a second time, two at a time.
    type: int
    default: 8
  requests_per_second:
    description:
      - Send at most this many requests per second (0.001 or more) for all tenants together, evenly spread.
      - When the vendor answers that there are too many requests (HTTP 429), all tenants wait, and the task continues at
        half the rate. Each ten requests without such an answer add one request per second, up to this limit.
    type: float
notes:
  - A request is repeated if it never left this host, if it got no answer, if its answer cannot be read or proves
    nothing, if the server failed (HTTP 5xx), and if there were too many requests (HTTP 429). It is not repeated after
    an explicit refusal, refused credentials (HTTP 401 and 403), a certificate that is not accepted, or a redirect.
seealso:
  - module: krcloud.credentials.ncp_dataforest_password
  - name: getList
    description: The documentation of the request.
    link: https://api.ncloud-docs.com/docs/analytics-dataforest-accounts-getlist
"""

EXAMPLES = r"""
- name: List all accounts
  krcloud.credentials.ncp_dataforest_account_info:
  register: data_forest

- name: Fail unless there is an account named df001 that is running
  krcloud.credentials.ncp_dataforest_account_info:
    name: df001
  register: df001
  failed_when: df001.accounts | selectattr('status', 'equalto', 'RUNNING') | length != 1

- name: List the accounts of three tenants
  krcloud.credentials.ncp_dataforest_account_info:
    tenants:
      - profile: analytics
      - profile: team-a
      - access_key: "{{ team_b_access_key }}"
        secret_key: "{{ team_b_secret_key }}"
  register: of_tenants

- name: Show how many accounts each of them sees
  ansible.builtin.debug:
    var: of_tenants.tenants
"""

RETURN = r"""
accounts:
  description:
    - The usable accounts, in the order of the vendor. Empty if no account has this O(id) and O(name).
    - With O(tenants), those of the first tenant first.
  returned: success, and with O(tenants) unless the options are refused
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the account.
      type: str
      sample: 20nAZnjbUNFdc7RsILlC3A
      returned: always
    name:
      description: The name of the account.
      type: str
      sample: df001
      returned: always
    principal:
      description: The Kerberos principal of the account.
      type: str
      sample: df001@KR.DF.NAVERNCP.COM
      returned: always
    status:
      description: V(ACCEPTED), V(RUNNING) or V(CHANGING).
      type: str
      sample: RUNNING
      returned: always
    disabled:
      description: Whether the user lacks permission for the account. It does not mean that the account is switched off.
      type: bool
      sample: false
      returned: always
    created_at:
      description: When the account was created, as the vendor writes it.
      type: str
      sample: "2025-02-20T09:32:55+09:00"
      returned: always
    profile:
      description: The profile of the tenant, if it was named by one.
      type: str
      sample: team-a
      returned: with O(tenants)
    access_key:
      description: The access key of the tenant, if it was named by one.
      type: str
      sample: null
      returned: with O(tenants)
unusable:
  description:
    - Rows of the vendor's list that are left out of RV(accounts), whatever O(id) and O(name) are. Their ID or name
      could mean something special in a file, a template or a command line, or they are not in the documented form.
    - A usable ID or name has 1 to 64 letters, digits and C(-), C(_), C(.) and C(@), begins with a letter or digit, and
      is in Unicode NFC.
  returned: success, and with O(tenants) unless the options are refused
  type: list
  elements: dict
  contains:
    position:
      description: The position of the row in the vendor's list, counted from 1.
      type: int
      sample: 3
      returned: always
    reason:
      description: Why the row is left out, in a sentence that quotes nothing of it.
      type: str
      sample: >-
        Account 3 in the list of NAVER Cloud is left out: its name is not valid (it must be 1 to 64 letters, digits
        and - _ . @, begin with a letter or digit, and be in Unicode NFC).
      returned: always
    profile:
      description: The profile of the tenant, if it was named by one.
      type: str
      sample: team-a
      returned: with O(tenants)
    access_key:
      description: The access key of the tenant, if it was named by one.
      type: str
      sample: null
      returned: with O(tenants)
  sample: []
tenants:
  description: What became of each of O(tenants), in their order.
  returned: with O(tenants), unless the options are refused
  type: list
  elements: dict
  contains:
    profile:
      description: The profile of the tenant, if it was named by one.
      type: str
      sample: team-a
      returned: always
    access_key:
      description: The access key of the tenant, if it was named by one.
      type: str
      sample: null
      returned: always
    accounts:
      description: How many of RV(accounts) belong to the tenant.
      type: int
      sample: 1
      returned: always
    error:
      description: Why the tenant could not be listed, in the form of RV(error). V(null) otherwise.
      type: dict
      sample: null
      returned: always
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    No access_key was found. Searched: the option access_key, the environment variables NCLOUD_ACCESS_KEY_ID and
    NCLOUD_ACCESS_KEY and the profile DEFAULT of ~/.ncloud/configure (there is no such file). Set the options, the
    environment variables, or a profile in the file.
error:
  description:
    - The failure as data. Absent if ansible-core itself refuses the options.
    - With O(tenants), that of the first tenant that could not be listed.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of V(configuration), V(transport), V(authentication), V(rate_limit), V(rejected), V(not_found),
          V(protocol) and V(internal).
      type: str
      sample: configuration
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
from ansible_collections.krcloud.credentials.plugins.module_utils._core import workers
from ansible_collections.krcloud.credentials.plugins.module_utils._module import ansible_module, specs
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import dataforest, lists, tenants
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.options import DATAFOREST, TENANTS, tenants_named

OPTIONS = {
    "id": {"type": "str"},
    "name": {"type": "str"},
    "tenants": TENANTS,
    "concurrency": {"type": "int", "default": 8},
    "requests_per_second": {"type": "float"},
}


def list_accounts(module: ansible_module.RedactingModule) -> Dict[str, Any]:
    options = module.params
    workers.check_limits(options["concurrency"], None)
    named = tenants_named(options, module.given)
    asked = [tenants.Asked(tenants.TASK)] if named is None else tenants.of_rows(named)
    caller = connection.open_caller(
        options,
        module.warn,
        connections=min(options["concurrency"], len(asked)),
        limiter=rate.RateLimiter(options["requests_per_second"]),
    )
    gateway_of = tenants.gateways(options, caller, module.redactor, [each.tenant for each in asked if not each.error])
    listed = lists.list_accounts(
        asked,
        lambda tenant: dataforest.DataForest(gateway_of(tenant)),
        lists.Filter(options["id"], options["name"]),
        options["concurrency"],
    )
    for warning in lists.warnings_of(listed):
        module.warn(warning)
    return lists.result_of_one(listed[0]) if named is None else lists.result_of(listed)


def main() -> None:
    module = ansible_module.RedactingModule(specs.argument_spec(DATAFOREST, OPTIONS), supports_check_mode=True)
    module.run(lambda: list_accounts(module))


if __name__ == "__main__":
    main()
