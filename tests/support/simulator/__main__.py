# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m support.simulator` from the folder tests, or `python path/to/simulator` from anywhere."""

import sys
from pathlib import Path

if not __package__:
    # Started as a folder: Python put the folder itself on the path, where solapi.py would hide the PyPI package.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from support.simulator.cli import main

sys.exit(main())
