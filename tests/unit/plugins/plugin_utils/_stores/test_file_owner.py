# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns the file and its lock, what happens if the file is gone, and what is said before anything is written."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import (
    Change,
    Store,
    Stored,
    StoreError,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.sealed_files import NEW, OLD, lock_of, mode, replace_old
from support.stores.benches import PASSPHRASE, VaultFileBench, a_loader, get, put
from support.stores.child import Child

Run = Callable[[Callable[[], Any]], Any]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")

# ---------------------------------------------------------------------------------------------- a store that is gone


@pytest.mark.parametrize("loses", ["the file", "the folder", "a folder in which there was none"])
def test_a_store_that_vanishes_is_not_replaced_by_a_new_one(vault: VaultFileBench, loses: str) -> None:
    if loses != "a folder in which there was none":
        put(vault.open(), kim=OLD)
    store = vault.open()
    known = store.load(["kim"])
    if loses == "the file":
        vault.path.unlink()
    else:
        vault.path.parent.rename(vault.path.parent.with_name("away"))
        vault.path.parent.mkdir()
    expected = None if "kim" not in known else get_revision(known["kim"])
    for action in (
        lambda: store.save({"kim": Change(NEW, expected)}),
        lambda: store.save({"lee": Change(NEW, None)}),
        lambda: store.load(["kim"]),
        lambda: store.check_save(["kim"]),
    ):
        with pytest.raises(StoreError, match=r"now it is gone\. No new one was begun"):
            action()
    assert not vault.path.exists()


@needs_root
def test_a_store_whose_disk_is_no_longer_mounted_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    mounted = True
    try:
        store = open_store({"path": f"{folder}/passwords.yml"}, a_loader(("default", PASSPHRASE)), {})
        put(store, kim=OLD)
        revision = get(store, "kim").revision
        subprocess.run(["umount", folder], check=True)
        mounted = False
        with pytest.raises(StoreError, match="No new one was begun"):
            store.save({"kim": Change(NEW, revision)})
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == []


def get_revision(found: Stored | StoreError) -> str:
    assert isinstance(found, Stored)
    return found.revision


# ---------------------------------------------------------------------------------------------------- whose they are


