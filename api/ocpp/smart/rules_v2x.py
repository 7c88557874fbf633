"""OCPP 2.0.1, and 2.1 as well: requirements that a request with a profile may break."""

from collections.abc import Callable
from typing import Final

from api.ocpp.capabilities import Feature, OcppVersion
from api.ocpp.smart import rules_common
from api.ocpp.smart.breaches import Asked, Breach, Breaches, increases, starts_at_zero
from api.ocpp.smart.profiles import Kind, Purpose

_MOST_SCHEDULES: Final = 3


def smart_charging(asked: Asked) -> Breaches:
    """K01.FR.29: without smart charging, NotSupported."""
    if not asked.capabilities.is_smart:
        yield Breach("K01.FR.29", "SmartChargingCtrlr is not available", answer="CALLERROR NotSupported")


def evse(asked: Asked) -> Breaches:
    """K01.FR.16, .27, .28, K04.FR.03: which purpose on which EVSE."""
    purpose = asked.profile.purpose
    if not asked.evse_exists:
        yield Breach("K01.FR.28", f"there is no EVSE {asked.evse}")
    if asked.is_tx and asked.evse == 0 and not asked.is_start:
        yield Breach("K01.FR.16", "a TxProfile belongs to one EVSE, not to 0")
    if purpose is Purpose.STATION_MAX and asked.evse != 0:
        for number in ("K01.FR.27", "K04.FR.03"):
            yield Breach(number, "a ChargingStationMaxProfile belongs to EVSE 0")


def purposes(asked: Asked) -> Breaches:
    """K01.FR.22, .38: what only external systems set, and what cannot be relative."""
    purpose = asked.profile.purpose
    if purpose is Purpose.EXTERNAL:
        yield Breach("K01.FR.22", "external constraints are not set by a central system")
    if purpose is Purpose.STATION_MAX and asked.profile.kind is Kind.RELATIVE:
        yield Breach("K01.FR.38", "a ChargingStationMaxProfile cannot be relative")


def transaction(asked: Asked) -> Breaches:
    """K01.FR.03, .09, .33: a TxProfile and its transaction."""
    number, running = asked.profile.transaction_id, asked.situation.transactions.get(asked.evse)
    if not asked.is_tx and number is not None:
        yield Breach("K01.FR.03", "only a TxProfile names a transaction")
    if not asked.is_tx or asked.is_start:
        return
    if number is None:
        yield Breach("K01.FR.03", "a TxProfile that is set names its transaction", reason_code="MissingParam")
    if running is None and asked.evse != 0:
        yield Breach("K01.FR.09", f"no transaction runs on EVSE {asked.evse}", reason_code="TxNotFound")
    if running is not None and number not in (None, running.transaction_id):
        sentence = f"transaction {number} does not run on EVSE {asked.evse}"
        yield Breach("K01.FR.33", sentence, reason_code="TxNotFound")


def remote_start(asked: Asked) -> Breaches:
    """K05.FR.02: what comes with a remote start."""
    if not asked.is_start:
        return
    if not asked.is_tx:
        yield Breach("K05.FR.02", "a remote start takes a TxProfile")
    if asked.profile.transaction_id is not None:
        yield Breach("K05.FR.02", "a remote start cannot know its transaction")


def numbers(asked: Asked) -> Breaches:
    """K01.FR.05: what an external system has set is not replaced."""
    held = asked.situation.profiles
    external = [one for one in held if one.purpose is Purpose.EXTERNAL]
    if any(one.profile_id == asked.profile.profile_id for one in external):
        sentence = f"number {asked.profile.profile_id} belongs to an external constraint"
        yield Breach("K01.FR.05", sentence, reason_code="InvalidProfileId")


def duplicates(asked: Asked) -> Breaches:
    """K01.FR.06, .39: of one place and stack level no two at once."""
    new = asked.profile
    for old in asked.others:
        if (old.purpose, old.stack_level) != (new.purpose, new.stack_level):
            continue
        if asked.is_tx:
            if new.transaction_id is not None and old.transaction_id == new.transaction_id:
                sentence = f"profile {old.profile_id} has stack level {new.stack_level} of this transaction"
                yield Breach("K01.FR.39", sentence, reason_code="InvalidStackLevel")
        elif old.evse == new.evse and _overlap(asked, old.valid_from_s, old.valid_to_s):
            sentence = f"profile {old.profile_id} has this EVSE, purpose and stack level at the same time"
            yield Breach("K01.FR.06", sentence, reason_code="DuplicateProfile")


