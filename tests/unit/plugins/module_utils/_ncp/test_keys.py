# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where credentials come from, and what is said when there are none."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.keys import Credentials
from ansible_collections.krcloud.credentials.plugins.module_utils._ncp.keys import (
    ProfileFiles,
    ncp_credentials,
    parse_profiles,
    read_text,
)
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.keys import solapi_credentials

PATH = "/home/user/.ncloud/configure"
FILE = """\
[DEFAULT]
ncloud_access_key_id = FILEKEY
ncloud_secret_access_key = file-secret

[team]
ncloud_access_key_id = TEAMKEY
ncloud_secret_access_key = team-secret

[half]
ncloud_access_key_id = HALFKEY
"""
KEY_VARIABLES = ("NCLOUD_ACCESS_KEY_ID", "NCLOUD_ACCESS_KEY")
SECRET_VARIABLES = ("NCLOUD_SECRET_ACCESS_KEY", "NCLOUD_SECRET_KEY")


def reader(text: str | None) -> Callable[[str], str]:
    """Reads a file with this text at PATH, or none at all."""

    def read(path: str) -> str:
        assert path == PATH
        if text is None:
            raise FileNotFoundError(path)
        return text

    return read


def ncp(text: str | None = FILE, environ: dict[str, str] | None = None, **options: str | None) -> Credentials:
    return ncp_credentials({"config_file": PATH, **options}, environ or {}, ProfileFiles(reader(text)))


