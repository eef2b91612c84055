"""
A running server asked by its API (`/api/v1`): what a command does with `--server` instead of with the data
here. Errors come back as those that the same command raises on the data.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from runner import __version__
from runner.errors import HooklineError, MoveRefused, NotFound, SettingsError, StoreUnavailable
from runner.values import Json, dumps, loads

if TYPE_CHECKING:
    import aiohttp

PREFIX = "/api/v1"
ANSWER_SECONDS = 120.0  # a recheck of many requests takes its time
CONNECT_SECONDS = 15.0
MOST_ITEMS = 200  # of one page of the API
LONGEST_SAID = 500  # characters of what something that is not Hookline says
SAFE = frozenset({"GET"})
NOT_A_PART = ("", ".", "..")  # they would lead to another address


@dataclass(frozen=True, slots=True)
class Api:
    """One server's API. A path is given in parts; each is encoded, so that a name cannot lead elsewhere."""

    server: str
    session: aiohttp.ClientSession
    proxy: str | None

    async def get(self, *path: str, **query: str | float | None) -> Json:
        """What GET answers; of *query* what is None is left out. Raises as `send`."""
        return await self.send("GET", *path, query=query)

    async def post(self, *path: str, **body: Json) -> Json:
        """What POST answers; of *body* what is None is left out. Raises as `send`."""
        return await self.send("POST", *path, body=_given(body))

    async def put(self, *path: str, **body: Json) -> Json:
        """As `post`, with PUT."""
        return await self.send("PUT", *path, body=_given(body))

    async def delete(self, *path: str, **query: str | float | None) -> Json:
        """As `get`, with DELETE."""
        return await self.send("DELETE", *path, query=query)

    async def send(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str | float | None] | None = None,
        body: Mapping[str, Json] | None = None,
    ) -> Json:
        """
        The JSON of the answer.

        Raises:
            NotFound, MoveRefused, StoreUnavailable: as the command on the data here would.
            SettingsError: the token is not known, or what was given is wrong.
            HooklineError: nobody answers, it is not Hookline, it is too old, or the role does not allow it.
        """
        answer = await self._begun(method, path, query, body, seconds=ANSWER_SECONDS)
        content = await self._content(answer, is_safe=method in SAFE)
        if answer.status != 200:
            await self._refuse(method, path, answer, content)
        return self._read(content)

    async def page(
        self, *path: str, limit: int, cursor: str | None = None, **query: str | float | None
    ) -> Json:
        """A page of *limit* items of a list, which may be several of the API's. Raises as `send`."""
        items: list[Json] = []
        while True:
            size = min(limit - len(items), MOST_ITEMS)
            found = await self.get(*path, limit=size, cursor=cursor, **query)
            items += found["items"]
            cursor = found["next"]
            if cursor is None or len(items) >= limit or not found["items"]:
                return {"items": items, "next": cursor}

    @contextlib.asynccontextmanager
    async def streamed(self, *path: str, **query: str | float | None) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer that has no end. Raises as `send`; they end where the line breaks off."""
        answer = await self._begun("GET", path, query, None, seconds=None)
        try:
            if answer.status != 200:
                await self._refuse("GET", path, answer, await self._content(answer, is_safe=True))
            yield _lines(answer)
        finally:
            answer.close()

    async def _begun(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str | float | None] | None,
        body: Mapping[str, Json] | None,
        *,
        seconds: float | None,
    ) -> aiohttp.ClientResponse:
        """The answer, of which the head is here."""
        import aiohttp
        import yarl

        if wrong := [one for one in path if one in NOT_A_PART]:
            raise NotFound(f'there is nothing called "{wrong[0]}"')
        parts = "/".join(quote(one, safe="") for one in path)
        target = yarl.URL(f"{self.server}{PREFIX}/{parts}", encoded=True)
        asked = {name: str(value) for name, value in (query or {}).items() if value is not None}
        try:
            return await self.session.request(
                method,
                target.with_query(asked) if asked else target,
                data=None if body is None else dumps(body).encode(),
                headers={} if body is None else {"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
                allow_redirects=False,  # or the token would go wherever it says
                proxy=self.proxy,
            )
        except (aiohttp.ClientError, OSError) as error:  # OSError: TimeoutError is one
            raise _unreachable(self.server, error, is_safe=method in SAFE) from None

    async def _content(self, answer: aiohttp.ClientResponse, *, is_safe: bool) -> bytes:
        import aiohttp

        try:
            return await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(self.server, error, is_safe=is_safe) from None

    def _read(self, content: bytes) -> Json:
        try:
            return loads(content)
        except ValueError:
            raise HooklineError(f"what answers at {self.server} is not Hookline's API") from None

    async def _refuse(
        self, method: str, path: tuple[str, ...], answer: aiohttp.ClientResponse, content: bytes
    ) -> NoReturn:
        """Raise what an answer that is no 200 means."""
        status = answer.status
        if 300 <= status < 400:
            where = answer.headers.get("Location", "elsewhere")
            raise SettingsError(f"{self.server} sends us to {where[:LONGEST_SAID]}; name that server itself")
        problem = _problem(content)
        if problem is None:
            raise HooklineError(f"what answers at {self.server} is not Hookline's API (status {status})")
        detail = str(problem["detail"])
        said = detail.removesuffix(".")
        match status:
            case 401:
                raise SettingsError(
                    f"{self.server} does not know this token; `hookline login {self.server}` keeps another"
                )
            case 403:
                raise HooklineError(f"{self.server} refuses this: {said[:1].lower()}{said[1:]}")
            case 404 | 405 if not await self._has(method, path):
                raise HooklineError(
                    f"{self.server} runs Hookline {await self._version()}, which cannot do this; "
                    f"this command is of {__version__}"
                )
            case 404:
                raise NotFound(said)
            case 409 | 410 | 412:
                raise MoveRefused(said)
            case 400 | 413 | 415 | 422 | 428:
                raise SettingsError(said)
            case 503:
                raise StoreUnavailable(said)
        raise HooklineError(f"{self.server}: {said}")

    async def _has(self, method: str, path: tuple[str, ...]) -> bool:
        """Whether the server's own description has an operation of that address."""
        described = await self._described()
        return any(
            method.lower() in operations and _leads(template, path)
            for template, operations in described.get("paths", {}).items()
        )

    async def _version(self) -> str:
        return str((await self._described()).get("info", {}).get("version", "unknown"))

    async def _described(self) -> Json:
        answer = await self._begun("GET", ("openapi.json",), None, None, seconds=ANSWER_SECONDS)
        content = await self._content(answer, is_safe=True)
        found = self._read(content) if answer.status == 200 else {}
        return found if isinstance(found, dict) else {}


