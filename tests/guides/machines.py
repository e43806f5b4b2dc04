# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines that rotate by themselves, as far as the folders docs/examples/systemd and docs/examples/cron use them.

Each copies its folder, fills in the four values and nothing else, and runs setup.sh. What runs then is what systemd or
cron would read out of the files that setup.sh has installed, with the environment that they would give it. A folder of
the test stands in place of /, because it has an /etc of its own.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from guides.reader import Texts
from support.playbooks import BIN
from support.simulator import Simulator
from tooling.processes import PROC, descendants, strike_down
from tooling.tree import ROOT

EXAMPLES = ROOT / "docs/examples"
NAME = "dataforest-rotation"
# What only root may do, and what setup.sh has to say to systemd.
LEFT_TO_ROOT = ("chown", "systemctl", "useradd")


class Command(NamedTuple):
    """A command as systemd or cron runs it."""

    words: list[str]
    environment: dict[str, str]
    folder: Path
    ends: Path | None = None
    """A folder that is gone when the run has ended."""


class Ended(NamedTuple):
    """A run that has ended."""

    status: int
    output: str


class Machine:
    """A machine on which somebody has copied a folder of docs/examples and filled it in."""

    name: str
    file: str
    """The file that begins with the values."""

    def __init__(self, folder: Path, collections: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        self.collections = collections
        self._ending: dict[int, Path] = {}
        self.root = folder / "root"
        self.secrets = folder / "secrets"
        self.secrets.mkdir(parents=True)
        self.copy = folder / "copy"
        shutil.copytree(EXAMPLES / self.name, self.copy)
        self._fill_in()
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in LEFT_TO_ROOT:
            self.program(name, 'echo "$@" >>"$0.log"')
        self.write_keys(simulator.secret_key)

    # ----------------------------------------------------------------------------------------- what differs

    def values(self) -> dict[str, str]:
        """The four texts to replace, as they are in the file."""
        raise NotImplementedError

    @property
    def state(self) -> Path:
        """The folder with the store."""
        raise NotImplementedError

    def command(self, what: str) -> Command:
        """The command of a run: `nightly`, `first-run`, or a moment."""
        raise NotImplementedError

    # ----------------------------------------------------------------------------------------- what does not

    def _fill_in(self) -> None:
        file = self.copy / self.file
        text = file.read_text(encoding="utf-8")
        values = self.values()
        assert len(values) == 4
        for number, (shown, value) in enumerate(values.items(), 1):
            (line,) = (line for line in text.split("\n") if shown in line and not line.startswith("#"))
            above = text[: text.index(f"\n{line}\n")].split("\n")[-1]
            assert above.startswith(f"# {number}. "), "The comment counts the values."
            text = text.replace(f"\n{line}\n", f"\n{line.replace(shown, value)}\n")
        file.write_text(text, encoding="utf-8")

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def done_by_root(self, name: str) -> list[str]:
        log = self.programs / f"{name}.log"
        return log.read_text(encoding="utf-8").split("\n")[:-1] if log.exists() else []

    def write_keys(self, secret_key: str, **more: str) -> None:
        """Write the keys as somebody who reads the guide would, each further tenant into a section of its own."""
        tenants = self.simulator.tenants
        lines = []
        for section, secret in {"DEFAULT": secret_key, **more}.items():
            access_key = tenants["default" if section == "DEFAULT" else section]["access_key"]
            lines += [f"[{section}]", f"ncloud_access_key_id = {access_key}", f"ncloud_secret_access_key = {secret}"]
        file = self.secrets / "ncloud"
        file.unlink(missing_ok=True)
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        file.chmod(0o600)

    def set_up(self) -> Ended:
        """Run setup.sh as root would."""
        done = subprocess.run(
            ["bash", "setup.sh"],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.copy,
            env={"DESTDIR": str(self.root), "PATH": f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        return Ended(done.returncode, done.stdout)

    def start(self, what: str = "nightly") -> subprocess.Popen[str]:
        command = self.command(what)
        # The collection is where all users find it, and the simulator where the vendor is.
        around = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "NCLOUD_DATAFOREST_API_URL": self.simulator.ncp_url,
            "NCLOUD_STS_API_URL": self.simulator.ncp_url,
        }
        process = subprocess.Popen(
            command.words,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=command.folder,
            env={**command.environment, **around},
        )
        if command.ends:
            self._ending[process.pid] = command.ends
        return process

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        output, _nothing = process.communicate()
        if process.pid in self._ending:
            shutil.rmtree(self._ending.pop(process.pid))
        return Ended(process.returncode, output)

    def run(self, what: str = "nightly") -> Ended:
        return self.ended(self.start(what))

    @contextlib.contextmanager
    def in_the_midst(self, what: str) -> Iterator[subprocess.Popen[str]]:
        """A run that waits for the vendor's answers to resets. It goes on when the block ends."""
        fault = self.simulator.fault(vendor="ncp", operation="resetPassword", kind="hang", at="after", times=0)
        process = self.start(what)
        try:
            self.simulator.wait(fault=fault, at_least=1, timeout=60)
            yield process
        except BaseException:
            strike_down(process.pid)
            process.communicate()
            raise
        finally:
            self.simulator.clear()

    def killed(self, what: str) -> tuple[Ended, str]:
        """Kill all processes of a run when the vendor has set a password and not answered yet.

        Also returns what everybody on the machine could read of these processes, and their user.
        """
        with self.in_the_midst(what) as process:
            seen = seen_of(process.pid)
            strike_down(process.pid)
            return self.ended(process), seen

    def passphrase(self) -> str:
        return (self.secrets / "passphrase").read_text(encoding="utf-8").strip()

    def kept(self) -> dict[str, str]:
        """The active passwords in the store, without those of accounts that have none yet."""
        vault = VaultLib([("default", VaultSecret(self.passphrase().encode()))])
        text = vault.decrypt((self.state / "dataforest.yml").read_bytes())
        envelopes: dict[str, Any] = yaml.load(text, Texts)["dataforest_credentials"]  # noqa: S506 it is a safe loader
        return {name: envelope["password"] for name, envelope in envelopes.items() if envelope["password"]}

    def files(self) -> str:
        """Everything in the files of this machine, except in those with the secrets, and in links to these."""
        found = (path for folder in (self.root, self.state) for path in folder.rglob("*"))
        left = [path for path in found if path.is_file() and not path.is_symlink()]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in left)


def seen_of(pid: int) -> str:
    """The arguments and the environment of a process and of all that it has started."""
    texts = []
    for each in (pid, *descendants(pid)):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                texts.append((PROC / str(each) / name).read_text(encoding="utf-8", errors="replace"))
    return "\n".join(texts)


class Unit:
    """A unit file of systemd: its settings in their order, and those that may occur several times."""

    def __init__(self, path: Path, instance: str = "") -> None:
        text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
        self._instance = instance
        self._settings = [
            (name, self._specified(value)) for name, value in re.findall(r"^([A-Z]\w+)=(.*)$", text, re.MULTILINE)
        ]

    def _specified(self, value: str) -> str:
        known = {"%%": "%", "%i": self._instance, "%H": "machine.example.com"}
        return re.sub(r"%.", lambda found: known[found[0]], value)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self._settings if each == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


class Systemd(Machine):
    name = "systemd"
    file = f"{NAME}@.service"
    # What systemd sets if nobody says otherwise.
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def values(self) -> dict[str, str]:
        return {
            "ops@example.com": "rotation@example.com",
            "/opt/ansible/bin": str(BIN),
            "/etc/dataforest-rotation/passphrase": str(self.secrets / "passphrase"),
            "/etc/dataforest-rotation/ncloud": str(self.secrets / "ncloud"),
        }

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def state(self) -> Path:
        return self.root / "var/lib" / NAME

    def command(self, what: str) -> Command:
        unit = Unit(self.units / self.file, what)
        assert unit.one("StateDirectory") == NAME
        self.state.mkdir(parents=True, exist_ok=True, mode=int(unit.one("StateDirectoryMode"), 8))
        run = Path(tempfile.mkdtemp(dir=self.root))
        temporary, credentials = run / "tmp", run / "credentials"
        temporary.mkdir()
        credentials.mkdir()
        for credential in unit.all("LoadCredential"):
            name, _colon, path = credential.partition(":")
            shutil.copy(path, credentials / name)
            (credentials / name).chmod(0o400)
        assert unit.one("PrivateTmp") == "yes"
        environment = dict(each.split("=", 1) for each in unit.all("Environment"))
        assert environment["HOME"] == "/tmp"
        user = unit.one("User")
        given = {
            "PATH": self.path,
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/usr/sbin/nologin",
            "INVOCATION_ID": "0123456789abcdef0123456789abcdef",
            "STATE_DIRECTORY": str(self.state),
            "CREDENTIALS_DIRECTORY": str(credentials),
        }
        folder = Path(f"{self.root}{unit.one('WorkingDirectory')}")
        environment |= {"HOME": str(temporary)}
        return Command(shlex.split(unit.one("ExecStart")), {**given, **environment}, folder, run)

    def mail(self, to: str) -> str:
        """What the unit for a failure sends."""
        self.program("journalctl", 'echo "$@"')
        self.program("sendmail", 'echo "$@"; cat')
        unit = Unit(self.units / f"{NAME}-mail@.service", to)
        command = [re.sub(r"\\n", "\n", word) for word in shlex.split(unit.one("ExecStart"))]
        path = f"{self.programs}:{self.path}"
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": path})
        return done.stdout


class Cron(Machine):
    name = "cron"
    file = "crontab"

    def values(self) -> dict[str, str]:
        return {
            "ops@example.com": "rotation@example.com",
            "/opt/ansible/bin": str(BIN),
            "/etc/dataforest-rotation/secrets": str(self.secrets),
            "/var/lib/dataforest-rotation": str(self.state),
        }

    @property
    def state(self) -> Path:
        return self.secrets.parent / "state"

    def command(self, what: str) -> Command:
        script = f"/etc/{NAME}/rotate.sh"
        if what != "nightly":
            # As somebody types it, who has another environment.
            return Command(["bash", f"{self.root}{script}", what], {"PATH": "/usr/bin:/bin", "HOME": "/"}, self.root)
        table = (self.root / "etc/cron.d" / NAME).read_text(encoding="utf-8")
        lines = [line for line in table.split("\n") if line and not line.startswith("#")]
        (job,) = (line for line in lines if not re.match(r"\w+=", line))
        *_when, user, text = job.split(maxsplit=6)
        assert "%" not in text, "cron would make a line break of it."
        given = {"LOGNAME": user, "HOME": "/", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
        named = dict(line.split("=", 1) for line in lines if line != job)
        assert text.count(script) == 1
        words = [given["SHELL"], "-c", text.replace(script, f"{self.root}{script}")]
        return Command(words, {**given, **named}, Path("/"))


MACHINES: tuple[type[Machine], ...] = (Systemd, Cron)
