#!/usr/bin/python
# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ncp_dataforest_rotation_report
short_description: Write what became of a rotation of NAVER Cloud Data Forest passwords, for pipelines
version_added: 1.0.0
author:
  - krcloud.credentials contributors (@krcloud)
description:
  - Writes O(path) with the suffixes C(.json) and C(.xml), on the controller. The second file is JUnit XML, with a test
    case for each account.
  - The role P(krcloud.credentials.ncp_dataforest_rotation#role) uses this module at its beginning and at its end, if
    its variable C(ncp_dataforest_rotation_report_path) is set. It is not meant for playbooks, and may change in any
    release. The files that it writes are a stable interface.
extends_documentation_fragment:
  - krcloud.credentials.attributes
attributes:
  check_mode:
    support: full
    details:
      - Writes nothing. With O(state=unfinished), finds out whether the report could be written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Writes the report of every run.
options:
  path:
    description:
      - The absolute path of both files, without a suffix. Folders that are missing are made.
      - A file that is there already is replaced if it is empty or a report of an earlier run, and is otherwise refused.
    type: str
    required: true
  state:
    description:
      - V(unfinished) writes the report of a run that has begun. It is a failure, so that the report of a run that is
        killed is not that of an earlier one.
    type: str
    choices:
      - unfinished
      - finished
    default: finished
  started_at:
    description: When the run began, from RV(started_at). If not set, now.
    type: str
  accounts:
    description: What became of the accounts, from P(krcloud.credentials.rotation_accounts#filter).
    type: list
    elements: dict
    default: []
  verdict:
    description: Why the run failed. Empty if it did not.
    type: str
    default: ''
  problem:
    description: A failure of the run that is about no single account. Empty if there is none.
    type: str
    default: ''
seealso:
  - module: krcloud.credentials.ncp_dataforest_rotation
"""

EXAMPLES = r"""
- name: Let the report say that the run has begun
  krcloud.credentials.ncp_dataforest_rotation_report:
    path: "{{ playbook_dir }}/reports/rotation"
    state: unfinished
  register: report

- name: Write the report
  krcloud.credentials.ncp_dataforest_rotation_report:
    path: "{{ playbook_dir }}/reports/rotation"
    started_at: "{{ report.started_at }}"
    problem: It was only a trial.
"""

RETURN = r"""
changed:
  description: Whether a report was written. In check mode, V(false).
  returned: always
  type: bool
  sample: true
started_at:
  description: When the run began, in UTC.
  returned: success
  type: str
  sample: "2026-11-20T03:00:00Z"
msg:
  description: What went wrong and what to do.
  returned: failure
  type: str
  sample: >-
    The report /srv/reports/rotation cannot be written: Permission denied. Correct ncp_dataforest_rotation_report_path,
    or make it possible to write there. No password was changed.
error:
  description: The failure as data, in the form of RV(krcloud.credentials.ncp_dataforest_password#module:error).
  returned: failure
  type: dict
  sample:
    kind: configuration
    message: "The report /srv/reports/rotation cannot be written: Permission denied."
    hint: >-
      Correct ncp_dataforest_rotation_report_path, or make it possible to write there. No password was changed.
    http_status: null
    vendor_code: null
    trace_id: null
"""
