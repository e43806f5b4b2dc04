# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the project are found in a checkout, in an unpacked archive, and where there is no git at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tooling import start, tree

BIN = Path(sys.executable).parent
NO_CHECKOUT = "git says: fatal: not a git repository (or any"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as an archive holds it, unpacked; and what the tools leave behind."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    root = tmp_path / "unpacked"
    for name in tree.files():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.ROOT / name, root / name)
    for name in (".cache/tools/stamp", ".nox/unit/x.py", "tests/__pycache__/x.pyc", "plugins/x.pyc", "tests/output/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("left behind", encoding="utf-8")
    return root


def test_an_archive_holds_the_same_files_as_the_checkout(archive: Path) -> None:
    assert str(tree.no_checkout(archive)).startswith(NO_CHECKOUT)
    assert tree.files(archive) == tree.files()


def test_a_folder_is_walked_as_git_lists_it(archive: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--template=", archive], check=True)
    assert tree.no_checkout(archive) is None
    assert tree.walked(archive) == tree.files(archive)


def test_the_checkout_of_another_project_is_not_asked(archive: Path) -> None:
    outer = archive.parent
    subprocess.run(["git", "init", "--quiet", "--template=", outer], check=True)
    (outer / ".gitignore").write_text("*\n", encoding="utf-8")
    assert tree.no_checkout(archive) == f"it is inside {outer}, the checkout of another project"
    assert tree.files(archive) == tree.files()


def test_it_is_installed_from_an_archive_without_git(archive: Path, tmp_path: Path) -> None:
    """What `make demo` does."""
    program = (
        "import sys, pathlib; sys.path.insert(0, 'tests')\n"
        "from tooling import tree\n"
        "assert tree.no_checkout() == 'git is not installed'\n"
        "tree.install(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
    )
    (tmp_path / "no-git").mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    env |= {"PATH": str(tmp_path / "no-git"), "ANSIBLE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", program, str(BIN / "ansible-galaxy"), str(tmp_path / "scratch")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=archive, env=env)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    installed = tmp_path / "scratch" / "installed" / tree.COLLECTION
    assert (installed / "plugins/modules/ncp_dataforest_rotation.py").is_file()
    assert not list(installed.rglob("*.pyc"))


@pytest.mark.parametrize("arguments", [[], ["--session", "static"], ["--tags", "unit"], ["--session", "sanity-2.21"]])
def test_a_check_says_that_it_needs_a_checkout(arguments: list[str]) -> None:
    assert start.need_checkout(arguments, None) is None
    said = start.need_checkout(arguments, "git is not installed")
    assert said is not None
    assert said.startswith(f"This needs a git checkout, and {tree.ROOT} is not one: git is not installed. Clone the ")


@pytest.mark.parametrize("arguments", [["--list"], ["--session", "demo"], ["--session", "simulator", "--", "--help"]])
def test_the_demo_and_the_like_need_no_checkout(arguments: list[str]) -> None:
    assert start.need_checkout(arguments, NO_CHECKOUT) is None


def test_a_check_ends_before_it_sets_anything_up(archive: Path) -> None:
    command = [sys.executable, "tests/tooling/start.py"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=archive)
    assert done.returncode == 1
    assert done.stderr.startswith(f"This needs a git checkout, and {archive} is not one: {NO_CHECKOUT} ")
    assert done.stderr.count("\n") == 1
