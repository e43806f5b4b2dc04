# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AnsibleModule of the collection on the ansible-core that is installed, driven as Ansible drives it."""

from __future__ import annotations

import base64
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import pytest
import yaml
from ansible.module_utils import _internal
from ansible.module_utils._internal import _traceback
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args

from ansible_collections.krcloud.credentials.plugins.module_utils._call import wire
from ansible_collections.krcloud.credentials.plugins.module_utils._call.transport import AnswerLost
from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import (
    ConfigurationError,
    KrcloudError,
    RejectedError,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.krcloud.credentials.plugins.module_utils._core.words import SHORTEST_SECRET, WORDS
from ansible_collections.krcloud.credentials.plugins.module_utils._module.ansible_module import RedactingModule
from ansible_collections.krcloud.credentials.plugins.module_utils._module.arguments import check_quoted, learn
from ansible_collections.krcloud.credentials.plugins.modules import (
    ncp_dataforest_account_info,
    ncp_dataforest_password,
    solapi_password_reset,
)
from support.fakes import ScriptedTransport, answer
from tooling.tree import ROOT

SECRET = "Str0ng-P4ss=wd!"
SAFE = "Str0ngP4ssword"  # can be a name
MODULES = "ansible_collections.krcloud.credentials.plugins.modules"
SPEC: dict[str, dict[str, Any]] = {
    "secret": {"type": "str", "no_log": True},
    "plain": {"type": "str"},
    "name": {"type": "str"},
    "number": {"type": "int"},
    "choice": {"type": "str", "choices": ["json", "xml"]},
    "switch": {"type": "bool"},
    "table": {"type": "dict"},
    "rows": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str"},
            "count": {"type": "int"},
            "secret": {"type": "str", "no_log": True, "required": True},
        },
    },
    "others": {"type": "list", "elements": "dict"},
}

Body = Callable[[RedactingModule], Mapping[str, Any]]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep out earlier modules, the environment of the user, and the real network."""
    monkeypatch.setattr(warnings, "_global_warnings", {})
    monkeypatch.setattr(warnings, "_global_deprecations", {})
    # pytest has made this process a controller, but modules run elsewhere.
    monkeypatch.setattr(_internal, "is_controller", False)
    monkeypatch.setattr(_traceback, "_is_traceback_enabled", _traceback._is_module_traceback_enabled)
    monkeypatch.setattr(_traceback, "_module_tracebacks_enabled_events", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(AnsibleModule, "log", lambda self, msg, log_args=None: None)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NCLOUD_PROFILE"):
        monkeypatch.delenv(name, raising=False)


class Driver:
    """Runs modules in this process; keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self.printed = ""

    def __call__(self, main: Callable[[], None], **arguments: Any) -> dict[str, Any]:
        control: dict[str, Any] = {"_ansible_tracebacks_for": ["error", "warning", "deprecated"]}
        if "inject_invocation" in PASS_VARS:  # ansible-core 2.19 adds it by itself
            control["_ansible_inject_invocation"] = True
        with patch_module_args({**control, **arguments}), pytest.raises(SystemExit):
            main()
        captured = self._capsys.readouterr()
        *before, last = captured.out.strip().splitlines()
        result: dict[str, Any] = json.loads(last)
        # This is how ansible-core 2.22 would tell the controller what to mask. If it could not read the result, it
        # would print that.
        assert "_ansible_new_secrets" not in result
        self.printed = "\n".join([*before, json.dumps(result, ensure_ascii=False), json.dumps(result), captured.err])
        return result

    def body(self, body: Body, **arguments: Any) -> dict[str, Any]:
        """Run a module that only does this."""

        def main() -> None:
            module = RedactingModule(SPEC, supports_check_mode=True)
            module.run(lambda: body(module))

        return self(main, **arguments)

    def against(self, transport: ScriptedTransport, main: Callable[[], None], **arguments: Any) -> dict[str, Any]:
        """Run a real module over a script instead of the network."""
        self._monkeypatch.setattr(wire, "PooledTransport", lambda *_, **__: transport)
        with transport:
            return self(main, **arguments)


