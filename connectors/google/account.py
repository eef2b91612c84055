"""
The two ways to Google: a robot account (service account) by its key, and a person's sign-in.

Sources: "Using OAuth 2.0 for Server to Server Applications" (the assertion, its errors, domain-wide
delegation), "Using OAuth 2.0 for Web Server Applications" (access_type, prompt), "Using OAuth 2.0 to
Access Google APIs" (refresh token expiration: seven days in Testing); RFC 7523.
"""

from __future__ import annotations

import base64
import time
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, TypeAlias
from urllib.parse import urlsplit

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.google.api import HOSTS, who
from runner.connector import (
    Call,
    ConnectionRejected,
    Endpoints,
    Http,
    OAuthConnection,
    OutcomeUnknown,
    Reply,
    TokenConnection,
    Tokens,
    Unavailable,
    in_brief,
    tokens_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_SECONDS = 3600  # the longest that Google takes
CLOCK_SECONDS = 30  # so much may our clock go ahead of Google's

AUTH = "https://www.googleapis.com/auth/"
FILES = f"{AUTH}spreadsheets {AUTH}drive {AUTH}documents {AUTH}calendar"
SEND = f"{AUTH}gmail.send"
MAIL = f"{AUTH}gmail.modify"  # read, draft and send

SEVEN_DAYS = (
    "while the app's publishing status is Testing, Google ends every sign-in after seven days: set it to "
    "In production (or its audience to Internal), then connect again"
)


class KeyFile(BaseModel):
    """What we need of the key file of a robot account."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    type: str
    client_email: str
    client_id: str = ""
    private_key_id: str = ""
    private_key: str
    token_uri: str = TOKEN_URL


class GoogleRobot(TokenConnection):
    """
    Google by a robot account (service account): paste its key file, and share each sheet, folder or
    calendar with its address (the `client_email` of the key), as with a colleague.

    It sees nothing else, needs nobody to sign in, and does not end. Files that it makes must go to a
    folder of a shared drive: it has no space of its own. Gmail, and inviting guests to events, work only
    for a `subject`.
    """

    title: ClassVar[str] = "Google: robot account"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://console.cloud.google.com choose or create a project; under APIs & Services, Library, "
            "enable what you need: Google Sheets API, Google Drive API, Google Docs API, Google Calendar API."
        ),
        "Under IAM & Admin, Service Accounts, choose Create service account. It needs no roles.",
        "Open it: Keys, Add key, Create new key, JSON. A file comes down; paste the whole of it here.",
        (
            "Share each sheet, folder or calendar with the account's address, as with a colleague. The "
            "address is shown here once the key is saved."
        ),
    )

    key: SecretStr = Field(
        description="The key file (JSON), whole. Google Cloud console: IAM & Admin, Service Accounts, the "
        "account, Keys, Add key, JSON.",
        json_schema_extra={"contentMediaType": "application/json"},
    )
    subject: str | None = Field(
        None,
        description="The address of a person of a Google Workspace domain in whose name it acts. The "
        "domain's administrator has to allow it: Security, API controls, Domain-wide delegation, with the "
        "client_id of the key and these scopes.",
    )
    scope: str | None = Field(
        None,
        description="What it may do, with spaces between. Left out: Sheets, Drive, Docs and Calendar, and "
        "with a subject Gmail too. With a subject: no more than the administrator allowed.",
    )
    api_url: str | None = Field(None, description="Another address for all of Google's services, for tests.")
    hosts: list[str] | None = Field(
        None, description="Hosts that may get the credentials; left out: those of Google's services."
    )

    @field_validator("key", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return orjson.dumps(value).decode() if isinstance(value, dict) else value

    @field_validator("key")
    @classmethod
    def _complete(cls, value: SecretStr) -> SecretStr:
        _signer(_read(value).private_key)
        return value

    @field_validator("subject", "scope")
    @classmethod
    def _not_empty(cls, value: str | None) -> str | None:
        return value.strip() or None if value is not None else None

    @property
    def scopes(self) -> str:
        """What the token is asked for."""
        return self.scope or (f"{FILES} {MAIL}" if self.subject else FILES)

    @property
    def address(self) -> str:
        """Who others share things with."""
        return self.subject or _read(self.key).client_email

    def shared_with(self) -> str | None:
        """The account itself; in the name of a person there is nothing to share."""
        return None if self.subject else self.address

    @property
    def may_mail(self) -> bool:
        """Whether there is a mailbox."""
        return self.subject is not None

    def sharing(self) -> str:
        """How access is given, for messages."""
        return f"share it with {self.address}"

    def bound_hosts(self) -> list[str]:
        """Google's, or the one of `api_url`."""
        return _hosts(self.hosts, self.api_url)

    def secret_texts(self) -> frozenset[str]:
        """The key file, what is secret in it, and the token."""
        private = _read(self.key).private_key
        return super().secret_texts() | {private, private.strip(), private.replace("\n", "\\n")}

    async def obtain(self, http: Http, now: float) -> Tokens:
        """As `TokenConnection.obtain`: sign an assertion with the key and exchange it."""
        key = _read(self.key)
        form = {"grant_type": ASSERTION, "assertion": assertion(key, self.scopes, self.subject, now)}
        try:
            reply = await http.post(key.token_uri, form=form, follow_redirects=False)
            if reply.status in {400, 401, 403}:
                raise ConnectionRejected(_refusal(reply, self, key))
            reply.accept()
            return tokens_of(reply, now)
        except OutcomeUnknown as error:  # of the call that waits for the token, nothing has happened
            raise Unavailable(str(error), cause=error.cause) from error

    async def test(self, call: Call) -> str:
        """Ask Google who we are there, and say with which address to share."""
        known = await who(call, self)
        as_whom = f" as {self.subject}" if self.subject else ""
        robot = _read(self.key).client_email
        return f"Google lets {robot} in{as_whom}; for each sheet or calendar, {self.sharing()}{known}"


class GoogleUser(OAuthConnection):
    """
    Google by a person's sign-in, through an app (OAuth client) of your own in the Google Cloud console:
    it may do what the person may.

    While the app's publishing status is Testing, Google ends the sign-in after seven days: set it to In
    production, or use a robot account, which does not end.
    """

    title: ClassVar[str] = "Google: sign in"
    steps: ClassVar[tuple[str, ...]] = (
        (
            "At https://console.cloud.google.com choose or create a project; under APIs & Services, Library, "
            "enable what you need, Gmail API for mail."
        ),
        (
            "On the OAuth consent screen (Google Auth Platform) fill in the app's name, and under Audience "
            "choose Publish app. While it is in Testing, Google ends each sign-in after seven days."
        ),
        (
            "Under Clients choose Create client, Web application, and add the redirect address shown here "
            "under Authorized redirect URIs."
        ),
        "Copy the client ID and the client secret into the fields here; save, then sign in.",
    )

    scope: str | None = Field(
        f"{FILES} {SEND}",
        description="What is asked for, with spaces between. Drafts and searching mail need "
        f"{MAIL} in place of gmail.send.",
    )
    token_url: str = Field(TOKEN_URL, description="Where Google gives tokens; another one for tests.")
    authorize_url: str = Field(AUTHORIZE_URL, description="Where the person signs in; another one for tests.")
    api_url: str | None = Field(None, description="Another address for all of Google's services, for tests.")
    hosts: list[str] | None = Field(
        None, description="Hosts that may get the credentials; left out: those of Google's services."
    )

    @property
    def may_mail(self) -> bool:
        """A person has a mailbox."""
        return True

    def sharing(self) -> str:
        """How access is given, for messages."""
        return "let the person who signed in have it"

    def bound_hosts(self) -> list[str]:
        """Google's, or the one of `api_url`."""
        return _hosts(self.hosts, self.api_url)

    def endpoints(self) -> Endpoints:
        """Google's; without `offline` and `consent` there would be no refresh token."""
        return Endpoints(
            self.token_url,
            self.authorize_url,
            client_auth="body",
            authorize_parameters={"access_type": "offline", "prompt": "consent"},
        )

    async def obtain(self, http: Http, now: float) -> Tokens:
        """As `OAuthConnection.obtain`, with the reason that it has most often when it ends."""
        try:
            return await super().obtain(http, now)
        except ConnectionRejected as error:
            if "invalid_grant" not in str(error):
                raise
            raise ConnectionRejected(f"{error}; {SEVEN_DAYS}") from None

    async def test(self, call: Call) -> str:
        """Ask Google who we are there, and say when the sign-in ends where Google says so."""
        known = await who(call, self)
        ends = self.tokens.refresh_ends_at if self.tokens else None
        if ends is None:
            return f"Google lets us in{known}"
        day = time.strftime("%Y-%m-%d", time.gmtime(ends))
        return f"Google lets us in{known}; it ends this sign-in on {day}: {SEVEN_DAYS}"


Google: TypeAlias = GoogleRobot | GoogleUser
"""What every action of Google's services takes."""


def assertion(key: KeyFile, scope: str, subject: str | None, now: float) -> str:
    """The signed JWT (RS256) that is exchanged for a token; *now* is UTC seconds."""
    begins = int(now) - CLOCK_SECONDS
    head = {"alg": "RS256", "typ": "JWT", **({"kid": key.private_key_id} if key.private_key_id else {})}
    claims = {
        "iss": key.client_email,
        "scope": scope,
        "aud": key.token_uri,
        "iat": begins,
        "exp": begins + LIFE_SECONDS,
        **({"sub": subject} if subject else {}),
    }
    signed = b".".join(_base64url(orjson.dumps(one)) for one in (head, claims))
    signature = _signer(key.private_key).sign(signed, PKCS1v15(), hashes.SHA256())
    return b".".join((signed, _base64url(signature))).decode()


def _read(value: SecretStr) -> KeyFile:
    try:
        fields = orjson.loads(value.get_secret_value())
    except ValueError:  # never quoted: it is the secret
        raise ValueError("is not JSON; paste the whole key file, from { to }") from None
    if not isinstance(fields, dict) or fields.get("type") != "service_account":
        raise ValueError('is not the key of a service account: its "type" must be "service_account"')
    missing = [name for name in ("client_email", "private_key") if not isinstance(fields.get(name), str)]
    if missing:
        raise ValueError(f"is not whole: {' and '.join(missing)} is missing")
    return KeyFile.model_validate(fields)


@lru_cache(maxsize=16)  # reading one takes as long as hundreds of signatures' worth of parsing
def _signer(private_key: str) -> RSAPrivateKey:
    try:
        found = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("holds a private_key that cannot be read; make a new key") from None
    if not isinstance(found, RSAPrivateKey):
        raise ValueError("holds a private_key that is not RSA; make a new key")  # noqa: TRY004 - pydantic's way
    return found


def _refusal(reply: Reply, robot: GoogleRobot, key: KeyFile) -> str:
    """Why Google takes no assertion of this key, and what helps, as its page on these errors says."""
    try:
        answer = reply.json()
    except OutcomeUnknown:
        answer = None
    fields = answer if isinstance(answer, dict) else {}
    code = str(fields.get("error", reply.status))
    said = in_brief(fields.get("error_description", ""), 200)
    sentence = f"Google gives no token: {in_brief(code, 100)}" + (f" ({said})" if said else "")
    if code in {"unauthorized_client", "access_denied"}:
        client = key.client_id or key.client_email
        return (
            f"{sentence}; the domain's administrator has to allow the client {client} in Domain-wide "
            f"delegation all of these scopes: {robot.scopes}; or name fewer in `scope`"
        )
    if code == "invalid_grant":
        return (
            f"{sentence}; the key was deleted, this server's clock is wrong, or the subject is no person of "
            "the domain: make a new key, set the clock, or check the subject"
        )
    return sentence


def _hosts(hosts: Sequence[str] | None, api_url: str | None) -> list[str]:
    if hosts is not None:
        return list(hosts)
    return list(HOSTS) if api_url is None else [urlsplit(api_url).hostname or ""]


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