def defaults(asked: Asked) -> Breaches:
    """K01.FR.52, .53: defaults of all EVSEs and of one have different stack levels."""
    new = asked.profile
    if new.purpose is not Purpose.TX_DEFAULT:
        return
    for old in asked.others:
        is_same = old.purpose is new.purpose and old.stack_level == new.stack_level
        if is_same and (old.evse == 0) != (new.evse == 0):
            number = "K01.FR.52" if new.evse == 0 else "K01.FR.53"
            where = "all EVSEs" if old.evse == 0 else f"EVSE {old.evse}"
            sentence = f"default {old.profile_id} of {where} has stack level {new.stack_level} too"
            yield Breach(number, sentence, reason_code="DuplicateProfile")


def unit(asked: Asked) -> Breaches:
    """K01.FR.26, and .54 in 2.1: a unit that the station takes."""
    can = asked.capabilities
    wrong = sorted({one.unit for one in asked.profile.schedules} - can.rate_units)
    numbers_of_it = ("K01.FR.26", "K01.FR.54") if can.version is OcppVersion.V21 else ("K01.FR.26",)
    if wrong:
        sentence = f"the station takes limits in {', '.join(sorted(can.rate_units))}, not in {wrong[0].value}"
        for number in numbers_of_it:
            yield Breach(number, sentence, reason_code="UnsupportedRateUnit")


def schedules(asked: Asked) -> Breaches:
    """K01.FR.30: one schedule, or up to three where the car chooses."""
    n_schedules = len(asked.schedules)
    may = _MOST_SCHEDULES if asked.is_tx and asked.can(Feature.SEVERAL_SCHEDULES) else 1
    if n_schedules > may:
        yield Breach("K01.FR.30", f"{n_schedules} schedules are more than {may}")


def periods(asked: Asked) -> Breaches:
    """K01.FR.31, .35: the first period at 0, then strictly increasing."""
    each = [one["chargingSchedulePeriod"] for one in asked.schedules]
    if not all(map(starts_at_zero, each)):
        yield Breach("K01.FR.31", "the first startPeriod is not 0", reason_code="InvalidSchedule")
    if not all(map(increases, each)):
        yield Breach("K01.FR.35", "startPeriods do not increase", reason_code="InvalidSchedule")


def start_of_schedule(asked: Asked) -> Breaches:
    """K01.FR.40, .41: absolute schedules have a start, relative ones have none."""
    has_start = ["startSchedule" in one for one in asked.schedules]
    kind = asked.profile.kind
    if asked.needs_start and not all(has_start):
        sentence = f"a profile of kind {kind.value} needs a startSchedule"
        yield Breach("K01.FR.40", sentence, reason_code="InvalidSchedule")
    if kind is Kind.RELATIVE and any(has_start):
        yield Breach("K01.FR.41", "a relative profile has no startSchedule", reason_code="InvalidSchedule")


def phases(asked: Asked) -> Breaches:
    """K01.FR.44, .45: no phases for DC, no more than the supply has for AC."""
    named = {p.get("numberPhases") for p in asked.periods} - {None}
    if asked.is_dc:
        uses = any("phaseToUse" in period for period in asked.periods)
        if (named or uses) and not asked.can(Feature.DC_INPUT_PHASES):
            yield Breach("K01.FR.44", "phases are named for DC", reason_code="NoPhaseForDC")
        return
    supply = asked.situation.station.n_phases
    evses = asked.situation.station.evses
    if asked.evse in evses:
        supply = min(supply, evses[asked.evse].n_phases)
    wrong = sorted(number for number in named if number is not None and not 0 < number <= supply)
    if wrong:
        yield Breach("K01.FR.45", f"{wrong[-1]} phases where the supply has {supply}")


def phase_to_use(asked: Asked) -> Breaches:
    """K01.FR.19, .20, .48: a phase is chosen only for one phase, and only where the station can."""
    choosing = [period for period in asked.periods if "phaseToUse" in period]
    found = []
    if any(period.get("numberPhases") != 1 for period in choosing):
        found.append(("K01.FR.19", "phaseToUse needs numberPhases = 1"))
    if choosing and not asked.capabilities.chooses_phase:
        found.append(("K01.FR.20", "phaseToUse needs ACPhaseSwitchingSupported"))
    if found:
        found.append(("K01.FR.48", "phaseToUse is not allowed here"))
    for number, sentence in found:
        yield Breach(number, sentence, reason_code="InvalidSchedule")


def _overlap(asked: Asked, from_s: float, to_s: float) -> bool:
    """Tell whether two validities share a time."""
    return asked.profile.valid_from_s < to_s and from_s < asked.profile.valid_to_s


RULES: Final[tuple[Callable[[Asked], Breaches], ...]] = (
    smart_charging,
    evse,
    purposes,
    transaction,
    remote_start,
    numbers,
    duplicates,
    defaults,
    unit,
    schedules,
    periods,
    start_of_schedule,
    phases,
    phase_to_use,
    rules_common.recurrence,
    rules_common.decimals,
    rules_common.phase_changes,
    rules_common.validity,
    rules_common.bounds,
)
