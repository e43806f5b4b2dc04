# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that our roles, examples and guides never make ansible-core leak a secret: `python -m tooling.leak_rule`.

They must not build a command line from what others have written either. docs/docsite/rst/secrets.rst says why. This is
not a rule of ansible-lint, because ansible-lint reads YAML files, and most of what users copy is in docstrings, rst and
Markdown. An example that leaks on purpose begins with the comment `# This leaks`.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Group
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp import sts
from ansible_collections.krcloud.credentials.plugins.modules import ncp_dataforest_password
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from tooling import tree

# The integration targets are not among them: they give literals and wrong types on purpose, against the simulator.
YAML_FILES = re.compile(r"(roles|playbooks|extensions/molecule|tests/demo|docs/examples)/.*\.yml")
ROLE_SPECS = re.compile(r"roles/([^/]+)/meta/argument_specs\.yml")
PLUGINS = re.compile(r"plugins/(lookup|modules)/.*\.py")
BESIDE_PLUGINS = re.compile(r"plugins/filter/.*\.yml")
GUIDES = re.compile(r"docs/docsite/rst/.*\.rst")
READMES = re.compile(r"(roles/[^/]+/)?README(\.ko)?\.md")

RST_BLOCK = re.compile(r"^( *)\.\. code-block:: yaml\n((?:\1 +.*\n|[ ]*\n)+)", re.MULTILINE)
MARKDOWN_BLOCK = re.compile(r"^( *)```yaml(\n.*?^)\1```", re.MULTILINE | re.DOTALL)
ON_PURPOSE = "# This leaks"

OURS = "krcloud.credentials."
PACKAGE = "ansible_collections.krcloud.credentials.plugins.module_utils"
LOOKUPS = "|".join(sorted(path.stem for path in tree.ROOT.glob("plugins/lookup/*.py")))
LOOKUP = re.compile(rf"{re.escape(OURS)}({LOOKUPS})\b")
SECRET_NAME = re.compile(r"(?i)(password|passwd|passphrase|secret|secret_key|secret_id|token|jwt)s?\b")
TEMPLATE = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)

STEPS = ("tasks", "pre_tasks", "post_tasks", "handlers", "roles", "block", "rescue", "always")
DECIDING = ("when", "loop", "until", "changed_when", "failed_when")
BUILTIN = "ansible.builtin."
PROCESSES = tuple(BUILTIN + name for name in ("command", "expect", "raw", "script", "shell"))
# A lookup that runs a command, unless the command is one literal.
PIPE = re.compile(r"""\(\s*['"](?:ansible\.builtin\.)?(?:pipe|lines)['"]\s*,(?!\s*(?:'[^']*'|"[^"]*")\s*[,)])""")
INCLUDING = re.compile(r"ansible\.builtin\.(include|import)_")


def secret_options(spec: Mapping[str, Any]) -> set[str]:
    """The names of the options of an argument spec that are secret, at any depth."""
    found = {name for name, option in spec.items() if option.get("no_log") is True}
    return found.union(*(secret_options(option.get("options") or {}) for option in spec.values()))


def option_groups() -> dict[str, Group]:
    """The options that the modules for one service or vendor share, by the name of the fragment that documents them."""
    found: dict[str, Group] = {}
    for path in sorted(tree.ROOT.glob("plugins/module_utils/*/options.py")):
        module = importlib.import_module(f"{PACKAGE}.{path.parent.name}.options")
        groups = {name.lower(): value for name, value in vars(module).items() if isinstance(value, Group)}
        found |= {name: group for name, group in groups.items() if "api_url" in group.options}
    return found


GROUPS = option_groups()
GROUP_SPECS = tuple(group.options for group in GROUPS.values())
SPECS = (*GROUP_SPECS, ncp_dataforest_password.OPTIONS, sts.OPTIONS, registry.argument_spec())
SECRET_OPTIONS = frozenset().union(*map(secret_options, SPECS))
SECRET_VARIABLES = frozenset(
    variable
    for group in (
        *(each.environment for each in GROUPS.values()),
        *(store.ENVIRONMENT for store in registry.STORES.values()),
    )
    for option in SECRET_OPTIONS & set(group)
    for variable in group[option]
)


