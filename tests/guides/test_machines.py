# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/examples/systemd and docs/examples/cron: copied, filled in, set up, run, broken and run again.

systemd itself is asked about its units if it is installed. What it would run is run without it.
"""

from __future__ import annotations

import contextlib
import datetime
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from guides.machines import EXAMPLES, MACHINES, NAME, Cron, Machine, Systemd, Unit
from support.canary import forms
from support.playbooks import BIN
from support.simulator import Simulator
from tooling.processes import PROC, descendants

pytestmark = pytest.mark.skipif(not shutil.which("flock"), reason="flock, which is part of util-linux, is missing")
STS = "krcloud.credentials.ncp_sts_credentials"
REFUSED = 75
"""The exit status of a run that has found another one at work."""


@pytest.fixture
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, installed_collection: Path, simulator: Simulator
) -> Machine:
    """A machine after setup.sh, which may be run twice."""
    kind: type[Machine] = request.param
    machine = kind(tmp_path, installed_collection, simulator)
    first, second = machine.set_up(), machine.set_up()
    assert (first.status, second.status) == (0, 0), first.output + second.output
    assert ("is new" in first.output, "is new" in second.output) == (True, False)
    return machine


def on(*kinds: type[Machine]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("machine", kinds, ids=[kind.name for kind in kinds], indirect=True)


def live(machine: Machine, *tenants: str) -> dict[str, str]:
    accounts = machine.simulator.truth()["accounts"]
    tenants = tenants or ("default",)
    return {name: account["password"] for tenant in tenants for name, account in accounts[tenant].items()}


def writes(machine: Machine) -> int:
    """How many passwords the vendor has set."""
    accounts = machine.simulator.truth()["accounts"].values()
    return sum(len(account["history"]) for tenant in accounts for account in tenant.values())


def secrets_of(machine: Machine) -> set[str]:
    """Every secret there has been on this machine and at the vendor."""
    truth = machine.simulator.truth()
    set_by_us = {
        each["password"]
        for tenant in truth["accounts"].values()
        for account in tenant.values()
        for each in account["history"]
    }
    short_lived = {keys["secret_key"] for keys in truth["short_lived_keys"]}
    return {machine.passphrase(), machine.simulator.secret_key, *set_by_us, *short_lived}


def assert_nothing_leaked(machine: Machine, *texts: str) -> None:
    everything = "\n".join((*texts, machine.files()))
    leaked = [form for secret in secrets_of(machine) for form in forms(secret).values() if form in everything]
    assert leaked == []


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.mark.timeout(300)  # it is eight playbooks
@on(*MACHINES)
def test_whatever_happens_to_a_run_the_next_one_goes_on(machine: Machine) -> None:
    before = live(machine)

    # The first night, before somebody has started the first run by hand.
    too_early = machine.run()
    assert (too_early.status, writes(machine)) == (2, 0), too_early.output
    assert "new_accounts" in too_early.output

    # The first run is killed after the vendor has set a password, and before it answers.
    killed, seen = machine.killed("first-run")
    assert writes(machine) > 0, killed.output
    first = machine.run("first-run")
    assert first.status == 0, first.output
    assert live(machine) == machine.kept()
    assert not set(before.values()) & set(machine.kept().values())

    # A night on which nothing is due.
    done, passwords = writes(machine), machine.kept()
    quiet = machine.run()
    assert (quiet.status, writes(machine), machine.kept()) == (0, done, passwords), quiet.output
    assert isinstance(machine, Systemd) or quiet.output == "", "cron would send a mail."

    # An incident, and with systemd a vendor that loses its answers.
    moment = now()
    red = None
    if isinstance(machine, Systemd):
        lost = {"at": "after", "times": 0, "match": {"name": "df002"}}
        machine.simulator.fault(vendor="ncp", operation="resetPassword", kind="drop", **lost)
        red = machine.run(moment)
        assert red.status == 2, red.output
        assert "df002 (unknown)" in red.output
        machine.simulator.clear()
    green = machine.run(moment)
    assert green.status == 0, green.output
    assert live(machine) == machine.kept()
    assert not set(passwords.values()) & set(machine.kept().values())

    report = (machine.state / "report.json").read_text(encoding="utf-8")
    assert all(name in report for name in before)
    runs = (too_early, killed, first, quiet, red, green)
    assert_nothing_leaked(machine, seen, *(run.output for run in runs if run))


def until_it_waits(process: subprocess.Popen[str]) -> None:
    """Wait until the program flock is all that a process has started, and so has nothing before it but the lock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        names = [PROC / str(each) / "comm" for each in descendants(process.pid)]
        with contextlib.suppress(OSError):
            if [name.read_text(encoding="utf-8").strip() for name in names] == ["flock"]:
                return
        time.sleep(0.01)
    pytest.fail("It never asked for the lock.")


