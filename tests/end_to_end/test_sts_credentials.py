# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that are made for one job: they do its work, they expire in the middle of it, and nobody prints them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from support.canary import forms
from support.playbooks import RunPlaybook
from support.simulator import Simulator

# The long-lived keys are in the environment of the controller only.
STORY = """
- hosts: localhost
  gather_facts: false
  vars:
    ncp_dataforest_rotation_access_key: "{{ sts.access_key }}"
    ncp_dataforest_rotation_secret_key: "{{ sts.secret_key }}"
    ncp_dataforest_rotation_new_accounts: rotate
    ncp_dataforest_rotation_publish_tasks: "{{ playbook_dir }}/hand_over.yml"
    ncp_dataforest_rotation_hand_over_batch: 2
    ncp_dataforest_rotation_store: {path: dataforest.yml}
  tasks:
    - name: Get keys
      krcloud.credentials.ncp_sts_credentials: {duration: 600}
      register: sts
    - name: The result is whole
      ansible.builtin.assert:
        that:
          - sts is changed
          - sts.duration == 600
          - sts.mfa is false
          - sts.expires_at is match('^20.+Z$')
          - sts.secret_key is match('^ncp_iam_[0-9a-f]{40}$')
    - name: They expire while the first account is handed over
      block:
        - ansible.builtin.include_role: {name: krcloud.credentials.ncp_dataforest_rotation}
          vars: {expire: true}
      rescue:
        - name: Get others
          krcloud.credentials.ncp_sts_credentials:
          register: sts
        - name: Go on where it stopped
          ansible.builtin.include_role: {name: krcloud.credentials.ncp_dataforest_rotation}
"""
HAND_OVER = """
- ansible.builtin.uri: {url: "{{ control }}/expire", method: POST, body_format: json, body: {}}
  when: expire | default(false)
"""

# Each of these gets keys, and ansible-core has a way of its own to print their results.
WAYS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - &ask
      name: Predicted
      krcloud.credentials.ncp_sts_credentials:
      check_mode: true
      diff: true
      register: sts
    - name: Check mode gets keys, too
      ansible.builtin.assert:
        that: sts.secret_key is match('^ncp_iam_')
    - <<: *ask
      name: In a loop
      check_mode: false
      loop: [1, 2]
      register: several
    - name: Each item has its keys
      ansible.builtin.assert:
        that: several.results | map(attribute='secret_key') | unique | length == 2
      no_log: true
    - <<: *ask
      name: Repeated in vain
      until: sts.secret_key == 'another'
      retries: 1
      delay: 0
      ignore_errors: true
    - <<: *ask
      name: Failed by the play
      failed_when: true
      ignore_errors: true
    - <<: *ask
      name: With a condition that fails
      changed_when: sts.secret_key.nothing.at.all
      ignore_errors: true
    - <<: *ask
      name: For another host
      delegate_to: elsewhere
    - <<: *ask
      name: Refused
      krcloud.credentials.ncp_sts_credentials: {duration: "{{ sts.secret_key }}"}
      ignore_errors: true
    - <<: *ask
      name: In the background
      async: 10
      ignore_errors: true
"""


def keys(simulator: Simulator) -> dict[str, str]:
    tenant = simulator.tenants["default"]
    return {
        "NCLOUD_ACCESS_KEY_ID": tenant["access_key"],
        "NCLOUD_SECRET_KEY": tenant["secret_key"],
        "NCLOUD_DATAFOREST_API_URL": simulator.ncp_url,
        "NCLOUD_STS_API_URL": simulator.ncp_url,
    }


def printed(output: str, folder: Path, simulator: Simulator) -> list[str]:
    """Which short-lived keys can be read from anything that was printed, in which form."""
    files = [path for path in folder.rglob("*") if path.is_file() and "/home/" not in str(path)]
    everything = "\n".join([output, *(path.read_text(encoding="utf-8", errors="replace") for path in files)])
    return [
        f"{pair['access_key']}: {form}"
        for pair in simulator.truth()["short_lived_keys"]
        for form, text in forms(pair["secret_key"]).items()
        if text in everything
    ]


def log(folder: Path) -> dict[str, str]:
    return {
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit,ansible.builtin.tree",
        "JUNIT_OUTPUT_DIR": str(folder / "junit"),
        "ANSIBLE_CALLBACK_TREE_DIR": str(folder / "tree"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
    }


def test_a_job_with_keys_of_its_own(run_playbook: RunPlaybook, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("an invented passphrase", encoding="utf-8")
    (tmp_path / "hand_over.yml").write_text(HAND_OVER, encoding="utf-8")
    env = {**keys(simulator), **log(tmp_path)}
    given = [f"--vault-password-file={tmp_path / 'passphrase'}", "-vvvv", "-e", f"control={simulator.control_url}"]
    done = run_playbook(STORY, *given, env=env)
    assert done.returncode == 0, done.stdout
    assert printed(done.stdout + done.stderr, tmp_path, simulator) == []
    # It says why it stopped, and what to do.
    assert re.search(r"refused the credentials .* \(HTTP 401, code 200\).* in use and not expired\.", done.stdout)
    accounts = simulator.truth()["accounts"]["default"].values()
    assert [len(account["history"]) for account in accounts] == [1] * 5
    first, second = simulator.truth()["short_lived_keys"]
    signed = [(each["operation"], each["headers"]["x-ncp-iam-access-key"]) for each in simulator.requests()]
    # The long-lived key asks for others, and does nothing else.
    assert {key for operation, key in signed if operation == "createCredentials"} == {simulator.access_key}
    assert [operation for operation, key in signed if key == simulator.access_key] == ["createCredentials"] * 2
    resets = [request for request in simulator.requests() if request["operation"] == "resetPassword"]
    done_by = [each["headers"]["x-ncp-iam-access-key"] for each in resets if each["applied"]]
    assert done_by == [first["access_key"]] + [second["access_key"]] * 4


def test_nothing_prints_the_keys(run_playbook: RunPlaybook, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "junit").mkdir()
    # Nobody listens there.
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    inventory = {"all": {"hosts": {"elsewhere": away}}}
    (tmp_path / "more.json").write_text(json.dumps(inventory), encoding="utf-8")
    env = {**keys(simulator), **log(tmp_path)}
    done = run_playbook(WAYS, "-vvvv", "--diff", f"--inventory={tmp_path / 'more.json'}", env=env)
    assert done.returncode == 0, done.stdout
    # One for each task, another one for the second item, and another one for the second attempt.
    assert len(simulator.truth()["short_lived_keys"]) == 8
    assert re.search(r"ignored=5\b", done.stdout), done.stdout
    assert printed(done.stdout + done.stderr, tmp_path, simulator) == []
    assert "duration is not valid" in done.stdout
    assert simulator.secret_key not in done.stdout + done.stderr
