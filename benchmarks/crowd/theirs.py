"""The central system of the ``ocpp`` package, used as it is meant to be: ``python -m benchmarks.crowd.theirs PORT``."""

import asyncio
import gc
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, RegistrationStatus
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.crowd.figures import used
from benchmarks.crowd.messages import N_PERIODS, now_text
from benchmarks.crowd.pipes import Record, obey, raise_file_limit

HEARTBEAT_S = 3_600
SLOT_S = 900
AT_ONCE = 16
BACKLOG = 4_096


class Central:
    """The stations that are there, and how many meter values they have sent."""

    def __init__(self) -> None:
        self.stations: dict[str, Any] = {}
        self.n_metered = 0

    async def handle(self, socket: ServerConnection) -> None:
        """Serve one connection."""
        path = "" if socket.request is None else socket.request.path
        station = station_of(self, path.rsplit("/", 1)[-1], socket)
        self.stations[station.id] = station
        try:
            await station.start()
        except ConnectionClosed:
            self.stations.pop(station.id, None)

    async def do(self, order: str, details: Record) -> Record:
        """Do what is asked."""
        if order == "profiles":
            return await self.profiles(**details)
        return used() | {"n_connected": len(self.stations), "n_metered": self.n_metered}

    async def profiles(self, n: int) -> Record:
        """Send a profile of 24 periods to ``n`` stations, and wait for every answer."""
        began, before = time.monotonic(), used()
        queue = iter(list(self.stations.values())[-n:])
        n_accepted = 0

        async def send() -> None:
            nonlocal n_accepted
            for station in queue:
                answer = await station.call(profile_request())
                n_accepted += answer is not None and answer.status == "Accepted"

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
        cpu_s = used()["cpu_s"] - before["cpu_s"]
        return {"cpu_s": cpu_s, "seconds": time.monotonic() - began, "n_accepted": n_accepted}


def station_of(central: Central, station_id: str, socket: ServerConnection) -> Any:  # noqa: ANN401 - an untyped package
    """Return a station as the package has it."""

    class Station(ChargePoint):  # type: ignore[misc]  # an untyped package
        """What a central system answers."""

        @on(Action.boot_notification)  # type: ignore[untyped-decorator]
        async def booted(self, **_: object) -> object:
            """Accept."""
            return call_result.BootNotification(now_text(), HEARTBEAT_S, RegistrationStatus.accepted)

        @on(Action.heartbeat)  # type: ignore[untyped-decorator]
        async def beats(self) -> object:
            """Tell the time."""
            return call_result.Heartbeat(now_text())

        @on(Action.meter_values)  # type: ignore[untyped-decorator]
        async def metered(self, **_: object) -> object:
            """Count."""
            central.n_metered += 1
            return call_result.MeterValues()

    return Station(station_id, socket)


def profile_request() -> object:
    """Return a SetChargingProfile of 24 periods."""
    now = datetime.now(UTC)
    return call.SetChargingProfile(
        1,
        {
            "chargingProfileId": 1,
            "transactionId": 1,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "validFrom": now.isoformat(),
            "validTo": (now + timedelta(days=1)).isoformat(),
            "chargingSchedule": {
                "duration": N_PERIODS * SLOT_S,
                "startSchedule": now.isoformat(),
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {"startPeriod": k * SLOT_S, "limit": 6.0 + k % 20, "numberPhases": 3}
                    for k in range(N_PERIODS)
                ],
            },
        },
    )


async def run(port: int) -> None:
    """Serve until the end."""
    central = Central()
    async with serve(
        central.handle,
        "0.0.0.0",  # noqa: S104 - several loopback addresses of this machine
        port,
        subprotocols=[Subprotocol("ocpp1.6")],
        compression=None,
        backlog=BACKLOG,
    ):
        gc.collect()
        gc.freeze()
        await obey(central.do, {"ready": True} | used())


def main() -> None:
    """Serve on the same event loop as ours."""
    import uvloop

    raise_file_limit()
    uvloop.run(run(int(sys.argv[1])))


if __name__ == "__main__":
    main()
