"""A charging profile as JSON, to be stored in the outbox whatever version its station will speak."""

from datetime import datetime
from typing import Any, Final

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ChargingProfile, ProfileKind, ProfilePurpose
from api.ocpp.periods import OperationMode, SchedulePeriod
from models.grid.site import CurrentType

_PERIOD_LENGTH: Final = 6


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
        "periods": [_row_of(period) for period in profile.periods],
        "transaction_id": profile.transaction_id,
        "valid_from": None if profile.valid_from is None else profile.valid_from.isoformat(),
        "valid_to": None if profile.valid_to is None else profile.valid_to.isoformat(),
        "current_type": profile.current_type.value,
        "kind": profile.kind.value,
        "update_interval_s": profile.update_interval_s,
        "max_offline_s": profile.max_offline_s,
        "invalid_after_offline": profile.invalid_after_offline,
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
        periods=tuple(_period_in(row) for row in document["periods"]),
        transaction_id=document["transaction_id"],
        valid_from=_moment(document["valid_from"]),
        valid_to=_moment(document["valid_to"]),
        current_type=CurrentType(document["current_type"]),
        kind=ProfileKind(
            document.get("kind", ProfileKind.ABSOLUTE)
        ),  # as those after it: not in older documents
        update_interval_s=document.get("update_interval_s"),
        max_offline_s=document.get("max_offline_s"),
        invalid_after_offline=document.get("invalid_after_offline", False),
    )


def _row_of(period: SchedulePeriod) -> list[Any]:
    """Return a period as a row, short where nothing stands in it that only OCPP 2.1 knows."""
    row: list[Any] = [period.start_s, period.limit, period.n_phases]
    more = (period.setpoint, period.discharge_limit, period.operation_mode)
    return row if more == (None, None, None) else [*row, *more]


def _period_in(row: list[Any]) -> SchedulePeriod:
    """Return the period that a row was made of."""
    start_s, limit, n_phases, setpoint, discharge, mode = (*row, None, None, None)[:_PERIOD_LENGTH]
    mode = None if mode is None else OperationMode(mode)
    return SchedulePeriod(start_s, limit, n_phases, setpoint, discharge, mode)


def slot_of(profile: ChargingProfile) -> str:
    """Return what a profile governs; of two for the same, the newer one counts."""
    return f"{profile.evse_number}/{profile.purpose.value}"


def tx_slot(evse_number: int) -> str:
    """Return the slot of the profile that the transaction on an EVSE has."""
    return f"{evse_number}/{ProfilePurpose.TX.value}"


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
