"""The stream of events over a real socket: it carries what happens, and does not keep the service from ending."""

import asyncio
import json
import urllib.request

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.e2e.service import Service

pytestmark = pytest.mark.slow


def lines_until(answer, wanted):
    """Lines of a stream, up to the one that is waited for."""
    lines: list[str] = []
    while wanted not in (lines or [""])[-1]:
        lines.append(answer.readline().decode())
    return lines


def test_events_are_streamed_taken_up_again_and_end_with_the_service(tmp_path):
    service = Service(f"sqlite:///{tmp_path / 'a.sqlite'}", tmp_path / "log.txt")

    async def scenario():
        await service.start()
        stream = await asyncio.to_thread(
            urllib.request.urlopen, f"{service.url}/v1/events?kind=station.", timeout=60
        )
        with stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async with connect(f"{service.ocpp_url}/A", subprotocols=[Subprotocol("ocpp1.6")]) as socket:
                boot = {"chargePointVendor": "V", "chargePointModel": "M"}
                await socket.send(json.dumps([2, "1", "BootNotification", boot]))
                lines = await asyncio.to_thread(lines_until, stream, '"station.booted"')
                assert "event: station.booted\n" in lines
            gone = await asyncio.to_thread(lines_until, stream, '"station.disconnected"')
            seen = next(line for line in lines if line.startswith("id: ")).removeprefix("id: ").strip()
            request = urllib.request.Request(f"{service.url}/v1/events", headers={"Last-Event-ID": seen})  # noqa: S310 - this machine
            again = await asyncio.to_thread(urllib.request.urlopen, request, timeout=60)
            with again:
                after = await asyncio.to_thread(lines_until, again, '"station.disconnected"')
            assert gone[-1] in after
            assert await service.stop()  # with a stream that is open

    try:
        asyncio.run(scenario())
    finally:
        asyncio.run(service.kill())
