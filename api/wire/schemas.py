"""The base of every wire schema: strict, closed, finite, and times that carry a zone."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)
from pydantic.json_schema import models_json_schema
from pydantic_core import from_json

from api.errors import input_path
from models.arrays import FloatArray, frozen
from models.checks import MAX_CARBON_KG_PER_KWH, MAX_PAUSE_S, MIN_EFFICIENCY
from models.errors import InvalidInputError, Issue, IssueList

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
SCHEMA_REF: Final = "#/components/schemas/"
"""Where schemas stand in the OpenAPI description."""

LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

MAX_SLOTS: Final = 2016
"""A week of slots of 5 minutes."""

Model = TypeVar("Model", bound="WireModel")
Value = TypeVar("Value")


class WireModel(BaseModel):
    """A strict schema: no unknown keys, no text for numbers, no NaN and no infinity."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def _sane(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise ValueError("a time between the years 2000 and 2200 is needed")
    return moment


def _shape(value: object) -> str:
    """Tell which form of a value that varies by slot was given."""
    return "by_slot" if isinstance(value, list | tuple) else "constant"


Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_sane)]
"""An instant with its offset from UTC, e.g. ``2026-03-02T07:00:00+01:00``."""

Identity: TypeAlias = Annotated[str, Field(min_length=1, max_length=255)]
Country: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z]{2,3}$", examples=["DE"])]
Subdivision: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, examples=["BY"])]
Kilowatts: TypeAlias = Annotated[float, Field(ge=0, le=1e7)]
KilowattHours: TypeAlias = Annotated[float, Field(ge=0, le=1e6)]
Amperes: TypeAlias = Annotated[float, Field(ge=0, le=1e6)]
Price: TypeAlias = Annotated[float, Field(ge=-1e4, le=1e4)]
Probability: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
CarbonIntensity: TypeAlias = Annotated[float, Field(ge=0, le=MAX_CARBON_KG_PER_KWH)]
Efficiency: TypeAlias = Annotated[float, Field(ge=MIN_EFFICIENCY, le=1)]
Cost: TypeAlias = Annotated[float, Field(ge=0, le=1e6)]
"""A price that cannot be negative."""

Seconds: TypeAlias = Annotated[float, Field(ge=0, le=MAX_PAUSE_S)]
SignedKilowattHours: TypeAlias = Annotated[float, Field(ge=-1e6, le=1e6)]
SignedKilowatts: TypeAlias = Annotated[float, Field(ge=-1e7, le=1e7)]

BySlot: TypeAlias = Annotated[
    Annotated[Value, Tag("constant")]
    | Annotated[tuple[Value, ...], Field(max_length=MAX_SLOTS), Tag("by_slot")],
    Discriminator(_shape),
]
"""One value for all slots, or one for each."""

PriceBySlot: TypeAlias = BySlot[Price]

PowerBySlot: TypeAlias = Annotated[
    Annotated[Kilowatts, Tag("constant")]
    | Annotated[tuple[Kilowatts | None, ...], Field(max_length=MAX_SLOTS), Tag("by_slot")],
    Discriminator(_shape),
]
"""One power for all slots, or one for each; null where nothing is set."""

CurrentBySlot: TypeAlias = Annotated[
    Annotated[Amperes, Tag("constant")]
    | Annotated[tuple[Amperes | None, ...], Field(max_length=MAX_SLOTS), Tag("by_slot")],
    Discriminator(_shape),
]


def by_slot(
    values: float | tuple[float | None, ...],
    n_slots: int,
    where: str,
    issues: IssueList,
    *,
    blank: float = np.inf,
) -> FloatArray:
    """Return one value for every slot, shape (n_slots,); ``blank`` stands where none is set.

    A list of another length is noted as a fault, and a row of zeros takes its place so that the other
    faults of the input can be found too.
    """
    if isinstance(values, int | float):
        return frozen(np.full(n_slots, float(values)))
    if not issues.require(len(values) == n_slots, where, f"has {len(values)} values for {n_slots} slots"):
        return frozen(np.zeros(n_slots))
    return frozen([blank if value is None else value for value in values])


def members(record: object) -> Mapping[str, Any]:
    """Return the members of a domain record whose names and values are those of the wire."""
    return {member.name: getattr(record, member.name) for member in fields(record)}  # type: ignore[arg-type]


def or_null(values: FloatArray) -> tuple[float | None, ...]:
    """Return the values with null for infinity, which JSON has not."""
    return tuple(value if np.isfinite(value) else None for value in values.tolist())


def definitions(schemas: Sequence[type["WireModel"]], reference: str) -> dict[str, Any]:
    """Return the JSON Schema of every schema and of what it is made of, by name.

    ``reference`` is the place where they will stand, such as ``#/components/schemas/``.
    """
    given: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (schema, "validation") for schema in schemas
    ]
    found: dict[str, Any] = models_json_schema(given, ref_template=reference + "{model}")[1]["$defs"]
    return found


def parsed(schema: type[Model], body: bytes) -> Model:
    """Return the document in ``body`` as ``schema``.

    Raises
    ------
    InvalidInputError
        It is no JSON, or breaks the schema; names every fault with its path.
    """
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInputError(_issues(error, body)) from error


def _issues(error: ValidationError, body: bytes) -> tuple[Issue, ...]:
    """Translate what pydantic found into faults with paths in the document."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return (Issue("", f"is not JSON: {faults[0]['msg'].removeprefix('Invalid JSON: ')}"),)
    document = from_json(body)
    return tuple(
        Issue(input_path(fault["loc"], document, missing=fault["type"] == "missing"), fault["msg"])
        for fault in faults
    )


def body_of(schema: type[WireModel]) -> dict[str, Any]:
    """Return the description of a JSON body that a route reads strictly by itself."""
    reference = {"$ref": SCHEMA_REF + schema.__name__}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


class FaultOut(WireModel):
    """One fault: where it is in the input, and what is wrong."""

    path: str
    detail: str


class ProblemOut(WireModel):
    """Problem details (RFC 9457); ``errors`` lists every fault of the input."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FaultOut, ...] = ()


def problem_of(description: str) -> dict[str, Any]:
    """Return the description of an answer that is a problem."""
    reference = {"$ref": SCHEMA_REF + ProblemOut.__name__}
    return {"description": description, "content": {"application/problem+json": {"schema": reference}}}


class HealthOut(WireModel):
    """Whether the service answers and is warm."""

    status: str = "ok"
    version: str
    ready: bool
    live_programs: int
