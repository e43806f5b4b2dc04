# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of all modules that send requests to a vendor: the same table as `_call.options.CONNECTION`."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the vendor.
      - If V(false), anybody between this host and the vendor can read and change the requests and their passwords.
        Every task warns about it.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with certificate authorities, or a folder of them that C(openssl rehash) has prepared.
        If set, no other authority is trusted.
      - If not set, the file that the environment variable E(REQUESTS_CA_BUNDLE) or E(CURL_CA_BUNDLE) names is used,
        and otherwise the list of the Python library C(certifi).
    type: path
  timeout:
    description:
      - How many seconds an attempt may take to connect, and how many it may wait for each part of the answer,
        0.001 to 86400.
    type: float
    default: 10.0
  retries:
    description:
      - How many times a request may be repeated after its first attempt failed, 0 to 1000000.
      - Each attempt gets a new signature. The notes of the module say when a request is repeated.
      - Between attempts there is a random wait, up to 1 second after the first attempt, then up to 2, 4, and never more
        than 8 seconds. A C(Retry-After) of the vendor is added to it, whatever the HTTP status of the answer, and makes
        all accounts of the task wait.
    type: int
    default: 3
  deadline:
    description:
      - How many seconds one request to the vendor may take in total, including all repeats and the waits between them,
        0.001 to 86400. It cannot be unlimited. In a task with many accounts, each account has its own deadline,
        which begins with its first attempt.
      - If the vendor asks for a wait that goes beyond it, the request fails at once, and the message says how long the
        wait is.
    type: float
    default: 60.0
requirements:
  - requests (Python library, on the host that executes the task)
notes:
  - Environment variables and files are read on the host that executes the task, not on the controller.
  - Plain C(http) is refused except to a loopback address (127.0.0.0/8, C(::1) or C(localhost)). Redirects are never
    followed.
  - Proxies from the environment (E(HTTPS_PROXY), E(NO_PROXY) and so on) are used, except for a loopback address. The
    file C(~/.netrc) is never read.
  - Do not pass keys or passwords through the keyword C(environment) of a task, because Ansible prints them at C(-vvv).
"""
