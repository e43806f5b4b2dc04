# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project in GitLab, with a bare repository on disk and a runner that runs the job of docs/examples/gitlab-git."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from support.playbooks import BIN, isolated
from tooling.tree import ROOT

EXAMPLE = ROOT / "docs/examples/gitlab-git"
STORE = "dataforest.yml"

# The four values as they are in the file, and what the readers of the guide write instead.
VALUES = {
    "IMAGE: registry.example.com/ansible-with-krcloud-credentials:1": "IMAGE: registry.example.com/ours:1",
    "STORE_BRANCH: main": "STORE_BRANCH: main # ours, too",
    "COMMIT_NAME: rotation": "COMMIT_NAME: night shift",
    "COMMIT_MAIL: ops@example.com": "COMMIT_MAIL: night@example.com",
}

# What a rotation does: it reads the store, saves a candidate, sends it once it is pushed, and promotes it.
ROTATE = f"""cat {STORE} >>"$SEEN" 2>/dev/null
rotate() {{
  echo "pending of job $CI_JOB_ID" >>{STORE}
  bash push.sh || return 2
  echo "of job $CI_JOB_ID" >>"$SENT"
  sed -i "s/^pending of job $CI_JOB_ID/of job $CI_JOB_ID/" {STORE}
  bash push.sh || return 2
}}
rotate"""

# Kills everything that the job has started but the hook itself, as the end of its container does. Each of its processes
# knows the file.
KILL = """kill -KILL $(grep --files-with-matches --null-data --fixed-strings --line-regexp "SEEN=$SEEN" \\
  /proc/[0-9]*/environ 2>/dev/null | cut --delimiter=/ --fields=3 | grep --invert-match --line-regexp $$)"""


def git(folder: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=colleague", "-c", "user.email=colleague@example.com")
    done = subprocess.run(
        ["git", *who, *words], check=False, capture_output=True, text=True, cwd=folder, env=environment
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout.rstrip("\n")


class Job:
    """A job of a pipeline that has ended."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str], seen: str, sent: str) -> None:
        self.folder = folder
        self.status = done.returncode
        self.output = done.stdout + done.stderr
        self.seen = seen
        """What the store held when its playbook began."""
        self.sent = sent
        """What its playbook has sent to the vendor."""


class Project:
    """A project in GitLab, and what happens to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bare = folder / "project.git"
        git(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(self.bare))
        # GitLab lets a job fetch the commit of its pipeline, whatever has become of the branch.
        git(self.bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.colleague = folder / "colleague"
        git(folder, "clone", "--quiet", str(self.bare), str(self.colleague))
        shutil.copytree(EXAMPLE, self.colleague, dirs_exist_ok=True)
        file = self.colleague / ".gitlab-ci.yml"
        text = file.read_text(encoding="utf-8")
        assert all(text.count(value) == 1 for value in VALUES)
        for value, filled_in in VALUES.items():
            text = text.replace(value, filled_in)
        file.write_text(text, encoding="utf-8")
        self.commit("Begin")
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.program("sleep", "exit 0")
        self.program("ansible-playbook", ROTATE)
        self.hook = ""
        """What happens each time the job is about to push to the branch. $TIME says which time it is, from 1."""
        self._jobs = 0

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (self.programs / name).chmod(0o755)

    def commit(self, message: str, **files: str) -> str:
        """Let a colleague push a commit to the branch."""
        git(self.colleague, "fetch", "--quiet")
        if git(self.bare, "branch"):
            git(self.colleague, "reset", "--quiet", "--hard", "origin/main")
        for name, text in files.items():
            (self.colleague / name.replace("_", ".")).write_text(text, encoding="utf-8")
        git(self.colleague, "add", "--all")
        git(self.colleague, "commit", "--quiet", "--allow-empty", "--message", message)
        git(self.colleague, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        return self.head()

    def while_it_runs(self, *words: str) -> str:
        """Shell text with which the colleague does something while a job runs."""
        clean = "env -u GIT_DIR -u GIT_CONFIG_COUNT -u GIT_CONFIG_KEY_0 -u GIT_CONFIG_KEY_1"
        who = "-c user.name=colleague -c user.email=colleague@example.com"
        steps = ("fetch --quiet", "reset --quiet --hard origin/main", *words, "push --quiet --force origin HEAD:main")
        lines = [step[1:] if step.startswith("!") else f"{clean} git {who} {step}" for step in steps]
        return "(" + " && ".join((f"cd {self.colleague}", *lines)) + ")"

    def head(self, branch: str = "main") -> str:
        return git(self.bare, "rev-parse", f"refs/heads/{branch}")

    def branches(self) -> list[str]:
        return git(self.bare, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n")

    def store(self, branch: str = "main") -> str:
        return git(self.bare, "show", f"{branch}:{STORE}") + "\n"

    def messages(self, branch: str = "main") -> list[str]:
        return git(self.bare, "log", "--format=%s", f"refs/heads/{branch}").split("\n")

    def pipeline(
        self, number: int = 7, commit: str | None = None, env: Mapping[str, str] | None = None, depth: int = 1
    ) -> Job:
        """Run the job of a pipeline as a runner does; ``commit`` is that of the pipeline."""
        self._jobs += 1
        clone = self.folder / f"job-{self._jobs}"
        git(self.folder, "init", "--quiet", "--template=", str(clone))
        git(clone, "fetch", "--quiet", f"--depth={depth}", f"file://{self.bare}", commit or self.head())
        git(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        if self.hook:
            hooks = clone / ".git" / "hooks"
            hooks.mkdir()
            (hooks / "pre-push").write_text(
                "#!/bin/bash\nif grep -q ' refs/heads/main '; then\n"
                f"echo >>{clone}.pushes\nTIME=$(wc -l <{clone}.pushes)\n{self.hook}\nfi\nexit 0\n",
                encoding="utf-8",
            )
            (hooks / "pre-push").chmod(0o755)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        seen, sent = (self.folder / f"{what}-{self._jobs}" for what in ("seen", "sent"))
        seen.touch()
        sent.touch()
        file = yaml.safe_load((clone / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        variables = {
            name: str(value["value"] if isinstance(value, dict) else value) for name, value in file["variables"].items()
        }
        environment = {
            **isolated(home),
            **variables,
            "PATH": os.pathsep.join((str(self.programs), str(BIN), os.environ["PATH"])),
            "CI_COMMIT_BRANCH": "main",
            "CI_PIPELINE_ID": str(number),
            "CI_JOB_ID": str(100 + self._jobs),
            "DATAFOREST_PASSPHRASE": str(self.folder / "passphrase"),
            "PUSH_URL": f"file://{self.bare}",
            "PUSH_TOKEN": "an-invented-token",
            "SEEN": str(seen),
            "SENT": str(sent),
            **(env or {}),
        }
        script = "\n".join(file["rotate"]["script"])
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            check=False,
            capture_output=True,
            text=True,
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        return Job(clone, done, seen.read_text(encoding="utf-8"), sent.read_text(encoding="utf-8"))
