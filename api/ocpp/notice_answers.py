"""What a station is answered to what it asks beyond transactions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes or no; ``reason`` is one word for why not, at most 20 characters."""

    is_accepted: bool
    reason: str = ""


class NeedsStatus(StrEnum):
    """What becomes of a car's needs; ``NO_PROFILE`` is ``REJECTED`` in OCPP 2.0.1, which does not know it."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    PROCESSING = "Processing"
    NO_PROFILE = "NoChargingProfile"


@dataclass(frozen=True, slots=True)
class NeedsDecision:
    """Answer to a car's needs: whether a schedule will follow (K15.FR.03 to .05)."""

    status: NeedsStatus
    reason: str = ""


class DataStatus(StrEnum):
    """Whether a vendor's own message was understood."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE = "UnknownMessageId"
    UNKNOWN_VENDOR = "UnknownVendorId"


@dataclass(frozen=True, slots=True)
class DataDecision:
    """Answer to a vendor's own message; OCPP 1.6 carries text only."""

    status: DataStatus
    data: str | None = None


@dataclass(frozen=True, slots=True)
class ContractCertificate:
    """Answer of a contract certificate pool, EXI in base64; empty where none was asked with success."""

    is_accepted: bool
    response: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """Answer of an OCSP responder, DER in base64; None where it could not be had."""

    ocsp_result: str | None


class ChainState(StrEnum):
    """Status of one certificate."""

    GOOD = "Good"
    REVOKED = "Revoked"
    UNKNOWN = "Unknown"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """Status of each certificate that was asked about, in that order, and when to ask again."""

    states: tuple[ChainState, ...]
    ask_again: datetime


@dataclass(frozen=True, slots=True)
class Company:
    """Whom a tax number belongs to."""

    name: str
    address: str
    city: str
    country: str
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class VatDecision:
    """Whether a tax number is valid."""

    is_valid: bool
    company: Company | None = None


@dataclass(frozen=True, slots=True)
class DynamicUpdate:
    """Present values of a dynamic profile, in its unit; all None refuses."""

    limit: float | None = None
    discharge_limit: float | None = None
    setpoint: float | None = None


NoticeAnswer: TypeAlias = (
    Verdict
    | NeedsDecision
    | DataDecision
    | ContractCertificate
    | Revocation
    | ChainStatus
    | VatDecision
    | DynamicUpdate
)
