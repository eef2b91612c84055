"""The form of one secret: a value goes in and never comes out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quart import g, redirect, render_template, request, url_for

from web.api import connections as api
from web.api.routes import Asked
from web.paths import own_path
from web.problems import Problem

if TYPE_CHECKING:
    from quart.typing import ResponseReturnValue

    from runner.values import Json
    from web.house import House


async def new_secret(house: House) -> str:
    """The form of one that is not named yet."""
    return await _page(house, "")


async def make_secret(house: House) -> ResponseReturnValue:
    """Keep it under the name that was written."""
    return await _keep(house, (await request.form).get("name", "").strip(), is_new=True)


async def secret(house: House, name: str) -> str:
    """What uses it, when it was set, and the form."""
    return await _page(house, name)


async def set_secret(house: House, name: str) -> ResponseReturnValue:
    """Keep its value."""
    return await _keep(house, name, is_new=False)


async def delete_one_secret(house: House, name: str) -> ResponseReturnValue:
    """Forget it."""
    await api.delete_secret(house, Asked(name, {}, g.person))
    return redirect(url_for("connections") + "#secrets", 303)


async def _keep(house: House, name: str, *, is_new: bool) -> ResponseReturnValue:
    form = await request.form
    value = form.get("lines", "").replace("\r\n", "\n") or form.get("value", "")
    hosts = form.get("hosts", "").replace(",", "\n").split()
    if is_new and not name:
        return await _page(house, "", faults={"name": "Give it a name, such as SHOPIFY_SECRET."}), 422
    if is_new and (await _found(house, name))["is_set"]:
        said = f"There is one called {name} already; open it to replace its value."
        return await _page(house, "", faults={"name": said}, given=name), 422
    if not value:
        fault = {"value": "Paste the value."}
        return await _page(house, "" if is_new else name, faults=fault, given=name), 422
    try:
        await api.put_secret(house, Asked(name, {"value": value, "hosts": hosts}, g.person))
    except Problem as problem:
        if problem.status != 422:
            raise
        field = (
            "name" if is_new and "name is" in str(problem) else "hosts" if "host" in str(problem) else "value"
        )
        page = await _page(house, "" if is_new else name, faults={field: str(problem)}, given=name)
        return page, 422
    wanted = request.args.get("next")
    return redirect(own_path(wanted) if wanted else f"{url_for('connections')}#{name}", 303)


async def _page(house: House, name: str, *, faults: dict[str, str] | None = None, given: str = "") -> str:
    wanted = request.args.get("next", "")
    return await render_template(
        "secret.html",
        item=await _found(house, name),
        faults=faults or {},
        given=given or request.args.get("name", ""),
        next=own_path(wanted) if wanted else "",
        names={one.workflow.slug: one.workflow.name for one in house.library.all()},
    )


async def _found(house: House, name: str) -> Any:
    """How it stands; one that nobody set and no workflow names is a new one."""
    none: Json = {
        "name": name, "is_set": False, "set_at": None, "by": None, "hosts": None, "is_fixed": False,
        "used_by": [],
    }  # fmt: skip
    items = await asyncio.to_thread(api.custody_of(house).secrets)
    return next((one for one in items if one["name"] == name), none)
