# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search for secrets in what a run has left behind.

Deliberately not the way the collection looks for them: every form is spelled out here by the encoders of the
standard library, so that the two can disagree.
"""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr


def forms(secret: str) -> dict[str, str]:
    """Everything that a secret may look like in a text, by the name of the encoding."""
    data = secret.encode()
    spelled = {
        "raw": secret,
        "json": json.dumps(secret)[1:-1],
        "json, not ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json twice": json.dumps(json.dumps(secret))[3:-3],
        "json, all escaped": "".join(f"\\u{ord(char):04x}" for char in secret),
        "url": quote(secret),
        "url, no safe characters": quote(secret, safe=""),
        "form": quote_plus(secret),
        "xml text": escape(secret),
        "xml attribute": quoteattr(secret)[1:-1],
        "html": html.escape(secret),
        "html twice": html.escape(html.escape(secret)),
        "numeric references": "".join(f"&#{ord(char)};" for char in secret),
        "repr": repr(secret)[1:-1],
        "repr of bytes": repr(data)[2:-1],
        "shell": shlex.quote(secret)[1:-1],
        "yaml, single quotes": secret.replace("'", "''"),
        "hex": data.hex(),
        "reversed": secret[::-1],
        "first three quarters": secret[: len(secret) * 3 // 4],
        "last three quarters": secret[len(secret) // 4 :],
    }
    for skip in range(3):
        # The characters at both ends also depend on the neighbours. What remains without them is the same in any text.
        encoded = base64.b64encode(b"\0" * skip + data).decode().rstrip("=")
        trimmed = encoded[(0, 2, 3)[skip] : len(encoded) - 1]
        spelled[f"base64, {skip} off"] = trimmed
        spelled[f"base64 for URLs, {skip} off"] = trimmed.replace("+", "-").replace("/", "_")
    return spelled


def found(secrets: Iterable[str], text: str) -> list[str]:
    """The names of the forms of any of the secrets that a text contains, in upper or lower case."""
    lower = text.lower()
    return sorted({name for secret in secrets for name, form in forms(secret).items() if form.lower() in lower})


def sinks(folder: Path, *inputs: str) -> Iterator[tuple[str, str]]:
    """Name and text of every file under a folder, except the named files that the test itself has put there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in inputs:
            yield str(path.relative_to(folder)), path.read_bytes().decode("utf-8", "replace")
