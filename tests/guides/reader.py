# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who works through a guide: a shell, programs of one's own, and the servers of others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from support.playbooks import BIN, isolated
from support.simulator import Simulator
from tooling import guides
from tooling.guides import Example

PASSPHRASE = "a passphrase of the tests"
FOLDER = "docs/docsite/rst"

# Programs that a guide leaves to its reader. Each reads a password, compares it with the truth, and leaves a file.
CHECK_LOGIN = """\
#!/usr/bin/env python3
import json, os, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
truth = json.load(opener.open(os.environ["CONTROL_URL"] + "/truth"))["accounts"]["default"]
if truth[sys.argv[1]]["password"] != sys.stdin.read().strip():
    sys.exit(1)
open(sys.argv[0] + "." + sys.argv[1], "w").close()
"""
# The same for a dictionary of passwords.
CHECK_LOGINS = """\
#!/usr/bin/env python3
import json, os, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
truth = json.load(opener.open(os.environ["CONTROL_URL"] + "/truth"))["accounts"]["default"]
given = json.load(sys.stdin)
if any(truth[name]["password"] != password for name, password in given.items()):
    sys.exit(1)
json.dump(sorted(given), open(sys.argv[0] + ".done", "w"))
"""

# What the guides bring about on purpose. Any other warning is about something that their readers would have to fix.
WARNINGS = ("The password of df040 breaks the published rules", "keeps the active passwords of what was copied")
# What ansible-core shows instead of what it takes for a secret. Nobody can read what a guide shows then.
HIDDEN = "$REDACTED$"


class Texts(yaml.SafeLoader):
    """Reads a store: texts that a play could take for templates have a tag."""


Texts.add_constructor("!unsafe", Texts.construct_yaml_str)


