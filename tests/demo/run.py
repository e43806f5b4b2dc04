# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the main jobs: the installed collection at work against the simulator. Run by `make demo`.

KRCLOUD_COLLECTIONS_PATH names the collections path on which krcloud.credentials is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.simulator import Simulator  # noqa: E402 only now on the path
from tooling.processes import strike_down  # noqa: E402 only now on the path

ROTATE = "krcloud.credentials.rotate_dataforest"


def main() -> int:
    """Run all acts, and print what they really did."""
    collections = Path(os.environ["KRCLOUD_COLLECTIONS_PATH"]).resolve()
    with Simulator() as simulator, tempfile.TemporaryDirectory(prefix="krcloud-demo-") as folder:
        print(f"The simulator stands in for Data Forest on {simulator.connection()['ncp_tls_url']}")
        print(f"and for SOLAPI on {simulator.connection()['solapi_tls_url']}.")
        stage = Stage(Path(folder), collections, simulator)
        first = stage.set_passwords()
        # Each act begins with a vendor that has seen nothing.
        simulator.reset()
        second = stage.rotate()
        simulator.reset()
        third = stage.day_after()
    right = first and second and third
    print("\nAll is as it should be." if right else "\nThat is not what the playbooks should have done.", flush=True)
    return 0 if right else 1


