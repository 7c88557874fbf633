"""What is known of stations, over HTTP."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypeVar

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy.orm import Session

from api.stations.commands.errors import UnknownStationError
from api.stations.network import ChargingNetwork
from api.stations.routes import network_of
from api.stations.state import queries
from api.stations.state.live import live_of
from api.stations.state.queries import Page, StationQuery
from api.stations.state.records import (
    connector_history_out,
    messages_out,
    meter_values_out,
    reports_out,
    security_events_out,
    transactions_out,
)
from api.stations.state.schemas import (
    ConnectorHistoryOut,
    MessagesOut,
    MeterValuesOut,
    ReportsOut,
    SecurityEventsOut,
    StationDetailOut,
    StationOut,
    StationsOut,
    TransactionsOut,
    detail_of,
)
from api.storage.station_tables import LoggedMessageRow, ReportPartRow
from api.storage.tables import MeterValueRow, StationRow, TransactionRow
from api.wire.schemas import problem_of
from models.errors import InvalidInputError, Issue

Result = TypeVar("Result")

GREATEST: Final = 2**63 - 1
"""Numbers of rows are no greater, in either database."""

_UNKNOWN: Final = problem_of("No station of this name has ever been here")
router = APIRouter(
    prefix="/v1/stations", tags=["stations"], responses={422: problem_of("A parameter is not valid")}
)

StationId: TypeAlias = Annotated[str, Path(min_length=1, max_length=255, examples=["CS-1"])]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="at most so many")]
Network: TypeAlias = Annotated[ChargingNetwork, Depends(network_of)]


async def _page(
    station_id: StationId,
    *,
    limit: Limit = 100,
    before: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="older than this one, from `next`")
    ] = None,
    since: Annotated[datetime | None, Query(description="from this time on")] = None,
    until: Annotated[datetime | None, Query(description="before this time")] = None,
) -> Page:
    """Return which records are asked for."""
    return Page(station_id, before, limit, _with_zone("since", since), _with_zone("until", until))


PageDep: TypeAlias = Annotated[Page, Depends(_page)]


@router.get("")
async def list_stations(  # noqa: PLR0913 - the parameters of a route are its description
    network: Network,
    *,
    online: Annotated[bool | None, Query(description="connected, or not")] = None,
    site: Annotated[str | None, Query(max_length=255, description="of this site")] = None,
    status: Annotated[
        str | None, Query(max_length=50, description="with a connector in this state", examples=["Faulted"])
    ] = None,
    conduct: Annotated[str | None, Query(max_length=50, description="follows or not_following")] = None,
    after: Annotated[str, Query(max_length=255, description="the page after this station, from `next`")] = "",
    limit: Limit = 100,
) -> StationsOut:
    """List stations, in the order of their names."""
    among = None if site is None else network.stations_of(site)
    query = StationQuery(online, among, status, conduct, after, limit + 1)
    found = await _read(network, lambda session: queries.stations(session, query))
    shown = found[:limit]
    return StationsOut(
        stations=tuple(StationOut.of(one, network.site_id_of(one.station.station_id)) for one in shown),
        next=shown[-1].station.station_id if len(found) > limit else None,
    )


@router.get("/{station_id}", responses={404: _UNKNOWN})
async def get_station(station_id: StationId, network: Network) -> StationDetailOut:
    """Return all that is known of a station."""
    known = await _read(network, lambda session: queries.station(session, station_id))
    if known is None:
        raise UnknownStationError(station_id)
    return detail_of(known, network.site_id_of(station_id), live_of(known, network))


@router.get("/{station_id}/connectors/history", responses={404: _UNKNOWN})  # noqa: FAST003 - its page has it
async def get_connector_history(page: PageDep, network: Network) -> ConnectorHistoryOut:
    """Return the states that connectors have had."""
    return connector_history_out(await _records(network, page, queries.connector_history), page)


@router.get("/{station_id}/transactions", responses={404: _UNKNOWN})  # noqa: FAST003 - its page has it
async def get_transactions(
    page: PageDep,
    network: Network,
    *,
    running: Annotated[bool, Query(description="only those that run")] = False,
) -> TransactionsOut:
    """Return transactions of a station."""

    def read(session: Session, asked: Page) -> list[TransactionRow]:
        return queries.transactions(session, asked, open_only=running)

    return transactions_out(await _records(network, page, read), page)


@router.get("/{station_id}/meter-values", responses={404: _UNKNOWN})  # noqa: FAST003 - its page has it
async def get_meter_values(
    page: PageDep,
    network: Network,
    *,
    evse: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    transaction_id: Annotated[str | None, Query(max_length=64)] = None,
) -> MeterValuesOut:
    """Return what a station has metered."""

    def read(session: Session, asked: Page) -> list[MeterValueRow]:
        return queries.meter_values(session, asked, evse, transaction_id)

    return meter_values_out(await _records(network, page, read), page)


@router.get("/{station_id}/messages", responses={404: _UNKNOWN})  # noqa: FAST003 - its page has it
async def get_messages(
    page: PageDep,
    network: Network,
    *,
    action: Annotated[str | None, Query(max_length=64, examples=["BootNotification"])] = None,
) -> MessagesOut:
    """Return the newest messages between a station and us; what is secret is hidden."""

    def read(session: Session, asked: Page) -> list[LoggedMessageRow]:
        return queries.messages(session, asked, action)

    return messages_out(await _records(network, page, read), page)


@router.get("/{station_id}/security-events", responses={404: _UNKNOWN})  # noqa: FAST003 - its page has it
async def get_security_events(page: PageDep, network: Network) -> SecurityEventsOut:
    """Return what touched the security of a station."""
    return security_events_out(await _records(network, page, queries.security_events), page)


@router.get("/{station_id}/reports", responses={404: _UNKNOWN})  # noqa: FAST003 - its page has it
async def list_reports(page: PageDep, network: Network) -> ReportsOut:
    """List the reports that a station has sent when it was asked."""

    def read(session: Session, asked: Page) -> list[ReportPartRow]:
        return queries.reports(session, asked.station_id, asked.most)

    return reports_out(await _records(network, page, read), with_parts=False)


@router.get("/{station_id}/reports/{request_id}", responses={404: _UNKNOWN})
async def get_report(
    station_id: StationId, request_id: Annotated[int, Path(ge=-GREATEST, le=GREATEST)], network: Network
) -> ReportsOut:
    """Return what a station has reported under the number of a request, of every kind."""

    def read(session: Session, asked: Page) -> list[ReportPartRow]:
        return queries.report(session, asked.station_id, request_id)

    return reports_out(await _records(network, Page(station_id), read), with_parts=True)


async def _records(
    network: ChargingNetwork, page: Page, read: Callable[[Session, Page], list[Result]]
) -> list[Result]:
    """Return records of a station that is known.

    Raises
    ------
    UnknownStationError
        It is not.
    """

    def both(session: Session) -> list[Result] | None:
        known = session.get(StationRow, page.station_id)
        return None if known is None else read(session, page)

    found = await _read(network, both)
    if found is None:
        raise UnknownStationError(page.station_id)
    return found


async def _read(network: ChargingNetwork, work: Callable[[Session], Result]) -> Result:
    return await asyncio.to_thread(network.read, work)


def _with_zone(name: str, moment: datetime | None) -> datetime | None:
    """Return a time that says where it is.

    Raises
    ------
    InvalidInputError
        It does not.
    """
    if moment is not None and moment.tzinfo is None:
        raise InvalidInputError((Issue(name, "has no offset from UTC, such as Z or +01:00"),))
    return moment
