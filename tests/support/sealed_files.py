# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of a store in a file share."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, Store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.stores.benches import PASSPHRASE, VaultFileBench, a_loader, get

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


def opened(vault: VaultFileBench, *secrets: tuple[str, str], **options: Any) -> Store:
    return open_store({"path": str(vault.path), **options}, a_loader(*secrets), {})


def header(vault: VaultFileBench) -> str:
    return vault.path.read_text().split("\n", 1)[0]


def lock_of(vault: VaultFileBench) -> Path:
    return vault.path.with_name(f"{vault.path.name}.lock")
