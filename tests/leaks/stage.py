# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs playbooks as verbosely as possible, and gathers everything that they leave anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from leaks.canaries import CANARIES
from leaks.watch import MARK, Watch, is_running
from support.canary import forms
from support.playbooks import BIN, command

HERE = Path(__file__).parent
INTERPOSED = HERE / "interposed"
TALKATIVE = ("-vvvv", "--diff")
# What the test itself puts there. A secret has to come from somewhere.
INPUTS = frozenset(
    {"playbook.yml", "extra_vars.json", "extravars", "passphrase", "passphrase_wrong", "configure", "said"}
)
# What the files are that a run leaves behind, by the beginning of their paths.
PLACES = {
    "out/ansible.log": "log_path",
    "out/syslog": "syslog",
    "out/record": "what callbacks get",
    "out/options": "options of tasks",
    "out/junit": "callback junit",
    "out/tree": "callback tree",
    "out/facts": "fact cache",
    "home/.ansible_async": "async files",
    "store": "surroundings of the store",
    "reports": "reports",
    "runner/artifacts": "artifacts of ansible-runner",
    "": "files left behind",
}
OPTIONS = "options of tasks"
# Tasks of the playbook itself, and of the files that it gives to a role.
OWN_TASKS = ("case ", "Hand it over")


@dataclass
class Evidence:
    """What one run has left: texts by sink and name, what callbacks received, and its exit code."""

    texts: dict[str, dict[str, str]]
    returncode: int
    payloads: dict[Path, int] = field(default_factory=dict)

    @property
    def output(self) -> str:
        return "\n".join(self.texts["standard output"].values())

    def record(self) -> list[dict[str, Any]]:
        """The results as callbacks received them, in order."""
        lines = self.texts.get("what callbacks get", {}).get("out/record", "").splitlines()
        return [json.loads(line) for line in lines]

    def leaks(self, secrets: Mapping[str, str]) -> list[str]:
        """One line for each secret, form and text that holds it.

        ansible-core passes the options of every task to callbacks, `no_log` or not. So these contain what the playbook
        has given. But those of the tasks in our roles must not contain what a run has made or read.
        """
        spelled = {
            (name, form): text.lower() for name, secret in secrets.items() for form, text in forms(secret).items()
        }
        return sorted(
            f"{sink}: {name} ({form}) in {place}{_task(text, at)}"
            for sink, texts in self.texts.items()
            for place, text in ((place, _ours(text) if sink == OPTIONS else text) for place, text in texts.items())
            for lower in [text.lower()]
            for (name, form), wanted in spelled.items()
            if (at := lower.find(wanted)) >= 0 and not (sink == OPTIONS and name in CANARIES)
        )


def _ours(options: str) -> str:
    """The options of tasks that are not the playbook's own."""
    lines = [(json.loads(line)["task"].rpartition(" : ")[2], line) for line in options.splitlines()]
    return "\n".join(line for task, line in lines if not task.startswith(OWN_TASKS))


def _task(text: str, at: int) -> str:
    """The last task that was announced before a place in an output."""
    begin = text.rfind("TASK [", 0, at)
    return f", {text[begin : text.find(']', begin) + 1]}" if begin >= 0 else ""


@dataclass
class Coverage:
    """What was covered, counted: cases by subject and error path, texts and characters by sink."""

    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    secrets: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    payloads: int = 0

    def add(self, evidence: Evidence, secrets: Mapping[str, str]) -> None:
        """Search what a run has left. Fails if there is a secret in it."""
        self.secrets |= set(secrets.values())
        self.payloads += len(evidence.payloads)
        for sink, texts in evidence.texts.items():
            self.texts[sink] += len(texts)
            self.characters[sink] += sum(map(len, texts.values()))
        leaks = evidence.leaks(secrets)
        self.leaks += leaks
        assert not leaks, "\n".join(leaks)

    def table(self) -> Iterator[str]:
        """What was covered, for people."""
        subjects, paths = (list(dict.fromkeys(pair[at] for pair in self.cases)) for at in (0, 1))
        width = max(map(len, subjects), default=0)
        yield f"{'cases':{width}}  {'  '.join(paths)}"
        for subject in subjects:
            counts = "  ".join(f"{self.cases[subject, path] or '-':>{len(path)}}" for path in paths)
            yield f"{subject:{width}}  {counts}"
        width = max(map(len, self.texts), default=0)
        for sink in self.texts:
            yield f"{sink:{width}}  {self.texts[sink]:6,} texts  {self.characters[sink]:12,} characters"
        yield (
            f"In all {self.cases.total():,} cases, {len(self.secrets):,} secrets in {len(forms('secret'))} forms, "
            f"{len(self.leaks):,} leaks. {self.payloads:,} modules were seen in files of their own."
        )