def refusal(text: str | None = FILE, environ: dict[str, str] | None = None, **options: str | None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        ncp(text, environ, **options)
    return caught.value.sentence()


# ---------------------------------------------------------------------------------------------------------- precedence

SOURCES = list(itertools.product([False, True], repeat=4))


@pytest.mark.parametrize(("option", "first", "second", "file"), SOURCES)
@pytest.mark.parametrize("which", ["access_key", "secret_key"])
def test_the_whole_order_of_precedence(which: str, option: bool, first: bool, second: bool, file: bool) -> None:
    key = which == "access_key"
    variables = KEY_VARIABLES if key else SECRET_VARIABLES
    options = {"access_key": None, "secret_key": None, "secret_key" if key else "access_key": "OTHER"}
    if option:
        options[which] = "OPTION"
    environ = {name: name for name, there in zip(variables, (first, second), strict=True) if there}
    expected = "OPTION" if option else variables[0] if first else variables[1] if second else None
    origin = f"the option {which}" if option else f"the environment variable {expected}"
    if expected is None and file:
        expected, origin = ("FILEKEY" if key else "file-secret"), f"the profile DEFAULT of {PATH}"
    if expected is None:
        assert f"No {which} was found." in refusal(None, environ, **options)
        return
    found = ncp(FILE if file else None, environ, **options)
    assert (found.key, found.secret) == ((expected, "OTHER") if key else ("OTHER", expected))
    assert origin in found.origin


def test_all_from_the_file() -> None:
    found = ncp()
    assert (found.key, found.secret) == ("FILEKEY", "file-secret")
    assert f"the profile DEFAULT of {PATH}" in found.origin


@pytest.mark.parametrize("variable", [*KEY_VARIABLES, *SECRET_VARIABLES])
def test_an_empty_variable_counts_as_not_set(variable: str) -> None:
    assert ncp(environ={variable: ""}).key == "FILEKEY"


def test_an_empty_option_counts_as_not_set() -> None:
    assert ncp(access_key="", secret_key="").secret == "file-secret"


ALL_VARIABLES = dict.fromkeys((*KEY_VARIABLES, *SECRET_VARIABLES), "FROM-ENV")


def test_a_profile_named_by_option_beats_the_keys_of_the_environment() -> None:
    found = ncp(environ=ALL_VARIABLES, profile="team")
    assert (found.key, found.secret) == ("TEAMKEY", "team-secret")


def test_a_profile_named_by_option_never_falls_back_to_the_environment() -> None:
    sentence = refusal(environ=ALL_VARIABLES, profile="half")
    assert sentence == (
        f"No secret_key was found. Searched: the profile half of {PATH} (key ncloud_secret_access_key). "
        "Add the missing keys to the profile."
    )


def test_the_keys_of_the_environment_beat_a_profile_of_the_environment() -> None:
    assert ncp(environ={**ALL_VARIABLES, "NCLOUD_PROFILE": "team"}).key == "FROM-ENV"


def test_the_environment_may_name_the_profile() -> None:
    assert ncp(environ={"NCLOUD_PROFILE": "team"}).secret == "team-secret"


def test_a_profile_by_option_beats_one_by_environment() -> None:
    assert ncp(environ={"NCLOUD_PROFILE": "half"}, profile="team").key == "TEAMKEY"


@pytest.mark.parametrize("name", ["access_key", "secret_key"])
def test_a_profile_and_a_key_by_option_contradict_each_other(name: str) -> None:
    sentence = refusal(profile="team", **{name: "CANARYVALUE"})
    assert "profile cannot be combined with access_key or secret_key" in sentence
    assert "CANARYVALUE" not in sentence


def test_options_for_the_keys_beat_a_profile_of_the_environment() -> None:
    found = ncp(environ={"NCLOUD_PROFILE": "team"}, access_key="OPTION", secret_key="option-secret")
    assert (found.key, found.secret) == ("OPTION", "option-secret")


def test_the_file_is_not_read_when_it_is_not_needed() -> None:
    def forbidden(_path: str) -> str:
        raise AssertionError("read")

    options = {"config_file": PATH, "access_key": "A", "secret_key": "b"}
    assert ncp_credentials(options, {}, ProfileFiles(forbidden)).key == "A"


def test_a_tilde_is_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    assert ncp_credentials({"config_file": "~/.ncloud/configure"}, {}, ProfileFiles(reader(FILE))).key == "FILEKEY"


# ----------------------------------------------------------------------------------------------------- what is missing


def test_a_missing_file_is_named_with_all_other_places() -> None:
    assert refusal(None) == (
        "No access_key and no secret_key were found. Searched: the options access_key and secret_key, the environment "
        "variables NCLOUD_ACCESS_KEY_ID, NCLOUD_ACCESS_KEY, NCLOUD_SECRET_ACCESS_KEY and NCLOUD_SECRET_KEY and the "
        f"profile DEFAULT of {PATH} (there is no such file). "
        "Set the options, the environment variables, or a profile in the file."
    )
    assert refusal(None, secret_key="x") == (
        "No access_key was found. Searched: the option access_key, the environment variables NCLOUD_ACCESS_KEY_ID and "
        f"NCLOUD_ACCESS_KEY and the profile DEFAULT of {PATH} (there is no such file). "
        "Set the options, the environment variables, or a profile in the file."
    )


def test_a_missing_profile_is_named_with_those_that_exist() -> None:
    # It is named once, and places that are not searched are not named.
    assert refusal(profile="absent") == (
        f"No access_key and no secret_key were found. Searched: the profile absent of {PATH} "
        "(the file has no such profile; its profiles: DEFAULT, half, team). "
        "Fix profile or config_file, or add the profile to the file."
    )
    assert refusal(None, profile="absent") == (
        f"No access_key and no secret_key were found. Searched: the profile absent of {PATH} (there is no such file). "
        "Fix config_file, or create the file."
    )
    assert "the profile absent of" in refusal(environ={"NCLOUD_PROFILE": "absent"})


def test_a_profile_that_may_be_a_password_is_not_quoted() -> None:
    secret = "Zq7!mVx-Canary01"
    for text in (FILE, None):
        assert f"Searched: the profile that the option profile names of {PATH} (" in refusal(text, profile=secret)
        sentence = refusal(text, {"NCLOUD_PROFILE": secret})
        assert f"and the profile that NCLOUD_PROFILE names of {PATH} (" in sentence
        assert secret not in sentence + refusal(text, profile=secret)


def test_only_some_of_many_profiles_are_named() -> None:
    sentence = refusal("".join(f"[p{at:03d}]\n" for at in range(50)), profile="absent")
    assert "its profiles: p000, p001, p002, p003, p004, p005, p006, p007, p008, p009 and 40 more)" in sentence


def test_a_profile_without_any_key_names_both() -> None:
    assert "(keys ncloud_access_key_id and ncloud_secret_access_key)" in refusal("[bare]\n", profile="bare")


def test_an_empty_file_has_no_profiles() -> None:
    assert "(the file has no such profile; its profiles: none)" in refusal("")


def test_a_missing_key_is_named() -> None:
    sentence = refusal(profile="half")
    assert "No secret_key was found." in sentence
    assert "No access_key" not in sentence
    assert f"the profile half of {PATH} (key ncloud_secret_access_key)" in sentence


def test_what_is_there_is_never_quoted_when_the_rest_is_missing() -> None:
    sentence = refusal(profile="half", access_key="CANARYKEY") + refusal(None, {"NCLOUD_SECRET_KEY": "canary-secret"})
    assert "CANARY" not in sentence.upper()
    assert "HALFKEY" not in refusal(profile="half")


def test_default_lends_nothing_to_other_profiles() -> None:
    assert "file-secret" not in str(parse_profiles(FILE, PATH)["half"])
    assert set(parse_profiles(FILE, PATH)["half"]) == {"ncloud_access_key_id"}


# ------------------------------------------------------------------------------------------------------------ the file

PAIR = "ncloud_access_key_id = K\nncloud_secret_access_key = {}\n"


@pytest.mark.parametrize(
    "secret", ["a=b", "=a", "a==", "100%", "%(x)s", "${x}", "a;b", "a#b", "a:b", '"quoted"', "[x]", "a b", "비밀번호"]
)
def test_values_are_taken_as_they_stand(secret: str) -> None:
    assert ncp("[DEFAULT]\n" + PAIR.format(secret)).secret == secret


@pytest.mark.parametrize(
    "text",
    [
        PAIR.format("s"),
        "# a comment\n\n" + PAIR.format("s"),
        "[DEFAULT]\n" + PAIR.format("s"),
        "[DEFAULT]\r\n" + PAIR.format("s").replace("\n", "\r\n"),
        "; a comment\n[DEFAULT]\n" + PAIR.format("s") + "\nunknown = x\n",
        "[DEFAULT]\n" + PAIR.format("s").upper().replace("= S", "= s"),
        "[DEFAULT]\n" + PAIR.format("s").replace(" = ", "="),
        "[DEFAULT]\n" + PAIR.format("s").replace(" = ", " =\t") + "\n\n",
        PAIR.format("s") + "[other]\n" + PAIR.format("t"),
    ],
)
def test_forms_of_the_file(text: str) -> None:
    found = ncp(text)
    assert (found.key, found.secret) == ("K", "s")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("section", [b"[DEFAULT]\n", b""], ids=["section", "bare"])
def test_files_of_other_systems(tmp_path: Path, mark: bytes, line_end: bytes, section: bytes) -> None:
    file = tmp_path / "configure"
    file.write_bytes(mark + (section + PAIR.format("s").encode()).replace(b"\n", line_end))
    found = ncp_credentials({"config_file": str(file)}, {}, ProfileFiles(read_text))
    assert (found.key, found.secret) == ("K", "s")


BROKEN = [
    "[DEFAULT]\ncanary-line without an equals sign\n",
    "canary-line without an equals sign\n",
    "[DEFAULT]\nncloud_access_key_id = canary-1\nncloud_access_key_id = canary-2\n",
    "[DEFAULT]\nncloud_access_key_id = canary-1\nNCLOUD_ACCESS_KEY_ID = canary-2\n",
    "[canary]\na = canary-1\n[canary]\na = canary-2\n",
    "ncloud_access_key_id = canary-1\n[DEFAULT]\nncloud_access_key_id = canary-2\n",
    "[canary\nncloud_access_key_id = canary\n",
    "{'canary': 'json'}\n",
    "= canary\n[DEFAULT]\n",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_of_another_form_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not in the form that `ncloud configure` writes") as caught:
        ncp(text)
    assert PATH in caught.value.message
    assert "canary" not in caught.value.sentence()
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        "[DEFAULT]\na = 1\ncanary-line without an equals sign\n[other]\ncanary\n",
        "[DEFAULT]\na = 1\na = canary\n",
        "[DEFAULT]\na = 1\n[DEFAULT]\n",
    ],
)
def test_the_refusal_says_which_line_is_wrong(text: str) -> None:
    """The file may have a thousand profiles."""
    with pytest.raises(ConfigurationError, match=r"writes \(\w+Error in line 3\)\.$"):
        ncp(text)


