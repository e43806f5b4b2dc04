# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to krcloud.credentials: names and behaviour may change in any release.
"""A module runs from the zip file that Ansible packs it into, and most of its time it spends on importing from there.

- Each file is compiled once, not twice. To find a file in a zip file, Python asks its importer for the name of the
  file, and that compiles the file to see whether it stands there as source. The code is thrown away, and made anew to
  be run. Ansible packs nothing but sources, so the name is known without that.
- Garbage is not looked for before the work begins, and what was imported until then is not looked through any more:
  nearly all of it stays.

This begins when this file is imported, so modules import it first. Outside of a zip file it does nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from zipimport import zipimporter


class _SourceImporter(zipimporter):
    def get_filename(self, fullname: str) -> str:
        return os.path.join(self.archive, self.prefix, fullname.rpartition(".")[2] + ".py")


_FOLDER = os.path.dirname(__file__)
_PACKED = isinstance(sys.path_importer_cache.get(_FOLDER), zipimporter)

if _PACKED:
    sys.path_importer_cache[_FOLDER] = _SourceImporter(_FOLDER)
    gc.disable()


def all_is_imported() -> None:
    """Look for garbage from now on: the work begins."""
    if _PACKED:
        gc.freeze()
        gc.enable()
