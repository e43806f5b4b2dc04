# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible Vault as a `vault_file` uses it: a whole file under one of the vault secrets of a play.

`VaultAES256.decrypt` and `encrypt`, and what `VaultLib.decrypt_and_get_vault_id` and `format_vaulttext_envelope` do,
are not documented (lib/ansible/parsing/vault/__init__.py, ansible-core 2.19 to 2.22). `test_core_parts.py` notices when
they change.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Sequence
from io import BytesIO
from typing import Any, NamedTuple

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.vault import AnsibleVaultError, VaultAES256

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.file_text import CannotOpen, check_not_merged

_HEADER = b"$ANSIBLE_VAULT"
_LINE = 80


class VaultKey(NamedTuple):
    """A vault secret, and the vault id in the header of the file that it opens."""

    label: str | None
    secret: Any

    def __repr__(self) -> str:
        return f"VaultKey({self.label!r})"


def play_cipher(loader: Any, vault_id: str | None) -> AnsibleVault:
    """Return the cipher of the play that a DataLoader serves. Raises ConfigurationError."""
    # As `set_vault_secrets` in lib/ansible/parsing/dataloader.py keeps them (ansible-core 2.19 to 2.22).
    secrets = loader._vault.secrets or ()
    return AnsibleVault(secrets, vault_id, constants.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY"))


class AnsibleVault:
    """The vault secrets of a play. A file stays encrypted under the secret that opened it."""

    def __init__(self, secrets: Sequence[tuple[str, Any]], vault_id: str | None, encrypt_identity: str | None) -> None:
        if not secrets:
            raise ConfigurationError(
                "The store vault_file needs a vault secret, and this run has none.",
                hint="Run with --vault-password-file or --vault-id, or set ANSIBLE_VAULT_PASSWORD_FILE.",
            )
        given = ", ".join(sorted({name for name, _secret in secrets}))
        self._secrets = [(name, secret) for name, secret in secrets if vault_id in (None, name)]
        if not self._secrets:
            raise ConfigurationError(
                "The store asks for a vault id (vault_id) for which this run has no secret. "
                f"It has secrets for: {given}.",
                hint="Run with --vault-id LABEL@FILE for it, or change vault_id of the store.",
            )
        self._vault_id = vault_id
        self._encrypt_identity = encrypt_identity

    def decrypt(self, sealed: bytes) -> tuple[bytes, VaultKey]:
        """See `sealed_file.Cipher.decrypt`."""
        check_not_merged(sealed)
        header = BytesIO(sealed).readline().rstrip(b"\r\n")
        parts = header.strip().split(b";")
        if parts[0] != _HEADER:
            if not sealed:
                raise CannotOpen(
                    "is empty", "Restore a complete copy of it. A store that does not exist yet has no file at all."
                )
            raise CannotOpen(
                "is not encrypted with Ansible Vault",
                "If it is this store in clear text, encrypt it: ansible-vault encrypt {file}. Otherwise restore a "
                "complete copy of it, or name another file.",
            )
        if len(parts) < 3 or parts[1] not in (b"1.1", b"1.2") or parts[2] != b"AES256":
            raise CannotOpen(
                "is in a format of Ansible Vault that this version does not know", "Restore a complete copy of it."
            )
        label = parts[3].decode("utf-8", "replace") if len(parts) > 3 else None
        if self._vault_id and label and label != self._vault_id:
            raise CannotOpen(
                f"is encrypted under the vault id {label!a}, and the store asks for {self._vault_id!a}",
                "Change vault_id of the store, or re-key the file with ansible-vault rekey.",
            )
        # What `VaultLib.decrypt` does, without an object for each line and a copy of all of it at each step.
        body = memoryview(sealed.translate(None, b"\r\n"))[len(header) :]
        for secret in self._secrets_for(label):
            try:
                return VaultAES256.decrypt(body, secret), VaultKey(label, secret)
            except AnsibleVaultError:
                continue
            except AnsibleError:
                raise CannotOpen("is damaged", "Restore a complete copy of it.") from None
            except Exception as error:
                raise CannotOpen(f"is damaged ({type(error).__name__})", "Restore a complete copy of it.") from None
        known = ", ".join(sorted({name for name, _secret in self._secrets}))
        raise CannotOpen(
            f"cannot be opened with the vault secrets of this run ({known}): "
            "it is encrypted with another passphrase, or damaged",
            "Run with the vault secret of this file, or restore a complete copy of it.",
        )

    def _secrets_for(self, label: str | None) -> list[Any]:
        """Return the secrets to try on a file, in the order of the play, as `VaultLib.decrypt` chooses them."""
        wanted = label or constants.config.get_config_value("DEFAULT_VAULT_IDENTITY")
        strict = constants.config.get_config_value("DEFAULT_VAULT_ID_MATCH")
        return [secret for name, secret in self._secrets if not strict or name == wanted]

    def passphrases(self) -> list[str]:
        """See `sealed_file.Cipher.passphrases`."""
        return [secret.bytes.decode("utf-8", "replace") for _name, secret in self._secrets if secret.bytes]

    def encrypt(self, plain: bytes, key: object) -> tuple[bytes, VaultKey]:
        """See `sealed_file.Cipher.encrypt`."""
        if not isinstance(key, VaultKey):
            key = self._key_for_new_file()
        return _sealed(plain, key), key

    def _key_for_new_file(self) -> VaultKey:
        chosen = self._vault_id or self._encrypt_identity
        usable = [(name, secret) for name, secret in self._secrets if chosen in (None, name)]
        names = sorted({name for name, _secret in (usable or self._secrets)})
        if len(names) > 1 or not usable:
            raise CannotOpen(
                f"does not exist yet, and it is not clear which vault id to use for it: this run has {names}",
                "Set vault_id of the store.",
            )
        if len({secret.bytes for _name, secret in usable}) > 1:
            # `ansible-vault` refuses this, too.
            raise CannotOpen(
                f"does not exist yet, and this run has several passphrases under the vault id {names[0]!a}",
                "Give each passphrase a vault id of its own (--vault-id LABEL@FILE), and set vault_id of the store.",
            )
        key = VaultKey(*usable[0])
        if key.label and not key.label.isascii():
            raise CannotOpen(
                f"does not exist yet, and Ansible Vault cannot read a file under the vault id {key.label!r}",
                "Use a vault id in ASCII.",
            )
        return key


def _sealed(plain: bytes, key: VaultKey) -> bytes:
    """Return the text of Ansible Vault: what `VaultLib.encrypt` returns, without an object for each line on the way."""
    # A salt of our own: one that is fixed by configuration would give every version of the file the same key
    # stream, and two versions side by side would give away their content.
    body = binascii.unhexlify(VaultAES256.encrypt(plain, key.secret, salt=os.urandom(32)))
    body = binascii.hexlify(body, b"\n", -_LINE // 2)
    named = key.label not in (None, "", "default")
    header = f"$ANSIBLE_VAULT;1.2;AES256;{key.label}" if named else "$ANSIBLE_VAULT;1.1;AES256"
    return b"\n".join((header.encode(), body, b""))
