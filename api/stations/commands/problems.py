"""What the API answers where a command was not carried out."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from api.errors import problem
from api.stations.commands.errors import (
    ForbiddenCommandError,
    KeyTakenError,
    NoAnswerError,
    StationAwayError,
    StationRefusedError,
    UnknownCommandError,
    UnknownStationError,
)
from api.wire.schemas import problem_of
from models.errors import ChargingError

_STATUS: Final[Mapping[type[ChargingError], tuple[HTTPStatus, str]]] = MappingProxyType(
    {
        UnknownStationError: (HTTPStatus.NOT_FOUND, "unknown-station"),
        UnknownCommandError: (HTTPStatus.NOT_FOUND, "unknown-command"),
        StationAwayError: (HTTPStatus.CONFLICT, "station-away"),
        KeyTakenError: (HTTPStatus.CONFLICT, "key-taken"),
        NoAnswerError: (HTTPStatus.GATEWAY_TIMEOUT, "no-answer"),
        StationRefusedError: (HTTPStatus.BAD_GATEWAY, "station-refused"),
        ForbiddenCommandError: (HTTPStatus.FORBIDDEN, "forbidden-command"),
    }
)
PROBLEMS: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        403: problem_of(
            "The command could take the station away; `errors` says why, and whether two may approve"
        ),
        404: problem_of("No such station, or its version of OCPP has no such command"),
        409: problem_of("The station is not connected, or went away before it answered"),
        422: problem_of(
            "The payload does not fit the schema of the station's version; every fault is listed"
        ),
        502: problem_of("The station has answered by an error; `errors` has its code and description"),
        504: problem_of("The station did not answer in time; nobody knows whether it has acted"),
    }
)


async def _answer(_request: Request, error: Exception) -> JSONResponse:
    for kind, (status, name) in _STATUS.items():
        if isinstance(error, kind):
            return problem(status, name, str(error), getattr(error, "issues", ()))
    raise error


def answer_for_commands(app: FastAPI) -> None:
    """Make problems of what commands raise."""
    for kind in _STATUS:
        app.add_exception_handler(kind, _answer)
