# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook that grows case by case, together with the vendors, servers and files that the cases need."""

from __future__ import annotations

import html
import json
import re
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

from leaks.canaries import CANARIES
from leaks.stage import Coverage, Evidence, Stage
from support.simulator import Simulator
from support.stores.openbao import OpenBao

T = TypeVar("T")
Task = dict[str, Any]
NAMESPACE = "krcloud.credentials"


class Silence:
    """A server that takes connections and says nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def wait(self) -> socket.socket:
        """Wait for a connection, and return it, open."""
        return self._listener.accept()[0]


@dataclass(frozen=True)
class Case:
    """One way to use one of our plugins or roles, and what it must say if that is what happened."""

    subject: str
    path: str
    says: str
    fails: bool
    faults: tuple[int, ...]


class Script:
    """The cases of a playbook, and the world around them. Secrets come from variables with the names in `CANARIES`."""

    def __init__(self, simulator: Simulator, openbao: OpenBao, silence: Silence, stage: Stage, *, long: bool) -> None:
        self.simulator = simulator
        self.openbao = openbao
        self.silence = silence
        self.long = long
        self.stage = stage
        self.subject = ""
        self._shelf = uuid.uuid4().hex  # of this script, in OpenBao
        self.path = ""
        self._cases: list[Case] = []
        self._tasks: list[Task] = []
        self._faults: list[int] = []
        self._names = 0
        simulator.settings(solapi_hash_id=CANARIES["hash_id"])
        simulator.solapi_key("default", api_secret=CANARIES["api_secret"])
        for name in ("passphrase", "passphrase_wrong"):
            (stage.folder / name).write_text(CANARIES[name], encoding="utf-8")

    # ------------------------------------------------------------------------------------------------------ the world

    def name(self, kind: str) -> str:
        """A name that nothing else in the script has."""
        self._names += 1
        return f"{kind}{self._names:03}"

    def tenant(self, **fault: Any) -> dict[str, Any]:
        """Credential options of a tenant of its own, with accounts df001 to df005, and perhaps with a fault."""
        name = self.name("t")
        self.simulator.tenant(name, access_key=f"AccessKey{name}", secret_key=CANARIES["secret_key"])
        self.simulator.accounts(tenant=name, count=5, prefix="df")
        self.fault("ncp", {"tenant": name}, **fault)
        return {"access_key": f"AccessKey{name}", "secret_key": "{{ secret_key }}"}

    def address(self, **fault: Any) -> str:
        """A mail address of its own, perhaps with a fault."""
        address = f"{self.name('member')}@example.com"
        self.fault("solapi", {"email": address}, **fault)
        return address

    def fault(self, vendor: str, match: Mapping[str, str], **fault: Any) -> None:
        """Let the next case meet a fault."""
        if fault:
            self._faults.append(
                self.simulator.fault(**{"vendor": vendor, "operation": "*", "match": dict(match), **fault})
            )

    def vault_file(self, *, passphrase: str = "passphrase", torn: bool = False, **documents: Any) -> dict[str, Any]:
        """The options of a store of its own in a file, which is there only if there are documents."""
        path = self.stage.store / f"{len(self._cases):03}-{len(list(self.stage.store.iterdir())):03}.yml"
        if documents:
            vault = VaultLib([("default", VaultSecret(CANARIES[passphrase].encode()))])
            text = vault.encrypt(json.dumps({"dataforest_credentials_format": 1, "dataforest_credentials": documents}))
            path.write_bytes(text[:-40] if torn else text)
        return {"path": str(path)}

    def hashi_vault(self, token: str = "token", **options: Any) -> dict[str, Any]:
        """The options of a store of its own in OpenBao."""
        place = f"{self._shelf}/{len(self._cases)}"
        given = {
            "url": self.openbao.url,
            "token": f"{{{{ {token} }}}}",
            "secret_path": place,
            "retries": 0,
            "timeout": 10,
        }
        return {"type": "hashi_vault", **given, **options}

    # ------------------------------------------------------------------------------------------------------ the cases

    def few(self, items: Iterable[T], most: int = 2) -> Iterable[T]:
        """All items in the long form, the first ones in the short form: for paths that other cases take, too."""
        return items if self.long else islice(items, most)

    @contextmanager
    def about(self, subject: str) -> Iterator[None]:
        """All cases in here are about this plugin or role."""
        self.subject = subject
        yield
        self.subject = ""

    @contextmanager
    def on(self, path: str) -> Iterator[None]:
        """All cases in here take this error path."""
        self.path = path
        yield
        self.path = ""

    def task(self, name: str, options: Any, *, says: str = "", fails: bool = True, **keywords: Any) -> None:
        """Add a case: one task, with a module or action of ours unless the name says otherwise."""
        case = self._case(says, fails)
        module = name if "." in name else f"{NAMESPACE}.{name}"
        self._tasks.append({"name": case, module: options, "ignore_errors": True, **keywords})

    def role(self, name: str, variables: Mapping[str, Any], *, says: str = "", fails: bool = True) -> None:
        """Add a case: a role of ours, with options that are named without the name of the role."""
        case = self._case(says, fails)
        begin = {"name": case, "ansible.builtin.debug": {"msg": "It begins."}}
        role = {
            "ansible.builtin.include_role": {"name": f"{NAMESPACE}.{name}"},
            "vars": {f"{name}_{key}": value for key, value in variables.items()},
        }
        rescue = {"name": case, "ansible.builtin.fail": {"msg": "It failed."}, "ignore_errors": True}
        self._tasks.append({"block": [begin, role], "rescue": [rescue]})

    def _case(self, says: str, fails: bool) -> str:
        assert self.subject, "A case is about something of ours."
        assert self.path, "A case belongs to one of the error paths."
        self._cases.append(Case(self.subject, self.path, says, fails, tuple(self._faults)))
        self._faults = []
        return f"case {len(self._cases) - 1}"

    # -------------------------------------------------------------------------------------------------------- the run

    @property
    def playbook(self) -> str:
        """All cases. They may show everything that they know: nothing has `no_log`."""
        limits = {"retries": 0, "timeout": 5}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {
                f"group/{NAMESPACE}.ncp": {"api_url": self.simulator.ncp_url, **limits},
                f"group/{NAMESPACE}.solapi": {
                    "api_url": self.simulator.solapi_url,
                    "api_key": self.simulator.api_key,
                    "api_secret": "{{ api_secret }}",
                    **limits,
                },
            },
            "tasks": self._tasks,
        }
        return json.dumps([play], ensure_ascii=False)

    @property
    def arguments(self) -> tuple[str, ...]:
        return (f"--vault-password-file={self.stage.folder / 'passphrase'}",)

    def run(self, coverage: Coverage, *, env: Mapping[str, str] | None = None, by_runner: bool = False) -> Evidence:
        """Run all cases, and search everything that they left behind.

        Fails if a secret is found there, or if a case did not go as it should.
        """
        run = self.stage.run_by_runner if by_runner else self.stage.run
        evidence = run(self.playbook, *self.arguments, env=env, extra_vars=CANARIES)
        coverage.add(evidence, self.secrets())
        assert evidence.returncode == 0, evidence.output[-5000:]
        self.check(evidence)
        self.count(coverage)
        return evidence

    def interrupt(self, coverage: Coverage, wait: Callable[[], object]) -> Evidence:
        """Run all cases until `wait` returns, interrupt them as Ctrl-C does, and search everything that they left."""
        evidence = self.stage.run(self.playbook, *self.arguments, extra_vars=CANARIES, interrupt=wait)
        coverage.add(evidence, self.secrets())
        self.count(coverage)
        return evidence

    def count(self, coverage: Coverage) -> None:
        coverage.cases += Counter((case.subject, case.path) for case in self._cases)

    def check(self, evidence: Evidence) -> None:
        """Check that every case failed or succeeded as it should, said what it should, and met its faults."""
        said: dict[str, list[str]] = {}
        failed: set[str] = set()
        name = ""
        for entry in evidence.record():
            if entry["task"].startswith("case "):
                name = entry["task"]
                if entry["event"] == "failed":
                    failed.add(name)
            said.setdefault(name, []).append(json.dumps(entry, ensure_ascii=False))
        complaints = []
        for number, case in enumerate(self._cases):
            name = f"case {number}"
            text = "\n".join(said.get(name, ["It did not run."]))
            met = all(self.met(fault) for fault in case.faults)
            if name not in said or (name in failed) != case.fails or case.says not in text or not met:
                end = "a failure" if case.fails else "a success"
                wanted = f"{end}, the words {case.says!r} and {len(case.faults)} faults"
                complaints.append(f"{name} ({case.subject}, {case.path}) wants {wanted}: {text}")
        assert not complaints, "\n".join(complaints)

    @property
    def faults(self) -> list[int]:
        """All faults, in the order of their cases."""
        return [fault for case in self._cases for fault in case.faults]

    def met(self, fault: int) -> bool:
        """Whether a request has met a fault. Waits a while."""
        return bool(self.simulator.wait(fault=fault, at_least=1, timeout=30))

    def secrets(self) -> dict[str, str]:
        """All secrets of the run: the canaries, passwords that were sent or are in a store, and short-lived keys."""
        bodies = [request["body"] for request in self.simulator.requests()]
        sent = [in_json or in_xml for body in bodies for in_json, in_xml in _SENT.findall(body)]
        kept = [password for document in self._documents() for password in _passwords(document)]
        made = [pair["secret_key"] for pair in self.simulator.truth()["short_lived_keys"]]
        passwords = sorted({*map(html.unescape, sent), *kept, *made} - set(CANARIES.values()))
        return {**CANARIES, **{f"sent, kept or made{at}": password for at, password in enumerate(passwords)}}

    def _documents(self) -> Iterator[Any]:
        vault = VaultLib(
            [("default", VaultSecret(CANARIES[name].encode())) for name in ("passphrase", "passphrase_wrong")]
        )
        for path in self.stage.store.glob("*.yml"):
            with suppress(AnsibleError):  # one that is torn, and holds nothing that is not elsewhere
                yield yaml.safe_load(vault.decrypt(path.read_bytes()))
        for place in self._listed(self._shelf):
            for name in self._listed(f"{self._shelf}/{place}"):
                yield self.openbao.do("GET", f"secret/data/{self._shelf}/{place}{name}")

    def _listed(self, place: str) -> list[str]:
        status, answer = self.openbao.call("LIST", f"secret/metadata/{place}")
        return list(answer["data"]["keys"]) if status == 200 else []


# No password holds a quote, a backslash or a bracket that would end it, in JSON or in XML.
_SENT = re.compile(r'"password": ?"([^"]*)"|<password>([^<]*)<')


def _passwords(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield from (value for key, value in document.items() if key == "password" and isinstance(value, str))
        yield from (password for value in document.values() for password in _passwords(value))
    elif isinstance(document, list):
        yield from (password for value in document for password in _passwords(value))
