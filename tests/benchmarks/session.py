# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's floor: the same requests from a thread pool over one `requests.Session`, without any safety."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter


def main(file: str) -> None:
    job = json.loads(Path(file).read_text(encoding="utf-8"))
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=job["concurrency"]))

    def reset(account: dict[str, Any]) -> None:
        answer = session.post(job["reset_url"], json=account, headers=job["headers"], timeout=10)
        if not answer.json()["success"]:
            raise SystemExit("The simulator refused a reset.")

    with ThreadPoolExecutor(job["concurrency"]) as pool:
        for _done in pool.map(reset, job["accounts"]):
            pass


main(sys.argv[1])
