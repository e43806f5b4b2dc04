#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: solapi_password_reset
short_description: Ask SOLAPI for a password-reset mail
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Asks SOLAPI to send a member the mail with which the member sets a new password. No password is changed by this.
  - Every request sends another mail. So without O(store) each run sends one and reports a change.
  - With O(store) and O(min_interval) an address gets one mail per interval at the most, whatever crashes and however
    many pipelines run side by side. That a mail is being asked for is committed to the store before it is asked for.
  - The answer of the vendor may hold the token that the mail carries. It never appears in a result or a log.
extends_documentation_fragment:
  - krcloud.credentials.attributes
  - krcloud.credentials.attributes.actiongroup_solapi
  - krcloud.credentials.solapi
  - krcloud.credentials.connection
  - krcloud.credentials.store
attributes:
  check_mode:
    support: full
    details:
      - Checks all options, reads O(store), looks whether it could be written, and sends nothing. The vendor offers
        nothing that could be read beforehand.
  diff_mode:
    support: none
    details:
      - There is no state of which a before and an after could be shown.
  idempotent:
    support: partial
    details:
      - With O(store), a second run within O(min_interval) sends nothing and changes nothing.
      - Without it each run sends a mail, as the vendor does not tell whether one was sent before.
options:
  email:
    description:
      - The mail address of the member, one address. For several use C(loop), or the role
        P(krcloud.credentials.solapi_password_reset#role).
      - It is sent as it is written. Two spellings are one address if they differ only in upper and lower case, in how
        letters are composed (NFC or NFD), or in whether the domain is in Unicode or in Punycode (C(xn--)).
    type: str
    required: true
  store:
    description:
      - Where it is kept when a mail was last asked for at each address. It is read and written on the controller.
      - Not the store of a rotation, but a file or path of its own. It cannot be combined with C(async).
  min_interval:
    description:
      - How long after a mail no other is asked for at the same address, such as V(30d). A whole number and a unit out
        of V(w), V(d), V(h), V(m) and V(s), V(36525d) at the most. It must be given together with O(store).
      - It is counted by the clock of the controller. What the store says of a time that lies more than a day in the
        future is not believed. Then the mail counts from the moment at which that is first noticed, with a warning.
      - V(0s) asks for a mail in any case, and takes note of it.
    type: str
notes:
  - A mail is accepted only if the answer is one that the vendor has documented. It either lists the address under
    C(mail.accepted), or holds C(_id), C(email) with the address, and C(dateCreated). It is rejected if the answer says
    so, by C(errorCode) or C(errorMessage) with an HTTP status of 200 to 299 or 400 to 499, or by listing the address
    under C(mail.rejected). HTTP 401, 403 and 429, and error codes about keys and clocks with an HTTP status of 400 to
    499, are about the caller, and no mail was sent. All other answers leave it unknown. So do HTTP 408, 409 and 425.
  - A request is repeated only if it provably never left this host, or if the vendor answered that there were too many
    requests (HTTP 429). In all other cases a repeat might send a second mail. If the vendor says how long to wait, the
    message names it.
  - When the answer is lost, the task fails with RV(delivery=unknown). Ask the member whether the mail arrived before
    running the task again. With O(store) such a mail counts as sent until the interval is over. Runs until then send
    nothing, succeed, and warn of it. So does a mail that was rejected with an HTTP status of 200 to 299, as such an
    answer contradicts itself.
  - With O(store) the module runs twice, first in check mode. What can be known to be wrong is known before the store
    says that a mail is being asked for.
seealso:
  - name: SOLAPI documentation
    description: How requests are authenticated, and which errors there are.
    link: https://developers.solapi.dev/references/authentication/api-key
"""

EXAMPLES = r"""
- name: Ask for a reset mail
  krcloud.credentials.solapi_password_reset:
    email: member@example.com

- name: Ask for a reset mail with a signed request
  krcloud.credentials.solapi_password_reset:
    email: member@example.com
    api_key: "{{ solapi_api_key }}"
    api_secret: "{{ solapi_api_secret }}"

- name: Ask for a reset mail, unless one was asked for in the last 30 days
  krcloud.credentials.solapi_password_reset:
    email: member@example.com
    store:
      path: credentials/reset_mails.yml
    min_interval: 30d

- name: Ask for several mails, and go on when one address is refused
  krcloud.credentials.solapi_password_reset:
    email: "{{ item }}"
  loop:
    - first@example.com
    - second@example.com
  ignore_errors: true
"""

RETURN = r"""
changed:
  description: Whether a mail was sent, or may have been sent. In check mode, whether one would be.
  returned: always
  type: bool
  sample: true
email:
  description: The address that the mail was asked for.
  returned: always, except when the options are refused
  type: str
  sample: member@example.com
delivery:
  description:
    - V(accepted) when the vendor confirmed that it took the request, V(rejected) when it refused it, V(unknown) when
      the mail may or may not have been sent.
    - V(null) in check mode, and when the request did not get as far as a decision about the address.
    - When O(min_interval) is not over, what became of the mail that was asked for before.
  returned: always, except when the options are refused
  type: str
  sample: accepted
next_due_at:
  description:
    - When O(min_interval) is over, so that another mail may be asked for, in UTC. V(null) if none counts.
    - In check mode, when it would be over if the mail were asked for now.
  returned: when O(store) is set, except when the options are refused or the store cannot be read
  type: str
  sample: "2026-12-20T03:00:00Z"
message_id:
  description:
    - The message ID of the mail. V(null) where the vendor does not tell it, which its newer answers do not, and where
      what it tells cannot be one.
  returned: always, except when the options are refused
  type: str
  sample: <3f0c2a8e-6f0b-4b8e-9a53-0d7c1c1a2b3c@mail.example.com>
requested_at:
  description: When the mail was asked for, in UTC. By the clock of the vendor where it tells the time.
  returned: always, except when the options are refused
  type: str
  sample: "2026-11-20T03:00:00.000Z"
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: SOLAPI says that its mail server rejected the address (HTTP 200). Check the address.
error:
  description: The failure as data. Absent where ansible-core itself refuses the options.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of V(configuration), V(transport), V(authentication), V(rate_limit), V(rejected), V(unknown_outcome),
          V(protocol), V(store) and V(internal).
      type: str
      sample: rejected
      returned: always
    message:
      description: What happened.
      type: str
      sample: SOLAPI says that its mail server rejected the address (HTTP 200).
      returned: always
    hint:
      description: What to do, where that is known.
      type: str
      sample: Check the address.
      returned: always
    http_status:
      description: The HTTP status of the answer, where there was one.
      type: int
      sample: 200
      returned: always
    vendor_code:
      description: The error code of the vendor, where it sent one.
      type: str
      sample: InvalidAPIKey
      returned: always
    trace_id:
      description: The number under which the vendor can find the request, where it sent one.
      type: str
      sample: null
      returned: always
"""

import os
import secrets
from typing import Any, Dict

from ansible_collections.krcloud.credentials.plugins.module_utils._call import connection
from ansible_collections.krcloud.credentials.plugins.module_utils._module import ansible_module, specs
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi import client, keys, reset
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.options import SOLAPI

OPTIONS: Dict[str, Dict[str, Any]] = {
    "email": {"type": "str", "required": True},
    # The action plugin takes care of these two, and never sends them to the target host.
    "store": {"type": "dict"},
    "min_interval": {"type": "str"},
}


def send(module: ansible_module.RedactingModule) -> Dict[str, Any]:
    credentials = keys.solapi_credentials(module.params, os.environ)
    if credentials:
        module.redactor.add(credentials.secret)
    caller = connection.open_caller(module.params, module.warn)
    solapi = client.Solapi(caller, credentials, module.redactor, lambda: secrets.token_hex(16))
    return reset.request_reset(solapi, module.params["email"], check_mode=module.check_mode)


def main() -> None:
    module = ansible_module.RedactingModule(
        specs.argument_spec(SOLAPI, OPTIONS),
        required_together=[("store", "min_interval")],
        supports_check_mode=True,
    )
    module.run(lambda: send(module))


if __name__ == "__main__":
    main()
