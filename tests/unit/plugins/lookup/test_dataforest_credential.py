# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup that reads active passwords: what it returns, warns about and refuses. No message contains a value."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleLookupError, AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret

from ansible_collections.krcloud.credentials.plugins.lookup.dataforest_credential import LookupModule, credential_spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._rotation.envelope import (
    Account,
    Envelope,
    Pending,
    Previous,
    to_document,
)
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores import registry
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Change, Stored, StoreError
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.kv2 import HashiVaultStore

LOOKUP = "'krcloud.credentials.dataforest_credential'"
TIME = "2026-11-20T03:00:00Z"

# Active passwords. No generator of ours makes the odd ones, but a person may have put them there.
ACTIVE = {
    "df001": "plain-Passw0rd-of-df001",
    "df002": "q'u\"o\\te {{ 7 * 7 }} #! : %s",
    "df003": "비밀번호-셋-Tr3s0r",
    "분석팀": "active-of-the-Team-9",
    "settling": "Active-while-another-1-is-out",
}
CANDIDATES = {"settling": "Candidate-2-may-be-live", "pending": "Candidate-3-may-be-live"}
RETIRED = "Retired-password-4"
# Of df001 and settling: what was active before, and candidates that never were.
FORMER = "Former-password-5"
NEVER_ACTIVE = "Never-active-6"
TOKEN = "s.token-of-the-store-7"
SECRETS = [*ACTIVE.values(), *CANDIDATES.values(), RETIRED, FORMER, NEVER_ACTIVE, TOKEN, "Tresor-암호-4711"]


def document(name: str) -> dict[str, Any]:
    """The envelope of an account."""
    pending = (Pending(CANDIDATES[name], TIME, "r-2"),) if name in CANDIDATES else ()
    active = {"password": ACTIVE[name], "rotated_at": TIME, "rotation_id": "r-1"} if name in ACTIVE else {}
    previous = (Previous(RETIRED, TIME, None),)
    if name in ("df001", "settling"):
        former = Previous(FORMER, TIME, "r-0", rotated_at=TIME)
        previous = (Previous(NEVER_ACTIVE, TIME, "r-0.5"), former, former._replace(password=RETIRED), *previous)
    return to_document(Envelope(Account("1", name, None), **active, pending=pending, previous=previous))


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory, vault_secrets: list[tuple[str, VaultSecret]]) -> bytes:
    """A file with all these accounts, and with something else."""
    loader = DataLoader()
    loader.set_vault_secrets(vault_secrets)
    path = tmp_path_factory.mktemp("store") / "dataforest.yml"
    documents = {name: document(name) for name in [*ACTIVE, "pending"]}
    documents["foreign"] = {"password": RETIRED}
    store = registry.open_store({"path": str(path)}, loader, {})
    saved = store.save({name: Change(content, None) for name, content in documents.items()})
    assert all(isinstance(outcome, str) for outcome in saved.values())
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, sealed: bytes) -> Path:
    """That file in the folder of the play."""
    path = tmp_path / "dataforest.yml"
    path.write_bytes(sealed)
    return path


@pytest.fixture
def look_up(loader: DataLoader, path: Path) -> Callable[..., list[str]]:
    """Run the lookup on that file, or on another store."""

    def run(*terms: Any, **options: Any) -> list[str]:
        return LookupModule(loader).run(list(terms), {}, **{"store": {"path": str(path)}, **options})

    return run


class CountingStore:
    """Has all these accounts, and notes what it is asked for."""

    def __init__(self) -> None:
        self.loads: list[list[str]] = []
        self.closed = False

    def load(self, names: Sequence[str]) -> dict[str, Stored]:
        self.loads.append(list(names))
        return {name: Stored(document(name), "1") for name in names}

    def close(self) -> None:
        self.closed = True


