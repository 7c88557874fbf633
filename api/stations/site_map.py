"""Which sites this network runs, and to which of them a station belongs."""

from collections.abc import Iterable, Iterator
from typing import Final

from api.ocpp.plausibility import ANY_EVSE_KW
from models.grid.site import Site, Station

_LINES: Final = 3
_W_PER_KW: Final = 1000.0


class SiteMap:
    """The sites of a network; a station is found at once, however many there are."""

    def __init__(self) -> None:
        self._sites: dict[str, Site] = {}
        self._site_of: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._sites)

    def replace_all(self, sites: Iterable[Site]) -> None:
        """Take these sites, and forget all others."""
        self._sites = {}
        self._site_of = {}
        for site in sites:
            self.put(site)

    def put(self, site: Site) -> None:
        """Take a site, or what has become of it; a station that two sites name belongs to the first."""
        if site.site_id in self._sites:
            self._site_of = {s: of for s, of in self._site_of.items() if of != site.site_id}
        self._sites[site.site_id] = site
        for station in site.stations:
            self._site_of.setdefault(station.station_id, site.site_id)

    def site_of(self, station_id: str) -> Site | None:
        """Return the site that a station belongs to."""
        site_id = self._site_of.get(station_id)
        return None if site_id is None else self._sites[site_id]

    def has_evse(self, station_id: str, evse_number: int) -> bool:
        """Tell whether a site says that a station has an EVSE of this number."""
        station = self.station(station_id)
        return station is not None and 1 <= evse_number <= len(station.evses)

    def most_kw(self, station_id: str, evse_number: int) -> float:
        """Return the greatest power that an EVSE can draw, generously [kW]; EVSE 0 stands for all of a station."""
        site, station = self.site_of(station_id), self.station(station_id)
        if site is None or station is None or evse_number > len(station.evses):
            return ANY_EVSE_KW
        evses = station.evses if evse_number <= 0 else (station.evses[evse_number - 1],)
        return sum(_LINES * evse.max_current_a * site.voltage_v / _W_PER_KW for evse in evses)

    def station(self, station_id: str) -> Station | None:
        """Return what a site says of a station."""
        site = self.site_of(station_id)
        if site is None:
            return None
        return next(station for station in site.stations if station.station_id == station_id)

    def stations_of(self, site_id: str) -> tuple[str, ...]:
        """Return the stations of a site."""
        site = self._sites.get(site_id)
        return () if site is None else tuple(station.station_id for station in site.stations)
