# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: `serve` in the foreground for people, `start` and `stop` in the background for playbooks."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import VENDORS, background
from .background import CA_FILE, READY_FILE

# Every listener, by its name in server.py
LISTENERS = (
    *(f"{vendor}{suffix}" for vendor in VENDORS for suffix in ("", "_tls")),
    *("tls_wrong_host", "tls_expired", "tls_self_signed", "trap", "control"),
)
PORT_FLAGS = {name: f"--{name.replace('_', '-')}-port" for name in LISTENERS}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.command == "serve":
            return _serve(options)
        if options.command == "start":
            print(json.dumps(background.start(options.dir, _passed_on(options)), indent=2))
        elif background.stop(options.dir):
            print(f"stopped the simulator of {options.dir}")
        else:
            print(f"no simulator was running in {options.dir}")
    except (background.BackgroundError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="NAVER Cloud Data Forest and SOLAPI, simulated.")
    commands = parser.add_subparsers(dest="command", required=True)

    running = argparse.ArgumentParser(add_help=False)
    for name, flag in PORT_FLAGS.items():
        running.add_argument(flag, dest=f"port_{name}", metavar="N", type=int, default=0, help=argparse.SUPPRESS)
    running.add_argument("--max-lifetime", metavar="SECONDS", type=float, help="end by itself after this time")
    running.add_argument(
        "--latency", metavar="SECONDS", type=float, default=0.0, help="least time from a request to its answer"
    )
    ports = f"Every port is a free one unless given: {', '.join(PORT_FLAGS.values())}."

    serve = commands.add_parser("serve", parents=[running], help="run in the foreground", epilog=ports)
    serve.add_argument("--dir", type=Path, help=f"folder for {READY_FILE} and {CA_FILE} (default: a temporary one)")
    serve.add_argument("--quiet", action="store_true", help="print nothing")
    start = commands.add_parser("start", parents=[running], help="run in the background", epilog=ports)
    start.add_argument("--dir", type=Path, required=True, help=f"folder for {READY_FILE}, {CA_FILE} and the log")
    start.set_defaults(max_lifetime=3600.0)
    stop = commands.add_parser("stop", help="end what start has started; no error if nothing runs")
    stop.add_argument("--dir", type=Path, required=True)
    return parser


def _passed_on(options: argparse.Namespace) -> list[str]:
    passed = ["--max-lifetime", str(options.max_lifetime), "--latency", str(options.latency)]
    for name, flag in PORT_FLAGS.items():
        passed += [flag, str(getattr(options, f"port_{name}"))]
    return passed


def _serve(options: argparse.Namespace) -> int:
    if options.dir is not None:
        options.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return asyncio.run(_run(options, options.dir))
    with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
        return asyncio.run(_run(options, Path(folder)))


async def _run(options: argparse.Namespace, folder: Path) -> int:
    from .server import Server  # here, because it is slow to import and `start` and `stop` do not need it

    ports = {name: getattr(options, f"port_{name}") for name in LISTENERS}
    server = Server(folder, ports, None if options.quiet else _tell)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await server.start()
    try:
        server.control.settings({"latency": options.latency})
        connection = server.control.connection()
        background.write_ready(folder, connection)
        if not options.quiet:
            print(_summary(connection), flush=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(options.max_lifetime):
                await ended.wait()
    finally:
        await server.stop()
        (folder / CA_FILE).unlink(missing_ok=True)
        (folder / READY_FILE).unlink(missing_ok=True)
    return 0


def _tell(entry: dict[str, Any]) -> None:
    """One line per request, without body and path, because either may hold a password."""
    outcome = entry["status"] or "connection lost"
    notes = [name for name in ("applied",) if entry[name]] + ([f"fault: {entry['fault']}"] if entry["fault"] else [])
    who = entry["tenant"] or "-"
    line = f"{time.strftime('%H:%M:%S')}  {entry['vendor']:<6}  {entry['operation']:<13}  {who:<10}  {outcome}"
    print(f"{line}  {', '.join(notes)}".rstrip(), flush=True)


def _summary(connection: dict[str, Any]) -> str:
    default, control = connection["tenants"]["default"], connection["control_url"]
    fault = '{"vendor": "ncp", "operation": "resetPassword", "kind": "drop", "at": "after"}'
    exports = {
        "NCLOUD_ACCESS_KEY_ID": default["access_key"],
        "NCLOUD_SECRET_ACCESS_KEY": default["secret_key"],
        "NCLOUD_DATAFOREST_API_URL": connection["ncp_url"],
        "SOLAPI_API_URL": connection["solapi_url"],
        "SOLAPI_API_KEY": connection["solapi"]["api_key"],
        "SOLAPI_API_SECRET": connection["solapi"]["api_secret"],
    }
    lines = [
        "The simulator is running. Ctrl-C ends it.",
        "",
        f"  Data Forest  {connection['ncp_url']}   {connection['ncp_tls_url']}",
        f"  SOLAPI       {connection['solapi_url']}   {connection['solapi_tls_url']}",
        f"  control      {control}",
        f"  CA file      {connection['ca_file']}   (for the https addresses)",
        "",
        "All keys are invented:",
        *(f"  {name:<9} {t['access_key']}  {t['secret_key']}" for name, t in connection["tenants"].items()),
        "",
        "Point the collection at it:",
        *(f"  export {name}={shlex.quote(value)}" for name, value in exports.items()),
        "",
        "Ask for a mail; look at the truth; lose the next answer after the password was set; start over:",
        f"  curl -H 'Content-Type: application/json' -d '{{\"email\": \"user@example.com\"}}' "
        f"{connection['solapi_url']}/users/v1/member/password/reset",
        f"  curl {control}/truth",
        f"  curl {control}/counters",
        f"  curl -d '{fault}' {control}/faults",
        f"  curl -X POST {control}/reset",
        "",
    ]
    return "\n".join(lines)
