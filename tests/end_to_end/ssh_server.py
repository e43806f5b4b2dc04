# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real SSH server on a loopback port, whose sessions are cut off on command. It needs no privileges."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import asyncssh


class SshServer:
    """Runs commands as the user of the tests. Whoever has the key may log in, under any name."""

    def __init__(self) -> None:
        # Whether the connection of a command that has ended is lost before it can answer.
        self.dies: Callable[[], bool] = lambda: False
        self.refusals = 0  # connections that are still to be refused
        # It holds sockets, whose paths are limited to about 100 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="ssh", dir="/tmp"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(self.folder / "key")
        (self.folder / "key").chmod(0o600)
        key.write_public_key(self.folder / "key.pub")
        self._thread.start()
        self._acceptor = self._do(self._listen())
        self.port = self._acceptor.get_port()
        return self

    def __exit__(self, *_error: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self.folder)

    def variables(self, **more: Any) -> dict[str, Any]:
        """Variables that make a play use this server."""
        return {
            "ansible_connection": "ansible.builtin.ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "somebody",
            "ansible_ssh_private_key_file": str(self.folder / "key"),
            "ansible_ssh_common_args": "-F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            "ansible_control_path_dir": str(self.folder / "cp"),
            "ansible_ssh_retries": 3,
            **more,
        }

    def _do(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        self._connections: set[asyncssh.SSHServerConnection] = set()
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Door(self),
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=str(self.folder / "key.pub"),
            process_factory=self._run,
            sftp_factory=True,
            encoding=None,
        )

    async def _end(self) -> None:
        self._acceptor.close()
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
        await self._acceptor.wait_closed()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_shell(str(process.command), stdin=pipe, stdout=pipe, stderr=pipe)
        # A client that has nothing to say keeps its side open until the command ends.
        pump = asyncio.create_task(_pump(process.stdin, child.stdin))
        output, errors = await asyncio.gather(child.stdout.read(), child.stderr.read())
        await child.wait()
        pump.cancel()
        if self.dies():
            process.channel.get_connection().abort()
            return
        process.stdout.write(output)
        process.stderr.write(errors)
        process.exit(child.returncode or 0)


async def _pump(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncssh.Error):
        while some := await source.read(65536):
            sink.write(some)
            await sink.drain()
        sink.close()


class _Door(asyncssh.SSHServer):
    def __init__(self, server: SshServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server._connections.add(conn)
        if self._server.refusals:
            self._server.refusals -= 1
            conn.abort()
