# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a store: what is filled in, and from where, and what is refused before anything is done."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.module_utils._core.errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.module_utils._core.redaction import Redactor
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.arguments import opened_store, validated
from ansible_collections.krcloud.credentials.plugins.plugin_utils._plugin.secret_options import NAMES
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.hashi_login import FIELDS
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import FORMS, either
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.registry import (
    STORES,
    argument_spec,
    complete_options,
    open_store,
    secrets_of,
)
from support.stores.benches import BENCHES, a_loader

SERVER = {"type": "hashi_vault", "url": "https://vault.example:8200", "token": "s.canary"}


def test_every_store_is_tested() -> None:
    assert set(BENCHES) == set(STORES)


def test_the_argument_spec_holds_all_stores_side_by_side() -> None:
    spec = argument_spec()
    assert spec["type"]["choices"] == list(STORES)
    for store in STORES.values():
        assert set(store.ENVIRONMENT) <= set(store.OPTIONS) <= set(spec)
    assert {name for name, option in spec.items() if option.get("no_log")} == set(spec) & NAMES


def test_the_defaults_of_an_argument_spec_are_valid_for_every_store() -> None:
    filled = {name: option.get("default") for name, option in argument_spec().items()}
    assert complete_options({**filled, "path": "p.yml"}, {}) == complete_options({"path": "p.yml"}, {})
    assert complete_options({**filled, **SERVER}, {}) == complete_options(SERVER, {})