def silent(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


# --------------------------------------------------------------------------------------------------- what is returned


def test_the_passwords_come_in_the_order_of_the_terms(look_up: Callable[..., list[str]]) -> None:
    names = ["df003", "df001", "분석팀", "df002", "df001"]
    assert look_up(*names) == [ACTIVE[name] for name in names]
    assert look_up(names[:2], *names[2:]) == look_up(names) == look_up(*names)
    assert look_up([]) == []


def test_a_play_gets_them_as_they_are(template: Callable[..., Any], path: Path) -> None:
    accounts = {"first": "df002", "names": ["{{ first }}", "df003"], "folder": str(path.parent)}
    store = {"path": "{{ folder }}/dataforest.yml"}
    for name, password in ACTIVE.items():
        assert template(f"lookup({LOOKUP}, name, store=store)", store=store, name=name, **accounts) == password
    both = [ACTIVE["df002"], ACTIVE["df003"]]
    assert template(f"query({LOOKUP}, names, store=store)", store=store, **accounts) == both
    assert template(f"query({LOOKUP}, *names, store={{'path': 'dataforest.yml'}})", **accounts) == both


def test_a_variable_of_the_play_stands_in_for_the_store(template: Callable[..., Any], path: Path) -> None:
    play = {"krcloud_credentials_store": {"path": "{{ folder }}/dataforest.yml"}, "folder": str(path.parent)}
    assert template(f"lookup({LOOKUP}, 'df002')", **play) == ACTIVE["df002"]
    other = {"path": "other.yml"}
    with pytest.raises(AnsibleError, match="holds nothing for df002"):
        template(f"lookup({LOOKUP}, 'df002', store=other)", other=other, **play)
    assert template(f"query({LOOKUP}, 'df002', version='previous', on_missing='skip')", **play) == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "The variable krcloud_credentials_store is not a dictionary."),
        ([TOKEN], "The variable krcloud_credentials_store is not a dictionary. Write the options of store below it."),
        ({}, "krcloud_credentials_store has no value. Give it one, or remove the variable."),
        ("", "krcloud_credentials_store has no value."),
        (TOKEN, "The variable krcloud_credentials_store is not a dictionary. Write the options of store below it."),
        ({"path": "p.yml", "token": TOKEN}, "The store vault_file has no option 'token'."),
        ({"path": "{{ nowhere }}"}, "'nowhere' is undefined"),
    ],
)
def test_a_variable_that_is_no_store_is_named(template: Callable[..., Any], value: Any, why: str) -> None:
    with pytest.raises(AnsibleError) as caught:
        template(f"lookup({LOOKUP}, 'df001')", krcloud_credentials_store=value)
    assert why in str(caught.value)
    assert silent(str(caught.value))


def test_without_a_store_both_ways_are_named(template: Callable[..., Any]) -> None:
    with pytest.raises(AnsibleError, match="There is no option store, and no variable krcloud_credentials_store"):
        template(f"lookup({LOOKUP}, 'df001')")