@pytest.fixture
def drive(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver(capsys, monkeypatch)


FORMS = [
    SECRET,
    SECRET.upper(),
    SECRET[::-1],
    json.dumps(SECRET).replace("=", "\\u003d"),
    quote(SECRET, safe=""),
    base64.b64encode(SECRET.encode()).decode(),
    base64.b64encode(b"user:" + SECRET.encode()).decode(),
    SECRET.encode().hex(),
]


def clean(text: str) -> None:
    """Check that no form of the secret is in what was printed."""
    assert text
    for form in FORMS:
        assert form not in text
        assert json.dumps(form)[1:-1] not in text
    assert SECRET.lower() not in text.lower()


# -------------------------------------------------------------------------------------------- all ways out of a module


@pytest.mark.parametrize("form", FORMS)
def test_a_result_is_masked(drive: Driver, form: str) -> None:
    result = drive.body(
        lambda _module: {"changed": True, "text": f"[{form}]", "deep": [{"a": (form,)}], "keys": {f"k {form}": 1}},
        secret=SECRET,
    )
    clean(drive.printed)
    assert result["changed"] is True
    assert MASK in result["text"]
    assert "failed" not in result


@pytest.mark.parametrize("form", FORMS)
def test_a_failure_is_masked(drive: Driver, form: str) -> None:
    def body(_module: RedactingModule) -> NoReturn:
        raise RejectedError(f"It said [{form}].", hint=f"Or [{form}].", vendor_code=form)

    result = drive.body(body, secret=SECRET)
    clean(drive.printed)
    assert result["failed"] is True
    assert result["msg"].startswith("It said [")
    assert result["error"]["kind"] == "rejected"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channel", ["warn", "deprecate", "error_as_warning"])
def test_warnings_and_deprecations_are_masked(drive: Driver, channel: str, form: str) -> None:
    def body(module: RedactingModule) -> Mapping[str, Any]:
        if channel == "warn":
            module.warn(f"Beware of [{form}]")
        elif channel == "deprecate":
            module.deprecate(f"Beware of [{form}]", version="9.0.0", collection_name="krcloud.credentials")
        else:
            try:
                raise ValueError(f"cause [{form}]")
            except ValueError as cause:
                try:
                    raise RuntimeError(f"Beware of [{form}]") from cause
                except RuntimeError as error:
                    module.error_as_warning("It went wrong", error)
        return {"changed": False}

    result = drive.body(body, secret=SECRET)
    clean(drive.printed)
    assert "Beware of [" in json.dumps(result["deprecations" if channel == "deprecate" else "warnings"])


@pytest.fixture
def no_last_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to core is printed as it is, so that each channel has to mask by itself."""
    monkeypatch.setattr(RedactingModule, "_record_module_result", AnsibleModule._record_module_result)


@pytest.mark.usefixtures("no_last_gate")
@pytest.mark.parametrize("channel", ["warn", "deprecate", "error_as_warning", "exit_json", "fail_json", "exception"])
def test_every_channel_masks_by_itself(drive: Driver, channel: str) -> None:
    def body(module: RedactingModule) -> Mapping[str, Any]:
        error = ValueError(f"about {SECRET}")
        if channel == "warn":
            module.warn(f"about {SECRET}", help_text=f"also {SECRET}")
        elif channel == "deprecate":
            module.deprecate(f"about {SECRET}", version="9.0.0", collection_name="krcloud.credentials")
        elif channel == "error_as_warning":
            module.error_as_warning(f"about {SECRET}", error)
        elif channel == "exit_json":
            module.exit_json(text=f"about {SECRET}")
        elif channel == "fail_json":
            module.fail_json(msg=f"about {SECRET}", text=SECRET)
        else:
            module.fail_json(msg="about something", exception=error)
        return {"text": "about nothing"}

    drive.body(body, secret=SECRET)
    assert "about" in drive.printed
    clean(drive.printed)


def test_what_core_adds_to_a_result_is_masked(drive: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(module: RedactingModule, result: dict[str, Any]) -> None:
        module._record_module_result({**result, "text": f"about {SECRET}", "more": SECRET})

    monkeypatch.setattr(AnsibleModule, "_return_formatted", add)
    result = drive.body(lambda _module: {"text": "about nothing", "rows": ["a"]}, secret=SECRET)
    clean(drive.printed)
    assert (result["text"], result["more"], result["rows"]) == (f"about {MASK}", MASK, ["a"])


def test_a_result_is_searched_once(drive: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    look = Redactor.value
    monkeypatch.setattr(Redactor, "value", lambda redactor, value: (seen.append(value), look(redactor, value))[1])
    assert drive.body(lambda _module: {"rows": [{"name": "df001"}]}, secret=SECRET)["rows"] == [{"name": "df001"}]
    assert seen.count("df001") == 1


def test_a_warning_without_words_is_one(drive: Driver) -> None:
    def body(module: RedactingModule) -> Mapping[str, Any]:
        module.error_as_warning(None, ValueError("Beware"))
        return {}

    assert "ValueError: Beware" in json.dumps(drive.body(body)["warnings"])


@pytest.mark.parametrize("given", ["exception", "text", "nothing"])
def test_an_exception_handed_to_fail_json_is_masked(drive: Driver, given: str) -> None:
    def body(module: RedactingModule) -> NoReturn:
        try:
            raise ValueError(f"cause {SECRET}")
        except ValueError as cause:
            more = (
                {"exception": {"exception": cause, "text": f"Traceback {SECRET}"}.get(given)}
                if given != "nothing"
                else {}
            )
            module.fail_json(msg=f"failed: {SECRET}", other=SECRET, **more)

    result = drive.body(body, secret=SECRET)
    clean(drive.printed)
    assert result["msg"] == f"failed: {MASK}"
    assert result["failed"] is True
    # Tracebacks were asked for, and core has added what it found by itself.
    assert "Traceback" in json.dumps(result["exception"])


@pytest.mark.parametrize("error", [RuntimeError, KeyError, UnicodeError, KeyboardInterrupt, MemoryError])
def test_an_exception_that_nobody_handles_is_one_sentence(drive: Driver, error: type[BaseException]) -> None:
    def body(_module: RedactingModule) -> NoReturn:
        raise error(f"about {SECRET}")

    result = drive.body(body, secret=SECRET)
    clean(drive.printed)
    assert result["failed"] is True
    assert result["error"]["kind"] == "internal"
    assert "about" not in result["msg"]


def test_leaving_in_the_middle_is_allowed(drive: Driver) -> None:
    def body(module: RedactingModule) -> NoReturn:
        module.exit_json(changed=True, said=SECRET)

    assert drive.body(body, secret=SECRET)["said"] == MASK
    clean(drive.printed)


def test_a_result_that_says_failed_fails(drive: Driver) -> None:
    result = drive.body(lambda _module: {"failed": True, "msg": f"no {SECRET}", "accounts": []}, secret=SECRET)
    assert (result["failed"], result["msg"], result["accounts"]) == (True, f"no {MASK}", [])


def test_what_is_written_to_syslog_is_masked(drive: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def record(_self: AnsibleModule, msg: str, log_args: Mapping[str, Any] | None = None) -> None:
        written.append(f"{msg} {log_args}")

    monkeypatch.setattr(AnsibleModule, "log", record)

    def body(module: RedactingModule) -> Mapping[str, Any]:
        module.log(f"said {SECRET!r}", log_args={"a": SECRET})
        return {}

    drive.body(body, secret=SECRET, plain="visible", rows=[{"name": "one", "secret": SECRET}])
    assert any("visible" in line for line in written)
    assert f"said '{MASK}' {{'a': '{MASK}'}}" in written
    clean("\n".join(written))


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (["first choice"], True),
        (["first choic"], True),
        ("first choice,second choice", True),
        (["first choice", SECRET], False),
        (f"first choice,{SECRET}", False),
        ([SECRET], False),
    ],
)
def test_what_fits_a_list_of_choices_is_no_secret(chosen: object, shown: bool) -> None:
    redactor = Redactor()
    spec = {"only": {"type": "list", "elements": "str", "choices": ["first choice", "second choice"]}}
    learn(redactor, spec, {"only": chosen})
    assert (redactor.text("first choice"), redactor.text(SECRET) == SECRET) == ("first choice", shown)


@pytest.mark.parametrize(("given", "shown"), [("passwor", True), ("password", True), (SECRET, False)])
def test_part_of_a_choice_is_no_secret(given: str, shown: bool) -> None:
    redactor = Redactor()
    spec = {"contents": {"type": "str", "choices": ["password", "words"]}}
    learn(redactor, spec, {"contents": given})
    said = f"must be one of: password, words, got: {given}"
    assert redactor.text(said) == (said if shown else said.replace(given, "********"))


# --------------------------------------------------------------------------------------------------- words of our own


@pytest.mark.parametrize("where", ["option", "proxy"])
@pytest.mark.parametrize("word", sorted(WORDS))
def test_a_secret_that_is_a_word_of_results_hides_no_word(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, word: str, where: str
) -> None:
    if where == "proxy":
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{word}@127.0.0.1:9")
    said = {"changed": True, "rows": [{word: 1, "outcome": word}], "text": f"about {word}", "foreign": f"{word}!"}
    result = drive.body(lambda _module: said, **({"secret": word} if where == "option" else {}))
    assert result["rows"] == [{word: 1, "outcome": word}]
    assert (result["changed"], result["text"], result["foreign"]) == (True, f"about {MASK}", f"{MASK}!")

    def fail(_module: RedactingModule) -> NoReturn:
        raise RejectedError("no")

    result = drive.body(fail, **({"secret": word} if where == "option" else {}))
    assert (result["failed"], result["error"]["kind"], result["msg"]) == (True, "rejected", "no")


def documented(described: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every key of a result, with what the documentation says about it."""
    for key, about in described.items():
        yield key, json.dumps(about["description"])
        # Such as a summary.
        if about["type"] == "dict" and isinstance(about.get("sample"), dict):
            yield from ((each, "") for each in about["sample"])
        yield from documented(about.get("contains") or {})


# The keys whose values are words of ours or of the vendor.
OF_WORDS = ("delivery", "kind", "outcome", "state", "status")


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py")))
def test_every_word_that_the_documentation_knows_is_a_word_of_results(name: str) -> None:
    returned = yaml.safe_load(import_module(f"{MODULES}.{name}").RETURN)
    pairs = list(documented(returned))
    keys = {key for key, _about in pairs}
    values = {word for key, about in pairs if key in OF_WORDS for word in re.findall(r"V\((\w+)\)", about)}
    # A word that is added to results must be added to `_core/words.py`, too.
    assert {word for word in keys | values if len(word) >= SHORTEST_SECRET and word not in WORDS} == set()


def test_every_kind_of_error_is_a_word_of_results() -> None:
    def kinds(error: type[KrcloudError]) -> Iterator[str]:
        yield error.kind
        for child in error.__subclasses__():
            yield from kinds(child)

    assert {kind for kind in kinds(KrcloudError) if len(kind) >= SHORTEST_SECRET and kind not in WORDS} == set()


# --------------------------------------------------------------------------------------------------------- identifiers


@pytest.mark.parametrize("secret", ["Team-A01", "team-a01", "10a-maet", "TEAM-A01", "team-a"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_name_that_the_user_gave_stays_readable(drive: Driver, secret: str, nested: bool) -> None:
    def body(_module: RedactingModule) -> Mapping[str, Any]:
        return {"accounts": [{"name": "team-a01", "at": {"team-a01": 1}}], "said": f"about {secret}"}

    one = {"name": "team-a01", "secret": secret}
    result = drive.body(body, **({"rows": [one]} if nested else one))
    assert result["accounts"] == [{"name": "team-a01", "at": {"team-a01": 1}}]
    assert result["said"] == f"about {MASK}"
    place = "rows[0].name" if nested else "name"
    assert f"A secret of this task can be read from {place}, which is shown." in json.dumps(result["warnings"])


def test_a_warning_names_one_place_and_counts_the_others(drive: Driver) -> None:
    rows = [{"name": f"{SAFE}{at}", "secret": SAFE} for at in range(1000)]
    result = drive.body(lambda _module: {}, rows=rows)
    assert "rows[0].name and 999 more" in json.dumps(result["warnings"])


def test_what_cannot_be_a_name_is_not_left_readable(drive: Driver) -> None:
    drive.body(lambda module: {"name": module.params["name"]}, name=SECRET, secret=SECRET)
    assert SECRET not in drive.printed
    clean(drive.printed)


def test_no_warning_where_names_and_secrets_differ(drive: Driver) -> None:
    assert "warnings" not in drive.body(lambda _module: {}, name="df001", secret=SECRET)


# ---------------------------------------------------------------------------------------------------------- invocation


def test_the_invocation_hides_secrets_by_name_and_shows_the_rest(drive: Driver) -> None:
    arguments = {"secret": "a", "plain": "visible", "number": 5, "rows": [{"name": "one", "secret": "b"}]}
    result = drive.body(lambda _module: {}, **arguments)
    shown = result["invocation"]["module_args"]
    assert (shown["plain"], shown["number"], shown["rows"][0]["name"]) == ("visible", 5, "one")
    assert shown["secret"] not in ("a", None)
    assert shown["rows"][0]["secret"] not in ("b", None)


def test_an_option_that_repeats_the_secret_is_masked(drive: Driver) -> None:
    drive.body(lambda _module: {}, secret=SECRET, plain=f"x {SECRET}", rows=[{"name": SECRET, "secret": SECRET}])
    assert SECRET not in drive.printed
    clean(drive.printed)


@pytest.mark.parametrize("userinfo", [f"user:{SECRET}", SECRET, f"user:{quote(SECRET, safe='')}"])
def test_a_password_in_an_address_is_masked(drive: Driver, userinfo: str) -> None:
    def body(module: RedactingModule) -> Mapping[str, Any]:
        return {"address": module.params["plain"], "password": SECRET}

    drive.body(body, plain=f"https://{userinfo}@vendor.example/")
    assert SECRET not in drive.printed
    clean(drive.printed)


@pytest.mark.parametrize("setting", [f"http://user:{SECRET}@proxy:3128", f"user:{SECRET}@proxy:3128"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy"])
def test_the_password_of_a_proxy_is_masked(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, variable: str, setting: str
) -> None:
    monkeypatch.setenv(variable, setting)
    drive.body(lambda _module: {"msg": f"the proxy {setting} refused {SECRET}"})
    assert SECRET not in drive.printed
    clean(drive.printed)


# ------------------------------------------------------------------------------------------------- mistakes in options


def refused(drive: Driver, **arguments: Any) -> str:
    def body(_module: RedactingModule) -> NoReturn:
        raise AssertionError("must not get this far")

    result = drive.body(body, **arguments)
    assert result["failed"] is True
    assert "must not get this far" not in drive.printed
    assert result.get("error", {}).get("kind") != "internal"
    message: str = result["msg"]
    return message


def test_a_misspelt_option_is_named_and_its_value_is_not(drive: Driver) -> None:
    assert "secrte" in refused(drive, secrte=SECRET)
    clean(drive.printed)


@pytest.mark.parametrize("value", [SECRET, [SECRET], {"a": SECRET}, {SECRET: 1}, [[SECRET]]])
def test_whatever_a_misspelt_option_holds_is_hidden(drive: Driver, value: object) -> None:
    refused(drive, secrte=value)
    assert SECRET not in drive.printed
    clean(drive.printed)


@pytest.mark.parametrize(
    "given", [{SECRET: 1}, {"rows": [{SECRET: 1}]}, {"rows": json.dumps([{"name": "a", SECRET: 1}])}]
)
def test_a_key_that_may_be_a_secret_is_not_shown(drive: Driver, given: dict[str, Any]) -> None:
    refused(drive, **given)
    assert SECRET not in drive.printed
    clean(drive.printed)


def test_a_misspelt_option_of_a_row_is_named_with_the_row(drive: Driver) -> None:
    assert "There is no option rows[1].secrte. The options are: " in refused(
        drive, rows=[{"name": "one", "secret": SECRET}, {"name": "two", "secrte": "another one"}]
    )


@pytest.mark.parametrize(
    "misplaced",
    [
        {"number": SECRET},
        {"number": [SECRET]},
        {"choice": SECRET},
        {"choice": [SECRET]},
        {"switch": SECRET},
        {"table": [SECRET]},
        {"rows": [{"name": "one", "secret": "another one", "count": SECRET}]},
    ],
)
def test_what_an_option_cannot_take_is_refused_without_its_value(drive: Driver, misplaced: dict[str, Any]) -> None:
    (name,) = misplaced
    assert name in refused(drive, **misplaced) or "count" in drive.printed
    clean(drive.printed)


@pytest.mark.parametrize(
    "rows",
    [
        [{"name": "one", "secrte": SECRET}],
        [{"secret": SECRET, "other": SECRET}],
        [{"name": [SECRET], "secret": SECRET, "x": {SECRET: SECRET}}],
        [SECRET],
        [[SECRET]],
        [None, SECRET],
        [{"secret": {"value": SECRET}}],
        [{"secret": [SECRET]}],
        [{"secret": SECRET}, 5, SECRET],
        SECRET,
        f"secrte={SECRET}",
        f"{SECRET},other",
        json.dumps([{"secrte": SECRET}]),
        json.dumps({"secrte": SECRET}),
        {"secrte": SECRET},
        {SECRET: {"name": "one"}},
    ],
)
def test_malformed_rows_are_refused_without_their_values(drive: Driver, rows: object) -> None:
    refused(drive, rows=rows)
    assert SECRET not in drive.printed
    clean(drive.printed)


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("df001", "rows"),
        ("df001,df002", "rows"),
        (["df001"], "rows[0]"),
        ([{"name": "df001", "secret": SECRET}, "df002"], "rows[1]"),
        ([{"name": "df001", "secret": SECRET}, None], "rows[1]"),
        ([["df001"]], "rows[0]"),
        (f"{SECRET.replace('=', '')}", "rows"),
        ('["df001"]', "rows[0]"),
        (5, "rows"),
        ("", "rows"),
        ({"name": "df001"}, "rows"),
        ('{"name": "df001"}', "rows"),
    ],
)
def test_plain_text_instead_of_rows_is_refused_with_what_to_write(drive: Driver, rows: object, place: str) -> None:
    message = refused(drive, rows=rows)
    what = "a list of dictionaries" if place == "rows" else "a dictionary"
    assert message == f"{place} is not {what}. Write each of rows as a dictionary, such as '- name: df001'."
    assert SECRET.replace("=", "") not in drive.printed


@pytest.mark.parametrize(("others", "place"), [("df001", "others"), (["df001"], "others[0]"), (5, "others")])
def test_plain_text_instead_of_rows_of_any_kind_is_refused(drive: Driver, others: object, place: str) -> None:
    what = "a list of dictionaries" if place == "others" else "a dictionary"
    assert refused(drive, others=others) == f"{place} is not {what}. Write each of others as a dictionary."


@pytest.mark.parametrize("rows", ["name=one secret=another", ["secret=another"], []])
def test_rows_in_every_form_that_ansible_takes(drive: Driver, rows: object) -> None:
    """Ansible parses a text, makes a list of one row, and accepts an empty list."""
    result = drive.body(lambda module: {"count": len(module.params["rows"])}, rows=rows)
    assert result["count"] == (1 if rows else 0)


@pytest.mark.parametrize(("value", "kind"), [(["team", SECRET], "a list"), ({"name": SECRET}, "a dictionary")])
def test_a_text_that_is_a_list_or_a_dictionary_is_refused(drive: Driver, value: object, kind: str) -> None:
    """Ansible would use what it looks like in Python."""
    arguments = {"id": "ID1", "password": SECRET, "profile": value, **KEYS}
    result = drive.against(ScriptedTransport(), ncp_dataforest_password.main, **arguments)
    assert result["msg"] == f"profile is not a string: it is {kind}. Write one text."
    clean(drive.printed)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (987654321, "a number"),
        (5349, "a number"),
        (9234e1, "a number"),
        (True, "a truth value"),
        (False, "a truth value"),
        ([SECRET], "a list"),
        ({"a": SECRET}, "a dictionary"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_what_yaml_made_of_an_unquoted_secret_is_refused(drive: Driver, nested: bool, value: object, kind: str) -> None:
    arguments: dict[str, Any] = (
        {"rows": [{"secret": "fine-secret"}, {"secret": value}]} if nested else {"secret": value}
    )
    message = refused(drive, **arguments)
    path = "rows[1].secret" if nested else "secret"
    if not isinstance(value, list | dict):
        assert message == (
            f"{path} is not a string: YAML made it {kind}. Put it in quotes, so that the value used is the one written."
        )
    if not isinstance(value, bool):
        assert str(value) not in drive.printed
    clean(drive.printed)


@pytest.mark.parametrize(("value", "kind"), [(0o123, "a number"), (1e5, "a number"), (True, "a truth value")])
@pytest.mark.parametrize("key", ["name", "id"])
@pytest.mark.parametrize("place", ["", "accounts[1]."])
def test_what_yaml_has_changed_names_no_account(drive: Driver, place: str, key: str, value: object, kind: str) -> None:
    """YAML makes 83 of ``name: 00123``, and the password of another account would be set."""
    one = {key: value, "password": SECRET}
    arguments = {"accounts": [{"name": "df001", "password": SECRET}, one]} if place else one
    transport = ScriptedTransport()
    result = drive.against(transport, ncp_dataforest_password.main, **arguments, **KEYS)
    assert result["msg"].startswith(f"{place}{key} is not a string: YAML made it {kind}. Put it in quotes, so that ")
    assert not transport.requests


@pytest.mark.parametrize(
    ("option", "path"), [("exclude", "exclude"), (["df001", 0o123], "exclude[1]"), ([True], "exclude[0]")]
)
def test_what_yaml_has_changed_in_a_list_names_no_account(option: object, path: str) -> None:
    spec: dict[str, Any] = {"exclude": {"type": "list", "elements": "str"}}
    with pytest.raises(ConfigurationError, match=f"^{re.escape(path)} is not a string: YAML made it a "):
        check_quoted(spec, {"exclude": 0o123 if option == "exclude" else option})


def test_a_number_in_rows_that_are_written_as_json_is_refused(drive: Driver) -> None:
    assert "not a string" in refused(drive, rows=['{"name": "one", "secret": 1e10}'])


def test_rows_that_are_written_as_json_are_masked(drive: Driver) -> None:
    def body(module: RedactingModule) -> Mapping[str, Any]:
        return {"rows": module.params["rows"], "text": f"[{SECRET}]"}

    result = drive.body(body, rows=[json.dumps({"name": "one", "secret": SECRET})])
    clean(drive.printed)
    assert result["rows"] == [{"name": "one", "count": None, "secret": MASK}]


def test_other_options_may_be_numbers(drive: Driver) -> None:
    assert (
        drive.body(lambda module: {"plain": module.params["plain"]}, plain=5, number="7", secret=None)["plain"] == "5"
    )


@pytest.mark.parametrize("short", ["e", "is", "not", "12345"])
def test_a_short_secret_shreds_nothing_else(drive: Driver, short: str) -> None:
    message = "This is not what was meant at all, says 12345."
    assert drive.body(lambda _module: {"msg": message}, secret=short)["msg"] == message


# ---------------------------------------------------------------------------------------------------- missing requests


def test_a_missing_library_is_named_with_the_interpreter_and_the_way_to_install_it(
    drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REQUESTS_IMPORT_ERROR", ImportError("No module named 'requests'"))
    result = drive.body(lambda _module: {"changed": True})
    assert result["failed"] is True
    assert "Failed to import the required Python library (requests)" in result["msg"]
    assert f"{sys.executable} -m pip install requests" in result["msg"]
    assert result["error"]["kind"] == "configuration"


def test_a_proxy_without_its_library_gives_the_same_message(drive: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:proxy-canary@127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "requests.utils", None)
    result = drive(ncp_dataforest_account_info.main, **KEYS)
    assert "Failed to import the required Python library (requests)" in result["msg"]
    assert "canary" not in json.dumps(result)


# ---------------------------------------------------------------------------------------------------- the real modules

KEYS = {"access_key": "OURACCESSKEY00000001", "secret_key": "our-secret-key-0000001"}
ACCOUNTS = answer(200, {"success": True, "contents": [{"id": "ID1", "name": "df001", "status": "RUNNING"}]})
RESET = answer(200, {"success": True, "id": "ID1"})


def test_info(drive: Driver) -> None:
    result = drive.against(ScriptedTransport(ACCOUNTS), ncp_dataforest_account_info.main, name="df001", **KEYS)
    assert result["changed"] is False
    assert [account["id"] for account in result["accounts"]] == ["ID1"]
    assert KEYS["secret_key"] not in drive.printed


def test_rows_that_cannot_be_used_are_returned_and_warned_about(drive: Driver) -> None:
    odd = "{{ lookup('pipe','id > pwned') }}"
    rows = [{"id": "ID0", "name": odd}, {"id": "B-1", "name": "df001"}, {"id": odd, "name": "df002"}]
    listing = answer(200, {"success": True, "total": 3, "contents": rows})
    result = drive.against(ScriptedTransport(listing), ncp_dataforest_account_info.main, **KEYS)
    assert [account["id"] for account in result["accounts"]] == ["B-1"]
    assert [row["position"] for row in result["unusable"]] == [1, 3]
    assert result["unusable"][0]["reason"].startswith(
        "Account 1 in the list of NAVER Cloud is left out: its name is not valid (it must be 1 to 64 letters"
    )
    assert "In all, 2 are left out: see unusable in the result." in json.dumps(result["warnings"])
    assert "pwned" not in drive.printed


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("password", "why"), [("qazQAZ12", "it has no special character"), ("Aa1!aa&a", "it has a quote, backslash")]
)
def test_what_only_some_revisions_of_the_rules_refuse_is_warned_about(
    drive: Driver, password: str, why: str, check_mode: bool
) -> None:
    script = [ACCOUNTS] if check_mode else [ACCOUNTS, RESET]
    arguments = {"name": "df001", "password": password, "_ansible_check_mode": check_mode, **KEYS}
    result = drive.against(ScriptedTransport(*script), ncp_dataforest_password.main, **arguments)
    assert result["accounts"][0]["outcome"] == "reset"
    assert f"The vendor may reject the password of the account (df001): {why}" in json.dumps(result["warnings"])
    assert password not in drive.printed


def test_one_password(drive: Driver) -> None:
    transport = ScriptedTransport(ACCOUNTS, RESET)
    result = drive.against(transport, ncp_dataforest_password.main, name="df001", password=SECRET, **KEYS)
    assert result["changed"] is True
    assert result["accounts"] == [
        {"id": "ID1", "name": "df001", "outcome": "reset", "error": None, "unanswered": False}
    ]
    assert transport.documents == [{}, {"id": "ID1", "password": SECRET}]
    clean(drive.printed)


def test_an_earlier_request_without_an_answer_is_reported(drive: Driver) -> None:
    transport = ScriptedTransport(ACCOUNTS, AnswerLost("cut off"), RESET)
    result = drive.against(transport, ncp_dataforest_password.main, name="df001", password=SECRET, retries=1, **KEYS)
    assert [(row["outcome"], row["unanswered"]) for row in result["accounts"]] == [("reset", True)]


def test_a_tenant_without_keys_is_the_failure_of_its_own_accounts(drive: Driver) -> None:
    rows = [
        {"id": "ID1", "password": SECRET, "profile": "absent"},
        {"id": "ID2", "password": SECRET},
    ]
    result = drive.against(
        ScriptedTransport(answer(200, {"success": True, "id": "ID2"})),
        ncp_dataforest_password.main,
        accounts=rows,
        **KEYS,
    )
    assert [row["outcome"] for row in result["accounts"]] == ["failed", "reset"]
    assert result["accounts"][0]["error"]["kind"] == "configuration"
    assert "absent" in result["accounts"][0]["error"]["message"]
    clean(drive.printed)


@pytest.mark.parametrize("empty", [{"profile": ""}, {"access_key": "", "secret_key": ""}])
def test_a_row_with_empty_credentials_takes_those_of_the_task(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, empty: dict[str, str]
) -> None:
    monkeypatch.setenv("NCLOUD_ACCESS_KEY", "ANOTHERTENANT0000001")
    monkeypatch.setenv("NCLOUD_SECRET_KEY", "another-secret-key-0001")
    transport = ScriptedTransport(answer(200, {"success": True, "id": "ID1"}))
    row = {"id": "ID1", "password": SECRET, **empty}
    drive.against(transport, ncp_dataforest_password.main, accounts=[row], **KEYS)
    assert [request.headers["x-ncp-iam-access-key"] for request in transport.requests] == [KEYS["access_key"]]


def test_many_passwords(drive: Driver) -> None:
    rows = [{"name": "df001", "password": SECRET}, {"id": "ID2", "password": "Other-P4ss"}]
    transport = ScriptedTransport(ACCOUNTS)
    result = drive.against(transport, ncp_dataforest_password.main, accounts=rows, **KEYS)
    # The only answer of the script is a list, which the first row needs. So at least one reset fails.
    assert [account["outcome"] for account in result["accounts"]].count("failed") >= 1
    clean(drive.printed)


def test_check_mode_sends_no_password(drive: Driver) -> None:
    transport = ScriptedTransport(ACCOUNTS)
    arguments = {"name": "df001", "password": SECRET, "_ansible_check_mode": True, **KEYS}
    result = drive.against(transport, ncp_dataforest_password.main, **arguments)
    assert result["changed"] is True
    assert transport.documents == [{}]


@pytest.mark.parametrize("form", FORMS)
def test_a_password_that_the_vendor_echoes(drive: Driver, form: str) -> None:
    refusal = answer(400, {"message": f"weak [{form}] and code", "success": False}, x_ncp_trace_id=form[:20])
    arguments = {"id": "ID1", "password": SECRET, **KEYS}
    result = drive.against(ScriptedTransport(refusal), ncp_dataforest_password.main, **arguments)
    assert result["accounts"][0]["outcome"] == "rejected"
    clean(drive.printed)


@pytest.mark.parametrize("password", [12345678, 5349, True, 1.5])
def test_an_unquoted_password_is_refused_before_any_request(drive: Driver, password: object) -> None:
    for arguments in ({"name": "df001", "password": password}, {"accounts": [{"name": "df001", "password": password}]}):
        result = drive.against(ScriptedTransport(), ncp_dataforest_password.main, **arguments, **KEYS)
        assert "password is not a string: YAML made it a " in result["msg"]
        assert not isinstance(password, int) or password is True or str(password) not in drive.printed


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "df001"},
        {"password": SECRET},
        {"name": "df001", "id": "ID1", "password": SECRET},
        {"name": "df001", "accounts": [{"name": "df002", "password": SECRET}]},
        {"password": SECRET, "accounts": [{"name": "df002", "password": SECRET}]},
        {"accounts": [{"password": SECRET}]},
        {"accounts": [{"name": "df001"}]},
        {"accounts": [{"name": "df001", "id": "ID1", "password": SECRET}]},
        {"accounts": [{"name": "df001", "password": SECRET, "access_key": "KEYALONE"}]},
        {"accounts": [{"name": "df001", "password": SECRET, "profile": "a", "access_key": "b", "secret_key": SECRET}]},
        {"accounts": []},
        {"name": "df001", "password": SECRET[:7]},
        {"name": "df001", "password": f"{SECRET}\n"},
        {"name": "DF 001", "password": SECRET},
        {"name": "df001", "password": SECRET, "concurrency": 0},
        {"name": "df001", "password": SECRET, "concurrency": 65},
        {"name": "df001", "password": SECRET, "max_failures": 0},
        {"name": "df001", "password": SECRET, "requests_per_second": 0},
        {"name": "df001", "password": SECRET, "timeout": "inf"},
        {"name": "df001", "password": SECRET, "deadline": "nan"},
        {"name": "df001", "password": SECRET, "deadline": 0},
        {"name": "df001", "password": SECRET, "retries": -1},
        {"name": "df001", "password": SECRET, "api_url": "http://127.0.0.1:8000\n"},
        {"name": "df001", "password": SECRET, "api_url": "http://vendor.example"},
        {"name": "df001", "password": SECRET, "api_url": f"https://user:{SECRET}@vendor.example"},
        {"name": "df001", "password": SECRET, "wire_format": "yaml"},
        {"name": "df001", "password": SECRET, "profile": "absent", "access_key": None, "secret_key": None},
        {"name": "df001", "password": SECRET, "secret_key": f"{SECRET}\n"},
    ],
)
def test_wrong_options_are_refused_before_any_request(drive: Driver, arguments: dict[str, Any]) -> None:
    result = drive.against(ScriptedTransport(), ncp_dataforest_password.main, **{**KEYS, **arguments})
    assert result["failed"] is True
    assert result.get("error", {"kind": "configuration"})["kind"] == "configuration"
    clean(drive.printed)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("timeout", "a number from 0.001 to 86400 (seconds)"),
        ("deadline", "a number from 0.001 to 86400 (seconds)"),
        ("retries", "a whole number from 0 to 1000000"),
        ("concurrency", "a whole number from 1 to 64"),
        ("max_failures", "a whole number from 1 to 1000000"),
        ("requests_per_second", "a number from 0.001 to 1000000"),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, "inf", "1e999", 1e300, 10**400, -1, "ten", [1], SECRET])
