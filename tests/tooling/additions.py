# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the pages that say how to add something, and what these pages say about each file.

A comment in front of an example says what it is:

- `.. example: adds PATH`: a new file. It leaves out the lines about the licence with which every file begins.
- `.. example: changes PATH`: lines of a file, as `diff` shows them. The file contains the lines before the change once.

A table has a row for each file: its path, what it holds, and the test that fails without it. `python -m
tooling.additions` adds everything to a copy of the project, and checks it with ruff, mypy and our rule about leaks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tooling import guides, tree

PAGES = ("adding_a_store", "adding_an_operation", "adding_a_vendor")
DRAWN = "docs/docsite/rst/architecture.rst"
# This file begins with these lines, too.
LICENCE = "".join(Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)[:3])
_ROW = re.compile(r"^ *\* - ``([\w./-]+)``\n +- [^\n]+(?:\n {7,}[^\n -][^\n]*)*\n +- ``(tests/[^`]+)``$", re.MULTILINE)


class Addition(NamedTuple):
    """One example: a new file, or lines that are changed in one."""

    path: str
    text: str
    is_new: bool


def additions(page: str) -> list[Addition]:
    """The examples of a page, in order."""
    found = []
    for example in guides.examples(f"docs/docsite/rst/{page}.rst"):
        if example.verb in ("adds", "changes"):
            found.append(Addition(example.words, example.text, example.verb == "adds"))
    return found


def checks(page: str) -> dict[str, str]:
    """The files in the table of a page, each with the test that fails without it."""
    return dict(_ROW.findall((tree.ROOT / f"docs/docsite/rst/{page}.rst").read_text(encoding="utf-8")))


def add(addition: Addition, root: Path) -> None:
    """Apply an example to a copy of the project."""
    path = root / addition.path
    if addition.is_new:
        assert not path.exists(), f"{addition.path} already exists"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_with_licence(path, addition.text), encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    for hunk in addition.text.split("@@\n"):
        lines = [(line[:1].strip(), line[1:]) for line in hunk.splitlines()]
        before = "".join(f"{line}\n" for sign, line in lines if sign != "+")
        after = "".join(f"{line}\n" for sign, line in lines if sign != "-")
        assert f"\n{text}".count(f"\n{before}") == 1, f"{addition.path} does not contain exactly once:\n{before}"
        text = f"\n{text}".replace(f"\n{before}", f"\n{after}")[1:]
    path.write_text(text, encoding="utf-8")


def draw(root: Path) -> None:
    """Write the lists of files in the page about the architecture, as `make format` does."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": "tests"}
    subprocess.run([sys.executable, "-m", "tooling.house"], cwd=root, env=env, check=True)


def _with_licence(path: Path, text: str) -> str:
    if path.suffix == ".py":
        first, module = "#!/usr/bin/python\n", path.parent.name == "modules"
        return f"{first if module else ''}{LICENCE}{'' if module else chr(10)}{text}"
    if path.suffix == ".yml":
        return text.replace("---\n", f"---\n{LICENCE}\n", 1)
    return f"{LICENCE}\n{text}"


def main() -> None:
    """Add everything to one copy, and check it."""
    root = tree.copy(tree.CACHE / "additions")
    for page in PAGES:
        for addition in additions(page):
            add(addition, root)
    typed = ["tests/hostile", "tests/leaks", "tests/support"]
    collections = str(root.parents[2])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(("tests", collections)), "MYPYPATH": collections}
    failed = []
    for command in (
        ("ruff", "check", "."),
        ("ruff", "format", "--diff", "."),
        ("mypy", "--package=ansible_collections.krcloud.credentials.plugins"),
        ("mypy", *typed),
        ("tooling.leak_rule",),
    ):
        if subprocess.run([sys.executable, "-m", *command], cwd=root, env=env, check=False).returncode:
            failed.append(" ".join(command[:2]))
    if failed:
        sys.exit(f"These checks fail with what the pages add: {', '.join(failed)}")


if __name__ == "__main__":
    main()
