"""OCPP 1.6: lines of the checklist that a SetChargingProfile, or the profile of a remote start, may break."""

from collections.abc import Callable
from typing import Final

from api.ocpp.smart import rules_common
from api.ocpp.smart.breaches import Asked, Breach, Breaches, increases, starts_at_zero
from api.ocpp.smart.profiles import MOST_PHASES, Kind, Purpose

_CALLERROR: Final = "CALLERROR PropertyConstraintViolation"


def smart_charging(asked: Asked) -> Breaches:
    """C23: without smart charging, NotSupported."""
    if not asked.capabilities.is_smart:
        yield Breach("C23", "the station has no smart charging", ("E3.39",), answer="CALLERROR NotSupported")


def connector(asked: Asked) -> Breaches:
    """C2, C23: which purpose on which connector."""
    if not asked.evse_exists:
        yield Breach("C23", f"there is no connector {asked.evse}", ("E3.39",), answer=_CALLERROR)
    if asked.profile.purpose is Purpose.STATION_MAX and asked.evse != 0:
        yield Breach("C2", "a ChargePointMaxProfile belongs to connector 0", ("3.13.1", "5.16.3", "E3.53"))
    if asked.is_tx and asked.evse == 0 and not asked.is_start:
        yield Breach("C2", "a TxProfile belongs to one connector, not to 0", ("3.13.1", "5.16.3", "E3.53"))


def transaction(asked: Asked) -> Breaches:
    """C2, C3, C4: a TxProfile and its transaction."""
    number, running = asked.profile.transaction_id, asked.situation.transactions.get(asked.evse)
    if not asked.is_tx and number is not None:
        yield Breach("C3", "only a TxProfile names a transaction", ("5.16.2",))
    if not asked.is_tx or asked.is_start:
        return
    if running is None and asked.evse != 0:
        yield Breach(
            "C2", f"no transaction runs on connector {asked.evse}", ("3.13.1", "5.16.3"), answer="Rejected"
        )
    if number is None:
        yield Breach("C3", "a TxProfile that is set names its transaction", ("5.16.2", "E3.41"))
    elif running is not None and number != running.transaction_id:
        yield Breach("C3", f"transaction {number} does not run on connector {asked.evse}", ("5.16.2",))
    if number in asked.offline_starts:
        yield Breach("C4", f"transaction {number} was reported from a queue; it may be over", ("5.16.1",))


def remote_start(asked: Asked) -> Breaches:
    """C3: what comes with a remote start."""
    if not asked.is_start:
        return
    if not asked.is_tx:
        yield Breach("C3", "a remote start takes a TxProfile", ("5.16.2", "E3.41", "E3.42"))
    if asked.profile.transaction_id is not None:
        yield Breach("C3", "a remote start cannot know its transaction", ("5.16.2", "E3.41", "E3.42"))


def start_of_schedule(asked: Asked) -> Breaches:
    """C5: absolute schedules have a start, relative ones have none."""
    has_start = "startSchedule" in asked.schedules[0]
    if asked.needs_start and not has_start:
        yield Breach("C5", f"a profile of kind {asked.profile.kind.value} needs a startSchedule", ("5.16.4",))
    if asked.profile.kind is Kind.RELATIVE and has_start:
        yield Breach("C5", "a relative profile has no startSchedule", ("5.16.4",))


def periods(asked: Asked) -> Breaches:
    """C6: the first period at 0, then strictly increasing."""
    if not starts_at_zero(asked.periods):
        yield Breach("C6", "the first startPeriod is not 0", ("E3.45", "E3.70"))
    if not increases(asked.periods):
        yield Breach("C6", "startPeriods do not increase", ("E3.45", "E3.70"))


def unit(asked: Asked) -> Breaches:
    """C8: a unit that the station takes."""
    said = asked.profile.schedules[0].unit
    if said not in asked.capabilities.rate_units:
        told = ", ".join(sorted(asked.capabilities.rate_units))
        yield Breach("C8", f"the station takes limits in {told}, not in {said.value}", ("E3.69",))


def phases(asked: Asked) -> Breaches:
    """C9: 1 to 3 phases."""
    numbers = {period["numberPhases"] for period in asked.periods if "numberPhases" in period}
    for number in sorted(number for number in numbers if not 1 <= number <= MOST_PHASES):
        yield Breach("C9", f"{number} phases are not 1, 2 or 3", ("E3.34",))


RULES: Final[tuple[Callable[[Asked], Breaches], ...]] = (
    smart_charging,
    connector,
    transaction,
    remote_start,
    start_of_schedule,
    rules_common.recurrence,
    periods,
    rules_common.decimals,
    unit,
    phases,
    rules_common.phase_changes,
    rules_common.validity,
    rules_common.bounds,
)