@contextlib.asynccontextmanager
async def open_api(server: str, token: str) -> AsyncIterator[Api]:
    """
    The API of *server*, asked with *token*. Certificates are verified (SSL_CERT_FILE names more authorities),
    the proxies of the environment are used (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
    """
    import aiohttp

    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "User-Agent": f"hookline/{__version__}",
    }
    # not aiohttp's `trust_env`: with it a netrc of the user would replace the token
    async with aiohttp.ClientSession(headers=headers, connector=verifying(), trust_env=False) as session:
        yield Api(server, session, proxy_for(server))


def verifying() -> aiohttp.TCPConnector:
    """Connections whose certificates are verified by what this machine trusts."""
    import aiohttp

    return aiohttp.TCPConnector(ssl=ssl.create_default_context())


def proxy_for(address: str) -> str | None:
    """The proxy that the environment names for *address*."""
    parts = urlsplit(address)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    import aiohttp

    with contextlib.suppress(aiohttp.ClientError, OSError):
        async for line in answer.content:
            yield line


def _leads(template: str, path: tuple[str, ...]) -> bool:
    """Whether *path* is an address of the form *template*, such as `/runs/{id}`."""
    parts = template.strip("/").split("/")
    return len(parts) == len(path) and all(
        one.startswith("{") or one == other for one, other in zip(parts, path, strict=True)
    )


def _given(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in body.items() if value is not None}


def _problem(content: bytes) -> dict[str, Json] | None:
    try:
        found = loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("detail"), str) else None


def _unreachable(server: str, error: Exception, *, is_safe: bool) -> HooklineError:
    """What to say of a server that gave no answer."""
    import aiohttp

    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            cause = getattr(error, "certificate_error", error)
            why = getattr(cause, "verify_message", None) or str(cause)
            return HooklineError(
                f"the certificate of {server} is not trusted here: {why}; "
                "SSL_CERT_FILE names a file of more authorities"
            )
        case aiohttp.ClientProxyConnectionError():
            return HooklineError(f"the proxy on the way to {server} does not answer")
        case aiohttp.ClientHttpProxyError():
            return HooklineError(f"the proxy on the way to {server} refuses: {error.status} {error.message}")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            why = getattr(getattr(error, "os_error", None), "strerror", None)
            return HooklineError(f"nothing answers at {server}{f' ({why})' if why else ''}; is it running?")
        case aiohttp.InvalidURL():
            return SettingsError(f"--server: {server} is no address")
    what = f"gave no answer in {ANSWER_SECONDS:.0f} s" if isinstance(error, TimeoutError) else "broke off"
    unsure = "" if is_safe else "; it may have been done: look before you do it again"
    return HooklineError(f"{server} {what}{unsure}")
