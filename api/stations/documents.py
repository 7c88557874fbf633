"""A charging profile as JSON, to be stored in the outbox whatever version its station will speak."""

from datetime import datetime
from typing import Any

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.periods import SchedulePeriod
from models.grid.site import CurrentType


def document_of(profile: ChargingProfile) -> dict[str, Any]:
    """Return a profile as JSON."""
    return {
        "profile_id": profile.profile_id,
        "purpose": profile.purpose.value,
        "evse_number": profile.evse_number,
        "stack_level": profile.stack_level,
        "unit": profile.unit.value,
        "start": profile.start.isoformat(),
        "duration_s": profile.duration_s,
        "periods": [[period.start_s, period.limit, period.n_phases] for period in profile.periods],
        "transaction_id": profile.transaction_id,
        "valid_from": None if profile.valid_from is None else profile.valid_from.isoformat(),
        "valid_to": None if profile.valid_to is None else profile.valid_to.isoformat(),
        "current_type": profile.current_type.value,
    }


def profile_in(document: dict[str, Any]) -> ChargingProfile:
    """Return the profile that a document was made of."""
    return ChargingProfile(
        profile_id=document["profile_id"],
        purpose=ProfilePurpose(document["purpose"]),
        evse_number=document["evse_number"],
        stack_level=document["stack_level"],
        unit=RateUnit(document["unit"]),
        start=datetime.fromisoformat(document["start"]),
        duration_s=document["duration_s"],
        periods=tuple(SchedulePeriod(*period) for period in document["periods"]),
        transaction_id=document["transaction_id"],
        valid_from=_moment(document["valid_from"]),
        valid_to=_moment(document["valid_to"]),
        current_type=CurrentType(document["current_type"]),
    )


def slot_of(profile: ChargingProfile) -> str:
    """Return what a profile governs; of two for the same, the newer one counts."""
    return f"{profile.evse_number}/{profile.purpose.value}"


def tx_slot(evse_number: int) -> str:
    """Return the slot of the profile that the transaction on an EVSE has."""
    return f"{evse_number}/{ProfilePurpose.TX.value}"


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
