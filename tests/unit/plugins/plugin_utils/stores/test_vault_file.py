# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can break only in a file: its bytes, its vault id, its folder, its lock, its disk."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import AnsibleVaultError, VaultLib, VaultSecret
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    Change,
    Conflict,
    Store,
    StoreError,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils.stores import open_store, vault_file
from store_bench.benches import PASSPHRASE, VaultFileBench, a_loader, get, load, put
from store_bench.child import Child, Died, kill_myself
from store_bench.steps import OS_STEPS

CANARY = "Kanarienvogel-비밀-8c1f!Zq"
OLD = {"password": f"{CANARY}-old"}
NEW = {"password": f"{CANARY}-new"}


def secrets_of(*pairs: tuple[str, str]) -> list[tuple[str, VaultSecret]]:
    return [(name, VaultSecret(text.encode())) for name, text in pairs]


def seal(plain: bytes, label: str | None = None, passphrase: str = PASSPHRASE) -> bytes:
    return bytes(VaultLib(secrets_of(("default", passphrase))).encrypt(plain, vault_id=label))


def replace_old(vault: VaultFileBench, store: Store | None = None) -> None:
    """Save NEW over OLD."""
    store = store or vault.open()
    store.save({"kim": Change(NEW, get(store, "kim").revision)})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def litter(vault: VaultFileBench) -> set[str]:
    return {path.name for path in vault.path.parent.iterdir()} - {"passwords.yml", "passwords.yml.lock"}


# ------------------------------------------------------------------------------------------------------ for consumers


def test_a_play_reads_it_with_vars_files_and_a_person_with_ansible_vault(vault: VaultFileBench, tmp_path: Path) -> None:
    document = {"password": "0012345", "previous": [{"password": "1e5"}], "owner": "분석팀", "on": "yes"}
    put(vault.open(), analyst=document)
    (tmp_path / "pass").write_text(PASSPHRASE, encoding="utf-8")
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
    programs = Path(sys.executable).parent
    password = f"--vault-password-file={tmp_path}/pass"
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0"}
    for command in (
        [programs / "ansible-playbook", password, tmp_path / "play.yml"],
        [programs / "ansible-vault", "view", password, vault.path],
    ):
        run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout == (
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


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(document=st.dictionaries(TEXTS, VALUES, max_size=4))
# No point in JSON; keys and text that YAML knows by another meaning; what YAML forbids, what nobody sees, and a flag.
@example(document={"a": 1e20, "b": [-1e-7, 1e300], "c": {"d": 1.5e20, "e": -0.0}, "f": "1e+20", "g\n 1e+20": 2e16})
@example(document={"<<": "=", "on": "no", "1": "0012345", "": "", "~": "null", "at": "2026-01-31", "[]": [{}, [], ""]})
@example(document={"\x00\x7f\x85\u2028": "\ufeff\ufffe\u200b\xa0\t\\'\"/", "🇰🇷": "\U000e0001\U0010ffff 비밀"})
def test_every_document_survives(document: dict[str, Any]) -> None:
    entry = vault_file.entry("kim", document)
    plain = vault_file.to_text({"kim": entry})
    assert vault_file.from_text(plain) == {"kim": (document, to_json("kim", document))}
    assert vault_file.survives(entry, "kim", document)
    shown = plain.decode().replace("\n", "")
    assert all(char.isprintable() or char > "\uffff" for char in shown)
    # Readers in the wild: those of JSON, Python's own reader of YAML, and Ansible's.
    content = {"dataforest_credentials_format": 1, "dataforest_credentials": {"kim": document}}
    assert json.loads(plain) == content
    assert yaml.load(plain.decode(), Loader=yaml.SafeLoader) == content
    assert DataLoader().load(plain.decode()) == content


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"y"'),
        ("x", "1"),
        # What JSON and YAML read differently: half a character each in YAML, and a line end.
        ("é😀", '"é\\ud83d\\ude00"'),
        ("a\x85b", '"a\x85b"'),
        # What no reader takes.
        ("x", '"x'),
    ],
)
def test_a_text_that_a_reader_takes_for_something_else_does_not_survive(value: str, text: str) -> None:
    entry = vault_file.entry("kim", {"a": "here"}).replace('"here"', text)
    assert not vault_file.survives(entry, "kim", {"a": value})


