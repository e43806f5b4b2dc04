# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file on its disk: owner and mode, durability, permission, lock."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import durable_file
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, Conflict, StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.sealed_files import CANARY, NEW, OLD, litter, lock_of, mode, replace_old
from support.stores.benches import PASSPHRASE, VaultFileBench, a_loader, get, load, put
from support.stores.child import Child, Died, kill_myself
from support.stores.steps import OS_STEPS

# ------------------------------------------------------------------------------------------------ files and their modes


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_a_new_file_is_for_its_owner_only(vault: VaultFileBench, mask: int) -> None:
    before = os.umask(mask)
    try:
        put(vault.open(), kim=OLD)
        replace_old(vault)
    finally:
        os.umask(before)
    assert mode(vault.path) == 0o600
    assert mode(lock_of(vault)) == 0o600
    assert litter(vault) == set()


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o400])
def test_a_file_that_exists_keeps_its_mode(vault: VaultFileBench, kept: int) -> None:
    put(vault.open(), kim=OLD)
    vault.path.chmod(kept)
    replace_old(vault)
    assert mode(vault.path) == kept


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
    assert any(name.endswith(".new") for name in looked)


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket in the way"])
def test_what_is_not_a_file_is_refused(vault: VaultFileBench, kind: str) -> None:
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
def test_an_error_at_any_step_is_reported_and_leaves_the_old_or_the_new(vault: VaultFileBench, code: int) -> None:
    steps = writing_steps(vault)
    put(vault.open(), kim=OLD)
    told = set()
    for number, step in enumerate(steps):
        before = get(vault.open(), "kim").document
        target = {"password": f"{CANARY}-{number}"}
        error = save_failing_at(vault, number, code, target)
        now = get(vault.open(), "kim").document
        if error is None:
            # Nothing depended on it: the owner of the old file, a sync of what is only read, the end of the lock.
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
                durable_file.os.write = torn
                replace_old(vault)

        with pytest.raises(Died):
            Child(die).result()
        assert litter(vault) == {f".passwords.yml.{lock_of(vault).stat().st_ino:x}.new"}
        assert get(vault.open(), "kim").document == OLD
    replace_old(vault)
    assert litter(vault) == set()


def test_a_disk_that_takes_only_part_of_a_write_gets_the_rest(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    real = os.write
    with vault.steps(lambda when, step: None):
        durable_file.os.write = lambda file, data: real(file, bytes(data)[:7])
        replace_old(vault)
    assert get(vault.open(), "kim").document == NEW


def test_a_limit_of_the_system_on_the_size_of_files_is_reported(vault: VaultFileBench) -> None:
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

        # As another user. If the tests do not run as root, as this user, whose permissions are removed.
        root = os.geteuid() == 0
        folder.chmod(0o755 if root else 0o555)
        path.chmod(0o600 if root else 0o000)
        path.with_name("passwords.yml.lock").chmod(0o600 if root else 0o000)
        try:
            reading, saving = Child(attempt, as_nobody=True).result()
        finally:
            folder.chmod(0o755)
            path.chmod(0o600)
        assert "(Permission denied). Run as the owner of the file and its folder" in reading
        if root:
            assert "cannot be saved: it belongs to the user root and the group root, and the user nobody" in saving
            assert "cannot keep that. Run as root, or give the file to" in saving
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


def test_a_lock_that_is_held_is_waited_for_and_then_named(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    lock = vault.path.with_name("passwords.yml.lock")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert get(vault.open(), "kim").document == OLD, "readers do not wait"
        with pytest.raises(StoreError, match=r"did not release it within 0\.1 s; nothing was saved") as caught:
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
    """The enumeration of the other tests is complete: this store makes no other calls of `os`."""
    names: set[str] = set()
    codes = [compile(Path(durable_file.__file__).read_text(encoding="utf-8"), "file", "exec")]
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [each for each in code.co_consts if hasattr(each, "co_names")]
    harmless = {"path", "geteuid", "getegid", "getgroups", "getpid", "strerror", "stat_result", "__init__"}
    used = {name for name in names if hasattr(os, name) and callable(getattr(os, name))}
    assert used - harmless <= set(OS_STEPS)
    others = {path.stem for path in Path(durable_file.__file__).parent.glob("*.py")} - {"durable_file"}
    for name in others:
        text = Path(durable_file.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
        called = set(re.findall(r"\bos\.([a-z_]+)\(", text))
        # Whether there is a program, and what it is told and says. That it runs is one step.
        of_command = {"access", "killpg", "read"} if name == "on_save" else set()
        assert called - of_command <= {"urandom", "strerror", "fsencode"}, name


@pytest.mark.parametrize("step", ["fchmod", "write", "fsync", "fstat"])
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_lock_that_is_removed_meanwhile_loses_no_update(
    vault: VaultFileBench, step: str, same: bool, comes_back: bool
) -> None:
    """Another run takes the new lock, and saves, while this one believes that it is alone.

    If the old lock comes back, only the file itself tells that somebody else has saved it.
    """
    put(vault.open(), kim=OLD, lee=OLD)
    ours, theirs = vault.open(), vault.open()
    mine, other = get(ours, "kim").revision, get(theirs, "kim" if same else "lee").revision
    removed = vault.path.parent.with_name("removed.lock")
    turns = iter([True])

    def interfere(when: str, at: str) -> None:
        if when == "after" and at == step and any(path.suffix == ".new" for path in vault.path.parent.iterdir()):
            for _once in turns:
                lock_of(vault).rename(removed)
                assert theirs.save({"kim" if same else "lee": Change(NEW, other)}) != {"kim": Conflict()}
                if comes_back:
                    removed.rename(lock_of(vault))

    with vault.steps(interfere):
        outcome = ours.save({"kim": Change({"password": "mine"}, mine)})
    assert next(turns, None) is None, "nobody interfered, so nothing was tested"
    assert (outcome["kim"] == Conflict()) is same
    found = load(vault.open(), ["kim", "lee"])
    assert found["kim" if same else "lee"].document == NEW
    assert found["lee" if same else "kim"].document == (OLD if same else {"password": "mine"})
    assert litter(vault) == set()


def test_a_lock_that_is_removed_while_it_is_waited_for_is_not_taken(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    with lock_of(vault).open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        removed = Path(f"{lock_of(vault)}.removed")

        def let_go(when: str, at: str) -> None:
            if (when, at) == ("before", "flock") and not removed.exists():
                lock_of(vault).rename(removed)
                fcntl.flock(held, fcntl.LOCK_UN)

        with vault.steps(let_go):
            replace_old(vault)
    assert lock_of(vault).stat().st_ino != removed.stat().st_ino
    assert get(vault.open(), "kim").document == NEW


def test_a_lock_that_somebody_keeps_removing_ends_in_a_sentence(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    store = vault.open(lock_timeout=0.05)

    def interfere(when: str, at: str) -> None:
        if (when, at) == ("after", "write"):
            lock_of(vault).unlink(missing_ok=True)

    with vault.steps(interfere), pytest.raises(StoreError, match="without holding the lock; nothing was saved"):
        replace_old(vault, store)
    assert get(vault.open(), "kim").document == OLD
    assert litter(vault) == set()