def test_one_reading_serves_all_terms(look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    store = CountingStore()
    monkeypatch.setattr(registry, "open_store", lambda *_args, **_kwargs: store)
    look_up("df001", ["df002", "df001"], "df003")
    assert store.loads == [["df001", "df002", "df003"]]


def test_ansible_is_told_what_to_mask(look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    masked: list[str] = []
    ours = types.SimpleNamespace(register_secrets=masked.extend)
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", ours)
    look_up("df001", "df003")
    assert masked == [ACTIVE["df001"], ACTIVE["df003"]]


def test_an_ansible_that_cannot_mask_is_no_obstacle(
    look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ansible.module_utils.secrets", None)
    assert look_up("df001") == [ACTIVE["df001"]]


def test_the_previous_password_is_the_last_one_that_was_active_before(
    look_up: Callable[..., list[str]], path: Path, warnings: list[str]
) -> None:
    assert look_up("settling", "df001", version="previous") == [FORMER, FORMER]
    assert look_up("df001", version="active") == [ACTIVE["df001"]]
    # Whatever the outcome of a later one is, this one has been replaced.
    assert warnings == []
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("df001", "df002", "gone", "pending", version="previous")
    lacks = "no password that is known to have been active before for df002, pending"
    assert str(caught.value) == (f"The store {path} holds nothing for gone and {lacks}. Correct the name or the store.")
    assert look_up("df002", "df001", version="previous", on_missing="warn") == [FORMER]
    assert "active before for df002. Left out of the result." in warnings[0]


# ------------------------------------------------------------------------------------------------------ what is missing

MISSING = "holds nothing for gone, lost and no confirmed password yet for pending."


def test_a_missing_password_is_an_error_that_names_all(look_up: Callable[..., list[str]], path: Path) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("gone", "df001", "pending", "lost", "gone")
    said = str(caught.value)
    assert said == (
        f"The store {path} {MISSING} Correct the name or the store, "
        "or run krcloud.credentials.ncp_dataforest_rotation with this store."
    )


@pytest.mark.parametrize(
    ("name", "clause"),
    [("gone", "holds nothing for gone."), ("pending", "holds no confirmed password yet for pending.")],
)
def test_each_kind_has_its_own_words(look_up: Callable[..., list[str]], name: str, clause: str) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        look_up(name)
    assert clause in str(caught.value)
    assert silent(str(caught.value))


def test_a_file_that_is_not_there_yet_holds_nothing(look_up: Callable[..., list[str]]) -> None:
    with pytest.raises(AnsibleLookupError, match=r"other\.yml \(there is no such file yet\) holds nothing for df001"):
        look_up("df001", store={"path": "other.yml"})


def test_a_missing_password_may_be_a_warning(
    look_up: Callable[..., list[str]], path: Path, warnings: list[str]
) -> None:
    assert look_up("gone", "df001", "pending", "lost", "df003", on_missing="warn") == [ACTIVE["df001"], ACTIVE["df003"]]
    assert warnings == [f"The store {path} {MISSING} Left out of the result."]
    assert look_up("gone", on_missing="warn") == []


def test_a_missing_password_may_be_passed_over(look_up: Callable[..., list[str]], warnings: list[str]) -> None:
    assert look_up("gone", "df001", "pending", "lost", on_missing="skip") == [ACTIVE["df001"]]
    assert warnings == []


@pytest.mark.parametrize("on_missing", ["error", "warn", "skip"])
def test_a_later_candidate_is_warned_about(
    look_up: Callable[..., list[str]], path: Path, warnings: list[str], on_missing: str
) -> None:
    assert look_up("settling", "df001", on_missing=on_missing) == [ACTIVE["settling"], ACTIVE["df001"]]
    assert warnings == [
        f"The outcome of the last rotation of settling in the store {path} is unknown: the live password may be newer "
        "than the active one used here. Run krcloud.credentials.ncp_dataforest_rotation to settle it."
    ]


@pytest.mark.parametrize("on_missing", ["error", "warn", "skip"])
def test_what_is_not_an_envelope_is_always_an_error(
    look_up: Callable[..., list[str]], warnings: list[str], on_missing: str
) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("df001", "gone", "foreign", "settling", on_missing=on_missing)
    assert str(caught.value) == (
        "What the store holds under the name foreign is not an envelope: its format is not 1. "
        "Look at it, then correct it or move it away."
    )
    assert warnings == []


class PartlyReadableStore(CountingStore):
    """Cannot read some of its documents, and quotes their names, as stores do."""

    place = "memory"

    def __init__(self, *unreadable: str) -> None:
        super().__init__()
        self._unreadable = unreadable

    def load(self, names: Sequence[str]) -> dict[str, Any]:
        errors = {
            name: StoreError(f"secret/{name} is deleted.", hint=f"Bring {name} back.") for name in self._unreadable
        }
        return {name: errors.get(name, stored) for name, stored in super().load(names).items()}


@pytest.mark.parametrize("on_missing", ["error", "warn", "skip"])
def test_what_cannot_be_read_is_an_error_for_whoever_names_it_and_for_nobody_else(
    look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, on_missing: str
) -> None:
    store = PartlyReadableStore("df003", RETIRED)
    monkeypatch.setattr(registry, "open_store", lambda *_args, **_kwargs: store)
    assert look_up("df001", "df002", on_missing=on_missing) == [ACTIVE["df001"], ACTIVE["df002"]]
    for name, label in (("df003", "df003"), (RETIRED, "term 2")):
        with pytest.raises(AnsibleLookupError) as caught:
            look_up("df001", name, on_missing=on_missing)
        assert str(caught.value) == f"secret/{label} is deleted. Bring {label} back."


@pytest.mark.parametrize("fails", [False, True])
def test_the_store_is_closed_whatever_happens(
    look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    store = PartlyReadableStore("df003")
    monkeypatch.setattr(registry, "open_store", lambda *_args, **_kwargs: store)
    if fails:
        with pytest.raises(AnsibleLookupError):
            look_up("df003")
    else:
        look_up("df001")
    assert store.closed


def test_a_server_is_named_by_its_address_and_path(
    look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HashiVaultStore, "load", lambda _self, _names: {})
    monkeypatch.setenv("BAO_ADDR", "https://bao.example.com:8200")
    server = {"type": "hashi_vault", "token": TOKEN}
    for more, place in (({}, "secret/dataforest"), ({"mount_point": "kv", "secret_path": "team/df"}, "kv/team/df")):
        with pytest.raises(AnsibleLookupError) as caught:
            look_up("df001", store={**server, **more})
        assert f"The store https://bao.example.com:8200 ({place}) holds nothing for df001." in str(caught.value)


# ------------------------------------------------------------------------------------------------------ what is refused

SERVER = {"type": "hashi_vault", "url": "https://bao.example.com:8200", "token": TOKEN}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            {"stor": {"token": TOKEN}},
            "There is no option stor. Supported parameters include: on_missing, store, version.",
        ),
        ({"on_missing": "ignore"}, "value of on_missing must be one of: error, warn, skip, got: ********."),
        ({"version": TOKEN}, "value of version must be one of: active, previous, got: ********."),
        ({"store": None}, "store has no value."),
        ({"store": 7}, "store is not a dictionary."),
        ({"store": [TOKEN]}, "store is not a dictionary."),
        ({"store": TOKEN}, "store is not a dictionary. Write the options of store below it."),
        ({"store": {}}, "The store vault_file needs the option path, and it is not set."),
        ({"store": {"path": "p.yml", "colour": TOKEN}}, "There is no option store.colour."),
        ({"store": {"path": "p.yml", "token": TOKEN}}, "The store vault_file has no option 'token'."),
        ({"store": {"path": "p.yml", "vault_id": "other"}}, "this run has no secret. It has secrets for: default."),
        (
            {"store": {"path": "p.yml", "lock_timeout": TOKEN}},
            "store.lock_timeout is not valid: it must be a number from 0 to 86400.",
        ),
        ({"store": {"path": "nowhere/p.yml"}}, "nowhere. Make the folder, or correct path of the store."),
        ({"store": {**SERVER, "type": TOKEN}}, "value of type must be one of: vault_file, hashi_vault"),
        ({"store": {"path": ["p.yml", TOKEN]}}, "store.path is not a string: it is a list. Write one text."),
        ({"store": {"path": {"name": TOKEN}}}, "store.path is not a string: it is a dictionary. Write one text."),
        ({"store": {**SERVER, "token": 12345678}}, "token is not a string: YAML made it a number."),
        (
            {"store": {**SERVER, "token": f"{TOKEN}\n"}},
            "option token of the store hashi_vault is not valid: it has blanks",
        ),
        ({"store": {**SERVER, "url": f"https://me:{TOKEN}@bao.example.com"}}, "holds a user name or password"),
        ({"store": f"path=p.yml token={TOKEN}"}, "The store vault_file has no option 'token'."),
    ],
)
def test_mistakes_are_named_without_a_secret(
    look_up: Callable[..., list[str]], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("df001", **options)
    said = str(caught.value)
    assert why in said
    assert silent(said)
    assert "12345678" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ([], "No account is named. Give the names of the accounts before the options."),
        (["df001", 1001], "Term 2 is not a string. Give names of accounts, in quotes."),
        ([{"name": "df001", "password": TOKEN}], "Term 1 is not a string."),
        ([f"{RETIRED}/"], "Term 1 cannot be the name of an account. A name has 1 to 200 printable characters"),
        (["df001", ""], "Term 2 cannot be the name of an account."),
        (["df001", f"{RETIRED}\n"], "Term 2 cannot be the name of an account."),
        ([RETIRED], "holds nothing for term 1."),
        (["gone", "df001", RETIRED], "holds nothing for gone, term 3."),
        # The form of an id, and of a password.
        (["Zq7mVxCanary01", "20nAZnjbUNFdc7RsILlC3A"], "holds nothing for term 1, term 2."),
    ],
)
def test_terms_are_names(look_up: Callable[..., list[str]], terms: list[Any], why: str) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        look_up(*terms)
    assert why in str(caught.value)
    assert silent(str(caught.value))


