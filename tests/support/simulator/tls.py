# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away CA, and good and bad certificates for servers."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

# A name of the server for proxies, because loopback addresses are never reached through a proxy.
BEHIND_PROXY = "vendor.example.com"


def contexts(ca_file: Path) -> dict[str, ssl.SSLContext]:
    """Return server contexts by name. The certificate of the CA that signed `good` is written to `ca_file`."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(ca_file))
    now = datetime.now(UTC)
    names = ("localhost", "127.0.0.1", BEHIND_PROXY)
    leaves = {
        "good": ca.issue_cert(*names),
        "wrong_host": ca.issue_cert("wrong.example.com"),
        "expired": ca.issue_cert(*names, not_before=now - timedelta(days=30), not_after=now - timedelta(days=1)),
        "not_yet_valid": ca.issue_cert(*names, not_before=now + timedelta(days=1)),
    }
    made = {name: _context() for name in leaves}
    for name, leaf in leaves.items():
        leaf.configure_cert(made[name])
    made["self_signed"] = _self_signed(ca_file.with_suffix(".tmp"))
    return made


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def _self_signed(scratch: Path) -> ssl.SSLContext:
    """The context of a server that uses the certificate of an unknown CA as its own."""
    stranger = trustme.CA()
    context = _context()
    try:
        scratch.touch(mode=0o600)
        scratch.write_bytes(stranger.private_key_pem.bytes() + stranger.cert_pem.bytes())
        context.load_cert_chain(scratch)
    finally:
        scratch.unlink(missing_ok=True)
    return context