@on(*MACHINES)
def test_one_run_at_a_time(machine: Machine) -> None:
    with machine.in_the_midst("first-run") as first:
        # The night does without. A run by hand waits.
        refused = machine.run("nightly")
        assert refused.status == REFUSED, refused.output
        assert "(nightly) has done nothing" in refused.output
        second = machine.start("first-run")
        until_it_waits(second)
    ended = [machine.ended(process) for process in (first, second)]
    assert [run.status for run in ended] == [0, 0], ended
    assert live(machine) == machine.kept()
    keys = machine.simulator.truth()["short_lived_keys"]
    assert len(keys) == 2, "The one that was refused had none."


@on(Cron)
def test_a_tenant_with_a_wrong_key_stops_no_other(machine: Machine) -> None:
    playbook = machine.root / f"etc/{NAME}/rotate.yml"
    text = playbook.read_text(encoding="utf-8")
    (play,) = yaml.safe_load(text)
    play["pre_tasks"] = [task for task in play["pre_tasks"] if STS not in task]
    (role,) = play["roles"]
    for key in ("access_key", "secret_key"):
        del role["vars"][f"ncp_dataforest_rotation_{key}"]
    role["vars"]["ncp_dataforest_rotation_tenants"] = [{"profile": "DEFAULT"}, {"profile": "other"}]
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")

    right = machine.simulator.secret_key
    machine.write_keys(right, other="of-another-key-0000000000000000000000001")
    red = machine.run("first-run")
    assert red.status == 2, red.output
    assert live(machine) == machine.kept()
    machine.write_keys(right, other=machine.simulator.tenants["other"]["secret_key"])
    green = machine.run("first-run")
    assert green.status == 0, green.output
    assert live(machine, "default", "other") == machine.kept()


@on(Systemd)
def test_keys_that_are_wrong_or_expire_lose_nothing(machine: Machine) -> None:
    machine.write_keys("of-another-key-0000000000000000000000001")
    wrong = machine.run("first-run")
    assert (wrong.status, writes(machine)) == (2, 0), wrong.output
    machine.write_keys(machine.simulator.secret_key)
    machine.set_up()
    machine.simulator.accounts(count=24)
    with machine.in_the_midst("first-run") as process:
        machine.simulator.expire()
    expired = machine.ended(process)
    assert expired.status == 2, expired.output
    assert 0 < writes(machine) < len(live(machine))
    first = machine.run("first-run")
    assert first.status == 0, first.output
    assert live(machine) == machine.kept()
    assert_nothing_leaked(machine, wrong.output, expired.output, first.output)


# ------------------------------------------------------------------------------------------------------- setting it up


@on(*MACHINES)
def test_setup_gives_secrets_to_nobody_else(machine: Machine) -> None:
    expected = 0o600 if isinstance(machine, Systemd) else 0o400
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in machine.secrets.iterdir()}
    assert modes == {"ncloud": expected, "passphrase": expected}
    assert machine.done_by_root("useradd")[0].startswith("--system")
    assert len(machine.passphrase()) == 44


@pytest.mark.parametrize("kind", MACHINES)
def test_setup_says_what_is_missing(
    kind: type[Machine], tmp_path: Path, installed_collection: Path, simulator: Simulator
) -> None:
    machine = kind(tmp_path, installed_collection, simulator)
    (machine.secrets / "ncloud").unlink()
    done = machine.set_up()
    assert (done.status, machine.root.exists()) == (1, False)
    assert "Write the keys of NAVER Cloud into it" in done.output
    file = machine.copy / machine.file
    file.write_text(file.read_text(encoding="utf-8").replace(str(BIN), "/opt/nothing"), encoding="utf-8")
    done = machine.set_up()
    assert (done.status, machine.root.exists()) == (1, False)
    assert "There is no ansible-playbook in /opt/nothing" in done.output


@on(Systemd)
def test_setup_tells_systemd(machine: Machine) -> None:
    assert machine.done_by_root("systemctl") == ["daemon-reload", f"enable --now {NAME}.timer"] * 2
    assert {path.name for path in (machine.root / "etc/systemd/system").iterdir()} == {
        f"{NAME}@.service",
        f"{NAME}.timer",
        f"{NAME}-mail@.service",
    }


