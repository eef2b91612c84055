"""Actions of connectors that stand as files, at services on loopback that check what they get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.connector import (
    ConnectionRejected,
    OAuthConnection,
    OutcomeUnknown,
    Rejected,
    TimedOut,
    Unavailable,
)
from runner.openapi import FileConnector, Wanted, convert, read_document
from tests.connectors.acting import silence
from tests.connectors.conftest import MakeCall, MemoryFiles
from tests.openapi.services import KEY, Acting, Shop, connected, fields, laid, user_of
from tests.servers.http_sink import HttpSink


@pytest.fixture
def act(tmp_path: Path, shop: Shop, make_call: MakeCall) -> Acting:
    connector = laid(tmp_path, "shop.yaml", "shop_api")
    return Acting(connector, make_call, connected(connector, "shop_api_key", shop, key=KEY))


@pytest.fixture
def pay(tmp_path: Path, sink: HttpSink, make_call: MakeCall) -> Acting:
    connector = laid(tmp_path, "pay.yaml", "pay_api")
    connection = connected(connector, "pay_api_basic_auth", sink, user="sk_1", password="")
    return Acting(connector, make_call, connection)


@pytest.fixture
def notes(tmp_path: Path, sink: HttpSink, make_call: MakeCall) -> Acting:
    connector = laid(tmp_path, "notes.json", "notes_api")
    connection = connected(connector, "notes_api_one_and_two", sink, one_key="k 1", two_key="a;b c")
    return Acting(connector, make_call, connection)


async def test_each_input_goes_where_the_document_says(act: Acting, shop: Shop) -> None:
    given = {
        "orderId": "12", "note.id": "a/b?c#d%2F..", "text": "hello", "pinned": "true", "X-Dry-Run": True,
        "If-Match": ["x", "y"], "theme": "dark",
    }  # fmt: skip
    answer = await act("orders_put_note", given)

    assert answer == {"id": "a/b?c#d%2F..", "order": "12", "text": "hello", "pinned": True}
    sent = shop.requests[-1]
    assert sent.request.raw_path == "/v1/orders/12/notes/a%2Fb%3Fc%23d%252F.."
    assert sent.headers["x-dry-run"] == "true"
    assert sent.headers["if-match"] == "x,y"
    assert sent.headers["cookie"] == "theme=dark"
    assert sent.headers["x-shop-version"] == "2022-11-28"
    assert sent.headers["x-shop-key"] == KEY
    assert sent.headers["accept"].startswith("application/json")


async def test_a_query_is_written_in_the_styles_of_the_document(act: Acting, shop: Shop) -> None:
    answer = await act(
        "list_orders", status=["open", "closed"], ids=[1, 2], piped=["a", "b"], created={"gte": 5, "lt": "6"},
        exploded={"k": "v", "l": "w"}, filter={"deep": [1]}, limit=2,
    )  # fmt: skip

    assert answer == [{"id": 1}]
    assert list(shop.requests[-1].request.query.items()) == [
        ("status", "open"), ("status", "closed"), ("ids", "1,2"), ("piped", "a|b"), ("created[gte]", "5"),
        ("created[lt]", "6"), ("k", "v"), ("l", "w"), ("filter", '{"deep":[1]}'), ("limit", "2"),
    ]  # fmt: skip


async def test_a_key_that_the_document_names_is_the_steps_own_unless_it_is_given(
    act: Acting, shop: Shop
) -> None:
    order = {
        "currency": "EUR",
        "lines": [{"sku": "a", "count": "2", "parent": {"sku": "b", "parent": {"sku": "c"}}}],
    }
    assert await act("create_order", order) == {"id": 7}
    assert await act("create_order", order, **{"Idempotency-Key": "mine"}) == {"id": 7}

    assert shop.keys == ["evt1.shop.step", "mine"]
    assert shop.requests[0].json()["lines"][0]["count"] == 2


async def test_two_of_one_name_and_null(act: Acting, shop: Shop) -> None:
    given = {"currency": "EUR", "lines": [{"sku": "a"}], "status": "fast", "set_null": ["status"]}
    await act("create_order", given)

    assert shop.requests[-1].query == {"status": "fast"}
    assert shop.requests[-1].json()["status"] is None


async def test_a_body_that_may_be_left_out_needs_its_fields_once_it_is_there(act: Acting, shop: Shop) -> None:
    with pytest.raises(Rejected, match=r"shop_api.create_order: `lines` is missing"):
        await act("create_order", currency="EUR")
    shop.reply(201, json={"id": 9})
    assert await act("create_order") == {"id": 9}
    assert shop.requests[-1].body == b""


@pytest.mark.parametrize(
    ("verb", "given", "says"),
    [
        ("orders_put_note", {"orderId": 1, "note.id": "x"}, "text: Field required"),
        (
            "orders_put_note",
            {"orderId": "one", "note.id": "x", "text": "y"},
            "orderId: must be a whole number",
        ),
        ("orders_put_note", {"orderId": 1, "note.id": "x", "text": "y" * 21}, "text: must have at most 20"),
        ("orders_put_note", {"orderId": 1, "note.id": "x", "text": "y", "id": "z"}, "id: Extra inputs"),
        (
            "create_order",
            {"lines": [{"sku": "a", "parent": {"sku": 1}}]},
            r"lines: \[0\].parent.sku must be a text",
        ),
        ("create_order", {"lines": [{}]}, r"lines: \[0\].sku is missing"),
        ("create_order", {"total": 0}, "total: must be more than 0"),
        ("list_orders", {"status": ["shut"]}, r"status: \[0\] must be one of \"open\",\"closed\""),
    ],
)
async def test_inputs_are_judged_before_anything_is_sent(
    act: Acting, shop: Shop, verb: str, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=f"shop_api.{verb}: {says}"):
        await act(verb, given)
    assert shop.requests == []


@pytest.mark.parametrize("note", ["", "  ", ".", ".."])
async def test_a_value_cannot_lead_to_another_path(act: Acting, shop: Shop, note: str) -> None:
    with pytest.raises(Rejected, match="address"):
        await act("orders_put_note", {"orderId": 1, "note.id": note, "text": "x"})
    assert shop.requests == []


async def test_a_value_cannot_become_another_header_or_cookie(act: Acting, shop: Shop) -> None:
    for name, value in (("If-Match", ["a\r\nX-Evil: 1"]), ("theme", "a; admin=1"), ("theme", "a\nb")):
        with pytest.raises(Rejected, match=r"may hold|line break"):
            await act("orders_put_note", {"orderId": 1, "note.id": "n", "text": "x", name: value})
    assert shop.requests == []


async def test_credentials_go_to_the_services_host_alone(
    tmp_path: Path, shop: Shop, make_call: MakeCall
) -> None:
    connector = laid(tmp_path, "shop.yaml", "shop_api")
    model = connector.connections["shop_api_key"]

    assert model.model_validate({"key": KEY}).bound_hosts() == ["eu.shop.example", "files.shop.example"]
    other = model.model_validate({"key": KEY, "region": "us"}).bound_hosts()
    assert other == ["us.shop.example", "files.shop.example"]
    away = model.model_validate({"key": KEY, "api_url": shop.api_url, "hosts": ["shop.example"]})
    with pytest.raises(Rejected, match=r"may go to shop.example only, not to 127.0.0.1"):
        await Acting(connector, make_call, away)("list_orders")
    assert shop.requests == []
    for part in ({"region": "eu.evil"}, {"base": "x@evil.example"}, {"base": "v?1"}):
        with pytest.raises(ValueError, match=r"region|base"):
            model.model_validate({"key": KEY, **part})


async def test_an_action_without_credentials_sends_none(act: Acting, shop: Shop) -> None:
    action = act.connector.action("orders_delete_note")
    assert action is not None
    assert (action.connections, action.connection_required) == ((), False)
    assert await act("orders_delete_note", {"orderId": 1, "note.id": "n"}) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected), (404, Rejected), (401, ConnectionRejected), (403, ConnectionRejected),
        (429, Unavailable), (503, Unavailable), (408, OutcomeUnknown), (500, OutcomeUnknown),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "body",
    [
        {"message": "it is full"},
        {"error": {"message": "it is full", "type": "x"}},
        {"title": "it is full", "status": 400},
        {"errors": [{"detail": "it is full"}]},
        {"error": "full", "error_description": "it is full"},
    ],
)
async def test_a_refusal_is_one_of_the_four_errors_in_the_services_words(
    act: Acting, shop: Shop, status: int, kind: type[Exception], body: Any
) -> None:
    shop.reply(status, json=body, headers={"Retry-After": "7", "X-Request-Id": "r1"})

    with pytest.raises(kind, match=rf"the service answered {status}: it is full.* \(request r1\)") as raised:
        await act("list_orders")
    if isinstance(raised.value, Unavailable):
        assert raised.value.retry_after_seconds == 7
    assert KEY not in str(raised.value)


async def test_a_refusal_without_words_is_told_by_its_status(act: Acting, shop: Shop) -> None:
    shop.reply(502, body="<html>bad</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(OutcomeUnknown, match="answered 502"):
        await act("list_orders")


async def test_no_answer_in_time(tmp_path: Path, shop: Shop, make_call: MakeCall) -> None:
    connector = laid(tmp_path, "shop.yaml", "shop_api")
    connection = connected(connector, "shop_api_key", shop, key=KEY)
    shop.handler = silence
    call = Acting(connector, lambda one: make_call(one, 0.2), connection)
    with pytest.raises(TimedOut):
        await call("list_orders")


async def test_nested_forms(pay: Acting, sink: HttpSink) -> None:
    sink.reply(json={"id": "cus_1", "email": None})
    answer = await pay(
        "post_customers", address={"city": "Rome & Bari"}, email="a@b.example", balance="-5",
        tags=["x", "y"], plain={"a": 1}, expand=["parent", "parent.parent"], metadata={"shop": "7"},
    )  # fmt: skip

    assert answer == {"id": "cus_1", "email": None}
    assert fields(sink.requests[-1]) == [
        ("address[city]", "Rome & Bari"), ("email", "a@b.example"), ("balance", "-5"), ("tags", "x"),
        ("tags", "y"), ("plain", '{"a":1}'), ("expand[0]", "parent"), ("expand[1]", "parent.parent"),
        ("metadata[shop]", "7"),
    ]  # fmt: skip
    assert user_of(sink.requests[-1]) == "sk_1:"
    await pay("post_customers", metadata="")
    assert fields(sink.requests[-1]) == [("metadata", "")]
    await pay("post_customers")
    assert sink.requests[-1].body == b""
    await pay("get_customers_customer", customer="cus_1", expand=["parent"])
    assert sink.requests[-1].query == {"expand[0]": "parent"}


async def test_files_are_parts_of_a_form(pay: Acting, sink: HttpSink, files: MemoryFiles) -> None:
    kept = await files.save(b"\x89PNG", filename="a.png", content_type="image/png")
    made = {"filename": "b.txt", "content_type": "text/plain", "content": "YmI="}
    await pay("post_files", file=kept, more=[made, "text"], purpose="logo", link={"create": True})

    parts = sink.requests[-1].parts()
    assert [(one.name, one.filename, one.content) for one in parts] == [
        ("file", "a.png", b"\x89PNG"), ("more", "b.txt", b"bb"), ("more", "more", b"text"),
        ("purpose", None, b"logo"), ("link", None, b'{"create":true}'),
    ]  # fmt: skip
    assert parts[0].headers["content-type"] == "image/png"


async def test_a_body_may_be_raw(act: Acting, shop: Shop, files: MemoryFiles) -> None:
    kept = await files.save(b"\x89PNG", filename="a.png", content_type="image/png")
    shop.reply(200, body=b"\x00\x01", headers={"Content-Type": "image/png"})
    answer = await act("post_upload", body=kept)

    assert (answer["content_type"], answer["size"]) == ("image/png", 2)
    assert shop.requests[-1].path == "/v1/upload"  # the connection's own address stands for all
    assert shop.requests[-1].headers["content-type"] == "image/png"
    assert shop.requests[-1].body == b"\x89PNG"


async def test_several_json_types_can_be_chosen(act: Acting, shop: Shop) -> None:
    shop.reply(json={})
    await act("update_order", orderId=1, body={"a": None})
    assert shop.requests[-1].headers["content-type"] == "application/merge-patch+json"
    assert shop.requests[-1].json() == {"a": None}
    shop.reply(json={})
    with pytest.raises(Rejected, match="body: must be an object"):
        await act("update_order", orderId=1, body=[], media_type="application/json-patch+json")


async def test_two_credentials_are_sent_together(notes: Acting, sink: HttpSink) -> None:
    tree: dict[str, Any] = {"a": {"b": {"c": {}}}}
    sink.reply(json=tree)
    assert await notes("grow_tree", body=tree) == tree

    assert sink.requests[-1].query == {"key": "k 1"}
    assert sink.requests[-1].headers["cookie"] == "session=a%3Bb%20c"
    connection = notes.connection
    assert connection is not None
    assert {"k 1", "a;b c"} <= connection.secret_texts()
    assert "k 1" not in repr(connection)


async def test_types_of_3_1(notes: Acting, sink: HttpSink) -> None:
    await notes("replace_note", id=5, text="x", rating=5, about=None, kind="note", attached="AAA=")
    assert sink.requests[-1].json() == {"text": "x", "rating": 5, "kind": "note", "attached": "AAA="}
    for wrong in ({"rating": 0}, {"rating": 6}, {"kind": "other"}, {"about": "x"}):
        with pytest.raises(Rejected, match=next(iter(wrong))):
            await notes("replace_note", {"id": "a", "text": "x", **wrong})
    sink.reply(body="# Hi", headers={"Content-Type": "text/markdown"})
    assert await notes("note_as_text", id="5") == "# Hi"


async def test_a_file_cannot_stand_in_json(notes: Acting, sink: HttpSink) -> None:
    file = {"filename": "a", "content_type": "b", "size": 1, "file": "0"}
    with pytest.raises(Rejected, match="a file cannot stand in a JSON body"):
        await notes("grow_tree", body={"x": {"filename": {}, "content_type": {}, "size": {}, "file": {}}})
    with pytest.raises(Rejected):
        await notes("grow_tree", body=file)
    assert sink.requests == []


async def test_a_connection_says_whether_it_works(act: Acting, shop: Shop, make_call: MakeCall) -> None:
    connection = act.connection
    assert connection is not None
    assert "answered 404" in await connection.test(make_call(connection))
    wrong = connected(act.connector, "shop_api_key", shop, key="wrong")
    with pytest.raises(ConnectionRejected):
        await wrong.test(make_call(wrong))


async def test_what_is_nowhere_is_told(tmp_path: Path, make_call: MakeCall) -> None:
    connector = laid(tmp_path, "notes.json", "notes_api")
    with pytest.raises(Rejected, match="give the step a connection with `api_url`"):
        await Acting(connector, make_call, None)("note_as_text", id="1")


async def test_a_token_by_oauth_goes_with_another_key(
    tmp_path: Path, sink: HttpSink, make_call: MakeCall
) -> None:
    flows = {"clientCredentials": {"tokenUrl": f"{sink.url}/token", "scopes": {"read": "Read"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Both", "version": "1"},
        "servers": [{"url": sink.url}],
        "security": [{"app": ["read"], "tenant": []}],
        "components": {
            "securitySchemes": {
                "app": {"type": "oauth2", "flows": flows},
                "tenant": {"type": "apiKey", "in": "header", "name": "X-Tenant"},
            }
        },
        "paths": {"/things": {"get": {"operationId": "things"}}},
    }
    path = tmp_path / "both.yaml"
    path.write_text(convert(read_document(json.dumps(document).encode()), Wanted()).text, encoding="utf-8")
    connector = FileConnector(path)
    assert sorted(connector.connections) == ["both", "both_token"]
    given = {"client_id": "a", "client_secret": "b", "scope": "read", "tenant_key": "t1"}
    connection = connector.connections["both"].model_validate(given)
    assert isinstance(connection, OAuthConnection)
    sink.reply(json={"access_token": "fresh", "token_type": "bearer", "expires_in": 60})
    tokens = await connection.obtain(make_call(None).http, 0.0)
    await Acting(connector, make_call, connection.with_tokens(tokens))("things")

    asked, called = sink.requests
    assert dict(fields(asked)) == {"grant_type": "client_credentials", "scope": "read"}
    assert user_of(asked) == "a:b"
    assert called.headers["authorization"] == "Bearer fresh"
    assert called.headers["x-tenant"] == "t1"
    assert {"b", "t1", "fresh"} <= connection.with_tokens(tokens).secret_texts()
