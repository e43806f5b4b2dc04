# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""A module is imported from the zip file that Ansible packs it into: compile each file of it once, not twice.

To find a file in a zip file, Python asks its importer for the name of the file, and that compiles the file to see
whether it stands there as source. The code is thrown away, and made anew to be run. Ansible packs nothing but sources,
so the name is known without that.
"""

from __future__ import annotations

import os
import sys
from zipimport import zipimporter


class _SourceImporter(zipimporter):
    def get_filename(self, fullname: str) -> str:
        return os.path.join(self.archive, self.prefix, fullname.rpartition(".")[2] + ".py")


def compile_once(folder: str) -> None:
    """Have the files of a folder compiled once each when they are imported, if it lies in a zip file."""
    if isinstance(sys.path_importer_cache.get(folder), zipimporter):
        sys.path_importer_cache[folder] = _SourceImporter(folder)


# Importing this file is all it takes: for the files of its own folder that are imported later.
compile_once(os.path.dirname(__file__))
