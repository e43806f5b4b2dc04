# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The truth: settings, tenants, accounts, mails, the log of requests, the counters.

Everything here runs on the one event loop and never awaits, so it needs no locks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import time
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from . import VENDORS, checks
from .checks import Unsound
from .passwords import ECHOES, RULES
from .signatures import SolapiKey

# ---------------------------------------------------------------------------------------------------------- settings


@dataclass
class Settings:
    """How the vendors behave at present. Every field may be changed through `PUT /settings`."""

    # Both vendors
    # Seconds the simulator's clock is ahead of ours
    clock_offset: Annotated[float, checks.number(-checks.DECADES, checks.DECADES)] = 0.0
    latency: Annotated[float, checks.number(0)] = 0.0  # least number of seconds from a request to the vendor's answer
    log_requests: Annotated[bool, checks.boolean] = True  # false: benchmark mode, nothing kept per request

    # NAVER Cloud Data Forest
    ncp_skew: Annotated[float, checks.number(0)] = 300.0
    password_rule: Annotated[str, checks.one_of(*RULES)] = "current"
    echo_form: Annotated[str, checks.one_of(*ECHOES)] = "raw"
    raw_newline: Annotated[bool, checks.boolean] = False  # the line break inside the JSON string, as the page prints
    reject_next: Annotated[int, checks.whole(0)] = 0  # this many of the next resets are refused, whatever the password
    reject_reuse: Annotated[bool, checks.boolean] = False  # refuse the password that the account already has
    changing_seconds: Annotated[float, checks.number(0)] = 0.0  # for this long after a reset, the status is CHANGING
    created_key: Annotated[str, checks.one_of("createdAt", "createAt")] = "createdAt"
    disabled_type: Annotated[str, checks.one_of("boolean", "string")] = "boolean"
    error_code_type: Annotated[str, checks.one_of("string", "integer")] = "string"

    # NAVER Cloud STS
    sts_duration: Annotated[int, checks.whole(0)] = 0  # seconds for which new keys are valid; 0: as asked

    # SOLAPI
    solapi_skew: Annotated[float, checks.number(0)] = 900.0
    solapi_shape: Annotated[str, checks.one_of("old", "new")] = "new"
    # Addresses that the mail server refuses
    solapi_rejected: Annotated[list[str], checks.texts] = field(default_factory=list)
    solapi_denied_status: Annotated[int, checks.one_of(400, 403)] = 403  # 403 documented, 400 observed
    solapi_hash_id: Annotated[str | None, checks.optional(checks.text)] = None  # a fixed reset token


_SETTINGS = checks.Form("settings", Settings)

# ------------------------------------------------------------------------------------------------- tenants, accounts

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62_id(*parts: str) -> str:
    """22 characters, the same ones for the same parts in every run."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode("utf-8", "surrogatepass")).digest(), "big")
    digits = []
    for _index in range(22):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)


@dataclass
class Account:
    name: str
    id: str
    password: str
    status: str = "RUNNING"
    disabled: bool = False
    created_at: str = "2025-02-20T09:32:55+09:00"
    history: list[dict[str, Any]] = field(default_factory=list)  # every password applied: n, password, time
    changing_until: float = 0.0

    def current_status(self) -> str:
        return "CHANGING" if time.monotonic() < self.changing_until else self.status

    def truth(self) -> dict[str, Any]:
        return {"id": self.id, "password": self.password, "history": self.history}


@dataclass
class _NewAccount:
    """What `PUT /accounts` may say about one account."""

    name: Annotated[str, checks.text] = ""
    id: Annotated[str, checks.text] = ""
    password: Annotated[str, checks.text] = ""
    status: Annotated[str, checks.one_of("ACCEPTED", "RUNNING", "CHANGING")] = "RUNNING"
    disabled: Annotated[bool, checks.boolean] = False
    created_at: Annotated[str, checks.text] = "2025-02-20T09:32:55+09:00"


_NEW_ACCOUNT = checks.Form("account", _NewAccount)


class Accounts:
    """The accounts of one tenant, by name and by id."""

    def __init__(self, tenant: str, documents: list[dict[str, Any]]) -> None:
        self.by_name: dict[str, Account] = {}
        self.by_id: dict[str, Account] = {}
        for document in documents:
            name = document["name"]
            given = {**document, "id": document.get("id") or base62_id(tenant, name)}
            given["password"] = document.get("password") or f"Seeded-{name}-0"
            if name in self.by_name or given["id"] in self.by_id:
                raise Unsound(f"accounts: {name!r} or its id appears twice")
            account = Account(**given)
            self.by_name[name] = self.by_id[account.id] = account

    @classmethod
    def generated(cls, tenant: str, prefix: str, count: int) -> Accounts:
        width = max(3, len(str(count)))
        return cls(tenant, [{"name": f"{prefix}{n:0{width}}"} for n in range(1, count + 1)])

    @classmethod
    def listed(cls, tenant: str, documents: object) -> Accounts:
        if not isinstance(documents, list):
            raise Unsound("accounts must be a list")
        accounts = [_NEW_ACCOUNT.read(document) for document in documents]
        if not all(account.get("name") for account in accounts):
            raise Unsound("account: name is required")
        return cls(tenant, accounts)


@dataclass
class Tenant:
    name: str
    access_key: str
    secret_key: str
    accounts: Accounts
    read_only: bool = False
    main_account: bool = False  # STS makes no keys for it
    otp_device: str = ""  # the serial number of its second factor
    otp_code: str = ""  # what that shows now; it counts once

    def keys(self) -> dict[str, str]:
        return {"access_key": self.access_key, "secret_key": self.secret_key}


@dataclass
class ShortLivedKeys:
    """Keys that STS has made for a tenant. Times are those of the vendors' clock."""

    tenant: str
    access_key: str
    secret_key: str
    created_at: float
    expires_at: float
    mfa: bool

    def truth(self, now: float) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "expired": self.expires_at <= now}


