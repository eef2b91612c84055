"""The tables that are copied from one store into another: all of ours, in the order of their writing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copied:
    """A table with its primary key; `json` are its columns that are JSONB on PostgreSQL, text on SQLite."""

    name: str
    key: tuple[str, ...]
    json: tuple[str, ...] = ()

    @property
    def is_numbered(self) -> bool:
        """Whether the database gives each row its number."""
        return self.key == ("number",)


SEALED = Copied("sealed", ("kind", "name"))

# What others refer to comes before them. Triggers fire while rows are written, as they should for runs: one
# that is due gets its job in PgQueuer's queue. `interests` come last, so that nothing that has happened
# already is noted again for who listens.
TABLES = (
    Copied("versions", ("workflow", "version")),
    Copied("tried", ("workflow", "number")),
    Copied("drafts", ("workflow", "person")),
    Copied("addresses", ("workflow",)),
    Copied("kept_addresses", ("origin", "rotation")),
    Copied("paths", ("path",)),
    Copied("expectations", ("workflow",)),
    SEALED,
    Copied("users", ("id",)),
    Copied("tokens", ("digest",)),
    Copied("audit", ("number",)),
    Copied("events", ("number",), json=("gates",)),
    Copied("rejected_let_go", ("workflow",)),
    Copied("deliveries", ("workflow", "key")),
    Copied("pauses", ("kind", "name")),
    Copied("files", ("digest",)),
    Copied("file_uses", ("event_id", "digest")),
    Copied("runs", ("number",), json=("reason",)),
    Copied("records", ("run_id", "path"), json=("error",)),
    Copied("answers", ("run_id", "path")),
    Copied("calls", ("run_id", "path")),
    Copied("problems", ("number",)),
    Copied("notices", ("number",)),
    Copied("replays", ("number",)),
    Copied("replay_items", ("replay_id", "place")),
    Copied("schedules", ("workflow",)),
    Copied("polls", ("workflow",)),
    Copied("polled", ("workflow", "id")),
    Copied("state", ("workflow", "key")),
    Copied("state_effects", ("event_id", "key")),
    Copied("own_events", ("number",)),
    Copied("interests", ("kind",)),
)

# Of a store alone, and made anew: how far its schema is, which processes live, how far a copy has come.
NOT_COPIED = frozenset({"schema_version", "schema_needs", "nodes", "hookline_copying"})
