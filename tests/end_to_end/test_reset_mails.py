# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reset mails through real playbooks: what answers prove, what counts as an address, and what is left in the store."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.playbooks import BIN, RunPlaybook
from support.simulator import Simulator

MODULE = "krcloud.credentials.solapi_password_reset"
PASSPHRASE = "an invented passphrase"
STORE = "mails.yml"
# The parts of a result that tests look at.
SEEN = (
    "changed",
    "failed",
    "delivery",
    "message_id",
    "requested_at",
    "next_due_at",
    "msg",
    "warnings",
    "error",
    "email",
)


class World:
    """A folder with a store, and a simulator to ask for mails."""

    def __init__(self, run_playbook: RunPlaybook, simulator: Simulator, folder: Path) -> None:
        self.run_playbook, self.simulator, self.folder = run_playbook, simulator, folder
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE, encoding="utf-8")
        self.store = folder / STORE

    def play(self, *tasks: dict[str, Any], env: dict[str, str] | None = None, **keywords: Any) -> str:
        """Run these tasks; return everything that was printed."""
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks), **keywords}]
        text = yaml.safe_dump(play, allow_unicode=True)
        done = self.run_playbook(text, "--vault-password-file", str(self.passphrase), env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, *asked: dict[str, Any], env: dict[str, str] | None = None, **keywords: Any) -> list[dict[str, Any]]:
        """Ask for mails, one after the other; return their results."""
        tasks: list[dict[str, Any]] = []
        for number, options in enumerate(asked):
            given = {
                "api_url": self.simulator.solapi_url,
                "retries": 0,
                "store": {"path": STORE},
                "min_interval": "30d",
            }
            options = {key: value for key, value in {**given, **options}.items() if value is not None}
            more = {key: options.pop(key) for key in ("check_mode", "async") if key in options}
            ask = {MODULE: options, "register": f"asked_{number}", "ignore_errors": True, **keywords, **more}
            keep = {
                "ansible.builtin.copy": {"content": f"{{{{ asked_{number} | to_json }}}}", "dest": f"{number}.json"}
            }
            keep["ansible.builtin.copy"].update(dest=str(self.folder / f"{number}.json"), mode="0600")
            tasks += [ask, keep]
        self.play(*tasks, env=env)
        results = [
            json.loads((self.folder / f"{number}.json").read_text(encoding="utf-8")) for number in range(len(asked))
        ]
        return [{key: result[key] for key in SEEN if key in result} for result in results]

    def load(self, *conditions: str) -> None:
        """Load the store as variables, look at all of it, and check that these conditions hold."""
        show: dict[str, Any] = {"ansible.builtin.debug": {"var": "solapi_reset_mails"}}
        self.play(show, {"ansible.builtin.assert": {"that": list(conditions)}}, vars_files=[str(self.store)])

    @property
    def mails(self) -> list[str]:
        return [mail["email"] for mail in self.simulator.truth()["mails"]]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        if not self.store.exists():
            return {}
        command = [str(BIN / "ansible-vault"), "view", "--vault-password-file", str(self.passphrase), str(self.store)]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        records: dict[str, dict[str, Any]] = yaml.load(shown, _Texts)["solapi_reset_mails"]  # noqa: S506 a SafeLoader
        return records


class _Texts(yaml.SafeLoader):
    """Reads texts that Ansible is told not to evaluate as texts."""


_Texts.add_constructor("!unsafe", _Texts.construct_yaml_str)


@pytest.fixture
def world(run_playbook: RunPlaybook, simulator: Simulator, tmp_path: Path) -> World:
    return World(run_playbook, simulator, tmp_path)


