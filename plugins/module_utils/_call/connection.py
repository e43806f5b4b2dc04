# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options that say how to reach a vendor to the caller that does."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

from ansible_collections.krcloud.credentials.plugins.module_utils._call import address, caller, rate, wire


def open_caller(
    options: Mapping[str, Any],
    warn: Callable[[str], None],
    *,
    connections: int = 1,
    limiter: Optional[rate.RateLimiter] = None,
) -> caller.Caller:
    """Return the caller that ``api_url`` and the options of `options.CONNECTION` describe. Sends nothing.

    ``connections`` is how many it keeps open. Raises ConfigurationError.
    """
    url = address.check_api_url(options["api_url"])
    if not options["validate_certs"]:
        warn(
            "TLS certificates are not verified (validate_certs is false): "
            "whoever stands between can read and change what is sent."
        )
    transport = wire.PooledTransport(
        url,
        validate_certs=options["validate_certs"],
        ca_path=options["ca_path"],
        connections=connections,
    )
    limits = caller.Limits(options["timeout"], options["retries"], options["deadline"])
    return caller.Caller(transport, url, limits, limiter=limiter)
