"""Events over HTTP: as a stream that can be taken up again where it broke, and as a list."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from api.stations.events.feed import TooManyStreamsError
from api.stations.events.schemas import EventOut, EventsOut
from api.stations.happenings import EventFilter, Happening
from api.stations.routes import network_of
from api.stations.state.routes import GREATEST
from api.wire.schemas import problem_of

router = APIRouter(
    prefix="/v1/events", tags=["events"], responses={422: problem_of("A parameter is not valid")}
)

_KINDS: Final = ", ".join(Happening)
_TEXT: Final = "text/event-stream"
_EXAMPLE: Final = (
    'id: 17\nevent: connector.changed\ndata: {"id": 17, "at": "2026-03-02T07:00:00+00:00", "kind": '
    '"connector.changed", "station_id": "CS-1", "site_id": null, "data": {"evse": 1, "status": "Charging"}}\n\n'
)

Kinds = Annotated[
    list[str] | None,
    Query(max_length=50, description=f"whole names or beginnings such as `transaction.`; of {_KINDS}"),
]
Station = Annotated[str | None, Query(max_length=255)]


@router.get(
    "",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Events, until the caller goes", "content": {_TEXT: {"example": _EXAMPLE}}},
        503: problem_of("Too many follow already"),
    },
)
async def follow(
    request: Request,
    *,
    kind: Kinds = None,
    station: Station = None,
    site: Station = None,
    after: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="begin after this event; from now on unless given")
    ] = None,
    last_event_id: Annotated[
        int | None,
        Header(ge=0, le=GREATEST, description="what a browser sends when it takes the stream up again"),
    ] = None,
) -> StreamingResponse:
    """Follow what happens, as server-sent events.

    The newest 100,000 events are kept. If the one that was seen last is no longer there, `stream.torn` says so.
    """
    feed = network_of(request).connectivity.feed
    try:
        feed.check_room()
    except TooManyStreamsError as error:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
    seen = last_event_id if last_event_id is not None else after
    return StreamingResponse(
        feed.stream(seen, _filter(request, kind, station, site)),
        media_type=_TEXT,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/recent")
async def list_events(
    request: Request,
    *,
    kind: Kinds = None,
    station: Station = None,
    site: Station = None,
    after: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="later than this one; the newest unless given")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> EventsOut:
    """List events, the oldest first; a page may be shorter where a filter leaves events out."""
    chosen = _filter(request, kind, station, site)
    rows = await network_of(request).connectivity.feed.recent(after, limit)
    return EventsOut(
        events=tuple(EventOut.of(row) for row in rows if chosen.takes(row)),
        next=rows[-1].event_id if rows else after or 0,
    )


def _filter(request: Request, kinds: list[str] | None, station: str | None, site: str | None) -> EventFilter:
    """Return which events are asked for; those of a site are those of its stations as well."""
    of_site = () if site is None else network_of(request).stations_of(site)
    return EventFilter(tuple(kinds or ()), station, site, frozenset(of_site))
