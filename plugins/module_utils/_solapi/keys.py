# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the API key of SOLAPI comes from: first the option, then the environment."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Tuple

from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors, keys
from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import first_set
from ansible_collections.krcloud.credentials.plugins.module_utils._solapi.options import SOLAPI


def solapi_credentials(options: Mapping[str, Optional[str]], environ: Mapping[str, str]) -> Optional[keys.Credentials]:
    """Return SOLAPI credentials, None if neither key is set: the request for a mail needs none.

    Raises ConfigurationError if only one of the two is set.
    """
    found: Dict[str, Tuple[str, str]] = {}
    for name in ("api_key", "api_secret"):
        variable, value = first_set(environ, SOLAPI.environment[name])
        if options.get(name):
            found[name] = (str(options[name]), f"the option {name}")
        elif value:
            found[name] = (value, f"the environment variable {variable}")
    if not found:
        return None
    if len(found) == 1:
        present = next(iter(found))
        origin = found[present][1]
        absent = "api_secret" if present == "api_key" else "api_key"
        variable = SOLAPI.environment[absent][0]
        raise errors.ConfigurationError(
            f"{present} was found in {origin}, but {absent} was not found.",
            hint=f"Set the option {absent} or the environment variable {variable}, or remove {present}.",
        )
    (key, key_origin), (secret, secret_origin) = found["api_key"], found["api_secret"]
    keys.check_key("api_key", key, key_origin)
    keys.check_secret("api_secret", secret, secret_origin)
    return keys.Credentials(key, secret, f"{key_origin} and {secret_origin}")
