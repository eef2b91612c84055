"""
Google Calendar: events made, changed, deleted and listed.

Sources: Calendar API v3 reference, events (insert: `id` of base32hex, 5 to 1024 characters; patch, delete,
get, list) and calendarList.list; "Create events" (conferenceData); "Handle API errors" (409 duplicate, 410
deleted).
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from connectors.google.account import Google
from connectors.google.api import CALENDAR, CREDENTIALS, MENDS, ask, cursor_of, objects, path, send
from runner.connector import (
    Call,
    Choice,
    Choices,
    Connector,
    Input,
    Json,
    OutcomeUnknown,
    Output,
    Rejected,
    in_brief,
)

google_calendar = Connector("google_calendar", title="Google Calendar", summary="Events of calendars.")
google_calendar.explains(CREDENTIALS, MENDS)

DAY = re.compile(r"\d{4}-\d\d-\d\d")
WHEN = "2024-05-01T10:00:00+02:00, without an offset with `time_zone`, or 2024-05-01 for a whole day."


def _moment(text: str) -> str:
    """A day, or a time as RFC 3339 writes it."""
    text = text.strip()
    try:
        if DAY.fullmatch(text):
            date.fromisoformat(text)
            return text
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"{in_brief(text, 50)!r} is no time; write {WHEN}") from None


class InCalendar(Input):
    """What all actions have."""

    calendar: str = Field(
        "primary",
        description="The calendar's id, which its settings show; for a robot account the address of the "
        "calendar that was shared with it.",
        min_length=1,
    )


class Details(InCalendar):
    """What an event has."""

    description: str | None = Field(None, description="The text of the event.")
    location: str | None = Field(None, description="Where it is.")
    time_zone: str | None = Field(
        None, description="For times without an offset, and for `recurrence`.", examples=["Europe/Berlin"]
    )
    guests: list[str] | None = Field(
        None, description="Their email addresses. A robot account may invite guests only with a `subject`."
    )
    send_updates: Literal["all", "externalOnly", "none"] = Field(
        "none", description="Whom Google sends an email of it."
    )
    recurrence: list[str] | None = Field(
        None, description="How it repeats.", examples=[["RRULE:FREQ=WEEKLY;COUNT=4"]]
    )
    color: str | None = Field(None, description="The number of a color of the calendar, 1 to 11.")
    extra: dict[str, Any] | None = Field(
        None, description="Other fields of an event, in the Calendar API's own names."
    )

    def fields(self) -> dict[str, Json]:
        """Those that are given, in Google's names."""
        given: dict[str, Json] = {
            "description": self.description,
            "location": self.location,
            "recurrence": self.recurrence,
            "colorId": self.color,
            "attendees": None if self.guests is None else [{"email": one.strip()} for one in self.guests],
        }
        return {name: value for name, value in given.items() if value is not None} | (self.extra or {})

    def when(self, text: str) -> dict[str, Json]:
        """A day or a time, in Google's form."""
        if DAY.fullmatch(text):
            return {"date": text, "dateTime": None}
        if self.time_zone is None and datetime.fromisoformat(text).tzinfo is None:
            raise Rejected(f"google_calendar: {text} has no offset; write {WHEN}")
        zone: dict[str, Json] = {} if self.time_zone is None else {"timeZone": self.time_zone}
        return {"dateTime": text, "date": None, **zone}


class CreateEvent(Details):
    """The inputs of `google_calendar.create_event`."""

    title: str = Field(description="What the calendar shows.")
    start: str = Field(description=f"When it begins: {WHEN}")
    end: str | None = Field(
        None, description="When it ends; of whole days the first day after it. Left out: by `minutes`."
    )
    minutes: int = Field(60, ge=1, description="How long it takes where `end` is left out.")
    meet: bool = Field(False, description="Whether it gets a link to a Google Meet conference.")

    @field_validator("start", "end")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        return None if value is None else _moment(value)

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.end is not None and bool(DAY.fullmatch(self.start)) != bool(DAY.fullmatch(self.end)):
            raise ValueError("start and end must both be days, or both be times")
        return self

    def ends(self) -> str:
        """When it ends."""
        if self.end is not None:
            return self.end
        if DAY.fullmatch(self.start):
            return (date.fromisoformat(self.start) + timedelta(days=1)).isoformat()
        return (datetime.fromisoformat(self.start) + timedelta(minutes=self.minutes)).isoformat()


