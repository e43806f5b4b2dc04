# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user moves passwords and records of mails from a file to OpenBao and back, and goes on with each of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.simulator import Simulator
from support.stores.openbao import OpenBao
from tooling.tree import ROOT

POLICY = """
path "secret/data/dataforest/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/dataforest/*" { capabilities = ["list"] }
path "secret/data/solapi/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/solapi/*" { capabilities = ["list"] }
"""
LOOKUP = "query('krcloud.credentials.dataforest_credential', 'df001', 'df002', store=STORE)"
MOVE = """
    - krcloud.credentials.ncp_dataforest_store_copy:
        source: "{{ OLD }}"
        destination: "{{ NEW }}"
      check_mode: "{{ item == 1 }}"
      diff: true
      loop: [1, 2, 3]
      register: from_OLD_to_NEW
    - krcloud.credentials.ncp_dataforest_rotation:
        store: "{{ OLD }}"
        force: true
      register: with_OLD
      ignore_errors: true
    - ansible.builtin.copy:
        content: "{{ LOOKUP_OLD | to_json }}"
        dest: FILES/left-in-OLD.json
      no_log: true
    - krcloud.credentials.ncp_dataforest_rotation:
        store: "{{ NEW }}"
      register: quiet_in_NEW
    - krcloud.credentials.ncp_dataforest_rotation:
        store: "{{ NEW }}"
        force: true
      register: with_NEW
"""
PLAY = """
- hosts: localhost
  gather_facts: false
  vars: VARIABLES
  module_defaults:
    group/krcloud.credentials.ncp: "{{ connection }}"
    krcloud.credentials.solapi_password_reset: "{{ mails | combine({'email': 'member@example.com'}) }}"
  tasks:
    - krcloud.credentials.ncp_dataforest_rotation:
        store: "{{ file }}"
        new_accounts: rotate
    - krcloud.credentials.ncp_dataforest_credential:
        store: "{{ file }}"
        name: df003
        hold_until: 2999-01-01 00:00:00+09:00
        hold_reason: "{{ '{' ~ '{ 1 + 1 }' ~ '}' }} 감사"
THERE
BACK
    - krcloud.credentials.ncp_dataforest_store_copy:
        source: "{{ server }}"
        destination: "{{ file }}"
        source_passwords: remove
      loop: [1, 2]
      register: removed
    - ansible.builtin.debug:
        msg: "{{ LOOKUP_server | length }}"
      register: unreadable
      ignore_errors: true
    - krcloud.credentials.solapi_password_reset:
        store: "{{ mail_file }}"
        min_interval: 30d
      register: asked
    - krcloud.credentials.ncp_dataforest_store_copy:
        source: "{{ mail_file }}"
        destination: "{{ mail_server }}"
        contents: reset_mails
        names: [Member@example.com]
      loop: [1, 2]
      register: mails_moved
    - krcloud.credentials.solapi_password_reset:
        store: "{{ item }}"
        min_interval: 30d
      loop: ["{{ mail_file }}", "{{ mail_server }}"]
      register: asked_again
      ignore_errors: true
    - ansible.builtin.copy:
        content: >-
          {{ {'there': from_file_to_server.results, 'back': from_server_to_file.results, 'old': with_file,
              'older': with_server, 'quiet': quiet_in_server, 'new': with_server_at_once, 'removed': removed.results,
              'last': with_file_at_last, 'unreadable': unreadable, 'asked': asked,
              'mails': mails_moved.results, 'again': asked_again.results} | to_json }}
        dest: FILES/results.json
"""


@pytest.fixture
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def server(openbao: OpenBao) -> dict[str, Any]:
    return {"type": "hashi_vault", "url": openbao.url, "token": openbao.token(POLICY)}


def move(old: str, new: str) -> str:
    return (
        MOVE.replace("LOOKUP_OLD", LOOKUP.replace("STORE", old))
        .replace("OLD", old)
        .replace("NEW", new)
        .replace(f"register: with_{new}", f"register: with_{new}_{'at_once' if old == 'file' else 'at_last'}")
    )


