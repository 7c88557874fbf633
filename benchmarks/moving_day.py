"""A day that moves: a synthetic site whose cars come and go while it is planned again and again.

The site follows the one on which rival schedulers were measured: single-phase EVSEs of 7.36 kW, a site limit of
35 % of the connected power, panels of ten at 60 %, a price with two tariff periods and noise; beside the powers,
every panel and the site have a current limit on each phase, and the month's peak is billed.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from models.arrays import FloatArray, frozen
from models.grid.site import CircuitNode, Evse, Phase, Site, Station
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.timegrid import TimeGrid

STEP_S: Final = 900
START: Final = datetime(2026, 6, 1, 6, tzinfo=UTC)
EVSE_KW: Final = 7.36
PANEL_SIZE: Final = 10
SITE_SHARE: Final = 0.35
PANEL_SHARE: Final = 0.6
PHASE_SPARE: Final = 1.3
DEMAND_PER_KW: Final = 15.51
A_PER_KW: Final = 1000.0 / 690.0
LAST_ARRIVAL_H: Final = 15.0
DEAR_HOURS: Final = (2.0, 14.0)


def panel_site(n_evses: int) -> Site:
    """Return the site with ``n_evses`` EVSEs; phases in turn, panels of ten."""
    nodes = [_node("grid", None, SITE_SHARE * n_evses * EVSE_KW)]
    stations = []
    for first in range(0, n_evses, PANEL_SIZE):
        members = range(first, min(first + PANEL_SIZE, n_evses))
        panel = f"panel-{first // PANEL_SIZE}"
        nodes.append(_node(panel, "grid", PANEL_SHARE * len(members) * EVSE_KW))
        stations += [Station(f"cs-{k}", panel, (Evse(f"evse-{k}", (Phase(k % 3),)),)) for k in members]
    return Site(f"panels-{n_evses}", "Europe/Berlin", tuple(nodes), tuple(stations))


def _node(node_id: str, parent_id: str | None, limit_kw: float) -> CircuitNode:
    limit_a = limit_kw * A_PER_KW * PHASE_SPARE
    return CircuitNode(node_id, parent_id, limit_kw, (limit_a, limit_a, limit_a))


@dataclass(slots=True)
class MovingDay:
    """Gives the state of every tick, and takes what was planned as delivered.

    Parameters
    ----------
    site : Site
    sessions : tuple of ChargingSession
        The whole day, in any order.
    price_per_kwh : (n_ticks + n_slots,) float64
    n_slots : int
        Slots of the horizon.
    """

    site: Site
    sessions: list[ChargingSession]
    price_per_kwh: FloatArray
    n_slots: int

    @classmethod
    def drawn(cls, n_evses: int, n_slots: int, n_ticks: int, seed: int) -> "MovingDay":
        """Draw a day: stays of 4 to 10 h, needs of 5 to 15 kWh that fit twice over, gaps of 5 min to 2 h."""
        rng = np.random.default_rng(seed)
        site = panel_site(n_evses)
        sessions = [s for evse_id in site.evse_ids for s in _stays(evse_id, rng)]
        hours = np.arange(n_ticks + n_slots) * STEP_S / 3600.0 % 24.0
        price = np.where((hours > DEAR_HOURS[0]) & (hours < DEAR_HOURS[1]), 0.30, 0.20) + 0.02 * rng.random(
            hours.size
        )
        return cls(site, sessions, frozen(price), n_slots)

    def state(self, tick: int) -> SiteState:
        """Return what is known at a tick: who is plugged in, and the horizon from here."""
        now = START + timedelta(seconds=STEP_S * tick)
        price = frozen(self.price_per_kwh[tick : tick + self.n_slots])
        here = tuple(s for s in self.sessions if s.arrival <= now < s.departure.times[0])
        load_kw = (
            0.05 * EVSE_KW * len(self.site.evse_ids) * (1.0 + 0.2 * np.sin(np.arange(self.n_slots) + tick))
        )
        return SiteState(
            site=self.site,
            now=now,
            grid=TimeGrid.around(now, STEP_S, self.n_slots),
            sessions=here,
            tariff=EnergyTariff(price, frozen(np.zeros(self.n_slots)), DEMAND_PER_KW),
            loads=(LoadForecast.certain("grid", frozen(load_kw)),),
            billing_peak_kw=0.1 * EVSE_KW * len(self.site.evse_ids),
        )

    def deliver(self, energy_kwh: dict[str, float]) -> None:
        """Add what each EVSE delivered in the slot that has passed to the session that was there [kWh]."""
        for place, session in enumerate(self.sessions):
            if session.session_id in energy_kwh:
                metered_kwh = session.delivered_kwh + energy_kwh[session.session_id]
                self.sessions[place] = replace(session, delivered_kwh=metered_kwh)


def _stays(evse_id: str, rng: np.random.Generator) -> list[ChargingSession]:
    stays: list[ChargingSession] = []
    arrival = START - timedelta(hours=float(rng.uniform(0, 2)))
    while arrival < START + timedelta(hours=LAST_ARRIVAL_H):
        stay_h = float(rng.uniform(4, 10))
        need_kwh = min(float(rng.uniform(5, 15)), 0.5 * stay_h * EVSE_KW)
        departure = arrival + timedelta(hours=stay_h)
        name = f"{evse_id}-{len(stays)}"
        stays.append(ChargingSession(name, evse_id, arrival, Departure.at(departure), need_kwh))
        arrival = departure + timedelta(minutes=float(rng.uniform(5, 120)))
    return stays
