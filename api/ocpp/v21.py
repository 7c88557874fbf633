"""OCPP 2.1: what it alone writes, and what it writes as 2.0.1 does."""

from typing import Final

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.new_in_v21.answers import encode_answer
from api.ocpp.new_in_v21.notices import INCOMING_ACTIONS, SENT_ACTIONS, decode_event
from api.ocpp.notices import CertificateRequested
from api.ocpp.periods import SchedulePeriod
from api.ocpp.since_v201.answers import fault_code
from api.ocpp.since_v201.profiles import (
    decode_profile_answer,
    encode_clear_profiles,
    encode_limit_query,
    identity_of,
    request_start,
    set_profile,
)
from api.ocpp.since_v201.variables import capabilities_in
from api.ocpp.since_v201.variables import queries_of_v21 as encode_capability_queries
from api.ocpp.wire import Command, Payload, format_time, given
from models.errors import InvalidInputError, Issue
from models.grid.site import CurrentType

__all__ = [
    "INCOMING_ACTIONS",
    "SENT_ACTIONS",
    "VERSION",
    "decode_capabilities",
    "decode_event",
    "decode_profile_answer",
    "encode_answer",
    "encode_capability_queries",
    "encode_clear_profiles",
    "encode_limit_query",
    "encode_profile",
    "encode_remote_start",
    "encode_signed_certificate",
    "fault_code",
]

VERSION: Final = OcppVersion.V21


def encode_profile(profile: ChargingProfile) -> Command:
    """Return SetChargingProfile.

    Raises
    ------
    InvalidInputError
        A TxProfile without a transaction (K01.FR.03), or a setpoint or discharge limit in ampere.
    """
    _check_unit(profile)
    return set_profile(profile, _profile(profile))


def encode_remote_start(id_token: str, profile: ChargingProfile) -> Command:
    """Return RequestStartTransaction with a TxProfile that names no transaction (K05.FR.02).

    Raises
    ------
    InvalidInputError
        The profile is no TxProfile, names a transaction, or has a setpoint or discharge limit in ampere.
    """
    _check_unit(profile)
    return request_start(id_token, profile, _profile(profile))


def encode_signed_certificate(request: CertificateRequested, chain: str) -> Command:
    """Return CertificateSigned with the certificate that was requested."""
    payload = {
        "certificateChain": chain,
        "certificateType": request.kind or None,
        "requestId": request.request_id,
    }
    return Command("CertificateSigned", given(payload))


def decode_capabilities(payload: Payload, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    return capabilities_in(payload, VERSION, voltage_v)


def _profile(profile: ChargingProfile) -> Payload:
    """Return the type ChargingProfile."""
    rest = {
        "transactionId": profile.transaction_id,
        "maxOfflineDuration": profile.max_offline_s,
        "chargingSchedule": [_schedule(profile)],
        "invalidAfterOfflineDuration": profile.invalid_after_offline or None,
        "dynUpdateInterval": profile.update_interval_s,
    }
    return identity_of(profile) | given(rest)


def _schedule(profile: ChargingProfile) -> Payload:
    """Return the type ChargingSchedule; a DC station must not be told phases (K01.FR.44)."""
    return given(
        {
            "id": profile.profile_id,
            "startSchedule": format_time(profile.start),
            "duration": profile.duration_s,
            "chargingRateUnit": profile.unit.value,
            "chargingSchedulePeriod": [_period(period, profile) for period in profile.periods],
        }
    )


def _period(period: SchedulePeriod, profile: ChargingProfile) -> Payload:
    """Return the type ChargingSchedulePeriod."""
    mode = period.operation_mode
    return given(
        {
            "startPeriod": period.start_s,
            "limit": period.limit,
            "numberPhases": period.n_phases if profile.current_type is CurrentType.AC else None,
            "dischargeLimit": period.discharge_limit,
            "setpoint": period.setpoint,
            "operationMode": None if mode is None else mode.value,
        }
    )


def _check_unit(profile: ChargingProfile) -> None:
    """What is followed or given back is told in watt: our own values are, and stay exact."""
    both_ways = any(
        period.setpoint is not None or period.discharge_limit is not None for period in profile.periods
    )
    if both_ways and profile.unit is not RateUnit.POWER:
        raise InvalidInputError((Issue("unit", "setpoints and discharge limits are written in watt"),))
