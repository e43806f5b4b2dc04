# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Known passwords as a user takes them over: adopt, look, hold, rotate and forget, in both stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.simulator import Simulator
from support.stores.openbao import OpenBao

POLICY = """
path "secret/data/dataforest/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/dataforest/*" { capabilities = ["list", "delete"] }
"""
# By the names of accounts. Not all of them would be allowed as new passwords.
KNOWN = {
    "df001": "{{ lookup('pipe', 'id') }} 'q' \"d\" \\ {% raw %}",
    "df002": "  비밀번호 갂각힣-Aa1!  ",
    "df003": "Known-password-3",
}

PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    VARIABLE: STORE
    known: "{{ lookup('ansible.builtin.file', FILE) | from_json }}"
    connection: CONNECTION
  module_defaults:
    group/krcloud.credentials.store: GROUP
    krcloud.credentials.ncp_dataforest_rotation:
      api_url: "{{ connection.api_url }}"
      access_key: "{{ connection.access_key }}"
      secret_key: "{{ connection.secret_key }}"
  tasks:
    - krcloud.credentials.ncp_dataforest_credential:
        credentials: "{{ known }}"
        rotated_at: 2026-09-01T09:00:00+09:00
      check_mode: "{{ item == 1 }}"
      diff: true
      loop: [1, 2, 3]
      register: adopted

    - krcloud.credentials.ncp_dataforest_rotation:
        max_age: 36500d
      register: quiet

    - krcloud.credentials.ncp_dataforest_credential:
        name: df002
        hold_until: 2999-01-01 00:00:00+09:00
        hold_reason: "{{ '{' ~ '{ 1 + 1 }' ~ '}' }} 감사"
      loop: [1, 2]
      register: held

    - krcloud.credentials.ncp_dataforest_credential_info:
        names: [df001, df002, df009]
        max_age: 7d
        jitter: 0%
      register: looked

    - krcloud.credentials.ncp_dataforest_rotation:
        force: true
      check_mode: "{{ item == 1 }}"
      loop: [1, 2]
      register: rotated

    - krcloud.credentials.ncp_dataforest_credential:
        credentials: "{{ known }}"
        rotated_at: now
      register: outdated
      ignore_errors: true

    - krcloud.credentials.ncp_dataforest_credential:
        name: df002
        hold_until: now
      loop: [1, 2]
      register: released

    - ansible.builtin.copy:
        content: "{{ query('krcloud.credentials.dataforest_credential', 'df002' LOOKUP) | to_json }}"
        dest: READ
      no_log: true

    - krcloud.credentials.ncp_dataforest_credential:
        name: df003
        id: "{{ given }}"
        state: absent
      loop: ["", "{{ quiet.accounts[2].id }}", "{{ quiet.accounts[2].id }}"]
      loop_control: {loop_var: given}
      register: forgotten
      ignore_errors: true

    - krcloud.credentials.ncp_dataforest_credential_info:
      register: left

    - ansible.builtin.copy:
        content: >-
          {{ {'adopted': adopted.results, 'quiet': quiet, 'held': held.results, 'looked': looked,
              'rotated': rotated.results, 'outdated': outdated, 'released': released.results,
              'forgotten': forgotten.results, 'left': left} | to_json }}
        dest: RESULTS
"""


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.mark.parametrize("kind", ["vault_file", "hashi_vault"])
def test_known_passwords_are_taken_over(
    kind: str, run_playbook: Any, simulator: Simulator, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    simulator.accounts(count=len(KNOWN), prefix="df")
    (tmp_path / "passphrase").write_text("a passphrase of the tests", encoding="utf-8")
    rows = [{"name": name, "password": password, "id": ""} for name, password in KNOWN.items()]
    (tmp_path / "known.json").write_text(json.dumps(rows), encoding="utf-8")
    store: dict[str, Any] = {"path": str(tmp_path / "dataforest.yml")}
    if kind == "hashi_vault":
        server: OpenBao = request.getfixturevalue("openbao")
        store = {"type": kind, "url": server.url, "token": server.token(POLICY), "secret_path": "dataforest/known"}
    # The two ways to name it once for all modules.
    by_group = kind == "vault_file"
    connection = {"api_url": simulator.ncp_url, "access_key": simulator.access_key, "secret_key": simulator.secret_key}
    playbook = (
        PLAY.replace("VARIABLE", "store" if by_group else "krcloud_credentials_store")
        .replace("STORE", json.dumps(store))
        .replace("GROUP", '{store: "{{ store }}"}' if by_group else "{}")
        .replace("LOOKUP", ", store=store" if by_group else "")
        .replace("FILE", f"'{tmp_path}/known.json'")
        .replace("CONNECTION", json.dumps(connection))
        .replace("RESULTS", str(tmp_path / "results.json"))
        .replace("READ", str(tmp_path / "read.json"))
    )
    done = run_playbook(playbook, f"--vault-password-file={tmp_path}/passphrase", "-vvv")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    seen = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))

    assert [each["changed"] for each in seen["adopted"]] == [True, True, False]
    assert seen["adopted"][0]["credentials"] == seen["adopted"][1]["credentials"]
    assert {row["rotated_at"] for row in seen["adopted"][1]["credentials"]} == {"2026-09-01T00:00:00Z"}
    assert "active, " in seen["adopted"][1]["diff"]["after"]
    assert [row["outcome"] for row in seen["quiet"]["accounts"]] == ["fresh"] * 3
    # Whoever uses an account has its password.
    assert not any(row["hand_over"] for row in seen["quiet"]["accounts"])
    assert [each["changed"] for each in seen["held"]] == [True, False]

    first, second, absent = seen["looked"]["credentials"]
    assert (first["due"], first["overdue"], first["held_until"]) == (True, True, None)
    assert (second["held_until"], second["hold_reason"]) == ("2998-12-31T15:00:00Z", "{{ 1 + 1 }} 감사")
    assert absent["state"] == "absent"

    predicted, rotated = seen["rotated"]
    for each in (predicted, rotated):
        assert [row["outcome"] for row in each["accounts"]] == ["rotated", "skipped", "rotated"]
    assert "is on hold until 2998-12-31T15:00:00Z: {{ 1 + 1 }} 감사." in rotated["accounts"][1]["error"]["message"]
    assert [row["outcome"] for row in seen["outdated"]["credentials"]] == ["failed", "unchanged", "failed"]
    assert "was replaced since" in seen["outdated"]["msg"]
    assert [each["changed"] for each in seen["released"]] == [True, False]
    assert json.loads((tmp_path / "read.json").read_text(encoding="utf-8")) == [KNOWN["df002"]]

    unnamed, forgotten, again = seen["forgotten"]
    # An adopted account has no id before its first rotation.
    assert "has an id in the store, and none was given" in unnamed["msg"]
    assert [each["changed"] for each in (forgotten, again)] == [True, False]
    assert [row["name"] for row in seen["left"]["credentials"]] == ["df001", "df002"]
    if kind == "hashi_vault":
        assert server.call("GET", "secret/metadata/dataforest/known/df003")[0] == 404

    for password in KNOWN.values():
        for form in (password, json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1]):
            assert form.strip() not in output
            assert form.strip() not in json.dumps(seen, ensure_ascii=False)