class UpdateEvent(Details):
    """The inputs of `google_calendar.update_event`; what is left out stays."""

    event: str = Field(description="The event's id.", min_length=1)
    title: str | None = Field(None, description="What the calendar shows.")
    start: str | None = Field(None, description=f"When it begins: {WHEN}")
    end: str | None = Field(None, description="When it ends; of whole days the first day after it.")
    guests: list[str] | None = Field(None, description="All guests; those that are not named are removed.")

    @field_validator("start", "end")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        return None if value is None else _moment(value)


class OneEvent(InCalendar):
    """The inputs of `google_calendar.delete_event`."""

    event: str = Field(description="The event's id.", min_length=1)
    send_updates: Literal["all", "externalOnly", "none"] = Field(
        "none", description="Whom Google sends an email of it."
    )


class ListEvents(InCalendar):
    """The inputs of `google_calendar.list_events`."""

    after: str = Field(
        description="Events that end later than this, with an offset or Z.", examples=["2024-05-01T00:00:00Z"]
    )
    before: str | None = Field(None, description="Events that begin earlier than this.")
    search: str | None = Field(None, description="Words in their title, text, place or guests.")
    limit: int = Field(50, ge=1, le=2500, description="The most events that it gives.")

    @field_validator("after", "before")
    @classmethod
    def _time(cls, value: str | None) -> str | None:
        if value is None:
            return None
        text = _moment(value)
        if DAY.fullmatch(text) or datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("needs a time with an offset, such as 2024-05-01T00:00:00Z")
        return text


class Guest(Output):
    """A guest of an event."""

    email: str
    answer: str = Field(description="needsAction, declined, tentative or accepted.")


class Event(Output):
    """An event."""

    id: str
    title: str
    status: str = Field(description="confirmed, tentative or cancelled.")
    start: str | None = Field(description="A time, or a day.")
    end: str | None
    location: str | None
    description: str | None
    link: str | None = Field(description="Its page.")
    meet_link: str | None = Field(description="Its Google Meet conference.")
    guests: list[Guest]


class Deleted(Output):
    """That it is gone."""

    event: str
    was_there: bool = Field(description="Whether it was there until now.")


class Events(Output):
    """The events, in the order of their start; each time of a repeated one."""

    events: list[Event]
    more: bool = Field(description="Whether there are more than the limit.")


@google_calendar.action(
    after_crash="repeat",  # its id is made of the call's key: a second one is refused, and the first is given
    example="""\
action: google_calendar.create_event
connection: shop-google
with:
  calendar: team@example.com
  title: "Call {{ payload.name }}"
  start: "{{ payload.slot }}"
  minutes: 30
  time_zone: Europe/Berlin
""",
)
async def create_event(call: Call, connection: Google, input: CreateEvent) -> Event:  # noqa: A002 - the contract of an action
    """Put an event into a calendar, once: a repeated call finds the first one."""
    event: dict[str, Json] = {
        "summary": input.title,
        "start": _plain(input.when(input.start)),
        "end": _plain(input.when(input.ends())),
        **input.fields(),
        "id": event_id(call.idempotency_key),
    }
    query: dict[str, Any] = {"sendUpdates": input.send_updates}
    if input.meet:
        solution = {"type": "hangoutsMeet"}
        event["conferenceData"] = {
            "createRequest": {"requestId": event["id"], "conferenceSolutionKey": solution}
        }
        query["conferenceDataVersion"] = 1
    base = ("calendar", "v3", "calendars", input.calendar, "events")
    reply = await send(call, connection, "POST", CALENDAR, path(*base), query=query, json=event, also=(409,))
    if reply.status == 409:
        return _event(await ask(call, connection, "GET", CALENDAR, path(*base, str(event["id"]))))
    return _event(reply.json())


