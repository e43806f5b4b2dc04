# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages that say how to add something: followed to the letter in a copy of the project, and with one file left out.

Only the files of the page are touched, its checks pass, and each check fails without its file. The last is not tried
for a vendor: it would take a minute or two, and most of these files are those of an operation.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tooling import additions, tree
from tooling.additions import DRAWN, PAGES

# In a copy of the project. Prints what the module of the example returns.
RUN_THE_MODULE = """
import subprocess, sys
from support.simulator import Simulator

with Simulator() as simulator:
    options = {"api_url": simulator.ncp_url, "access_key": simulator.access_key, "secret_key": simulator.secret_key}
    command = ["ansible", "localhost", "-m", "krcloud.credentials.ncp_sub_account_info", "-a"]
    arguments = " ".join(f"{name}={value}" for name, value in {**options, "id": sys.argv[1]}.items())
    sys.exit(subprocess.run([*command, arguments]).returncode)
"""
# What else must hold, besides the checks of the table.
MORE = {
    "adding_a_store": ["tests/unit/plugins/plugin_utils/_stores/test_conformance.py", "-k", "sqlite_file"],
    "adding_an_operation": ["tests/unit/plugins/test_representations.py", "tests/unit/tooling"],
    "adding_a_vendor": ["tests/unit/plugins/test_representations.py", "tests/unit/tooling/test_promises.py"],
}
TRIED_WITHOUT = ("adding_a_store", "adding_an_operation")


class Copy:
    """A copy of the project to which a page has added something."""

    def __init__(self, page: str, folder: Path) -> None:
        self.page = page
        self.root = tree.copy(folder)
        self.git("add", "--all")
        self.git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=before")
        self.additions = additions.additions(page)
        self.checks = additions.checks(page)
        for each in self.additions:
            additions.add(each, self.root)
        additions.draw(self.root)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        env = {**kept, "LC_ALL": "C.UTF-8", "HOME": str(self.root.parent)}
        env["PYTHONPATH"] = os.pathsep.join(("tests", str(self.root.parents[2])))
        command = (sys.executable, "-m", *command)
        return subprocess.run(command, cwd=self.root, env=env, check=False, capture_output=True, text=True)

    def pytest(self, *tests: str) -> subprocess.CompletedProcess[str]:
        return self.run("pytest", "-q", "-x", "--no-header", *tests)

    def without(self, path: str) -> subprocess.CompletedProcess[str]:
        """Run the check of a file while that file is as it was before."""
        file = self.root / path
        added = file.read_bytes()
        file.unlink()
        if self.git("ls-files", path):
            self.git("checkout", "--", path)
        try:
            return self.pytest(self.checks[path])
        finally:
            file.write_bytes(added)


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Copy]:
    return {page: Copy(page, tmp_path_factory.mktemp(page)) for page in PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_touched_but_the_files_of_the_table(page: str, copies: dict[str, Copy]) -> None:
    copy = copies[page]
    touched = {line[3:] for line in copy.git("status", "--porcelain", "--untracked-files=all").splitlines()}
    assert touched == {each.path for each in copy.additions} | {DRAWN} == set(copy.checks)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES)
def test_with_all_of_them_the_checks_pass(page: str, copies: dict[str, Copy]) -> None:
    files = {check.partition("::")[0] for check in copies[page].checks.values()}
    for tests in (sorted(files), MORE[page]):
        done = copies[page].pytest(*tests)
        assert done.returncode == 0, done.stdout[-5000:]
    done = copies[page].run("tooling.leak_rule")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("page", "path"), [(page, path) for page in TRIED_WITHOUT for path in additions.checks(page)])
def test_without_one_of_them_its_check_fails(page: str, path: str, copies: dict[str, Copy]) -> None:
    done = copies[page].without(path)
    # A test failed, or the test or something that it needs could not even be imported.
    unimportable = done.returncode == 4 and "ImportError while loading conftest" in done.stderr
    assert done.returncode in (1, 2) or unimportable, done.stdout[-5000:] + done.stderr


def test_the_module_of_the_example_runs(copies: dict[str, Copy]) -> None:
    root = copies["adding_an_operation"].root
    env = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "LC_ALL": "C.UTF-8"}
    env |= {"PYTHONPATH": "tests", "ANSIBLE_COLLECTIONS_PATH": str(root.parents[2])}
    for wanted, code in (("5b1e7c", 0), ("nobody", 2)):
        command = [sys.executable, "-c", RUN_THE_MODULE, wanted]
        done = subprocess.run(command, cwd=root, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        if not code:
            result = json.loads(done.stdout.partition("=> ")[2])
            assert result["sub_account"] == {"id": "5b1e7c", "login_id": "batch", "name": "Batch jobs"}
        else:
            assert "does not know the sub account" in done.stdout
