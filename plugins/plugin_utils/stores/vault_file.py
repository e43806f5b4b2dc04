# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
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
Other contents stand under another variable.

- Readers take no lock: the file is replaced as a whole, never written in place.
- Writers lock ``FILE.lock``. That file stays, and its being there means nothing: the kernel ends a lock with its owner.
- `load` syncs too. A writer that died between its rename and its sync would otherwise leave behind what a reader can
  act upon and a power failure take back.
- `ansible-vault edit` and `rekey` know nothing of the lock: use them while no rotation runs.
"""

from __future__ import annotations

import binascii
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import random
import stat
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from secrets import token_bytes
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.vault import AnsibleVaultError, VaultAES256

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._pace import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._store import (
    PASSWORDS,
    Change,
    Conflict,
    Contents,
    Document,
    Outcome,
    Store,
    Stored,
    StoreError,
    check_name,
    to_json,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils.stores._vault_text import (
    CannotOpen,
    entry,
    from_text,
    survives,
    to_text,
)

OPTIONS: Spec = {
    "path": {"type": "str", "required": True},
    "vault_id": {"type": "str"},
    "lock_timeout": {"type": "float", "default": 60.0},
}
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {}

MODE = 0o600

_HEADER = b"$ANSIBLE_VAULT"
_LINE = 80
_POLL = 0.02
_RANDOM = random.SystemRandom()

# Without the key a revision would let anybody try passwords on it who gets to see one.
_REVISION_KEY = token_bytes(32)


def open_store(options: Mapping[str, Any], loader: Any, contents: Contents) -> Store:
    """Return the store that these options describe, under the vault secrets of the play that ``loader`` serves."""
    cipher = AnsibleVault(
        loader._vault.secrets or (),
        options["vault_id"],
        constants.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY"),
    )
    path = loader.path_dwim(options["path"])
    return VaultFileStore(path, cipher, contents, lock_timeout=options["lock_timeout"])


# ------------------------------------------------------------------------------------------------------- encryption


class Cipher(Protocol):
    """Ansible Vault, as far as this store needs it."""

    def decrypt(self, sealed: bytes) -> tuple[bytes, object]:
        """Return the content, and the key that opened it. Raises CannotOpen."""

    def encrypt(self, plain: bytes, key: object) -> tuple[bytes, object]:
        """Return the content encrypted under the key that opened the file, and that key; None: a new file.

        Raises CannotOpen.
        """


class VaultKey(NamedTuple):
    """A vault secret, and the vault id in the header of the file that it opens."""

    label: str | None
    secret: Any

    def __repr__(self) -> str:
        return f"VaultKey({self.label!r})"


class AnsibleVault:
    """The vault secrets of a play. A file stays under the secret that it is under."""

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
                f"The store asks for the vault id {vault_id}, and this run has no secret for it; it has: {given}.",
                hint=f"Run with --vault-id {vault_id}@FILE, or change vault_id of the store.",
            )
        self._vault_id = vault_id
        self._encrypt_identity = encrypt_identity

    def decrypt(self, sealed: bytes) -> tuple[bytes, VaultKey]:
        """See `Cipher.decrypt`."""
        header = BytesIO(sealed).readline().rstrip(b"\r\n")
        parts = header.strip().split(b";")
        if parts[0] != _HEADER:
            raise CannotOpen(
                "is empty" if not sealed else "is not encrypted with Ansible Vault",
                "Put back a whole copy of it, or name another file; a store that is yet to be made is no file at all.",
            )
        if len(parts) < 3 or parts[1] not in (b"1.1", b"1.2") or parts[2] != b"AES256":
            raise CannotOpen("is in a form of Ansible Vault that is not known here", "Put back a whole copy of it.")
        label = parts[3].decode("utf-8", "replace") if len(parts) > 3 else None
        if self._vault_id and label and label != self._vault_id:
            raise CannotOpen(
                f"is encrypted under the vault id {label!a}, and the store asks for {self._vault_id}",
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
                raise CannotOpen("is damaged", "Put back a whole copy of it.") from None
            except Exception as error:
                raise CannotOpen(f"is damaged ({type(error).__name__})", "Put back a whole copy of it.") from None
        known = ", ".join(sorted({name for name, _secret in self._secrets}))
        raise CannotOpen(
            f"cannot be opened with the vault secrets of this run ({known}): "
            "it is under another passphrase, or damaged",
            "Run with the vault secret of this file, or put back a whole copy of it.",
        )

    def _secrets_for(self, label: str | None) -> list[Any]:
        """Return the secrets to try on a file, in the order of the play, as `VaultLib.decrypt` chooses them."""
        wanted = label or constants.config.get_config_value("DEFAULT_VAULT_IDENTITY")
        strict = constants.config.get_config_value("DEFAULT_VAULT_ID_MATCH")
        return [secret for name, secret in self._secrets if not strict or name == wanted]

    def encrypt(self, plain: bytes, key: object) -> tuple[bytes, VaultKey]:
        """See `Cipher.encrypt`."""
        if not isinstance(key, VaultKey):
            key = self._key_for_new_file()
        return _sealed(plain, key), key

    def _key_for_new_file(self) -> VaultKey:
        chosen = self._vault_id or self._encrypt_identity
        usable = [(name, secret) for name, secret in self._secrets if chosen in (None, name)]
        names = sorted({name for name, _secret in (usable or self._secrets)})
        if len(names) > 1 or not usable:
            raise CannotOpen(
                f"does not exist yet, and it is not clear under which vault id to make it: this run has {names}",
                "Set vault_id of the store.",
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


# -------------------------------------------------------------------------------------------------------------- store


_NONE: Mapping[str, str] = MappingProxyType({})


class _Content(NamedTuple):
    """The file as it was read: a digest of its bytes, its documents as JSON text, and the key that opened it.

    ``identity`` is the inode and the time of change of a file that is known to be on the disk, ``entries`` are those
    documents as they stand in the file that this process has written.
    """

    digest: bytes | None
    identity: tuple[int, int] | None = None
    documents: Mapping[str, str] = _NONE
    entries: Mapping[str, str] = _NONE
    key: object = None

    def __repr__(self) -> str:
        return f"_Content({len(self.documents)} documents)"


def _digest(sealed: bytes) -> bytes:
    return hashlib.blake2b(sealed).digest()


def _revision(text: str) -> str:
    return hashlib.blake2b(text.encode(), key=_REVISION_KEY, digest_size=16).hexdigest()


class VaultFileStore:
    """One file. The object remembers what it decrypted last; the file is read anew every time."""

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
        self._last = _Content(None)

    @property
    def place(self) -> str:
        """See `Store.place`."""
        return self._path

    def load(self, names: Sequence[str]) -> dict[str, Stored | StoreError]:
        """See `Store.load`."""
        wanted = [check_name(name) for name in names]
        content, decoded = self._read(self._real_path())
        found = {name: content.documents[name] for name in wanted if name in content.documents}
        return {
            name: Stored(decoded[name] if name in decoded else json.loads(text), _revision(text))
            for name, text in found.items()
        }

    def check_save(self, names: Sequence[str]) -> None:
        """See `Store.check_save`."""
        self.load(names)

    def close(self) -> None:
        """See `Store.close`."""

    def save(self, changes: Mapping[str, Change]) -> dict[str, Outcome]:
        """See `Store.save`."""
        texts = {check_name(name): to_json(name, change.document) for name, change in changes.items()}
        if not texts:
            return {}
        path = self._real_path()
        outcomes: dict[str, Outcome] = {}
        with self._locked(f"{path}.lock"):
            content, _decoded = self._read(path)
            documents = dict(content.documents)
            fresh: dict[str, Document] = {}
            for name, text in texts.items():
                current = _revision(documents[name]) if name in documents else None
                if current != changes[name].expected:
                    outcomes[name] = Conflict()
                    continue
                outcomes[name] = revision = _revision(text)
                if revision != current:
                    documents[name], fresh[name] = text, changes[name].document
            if fresh:
                try:
                    self._replace(path, content, documents, fresh)
                except StoreError as error:
                    error.saved = {name: outcome for name, outcome in outcomes.items() if name not in error.unknown}
                    raise
        return outcomes

    def _real_path(self) -> str:
        """Return the file itself: a link to it stays a link, and leads every writer to the same lock."""
        path = os.path.realpath(self._path)
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            raise StoreError(
                f"The store {self._path} cannot be used: there is no folder {folder}.",
                hint="Make the folder, or correct path of the store.",
            )
        return path

    def _read(self, path: str) -> tuple[_Content, Mapping[str, Document]]:
        """Return the file, and its documents if they had to be decoded for that: nobody else has them."""
        with self._explained(f"The store {path} cannot be read"):
            sealed, identity = _read_durable(path, self._last.identity)
        if sealed is None:
            return _Content(None), {}
        last = self._last
        digest = _digest(sealed)
        if digest == last.digest:
            self._last = last._replace(identity=identity)
            return self._last, {}
        try:
            plain, key = self._cipher.decrypt(sealed)
            found = from_text(plain, self._variable)
        except CannotOpen as problem:
            raise StoreError(f"The store {path} {problem.why}; it was left as it is.", hint=problem.hint) from None
        self._last = _Content(digest, identity, {name: each.text for name, each in found.items()}, key=key)
        return self._last, {name: each.document for name, each in found.items()}

    def _replace(self, path: str, old: _Content, texts: Mapping[str, str], fresh: Mapping[str, Document]) -> None:
        """Put a file with these documents in the place of the old one, or leave the old one as it is.

        Those that are ``fresh`` are not in the old one, or are others there.
        """
        entries = {}
        for name, text in texts.items():
            if name in old.entries and name not in fresh:
                entries[name] = old.entries[name]
                continue
            document = fresh[name] if name in fresh else json.loads(text)
            entries[name] = entry(name, document)
            # Read back before anything is written: what cannot be read must never replace what can.
            if not survives(entries[name], name, document):
                raise StoreError(f"The store {path} was left as it is: what it should hold does not survive YAML.")
        plain = to_text(entries, self._variable)
        try:
            sealed, key = self._cipher.encrypt(plain, old.key)
        except CannotOpen as problem:
            raise StoreError(f"The store {path} {problem.why}.", hint=problem.hint) from None
        folder, name = os.path.split(path)
        # One name is enough, and leaves no litter: only the owner of the lock gets here.
        beside = os.path.join(folder, f".{name}.new")
        with self._explained(f"The store {path} was left as it is, because the new version could not be written"):
            try:
                identity = _write_durable(beside, sealed, path)
                try:
                    os.replace(beside, path)
                except OSError:
                    # On a network file system an error does not prove that nothing was done.
                    now, _identity = _read_durable(path, None)
                    if (None if now is None else _digest(now)) == old.digest:
                        raise
                    if now != sealed:
                        raise StoreError(
                            f"It is not known whether the store {path} was saved: it changed while it was replaced.",
                            hint="Run again.",
                            unknown=fresh,
                        ) from None
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(beside)
                raise
        try:
            _sync_folder(folder)
        except OSError as error:
            raise StoreError(
                f"The store {path} was saved, but the disk did not confirm it ({os.strerror(error.errno or 0)}).",
                hint="Check the disk, then run again.",
                unknown=fresh,
            ) from None
        self._last = _Content(_digest(sealed), identity, dict(texts), entries, key)

    @contextlib.contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        with self._explained(f"The lock file {path} cannot be used, so nothing was saved"):
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
        try:
            deadline = self._clock.monotonic() + self._lock_timeout
            while True:
                with self._explained(f"The lock file {path} cannot be locked, so nothing was saved"):
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        pass
                if self._clock.monotonic() >= deadline:
                    raise StoreError(
                        f"Another run holds {path} and did not let go of it within {self._lock_timeout:g} s; "
                        "nothing was saved.",
                        hint="Wait for that run to end, then run again. "
                        "Do not delete the file: it only carries the lock.",
                    )
                self._clock.sleep(_RANDOM.uniform(_POLL / 4, _POLL))
            yield
        finally:
            # The lock ends with it, whatever it says; what was saved is saved.
            with contextlib.suppress(OSError):
                os.close(lock)

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            code = error.errno or 0
            hint = next((text for codes, text in _HINTS if code in codes), "Correct this, then run again.")
            raise StoreError(f"{what} ({os.strerror(code)}).", hint=hint) from None


_HINTS = (
    (
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        "The disk, a quota or a limit on file sizes is used up: make room.",
    ),
    ((errno.EACCES, errno.EPERM), "Run as the user whose file and folder these are, or change their owner."),
    ((errno.EROFS,), "The file system is read-only: name another path, or mount it for writing."),
    ((errno.EISDIR, errno.EINVAL), "Name a file of your own, not a folder or a device."),
    ((errno.ENOLCK, errno.EOPNOTSUPP), "This file system cannot lock files: keep the store on another one."),
)


def _read_durable(path: str, known: tuple[int, int] | None) -> tuple[bytes | None, tuple[int, int] | None]:
    """Return the bytes of a file once they are on the disk, and its identity; None where there is no file.

    The file of the identity ``known`` was brought to the disk before.
    """
    try:
        # A pipe must not hold us up.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None, None
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "not a file")
        identity = (state.st_ino, state.st_mtime_ns)
        with open(file, "rb", buffering=0, closefd=False) as reader:
            content = reader.readall()
        if identity != known:
            _sync(file)
    finally:
        os.close(file)
    if identity != known:
        _sync_folder(os.path.dirname(path), reading=True)
    return content, identity


def _write_durable(beside: str, data: bytes, path: str) -> tuple[int, int]:
    """Write a new file, with the owner of the one that it will replace, have it on the disk, return its identity."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
    try:
        os.fchmod(file, MODE)
        with contextlib.suppress(FileNotFoundError, PermissionError):
            owner = os.stat(path)
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file, owner.st_uid, owner.st_gid)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
        state = os.fstat(file)
    finally:
        os.close(file)
    return state.st_ino, state.st_mtime_ns


def _sync_folder(folder: str, *, reading: bool = False) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        if reading:  # Whoever may not list the folder may still read the file.
            return
        raise
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        # What has nothing to sync says so: a read-only file system, a file system without folders of its own.
        if error.errno not in (errno.EINVAL, errno.EROFS):
            raise
