# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this collection uses of ansible-core that is not documented, and whether it is still what we have read.

When a test fails here, the text of a part of ansible-core is not the one that somebody has looked at. Read the part,
check that what we rely on still holds, adapt our file if it does not, and enter the digest that the message shows.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import ansible
import pytest
from ansible.release import __version__ as core_version

from tooling.tree import ROOT

MINOR = ".".join(core_version.split(".")[:2])
CORE = Path(ansible.__file__).parent
PACKAGE = "ansible_collections.krcloud.credentials.plugins"

ACTION = "plugin_utils/_plugin/action.py"
MODULE_ACTION = "plugin_utils/_plugin/module_action.py"
LOST_MODULE = "plugin_utils/_plugin/lost_module.py"
PIPELINING = "plugin_utils/_plugin/pipelining.py"
RECONNECTION = "plugin_utils/_plugin/reconnection.py"
SECRET_OPTIONS = "plugin_utils/_plugin/secret_options.py"
ARGUMENTS = "plugin_utils/_plugin/arguments.py"
ANSIBLE_MODULE = "module_utils/_module/ansible_module.py"
VAULT_CIPHER = "plugin_utils/_stores/vault_cipher.py"


class Part(NamedTuple):
    """A part of ansible-core: the file of ours that depends on it, what it relies on, and how it calls the part.

    ``looked_at`` has the digest of the part in each ansible-core that was looked at. The others have no such part.
    """

    file: str
    relies_on: str
    call: str
    looked_at: str

    @property
    def digests(self) -> dict[str, str]:
        """The digests by the minor version of ansible-core."""
        pairs = [each.partition(" ") for each in self.looked_at.split(", ")]
        return {minor: known for minor, _blank, known in pairs}


