"""Figures over HTTP, for Prometheus."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.stations.routes import network_of

router = APIRouter(tags=["service"])

_EXAMPLE: Final = 'gridpilot_stations_online{version="ocpp2.0.1"} 412.0\n'


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Figures of this process", "content": {"text/plain": {"example": _EXAMPLE}}}
    },
)
async def metrics(request: Request) -> Response:
    """Return figures in the text form of Prometheus."""
    text = await asyncio.to_thread(network_of(request).connectivity.figures.text)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
