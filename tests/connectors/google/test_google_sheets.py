"""Rows by headings, against a sheet that finds its table and reads what is typed as Google does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import connectors
from runner.connector import Call
from runner.errors import Rejected, TimedOut
from tests.servers.google_service import ROBOT, SHEET_ID, GoogleService

MakeCall = Callable[..., Call]
Act = Callable[..., Awaitable[Any]]


async def append(act: Act, **inputs: Any) -> Any:
    return await act("google_sheets.append", **{"spreadsheet": SHEET_ID, "sheet": "Orders", **inputs})


async def update(act: Act, **inputs: Any) -> Any:
    base = {"spreadsheet": SHEET_ID, "sheet": "Orders", "key_column": "Order"}
    return await act("google_sheets.update", **{**base, **inputs})


async def find(act: Act, **inputs: Any) -> Any:
    return await act("google_sheets.find", **{"spreadsheet": SHEET_ID, "sheet": "Orders", **inputs})


async def test_values_go_under_their_headings(google: GoogleService, act: Act) -> None:
    answer = await append(act, row={"Status": "paid", "Order": "#1001"})

    assert answer == {"appended": 1, "skipped": 0, "range": "Orders!A3:C3"}
    assert google.sheets["Orders"][2] == ["#1001", "", "paid"]
    assert google.inputs == ["RAW"]


async def test_a_missing_column_is_named_with_those_that_are_there(google: GoogleService, act: Act) -> None:
    with pytest.raises(Rejected, match="no column Sum, Who; the headings in row 1 are Order, Total, Status"):
        await append(act, rows=[{"Order": "a", "Sum": 1}, {"Who": 2}])

    assert google.inputs == []


async def test_once_by_appends_a_row_once(google: GoogleService, act: Act) -> None:
    first = await append(act, row={"Order": "#1001", "Total": 5}, once_by="Order")
    again = await append(act, row={"Order": "#1001", "Total": 5}, once_by="Order")

    assert (first["appended"], again) == (1, {"appended": 0, "skipped": 1, "range": None})
    assert [one[0] for one in google.sheets["Orders"]] == ["Order", "#1000", "#1001"]


@pytest.mark.parametrize("values_are", ["RAW", "USER_ENTERED"])
@pytest.mark.parametrize("key", ["0012", "12", 12, 12.0, "=1+1", "+49 170 1", True, "2024-05-01", " a "])
async def test_once_by_finds_what_it_wrote_whatever_it_is(
    google: GoogleService, act: Act, values_are: str, key: Any
) -> None:
    for _ in range(2):
        await append(act, row={"Order": key}, once_by="Order", values_are=values_are)

    assert len(google.sheets["Orders"]) == 3


async def test_once_by_knows_a_number_that_stands_there_as_a_number(google: GoogleService, act: Act) -> None:
    google.sheets["Orders"].append([1001, 1, ""])

    answer = await append(act, row={"Order": "1001"}, once_by="Order")

    assert answer["skipped"] == 1


async def test_of_several_rows_the_new_ones_are_appended_once_in_order(
    google: GoogleService, act: Act
) -> None:
    rows = [{"Order": one} for one in ["#1002", "#1000", "#1001", "#1002"]]

    answer = await append(act, rows=rows, once_by="Order")

    assert answer == {"appended": 2, "skipped": 2, "range": "Orders!A3:C4"}
    assert [one[0] for one in google.sheets["Orders"][2:]] == ["#1002", "#1001"]


@pytest.mark.parametrize("row", [{"Total": 1}, {"Order": None}, {"Order": " "}])
async def test_once_by_needs_a_value(act: Act, row: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match='no value for once_by: "Order"'):
        await append(act, row=row, once_by="Order")


async def test_a_sheet_with_headings_alone_takes_its_first_row(google: GoogleService, act: Act) -> None:
    google.sheets = {"It's": [["A"]]}

    answer = await append(act, sheet="It's", row={"A": 1}, once_by="A")

    assert answer["appended"] == 1
    assert google.sheets == {"It's": [["A"], [1]]}


async def test_without_a_sheet_it_is_the_first(google: GoogleService, act: Act) -> None:
    await append(act, sheet=None, row={"Order": "x"})

    assert google.sheets["Orders"][2][0] == "x"


async def test_an_address_of_the_page_stands_for_the_id(google: GoogleService, act: Act) -> None:
    address = f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit#gid=0"

    await append(act, spreadsheet=address, row={"Order": "x"})

    assert len(google.sheets["Orders"]) == 3


@pytest.mark.parametrize(
    ("value", "formulas", "held"),
    [
        ("=HYPERLINK(1)", "text", "=HYPERLINK(1)"), ("+49 170", "text", "+49 170"), ("@x", "text", "@x"),
        ("-5", "text", -5.0), ("=1+1", "allow", {"formula": "=1+1"}), ("7", "text", 7.0),
    ],
)  # fmt: skip
async def test_a_text_of_a_stranger_is_no_formula(
    google: GoogleService, act: Act, value: str, formulas: str, held: Any
) -> None:
    await append(act, row={"Status": value}, values_are="USER_ENTERED", formulas=formulas)

    assert google.sheets["Orders"][2][2] == held


@pytest.mark.parametrize(
    ("headings", "says"),
    [
        ([["Order", "", "Status"]], "column B has no heading"),
        ([["Order", "Order"]], "stands above two columns"),
        ([["", ""]], "holds no headings"),
        ([], "exceeds grid limits"),
    ],
)
async def test_a_row_that_could_land_elsewhere_is_not_written(
    google: GoogleService, act: Act, headings: list[list[str]], says: str
) -> None:
    google.sheets["Orders"] = headings

    with pytest.raises(Rejected, match=says):
        await append(act, row={"Order": "x"})

    assert google.inputs == []


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "either row or rows"), ({"row": {"Order": 1}, "rows": []}, "either row or rows"),
        ({"row": {"Order": ["a"]}}, "row.Order"), ({"spreadsheet": "../x", "row": {}}, "paste the address"),
        ({"row": {"Order": "x" * 50_001}}, "50,000 characters"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_before_it_is_written(
    google: GoogleService, act: Act, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await append(act, **inputs)

    assert google.inputs == []


def test_a_crash_is_repeated_only_where_it_adds_nothing_twice() -> None:
    action = connectors.action("google_sheets.append")
    assert action is not None

    for once_by, rule in (("Order", "repeat"), (None, "stop")):
        given = action.read_input({"spreadsheet": SHEET_ID, "row": {"Order": 1}, "once_by": once_by})
        assert action.crash_rule(given) == rule


async def test_a_row_is_updated_by_its_key(google: GoogleService, act: Act) -> None:
    answer = await update(act, key="#1000", row={"Status": "shipped", "Total": None})

    assert answer == {"rows": [2], "appended": False}
    assert google.sheets["Orders"][1] == ["#1000", "", "shipped"]


async def test_a_row_that_is_not_there_fails_is_added_or_is_let_be(google: GoogleService, act: Act) -> None:
    with pytest.raises(Rejected, match='no row has "#7" under Order'):
        await update(act, key="#7", row={"Status": "x"})
    assert await update(act, key="#7", row={"Status": "x"}, if_missing="ignore") == {
        "rows": [], "appended": False,
    }  # fmt: skip
    for appended in (True, False):
        answer = await update(act, key="0012", row={"Status": "x"}, if_missing="append",
                              values_are="USER_ENTERED")  # fmt: skip
        assert answer == {"rows": [3], "appended": appended}
    assert google.sheets["Orders"][2:] == [["0012", "", "x"]]


async def test_of_several_rows_the_first_or_all_are_updated(google: GoogleService, act: Act) -> None:
    google.sheets["Orders"] += [["#1000"], ["#1001"]]

    assert (await update(act, key="#1000", row={"Status": "a"}))["rows"] == [2]
    assert (await update(act, key="#1000", row={"Status": "b"}, if_several="all"))["rows"] == [2, 3]
    with pytest.raises(Rejected, match="2 rows have"):
        await update(act, key="#1000", row={"Status": "c"}, if_several="fail")

    assert google.sheets["Orders"][1:] == [["#1000", 10, "b"], ["#1000", "", "b"], ["#1001"]]


async def test_rows_are_found_by_their_cells(google: GoogleService, act: Act) -> None:
    google.sheets["Orders"] += [["", "", ""], ["#1001", 5.0, "open"], ["#1002", 5]]

    assert await find(act, where={"Total": "5"}) == {
        "rows": [
            {"row": 4, "values": {"Order": "#1001", "Total": 5.0, "Status": "open"}},
            {"row": 5, "values": {"Order": "#1002", "Total": 5, "Status": None}},
        ],
        "count": 2,
        "more": False,
    }
    assert [one["row"] for one in (await find(act, where={"Status": None}))["rows"]] == [5]
    newest = await find(act, limit=1, last_first=True)
    assert ([one["row"] for one in newest["rows"]], newest["more"]) == ([5], True)
    assert (await find(act, where={"Order": "#9"}))["count"] == 0
    with pytest.raises(Rejected, match="no column Nope"):
        await find(act, where={"Nope": 1})


async def test_a_range_is_read_and_emptied(google: GoogleService, act: Act) -> None:
    google.sheets["Orders"].append([{"formula": "=1"}, 1234])

    async def read(**inputs: Any) -> Any:
        return await act("google_sheets.read_range", spreadsheet=SHEET_ID, **inputs)

    assert await read(range="Orders!A2:B") == {"range": "Orders!A2:B", "values": [["#1000", 10], [42, 1234]]}
    assert (await read(range="A3:B3", values="as_shown"))["values"] == [[42, "1,234"]]
    assert (await read(range="A3", values="formulas"))["values"] == [["=1"]]

    cleared = await act("google_sheets.clear", spreadsheet=SHEET_ID, range="Orders!A2:B")

    assert cleared == {"range": "Orders!A2:B"}
    assert google.sheets["Orders"][1] == ["", "", "open"]
    assert (await read(range="Orders!A2:B"))["values"] == []


async def test_a_range_of_a_payload_stays_one_segment(google: GoogleService, act: Act) -> None:
    google.reply(200, json={})

    await act("google_sheets.read_range", spreadsheet=SHEET_ID, range="../../x?y#z/%2e")

    raw = google.calls[-1].request.rel_url.raw_path
    assert raw.startswith(f"/v4/spreadsheets/{SHEET_ID}/values/..%2F..%2Fx%3Fy%23z%2F%252e")
    with pytest.raises(Rejected, match="is no id"):
        await act("google_sheets.read_range", spreadsheet=SHEET_ID, range="..")


async def test_what_there_is_can_be_chosen(google: GoogleService, choose: Act) -> None:
    kind = "application/vnd.google-apps.spreadsheet"
    google.files |= {
        f"s{number}": {"name": f"Bob's {number}", "mimeType": kind, "owners": [{"emailAddress": ROBOT}]}
        for number in range(60)
    }

    found, cursor = await choose("google_sheets.append.spreadsheet", "b's")
    rest, end = await choose("google_sheets.append.spreadsheet", "b's", cursor)

    assert (len(found), len(rest), end) == (50, 10, None)
    assert found[0] == ("s0", "Bob's 0", ROBOT)
    sheets = await choose("google_sheets.find.sheet", spreadsheet=SHEET_ID)
    assert sheets == ([("Orders", "Orders", "")], None)
    columns = await choose("google_sheets.append.once_by", "o", spreadsheet=SHEET_ID, sheet="Orders")
    assert columns == ([("Order", "Order", "column A"), ("Total", "Total", "column B")], None)
    with pytest.raises(Rejected, match="choose a spreadsheet first"):
        await choose("google_sheets.append.sheet")


async def test_an_answer_that_does_not_come_is_timed_out(
    google: GoogleService, robot: Any, make_call: MakeCall
) -> None:
    async def never(_received: Any) -> Any:
        await google.wait_for(1_000)

    google.handler = never
    action = connectors.action("google_sheets.clear")
    assert action is not None
    given = action.read_input({"spreadsheet": SHEET_ID, "range": "A1"})

    with pytest.raises(TimedOut):
        await action.function(make_call(robot, timeout_seconds=0.2), robot, given)
