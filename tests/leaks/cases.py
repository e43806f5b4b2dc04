# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that each of our plugins and roles can meet: one function for each, which writes its cases to a script."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from leaks.canaries import CANARIES, PASSWORDS
from leaks.script import NAMESPACE, Script
from leaks.stage import INTERPOSED
from support.simulator.passwords import ECHOES
from tooling import house

SUCCESS, VENDOR, LOST, TLS, LIBRARY, MISTAKE, STORE, HOOK = (
    "success",
    "vendor's refusal",
    "no whole answer",
    "TLS failure",
    "missing library",
    "mistaken option",
    "store",
    "failing hook",
)
EXCEPTION, INTERRUPTED = "exception", "Ctrl-C"
INTERPRETER, CONNECTION = "interpreter", "connection"
ENVELOPES = ("a", "b", "spring", "html", "text")
STATUSES = (200, 400, 403, 404, 500)
# With a `requests` that cannot be imported. In the environment of a task, this is for its module, and in that of a run,
# for everything.
WITHOUT_LIBRARIES = {"PYTHONPATH": f"{Path(__file__).parent / 'absent'}:{INTERPOSED}"}


def quotes(*secrets: str, longest: int = 250) -> list[str]:
    """Messages that quote secrets in all forms that vendors are known to use, none of them too long to be shown."""
    messages = [""]
    for echo in ECHOES.values():
        for secret in secrets:
            if len(messages[-1]) + len(echo(secret)) > longest:
                messages.append("")
            messages[-1] += f"'{echo(secret)}' "
    return messages