@given(st.text(max_size=80) | st.text("[]=:#; \n\r\tabDEFAULT\0%", max_size=80))
def test_any_text_is_profiles_or_a_clean_refusal(text: str) -> None:
    try:
        profiles = parse_profiles(text, PATH)
    except ConfigurationError as error:
        assert error.message.startswith(f"{PATH} is not in the form")  # noqa: PT017
        # Only the kind of the mistake and the number of its line in the message depend on the text.
        assert re.fullmatch(r" \(\w+Error( in line \d+)?\)\.", error.message.partition("configure` writes")[2])  # noqa: PT017
    else:
        values = [value for keys in profiles.values() for value in keys.values()]
        assert all(isinstance(value, str) and value == value.strip() for value in values)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "configure"
    file.write_bytes(b"[DEFAULT]\nncloud_access_key_id = \xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(UnicodeDecodeError\)"):
        ncp_credentials({"config_file": str(file)}, {}, ProfileFiles(read_text))


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(IsADirectoryError\)"):
        ncp_credentials({"config_file": str(tmp_path)}, {}, ProfileFiles(read_text))


def test_a_file_that_may_not_be_read_is_named() -> None:
    def denied(path: str) -> str:
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(ConfigurationError, match=rf"^{PATH} cannot be read \(PermissionError\)") as caught:
        ncp_credentials({"config_file": PATH}, {}, ProfileFiles(denied))
    assert caught.value.__suppress_context__


