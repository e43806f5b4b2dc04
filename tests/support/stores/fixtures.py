# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores under test, and the server that one of them needs. Imported by the conftest.py of each suite."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ansible.parsing.vault
import pytest

from support.stores.benches import BENCHES, Bench, HashiVaultBench, VaultFileBench
from support.stores.openbao import OpenBao


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server in memory, with a mount of KV version 2 (secret) and one of version 1 (kv1)."""
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        server.do("POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where the system has one: the time that a disk takes to sync proves nothing here."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


@pytest.fixture
def quick_key_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round instead of ten thousand: how hard a passphrase is to guess proves nothing here."""
    real = ansible.parsing.vault.PBKDF2HMAC
    monkeypatch.setattr(ansible.parsing.vault, "PBKDF2HMAC", lambda **given: real(**{**given, "iterations": 1}))


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest) -> Bench:
    return BENCHES[request.param](request)


@pytest.fixture
def vault(request: pytest.FixtureRequest) -> VaultFileBench:
    return VaultFileBench(request)


@pytest.fixture
def hashi(request: pytest.FixtureRequest) -> HashiVaultBench:
    return HashiVaultBench(request)
