"""What a user says about the columns of a file."""

from dataclasses import dataclass
from datetime import date

from models.forecasting.features import SiteCalendar


@dataclass(frozen=True, slots=True)
class Columns:
    """What a user says about the columns of a file; None or empty for what shall be found.

    Parameters
    ----------
    time, series, value : str or None
        Column of times; in the long form those of names and of values.
    only : tuple of str
        Series that are wanted.
    zone : str
        IANA zone of times without an offset.
    charging : bool
        Loads are never negative.
    installed_kw : float or None
        Bound of each series.
    country, subdivision : str or None
        Region whose public holidays are like Sundays.
    holidays : tuple of date
        Local dates that are so too.
    """

    time: str | None = None
    series: str | None = None
    value: str | None = None
    only: tuple[str, ...] = ()
    zone: str = "UTC"
    charging: bool = False
    installed_kw: float | None = None
    country: str | None = None
    subdivision: str | None = None
    holidays: tuple[date, ...] = ()

    @property
    def calendar(self) -> SiteCalendar:
        """Calendar that days are told by."""
        return SiteCalendar(self.zone, frozenset(self.holidays), self.country, self.subdivision)
