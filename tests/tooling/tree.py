# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three ways in which the collection is laid out for Ansible: linked, copied, installed."""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
COLLECTION = Path("ansible_collections", "krcloud", "credentials")


def no_checkout(root: Path = ROOT) -> str | None:
    """Why git cannot say which files belong to the project; None if it can, because this is a checkout."""
    try:
        command = ["git", "rev-parse", "--show-toplevel"]
        asked = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root)
    except FileNotFoundError:
        return "git is not installed"
    if asked.returncode:
        return f"git says: {asked.stderr.strip().partition(chr(10))[0]}"
    # An unpacked archive may be inside the checkout of another project, which knows nothing of its files.
    top = Path(asked.stdout.rstrip("\n"))
    return None if top.resolve() == root.resolve() else f"it is inside {top}, the checkout of another project"


def files(root: Path = ROOT) -> list[Path]:
    """The files of the project, relative to its root: tracked ones and new ones, not ignored ones."""
    if no_checkout(root):
        return walked(root)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout
    names = sorted({Path(name) for name in listing.split("\0") if name})
    return [name for name in names if (root / name).is_file()]


def walked(root: Path) -> list[Path]:
    """The same for a folder that is not a checkout, such as an unpacked archive.

    It understands what our .gitignore uses: `/name` at the root, `name` anywhere, either with `/` at the end for
    folders.
    """
    lines = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]

    def ignored(place: str, *, folder: bool) -> bool:
        for pattern in patterns:
            wanted = pattern.removesuffix("/").removeprefix("/")
            name = place if pattern.startswith("/") else place.rpartition("/")[2]
            if fnmatch.fnmatchcase(name, wanted) and (folder or not pattern.endswith("/")):
                return True
        return False

    found = []
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        keep = [name for name in folders if name != ".git" and not ignored((here / name).as_posix(), folder=True)]
        folders[:] = keep
        found += [here / name for name in names if not ignored((here / name).as_posix(), folder=False)]
    # Like git, it lists no sockets or other special files.
    return sorted(name for name in found if (root / name).is_file())


def link() -> Path:
    """A collections path on which the collection is this folder itself: for code that only imports it."""
    collections = CACHE / "linked"
    place = collections / COLLECTION
    place.parent.mkdir(parents=True, exist_ok=True)
    # Two sessions may do this at the same time: rename replaces the link, whichever comes first.
    new = place.with_name(f"credentials.{os.getpid()}")
    new.symlink_to(ROOT, target_is_directory=True)
    new.replace(place)
    return collections


def copy(collections: Path) -> Path:
    """The collection as a real folder under the given collections path, because ansible-test finds nothing in links.

    Only tests/output of an earlier copy stays. The copy is a repository of its own: otherwise ansible-test would ask
    the one around it for the files, which ignores them all. Without git, it asks no repository.
    """
    place = collections / COLLECTION
    keep = place / "tests" / "output"
    for path in sorted(place.rglob("*"), reverse=True):
        if keep == path or keep in path.parents:
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink()
    for name in files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    if shutil.which("git"):
        subprocess.run(["git", "init", "--quiet", "--template=", place], check=True)
    return place


def install(ansible_galaxy: str | Path, scratch: Path, env: Mapping[str, str] | None = None) -> Path:
    """A collections path with the collection as users get it: built into a tarball and installed from that."""
    source, collections = copy(scratch / "source"), scratch / "installed"
    for tarball in scratch.glob("*.tar.gz"):
        tarball.unlink()
    build = ("build", source, "--output-path", scratch)
    subprocess.run((ansible_galaxy, "collection", *build), check=True, env=env)
    (tarball,) = scratch.glob("*.tar.gz")
    put = ("install", tarball, "--collections-path", collections, "--force", "--offline", "--no-deps")
    # It warns about a path in which no playbook would look.
    there = {**(os.environ if env is None else env), "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    subprocess.run((ansible_galaxy, "collection", *put), check=True, env=there)
    return collections
