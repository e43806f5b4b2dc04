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
- `ansible-vault edit` and `rekey` do not know the lock: use them while no rotation runs.
- A text that may be a template has the YAML tag ``!unsafe``; see `file_text`.
- If a name has something other than a document, only this name fails. What it has is kept as it is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
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
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.durable_file import (
    Busy,
    CannotKeep,
    Lock,
    LockLost,
    Uncertain,
    Unconfirmed,
    Version,
    check_keepable,
    check_replaceable,
    folder_identity,
    locked,
    owner_of,
    read_durable,
    replace,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.file_text import (
    CannotOpen,
    Stray,
    entry,
    from_text,
    survives,
    to_text,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.vault_cipher import Cipher, play_cipher

OPTIONS: Spec = {
    "path": {"type": "str", "required": True, "form": "file"},
    "vault_id": {"type": "str"},
    "lock_timeout": {"type": "float", "default": 60.0, "least": 0, "most": 86400},
}
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {}

# Without a key, anybody who sees a revision could try passwords on it.
_REVISION_KEY = token_bytes(32)


def open_store(options: Options, context: Context) -> Store:
    """Return the store that these options describe, under the vault secrets of the play."""
    cipher = play_cipher(context.loader, options["vault_id"])
    path = context.loader.path_dwim(options["path"])
    return VaultFileStore(path, cipher, context.contents, lock_timeout=options["lock_timeout"])


# -------------------------------------------------------------------------------------------------------------- store


_NONE: Mapping[str, str] = MappingProxyType({})


class _Content(NamedTuple):
    """The file as it was read: its documents as JSON text, its strays, and the key that opened it.

    ``version`` is None where there is no file, ``entries`` are those documents as they stand in the file that this
    process has written.
    """

    version: Version | None = None
    documents: Mapping[str, str] = _NONE
    strays: Mapping[str, Stray] = MappingProxyType({})
    entries: Mapping[str, str] = _NONE
    key: object = None

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
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._cipher = cipher
        self._variable = contents.variable
        self._lock_timeout = lock_timeout
        self._clock = clock or Clock()
        self._last = _Content()
        # The folder in which there was no file at first: a new store is begun only in this very folder.
        self._folder: tuple[int, int] | None = None

    @property
    def place(self) -> str:
        """See `Store.place`."""
        is_new = self._folder is not None and self._last.version is None
        return f"{self._path} (there is no such file yet)" if is_new else self._path

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        """See `Store.load`."""
        wanted = [check_name(name) for name in names]
        path = self._real_path()
        content, decoded = self._read(path)
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
        content, _decoded = self._read(self._real_path())
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
        path = self._real_path()
        content, _decoded = self._read(path)
        with self._explained(f"The store {path} cannot be saved"):
            check_replaceable(path, f"{path}.lock")
        # The simplest check is to try it: the key of a new file is chosen here.
        self._sealed(path, b"", content.key)
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
        deadline = self._clock.monotonic() + self._lock_timeout
        while True:
            path = self._real_path()
            with self._explained(f"The store {path} cannot be saved"):
                check_keepable(path, owner_of(path))
            try:
                with self._locked(path, max(deadline - self._clock.monotonic(), 0.0)) as lock:
                    return self._save(path, lock, changes, texts)
            except LockLost:
                # What was read may be stale by now, and another run may hold the new lock: start over.
                if self._clock.monotonic() >= deadline:
                    raise StoreError(
                        f"Something keeps changing the store {path} or its lock without holding the lock; nothing was "
                        "saved.",
                        hint="Find out what removes or replaces these files, then run again.",
                    ) from None

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
        return outcomes

    def _real_path(self) -> str:
        """Return the path of the file itself: a link to it stays a link, and all writers find the same lock."""
        path = os.path.realpath(self._path)
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            raise StoreError(
                f"The store {self._path} cannot be used: there is no folder {folder}.",
                hint="Make the folder, or correct path of the store.",
            )
        return path

    def _read(self, path: str) -> tuple[_Content, Mapping[str, Document]]:
        """Return the file, and its documents if they had to be decoded for that, since they are not kept."""
        last = self._last
        with self._explained(f"The store {path} cannot be read"):
            found = read_durable(path, last.version and last.version.identity)
            folder = folder_identity(path)
        if found is None:
            # A new file here would be an empty store, and no store would have the passwords.
            if last.version or self._folder not in (None, folder):
                raise StoreError(
                    f"The store {path} existed when this task began, or its folder was a different one, and now it is "
                    "gone. No new one was begun.",
                    hint="Find out what removed it, such as a disk that is no longer mounted, then run again.",
                )
            self._folder = folder
            return _Content(), {}
        sealed, version = found
        if last.version and version.digest == last.version.digest:
            self._last = last._replace(version=version)
            return self._last, {}
        try:
            plain, key = self._cipher.decrypt(sealed)
            texts = from_text(plain, self._variable)
        except CannotOpen as problem:
            raise self._unopened(path, problem, "it was left as it is") from None
        documents = {name: each.text for name, each in texts.documents.items()}
        self._last = _Content(version, documents, texts.strays, key=key)
        return self._last, {name: each.document for name, each in texts.documents.items()}

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
        sealed, key = self._sealed(path, to_text({**entries, **strays}, self._variable), old.key)
        try:
            with self._explained(f"The store {path} was left as it is, because the new version could not be written"):
                version = replace(path, sealed, owner_of(path), lock, old.version)
        except Uncertain:
            raise StoreError(
                f"It is not known whether the store {path} was saved: it changed while it was replaced.",
                hint="Run again.",
                unknown=changed,
            ) from None
        except Unconfirmed as problem:
            raise StoreError(
                f"The store {path} was saved, but the disk did not confirm it ({problem}).",
                hint="Check the disk, then run again.",
                unknown=changed,
            ) from None
        self._last = _Content(version, dict(texts), old.strays, entries, key)

    def _sealed(self, path: str, plain: bytes, key: object) -> tuple[bytes, object]:
        try:
            return self._cipher.encrypt(plain, key)
        except CannotOpen as problem:
            raise self._unopened(path, problem) from None

    @staticmethod
    def _unopened(path: str, problem: CannotOpen, more: str = "") -> StoreError:
        why = f"The store {path} {problem.why}{f'; {more}' if more else ''}."
        return StoreError(why, hint=problem.hint.replace("{file}", shlex.quote(path)))

    @contextlib.contextmanager
    def _locked(self, path: str, timeout: float) -> Iterator[Lock]:
        file = f"{path}.lock"
        with contextlib.ExitStack() as stack:
            with self._explained(f"The lock file {file} cannot be used, so nothing was saved"):
                try:
                    lock = stack.enter_context(locked(file, owner_of(path), timeout, self._clock))
                except Busy:
                    raise StoreError(
                        f"Another run holds {file} and did not release it within {self._lock_timeout:g} s; "
                        "nothing was saved.",
                        hint="Wait for that run to end, then run again. "
                        "Do not delete the file: it only carries the lock.",
                    ) from None
            yield lock

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            code = error.errno or 0
            hint = next((text for codes, text in _HINTS if code in codes), "Correct this, then run again.")
            raise StoreError(f"{what} ({os.strerror(code)}).", hint=hint) from None
        except CannotKeep as problem:
            raise StoreError(
                f"{what}: {problem}.",
                hint=f"Run as {problem.owner}, or give the file to the user who runs this (chown).",
            ) from None


_HINTS = (
    (
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "Make room: the disk is full, or a quota or a limit on file sizes is reached.",
    ),
    ((errno.EACCES, errno.EPERM), "Run as the owner of the file and its folder, or change their owner."),
    ((errno.EROFS,), "The file system is read-only. Name another path, or mount it for writing."),
    ((errno.EISDIR, errno.EINVAL), "Name a file of your own, not a folder or a device."),
    ((errno.ENOLCK, errno.EOPNOTSUPP), "This file system cannot lock files. Keep the store on another one."),
)
