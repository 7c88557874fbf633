"""What every version of OCPP answers; the only place that knows all of them."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from api.ocpp import v16, v21, v201
from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfileSelection
from api.ocpp.events import Decision, ProfileAnswer, StationEvent
from api.ocpp.notices import CertificateRequested, ExternalLimitSet
from api.ocpp.wire import Command, Fault, Payload


class Dialect(Protocol):
    """One version of OCPP; a module like :mod:`api.ocpp.v16` is one."""

    @property
    def VERSION(self) -> OcppVersion:  # noqa: N802 - a constant of the module
        """The version."""

    @property
    def INCOMING_ACTIONS(self) -> frozenset[str]:  # noqa: N802 - a constant of the module
        """What a station may call."""

    @property
    def SENT_ACTIONS(self) -> frozenset[str]:  # noqa: N802 - a constant of the module
        """What a station may send without waiting for an answer (frame type 6 of 2.1)."""

    def fault_code(self, fault: Fault) -> str:
        """Return the error code of a CALLERROR."""

    def decode_event(self, action: str, payload: Payload) -> StationEvent:
        """Return a valid message of a station as an event."""

    def encode_answer(self, event: StationEvent, decision: Decision, now: datetime) -> Payload:
        """Return the response to an event."""

    def encode_profile(self, profile: ChargingProfile) -> Command:
        """Return the request that installs a profile."""

    def encode_remote_start(self, id_token: str, profile: ChargingProfile) -> Command:
        """Return the request that begins a transaction under a profile."""

    def encode_limit_query(self, limit: ExternalLimitSet, request_id: int) -> Command | None:
        """Return the request for how much somebody else allows a station; None where no version knows it."""

    def decode_profile_answer(self, payload: Payload) -> ProfileAnswer:
        """Return what a station says to a profile."""

    def encode_clear_profiles(self, selection: ProfileSelection) -> Command:
        """Return the request that clears profiles."""

    def encode_signed_certificate(self, request: CertificateRequested, chain: str) -> Command:
        """Return the request that brings a station the certificate that it has asked for."""

    def encode_capability_queries(self) -> tuple[Command, ...]:
        """Return requests for what bounds a charging profile, to be tried in this order until one is answered."""

    def decode_capabilities(self, payload: Payload, voltage_v: float) -> StationCapabilities:
        """Return what a station can do."""


DIALECTS: Final[Mapping[OcppVersion, Dialect]] = MappingProxyType(
    {OcppVersion.V16: v16, OcppVersion.V201: v201, OcppVersion.V21: v21}
)
