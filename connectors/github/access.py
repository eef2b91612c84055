"""
How GitHub is reached: the connections, one request, and what its refusals mean.

Sources: docs.github.com, REST API: "Troubleshooting the REST API", "Rate limits for the REST API",
"Best practices" (redirects), "Permissions required for fine-grained personal access tokens"
(X-Accepted-GitHub-Permissions); GitHub Apps: "Generating a JSON Web Token", "Generating an
installation access token".
"""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import Field, field_validator

from runner.connector import (
    Bearer,
    Call,
    ConnectionRejected,
    Connector,
    Http,
    Json,
    OutcomeUnknown,
    Rejected,
    Reply,
    SecretStr,
    TokenConnection,
    Tokens,
    Unavailable,
    in_brief,
)

github = Connector("github", title="GitHub", summary="Issues, statuses, files and workflows on GitHub.")

API = "https://api.github.com"
JSON = "application/vnd.github+json"
VERSION = "2022-11-28"
SECONDARY_LIMIT_SECONDS = 60.0  # "wait for at least one minute", where no header says how long
JWT_BACK_SECONDS, JWT_SECONDS = 60, 540  # begins earlier for a slow clock there; 10 minutes are the most
MOVED = {301, 302, 307, 308}
ADDRESS = "The address of the API; GitHub Enterprise Server has https://HOST/api/v3."


@github.connection("github")
class GitHubConnection(Bearer):
    """A GitHub personal access token, fine-grained (github_pat_…) or classic (ghp_…)."""

    title: ClassVar[str] = "GitHub: token"
    steps: ClassVar[tuple[str, ...]] = (
        "At https://github.com/settings/personal-access-tokens choose Generate new token.",
        (
            "Choose the repositories, and under Permissions what the steps do: Issues, Contents, Commit "
            "statuses or Actions, Read and write."
        ),
        "Choose Generate token and copy it: GitHub shows it once. It begins with github_pat_.",
    )

    token: SecretStr = Field(description="The token; it may do what the steps do.", min_length=1)
    api_url: str | None = Field(API, description=ADDRESS)

    async def test(self, call: Call) -> str:
        """Ask GitHub who the token is."""
        return f"connected as {(await send(call, self, 'GET', '/user'))['login']}"


