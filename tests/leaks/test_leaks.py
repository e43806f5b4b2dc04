# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is in anything that a run leaves anywhere, whatever vendors, servers and users do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from leaks import cases
from leaks.canaries import CANARIES
from leaks.cases import PLUGINS_AND_ROLES
from leaks.planted import BREAK, copy_with
from leaks.script import Script
from leaks.stage import HERE, Coverage
from tooling import house, tree

FORMATS: dict[str, dict[str, str]] = {
    "json": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
    "yaml without pipelining": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_PIPELINING": "false"},
    "minimal": {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal"},
    "oneline": {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline"},
    "profiled": {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks,ansible.posix.timer"},
}
# The short form takes the first two in turn. Each half has both of them.
EVERY = {subject: list(FORMATS)[at % 2] for at, subject in enumerate(PLUGINS_AND_ROLES)}
HALF = {subject: ("first", "second")[at // 2 % 2] for at, subject in enumerate(PLUGINS_AND_ROLES)}
REST = [(subject, name) for subject in PLUGINS_AND_ROLES for name in FORMATS if name != EVERY[subject]]


@pytest.mark.parametrize(
    ("subject", "output"),
    [
        *(pytest.param(*pair, marks=pytest.mark.share(HALF[pair[0]])) for pair in EVERY.items()),
        *(pytest.param(*pair, marks=pytest.mark.long) for pair in REST),
    ],
)
def test_whatever_happens(subject: str, output: str, script: Script, coverage: Coverage) -> None:
    with script.about(subject):
        PLUGINS_AND_ROLES[subject](script)
    evidence = script.run(coverage, env=FORMATS[output])
    # What a pipeline collects.
    assert bool(evidence.texts.get("reports")) is subject.endswith(("rotation_report", "role ncp_dataforest_rotation"))
    if output == "profiled":
        assert importlib.util.find_spec("ansible_collections.ansible.posix"), "make sweep installs it"
        assert "=====" in evidence.output


def test_interpreters_that_print(script: Script, coverage: Coverage) -> None:
    cases.interpreters(script)
    evidence = script.run(coverage)
    assert evidence.output.count("of the weather") > 0


def test_a_secret_in_the_wrong_place(script: Script, coverage: Coverage) -> None:
    cases.misplaced(script)
    script.run(coverage)


def test_a_connection_without_an_option_for_pipelining(script: Script, coverage: Coverage) -> None:
    cases.without_an_option(script)
    evidence = script.run(coverage, env={"ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connections")})
    # The code of a module, without its arguments, is an archive.
    assert [path for path in evidence.payloads if path.suffix != ".zip"] == []


@pytest.mark.parametrize("subject", [subject for subject in PLUGINS_AND_ROLES if subject not in cases.ALONE])
def test_an_interruption(subject: str, script: Script, coverage: Coverage) -> None:
    evidence = script.interrupt(coverage, cases.hanging(script, subject))
    assert evidence.returncode != 0, evidence.output[-5000:]


# The plugins and roles that use a store.
STORING = PLUGINS_AND_ROLES.keys() - {*house.RUNNING, *house.CALLING, *cases.ALONE, "role ncp_dataforest_password"}
# What signs the requests to each vendor.
SIGNERS = [
    (f"module_utils/{path.parent.name}/signature.py", f"{path.parent.name.removeprefix('_')}_headers")
    for path in sorted(tree.ROOT.glob("plugins/module_utils/*/signature.py"))
]
# The functions that fail, and the plugins and roles that use any of them.
BROKEN = {
    "the client": (
        [("module_utils/_call/wire.py", "PooledTransport.send")],
        PLUGINS_AND_ROLES.keys() - {*cases.STORE_ONLY, *cases.ALONE},
    ),
    "signing, envelopes, the generator and reports": (
        [
            *SIGNERS,
            ("module_utils/_ncp/rules.py", "generate_password"),
            ("plugin_utils/_rotation/envelope.py", "from_document"),
            ("plugin_utils/_rotation/envelope.py", "to_document"),
            ("plugin_utils/_rotation/run_report.py", "finished"),
        ],
        PLUGINS_AND_ROLES.keys(),
    ),
    "the stores": (
        [
            ("plugin_utils/_stores/vault_file.py", "VaultFileStore.load"),
            ("plugin_utils/_stores/vault_file.py", "VaultFileStore.save"),
            ("plugin_utils/_stores/kv2.py", "HashiVaultStore.save"),
        ],
        STORING,
    ),
    "adoption and reports": (
        [("plugin_utils/_rotation/adoption.py", "present"), ("plugin_utils/_rotation/report.py", "_known")],
        {"ncp_dataforest_credential", "ncp_dataforest_credential_info"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_exception_that_nobody_expects(what: str, script: Script, coverage: Coverage, tmp_path: Path) -> None:
    places, failing = BROKEN[what]
    script.stage.collections = copy_with(script.stage.collections, tmp_path, BREAK, places)
    cases.each_once(script, cases.EXCEPTION, failing)
    evidence = script.run(coverage)
    assert evidence.output.count("krcloud.credentials has a defect (") >= len(failing)


def test_a_controller_without_requests(script: Script, coverage: Coverage) -> None:
    needing = {*STORING, *house.CALLING}
    for subject in sorted(needing):
        with script.about(subject), script.on(cases.LIBRARY):
            cases.usual(script, subject, fails=True, store=script.hashi_vault())
    evidence = script.run(coverage, env=cases.WITHOUT_LIBRARIES)
    assert evidence.output.count("needs the Python library requests") >= len(needing)


def test_ansible_runner(script: Script, coverage: Coverage) -> None:
    cases.each_once(
        script,
        cases.VENDOR,
        PLUGINS_AND_ROLES.keys() - {*cases.STORE_ONLY, *cases.ALONE},
        kind="status",
        status=500,
        message=CANARIES["secret_key"],
        times=0,
    )
    evidence = script.run(coverage, by_runner=True)
    assert evidence.texts["artifacts of ansible-runner"]