def seeded_tenants() -> dict[str, Tenant]:
    default = Accounts.generated("default", "df", 5)
    other = Accounts.listed("other", [{"name": "team-a"}, {"name": "team-b"}])
    return {
        "default": Tenant("default", "SIMULATORACCESSKEY01", "simulator-secret-key-0000000000000000001", default),
        "other": Tenant("other", "SIMULATORACCESSKEY02", "simulator-secret-key-0000000000000000002", other),
        "readonly": Tenant(
            "readonly", "SIMULATORACCESSKEY03", "simulator-secret-key-0000000000000000003", default, read_only=True
        ),
    }


def seeded_solapi_keys() -> dict[str, SolapiKey]:
    return {
        "default": SolapiKey("default", "SIMULATORAPIKEY1", "SIMULATORAPISECRET00000000000001"),
        # 203.0.113.0/24 is reserved for documentation, so no request comes from there.
        "restricted": SolapiKey("restricted", "SIMULATORAPIKEY2", "SIMULATORAPISECRET00000000000002", ("203.0.113.9",)),
    }


@dataclass
class _NewTenant:
    """What `PUT /tenants` may say about one tenant."""

    name: Annotated[str, checks.text] = ""
    access_key: Annotated[str, checks.utf8] = ""
    secret_key: Annotated[str, checks.utf8] = ""
    read_only: Annotated[bool, checks.boolean] = False
    main_account: Annotated[bool, checks.boolean] = False
    otp_device: Annotated[str, checks.text] = ""
    otp_code: Annotated[str, checks.text] = ""
    accounts_of: Annotated[str, checks.text] = ""  # share the accounts of this tenant


@dataclass
class _ManyTenants:
    """What `PUT /tenants` may say about many new tenants. Their keys and accounts are derived from their names."""

    count: Annotated[int, checks.whole(0, 100_000)] = 0
    prefix: Annotated[str, checks.text] = "t"
    accounts: Annotated[int, checks.whole(0, 1000)] = 1  # of each tenant

    def tenants(self) -> Iterator[Tenant]:
        for name in (f"{self.prefix}{number:05}" for number in range(1, self.count + 1)):
            names = [name] if self.accounts == 1 else [f"{name}-{number}" for number in range(1, self.accounts + 1)]
            key, secret = base62_id("access key", name)[:20], (base62_id("secret key", name) * 2)[:40]
            yield Tenant(name, key, secret, Accounts(name, [{"name": each} for each in names]))


@dataclass
class _Expiry:
    """What `POST /expire` may say: whose short-lived keys expire now, which are all by default."""

    tenant: Annotated[str, checks.text] = ""


