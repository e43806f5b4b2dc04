# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command that brings each version of a file elsewhere: when it runs, what it gets, and what a failure means."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.action import ncp_dataforest_credential_info as info
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import Clock
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.action import RedactingAction
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import opened_store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import on_save
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, Conflict, StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.on_save import Command, Failure, last_line
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import open_store
from support.sealed_files import CANARY, NEW, OLD, litter, lock_of, mode, replace_old
from support.stores.benches import PASSPHRASE, ElsewhereBench, VaultFileBench, a_loader, get, load, put
from support.stores.child import Child, Died, kill_myself

MARK = "passwords.yml.on_save"

pytestmark = pytest.mark.usefixtures("quick_key_derivation")


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest) -> ElsewhereBench:
    return ElsewhereBench(request)


def script(vault: VaultFileBench, text: str) -> list[str]:
    """A command of a few lines of shell in the folder of the store."""
    file = vault.path.with_name("push.sh")
    file.write_text(f"#!/bin/sh\n{textwrap.dedent(text)}", encoding="utf-8")
    file.chmod(0o755)
    return ["./push.sh"]


def fails(attempt: Callable[[], object]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        attempt()
    assert caught.value.hint
    assert "\n" not in caught.value.sentence()
    assert CANARY not in caught.value.sentence()
    return caught.value


# ------------------------------------------------------------------------------------------------------ when it runs


def test_each_version_is_elsewhere_when_its_save_returns(elsewhere: ElsewhereBench) -> None:
    store = elsewhere.open()
    revision = put(store, kim=OLD)["kim"]
    copy = elsewhere.elsewhere / elsewhere.path.name
    assert copy.read_bytes() == elsewhere.path.read_bytes()
    replace_old(elsewhere, store)
    assert copy.read_bytes() == elsewhere.path.read_bytes()
    assert store.delete({"kim": get(store, "kim").revision}) == {"kim": ""}
    assert copy.read_bytes() == elsewhere.path.read_bytes()
    assert litter(elsewhere) == set()
    assert store.save({"kim": Change(NEW, revision)}) == {"kim": Conflict()}


def test_reads_checks_and_what_saves_nothing_do_not_run_it(vault: VaultFileBench) -> None:
    store = vault.open(on_save=script(vault, "echo >>runs"))
    runs = vault.path.with_name("runs")
    revision = put(store, kim=OLD)["kim"]
    assert runs.read_text() == "\n"
    for each in (store, vault.open(on_save=["./push.sh"])):
        get(each, "kim")
        each.names()
        assert each.check_save(["kim"]) == each.check_delete(["kim"]) == {}
        assert each.save({"kim": Change(OLD, revision), "lee": Change(OLD, "stale")})["kim"] == revision
        each.save({})
        each.close()
    assert runs.read_text() == "\n"


def test_it_runs_after_the_file_is_in_place_and_on_the_disk(elsewhere: ElsewhereBench) -> None:
    taken: list[str] = []
    with elsewhere.steps(lambda when, step: taken.append(f"{when} {step}")):
        put(elsewhere.open(), kim=OLD)
    last = taken[taken.index("after replace") :]
    assert last[: last.index("after on_save") + 1].count("after fsync") == 1
    assert last.index("after fsync") < last.index("before on_save") < last.index("before unlink")
    before = taken[: taken.index("before replace")]
    # The mark, and the new version.
    assert before.count("after fsync") == 2


# ------------------------------------------------------------------------------------------------------ what it gets


def test_it_has_the_folder_the_environment_and_nothing_else(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEEN_BY", "everybody")
    before = dict(os.environ)
    text = f"""
        pwd >seen; cat >>seen; echo "$@" >>seen
        {sys.executable} -c 'import os; print(sorted(os.environ.items())); print(os.getsid(0) == os.getppid())' >>seen
        echo noise; echo more noise >&2
    """
    (command,) = script(vault, text)
    link = vault.path.parent.parent / "link.yml"
    link.symlink_to(vault.path)
    store = vault.open(path=str(link), on_save=[command, "$HOME", "~", "a b; id"])
    put(store, kim=OLD)
    folder, arguments, environment, session = vault.path.with_name("seen").read_text().splitlines()
    assert (folder, arguments, session) == (str(vault.path.parent.resolve()), "$HOME ~ a b; id", "True")
    # What a shell adds by itself.
    own = {"PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "_"}
    inherited = {name: value for name, value in eval(environment) if name not in own}  # noqa: S307 what we have written
    assert inherited == {name: value for name, value in before.items() if name not in own}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["push", "tools/push", "{folder}/push"])
def test_a_program_is_searched_for_like_that_of_a_shell_in_the_folder(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    place = {"push": tmp_path, "tools/push": vault.path.parent / "tools"}.get(name, vault.path.parent)
    place.mkdir(exist_ok=True)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    file = place / "push"
    command = [name.format(folder=vault.path.parent)]

    def refused(why: str) -> None:
        for attempt in (
            lambda: vault.open(on_save=command).check_save(["kim"]),
            lambda: vault.open(on_save=command).check_delete(["kim"]),
            lambda: put(vault.open(on_save=command), kim=OLD),
        ):
            error = fails(attempt)
            assert why in error.message
            assert (error.saved, error.unknown) == ({}, frozenset())
            assert not vault.path.exists()

    refused("cannot be run: there is no program")
    file.write_text("#!/bin/sh\n")
    refused("cannot be run: there is no program" if name == "push" else "is not executable")
    file.chmod(0o755)
    assert vault.open(on_save=command).check_save(["kim"]) == {}
    put(vault.open(on_save=command), kim=OLD)


# -------------------------------------------------------------------------------------------------- what a failure is

FAILURES = {
    "a refusal": ("echo first >&2; echo 'Not tonight.' >&2; echo >&2; exit 3", "ended with exit status 3"),
    "a signal": ("kill -KILL $$", "was ended by SIGKILL"),
}


@pytest.mark.parametrize(("text", "why"), FAILURES.values(), ids=FAILURES)
def test_what_fails_is_said_and_made_up_for_before_anything_else(vault: VaultFileBench, text: str, why: str) -> None:
    put(vault.open(), kim=OLD)
    options: dict[str, Any] = {"on_save": script(vault, text)}
    store = vault.open(**options)
    change = {"kim": Change(NEW, get(store, "kim").revision), "lee": Change(NEW, "stale")}
    error = fails(lambda: store.save(change))
    assert f"was saved, but its command on_save {why}" in error.message
    assert (error.saved, error.unknown) == ({"lee": Conflict()}, {"kim"})
    assert ("saying: Not tonight." in error.message) is ("tonight" in text)
    # It is here, for everybody who only reads.
    assert get(vault.open(), "kim").document == NEW
    assert (vault.path.with_name(MARK)).exists()
    # Whoever may save, the same process and a later one, first tries again.
    for each in (store, vault.open(**options)):
        for attempt in (
            lambda each=each: each.load(["kim"]),
            lambda each=each: each.names(),
            lambda each=each: each.save(change),
        ):
            again = fails(attempt)
            assert f"on_save {why}" in again.message
            assert not again.unknown
    script(vault, "echo >>runs")
    assert get(store, "kim").document == NEW
    assert litter(vault) == {"push.sh", "runs"}
    get(vault.open(**options), "kim")
    assert vault.path.with_name("runs").read_text() == "\n"


def test_who_only_reads_waits_for_nothing(vault: VaultFileBench) -> None:
    with contextlib.suppress(StoreError):
        put(vault.open(on_save=script(vault, "exit 1")), kim=OLD)
    options = {**vault.options, "on_save": ["./push.sh"]}
    reader = open_store(options, a_loader(("default", PASSPHRASE)), {}, may_save=False)
    assert get(reader, "kim").document == OLD
    assert reader.names() == ["kim"]
    assert reader.check_save(["kim"]) == {}
    assert vault.path.with_name(MARK).exists()
    vault.path.with_name("push.sh").unlink()
    assert "cannot be run" in fails(lambda: reader.check_save(["kim"])).message


def test_what_saves_nothing_new_says_so_only_when_it_is_elsewhere(vault: VaultFileBench) -> None:
    """Otherwise a repetition of what has failed would succeed, with nothing elsewhere."""
    revision = put(vault.open(), kim=OLD)["kim"]
    vault.path.with_name(MARK).touch()
    store = vault.open(on_save=script(vault, "echo >>runs; exit 1"))
    fails(lambda: store.save({"kim": Change(OLD, revision)}))
    script(vault, "echo >>runs")
    assert store.save({"kim": Change(OLD, revision)}) == {"kim": revision}
    assert vault.path.with_name("runs").read_text() == "\n\n"


def test_a_program_that_cannot_be_started_is_a_failure(vault: VaultFileBench) -> None:
    file = vault.path.with_name("push")
    file.write_text("#!/no/such/shell\n")
    file.chmod(0o755)
    error = fails(lambda: put(vault.open(on_save=["./push"]), kim=OLD))
    assert "on_save could not be started (No such file or directory)." in error.message
    assert error.unknown == {"kim"}


def test_it_is_not_run_for_a_first_version_that_never_was(elsewhere: ElsewhereBench) -> None:
    elsewhere.path.with_name(MARK).touch()
    store = elsewhere.open()
    assert load(store, ["kim"]) == {}
    assert store.names() == []
    put(store, kim=OLD)
    assert litter(elsewhere) == set()


def test_a_mark_that_cannot_be_put_saves_nothing(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    taken: list[str] = []

    def full(when: str, step: str) -> None:
        taken.append(f"{when} {step}")
        if taken.count("before fchmod") == 1 and taken[-1] == "before fchmod":
            raise OSError(28, "no space")

    with vault.steps(full):
        error = fails(lambda: replace_old(vault, vault.open(on_save=script(vault, "echo >>runs"))))
    assert "was left as it is" in error.message
    assert not error.unknown
    assert litter(vault) == {"push.sh"}
    assert get(vault.open(), "kim").document == OLD


@pytest.mark.parametrize("as_root", [True, False])
def test_owner_and_mode_stay_as_they_are(elsewhere: ElsewhereBench, as_root: bool) -> None:
    put(elsewhere.open(), kim=OLD)
    elsewhere.path.chmod(0o640)
    if as_root and os.geteuid() == 0:
        os.chown(elsewhere.path, 65534, 65534)
    state = elsewhere.path.stat()
    with elsewhere.steps(kill_if), pytest.raises(KeyboardInterrupt):
        replace_old(elsewhere)
    mark = elsewhere.path.with_name(MARK)
    assert (mark.stat().st_uid, mode(mark)) == (state.st_uid, 0o600)
    get(elsewhere.open(), "kim")
    after = elsewhere.path.stat()
    assert (after.st_uid, after.st_gid, mode(elsewhere.path)) == (state.st_uid, state.st_gid, 0o640)
    assert litter(elsewhere) == set()


def kill_if(when: str, step: str) -> None:
    if (when, step) == ("before", "on_save"):
        raise KeyboardInterrupt


# --------------------------------------------------------------------------------------------------- who runs meanwhile


def test_the_lock_is_held_as_long_as_the_command_runs_even_if_its_run_dies(vault: VaultFileBench) -> None:
    command = script(vault, 'kill -KILL "$PPID"; mkfifo asleep; read -r line <asleep; echo "$line" >pushed')
    with pytest.raises(Died) as died:
        Child(lambda: put(vault.open(on_save=command), kim=OLD)).result()
    assert died.value.signal == signal.SIGKILL
    other = vault.open(on_save=["true"], lock_timeout=0.1)
    for attempt in (lambda: other.load(["kim"]), lambda: put(other, lee=OLD)):
        assert "Another run holds" in fails(attempt).message
    vault.path.with_name("asleep").write_text("at last\n")
    with lock_of(vault).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert vault.path.with_name("pushed").read_text() == "at last\n"
    # Nobody knows how it ended, so it is run again.
    assert vault.path.with_name(MARK).exists()
    assert get(vault.open(on_save=["true"]), "kim").document == OLD
    assert litter(vault) == {"push.sh", "asleep", "pushed"}


def test_what_a_command_leaves_behind_keeps_nobody_waiting(vault: VaultFileBench) -> None:
    """As git does, which tidies up in the background. Here it even keeps the pipe open."""
    command = script(vault, "sleep 600 & echo $! >left; echo done >&2")
    put(vault.open(on_save=command), kim=OLD)
    left = int(vault.path.with_name("left").read_text())
    os.kill(left, 0)
    put(vault.open(lock_timeout=0.1), lee=OLD)
    os.kill(left, signal.SIGKILL)


def test_an_interrupted_run_ends_its_command(vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []

    def interrupted(process: Any, *_more: object) -> None:
        begun.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(on_save, "_followed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(vault.open(on_save=["sleep", "600"]), kim=OLD)
    assert [process.returncode for process in begun] == [-signal.SIGTERM]
    assert vault.path.with_name(MARK).exists()


def test_a_run_that_reads_waits_until_the_version_of_another_one_is_elsewhere(elsewhere: ElsewhereBench) -> None:
    seen: list[str] = []

    def look(when: str, step: str) -> None:
        if (when, step) == ("before", "on_save"):
            options = {"on_save": ["true"], "lock_timeout": 0.1}
            seen.append(fails(lambda: elsewhere.open(**options).load(["kim"])).message)

    with elsewhere.steps(look):
        put(elsewhere.open(), kim=OLD)
    assert len(seen) == 1
    assert "Another run holds" in seen[0]
    assert get(elsewhere.open(), "kim").document == OLD


def test_a_kill_at_any_step_leaves_nothing_here_that_is_acted_upon_before_it_is_elsewhere(
    elsewhere: ElsewhereBench,
) -> None:
    put(elsewhere.open(), kim=OLD)
    taken: list[str] = []
    with elsewhere.steps(lambda when, step: taken.append(step)):
        replace_old(elsewhere)
    found = []
    for number in range(len(taken)):
        elsewhere.move()
        put(elsewhere.open(), kim=OLD)

        def die(number: int = number) -> None:
            left = iter(range(number, -1, -1))
            store = elsewhere.open()
            with elsewhere.steps(lambda when, step: kill_myself() if next(left) == 0 else None):
                store.save({"kim": Change(NEW, get(store, "kim").revision)})

        with pytest.raises(Died):
            Child(die).result()
        here = get(elsewhere.open(), "kim").document
        elsewhere.vanish()
        assert get(elsewhere.open(), "kim").document == here
        found.append(here == NEW)
    assert (found[0], found[-1]) == (False, True)
    assert found == sorted(found)


# ------------------------------------------------------------------------------------------------------------ secrecy


SECRET_LINES = {
    "a password of the store": f"fatal: {CANARY}-new",
    "an earlier password": f"fatal: {CANARY}-old",
    "half of a password": f"fatal: {CANARY[:9]}",
    "a password in hexadecimal": f"fatal: {CANARY.encode().hex()}",
    "the passphrase": f"fatal: {PASSPHRASE}",
    "a token of the environment": "remote: glpat-invented-4711 is expired",
    "a token in a URL": "fatal: unable to access 'https://oauth2:glpat-elsewhere-0815@gitlab.example.com/a.git'",
    "a user in a URL": "fatal: https://glpat-elsewhere-0815@gitlab.example.com/a.git",
}


@pytest.mark.parametrize("line", SECRET_LINES.values(), ids=SECRET_LINES)
@pytest.mark.parametrize("at_load", [True, False])
def test_a_command_that_prints_a_secret_does_not_show_it(
    vault: VaultFileBench, monkeypatch: pytest.MonkeyPatch, line: str, at_load: bool
) -> None:
    monkeypatch.setenv("PUSH_TOKEN", "glpat-invented-4711")
    vault.path.with_name("said").write_text(line, encoding="utf-8")
    put(vault.open(), kim=OLD)
    store = vault.open(on_save=script(vault, "cat said said; cat said >&2; exit 1"))
    error = fails(lambda: replace_old(vault, store))
    if at_load:
        error = fails(lambda: vault.open(on_save=["./push.sh"]).load(["kim"]))
    shown = f"{error.sentence()}{error!r}{error.as_dict()}"
    for secret in (CANARY[:9], CANARY.encode().hex(), "invented-4711", "elsewhere-0815", "Kanarien", "Tresor"):
        assert secret not in shown
    assert "saying: " in error.message
    assert "********" in error.message


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        ("", ""),
        ("\n \n", ""),
        ("first\nlast\n\n", "last"),
        ("progress 1%\rprogress 100%\r\n", "progress 100%"),
        ("\x1b[31mred\x1b[0m\a \u202e{{ evil }}\n", "[31mred [0m {{ evil }}"),
        ("x" * 5000, "x" * 299 + "…"),
        ("analyst: unknown in /dev/null", "analyst: unknown in /dev/null"),
    ],
)
def test_the_last_line_is_printable_and_short(printed: str, line: str) -> None:
    assert last_line(printed, ["unknown"], {"AUTHOR": "progress", "PASS_FILE": "/dev/null"}) == line


@pytest.mark.parametrize("text", ["sleep 600", "trap '' TERM; while :; do sleep 600; done", "exec 2>&-; sleep 600"])
def test_a_command_without_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(on_save, "_GRACE", 0.1)
    with (tmp_path / "lock").open("w") as lock:
        failure = Command(("sh", "-c", f"echo $$ >me; {text}"), 0.1).run(str(tmp_path), lock.fileno(), Clock())
    assert failure == Failure("did not end within 0.1 s, and was ended")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "me").read_text()), 0)


def test_only_the_end_of_what_a_command_prints_is_kept(tmp_path: Path) -> None:
    text = "import sys; [print('x' * 99, file=sys.stderr) for _ in range(9999)]; sys.exit('the end')"
    with (tmp_path / "lock").open("w") as lock:
        failure = Command((sys.executable, "-c", text), 60).run(str(tmp_path), lock.fileno(), Clock())
    assert isinstance(failure, Failure)
    assert failure.printed.endswith("the end\n")
    assert len(failure.printed) < 10_000
    assert "the end" not in repr(failure)


# ------------------------------------------------------------------------------------------------------------ options


@pytest.mark.parametrize("given", [[], "./push.sh", [1], ["a\0b"], ["\ud800"], [["a"]], {"a": 1}, True])
def test_what_is_no_list_of_texts_is_refused(vault: VaultFileBench, given: Any) -> None:
    with pytest.raises(
        ConfigurationError, match="on_save of the store vault_file is not valid: it must be a list of a"
    ):
        vault.open(on_save=given)


def test_lookups_and_reading_tasks_are_told_not_to_run_it(vault: VaultFileBench) -> None:
    put(vault.open(), kim=OLD)
    vault.path.with_name(MARK).touch()
    options = {**vault.options, "on_save": script(vault, "echo >>runs")}
    loader = a_loader(("default", PASSPHRASE))
    assert get(opened_store(options, loader, Redactor()), "kim").document == OLD

    class Task(RedactingAction):
        redactor = Redactor()
        _loader = loader
        _stores = contextlib.ExitStack()

        def __init__(self, check_mode: bool) -> None:
            self._task = SimpleNamespace(check_mode=check_mode)

        def act(self) -> dict[str, Any]:
            raise NotImplementedError

    class Reading(Task):
        _saves = False

    for each in (Task(check_mode=True), Reading(check_mode=False)):
        assert get(each.store(options), "kim").document == OLD
    assert litter(vault) == {MARK, "push.sh"}
    assert get(Task(check_mode=False).store(options), "kim").document == OLD
    assert litter(vault) == {"runs", "push.sh"}
    assert not info.ActionModule._saves


def test_nothing_runs_without_the_option(vault: VaultFileBench) -> None:
    vault.path.with_name(MARK).touch()
    for given in ({}, {"on_save": None}, {"on_save": ""}):
        assert load(vault.open(**given), ["kim"]) == {}
