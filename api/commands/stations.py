"""``gridpilot stations``: what stations must show to come in."""

import asyncio
from dataclasses import dataclass

from rich.console import Console

from api.commands.doors import door_rules
from api.commands.files import faults_told
from api.settings import Settings


@dataclass(frozen=True, slots=True)
class DoorChange:
    """What is to change for one station; None leaves it.

    Parameters
    ----------
    key : str or None
        A key that somebody has chosen; None makes a random one, unless something else is changed.
    at_once : bool
        The old key is void now, not when the station has used the new one.
    minimum_profile : int or None
        Lowest security profile.
    certificate_name : str or None
        Common name of its certificate; empty for its identity.
    """

    key: str | None = None
    at_once: bool = False
    minimum_profile: int | None = None
    certificate_name: str | None = None

    @property
    def needs_key(self) -> bool:
        """Whether a key is set."""
        return self.key is not None or (self.minimum_profile is None and self.certificate_name is None)


def key(station: str, change: DoorChange) -> None:
    """Change what a station must show, and print a key that was made: it can be read only now."""
    from api.ocpp.handshake import SecurityProfile
    from api.stations.doors import StationDoors
    from api.storage.engine import Database

    async def apply(doors: StationDoors) -> str:
        if change.minimum_profile is not None:
            await doors.set_profile(station, SecurityProfile(change.minimum_profile))
        if change.certificate_name is not None:
            await doors.set_certificate_name(station, change.certificate_name)
        if not change.needs_key:
            return ""
        return await doors.set_key(station, change.key, at_once=change.at_once)

    with faults_told("station"):
        settings = Settings.from_environment()
        rules = door_rules(settings)
        database = Database(settings.database_url)
        try:
            database.migrate()
            told = asyncio.run(apply(StationDoors(database, rules)))
        finally:
            database.close()
    if told and change.key is None:
        Console().print(told, highlight=False)
