"""What the actions take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runner.connector import Input, Json, Output

PAGE = 100  # the most records that one answer holds
MOST_MERGED = 3  # the most fields that an upsert goes by


def _without_repeats(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


class InTable(Input):
    """What all actions have."""

    base: str = Field(
        min_length=1,
        description="The base's id: the part of its address that begins with app.",
        examples=["appLkNDICXNqxSDhG"],
    )
    table: str = Field(
        min_length=1,
        description="The table's name or id (tbl…); an id stays when the table gets another name.",
    )


class Writing(InTable):
    """What actions have that write."""

    fields: dict[str, Any] = Field(
        description="The values by the fields' names or ids. A linked record is a list of record ids, an "
        "attachment a list of {url}; null empties a field."
    )
    typecast: bool = Field(
        False, description="Let Airtable convert texts to what the field holds, and add missing options."
    )


class OneRecord(InTable):
    """What actions have that are about one record."""

    record: str = Field(min_length=1, description="The record's id (rec…).")


class UpdateRecord(OneRecord, Writing):
    """What is changed."""


class UpsertRecord(Writing):
    """What is written, and by which fields it is found."""

    merge_on: Annotated[list[str], AfterValidator(_without_repeats)] = Field(
        min_length=1,
        max_length=MOST_MERGED,
        description="The fields, three at most, whose values say whether the record is there already, "
        "such as [Email]. Each must be among `fields`.",
    )

    @model_validator(mode="after")
    def _given(self) -> Self:
        if missing := [name for name in self.merge_on if self.fields.get(name) is None]:
            raise ValueError(f"merge_on: fields has no value for {', '.join(missing)}")
        return self


class Sort(Input):
    """One field to sort by."""

    field: str = Field(description="The field's name or id.")
    direction: Literal["asc", "desc"] = Field("asc", description="Rising or falling.")


class FindRecords(InTable):
    """Which records."""

    where: dict[str, str | int | float | bool | None] | None = Field(
        None, description="Values that fields must have, all of them; null: the field is empty."
    )
    formula: str | None = Field(
        None,
        description="An Airtable formula in place of `where`. A value of the payload belongs into `where`, "
        "where it is quoted.",
        examples=["AND({Total} > 100, {Status} = 'Open')"],
    )
    view: str | None = Field(None, description="A view's name or id (viw…): only its records, in its order.")
    fields: list[str] | None = Field(
        None, description="The fields to give; all that are not empty if left out."
    )
    sort: list[Sort] | None = Field(None, description="How to sort, the first field first.")
    limit: int = Field(PAGE, ge=1, le=1000, description="How many records at most.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.where and self.formula:
            raise ValueError("give where or formula, not both")
        return self


class Record(Output):
    """A record; empty fields are left out by Airtable."""

    id: str
    created_at: str = Field(description="ISO 8601.")
    fields: dict[str, Json]


class Upserted(Record):
    """The record, and whether it is new."""

    created: bool


class Records(Output):
    """The records; `more` says whether there are others beyond the limit."""

    records: list[Record]
    more: bool


class Deleted(Output):
    """`deleted` is false where there was no such record any more."""

    id: str
    deleted: bool
