"""Events made once, changed, deleted and listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.google.calendar import event_id
from runner.errors import Rejected
from tests.servers.google_service import PERSON, GoogleService

Act = Callable[..., Awaitable[Any]]
TEAM = "team@acme.example"
ID = event_id("evt1.shop.step")


async def create(act: Act, **inputs: Any) -> Any:
    base = {"calendar": TEAM, "title": "Call", "start": "2024-05-01T10:00:00+02:00"}
    return await act("google_calendar.create_event", **{**base, **inputs})


async def test_an_event_is_made_once(google: GoogleService, act: Act) -> None:
    first = await create(act, minutes=30, location="Here", guests=["a@x.example"], send_updates="all")
    again = await create(act, minutes=30)

    assert first == again
    assert (first["id"], first["link"], first["status"]) == (ID, f"https://c/{ID}", "confirmed")
    assert (first["start"], first["end"]) == ("2024-05-01T10:00:00+02:00", "2024-05-01T10:30:00+02:00")
    assert first["guests"] == [{"email": "a@x.example", "answer": ""}]
    assert google.calls[0].query["sendUpdates"] == "all"
    assert list(google.events) == [ID]


@pytest.mark.parametrize(
    ("inputs", "start", "end"),
    [
        ({"start": "2024-02-29"}, {"date": "2024-02-29"}, {"date": "2024-03-01"}),
        ({"start": "2024-05-01", "end": "2024-05-03"}, {"date": "2024-05-01"}, {"date": "2024-05-03"}),
        (
            {"start": "2024-05-01T10:00", "time_zone": "Europe/Berlin"},
            {"dateTime": "2024-05-01T10:00:00", "timeZone": "Europe/Berlin"},
            {"dateTime": "2024-05-01T11:00:00", "timeZone": "Europe/Berlin"},
        ),
        (
            {"start": "2024-05-01T10:00:00Z", "end": "2024-05-01T12:00:00Z"},
            {"dateTime": "2024-05-01T10:00:00+00:00"}, {"dateTime": "2024-05-01T12:00:00+00:00"},
        ),
    ],
)  # fmt: skip
async def test_days_and_times_are_as_google_writes_them(
    google: GoogleService, act: Act, inputs: dict[str, Any], start: Any, end: Any
) -> None:
    await create(act, **inputs)

    assert (google.events[ID]["start"], google.events[ID]["end"]) == (start, end)


async def test_a_conference_and_other_fields_can_be_asked_for(google: GoogleService, act: Act) -> None:
    await create(
        act, meet=True, recurrence=["RRULE:FREQ=DAILY"], extra={"visibility": "private", "id": "mine"}
    )

    event = google.events[ID]
    assert event["conferenceData"]["createRequest"] == {
        "requestId": ID, "conferenceSolutionKey": {"type": "hangoutsMeet"},
    }  # fmt: skip
    assert (event["recurrence"], event["visibility"]) == (["RRULE:FREQ=DAILY"], "private")
    assert google.calls[0].query["conferenceDataVersion"] == "1"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"start": "tomorrow"}, "'tomorrow' is no time"), ({"start": "2024-05-01T10:00"}, "has no offset"),
        ({"start": "2024-05-01", "end": "2024-05-01T10:00Z"}, "both be days"),
        ({"start": "2024-02-30"}, "is no time"), ({"calendar": ".."}, "is no id"),
        ({"minutes": 0}, "minutes"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_before_it_is_sent(
    google: GoogleService, act: Act, inputs: dict[str, Any], says: str
) -> None:
    with pytest.raises(Rejected, match=says):
        await create(act, **inputs)

    assert google.calls == []


async def test_guests_of_a_robot_account_need_a_subject(google: GoogleService, act: Act) -> None:
    google.fail(403, "forbiddenForServiceAccounts", "Service accounts cannot invite attendees")

    with pytest.raises(Rejected, match="only with a `subject`"):
        await create(act, guests=["a@x.example"])


async def test_a_calendar_that_is_not_shared_says_with_whom_to_share_it(act: Act) -> None:
    with pytest.raises(Rejected, match="share it with shop@acme-1"):
        await create(act, calendar="other/../x")


async def test_an_event_is_changed_and_the_rest_stays(google: GoogleService, act: Act) -> None:
    await create(act, location="Here")

    moved = await act("google_calendar.update_event", calendar=TEAM, event=ID, title="Moved",
                      start="2024-06-01", end="2024-06-02")  # fmt: skip

    assert (moved["title"], moved["location"], moved["start"]) == ("Moved", "Here", "2024-06-01")
    assert google.events[ID]["start"] == {"date": "2024-06-01"}
    with pytest.raises(Rejected, match="say what is to change"):
        await act("google_calendar.update_event", calendar=TEAM, event=ID)


async def test_an_event_is_deleted_and_gone_is_gone(google: GoogleService, act: Act) -> None:
    await create(act)

    first = await act("google_calendar.delete_event", calendar=TEAM, event=ID)
    again = await act("google_calendar.delete_event", calendar=TEAM, event=ID)

    assert [first["was_there"], again["was_there"]] == [True, False]
    with pytest.raises(Rejected, match="no such thing"):
        await act("google_calendar.delete_event", calendar=TEAM, event="never")


async def test_events_are_listed_over_all_pages(google: GoogleService, act: Act) -> None:
    for number in range(300):
        time = {"dateTime": "2024-05-01T10:00:00Z"}
        google.events[f"e{number}"] = {"id": f"e{number}", "status": "confirmed", "start": time, "end": time}

    some = await act("google_calendar.list_events", calendar=TEAM, after="2024-05-01T00:00:00Z", limit=260)
    every = await act("google_calendar.list_events", calendar=TEAM, after="2024-05-01T00:00:00Z", limit=500)

    assert (len(some["events"]), some["more"]) == (260, True)
    assert (len(every["events"]), every["more"], every["events"][299]["id"]) == (300, False, "e299")
    with pytest.raises(Rejected, match="needs a time with an offset"):
        await act("google_calendar.list_events", after="2024-05-01")


async def test_calendars_can_be_chosen(choose: Act) -> None:
    assert await choose("google_calendar.create_event.calendar") == (
        [(PERSON, "Ann", "primary"), ("c2", "Team", "c2")], None,
    )  # fmt: skip
    assert await choose("google_calendar.list_events.calendar", "tea") == ([("c2", "Team", "c2")], None)
