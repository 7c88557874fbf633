"""What operators do every day, the same over HTTP for every version of OCPP."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from fastapi import APIRouter, Request

from api.stations.commands.problems import PROBLEMS
from api.stations.commands.routes import Approvals, StationId, approvals_in, commands_of
from api.stations.commands.schemas import (
    AvailabilityIn,
    ClearProfilesIn,
    CompositeIn,
    OrderedOut,
    ResetIn,
    StartIn,
    StopIn,
    TriggerIn,
    UnlockIn,
    VariablesIn,
)
from api.wire.schemas import WireModel, body_of, parsed

router = APIRouter(prefix="/v1/stations/{station_id}", tags=["orders"])

Model = TypeVar("Model", bound=WireModel)

OrderIn: TypeAlias = (
    StopIn | ResetIn | UnlockIn | AvailabilityIn | TriggerIn | ClearProfilesIn | CompositeIn | VariablesIn
)
"""What is carried out as it stands; a start gets a number of ours first."""

_RESPONSES: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(dict(PROBLEMS))


async def _read(request: Request, schema: type[Model]) -> Model:
    return parsed(schema, await request.body() or b"{}")


async def _carry_out(request: Request, station_id: str, schema: type[OrderIn], approvals: str) -> OrderedOut:
    """Carry out the order in the body of a request."""
    order = (await _read(request, schema)).to_order()
    said, answers = await commands_of(request).order(station_id, order, approvals_in(approvals))
    return OrderedOut.of(said, answers)


@router.post("/start", responses=dict(_RESPONSES), openapi_extra=body_of(StartIn))
async def start(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Begin to charge for a driver (1.6 RemoteStartTransaction, 2.x RequestStartTransaction)."""
    commands = commands_of(request)
    order = (await _read(request, StartIn)).to_order(commands.new_start_id())
    said, answers = await commands.order(station_id, order, approvals_in(x_approvals))
    return OrderedOut.of(said, answers, order.remote_start_id)


@router.post("/stop", responses=dict(_RESPONSES), openapi_extra=body_of(StopIn))
async def stop(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """End a transaction (1.6 RemoteStopTransaction, 2.x RequestStopTransaction)."""
    return await _carry_out(request, station_id, StopIn, x_approvals)


@router.post("/reset", responses=dict(_RESPONSES), openapi_extra=body_of(ResetIn))
async def reset(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Start a station anew, when its transactions have ended or at once."""
    return await _carry_out(request, station_id, ResetIn, x_approvals)


@router.post("/unlock", responses=dict(_RESPONSES), openapi_extra=body_of(UnlockIn))
async def unlock(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Let a cable go."""
    return await _carry_out(request, station_id, UnlockIn, x_approvals)


@router.post("/availability", responses=dict(_RESPONSES), openapi_extra=body_of(AvailabilityIn))
async def availability(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Let a station or an EVSE serve drivers, or not."""
    return await _carry_out(request, station_id, AvailabilityIn, x_approvals)


@router.post("/trigger", responses=dict(_RESPONSES), openapi_extra=body_of(TriggerIn))
async def trigger(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Ask a station to tell something again."""
    return await _carry_out(request, station_id, TriggerIn, x_approvals)


@router.post("/clear-profiles", responses=dict(_RESPONSES), openapi_extra=body_of(ClearProfilesIn))
async def clear_profiles(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Clear charging profiles; the site is planned again, and the station gets its own ones back."""
    return await _carry_out(request, station_id, ClearProfilesIn, x_approvals)


@router.post("/composite", responses=dict(_RESPONSES), openapi_extra=body_of(CompositeIn))
async def composite(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Ask for the limit that all profiles of an EVSE make together: the station's own prediction."""
    return await _carry_out(request, station_id, CompositeIn, x_approvals)


@router.post("/variables", responses=dict(_RESPONSES), openapi_extra=body_of(VariablesIn))
async def variables(station_id: StationId, request: Request, x_approvals: Approvals = "") -> OrderedOut:
    """Read variables of a station, or write them (1.6: configuration keys)."""
    return await _carry_out(request, station_id, VariablesIn, x_approvals)
