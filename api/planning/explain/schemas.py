"""Reasons, and the question what another limit would change."""

from typing import Annotated

from pydantic import Field

from api.planning.schemas import StateWire
from api.wire.schemas import Identity, WireModel
from optimizer.plan import Plan
from optimizer.reasons import Reason, ReasonKind
from optimizer.sentences import sentence_of
from optimizer.what_if import LimitChange, WhatIf


class CauseOut(WireModel):
    """Something that stands against a car."""

    kind: ReasonKind
    subject: str


class ReasonOut(WireModel):
    """Why a session charges when it does: take the subject away, and its plan changes."""

    session_id: str
    evse_id: str
    kind: ReasonKind
    subject: Annotated[
        str, Field(description="node, station or line that is full; an EVSE; or the kind's own word")
    ]
    slots: Annotated[tuple[int, ...], Field(description="slots in which it holds the car back")]
    per_kwh: Annotated[float, Field(description="what it adds to a kWh there, on average")]
    held_kwh: Annotated[float, Field(description="energy that the car would otherwise take there [kWh]")]
    goes_first: Annotated[
        tuple[str, ...], Field(description="sessions that charge there instead, `cars to come` among them")
    ]
    also: Annotated[
        CauseOut | None,
        Field(description="what else stands against it there, so that it might wait even without the first"),
    ]
    sentence: str

    @classmethod
    def from_domain(cls, reason: Reason, plan: Plan, zone: str) -> "ReasonOut":
        """Return a reason as it stands on the wire."""
        return cls(
            session_id=reason.session_id,
            evse_id=reason.evse_id,
            kind=reason.kind,
            subject=reason.subject,
            slots=reason.slots,
            per_kwh=reason.per_kwh,
            held_kwh=reason.held_kwh,
            goes_first=reason.goes_first,
            also=None
            if reason.also is None
            else CauseOut(kind=reason.also.kind, subject=reason.also.subject),
            sentence=sentence_of(reason, plan.schedule.grid, zone, plan.prices.currency),
        )


class LimitChangeWire(WireModel):
    """More (or, below 0, less) room at a node, in every slot and whoever set its limits."""

    node_id: Identity
    extra_kw: Annotated[float, Field(ge=-1e5, le=1e5)] = 0.0
    extra_a: Annotated[float, Field(ge=-1e5, le=1e5)] = 0.0

    def to_domain(self) -> LimitChange:
        """Return the change."""
        return LimitChange(self.node_id, self.extra_kw, self.extra_a)


class WhatIfWire(WireModel):
    """A state, and a limit that could be another."""

    state: StateWire
    change: LimitChangeWire


class SessionChangeOut(WireModel):
    """A session whose energy would be another [kWh]."""

    session_id: str
    before_kwh: float
    after_kwh: float


class WhatIfOut(WireModel):
    """What another limit would change."""

    objective_change: Annotated[
        float | None, Field(description="change of the objective, missing energy at its weight")
    ]
    foretold: Annotated[float | None, Field(description="the same as shadow prices foretell it")]
    energy_kwh: Annotated[float, Field(description="energy that all sessions together would get more [kWh]")]
    sessions: tuple[SessionChangeOut, ...]

    @classmethod
    def from_domain(cls, found: WhatIf) -> "WhatIfOut":
        """Return an answer as it stands on the wire."""
        return cls(
            objective_change=found.objective_change,
            foretold=found.foretold,
            energy_kwh=found.energy_kwh,
            sessions=tuple(
                SessionChangeOut(
                    session_id=one.session_id, before_kwh=one.before_kwh, after_kwh=one.after_kwh
                )
                for one in found.sessions
            ),
        )
