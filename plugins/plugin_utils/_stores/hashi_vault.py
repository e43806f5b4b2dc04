# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store on a server: KV version 2 of HashiCorp Vault or OpenBao, with one secret for each document.

Here are its options. The rest is imported when such a store is opened, since most runs have another one: `kv2` reads
and writes documents, through `hashi_server`, which asks with the token of `hashi_login`. `hashi_answers` says what an
answer means.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils._core.options import Spec
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.contract import Context, Store
from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.options import Options


def _needed_for(*methods: str) -> tuple[str, tuple[str, ...]]:
    return "auth_method", methods


OPTIONS: Spec = {
    "url": {"type": "str", "required": True, "form": "url"},
    "mount_point": {"type": "str", "default": "secret", "form": "path"},
    # Not `path`, which is a file of vault_file: an option means the same in all stores.
    "secret_path": {"type": "str", "form": "path"},
    "auth_method": {"type": "str", "choices": ["token", "approle", "jwt", "kubernetes"], "default": "token"},
    "auth_mount_point": {"type": "str", "form": "path"},
    "token": {"type": "str", "no_log": True, "form": "word", "needed_for": _needed_for("token")},
    "role_id": {"type": "str", "form": "word", "needed_for": _needed_for("approle")},
    "secret_id": {"type": "str", "no_log": True, "form": "word", "needed_for": _needed_for("approle")},
    "role": {"type": "str", "form": "word", "needed_for": _needed_for("jwt", "kubernetes")},
    "jwt": {"type": "str", "no_log": True, "form": "word", "needed_for": _needed_for("jwt")},
    "namespace": {"type": "str", "form": "word"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "str", "form": "file"},
    "timeout": {"type": "float", "default": 10.0, "least": 0.001, "most": 3600},
    "retries": {"type": "int", "default": 3, "least": 0, "most": 100},
    "concurrency": {"type": "int", "default": 8, "least": 1, "most": 256},
}
# The first that is set counts, as with the command line tool of OpenBao. Files such as ~/.vault-token are not read, and
# neither are the variables that turn off the verification of certificates.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "url": ("BAO_ADDR", "VAULT_ADDR"),
    "token": ("BAO_TOKEN", "VAULT_TOKEN"),
    "namespace": ("BAO_NAMESPACE", "VAULT_NAMESPACE"),
    "ca_path": ("BAO_CACERT", "VAULT_CACERT", "BAO_CAPATH", "VAULT_CAPATH"),
}


def open_store(options: Options, context: Context) -> Store:
    """Return the store that these options describe. Connects when it is first used."""
    from ansible_collections.krcloud.credentials.plugins.plugin_utils._stores.kv2 import HashiVaultStore

    options["secret_path"] = options["secret_path"] or context.contents.secret_path
    if not options["validate_certs"]:
        context.warn(
            f"The TLS certificate of the store at {urlsplit(options['url']).netloc} is not verified (validate_certs is "
            "false): whoever is between can read and change the passwords in it."
        )
    return HashiVaultStore(options, warn=context.warn, learn=context.learn)
