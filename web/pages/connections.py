"""Connections and secrets: what we may reach, whether it still works, and the forms that set them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from quart import Response, g, redirect, render_template, request, url_for

from runner.engine.audit import DeedsWanted
from runner.language.suggest import did_you_mean
from web.api import connections as api
from web.api.routes import Asked
from web.auth import is_secure
from web.connection_fields import form_of, read_form
from web.pages.actions import titled
from web.pages.connecting import BACK, BACK_SECONDS
from web.paths import own_path
from web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quart.typing import ResponseReturnValue

    from runner.engine.custody import Custody
    from runner.values import Json
    from web.house import House

FRESH = "new"  # the address of the form for another one
HISTORY = 50  # deeds that one page shows
MOST_DEEDS = 200  # that are looked through for the last test of each


@dataclass(frozen=True, slots=True)
class Given:
    """What a form was sent with, as far as it may be shown again, and what is wrong with it."""

    name: str = ""
    expires: str = ""
    posted: Mapping[str, Json] | None = None
    faults: Mapping[str, str] | None = None
    sentence: str = ""  # what is wrong with all of it
    is_refused: bool = False  # by the service: it can be kept anyway


async def connections(house: House) -> str:
    """What may we reach, and does it still work."""
    custody = api.custody_of(house)
    items, missing, secrets, kinds = await asyncio.gather(
        asyncio.to_thread(custody.connections),
        asyncio.to_thread(custody.missing_connections),
        asyncio.to_thread(custody.secrets),
        _kinds(custody),
    )
    tested: dict[str, Json] = {}
    for deed in (await house.audit_log.page(DeedsWanted(kind="connection", limit=MOST_DEEDS))).items:
        if "said" in deed["facts"]:
            tested.setdefault(deed["name"], deed)
    return await render_template(
        "connections.html",
        items=items,
        missing=missing,
        secrets=secrets,
        kinds=kinds,
        tested=tested,
        names=_names(house),
    )


async def new_connection(house: House) -> str:
    """Choose a service; of one that is chosen its form."""
    kinds = await _kinds(api.custody_of(house))
    kind = request.args.get("kind", "")
    if kind in kinds:
        return await _form(house, kinds[kind], Given(name=request.args.get("name", "")))
    asked = request.args.get("q", "").strip()
    words = asked.casefold().split()
    found = [
        one
        for one in sorted(kinds.values(), key=lambda one: str(one["title"]).casefold())
        if all(
            word in f"{one['title']} {one['kind']} {one['connector']} {one['summary']}".casefold()
            for word in words
        )
    ]
    hint = did_you_mean(kind, list(kinds)) if kind else ""
    return await render_template(
        "connection_services.html", kinds=found, asked=asked, next=_next(), unknown=kind, hint=hint
    )


async def make_connection(house: House) -> ResponseReturnValue:
    """Keep a new one, once it works, or anyway."""
    kinds = await _kinds(api.custody_of(house))
    form = await request.form
    kind = kinds.get(form.get("kind", ""))
    if kind is None:
        raise Problem(400, "There is no such kind of connection.", parameter="kind")
    name = form.get("name", "").strip()
    custody = api.custody_of(house)
    if not name or name == FRESH or name in custody.names():
        said = (
            f"There is one called {name} already."
            if name and name != FRESH
            else "Give it a name, such as team-slack."
        )
        return await _form(house, kind, _given(form, {"name": said})), 422
    return await _keep(house, kind, name, form, is_replaced=False)


async def connection(house: House, name: str) -> str:
    """One connection: how it stands, what was done with it, and the form that replaces its values."""
    return await _page(house, name)


async def replace_connection(house: House, name: str) -> ResponseReturnValue:
    """Other values; secrets that are left empty stay."""
    form = await request.form
    item = await asyncio.to_thread(api.custody_of(house).connection, name)
    kinds = await _kinds(api.custody_of(house))
    kind = kinds.get(form.get("kind") or item["kind"])
    if kind is None:
        raise Problem(
            409, "This server knows no connection of this kind any more; delete it, and make another."
        )
    return await _keep(house, kind, name, form, is_replaced=not form.get("afresh"))


async def test_one(house: House, name: str) -> ResponseReturnValue:
    """Try it by the way of a call, and show what was said."""
    await asyncio.to_thread(api.custody_of(house).connection, name)
    await api.test_connection(house, _asked(name))
    back = (await request.form).get("back")
    return redirect(
        url_for("connections") + f"#{name}" if back == "list" else url_for("connection", name=name), 303
    )


async def delete_one(house: House, name: str) -> ResponseReturnValue:
    """Forget it."""
    await api.delete_connection(house, _asked(name))
    return redirect(url_for("connections"), 303)


async def connect_one(house: House, name: str) -> ResponseReturnValue:
    """Begin a consent: a page that goes on to the service, which sends the person back here."""
    begun = await api.connect(house, _asked(name))
    page = Response(await render_template("connection_going.html", name=name, url=begun["url"]))
    wanted = (
        own_path((await request.form).get("next"))
        if (await request.form).get("next")
        else url_for("connection", name=name)
    )
    page.set_cookie(
        BACK, wanted, max_age=BACK_SECONDS, httponly=True, samesite="Lax", secure=is_secure(house)
    )  # fmt: skip
    return page


async def _keep(
    house: House, kind: Json, name: str, form: Mapping[str, str], *, is_replaced: bool
) -> ResponseReturnValue:
    """Keep what was posted, or show the form with what is wrong."""
    values, faults = read_form(kind, form, is_replaced=is_replaced)
    ends_at = _day(form.get("expires", ""), faults)
    is_new = "afresh" not in form and not is_replaced
    if not faults:
        body = {
            "kind": kind["kind"], "fields": values, "test": "anyway" not in form, "merge": is_replaced,
            **({"expires": ends_at} if ends_at is not None else {}),
        }  # fmt: skip
        try:
            kept = await api.put_connection(house, _asked(name, **body))
        except Problem as problem:
            given = _refused(form, kind, name, problem)
        else:
            return _onwards(kept, is_new=is_new)
    else:
        given = _given(form, faults)
    if is_new:
        return await _form(house, kind, given), 409 if given.is_refused else 422
    return await _page(house, name, given), 409 if given.is_refused else 422


def _onwards(kept: Json, *, is_new: bool) -> ResponseReturnValue:
    """To where the person came from, or to the connection's own page where there is something left to do."""
    wanted = request.args.get("next")
    is_ready = kept["state"] != "unconnected" and not (is_new and kept["shared_with"])
    if wanted and is_ready:
        return redirect(own_path(wanted), 303)
    page = url_for("connection", name=kept["name"], next=own_path(wanted) if wanted else None)
    return redirect(page, 303)


