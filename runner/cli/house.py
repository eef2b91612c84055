"""
The house put together: the only place that names a store, a queue, connectors and the web.

`open_rooms` opens what every command needs that looks at a server's data, running or not;
`serve.py` adds the worker and the way in.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import connectors
from runner.cli.safe import HeldSafe
from runner.engine.address import form_deriver, token_deriver
from runner.engine.library import Library, Live, workflow_files
from runner.engine.redact import Redactions
from runner.engine.resuming import TokenOf, resume_token_deriver
from runner.errors import HooklineError
from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.faults import WorkflowInvalid
from runner.language.suggest import did_you_mean, one_of
from runner.settings import Server, Settings
from runner.store.addresses import SQLiteAddresses
from runner.store.history import SQLiteHistory
from runner.store.keeping import SQLiteKeeping
from runner.store.nodes import living
from runner.store.pauses import SQLitePauses
from runner.store.people import SQLitePeople
from runner.store.problems import SQLiteProblems
from runner.store.replays import SQLiteReplays
from runner.store.sqlite import SQLiteStore
from runner.vault import Vault, root_key

DATABASE = "hookline.db"
NODES = "nodes"
LINK_SECONDS = 86400.0  # a sign-in link: the day on which it was asked for


@dataclass(frozen=True, slots=True)
class Rooms:
    """A server's data, opened."""

    settings: Settings
    data: Path
    store: SQLiteStore
    history: SQLiteHistory
    keeping: SQLiteKeeping
    people: SQLitePeople
    pauses: SQLitePauses
    problems: SQLiteProblems
    replays: SQLiteReplays
    vault: Vault
    safe: HeldSafe
    library: Library
    addresses: SQLiteAddresses
    resume_token: TokenOf
    form_token_of: Callable[[str], str]

    def url_of(self, token: str) -> str:
        """The inbound address of a token, as services call it."""
        return f"{self.settings.address}/hooks/{token}"

    def form_url_of(self, live: Live) -> str | None:
        """The address of a workflow's public form; None where it has none."""
        manual = live.workflow.manual
        if manual is None or not manual.is_public:
            return None
        return f"{self.settings.address}/forms/{self.form_token_of(live.token)}"


def database_path(settings: Settings, data: Path) -> Path:
    """Where the embedded store is."""
    url = settings.store.url
    return Path(url.removeprefix("sqlite:///")) if url else data / DATABASE


def as_it_runs(settings: Settings, data: Path) -> Settings:
    """*settings* with the address of a server that runs on *data* now, where it was given one by flags."""
    if settings.public_url:
        return settings
    running = [one for one in living(database_path(settings, data).parent / NODES) if one]
    return replace(settings, public_url=running[0]) if running else settings


async def live_workflow(library: Library, slug: str) -> Live:
    """
    The workflow *slug* from its file.

    Raises:
        WorkflowInvalid: the file has faults.
        HooklineError: there is none of that name.
    """
    live = await library.read(slug)
    if live is not None:
        return live
    if faults := [one for one in library.faults.get(slug, ()) if one.severity == "error"]:
        raise WorkflowInvalid(faults)
    known = [path.stem for path in workflow_files(library.folder)]
    hint = did_you_mean(slug, known) or (one_of(known) if known else "it has no workflow files")
    raise HooklineError(f'there is no workflow "{slug}" in {library.folder}; {hint}')


def catalogue(vault: Vault | None, server: Server | None = None) -> Catalogue:
    """
    The actions of all connectors, the providers, what the vault holds, and what the server's settings
    make possible (None: not known here).
    """
    actions, providers = connectors.catalogue_actions(), provider_infos()
    if vault is None:
        return Catalogue(actions, providers=providers)
    is_mutual = None if server is None else server.takes_client_certificates
    return Catalogue(
        actions,
        vault.connection_kinds(),
        frozenset(vault.secrets()),
        providers,
        takes_client_certificates=is_mutual,
    )


@contextlib.asynccontextmanager
async def open_rooms(settings: Settings, *, workflows: Path, data: Path) -> AsyncIterator[Rooms]:
    """
    Open the data of a server; the same whether one runs on it or not.

    Raises:
        StoreUnavailable, SettingsError: it cannot be opened; the message says why.
    """
    key = root_key(os.environ, data)
    store = await SQLiteStore.open(database_path(settings, data))
    try:
        vault = Vault(store, key, os.environ, models=connectors.connection_model)
        await vault.load()
        token_of = token_deriver(key)
        addresses = SQLiteAddresses(store)
        library = Library(
            workflows,
            store,
            catalogue=lambda: catalogue(vault, settings.server),
            token_of=token_of,
            clock=time.time,
            addresses=addresses,
            overrides=settings.vars.of,
        )
        keeping = SQLiteKeeping(store)
        safe = HeldSafe(vault)
        yield Rooms(
            settings=settings,
            data=data,
            store=store,
            history=SQLiteHistory(
                store, Redactions(library, store, store.newest_version), safe.secret_values
            ),
            keeping=keeping,
            people=SQLitePeople(store, time.time),
            pauses=SQLitePauses(store, time.time),
            problems=SQLiteProblems(store),
            replays=SQLiteReplays(store),
            vault=vault,
            safe=safe,
            library=library,
            addresses=addresses,
            resume_token=resume_token_deriver(key),
            form_token_of=form_deriver(key),
        )
    finally:
        await store.close()


async def sign_in_link(rooms: Rooms) -> str:
    """A new address that signs an administrator in, once, within a day."""
    token = await rooms.people.issue("link", name="first", role="admin", seconds=LINK_SECONDS)
    return f"{rooms.settings.address}/start/{token}"


def new_node_name() -> str:
    """A name for this process that no other has or had."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"
