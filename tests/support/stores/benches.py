# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests need to know about a store. A new store adds one class here, and its name to BENCHES."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import durable_file, file_text
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Store,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.on_save import Command
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.stores.openbao import OpenBao
from support.stores.steps import Hook, Replacement, of_hashi_vault, of_on_save, of_vault_file

PASSPHRASE = "Tresor-암호-4711"


class Bench(Protocol):
    """One place for documents, empty at first."""

    secrets: list[str]
    """What the store logs in or encrypts with. It must not appear anywhere."""

    fewest_boundaries: int
    """If a run over three accounts has fewer of them, the enumeration is broken."""

    @property
    def options(self) -> dict[str, Any]:
        """What a playbook says in ``store``."""

    def open(self) -> Store:
        """A new object for the same place, as another run would have."""

    def move(self) -> None:
        """Continue with a different place, as empty as the first one was."""

    def mark(self) -> object:
        """A value that is different after every save, even after one that changes nothing."""

    def names(self) -> list[str]:
        """The names of all documents there, sorted, read past the store."""

    def steps(self, hook: Hook) -> AbstractContextManager[None]:
        """Call the hook for every step that the store takes outside of this process, in the order taken."""

    def spoil(self, name: str) -> None:
        """Make one document unreadable, and leave the others as they are."""

    def not_for_saving(self) -> AbstractContextManager[Store]:
        """A store that this process may read, but in which it may not save."""

    def faults(self) -> dict[str, Callable[[], AbstractContextManager[Store]]]:
        """The ways in which the place cannot be used at all, each with a store that meets it."""


def a_loader(*vault_secrets: tuple[str, str]) -> DataLoader:
    """The loader that an action plugin has in a play that was given these vault IDs and passphrases."""
    loader = DataLoader()
    known: list[tuple[str, Any]] = [(name, VaultSecret(text.encode())) for name, text in vault_secrets]
    loader.set_vault_secrets(known)
    return loader


