"""OCPP 2.0.1: what it alone writes, and what it writes as its successor does."""

from typing import Final

from api.ocpp.before_v21 import refuse_what_is_new
from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.notices import CertificateRequested
from api.ocpp.since_v201 import messages
from api.ocpp.since_v201.answers import encode_answer, fault_code
from api.ocpp.since_v201.messages import decode_event
from api.ocpp.since_v201.profiles import (
    decode_profile_answer,
    encode_clear_profiles,
    encode_limit_query,
    identity_of,
    request_start,
    set_profile,
)
from api.ocpp.since_v201.variables import capabilities_in, encode_capability_queries
from api.ocpp.wire import Command, Payload, format_time, given
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

VERSION: Final = OcppVersion.V201
INCOMING_ACTIONS: Final = messages.INCOMING_ACTIONS
"""What a station may call."""

SENT_ACTIONS: Final[frozenset[str]] = frozenset()
"""What a station may send without waiting for an answer: nothing before 2.1."""


def encode_profile(profile: ChargingProfile) -> Command:
    """Return SetChargingProfile.

    Raises
    ------
    InvalidInputError
        A TxProfile without a transaction (K01.FR.03), or a profile that says what only 2.1 knows.
    """
    return set_profile(profile, _profile(profile))


def encode_remote_start(id_token: str, profile: ChargingProfile) -> Command:
    """Return RequestStartTransaction with a TxProfile that names no transaction (K05.FR.02).

    Raises
    ------
    InvalidInputError
        The profile is no TxProfile, or names a transaction.
    """
    return request_start(id_token, profile, _profile(profile))


def encode_signed_certificate(request: CertificateRequested, chain: str) -> Command:
    """Return CertificateSigned with the certificate that was requested."""
    payload = {
        "certificateChain": chain,
        "certificateType": request.kind or None,
    }
    return Command("CertificateSigned", given(payload))


def decode_capabilities(payload: Payload, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    return capabilities_in(payload, VERSION, voltage_v)


def _profile(profile: ChargingProfile) -> Payload:
    """Return the type ChargingProfile."""
    refuse_what_is_new(profile)
    schedules = {"chargingSchedule": [_schedule(profile)], "transactionId": profile.transaction_id}
    return identity_of(profile) | given(schedules)


def _schedule(profile: ChargingProfile) -> Payload:
    """Return the type ChargingSchedule; a DC station must not be told phases (K01.FR.44)."""
    names_phases = profile.current_type is CurrentType.AC
    return given(
        {
            "id": profile.profile_id,
            "startSchedule": format_time(profile.start),
            "duration": profile.duration_s,
            "chargingRateUnit": profile.unit.value,
            "chargingSchedulePeriod": [
                {"startPeriod": period.start_s, "limit": period.limit}
                | ({"numberPhases": period.n_phases} if names_phases else {})
                for period in profile.periods
            ],
        }
    )
