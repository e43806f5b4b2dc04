# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `store`, which says where passwords are kept: the same table as `_stores.registry.argument_spec()`.

The part `pair` has the same suboptions for the two stores of a copy.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  store:
    description:
      - Where the passwords are kept. It is read and written on the controller.
    type: dict
    suboptions:
      type:
        description:
          - V(vault_file) is one file of variables, encrypted with Ansible Vault under the secrets of the play
            (C(--vault-password-file), C(--vault-id)). It needs no server.
          - V(hashi_vault) is the key-value engine, version 2, of HashiCorp Vault or OpenBao, with one secret for each
            account. It needs the Python library C(requests) on the controller.
        type: str
        choices:
          - vault_file
          - hashi_vault
        default: vault_file
      path:
        description:
          - The file of a V(vault_file). Its folder must exist. C(~) and environment variables of the controller are
            expanded, and a relative path starts at the folder of the playbook.
          - C(vars_files) can load it. If it holds passwords, C(dataforest_credentials['NAME'].password) is then the
            active password of an account. Write the name in brackets, as in
            C(dataforest_credentials['team-a'].password), because Jinja takes the hyphen in
            C(dataforest_credentials.team-a) for a minus sign.
          - Texts that Ansible could take for a template carry the YAML tag C(!unsafe), so that nothing in the file is
            ever run. Other readers of YAML need a constructor for this tag.
          - A file that exists keeps its owner, group and mode. A new one has mode 0600. If root creates it, and nobody
            but the owner may write to the folder, it belongs to the owner of the folder, and so does its lock. A task
            that cannot keep the owner is refused.
        type: str
      vault_id:
        description:
          - The vault ID under which a V(vault_file) is encrypted, if the play has several.
          - For a new file, the vault ID must be in ASCII, because Ansible Vault cannot read back any other, and must
            have only one passphrase.
        type: str
      lock_timeout:
        description:
          - How many seconds to wait while another process writes to the same V(vault_file), from 0 to 86400.
        type: float
        default: 60.0
      on_save:
        description:
          - A command that brings a V(vault_file) to another place, such as C(git push), as a list of a program and its
            arguments. It runs each time the file has been saved, before a password or a request that depends on this is
            sent. So a password that is live is never only on this machine.
          - If it fails or is missing, or takes too long, the task fails, and nothing more is sent. What was saved stays
            in the file. The next task that may save something runs the command first. Until it has succeeded, there is
            a file C(PATH.on_save) beside the store.
          - The command runs in the folder of the file, with the environment of Ansible on the controller, without a
            shell, a terminal and standard input. A program with a slash in its name is relative to that folder, and one
            without is searched for in E(PATH). C(~) and variables are not expanded.
          - Its output is not shown. If it fails, the message has the last line that it wrote to its standard error,
            with secrets masked. All users of the controller can see its arguments, so do not put a secret there.
          - Other tasks that write to the store wait for the command, up to O(store.lock_timeout).
          - In check mode, the command is not run, only searched for. Lookups and modules that only read do not run it.
        type: list
        elements: str
      on_save_timeout:
        description:
          - How many seconds the command in O(store.on_save) may take, from 1 to 3600.
        type: float
        default: 120.0
      url:
        description:
          - The address of a V(hashi_vault). It starts with C(https://), or with C(http://) for this machine only, and
            holds no user name or password.
          - The environment variables E(BAO_ADDR) and E(VAULT_ADDR) are used when this is not set. Here as for the
            other options, these are variables of the controller. The keyword C(environment) does not set them.
        type: str
      mount_point:
        description:
          - Where the key-value engine is mounted.
        type: str
        default: secret
      secret_path:
        description:
          - The path below O(store.mount_point) under which there is one secret for each account, or for each address.
          - If not set, V(dataforest) for passwords and V(solapi) for reset mails.
        type: str
      auth_method:
        description:
          - How to log in to a V(hashi_vault).
          - V(kubernetes) logs in as the service account of the pod in which Ansible runs.
          - The token of a login by V(approle), V(jwt) or V(kubernetes) is revoked when the task or lookup ends. Its
            policy needs V(update) on C(auth/token/revoke-self), which the policy C(default) gives. A token of yours is
            left alone.
        type: str
        choices:
          - token
          - approle
          - jwt
          - kubernetes
        default: token
      auth_mount_point:
        description:
          - Where the login method is mounted, if not under its own name.
        type: str
      token:
        description:
          - The token for V(token).
          - The environment variables E(BAO_TOKEN) and E(VAULT_TOKEN) are used when this is not set.
        type: str
      role_id:
        description:
          - The role ID for V(approle).
        type: str
      secret_id:
        description:
          - The secret ID for V(approle).
        type: str
      role:
        description:
          - The role for V(jwt) or V(kubernetes).
        type: str
      jwt:
        description:
          - The signed token for V(jwt) or V(kubernetes).
          - If not set, V(kubernetes) reads the token of the pod from
            C(/var/run/secrets/kubernetes.io/serviceaccount/token), again for each login.
        type: str
      namespace:
        description:
          - The namespace of a V(hashi_vault).
          - The environment variables E(BAO_NAMESPACE) and E(VAULT_NAMESPACE) are used when this is not set.
        type: str
      validate_certs:
        description:
          - Whether to verify the TLS certificate of a V(hashi_vault).
        type: bool
        default: true
      ca_path:
        description:
          - A PEM file or folder with the certificate authorities of a V(hashi_vault). C(~) and environment variables of
            the controller are expanded.
          - The environment variables E(BAO_CACERT), E(VAULT_CACERT), E(BAO_CAPATH) and E(VAULT_CAPATH) are used, in
            this order, when this is not set, and after them E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE). Variables that
            turn off the verification of certificates, such as C(BAO_SKIP_VERIFY), are not read.
        type: str
      timeout:
        description:
          - How many seconds one request to a V(hashi_vault) may take to connect, and how many it may wait for an
            answer, from 0.001 to 3600. The whole answer may take three times as long.
        type: float
        default: 10.0
      retries:
        description:
          - The maximum number of repeats of a request to a V(hashi_vault), from 0 to 100. A write carries its version,
            so a repeat cannot take effect twice.
          - All attempts at a request together have 60 seconds, or three times O(store.timeout) if that is longer. If
            the server asks for a longer wait, the request is not repeated, and the message says how long the wait is.
        type: int
        default: 3
      concurrency:
        description:
          - How many requests to a V(hashi_vault) are under way at the same time, from 1 to 256.
        type: int
        default: 8
"""

    # With annotations, because the sanity test yamllint takes each plain assignment here for a text as it stands.
    _SUBOPTIONS: str = DOCUMENTATION.partition("    suboptions:\n")[2]
    PAIR: str = f"""
options:
  source:
    description:
      - The store that has the passwords. It is read and written on the controller.
    type: dict
    required: true
    suboptions:
{_SUBOPTIONS.replace("O(store.", "O(source.")}
  destination:
    description:
      - The store that gets them. It is read and written on the controller. If there is no such store yet, it is begun,
        as with O(krcloud.credentials.ncp_dataforest_rotation#module:store).
    type: dict
    required: true
    suboptions:
{_SUBOPTIONS.replace("O(store.", "O(destination.")}
"""
