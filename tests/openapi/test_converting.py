"""From a document to a file: what becomes of each part, and why something does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import connectors
from runner.errors import SettingsError
from runner.language.catalogue import Catalogue
from runner.language.load import load
from runner.openapi import ConnectorFile, Converted, FileConnector, Wanted, collides, convert, read_document
from runner.openapi.names import snake
from tests.openapi.services import DOCUMENTS, laid


def made(document: Any, **wanted: Any) -> Converted:
    return convert(read_document(json.dumps(document).encode()), Wanted(**wanted))


def small(operation: Any = None, **more: Any) -> dict[str, Any]:
    """A document of one operation, `GET /things`."""
    given = {"operationId": "things", "responses": {"200": {"description": "OK"}}, **(operation or {})}
    head = {"openapi": "3.1.0", "info": {"title": "Small", "version": "1"}}
    return {**head, "servers": [{"url": "https://x.example"}], "paths": {"/things": {"get": given}}, **more}


def entry(converted: Converted, verb: str = "things") -> Any:
    return ConnectorFile(Path(f"connectors/{converted.name}.yaml"), converted.text).entry(verb)


@pytest.mark.parametrize("document", ["shop.yaml", "pay.yaml", "notes.json"])
def test_what_is_made_has_no_faults_and_its_examples_load(document: str, tmp_path: Path) -> None:
    connectors.connector("http")  # whose kinds of connections some take
    connector = laid(tmp_path, document, "made_api")

    assert connector.file.all_faults() == []
    catalogue = Catalogue({one.name: one.info() for one in connector.all()})
    assert len(catalogue.actions) == len(connector.verbs()) > 2
    for one in connector.all():
        step = "\n    ".join(one.example.rstrip().splitlines())
        text = f"name: Example\ntrigger: {{webhook: {{}}}}\nsteps:\n  - {step}\n"
        loaded = load(text, path="example.yaml", slug="example", catalogue=catalogue)
        assert [str(fault) for fault in loaded.faults] == []
        for schema in one.info().inputs.values():
            assert schema["description"]


def test_names_of_actions() -> None:
    assert snake("listPets") == "list_pets"
    assert snake("pets/list-all") == "pets_list_all"
    assert snake("getHTTPRoute2") == "get_http_route2"
    assert snake("2fa.check") == "n2fa_check"
    assert snake("…") == ""
    paths = {
        "/a": {"get": {"operationId": "list things"}, "post": {"operationId": "listThings"}},
        "/a/{b}": {"delete": {}},
    }
    assert made(small(paths=paths)).actions == ("list_things", "list_things_2", "delete_a_b")


def test_what_is_not_converted_says_why() -> None:
    content = (DOCUMENTS / "shop.yaml").read_bytes()
    reasons = dict(convert(read_document(content), Wanted(name="shop_api")).skipped)

    assert len(reasons) == 6
    assert "TRACE" in reasons["TRACE /upload (seeUpload)"]
    assert "'matrix'" in reasons["GET /odd/{matrix} (odd)"]
    assert "nothing is fetched" in reasons["GET /elsewhere (elsewhere)"]
    assert "leads to nothing" in reasons["GET /lost (lost)"]
    assert "in a circle" in reasons["GET /circle (circle)"]
    assert "client's certificate" in reasons["GET /certified (certified)"]
    assert "HTTP digest" in reasons["GET /certified (certified)"]


def test_what_may_be_repeated() -> None:
    paths = {
        "/a": {
            method: {"operationId": method} for method in ("get", "put", "post", "delete", "patch", "head")
        }
    }
    converted = made(small(paths=paths))
    assert [entry(converted, one)["after_crash"] for one in converted.actions] == [
        "repeat", "repeat", "stop", "repeat", "stop", "repeat",
    ]  # fmt: skip
    assert "no idempotency key" in entry(converted, "post")["why"]
    knowing = made(small(paths=paths), idempotency_header="X-Once")
    assert entry(knowing, "post")["after_crash"] == "repeat"
    assert "X-Once is the same" in entry(knowing, "post")["why"]


def test_only_what_is_asked_for() -> None:
    document = read_document((DOCUMENTS / "shop.yaml").read_bytes())

    def actions(**wanted: Any) -> tuple[str, ...]:
        return convert(document, Wanted(name="shop_api", **wanted)).actions

    assert actions(only=["createOrder"]) == ("create_order",)
    assert actions(only=["create_order", "post_upload"]) == ("create_order", "post_upload")
    assert actions(tags=["Orders"]) == ("orders_put_note", "list_orders", "create_order")
    with pytest.raises(SettingsError, match='no operation "createOrdr"; did you mean "create_order"'):
        actions(only=["createOrdr"])
    with pytest.raises(SettingsError, match='no tag "Order"; did you mean "Orders"'):
        actions(tags=["Order"])


def test_schemas_of_both_versions() -> None:
    def shaped(schema: Any, version: str = "3.0.0") -> Any:
        parameter = {"name": "x", "in": "query", "schema": schema}
        return entry(made(small({"parameters": [parameter]}, openapi=version)))["inputs"]["x"]["schema"]

    assert shaped({"type": "string", "nullable": True, "enum": ["a"]}) == {
        "type": ["string", "null"], "enum": ["a", None],
    }  # fmt: skip
    assert shaped({"type": "integer", "minimum": 1, "exclusiveMinimum": True}) == {
        "type": "integer", "exclusiveMinimum": 1,
    }  # fmt: skip
    assert shaped({"type": "integer", "exclusiveMinimum": 1}, "3.1.0") == {
        "type": "integer", "exclusiveMinimum": 1,
    }  # fmt: skip
    assert shaped({"oneOf": [{"type": "string"}, {"type": "number"}], "nullable": True}) == {
        "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]
    }
    assert shaped({"allOf": [{"type": "string"}], "description": "<p>It&amp;more</p>"}) == {
        "type": "string", "description": "It&more",
    }  # fmt: skip
    assert shaped({"type": "string", "pattern": "(?=x)", "minLength": "3", "format": "odd"}) == {
        "type": "string", "format": "odd",
    }  # fmt: skip
    assert shaped(True, "3.1.0") == {}


def test_servers() -> None:
    def head(servers: Any, address: str = "") -> Any:
        converted = made(small(servers=servers), address=address)
        return ConnectorFile(Path("connectors/small.yaml"), converted.text).head, converted.notes

    assert head([{"url": "https://x.example/v1/"}])[0]["url"] == "https://x.example/v1"
    assert head([{"url": "/v2"}], "https://y.example/docs/openapi.json")[0]["url"] == "https://y.example/v2"
    for nowhere in ([], [{"url": "/v2"}], [{"url": "https://{host}/"}], [{"url": "ftp://x.example"}]):
        found, notes = head(nowhere, "openapi.json")
        assert "url" not in found
        assert any("has to give `api_url`" in one for one in notes)
    assert any("not encrypted" in one for one in head([{"url": "http://x.example"}])[1])
    own = made(small({"servers": [{"url": "https://own.example"}]}))
    assert entry(own)["url"] == "https://own.example"
    assert "https://z.example" in made(small(), url="https://z.example/").text
    with pytest.raises(SettingsError, match="is no address"):
        made(small(), url="z.example")


def test_credentials(tmp_path: Path) -> None:
    shop = laid(tmp_path, "shop.yaml", "shop_api")
    kinds = shop.connections

    assert sorted(kinds) == ["shop_api_app", "shop_api_app_token", "shop_api_key"]
    by_client: Any = kinds["shop_api_app"].model_validate(
        {"client_id": "a", "client_secret": "b", "grant": "client_credentials"}
    )
    assert by_client.endpoints().token_url == "https://login.shop.example/token"
    assert not by_client.asks_a_person()
    assert "orders:write" in str(kinds["shop_api_app"].model_fields["scope"].description)
    by_person: Any = kinds["shop_api_app"].model_validate({"client_id": "a"})
    assert by_person.waits_for_a_person()
    address = by_person.authorize_address(state="s", verifier="v" * 43, redirect_uri="https://here.example")
    assert address.startswith("https://login.shop.example/authorize?")
    assert by_person.bound_hosts() == ["eu.shop.example", "files.shop.example"]
    put = shop.action("orders_put_note")
    assert put is not None
    assert [one.kind for one in put.connections] == ["shop_api_key", "shop_api_app", "shop_api_app_token"]
    assert put.connection_required
    alone = made(
        small(
            security=[{"k": []}], components={"securitySchemes": {"k": {"type": "http", "scheme": "Bearer"}}}
        )
    )
    assert alone.kinds == ("small",)


def test_a_document_without_credentials_takes_those_of_any_service(tmp_path: Path) -> None:
    connectors.connector("http")
    path = tmp_path / "small.yaml"
    path.write_text(made(small()).text, encoding="utf-8")
    action = FileConnector(path).action("things")

    assert action is not None
    assert [one.kind for one in action.connections] == ["basic", "bearer", "header", "query", "oauth2"]
    assert not action.connection_required


def test_recursive_schemas_have_an_end(tmp_path: Path) -> None:
    shop = laid(tmp_path, "shop.yaml", "shop_api")
    order = shop.info("create_order")
    notes = laid(tmp_path, "notes.json", "notes_api")
    tree = notes.info("grow_tree")

    assert order is not None
    assert tree is not None
    text = json.dumps({"a": order.inputs, "b": order.output, "c": tree.inputs, "d": tree.output})
    assert "$ref" not in text
    assert len(text) < 20_000
    line = order.inputs["lines"]["items"]["properties"]["parent"]
    assert line["properties"] == {
        "sku": {"type": "string"}, "count": {"type": "integer", "default": 1}, "parent": {"type": "object"},
    }  # fmt: skip
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"a": deep}
    assert tree.check_literal("body", deep) is None
    assert "must be an object" in str(tree.check_literal("body", {"a": {"a": 1}}))


def test_what_goes_one_way_only_is_seen_that_way(tmp_path: Path) -> None:
    note = laid(tmp_path, "shop.yaml", "shop_api").info("orders_put_note")

    assert note is not None
    assert "id" not in note.inputs
    assert "secret" in note.inputs
    assert set(note.output["properties"]) == {"id", "text", "pinned"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no OpenAPI document"),
        (b"[1]", "no OpenAPI document"),
        (b'{"openapi": "3.0.0"', "is not JSON"),
        (b"a: [b", "neither JSON nor YAML, line"),
        (b"a: *b", "neither JSON nor YAML"),
        (b"\xff", "neither JSON nor YAML"),
        (b"swagger: '2.0'\npaths: {}", "Swagger 2.0"),
        (b"openapi: 4.0.0\npaths: {}", "`openapi` is '4.0.0'"),
        (b"openapi: 3.1.0\npaths: {}\ninfo: {title: X}", "no operation"),
        (b"openapi: 3.1.0\npaths: {/a: {$ref: 'x.yaml#/a'}}\ninfo: {title: X}", "another document"),
        (b"openapi: 3.1.0\npaths: {/a: {trace: {}}}\ninfo: {title: X}", "no action can be made .* TRACE"),
        (b"- " * 300, "nested deeper"),
        (b"[" * 5000, "nested deeper"),
        (b'{"openapi": "3.0.0", "paths": {"/a": {"get": {}}}, "info": {"title": "\xe2\x80\xa6"}}', "--name"),
    ],
)
def test_a_document_that_cannot_be_read_is_told_with_the_way_out(content: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        convert(read_document(content), Wanted())


def test_bounds_hold() -> None:
    deep: Any = {"type": "string"}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    parameter = {"name": "x", "in": "query", "schema": deep}
    with pytest.raises(SettingsError, match="nested deeper than 60"):
        made(small({"parameters": [parameter]}))
    wide = {f"p{index}": {"type": "string"} for index in range(500)}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": wide}}}}
    with pytest.raises(SettingsError, match="more than 400 inputs"):
        made(small({"requestBody": body}))
    many = {f"/p{index}": {"get": {"operationId": f"o{index}"}} for index in range(2001)}
    with pytest.raises(SettingsError, match="at most 2,000"):
        made(small(paths=many))
    laughs = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    bomb = f"openapi: 3.1.0\ninfo: {{title: X}}\n{laughs}paths: {{/p: {{get: {{x: *i}}}}}}\n"
    assert convert(read_document(bomb.encode()), Wanted()).actions == ("get_p",)
    schemas = bomb.replace("{x: *i}", "{parameters: [{name: q, in: query, schema: {allOf: *i}}]}")
    with pytest.raises(SettingsError, match=r"is no object|more than 400,000 parts"):
        convert(read_document(schemas.encode()), Wanted())


@pytest.mark.parametrize("name", ["Shop", "1shop", "shop-api", "", "a" * 41, "../x"])
def test_a_name_is_a_word(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name a connector"):
        made(small(), name=name)


def test_a_name_of_hooklines_own_is_refused() -> None:
    with pytest.raises(SettingsError, match=r'"slack" is a connector of Hookline itself.*--name slack_api'):
        collides("slack", connectors.names())


def test_the_same_document_gives_the_same_file() -> None:
    content = (DOCUMENTS / "shop.yaml").read_bytes()
    assert len({convert(read_document(content), Wanted()).text for _ in range(3)}) == 1


@pytest.mark.parametrize(
    "text", ["yes", "0o17", "1e5", "2022-11-28", "~", "12", "a: b", "- x", "#x", "\u2028", "'"]
)
def test_texts_come_back_from_the_file_as_they_were(text: str) -> None:
    parameter = {"name": text, "in": "query", "schema": {"type": "string", "enum": [text]}}
    found = entry(made(small({"parameters": [parameter]})))["inputs"][text]["schema"]
    assert found == {"type": "string", "enum": [text]}


def test_where_the_document_says_not_where_a_connection_has_to(tmp_path: Path) -> None:
    schemes = {"securitySchemes": {"k": {"type": "http", "scheme": "bearer"}}}
    path = tmp_path / "small.yaml"
    text = made(small(servers=[], security=[{"k": []}], components=schemes)).text
    path.write_text(text, encoding="utf-8")
    model = FileConnector(path).connections["small"]

    with pytest.raises(ValueError, match="api_url"):
        model.model_validate({"token": "t"})
    given = model.model_validate({"token": "t", "api_url": "https://here.example/v1"})
    assert given.bound_hosts() == ["here.example"]
