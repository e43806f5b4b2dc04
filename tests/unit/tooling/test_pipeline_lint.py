# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CodeNarc says of a Jenkinsfile, whatever its exit status. The texts are its own."""

from __future__ import annotations

import pytest

from tooling import pipeline_lint

SUMMARY = "Summary: TotalFiles=1 FilesWithViolations=1 P1=0 P2=0 P3=1\n"
STYLE = "    Violation: Rule=SpaceAroundMapEntryColon P=3 Line=16 Msg=[...] Src=[timeout(time: 30, unit: 'MINUTES')]\n"
LONG = "    Violation: Rule=LineLength P=2 Line=33 Msg=[The line exceeds 120 characters.] Src=[...]\n"
BROKEN = "21:50:40.826 [main] WARN  o.codenarc.source.AbstractSourceCode -- Compilation failed for [SourceFile[...]]\n"


def test_style_is_no_fault() -> None:
    assert pipeline_lint.faults(SUMMARY + STYLE) == []


@pytest.mark.parametrize("line", [LONG, BROKEN])
def test_faults_are_found(line: str) -> None:
    assert pipeline_lint.faults(SUMMARY + STYLE + line) == [line.rstrip("\n")]


def test_a_file_that_was_not_read_is_a_fault() -> None:
    assert pipeline_lint.faults(SUMMARY.replace("TotalFiles=1", "TotalFiles=0")) == ["CodeNarc has not read the file."]
    assert pipeline_lint.faults("Error: could not find or load main class\n") == ["CodeNarc has not read the file."]


def test_an_example_that_is_gone_is_a_fault() -> None:
    assert [command[0] for command in pipeline_lint.by_schema()] == ["check-jsonschema"] * 2 + ["kubernetes-validate"]
    with pytest.raises(ValueError, match=r"^No example is called \*/gone\.yml\.$"):
        pipeline_lint.found("*/gone.yml")