PARTS = {
    "ansible.playbook.base:Base.update_result_no_log": Part(
        ACTION,
        "A result that says `_ansible_no_log` goes on saying it, whatever the task says.",
        "self, templar, result",
        "2.19 8bacd9ef, 2.20 8bacd9ef, 2.21 302a3e87, 2.22 302a3e87",
    ),
    "ansible.executor.task_result:_RawTaskResult.as_callback_task_result": Part(
        ACTION,
        "Callbacks get none of the values of a result that says `_ansible_no_log`.",
        "self",
        "2.19 3f341c5d, 2.20 3f341c5d",
    ),
    "ansible._internal._task:UnifiedTaskResult.as_result_dict": Part(
        ACTION,
        "The same.",
        "self, for_callback=, censor_callback_result=",
        "2.21 3c2c0444, 2.22 1b8d7935",
    ),
    "ansible.plugins.action:ActionBase._execute_module": Part(
        MODULE_ACTION,
        "Whatever it runs on the host before the module goes through `_configure_module`, `_make_tmp_path` or "
        "`_fixup_perms2`. Its own first `_low_level_execute_command` starts the module.",
        "self, module_name=, module_args=, task_vars=, wrap_async=",
        "2.19 ca7aa45d, 2.20 ce08700e, 2.21 7958c208, 2.22 7958c208",
    ),
    "ansible.plugins.action:ActionBase._configure_module": Part(
        MODULE_ACTION,
        "It may run commands on the host, and does not start the module.",
        "self",
        "2.19 1ebf02fb, 2.20 6c42f9b0, 2.21 1269a4a1, 2.22 1269a4a1",
    ),
    "ansible.plugins.action:ActionBase._make_tmp_path": Part(
        MODULE_ACTION,
        "It may run commands on the host, and does not start the module.",
        "self",
        "2.19 89cb7050, 2.20 466e22d9, 2.21 466e22d9, 2.22 466e22d9",
    ),
    "ansible.plugins.action:ActionBase._fixup_perms2": Part(
        MODULE_ACTION,
        "It may run commands on the host, and does not start the module.",
        "self",
        "2.19 ef99128b, 2.20 a844889e, 2.21 a844889e, 2.22 a844889e",
    ),
    "ansible.plugins.action:ActionBase._low_level_execute_command": Part(
        MODULE_ACTION,
        "Everything that an action runs on the host goes through it.",
        "self, cmd, sudoable=",
        "2.19 3fa97ada, 2.20 225d0467, 2.21 55f99da0, 2.22 55f99da0",
    ),
    "ansible.plugins.action:ActionBase._parse_returned_data": Part(
        LOST_MODULE,
        "If an output cannot be read as a result, the result has `module_stdout`, `module_stderr` and `rc`, and fails.",
        "self",
        "2.19 644431d3, 2.20 644431d3, 2.21 09a3728b, 2.22 09a3728b",
    ),
    "ansible.plugins.connection:ConnectionBase.is_pipelining_enabled": Part(
        PIPELINING,
        "A plugin without the option `pipelining` follows `_play_context.pipelining`. One that cannot pipeline ignores "
        "both.",
        "self",
        "2.19 5f38ba8c, 2.20 e9a5f72b, 2.21 e9a5f72b, 2.22 e9a5f72b",
    ),
    "ansible.plugins:AnsiblePlugin.get_option_and_origin": Part(
        PIPELINING,
        "It raises KeyError for an option that a plugin does not have; the origin of a default is `default`.",
        "self, option",
        "2.19 9878756f, 2.20 9878756f, 2.21 9878756f, 2.22 9878756f",
    ),
    "ansible.config.manager:ConfigManager.get_config_value_and_origin": Part(
        PIPELINING,
        "The origin of a default is `default`.",
        "self, config",
        "2.19 86b3828c, 2.20 86b3828c, 2.21 53f89905, 2.22 32a6c5d1",
    ),
    "ansible.plugins.connection.ssh:_ssh_retry": Part(
        RECONNECTION,
        "It reads `reconnection_retries` again for each command; 0 means one attempt, or two if a shared connection "
        "was broken, but no other one after an AnsibleConnectionFailure.",
        "func",
        "2.19 02310fb1, 2.20 9230759d, 2.21 0361cac8, 2.22 a5818ee7",
    ),
    "ansible.plugins.connection.ssh:Connection._run": Part(
        RECONNECTION,
        "Each attempt at a command is a call of `_bare_run`.",
        "self, cmd, in_data, sudoable=",
        "2.19 14f12c0c, 2.20 14f12c0c, 2.21 14f12c0c, 2.22 14f12c0c",
    ),
    "ansible.plugins:AnsiblePlugin.set_option": Part(
        RECONNECTION,
        "What it sets is what `get_option` returns from then on.",
        "self, option, value",
        "2.19 bfc2643e, 2.20 bfc2643e, 2.21 bfc2643e, 2.22 bfc2643e",
    ),
    "ansible.module_utils.secrets:register_secrets": Part(
        SECRET_OPTIONS,
        "It masks these texts from then on in everything that is printed.",
        "secrets",
        "2.22 f1c4a34f",
    ),
    "ansible.module_utils.common.arg_spec:ArgumentSpecValidator.validate": Part(
        ARGUMENTS,
        "The message about options that do not exist is the last one.",
        "self, parameters",
        "2.19 a2ccf78d, 2.20 a2ccf78d, 2.21 a2ccf78d, 2.22 02e71a98",
    ),
    "ansible.module_utils.basic:AnsibleModule._load_params": Part(
        ANSIBLE_MODULE,
        "It sets `params`, and nothing has been said about them before.",
        "self",
        "2.19 bff10638, 2.20 bff10638, 2.21 bff10638, 2.22 bff10638",
    ),
    "ansible.module_utils.basic:AnsibleModule._log_invocation": Part(
        ANSIBLE_MODULE,
        "It logs the options with `log`, and does nothing else.",
        "self",
        "2.19 464e098f, 2.20 464e098f, 2.21 464e098f, 2.22 d172d8f7",
    ),
    "ansible.module_utils.basic:AnsibleModule._return_formatted": Part(
        ANSIBLE_MODULE,
        "It ends with `_record_module_result`, after adding warnings, deprecations and, from 2.22 on, "
        "`_ansible_new_secrets`. It leaves an `invocation` alone, or removes it.",
        "self, kwargs",
        "2.19 b0aefb1d, 2.20 b0aefb1d, 2.21 6cf586e3, 2.22 f2b0a551",
    ),
    "ansible.module_utils.basic:AnsibleModule._record_module_result": Part(
        ANSIBLE_MODULE,
        "It prints a result as it is given.",
        "self, o",
        "2.19 dfd06ac2, 2.20 dfd06ac2, 2.21 dfd06ac2, 2.22 dfd06ac2",
    ),
    "ansible.parsing.vault:VaultAES256.decrypt": Part(
        VAULT_CIPHER,
        "It takes the body of a file as hexadecimal text.",
        "b_vaulttext, secret",
        "2.19 9835ba13, 2.20 9835ba13, 2.21 9835ba13, 2.22 9835ba13",
    ),
    "ansible.parsing.vault:VaultAES256.encrypt": Part(
        VAULT_CIPHER,
        "It returns hexadecimal text, and takes a salt.",
        "b_plaintext, secret, salt=",
        "2.19 66f3fb32, 2.20 66f3fb32, 2.21 66f3fb32, 2.22 66f3fb32",
    ),
    "ansible.parsing.vault:VaultLib.decrypt_and_get_vault_id": Part(
        VAULT_CIPHER,
        "It tries the secrets of the vault id of a file first, and then all others, unless it is told not to.",
        "self",
        "2.19 15800e2a, 2.20 15800e2a, 2.21 15800e2a, 2.22 15800e2a",
    ),
    "ansible.parsing.vault:format_vaulttext_envelope": Part(
        VAULT_CIPHER,
        "It writes the header and the lines that we write.",
        "b_ciphertext, cipher_name",
        "2.19 5fd5f0c9, 2.20 5fd5f0c9, 2.21 5fd5f0c9, 2.22 5fd5f0c9",
    ),
    "ansible.parsing.dataloader:DataLoader.set_vault_secrets": Part(
        VAULT_CIPHER,
        "`_vault.secrets` holds pairs of a vault id and a secret.",
        "self",
        "2.19 9d815ef7, 2.20 9d815ef7, 2.21 9d815ef7, 2.22 9d815ef7",
    ),
}

