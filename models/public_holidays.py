"""Public holidays of countries and their subdivisions, of any year, from the package ``holidays``."""

from datetime import date
from functools import lru_cache
from typing import Final

from models.errors import IssueList

_MOST_YEARS: Final = 4096
"""Years of regions that are kept: one takes about 2 ms to work out."""

_SOME_YEAR: Final = 2024


@lru_cache(maxsize=_MOST_YEARS)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Return the public holidays of a year, with the working days that some are moved to.

    Parameters
    ----------
    country : str
        ISO 3166-1 code of two or three letters.
    subdivision : str or None
        Code or name of a state, province or region; None: what holds in the whole country.
    year : int

    Raises
    ------
    NotImplementedError
        Nothing is known of the region; see :func:`check_region`.
    """
    import holidays  # noqa: PLC0415 - only where a site names its country

    return frozenset(holidays.country_holidays(country.upper(), subdiv=subdivision, years=year))


def check_region(
    country: str | None, subdivision: str | None, where: tuple[str, str], issues: IssueList
) -> None:
    """Note a country or subdivision that is not known, with those that are; ``where`` is the path of each."""
    if country is None:
        issues.require(subdivision is None, where[1], "needs a country")
        return
    import holidays  # noqa: PLC0415 - as above

    if country.upper() not in holidays.list_supported_countries(include_aliases=True):
        known = ", ".join(sorted(holidays.list_supported_countries(include_aliases=False)))
        issues.add(where[0], f"no holidays are known of {country!r}; they are of {known}")
        return
    parts = holidays.country_holidays(country.upper()).subdivisions
    try:
        public_holidays(country, subdivision, _SOME_YEAR)
    except NotImplementedError:
        there = f"there are {', '.join(parts)}" if parts else "there are none"
        issues.add(where[1], f"{country.upper()} has no subdivision {subdivision!r}; {there}")
