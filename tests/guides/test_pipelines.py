# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of docs/examples whose jobs log in to OpenBao: copied, filled in, run, broken and run again.

OpenBao is real. An issuer of our own signs in place of GitLab, of GitHub and of the cluster.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from guides.platforms import EXAMPLES, KEYS, PLATFORMS, Asked, GitHub, GitLab, Jenkins, Kubernetes, Platform, Services
from support.oidc import Issuer
from support.simulator import Simulator
from support.stores.openbao import OpenBao

FIRST = Asked(new_accounts="rotate")


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def services(installed_collection: Path, simulator: Simulator, server: OpenBao, issuer: Issuer) -> Services:
    """All that a platform needs, and nothing of an earlier test in OpenBao, not even a place for secrets."""
    logins = [f"sys/auth/{kind.mount}" for kind in PLATFORMS]
    for path in (*logins, "sys/policies/acl/dataforest-rotation", "sys/mounts/secret"):
        server.do("DELETE", path)
    return Services(installed_collection, simulator, server, issuer)


@pytest.fixture
def platform(request: pytest.FixtureRequest, tmp_path: Path, services: Services) -> Platform:
    """A platform after openbao.sh, which may be run twice."""
    kind: type[Platform] = request.param
    platform = kind(tmp_path, services)
    platform.set_up()
    platform.set_up()
    return platform