def test_an_option_goes_before_the_environment_and_that_before_the_default() -> None:
    environ = {"VAULT_ADDR": "https://a", "BAO_TOKEN": "bao", "VAULT_TOKEN": "vault", "VAULT_NAMESPACE": "n"}
    _kind, complete = complete_options({"type": "hashi_vault", "url": "https://b"}, environ)
    assert (complete["url"], complete["token"], complete["namespace"]) == ("https://b", "bao", "n")
    assert (complete["mount_point"], complete["timeout"], complete["role"]) == ("secret", 10.0, None)
    assert secrets_of({"type": "hashi_vault", "url": "https://b", "jwt": "eyJ"}, environ) == ["bao", "eyJ"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"type": "s3"}, f"type of the store is not valid: it must be {either(STORES)}"),
        ({}, r"vault_file needs the option path"),
        ({"path": "p", "url": "https://x"}, r"vault_file has no option 'url'"),
        ({"path": "p", "timeout": 5}, r"vault_file has no option 'timeout'"),
        ({"path": "p", "colour": "red"}, r"vault_file has no option 'colour'"),
        ({"path": 5}, r"path of the store vault_file is not valid: it must be text, in quotes"),
        (
            {"type": "hashi_vault"},
            r"needs the option url, and it is not set, nor is BAO_ADDR or VAULT_ADDR set in the environment of the "
            r"controller\.",
        ),
        (
            {**SERVER, "token": None},
            r"needs the option token with auth_method token, and it is not set, nor is BAO_TOKEN",
        ),
        (
            {**SERVER, "token": "canary\n"},
            r"The option token of the store hashi_vault is not valid: it has blanks around it",
        ),
        ({**SERVER, "token": 12345678}, r"token of the store hashi_vault is not valid: it must be text, in quotes\."),
        (
            {**SERVER, "auth_method": "ldap"},
            r"auth_method .* is not valid: it must be token, approle, jwt or kubernetes\.",
        ),
        (
            {**SERVER, "auth_method": "approle", "role_id": "r"},
            r"needs the option secret_id with auth_method approle, and it is not set\.",
        ),
        (
            {**SERVER, "auth_method": "jwt"},
            r"needs the options role and jwt with auth_method jwt, and they are not set\.",
        ),
        (
            {**SERVER, "auth_method": "kubernetes"},
            r"needs the option role with auth_method kubernetes, and it is not set\.",
        ),
        ({**SERVER, "url": "http://vault.example"}, r"url of the store .* is plain http"),
        ({**SERVER, "url": "https://me:canary@vault.example"}, r"holds a user name or password"),
        ({**SERVER, "url": "vault.example"}, r"option url of the store hashi_vault is not a web address"),
        ({**SERVER, "mount_point": "a//b"}, r"mount_point .* must be a path"),
        ({**SERVER, "secret_path": "../other"}, r"secret_path .* must be a path"),
        ({**SERVER, "secret_path": "/"}, r"secret_path .* must be a path"),
        ({**SERVER, "auth_mount_point": "../sys"}, r"auth_mount_point .* must be a path"),
        ({**SERVER, "auth_mount_point": "kubernetes\n"}, r"auth_mount_point .* must be a path"),
        (
            {**SERVER, "url": "https://vault.example.com\n"},
            r"option url of the store hashi_vault .* has blanks around it",
        ),
        ({**SERVER, "type": ["canary"]}, f"type of the store is not valid: it must be {either(STORES)}"),
        ({"path": "canary\n"}, r"path of the store vault_file is not valid: it has a line break or another"),
        ({"path": "canary\0"}, r"path of the store vault_file is not valid: it has a line break or another"),
        ({"path": "canary\ud800"}, r"path of the store vault_file is not valid: it has a line break or another"),
        ({**SERVER, "ca_path": "canary\n"}, r"ca_path of the store hashi_vault is not valid: it has a line break"),
        ({"path": "p", "vault_id": "dev\n"}, r"asks for a vault id .* for which this run has no secret"),
        ({**SERVER, "validate_certs": "no"}, r"validate_certs .* is not valid: it must be true or false\."),
    ],
)
def test_mistakes_are_named_before_anything_is_done(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        open_store(options, a_loader(("default", "pass")), {})
    assert "canary" not in caught.value.sentence()


def test_a_server_on_this_machine_may_be_without_tls() -> None:
    for url in ("http://127.0.0.1:8200", "http://localhost:8200/", "https://vault.example/behind/a/proxy"):
        assert open_store({**SERVER, "url": url}, None, {}).place.startswith(url.rstrip("/"))


NUMBERS = [
    ({"path": "p"}, "lock_timeout", "a number from 0 to 86400"),
    (SERVER, "timeout", "a number from 0.001 to 3600"),
    (SERVER, "retries", "a whole number from 0 to 100"),
    (SERVER, "concurrency", "a whole number from 1 to 256"),
]
NO_NUMBERS = [-1, float("inf"), float("-inf"), float("nan"), 1e308, 10**400, "9" * 5000, True, False, [], "canary"]
NO_NUMBERS += ["1e400", "inf", "nan", "0x10", b"1"]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: ascii(value)[:12])
@pytest.mark.parametrize(("options", "name", "allowed"), NUMBERS, ids=[name for _options, name, _allowed in NUMBERS])
def test_every_refused_number_says_what_is_allowed(
    options: dict[str, Any], name: str, allowed: str, value: Any
) -> None:
    """The store refuses it, and so does the code that reads the arguments of an action or a lookup before."""
    spec: Spec = {"store": {"type": "dict", "options": argument_spec()}}
    for attempt in (
        lambda: complete_options({**options, name: value}, {}),
        lambda: validated(spec, {"store": {**options, name: value}}, Redactor()),
    ):
        with pytest.raises(ConfigurationError, match="is not valid: it must be") as caught:
            attempt()
        assert name in caught.value.message
        assert f"is not valid: it must be {allowed}." in caught.value.message
        assert "canary" not in caught.value.sentence()


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("timeout", "2.5", 2.5),
        ("timeout", 3, 3.0),
        ("retries", "7", 7),
        ("retries", 0, 0),
        ("concurrency", 8.0, 8),
        ("concurrency", "1e1", 10),
    ],
)
def test_numbers_may_be_written_in_every_way_that_ansible_takes(name: str, value: Any, number: float) -> None:
    for given in (value, validated({name: argument_spec()[name]}, {name: value}, Redactor())[name]):
        found = complete_options({**SERVER, name: given}, {})[1][name]
        assert (found, type(found)) == (number, type(number))


def test_without_a_range_a_number_is_at_least_one() -> None:
    for kind, words in (("int", "a whole number"), ("float", "a number")):
        for value in (float("inf"), float("nan"), "9" * 5000):
            with pytest.raises(ConfigurationError, match=f"rows is not valid: it must be {words}\\."):
                validated({"rows": {"type": kind}}, {"rows": value}, Redactor())


def test_a_value_is_called_by_the_place_that_it_came_from() -> None:
    environ = {"VAULT_ADDR": "http://127.0.0.1:8200\n", "BAO_TOKEN": "canary"}
    with pytest.raises(ConfigurationError, match="The environment variable VAULT_ADDR is not valid"):
        open_store({"type": "hashi_vault"}, None, environ)
    environ = {"VAULT_ADDR": "https://vault.example.com", "BAO_TOKEN": "canary", "BAO_CACERT": "/ca.pem\n"}
    with pytest.raises(ConfigurationError, match="The environment variable BAO_CACERT is not valid: it has a line"):
        open_store({"type": "hashi_vault"}, None, environ)
    environ = {"VAULT_ADDR": "https://vault.example.com", "BAO_TOKEN": "canary\n"}
    with pytest.raises(ConfigurationError, match="The environment variable BAO_TOKEN is not valid") as caught:
        open_store({"type": "hashi_vault"}, None, environ)
    assert "canary" not in caught.value.sentence()


