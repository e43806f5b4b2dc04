# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store on a server: KV version 2 of HashiCorp Vault or OpenBao, one secret for each document. See `kv2`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible.utils.display import Display

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Contents, Store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options

OPTIONS: Spec = {
    "url": {"type": "str", "required": True},
    "mount_point": {"type": "str", "default": "secret"},
    # Not `path`, which is a file of vault_file: one option, one meaning.
    "secret_path": {"type": "str"},
    "auth_method": {"type": "str", "choices": ["token", "approle", "jwt"], "default": "token"},
    "auth_mount_point": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "role_id": {"type": "str"},
    "secret_id": {"type": "str", "no_log": True},
    "role": {"type": "str"},
    "jwt": {"type": "str", "no_log": True},
    "namespace": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "str"},
    "timeout": {"type": "float", "default": 10.0, "least": 0.001, "most": 3600},
    "retries": {"type": "int", "default": 3, "least": 0, "most": 100},
    "concurrency": {"type": "int", "default": 8, "least": 1, "most": 256},
}
# The first that is set counts, as with the command line tool of OpenBao. Files such as ~/.vault-token are not read, and
# neither are the variables that turn the verification of certificates off.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "url": ("BAO_ADDR", "VAULT_ADDR"),
    "token": ("BAO_TOKEN", "VAULT_TOKEN"),
    "namespace": ("BAO_NAMESPACE", "VAULT_NAMESPACE"),
    "ca_path": ("BAO_CACERT", "VAULT_CACERT", "BAO_CAPATH", "VAULT_CAPATH"),
}


def open_store(options: Options, loader: Any, contents: Contents) -> Store:
    """Return the store that these options describe. Connects when it is first used."""
    # Not before it is asked for: most runs have another store.
    from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.kv2 import HashiVaultStore

    options["secret_path"] = options["secret_path"] or contents.secret_path
    if options["ca_path"]:
        options["ca_path"] = os.path.expanduser(os.path.expandvars(options["ca_path"]))
    warn = Display().warning
    store = HashiVaultStore(options, warn=warn)
    if not options["validate_certs"]:
        # By now the address is known to hold no password.
        warn(
            f"The TLS certificate of the store at {urlsplit(options['url']).netloc} is not verified (validate_certs is "
            "false): whoever stands between can read and change the passwords in it."
        )
    return store
