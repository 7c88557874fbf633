"""Forecasts over HTTP."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.forecasts.answer.schemas import ForecastOut
from api.forecasts.asked.schemas import ForecastWire
from api.forecasts.service import forecast_of
from api.planning.routes import PlannerDep
from api.wire.schemas import body_of, parsed, problem_of

router = APIRouter(prefix="/v1", tags=["forecasts"])


async def asked_in(request: Request) -> ForecastWire:
    """Return what is asked in the body, read strictly on a thread.

    Raises
    ------
    InvalidInputError
        It is no JSON, or breaks the schema; names every fault with its path.
    """
    body = await request.body()
    return await asyncio.to_thread(parsed, ForecastWire, body)


def answer(asked: ForecastWire) -> bytes:
    """Return a forecast as it goes over the wire."""
    return ForecastOut.from_domain(forecast_of(asked.to_domain())).model_dump_json().encode()


@router.post(
    "/forecasts",
    response_model=ForecastOut,
    responses={
        413: problem_of("The request is longer than the service reads"),
        422: problem_of("The input has faults; all of them are listed with their paths"),
    },
    openapi_extra=body_of(ForecastWire),
)
async def make_forecast(asked: Annotated[ForecastWire, Depends(asked_in)], planner: PlannerDep) -> Response:
    """Forecast some series from the samples that are sent: cleaned first, nothing is stored."""
    return Response(await planner.run_aside(partial(answer, asked)), media_type="application/json")
