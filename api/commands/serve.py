"""``gridpilot serve``: the API and the gateway of the stations in one process."""

import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from api.commands import doors, operate, signing
from api.commands.files import faults_told
from api.settings import Settings
from models.errors import ChargingError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.stations.network import ChargingNetwork
    from api.storage.engine import Database

_LAST_PORT = 65_535
_FAREWELL_S = 5
"""Whoever follows the stream of events would keep the service from ending [s]."""


def serve(host: str | None, port: int | None, ocpp_port: int | None, database: str | None) -> None:
    """Serve until interrupted; what is not given comes from the environment."""
    given = {
        "api_host": host,
        "ocpp_host": host,
        "api_port": port,
        "ocpp_port": ocpp_port,
        "database_url": database,
    }
    with faults_told("environment"):
        chosen = {name: value for name, value in given.items() if value is not None}
        settings = replace(Settings.from_environment(), **chosen)  # type: ignore[arg-type]  # names and types are those of the fields
        shown_url = _checked(settings)
    import uvicorn

    scheme = "wss" if settings.ocpp_certificate else "ws"
    stations = f"{scheme}://{settings.ocpp_host}:{settings.ocpp_port}/ocpp/<station>"
    Console(stderr=True).print(
        f"API  http://{settings.api_host}:{settings.api_port}/docs\n"
        f"OCPP {stations}   (1.6, 2.0.1 and 2.1)\n"
        f"data {shown_url}"
    )
    for note in (doors.told(settings), doors.files_allowed(settings)):
        if note:
            Console(stderr=True).print(f"[bold]note[/] {note}")
    app = served(settings)
    # what is there for good need not be looked through again: a full collection holds up every station
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_level="info",
        timeout_graceful_shutdown=_FAREWELL_S,
    )


def _checked(settings: Settings) -> str:
    """Return the URL of the database without its password, after a look whether all can be opened.

    Raises
    ------
    ChargingError
        A port, the database or a certificate cannot be opened, or settings contradict each other.
    """
    from sqlalchemy.exc import DBAPIError

    from api.storage.engine import Database, database_url

    shown_url = database_url(settings.database_url).render_as_string(hide_password=True)
    doors.door_rules(settings)
    doors.gateway_settings(settings)
    signing.signer_of(settings)
    _check_port("API", settings.api_host, settings.api_port)
    _check_port("OCPP gateway", settings.ocpp_host, settings.ocpp_port)
    if settings.ocpp_plain_port:
        _check_port("OCPP gateway", settings.ocpp_host, settings.ocpp_plain_port)
    database = Database(settings.database_url)
    try:
        database.migrate()
    except DBAPIError as error:
        raise ChargingError(f"{shown_url} cannot be opened: {error.orig}") from error
    finally:
        database.close()
    return shown_url


def _check_port(what: str, host: str, port: int) -> None:
    """Raise one clear error where nothing can listen: the server's own ends in a traceback."""
    where = f"the {what} cannot listen on {host}, port {port}"
    if not 0 <= port <= _LAST_PORT:
        raise ChargingError(f"{where}: ports end at {_LAST_PORT}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise ChargingError(f"{where}: {error.strerror}") from error


def served(settings: Settings) -> "FastAPI":
    """Return the service with the network of the stations beside it."""
    from api.app import create_app
    from api.stations.app import add_stations

    app = create_app(settings, companion=_network)
    app.state.settings = settings
    add_stations(app)
    return app


@asynccontextmanager
async def _network(app: "FastAPI") -> AsyncIterator[None]:
    from api.storage.engine import Database

    database = Database(app.state.settings.database_url)
    database.migrate()
    try:
        async with network_of(app.state.settings, database, app) as network:
            app.state.network = network
            yield
    finally:
        database.close()


def network_of(settings: Settings, database: "Database", app: "FastAPI") -> "ChargingNetwork":
    """Return the network that the settings describe."""
    from api.stations.doors import StationDoors
    from api.stations.network import ChargingNetwork, NetworkSettings

    app.state.doors = StationDoors(database, doors.door_rules(settings))
    network = ChargingNetwork(
        database,
        app.state.planner,
        NetworkSettings(
            doors.gateway_settings(settings),
            settings.plan_every_s,
            connectivity=operate.connectivity_settings(settings),
            signer=signing.signer_of(settings),
        ),
        app.state.doors,
    )
    network.connectivity.commands.desk.tell_keys_to(app.state.doors)
    return network
