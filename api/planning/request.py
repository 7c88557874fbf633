"""What a plan is asked for: the state, and what the state alone does not say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.forecasts.request import Column, SessionRecord
from api.ocpp.capabilities import StationCapabilities
from models.arrays import FloatArray
from models.state import SiteState
from optimizer.options import PlanOptions


@dataclass(frozen=True, slots=True)
class MeteredLoad:
    """The history of a load that nobody controls.

    Parameters
    ----------
    place : int
        Index of the load in the state, whose forecast takes the place of the zeros that stand there.
    start : datetime
        Start of the first interval, aware.
    step_s : int
        Length of an interval [s].
    power_kw : (n_samples,) float64
        Mean power of each interval [kW]; NaN where the meter was silent.
    installed_kw : float
        What it never exceeds [kW]; infinite where that is not known.
    """

    place: int
    start: datetime
    step_s: int
    power_kw: FloatArray
    installed_kw: float = float("inf")


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A state to plan, its histories, and whom to tell.

    Parameters
    ----------
    state : SiteState
        Loads that have to be forecast are zero in it.
    options : PlanOptions
    histories : tuple of MeteredLoad
        Loads to forecast.
    capabilities : mapping of str to StationCapabilities
        By station; a station that is missing gets no profiles.
    transactions : mapping of str to str
        OCPP transaction of an EVSE; an EVSE without one is told by a default profile.
    columns : tuple of Column
        Weather, prices and the like, of the past and of what is to come, that histories may follow.
    past : tuple of SessionRecord
        Sessions of the site that have ended, from which departures, needs and arrivals are learnt.
    users : mapping of str to str
        Who charges, by session, where that is known.
    unsaid : frozenset of str or None
        Sessions whose departure and target nobody said, so that past sessions alone tell them, all others being
        believed; None: what the state gives are statements.
    notes : tuple of str
        What the reader of the plan must know about its input.
    """

    state: SiteState
    options: PlanOptions = field(default_factory=PlanOptions)
    histories: tuple[MeteredLoad, ...] = ()
    capabilities: Mapping[str, StationCapabilities] = field(default_factory=dict)
    transactions: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    past: tuple[SessionRecord, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict)
    unsaid: frozenset[str] | None = None
    notes: tuple[str, ...] = ()
