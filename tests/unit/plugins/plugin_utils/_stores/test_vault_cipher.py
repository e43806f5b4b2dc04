# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible Vault as the store uses it: which secret a file is under, and that `ansible-vault` agrees."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import AnsibleVaultError, VaultLib
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import file_text, vault_cipher
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.sealed_files import NEW, OLD, header, opened, replace_old, seal, secrets_of
from support.stores.benches import PASSPHRASE, VaultFileBench, a_loader, get, put

# ------------------------------------------------------------------------------------------------------- vault secrets


def test_without_a_vault_secret_nothing_begins(vault: VaultFileBench) -> None:
    for loader in (DataLoader(), a_loader()):
        with pytest.raises(ConfigurationError, match="this run has none") as caught:
            open_store({"path": str(vault.path)}, loader, {})
        assert "--vault-password-file" in str(caught.value.hint)


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
    refused = refusal(vault, ("prod", "p"), ("dev", "d"))
    assert "it is not clear which vault id to use for it" in refused.message
    assert refused.hint == "Set vault_id of the store."


def refusal(vault: VaultFileBench, *secrets: tuple[str, str], **options: Any) -> StoreError:
    """Why no new file is made, which is predicted in the same words."""
    errors = []
    for action in (
        lambda: opened(vault, *secrets, **options).check_save(["kim"]),
        lambda: put(opened(vault, *secrets, **options), kim=OLD),
    ):
        with pytest.raises(StoreError) as caught:
            action()
        errors.append(caught.value)
    assert errors[0].sentence() == errors[1].sentence()
    assert not vault.path.exists()
    return errors[0]


@pytest.mark.parametrize("options", [{}, {"vault_id": "dev"}])
def test_neither_of_two_passphrases_under_one_vault_id_is_taken_by_chance(
    vault: VaultFileBench, options: dict[str, str]
) -> None:
    refused = refusal(vault, ("dev", "one-passphrase"), ("dev", "another"), **options)
    assert "has several passphrases under the vault id 'dev'" in refused.message
    assert "another" not in refused.sentence()
    # The same one twice, as from ansible.cfg and from the command line, leaves no doubt.
    put(opened(vault, ("dev", "another"), ("dev", "another"), **options), kim=OLD)
    # A file that exists stays under its own.
    replace_old(vault, opened(vault, ("dev", "one-passphrase"), ("dev", "another"), **options))
    assert get(opened(vault, ("dev", "another")), "kim").document == NEW


def test_clear_text_is_told_how_to_encrypt_it(vault: VaultFileBench) -> None:
    vault.path = vault.path.with_name("pass words.yml")
    vault.path.write_bytes(file_text.to_text({"kim": file_text.entry("kim", OLD)}))
    with pytest.raises(StoreError, match="is not encrypted with Ansible Vault") as caught:
        vault.open().load(["kim"])
    assert f"encrypt it: ansible-vault encrypt '{vault.path}'." in str(caught.value.hint)


@pytest.mark.parametrize("label", [None, "prod"])
def test_a_file_stays_under_the_secret_that_it_is_under(vault: VaultFileBench, label: str | None) -> None:
    vault.path.write_bytes(seal(file_text.to_text({"kim": file_text.entry("kim", OLD)}), label, "p"))
    before = header(vault)
    replace_old(vault, opened(vault, ("dev", "d"), ("prod", "p"), ("last", "l")))
    assert header(vault) == before
    assert get(opened(vault, ("prod", "p")), "kim").document == NEW


def test_no_file_is_made_that_ansible_vault_cannot_read(vault: VaultFileBench) -> None:
    """It writes a header in Korean, but recognizes only headers in ASCII."""
    refused = refusal(vault, ("운영", "p"))
    assert "cannot read a file under the vault id '운영'" in refused.message
    assert refused.hint == "Use a vault id in ASCII."
    vault.path.write_bytes(seal(file_text.to_text({"kim": file_text.entry("kim", OLD)}), "운영", "p"))
    assert get(opened(vault, ("운영", "p")), "kim").document == OLD


def test_a_file_under_another_vault_id_is_left_alone(vault: VaultFileBench) -> None:
    vault.path.write_bytes(sealed := seal(file_text.to_text({"kim": file_text.entry("kim", OLD)}), "dev", "same"))
    store = opened(vault, ("dev", "same"), ("prod", "same"), vault_id="prod")
    with pytest.raises(StoreError, match="under the vault id 'dev', and the store asks for 'prod'"):
        store.save({"kim": Change(NEW, None)})
    assert vault.path.read_bytes() == sealed


def test_a_vault_id_without_a_secret_is_named(vault: VaultFileBench) -> None:
    with pytest.raises(ConfigurationError, match=r"asks for a vault id .* for which this run has no secret"):
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
    sealed, key = vault_cipher.AnsibleVault(secrets, None, None).encrypt(
        plain, vault_cipher.VaultKey(label, secrets[0][1])
    )
    salt = bytes.fromhex(bytes.fromhex(b"".join(sealed.split(b"\n")[1:]).decode()).split(b"\n")[0].decode())
    assert sealed == VaultLib(secrets).encrypt(plain, secret=key.secret, vault_id=label, salt=salt)
    assert len(salt) == 32


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("label", [None, "default", "prod"])
@given(plain=st.binary(max_size=300).map(b"{".__add__))
def test_reads_what_ansible_vault_writes(label: str | None, plain: bytes, end: bytes) -> None:
    secrets = secrets_of(("dev", "another"), ("default", PASSPHRASE))
    sealed = bytes(VaultLib(secrets).encrypt(plain, secret=secrets[1][1], vault_id=label)).replace(b"\n", end)
    found, key = vault_cipher.AnsibleVault(secrets, None, None).decrypt(sealed)
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

    ours = opens(vault_cipher.AnsibleVault(secrets, None, None).decrypt, file_text.CannotOpen)
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


@pytest.mark.parametrize(
    ("first_line", "why"),
    [
        ("$ANSIBLE_VAULT;9.9;AES256", "a format of Ansible Vault that this version does not know"),
        ("$ANSIBLE_VAULT;1.1;ROT13", "a format of Ansible Vault that this version does not know"),
        ("$ANSIBLE_VAULT", "a format of Ansible Vault that this version does not know"),
        ("$ANSIBLE_VAULT;1.1;AES256", "is damaged"),
    ],
)
def test_other_headers_are_named(vault: VaultFileBench, first_line: str, why: str) -> None:
    vault.path.write_text(f"{first_line}\nzz\n")
    with pytest.raises(StoreError, match=why):
        vault.open().load(["kim"])