def _refused(form: Mapping[str, str], kind: Json, name: str, problem: Problem) -> Given:
    """What the checker or the service said, beside the fields that it names."""
    text = str(problem)
    if problem.status == 409:
        return _given(form, {}, sentence=text, is_refused=True)
    if problem.status != 422:
        raise problem
    begin = f"The connection {name}: "
    faults: dict[str, str] = {}
    others = []
    for part in text.removeprefix(begin).rstrip(".").split("; "):
        field, _, said = part.partition(": ")
        if text.startswith(begin) and field in kind["fields"]["properties"] and said:
            faults[field] = said[:1].lower() + said[1:]
        else:
            others.append(part[:1].upper() + part[1:])
    if "a connection's name is" in text:
        return _given(form, {"name": "A name is letters, digits, - and _, such as team-slack."})
    return _given(form, faults, sentence=". ".join(others) + ("." if others else ""))


def _given(
    form: Mapping[str, str], faults: Mapping[str, str], *, sentence: str = "", is_refused: bool = False
) -> Given:
    return Given(
        name=form.get("name", ""),
        expires=form.get("expires", ""),
        posted=form,
        faults=faults,
        sentence=sentence,
        is_refused=is_refused,
    )


async def _form(house: House, kind: Json, given: Given) -> str:
    """The form of a new connection."""
    custody = api.custody_of(house)
    kinds = await _kinds(custody)
    known = custody.names()
    fallback = _free(kind["connector"] if kind["connector"] not in ("http", "email") else kind["kind"], known)
    return await render_template(
        "connection_new.html",
        kind=kind,
        siblings=[one for one in kinds.values() if one["connector"] == kind["connector"]],
        fields=form_of(kind, posted=given.posted, faults=given.faults),
        given=given,
        suggested=given.name or fallback,
        callback=house.connections.callback if house.connections else "",
        next=_next(),
        service=titled(kind["connector"]),
    )


async def _page(house: House, name: str, given: Given | None = None) -> str:
    """The page of one connection."""
    custody = api.custody_of(house)
    item = await asyncio.to_thread(custody.connection, name)
    kinds = await _kinds(custody)
    kind = kinds.get(item["kind"])
    deeds = await house.audit_log.page(DeedsWanted(kind="connection", text=name, limit=HISTORY))
    ends = "" if kind is None or kind["signs_in"] else item["expires_at"] or ""
    given = given or Given(expires=ends[:10])
    return await render_template(
        "connection.html",
        item=item,
        kind=kind,
        fields=form_of(kind, known=item["values"], posted=given.posted, faults=given.faults)
        if kind
        else None,
        given=given,
        history=[one for one in deeds.items if one["name"] == name],
        callback=house.connections.callback if house.connections else "",
        next=_next(),
        names=_names(house),
    )


async def _kinds(custody: Custody) -> dict[str, Any]:
    found = await asyncio.to_thread(custody.kinds)
    return {one["kind"]: one for one in found}


def _names(house: House) -> dict[str, str]:
    """What the workflows are called."""
    return {one.workflow.slug: one.workflow.name for one in house.library.all()}


def _free(word: str, known: Collection[str]) -> str:
    """A name that none has: `slack`, `slack-2`."""
    base = word.replace("_", "-")
    found, number = base, 2
    while found in known:
        found, number = f"{base}-{number}", number + 1
    return found


def _day(text: str, faults: dict[str, str]) -> float | None:
    """The end that a person wrote, a day; nothing: none is known."""
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp()
    except ValueError:
        faults["expires"] = "Write a day such as 2027-05-03."
        return None


def _next() -> str:
    wanted = request.args.get("next", "")
    return own_path(wanted) if wanted else ""


def _asked(name: str, **given: Json) -> Asked:
    return Asked(name, given, g.person, {"id": name})