# --------------------------------------------------------------------------------------------------- the values at all

DIRTY = [
    " x1234567",
    "x1234567 ",
    "x1234567\n",
    "\tx1234567",
    "x123\n4567",
    "x123\r4567",
    "x123\x004567",
    "x1234567\x7f",
    "x123\x9b4567",
    "x123\u200b4567",
    "\ufeffx1234567",
    "x123\u20284567",
    "x123\xa04567",
]


@pytest.mark.parametrize("value", DIRTY)
@pytest.mark.parametrize("name", ["access_key", "secret_key"])
def test_blanks_and_control_characters_are_refused(name: str, value: str) -> None:
    options = {"access_key": "KEY", "secret_key": "secret", name: value}
    sentence = refusal(None, **options)
    assert (
        f"{name} from the option {name} is not valid: it has blanks around it or control characters in it." in sentence
    )
    assert value.strip() not in sentence


# What Python makes of bytes that are not UTF-8, in the environment and on the command line.
NOT_UTF_8 = ["ab\udcff\udcfecdef", "\ud800abcdef", "abcdef\udfff"]


@pytest.mark.parametrize("value", NOT_UTF_8)
@pytest.mark.parametrize("name", ["access_key", "secret_key"])
@pytest.mark.parametrize("variable", [False, True])
def test_what_cannot_be_sent_is_refused_where_it_comes_from(name: str, value: str, variable: bool) -> None:
    options = {"access_key": "KEY", "secret_key": "secret"}
    environ = {}
    place = f"the option {name}"
    if variable:
        del options[name]
        where = KEY_VARIABLES[0] if name == "access_key" else SECRET_VARIABLES[0]
        environ, place = {where: value}, f"the environment variable {where}"
    else:
        options[name] = value
    sentence = refusal(None, environ, **options)
    assert sentence.startswith(f"{name} from {place} is not valid: it is not UTF-8 text.")
    assert value not in sentence


