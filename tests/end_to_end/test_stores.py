# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores as plays use them: logins that end, a secret that is gone, and texts that are not templates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret

from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change
from support.simulator import Simulator
from support.stores.openbao import OpenBao

NAMES = ["df001", "df002", "df003"]
PASSPHRASE = "a passphrase of the tests"
POLICY = 'path "secret/data/dataforest/*" { capabilities = ["create", "read", "update"] }'

Task = dict[str, Any]


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


class Play:
    """Runs tasks in one play, and returns what they registered."""

    def __init__(self, run_playbook: Any, simulator: Simulator, folder: Path) -> None:
        self._run_playbook = run_playbook
        self._connection = {
            "api_url": simulator.ncp_url,
            "access_key": simulator.access_key,
            "secret_key": simulator.secret_key,
        }
        self._folder = folder
        self.output = ""
        (folder / "passphrase").write_text(PASSPHRASE, encoding="utf-8")

    def rotation(self, store: dict[str, Any], **more: Any) -> Task:
        options = {**self._connection, "store": store, "new_accounts": "rotate", "retries": 0, **more}
        return {"krcloud.credentials.ncp_dataforest_rotation": options}

    def run(self, *tasks: Task, **variables: Any) -> list[dict[str, Any]]:
        for at, task in enumerate(tasks):
            task.update(register=f"result{at}", ignore_errors=True)
        results = self._folder / "results.json"
        names = ", ".join(f"result{at}" for at in range(len(tasks)))
        last = {"ansible.builtin.copy": {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(results)}}
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [*tasks, last]}
        done = self._run_playbook(json.dumps([play]), f"--vault-password-file={self._folder}/passphrase", "-vvvv")
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output
        return list(json.loads(results.read_text(encoding="utf-8")))


@pytest.fixture
def play(run_playbook: Any, simulator: Simulator, tmp_path: Path) -> Play:
    simulator.accounts(count=len(NAMES), prefix="df")
    return Play(run_playbook, simulator, tmp_path)


def credential(names: Any, store: dict[str, Any], **more: Any) -> str:
    options = "".join(f", {name}={json.dumps(value)}" for name, value in {"store": store, **more}.items())
    return f"{{{{ query('krcloud.credentials.dataforest_credential', {json.dumps(names)}{options}) }}}}"


def debug(text: str, **more: Any) -> Task:
    return {"ansible.builtin.debug": {"msg": text}, **more}


def live_tokens(server: OpenBao) -> set[str]:
    return set(server.do("LIST", "auth/token/accessors")["data"]["keys"])


def test_no_login_is_left_behind(play: Play, openbao: OpenBao) -> None:
    openbao.do("PUT", "sys/policies/acl/rotation", {"policy": POLICY})
    openbao.do("POST", "sys/auth/approle", {"type": "approle"})
    openbao.do("POST", "auth/approle/role/rotation", {"token_policies": ["rotation"], "token_ttl": "1h"})
    store = {
        "type": "hashi_vault",
        "url": openbao.url,
        "auth_method": "approle",
        "role_id": openbao.do("GET", "auth/approle/role/rotation/role-id")["data"]["role_id"],
        "secret_id": openbao.do("POST", "auth/approle/role/rotation/secret-id", {})["data"]["secret_id"],
    }
    before = live_tokens(openbao)
    rotated, read, missing, refused, published = play.run(
        play.rotation(store),
        debug(credential("df001", store), loop=list(range(20)), loop_control={"label": "one"}),
        debug(credential("gone", store)),
        play.rotation(store, api_url="http://127.0.0.1:9", force=True),
        {
            "krcloud.credentials.ncp_dataforest_publication": {
                "store": store,
                "accounts": "{{ result0.accounts }}",
            }
        },
    )
    assert rotated["summary"]["rotated"] == len(NAMES)
    assert len(read["results"]) == 20
    assert "holds nothing for gone" in missing["msg"]
    assert refused["failed"] is True
    assert published["changed"] is True
    assert live_tokens(openbao) == before


def test_a_secret_that_was_deleted_is_one_accounts_failure(play: Play, openbao: OpenBao) -> None:
    token = openbao.token(POLICY)
    store = {"type": "hashi_vault", "url": openbao.url, "token": token, "secret_path": "dataforest/deleted"}
    play.run(play.rotation(store))
    openbao.do("DELETE", "secret/data/dataforest/deleted/df002")
    rotated, others, named, skipped = play.run(
        play.rotation(store, force=True),
        debug(credential(["df001", "df003"], store)),
        debug(credential(["df001", "df002"], store)),
        debug(credential(["df003", "gone"], store, on_missing="skip")),
    )
    rows = {row["name"]: row for row in rotated["accounts"]}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "df001": "rotated",
        "df002": "failed",
        "df003": "rotated",
    }
    for said in (rows["df002"]["error"]["message"], named["msg"]):
        assert "Version 2 of secret/dataforest/deleted/df002" in said
    assert "kv undelete" in rows["df002"]["error"]["hint"]
    live = {name: openbao.call("GET", f"secret/data/dataforest/deleted/{name}")[1] for name in ("df001", "df003")}
    assert others["msg"] == [live[name]["data"]["data"]["password"] for name in live]
    assert named["failed"] is True
    assert skipped["msg"] == others["msg"][1:]


def test_a_variable_of_the_keyword_environment_is_refused_with_where_it_is_read(play: Play, openbao: OpenBao) -> None:
    store = {"type": "hashi_vault"}
    lookup = debug(
        credential("df001", store), environment={"BAO_ADDR": openbao.url, "BAO_TOKEN": "s.token-of-the-play"}
    )
    module = {**play.rotation(store), "environment": {"BAO_ADDR": openbao.url}}
    for result in play.run(lookup, module):
        assert "nor is BAO_ADDR or VAULT_ADDR set in the environment of the controller" in result["msg"]
        assert "the keyword environment does not reach the controller" in result["msg"]


POISON = "{{ lookup('pipe', 'id > pwned; echo run') }}"
TEXTS = {
    "df001": POISON,
    "df002": "Ab1{#xx#}-yzwq",
    "df003": "#jinja2: variable_start_string:'[['\n[[ 1 ]]{% raw %}",
}


@pytest.mark.parametrize("kind", ["vault_file", "hashi_vault"])
def test_what_a_lookup_returns_is_not_a_template(play: Play, openbao: OpenBao, tmp_path: Path, kind: str) -> None:
    documents = {
        name: to_document(Envelope(Account(None, name, POISON), text, "2026-01-31T03:00:00Z", "r-1"))
        for name, text in TEXTS.items()
    }
    store: dict[str, Any] = {"path": str(tmp_path / "dataforest.yml")}
    if kind == "hashi_vault":
        place = {"url": openbao.url, "secret_path": "dataforest/poison"}
        store = {"type": "hashi_vault", "token": openbao.token(POLICY), **place}
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(PASSPHRASE.encode()))])
    changes = {name: Change(document, None) for name, document in documents.items()}
    registry.open_store(store, loader, {}).save(changes)
    read = credential(NAMES, store)
    through, direct, fact, template, looped = play.run(
        debug("{{ variable }}", vars={"variable": read}),
        debug(read),
        {"ansible.builtin.set_fact": {"kept": read}},
        debug("{{ kept }}"),
        debug("{{ item }}", loop=read),
    )
    expected = list(TEXTS.values())
    assert through["msg"] == direct["msg"] == template["msg"] == fact["ansible_facts"]["kept"] == expected
    assert [row["msg"] for row in looped["results"]] == expected
    assert not list(tmp_path.glob("**/pwned"))