class Table(dict[str, Any]):
    """A mapping that knows its line."""

    line = 0


class Encrypted(str):
    """A value that Ansible Vault keeps."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """Reads YAML as Ansible does, and remembers lines."""

    def table(self, node: yaml.MappingNode) -> Table:
        """Return a mapping as a Table."""
        table = Table((str(key), value) for key, value in self.construct_mapping(node, deep=True).items())
        table.line = node.start_mark.line + 1
        return table

    def encrypted(self, node: yaml.ScalarNode) -> Encrypted:
        """Return an encrypted value as such."""
        return Encrypted(self.construct_scalar(node))

    def unsafe(self, node: yaml.ScalarNode) -> str:
        """Return the text as it is."""
        return str(self.construct_scalar(node))


Loader.add_constructor("tag:yaml.org,2002:map", Loader.table)
Loader.add_constructor("!vault", Loader.encrypted)
Loader.add_constructor("!unsafe", Loader.unsafe)


@dataclass(frozen=True)
class Source:
    """A YAML text and where it is: ``above`` lines of the file come before it."""

    file: str
    above: int
    text: str

    def documents(self) -> list[Any]:
        """What the YAML says."""
        return list(yaml.load_all(self.text, Loader))


def sources(root: Path, names: Iterable[str]) -> Iterator[Source]:
    """All YAML of the named files that users run or copy."""
    for name in names:
        if YAML_FILES.fullmatch(name):
            yield Source(name, 0, (root / name).read_text(encoding="utf-8"))
        elif PLUGINS.fullmatch(name):
            yield from _examples(name, (root / name).read_text(encoding="utf-8"))
        elif BESIDE_PLUGINS.fullmatch(name):
            yield from _example_beside(name, (root / name).read_text(encoding="utf-8"))
        elif GUIDES.fullmatch(name):
            yield from _blocks(name, (root / name).read_text(encoding="utf-8"), RST_BLOCK)
        elif READMES.fullmatch(name):
            yield from _blocks(name, (root / name).read_text(encoding="utf-8"), MARKDOWN_BLOCK)


def _examples(name: str, text: str) -> Iterator[Source]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["EXAMPLES"]:
            yield Source(name, node.value.lineno - 1, ast.literal_eval(node.value))


def _example_beside(name: str, text: str) -> Iterator[Source]:
    document = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(document, yaml.MappingNode)
    for key, value in document.value:
        if key.value == "EXAMPLES":
            yield Source(name, value.start_mark.line + 1, value.value)


def _blocks(name: str, text: str, pattern: re.Pattern[str]) -> Iterator[Source]:
    for match in pattern.finditer(text):
        block = textwrap.dedent(match[match.re.groups])
        if not block.lstrip().startswith(ON_PURPOSE):
            yield Source(name, text.count("\n", 0, match.start(match.re.groups)), block)


def findings(found: Iterable[Source]) -> Iterator[str]:
    """What the sources do but must not do, in one sentence each."""
    found = list(found)
    # What a role defines is there for the task files of its users, too.
    shared: set[str] = set()
    for source in found:
        if source.file.startswith("roles/"):
            shared |= made_of_lookups(source.documents())
    for source in found:
        documents = source.documents()
        passwords = shared | made_of_lookups(documents)
        for document in documents:
            for line, said in _of_role(source.file, document):
                yield f"{source.file}:{source.above + line}: {said}"
            for step in steps(document):
                for said in Check(step, passwords).run():
                    yield f"{source.file}:{source.above + step.keywords.line}: {said}"


def made_of_lookups(documents: Any) -> set[str]:
    """The names of the variables that hold what one of our lookups returns, also by way of other variables.

    Short-lived secret keys, which a task has registered, count as such.
    """
    defined = [pair for table in tables(documents) for pair in _defined(table)]
    asking = (table for table in tables(documents) if f"{OURS}ncp_sts_credentials" in table)
    names = {f"{table['register']}.secret_key" for table in asking if "register" in table}
    while more := {name for name, value in defined if mentions(value, names)} - names:
        names |= more
    return names


def _defined(table: Table) -> Iterator[tuple[str, Any]]:
    for place in ("vars", "ansible.builtin.set_fact"):
        if isinstance(table.get(place), Table):
            yield from table[place].items()


def mentions(value: Any, names: set[str], *, expression: bool = False) -> bool:
    """Whether a value holds one of our lookups, or, inside of a template, one of the variables."""
    text = "\n".join(scalars(value))
    if LOOKUP.search(text):
        return True
    code = text if expression else "\n".join(TEMPLATE.findall(text))
    return any(re.search(rf"(?<![\w.'\"]){re.escape(name)}\b", code) for name in names)


def scalars(value: Any) -> Iterator[str]:
    """All texts in a value, names of keys included."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from scalars(item)
    else:
        yield str(value)