@github.connection("github_app")
class GitHubApp(TokenConnection):
    """A GitHub App that is installed on the repositories: its private key in place of a person's token."""

    title: ClassVar[str] = "GitHub: app"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://github.com/settings/apps choose New GitHub App; give it the repository permissions "
            "that the steps need, and switch its webhook off."
        ),
        (
            "On its page copy the App ID; under Private keys choose Generate a private key, and paste the "
            "whole .pem file that comes down."
        ),
        "Choose Install App, and the repositories.",
        "The page of the installation has its number at the end of its address: copy that too.",
    )

    app_id: str = Field(description="The App's id or client id.", min_length=1)
    installation_id: int = Field(
        description="The installation: the number at the end of its settings page's address.", ge=1
    )
    private_key: SecretStr = Field(
        description="A private key of the App: the whole .pem file.",
        json_schema_extra={"contentMediaType": "application/x-pem-file"},
    )
    api_url: str | None = Field(API, description=ADDRESS)

    @field_validator("app_id", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    @field_validator("private_key")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        rsa_key(value)
        return value

    async def obtain(self, http: Http, now: float) -> Tokens:
        """A token of the installation, for an hour, by a JWT that the App's key signs."""
        jwt = app_jwt(self.app_id, rsa_key(self.private_key), now=now)
        path = f"/app/installations/{self.installation_id}/access_tokens"
        authorization = {"Authorization": f"Bearer {jwt}"}
        reply = await http.post(
            f"{base(self)}{path}", headers=headers(JSON) | authorization, follow_redirects=False
        )
        if reply.status == 404:
            raise ConnectionRejected(
                f"GitHub: the App {self.app_id} has no installation {self.installation_id}"
            )
        answer = accepted(reply, path).json()
        if not isinstance(answer, dict) or not isinstance(answer.get("token"), str):
            raise OutcomeUnknown("GitHub gave the App no token")
        ends = datetime.fromisoformat(str(answer["expires_at"])).timestamp()
        return Tokens(access_token=SecretStr(answer["token"]), obtained_at=now, expires_at=ends)

    async def test(self, call: Call) -> str:
        """Ask GitHub how many repositories the App may see."""
        found = await send(call, self, "GET", "/installation/repositories", query={"per_page": 1})
        return f"connected as the App {self.app_id}, which sees {found['total_count']} repositories"


GitHub: TypeAlias = GitHubConnection | GitHubApp


def base(connection: GitHub) -> str:
    """The address that paths are put after."""
    return (connection.api_url or API).rstrip("/")


def rsa_key(pem: SecretStr) -> rsa.RSAPrivateKey:
    """
    The private key of a PEM text, whose line breaks may have become a backslash and an n.

    Raises:
        ValueError: it is none.
    """
    text = pem.get_secret_value().replace("\\n", "\n").strip()
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        key = None  # what the library says may quote the key
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    raise ValueError("not an RSA private key in PEM form; paste the whole .pem file")


def app_jwt(app_id: str, key: rsa.RSAPrivateKey, *, now: float) -> str:
    """The token by which an App says who it is, signed with RS256, good for some minutes."""
    claims = {"iat": int(now) - JWT_BACK_SECONDS, "exp": int(now) + JWT_SECONDS, "iss": app_id}
    parts = [_base64url(json.dumps(one).encode()) for one in ({"alg": "RS256", "typ": "JWT"}, claims)]
    signed = key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
    return ".".join([*parts, _base64url(signed)])


def headers(accept: str) -> dict[str, str]:
    """What every request says of itself."""
    return {"Accept": accept, "X-GitHub-Api-Version": VERSION}


async def ask(
    call: Call,
    connection: GitHub,
    method: str,
    path: str,
    *,
    also: tuple[int, ...] = (),
    accept: str = JSON,
    **options: Any,
) -> Reply:
    """
    One request; *path* begins with a slash. Statuses of *also* are given back like a success.

    Raises:
        ActionError: GitHub refuses; the message says what to do.
    """
    reply = await call.http.request(
        method,
        f"{base(connection)}{path}",
        headers=headers(accept),
        # a POST that follows a 301 becomes a GET: it would look like a success and do nothing
        follow_redirects=method == "GET",
        **options,
    )
    return reply if reply.status in also else accepted(reply, path)


async def send(call: Call, connection: GitHub, method: str, path: str, **options: Any) -> dict[str, Any]:
    """As `ask`, for an answer that is an object."""
    reply = await ask(call, connection, method, path, **options)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise OutcomeUnknown(f"GitHub answered {reply.status} with what is not an object")
    return answer


def accepted(reply: Reply, path: str) -> Reply:
    """
    *reply* if it is a yes.

    Raises:
        ActionError: what the no means.
    """
    if reply.status in MOVED:
        raise Rejected("GitHub: the repository has moved; give its new name")
    if reply.status < 400:
        return reply
    try:
        answer = reply.json()
    except OutcomeUnknown:
        reply.accept()
        raise
    if not isinstance(answer, dict):
        answer = {}
    said = str(answer.get("message") or "no reason given")
    limited = (
        reply.headers.get("x-ratelimit-remaining") == "0"
        or "retry-after" in reply.headers
        or "rate limit" in said.lower()
    )
    if reply.status in {403, 429} and limited:
        raise Unavailable(f"GitHub: {said}", retry_after_seconds=_wait(reply), cause="429")
    match reply.status:
        case 401:
            raise ConnectionRejected(f"GitHub: {said}: the token is not valid or has expired; make a new one")
        case 403:
            needs = reply.headers.get("x-accepted-github-permissions", "").replace("=", ": ")
            wanted = f"; it needs {needs}" if needs else ""
            raise ConnectionRejected(f"GitHub: {said}: the token may not do this{wanted}")
        case 404:
            _, _, *parts = path.split("/")
            what = f"{parts[0]}/{parts[1]} or what is asked for in it" if len(parts) > 2 else "it"
            raise Rejected(f"GitHub: {said}: {what} is not there, or the token may not see it")
        case 410:
            raise Rejected(f"GitHub: {said}: it was deleted, or the repository has no issues")
        case 422:
            raise Rejected(f"GitHub: {said}{_details(answer.get('errors'))}")
        case 409:
            raise Rejected(f"GitHub: {said}")
    return reply.accept()  # 5xx and the rest are as everywhere


def _details(errors: Json) -> str:
    """`(title: missing_field; …)`, from the list of a 422."""
    parts = []
    for one in errors if isinstance(errors, list) else []:
        if isinstance(one, dict):
            field, code = one.get("field"), one.get("code")
            parts.append(str(one.get("message") or f"{field or one.get('resource')}: {code}"))
        else:
            parts.append(str(one))
    return f" ({in_brief('; '.join(parts), 500)})" if parts else ""


def _wait(reply: Reply) -> float:
    """How long GitHub wants us to wait: by Retry-After, by the reset, else a minute."""
    if (seconds := reply.retry_after()) is not None:
        return seconds
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        try:  # by the clock that set the reset
            now = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
        except ValueError:
            now = time.time()
        return max(1.0, float(reset) - now)
    return SECONDARY_LIMIT_SECONDS


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
