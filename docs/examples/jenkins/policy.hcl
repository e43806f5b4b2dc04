# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a rotation may do, and no more. The policy "default" lets it end its own login.
path "secret/data/dataforest/*" {
  capabilities = ["create", "read", "update"]
}
path "secret/metadata/dataforest/*" {
  capabilities = ["list"]
}
