"""
A connection to an SSH server: one for each call, over a guarded socket, to a host whose key is known.
Nothing is taken from the account that the server runs as: no keys, no agent, no configuration.

Sources: RFC 4251 to 4254 (SSH), OpenSSH's sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; asyncssh's API reference.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, NoReturn, Self, TypeVar

from pydantic import Field, SecretStr, field_validator, model_validator

from runner.connector import (
    Call,
    Connection,
    ConnectionRejected,
    OutcomeUnknown,
    Rejected,
    TimedOut,
    Unavailable,
    checked_hosts,
    in_brief,
)

T = TypeVar("T")

SHARE = 0.95  # of the time: we give up first, and then say how far it got
TIDY_SECONDS, GOODBYE_SECONDS = 1.0, 1.0  # to take away what was begun, and to part
SIGN_IN_SECONDS = 15.0  # a server that takes longer is none for SSH, or is down: waiting holds a worker
KEEPALIVE_SECONDS = 15.0  # a peer that is gone is noticed during a long command too
SHORTEST_LINE = 16  # of a key, that is hidden: a shorter one is no secret, and stands in many texts
UNKNOWN = "unknown"
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
KEY_TYPE = re.compile(r"(ssh|ecdsa|rsa|sk)-[a-z0-9@.-]+")
ALGORITHMS = (  # of host keys, in the order in which OpenSSH prefers them; none that signs with SHA-1
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip
HOW_TO_SEE = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on that host shows it"


class SshConnection(Connection):
    """A user of an SSH server, for files (SFTP) and for the commands that `[commands]` allows there."""

    title: ClassVar[str] = "SSH and SFTP"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "Make a key pair: ssh-keygen -t ed25519 -f hookline. On the server, add the line of hookline.pub "
            "to .ssh/authorized_keys of the user."
        ),
        "Paste the file hookline, whole, as the private key.",
        (
            "Write unknown as the host key and test: the answer says which key the server shows. Compare it "
            "there, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, and put it in."
        ),
    )

    host: str = Field(description="The server.", examples=["files.example.com"])
    port: int = Field(22, gt=0, lt=65536, description="The port.")
    user: str = Field(description="The user; give it the rights that workflows need, no more.", min_length=1)
    private_key: SecretStr | None = Field(
        None,
        description="Its private key, the whole file of it (OpenSSH's form, or PEM).",
        json_schema_extra={"contentMediaType": "application/x-pem-file"},
    )
    passphrase: SecretStr | None = Field(None, description="The passphrase of the private key.")
    password: SecretStr | None = Field(None, description="Its password; some servers want both.")
    host_key: str = Field(
        description="By what the server is known, one a line: a fingerprint (SHA256:…), or a line of "
        "known_hosts. With `unknown` nothing is sent to it, and the test says which key it shows.",
        examples=["SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDCIZpmPM1oX6Kyhtk"],
        json_schema_extra={"contentMediaType": "text/plain"},
    )
    folder: str | None = Field(
        None,
        description="For SFTP: where all paths begin; then no step leaves it. A link there may.",
        examples=["/srv/exchange"],
    )

    @field_validator("host")
    @classmethod
    def _one_host(cls, value: str) -> str:
        if "*" in value:
            raise ValueError("a host holds no *")
        return checked_hosts([value])[0]

    @field_validator("host_key")
    @classmethod
    def _readable(cls, value: str) -> str:
        pins(value)
        return value

    @field_validator("private_key")
    @classmethod
    def _a_key(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value().strip()
        if text.startswith("PuTTY-User-Key-File"):
            raise ValueError("is a key of PuTTY; `puttygen key.ppk -O private-openssh -o key` makes ours")
        if text and not (text.startswith("-----BEGIN ") and "PRIVATE KEY-----" in text):
            raise ValueError("is no private key: it begins with -----BEGIN and says PRIVATE KEY")
        return value

    @field_validator("folder")
    @classmethod
    def _no_way_out(cls, value: str | None) -> str | None:
        if value is not None and ("\0" in value or not value.strip() or ".." in value.split("/")):
            raise ValueError("is no folder, such as /srv/exchange")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.private_key is None and self.password is None:
            raise ValueError("give a private_key, or a password")
        if self.passphrase is not None and self.private_key is None:
            raise ValueError("a passphrase is for a private_key")
        return self

    @property
    def where(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    def bound_hosts(self) -> list[str]:
        """The server alone."""
        return [self.host]

    def secret_texts(self) -> frozenset[str]:
        """The secret fields, and each line of the key."""
        key = "" if self.private_key is None else self.private_key.get_secret_value()
        lines = (one.strip() for one in key.splitlines() if not one.startswith("-----"))
        return super().secret_texts() | {one for one in lines if len(one) >= SHORTEST_LINE}

    async def test(self, call: Call) -> str:
        """Sign in; where the server is not the one that is known, say which key it shows."""

        async def greeting(there: Any, _progress: Progress) -> str:
            return str(there.get_extra_info("server_version")).removeprefix("SSH-2.0-")

        version = await over(call, self, greeting)
        return f"{self.where} ({in_brief(version, 60)}) lets {self.user} in"


@dataclass(slots=True)
class Progress:
    """How far a call got, for the meaning of an error; `shown` is the host's key, once it is seen."""

    connection: SshConnection
    acting: bool = False
    shown: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The server, for messages."""
        return self.connection.where


async def over(call: Call, connection: SshConnection, work: Callable[[Any, Progress], Awaitable[T]]) -> T:
    """
    What *work* gives with a connection of asyncssh's, signed in, and the progress that decides what an error
    in it means.

    Raises:
        ActionError: what went wrong, and whether it may have happened.
    """
    asyncssh = driver()
    progress = Progress(connection)
    async with errors(asyncssh, progress, call.timeout_seconds):
        there = await _signed_in(asyncssh, call, progress)
        working = asyncio.ensure_future(work(there, progress))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            # asyncssh asks the server to tidy up, and a silent server would never let it end
            working.cancel()
            await asyncio.wait({working}, timeout=TIDY_SECONDS)
            there.abort()
            await asyncio.wait({working})
            with suppress(asyncio.CancelledError):
                working.exception()
            raise
        finally:
            there.close()
            with suppress(TimeoutError, OSError, asyncssh.Error):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await there.wait_closed()
            there.abort()


async def _signed_in(asyncssh: Any, call: Call, progress: Progress) -> Any:
    connection = progress.connection
    key = await _private_key(asyncssh, connection)
    sock = await call.connect(connection.host, connection.port)
    signing_in = asyncio.timeout(SIGN_IN_SECONDS)
    try:
        async with signing_in:
            return await asyncssh.connect(
                connection.host,
                connection.port,
                sock=sock,
                username=connection.user,
                password=None if connection.password is None else connection.password.get_secret_value(),
                client_keys=None if key is None else [key],
                client_factory=lambda: _pinned(asyncssh, progress),
                known_hosts=([], [], []),  # asks `_pinned` about each key
                server_host_key_algs=_algorithms(connection.host_key),
                config=None,
                agent_path=None,
                pkcs11_provider=None,
                x509_trusted_certs=None,
                gss_kex=False,
                gss_auth=False,
                host_based_auth=False,
                request_pty=False,
                connect_timeout=None,
                login_timeout=0,
                keepalive_interval=KEEPALIVE_SECONDS,
            )
    except BaseException:
        sock.close()
        if signing_in.expired():
            raise Unavailable(
                f"{progress.where} let nobody in within {SIGN_IN_SECONDS:g} s; is it an SSH server?"
            ) from None
        raise


def driver() -> Any:
    """asyncssh, imported when it is first used. Raises Rejected: it is not installed."""
    try:
        found = import_module("asyncssh")
    except ImportError:
        raise Rejected(
            "this server has no library for SSH: pip install 'hookline[ssh]', then start it again"
        ) from None
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it tells of each connection, else
    return found


def pins(text: str) -> Mapping[str, str | None]:
    """
    The fingerprints by which a host is known, each with its key's type where that is told.

    Raises:
        ValueError: a line is neither a fingerprint nor a key.
    """
    found: dict[str, str | None] = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#") or words == [UNKNOWN]:
            continue
        if words[0].startswith("@"):
            raise ValueError(f"{words[0]} is not for us: write the fingerprint of the host's own key")
        # what ssh-keygen -l prints is a number, a fingerprint, a comment, a type
        prints = [one for one in words if FINGERPRINT.fullmatch(one)]
        at = next((number for number, one in enumerate(words[:-1]) if KEY_TYPE.fullmatch(one)), None)
        if prints:
            found[prints[0].rstrip("=")] = None
        elif at is not None:
            found[_fingerprint(words[at + 1])] = words[at]
        else:
            raise ValueError(
                f"{in_brief(line, 60)!r} is neither a fingerprint (SHA256: and 43 characters) nor a line of "
                "known_hosts (`ssh-keyscan HOST` prints some); `unknown` is for not yet"
            )
    if not found and UNKNOWN not in text.split():
        raise ValueError("is empty; `unknown` is for not yet: the connection's test then says what to write")
    return found


def _fingerprint(key: str) -> str:
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{in_brief(key, 40)!r} is no key in base64") from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _algorithms(host_key: str) -> list[str]:
    """Those of the keys that are known come first: a host has several keys, and shows what we like best."""
    kinds = {kind for kind in pins(host_key).values() if kind}
    known = [one for one in ALGORITHMS if one in kinds or (one.startswith("rsa-") and "ssh-rsa" in kinds)]
    return list(dict.fromkeys([*known, *ALGORITHMS]))


def _pinned(asyncssh: Any, progress: Progress) -> Any:
    class Pinned(asyncssh.SSHClient):  # type: ignore[misc] # imported late
        def validate_host_public_key(self, _host: str, _address: str, _port: int, key: Any) -> bool:
            fingerprint = key.get_fingerprint()
            progress.shown = [fingerprint, key.get_algorithm()]
            return fingerprint in pins(progress.connection.host_key)

    return Pinned()


async def _private_key(asyncssh: Any, connection: SshConnection) -> Any:
    if connection.private_key is None:
        return None
    phrase = None if connection.passphrase is None else connection.passphrase.get_secret_value()
    try:  # in a thread: a passphrase is stretched for a tenth of a second and more
        return await asyncio.to_thread(
            asyncssh.import_private_key, connection.private_key.get_secret_value().strip() + "\n", phrase
        )
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConnectionRejected(
            f"the connection's private_key cannot be read: {error}; mend private_key or passphrase"
        ) from None


@asynccontextmanager
async def errors(asyncssh: Any, progress: Progress, seconds: float) -> AsyncIterator[None]:
    """Tell apart what happened, what may have, and what did not."""
    try:
        async with asyncio.timeout(seconds * SHARE):
            yield
    except TimeoutError:  # before OSError, which it is
        if progress.acting:
            raise TimedOut(f"{progress.where} did not answer within {seconds:g} s") from None
        raise Unavailable(f"{progress.where} did not answer within {seconds:g} s") from None
    except asyncssh.HostKeyNotVerifiable:
        _not_the_one(progress)
    except asyncssh.PermissionDenied as error:
        _not_let_in(progress, error)
    except asyncssh.KeyExchangeFailed as error:
        raise Rejected(f"{progress.where} has no way to encrypt that we take: {in_brief(error)}") from None
    except asyncssh.SFTPError as error:
        _refused(asyncssh, progress, error)
    except asyncssh.ChannelOpenError as error:
        who = progress.connection.user
        raise Rejected(f"{progress.where} does not let {who} do this: {in_brief(error)}") from None
    except asyncssh.DisconnectError as error:
        if "authentication failures" in str(error).lower():
            _not_let_in(progress, error)
        _broken(progress, error)
    except OSError as error:
        _broken(progress, error)
    except ValueError as error:  # of asyncssh's options: a name that no login has, no user of our own
        raise Rejected(f"{progress.where} cannot be called: {in_brief(error)}") from None


def _not_the_one(progress: Progress) -> NoReturn:
    fingerprint, kind = progress.shown or ["?", "?"]
    shows = f"{progress.where} shows the host key {fingerprint} ({kind})"
    known = ", ".join(pins(progress.connection.host_key))
    if not known:
        raise ConnectionRejected(
            f"{shows}, and the connection's host_key is not known yet: if it is the right "
            f"one ({HOW_TO_SEE}), set host_key to it; nothing was sent there"
        )
    raise ConnectionRejected(
        f"{shows}, and the connection knows {known}: it may be another machine. If its key was changed "
        f"({HOW_TO_SEE}), set host_key to the new one; nothing was sent there"
    )


def _not_let_in(progress: Progress, error: Exception) -> NoReturn:
    raise ConnectionRejected(
        f"{progress.where} does not let {progress.connection.user} in: {in_brief(error)}; mend user, "
        "private_key or password of the connection"
    ) from None


def _broken(progress: Progress, error: Exception) -> NoReturn:
    said = in_brief(error, 200)
    if progress.acting:
        raise OutcomeUnknown(f"{progress.where}: the connection broke before the answer: {said}") from error
    raise Unavailable(f"{progress.where}: the connection broke; nothing was done: {said}") from error


def _refused(asyncssh: Any, progress: Progress, error: Any) -> NoReturn:
    """
    Judge an error of the SFTP server by its code (draft-ietf-secsh-filexfer-02, 7). A full disk has none of
    its own there: it is a failure, as a directory that is not empty.
    """
    if isinstance(error, (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.SFTPEOFError)):
        _broken(progress, error)
    said = f"{progress.where} said: {in_brief(error) or type(error).__name__}"
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        raise Rejected(f"{said}; {progress.connection.user} has no right to do this there") from None
    raise Rejected(said) from None
