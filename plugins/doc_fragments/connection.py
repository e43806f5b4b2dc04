# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that every module and plugin of this collection shares: the same table as `_call.options.CONNECTION`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the vendor.
      - When V(false), every task warns about it. Whoever stands between can then read and change what is sent,
        passwords included.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with certificate authorities, or a folder of them as made by C(openssl rehash).
        Only these are trusted then.
      - If not set, the file named by the environment variable E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) is used,
        and without those the list that comes with the Python library C(certifi).
    type: path
  timeout:
    description:
      - How many seconds one attempt may take to connect, and how many it may wait for each part of an answer.
        From 0.001 to 86400.
    type: float
    default: 10.0
  retries:
    description:
      - How often a request is repeated at the most after its first attempt failed. From 0 to 1000000.
      - Each attempt is signed anew. What may be repeated depends on the request, see the notes of the module.
      - Between attempts there is a random wait, up to 1 second after the first attempt, then up to 2, 4, and never more
        than 8 seconds. A C(Retry-After) of the vendor is added to it, whatever the HTTP status of the answer, and makes
        all accounts of the task wait.
    type: int
    default: 3
  deadline:
    description:
      - How many seconds one request to the vendor may take in all, with every repeat and the waits between them.
      - From 0.001 to 86400, so it cannot be unlimited. In a task with many accounts each account has its own, which
        begins when its turn comes.
      - When the vendor asks for a wait that goes beyond it, the request fails at once and says how long the wait is.
    type: float
    default: 60.0
requirements:
  - requests (Python library, on the host that executes the task)
notes:
  - Environment variables and files are those of the host that executes the task, not those of the controller.
  - Plain C(http) is refused except to a loopback address (127.0.0.0/8, C(::1) or C(localhost)). Redirects are never
    followed.
  - The proxies of the environment (E(HTTPS_PROXY), E(NO_PROXY) and so on) are honoured, except to a loopback address.
    The file C(~/.netrc) is never read.
  - Do not pass keys or passwords with the keyword C(environment) of a task. Ansible prints them at C(-vvv).
"""