@on(Systemd)
def test_setup_creates_no_secret_that_should_be_encrypted(machine: Machine) -> None:
    file = machine.copy / machine.file
    text = file.read_text(encoding="utf-8")
    plain = f"LoadCredential=passphrase:{machine.secrets}/passphrase"
    assert text.count(plain) == 1
    encrypted = machine.secrets / "passphrase.cred"
    file.write_text(text.replace(plain, f"LoadCredentialEncrypted=passphrase:{encrypted}"), encoding="utf-8")
    refused = machine.set_up()
    assert (refused.status, encrypted.exists()) == (1, False), refused.output
    assert f"There is no file {encrypted}. Create it with systemd-creds" in refused.output
    encrypted.write_text("encrypted", encoding="utf-8")
    done = machine.set_up()
    assert (done.status, encrypted.read_text(encoding="utf-8")) == (0, "encrypted"), done.output
    assert "is new" not in done.output


@on(Cron)
def test_cron_refuses_secrets_that_others_can_read(machine: Machine) -> None:
    (machine.secrets / "ncloud").chmod(0o440)
    refused = machine.run()
    assert (refused.status, writes(machine)) == (78, 0)
    assert "Others can read" in refused.output


@on(Cron)
def test_cron_has_a_user_of_its_own_for_the_secrets(machine: Machine) -> None:
    files = (machine.secrets, machine.secrets / "passphrase", machine.secrets / "ncloud", machine.state)
    assert machine.done_by_root("chown") == [f"{NAME}: {' '.join(map(str, files))}"] * 2
    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o700
    table = machine.root / "etc/cron.d" / NAME
    assert stat.S_IMODE(table.stat().st_mode) == 0o644, "cron ignores it otherwise."
    assert f"\n17 3 * * * {NAME} exec " in table.read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------------------------- systemd


def unit(name: str) -> Unit:
    return Unit(EXAMPLES / "systemd" / name, "nightly")


@on(Systemd)
def test_a_failure_is_mailed(machine: Machine) -> None:
    assert isinstance(machine, Systemd)
    (told,) = Unit(machine.units / machine.file).all("OnFailure")
    assert told == f"{NAME}-mail@rotation@example.com.service"
    assert machine.mail("rotation@example.com") == (
        "-t\nTo: rotation@example.com\n"
        "Subject: A rotation of Data Forest passwords has failed on machine.example.com\n\n"
        f"--quiet --no-pager --output=short-iso --lines=100 --unit={NAME}@*\n"
    )


def test_the_timer_starts_the_night_and_makes_up_for_one_that_was_missed() -> None:
    timer = unit(f"{NAME}.timer")
    assert (timer.one("Unit"), timer.one("Persistent")) == (f"{NAME}@nightly.service", "yes")
    assert timer.one("OnCalendar").endswith(" Asia/Seoul")
    assert timer.one("WantedBy") == "timers.target"


def test_no_run_is_repeated_at_once_or_lasts_longer_than_its_keys() -> None:
    service = unit(f"{NAME}@.service")
    assert (service.one("Type"), service.one("Restart")) == ("oneshot", "no")
    # Half an hour for the lock, see rotate.sh.
    assert service.one("TimeoutStartSec") == "90min"
    (play,) = yaml.safe_load((EXAMPLES / "systemd/rotate.yml").read_text(encoding="utf-8"))
    (options,) = (task[STS] for task in play["pre_tasks"] if STS in task)
    assert options["duration"] == "1h"


def analyze() -> str:
    """The program that judges units. Skips the test where it is missing, or too old to do so without systemd."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is missing")
    shown = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    if int(shown.split()[1]) < 250:
        pytest.skip("systemd-analyze is older than version 250")
    return program


@on(Systemd)
def test_systemd_understands_the_units(machine: Machine) -> None:
    assert isinstance(machine, Systemd)
    for file in sorted(machine.units.iterdir()):
        done = subprocess.run([analyze(), "verify", str(file)], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), file.name


def test_systemd_finds_the_service_well_locked_up(tmp_path: Path) -> None:
    file = shutil.copy(EXAMPLES / "systemd" / f"{NAME}@.service", tmp_path / f"{NAME}@nightly.service")
    # On its scale, 10 stands for a service that may do everything. The network and the name of a user are left.
    words = [analyze(), "security", "--offline=yes", "--threshold=20", str(file)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
