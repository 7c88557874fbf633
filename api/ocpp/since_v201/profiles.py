"""Commands about charging profiles; each version writes the profile itself in the order of its own schema."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose, ProfileSelection
from api.ocpp.events import ProfileAnswer, ProfileStatus
from api.ocpp.notices import ExternalLimitSet
from api.ocpp.wire import Command, Payload, format_time, given
from models.errors import InvalidInputError, Issue

PURPOSES: Final[Mapping[ProfilePurpose, str]] = MappingProxyType(
    {
        ProfilePurpose.TX: "TxProfile",
        ProfilePurpose.TX_DEFAULT: "TxDefaultProfile",
        ProfilePurpose.STATION_MAX: "ChargingStationMaxProfile",
    }
)

EXTERNAL: Final = "ChargingStationExternalConstraints"
"""The purpose of profiles that somebody else has set; we never do (K01.FR.22)."""


def set_profile(profile: ChargingProfile, written: Payload) -> Command:
    """Return SetChargingProfile with a profile as its version writes it.

    Raises
    ------
    InvalidInputError
        A TxProfile without a transaction (K01.FR.03).
    """
    if profile.purpose is ProfilePurpose.TX and profile.transaction_id is None:
        raise InvalidInputError((Issue("transaction_id", "a TxProfile that is set needs its transaction"),))
    return Command("SetChargingProfile", {"evseId": profile.evse_number, "chargingProfile": written})


def request_start(id_token: str, profile: ChargingProfile, written: Payload) -> Command:
    """Return RequestStartTransaction with a TxProfile that names no transaction (K05.FR.02).

    The number of the profile serves as the number of the request.

    Raises
    ------
    InvalidInputError
        The profile is no TxProfile, or names a transaction.
    """
    if profile.purpose is not ProfilePurpose.TX or profile.transaction_id is not None:
        raise InvalidInputError((Issue("profile", "a remote start takes a TxProfile without a transaction"),))
    payload = {
        "evseId": profile.evse_number,
        "idToken": {"idToken": id_token, "type": "Central"},
        "remoteStartId": profile.profile_id,
        "chargingProfile": written,
    }
    return Command("RequestStartTransaction", payload)


def encode_clear_profiles(selection: ProfileSelection) -> Command:
    """Return ClearChargingProfile; an empty selection clears all."""
    if selection.profile_id is not None:
        return Command("ClearChargingProfile", {"chargingProfileId": selection.profile_id})
    criteria = given(
        {
            "evseId": selection.evse_number,
            "chargingProfilePurpose": None if selection.purpose is None else PURPOSES[selection.purpose],
            "stackLevel": selection.stack_level,
        }
    )
    return Command("ClearChargingProfile", {"chargingProfileCriteria": criteria})


def encode_limit_query(limit: ExternalLimitSet, request_id: int) -> Command:
    """Return GetChargingProfiles for a limit that a station has told without saying how much it is (K09)."""
    criteria = {"chargingProfilePurpose": EXTERNAL, "chargingLimitSource": [limit.source]}
    payload = {"requestId": request_id, "evseId": limit.evse_number, "chargingProfile": criteria}
    return Command("GetChargingProfiles", payload)


def decode_profile_answer(payload: Payload) -> ProfileAnswer:
    """Return what a station says to SetChargingProfile."""
    reason = payload.get("statusInfo", {}).get("reasonCode", "")
    return ProfileAnswer(ProfileStatus(payload["status"]), reason)


def identity_of(profile: ChargingProfile) -> Payload:
    """Return the members of the type ChargingProfile that stand before its schedules."""
    return given(
        {
            "id": profile.profile_id,
            "stackLevel": profile.stack_level,
            "chargingProfilePurpose": PURPOSES[profile.purpose],
            "chargingProfileKind": profile.kind.value,
            "validFrom": None if profile.valid_from is None else format_time(profile.valid_from),
            "validTo": None if profile.valid_to is None else format_time(profile.valid_to),
        }
    )