class Web:
    """A small server: the requests that it gets, and its answers by path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Any] = {}
        web = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                web.asked.append((self.command, self.path, body))
                answer = web.answers.get(self.path)
                data = json.dumps(answer(body) if callable(answer) else answer).encode()
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Reader:
    """Somebody with a shell who does what a guide says."""

    def __init__(self, folder: Path, collections: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        self.web: Web | None = None
        self.home = folder / "home"
        self.place = folder / "place"
        self._programs = folder / "programs"
        for path in (self.home, self.place, self._programs):
            path.mkdir()
        self.output = ""
        self.passphrase_file = ".dataforest-passphrase"
        self.replaced = {
            "http://127.0.0.1:18001": simulator.ncp_url,
            "http://127.0.0.1:18002": simulator.solapi_url,
            "http://127.0.0.1:18003": simulator.control_url,
        }
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        self.variables: dict[str, Any] = {}
        self._hosts = dict.fromkeys(("localhost", "bastion.example.com", "jobs.example.com"), here)
        self.environment = {
            **isolated(self.home),
            "PATH": os.pathsep.join((str(self._programs), str(BIN), os.environ["PATH"])),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_INVENTORY": str(folder / "inventory.json"),
            "CONTROL_URL": simulator.control_url,
        }

    def program(self, name: str, text: str, *, here: bool = False) -> None:
        file = (self.place if here else self._programs) / name
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def passphrase(self) -> None:
        """Make the passphrase of the guide to rotation, unless it exists."""
        file = self.home / self.passphrase_file
        if not file.exists():
            file.write_text(PASSPHRASE, encoding="utf-8")

    def type_into_the_editor(self, name: str) -> None:
        """Encrypt the file of a guide, as `ansible-vault create` does after it was typed into the editor."""
        typed = self.home / "typed"
        typed.write_text(PASSPHRASE, encoding="utf-8")
        encrypt = f"grep -q '^.ANSIBLE_VAULT' {name} || ansible-vault encrypt --vault-password-file {typed} {name}"
        self.program(
            "ansible-playbook", f'#!/bin/sh\n[ ! -e {name} ] || {{ {encrypt}; }}\nexec {BIN}/ansible-playbook "$@"\n'
        )

    def keys(self) -> None:
        """Export what the guide to the first reset exports."""
        exports = next(found for found in guides.examples(f"{FOLDER}/first_reset.rst") if "export " in found.text)
        self.shell(exports.text)

    def profiles(self) -> None:
        """Write the profile file of the guide to credentials."""
        found = guides.examples(f"{FOLDER}/credentials.rst")
        self.file("~/.ncloud/configure", next(example for example in found if example.language == "ini").text)

    def adapted(self, text: str) -> str:
        for wanted, found in self.replaced.items():
            text = text.replace(wanted, found)
        return text

    def file(self, name: str, text: str) -> None:
        path = self.home / name.removeprefix("~/") if name.startswith("~/") else self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.adapted(text), encoding="utf-8")

    def shell(self, text: str, *, fails: bool = False) -> str:
        """Run commands, in the folder and with the variables that earlier commands have left."""
        inventory = {"all": {"hosts": self._hosts, "vars": self.variables}}
        Path(self.environment["ANSIBLE_INVENTORY"]).write_text(json.dumps(inventory), encoding="utf-8")
        state = self.home / "state"
        counted = [f"{command}\n(( $? == 0 )) || failed+=($LINENO)" for command in _commands(self.adapted(text))]
        kept = f"pwd >{state}; env -0 >>{state}; exit ${{#failed[@]}}"
        script = "\n".join(["set -a -o pipefail; failed=()", *counted, kept])
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.place,
            env=self.environment,
            # A reader who is asked for a passphrase types this one. There is no terminal here.
            input=f"{PASSPHRASE}\n" * 4,
            start_new_session=True,
        )
        self.output = done.stdout
        # This many commands have failed.
        assert done.returncode == int(fails), f"{script}\n{self.output}"
        warnings = [line for line in self.output.split("\n") if "WARNING]: " in line]
        strange = [line for line in warnings if not any(known in line for known in WARNINGS)]
        assert not strange, f"{script}\n{self.output}"
        assert HIDDEN not in self.output, f"{script}\n{self.output}"
        folder, _line, variables = state.read_text(encoding="utf-8").partition("\n")
        self.place = Path(folder)
        self.environment = dict(item.split("=", 1) for item in variables.split("\0") if "=" in item)
        return self.output

    def play(self, example: Example) -> None:
        """Run a play, or tasks in a play around them."""
        self.file("played.yml", example.text if example.verb == "play" else _play(example))
        self.passphrase()
        new = "-e new_accounts=rotate -e ncp_dataforest_rotation_new_accounts=rotate"
        options = f"--vault-password-file ~/{self.passphrase_file} {new}"
        self.shell(f"ansible-playbook played.yml {options}")

    def read(self, example: Example) -> None:
        """Do what the comment of an example says."""
        if example.verb == "file":
            self.file(example.words, example.text)
        elif example.verb == "wrapped":
            self.file(example.words, _play(example))
        elif example.verb in ("run", "run fails"):
            self.shell(example.text, fails=example.verb == "run fails")
        elif example.verb == "output":
            assert printed(self.adapted(example.text), self.output), f"{example}: not in\n{self.output}"
        elif example.verb == "message":
            # It is printed in one line.
            assert printed(" ".join(self.adapted(example.text).split()), self.output), (
                f"{example}: not in\n{self.output}"
            )
        elif example.verb in ("play", "tasks"):
            self.play(example)

    def envelopes(self, store: str = "dataforest.yml") -> dict[str, Any]:
        shown = self.shell(f"ansible-vault view {store} --vault-password-file ~/.dataforest-passphrase")
        return dict(yaml.load(shown, Texts)["dataforest_credentials"])  # noqa: S506 it is a safe loader

    def live(self) -> dict[str, str]:
        return {name: account["password"] for name, account in self.simulator.truth()["accounts"]["default"].items()}


def _play(example: Example) -> str:
    """A play around tasks. New accounts are rotated, as with the command line of the guide."""
    defaults = {"krcloud.credentials.ncp_dataforest_rotation": {"new_accounts": "rotate"}}
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults}
    rotation = {"krcloud.credentials.ncp_dataforest_rotation": {"store": {"path": "dataforest.yml"}}}
    before = [{**rotation, "register": "rotation"}] if example.words == "rotation" else []
    return yaml.safe_dump([{**play, "tasks": [*before, *yaml.safe_load(example.text)]}])


def _commands(text: str) -> list[str]:
    """The commands of a block: a line each, unless it goes on or feeds a document to one."""
    text = re.sub(r"(?m)^\$ ", "", text).replace("\\\n", " ")
    commands, end = [], None
    for line in text.strip().split("\n"):
        if end is None:
            commands.append(line)
            found = re.search(r"<<'(\w+)'$", line)
            end = found[1] if found else None
        else:
            commands[-1] += "\n" + line
            end = None if line == end else end
    return commands


def printed(wanted: str, output: str) -> bool:
    """Whether an output holds the lines of a block, one after the other. Figures and rulers may differ."""
    lines = [
        re.sub(r"\\\*(\\\*)+", r"\\*+", re.sub(r"\d+", r"\\d+", re.escape(line.strip()))).replace(r"\[\.\.\.\]", ".*")
        for line in wanted.split("\n")
        if line.strip()
    ]
    found = [line.strip() for line in output.split("\n")]
    for line in lines:
        place = next((at for at, text in enumerate(found) if re.search(line, text)), None)
        if place is None:
            return False
        del found[: place + 1]
    return True
