"""Sites after public descriptions, by the name that a command takes."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from benchmarks.sites.caltech import caltech
from models.errors import InvalidInputError, Issue
from models.grid.site import Site

BUILT_IN: Final = MappingProxyType[str, Callable[..., Site]]({"caltech": caltech})


def site_named(name: str, limit_kw: float | None = None) -> Site:
    """Return a built-in site, with its own limit or another one [kW].

    Raises
    ------
    InvalidInputError
        No built-in site has this name, or the limit is not above 0.
    """
    if name not in BUILT_IN:
        raise InvalidInputError(
            (Issue("site", f"no built-in site {name!r}; there are: {', '.join(BUILT_IN)}"),)
        )
    if limit_kw is None:
        return BUILT_IN[name]()
    if not limit_kw > 0:
        raise InvalidInputError((Issue("limit_kw", f"{limit_kw} is not above 0"),))
    return BUILT_IN[name](limit_kw)
