"""Reserves and called reductions on the wire."""

from typing import Annotated

from pydantic import Field

from api.wire.schemas import (
    BySlot,
    Cost,
    Identity,
    Kilowatts,
    SignedKilowatts,
    WireModel,
    by_slot,
)
from models.errors import IssueList
from models.flexibility import CalledReduction, Direction, Flexibility, ReserveProduct

_MAX_PRODUCTS = 20


class ReserveWire(WireModel):
    """A band that the site keeps free, paid for by the kW and hour, whether it is called or not."""

    product_id: Annotated[Identity, Field(description="unique among all that the site sells")]
    direction: Annotated[
        Direction,
        Field(
            description="down: the site could draw less or feed back more; "
            "up: it could draw more (not planned: nothing of it is sold)"
        ),
    ]
    most_kw: Annotated[
        BySlot[Kilowatts],
        Field(description="greatest band that is bought, one value or one per slot; 0 where none is [kW]"),
    ]
    pays_per_kw_h: Annotated[Cost, Field(description="payment [currency/(kW h)]")]

    @classmethod
    def from_domain(cls, reserve: ReserveProduct) -> "ReserveWire":
        """Return a reserve as it stands on the wire."""
        return cls(
            product_id=reserve.product_id,
            direction=reserve.direction,
            most_kw=tuple(reserve.most_kw.tolist()),
            pays_per_kw_h=reserve.pays_per_kw_h,
        )

    def to_domain(self, n_slots: int, where: str, issues: IssueList) -> ReserveProduct:
        """Return the reserve over a horizon of ``n_slots`` slots."""
        most_kw = by_slot(self.most_kw, n_slots, f"{where}.most_kw", issues)
        return ReserveProduct(self.product_id, self.direction, most_kw, self.pays_per_kw_h)


class CallWire(WireModel):
    """A reduction that was called: what the site draws less than its baseline is paid, up to the call."""

    product_id: Annotated[Identity, Field(description="unique among all that the site sells")]
    baseline_kw: Annotated[
        BySlot[SignedKilowatts],
        Field(
            description="power of the site without the call, as agreed with who called, one value or one per "
            "slot; negative where it feeds back [kW]"
        ),
    ]
    called_kw: Annotated[
        BySlot[Kilowatts],
        Field(description="called reduction, one value or one per slot; 0 where none was called [kW]"),
    ]
    pays_per_kwh: Annotated[Cost, Field(description="payment for what is delivered [currency/kWh]")]
    penalty_per_kwh: Annotated[
        Cost, Field(description="price of what is missing, above the baseline too [currency/kWh]")
    ] = 0.0

    @classmethod
    def from_domain(cls, call: CalledReduction) -> "CallWire":
        """Return a called reduction as it stands on the wire."""
        return cls(
            product_id=call.product_id,
            baseline_kw=tuple(call.baseline_kw.tolist()),
            called_kw=tuple(call.called_kw.tolist()),
            pays_per_kwh=call.pays_per_kwh,
            penalty_per_kwh=call.penalty_per_kwh,
        )

    def to_domain(self, n_slots: int, where: str, issues: IssueList) -> CalledReduction:
        """Return the called reduction over a horizon of ``n_slots`` slots."""
        return CalledReduction(
            product_id=self.product_id,
            baseline_kw=by_slot(self.baseline_kw, n_slots, f"{where}.baseline_kw", issues),
            called_kw=by_slot(self.called_kw, n_slots, f"{where}.called_kw", issues),
            pays_per_kwh=self.pays_per_kwh,
            penalty_per_kwh=self.penalty_per_kwh,
        )


class FlexibilityWire(WireModel):
    """All that a site sells beside charging."""

    reserves: Annotated[
        tuple[ReserveWire, ...], Field(max_length=_MAX_PRODUCTS, description="bands kept in reserve")
    ] = ()
    calls: Annotated[
        tuple[CallWire, ...], Field(max_length=_MAX_PRODUCTS, description="reductions that were called")
    ] = ()

    @classmethod
    def from_domain(cls, flexibility: Flexibility) -> "FlexibilityWire":
        """Return what is sold as it stands on the wire."""
        return cls(
            reserves=tuple(ReserveWire.from_domain(reserve) for reserve in flexibility.reserves),
            calls=tuple(CallWire.from_domain(call) for call in flexibility.calls),
        )

    def to_domain(self, n_slots: int, issues: IssueList) -> Flexibility:
        """Return what is sold over a horizon of ``n_slots`` slots."""
        return Flexibility(
            reserves=tuple(
                reserve.to_domain(n_slots, f"flexibility.reserves[{place}]", issues)
                for place, reserve in enumerate(self.reserves)
            ),
            calls=tuple(
                call.to_domain(n_slots, f"flexibility.calls[{place}]", issues)
                for place, call in enumerate(self.calls)
            ),
        )
