"""From a plan to what each station is told: charging profiles, and the fall-back beneath them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.dialects import DIALECTS
from api.ocpp.periods import borders_apart
from api.ocpp.profiles import (
    PilotRow,
    SafeFloor,
    fallback_profiles,
    follows_setpoints,
    profile_from_pilots,
)
from api.ocpp.wire import Command
from api.planning.request import PlanRequest
from models.arrays import frozen
from models.grid.site import CurrentType, Evse, Site, Station
from models.schedule import Schedule
from models.state import SiteState
from models.units import W_PER_KW

BORDER_S: Final = 5
"""How much earlier a station lowers and later it rises than the slot says [s].

A car follows its pilot within 5 s (IEC 61851-1); the same again is left to clocks that differ.
"""


@dataclass(frozen=True, slots=True)
class StationProfile:
    """One profile, and the message that brings it to its station.

    Parameters
    ----------
    station_id : str
    evse_id : str or None
        None where the whole station is addressed.
    version : OcppVersion
    profile : ChargingProfile
    command : Command
    """

    station_id: str
    evse_id: str | None
    version: OcppVersion
    profile: ChargingProfile
    command: Command


def command_of(profile: ChargingProfile, version: OcppVersion) -> Command:
    """Return the message that installs a profile on a station of ``version``."""
    return DIALECTS[version].encode_profile(profile)


def profiles_of(schedule: Schedule, request: PlanRequest) -> tuple[StationProfile, ...]:
    """Return the profile of every EVSE whose station's capabilities are known."""
    site, now = request.state.site, request.state.now
    told: list[StationProfile] = []
    for station in site.stations:
        capabilities = request.capabilities.get(station.station_id)
        if capabilities is None:
            continue
        for number, evse in enumerate(station.evses, start=1):
            row = _row(schedule, request.state, evse, number, capabilities)
            profile = profile_from_pilots(row, capabilities, now, request.transactions.get(evse.evse_id))
            told.append(_told(station, evse, capabilities, profile))
    return tuple(told)


def untold_notes(schedule: Schedule, request: PlanRequest) -> tuple[str, ...]:
    """Return a sentence for every EVSE whose profile says 0 A where its car is to give back.

    Limits of OCPP 1.6 and 2.0.1 are never below 0: no such profile makes a car give anything. A station of 2.1
    is told setpoints if it knows them (Q).
    """
    return tuple(
        f"{told.evse_id!r} is told 0 A where its car is to give back: profiles of OCPP "
        f"{capabilities.version.value.removeprefix('ocpp')} cannot say it, so it must be told otherwise"
        for told in schedule.back
        if (capabilities := request.capabilities.get(request.state.site.station_of(told.evse_id).station_id))
        and not follows_setpoints(capabilities)
    )


def with_borders_apart(told: tuple[StationProfile, ...]) -> tuple[StationProfile, ...]:
    """Return profiles of stations that share a limit: at a slot's border one is down before another rises.

    Stations switch by their own clocks, which differ by seconds, and a car takes its time to follow.
    """
    return tuple(_apart(one) for one in told)


def _apart(told: StationProfile) -> StationProfile:
    periods = borders_apart(told.profile.periods, told.profile.duration_s, BORDER_S)
    profile = replace(told.profile, periods=periods)
    return replace(told, profile=profile, command=command_of(profile, told.version))


def fallbacks_of(request: PlanRequest) -> tuple[StationProfile, ...]:
    """Return the profiles that hold beneath every plan, and where the horizon of the last plan ends.

    Their default is 0 A. A share that a station may always draw is only safe where every plan of the others
    keeps it free, also while that station is well connected and draws less; no plan does so yet.
    """
    site, now = request.state.site, request.state.now
    return tuple(
        profile
        for station in site.stations
        if station.evses and station.station_id in request.capabilities
        for profile in station_fallback(
            site,
            station,
            request.capabilities[station.station_id],
            now,
            evse_numbers=tuple(range(1, len(station.evses) + 1)),
        )
    )


def station_fallback(
    site: Site,
    station: Station,
    capabilities: StationCapabilities,
    now: datetime,
    *,
    evse_numbers: tuple[int, ...] = (),
) -> tuple[StationProfile, ...]:
    """Return the fall-back of one station: nothing without a plan, and never more than its nodes carry.

    Its default is that of the station, or of the EVSEs that are named: wherever a plan is told to EVSEs
    without a transaction, which is a default of an EVSE too.
    """
    floor = SafeFloor(
        share_a=0.0,
        station_max_a=_station_max_a(site, station),
        n_phases=max(len(evse.phases) for evse in station.evses),
        current_type=station.evses[0].current_type,
        evse_numbers=evse_numbers,
    )
    evses = {0: None} | dict(enumerate(station.evses, start=1))
    profiles = fallback_profiles(floor, capabilities, now)
    return tuple(_told(station, evses[profile.evse_number], capabilities, profile) for profile in profiles)


def _told(
    station: Station, evse: Evse | None, capabilities: StationCapabilities, profile: ChargingProfile
) -> StationProfile:
    return StationProfile(
        station_id=station.station_id,
        evse_id=None if evse is None else evse.evse_id,
        version=capabilities.version,
        profile=profile,
        command=command_of(profile, capabilities.version),
    )


def _row(
    schedule: Schedule, state: SiteState, evse: Evse, number: int, capabilities: StationCapabilities
) -> PilotRow:
    row = PilotRow(
        start=schedule.grid.start,
        step_s=schedule.grid.step_s,
        pilot_a=schedule.pilot_a[schedule.row(evse.evse_id)],
        evse_number=number,
        n_phases=_n_phases(state, evse, capabilities),
        current_type=evse.current_type,
    )
    both_ways = evse.max_discharge_a > 0 and follows_setpoints(capabilities)
    return _followed(row, schedule, evse, capabilities) if both_ways else row


def _followed(row: PilotRow, schedule: Schedule, evse: Evse, capabilities: StationCapabilities) -> PilotRow:
    """Return what an EVSE that gives back is told: to draw its pilot, or to give back, in each slot (Q).

    It is told setpoints also while nothing is given back, so that profiles do not change their unit.
    """
    back = [told.power_kw for told in schedule.back if told.evse_id == evse.evse_id]
    given_w = W_PER_KW * back[0] if back else np.zeros_like(row.pilot_a)
    drawn_w = row.pilot_a * capabilities.voltage_v * row.n_phases
    return replace(
        row, setpoint_w=frozen(np.where(given_w > 0, -given_w, drawn_w)), discharge_w=frozen(-given_w)
    )


def _n_phases(state: SiteState, evse: Evse, capabilities: StationCapabilities) -> int:
    """Return the phases that a limit counts on.

    In ampere the EVSE's own. In watt those of its car: all of the watts may flow through one phase of it.
    """
    n_phases = len(evse.phases)
    if RateUnit.CURRENT in capabilities.rate_units and evse.current_type is CurrentType.AC:
        return n_phases
    return min([n_phases, *(s.n_phases or n_phases for s in state.sessions if s.evse_id == evse.evse_id)])


def _station_max_a(site: Site, station: Station) -> float:
    """Return the greatest current of the station on each phase [A], within the nodes above it."""
    most_a = sum(evse.max_current_a for evse in station.evses)
    nodes = {node.node_id: node for node in site.nodes}
    for node_id in site.path_to_root(station.node_id):
        most_a = min([most_a, *(nodes[node_id].limit_a or ())])
    return most_a