def test_a_save_that_would_not_survive_leaves_the_file(vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(vault.open(), kim=OLD)
    before = vault.path.read_bytes()
    monkeypatch.setattr(vault_file, "entry", lambda name, document: f'"{name}": {{}}')
    with pytest.raises(StoreError, match="what it should hold does not survive YAML"):
        replace_old(vault)
    assert vault.path.read_bytes() == before


# ------------------------------------------------------------------------------------------------------- vault secrets


def test_without_a_vault_secret_nothing_begins(vault: VaultFileBench) -> None:
    for loader in (DataLoader(), a_loader()):
        with pytest.raises(ConfigurationError, match="this run has none") as caught:
            open_store({"path": str(vault.path)}, loader, {})
        assert "--vault-password-file" in str(caught.value.hint)


def opened(vault: VaultFileBench, *secrets: tuple[str, str], **options: Any) -> Store:
    return open_store({"path": str(vault.path), **options}, a_loader(*secrets), {})


def header(vault: VaultFileBench) -> str:
    return vault.path.read_text().split("\n", 1)[0]


def test_a_new_file_is_made_under_the_vault_id_that_is_asked_for(vault: VaultFileBench) -> None:
    put(opened(vault, ("dev", "d"), ("prod", "p"), vault_id="prod"), kim=OLD)
    assert header(vault) == "$ANSIBLE_VAULT;1.2;AES256;prod"
    assert get(opened(vault, ("any", "p")), "kim").document == OLD


def test_a_new_file_is_made_under_the_encrypt_identity_of_ansible(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "dev")
    put(opened(vault, ("prod", "p"), ("dev", "d")), kim=OLD)
    assert header(vault) == "$ANSIBLE_VAULT;1.2;AES256;dev"


def test_with_several_vault_ids_a_new_file_is_not_made_by_chance(vault: VaultFileBench) -> None:
    with pytest.raises(StoreError, match="not clear under which vault id") as caught:
        put(opened(vault, ("prod", "p"), ("dev", "d")), kim=OLD)
    assert caught.value.hint == "Set vault_id of the store."
    assert not vault.path.exists()


@pytest.mark.parametrize("label", [None, "prod"])
def test_a_file_stays_under_the_secret_that_it_is_under(vault: VaultFileBench, label: str | None) -> None:
    vault.path.write_bytes(seal(vault_file.to_text({"kim": vault_file.entry("kim", OLD)}), label, "p"))
    before = header(vault)
    replace_old(vault, opened(vault, ("dev", "d"), ("prod", "p"), ("last", "l")))
    assert header(vault) == before
    assert get(opened(vault, ("prod", "p")), "kim").document == NEW


def test_no_file_is_made_that_ansible_vault_cannot_read(vault: VaultFileBench) -> None:
    """It writes a header in Korean, and takes none but in ASCII for its own."""
    with pytest.raises(StoreError, match="cannot read a file under the vault id '운영'") as caught:
        put(opened(vault, ("운영", "p")), kim=OLD)
    assert caught.value.hint == "Use a vault id in ASCII."
    assert not vault.path.exists()
    vault.path.write_bytes(seal(vault_file.to_text({"kim": vault_file.entry("kim", OLD)}), "운영", "p"))
    assert get(opened(vault, ("운영", "p")), "kim").document == OLD


def test_a_file_under_another_vault_id_is_left_alone(vault: VaultFileBench) -> None:
    vault.path.write_bytes(sealed := seal(vault_file.to_text({"kim": vault_file.entry("kim", OLD)}), "dev", "same"))
    store = opened(vault, ("dev", "same"), ("prod", "same"), vault_id="prod")
    with pytest.raises(StoreError, match="under the vault id 'dev', and the store asks for prod"):
        store.save({"kim": Change(NEW, None)})
    assert vault.path.read_bytes() == sealed


def test_a_vault_id_without_a_secret_is_named(vault: VaultFileBench) -> None:
    with pytest.raises(ConfigurationError, match="asks for the vault id prod, and this run has no secret for it"):
        opened(vault, ("dev", "d"), vault_id="prod")


def test_a_salt_that_is_fixed_by_configuration_is_not_used(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_SALT", "always the same")
    put(vault.open(), kim=OLD)

    def salt() -> bytes:
        body = b"".join(vault.path.read_bytes().split(b"\n")[1:])
        return bytes.fromhex(body.decode()).split(b"\n")[0]

    first = salt()
    replace_old(vault)
    assert salt() != first
    assert b"always".hex().encode() not in first


@pytest.mark.parametrize("label", [None, "", "default", "prod", "운영"])
@given(plain=st.binary(max_size=300).map(b"{".__add__))
@example(plain=b"{}")
def test_writes_what_ansible_vault_writes(label: str | None, plain: bytes) -> None:
    secrets = secrets_of(("default", PASSPHRASE))
    sealed, key = vault_file.AnsibleVault(secrets, None, None).encrypt(plain, vault_file.VaultKey(label, secrets[0][1]))
    salt = bytes.fromhex(bytes.fromhex(b"".join(sealed.split(b"\n")[1:]).decode()).split(b"\n")[0].decode())
    assert sealed == VaultLib(secrets).encrypt(plain, secret=key.secret, vault_id=label, salt=salt)
    assert len(salt) == 32


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("label", [None, "default", "prod"])
@given(plain=st.binary(max_size=300).map(b"{".__add__))
def test_reads_what_ansible_vault_writes(label: str | None, plain: bytes, end: bytes) -> None:
    secrets = secrets_of(("dev", "another"), ("default", PASSPHRASE))
    sealed = bytes(VaultLib(secrets).encrypt(plain, secret=secrets[1][1], vault_id=label)).replace(b"\n", end)
    found, key = vault_file.AnsibleVault(secrets, None, None).decrypt(sealed)
    assert found == plain == VaultLib(secrets).decrypt(sealed)
    assert key.secret is secrets[1][1]
    assert key.label == (None if label == "default" else label)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("label", [None, "prod"])
@pytest.mark.parametrize("name", ["default", "prod", "dev"])
def test_tries_the_secrets_that_ansible_vault_tries(
    monkeypatch: pytest.MonkeyPatch, name: str, label: str | None, strict: bool
) -> None:
    if strict:
        monkeypatch.setenv("ANSIBLE_VAULT_ID_MATCH", "true")
        monkeypatch.setattr("ansible.constants.DEFAULT_VAULT_ID_MATCH", True)
    sealed, secrets = seal(b"{}", label), secrets_of((name, PASSPHRASE), ("last", "l"))

    def opens(decrypt: Callable[[bytes], object], error: type[Exception]) -> bool:
        try:
            decrypt(sealed)
        except error:
            return False
        return True

    ours = opens(vault_file.AnsibleVault(secrets, None, None).decrypt, vault_file.CannotOpen)
    assert ours is opens(VaultLib(secrets).decrypt, AnsibleVaultError)
    assert ours is (not strict or name == (label or "default"))


def test_goes_on_after_a_change_of_the_passphrase(vault: VaultFileBench, tmp_path: Path) -> None:
    put(vault.open(), kim=OLD)
    for name, text in (("old", PASSPHRASE), ("new", "next one")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [Path(sys.executable).with_name("ansible-vault"), "rekey", vault.path]
    files = [f"--vault-password-file={tmp_path}/old", f"--new-vault-password-file={tmp_path}/new"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    with pytest.raises(StoreError, match="another passphrase, or damaged"):
        vault.open().load(["kim"])
    replace_old(vault, vault.open("next one"))
    assert get(vault.open("next one"), "kim").document == NEW


def test_decrypts_and_encrypts_once_at_most(vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(vault.open(), kim=OLD)
    calls: list[str] = []
    for name in ("encrypt", "decrypt"):
        real = getattr(vault_file.AnsibleVault, name)
        monkeypatch.setattr(
            vault_file.AnsibleVault, name, lambda *args, real=real, name=name: calls.append(name) or real(*args)
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


# ------------------------------------------------------------------------------------------------------ damaged content


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


ACCOUNTS = "dataforest_credentials_format: 1\ndataforest_credentials:\n"


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ("", "something else than the dataforest_credentials"),
        ("just text", "something else than the dataforest_credentials"),
        ("[1, 2]", "something else than the dataforest_credentials"),
        ("password: hunter2", "something else than the dataforest_credentials"),
        ("dataforest_credentials: {}", "something else than the dataforest_credentials"),
        (
            "dataforest_credentials_format: 2\ndataforest_credentials: {}",
            "is in format 2, and this version knows only 1",
        ),
        ("dataforest_credentials_format: true\ndataforest_credentials: {}", "is in format"),
        ("dataforest_credentials_format: '1'\ndataforest_credentials: {}", "is in format unknown"),
        ("dataforest_credentials_format: 1", "holds other variables than dataforest_credentials"),
        (f"{ACCOUNTS}  kim: {{}}\nother: 1", "holds other variables than dataforest_credentials"),
        (f"{ACCOUNTS}  kim: text", "something else than a mapping for 'kim'"),
        (f"{ACCOUNTS}  1: {{}}", "a document that no store can keep"),
        (f"{ACCOUNTS}  a/b: {{}}", "a document that no store can keep"),
        (f"{ACCOUNTS}  kim: {{1: 2}}", "a document that no store can keep"),
        (f"{ACCOUNTS}  kim: {{a: .nan}}", "a document that no store can keep"),
        (f"{ACCOUNTS}  kim: {{a: 1}}\n  kim: {{a: 2}}", "a key that stands twice"),
        (f"{ACCOUNTS}  kim: {{a: 1, a: 2}}", "a key that stands twice"),
        (f"{ACCOUNTS}  kim: {{a: !vault x}}", "not YAML in line 4"),
        (f"{ACCOUNTS}  kim: !!python/object/apply:os.getcwd []", "not YAML in line 4"),
        (f"{ACCOUNTS}  kim: {{a: 1", "not YAML in line"),
        (f"{ACCOUNTS}  kim: [\n\t", "not YAML in line"),
        (f"{ACCOUNTS}  kim: &x {{a: *x}}", "not YAML"),
        ("\x00\x01", "not YAML"),
    ],
)
def test_content_of_others_is_named_and_left_alone(vault: VaultFileBench, plain: str, why: str) -> None:
    vault.path.write_bytes(sealed := seal(f"# {CANARY}\n{plain}".encode()))
    store = vault.open()
    for attempt in (lambda: load(store, ["kim"]), lambda: store.save({"lee": Change(NEW, None)})):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert why in caught.value.sentence()
        assert "hunter2" not in caught.value.sentence()
        assert CANARY not in caught.value.sentence()
    assert vault.path.read_bytes() == sealed


@pytest.mark.parametrize(
    ("kim", "why"),
    [
        ('{"a": 1}, "kim": {"a": 2}', "a key that stands twice"),
        ('{"a": {"b": 1, "b": 2}}', "a key that stands twice"),
        ('{"a": NaN}', "a document that no store can keep"),
        ('{"a": 1e400}', "a document that no store can keep"),
        (f'{{"a": {2**53}}}', "a document that no store can keep"),
        (f'{{"a": {"9" * 5000}}}', "not YAML"),
        ('{"a": "\\ud83d"}', "a document that no store can keep"),
        (f'{{"a": {"[" * 100_000}{"]" * 100_000}}}', "not YAML"),
        ('"text"', "something else than a mapping for 'kim'"),
        ('{"a": "x}', "not YAML in line"),
    ],
    ids=range(10),
)
def test_json_of_others_is_named(kim: str, why: str) -> None:
    plain = f'{{"dataforest_credentials_format": 1, "dataforest_credentials": {{"kim": {kim}}}}}'
    with pytest.raises(vault_file.CannotOpen, match=why) as caught:
        vault_file.from_text(plain.encode())
    error: BaseException | None = caught.value
    while error:
        assert not isinstance(error, json.JSONDecodeError), "it holds the whole text"
        error = error.__context__


def test_a_file_in_yaml_is_read_and_then_written_as_json(vault: VaultFileBench) -> None:
    vault.path.write_bytes(seal(f"# by hand\n---\n{ACCOUNTS}  lee:\n    password: 'it''s'\n".encode()))
    put(vault.open(), kim=OLD)
    plain = VaultLib(secrets_of(("default", PASSPHRASE))).decrypt(vault.path.read_bytes())
    assert json.loads(plain)["dataforest_credentials"] == {"kim": OLD, "lee": {"password": "it's"}}


def test_takes_what_a_person_typed_without_quotes(vault: VaultFileBench) -> None:
    vault.path.write_bytes(seal(f"{ACCOUNTS}  kim: {{password: abc, at: 2026-01-31T03:00:00Z, n: 5}}".encode()))
    store = vault.open()
    assert get(store, "kim").document == {"password": "abc", "at": "2026-01-31T03:00:00Z", "n": 5}


@pytest.mark.parametrize(
    ("first_line", "why"),
    [
        ("$ANSIBLE_VAULT;9.9;AES256", "a form of Ansible Vault that is not known here"),
        ("$ANSIBLE_VAULT;1.1;ROT13", "a form of Ansible Vault that is not known here"),
        ("$ANSIBLE_VAULT", "a form of Ansible Vault that is not known here"),
        ("$ANSIBLE_VAULT;1.1;AES256", "is damaged"),
    ],
)
def test_other_headers_are_named(vault: VaultFileBench, first_line: str, why: str) -> None:
    vault.path.write_text(f"{first_line}\nzz\n")
    with pytest.raises(StoreError, match=why):
        vault.open().load(["kim"])


# ------------------------------------------------------------------------------------------------ files and their modes


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_files_are_for_their_owner_only(vault: VaultFileBench, mask: int) -> None:
    before = os.umask(mask)
    try:
        put(vault.open(), kim=OLD)
        assert mode(vault.path) == 0o600
        vault.path.chmod(0o644)
        replace_old(vault)
    finally:
        os.umask(before)
    assert mode(vault.path) == 0o600
    assert mode(vault.path.with_name("passwords.yml.lock")) & 0o077 == 0
    assert litter(vault) == set()


def test_nothing_readable_is_on_the_disk_at_any_time(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    looked = []

    def look(when: str, step: str) -> None:
        for path in vault.path.parent.iterdir():
            content = path.read_bytes()
            assert CANARY.encode() not in content
            assert PASSPHRASE.encode() not in content
            assert b"dataforest" not in content
            assert mode(path) == 0o600, path
            looked.append(path.name)

    with vault.steps(look):
        replace_old(vault)
    assert ".passwords.yml.new" in looked


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
    for path in ("store/passwords.yml", "~/passwords.yml"):
        assert open_store({"path": path}, loader, {}).load(["kim"]).keys() == {"kim"}


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


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket in the way"])
def test_what_is_no_file_is_refused(vault: VaultFileBench, kind: str) -> None:
    if kind == "folder":
        vault.path.mkdir()
    elif kind == "pipe":
        os.mkfifo(vault.path)
    else:
        vault.path.with_name("passwords.yml.lock").mkdir()
        with pytest.raises(StoreError, match=r"passwords\.yml\.lock cannot be used, so nothing was saved"):
            put(vault.open(), kim=OLD)
        return
    for attempt in (lambda: vault.open().load(["kim"]), lambda: put(vault.open(), kim=OLD)):
        with pytest.raises(StoreError, match="cannot be read") as caught:
            attempt()
        assert caught.value.hint == "Name a file of your own, not a folder or a device."


# ---------------------------------------------------------------------------------------------------------- durability


def test_syncs_the_file_before_it_is_in_place_and_the_folder_after(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    store = vault.open()
    store.load(["kim"])
    steps: list[str] = []
    with vault.steps(lambda when, step: steps.append(step) if when == "after" else None):
        replace_old(vault, store)
    kept = [step for step in steps if step in ("flock", "write", "fsync", "replace")]
    assert kept == ["flock", "write", "fsync", "replace", "fsync"]


def test_what_a_reader_gets_is_on_the_disk_even_if_its_writer_died_before_it_was(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    steps: list[str] = []
    store = vault.open()
    with vault.steps(lambda when, step: steps.append(step) if when == "after" else None):
        store.load(["kim"])
        assert steps.count("fsync") == 2, "the file and its folder"
        steps.clear()
        store.load(["kim"])
        assert steps.count("fsync") == 0, "that file is on the disk by now"


def writing_steps(vault: VaultFileBench) -> list[str]:
    put(vault.open(), counted=OLD)
    steps: list[str] = []
    store = vault.open()
    revision = get(store, "counted").revision
    with vault.steps(lambda when, step: steps.append(step) if when == "before" else None):
        store.save({"counted": Change(NEW, revision)})
    return steps


def save_failing_at(vault: VaultFileBench, number: int, code: int, document: dict[str, str]) -> StoreError | None:
    """Save with an error of the system at one step; return what the store made of it."""
    left = iter(range(number, -9999, -1))

    def fail(when: str, step: str) -> None:
        # The system closes a file even if it reports an error of an earlier write.
        if when == ("after" if step == "close" else "before") and next(left) == 0:
            raise OSError(code, os.strerror(code))

    store = vault.open()
    revision = get(store, "kim").revision
    try:
        with vault.steps(fail):
            store.save({"kim": Change(document, revision)})
    except StoreError as error:
        return error
    return None


@pytest.mark.usefixtures("quick_key_derivation")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EROFS])
def test_an_error_at_any_step_is_told_and_leaves_the_old_or_the_new(vault: VaultFileBench, code: int) -> None:
    steps = writing_steps(vault)
    put(vault.open(), kim=OLD)
    told = set()
    for number, step in enumerate(steps):
        before = get(vault.open(), "kim").document
        target = {"password": f"{CANARY}-{number}"}
        error = save_failing_at(vault, number, code, target)
        now = get(vault.open(), "kim").document
        if error is None:
            # Nothing hung on it: the owner of the old file, the sync of what is not for writing, the end of the lock.
            assert step in ("stat", "unlink", "open", "fsync", "close"), step
            assert now == target
        else:
            told.add(error.message)
            assert error.hint
            assert CANARY not in error.sentence()
            assert error.unknown <= {"kim"}
            assert now == (target if error.unknown else before), step
        put(vault.open(), **{f"next-{code}-{number}": NEW})
        assert litter(vault) == set()
    assert any("was left as it is" in message for message in told)
    if code != errno.EROFS:
        assert any("did not confirm it" in message for message in told)


def test_a_rename_that_failed_and_was_done_all_the_same_counts_as_done(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)

    def fail(when: str, step: str) -> None:
        if (when, step) == ("after", "replace"):
            raise OSError(errno.EIO, "lost answer of a file server")

    with vault.steps(fail):
        replace_old(vault)
    assert get(vault.open(), "kim").document == NEW


def test_a_write_that_is_cut_off_by_a_kill_harms_nothing(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(vault.open(), kim=OLD)
    real = os.write
    for part in (0, 1, 100, 1000):

        def die(part: int = part) -> None:
            def torn(file: int, data: Any) -> int:
                real(file, bytes(data)[:part])
                kill_myself()
                return 0

            with vault.steps(lambda when, step: None):
                vault_file.os.write = torn
                replace_old(vault)

        with pytest.raises(Died):
            Child(die).result()
        assert litter(vault) == {".passwords.yml.new"}
        assert get(vault.open(), "kim").document == OLD
    replace_old(vault)
    assert litter(vault) == set()


def test_a_disk_that_takes_only_part_of_a_write_gets_the_rest(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    real = os.write
    with vault.steps(lambda when, step: None):
        vault_file.os.write = lambda file, data: real(file, bytes(data)[:7])
        replace_old(vault)
    assert get(vault.open(), "kim").document == NEW


def test_a_limit_of_the_system_on_the_size_of_files_is_told(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)

    def limited() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        store = vault.open()
        with pytest.raises(StoreError) as caught:
            store.save({"kim": Change({"password": "x" * 5000}, get(store, "kim").revision)})
        return caught.value.sentence()

    sentence = Child(limited).result()
    assert "was left as it is, because the new version could not be written (File too large)" in sentence
    assert get(vault.open(), "kim").document == OLD
    assert litter(vault) == set()


# ---------------------------------------------------------------------------------------------------------- permission


def test_without_permission_nothing_is_written_and_the_way_out_is_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "passwords.yml"
        store = open_store({"path": str(path)}, a_loader(("default", PASSPHRASE)), {})
        put(store, kim=OLD)
        whole = path.read_bytes()

        def attempt() -> list[str]:
            store = open_store({"path": str(path)}, a_loader(("default", PASSPHRASE)), {})
            sentences = []
            for action in (lambda: load(store, ["kim"]), lambda: store.save({"kim": Change(NEW, None)})):
                with pytest.raises(StoreError) as caught:
                    action()
                sentences.append(caught.value.sentence())
            return sentences

        # As another user; and, where the tests do not run as root, as this one without the modes that it takes.
        root = os.geteuid() == 0
        folder.chmod(0o755 if root else 0o555)
        path.chmod(0o600 if root else 0o000)
        path.with_name("passwords.yml.lock").chmod(0o600 if root else 0o000)
        try:
            for sentence in Child(attempt, as_nobody=True).result():
                assert "(Permission denied). Run as the user whose file and folder these are" in sentence
        finally:
            folder.chmod(0o755)
            path.chmod(0o600)
        assert path.read_bytes() == whole


def test_a_folder_that_may_only_be_read_from_keeps_its_file(vault: VaultFileBench) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "passwords.yml"
        put(open_store({"path": str(path)}, a_loader(("default", PASSPHRASE)), {}), kim=OLD)
        lock = path.with_name("passwords.yml.lock")
        if os.geteuid() == 0:
            for file in (path, lock):
                os.chown(file, 65534, 65534)
        folder.chmod(0o555)

        def attempt() -> str:
            store = open_store({"path": str(path)}, a_loader(("default", PASSPHRASE)), {})
            with pytest.raises(StoreError) as caught:
                store.save({"kim": Change(NEW, get(store, "kim").revision)})
            return caught.value.sentence()

        try:
            assert "was left as it is" in Child(attempt, as_nobody=True).result()
        finally:
            folder.chmod(0o755)


# ---------------------------------------------------------------------------------------------------------------- lock


def test_the_lock_of_a_dead_process_holds_nobody_up(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)

    def die() -> None:
        with vault.steps(lambda when, step: kill_myself() if (when, step) == ("after", "flock") else None):
            replace_old(vault)

    with pytest.raises(Died):
        Child(die).result()
    assert vault.path.with_name("passwords.yml.lock").exists()
    replace_old(vault, vault.open(lock_timeout=0.001))


def test_a_lock_that_is_held_is_waited_for_so_long_and_then_named(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    lock = vault.path.with_name("passwords.yml.lock")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert get(vault.open(), "kim").document == OLD, "readers do not wait"
        with pytest.raises(StoreError, match=r"did not let go of it within 0\.1 s; nothing was saved") as caught:
            replace_old(vault, vault.open(lock_timeout=0.1))
        assert str(lock) in caught.value.message
        assert get(vault.open(), "kim").document == OLD
        waiting = threading.Thread(target=replace_old, args=(vault,))
        waiting.start()
        fcntl.flock(held, fcntl.LOCK_UN)
        waiting.join()
    assert get(vault.open(), "kim").document == NEW


def test_programs_that_are_started_meanwhile_do_not_inherit_the_lock(vault: VaultFileBench) -> None:
    inherited = []

    def look(when: str, step: str) -> None:
        if when == "after":
            for name in os.listdir("/proc/self/fd"):
                try:
                    if os.readlink(f"/proc/self/fd/{name}").startswith(str(vault.path.parent)):
                        inherited.append(os.get_inheritable(int(name)))
                except OSError:
                    pass

    with vault.steps(look):
        put(vault.open(), kim=OLD)
    assert inherited
    assert not any(inherited)


def test_steps_see_every_call_to_the_system() -> None:
    """What is enumerated elsewhere is all that there is: no call of `os` in this store goes by another name."""
    names = set(vault_file._read_durable.__code__.co_names)
    for function in (
        vault_file._write_durable,
        vault_file._sync_folder,
        vault_file._sync,
        vault_file.VaultFileStore._replace,
        vault_file.VaultFileStore._real_path,
    ):
        names |= set(function.__code__.co_names)
    harmless = {"path", "geteuid", "getegid", "strerror"}
    used = {name for name in names if hasattr(os, name) and callable(getattr(os, name))}
    assert used - harmless <= set(OS_STEPS)
