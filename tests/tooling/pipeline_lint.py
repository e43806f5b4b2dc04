# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the files of docs/examples that a platform reads, each with its schema or linter: `tooling.pipeline_lint`.

The schemas of GitLab and GitHub come with check-jsonschema, those of Kubernetes with kubernetes-validate. CodeNarc
comes with npm-groovy-lint and runs on Java. It knows Groovy and has rules for Jenkins, but it does not know which
directives a declarative pipeline has. Without node, npm or Java, the Jenkinsfile is left out, and a line says so. The
network is only needed to fetch npm-groovy-lint, once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tooling import npm, tree

EXAMPLES = tree.ROOT / "docs/examples"
SCHEMAS = {
    "vendor.gitlab-ci": ("*/.gitlab-ci.yml",),
    "vendor.github-workflows": ("*/.github/workflows/*.yml",),
}
# Not kustomization.yaml, which only kustomize reads.
RESOURCES = ("kubernetes/serviceaccount.yaml", "kubernetes/cronjob.yaml")
GROOVY_LINT = npm.Package(
    "npm-groovy-lint", "18.0.0", "6c791528925d714af99f0bb37fcfb780b9e9bc12620a5eb34a911e2f163880da"
)
# Complaints of priority 3 are about style, such as a space before a colon.
RULES = ("basic", "exceptions", "formatting", "groovyism", "imports", "jenkins", "unnecessary", "unused")


def found(*patterns: str) -> list[Path]:
    """The examples that match. Raises ValueError if there is none: then nothing would be checked."""
    files = sorted(file for pattern in patterns for file in EXAMPLES.glob(pattern))
    if not files:
        raise ValueError(f"No example is called {' or '.join(patterns)}.")
    return files


def by_schema() -> Iterator[list[str]]:
    """The commands that compare examples with a schema."""
    for schema, patterns in SCHEMAS.items():
        yield ["check-jsonschema", "--builtin-schema", schema, *map(str, found(*patterns))]
    yield ["kubernetes-validate", "--strict", "--quiet", *map(str, found(*RESOURCES))]


def codenarc(jars: Path, file: Path) -> list[str]:
    """The command that checks a Jenkinsfile. `faults` says what its output means."""
    folders = (jars / "lib/java", jars / "lib/java/groovy/lib")
    path = ":".join(f"{folder}/*" for folder in folders)
    rules = ",".join(f"rulesets/{name}.xml" for name in RULES)
    where = (f"-basedir={file.parent}", f"-includes={file.name}", f"-rulesetfiles={rules}", "-report=console")
    return ["java", "-cp", path, "org.codenarc.CodeNarc", *where]


def faults(report: str) -> list[str]:
    """What CodeNarc complains about, in its own lines. Its exit status is 0 even if it could not read the file."""
    lines = report.split("\n")
    complaints = [line for line in lines if "Compilation failed" in line or " P=1 " in line or " P=2 " in line]
    if not any("TotalFiles=1 " in line for line in lines):
        complaints.append("CodeNarc has not read the file.")
    return complaints


def main() -> int:
    """Check all, and return how many checks found something."""
    failed = sum(subprocess.run(command, check=False).returncode != 0 for command in by_schema())
    jars = npm.parent(GROOVY_LINT) if shutil.which("java") else None
    if jars is None:
        print("Left out: the Jenkinsfile, because node, npm or java is not on PATH.")
        return failed
    for file in found("*/Jenkinsfile"):
        done = subprocess.run(codenarc(jars / GROOVY_LINT.name, file), check=False, capture_output=True, text=True)
        complaints = faults(done.stdout + done.stderr)
        print("\n".join(complaints) or f"{file.relative_to(tree.ROOT)}: ok")
        failed += bool(complaints)
    return failed


if __name__ == "__main__":
    sys.exit(main())
