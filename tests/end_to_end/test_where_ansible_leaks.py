# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guide about secrets says about ansible-core is true: its own playbooks and commands are run."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest
from ansible.release import __version__

from support.playbooks import isolated
from tooling.tree import ROOT

GUIDE = (ROOT / "docs/docsite/rst/secrets.rst").read_text(encoding="utf-8")
SECRET = "Invented-Secret-1"
VERSION = ".".join(__version__.split(".")[:2])

PLAYBOOK = re.compile(
    r"^\.\. code-block:: yaml\n\n   # This (?:leaks|cleans up): (\S+)\n((?:   .*\n|\n)+)", re.MULTILINE
)
SHOWN = re.compile(
    r"^\.\. code-block:: console\n\n((?:   \$ .*\n)+)\nSeen on (no|ansible-core [\d., ]+)\b", re.MULTILINE
)
EXPERIMENTS = SHOWN.findall(GUIDE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all playbooks of the section."""
    for name, text in PLAYBOOK.findall(GUIDE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return tmp_path


def test_every_command_of_the_section_is_run() -> None:
    (section,) = re.findall(r"\nSee for yourself\n-+\n(.*?)\n---", GUIDE, re.DOTALL)
    assert section.count("code-block:: console") == len(EXPERIMENTS) > 0
    assert section.count("code-block:: yaml") == len(PLAYBOOK.findall(GUIDE)) > 0


@pytest.mark.parametrize(("commands", "seen"), EXPERIMENTS, ids=[commands.strip() for commands, _seen in EXPERIMENTS])
def test_the_secret_is_seen_where_the_guide_says(folder: Path, commands: str, seen: str) -> None:
    script = commands.replace("   $ ", "")
    given = {"cwd": folder, "env": isolated(folder / "home"), "text": True}
    result = subprocess.run(["bash", "-c", script], check=False, capture_output=True, **given)
    shown = result.stdout + result.stderr
    assert "PLAY RECAP" in shown, shown
    assert (SECRET in shown) == (VERSION in seen), shown