@dataclass
class _NewSolapiKey:
    """What `PUT /solapi-keys` may say about one key."""

    name: Annotated[str, checks.text] = ""
    api_key: Annotated[str, checks.utf8] = ""
    api_secret: Annotated[str, checks.utf8] = ""
    allowed_ips: Annotated[list[str], checks.texts] = field(default_factory=list)


_NEW_TENANT = checks.Form("tenant", _NewTenant)
_MANY_TENANTS = checks.Form("tenants", _ManyTenants)
_EXPIRY = checks.Form("expire", _Expiry)
_NEW_SOLAPI_KEY = checks.Form("SOLAPI key", _NewSolapiKey)

# ----------------------------------------------------------------------------------------------------------- records


@dataclass
class VendorCounters:
    requests: int = 0
    writes: int = 0
    by_operation: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    denied: int = 0
    in_flight: int = 0
    peak: int = 0  # the most requests that were ever in flight together

    def truth(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "by_operation": dict(self.by_operation)}


class State:
    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._landing: list[Callable[[], bool]] = []
        self.generation = 0
        self._fresh()

    def _fresh(self) -> None:
        self.settings = Settings()
        self.tenants = seeded_tenants()
        self._index_tenants()
        self.solapi_keys = seeded_solapi_keys()
        self.counters = {vendor: VendorCounters() for vendor in VENDORS}
        self.trap_requests = 0
        self.requests: list[dict[str, Any]] = []
        self.trapped: list[dict[str, Any]] = []
        self.mails: list[dict[str, Any]] = []
        self.short_lived: dict[str, ShortLivedKeys] = {}
        self.spent_codes: set[tuple[str, str]] = set()
        self.seen_signatures: dict[str, float] = {}
        self._order = 0

    def reset(self) -> None:
        """Restore the initial state. Writes that are still on their way are dropped."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._landing.clear()
        self.generation += 1
        self._fresh()
        self.changed()

    def now(self) -> float:
        """The time by the clock of the vendors."""
        return time.time() + self.settings.clock_offset

    # ------------------------------------------------------------------------------------------------------- writes

    def set_password(self, tenant: Tenant, account: Account, password: str) -> None:
        account.password = password
        account.history.append({"n": self._next(), "password": password, "time": time.time(), "tenant": tenant.name})
        if self.settings.changing_seconds:
            account.changing_until = time.monotonic() + self.settings.changing_seconds
        self._wrote("ncp")

    def make_keys(self, keys: ShortLivedKeys, code: str) -> None:
        """Let keys be valid from now on. A code of a second factor counts once."""
        self.short_lived[keys.access_key] = keys
        self.spent_codes |= {(keys.tenant, code)} if code else set()
        self._wrote("ncp")

    def send_mail(self, email: str, sent: dict[str, Any]) -> None:
        self.mails.append({"n": self._next(), "email": email, "time": time.time(), **sent})
        self._wrote("solapi")

    def land(self) -> int:
        """Let every write that is still on its way land now, and return how many there were."""
        landing, self._landing = self._landing, []
        return sum(write() for write in landing)

    def land_later(self, write: Callable[[], bool], delay: float) -> None:
        """Apply `write` after `delay` seconds or, without a delay, when `land` is called."""
        self._landing.append(write)
        if delay:
            self._timers.add(asyncio.get_running_loop().call_later(delay, write))

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _wrote(self, vendor: str) -> None:
        self.counters[vendor].writes += 1
        self.changed()

    # ------------------------------------------------------------------------------------------- changes from outside

    def change_settings(self, document: object) -> None:
        self.settings = dataclasses.replace(self.settings, **_SETTINGS.read(document))
        self.changed()

    def change_accounts(self, document: object) -> Tenant:
        if not isinstance(document, dict):
            raise Unsound("accounts: must be a JSON object")
        name = document.get("tenant", "default")
        tenant = self.tenants.get(name) if isinstance(name, str) else None
        if tenant is None:
            raise Unsound(f"accounts: there is no tenant {name!r}")
        unknown = set(document) - {"tenant", "count", "prefix", "accounts"}
        if unknown or ("count" in document) == ("accounts" in document):
            raise Unsound("accounts: give tenant and either count (with prefix) or accounts, nothing else")
        if "accounts" in document:
            accounts = Accounts.listed(tenant.name, document["accounts"])
        else:
            count = checks.whole(0, 1_000_000)(document["count"])
            accounts = Accounts.generated(tenant.name, checks.text(document.get("prefix", "df")), count)
        shared = tenant.accounts
        for each in self.tenants.values():  # whoever saw the old ones sees the new ones
            if each.accounts is shared:
                each.accounts = accounts
        return tenant

    def change_tenants(self, document: object) -> None:
        """Add or change one tenant or, with `count`, make many new ones."""
        if isinstance(document, dict) and "count" in document:
            made = _ManyTenants(**_MANY_TENANTS.read(document)).tenants()
            self.tenants.update((tenant.name, tenant) for tenant in made)
        else:
            self._change_tenant(document)
        self._index_tenants()

    def expire(self, document: object) -> int:
        """Let short-lived keys expire now, and return how many are left that have not."""
        tenant, now = _Expiry(**_EXPIRY.read(document)).tenant, self.now()
        for keys in self.short_lived.values():
            if tenant in ("", keys.tenant):
                keys.expires_at = min(keys.expires_at, now)
        return sum(keys.expires_at > now for keys in self.short_lived.values())

    def secret_keys(self) -> Mapping[str, str]:
        """The secret keys of all access keys that are valid now."""
        now = self.now()
        live = {key: keys.secret_key for key, keys in self.short_lived.items() if keys.expires_at > now}
        return ChainMap(live, self.known_keys) if live else self.known_keys

    def tenant_of(self, access_key: str) -> Tenant:
        """The tenant that a valid access key belongs to."""
        keys = self.short_lived.get(access_key)
        return self.tenants[keys.tenant] if keys else self.tenants_by_key[access_key]

    def _index_tenants(self) -> None:
        self.tenants_by_key = {tenant.access_key: tenant for tenant in self.tenants.values()}
        self.known_keys = {tenant.access_key: tenant.secret_key for tenant in self.tenants.values()}

    def _change_tenant(self, document: object) -> None:
        given = _NEW_TENANT.read(document)
        if not given.get("name"):
            raise Unsound("tenant: name is required")
        old = self.tenants.get(given["name"])
        shared = given.pop("accounts_of", "")
        if shared and shared not in self.tenants:
            raise Unsound(f"tenant: there is no tenant {shared!r} whose accounts to share")
        if old is None and not (given.get("access_key") and given.get("secret_key")):
            raise Unsound("tenant: a new one needs access_key and secret_key")
        accounts = self.tenants[shared].accounts if shared else old.accounts if old else Accounts(given["name"], [])
        if old is None:
            self.tenants[given["name"]] = Tenant(**given, accounts=accounts)
        else:
            self.tenants[given["name"]] = dataclasses.replace(old, **given, accounts=accounts)

    def change_solapi_key(self, document: object) -> None:
        given = _NEW_SOLAPI_KEY.read(document)
        if not given.get("name"):
            raise Unsound("SOLAPI key: name is required")
        if "allowed_ips" in given:
            given["allowed_ips"] = tuple(given["allowed_ips"])
        old = self.solapi_keys.get(given["name"])
        if old is None and not (given.get("api_key") and given.get("api_secret")):
            raise Unsound("SOLAPI key: a new one needs api_key and api_secret")
        self.solapi_keys[given["name"]] = SolapiKey(**given) if old is None else dataclasses.replace(old, **given)

    # ------------------------------------------------------------------------------------------------------ out of band

    def truth(self) -> dict[str, Any]:
        """Every account once. A tenant that only sees the accounts of another one does not repeat them."""
        accounts: dict[str, dict[str, Any]] = {}
        told: set[int] = set()
        for tenant in self.tenants.values():
            if id(tenant.accounts) not in told:
                told.add(id(tenant.accounts))
                accounts[tenant.name] = {name: a.truth() for name, a in tenant.accounts.by_name.items()}
        now = self.now()
        keys = [keys.truth(now) for keys in self.short_lived.values()]
        return {"accounts": accounts, "mails": self.mails, "short_lived_keys": keys}

    def counted(self) -> dict[str, Any]:
        vendors = {vendor: counters.truth() for vendor, counters in self.counters.items()}
        return {**vendors, "trap": {"requests": self.trap_requests}}

    # ------------------------------------------------------------------------------------------------------ waiting

    def changed(self) -> None:
        """Wake everybody who waits for something to happen."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, true: Callable[[], bool], timeout: float) -> bool:
        """Tell whether `true` holds within `timeout` seconds. Looks again whenever something happened."""
        try:
            async with asyncio.timeout(timeout):
                while not true():
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            return False
        return True