class Stage:
    """A folder with an inventory, a home and a store in it, in which playbooks run one after the other."""

    def __init__(self, collections: Path, folder: Path) -> None:
        self.collections = collections
        self.folder = folder
        self.store = folder / "store"
        for name in ("home", "tmp", "store", "out/facts"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def run(
        self,
        playbook: str | Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        extra_vars: Mapping[str, Any] | None = None,
        interrupt: Callable[[], object] | None = None,
    ) -> Evidence:
        """Run a playbook to its end, or interrupt it as Ctrl-C does once `interrupt` returns."""
        mark = uuid.uuid4().hex
        given = command(
            self.collections,
            self.folder,
            playbook,
            *TALKATIVE,
            *arguments,
            env={**self._environment(mark), **(env or {})},
            extra_vars=extra_vars,
        )
        with Watch(mark, [self.folder / "home", self.folder / "tmp"]) as watch:
            process = subprocess.Popen(
                **given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                errors="backslashreplace",
                start_new_session=True,
            )
            if interrupt:
                _kept = interrupt()  # perhaps a connection, which would end the wait if it were closed
                watch.look()
                os.killpg(process.pid, signal.SIGINT)
            while True:
                try:
                    output, errors = process.communicate(timeout=30 if interrupt else None)
                    break
                except subprocess.TimeoutExpired:
                    # ansible-core may get stuck in its own clean-up. Then people press the keys once more.
                    os.killpg(process.pid, signal.SIGINT)
            self._wait_for_the_rest(mark)
        return self._evidence(watch, process.returncode, {"standard output": output, "standard error": errors})

    def run_by_runner(
        self, playbook: str, *arguments: str, extra_vars: Mapping[str, Any], env: Mapping[str, str] | None = None
    ) -> Evidence:
        """Run a playbook with ansible-runner, whose artifacts are one more sink."""
        mark = uuid.uuid4().hex
        given = command(self.collections, self.folder, playbook, env={**self._environment(mark), **(env or {})})
        place = self.folder / "runner"
        for name in ("env", "project", "inventory"):
            (place / name).mkdir(parents=True)
        (place / "project" / "playbook.yml").write_text(playbook, encoding="utf-8")
        (place / "inventory" / "hosts.json").write_bytes((self.folder / "inventory.json").read_bytes())
        (place / "env" / "extravars").write_text(yaml.safe_dump(dict(extra_vars)), encoding="utf-8")
        (place / "env" / "cmdline").write_text(" ".join((*TALKATIVE, *arguments)), encoding="utf-8")
        words = [str(BIN / "ansible-runner"), "run", str(place), "--playbook", "playbook.yml"]
        with Watch(mark, [self.folder / "home", self.folder / "tmp"]) as watch:
            done = subprocess.run(**{**given, "args": words}, capture_output=True, check=False)
        return self._evidence(watch, done.returncode, {"standard output": done.stdout, "standard error": done.stderr})

    def _environment(self, mark: str) -> dict[str, str]:
        out = self.folder / "out"
        return {
            MARK: mark,
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(INTERPOSED),
            "KRCLOUD_SYSLOG": str(out / "syslog"),
            "KRCLOUD_RECORD": str(out / "record"),
            "KRCLOUD_OPTIONS": str(out / "options"),
            "ANSIBLE_ASYNC_DIR": str(self.folder / "home" / ".ansible_async"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(out / "facts"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit,ansible.builtin.tree",
            "ANSIBLE_CALLBACK_TREE_DIR": str(out / "tree"),
            "JUNIT_OUTPUT_DIR": str(out / "junit"),
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
            "ANSIBLE_INJECT_INVOCATION": "true",
            "ANSIBLE_LOG_PATH": str(out / "ansible.log"),
        }

    @staticmethod
    def _wait_for_the_rest(mark: str) -> None:
        deadline = time.monotonic() + 60
        while is_running(mark):
            assert time.monotonic() < deadline, "A process outlives its playbook."
            time.sleep(0.05)

    def _evidence(self, watch: Watch, returncode: int, streams: Mapping[str, str]) -> Evidence:
        # ansible-core runs a module from an archive, and an interruption may leave that behind. A whole one is opened
        # and searched below; what cannot be opened must not be there.
        left = [path for path in watch.payloads if path.exists() and not zipfile.is_zipfile(path)]
        assert not left, f"Modules with their arguments were left behind: {left}"
        assert set(watch.payloads.values()) <= {0o700}, f"Others may read the arguments of modules: {watch.payloads}"
        texts: dict[str, dict[str, str]] = {
            **{sink: {"": text} for sink, text in streams.items()},
            "arguments of processes": watch.arguments,
            "environment of processes": watch.environments,
            "temporary files meanwhile": watch.files,
        }
        for name, text in self._files():
            sink = next(sink for place, sink in PLACES.items() if name.startswith(place))
            texts.setdefault(sink, {})[name] = text
        return Evidence(texts, returncode, watch.payloads)

    def _files(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name not in INPUTS:
                yield str(path.relative_to(self.folder)), _content(path).decode("utf-8", "backslashreplace")


def _content(path: Path) -> bytes:
    """Return what is in a file; of an archive, what is in its members."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())