@pytest.mark.any_core
def test_only_what_the_vendor_documents_counts_for_a_confirmation(world: World) -> None:
    kinds: dict[str, tuple[dict[str, Any], str | None, bool]] = {
        "no-code": ({"kind": "says_no"}, "rejected", True),
        "code": ({"kind": "says_no", "code": "NoMember"}, "rejected", True),
        "thanks": ({"kind": "says_nothing"}, "unknown", True),
        "other": ({"kind": "wrong_email"}, "unknown", True),
        "conflict": ({"kind": "status", "status": 409, "code": "AlreadySent"}, "unknown", True),
        "refused": ({"kind": "status", "status": 400, "code": "ValidationError"}, "rejected", False),
        "limited": ({"kind": "rate_limited", "retry_after": 3600}, None, False),
        "busy": ({"kind": "status", "status": 503, "headers": {"Retry-After": "120"}}, "unknown", True),
        "no-token": ({"kind": "no_hash_id"}, "accepted", True),
    }
    addresses = {f"{name}@example.com": kind for name, kind in kinds.items()}
    for email, (fault, _delivery, _counts) in addresses.items():
        world.simulator.fault("solapi", "reset", match={"email": email}, **fault)
    results = world.ask(*({"email": email} for email in addresses))
    assert [result["delivery"] for result in results] == [delivery for _fault, delivery, _counts in addresses.values()]
    assert [result["next_due_at"] is not None for result in results] == [
        counts for *_more, counts in addresses.values()
    ]
    # A mail that counts is not requested again. Nobody has been sent a second mail, whatever the first answer was.
    again = world.ask(*({"email": email} for email in addresses))
    assert [result["changed"] for result in again] == [not counts for *_more, counts in addresses.values()]
    assert world.mails == ["no-token@example.com", "refused@example.com", "limited@example.com"]
    messages = dict(zip(addresses, results, strict=True))
    assert "없는 회원입니다." in messages["no-code@example.com"]["msg"]
    assert "the server asked for 3600 s" in messages["limited@example.com"]["msg"]
    assert "the server asked for 120 s" in messages["busy@example.com"]["msg"]
    assert "HTTP status of a success" in str(again[0]["warnings"])


def test_an_address_is_one_however_it_is_spelled(world: World) -> None:
    world.simulator.settings(solapi_shape="old")
    world.simulator.fault("solapi", "reset", "punycode", times=0)
    composed = "사용자@한국.kr"
    spellings = [composed, unicodedata.normalize("NFD", composed), "사용자@xn--3e0b707e.kr", "사용자@한국.KR"]
    results = world.ask(*({"email": email} for email in spellings))
    assert [(result["changed"], result["delivery"]) for result in results] == [
        (True, "accepted"),
        *[(False, "accepted")] * 3,
    ]
    assert [result["email"] for result in results] == spellings
    assert world.mails == [composed]
    assert len(world.records) == 1


def test_what_the_vendor_calls_a_mail_is_never_run(world: World) -> None:
    world.simulator.settings(solapi_shape="old")
    template = "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"
    world.simulator.fault("solapi", "reset", "says_no", match={"email": "no@example.com"}, message=template)
    world.simulator.fault("solapi", "reset", "message_id", times=0)
    accepted, again, refused = world.ask(
        {"email": "yes@example.com"}, {"email": "yes@example.com"}, {"email": "no@example.com"}
    )
    assert (accepted["delivery"], accepted["message_id"], again["message_id"]) == ("accepted", None, None)
    assert template in refused["msg"]
    assert "{{" not in str(world.records)
    world.load("solapi_reset_mails['yes@example.com'].message_id is none")
    assert not list(world.folder.rglob("pwned"))


def test_what_version_0_1_0_has_kept_of_a_mail_is_never_run_either(world: World) -> None:
    template = "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}"
    told = {"outcome": "accepted", "message_id": template, "requested_at": "2026-11-22T03:00:02.153Z"}
    record = {
        "format": 1,
        "email": "old@example.com",
        "asked_at": "2026-11-22T03:00:01Z",
        "request_id": "7eab7314",
        **told,
    }
    mails = {"solapi_reset_mails_format": 1, "solapi_reset_mails": {"old@example.com": record}}
    world.store.write_text(json.dumps(mails), encoding="utf-8")
    command = [str(BIN / "ansible-vault"), "encrypt", "--vault-password-file", str(world.passphrase), str(world.store)]
    subprocess.run(command, check=True, capture_output=True)
    old, _new = world.ask({"email": "old@example.com", "min_interval": "3650d"}, {"email": "new@example.com"})
    assert (old["changed"], old["message_id"]) == (False, template)
    assert world.records["old@example.com"] == record
    (world.folder / "template").write_text(template, encoding="utf-8")
    file = f"lookup('ansible.builtin.file', '{world.folder}/template')"
    world.load(f"solapi_reset_mails['old@example.com'].message_id == {file}")
    assert not list(world.folder.rglob("pwned"))


