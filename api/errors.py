"""Problem details (RFC 9457): every fault of a request, each with its path in the input."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from models.errors import InvalidInputError, Issue

MEDIA_TYPE: Final = "application/problem+json"
_URN: Final = "urn:gridpilot:problem:"

_log = logging.getLogger(__name__)


class BodyTooLargeError(HTTPException):
    """The request is longer than the service reads."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"longer than {limit_bytes} bytes")


def problem(status: HTTPStatus, kind: str, detail: str, issues: Sequence[Issue] = ()) -> JSONResponse:
    """Return one problem+json response; ``issues`` stand in its ``errors`` member."""
    body: dict[str, Any] = {"type": _URN + kind, "title": status.phrase, "status": status.value}
    body["detail"] = detail
    if issues:
        body["errors"] = [{"path": issue.where, "detail": issue.what} for issue in issues]
    return JSONResponse(body, status.value, media_type=MEDIA_TYPE)


def path_of(parts: Sequence[str | int]) -> str:
    """Return the readable path of a place in JSON, such as ``sessions[3].departure``."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def input_path(loc: Sequence[str | int], document: object, *, missing: bool) -> str:
    """Return the path in ``document`` of a place that pydantic reports.

    Pydantic mixes the names of union members into its locations; only the parts that lead somewhere in
    the document are kept, and a last one that is reported as missing.
    """
    kept: list[str | int] = []
    here = document
    for place, part in enumerate(loc):
        if _leads_on(here, part):
            here = here[part]  # type: ignore[index]  # this is what was asked
        elif not (missing and place == len(loc) - 1):
            continue
        kept.append(part)
    return path_of(kept)


def _leads_on(here: object, part: str | int) -> bool:
    return (isinstance(here, dict) and part in here) or (
        isinstance(here, list) and isinstance(part, int) and part < len(here)
    )


async def _invalid_input(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, InvalidInputError):
        raise error
    n_faults = len(error.issues)
    detail = f"the input has {n_faults} fault{'s' if n_faults > 1 else ''}"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", detail, error.issues)


async def _request_validation(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    issues = [Issue(path_of(fault["loc"]), fault["msg"]) for fault in error.errors()]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "the request is not valid", issues)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    response = problem(status, status.phrase.lower().replace(" ", "-"), str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "the service failed; the log says more")


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of ``app`` a problem+json response."""
    app.add_exception_handler(InvalidInputError, _invalid_input)
    app.add_exception_handler(RequestValidationError, _request_validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
