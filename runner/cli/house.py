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

from connectors.shelf import Shelf
from runner.cli.options import person
from runner.cli.safe import HeldSafe
from runner.engine.address import form_deriver, token_deriver
from runner.engine.audit import Deed
from runner.engine.changes import Changes
from runner.engine.custody import Thing
from runner.engine.library import Library, Live, workflow_files
from runner.engine.people import Provenance, User
from runner.engine.redact import Redactions
from runner.engine.resuming import TokenOf, resume_token_deriver
from runner.engine.watching import Watcher
from runner.errors import NotFound
from runner.inbound.providers import provider_infos
from runner.language.catalogue import Catalogue
from runner.language.command_checks import allowed_inputs
from runner.language.faults import WorkflowInvalid
from runner.language.suggest import did_you_mean, one_of
from runner.settings import Server, Settings
from runner.settings_commands import Commands
from runner.store.addresses import StoredAddresses
from runner.store.audit import StoredAudit
from runner.store.common import CommonStore
from runner.store.drafts import StoredDrafts
from runner.store.history import StoredHistory
from runner.store.keeping import StoredKeeping
from runner.store.opening import keeping_of, open_store, sqlite_path
from runner.store.pauses import StoredPauses
from runner.store.people import StoredPeople
from runner.store.problems import StoredProblems
from runner.store.replays import StoredReplays
from runner.store.users import StoredUsers
from runner.store.versions import StoredVersions
from runner.store.watching import StoredWatch
from runner.values import Json
from runner.vault import Vault, root_key

DATABASE = "hookline.db"
NODES = "nodes"
LINK_SECONDS = 86400.0  # the first link: the day on which it was asked for
USER_LINK_SECONDS = 3 * 86400.0  # whoever is invited on a Friday reads it on Monday


@dataclass(frozen=True, slots=True)
class Rooms:
    """A server's data, opened."""

    settings: Settings
    data: Path
    store: CommonStore
    history: StoredHistory
    keeping: StoredKeeping
    people: StoredPeople
    users: StoredUsers
    audit: StoredAudit
    pauses: StoredPauses
    problems: StoredProblems
    replays: StoredReplays
    vault: Vault
    safe: HeldSafe
    shelf: Shelf
    library: Library
    addresses: StoredAddresses
    drafts: StoredDrafts
    versions: StoredVersions
    changes: Changes
    watcher: Watcher
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
    return sqlite_path(settings.store.url, data / DATABASE)


async def _as_it_runs(settings: Settings, store: CommonStore) -> Settings:
    """*settings* with the address of a server that runs on *store* now, where it was given one by flags."""
    if settings.public_url:
        return settings
    running = [one for one in await store.living() if one]
    return replace(settings, public_url=running[0]) if running else settings


async def live_workflow(library: Library, slug: str) -> Live:
    """
    The workflow *slug* from its file.

    Raises:
        WorkflowInvalid: the file has faults.
        NotFound: there is none of that name.
    """
    live = await library.read(slug)
    if live is not None:
        return live
    if faults := [one for one in library.faults.get(slug, ()) if one.severity == "error"]:
        raise WorkflowInvalid(faults)
    known = [path.stem for path in workflow_files(library.folder)]
    hint = did_you_mean(slug, known) or (one_of(known) if known else "it has no workflow files")
    raise NotFound(f'there is no workflow "{slug}" in {library.folder}; {hint}')


def catalogue(
    vault: Vault | None,
    server: Server | None = None,
    commands: Commands | None = None,
    *,
    shelf: Shelf,
) -> Catalogue:
    """
    The actions of all connectors, the providers, what the vault holds, and what the server's settings
    make possible (None: not known here).
    """
    actions, providers = shelf.catalogue_actions(allowed_inputs(commands)), provider_infos()
    if vault is None:
        return Catalogue(actions, providers=providers, commands=commands)
    is_mutual = None if server is None else server.takes_client_certificates
    return Catalogue(
        actions,
        vault.connection_kinds(),
        frozenset(vault.secrets()),
        providers,
        takes_client_certificates=is_mutual,
        commands=commands,
    )