@pytest.mark.any_core
@pytest.mark.timeout(300)  # it is many tasks
def test_passwords_and_mails_move_there_and_back(
    run_playbook: Any, simulator: Simulator, openbao: OpenBao, server: dict[str, Any], tmp_path: Path
) -> None:
    simulator.accounts(count=3, prefix="df")
    (tmp_path / "passphrase").write_text("a passphrase of the tests", encoding="utf-8")
    variables = {
        "file": {"path": str(tmp_path / "dataforest.yml")},
        "server": server,
        "mail_file": {"path": str(tmp_path / "mails.yml")},
        "mail_server": server,
        "connection": {
            "api_url": simulator.ncp_url,
            "access_key": simulator.access_key,
            "secret_key": simulator.secret_key,
        },
        "mails": {
            "api_url": simulator.solapi_url,
            "api_key": simulator.api_key,
            "api_secret": simulator.api_secret,
        },
    }
    playbook = (
        PLAY.replace("VARIABLES", json.dumps(variables))
        .replace("THERE", move("file", "server"))
        .replace("BACK", move("server", "file"))
        .replace("LOOKUP_server", LOOKUP.replace("STORE", "server"))
        .replace("FILES", str(tmp_path))
    )
    done = run_playbook(playbook, f"--vault-password-file={tmp_path}/passphrase", "-vvv")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    seen = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    place = {"file": str((tmp_path / "dataforest.yml").resolve()), "server": f"{server['url']} (secret/dataforest)"}

    for way, to in (("there", "server"), ("back", "file")):
        predicted, moved, again = seen[way]
        assert [each["changed"] for each in seen[way]] == [True, True, False]
        assert {key: predicted[key] for key in ("credentials", "summary", "diff", "warnings")} == {
            key: moved[key] for key in ("credentials", "summary", "diff", "warnings")
        }
        assert moved["summary"]["copied"] == 3
        assert again["summary"]["unchanged"] == 3
        assert moved["moved_to"] == place[to]
    # The old store stops, and says where to go. The account on hold is no exception.
    for result, to in ((seen["old"], "server"), (seen["older"], "file")):
        assert [row["outcome"] for row in result["accounts"]] == ["failed"] * 3
        assert all(f"moved to the store {place[to]} at" in row["error"]["message"] for row in result["accounts"])
        assert result["changed"] is False
    assert [row["outcome"] for row in seen["quiet"]["accounts"]] == ["fresh", "fresh", "skipped"]
    for result in (seen["new"], seen["last"]):
        assert [row["outcome"] for row in result["accounts"]] == ["rotated", "rotated", "skipped"]
        assert "감사" in result["accounts"][2]["error"]["message"]
    # What was left in the old store worked until then, and readers were told.
    left = {name: json.loads((tmp_path / f"left-in-{name}.json").read_text("utf-8")) for name in ("file", "server")}
    sent = [json.loads(row["body"])["password"] for row in simulator.requests() if row["operation"] == "resetPassword"]
    assert set(left["file"]) < set(sent[:3])
    assert set(left["server"]) == set(sent[3:5])
    told = " ".join(output.split())
    for to in ("server", "file"):
        assert re.search(rf"passwords of df001, df002 moved to the store {re.escape(place[to])} at", told), to

    assert [each["summary"]["removed"] for each in seen["removed"]] == [3, 0]
    assert f"moved to the store {place['file']}" in " ".join(seen["unreadable"]["msg"].split())
    note = openbao.do("GET", "secret/data/dataforest/df001")["data"]["data"]
    assert (note["format"], note["moved"]["to"], "password" in note) == ("moved", place["file"], False)

    assert [each["summary"]["copied"] for each in seen["mails"]] == [1, 0]
    stopped, quiet = seen["again"]
    assert f"moved to the store {server['url']} (secret/solapi)" in stopped["msg"]
    assert (quiet["changed"], quiet["delivery"]) == (False, "accepted")
    assert simulator.counters()["solapi"]["writes"] == 1
    for password in {*sent, *left["file"], *left["server"]}:
        assert password not in output
        assert password not in json.dumps(seen)


@pytest.mark.any_core
def test_the_examples_do_what_they_say(
    run_playbook: Any, simulator: Simulator, server: dict[str, Any], tmp_path: Path
) -> None:
    simulator.accounts(count=3, prefix="df")
    (tmp_path / "passphrase").write_text("a passphrase of the tests", encoding="utf-8")
    (tmp_path / "credentials").mkdir()
    source = (ROOT / "plugins/modules/ncp_dataforest_store_copy.py").read_text(encoding="utf-8")
    found = re.search(r'EXAMPLES = r"""(.*?)"""', source, re.DOTALL)
    assert found
    examples = (
        found[1]
        .replace("https://bao.example.com:8200", server["url"])
        .replace('"{{ bao_token }}"', server["token"])
        .replace("credentials/", f"{tmp_path}/credentials/")
    )
    examples = re.sub(r"(?m)^- name: (.*)$", r"- register: done\n  name: \1", examples)
    tasks = "\n".join(f"    {line}" for line in examples.strip().split("\n"))
    connection = {"api_url": simulator.ncp_url, "access_key": simulator.access_key, "secret_key": simulator.secret_key}
    mails = {"api_url": simulator.solapi_url, "api_key": simulator.api_key, "api_secret": simulator.api_secret}
    store = {"path": f"{tmp_path}/credentials/dataforest.yml"}
    mail_store = {"path": f"{tmp_path}/credentials/mails.yml"}
    playbook = f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - krcloud.credentials.ncp_dataforest_rotation:
        {json.dumps({**connection, "store": store, "new_accounts": "rotate"})}
    - krcloud.credentials.solapi_password_reset:
        {json.dumps({**mails, "email": "member@example.com", "store": mail_store, "min_interval": "30d"})}
{tasks}
"""
    done = run_playbook(playbook, f"--vault-password-file={tmp_path}/passphrase")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=6" in done.stdout
