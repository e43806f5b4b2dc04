# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the main job: the installed collection at work against the simulator. Run by `make demo`.

KRCLOUD_COLLECTIONS_PATH names the collections path on which krcloud.credentials is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

# Only now is it on the path.
from simulator import Simulator  # noqa: E402

# What the playbook must have done to the vendors, whatever it says of itself.
WANTED = {"df001": "changed", "df002": "changed", "df003": "changed", "df004": "changed", "df005": "as before"}


def main() -> int:
    """Run the playbook, and tell what it really did."""
    collections = Path(os.environ["KRCLOUD_COLLECTIONS_PATH"]).resolve()
    with Simulator() as simulator, tempfile.TemporaryDirectory(prefix="krcloud-demo-") as folder:
        before = simulator.truth()
        status = play(Path(folder), collections, simulator.connection())
        return recap(status, before, simulator.truth(), simulator.requests())


def play(folder: Path, collections: Path, connection: dict[str, Any]) -> int:
    """Run demo.yml, and return the exit status of ansible-playbook."""
    variables = folder / "variables.json"
    variables.write_text(json.dumps({"simulator": connection}), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--extra-vars", f"@{variables}"]
    print(f"The simulator stands in for Data Forest on {connection['ncp_tls_url']}")
    print(f"and for SOLAPI on {connection['solapi_tls_url']}.")
    print("The playbook is tests/demo/demo.yml, its steps are in steps.yml beside it.", flush=True)
    return subprocess.run(
        [*command, str(HERE / "demo.yml")],
        check=False,
        cwd=folder,  # no ansible.cfg here
        env=environment(folder, collections),
        stdin=subprocess.DEVNULL,
    ).returncode


def environment(folder: Path, collections: Path) -> dict[str, str]:
    """Return an environment without the settings, and above all without the real keys, of the person who looks on."""
    foreign = ("ANSIBLE_", "NCLOUD_", "SOLAPI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
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


def recap(status: int, before: dict[str, Any], after: dict[str, Any], requests: list[dict[str, Any]]) -> int:
    """Print what the simulator knows, never a password, and return the exit status of the demo."""
    print("What really happened, as the simulator knows it\n")
    old, new = before["accounts"]["default"], after["accounts"]["default"]
    found = {name: "changed" if new[name]["password"] != old[name]["password"] else "as before" for name in new}
    for name, verdict in found.items():
        times = len(new[name]["history"])
        print(f"  Data Forest  {name:<20} password {verdict}{f', set {times} time(s)' if times else ''}")
    for mail in after["mails"]:
        print(f"  SOLAPI       {mail['email']:<20} mail sent")
    signed = sum(request["verified"] for request in requests)
    print(f"\n  {len(requests)} requests came, {signed} of them with a right signature.")

    each_once = all(len(new[name]["history"]) == (verdict == "changed") for name, verdict in WANTED.items())
    all_differ = len({account["password"] for account in new.values()}) == len(new)
    right = found == WANTED and each_once and all_differ and len(after["mails"]) == 1 and signed == len(requests)
    if status:
        print(f"\nThe playbook failed (exit status {status}).", flush=True)
        return status
    print("\nAll as it should be." if right else "\nThat is not what the playbook should have done.", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
