"""
An SSH server on loopback: asyncssh's own, with real processes for commands and a folder for SFTP.

The user is ann; she comes in with PASSWORD, or with the key that is made here.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "ann", "pass-of-ann-0123"
SFTP_ERRORS: dict[str, type[asyncssh.SFTPPermissionDenied | asyncssh.SFTPFailure]] = {
    "denied": asyncssh.SFTPPermissionDenied,
    "failure": asyncssh.SFTPFailure,
}


@dataclass
class SshServer:
    """What it heard, and how it behaves from now on."""

    folder: Path
    port: int = 0
    host_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    client_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    commands: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)  # passwords
    running: dict[asyncio.Task[None], int] = field(default_factory=dict)  # by their processes
    fails: str = ""  # of SFTP: a name of SFTP_ERRORS, for renames
    renames: bool = True  # whether it knows posix-rename@openssh.com
    hangs: bool = False  # at renames
    drops: bool = False  # the connection at renames
    began: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    @property
    def private_key(self) -> str:
        return self.client_key.export_private_key().decode()

    def drop(self) -> None:
        """Break all connections."""
        for one in self.connections:
            one.abort()

    def files(self) -> list[str]:
        """The paths of all files, below the folder."""
        return sorted(str(one.relative_to(self.folder)) for one in self.folder.rglob("*") if one.is_file())


class _Login(asyncssh.SSHServer):
    def __init__(self, server: SshServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._server.tried.append(password)
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.public_data == self._server.client_key.public_data


def _files_of(server: SshServer) -> Callable[[Any], asyncssh.SFTPServer]:
    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(channel, chroot=os.fsencode(server.folder))
            self._channel = channel

        async def _trouble(self) -> None:
            server.began.set()
            if server.hangs:
                await asyncio.Event().wait()
            if server.drops:
                self._channel.get_connection().abort()
            if server.fails:
                raise SFTP_ERRORS[server.fails]("as the test wants it")

        async def rename(self, oldpath: bytes, newpath: bytes) -> None:
            await self._trouble()
            super().rename(oldpath, newpath)

        async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            await self._trouble()
            if not server.renames:
                raise asyncssh.SFTPOpUnsupported("no such request")
            super().posix_rename(oldpath, newpath)

    return Files


async def _run(server: SshServer, process: asyncssh.SSHServerProcess[bytes]) -> None:
    """What sshd does: the line goes to the user's shell, and signals go to what it runs."""
    line = process.command or ""
    server.commands.append(line)
    child = await asyncio.create_subprocess_exec(
        "/bin/bash", "-c", line, stdin=-3, stdout=-1, stderr=-1, start_new_session=True, cwd=server.folder
    )
    task = asyncio.current_task()
    assert task
    server.running[task] = child.pid
    server.began.set()
    ended = asyncio.create_task(_ended(child, process))
    left = asyncio.create_task(process.wait_closed())
    signals = asyncio.create_task(_signals(process))
    try:
        await asyncio.wait({ended, left, signals}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        status = await ended
        if status < 0:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            process.exit(status)
    finally:
        for one in (ended, left, signals):
            one.cancel()
        child._transport.close()  # type: ignore[attr-defined]
        del server.running[task]


async def _ended(child: asyncio.subprocess.Process, process: asyncssh.SSHServerProcess[bytes]) -> int:
    """The child's exit status, when all that it wrote is on its way."""
    assert child.stdout
    assert child.stderr
    for stream, writer in ((child.stdout, process.stdout), (child.stderr, process.stderr)):
        while data := await stream.read(1 << 16):
            with suppress(BrokenPipeError):
                writer.write(data)
                await writer.drain()
    return await child.wait()


async def _signals(process: asyncssh.SSHServerProcess[bytes]) -> None:
    try:
        while await process.stdin.read(1024):
            pass
    except asyncssh.SignalReceived:
        return
    except asyncssh.BreakReceived:
        return
    await asyncio.Event().wait()


@asynccontextmanager
async def ssh_server(folder: Path) -> AsyncIterator[SshServer]:
    """It listens on 127.0.0.1 at a free port, with *folder* as its files."""
    server = SshServer(folder)
    acceptor = await asyncssh.create_server(
        lambda: _Login(server),
        "127.0.0.1",
        0,
        server_host_keys=[server.host_key],
        sftp_factory=_files_of(server),
        process_factory=lambda process: _run(server, process),
        encoding=None,
        config=None,
        line_editor=False,
    )
    server.port = acceptor.get_port()
    try:
        yield server
    finally:
        acceptor.close()
        await acceptor.wait_closed()
        for pid in server.running.values():
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        await asyncio.gather(*server.running, return_exceptions=True)
