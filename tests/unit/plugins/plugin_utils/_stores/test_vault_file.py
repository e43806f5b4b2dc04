# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can break only in a file: that consumers read it, its bytes, its place, and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import vault_cipher, vault_file
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, Conflict, StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.sealed_files import NEW, OLD, replace_old, seal
from support.stores.benches import PASSPHRASE, VaultFileBench, a_loader, get, load, put


def test_a_play_reads_it_with_vars_files_and_a_person_with_ansible_vault(vault: VaultFileBench, tmp_path: Path) -> None:
    document = {"password": "0012345", "previous": [{"password": "1e5"}], "owner": "분석팀", "on": "yes"}
    put(vault.open(), analyst=document)
    (tmp_path / "play.yml").write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "vars_files": [str(vault.path)],
                    "tasks": [
                        {
                            "ansible.builtin.assert": {
                                "that": [
                                    "dataforest_credentials.analyst.password == '0012345'",
                                    f"dataforest_credentials.analyst == {json.dumps(document)}",
                                ]
                            }
                        }
                    ],
                }
            ]
        )
    )
    run_ansible(tmp_path, "ansible-playbook", tmp_path / "play.yml")
    assert run_ansible(tmp_path, "ansible-vault", "view", vault.path) == (
        "{\n"
        '  "dataforest_credentials_format": 1,\n'
        '  "dataforest_credentials": {\n'
        '    "analyst": {\n'
        '      "password": "0012345",\n'
        '      "previous": [{"password": "1e5"}],\n'
        '      "owner": "분석팀",\n'
        '      "on": "yes"\n'
        "    }\n"
        "  }\n"
        "}\n"
    )


POISON = "{{ lookup('pipe', 'id > pwned; echo run') }}"
BLOCK = "{% set x = lookup('pipe', 'id > pwned') %}"


def test_no_text_of_a_store_is_a_template_for_a_play(vault: VaultFileBench, tmp_path: Path) -> None:
    """This covers what was written here and, after the next save, what somebody has planted, in keys and in texts."""
    poison = {"account": {"name": POISON, "id": "{# 1 #}"}, POISON: [BLOCK], "hold": {"reason": f"a\n{BLOCK}"}}
    planted = {"dataforest_credentials_format": 1, "dataforest_credentials": {POISON: poison}}
    vault.path.write_bytes(seal(json.dumps(planted).encode()))
    password = {"password": "Ab1{#xx#}-yzwq", "profile": "#jinja2: trim_blocks:False\n{{ 1 }}", "note": "{{ '{{' }}"}
    put(vault.open(), kim=password)
    everything = {POISON: poison, "kim": password}
    expected = tmp_path / "expected.json"
    expected.write_text(json.dumps(everything))
    uses = {
        "whole": "dataforest_credentials",
        "walked": "dict(dataforest_credentials.keys() | zip(dataforest_credentials.values()))",
        "looped": "dict(dataforest_credentials | dict2items | items2dict)",
    }
    written = [
        {"ansible.builtin.copy": {"content": f"{{{{ {use} | to_json }}}}", "dest": f"{tmp_path}/{name}"}}
        for name, use in uses.items()
    ]
    for name, read in (("vars_files", [str(vault.path)]), ("include_vars", [])):
        tasks: list[dict[str, Any]] = [{"ansible.builtin.include_vars": str(vault.path)}] if not read else []
        tasks += [*written, {"ansible.builtin.set_fact": {"kept": "{{ dataforest_credentials }}"}}]
        tasks += [{"ansible.builtin.copy": {"content": "{{ kept | to_json }}", "dest": f"{tmp_path}/kept"}}]
        tasks += [
            {
                "ansible.builtin.copy": {"content": "{{ item.key }}", "dest": f"{tmp_path}/key{{{{ at }}}}"},
                "loop": "{{ dataforest_credentials | dict2items }}",
                "loop_control": {"label": "one", "index_var": "at"},
            },
            {"ansible.builtin.debug": {"var": "dataforest_credentials"}},
        ]
        play = {"hosts": "localhost", "gather_facts": False, "vars_files": read, "tasks": tasks}
        (tmp_path / f"{name}.yml").write_text(json.dumps([play]))
        run_ansible(tmp_path, "ansible-playbook", tmp_path / f"{name}.yml")
        for use in (*uses, "kept"):
            assert json.loads((tmp_path / use).read_text()) == everything, (name, use)
            (tmp_path / use).unlink()
        assert {(tmp_path / f"key{at}").read_text() for at in (0, 1)} == set(everything)
    assert not list(tmp_path.glob("**/pwned"))
    viewed = run_ansible(tmp_path, "ansible-vault", "view", vault.path)
    assert '"password": !unsafe "Ab1{#xx#}-yzwq"' in viewed


