"""What PagerDuty's actions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from runner.connector import Input, Output

DedupKey = Annotated[str, Field(min_length=1, max_length=255)]
Summary = Annotated[str, Field(min_length=1, max_length=1024)]


class Link(Input):
    """A link beside an alert."""

    href: str
    text: str | None = None


class Image(Input):
    """An image beside an alert; PagerDuty takes https addresses only."""

    src: Annotated[str, Field(pattern=r"^https://")]
    href: str | None = None
    alt: str | None = None


class Trigger(Input):
    """The inputs of `pagerduty.trigger`."""

    summary: Summary = Field(description="What is wrong, in a sentence: the alert's title.")
    severity: Literal["critical", "error", "warning", "info"] = Field(
        "critical", description="How bad it is."
    )
    source: str = Field("hookline", description="What has the problem, best a host name.", min_length=1)
    dedup_key: DedupKey | None = Field(
        None,
        description="The problem's identity: triggers with it add to one alert, and it is acknowledged and "
        "resolved by it. Left out: one of its own for each run.",
        examples=["{{ payload.alert_id }}"],
    )
    timestamp: str | None = Field(None, description="When it was seen, as an ISO 8601 date.")
    component: str | None = Field(None, description="The part that has the problem, such as mysql.")
    group: str | None = Field(None, description="What the source belongs to, such as app-stack.")
    class_: str | None = Field(None, alias="class", description="What kind of problem, such as cpu load.")
    custom_details: dict[str, Any] | None = Field(None, description="Anything else that helps.")
    links: list[Link] | None = Field(None, description="Links shown with the alert, as {href, text}.")
    images: list[Image] | None = Field(None, description="Images shown with it, as {src, href, alt}.")
    client_url: str | None = Field(None, description="Where the alert leads back to.")


class ByKey(Input):
    """The inputs of `pagerduty.acknowledge` and `pagerduty.resolve`."""

    dedup_key: DedupKey = Field(description="The key that the alert was triggered with.")


class SendChange(Input):
    """The inputs of `pagerduty.send_change`."""

    summary: Summary = Field(description="What was changed, in a sentence.")
    source: str | None = Field(None, description="Where it was changed.")
    timestamp: str | None = Field(None, description="When, as an ISO 8601 date.")
    custom_details: dict[str, Any] | None = Field(None, description="Anything else that helps.")
    links: list[Link] | None = Field(None, description="Links shown with it, as {href, text}.")


class CreateNote(Input):
    """The inputs of `pagerduty.create_note`."""

    incident: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")] | None = Field(
        None, description="The incident's id.", examples=["Q2QFLSK3PBFZXC"]
    )
    dedup_key: DedupKey | None = Field(
        None, description="In place of it: the alert's key; the newest open incident with it is meant."
    )
    content: str = Field(description="The note.", min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.incident is None) == (self.dedup_key is None):
            raise ValueError("give either incident or dedup_key")
        return self


class OnCall(Input):
    """The inputs of `pagerduty.on_call`."""

    escalation_policy: str | None = Field(
        None, description="The id of an escalation policy; all if left out."
    )
    schedule: str | None = Field(None, description="The id of a schedule; all if left out.")
    limit: int = Field(100, description="How many entries at most.", ge=1, le=1000)


class Sent(Output):
    """What PagerDuty took; it works on it after its answer."""

    dedup_key: str = Field(description="By which the alert is acknowledged and resolved.")
    status: str


class Changed(Output):
    """What PagerDuty took."""

    status: str


class Note(Output):
    """A note on an incident."""

    id: str
    incident: str


class Person(Output):
    """One who is on call."""

    level: int = Field(description="1 is asked first.")
    user: str = Field(description="The name.")
    user_id: str
    email: str | None
    escalation_policy: str
    schedule: str | None = Field(description="Null for one who is always on call.")
    until: str | None = Field(description="When it ends; null if never.")


class OnCallNow(Output):
    """Who is on call now."""

    people: list[Person]
    more: bool = Field(description="Whether there are more than `limit`.")
