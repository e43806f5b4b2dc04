# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the files of a report may be, and what they hold at each moment."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError, KrcloudError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.report_files import begin, finish
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.run_report import finished

STARTED, ENDED = "2026-11-20T03:00:00Z", "2026-11-20T03:01:30Z"
REPORT = finished((), verdict="", problem="", started_at=STARTED, now=ENDED)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def successes(path: Path) -> tuple[bool, bool]:
    """What the readers of both files are told."""
    data = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    suite = ElementTree.parse(path.with_name(f"{path.name}.xml")).getroot()[0]  # noqa: S314 - it is ours
    return data["success"], suite.attrib["failures"] == suite.attrib["errors"] == "0"


def test_what_a_killed_run_leaves_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "rotation"
    begin(str(path), STARTED)
    assert successes(path) == (False, False)
    finish(str(path), REPORT)
    assert successes(path) == (True, True)
    # The next run is killed.
    begin(str(path), STARTED)
    assert successes(path) == (False, False)


def test_each_file_is_on_the_disk_before_it_takes_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    steps: list[str] = []

    def noting(name: str) -> None:
        step = getattr(os, name)

        def noted(*given: Any, **more: Any) -> Any:
            steps.append(name)
            return step(*given, **more)

        monkeypatch.setattr(os, name, noted)

    for name in ("write", "fsync", "replace"):
        noting(name)
    begin(str(tmp_path / "rotation"), STARTED)
    assert steps == ["write", "fsync", "replace", "fsync"] * 2


@pytest.mark.usefixtures("usual_umask")
def test_folders_are_made_and_files_are_readable_by_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "dataforest" / "rotation"
    begin(str(path), STARTED)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["rotation.json", "rotation.xml"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o640}


def test_check_mode_writes_nothing_and_refuses_the_same(tmp_path: Path) -> None:
    begin(str(tmp_path / "reports" / "rotation"), STARTED, check_mode=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "rotation.json").mkdir()
    with pytest.raises(ConfigurationError, match="is a folder"):
        begin(str(tmp_path / "rotation"), STARTED, check_mode=True)


def a_link(place: Path) -> None:
    place.symlink_to(place.with_name("elsewhere"))


def a_foreign_file(place: Path) -> None:
    place.write_text('{"name": "my-application"}\n', encoding="utf-8")


REFUSED: list[tuple[str, Callable[[Path], Any] | None, str, str]] = [
    ("rotation", Path.mkdir, "is a folder.", "name another place"),
    ("rotation", a_link, "is a symbolic link, which a report does not follow.", "Remove it"),
    ("rotation", a_foreign_file, "is not a report of this role, and is not overwritten.", "Remove it"),
    ("rotation", lambda place: os.mkfifo(place), "is not a report of this role", "Remove it"),
    ("", None, "does not name a file", "Add the name of the report"),
    ("rotation.JSON", None, "has a suffix", "Leave it out."),
    ("report.xml", None, "has a suffix", "adds .json and .xml itself"),
]


@pytest.mark.parametrize(("name", "prepare", "fault", "remedy"), REFUSED)
@pytest.mark.parametrize("suffix", [".json", ".xml"])
def test_a_place_that_is_not_ours_is_refused_and_left_as_it_is(
    name: str, prepare: Callable[[Path], Any] | None, fault: str, remedy: str, suffix: str, tmp_path: Path
) -> None:
    if prepare:
        prepare(tmp_path / f"{name}{suffix}")
    before = [(file.name, os.lstat(file)) for file in tmp_path.iterdir()]
    path = os.path.join(tmp_path, name)
    for write in (lambda: begin(path, STARTED), lambda: finish(path, REPORT)):
        with pytest.raises(ConfigurationError) as refused:
            write()
        assert fault in refused.value.message
        assert remedy in str(refused.value.hint)
    assert [(file.name, os.lstat(file)) for file in tmp_path.iterdir()] == before


def test_an_empty_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "rotation.xml").touch()
    begin(str(tmp_path / "rotation"), STARTED)
    assert successes(tmp_path / "rotation") == (False, False)


def test_a_relative_path_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="does not name a file"):
        begin("rotation", STARTED)


@pytest.mark.parametrize("check_mode", [True, False])
def test_where_nobody_can_write_the_run_ends_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check_mode: bool
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as refused:
        begin(str(tmp_path / "file" / "rotation"), STARTED, check_mode=check_mode)
    assert refused.value.sentence() == (
        f"The report {tmp_path}/file/rotation cannot be written: Not a directory. Correct "
        "ncp_dataforest_rotation_report_path, or make it possible to write there. No password was changed."
    )
    monkeypatch.setattr(os, "access", lambda *_given, **_more: False)
    with pytest.raises(ConfigurationError, match="cannot be written: Permission denied"):
        begin(str(tmp_path / "rotation"), STARTED, check_mode=check_mode)
    assert not (tmp_path / "rotation.xml").exists()


def test_what_cannot_be_written_leaves_the_report_of_a_run_that_has_not_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "rotation"
    begin(str(path), STARTED)

    def full(*_given: Any) -> int:
        raise OSError(errno.ENOSPC, "")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(KrcloudError) as failed:
            finish(str(path), REPORT)
    assert "could not be written: No space left on device. Do not use what is there now." in failed.value.sentence()
    assert successes(path) == (False, False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["rotation.json", "rotation.xml"]
