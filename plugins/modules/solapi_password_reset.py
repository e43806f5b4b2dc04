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
  - Asks SOLAPI to send a member the mail with which the member sets a new password. This changes no password.
  - Every request sends another mail. Without O(store), each run therefore sends one and reports a change.
  - With O(store) and O(min_interval), an address gets at most one mail per interval, even if runs crash or several
    pipelines run at the same time. The store notes that a mail is being requested before the request is sent.
  - The answer of the vendor may hold the token that is in the mail. It never appears in a result or a log.
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
      - Checks all options, reads O(store), checks whether it can be written, and sends nothing. The vendor has no
        request that could be used to check anything beforehand.
  diff_mode:
    support: none
    details:
      - There is no state that could be compared.
  idempotent:
    support: partial
    details:
      - With O(store), a second run within O(min_interval) sends nothing and changes nothing.
      - Without it, each run sends a mail, because the vendor does not tell whether one was sent before.
options:
  email:
    description:
      - The mail address of one member. For several members, use C(loop), or the role
        P(krcloud.credentials.solapi_password_reset#role).
      - The address is sent exactly as given. O(store) treats two spellings as one address if they differ only in case,
        in how letters are composed (NFC or NFD), or in the form of the domain, Unicode or Punycode (C(xn--)).
    type: str
    required: true
  store:
    description:
      - Where to note when a mail was last requested for each address. It is read and written on the controller.
      - Use a file or path of its own, not the store of a rotation. It cannot be combined with C(async).
  min_interval:
    description:
      - How long to wait after one mail before another is requested for the same address, such as V(30d). The value is
        whole numbers with a unit (V(w), V(d), V(h), V(m) or V(s)), V(36525d) at most. It must be set together with
        O(store).
      - The interval is measured by the clock of the controller. If the store has a time that is more than a day in the
        future, the interval begins when a run first notices that, and the run warns about it.
      - V(0s) requests a mail in any case, and notes it.
    type: str
notes:
  - A mail counts as accepted only if the answer is one of the two that the vendor documents, with no error beside it.
    It either lists the address under C(mail.accepted), or holds C(_id), C(email) with the address, and
    C(dateCreated). The mail counts as rejected if the answer has C(errorCode) or C(errorMessage) and an HTTP status
    of 200 to 299 or 400 to 499, or lists the address under C(mail.rejected). HTTP 401, 403 and 429, and error codes
    about keys and clocks with an HTTP status of 400 to 499, mean that the caller was refused and no mail was sent.
    After any other answer the outcome is unknown, also after HTTP 408, 409 and 425.
  - A request is repeated only if it provably never left this host, or if the vendor answered that there were too many
    requests (HTTP 429). In any other case, a repeat might send a second mail. If the vendor says how long to wait, the
    message includes the time.
  - When the answer is lost, the task fails with RV(delivery=unknown). Ask the member whether the mail arrived before
    you run the task again. With O(store), such a mail counts as sent until the interval is over, and so does a mail
    that was rejected with an HTTP status of 200 to 299, because such an answer contradicts itself. Until then, runs
    send nothing, succeed, and warn about it.
  - With O(store) the module runs twice, first in check mode, so that mistakes are found before the store notes that a
    mail is being requested.
seealso:
  - name: SOLAPI documentation
    description: Authentication of requests, and error codes.
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
  description: Whether a mail was sent or may have been sent. In check mode, whether a mail would be sent.
  returned: always
  type: bool
  sample: true
email:
  description: The address for which the mail was requested.
  returned: always, except when the options are refused
  type: str
  sample: member@example.com
delivery:
  description:
    - V(accepted) when the vendor accepted the request, V(rejected) when it rejected it, V(unknown) when the mail may or
      may not have been sent.
    - V(null) in check mode, and when the request failed before the vendor decided about the address.
    - While O(min_interval) is not over, the delivery of the previous mail.
  returned: always, except when the options are refused
  type: str
  sample: accepted
next_due_at:
  description:
    - When O(min_interval) ends and another mail may be requested, in UTC. V(null) if no mail counts.
    - In check mode, when it would end if the mail were requested now.
  returned: when O(store) is set, except when the options are refused or the store cannot be read
  type: str
  sample: "2026-12-20T03:00:00Z"
message_id:
  description:
    - The message ID of the mail. V(null) if the answer has none, as in its newer form, or has one that is not valid.
  returned: always, except when the options are refused
  type: str
  sample: <3f0c2a8e-6f0b-4b8e-9a53-0d7c1c1a2b3c@mail.example.com>
requested_at:
  description: When the mail was requested, in UTC, by the vendor's clock if the answer has its time.
  returned: always, except when the options are refused
  type: str
  sample: "2026-11-20T03:00:00.000Z"
msg:
  description: What went wrong and what to do. It begins with the address if it is about this mail.
  returned: failure
  type: str
  sample: "member@example.com: SOLAPI says that its mail server rejected the address (HTTP 200). Check the address."
error:
  description: The failure as data. Absent if ansible-core itself refuses the options.
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
      description: What to do, if that is known.
      type: str
      sample: Check the address.
      returned: always
    http_status:
      description: The HTTP status of the answer, if there was one.
      type: int
      sample: 200
      returned: always
    vendor_code:
      description: The error code of the vendor, if it sent one.
      type: str
      sample: InvalidAPIKey
      returned: always
    trace_id:
      description: The ID under which the vendor can find the request, if it sent one.
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