def test_each_refused_number_says_what_is_allowed(drive: Driver, name: str, allowed: str, value: object) -> None:
    arguments = {"name": "df001", "password": "Other-P4ss", name: value, **KEYS}
    result = drive.against(ScriptedTransport(), ncp_dataforest_password.main, **arguments)
    assert result["msg"] == f"{name} is not valid: it must be {allowed}."
    assert result["error"]["kind"] == "configuration"
    clean(drive.printed)


@pytest.mark.parametrize("variable", ["NCLOUD_SECRET_ACCESS_KEY", "SOLAPI_API_SECRET"])
def test_a_secret_that_is_not_text_is_named_and_nothing_is_reported_as_changed(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("NCLOUD_ACCESS_KEY", "KEY")
    monkeypatch.setenv("SOLAPI_API_KEY", "KEY")
    monkeypatch.setenv(variable, "ab\udcff\udcfecdef")
    main, arguments = ncp_dataforest_password.main, {"id": "ID1", "password": SECRET}
    if variable.startswith("SOLAPI"):
        main, arguments = solapi_password_reset.main, {"email": "m@example.com"}
    result = drive.against(ScriptedTransport(), main, **arguments)
    assert f"from the environment variable {variable} is not valid: it is not UTF-8 text." in result["msg"]
    assert result["error"]["kind"] == "configuration"
    assert not result.get("changed")
    clean(drive.printed)


@pytest.mark.parametrize("name", ["id", "config_file", "ca_path", "profile", "access_key", "api_url", "wire_format"])
def test_a_result_that_quotes_what_is_not_text_can_be_read(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # Core passes on what Python makes of bytes that are not UTF-8, and refuses to read it back.
    given = "ab\udcff\udcfecdef"
    load = AnsibleModule._load_params

    def loaded(module: AnsibleModule) -> None:
        load(module)
        module.params[name] = given

    def log(module: AnsibleModule, msg: str, log_args: Mapping[str, Any] | None = None) -> None:
        assert msg.encode()
        assert all(str(value).encode() for value in (log_args or {}).values())

    monkeypatch.setattr(AnsibleModule, "_load_params", loaded)
    monkeypatch.setattr(AnsibleModule, "log", log)
    arguments = {"id": "ID1", "password": SECRET, "config_file": "/absent", "api_url": "https://127.0.0.1:9"}
    result = drive(ncp_dataforest_password.main, **arguments, retries=0)
    assert result["failed"] is True
    assert not result.get("changed")
    assert json.dumps(result, ensure_ascii=False).encode()
    clean(drive.printed)


MODULE_OF = {
    "NCLOUD_DATAFOREST_API_URL": (ncp_dataforest_password.main, {"id": "ID1", "password": SECRET, **KEYS}),
    "SOLAPI_API_URL": (solapi_password_reset.main, {"email": "m@example.com"}),
}
WRONG_ADDRESSES = {
    "http://127.0.0.1:8000\n": "is not valid: it has blanks around it, or a line break",
    "http://vendor.example": "(http://vendor.example) is plain http:",
    f"https://user:{SECRET}@vendor.example": "(https://vendor.example) holds a user name or password:",
    "https://vendor.example?x": "(https://vendor.example) is not valid: nothing but a plain path",
    "https://[::1": "is not a valid URL:",
    "vendor.example": "is not a web address:",
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("value", WRONG_ADDRESSES)
@pytest.mark.parametrize("variable", MODULE_OF)
def test_a_wrong_address_is_named_with_the_place_that_it_came_from(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, check_mode: bool
) -> None:
    main, arguments = MODULE_OF[variable]
    arguments = {**arguments, "_ansible_check_mode": check_mode}
    monkeypatch.setenv(variable, value)
    result = drive(main, **arguments)
    assert result["msg"].startswith(f"api_url from the environment variable {variable} {WRONG_ADDRESSES[value]}")
    assert result["error"]["kind"] == "configuration"
    assert not result.get("changed")
    clean(drive.printed)
    monkeypatch.setenv(variable, "https://127.0.0.1:9")
    result = drive(main, **arguments, api_url=value)
    assert result["msg"].startswith(f"api_url {WRONG_ADDRESSES[value]}")
    clean(drive.printed)


def test_an_empty_variable_counts_as_not_set(drive: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLAPI_API_URL", "")
    result = drive(solapi_password_reset.main, email="m@example.com", _ansible_check_mode=True)
    assert result["invocation"]["module_args"]["api_url"] == "https://api.solapi.com"
    assert "failed" not in result


@pytest.mark.parametrize("url", ["http://[", "https://[::1", "https://]", "https://", "", "https://vendor.example:x"])
@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (ncp_dataforest_account_info.main, {}),
        (ncp_dataforest_password.main, {"id": "ID1", "password": SECRET}),
        (solapi_password_reset.main, {"email": "m@example.com"}),
    ],
)
def test_an_address_that_is_not_valid_is_a_mistake_of_the_user(
    drive: Driver, main: Callable[[], None], arguments: dict[str, Any], url: str
) -> None:
    keys = {} if "email" in arguments else KEYS
    result = drive(main, **{**keys, **arguments, "api_url": url, "validate_certs": False})
    assert result["error"]["kind"] == "configuration"
    assert result["msg"].startswith("api_url is not a ")
    assert not result.get("changed")
    assert "warnings" not in result


def test_a_secret_key_of_a_file_is_masked(drive: Driver, tmp_path: Path) -> None:
    file = tmp_path / "configure"
    file.write_text(f"[DEFAULT]\nncloud_access_key_id = KEY\nncloud_secret_access_key = {SECRET}\n")
    refusal = answer(401, {"error": {"errorCode": "200", "message": f"not {SECRET}"}})
    result = drive.against(ScriptedTransport(refusal), ncp_dataforest_account_info.main, config_file=str(file))
    assert "not ********" in result["msg"]
    clean(drive.printed)


def test_a_secret_key_of_the_environment_is_masked(drive: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCLOUD_ACCESS_KEY", "KEY")
    monkeypatch.setenv("NCLOUD_SECRET_KEY", SECRET)
    refusal = answer(401, {"error": {"errorCode": "200", "message": f"not {SECRET}"}})
    drive.against(ScriptedTransport(refusal), ncp_dataforest_account_info.main)
    assert SECRET not in drive.printed
    clean(drive.printed)


def test_unverified_certificates_are_warned_about(drive: Driver) -> None:
    transport = ScriptedTransport(ACCOUNTS)
    result = drive.against(transport, ncp_dataforest_account_info.main, validate_certs=False, **KEYS)
    assert "TLS certificates are not verified" in json.dumps(result["warnings"])


TOKEN = "V1StGXR8_Z5jdHi6B-myT"


def test_a_mail(drive: Driver) -> None:
    record = {"_id": "5f6ac3a047c7acc34a009660", "email": "member@example.com"}
    sent = answer(200, {**record, "dateCreated": "2020-09-23T03:40:16.331Z", "hashId": TOKEN})
    result = drive.against(ScriptedTransport(sent), solapi_password_reset.main, email="member@example.com")
    # An address is not a URL with a password in it.
    assert (result["changed"], result["delivery"], result["email"]) == (True, "accepted", "member@example.com")
    assert TOKEN not in drive.printed


def test_a_signed_mail(drive: Driver) -> None:
    transport = ScriptedTransport(answer(200, {"mail": {"accepted": ["m@example.com"]}}))
    arguments = {"email": "m@example.com", "api_key": "KEY", "api_secret": SECRET}
    assert drive.against(transport, solapi_password_reset.main, **arguments)["delivery"] == "accepted"
    assert transport.requests[0].headers["Authorization"].startswith("HMAC-SHA256 apiKey=KEY, ")
    clean(drive.printed)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"email": "nobody"},
        {"email": "m@example.com", "api_key": "KEY"},
        {"email": "m@example.com", "api_secret": SECRET},
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_wrong_options_for_a_mail(drive: Driver, arguments: dict[str, Any], check_mode: bool) -> None:
    given = {**arguments, "_ansible_check_mode": check_mode}
    assert drive.against(ScriptedTransport(), solapi_password_reset.main, **given)["failed"] is True
    clean(drive.printed)


def test_check_mode_sends_no_mail(drive: Driver) -> None:
    arguments = {"email": "m@example.com", "_ansible_check_mode": True}
    result = drive.against(ScriptedTransport(), solapi_password_reset.main, **arguments)
    assert (result["changed"], result["delivery"]) == (True, None)