# Texts of ansible-core by which `lost_module.py` tells that a module did not begin, and the files that write them.
# One text of a tuple is enough: they are from different versions.
TEXTS: dict[str, list[str | tuple[str, ...]]] = {
    "module_utils/basic.py": [
        ("ansible-core requires a minimum of Python version {", "Ansible requires Python {"),
        "Current version: {",
    ],
    "_internal/_ansiballz/_wrapper.py": ["def _ansiballz_main("],
    "plugins/connection/local.py": [
        "'Premature end of stream'",
        "'Duplicate become password prompt encountered'",
        "waiting for become success'",
    ],
    "plugins/connection/ssh.py": [
        "'Incorrect %s password' % self.become.name",
        "'Missing %s password' % self.become.name",
    ],
}


def found(part: str) -> Any:
    """The part in the installed ansible-core, None if it has no such part."""
    module, _colon, path = part.partition(":")
    try:
        value = import_module(module)
    except ImportError:
        return None
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


def digest(value: Any) -> str:
    """The digest of a source without its comments and blank lines."""
    lines = (line.split("  # ")[0].strip() for line in inspect.getsource(value).splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def overrides() -> Iterator[tuple[type, type, str]]:
    """Each class of ours, a class of ansible-core above it, and the name of a method that ours overrides."""
    for folder in ("action", "lookup", "module_utils/_module", "plugin_utils/_plugin"):
        for path in sorted((ROOT / "plugins" / folder).glob("*.py")):
            name = f"{PACKAGE}.{folder.replace('/', '.')}.{path.stem}"
            for kind in vars(import_module(name)).values():
                if not (isinstance(kind, type) and kind.__module__ == name):
                    continue
                for theirs in kind.__mro__:
                    if theirs.__module__.startswith("ansible."):
                        for method in vars(theirs).keys() & vars(kind).keys():
                            if inspect.isfunction(vars(kind)[method]):
                                yield kind, theirs, method


OVERRIDES = sorted(
    {(kind, theirs, method) for kind, theirs, method in overrides() if not method.startswith("__")},
    key=lambda each: (each[0].__name__, each[1].__name__, each[2]),
)


def test_overrides_are_found() -> None:
    assert {"_execute_module", "_record_module_result", "run"} <= {method for _kind, _theirs, method in OVERRIDES}


@pytest.mark.parametrize(
    ("kind", "theirs", "method"), OVERRIDES, ids=[f"{kind.__name__}.{method}" for kind, _theirs, method in OVERRIDES]
)
def test_an_override_takes_what_ansible_core_gives_it(kind: type, theirs: type, method: str) -> None:
    ours = inspect.signature(getattr(kind, method)).parameters.values()
    takes = {each.kind for each in ours}
    named = {each.name for each in ours}
    for each in inspect.signature(getattr(theirs, method)).parameters.values():
        positional = each.kind in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL)
        assert each.name in named or (each.VAR_POSITIONAL if positional else each.VAR_KEYWORD) in takes, each