def run_ansible(folder: Path, program: str, *arguments: str | Path) -> str:
    """Run a program of Ansible in a folder, under the passphrase of the store; return what it prints."""
    (folder / "pass").write_text(PASSPHRASE, encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0"}
    password = f"--vault-password-file={folder}/pass"
    first, *rest = arguments
    python = f"-eansible_python_interpreter={sys.executable}" if program == "ansible-playbook" else None
    run = subprocess.run(
        [Path(sys.executable).with_name(program), *filter(None, (first, password, python)), *rest],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=folder,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_a_save_that_would_not_survive_leaves_the_file(vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(vault.open(), kim=OLD)
    before = vault.path.read_bytes()
    monkeypatch.setattr(vault_file, "entry", lambda name, document: f'"{name}": {{}}')
    with pytest.raises(StoreError, match="what it should hold does not survive YAML"):
        replace_old(vault)
    assert vault.path.read_bytes() == before


def test_cut_off_anywhere_it_is_never_taken_for_whole(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    whole = vault.path.read_bytes()
    lengths = {*range(0, len(whole) - 1, 97), *range(40), *(len(whole) - back for back in range(2, 12))}
    for length in lengths:
        vault.path.write_bytes(whole[:length])
        with pytest.raises(StoreError) as caught:
            vault.open().load(["kim"])
        assert caught.value.hint, length
        assert vault.path.read_bytes() == whole[:length]


def test_a_flipped_byte_is_noticed(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    whole = vault.path.read_bytes()
    for position in range(0, len(whole) - 1, 53):
        spoilt = bytearray(whole)
        spoilt[position] ^= 1
        vault.path.write_bytes(spoilt)
        with pytest.raises(StoreError):
            vault.open().load(["kim"])


def test_a_link_stays_a_link_and_has_the_lock_of_its_file(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    link = vault.path.parent.parent / "link.yml"
    link.symlink_to("store/passwords.yml")
    store = open_store({"path": str(link)}, a_loader(("default", PASSPHRASE)), {})
    replace_old(vault, store)
    assert os.readlink(link) == "store/passwords.yml"
    assert get(vault.open(), "kim").document == NEW
    assert {path.name for path in link.parent.iterdir()} == {"store", "link.yml"}


def test_a_path_is_relative_to_the_playbook_and_knows_the_home_folder(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(vault.open(), kim=OLD)
    monkeypatch.setenv("HOME", str(vault.path.parent))
    loader = a_loader(("default", PASSPHRASE))
    loader.set_basedir(str(vault.path.parent.parent))
    monkeypatch.setenv("STORES", str(vault.path.parent.parent))
    for path in ("store/passwords.yml", "~/passwords.yml", "$HOME/passwords.yml", "${STORES}/store/passwords.yml"):
        assert open_store({"path": path}, loader, {}).load(["kim"]).keys() == {"kim"}


def test_messages_say_that_there_is_no_file_yet(vault: VaultFileBench) -> None:
    link = vault.path.with_name("link.yml")
    link.symlink_to(vault.path)
    store = vault.open(path=str(link))
    assert store.place == str(link)
    assert load(store, "kim") == {}
    assert store.place == f"{link} (there is no such file yet)"
    put(store, kim={"password": "new"})
    assert store.place == str(link)
    other = vault.open()
    load(other, "kim")
    assert other.place == str(vault.path)


def test_what_did_not_change_is_not_written(vault: VaultFileBench) -> None:
    store = vault.open()
    revision = put(store, kim=OLD, lee=OLD)["kim"]
    before = vault.path.stat()
    assert store.save({"kim": Change(OLD, revision), "lee": Change(NEW, "stale")}) == {
        "kim": revision,
        "lee": Conflict(),
    }
    after = vault.path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_decrypts_and_encrypts_once_at_most(vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(vault.open(), kim=OLD)
    calls: list[str] = []
    for name in ("encrypt", "decrypt"):
        real = getattr(vault_cipher.AnsibleVault, name)
        monkeypatch.setattr(
            vault_cipher.AnsibleVault, name, lambda *args, real=real, name=name: calls.append(name) or real(*args)
        )
    store = vault.open()
    for number in range(3):
        store.load(["lee"])
        revision = get(store, "kim").revision
        store.save({"kim": Change({"round": number}, revision)})
        store.load(["kim"])
    assert calls == ["decrypt", "encrypt", "encrypt", "encrypt"]


def test_what_a_new_reader_finds_is_decoded_once(vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(vault.open(), kim=OLD, lee=NEW)
    store = vault.open()
    decoded: list[str] = []
    decode = json.JSONDecoder.decode
    monkeypatch.setattr(json.JSONDecoder, "decode", lambda self, text: (decoded.append(text), decode(self, text))[1])
    assert {name: stored.document for name, stored in load(store, ["kim", "lee"]).items()} == {"kim": OLD, "lee": NEW}
    assert len(decoded) == 1  # the file as a whole


def test_one_file_by_several_paths_is_one_store(vault: VaultFileBench, tmp_path: Path) -> None:
    put(vault.open(), kim=OLD)
    link, hard, other = tmp_path / "link.yml", vault.path.with_name("hard.yml"), tmp_path / "other.yml"
    link.symlink_to(vault.path)
    hard.hardlink_to(vault.path)
    around = vault.path.parent / ".." / vault.path.parent.name / vault.path.name
    for path, same in ((link, True), (hard, True), (around, True), (other, False)):
        assert vault.open().is_same(vault.open(path=str(path))) is same
        assert vault.open(path=str(path)).is_same(vault.open()) is same
    assert vault.open(path=str(link)).address == str(vault.path.resolve())