@google_calendar.action(
    after_crash="repeat",  # the same fields get the same values
    example="""\
action: google_calendar.update_event
connection: shop-google
with:
  calendar: team@example.com
  event: "{{ steps.create.id }}"
  title: "Moved: {{ payload.name }}"
""",
)
async def update_event(call: Call, connection: Google, input: UpdateEvent) -> Event:  # noqa: A002
    """Change an event; what is left out stays."""
    fields = input.fields()
    if input.title is not None:
        fields["summary"] = input.title
    for name, text in (("start", input.start), ("end", input.end)):
        if text is not None:
            fields[name] = input.when(text)  # with a null for the other form, which a patch has to remove
    if not fields:
        raise Rejected("google_calendar.update_event: say what is to change")
    where = path("calendar", "v3", "calendars", input.calendar, "events", input.event)
    query = {"sendUpdates": input.send_updates}
    return _event(await ask(call, connection, "PATCH", CALENDAR, where, query=query, json=fields))


@google_calendar.action(
    after_crash="repeat",  # an event that is gone stays gone
    example="""\
action: google_calendar.delete_event
connection: shop-google
with:
  calendar: team@example.com
  event: "{{ steps.create.id }}"
""",
)
async def delete_event(call: Call, connection: Google, input: OneEvent) -> Deleted:  # noqa: A002
    """Delete an event; one that was deleted already is no error."""
    where = path("calendar", "v3", "calendars", input.calendar, "events", input.event)
    query = {"sendUpdates": input.send_updates}
    reply = await send(call, connection, "DELETE", CALENDAR, where, query=query, also=(410,))
    return Deleted(event=input.event, was_there=reply.status != 410)


@google_calendar.action(
    after_crash="repeat",
    example="""\
action: google_calendar.list_events
connection: shop-google
with:
  calendar: team@example.com
  after: "2024-05-01T00:00:00Z"
  before: "2024-05-08T00:00:00Z"
""",
)
async def list_events(call: Call, connection: Google, input: ListEvents) -> Events:  # noqa: A002
    """List the events of a time, in the order of their start."""
    found: list[Event] = []
    cursor: str | None = None
    while True:
        query = {
            "timeMin": input.after,
            "timeMax": input.before,
            "q": input.search,
            "singleEvents": True,
            "orderBy": "startTime",
            "maxResults": min(input.limit - len(found), 250),
            "pageToken": cursor,
        }
        where = path("calendar", "v3", "calendars", input.calendar, "events")
        answer = await ask(call, connection, "GET", CALENDAR, where, query=query)
        found += [_event(one) for one in objects(answer.get("items"))]
        cursor = cursor_of(answer)
        if cursor is None or len(found) >= input.limit:
            return Events(events=found, more=cursor is not None)


VERBS = ("create_event", "update_event", "delete_event", "list_events")


@google_calendar.choices(*(f"{verb}.calendar" for verb in VERBS))
async def calendars(
    call: Call, connection: Google, _given: dict[str, Json], search: str, cursor: str | None
) -> Choices:
    """
    The calendars in the account's list. One that was shared with a robot account is not in its list: it is
    named by its id.
    """
    where = path("calendar", "v3", "users", "me", "calendarList")
    query = {"maxResults": 250, "pageToken": cursor}
    answer = await ask(call, connection, "GET", CALENDAR, where, query=query)
    items = [
        Choice(
            value=one.get("id"),
            label=str(one.get("summaryOverride") or one.get("summary", "")),
            note="primary" if one.get("primary") else str(one.get("id", "")),
        )
        for one in objects(answer.get("items"))
    ]
    term = search.strip().lower()
    return Choices(items=[one for one in items if term in one.label.lower()], next=cursor_of(answer))


def event_id(key: str) -> str:
    """The id of the event that a call with *key* makes: a digest in the letters that Google allows."""
    return base64.b32hexencode(hashlib.sha256(key.encode()).digest()).decode().rstrip("=").lower()


def _plain(when: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in when.items() if value is not None}


def _event(value: Json) -> Event:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise OutcomeUnknown("Google answered without the event's id")
    start, end = value.get("start") or {}, value.get("end") or {}
    return Event(
        id=value["id"],
        title=str(value.get("summary", "")),
        status=str(value.get("status", "")),
        start=start.get("dateTime") or start.get("date"),
        end=end.get("dateTime") or end.get("date"),
        location=value.get("location"),
        description=value.get("description"),
        link=value.get("htmlLink"),
        meet_link=value.get("hangoutLink"),
        guests=[
            Guest(email=str(one.get("email", "")), answer=str(one.get("responseStatus", "")))
            for one in objects(value.get("attendees"))
        ],
    )
