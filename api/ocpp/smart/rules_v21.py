"""OCPP 2.1: what it adds to the requirements of 2.0.1, each behind a variable of the station."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from api.ocpp.capabilities import Feature, RateUnit
from api.ocpp.periods import OperationMode
from api.ocpp.smart.breaches import Asked, Breach, Breaches
from api.ocpp.smart.profiles import Kind, Purpose
from api.ocpp.wire import Payload

_INVALID: Final = "InvalidSchedule"
_FEWEST_POINTS: Final = 2
_ALL_MODES: Final = frozenset(OperationMode)
_MODES: Final[Mapping[Purpose, frozenset[OperationMode]]] = MappingProxyType(
    {
        Purpose.TX: _ALL_MODES,
        Purpose.TX_DEFAULT: _ALL_MODES,
        Purpose.PRIORITY: frozenset({OperationMode.CHARGING_ONLY}),
        Purpose.STATION_MAX: frozenset({OperationMode.CHARGING_ONLY}),
        Purpose.EXTERNAL: frozenset(
            {OperationMode.CHARGING_ONLY, OperationMode.EXTERNAL_LIMITS, OperationMode.EXTERNAL_SETPOINT}
        ),
        Purpose.LOCAL_GENERATION: frozenset({OperationMode.CHARGING_ONLY, OperationMode.EXTERNAL_LIMITS}),
    }
)
"""Which operation modes a purpose may have."""

_NEEDED: Final[Mapping[OperationMode, str]] = MappingProxyType(
    {
        OperationMode.CHARGING_ONLY: "limit",
        OperationMode.CENTRAL_SETPOINT: "setpoint",
        OperationMode.CENTRAL_FREQUENCY: "setpoint",
    }
)
_ALLOWED: Final[Mapping[OperationMode, frozenset[str]]] = MappingProxyType(
    {
        OperationMode.CHARGING_ONLY: frozenset({"limit"}),
        OperationMode.CENTRAL_SETPOINT: frozenset(
            {"setpoint", "limit", "dischargeLimit", "setpointReactive"}
        ),
        OperationMode.CENTRAL_FREQUENCY: frozenset({"setpoint", "limit", "dischargeLimit"}),
        OperationMode.EXTERNAL_SETPOINT: frozenset({"limit", "dischargeLimit"}),
    }
)
_RATES: Final = ("limit", "dischargeLimit", "setpoint", "setpointReactive")


def additional_purposes(asked: Asked) -> Breaches:
    """K01.FR.120: purposes that not every station has."""
    needed = {
        Purpose.PRIORITY: Feature.PRIORITY_CHARGING,
        Purpose.LOCAL_GENERATION: Feature.LOCAL_GENERATION,
    }.get(asked.profile.purpose)
    if needed is not None and not asked.can(needed):
        sentence = f"the station does not support {asked.profile.purpose.value}"
        yield Breach("K01.FR.120", sentence, reason_code="UnsupportedPurpose")


def dynamic(asked: Asked) -> Breaches:
    """K01.FR.121, .122, K28.FR.01, .02: dynamic profiles, and what only they have."""
    is_dynamic = asked.profile.kind is Kind.DYNAMIC
    if is_dynamic and not asked.capabilities.takes_dynamic:
        yield Breach(
            "K01.FR.121", "the station does not support dynamic profiles", reason_code="UnsupportedKind"
        )
    extra = [name for name in ("dynUpdateInterval", "dynUpdateTime") if name in asked.raw]
    if extra and not is_dynamic:
        yield Breach(
            "K01.FR.122", f"{extra[0]} belongs to a dynamic profile only", reason_code="InvalidProfile"
        )
    if is_dynamic and len(asked.schedules) != 1:
        yield Breach("K28.FR.01", "a dynamic profile has exactly one schedule", reason_code=_INVALID)
    if is_dynamic and len(asked.periods) != 1:
        yield Breach("K28.FR.02", "a dynamic profile has exactly one period", reason_code=_INVALID)


def optional_members(asked: Asked) -> Breaches:
    """K01.FR.123 to .126: members that not every station understands."""
    sleeps = any(period.get("evseSleep") for period in asked.periods)
    found = {
        "useLocalTime": (any(one.get("useLocalTime") for one in asked.schedules), Feature.LOCAL_TIME, 123),
        "randomizedDelay": (_has(asked, "randomizedDelay"), Feature.RANDOM_DELAY, 124),
        "limitAtSoC": (_has(asked, "limitAtSoC"), Feature.LIMIT_AT_SOC, 125),
        "evseSleep": (sleeps, Feature.EVSE_SLEEP, 126),
    }
    for name, (is_used, feature, number) in found.items():
        if is_used and not asked.can(feature):
            sentence = f"the station does not support {name}"
            yield Breach(f"K01.FR.{number}", sentence, reason_code=_INVALID)


def random_delay(asked: Asked) -> Breaches:
    """K01.FR.95: only a TxProfile or a default may be delayed by chance."""
    delays = any(one.get("randomizedDelay") for one in asked.schedules)
    if delays and asked.profile.purpose not in (Purpose.TX, Purpose.TX_DEFAULT):
        yield Breach(
            "K01.FR.95", "randomizedDelay is for TxProfile and TxDefaultProfile only", reason_code=_INVALID
        )


def pace(asked: Asked) -> Breaches:
    """K01.FR.56: not sooner than the station allows."""
    last_s = asked.last_accepted_s.get(asked.profile.purpose)
    pause_s = asked.capabilities.update_pause_s
    if last_s is not None and asked.now_s - last_s < pause_s:
        sentence = f"the last {asked.profile.purpose.value} came {asked.now_s - last_s} s ago, {pause_s} s are needed"
        yield Breach("K01.FR.56", sentence, reason_code="RateLimitExceeded")


def priority(asked: Asked) -> Breaches:
    """K01.FR.70, .71: priority charging lasts, and only charges."""
    if asked.profile.purpose is not Purpose.PRIORITY:
        return
    if _has(asked, "duration"):
        yield Breach("K01.FR.70", "priority charging has no duration", reason_code=_INVALID)
    if any(_mode(period) is not OperationMode.CHARGING_ONLY for period in asked.periods):
        yield Breach("K01.FR.71", "priority charging has operation mode ChargingOnly", reason_code=_INVALID)


def external_numbers(asked: Asked) -> Breaches:
    """K01.FR.81: numbers that belong to external systems."""
    most = asked.capabilities.max_external_id
    if most is not None and asked.profile.profile_id <= most:
        sentence = f"number {asked.profile.profile_id} is not above {most}; it belongs to external systems"
        yield Breach("K01.FR.81", sentence, reason_code="InvalidProfileId")


def modes(asked: Asked) -> Breaches:
    """K01.FR.110: which operation mode a purpose may have, and what a mode needs."""
    allowed = _MODES[asked.profile.purpose]
    for i, period in enumerate(asked.periods):
        mode = _mode(period)
        if mode not in allowed and asked.profile.purpose is not Purpose.PRIORITY:
            sentence = f"period {i}: {asked.profile.purpose.value} cannot have operation mode {mode.value}"
            yield Breach("K01.FR.110", sentence, reason_code=_INVALID)
        needed = _NEEDED.get(mode)
        if needed is not None and needed not in period:
            sentence = f"period {i}: operation mode {mode.value} needs a {needed}"
            yield Breach("K01.FR.110", sentence, reason_code=_INVALID)
        extra = [name for name in _named(period) if name not in _ALLOWED.get(mode, frozenset())]
        if extra:
            number = "Q08.FR.04" if mode is OperationMode.LOCAL_FREQUENCY else "K01.FR.110"
            sentence = f"period {i}: operation mode {mode.value} has no {extra[0]}"
            yield Breach(number, sentence, reason_code=_INVALID)


def local_frequency(asked: Asked) -> Breaches:
    """Q08.FR.02, .05: a station that follows the frequency needs W, a baseline and a curve."""
    for i, (unit, period) in enumerate(_with_units(asked)):
        if _mode(period) is not OperationMode.LOCAL_FREQUENCY:
            continue
        if len(period.get("v2xFreqWattCurve", ())) < _FEWEST_POINTS:
            sentence = f"period {i}: LocalFrequency needs a v2xFreqWattCurve of at least two points"
            yield Breach("Q08.FR.02", sentence, reason_code="NoFreqWattCurve")
        if "v2xBaseline" not in period:
            sentence = f"period {i}: LocalFrequency needs a v2xBaseline"
            yield Breach("Q08.FR.02", sentence, reason_code="NoFreqWattCurve")
        if unit is not RateUnit.POWER:
            sentence = f"period {i}: LocalFrequency needs chargingRateUnit W"
            yield Breach("Q08.FR.05", sentence, reason_code="UnsupportedRateUnit")


def signs(asked: Asked) -> Breaches:
    """Q10.FR.01, .02: setpoints of all phases have one sign."""
    for i, period in enumerate(asked.periods):
        values = [period[name] for name in ("setpoint", "setpoint_L2", "setpoint_L3") if name in period]
        if values and min(values) < 0 < max(values):
            for number in ("Q10.FR.01", "Q10.FR.02"):
                yield Breach(number, f"period {i}: setpoints differ in sign", reason_code=_INVALID)


def offline(asked: Asked) -> Breaches:
    """Q11, Q12: how long it counts without a connection."""
    duration_s = asked.raw.get("maxOfflineDuration")
    if duration_s is not None and duration_s < 0:
        yield Breach("Q11", "maxOfflineDuration is negative")
    if asked.raw.get("invalidAfterOfflineDuration") and duration_s is None:
        yield Breach("Q12", "invalidAfterOfflineDuration needs a maxOfflineDuration")


def _has(asked: Asked, name: str) -> bool:
    """Tell whether any schedule has a member."""
    return any(name in one for one in asked.schedules)


def _mode(period: Payload) -> OperationMode:
    """Return the operation mode, ChargingOnly where none is named."""
    return OperationMode(period.get("operationMode", OperationMode.CHARGING_ONLY))


def _named(period: Payload) -> list[str]:
    """Return which limits and setpoints a period has."""
    return [name for name in _RATES if {name, f"{name}_L2", f"{name}_L3"} & period.keys()]


def _with_units(asked: Asked) -> list[tuple[RateUnit, Payload]]:
    """Return every period with the unit of its schedule."""
    return [
        (RateUnit(one["chargingRateUnit"]), period)
        for one in asked.schedules
        for period in one["chargingSchedulePeriod"]
    ]


RULES: Final[tuple[Callable[[Asked], Breaches], ...]] = (
    additional_purposes,
    dynamic,
    optional_members,
    random_delay,
    pace,
    priority,
    external_numbers,
    modes,
    local_frequency,
    signs,
    offline,
)
