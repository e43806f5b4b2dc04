# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""A `requests.Session` to the server of a store, under the TLS rules that hold for the vendors."""

from __future__ import annotations

import os
import ssl
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ansible_collections.krcloud.credentials.plugins.module_utils._transport import tls_context


class _TlsAdapter(HTTPAdapter):
    """The adapter with one TLS context for all connections; None where there is no TLS."""

    def __init__(self, context: ssl.SSLContext | None, connections: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # The context has loaded its authorities once; left to `requests`, every new connection would read them again.
        conn.cert_reqs = self._context.verify_mode if self._context else None


def session_for(url: str, validate_certs: bool, ca_path: str | None, connections: int) -> requests.Session:
    """Return a session for one server; see `tls_context` for the authorities. Raises ConfigurationError."""
    context = tls_context(validate_certs, ca_path, os.environ) if url.startswith("https:") else None
    session = requests.Session()
    # Neither a .netrc nor a setting for other servers applies here. Proxies of the environment do.
    session.trust_env = False
    session.mount(url, _TlsAdapter(context, connections))
    session.proxies.update(requests.utils.get_environ_proxies(url, no_proxy=None))
    session.verify = validate_certs
    if not validate_certs:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return session