@pytest.mark.parametrize("value", NOT_UTF_8)
@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_the_same_for_solapi(name: str, value: str) -> None:
    keys = {"api_key": "KEY", "api_secret": "secret"}
    environ = {f"SOLAPI_{key.upper()}": text for key, text in {**keys, name: value}.items()}
    for options, place in (
        ({**keys, name: value}, f"the option {name}"),
        ({}, f"the environment variable SOLAPI_{name.upper()}"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            solapi_credentials(options, environ)
        assert caught.value.message == f"{name} from {place} is not valid: it is not UTF-8 text."


@pytest.mark.parametrize("blank", ["\n", "\t", " ", "\x1b[2J", "\u200b"])
def test_a_line_break_of_a_profile_or_a_path_is_named_as_such(blank: str) -> None:
    says = (
        "is not valid: it has blanks around it or control characters in it. Remove them. Often it is a line break from "
        "the file that the value was read from."
    )
    assert refusal(profile=f"team{blank}") == f"profile from the option profile {says}"
    variable = "profile from the environment variable NCLOUD_PROFILE"
    assert refusal(environ={"NCLOUD_PROFILE": f"team{blank}"}) == f"{variable} {says}"
    with pytest.raises(ConfigurationError) as caught:
        ncp_credentials({"config_file": f"/absent/configure{blank}"}, {}, ProfileFiles(read_text))
    assert caught.value.sentence() == f"config_file from the option config_file {says}"


def test_a_path_that_is_not_valid_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(ValueError\)"):
        ncp_credentials({"config_file": "/etc/\0configure"}, {}, ProfileFiles(read_text))


def test_a_value_continued_on_the_next_line_is_refused() -> None:
    sentence = refusal("[DEFAULT]\nncloud_access_key_id = A\nncloud_secret_access_key = abc\n  canary\n")
    assert "control characters" in sentence
    assert "canary" not in sentence


@pytest.mark.parametrize("value", ["KEY,salt=x", 'KEY"', "KEY'", "KÉY", "KEY 1", "키"])
def test_an_access_key_that_no_header_could_hold_is_refused(value: str) -> None:
    sentence = refusal(None, access_key=value, secret_key="secret")
    assert "access_key from the option access_key is not valid: it has characters that no key has." in sentence
    assert value not in sentence


def test_a_secret_may_hold_what_it_wants() -> None:
    assert ncp(None, access_key="KEY", secret_key="a,\"' é비").secret == "a,\"' é비"


def test_no_representation_shows_the_secret() -> None:
    shown = repr(Credentials("THEKEY", "thesecret", "the option"))
    assert shown == "Credentials from the option"
    assert "thesecret" not in f"{Credentials('THEKEY', 'thesecret', 'the option')}"


# -------------------------------------------------------------------------------------------------------------- SOLAPI

PAIRS = list(itertools.product([None, "", "OPTION"], [None, "", "VARIABLE"]))


@pytest.mark.parametrize(("key_option", "key_variable"), PAIRS)
@pytest.mark.parametrize(("secret_option", "secret_variable"), PAIRS)
def test_solapi_takes_both_or_none(
    key_option: str | None, key_variable: str | None, secret_option: str | None, secret_variable: str | None
) -> None:
    environ = {
        name: value
        for name, value in (("SOLAPI_API_KEY", key_variable), ("SOLAPI_API_SECRET", secret_variable))
        if value is not None
    }
    options = {"api_key": key_option, "api_secret": secret_option}
    key, secret = key_option or key_variable, secret_option or secret_variable
    if bool(key) != bool(secret):
        with pytest.raises(ConfigurationError) as caught:
            solapi_credentials(options, environ)
        present, absent = ("api_key", "api_secret") if key else ("api_secret", "api_key")
        assert caught.value.message.startswith(f"{present} was found in the ")
        assert caught.value.message.endswith(f", but {absent} was not found.")
        assert absent.upper() in (caught.value.hint or "")
    else:
        found = solapi_credentials(options, environ)
        assert (found and (found.key, found.secret)) == ((key, secret) if key else None)


@pytest.mark.parametrize("value", DIRTY)
@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_solapi_refuses_blanks_and_control_characters(name: str, value: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"{name} from the option {name} is not valid: it has blanks"
    ) as caught:
        solapi_credentials({"api_key": "KEY", "api_secret": "secret", name: value}, {})
    assert value.strip() not in caught.value.sentence()


@pytest.mark.parametrize("value", ["KEY, date=x", "KEY 1", "키"])
def test_a_solapi_key_cannot_forge_the_header(value: str) -> None:
    with pytest.raises(
        ConfigurationError, match="api_key from the environment variable SOLAPI_API_KEY is not valid: it has char"
    ):
        solapi_credentials({}, {"SOLAPI_API_KEY": value, "SOLAPI_API_SECRET": "secret"})
