"""What a user says about the columns of a file."""

from dataclasses import dataclass


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
    """

    time: str | None = None
    series: str | None = None
    value: str | None = None
    only: tuple[str, ...] = ()
    zone: str = "UTC"
    charging: bool = False
    installed_kw: float | None = None