@pytest.mark.parametrize(
    ("theirs", "method"), sorted({(theirs, method) for _kind, theirs, method in OVERRIDES if method[0] == "_"}, key=str)
)
def test_a_private_method_that_is_overridden_is_in_the_table(theirs: type, method: str) -> None:
    assert f"{theirs.__module__}:{theirs.__name__}.{method}" in PARTS


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_ansible_core_is_what_was_looked_at(name: str) -> None:
    part, value = PARTS[name], found(name)
    known, now = part.digests.get(MINOR), digest(value) if value else None
    if MINOR not in {minor for each in PARTS.values() for minor in each.digests}:
        known = "none, as nobody has looked at this version"
    assert now == known, (
        f"ansible-core {core_version}: {name} is not what it was (digest {now}, known: {known}). plugins/{part.file} "
        f"relies on this: {part.relies_on} Read it, adapt the file if need be, and enter the digest."
    )


@pytest.mark.parametrize("name", [name for name in PARTS if MINOR in PARTS[name].digests])
def test_a_part_of_ansible_core_takes_what_we_give_it(name: str) -> None:
    given = PARTS[name].call.split(", ")
    positional = [each for each in given if not each.endswith("=")]
    signature = inspect.signature(found(name))
    if positional[:1] == ["self"]:
        assert next(iter(signature.parameters)) == "self"
    if positional != ["self"] or len(given) > 1:
        signature.bind(*positional, **{each[:-1]: None for each in given if each.endswith("=")})


@pytest.mark.parametrize("name", PARTS)
def test_the_file_that_depends_on_a_part_says_so(name: str) -> None:
    """It also names the file in the source of ansible-core, so that a reader finds it."""
    text = (ROOT / "plugins" / PARTS[name].file).read_text(encoding="utf-8")
    module, _colon, path = name.partition(":")
    folder = CORE / module.removeprefix("ansible.").replace(".", "/")
    file = f"{folder.relative_to(CORE)}{'/__init__' if folder.is_dir() else ''}.py"
    assert f"lib/ansible/{file}" in text
    assert path.rpartition(".")[2] in text


@pytest.mark.parametrize(("file", "text"), [(file, text) for file, texts in TEXTS.items() for text in texts])
def test_ansible_core_still_writes_what_we_recognize(file: str, text: str | tuple[str, ...]) -> None:
    source = (CORE / file).read_text(encoding="utf-8")
    assert any(each in source for each in ([text] if isinstance(text, str) else text))


def digests() -> None:
    """Print the digests of the installed ansible-core."""
    for part in PARTS:
        print(part, MINOR, digest(found(part)) if found(part) else None)


if __name__ == "__main__":
    digests()