class Stage:
    """A folder for what the playbooks need, and the vendor that they talk to."""

    def __init__(self, folder: Path, collections: Path, simulator: Simulator) -> None:
        self._folder = folder
        self._simulator = simulator
        self._environment = environment(folder, collections)
        self._passphrase = folder / "passphrase"
        self._passphrase.write_text("a passphrase of the demo\n", encoding="utf-8")
        self._store = folder / "dataforest.yml"

    # ------------------------------------------------------------------------------------------------ the first act

    def set_passwords(self) -> bool:
        """Run demo.yml, and return whether it did what it says at the vendors."""
        headline(
            "First act: set passwords, ask for a mail", "tests/demo/demo.yml, with its steps in steps.yml beside it"
        )
        old = self._passwords()
        status = self._play(HERE / "demo.yml", {"simulator": self._simulator.connection()}).wait()
        truth, new = self._simulator.truth(), self._passwords()
        changed = [name for name in new if new[name] != old[name]]
        requests = self._simulator.requests()
        signed = sum(request["verified"] for request in requests)
        print("What really happened, according to the simulator\n")
        for name in new:
            print(f"  Data Forest  {name:<20} password {'changed' if name in changed else 'unchanged'}")
        for mail in truth["mails"]:
            print(f"  SOLAPI       {mail['email']:<20} mail sent")
        print(f"\n  {len(requests)} requests arrived, {signed} of them with a valid signature.", flush=True)
        return (
            status == 0
            and changed == ["df001", "df002", "df003", "df004"]
            and self._times_set() == {"df001": 1, "df002": 1, "df003": 1, "df004": 1, "df005": 0}
            and len(set(new.values())) == len(new)
            and len(truth["mails"]) == 1
            and signed == len(requests)
        )

    # ----------------------------------------------------------------------------------------------- the second act

    def rotate(self) -> bool:
        """Rotate, rotate again, kill a run, rotate once more. Return whether no password was ever lost."""
        headline("Second act: no password older than 90 days", f"{ROTATE}, with a store under Ansible Vault")
        old = self._passwords()
        right = self._step("The first run: every account gets a password", ROTATE)
        first, times = self._passwords(), self._times_set()
        right &= not set(first.values()) & set(old.values()) and set(times.values()) == {1} and self._all_active()

        right &= self._step("The second run: nothing is due", ROTATE)
        right &= (self._passwords(), self._times_set()) == (first, times)

        print("\n=== A forced run: all passwords are replaced, but the run is killed in the middle\n", flush=True)
        hung = self._simulator.fault(
            vendor="ncp", operation="resetPassword", kind="hang", at="after", match={"name": "df003"}
        )
        run = self._play(ROTATE, self._options(force=True, concurrency=1))
        try:
            self._simulator.wait(fault=hung, timeout=120)
        finally:
            strike_down(run.pid)
            run.wait()
        self._simulator.clear()
        live = self._passwords()
        print("Killed: the vendor had set df003, and the answer was still on its way.\n")
        for name, envelope in self._envelopes().items():
            pending = [item["password"] for item in envelope["pending"]]
            where = "active" if live[name] == envelope["password"] else "pending" if live[name] in pending else "LOST"
            print(f"  {name:<8} {len(pending)} pending, the live password is the {where} one in the store")
            right &= where != "LOST"

        right &= self._step("The next run: it sends the same passwords again, and settles everything", ROTATE)
        right &= all(self._passwords()[name] == live[name] for name in ("df001", "df002", "df003"))
        right &= not set(self._passwords().values()) & set(first.values()) and self._all_active()
        print("Every live password is the active one in the store." if right else "Something is wrong.")
        return right

    # ------------------------------------------------------------------------------------------------ the third act

    def day_after(self) -> bool:
        """Run day_after.yml, and return whether it replaced the passwords that it took over, each of them once."""
        headline("Third act: passwords that are in use, and an incident", "tests/demo/day_after.yml")
        self._store = self._store.with_name("in_use.yml")
        old, now = self._passwords(), time.time()
        in_use = [
            {"name": name, "password": old[name], "rotated_at": _time(now - weeks * 7 * 86400)}
            for weeks, name in enumerate(old, 1)
        ]
        variables = {
            "simulator": self._simulator.connection(),
            "krcloud_credentials_store": {"path": str(self._store)},
            "in_use": in_use,
            "stolen_at": _time(now),
        }
        status = self._play(HERE / "day_after.yml", variables).wait()
        times, envelopes = self._times_set(), self._envelopes()
        print("How often each password was set, according to the simulator\n")
        for name, count in times.items():
            print(f"  {name:<8} {count}")
        return (
            status == 0
            and set(times.values()) == {1}
            and not set(self._passwords().values()) & set(old.values())
            and self._all_active()
            and {name: envelope["previous"][0]["password"] for name, envelope in envelopes.items()} == old
        )

    # --------------------------------------------------------------------------------------------- what there is

    def _step(self, title: str, playbook: str) -> bool:
        print(f"\n=== {title}\n", flush=True)
        return self._play(playbook, self._options()).wait() == 0

    def _options(self, **more: Any) -> dict[str, Any]:
        connection = self._simulator.connection()
        options = {
            "store": {"path": str(self._store)},
            "new_accounts": "rotate",
            "api_url": connection["ncp_tls_url"],
            "ca_path": connection["ca_file"],
            **connection["tenants"]["default"],
            **more,
        }
        return {f"ncp_dataforest_rotation_{name}": value for name, value in options.items()}

    def _play(self, playbook: str | Path, variables: dict[str, Any]) -> subprocess.Popen[bytes]:
        file = self._folder / "variables.json"
        file.write_text(json.dumps(variables), encoding="utf-8")
        command = ["ansible-playbook", "--extra-vars", f"@{file}", f"--vault-password-file={self._passphrase}"]
        return subprocess.Popen(
            [*command, str(playbook)],
            cwd=self._folder,  # no ansible.cfg here
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )

    def _passwords(self) -> dict[str, str]:
        accounts = self._simulator.truth()["accounts"]["default"]
        return {name: account["password"] for name, account in accounts.items()}

    def _times_set(self) -> dict[str, int]:
        accounts = self._simulator.truth()["accounts"]["default"]
        return {name: len(account["history"]) for name, account in accounts.items()}

    def _envelopes(self) -> dict[str, Any]:
        command = ["ansible-vault", "view", f"--vault-password-file={self._passphrase}", str(self._store)]
        shown = subprocess.run(command, check=True, capture_output=True, env=self._environment).stdout
        return dict(yaml.safe_load(shown)["dataforest_credentials"])

    def _all_active(self) -> bool:
        return self._passwords() == {name: envelope["password"] for name, envelope in self._envelopes().items()}


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def headline(title: str, playbook: str) -> None:
    """Say what comes next."""
    print(f"\n{'=' * len(title)}\n{title}\n{'=' * len(title)}\nThe playbook is {playbook}.", flush=True)


def environment(folder: Path, collections: Path) -> dict[str, str]:
    """Return an environment without the settings, and above all without the real keys, of the person who watches."""
    foreign = ("ANSIBLE_", "NCLOUD_", "SOLAPI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_NOCOWS": "true",
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


if __name__ == "__main__":
    sys.exit(main())
