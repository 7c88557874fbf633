"""The HTTP service."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi

from api.body import BodyLimit
from api.errors import answer_with_problems
from api.examples import examples
from api.examples.forecast import example_forecast
from api.forecasts.asked.schemas import ForecastWire
from api.forecasts.routes import router as forecasting
from api.planning.explain.routes import router as explaining
from api.planning.explain.schemas import WhatIfWire
from api.planning.planner import Planner
from api.planning.routes import router as planning
from api.planning.schemas import StateWire
from api.planning.warm_up import pieces_of_warm_up
from api.settings import Settings
from api.stations.commands.schemas import ORDERS
from api.stations.schemas import DeclarationWire, StandingWire
from api.wire.schemas import SCHEMA_REF, HealthOut, ProblemOut, definitions

_log = logging.getLogger(__name__)
_health = APIRouter(prefix="/v1", tags=["service"])

_READ_STRICTLY: Final = (StateWire, WhatIfWire, ForecastWire, StandingWire, DeclarationWire, *ORDERS)
"""Bodies that routes read by themselves, so that FastAPI does not know them."""

Companion: TypeAlias = Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]
"""Something that lives as long as the service, such as the gateway of the stations."""


def create_app(
    settings: Settings | None = None, planner: Planner | None = None, companion: Companion | None = None
) -> FastAPI:
    """Return the service; nothing runs before it is served.

    Parameters
    ----------
    settings : Settings, optional
    planner : Planner, optional
        Makes the plans, and is closed by the caller; one of its own unless given.
    companion : callable, optional
        Started with the service and stopped before it.
    """
    settings = settings or Settings()
    lifespan = _lifespan(settings, planner, companion)
    app = FastAPI(title="Gridpilot", version=_version(), lifespan=lifespan, redoc_url=None)
    app.include_router(planning)
    app.include_router(explaining)
    app.include_router(forecasting)
    app.include_router(_health)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    answer_with_problems(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # the way that FastAPI documents
    return app


@_health.get("/health")
async def health(request: Request) -> HealthOut:
    """Tell that the service answers, and whether its kernels are compiled and warm."""
    state = request.app.state
    return HealthOut(version=request.app.version, ready=state.ready, live_programs=state.planner.n_live)


def _lifespan(
    settings: Settings, planner: Planner | None, companion: Companion | None
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.ready = False
            app.state.planner = planner or Planner(settings.live_programs, settings.solver_threads)
            if planner is None:
                stack.callback(app.state.planner.close)
            warming = asyncio.create_task(_warm(app))
            stack.push_async_callback(_stopped, warming)
            if companion is not None:
                await stack.enter_async_context(companion(app))
            yield

    return lifespan


async def _warm(app: FastAPI) -> None:
    """Compile the kernels by a first plan and forecast, so that no caller waits for it."""
    planner: Planner = app.state.planner
    try:
        for work in pieces_of_warm_up(planner):
            await planner.run(work)
    except Exception:  # noqa: BLE001 - whatever it is, the service still answers
        _log.exception("warming up failed; the first plans will be slow or fail")
        return
    app.state.ready = True


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the description, with the schema and the examples of the bodies that are read strictly."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, routes=app.routes, description="Grid-aware smart charging."
        )
        schema["components"]["schemas"].update(definitions((*_READ_STRICTLY, ProblemOut), SCHEMA_REF))
        body = schema["paths"]["/v1/plans"]["post"]["requestBody"]["content"]["application/json"]
        body["examples"] = {name: {"summary": name, "value": value} for name, value in examples().items()}
        body = schema["paths"]["/v1/forecasts"]["post"]["requestBody"]["content"]["application/json"]
        body["examples"] = {
            "workplace": {"summary": "two stations and a building", "value": example_forecast()}
        }
        app.openapi_schema = schema
    return app.openapi_schema


def _version() -> str:
    try:
        return version("gridpilot")
    except PackageNotFoundError:
        return "0"