@pytest.mark.parametrize("variable", ["BAO_CACERT", "VAULT_CACERT", "BAO_CAPATH", "VAULT_CAPATH"])
def test_authorities_come_from_the_variables_of_the_command_line_tools(variable: str) -> None:
    earlier = ["BAO_CACERT", "VAULT_CACERT", "BAO_CAPATH", "VAULT_CAPATH"]
    environ = {name: f"/{name}" for name in earlier[earlier.index(variable) :]}
    assert complete_options(SERVER, environ)[1]["ca_path"] == f"/{variable}"
    assert complete_options({**SERVER, "ca_path": "/mine"}, environ)[1]["ca_path"] == "/mine"


def test_no_variable_turns_the_verification_of_certificates_off() -> None:
    environ = {f"{tool}_SKIP_VERIFY": "true" for tool in ("BAO", "VAULT")}
    assert complete_options(SERVER, environ)[1]["validate_certs"] is True


def test_the_warning_of_an_unverified_certificate_names_the_host_only() -> None:
    said: list[str] = []
    options = {**SERVER, "url": "https://vault.example.com:8200/behind", "validate_certs": False}
    open_store(options, None, {}, warn=said.append)
    assert len(said) == 1
    assert said[0].startswith("The TLS certificate of the store at vault.example.com:8200 is not verified")


@pytest.mark.parametrize("url", ["https://admin:canary@vault.example.com", "https://canary@vault.example.com"])
def test_an_address_with_a_password_is_refused_before_anything_is_said(url: str) -> None:
    said: list[str] = []
    for environ, given in (({}, {"url": url}), ({"BAO_ADDR": url}, {})):
        options = {"type": "hashi_vault", "token": "s.x", "validate_certs": False, **given}
        with pytest.raises(ConfigurationError, match="holds a user name or password: take them out") as caught:
            open_store(options, None, environ, warn=said.append)
        assert ("BAO_ADDR" in caught.value.message) is bool(environ)
        assert "canary" not in caught.value.sentence()
    assert said == []


def test_what_a_store_warns_about_reaches_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, msg, *_args, **_kwargs: said.append(str(msg)))
    opened_store({**SERVER, "validate_certs": False}, None, Redactor())
    assert len(said) == 1


def test_a_login_sends_options_of_the_store_and_asks_for_them() -> None:
    """What the options call needed for a method is what it sends; only the token of a pod comes from elsewhere."""
    options = STORES["hashi_vault"].OPTIONS
    assert set(options["auth_method"]["choices"]) == {"token", *FIELDS}
    for method, fields in FIELDS.items():
        needed = {name for name in options if method in options[name].get("needed_for", ("", ()))[1]}
        assert set(fields) == needed | ({"jwt"} if method == "kubernetes" else set())


def test_every_form_is_one_that_is_known() -> None:
    for store in STORES.values():
        for name, option in store.OPTIONS.items():
            assert option.get("form", "word") in FORMS, name
            assert option["type"] == "str" or "form" not in option, name
    assert not {"form", "needed_for"} & {key for option in argument_spec().values() for key in option}


def test_paths_know_the_home_folder_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/kim")
    monkeypatch.setenv("STORES", "/srv/stores")
    loader = a_loader(("default", "pass"))
    loader.set_basedir("/plays")
    for path, real in (
        ("~/p.yml", "/home/kim/p.yml"),
        ("$HOME/p.yml", "/home/kim/p.yml"),
        ("${STORES}/p.yml", "/srv/stores/p.yml"),
        ("p.yml", "/plays/p.yml"),
        ("$NOTHING/p.yml", "/plays/$NOTHING/p.yml"),
        ("비밀 번호/p.yml", "/plays/비밀 번호/p.yml"),
        # As Python has bytes that are not UTF-8.
        ("\udcff.yml", "/plays/\udcff.yml"),
    ):
        assert open_store({"path": path}, loader, {}).place == real


def test_a_short_token_masks_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Development servers have such tokens. Masking one would riddle all messages, and such a word is not a secret."""
    monkeypatch.setenv("BAO_TOKEN", "root")
    redactor = Redactor()
    store = opened_store({"type": "hashi_vault", "url": "http://127.0.0.1:9", "retries": 0}, None, redactor)
    with pytest.raises(StoreError) as caught:
        store.load(["kim"])
    assert redactor.text(f"root: {caught.value.sentence()}") == f"root: {caught.value.sentence()}"
    store = opened_store({"type": "hashi_vault", "url": "http://127.0.0.1:9", "token": "s.long-enough"}, None, redactor)
    assert "s.long-enough" not in redactor.text(f"root: {store.place} s.long-enough")
