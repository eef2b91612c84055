"""People who write workflows by the API; every answer of theirs is held against its description."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from runner.values import Json
from tests.api.house import World
from tests.api.schema_check import differences
from web.api.openapi import ROUTES, document
from web.api.routes import PREFIX


@dataclass(frozen=True)
class Writer:
    """One of them, with a token of that name."""

    world: World
    headers: dict[str, str]

    async def __call__(
        self, method: str, path: str, body: Json = None, *, status: int = 200, **headers: str
    ) -> Any:
        """The JSON of an answer, which has that status; *headers* with _ for -."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = await self.world.app.test_client().open(
            PREFIX + path, method=method, headers=sent, json=None if method == "GET" else body or {}
        )
        found = await answer.get_json()
        assert answer.status_code == status, found
        described = document(ROUTES, "http://localhost", cookie="c")
        operation = described["paths"][_template(path, described)][method.lower()]
        (content,) = operation["responses"][str(status)]["content"].values()
        assert differences(found, content["schema"], described) == []
        if "ETag" in answer.headers:
            assert "ETag" in operation["responses"]["200"]["headers"]
            found["etag"] = answer.headers["ETag"]
        return found


async def writer(world: World, name: str, role: str = "editor") -> Writer:
    """Somebody with a token of that name."""
    token = await world.house.people.issue("api", name=name, role=role, seconds=None)  # type: ignore[arg-type]
    return Writer(world, {"Authorization": f"Bearer {token}"})


def _template(path: str, described: Json) -> str:
    path = path.partition("?")[0]
    fitting = [one for one in described["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path)]
    return str(min(fitting, key=lambda one: one.count("{")))
