"""The present state of a site that we run, from what is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from api.forecasts.request import SessionRecord
from api.ocpp.capabilities import StationCapabilities
from api.ocpp.periods import floor_to_tenth
from api.ocpp.registry import Registry
from api.planning.request import PlanRequest
from api.stations import limits, needs, repository
from api.stations.repository import Plugged
from api.stations.schemas import StandingWire
from api.stations.seen import SiteSigns
from api.storage.engine import Database
from api.storage.tables import TransactionRow
from models.errors import InvalidInputError, Issue
from models.grid.site import Evse, Site
from models.sessions import ChargingSession, Departure
from models.state import SiteState

_READ: Final = timedelta(days=60)
_LEAST_READ: Final = timedelta(days=7)
_MOST_READ: Final = 2000
_OVERSTAY: Final = timedelta(hours=1)
"""A car that should have left is expected to leave so much later; nobody knows better."""


class StoredStates:
    """Reads sites from the database, and what their stations can do from the registry.

    Parameters
    ----------
    database : Database
    registry : Registry
    signs : callable
        Gives what meters showed at a site.
    """

    def __init__(self, database: Database, registry: Registry, signs: Callable[[str], SiteSigns]) -> None:
        self._database = database
        self._registry = registry
        self._signs = signs

    def read(self, site_id: str, now: datetime) -> PlanRequest:
        """Return the site as it is now.

        Raises
        ------
        InvalidInputError
            There is no such site.
        """
        with self._database.read() as session:
            document = repository.standing_of(session, site_id)
            if document is None:
                raise InvalidInputError((Issue("site_id", f"no site is called {site_id!r}"),))
            standing = standing_in(document)
            stations = [station.station_id for station in standing.site.stations]
            plugged = repository.plugged_in(session, stations)
            ended = repository.ended(session, stations, now - _READ, _MOST_READ)
            asked = needs.kept(session, stations)
            external = limits.kept(session, stations)
        request = needs.knowing(request_of(standing, plugged, now, self._registry), plugged, asked)
        request = limits.respecting(request, external)
        return self._signs(site_id).on(with_past(request, ended, plugged))


def standing_in(document: Mapping[str, object]) -> StandingWire:
    """Return a stored site; it was checked when it was stored."""
    return StandingWire.model_validate(document, strict=False)


def request_of(
    standing: StandingWire, plugged: list[Plugged], now: datetime, registry: Registry
) -> PlanRequest:
    """Return what to plan for a site at a moment, with the cars that are plugged in."""
    site = standing.site.to_domain()
    grid = standing.horizon.to_domain(now)
    evse_of = evses_by_place(site)
    cars = {
        evse_of[place]: car
        for car in plugged
        if (place := (car.transaction.station_id, car.transaction.evse_number)) in evse_of
    }
    state = SiteState(
        site=site,
        now=now,
        grid=grid,
        sessions=tuple(charging_session(evse, car, standing, now) for evse, car in cars.items()),
        tariff=standing.tariff.on(grid, site.zone),
        loads=tuple(load.on(grid, site.zone) for load in standing.loads),
        limits=tuple(limit.on(grid) for limit in standing.limits),
        billing_peak_kw=standing.billing_peak_kw,
    )
    return PlanRequest(
        state=state,
        options=standing.options.to_domain(),
        capabilities={s.station_id: capabilities_at(site, s.station_id, registry) for s in site.stations},
        transactions={evse.evse_id: car.transaction.transaction_id for evse, car in cars.items()},
    )


def with_past(
    request: PlanRequest, ended: Sequence[TransactionRow], plugged: Sequence[Plugged]
) -> PlanRequest:
    """Return a request that knows the sessions of a site that have ended, once they reach back a whole week.

    Who has declared something is believed; of all others it is told that nothing was said.
    """
    site, now = request.state.site, request.state.now
    if not ended or now - min(row.started_at for row in ended) < _LEAST_READ:
        return request
    evse_of = evses_by_place(site)
    past = tuple(
        SessionRecord(
            site.site_id,
            evse.evse_id if (evse := evse_of.get((row.station_id, row.evse_number))) else row.station_id,
            row.started_at,
            row.ended_at,
            row.delivered_kwh,
            user=row.id_token,
        )
        for row in ended
    )
    names = {session_name(car): car for car in plugged}
    users = {name: car.transaction.id_token for name, car in names.items()}
    return replace(
        request,
        past=past,
        users={name: token for name, token in users.items() if token is not None},
        unsaid=frozenset(name for name, car in names.items() if car.declaration is None),
    )


def evses_by_place(site: Site) -> dict[tuple[str, int], Evse]:
    """Return every EVSE by its station and number."""
    return {(s.station_id, n): e for s in site.stations for n, e in enumerate(s.evses, start=1)}


def session_name(car: Plugged) -> str:
    """Return the identity of a car's session."""
    return f"{car.transaction.station_id}/{car.transaction.transaction_id}"


def capabilities_at(site: Site, station_id: str, registry: Registry) -> StationCapabilities:
    """Return what a station can do; its limits in watt are those of the site's voltage."""
    return replace(registry.capabilities(station_id), voltage_v=floor_to_tenth(site.voltage_v))


def charging_session(evse: Evse, car: Plugged, standing: StandingWire, now: datetime) -> ChargingSession:
    """Return the session of a car that is plugged in: what its driver has said, or what is assumed."""
    begun, said, assumed = car.transaction, car.declaration, standing.assumed
    arrival = min(begun.started_at, now)  # a station's clock may be wrong by any time
    departure = arrival + timedelta(hours=assumed.stay_hours) if said is None else said.departure
    leaves = departure if departure > now else now + _OVERSTAY
    wish = assumed if said is None else said
    return ChargingSession(
        session_id=session_name(car),
        evse_id=evse.evse_id,
        arrival=arrival,
        departure=Departure.at(leaves),
        target_kwh=wish.target_kwh,
        minimum_kwh=min(wish.minimum_kwh, wish.target_kwh),
        delivered_kwh=begun.delivered_kwh,
        max_power_kw=None if said is None else said.max_power_kw,
        n_phases=None if said is None or said.n_phases is None else min(said.n_phases, len(evse.phases)),
    )