@contextlib.asynccontextmanager
async def open_rooms(
    settings: Settings, *, workflows: Path, data: Path, is_beside: bool = False, is_from_store: bool = False
) -> AsyncIterator[Rooms]:
    """
    Open the data of a server; the same whether one runs on it or not. Who is *beside* one shows the
    addresses that it has. *is_from_store*: the versions that others made live are read instead of files.

    Raises:
        StoreUnavailable, SettingsError: it cannot be opened; the message says why.
    """
    key = root_key(os.environ, data)
    store = await open_store(
        settings.store.url,
        sqlite=data / DATABASE,
        patience_seconds=settings.store.patience_seconds,
    )
    try:
        if is_beside:
            settings = await _as_it_runs(settings, store)
        shelf = Shelf(workflows)
        vault = Vault(store, key, os.environ, models=shelf.connection_model)
        await vault.load()
        token_of = token_deriver(key)
        addresses, drafts = StoredAddresses(store), StoredDrafts(store, time.time)
        library = Library(
            workflows,
            store,
            catalogue=lambda: catalogue(vault, settings.server, settings.commands, shelf=shelf),
            token_of=token_of,
            clock=time.time,
            addresses=addresses,
            overrides=settings.vars.of,
            drafts=drafts,
            is_from_store=is_from_store,
        )
        keeping = keeping_of(store)
        safe = HeldSafe(vault)
        history = StoredHistory(
            store, Redactions(library, store, store.newest_version, drafts), safe.secret_values
        )
        problems, changes = StoredProblems(store), Changes()
        yield Rooms(
            settings=settings,
            data=data,
            store=store,
            history=history,
            keeping=keeping,
            people=StoredPeople(store, time.time),
            users=StoredUsers(store, time.time),
            audit=StoredAudit(store, time.time),
            pauses=StoredPauses(store, time.time),
            problems=problems,
            replays=StoredReplays(store),
            vault=vault,
            safe=safe,
            shelf=shelf,
            library=library,
            addresses=addresses,
            drafts=drafts,
            versions=StoredVersions(store),
            changes=changes,
            watcher=Watcher(StoredWatch(store), history, problems, changes, time.monotonic),
            resume_token=resume_token_deriver(key),
            form_token_of=form_deriver(key),
        )
    finally:
        await store.close()


async def first_link(rooms: Rooms) -> str:
    """A new address at which the first admin is created, once, within a day."""
    token = await rooms.people.issue("link", name="first", role="admin", seconds=LINK_SECONDS)
    return f"{rooms.settings.address}/start/{token}"


async def user_link(rooms: Rooms, user: User) -> str:
    """A new address at which *user* signs in or sets a password, once, within three days."""
    provenance = Provenance(user_id=user.id)
    token = await rooms.people.issue(
        "link", name=user.name, role=user.role, seconds=USER_LINK_SECONDS, provenance=provenance
    )
    return f"{rooms.settings.address}/start/{token}"


async def noted(rooms: Rooms, verb: str, kind: str, name: str, /, **facts: Json) -> None:
    """Write into the audit log what somebody did at the command line (`runner.engine.audit.Deed`)."""
    who = person()
    await rooms.audit.note(Deed(f"os:{who}", f"{who} (command line)", verb, kind, name, facts))


async def signed(rooms: Rooms, thing: Thing, name: str, /, **facts: Json) -> None:
    """Remember who set a secret or a connection at the command line, and write it into the audit log."""
    signature = {"by": f"{person()} (command line)", "at": time.time()}
    await rooms.vault.sign(thing, name, signature)
    await noted(rooms, "set", thing, name, **facts)


def new_node_name() -> str:
    """A name for this process that no other has or had."""
    return f"{os.getpid()}-{secrets.token_hex(6)}"