def tables(value: Any) -> Iterator[Table]:
    """All mappings in a value, itself included."""
    if isinstance(value, Table):
        yield value
    for item in value.values() if isinstance(value, Table) else value if isinstance(value, list) else ():
        yield from tables(item)


@dataclass(frozen=True)
class Step:
    """A play, a block, a task, or a part of one in a guide."""

    keywords: Table
    quiet: bool
    """Whether no_log is on, here or around it."""

    @property
    def module(self) -> str:
        """The full name of the module of a task. In YAML files, ansible-lint requires the full name."""
        short = next((name for name in PROCESSES if name.removeprefix(BUILTIN) in self.keywords), "")
        return next((key for key in self.keywords if "." in key), short)

    @property
    def arguments(self) -> Table:
        """Its arguments. If they are one text, it is under the key that Ansible uses for it."""
        given = self.keywords.get(self.module, self.keywords.get(self.module.removeprefix(BUILTIN)))
        return given if isinstance(given, Table) else Table(_raw_params=given)


def steps(node: Any, *, quiet: bool = False) -> Iterator[Step]:
    """All steps of a document, and those inside of them."""
    for item in node if isinstance(node, list) else [node]:
        if isinstance(item, Table):
            no_log = item.get("no_log", quiet) is True
            yield Step(item, no_log)
            for key in STEPS:
                yield from steps(item.get(key), quiet=no_log)


