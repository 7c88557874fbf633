"""Capabilities of a station as JSON: in our words, or as the station itself told its variables and keys."""

from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from api.ocpp.capabilities import Feature, OcppVersion, RateUnit, StationCapabilities
from api.ocpp.smart.profiles import MOST_PHASES
from api.smart.schemas import RawObject, SituationWire
from api.wire.schemas import Moment, WireModel

_UNBOUNDED: Final = 2**31 - 1

_NUMBER_NAMES: Final = MappingProxyType(
    {
        "ChargeProfileMaxStackLevel": "max_stack_level",
        "ProfileStackLevel": "max_stack_level",
        "ChargingScheduleMaxPeriods": "max_periods",
        "PeriodsPerSchedule": "max_periods",
        "MaxChargingProfilesInstalled": "max_profiles",
        "Entries": "max_profiles",
        "Entries[ChargingProfiles]": "max_profiles",
        "ChargingProfileUpdateRateLimit": "update_rate_limit_s",
        "MaxExternalConstraintsId": "max_external_constraints_id",
        "SupplyPhases": "supply_phases",
    }
)
_TRUTH_NAMES: Final = MappingProxyType(
    {
        "Available": "smart_charging",
        "ConnectorSwitch3to1PhaseSupported": "phases_3_to_1",
        "Phases3to1": "phases_3_to_1",
        "ACPhaseSwitchingSupported": "ac_phase_switching",
        "SupportsDynamicProfiles": "dynamic_profiles",
        "SupportsUseLocalTime": "use_local_time",
        "SupportsRandomizedDelay": "randomized_delay",
        "SupportsLimitAtSoC": "limit_at_soc",
        "SupportsEvseSleep": "evse_sleep",
        "DCInputPhaseControl": "dc_input_phase_control",
        "ISO15118": "iso15118",
        "V2X": "bidirectional",
    }
)
_UNIT_NAMES: Final = frozenset({"ChargingScheduleAllowedChargingRateUnit", "RateUnit"})
_UNIT_WORDS: Final = MappingProxyType({"current": "A", "power": "W", "a": "A", "w": "W"})
_PURPOSES_NAME: Final = "SupportedAdditionalPurposes"
_FEATURES: Final = MappingProxyType(
    {
        "use_local_time": Feature.LOCAL_TIME,
        "randomized_delay": Feature.RANDOM_DELAY,
        "limit_at_soc": Feature.LIMIT_AT_SOC,
        "evse_sleep": Feature.EVSE_SLEEP,
        "dc_input_phase_control": Feature.DC_INPUT_PHASES,
        "iso15118": Feature.SEVERAL_SCHEDULES,
        "bidirectional": Feature.BOTH_WAYS,
    }
)
_PURPOSES: Final = MappingProxyType(
    {"PriorityCharging": Feature.PRIORITY_CHARGING, "LocalGeneration": Feature.LOCAL_GENERATION}
)

Count = Annotated[int, Field(ge=0, le=_UNBOUNDED)]


