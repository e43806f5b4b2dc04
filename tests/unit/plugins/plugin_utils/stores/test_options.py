# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a store: what is filled in from where, and what is refused before anything is done."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.plugin_utils.stores import (
    STORES,
    argument_spec,
    complete_options,
    open_store,
    secrets_of,
)
from store_bench.benches import BENCHES, a_loader

SERVER = {"type": "hashi_vault", "url": "https://vault.example:8200", "token": "s.canary"}


def test_every_store_is_tested() -> None:
    assert set(BENCHES) == set(STORES)


def test_the_argument_spec_holds_all_stores_side_by_side() -> None:
    spec = argument_spec()
    assert spec["type"]["choices"] == ["vault_file", "hashi_vault"]
    for store in STORES.values():
        assert set(store.ENVIRONMENT) <= set(store.OPTIONS) <= set(spec)
    assert {name for name, option in spec.items() if option.get("no_log")} == {"token", "secret_id", "jwt"}


def test_the_defaults_of_an_argument_spec_suit_every_store() -> None:
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
        ({"type": "s3"}, r"no store of the type 's3'"),
        ({}, r"vault_file needs the option path"),
        ({"path": "p", "url": "https://x"}, r"vault_file has no option 'url'"),
        ({"path": "p", "timeout": 5}, r"vault_file has no option 'timeout'"),
        ({"path": "p", "colour": "red"}, r"vault_file has no option 'colour'"),
        ({"path": 5}, r"path of the store vault_file must be a text"),
        ({"path": "p", "lock_timeout": -1}, r"lock_timeout .* is -1.0, which is out of range"),
        ({"path": "p", "lock_timeout": "soon"}, r"lock_timeout .* must be a number"),
        ({"path": "p", "lock_timeout": float("nan")}, r"out of range"),
        ({"type": "hashi_vault"}, r"needs the option url, .* environment variables BAO_ADDR and VAULT_ADDR"),
        ({**SERVER, "token": None}, r"needs token to log in by token"),
        ({**SERVER, "token": "canary\n"}, r"token of the store has blanks around it"),
        ({**SERVER, "token": 12345678}, r"token of the store hashi_vault must be a text"),
        ({**SERVER, "auth_method": "ldap"}, r"auth_method .* must be one of token, approle and jwt"),
        ({**SERVER, "auth_method": "approle", "role_id": "r"}, r"needs secret_id to log in by approle"),
        ({**SERVER, "auth_method": "jwt"}, r"needs role and jwt to log in by jwt"),
        ({**SERVER, "url": "http://vault.example"}, r"url of the store .* is plain http"),
        ({**SERVER, "url": "https://me:canary@vault.example"}, r"holds a user name or password"),
        ({**SERVER, "url": "vault.example"}, r"url of the store is not a web address"),
        ({**SERVER, "mount_point": "a//b"}, r"mount_point .* must be a path"),
        ({**SERVER, "secret_path": "../other"}, r"secret_path .* must be a path"),
        ({**SERVER, "secret_path": "/"}, r"secret_path .* must be a path"),
        ({**SERVER, "concurrency": 0}, r"concurrency .* is 0, which is out of range"),
        ({**SERVER, "timeout": 0}, r"timeout .* is 0.0, which is out of range"),
        ({**SERVER, "validate_certs": "no"}, r"validate_certs .* must be a yes or no"),
    ],
)
def test_mistakes_are_named_before_anything_is_done(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        open_store(options, a_loader(("default", "pass")), {})
    assert "canary" not in caught.value.sentence()


def test_a_server_on_this_machine_may_be_without_tls() -> None:
    for url in ("http://127.0.0.1:8200", "http://localhost:8200/", "https://vault.example/behind/a/proxy"):
        assert open_store({**SERVER, "url": url}, None, {}).place.startswith(url.rstrip("/"))
