"""What a station tells or asks beyond boots, connectors and transactions, and what it is answered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from api.ocpp.capabilities import RateUnit
from api.ocpp.wire import Payload

# --- told -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Noticed:
    """A message that is acknowledged and kept as it came; it changes nothing that is decided here."""

    action: str
    message: Payload = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SecurityEventTold:
    """Something that touches the security of a station has happened there."""

    kind: str
    at: datetime
    info: str | None = None


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One message of a report that a station was asked for; several make one report.

    Parameters
    ----------
    action : str
        What is reported: ``NotifyReport``, ``ReportChargingProfiles``, ...
    request_id : int
        The number that the question had.
    number : int or None
        0, 1, 2, ...; None where the message has no number and parts count in the order in which they come.
    is_last : bool
    message : Payload
        As it came.
    limit : ExternalLimitSet or None
        What somebody else allows, where that is what was reported (K09).
    """

    action: str
    request_id: int
    number: int | None
    is_last: bool
    message: Payload
    limit: "ExternalLimitSet | None" = None


# --- smart charging -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExternalPeriod:
    """A limit that holds from ``start_s`` [s after the schedule's start] on, in the schedule's unit.

    ``limit`` is None where the period limits something else, such as what may be given back.
    """

    start_s: int
    limit: float | None
    n_phases: int | None = None


@dataclass(frozen=True, slots=True)
class ExternalSchedule:
    """What somebody else allows over time; without a start it began when it was told."""

    unit: RateUnit
    start: datetime | None
    duration_s: int | None
    periods: tuple[ExternalPeriod, ...]


@dataclass(frozen=True, slots=True)
class ExternalLimitSet:
    """Somebody else has limited a station: an energy manager, the grid's operator (K11 to K13).

    Parameters
    ----------
    source : str
        ``EMS``, ``SO``, ``CSO``, ``Other``; more in OCPP 2.1.
    evse_number : int
        0 for the whole station.
    schedules : tuple of ExternalSchedule
        Empty where the station does not tell how much it may draw.
    is_grid_critical : bool or None
        None where it was not told.
    is_local_generation : bool
        It is not a limit but what is generated behind the station's connection (2.1).
    """

    source: str
    evse_number: int
    schedules: tuple[ExternalSchedule, ...] = ()
    is_grid_critical: bool | None = None
    is_local_generation: bool = False


@dataclass(frozen=True, slots=True)
class ExternalLimitCleared:
    """A limit of somebody else is gone (K13, K14)."""

    source: str
    evse_number: int


@dataclass(frozen=True, slots=True)
class ChargingNeedsTold:
    """What a car asks for by ISO 15118 (K15): energy, time and what it can take.

    Parameters
    ----------
    evse_number : int
    transfer : str
        The kind of transfer that it asks for, such as ``AC_three_phase``, ``DC`` or ``AC_BPT``.
    departure : datetime or None
    energy_kwh : float or None
        What it still wants [kWh].
    max_power_kw, min_current_a, max_current_a : float or None
        What it can take; currents on each phase.
    max_discharge_kw : float or None
        What it can give back [kW].
    n_phases : int or None
        AC only.
    soc_percent : float or None
    most_periods : int or None
        Longest schedule that it can read (K15.FR.07).
    """

    evse_number: int
    transfer: str
    departure: datetime | None = None
    energy_kwh: float | None = None
    max_power_kw: float | None = None
    min_current_a: float | None = None
    max_current_a: float | None = None
    max_discharge_kw: float | None = None
    n_phases: int | None = None
    soc_percent: float | None = None
    most_periods: int | None = None


@dataclass(frozen=True, slots=True)
class CarScheduleTold:
    """What a car means to do with the schedules that it was given (K15.FR.09, K17)."""

    evse_number: int
    time_base: datetime
    schedule: ExternalSchedule


@dataclass(frozen=True, slots=True)
class DynamicUpdateAsked:
    """A station asks for the present values of a dynamic profile (2.1)."""

    profile_id: int


@dataclass(frozen=True, slots=True)
class EventStreamOpened:
    """A station means to send the values of a monitor in a stream (2.1).

    ``interval_s`` [s] and ``values`` bound how long and how many values it collects for one message.
    """

    stream_id: int
    monitoring_id: int
    interval_s: int | None = None
    values: int | None = None


# --- certificates, data, taxes --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CertificateRequested:
    """A station asks to have a certificate signed (A02): ``csr`` is PEM, ``kind`` empty for the station's own."""

    csr: str
    kind: str = ""
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class ContractCertificateAsked:
    """A car asks for its contract certificate through its station (M01, M02); ``request`` is EXI in base64."""

    schema_version: str
    is_update: bool
    request: str
    most_chains: int | None = None
    preferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateHash:
    """What names a certificate."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


@dataclass(frozen=True, slots=True)
class RevocationAsked:
    """A station asks whether a certificate was revoked (M06)."""

    certificate: CertificateHash
    responder_url: str


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One certificate of a chain that is asked about: by OCSP or by a list of those that were revoked."""

    certificate: CertificateHash
    source: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainStatusAsked:
    """A station asks for the status of each certificate of a chain (2.1)."""

    links: tuple[ChainLink, ...]


@dataclass(frozen=True, slots=True)
class DataReceived:
    """A message of one vendor's own."""

    vendor_id: str
    message_id: str | None = None
    data: object = None


@dataclass(frozen=True, slots=True)
class VatNumberAsked:
    """A driver has given the tax number of a company (2.1)."""

    vat_number: str
    evse_number: int | None = None


Notice: TypeAlias = (
    Noticed
    | SecurityEventTold
    | ReportPart
    | ExternalLimitSet
    | ExternalLimitCleared
    | ChargingNeedsTold
    | CarScheduleTold
    | DynamicUpdateAsked
    | EventStreamOpened
    | CertificateRequested
    | ContractCertificateAsked
    | RevocationAsked
    | ChainStatusAsked
    | DataReceived
    | VatNumberAsked
)