class CapabilitiesWire(WireModel):
    """What a station can do; what is missing is not bounded, and not supported.

    Keys of 1.6 and variables of 2.x are understood under their own names too, with the texts that stations
    send: ``{"ChargeProfileMaxStackLevel": "8", "ChargingScheduleAllowedChargingRateUnit": "Current,Power"}``.
    """

    smart_charging: bool = True
    rate_units: tuple[Literal["A", "W"], ...] | None = Field(None, min_length=1)
    max_stack_level: Count | None = None
    max_periods: Annotated[int, Field(ge=1, le=_UNBOUNDED)] | None = None
    max_profiles: Annotated[int, Field(ge=1, le=_UNBOUNDED)] | None = None
    supply_phases: Annotated[int, Field(ge=0, le=MOST_PHASES)] | None = Field(
        None,
        description="SupplyPhases of the station, 0 for DC; counts before what the station is said to be.",
    )
    phases_3_to_1: bool = Field(default=False, description="ConnectorSwitch3to1PhaseSupported, Phases3to1.")
    ac_phase_switching: bool = Field(
        default=False, description="ACPhaseSwitchingSupported: phaseToUse may be given."
    )
    dynamic_profiles: bool = False
    use_local_time: bool = False
    randomized_delay: bool = False
    limit_at_soc: bool = False
    evse_sleep: bool = False
    dc_input_phase_control: bool = False
    iso15118: bool = Field(default=False, description="Up to three schedules, of which the car chooses.")
    bidirectional: bool = Field(default=False, description="Follows setpoints, gives energy back.")
    additional_purposes: tuple[Literal["PriorityCharging", "LocalGeneration"], ...] = ()
    update_rate_limit_s: Count = Field(0, description="ChargingProfileUpdateRateLimit.")
    max_external_constraints_id: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, document: object) -> object:
        """Translate what a station calls its own."""
        if not isinstance(document, dict):
            return document
        told = dict(_translated(name, value) for name, value in document.items())
        return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}

    def to_domain(self, version: OcppVersion, voltage_v: float) -> StationCapabilities:
        """Return the record; bounds that are missing do not bind."""
        features = {feature for name, feature in _FEATURES.items() if getattr(self, name)}
        features |= {_PURPOSES[name] for name in self.additional_purposes}
        return StationCapabilities(
            version=version,
            rate_units=frozenset(map(RateUnit, self.rate_units or ("A", "W"))),
            max_stack_level=_UNBOUNDED if self.max_stack_level is None else self.max_stack_level,
            max_periods=self.max_periods or _UNBOUNDED,
            max_profiles=self.max_profiles or _UNBOUNDED,
            voltage_v=voltage_v,
            is_smart=self.smart_charging,
            supply_phases=self.supply_phases,
            switches_phases=self.phases_3_to_1,
            chooses_phase=self.ac_phase_switching,
            takes_dynamic=self.dynamic_profiles,
            features=frozenset(features),
            update_pause_s=self.update_rate_limit_s,
            max_external_id=self.max_external_constraints_id,
        )


def _translated(name: str, value: Any) -> tuple[str, Any]:  # noqa: ANN401 - any JSON
    """Return a member in our words; what is not known keeps its name, and is refused."""
    plain = name.removeprefix("SmartChargingCtrlr.").removeprefix("ChargingStation.")
    if plain in _NUMBER_NAMES:
        is_text = isinstance(value, str) and value.strip().removeprefix("-").isdecimal()
        return _NUMBER_NAMES[plain], int(value) if is_text else value
    if plain in _TRUTH_NAMES:
        known = {"true": True, "false": False}
        return _TRUTH_NAMES[plain], known.get(value.strip().lower(), value) if isinstance(
            value, str
        ) else value
    if plain in _UNIT_NAMES:
        return "rate_units", _units(value)
    if plain == _PURPOSES_NAME:
        return "additional_purposes", _words(value)
    return name, value


def _units(value: object) -> object:
    """Return units by the words of any version."""
    words = _words(value)
    return [_UNIT_WORDS.get(word.lower(), word) for word in words] if isinstance(words, list) else words


def _words(value: object) -> object:
    """Return a list that may be written as a text with commas."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


class AcceptedWire(WireModel):
    """When the station last accepted a profile of a purpose."""

    purpose: str
    at: Moment


class CheckCaseWire(SituationWire):
    """A request to set a profile, and the station that it goes to."""

    request: RawObject = Field(
        description="SetChargingProfile, or a remote start with a charging profile, as raw OCPP JSON."
    )
    now: Moment | None = Field(None, description="When it arrives; now, unless given.")
    capabilities: CapabilitiesWire = Field(default_factory=CapabilitiesWire)
    last_accepted: tuple[AcceptedWire, ...] = Field((), description="For ChargingProfileUpdateRateLimit.")
    offline_starts: tuple[str | int, ...] = Field(
        (), description="Transactions that were reported from a queue, after the connection had come back."
    )
