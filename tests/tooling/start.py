# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program behind every `make` target: sets up the tools in .cache/, then runs nox with the given arguments.

Needs Python 3.11 or newer and nothing else. Everything lands in .cache/ and .nox/, which git ignores.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tooling import ansible_test, interpreters, matrix, pip_settings
from tooling.tree import CACHE, ROOT, no_checkout

TOOLS = CACHE / "tools"
LOCK = ROOT / "tests" / "requirements" / "tools.txt"

# The caller's settings for Ansible, and above all credentials for the real vendors, must never reach a test.
FOREIGN = ("ANSIBLE_", "NCLOUD_", "SOLAPI_")
# An active environment or an editor may set these. They change what `python` means or make every start compile again.
MISLEADING = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "UV_PYTHON")
# These run in any folder. The tools behind all others ask git which files belong to the project.
ANYWHERE = (["--list"], *(["--session", name] for name in ("bench", "demo", "docs", "simulator")))


def need_checkout(arguments: list[str], reason: str | None) -> str | None:
    """What to say if a session needs a checkout and there is none, for this reason."""
    if reason is None or arguments[:2] in ANYWHERE:
        return None
    return (
        f"This needs a git checkout, and {ROOT} is not one: {reason}. Clone the repository, or make this folder a "
        "checkout with `git init`. `make demo` and `make simulator` need no git."
    )


def set_up_tools(python: str) -> None:
    """Make the environment that holds uv and nox, unless it exists in the pinned versions."""
    wanted = hashlib.sha256(f"{python}\n{LOCK.read_text(encoding='utf-8')}".encode()).hexdigest()
    stamp = TOOLS / "stamp"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Setting up the tools in {TOOLS.relative_to(ROOT)} with {python}", flush=True)
    shutil.rmtree(TOOLS, ignore_errors=True)
    subprocess.run([python, "-m", "venv", TOOLS], check=True)
    pip = (TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run((*pip, "--require-hashes", "--requirement", LOCK), check=True)
    stamp.write_text(wanted, encoding="utf-8")


def environment() -> dict[str, str]:
    """The environment of every session: the caller's, without misleading variables and with what the tools need."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN) and key not in MISLEADING}
    env["PATH"] = interpreters.path_with(interpreters.find())
    env["ANSIBLE_HOME"] = str(CACHE / "ansible")
    # Make an environment again if its Python is not the one that the matrix chooses today.
    env["NOX_ENABLE_STALENESS_CHECK"] = "1"
    env["UV_PYTHON_DOWNLOADS"] = "never"
    env.setdefault("UV_CACHE_DIR", str(CACHE / "uv"))
    # The simulator listens on this machine: a proxy cannot reach it there.
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join(filter(None, (env.get(name), "127.0.0.1", "localhost")))
    found = pip_settings.settings(str(TOOLS / "bin" / "python"))
    env.update(pip_settings.for_uv(found, env))
    ansible_test.PIP_CONFIG.write_text(pip_settings.config(found), encoding="utf-8")
    return env


def main(arguments: list[str]) -> None:
    """Replace this process by nox."""
    if refused := need_checkout(arguments, no_checkout()):
        sys.exit(refused)
    found = interpreters.find()
    python = next((found[version] for version in matrix.TOOLS if version in found), None)
    if python is None:
        sys.exit(
            "No usable Python: one of 3.11, 3.12, 3.13 or 3.14 is needed, with its modules venv and ensurepip. "
            "On Debian and Ubuntu these come with the package python3-venv."
        )
    set_up_tools(python)
    os.chdir(ROOT)
    nox = TOOLS / "bin" / "nox"
    os.execve(nox, (str(nox), *arguments), environment())


if __name__ == "__main__":
    main(sys.argv[1:])
