"""A station is asked over HTTP what it will do, and what differs from what it was told is shown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api.ocpp.commands import StationCommands
from tests.api.ocpp.house import plan
from tests.api.stations.test_commands import V16, running

DEAF = {
    "status": "Accepted",
    "connectorId": 1,
    "chargingSchedule": {
        "duration": 3600,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32.0}],
    },
}
PATH = "/v1/stations/A/composite-schedule?evse=1&hours=1"


def test_a_station_that_would_draw_more_than_it_was_told_is_shown(database):
    async def scenario(here):
        answers = [DEAF, {"status": "Rejected"}]
        async with here.station(V16, "A", GetCompositeSchedule=answers) as station:
            await station.call(
                "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
            )
            start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
            default = replace(plan(V16, None), start=start)
            await StationCommands(here.network.registry).send_profile("A", default)
            seen = (await here.get(PATH)).json()
            assert (seen["as_expected"], seen["allows_more"]) == (False, True)
            first = seen["differences"][0]
            assert (first["expected"], first["told"], first["unit"]) == (16.0, 32.0, "A")
            refused = (await here.get(PATH)).json()
            assert (refused["outcome"], refused["as_expected"]) == ("rejected", False)
        await here.until("/v1/stations/A", lambda one: not one["online"])
        assert (await here.get(PATH)).status_code == 409
        assert (await here.get(PATH.replace("/A/", "/Z/"))).status_code == 404

    running(scenario, database)
