"""Sites that we run, over HTTP."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Request

from api.stations.network import ChargingNetwork
from api.stations.schemas import DeclarationWire, StandingWire
from api.wire.schemas import WireModel, body_of, parsed, problem_of
from models.errors import InvalidInputError, Issue

_FAULTS: Final[Mapping[int | str, dict[str, Any]]] = {
    413: problem_of("The request is longer than the service reads"),
    422: problem_of("The input has faults; all of them are listed with their paths"),
}
router = APIRouter(prefix="/v1", tags=["network"], responses={422: _FAULTS[422]})

Model = TypeVar("Model", bound=WireModel)

SiteId = Annotated[str, Path(min_length=1, max_length=255)]
IdToken = Annotated[str, Path(min_length=1, max_length=255)]


def network_of(request: Request) -> ChargingNetwork:
    """Return the running network."""
    network: ChargingNetwork = request.app.state.network
    return network


NetworkDep = Annotated[ChargingNetwork, Depends(network_of)]


async def _body(request: Request, schema: type[Model]) -> Model:
    return await asyncio.to_thread(parsed, schema, await request.body())


@router.put(
    "/sites/{site_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=dict(_FAULTS),
    openapi_extra=body_of(StandingWire),
)
async def put_site(site_id: SiteId, request: Request, network: NetworkDep) -> None:
    """Store a site, or replace it; its stations are planned from now on."""
    standing = await _body(request, StandingWire)
    if standing.site.site_id != site_id:
        raise InvalidInputError((Issue("site.site_id", f"is not {site_id!r}, as the path says"),))
    await network.put_site(standing)


@router.get("/sites/{site_id}/plan", responses={404: problem_of("No plan of this site was made yet")})
async def get_plan(site_id: SiteId, network: NetworkDep) -> dict[str, Any]:
    """Return the newest plan of a site."""
    plan = await network.newest_plan(site_id)
    if plan is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no plan of a site called {site_id!r}")
    return plan


@router.put(
    "/declarations/{id_token}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=dict(_FAULTS),
    openapi_extra=body_of(DeclarationWire),
)
async def put_declaration(id_token: IdToken, request: Request, network: NetworkDep) -> None:
    """Take what a driver says: when the car leaves and what it needs."""
    await network.declare(id_token, await _body(request, DeclarationWire))