def torn(path: Path, _loader: DataLoader) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def another_passphrase(_path: Path, loader: DataLoader) -> None:
    loader.set_vault_secrets([("default", VaultSecret(b"another passphrase"))])


def no_passphrase(_path: Path, loader: DataLoader) -> None:
    loader.set_vault_secrets([])


def plain(path: Path, _loader: DataLoader) -> None:
    path.write_text(f"password: {RETIRED}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (torn, "damaged"),
        (another_passphrase, "it is encrypted with another passphrase, or damaged"),
        (no_passphrase, "needs a vault secret, and this run has none"),
        (plain, "is not encrypted with Ansible Vault"),
    ],
)
@pytest.mark.parametrize("on_missing", ["error", "skip"])
def test_a_store_that_cannot_be_read_is_an_error(
    look_up: Callable[..., list[str]],
    loader: DataLoader,
    path: Path,
    harm: Callable[[Path, DataLoader], None],
    why: str,
    on_missing: str,
) -> None:
    harm(path, loader)
    with pytest.raises(AnsibleLookupError) as caught:
        look_up("df001", on_missing=on_missing)
    assert why in str(caught.value)
    assert silent(str(caught.value))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and everything that Ansible would print about what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_what_nobody_expected_is_reported_without_its_text(
    look_up: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_self: CountingStore, _names: Sequence[str]) -> Mapping[str, Stored]:
        raise ValueError(ACTIVE["df003"])

    monkeypatch.setattr(CountingStore, "load", load)
    monkeypatch.setattr(registry, "open_store", lambda *_args, **_kwargs: CountingStore())
    with pytest.raises(AnsibleLookupError, match="has a defect \\(ValueError in test_") as caught:
        look_up("df003")
    assert list(causes(caught.value)) == [caught.value]
    assert silent(str(caught.value))


