"""What the actions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from runner.connector import Html, Input, Json, Output

MOST_FOUND = 10_000  # a search gives no more in all
MOST_NOTE = 65_536


def _text(value: object) -> object:
    """An id of a payload may be a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Kind = Annotated[str, Field(min_length=1)]
KIND = "The objects' type: contacts, companies, deals, tickets, notes, tasks, products, or a custom one's id."
PROPERTIES = (
    "Values by the properties' internal names; several of a choice as a list, null empties a property."
)
RETURNED = "The properties to give, by internal name; HubSpot's usual ones if left out."


class Contact(Input):
    """A contact."""

    email: str = Field(
        min_length=3, description="The address by which the contact is found, or gets.", pattern="@"
    )
    properties: dict[str, Any] = Field(
        default_factory=dict,
        description=PROPERTIES,
        examples=[{"firstname": "Ada", "lifecyclestage": "lead"}],
    )


class Deal(Input):
    """A deal."""

    name: str = Field(min_length=1, description="The deal's name.")
    stage: str = Field(min_length=1, description="The stage's id, such as appointmentscheduled.")
    pipeline: str | None = Field(None, description="The pipeline's id; the standard one if left out.")
    amount: float | None = Field(None, description="How much it is worth.")
    close_date: str | None = Field(None, description="When it is expected to close, ISO 8601.")
    owner: Id | None = Field(None, description="The owner's id.")
    properties: dict[str, Any] = Field(default_factory=dict, description=f"More of it. {PROPERTIES}")
    contacts: list[Id] = Field(default_factory=list, description="Ids of contacts it belongs to.")
    companies: list[Id] = Field(default_factory=list, description="Ids of companies it belongs to.")


class Note(Input):
    """A note on the timeline of records."""

    body: Html = Field(
        min_length=1, max_length=MOST_NOTE, description="The text, HTML, of at most 65,536 characters."
    )
    at: str | None = Field(None, description="Where it stands on the timeline, ISO 8601; now, if left out.")
    owner: Id | None = Field(None, description="The id of the owner who is shown as its author.")
    contacts: list[Id] = Field(default_factory=list, description="Ids of contacts it belongs to.")
    companies: list[Id] = Field(default_factory=list, description="Ids of companies it belongs to.")
    deals: list[Id] = Field(default_factory=list, description="Ids of deals it belongs to.")
    tickets: list[Id] = Field(default_factory=list, description="Ids of tickets it belongs to.")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.contacts or self.companies or self.deals or self.tickets):
            raise ValueError("say to whom the note belongs: contacts, companies, deals or tickets")
        return self


class OneObject(Input):
    """An object of the CRM."""

    object: Kind = Field(description=KIND, examples=["deals"])
    id: Id = Field(description="Its id; with `id_property` that property's value.")
    id_property: str | None = Field(
        None, description="A property with unique values to find it by, such as email of contacts."
    )


class GetObject(OneObject):
    """What is asked for."""

    properties: list[str] | None = Field(None, description=RETURNED)


class UpdateObject(OneObject):
    """What is changed of it."""

    properties: dict[str, Any] = Field(
        min_length=1, description=PROPERTIES, examples=[{"dealstage": "closedwon"}]
    )


class Sort(Input):
    """What to sort by; HubSpot takes one."""

    property: str = Field(description="The property's internal name.")
    direction: Literal["ASCENDING", "DESCENDING"] = Field("ASCENDING", description="Rising or falling.")


class Search(Input):
    """Which objects."""

    object: Kind = Field(description=KIND, examples=["contacts"])
    where: dict[str, Any] | None = Field(
        None, description="Values that properties must have, all of them; null: empty."
    )
    filters: list[dict[str, Any]] | None = Field(
        None,
        description="HubSpot's filters, all of which must hold: {propertyName, operator, value}.",
        examples=[[{"propertyName": "amount", "operator": "GT", "value": "100"}]],
    )
    query: str | None = Field(None, max_length=3000, description="Words to look for in the usual properties.")
    properties: list[str] | None = Field(None, description=RETURNED)
    sort: Sort | None = Field(None, description="How to sort.")
    limit: int = Field(100, ge=1, le=MOST_FOUND, description="How many at most.")


class Associate(Input):
    """Two records."""

    from_object: Kind = Field(description=KIND, examples=["contacts"])
    from_id: Id = Field(description="The one record's id.")
    to_object: Kind = Field(description="The other's type.", examples=["companies"])
    to_id: Id = Field(description="The other record's id.")


class Object(Output):
    """An object; its properties are texts, as HubSpot keeps them."""

    id: str
    properties: dict[str, Json]
    created_at: str | None = Field(description="ISO 8601.")
    updated_at: str | None = Field(description="ISO 8601.")


class UpsertedObject(Object):
    """The object, and whether it is new."""

    created: bool


class Objects(Output):
    """What was found; `total` is how many there are."""

    results: list[Object]
    total: int


class Associated(Output):
    """The two records."""

    from_id: str
    to_id: str