def on(*kinds: type[Platform]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("platform", kinds, ids=[kind.name for kind in kinds], indirect=True)


def live(platform: Platform) -> dict[str, str]:
    accounts = platform.services.simulator.truth()["accounts"]["default"]
    return {name: account["password"] for name, account in accounts.items()}


def kept(platform: Platform) -> dict[str, str]:
    """The active passwords in the store, without those of accounts that have none yet."""
    openbao = platform.services.openbao
    names = openbao.do("LIST", "secret/metadata/dataforest")["data"]["keys"]
    envelopes = {name: openbao.do("GET", f"secret/data/dataforest/{name}")["data"]["data"] for name in names}
    return {name: envelope["password"] for name, envelope in envelopes.items() if envelope["password"]}


def writes(platform: Platform) -> int:
    """How often a password was set."""
    requests = platform.services.simulator.requests()
    return sum(request["operation"] == "resetPassword" and request["applied"] for request in requests)


def tokens(platform: Platform) -> set[str]:
    """The accessors of all tokens that are alive, except root's."""
    openbao = platform.services.openbao
    listed = set(openbao.do("LIST", "auth/token/accessors")["data"]["keys"])
    return {accessor for accessor in listed if "root" not in _looked_up(openbao, accessor)["policies"]}


def _looked_up(openbao: OpenBao, accessor: str) -> dict[str, Any]:
    found: dict[str, Any] = openbao.do("POST", "auth/token/lookup-accessor", {"accessor": accessor})["data"]
    return found


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.mark.timeout(300)  # it is five playbooks or six
@on(*PLATFORMS)
def test_whatever_happens_to_a_job_the_next_one_goes_on(platform: Platform) -> None:
    simulator, openbao = platform.services.simulator, platform.services.openbao
    before = live(platform)

    # Its login has expired. The next job gets another one. With Jenkins, somebody runs openbao.sh again.
    platform.expire()
    expired = platform.job(FIRST)
    assert (expired.status, writes(platform), tokens(platform)) == (2, 0, set()), expired.output
    assert "refused the login" in expired.output
    platform.renew()

    # The first run is killed after the vendor has set a password, and before it answers.
    killed = platform.killed(FIRST)
    assert writes(platform) > 0, killed.output
    assert platform.report()["finished_at"] is None
    left = tokens(platform)
    assert len(left) == 1, "A job that was killed could not end its login."
    assert all(_looked_up(openbao, accessor)["ttl"] <= 20 * 60 for accessor in left)
    first = platform.job(FIRST)
    assert first.status == 0, first.output
    assert platform.report()["summary"]["attention"] == 0
    assert live(platform) == kept(platform)
    assert not set(before.values()) & set(kept(platform).values())

    # A night on which nothing is due.
    done, passwords = writes(platform), kept(platform)
    quiet = platform.job()
    assert (quiet.status, writes(platform), kept(platform)) == (0, done, passwords), quiet.output

    # An incident, and on two platforms a vendor that loses its answers.
    incident = Asked(rotated_before=now())
    red = None
    if isinstance(platform, (GitLab, Jenkins)):
        lost = {"kind": "drop", "at": "after", "times": 0, "match": {"name": "df002"}}
        simulator.fault(vendor="ncp", operation="resetPassword", **lost)
        red = platform.job(incident)
        assert red.status == 2, red.output
        assert [row["name"] for row in platform.report()["accounts"] if row["attention"]] == ["df002"]
        simulator.clear()
    green = platform.job(incident)
    assert green.status == 0, green.output
    assert live(platform) == kept(platform)
    assert not set(passwords.values()) & set(kept(platform).values())

    assert platform.report()["success"] is True
    if isinstance(platform, GitHub):
        assert json.loads(platform.summary.removeprefix("~~~~ json\n").removesuffix("~~~~\n")) == platform.report()
    assert tokens(platform) == left, "No token of a job that has ended is left."
    # The key of the platform gets others from STS, and does nothing else.
    signed = [(each["operation"], each["headers"]["x-ncp-iam-access-key"]) for each in simulator.requests()]
    assert {name for name, key in signed if key == platform.keys[KEYS[0]]} == {"createCredentials"}
    short_lived = {pair["secret_key"] for pair in simulator.truth()["short_lived_keys"]}
    assert short_lived
    for secret in {*before.values(), *passwords.values(), *kept(platform).values(), *short_lived}:
        assert secret not in "".join(job.output for job in (expired, killed, first, quiet, red, green) if job)


@on(GitLab)
def test_a_wrong_key_of_the_vendor_changes_nothing(platform: Platform) -> None:
    right = platform.keys
    platform.keys = {**right, KEYS[1]: "of-another-key-0000000000000000000000001"}
    red = platform.job(FIRST)
    assert (red.status, writes(platform), tokens(platform)) == (2, 0, set()), red.output
    platform.keys = right
    # On schedule, before somebody has started the first run by hand.
    too_early = platform.job()
    assert (too_early.status, writes(platform), tokens(platform)) == (2, 0, set()), too_early.output
    assert "new_accounts" in too_early.output
    green = platform.job(FIRST)
    assert green.status == 0, green.output
    assert live(platform) == kept(platform)


@on(Kubernetes)
def test_jobs_at_the_same_time_lose_nothing(platform: Platform) -> None:
    both = [platform.start(FIRST) for _number in range(2)]
    for process in both:
        assert platform.ended(process).status in (0, 2)
    last = platform.job(FIRST)
    assert last.status == 0, last.output
    assert live(platform) == kept(platform)
    assert tokens(platform) == set()


# What tokens of others say.
OTHERS: dict[type[Platform], dict[str, Any]] = {
    GitLab: {"project_id": "78", "ref_type": "tag", "ref_protected": "false", "aud": "https://other.example.com"},
    GitHub: {
        "repository_id": "78",
        "ref": "refs/heads/feature",
        "environment": "another",
        "event_name": "pull_request_target",
        "aud": "https://other.example.com",
    },
    Kubernetes: {"sub": "system:serviceaccount:theirs:dataforest-rotation", "aud": "https://kubernetes.default.svc"},
}


@on(*OTHERS)
def test_nobody_else_can_log_in(platform: Platform) -> None:
    openbao, issuer = platform.services.openbao, platform.services.issuer
    audience = "openbao" if isinstance(platform, Kubernetes) else openbao.url
    right = {**platform.claims(), "aud": audience}

    def log_in(**claims: Any) -> tuple[int, Any]:
        login = {"role": "rotation", "jwt": issuer.signed({**right, **claims})}
        return openbao.call("POST", f"auth/{platform.mount}/login", login)

    for claim, value in OTHERS[type(platform)].items():
        assert [log_in(**{claim: other})[0] for other in (value, None)] == [400, 400], claim
    status, answer = log_in()
    assert (status, answer["auth"]["lease_duration"]) == (200, 20 * 60)
    assert openbao.do("GET", platform.role)["data"]["token_max_ttl"] == 20 * 60

    # It may do what a rotation does, and end itself.
    token = answer["auth"]["client_token"]
    assert openbao.call("POST", "secret/data/dataforest/df001", {"data": {"a": "b"}}, token)[0] == 200
    for method, path in (
        ("DELETE", "secret/data/dataforest/df001"),
        ("DELETE", "secret/metadata/dataforest/df001"),
        ("GET", "secret/data/other"),
        ("GET", "sys/auth"),
    ):
        assert openbao.call(method, path, None, token)[0] == 403, path
    assert openbao.call("POST", "auth/token/revoke-self", None, token)[0] == 204


@on(Jenkins)
def test_the_secret_id_of_jenkins_works_only_for_its_agents(platform: Platform) -> None:
    openbao = platform.services.openbao
    assert isinstance(platform, Jenkins)
    role = openbao.do("GET", platform.role)["data"]
    assert (role["token_ttl"], role["token_max_ttl"], role["secret_id_ttl"]) == (1200, 1200, 2400 * 3600)

    def log_in() -> int:
        login = {"role_id": platform.login["username"], "secret_id": platform.login["password"]}
        return openbao.call("POST", f"auth/{platform.mount}/login", login)[0]

    assert log_in() == 200
    file = platform.folder / platform.file
    file.write_text(platform.text().replace("127.0.0.0/8", "192.0.2.0/24"), encoding="utf-8")
    platform.set_up()
    assert log_in() in (400, 403)


@on(GitHub)
def test_github_is_asked_for_a_token_for_each_login(platform: Platform) -> None:
    """Its tokens last for minutes. One that was drawn when the job began may be too old for its last task."""
    platform.services.simulator.accounts(accounts=[{"name": "df001"}])
    (platform.folder / "publish.yml").write_text(
        "- name: Take the password\n  ansible.builtin.debug:\n    msg: Taken\n", encoding="utf-8"
    )
    playbook = platform.folder / "rotate.yml"
    text = playbook.read_text(encoding="utf-8")
    comment = "# ncp_dataforest_rotation_publish_tasks: publish.yml"
    assert text.count(comment) == 1
    playbook.write_text(text.replace(comment, comment.removeprefix("# ")), encoding="utf-8")
    before = platform.services.issuer.handed_out
    done = platform.job(FIRST)
    assert done.status == 0, done.output
    assert platform.services.issuer.handed_out - before > 2
    assert live(platform) == kept(platform)


# ------------------------------------------------------------------------------------------ what is not run, but read


def document(kind: type[Platform]) -> Any:
    return yaml.safe_load((EXAMPLES / kind.name / kind.file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["rotate.yml", "policy.hcl"])
def test_what_is_the_same_on_all_platforms_is_the_same_file(name: str) -> None:
    folders = {kind.name for kind in PLATFORMS}
    assert folders <= (found := {path.parent.name for path in EXAMPLES.glob(f"*/{name}")})
    assert len({(EXAMPLES / folder / name).read_text(encoding="utf-8") for folder in found}) == 1


def set_up(kind: type[Platform], folder: Path, written: dict[str, str]) -> tuple[int, str]:
    """Run openbao.sh with these texts replaced, and with a program that only says what it was asked for."""
    shutil.copytree(EXAMPLES / kind.name, folder / "copy")
    file = folder / "copy" / kind.file
    text = file.read_text(encoding="utf-8")
    for before, after in written.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")
    program, log = folder / "program", folder / "log"
    log.touch()
    program.write_text(
        f'#!/bin/sh\necho "$VAULT_ADDR" "$@" >>{log}\nfor last; do :; done\n[ "$last" != - ] || cat >>{log}\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    environment = {**os.environ, "CLI": str(program)}
    done = subprocess.run(["bash", "openbao.sh"], cwd=folder / "copy", env=environment, check=False)
    return done.returncode, log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "written", "asked"),
    [
        (Jenkins, {"'192.0.2.0/24'": '"198.51.100.0/24"'}, "secret_id_bound_cidrs=198.51.100.0/24 token_bound_cidrs"),
        (GitLab, {'"1234"': "'77'"}, '"project_id": "77"'),
        (GitLab, {'"1234"': '"77"\t'}, '"project_id": "77"'),
        (GitHub, {'"1234"': "77", "BRANCH: main": "BRANCH: 'trunk'"}, '"refs/heads/trunk"'),
        (Kubernetes, {"- BAO_ADDR=https://bao.example.com:8200": '- "BAO_ADDR=https://ours"'}, "https://ours write"),
    ],
)
def test_a_value_may_be_written_as_the_platform_allows(
    kind: type[Platform], written: dict[str, str], asked: str, tmp_path: Path
) -> None:
    status, log = set_up(kind, tmp_path, written)
    assert status == 0
    assert asked in log


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Jenkins, {"'192.0.2.0/24'": "''"}),
        (Jenkins, {"'192.0.2.0/24'": "env.AGENTS"}),
        (GitLab, {}),
        (GitHub, {}),
        (Kubernetes, {"- BAO_ADDR=": "- ADDRESS="}),
    ],
)
def test_a_value_that_is_missing_lets_nobody_in(kind: type[Platform], written: dict[str, str], tmp_path: Path) -> None:
    """With an empty one, a login would be open to every address, or the wrong server would be set up."""
    status, log = set_up(kind, tmp_path, written)
    assert (status != 0, log) == (True, "")


