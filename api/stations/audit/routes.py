"""A station is asked what it will do, and that is compared with what it was told."""

import asyncio
import logging
import math
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from api.ocpp.commands import CommandOutcome, Comparison, Place, StationCommands
from api.ocpp.smart.station import RunningTransaction
from api.stations.audit.schemas import ComparisonOut
from api.stations.commands.errors import NoAnswerError, StationAwayError, UnknownStationError
from api.stations.network import ChargingNetwork
from api.stations.routes import network_of
from api.stations.state import queries
from api.stations.state.queries import Known
from api.wire.schemas import problem_of

_log = logging.getLogger(__name__)

_S_PER_H: Final = 3600

router = APIRouter(
    prefix="/v1/stations", tags=["stations"], responses={422: problem_of("A parameter is not valid")}
)


@router.get(
    "/{station_id}/composite-schedule",
    responses={
        404: problem_of("No station of this name has ever been here"),
        409: problem_of("The station is not connected"),
        504: problem_of("The station did not answer"),
    },
)
async def compare_composite_schedule(
    station_id: Annotated[str, Path(min_length=1, max_length=255, examples=["CS-1"])],
    network: Annotated[ChargingNetwork, Depends(network_of)],
    *,
    evse: Annotated[int, Query(ge=0, le=100_000, description="0 for the whole station")] = 0,
    hours: Annotated[int, Query(ge=1, le=48, description="how far to look ahead")] = 6,
) -> ComparisonOut:
    """Ask a station for its composite schedule, and compare it with the profiles that it has taken."""
    known = await asyncio.to_thread(network.read, lambda session: queries.station(session, station_id))
    if known is None:
        raise UnknownStationError(station_id)
    commands = StationCommands(network.registry)
    found = await commands.compare_schedule(station_id, evse, hours * _S_PER_H, _place(known, network, evse))
    _say(station_id, evse, found)
    return ComparisonOut.of(found)


def _place(known: Known, network: ChargingNetwork, evse: int) -> Place:
    """Return the EVSEs of a station and what runs on them, as far as it has told."""
    running = {
        row.evse_number: RunningTransaction(
            row.evse_number, row.transaction_id, math.floor(network.now.timestamp())
        )
        for row in known.running
        if row.evse_number > 0
    }
    numbers = {one.evse_number for one in known.connectors} | running.keys() | {evse}
    return Place(tuple(sorted(numbers - {0})) or (1,), running)


def _say(station_id: str, evse: int, found: Comparison) -> None:
    """Tell the operator of a station that would draw more than it was told.

    Raises
    ------
    StationAwayError
        It is not connected.
    NoAnswerError
        It did not answer in time.
    """
    if found.outcome is CommandOutcome.DISCONNECTED:
        raise StationAwayError(f"the station {station_id!r} is not connected")
    if found.outcome is CommandOutcome.TIMED_OUT:
        raise NoAnswerError(f"the station {station_id!r} did not answer in time")
    if found.allows_more:
        _log.warning("station %s would draw more at EVSE %d than it was told", station_id, evse)