@dataclass(frozen=True)
class Check:
    """All rules about one step. ``passwords`` are the variables that hold one."""

    step: Step
    passwords: set[str]

    def run(self) -> Iterator[str]:
        """What is wrong, and what to do instead."""
        rules = (self._environment, self._async, self._cacheable, self._literals, self._printed, self._audible)
        for rule in (*rules, self._command_lines, self._on_the_way):
            yield from rule()

    def _secret(self, value: Any, *, expression: bool = False) -> bool:
        return mentions(value, self.passwords, expression=expression)

    def _environment(self) -> Iterator[str]:
        environment = self.step.keywords.get("environment")
        named = {name for table in tables(environment) for name in table} & SECRET_VARIABLES
        for name in sorted(named):
            yield f"environment holds {name}, which -vvv prints: use a profile file or module_defaults."
        if self._secret(environment):
            yield "environment holds a password of a lookup, which -vvv prints: use a file or stdin."

    def _async(self) -> Iterator[str]:
        if self.step.module.startswith(OURS) and "async" in self.step.keywords:
            yield "async keeps the result in a file on the host: leave it out and use concurrency."

    def _cacheable(self) -> Iterator[str]:
        if self.step.module == "ansible.builtin.set_fact" and self.step.arguments.get("cacheable"):
            for name, value in self.step.arguments.items():
                used = "\n".join([name, *TEMPLATE.findall("\n".join(scalars(value)))])
                if self._secret(value) or SECRET_NAME.search(used):
                    yield f"The fact cache would hold {name} in clear text: leave out cacheable."

    def _literals(self) -> Iterator[str]:
        keywords = self.step.keywords
        places = [keywords] if "role" in keywords else [keywords.get(key) for key in ("module_defaults", "vars")]
        if self.step.module.startswith(OURS):
            places.append(self.step.arguments)
        for table in tables(places):
            for name, value in table.items():
                if _is_secret(name) and _is_literal(value):
                    yield f"{name} is in clear text, where errors may print it: use a vault."

    def _printed(self) -> Iterator[str]:
        keywords, arguments = self.step.keywords, self.step.arguments
        if self._secret(keywords.get("name")):
            yield "name holds a password of a lookup and is printed: leave it out."
        for key in keywords:
            if (key in DECIDING or key.startswith("with_")) and mentions(keywords[key], set()):
                yield f"{key} holds a lookup of a password, which it may print: read it in an option, with no_log."
        shown = self._secret(arguments) or self._secret(arguments.get("var"), expression=True)
        if self.step.module == "ansible.builtin.debug" and shown:
            yield "debug prints a password of a lookup: show the name of the account."
        command = [arguments.get(key) for key in ("_raw_params", "cmd", "argv")]
        if self.step.module in PROCESSES and self._secret(command):
            yield "The list of processes shows the password of a lookup: hand it over by stdin."

    def _audible(self) -> Iterator[str]:
        others = self.step.module and not self.step.module.startswith(OURS)
        if others and not self.step.quiet and not INCLUDING.match(self.step.module):
            used = {key: value for key, value in self.step.keywords.items() if key != "vars"}
            if self._secret(used) or self._secret(self._expressions(), expression=True):
                yield f"{self.step.module} gets a password of a lookup and may print it: add no_log: true."

    def _command_lines(self) -> Iterator[str]:
        arguments = self.step.arguments
        argv = arguments.get("argv")
        words = argv if isinstance(argv, list) else []
        # A shell takes the word after -c for a program.
        programs = [word for before, word in itertools.pairwise(words) if before == "-c"]
        lines = [*(arguments.get(key) for key in ("_raw_params", "cmd", "command")), *programs]
        if self.step.module in PROCESSES and not self._secret(lines) and TEMPLATE.search("\n".join(scalars(lines))):
            yield "A template in a command line may become code: use ansible.builtin.command with argv."
        own = {key: value for key, value in self.step.keywords.items() if key not in STEPS}
        if PIPE.search("\n".join(scalars(own))):
            yield "A lookup builds the command line that it runs: use ansible.builtin.command with argv."

    def _on_the_way(self) -> Iterator[str]:
        handed = [self.step.arguments.get(key) for key in ("stdin", "body", "url_password")]
        pipelined = (self.step.keywords.get("vars") or {}).get("ansible_pipelining") is True
        if self.step.module in (*PROCESSES, BUILTIN + "uri") and self._secret(handed) and not pipelined:
            yield "A file on the host would hold the options, with a password: add ansible_pipelining: true to vars."

    def _expressions(self) -> list[Any]:
        return [self.step.arguments.get("that"), *(self.step.keywords.get(key) for key in DECIDING)]


def _is_secret(name: str) -> bool:
    # The options of the roles are called after the roles.
    roles = "|".join(sorted(path.name for path in tree.ROOT.glob("roles/*")))
    return re.sub(rf"^({roles})_", "", name) in SECRET_OPTIONS


def _is_literal(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, Encrypted) and "{{" not in str(value)


def _of_role(file: str, document: Any) -> Iterator[tuple[int, str]]:
    """What is wrong with the options of a role: ansible-core quotes values that are not valid.

    An option that may hold a secret among other values has to be a dictionary, or a list of dictionaries, without
    suboptions. Then ansible-core does not check the values in it. The module does, and quotes nothing.
    """
    if not ROLE_SPECS.fullmatch(file):
        return
    for entry in document["argument_specs"].values():
        for name, option in entry["options"].items():
            if _is_secret(name) or option.get("no_log"):
                if option.get("type") != "str" or "choices" in option:
                    yield option.line, f"{name} is secret, and an error would quote it: make it a str without choices."
                if option.get("no_log") is not True:
                    yield option.line, f"{name} is secret and would be printed: add no_log: true."
            for table in tables(option.get("options")):
                for inner in filter(_is_secret, table):
                    yield option.line, f"{inner} is secret, and an error about {name} would quote it: no suboptions."


def main() -> None:
    """Check the project."""
    found = list(findings(sources(tree.ROOT, [path.as_posix() for path in tree.files()])))
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