def whose(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_uid, state.st_gid


def as_owner(vault: VaultFileBench, uid: int, gid: int, groups: Sequence[int] = ()) -> Run:
    """Return a function that runs a part of the test as this user, who may enter the folder."""
    vault.path.parent.parent.chmod(0o755)

    def run(function: Callable[[], Any]) -> Any:
        def as_user() -> Any:
            os.setgroups(list(groups))
            os.setgid(gid)
            os.setuid(uid)
            return function()

        return Child(as_user).result()

    return run


OWNER, GROUP = 12345, 23456


@needs_root
def test_what_root_saves_stays_its_owners(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    os.chown(vault.path.parent, OWNER, GROUP)
    os.chown(vault.path, OWNER, GROUP)
    vault.path.chmod(0o640)
    replace_old(vault)
    assert (*whose(vault.path), mode(vault.path)) == (OWNER, GROUP, 0o640)
    assert whose(lock_of(vault))[0] == OWNER, "a lock that root has left is given back"
    run = as_owner(vault, OWNER, GROUP)
    run(lambda: put(vault.open(), lee=OLD))
    assert get(vault.open(), "lee").document == OLD


@needs_root
def test_a_lock_belongs_to_the_owner_from_the_first_run_as_root(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    lock_of(vault).unlink()
    os.chown(vault.path, OWNER, GROUP)
    replace_old(vault)
    assert (*whose(lock_of(vault)), mode(lock_of(vault))) == (OWNER, GROUP, 0o600)


@needs_root
@pytest.mark.parametrize("permissions", [0o755, 0o700, 0o2755])
def test_a_new_store_in_somebodys_folder_is_theirs(vault: VaultFileBench, permissions: int) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(vault.path.parent, nobody.pw_uid, GROUP)
    vault.path.parent.chmod(permissions)
    put(vault.open(), kim=OLD)
    group = GROUP if permissions & stat.S_ISGID else nobody.pw_gid
    for path in (vault.path, lock_of(vault)):
        assert (*whose(path), mode(path)) == (nobody.pw_uid, group, 0o600)
    run = as_owner(vault, nobody.pw_uid, nobody.pw_gid)
    run(lambda: replace_old(vault))
    run(lambda: vault.open().check_save(["kim"]))
    assert get(vault.open(), "kim").document == NEW
    assert (*whose(vault.path), mode(vault.path)) == (nobody.pw_uid, group, 0o600)


@needs_root
@pytest.mark.parametrize("permissions", [0o777, 0o1777, 0o775, 0o757])
def test_a_new_store_where_others_may_write_stays_roots(vault: VaultFileBench, permissions: int) -> None:
    os.chown(vault.path.parent, OWNER, GROUP)
    vault.path.parent.chmod(permissions)
    put(vault.open(), kim=OLD)
    assert whose(vault.path)[0] == whose(lock_of(vault))[0] == 0


@needs_root
def test_root_gives_away_no_file_of_its_own_that_somebody_puts_there(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    os.chown(vault.path.parent, OWNER, GROUP)
    os.chown(vault.path, OWNER, GROUP)
    lock_of(vault).unlink()
    precious = vault.path.parent.parent / "precious"
    precious.write_text("root's own")
    os.link(precious, lock_of(vault))
    replace_old(vault)
    assert (*whose(precious), precious.read_text()) == (0, 0, "root's own")
    lock_of(vault).unlink()
    precious.rename(lock_of(vault))
    put(vault.open(), park=OLD)
    assert (*whose(lock_of(vault)), lock_of(vault).read_text()) == (0, 0, "root's own")
    lock_of(vault).rename(precious)
    lock_of(vault).symlink_to(precious)
    with pytest.raises(StoreError, match=r"lock cannot be used, so nothing was saved"):
        put(vault.open(), lee=OLD)
    assert whose(precious) == (0, 0)


@needs_root
@pytest.mark.parametrize(
    ("uid", "gid", "groups", "keeps"),
    [
        (OWNER, GROUP, (), True),
        (OWNER, 7, (GROUP,), True),
        (OWNER, 7, (), False),
        (54321, GROUP, (), False),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_done(
    vault: VaultFileBench, uid: int, gid: int, groups: tuple[int, ...], keeps: bool
) -> None:
    put(vault.open(), kim=OLD)
    lock_of(vault).unlink()
    os.chown(vault.path, OWNER, GROUP)
    vault.path.chmod(0o660)
    vault.path.parent.chmod(0o777)
    before = vault.path.read_bytes()
    run = as_owner(vault, uid, gid, groups)

    def attempt() -> list[str]:
        said = []
        for action in (lambda: vault.open().check_save(["kim"]), lambda: replace_old(vault)):
            try:
                action()
            except StoreError as error:
                said.append(error.sentence())
        return said

    said = run(attempt)
    if keeps:
        assert said == []
        assert (*whose(vault.path), mode(vault.path)) == (OWNER, GROUP, 0o660)
        return
    assert len(set(said)) == 1, "check mode says what the run says"
    assert f"cannot be saved: it belongs to the user {OWNER} and the group {GROUP}, and the user {uid}" in said[0]
    assert "or as root" in said[0]
    assert vault.path.read_bytes() == before
    assert not lock_of(vault).exists()


# ------------------------------------------------------------------------------------------------------------ predicted


def check_predicted(vault: VaultFileBench, store: Callable[[], Store], run: Run) -> None:
    """Check that a refusal of a save is predicted in the same words, without writing anything."""

    def attempt() -> list[str]:
        said = []
        for action in (
            lambda: store().check_save(["kim"]),
            lambda: store().save({"kim": Change(NEW, None), "new": Change(NEW, None)}),
        ):
            try:
                action()
            except StoreError as error:
                said.append(f"{error.message.partition('(')[2]} {error.hint}")
        return said

    before = sorted(path.name for path in vault.path.parent.iterdir())
    said = run(attempt)
    assert len(said) == 2
    assert len(set(said)) == 1
    assert sorted(path.name for path in vault.path.parent.iterdir()) == before


@needs_root
@pytest.mark.parametrize("lacks", ["the folder", "the lock"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_or_lock_that_cannot_be_written_is_predicted(vault: VaultFileBench, lacks: str, exists: bool) -> None:
    put(vault.open(), kim=OLD)
    run = as_owner(vault, OWNER, GROUP)
    os.chown(vault.path, OWNER, GROUP)
    if not exists:
        vault.path.unlink()
    if lacks == "the lock":
        os.chown(vault.path.parent, OWNER, GROUP)
    elif exists:
        lock_of(vault).unlink()
    check_predicted(vault, vault.open, run)


@needs_root
def test_a_file_system_that_is_read_only_is_predicted(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    lock_of(vault).unlink()
    folder = vault.path.parent
    if subprocess.run(["mount", "--bind", folder, folder], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        check_predicted(vault, vault.open, lambda attempt: attempt())
        with pytest.raises(StoreError, match="Read-only file system") as caught:
            vault.open().check_save(["kim"])
        assert "The file system is read-only" in str(caught.value.hint)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_what_can_be_saved_is_not_refused_and_leaves_no_trace(vault: VaultFileBench) -> None:
    store = vault.open()
    store.check_save(["kim"])
    assert list(vault.path.parent.iterdir()) == []
    put(store, kim=OLD)
    store.check_save(["kim", "lee"])
    lock_of(vault).unlink()
    store.check_save(["kim", "lee"])
    assert [path.name for path in vault.path.parent.iterdir()] == [vault.path.name]
