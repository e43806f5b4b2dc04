# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a play does with a lookup, as far as that needs no process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.plugins.loader import fragment_loader
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display
from ansible.utils.plugin_docs import get_docstring

from tooling.tree import ROOT

Template = Callable[..., Any]


@pytest.fixture(scope="session")
def vault_secrets() -> list[tuple[str, VaultSecret]]:
    """The vault secrets that --vault-password-file gives to every play here."""
    return [("default", VaultSecret("Tresor-암호-4711".encode()))]


@pytest.fixture
def loader(tmp_path: Path, vault_secrets: list[tuple[str, VaultSecret]]) -> DataLoader:
    """The files and vault secrets of a play in tmp_path."""
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    loader.set_vault_secrets(vault_secrets)
    return loader


@pytest.fixture
def template(loader: DataLoader) -> Template:
    """Evaluate an expression the way a play does, with these variables. Texts in them may be templates, too."""

    def evaluate(expression: str, **variables: Any) -> Any:
        return Templar(loader, trusted(variables)).template(trust_as_template(f"{{{{ {expression} }}}}"))

    return evaluate


def trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: trusted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All warnings of the play."""
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, msg, *_args, **_kwargs: warnings.append(str(msg)))
    return warnings


@pytest.fixture
def documented() -> Callable[[str], dict[str, Any]]:
    """What `ansible-doc` shows about a lookup, fragments included."""

    def read(name: str) -> dict[str, Any]:
        path = ROOT / "plugins" / "lookup" / f"{name}.py"
        return dict(
            get_docstring(
                str(path), fragment_loader, collection_name="krcloud.credentials", is_module=False, plugin_type="lookup"
            )[0]
        )

    return read
