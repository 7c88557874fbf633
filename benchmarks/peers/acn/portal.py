"""acnportal as it is loaded here: what its age needs is lent to it while it is loaded, nothing in it is changed."""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, NamedTuple, TypeAlias

from models.errors import ChargingError

Foreign: TypeAlias = Any
"""acnportal has no annotations: its objects pass through this one alias."""

LENT: Final = "pkg_resources"
"""Imported by acnportal for the version in its JSON files; newer setuptools do not have it any more."""


class PortalMissingError(ChargingError):
    """acnportal is not installed."""

    def __init__(self) -> None:
        super().__init__("this needs acnportal, which is not installed: pip install 'gridpilot[bench]'")


class Portal(NamedTuple):
    """The parts of acnportal that are used here."""

    acnsim: Foreign
    algorithms: Foreign
    sites: Foreign
    models: Foreign


def portal() -> Portal:
    """Return acnportal's modules.

    Raises
    ------
    PortalMissingError
        It is not installed.
    """
    if importlib.util.find_spec("acnportal") is None:
        raise PortalMissingError
    with quiet(), _lent():
        return Portal(
            acnsim=importlib.import_module("acnportal.acnsim"),
            algorithms=importlib.import_module("acnportal.algorithms"),
            sites=importlib.import_module("acnportal.acnsim.network.sites"),
            models=importlib.import_module("acnportal.acnsim.models"),
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Leave acnportal's warnings to its authors: of what it imports, and of pandas as it was.

    Its warning of a schedule that breaks a limit is left out too: exceedance is measured here, on every row.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _lent() -> Iterator[None]:
    """Lend an empty ``pkg_resources`` where there is none."""
    if LENT in sys.modules or importlib.util.find_spec(LENT) is not None:
        yield
        return
    sys.modules[LENT] = ModuleType(LENT)
    try:
        yield
    finally:
        del sys.modules[LENT]