def test_gitlab_runs_one_job_at_a_time() -> None:
    job = document(GitLab)["rotate"]
    assert (job["resource_group"], job["interruptible"]) == ("dataforest", False)
    assert [rule["if"] for rule in job["rules"]] == [f'$CI_PIPELINE_SOURCE == "{how}"' for how in ("schedule", "web")]


def test_github_runs_one_job_at_a_time() -> None:
    workflow = document(GitHub)
    # The key `on` is a boolean for YAML 1.1.
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    assert workflow["concurrency"] == {"group": "dataforest", "cancel-in-progress": False}
    assert workflow["permissions"] == {}
    actions = [step["uses"].partition("@")[0] for step in workflow["jobs"]["rotate"]["steps"] if "uses" in step]
    assert {action.partition("/")[0] for action in actions} == {"actions"}


def test_jenkins_runs_one_job_at_a_time() -> None:
    text = (EXAMPLES / Jenkins.name / Jenkins.file).read_text(encoding="utf-8")
    assert "        disableConcurrentBuilds()\n" in text
    assert re.search(r"triggers \{\s+cron\('{3}TZ=Asia/Seoul\nH 3 \* \* \*'{3}\)", text)


def test_kubernetes_runs_one_job_at_a_time() -> None:
    text = (EXAMPLES / Kubernetes.name / "cronjob.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    job = found["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    assert (found["spec"]["concurrencyPolicy"], job["backoffLimit"], pod["restartPolicy"]) == ("Forbid", 0, "Never")
    assert pod["automountServiceAccountToken"] is False