def test_a_secret_that_cannot_be_sent_is_refused_and_claims_nothing(world: World) -> None:
    """A secret like this comes from the environment if its bytes are not UTF-8."""
    spoilt = {"SOLAPI_API_KEY": world.simulator.api_key, "SOLAPI_API_SECRET": "ab\udcff\udcfecdef"}
    plain = {"email": "a@example.com"}
    option = {**plain, "api_secret": "{{ lookup('ansible.builtin.env', 'SOLAPI_API_SECRET') }}"}
    for result in world.ask(plain, {**plain, "check_mode": True}, option, env=spoilt):
        assert (result["failed"], result["changed"], result["error"]["kind"]) == (True, False, "configuration")
        assert result["next_due_at"] is None
        assert "api_secret from the " in result["msg"]
        assert "is not UTF-8 text" in result["msg"]
    assert world.records == {}
    assert world.simulator.counters()["solapi"]["requests"] == 0


def test_check_mode_predicts_a_store_that_cannot_be_written(world: World) -> None:
    options = {"email": "a@example.com", "store": {"path": STORE, "vault_id": "nobody"}}
    predicted, met = world.ask({**options, "check_mode": True}, options)
    assert (predicted["failed"], predicted["error"]["kind"]) == (True, met["error"]["kind"])
    assert predicted["msg"] == met["msg"]
    assert world.mails == []


@pytest.mark.parametrize("store", [{"path": STORE}, None])
def test_what_is_not_one_address_gets_a_sentence_of_our_own(world: World, store: dict[str, Any] | None) -> None:
    more = {"store": store, "min_interval": "30d" if store else None}
    wrong = [["a@example.com"], {"a": "a@example.com"}, "a@example.com, b@example.com", 5]
    results = world.ask(*({"email": email, **more} for email in wrong))
    assert [result["error"]["kind"] for result in results] == ["configuration"] * 4
    assert all(re.match("email is not (valid: it is a (list|dictionary)|a mail address)", r["msg"]) for r in results)
    assert world.simulator.counters()["solapi"]["requests"] == 0


def test_a_store_cannot_be_combined_with_async(world: World) -> None:
    (result,) = world.ask({"email": "a@example.com", "async": 30})
    assert result["msg"] == "store cannot be combined with async. Run the task without async."
    assert world.mails == []


WRAPPER = """#!/bin/sh
# A Python that works once, for the rehearsal.
if [ -e {folder}/began ]; then {ending}; fi
touch {folder}/began
exec {python} "$@"
"""


@pytest.mark.parametrize(
    ("ending", "kind", "counts"),
    [("echo gone >&2; exit 127", "configuration", False), ("echo gone >&2; exit 1", "unknown_outcome", True)],
    ids=["never began", "may have begun"],
)
def test_a_module_that_could_not_be_started_counts_only_where_it_may_have_begun(
    world: World, ending: str, kind: str, counts: bool
) -> None:
    wrapper = world.folder / "python"
    wrapper.write_text(WRAPPER.format(folder=world.folder, ending=ending, python=sys.executable), encoding="utf-8")
    wrapper.chmod(0o700)
    interpreter = {"ansible_python_interpreter": str(wrapper)}
    (lost,) = world.ask({"email": "a@example.com"}, vars=interpreter)
    assert (lost["failed"], lost["changed"], lost["error"]["kind"]) == (True, counts, kind)
    assert (lost["next_due_at"] is not None, lost["delivery"]) == (counts, "unknown" if counts else None)
    assert (lost["email"], lost["message_id"], lost["requested_at"]) == ("a@example.com", None, None)
    assert "gone" in lost["msg"]
    assert world.records["a@example.com"]["outcome"] == ("unknown" if counts else "withdrawn")
    (unstored,) = world.ask({"email": "a@example.com", "store": None, "min_interval": None}, vars=interpreter)
    # With a store, the advice is about the interval, because another run would send nothing while it lasts.
    assert ("min_interval is 0s" in lost["error"]["hint"]) is counts
    error = {**unstored["error"], "hint": lost["error"]["hint"]}
    assert {**unstored, "next_due_at": lost["next_due_at"], "msg": lost["msg"], "error": error} == lost
    (again,) = world.ask({"email": "a@example.com"})
    assert again["changed"] is not counts
    assert len(world.mails) == (0 if counts else 1)
