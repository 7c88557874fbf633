"""Every command of the station's version, over HTTP: checked against its schema, then sent or queued."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Header, Path, Query, Request, Response

from api.errors import problem
from api.ocpp.wire import Command
from api.stations.commands.problems import PROBLEMS
from api.stations.commands.queue import find, of_station
from api.stations.commands.schemas import AnsweredOut, CommandListOut, QueuedOut, QueueOut, object_in
from api.stations.commands.service import CommandService
from api.stations.log.redaction import redacted_document
from api.stations.routes import network_of
from api.storage.station_tables import CommandRow
from api.wire.schemas import problem_of

router = APIRouter(prefix="/v1", tags=["commands"], responses={422: PROBLEMS[422]})

_A_DAY_S: Final = 86_400
_A_MONTH_S: Final = 31 * _A_DAY_S
_MOST: Final = 500

StationId = Annotated[str, Path(min_length=1, max_length=255, examples=["CS-1"])]
Action = Annotated[str, Path(pattern="^[A-Za-z0-9]{1,64}$", examples=["GetLocalListVersion"])]
CommandId = Annotated[str, Path(min_length=1, max_length=64)]
Approvals = Annotated[
    str, Header(alias="X-Approvals", description="keys of approvers, parted by commas, where two must agree")
]
_BODY: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "requestBody": {
            "required": True,
            "description": "the payload of the command, in the version that the station speaks",
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "examples": {
                        "Reset of 1.6": {"value": {"type": "Soft"}},
                        "Reset of 2.x": {"value": {"type": "OnIdle"}},
                        "GetVariables of 2.x": {
                            "value": {
                                "getVariableData": [
                                    {
                                        "component": {"name": "OCPPCommCtrlr"},
                                        "variable": {"name": "HeartbeatInterval"},
                                    }
                                ]
                            }
                        },
                    },
                }
            },
        }
    }
)


def commands_of(request: Request) -> CommandService:
    """Return what sends commands."""
    return network_of(request).connectivity.commands


def approvals_in(header: str) -> tuple[str, ...]:
    """Return the keys that were shown."""
    return tuple(key.strip() for key in header.split(",") if key.strip())


@router.get("/stations/{station_id}/commands", responses={404: PROBLEMS[404]})
async def list_commands(station_id: StationId, request: Request) -> CommandListOut:
    """List what can be sent to a station in the version that it speaks."""
    desk = commands_of(request).desk
    version = desk.version(station_id)
    return CommandListOut(version=version.value, commands=tuple(sorted(desk.commands(version))))


@router.post(
    "/stations/{station_id}/commands/{action}",
    responses={**PROBLEMS, 202: {"model": QueuedOut, "description": "Queued until the station is there"}},
    openapi_extra=dict(_BODY),
)
async def send_command(  # noqa: PLR0913 - the parameters of a route are its description
    station_id: StationId,
    action: Action,
    request: Request,
    response: Response,
    *,
    queue: Annotated[bool, Query(description="keep it until the station is there")] = False,
    expires_in_s: Annotated[
        int, Query(ge=1, le=_A_MONTH_S, description="a queued command is given up after so long [s]")
    ] = _A_DAY_S,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=255, description="the same key queues the same command once"),
    ] = None,
    x_approvals: Approvals = "",
) -> AnsweredOut | QueuedOut:
    """Send a command to a station and return its answer, or queue it.

    The payload is checked against the schema of the station's version before anything is sent. A queued command is
    sent at least once, in order, as soon as the station is there.
    """
    service = commands_of(request)
    command = Command(action, object_in(await request.body()))
    if not queue:
        return AnsweredOut.of(await service.send(station_id, command, approvals_in(x_approvals)))
    key, lasts = idempotency_key or uuid4().hex, timedelta(seconds=expires_in_s)
    row, is_new = await service.enqueue(station_id, command, approvals_in(x_approvals), key, lasts)
    response.status_code = HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK
    response.headers["Location"] = f"/v1/commands/{row.command_id}"
    return _shown(row)


@router.get("/commands/{command_id}", responses={404: problem_of("No command of this name was queued")})
async def get_command(command_id: CommandId, request: Request) -> QueuedOut:
    """Return a queued command, and what has become of it."""
    return _shown(await commands_of(request).read(lambda session: find(session, command_id)))


@router.delete(
    "/commands/{command_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        404: problem_of("No command of this name was queued"),
        409: problem_of("It was sent already, or may have been"),
    },
)
async def cancel_command(command_id: CommandId, request: Request) -> Response:
    """Give up a queued command that was not sent yet."""
    done = await commands_of(request).cancel(command_id)
    return Response(status_code=HTTPStatus.NO_CONTENT) if done else _too_late(command_id)


@router.get("/stations/{station_id}/queue")
async def list_queue(
    station_id: StationId, request: Request, limit: Annotated[int, Query(ge=1, le=_MOST)] = 100
) -> QueueOut:
    """List the commands that were queued for a station, the newest first."""
    rows = await commands_of(request).read(lambda session: of_station(session, station_id, limit))
    return QueueOut(commands=tuple(map(_shown, rows)))


def _too_late(command_id: str) -> Response:
    detail = f"the command {command_id!r} was sent, or may have been"
    return problem(HTTPStatus.CONFLICT, "too-late", detail)


def _shown(row: CommandRow) -> QueuedOut:
    return QueuedOut.of(row, redacted_document(row.action, row.payload))