def ncp_dataforest_password(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_password")
    first = "{{ password0 }}"

    def one(**fault: Any) -> dict[str, Any]:
        return {**script.tenant(**fault), "name": "df001", "password": first}

    def many(count: int) -> dict[str, Any]:
        options = script.tenant()
        tenant = options["access_key"].removeprefix("AccessKey")
        script.simulator.accounts(tenant=tenant, count=count, prefix="df")
        passwords = [f"{{{{ password{at % len(PASSWORDS)} }}}}" for at in range(count)]
        options["accounts"] = [{"name": f"df{at:03}", "password": each} for at, each in enumerate(passwords, 1)]
        return options

    reset = {"operation": "resetPassword"}
    with script.on(SUCCESS):
        task(one(), says='"outcome": "reset"', fails=False)
        task(one(), says='"outcome": "reset"', fails=False, check_mode=True)
        task(one(), says='"outcome": "reset"', fails=False, **{"async": 30, "poll": 1})
        task({**many(8), "wire_format": "xml"}, fails=False)
        task(
            {**one(), "api_url": script.simulator.ncp_tls_url, "validate_certs": False},
            says="not verified",
            fails=False,
        )
    with script.on(VENDOR):
        for wire_format in ("json", "xml"):
            options = many(len(ECHOES) * len(PASSWORDS))
            tenant = options["access_key"].removeprefix("AccessKey")
            for echo in ECHOES:
                echoed = {"kind": "status", "status": 400, "envelope": "a", "echo": echo, "times": len(PASSWORDS)}
                script.fault("ncp", {"tenant": tenant}, **reset, **echoed)
            task({**options, "wire_format": wire_format}, says=f"{len(options['accounts'])} rejected")
        options = many(len(ENVELOPES) * len(STATUSES) * len(PASSWORDS))
        tenant = options["access_key"].removeprefix("AccessKey")
        for envelope in ENVELOPES:
            for status in STATUSES:
                echoed = {
                    "kind": "status",
                    "status": status,
                    "envelope": envelope,
                    "echo": "raw",
                    "times": len(PASSWORDS),
                }
                script.fault("ncp", {"tenant": tenant}, **reset, **echoed)
        task(options, says="accounts were not reset")
        task(one(**reset, kind="reject", echo="raw"), says="df001: NAVER Cloud rejected the request (HTTP 400)")
        task(one(**reset, kind="ansi", echo="raw"), says="NAVER Cloud")
        task(one(**reset, kind="bad_utf8", echo="raw"), says="NAVER Cloud")
        for message in script.few(quotes(CANARIES["secret_key"])):
            task(one(operation="getList", kind="status", status=403, message=message), says="403")
        task({**one(), "secret_key": "{{ secret_key }}x"}, says="authentication")
        task(one(**reset, kind="status", status=429, message=CANARIES["password0"]), says="429")
    with script.on(LOST):
        task(one(**reset, kind="torn", at="after"), says="unknown")
        task(one(**reset, kind="torn_json", at="after"), says="unknown")
        task(one(**reset, kind="drop", at="after"), says="unknown")
        task(one(operation="getList", kind="reset"), says="transport")
        task({**one(**reset, kind="hang"), "timeout": 1}, says="unknown")
    with script.on(TLS):
        for url in ("tls_self_signed_url", "tls_expired_url", "tls_wrong_host_url"):
            task({**one(), "api_url": getattr(script.simulator, url)}, says="its TLS certificate")
        task({**one(), "api_url": script.simulator.ncp_url.replace("http:", "https:")}, says="TLS")
    with script.on(LIBRARY):
        task(one(), says="required Python library (requests)", environment=WITHOUT_LIBRARIES)
    with script.on(MISTAKE):
        for wrong in (
            {"name": "df001", "pasword": first},
            {"name": "df001", "password": [first]},
            {"name": "df001", "password": {"value": first}},
            {"name": "df001", "password": first, "id": "0", "accounts": []},
            {"name": "df001", "password": "{{ password0 }}{{ password1 }}"},
            {"name": "df001", "password": "{{ password_refused }}"},
            {"name": first, "password": first},
            {"accounts": "{{ [password0, password1] }}"},
            {"accounts": [first]},
            {"accounts": first},
            {"accounts": [{"name": "df001", "pasword": first}]},
            {"accounts": [{"name": "df001", "password": [first]}]},
            {"accounts": [{"name": "df001", "password": first, "secret": "{{ password1 }}"}]},
            {"accounts": "{{ [{'name': 'df001', 'pasword': password0}] | to_json }}"},
            {"name": "df001", "password": first, "concurrency": first},
            {"name": "df001", "password": first, "wire_format": first},
            {"name": "df001", "password": first, "validate_certs": "{{ secret_key }}"},
            {"name": "df001", "password": first, "ca_path": "{{ secret_key }}", "api_url": "https://127.0.0.1:9"},
            {"name": "df001", "password": first, "profile": "{{ secret_key }}"},
            {"name": "df001", "password": first, "api_url": "https://user:{{ password1 | urlencode }}@example.com"},
            {"name": "df001", "password": first, "api_url": "https://example.com/?key={{ secret_key }}"},
            {"name": "df001", "password": first, "secret_key": "{{ secret_key }}\n"},
            {"name": "df001", "password": first, "secret_key": ["{{ secret_key }}"]},
            {"name": "df001", "password": first, "{{ secret_key }}": first},
        ):
            task({**script.tenant(), **wrong}, says="failed")


def ncp_dataforest_account_info(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_account_info")
    key = "{{ secret_key }}"
    with script.on(SUCCESS):
        task(script.tenant(), says="df005", fails=False)
        task(script.tenant(), says="df005", fails=False, **{"async": 30, "poll": 1})
        task({"tenants": [script.tenant(), script.tenant()]}, says="df005", fails=False)
    with script.on(VENDOR):
        for message in script.few(quotes(CANARIES["secret_key"])):
            task(script.tenant(kind="status", status=401, message=message), says="401")
            task(script.tenant(kind="status", status=500, message=message), says="500")
            of_one = script.tenant(kind="status", status=401, message=message)
            task({"tenants": [script.tenant(), of_one]}, says="1 of 2 tenants could not be listed")
        task({**script.tenant(), "secret_key": f"{key}x"}, says="authentication")
    with script.on(LOST):
        for kind in ("torn", "torn_json", "drop"):
            task(script.tenant(kind=kind), says="failed")
        task({**script.tenant(kind="hang"), "timeout": 1}, says="no answer within")
        task({"tenants": [script.tenant(kind="torn"), script.tenant()], "retries": 0}, says="1 of 2 tenants")
    with script.on(TLS):
        task({**script.tenant(), "api_url": script.simulator.tls_self_signed_url}, says="its TLS certificate")
    with script.on(LIBRARY):
        task(script.tenant(), says="required Python library (requests)", environment=WITHOUT_LIBRARIES)
    with script.on(MISTAKE):
        for wrong in (
            {"secret": key},
            {"secret_key": [key]},
            {"secret_key": {"value": key}},
            {"access_key": key},
            {"profile": key},
            {"config_file": key, "profile": "other"},
            {"retries": key},
            {"tenants": [{"profile": "other"}]},
        ):
            task({**script.tenant(), **wrong}, says="failed")
        for beside in (
            key,
            {"profile": key},
            {"profile": [key]},
            {"access_key": key},
            {"access_key": key, "secret_key": key},
            {"access_key": "another", "secret_key": [key]},
            {"access_key": "another", "secret": key},
            {"access_key": "another", "secret_key": key, "profile": key},
            {"access_key": "", "secret_key": key},
            {"access_key": "another", "secret_key": ""},
            {"profile": ""},
        ):
            task({"tenants": [script.tenant(), beside]}, says="failed")
        for filter_option in ("name", "id"):
            task({**script.tenant(), filter_option: key}, says='"accounts": []', fails=False)


def ncp_sts_credentials(script: Script) -> None:
    task = partial(script.task, "ncp_sts_credentials", register="sts")
    device = {"serial_number": "0012-device", "token_code": "{{ token_code }}"}

    def with_device() -> dict[str, Any]:
        options = script.tenant()
        name = options["access_key"].removeprefix("AccessKey")
        script.simulator.tenant(name, otp_device=device["serial_number"], otp_code=CANARIES["token_code"])
        return {**options, **device}

    with script.on(SUCCESS):
        task(script.tenant(), says="censored", fails=False)
        task(with_device(), says="censored", fails=False, check_mode=True)
        task({**with_device(), "duration": "{{ item }}"}, says="censored", fails=False, loop=["600"])
        script.task(
            "ncp_dataforest_account_info",
            {"access_key": "{{ sts.results[0].access_key }}", "secret_key": "{{ sts.results[0].secret_key }}"},
            says="df001",
            fails=False,
        )
        task(script.tenant(), says="censored", until="sts.secret_key is none", retries=1, delay=0)
        task(script.tenant(), says="censored", failed_when=True)
        task(
            {**script.tenant(), "api_url": script.simulator.ncp_tls_url, "validate_certs": False},
            says="not verified",
            fails=False,
        )
    with script.on(VENDOR):
        task({**script.tenant(), **device}, says="one time pass code")
        echoes = quotes(CANARIES["secret_key"], CANARIES["token_code"])
        for envelope in ENVELOPES:
            for status in script.few(STATUSES[1:]):
                trouble = {"kind": "status", "status": status, "envelope": envelope, "message": echoes[0]}
                task({**script.tenant(**trouble), **device}, says=str(status))
        for message in script.few(echoes):
            task({**script.tenant(kind="status", status=403, message=message), **device}, says="403")
        task({**script.tenant(), "secret_key": "{{ secret_key }}x"}, says="authentication")
        task(script.tenant(kind="status", status=429, message=CANARIES["secret_key"]), says="429")
    with script.on(LOST):
        for kind in ("torn", "torn_json", "drop"):
            task(script.tenant(kind=kind, at="after"), says="NAVER Cloud" if kind == "torn_json" else "transport")
        task({**script.tenant(kind="hang"), "timeout": 1}, says="transport")
    with script.on(TLS):
        for url in ("tls_self_signed_url", "tls_expired_url", "tls_wrong_host_url"):
            task({**script.tenant(), "api_url": getattr(script.simulator, url)}, says="its TLS certificate")
    with script.on(MISTAKE):
        tenant = script.tenant()
        for wrong in (
            {"duration": "{{ secret_key }}"},
            {"token_code": "{{ secret_key }}", "serial_number": "1"},
            {"token_code": "{{ token_code }}"},
            {"token_code": ["{{ token_code }}"], "serial_number": "1"},
            {"token_cod": "{{ token_code }}"},
            {"serial_number": "{{ secret_key }}\n", "token_code": "{{ token_code }}"},
            {"serial_number": ["{{ secret_key }}"], "token_code": "{{ token_code }}"},
            {"profile": "{{ secret_key }}"},
            {"config_file": "{{ secret_key }}", "access_key": ""},
            {"timeout": "{{ secret_key }}"},
            {"validate_certs": "{{ secret_key }}"},
            {"ca_path": "{{ secret_key }}", "api_url": "https://127.0.0.1:9"},
            {"api_url": "https://user:{{ secret_key | urlencode }}@example.com"},
            {"secret": "{{ secret_key }}"},
        ):
            task({**tenant, **wrong}, says="failed")
        task(tenant, says="async", fails=True, **{"async": 10})


def solapi_password_reset(script: Script) -> None:
    task = partial(script.task, "solapi_password_reset")
    secret, token = CANARIES["api_secret"], CANARIES["hash_id"]

    def mail(**fault: Any) -> dict[str, Any]:
        return {"email": script.address(**fault)}

    with script.on(SUCCESS):
        task(mail(), says="accepted", fails=False)
        task(mail(), fails=False, check_mode=True)
        task(mail(), says="accepted", fails=False, **{"async": 30, "poll": 1})
        task({**mail(), "store": script.vault_file(), "min_interval": "30d"}, says="accepted", fails=False)
        stored = {**mail(), "store": script.hashi_vault(), "min_interval": "30d"}
        task(stored, says="accepted", fails=False)
        task(stored, says='"changed": false', fails=False)
    with script.on(VENDOR):
        for message in script.few(quotes(secret)):
            task(mail(kind="status", status=403, message=message), says="403")
            task(mail(kind="status", status=500, message=message), says="500")
            task(mail(kind="says_no", message=message), says="HTTP 200")
        for status in (200, 400, 500):
            answer = {"errorCode": "Odd", "errorMessage": f"No mail for {token}", "hashId": token}
            task(mail(kind="status", status=status, body=answer), says=str(status))
        task({**mail(), "api_secret": "{{ api_secret }}x"}, says="SOLAPI")
    with script.on(LOST):
        for kind in ("torn", "torn_json", "drop"):
            task(mail(kind=kind, at="after"), says="unknown")
        task({**mail(kind="hang"), "timeout": 1}, says="unknown")
        lost = {**mail(kind="torn_json", at="after"), "store": script.vault_file(), "min_interval": "30d"}
        task(lost, says="unknown")
    with script.on(TLS):
        url = {"api_url": script.simulator.tls_self_signed_url}
        task({**mail(), **url}, says="its TLS certificate")
        task({**mail(), **url, "store": script.vault_file(), "min_interval": "30d"}, says="its TLS certificate")
    with script.on(LIBRARY):
        task(mail(), says="required Python library (requests)", environment=WITHOUT_LIBRARIES)
    with script.on(MISTAKE):
        key = "{{ api_secret }}"
        wrong: list[dict[str, Any]] = [
            {"secret": key},
            {"min_interval": key},
            {"api_secret": [key]},
            {"api_secret": {"value": key}},
            {"api_key": key},
            {"email": key},
            {"email": [key]},
            {"deadline": key},
        ]
        for options in wrong:
            task({**mail(), **options}, says="failed")
        for options in script.few(wrong):
            task({**mail(), "store": script.vault_file(), "min_interval": "30d", **options}, says="failed")
    with script.on(STORE):
        for store in script.few(troubled_stores(script)):
            task({**mail(), "store": store, "min_interval": "30d"}, says="failed")


def ncp_dataforest_rotation(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_rotation")
    two = [{"name": "df001"}, {"name": "df002"}]

    def rotation(store: Any = None, **fault: Any) -> dict[str, Any]:
        return {
            **script.tenant(**fault),
            "store": store or script.vault_file(),
            "accounts": two,
            "new_accounts": "rotate",
        }

    reset = {"operation": "resetPassword", "times": 6}
    with script.on(SUCCESS):
        for store in script.few([script.hashi_vault(), script.vault_file()], 1):
            options = rotation(store)
            task(options, fails=False, check_mode=True)
            task(options, says='"rotated": 2', fails=False)
            task({**options, "force": True}, says='"rotated": 2', fails=False)
            task(options, says='"fresh": 2', fails=False)
        of_tenants = {"new_accounts": "rotate", "store": script.vault_file(), "tenants": [script.tenant()]}
        task(of_tenants, says='"rotated": 5', fails=False)
    with script.on(VENDOR):
        for kind in script.few(["reject", "ansi", "bad_utf8", "success_false"]):
            task(rotation(**reset, kind=kind, echo="raw"), says="2 of 2 accounts need attention")
        task({**rotation(**reset, kind="reject", echo="xml"), "wire_format": "xml"}, says="2 rejected")
        for message in script.few(quotes(CANARIES["secret_key"])):
            task(rotation(operation="getList", kind="status", status=403, message=message, times=0), says="403")
            tenants = [script.tenant(operation="getList", kind="status", status=403, message=message), script.tenant()]
            task({"new_accounts": "rotate", "store": script.vault_file(), "tenants": tenants}, says="1 failed")
        task(rotation(script.hashi_vault(), **reset, kind="status", status=500, echo="raw"), says="2 unknown")
        task({**rotation(), "secret_key": "{{ secret_key }}x"}, says="authentication")
    with script.on(LOST):
        for store in script.few([script.vault_file(), script.hashi_vault()], 1):
            options = rotation(store, operation="resetPassword", times=2, kind="torn_json", at="after")
            task(options, says="2 unknown")
            task(options, says='"resumed": 2', fails=False)
        task({**rotation(**reset, kind="hang"), "timeout": 1}, says="2 unknown")
    with script.on(TLS):
        task({**rotation(), "api_url": script.simulator.tls_self_signed_url}, says="its TLS certificate")
    with script.on(LIBRARY):
        task(rotation(), says="required Python library (requests)", environment=WITHOUT_LIBRARIES)
    with script.on(MISTAKE):
        for wrong in (
            {"pasword": "{{ password0 }}"},
            {"secret_key": ["{{ secret_key }}"]},
            {"accounts": "{{ secret_key }}"},
            {"accounts": ["{{ secret_key }}"]},
            {"accounts": [{"name": "df001", "secret": "{{ secret_key }}"}]},
            {"accounts": [{"name": "df001", "secret_key": ["{{ secret_key }}"]}]},
            {"tenants": ["{{ secret_key }}"]},
            {"tenants": [{"profile": "{{ secret_key }}"}]},
            {"tenants": [{"access_key": "{{ secret_key }}", "secret_key": "{{ secret_key }}"}]},
            {"max_age": "{{ secret_key }}"},
            {"password_length": "{{ secret_key }}"},
            {"wire_format": "{{ secret_key }}"},
            {"jitter": "{{ secret_key }}"},
        ):
            task({**rotation(), **wrong}, says="failed")
        tenants = [{"access_key": "", "secret_key": "{{ secret_key }}"}, {"profile": "{{ secret_key }}"}]
        task({"store": script.vault_file(), "tenants": tenants}, says="2 failed")
        for store in script.few(mistaken_stores(script)):
            task({**rotation(), "store": store}, says="failed")
    with script.on(STORE):
        for store in script.few(troubled_stores(script)):
            task(rotation(store), says="failed")
        for store in script.few(talkative_stores(script, "password1", "password2", "password3")):
            task(rotation(store), says="its command on_save ended with exit status 1, saying: ")


def ncp_dataforest_publication(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_publication")
    rows = [{"name": "df001", "rotation_id": "r1"}]
    with script.on(SUCCESS):
        task({"store": script.vault_file(df001=envelope()), "accounts": rows}, says='"published": true', fails=False)
        store = script.hashi_vault()
        place = f"secret/data/{store['secret_path']}/df001"
        script.openbao.do("POST", place, {"data": envelope()})
        task({"store": store, "accounts": rows}, says='"published": true', fails=False)
    with script.on(MISTAKE):
        store = script.vault_file(df001=envelope())
        task({"store": store, "accounts": [{"name": "df009", "rotation_id": "r1"}]}, says="not_found")
        for wrong in (
            {"secret_key": "{{ secret_key }}"},
            {"accounts": "{{ password0 }}"},
            {"accounts": ["{{ password0 }}"]},
            {"accounts": [{"name": "{{ password0 }}", "rotation_id": "r1"}]},
        ):
            task({"store": store, "accounts": rows, **wrong}, says="failed")
        for mistaken in script.few(mistaken_stores(script)):
            task({"store": mistaken, "accounts": rows}, says="failed")
    with script.on(STORE):
        for troubled in script.few(troubled_stores(script)):
            task({"store": troubled, "accounts": rows}, says="failed")


def ncp_dataforest_rotation_report(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_rotation_report")
    path = str(script.stage.folder / "reports" / "module")
    with script.on(SUCCESS):
        task({"path": path, "state": "unfinished"}, says="started_at", fails=False)
        task({"path": path, "accounts": [{**account(), "reason": "It failed."}]}, says="started_at", fails=False)
    with script.on(MISTAKE):
        for wrong in (
            {"secret_key": "{{ secret_key }}"},
            {"accounts": "{{ password0 }}"},
            {"accounts": ["{{ password0 }}"]},
            {"state": "{{ password0 }}"},
            {"path": ["{{ password0 }}"]},
        ):
            task({"path": path, **wrong}, says="failed")


def account() -> dict[str, Any]:
    """A row of a report."""
    names = ("id", "profile", "access_key", "reason", "remedy", "published", "rotation_id", "rotated_at", "next_due_at")
    known = {"name": "df001", "outcome": "failed", "attention": True, "hand_over": "none"}
    return {**dict.fromkeys(names), **known, "reason": "", "remedy": ""}


def ncp_dataforest_credential(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_credential")
    first, refused, far = "{{ password0 }}", "{{ password_refused }}", "2999-01-01T00:00:00Z"

    def one(store: Any = None, **options: Any) -> dict[str, Any]:
        known = {"name": "df001", "password": first, "rotated_at": "now"}
        return {"store": store or script.vault_file(), **known, **options}

    def settled(at: str) -> dict[str, Any]:
        return {**envelope(), "pending": [], "hold": {"until": far, "reason": f"It is {CANARIES[at]}"}}

    with script.on(SUCCESS):
        for store in (script.vault_file(), script.hashi_vault()):
            task(one(store), says='"adopted": 1', fails=False, check_mode=True, diff=True)
            task(one(store), says='"adopted": 1', fails=False, diff=True)
            task(one(store), says='"unchanged": 1', fails=False)
            task({"store": store, "name": "df001", "hold_until": far, "hold_reason": "audit"}, says=far, fails=False)
            task(one(store, password="{{ password1 }}", force=True), says='"adopted": 1', fails=False, diff=True)
            task({"store": store, "name": "df001", "state": "absent"}, says='"forgotten": 1', fails=False, diff=True)
        known = [{"name": f"df00{at}", "password": f"{{{{ password{at} }}}}"} for at in range(4)]
        many = {"store": script.vault_file(), "credentials": known, "rotated_at": "unknown"}
        task(many, says='"adopted": 4', fails=False)
        task(one(password=refused), says="breaks the published rules", fails=False)
        # A reason that somebody has written past the module.
        written = script.vault_file(df001=settled("password1"))
        task({"store": written, "name": "df001", "profile": "team"}, says="neither a password nor hold_until")
        task(one(written, password="{{ password1 }}"), says='"held_until"', fails=False)
        task({"store": written, "name": "df001", "hold_until": "now"}, says='"updated": 1', fails=False, diff=True)
        pending = {"store": script.vault_file(df001=envelope()), "name": "df001", "state": "absent", "force": True}
        task(pending, says='"forgotten": 1', fails=False, check_mode=True, diff=True)
        task(pending, says='"forgotten": 1', fails=False, diff=True)
    with script.on(MISTAKE):
        task(one(script.vault_file(df001=envelope())), says="is pending, and may be the live one")
        task(one(script.vault_file(df001=settled("password1"))), says="has another password for df001")
        task(one(script.vault_file(df001=settled("password3")), password="{{ password3 }}"), says="replaced since")
        whose = {**envelope(), "account": {"id": "20nAZnjb", "name": "df001", "profile": None}}
        task(one(script.vault_file(df001=whose), id="another"), says="under another id (20nAZnjb)")
        task(one(script.vault_file(df001=whose), password=None, state="absent"), says="Give its id (20nAZnjb)")
        half = script.vault_file(df001={"forgotten": True})
        task(one(half), says="was told to forget df001")
        absent = {"store": script.vault_file(df001=envelope()), "name": "df001", "state": "absent"}
        task(absent, says="is pending, and may be the live one")
        task({**one(), "hold_until": far, "hold_reason": f"It is {first}!"}, says="holds a password of the account")
        for wrong in (
            {"pasword": first},
            {"password": [first]},
            {"password": {"value": first}},
            {"name": first},
            {"id": first},
            {"rotated_at": first},
            {"hold_until": first},
            {"hold_reason": first},
            {"state": first},
            {"force": first},
        ):
            task({**one(), **wrong}, says="failed")
        wrong_rows: tuple[Any, ...] = (
            first,
            [first],
            [{"name": first, "password": first}],
            [{"name": "df001", "pasword": first}],
            [{"name": "df001", "password": [first]}],
            [{"name": "df001", "password": first}],
            [{"name": "df001", "password": first, "rotated_at": first}],
            [{"name": "df001", "password": first, "rotated_at": "now", first: first}],
            [{"name": "df001", "password": first}, {"name": "df001", "password": "{{ password1 }}"}],
        )
        for rows in wrong_rows:
            task({"store": script.vault_file(), "credentials": rows}, says="failed")
        for mistaken in script.few(mistaken_stores(script)):
            task(one(mistaken), says="failed")
    with script.on(STORE):
        for troubled in script.few(troubled_stores(script)):
            task(one(troubled), says="failed")
            task({"store": troubled, "name": "df001", "state": "absent"}, says="failed")
        for store in script.few(talkative_stores(script, "password0")):
            task(one({**store, "path": script.vault_file()["path"]}), says="on_save ended with exit status 1, saying: ")


def ncp_dataforest_credential_info(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_credential_info")
    hold = {"until": "2999-01-01T00:00:00Z", "reason": f"It is {CANARIES['password1']}"}
    whole = script.vault_file(df001={**envelope(), "hold": hold}, df002=envelope())
    with script.on(SUCCESS):
        task({"store": whole}, says='"unsettled": 2', fails=False)
        task({"store": whole, "only": ["held"]}, says="2999-01-01", fails=False)
        task({"store": script.hashi_vault(), "names": ["df001"]}, says='"absent": 1', fails=False)
    with script.on(MISTAKE):
        torn = script.vault_file(df001=envelope(), df002={**envelope(), "format": 9})
        task({"store": torn}, says="1 of 2 accounts could not be read")
        for wrong in (
            {"names": ["{{ password0 }}"]},
            {"names": "{{ password0 }}"},
            {"only": ["{{ password0 }}"]},
            {"max_age": "{{ password0 }}"},
            {"jitter": "{{ password0 }}"},
            {"{{ password0 }}": 1},
        ):
            task({"store": whole, **wrong}, says="failed")
        for mistaken in script.few(mistaken_stores(script)):
            task({"store": mistaken}, says="failed")
    with script.on(STORE):
        for troubled in script.few(troubled_stores(script)):
            task({"store": troubled}, says="failed")


def ncp_dataforest_store_copy(script: Script) -> None:
    task = partial(script.task, "ncp_dataforest_store_copy")
    with script.on(SUCCESS):
        pair = {"source": script.vault_file(df001=envelope()), "destination": script.hashi_vault()}
        task(pair, says='"copied": 1', fails=False, check_mode=True, diff=True)
        task(pair, says="keeps the active passwords of what was copied (1)", fails=False, diff=True)
        task({**pair, "source_passwords": "remove"}, says='"removed": 1', fails=False, diff=True)
        back = {"source": pair["destination"], "destination": pair["source"]}
        task({**back, "source_passwords": "remove"}, says='"copied": 1', fails=False, diff=True)
        task(back, says='"unchanged": 1', fails=False)
    with script.on(MISTAKE):
        whole = script.vault_file(df001=envelope())
        other = script.vault_file(df001={**envelope(), "rotation_id": "r9"})
        gone = {"format": "moved", "moved": {"to": f"at {CANARIES['password1']}", "at": "today", "last": None}}
        moved = script.vault_file(df001={**envelope(), **gone})
        newer = script.vault_file(df001={**envelope(), "format": 9})
        task({"source": whole, "destination": whole}, says="are the same store")
        task({"source": whole, "destination": other}, says="differ between the stores")
        task({"source": moved, "destination": script.vault_file()}, says="which is not the destination")
        task({"source": newer, "destination": script.vault_file()}, says="is not an envelope")
        pair = {"source": whole, "destination": script.vault_file()}
        for wrong in (
            {"names": ["{{ password0 }}"]},
            {"names": "{{ password0 }}"},
            {"names": ["{{ password0 }}/x"]},
            {"contents": "{{ password0 }}"},
            {"source_passwords": "{{ password0 }}"},
            {"source": "{{ password0 }}"},
            {"contents": "reset_mails"},
            {"{{ password0 }}": 1},
        ):
            task({**pair, **wrong}, says="failed")
        for mistaken in script.few(mistaken_stores(script)):
            task({**pair, "source": mistaken}, says="failed")
            task({**pair, "destination": mistaken}, says="failed")
    with script.on(STORE):
        for troubled in script.few(troubled_stores(script)):
            task({"source": script.vault_file(df001=envelope()), "destination": troubled}, says="failed")
            task({"source": troubled, "destination": script.vault_file()}, says="failed")


def dataforest_credential(script: Script) -> None:
    def read(store: object, term: str = "'df001'", more: str = "", *, says: str = "failed", fails: bool = True) -> None:
        password = f"{{{{ lookup('{NAMESPACE}.dataforest_credential', {term}, store=store{more}) }}}}"
        reset = {**script.tenant(), "name": "df001", "password": password}
        script.task("ncp_dataforest_password", reset, says=says, fails=fails, vars={"store": store})

    whole = script.vault_file(df001=envelope())
    with script.on(SUCCESS):
        read(whole, says='"outcome": "reset"', fails=False)
        read(whole, "'df001', 'gone'", ", on_missing='warn'", says="gone", fails=False)
        store = script.hashi_vault()
        script.openbao.do("POST", f"secret/data/{store['secret_path']}/df001", {"data": envelope()})
        read(store, says='"outcome": "reset"', fails=False)
    with script.on(MISTAKE):
        read(whole, "'gone'", says="holds nothing for gone")
        for term, more in (
            ("password0", ""),
            ("password0 ~ '/'", ""),
            ("[password0]", ""),
            ("{'name': password0}", ""),
            ("'df001'", ", on_missing=token"),
            ("'df001'", ", token=token"),
            ("'df001'", ", on_missing=[token]"),
        ):
            read(whole, term, more)
        for mistaken in mistaken_stores(script):
            read(mistaken)
    with script.on(STORE):
        for troubled in troubled_stores(script):
            read(troubled)


def dataforest_password(script: Script) -> None:
    def generate(arguments: str, *, says: str = "failed", fails: bool = True) -> None:
        password = f"{{{{ lookup('{NAMESPACE}.dataforest_password', {arguments}) }}}}"
        reset = {**script.tenant(), "name": "df001", "password": password}
        script.task("ncp_dataforest_password", reset, says=says, fails=fails)

    with script.on(SUCCESS):
        generate("length=16", says='"outcome": "reset"', fails=False)
    with script.on(MISTAKE):
        for arguments in ("length=password0", "password0", "length=[password0]", "pasword=password0", "length=99"):
            generate(arguments)


def role_ncp_dataforest_rotation(script: Script) -> None:
    def hook(name: str, secret: str, program: str = "cat") -> str:
        """A task file that gives a program a secret."""
        path = script.stage.folder / f"{name}.yml"
        command = {"cmd": program, "stdin": f"{{{{ {secret} }}}}"}
        tasks = [{"name": "Hand it over", "ansible.builtin.command": command, "no_log": True}]
        path.write_text(json.dumps(tasks), encoding="utf-8")
        return str(path)

    password, passwords = "ncp_dataforest_rotation_password", "ncp_dataforest_rotation_passwords"
    each, whole = hook("hook", password), hook("batch", f"{passwords} | to_json")
    role = partial(script.role, "ncp_dataforest_rotation")

    def rotation(store: Any = None, **fault: Any) -> dict[str, Any]:
        connection = {"api_url": script.simulator.ncp_url, "retries": 0, "timeout": 5, "secure_logging": False}
        connection["new_accounts"] = "rotate"
        hooks = {"verify_tasks": each, "publish_tasks": each, "publish_batch_tasks": whole, "hand_over_batch": 3}
        report = {"report_path": str(script.stage.folder / "reports" / str(next(calls)))}
        return {**connection, **hooks, **report, **script.tenant(**fault), "store": store or script.vault_file()}

    calls = itertools.count()
    reset = {"operation": "resetPassword", "times": 0}
    with script.on(SUCCESS):
        role(rotation(), says="df005", fails=False)
        role({**rotation(script.hashi_vault()), "accounts": [{"name": "df001"}]}, says="df001", fails=False)
        role({**rotation(script.vault_file(df001=envelope())), "hand_over": "all"}, says="df001", fails=False)
    with script.on(HOOK):
        failing = hook("failing", password, "cat /no/such/file")
        role({**rotation(), "publish_tasks": failing}, says="was reset first, and could not be handed over")
        role({**rotation(), "verify_tasks": failing, "canary": 0}, says="5 of 5 accounts need attention")
        for secret in (f"{passwords} | to_json", f"{passwords}.nobody"):
            failing = hook(f"failing{len(secret)}", secret, "cat /no/such/file")
            role({**rotation(), "publish_batch_tasks": failing}, says="was reset first, and could not be handed over")
        unprepared = hook("unprepared", "token", "cat /no/such/file")
        role({**rotation(), "prepare_tasks": unprepared}, says="so no password was changed")
    with script.on(VENDOR):
        role(rotation(**reset, kind="reject", echo="raw"), says="5 rejected")
    with script.on(LOST):
        role(rotation(**reset, kind="torn_json"), says="1 unknown")
    with script.on(TLS):
        role({**rotation(), "api_url": script.simulator.tls_self_signed_url}, says="its TLS certificate")
    with script.on(MISTAKE):
        role({**rotation(), "secret_key": ["{{ secret_key }}"]}, says="failed")
        role({**rotation(), "accounts": [{"name": "df001", "secret": "{{ secret_key }}"}]}, says="failed")
        role({**rotation(), "store": {"token": "{{ token }}", "type": "hashi_vault"}}, says="failed")
    with script.on(STORE):
        role(rotation(script.vault_file(passphrase="passphrase_wrong", df001=envelope())), says="another passphrase")
        role(rotation(script.hashi_vault("token_refused")), says="failed")


def role_ncp_dataforest_password(script: Script) -> None:
    role, first = partial(script.role, "ncp_dataforest_password"), "{{ password0 }}"

    def hook(name: str, program: str = "cat") -> str:
        """A task file that gives a program the password."""
        path = script.stage.folder / f"{name}.yml"
        command = {"cmd": program, "stdin": "{{ ncp_dataforest_password_password }}"}
        tasks = [{"name": "Log in", "ansible.builtin.command": command, "no_log": True}]
        path.write_text(json.dumps(tasks), encoding="utf-8")
        return str(path)

    login = hook("login")

    def one(**fault: Any) -> dict[str, Any]:
        connection = {"api_url": script.simulator.ncp_url, "retries": 0, "timeout": 5, "secure_logging": False}
        return {
            **connection,
            **script.tenant(**fault),
            "name": "df001",
            "password": first,
            "verify_tasks": login,
        }

    def many(**fault: Any) -> dict[str, Any]:
        rows = [{"name": f"df00{at + 1}", "password": f"{{{{ password{at} }}}}"} for at in range(len(PASSWORDS))]
        return {
            **{key: value for key, value in one(**fault).items() if key not in ("name", "password")},
            "accounts": rows,
        }

    reset = {"operation": "resetPassword", "times": 0}
    with script.on(SUCCESS):
        role(one(), says="df001", fails=False)
        role({**many(), "wire_format": "xml"}, says="df004", fails=False)
    with script.on(HOOK):
        failing = hook("failing", "cat /no/such/file")
        role({**one(), "verify_tasks": failing}, says="of ncp_dataforest_password_verify_tasks failed")
        role({**many(), "verify_tasks": failing}, says="4 of 4 accounts need attention")
        (script.stage.folder / "empty.yml").write_text("---\n", encoding="utf-8")
        role({**many(), "verify_tasks": str(script.stage.folder / "empty.yml")}, says="contains no task")
    with script.on(VENDOR):
        role(many(**reset, kind="reject", echo="raw"), says="4 of 4 accounts need attention")
    with script.on(LOST):
        role(many(**reset, kind="torn_json"), says="unknown")
    with script.on(TLS):
        role({**one(), "api_url": script.simulator.tls_self_signed_url}, says="its TLS certificate")
    with script.on(MISTAKE):
        generated = f"{{{{ lookup('{NAMESPACE}.dataforest_password') }}}}"
        for wrong in (
            {"secret_key": ["{{ secret_key }}"]},
            {"password": [first]},
            {"password": {"value": first}},
            {"password": "{{ password_refused }}"},
            {"password": ""},
            {"password": generated},
            {"name": first},
            {"pasword": first},
            {"accounts": [{"name": "df001", "password": first}]},
        ):
            role({**one(), **wrong}, says="failed")
        for rows in (
            first,
            [first],
            {"df001": first},
            [{"name": "df001", "pasword": first}],
            [{"name": "df001", "password": [first]}],
            [{"name": "df001", "password": first, "secret": "{{ password1 }}"}],
            [{"name": "df001", "password": first}, "{{ password1 }}"],
            [{"name": first, "password": first}],
            [{"name": "df001", "password": "{{ password_refused }}"}],
            [{"name": "df001", "password": generated}],
        ):
            role({**many(), "accounts": rows}, says="failed")


def role_solapi_password_reset(script: Script) -> None:
    role = partial(script.role, "solapi_password_reset")

    def mails(**fault: Any) -> dict[str, Any]:
        connection = {"api_url": script.simulator.solapi_url, "retries": 0, "timeout": 5, "secure_logging": False}
        return {**connection, "emails": [script.address(**fault), script.address()], **KEYS}

    with script.on(SUCCESS):
        role(mails(), says="accepted", fails=False)
        role({**mails(), "store": script.vault_file(), "min_interval": "30d"}, says="accepted", fails=False)
    with script.on(VENDOR):
        message = quotes(CANARIES["api_secret"])[0]
        role(mails(kind="status", status=400, message=message), says="HTTP 400")
    with script.on(LOST):
        role(mails(kind="torn_json", at="after"), says="unknown")
    with script.on(TLS):
        role({**mails(), "api_url": script.simulator.tls_self_signed_url}, says="its TLS certificate")
    with script.on(MISTAKE):
        role({**mails(), "api_secret": ["{{ api_secret }}"]}, says="failed")
    with script.on(STORE):
        role({**mails(), "store": script.hashi_vault("token_refused")}, says="failed")


KEYS = {"api_key": "SIMULATORAPIKEY1", "api_secret": "{{ api_secret }}"}

PLUGINS_AND_ROLES: dict[str, Callable[[Script], None]] = {
    "ncp_dataforest_password": ncp_dataforest_password,
    "ncp_dataforest_account_info": ncp_dataforest_account_info,
    "ncp_dataforest_rotation": ncp_dataforest_rotation,
    "ncp_dataforest_credential": ncp_dataforest_credential,
    "ncp_dataforest_credential_info": ncp_dataforest_credential_info,
    "ncp_dataforest_publication": ncp_dataforest_publication,
    "ncp_dataforest_rotation_report": ncp_dataforest_rotation_report,
    "ncp_dataforest_store_copy": ncp_dataforest_store_copy,
    "solapi_password_reset": solapi_password_reset,
    "dataforest_credential": dataforest_credential,
    "dataforest_password": dataforest_password,
    "role ncp_dataforest_rotation": role_ncp_dataforest_rotation,
    "role ncp_dataforest_password": role_ncp_dataforest_password,
    "role solapi_password_reset": role_solapi_password_reset,
    "ncp_sts_credentials": ncp_sts_credentials,
}


def each_once(script: Script, path: str, failing: Container[str] = (), **trouble: Any) -> None:
    """One ordinary case for each plugin and role. `trouble` is a fault of the vendor."""
    for subject in PLUGINS_AND_ROLES:
        with script.about(subject), script.on(path):
            usual(script, subject, fails=subject in failing, **trouble)


def usual(
    script: Script,
    subject: str,
    *,
    fails: bool = False,
    store: dict[str, Any] | None = None,
    variables: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    **trouble: Any,
) -> None:
    """A case in which a plugin or a role does its ordinary work, with variables for the task and other options."""

    def task(name: str, usually: dict[str, Any], **keywords: Any) -> None:
        # Rows are given instead of one account.
        alone = ("name", "password") if "accounts" in (options or {}) and "password" in usually else ()
        given = {key: value for key, value in {**usually, **(options or {})}.items() if key not in alone}
        if variables:
            keywords["vars"] = variables
        script.task(name, given, fails=fails, **keywords)

    role = partial(script.role, fails=fails)
    quick = {"retries": 0, "timeout": 30, "secure_logging": False}
    if subject == "ncp_dataforest_password":
        task(subject, {**script.tenant(**trouble), "name": "df001", "password": "{{ password0 }}"})
    elif subject == "ncp_dataforest_account_info":
        task(subject, script.tenant(**trouble))
    elif subject == "solapi_password_reset":
        task(subject, {"email": script.address(**trouble)})
    elif subject == "ncp_sts_credentials":
        task(subject, script.tenant(**trouble))
    elif subject == "ncp_dataforest_rotation":
        task(subject, {**script.tenant(**trouble), "store": store or script.hashi_vault(), "new_accounts": "rotate"})
    elif subject == "ncp_dataforest_publication":
        store = store or script.vault_file(df001=envelope())
        task(subject, {"store": store, "accounts": [{"name": "df001", "rotation_id": "r1"}]})
    elif subject == "ncp_dataforest_credential":
        store = store or script.vault_file()
        known = {"name": "df001", "password": "{{ password0 }}", "rotated_at": "now"}
        task(subject, {"store": store, **known})
    elif subject == "ncp_dataforest_credential_info":
        task(subject, {"store": store or script.vault_file(df001=envelope())})
    elif subject == "ncp_dataforest_store_copy":
        store = store or script.vault_file(df001=envelope())
        task(subject, {"source": store, "destination": script.vault_file()})
    elif subject == "dataforest_credential":
        store = store or script.vault_file(df001=envelope())
        password = f"{{{{ lookup('{NAMESPACE}.dataforest_credential', 'df001', store=store) | length }}}}"
        task("ansible.builtin.debug", {"msg": password}, vars={"store": store})
    elif subject == "ncp_dataforest_rotation_report":
        task(subject, {"path": str(script.stage.folder / "reports" / "usual")})
    elif subject == "dataforest_password":
        task("ansible.builtin.debug", {"msg": f"{{{{ lookup('{NAMESPACE}.dataforest_password') | length }}}}"})
    elif subject == "role ncp_dataforest_rotation":
        vendor = {"api_url": script.simulator.ncp_url, **script.tenant(**trouble)}
        store = store or script.vault_file()
        role("ncp_dataforest_rotation", {**quick, **vendor, "store": store, "new_accounts": "rotate"})
    elif subject == "role ncp_dataforest_password":
        vendor = {"api_url": script.simulator.ncp_url, **script.tenant(**trouble)}
        role("ncp_dataforest_password", {**quick, **vendor, "name": "df001", "password": "{{ password0 }}"})
    elif subject == "role solapi_password_reset":
        vendor = {"api_url": script.simulator.solapi_url, **KEYS, "emails": [script.address(**trouble)]}
        store = store or script.vault_file()
        role("solapi_password_reset", {**quick, **vendor, "store": store, "min_interval": "30d"})
    else:
        raise AssertionError(f"The usual work of {subject} is missing here.")


# What contacts nobody.
ALONE = ("dataforest_password", "ncp_dataforest_rotation_report")
# What sends nothing to a vendor, and uses a store.
STORE_ONLY = (
    "ncp_dataforest_publication",
    "ncp_dataforest_credential",
    "ncp_dataforest_credential_info",
    "ncp_dataforest_store_copy",
    "dataforest_credential",
)
# The modules that run on a target host, and the one that runs them there.
SENDING = (*house.RUNNING, "ncp_dataforest_rotation")
# Interpreters, each as the text of a program. They print something besides the result of a module, or instead of it.
INTERPRETERS = {
    # What this one prints does not keep the result from being read.
    "traced": 'set -x; {python} "$@"; exit 3',
    "talkative": 'echo \'{{"talk": "of the weather"}}\'; exec {python} "$@"',
    "talkative later": '{python} "$@"; echo \'{{"talk": "of the weather"}}\'',
    "echo": 'cat "$@"',
    "echo to stderr": 'cat "$@" >&2; exit 127',
    "impostor": '{python} "$@" >/dev/null; echo \'{{"changed": false}}\'',
    "silent": '{python} "$@" >/dev/null; kill -9 $$',
}


def interpreters(script: Script) -> None:
    """Each module with each interpreter: ansible-core prints what it cannot read."""
    for name, program in INTERPRETERS.items():
        path = script.stage.folder / f"python-{name.replace(' ', '-')}"
        path.write_text(f"#!/bin/sh\n{program.format(python=sys.executable)}\n", encoding="utf-8")
        path.chmod(0o755)
        for pipelining in (True, False):
            use = {"ansible_python_interpreter": str(path), "ansible_pipelining": pipelining}
            for subject in SENDING:
                store = script.vault_file() if subject == "ncp_dataforest_rotation" else None
                with script.about(subject), script.on(INTERPRETER):
                    usual(script, subject, fails=name != "traced", store=store, variables=use)


def misplaced_options(script: Script) -> Iterator[tuple[str, dict[str, Any]]]:
    """Subjects, each with options that hold a secret where it does not belong, and where no message has to quote it."""
    secret, store = "{{ misplaced }}", script.vault_file()
    # The rows of a CSV file without a line of headings.
    headless = "{{ [{misplaced: 'df002'}] }}"
    names = ("concurrency", "max_failures", "requests_per_second", "wire_format", "validate_certs", "timeout")
    for name in (*names, "retries", "deadline", "api_url", "id", "name", "unknown", "{{ misplaced }}"):
        yield "ncp_dataforest_password", {name: secret}
    for rows in (secret, [secret], [{"name": "df001", "password": "{{ password0 }}", "unknown": secret}]):
        yield "ncp_dataforest_password", {"accounts": rows}
    for name in ("retries", "unknown", "wire_format"):
        yield "ncp_dataforest_account_info", {name: secret}
    for name in ("duration", "serial_number", "timeout", "api_url", "unknown"):
        yield "ncp_sts_credentials", {name: secret}
    for options in ({"min_interval": secret, "store": store}, {"store": secret, "min_interval": "30d"}):
        yield "solapi_password_reset", options
    for name in ("email", "timeout", "unknown"):
        yield "solapi_password_reset", {name: secret}
    for name in ("max_age", "rotated_before", "jitter", "password_length", "batch_size", "force", "new_accounts"):
        yield "ncp_dataforest_rotation", {name: secret}
    for name in ("unknown", "store"):
        yield "ncp_dataforest_rotation", {name: secret}
    yield "ncp_dataforest_rotation", {"exclude": [secret]}
    yield "ncp_dataforest_rotation", {"accounts": [{"name": "df001", "max_age": secret}]}
    yield "ncp_dataforest_password", {"accounts": headless}
    for rows in (secret, [secret], [{"name": secret}], headless):
        yield "ncp_dataforest_rotation", {"accounts": rows}
        yield "ncp_dataforest_publication", {"accounts": rows}
        yield "ncp_dataforest_credential", {"credentials": rows}
    for name in ("id", "rotated_at", "hold_until", "state", "force", "unknown", "store"):
        yield "ncp_dataforest_credential", {name: secret}
    for name in ("type", "vault_id", "lock_timeout", "unknown"):
        yield "ncp_dataforest_rotation", {"store": {**store, name: secret}}


def misplaced(script: Script) -> None:
    """A secret that no option marks as secret."""
    for subject, options in misplaced_options(script):
        with script.about(subject), script.on(MISTAKE):
            usual(script, subject, fails=True, options=options)
    for lookup, arguments in (
        ("dataforest_credential", "misplaced, store=store"),
        ("dataforest_credential", "'df001', store=store, on_missing=misplaced"),
        ("dataforest_credential", "'df001', store=misplaced"),
        ("dataforest_password", "length=misplaced"),
        ("dataforest_password", "misplaced"),
    ):
        with script.about(lookup), script.on(MISTAKE):
            text = f"{{{{ lookup('{NAMESPACE}.{lookup}', {arguments}) | length }}}}"
            script.task("ansible.builtin.debug", {"msg": text}, vars={"store": script.vault_file(df001=envelope())})


def without_an_option(script: Script) -> None:
    """Each module over a connection that can pipeline but has no option for it."""
    for subject in SENDING:
        with script.about(subject), script.on(CONNECTION):
            usual(script, subject, variables={"ansible_connection": "bare"})


def hanging(script: Script, subject: str) -> Callable[[], object]:
    """One case in which the other side accepts a request and never answers. Return a function that waits for that."""
    with script.about(subject), script.on(INTERRUPTED):
        if subject in STORE_ONLY:
            usual(script, subject, fails=True, store=script.hashi_vault(url=script.silence.url, timeout=60))
            return script.silence.wait
        usual(script, subject, fails=True, kind="hang")
    (fault,) = script.faults
    return partial(script.met, fault)


def envelope() -> dict[str, Any]:
    """A document of the store, with one password active, one pending and one from the past."""
    at = "2026-11-01T00:00:00Z"
    return {
        "format": 1,
        "account": {"id": None, "name": "df001", "profile": None},
        "password": CANARIES["password1"],
        "rotated_at": at,
        "rotation_id": "r1",
        "published": None,
        "pending": [
            {"password": CANARIES["password2"], "staged_at": at, "rotation_id": "r2", "outcome": "unknown"},
        ],
        "previous": [{"password": CANARIES["password3"], "retired_at": at, "rotation_id": "r0"}],
    }


def troubled_stores(script: Script) -> Iterable[dict[str, Any]]:
    """Stores whose options are valid, but which cannot be used."""
    for troubled in TROUBLED.values():
        yield from troubled(script)


def troubled_vault_files(script: Script) -> Iterable[dict[str, Any]]:
    yield script.vault_file(passphrase="passphrase_wrong", df001=envelope())
    yield script.vault_file(torn=True, df001=envelope())
    yield {"path": str(script.stage.store / "no" / "such" / "folder.yml")}


def talkative_stores(script: Script, *secrets: str) -> Iterable[dict[str, Any]]:
    """Stores in files whose commands fail, and say what is in the store and what it is encrypted with."""
    for number, text in enumerate(quotes(*(CANARIES[name] for name in (*secrets, "passphrase")))):
        folder = script.stage.folder / f"{script.subject}-{number}"
        folder.mkdir()
        said = folder / "said"
        said.write_text(text, encoding="utf-8")
        yield {**script.vault_file(df001=envelope()), "on_save": ["sh", "-c", f"cat {said} >&2; exit 1"]}


def troubled_hashi_vaults(script: Script) -> Iterable[dict[str, Any]]:
    yield script.hashi_vault("token_refused")
    yield script.hashi_vault("passphrase")
    yield script.hashi_vault(auth_method="kubernetes", role="rotation", jwt="{{ token_refused }}")
    yield script.hashi_vault(url="http://127.0.0.1:9")
    yield script.hashi_vault(url=script.silence.url, timeout=1)
    yield script.hashi_vault(url=script.simulator.tls_self_signed_url)


# By the type of the store.
TROUBLED: dict[str, Callable[[Script], Iterable[dict[str, Any]]]] = {
    "vault_file": troubled_vault_files,
    "hashi_vault": troubled_hashi_vaults,
}


def mistaken_stores(script: Script) -> Iterable[Any]:
    """Options of a store that hold a secret in the wrong place."""
    good = script.hashi_vault()
    yield {**good, "tokn": "{{ token }}"}
    yield {**good, "token": ["{{ token }}"]}
    yield {**good, "type": "{{ token }}"}
    yield {**good, "auth_method": "{{ token }}"}
    yield {**good, "timeout": "{{ token }}"}
    yield {**good, "secret_path": "{{ token }}", "url": "http://127.0.0.1:9"}
    yield {**good, "url": "http://:{{ token | urlencode }}@127.0.0.1:9"}
    yield {**good, "url": "https://admin:{{ token | urlencode }}@127.0.0.1:9", "validate_certs": False}
    yield {"path": "{{ passphrase }}/dataforest.yml", "passphrase": "{{ passphrase }}"}
    yield "{{ token }}"
    yield ["{{ token }}"]
    yield "{{ good | to_json }}{{ token }}"
