"""All that the service offers about sites and stations."""

from fastapi import FastAPI

from api.stations import figure_routes, routes
from api.stations.audit import routes as audit_routes
from api.stations.commands import order_routes
from api.stations.commands import routes as command_routes
from api.stations.commands.problems import answer_for_commands
from api.stations.events import routes as event_routes
from api.stations.state import routes as state_routes


def add_stations(app: FastAPI) -> None:
    """Add the routes of sites and stations, and their problems."""
    answer_for_commands(app)
    routers = (
        routes.router,
        state_routes.router,
        command_routes.router,
        order_routes.router,
        event_routes.router,
        figure_routes.router,
        audit_routes.router,
    )
    for router in routers:
        app.include_router(router)