class VaultFileBench:
    """A file in a folder of its own."""

    fewest_boundaries = 120

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.path: Path = request.getfixturevalue("folder") / "store" / "passwords.yml"
        self.path.parent.mkdir()
        self.secrets = [PASSPHRASE]

    @property
    def options(self) -> dict[str, Any]:
        return {"path": str(self.path)}

    def open(self, passphrase: str = PASSPHRASE, **options: Any) -> Store:
        return open_store({**self.options, **options}, a_loader(("default", passphrase)), {})

    def move(self) -> None:
        self.path = self.path.parent.with_name(secrets.token_hex(6)) / self.path.name
        self.path.parent.mkdir()

    def mark(self) -> object:
        state = self.path.stat()
        return state.st_ino, state.st_mtime_ns, self.path.read_bytes()

    def names(self) -> list[str]:
        if not self.path.exists():
            return []
        return sorted(file_text.from_text(self._vault().decrypt(self.path.read_bytes())).documents)

    def spoil(self, name: str) -> None:
        content = json.loads(self._vault().decrypt(self.path.read_bytes()))
        content["dataforest_credentials"][name] = "no document"
        self.path.write_bytes(self._vault().encrypt(json.dumps(content).encode()))

    @contextlib.contextmanager
    def not_for_saving(self) -> Iterator[Store]:
        lock = self.path.with_name(f"{self.path.name}.lock")
        lock.unlink(missing_ok=True)
        lock.mkdir()
        yield self.open()
        lock.rmdir()

    @staticmethod
    def _vault() -> VaultLib:
        return VaultLib([("default", VaultSecret(PASSPHRASE.encode()))])

    def steps(self, hook: Hook) -> AbstractContextManager[None]:
        return replaced(of_vault_file(durable_file, hook))

    def faults(self) -> dict[str, Callable[[], AbstractContextManager[Store]]]:
        def content(change: Callable[[bytes], bytes]) -> Callable[[], AbstractContextManager[Store]]:
            @contextlib.contextmanager
            def fault() -> Iterator[Store]:
                whole = self.path.read_bytes()
                spoilt = change(whole)
                self.path.write_bytes(spoilt)
                yield self.open()
                assert self.path.read_bytes() == spoilt, "a file that cannot be read must be left as it is"
                self.path.write_bytes(whole)

            return fault

        @contextlib.contextmanager
        def another_passphrase() -> Iterator[Store]:
            yield self.open("another one")

        @contextlib.contextmanager
        def no_folder() -> Iterator[Store]:
            away = self.path.parent.rename(self.path.parent.with_name("away"))
            yield self.open()
            away.rename(self.path.parent)

        return {
            "torn": content(lambda whole: whole[: len(whole) // 2]),
            "torn at a byte": content(lambda whole: whole[: len(whole) - 3]),
            "empty": content(lambda whole: b""),
            "garbage": content(lambda whole: os.urandom(500)),
            "foreign": content(lambda whole: b"password: hunter2\n"),
            "another passphrase": another_passphrase,
            "no folder": no_folder,
        }


class ElsewhereBench(VaultFileBench):
    """A file on a machine that may vanish, with a command that brings each version elsewhere."""

    @property
    def elsewhere(self) -> Path:
        return self.path.parent.with_name("elsewhere") / self.path.parent.name

    @property
    def options(self) -> dict[str, Any]:
        # As a whole: half of a file elsewhere would be none.
        script = 'mkdir -p "$1" && cp "$0" "$1/new" && mv "$1/new" "$1/$0"'
        return {**super().options, "on_save": ["sh", "-c", script, self.path.name, str(self.elsewhere)]}

    def vanish(self) -> None:
        """Go on with another machine, which has only what is elsewhere."""
        found = self.elsewhere
        self.move()
        if found.exists():
            shutil.copytree(found, self.path.parent, dirs_exist_ok=True)
            shutil.copytree(found, self.elsewhere)

    def steps(self, hook: Hook) -> AbstractContextManager[None]:
        return replaced(itertools.chain(of_vault_file(durable_file, hook), of_on_save(Command, hook)))


class HashiVaultBench:
    """A folder of its own in a mount that all tests share."""

    fewest_boundaries = 25

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.server: OpenBao = request.getfixturevalue("openbao")
        self.move()
        self.token = self.server.token(POLICY)
        self.secrets = [self.token]

    @property
    def options(self) -> dict[str, Any]:
        place = {"url": self.server.url, "token": self.token, "secret_path": self.folder}
        return {"type": "hashi_vault", **place, "retries": 0}

    def open(self, **options: Any) -> Store:
        return open_store({**self.options, **options}, None, {})

    def move(self) -> None:
        self.folder = f"test/{secrets.token_hex(6)}"

    def mark(self) -> object:
        place = f"secret/metadata/{self.folder}"
        return {name: self.server.do("GET", f"{place}/{quote(name)}")["data"] for name in self.names()}

    def names(self) -> list[str]:
        status, answer = self.server.call("LIST", f"secret/metadata/{self.folder}")
        assert status in (200, 404), answer
        return sorted(name for name in answer["data"]["keys"] if not name.endswith("/")) if status == 200 else []

    def spoil(self, name: str) -> None:
        self.server.do("DELETE", f"secret/data/{self.folder}/{quote(name)}")

    @contextlib.contextmanager
    def not_for_saving(self) -> Iterator[Store]:
        policy = 'path "secret/data/test/*" { capabilities = ["read"] }'
        policy += ' path "secret/metadata/test/*" { capabilities = ["list"] }'
        yield self.open(token=self.server.token(policy + ' path "sys/capabilities-self" { capabilities = ["update"] }'))

    def steps(self, hook: Hook) -> AbstractContextManager[None]:
        return replaced(of_hashi_vault(wire, hook))

    def faults(self) -> dict[str, Callable[[], AbstractContextManager[Store]]]:
        def options(**changed: Any) -> Callable[[], AbstractContextManager[Store]]:
            return lambda: contextlib.nullcontext(self.open(**changed))

        return {
            "away": options(url="http://127.0.0.1:9"),
            "a token that is not valid": options(token="s.not-a-token"),
            "a token without rights": options(
                token=self.server.token('path "secret/data/other" {capabilities=["read"]}')
            ),
            "no such mount": options(mount_point="elsewhere"),
            "a mount of another kind": options(mount_point="cubbyhole"),
            "KV version 1": options(mount_point="kv1"),
            "no such namespace": options(namespace="nobody"),
        }


# No more than what the documentation asks for.
POLICY = """
path "secret/data/test/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/test/*" { capabilities = ["list", "delete"] }
path "kv1/*" { capabilities = ["create", "read", "update", "list"] }
path "cubbyhole/*" { capabilities = ["create", "read", "update", "list"] }
"""

BENCHES: dict[str, Callable[[pytest.FixtureRequest], Bench]] = {
    "vault_file": VaultFileBench,
    "hashi_vault": HashiVaultBench,
}


@contextlib.contextmanager
def replaced(replacements: Iterable[Replacement]) -> Iterator[None]:
    """Run with these attributes in place of the real ones."""
    with pytest.MonkeyPatch.context() as patch:
        for target, name, value in replacements:
            patch.setattr(target, name, value)
        yield


def put(store: Store, **documents: Any) -> dict[str, str]:
    """Save new documents, all of which must be accepted."""
    outcomes = store.save({name: Change(document, None) for name, document in documents.items()})
    assert all(isinstance(outcome, str) for outcome in outcomes.values()), outcomes
    return {name: str(outcome) for name, outcome in outcomes.items()}


def load(store: Store, names: Sequence[str]) -> dict[str, Stored]:
    """Load documents, each of which must be readable."""
    found = store.load(names)
    for each in found.values():
        if isinstance(each, StoreError):
            raise each
    return {name: each for name, each in found.items() if isinstance(each, Stored)}


def said(outcomes: Mapping[str, Any]) -> None:
    """Raise an error that a store returns for one document as if it were about all."""
    for outcome in outcomes.values():
        if isinstance(outcome, StoreError):
            raise outcome


def get(store: Store, name: str) -> Stored:
    return load(store, [name])[name]
