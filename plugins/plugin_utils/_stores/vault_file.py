# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store that needs no server: one file of variables, encrypted as a whole with Ansible Vault.

Before encryption it is JSON, which is YAML as well::

    {
      "dataforest_credentials_format": 1,
      "dataforest_credentials": {
        "analyst": {
          "password": "..."
        }
      }
    }

so `vars_files` gives a play ``dataforest_credentials.analyst.password``, and `ansible-vault view` shows all of it.
Other contents have another variable.

- Readers take no lock: the file is replaced as a whole, never written in place.
- Writers lock ``FILE.lock``. That file stays, and means nothing by itself: the kernel ends a lock with its process.
- `load` syncs, too. Otherwise a writer that died between its rename and its sync could leave behind a version that
  readers act upon and a power failure takes back.
- With ``on_save``, a version is durable when this command has brought it elsewhere. So a save runs it, and so does the
  first read of a task that may save, if an earlier one has not come to its end. All of this is under the lock.
- `ansible-vault edit` and `rekey` do not know the lock: use them while no rotation runs.
- A text that may be a template has the YAML tag ``!unsafe``; see `file_text`.
- If a name has something other than a document, only this name fails. What it has is kept as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from secrets import token_bytes
from types import MappingProxyType
from typing import NamedTuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    PASSWORDS,
    Change,
    Conflict,
    Contents,
    Context,
    Document,
    Saved,
    Store,
    Stored,
    StoreError,
    check_name,
    strings,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.durable_file import (
    Lock,
    Version,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.file_text import (
    Stray,
    entry,
    from_text,
    survives,
    to_text,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.on_save import Command
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.sealed_file import Cipher, SealedFile, opening
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.vault_cipher import play_cipher

OPTIONS: Spec = {
    "path": {"type": "str", "required": True, "form": "file"},
    "vault_id": {"type": "str"},
    "lock_timeout": {"type": "float", "default": 60.0, "least": 0, "most": 86400},
    "on_save": {"type": "list", "elements": "str"},
    "on_save_timeout": {"type": "float", "default": 120.0, "least": 1, "most": 3600},
}
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {}

# Without a key, anybody who sees a revision could try passwords on it.
_REVISION_KEY = token_bytes(32)


def open_store(options: Options, context: Context) -> Store:
    """Return the store that these options describe, under the vault secrets of the play."""
    cipher = play_cipher(context.loader, options["vault_id"])
    path = context.loader.path_dwim(options["path"])
    arguments = options["on_save"]
    return VaultFileStore(
        path,
        cipher,
        context.contents,
        lock_timeout=options["lock_timeout"],
        on_save=Command(tuple(arguments), options["on_save_timeout"]) if arguments else None,
        may_save=context.may_save,
    )


# -------------------------------------------------------------------------------------------------------------- store


_NONE: Mapping[str, str] = MappingProxyType({})


class _Content(NamedTuple):
    """The file as it was read: its documents as JSON text, its strays, and the key that opened it.

    ``version`` is None where there is no file, ``entries`` are those documents as they stand in the file that this
    process has written. ``decoded`` are documents that the next reader need not decode.
    """

    version: Version | None = None
    documents: Mapping[str, str] = _NONE
    strays: Mapping[str, Stray] = MappingProxyType({})
    entries: Mapping[str, str] = _NONE
    key: object = None
    decoded: Mapping[str, Document] = MappingProxyType({})

    def __repr__(self) -> str:
        return f"_Content({len(self.documents)} documents)"


def _revision(text: str) -> str:
    return hashlib.blake2b(text.encode(), key=_REVISION_KEY, digest_size=16).hexdigest()


class VaultFileStore:
    """One file. The object remembers what it decrypted last, but reads the file every time."""

    def __init__(
        self,
        path: str,
        cipher: Cipher,
        contents: Contents = PASSWORDS,
        *,
        lock_timeout: float = 60.0,
        on_save: Command | None = None,
        may_save: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._cipher = cipher
        self._may_save = may_save
        self._file = SealedFile(path, cipher, lock_timeout, clock or Clock(), on_save)
        self._variable = contents.variable
        self._last = _Content()

    @property
    def place(self) -> str:
        """See `Store.place`."""
        is_new = self._file.was_missing and self._last.version is None
        return f"{self._path} (there is no such file yet)" if is_new else self._path

    @property
    def address(self) -> str:
        """See `Store.address`."""
        return os.path.realpath(self._path)

    def is_same(self, other: Store) -> bool:
        """See `Store.is_same`."""
        one, another = self.address, other.address
        both = os.path.exists(one) and os.path.exists(another)
        return one == another or (both and os.path.samefile(one, another))

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        """See `Store.load`."""
        wanted = [check_name(name) for name in names]
        path = self._file.path()
        content, decoded = self._read_saved(path)
        found: dict[str, Stored | StoreError] = {}
        for name in wanted:
            text = content.documents.get(name)
            if text is not None:
                found[name] = Stored(decoded[name] if name in decoded else json.loads(text), _revision(text))
            elif name in content.strays:
                found[name] = StoreError(
                    f"What the store {path} holds under the name {name} is not a document: {content.strays[name].why}.",
                    hint="Correct it with ansible-vault edit while no rotation runs.",
                )
        return found

    def names(self) -> list[str]:
        """See `Store.names`. A stray without a valid name cannot be asked for."""
        content, decoded = self._read_saved(self._file.path())
        # Whoever asks for names wants the documents, too.
        self._last = content._replace(decoded=decoded)
        return sorted([*content.documents, *(name for name in content.strays if not name.startswith("/"))])

    def check_delete(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """See `Store.check_delete`. It is a save without these documents."""
        return self.check_save(names)

    def delete(self, expected: Mapping[str, str]) -> dict[str, Saved]:
        """See `Store.delete`."""
        names = [check_name(name) for name in expected]
        changes = {name: Change({}, expected[name]) for name in names}
        return self._save_texts(changes, dict.fromkeys(names)) if names else {}

    def check_save(self, names: Sequence[str]) -> Mapping[str, StoreError]:
        """See `Store.check_save`."""
        for name in names:
            check_name(name)
        path = self._file.path()
        content, _decoded = self._read(path)
        self._file.check_replaceable(path, content.key)
        return {}

    def close(self) -> None:
        """See `Store.close`."""

    def save(self, changes: Mapping[str, Change]) -> dict[str, Saved]:
        """See `Store.save`."""
        texts: dict[str, str] = {}
        refused: dict[str, Saved] = {}
        for name in [check_name(name) for name in changes]:
            try:
                texts[name] = to_json(name, changes[name].document)
            except StoreError as error:
                refused[name] = error
        if not texts:
            return refused
        try:
            return {**refused, **self._save_texts(changes, texts)}
        except StoreError as error:
            error.saved = {**refused, **error.saved}
            raise

    def _save_texts(self, changes: Mapping[str, Change], texts: Mapping[str, str | None]) -> dict[str, Saved]:
        """Save those of the changes that have a text. Documents for which it is None are deleted."""
        return self._file.changed(lambda path, lock: self._save(path, lock, changes, texts))

    def _save(
        self, path: str, lock: Lock, changes: Mapping[str, Change], texts: Mapping[str, str | None]
    ) -> dict[str, Saved]:
        content, _decoded = self._read(path)
        documents = dict(content.documents)
        fresh: dict[str, Document] = {}
        outcomes: dict[str, Saved] = {}
        for name, text in texts.items():
            current = _revision(documents[name]) if name in documents else None
            if current != changes[name].expected or name in content.strays:
                outcomes[name] = Conflict()
                continue
            outcomes[name] = revision = "" if text is None else _revision(text)
            if text is None:
                del documents[name]
            elif revision != current:
                documents[name], fresh[name] = text, changes[name].document
        if fresh or len(documents) < len(content.documents):
            try:
                self._replace(path, lock, content, documents, fresh)
            except StoreError as error:
                error.saved = {name: outcome for name, outcome in outcomes.items() if name not in error.unknown}
                raise
        else:
            self._file.catch_up_locked(path, lock, lambda: self._secrets(documents))
        return outcomes

    def _read_saved(self, path: str) -> tuple[_Content, Mapping[str, Document]]:
        """Return what `_read` does. A task that may save waits until it is elsewhere, too."""
        content, decoded = self._read(path)
        if self._may_save:
            # After the read, so that nothing newer was read.
            self._file.catch_up(path, lambda: self._secrets(content.documents))
        return content, decoded

    def _read(self, path: str) -> tuple[_Content, Mapping[str, Document]]:
        """Return the file, and its documents if they are decoded, which are kept for no more than one more read."""
        last = self._last
        found = self._file.read(path, last.version)
        if found is None:
            return _Content(), {}
        if found.plain is None:
            self._last = last._replace(version=found.version, decoded={})
            return self._last, last.decoded
        with opening(path, "it was left as it is"):
            texts = from_text(found.plain, self._variable)
        documents = {name: each.text for name, each in texts.documents.items()}
        self._last = _Content(found.version, documents, texts.strays, key=found.key)
        return self._last, {name: each.document for name, each in texts.documents.items()}

    def _secrets(self, documents: Mapping[str, str]) -> list[str]:
        """Return what a command may know and nobody may see: every text in these documents, and the passphrases.

        Names of documents are left out, since messages may show them.
        """
        texts = (text for each in documents.values() for text in strings(json.loads(each)))
        return [*(text for text in texts if text not in documents), *self._cipher.passphrases()]

    def _replace(
        self,
        path: str,
        lock: Lock,
        old: _Content,
        texts: Mapping[str, str],
        fresh: Mapping[str, Document],
    ) -> None:
        """Put a file with these documents in the place of the old one, or leave the old one as it is.

        Those that are ``fresh`` are not in the old one, or differ there. Raises LockLost.
        """
        changed = [*fresh, *(name for name in old.documents if name not in texts)]
        entries = {}
        for name, text in texts.items():
            if name in old.entries and name not in fresh:
                entries[name] = old.entries[name]
                continue
            document = fresh[name] if name in fresh else json.loads(text)
            entries[name] = entry(name, document)
            # Read back before anything is written: a file that cannot be read must never replace one that can.
            if not survives(entries[name], name, document):
                raise StoreError(f"The store {path} was left as it is: what it should hold does not survive YAML.")
        strays = {name: stray.entry for name, stray in old.strays.items()}
        plain = to_text({**entries, **strays}, self._variable)
        version, key = self._file.replace(
            path, lock, old.version, plain, old.key, changed, lambda: self._secrets({**old.documents, **texts})
        )
        self._last = _Content(version, dict(texts), old.strays, entries, key)