def test_a_failure_seen_through_ansible_holds_our_sentence(template: Callable[..., Any], path: Path) -> None:
    with pytest.raises(AnsibleError) as caught:
        template(f"lookup({LOOKUP}, 'gone', store={{'path': 'dataforest.yml'}})")
    assert f"The store {path} holds nothing for gone." in str(caught.value)
    assert all(silent(f"{error} {error!r}") for error in causes(caught.value))


@pytest.mark.parametrize("expression", ["name_of_none", "'df001'"])
def test_a_variable_that_does_not_exist_is_named_by_ansible(
    template: Callable[..., Any], path: Path, expression: str
) -> None:
    store = {"path": str(path), "vault_id": "{{ id_of_none }}"}
    with pytest.raises(AnsibleUndefinedVariable, match=r"'(name|id)_of_none' is undefined"):
        template(f"lookup({LOOKUP}, {expression}, store=store)", store=store)


# ------------------------------------------------------------------------------------------------ what is documented


def assert_same(documentation: dict[str, Any], spec: dict[str, Any]) -> None:
    assert set(documentation) == set(spec)
    for name, option in spec.items():
        for key in ("type", "default", "choices"):
            assert documentation[name].get(key) == option.get(key), name
        assert bool(documentation[name].get("required")) == bool(option.get("required")), name
        if option.get("options"):
            assert_same(documentation[name]["suboptions"], option["options"])


def test_the_documentation_is_that_of_the_options(documented: Callable[[str], dict[str, Any]]) -> None:
    documentation = documented("dataforest_credential")
    options = documentation["options"]
    terms = options.pop("_terms")
    assert (terms["type"], terms["elements"], terms["required"]) == ("list", "str", True)
    assert_same(options, credential_spec())
    assert_same(options["store"]["suboptions"], registry.argument_spec())
    assert documentation["name"] == "dataforest_credential"
