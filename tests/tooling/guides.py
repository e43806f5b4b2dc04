# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the guides, and what the tests do with each.

A comment in front of an example tells: `.. example: VERB WORDS` in rst, `<!-- example: VERB WORDS -->` in Markdown.

- `file NAME`: it is saved under this name, as the text around it says.
- `run`: its commands are run, and succeed. `run fails`: one of them fails.
- `output`: the run before has printed it. Figures and the length of rules may differ; `[...]` stands for anything.
- `message`: the same, in one line.
- `play`: the play is run.
- `tasks`: the tasks are run, in a play around them. `tasks rotation`: after one that registers `rotation`.
- `wrapped NAME`: the tasks are saved under this name, in a play around them.
- `shown REASON`: it is not run, for this reason.
- `adds PATH`, `changes PATH`: a file of the project, or a change to one; see tooling/additions.py.
- `run elsewhere TEST`: the named test runs it, or compares it with what it runs.
- `copied PATH`: it is this file of the project, without its lines about the licence. Tests run the file.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from tooling.tree import ROOT

VERBS = (
    "adds",
    "changes",
    "copied",
    "file",
    "message",
    "output",
    "play",
    "run",
    "run elsewhere",
    "run fails",
    "shown",
    "tasks",
    "wrapped",
)
# Examples in other languages are not run.
RUNNABLE = ("console", "ini", "shell", "yaml")

_RST = re.compile(
    r"(?:^(?P<indent> *)\.\. example: (?P<note>.*)\n\n?)?^(?P<outer> *)\.\. code-block:: (?P<language>\w+)\n"
    r"(?: +:\w+:.*\n)*(?P<text>(?:(?P=outer) +.*\n| *\n)+)",
    re.MULTILINE,
)
_MARKDOWN = re.compile(
    r"(?:^ *<!-- example: (?P<note>[^\n]*) -->\n\n?)?^(?P<outer> *)```(?P<language>\w+)\n(?P<text>.*?^)(?P=outer)```",
    re.MULTILINE | re.DOTALL,
)
_LICENCE = re.compile(r"^(#|//) (Copyright|GNU|SPDX).*\n", re.MULTILINE)
_RST_HEADING = re.compile(r"^(.+)\n([-=^])\2{2,}$", re.MULTILINE)
_MARKDOWN_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Example(NamedTuple):
    """A code block of a guide."""

    file: str
    line: int
    section: str
    language: str
    text: str
    note: str

    @property
    def verb(self) -> str:
        """What the tests do with it; empty if no comment says so."""
        return max((verb for verb in VERBS if f"{self.note} ".startswith(f"{verb} ")), key=len, default="")

    @property
    def words(self) -> str:
        """The rest of the comment."""
        return self.note.removeprefix(self.verb).strip()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def without_header(text: str) -> str:
    """A file without its lines about the licence, and without the empty line after them, as guides show it."""
    left = _LICENCE.sub("", text).replace("---\n\n", "---\n", 1)
    return re.sub(r"\A(#!.*\n)\n", r"\1", left).lstrip("\n")


def examples(name: str, root: Path = ROOT) -> list[Example]:
    """All code blocks of a guide, in order."""
    text = (root / name).read_text(encoding="utf-8")
    pattern, heading = (_MARKDOWN, _MARKDOWN_HEADING) if name.endswith(".md") else (_RST, _RST_HEADING)
    headings = [(match.start(), match[1]) for match in heading.finditer(text)]
    found = []
    for match in pattern.finditer(text):
        start = match.start("language")
        section = next((title for at, title in reversed(headings) if at < start), "")
        line = text.count("\n", 0, start) + 1
        block = textwrap.dedent(match["text"]).strip("\n") + "\n"
        found.append(Example(name, line, section, match["language"], block, (match["note"] or "").strip()))
    return found


def guides(root: Path = ROOT) -> list[str]:
    """All texts that show examples to users."""
    found = [*root.glob("docs/docsite/rst/*.rst"), *root.glob("*.md"), *root.glob("roles/*/README.md")]
    return sorted(path.relative_to(root).as_posix() for path in found)
