"""What is known of every station can be asked for, live and after the process has ended."""

from datetime import timedelta

import pytest

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.periods import SchedulePeriod
from api.stations.state.limits import present_limits
from tests.api.ocpp.house import TIME
from tests.api.stations.test_commands import EVERY, V16, running
from tests.api.stations.test_kept import NOW

START = {"connectorId": 1, "idTag": "04A2B3C4D5", "meterStart": 1000, "timestamp": TIME}
STATUS = {"connectorId": 1, "errorCode": "NoError", "timestamp": TIME}
METER = [
    {
        "timestamp": TIME,
        "sampledValue": [{"value": "1500"}, {"value": "7000", "measurand": "Power.Active.Import"}],
    }
]


async def charge(station):
    """A car at a station of 1.6, up to its first meter values."""
    await station.call("StatusNotification", STATUS | {"status": "Preparing"})
    number = (await station.call("StartTransaction", START))["transactionId"]
    await station.call("StatusNotification", STATUS | {"status": "Charging"})
    meter = {"connectorId": 1, "transactionId": number, "meterValue": METER}
    await station.call("MeterValues", meter)
    return number


def test_a_station_is_shown_with_all_that_it_has_told(database):
    async def scenario(here):
        async with here.station(V16, "A") as station:
            number = await charge(station)
            seen = await here.until(
                "/v1/stations/A", lambda one: one.get("last_seen_at") and one["since"] and one["capabilities"]
            )
            assert (seen["online"], seen["version"], seen["vendor"], seen["model"]) == (
                True,
                "ocpp1.6",
                "V",
                "M",
            )
            assert [(c["connector"], c["status"]) for c in seen["connectors"]] == [(1, "Charging")]
            [begun] = seen["transactions"]
            assert (begun["transaction_id"], begun["delivered_kwh"]) == (str(number), 0.5)
            assert begun["id_token"] == "***D5"
            [evse] = [one for one in seen["evses"] if one["evse"] == 1]
            assert (evse["metered_kw"], evse["limit_a"]) == (7.0, None)
            assert seen["capabilities"]["max_periods"] == 24
            assert seen["messages_received"] > 5
            assert seen["latency_s"] >= 0
            history = (await here.get("/v1/stations/A/connectors/history")).json()
            assert [one["status"] for one in history["changes"]] == ["Charging", "Preparing"]
            values = (await here.get("/v1/stations/A/meter-values?evse=1")).json()["meter_values"]
            assert [value["energy_kwh"] for value in values] == [1.5]
        gone = await here.until("/v1/stations/A", lambda one: not one["online"])
        assert gone["transactions"]  # it may charge on

    running(scenario, database)


def test_messages_can_be_read_without_what_is_secret_and_page_by_page(database):
    async def scenario(here):
        async with here.station(V16, "A") as station:
            await charge(station)
            path = "/v1/stations/A/messages"
            said = await here.until(
                path, lambda log: any(m["action"] == "MeterValues" for m in log["messages"])
            )
            assert "04A2B3C4D5" not in str(said)
            assert "***D5" in str(said)
            first = (await here.get(f"{path}?limit=2")).json()
            older = (await here.get(f"{path}?limit=2&before={first['next']}")).json()
            assert [m["frame"] for m in [*first["messages"], *older["messages"]]] == [
                m["frame"] for m in (await here.get(f"{path}?limit=4")).json()["messages"]
            ]
            boots = (await here.get(f"{path}?action=BootNotification")).json()["messages"]
            assert [(m["direction"], m["kind"]) for m in boots] == [("out", "result"), ("in", "call")]

    running(scenario, database)


def test_stations_are_listed_by_what_they_are_and_page_by_page(database):
    async def scenario(here):
        async with here.station(V16, "A") as station, here.station(OcppVersion.V201, "B"):
            await station.call("StatusNotification", STATUS | {"status": "Faulted"})
            async with here.station(V16, "C"):
                await here.until("/v1/stations?online=true", lambda said: len(said["stations"]) == 3)
            await here.until("/v1/stations?online=false", lambda said: len(said["stations"]) == 1)

            async def names(query):
                said = (await here.get(f"/v1/stations?{query}")).json()
                return [one["station_id"] for one in said["stations"]], said["next"]

            assert await names("online=true") == (["A", "B"], None)
            assert await names("online=false") == (["C"], None)
            assert await names("status=Faulted") == (["A"], None)
            assert await names("limit=2") == (["A", "B"], "B")
            assert await names("limit=2&after=B") == (["C"], None)
            assert await names("site=none") == ([], None)
            assert await names("conduct=not_following") == ([], None)

    running(scenario, database)


@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
def test_what_a_station_reports_when_it_was_asked_is_kept_and_shown_whole(database, version):
    def part(number, *, last):
        data = {
            "component": {"name": "EVSE"},
            "variable": {"name": "Power"},
            "variableAttribute": [{"value": "1"}],
        }
        return {"requestId": 7, "generatedAt": TIME, "seqNo": number, "tbc": not last, "reportData": [data]}

    async def scenario(here):
        async with here.station(version, "B", GetBaseReport={"status": "Accepted"}) as station:
            asked = {"requestId": 7, "reportBase": "FullInventory"}
            assert (await here.post("/v1/stations/B/commands/GetBaseReport", asked)).status_code == 200
            for number in (0, 0, 1):  # one of them twice
                await station.call("NotifyReport", part(number, last=number == 1))
            await here.until("/v1/stations/B", lambda one: one.get("since"))
            [listed] = (await here.get("/v1/stations/B/reports")).json()["reports"]
            assert (listed["action"], listed["complete"]) == ("NotifyReport", True)
            [report] = (await here.get("/v1/stations/B/reports/7")).json()["reports"]
            assert [one["seqNo"] for one in report["parts"]] == [0, 1]

    running(scenario, database)


@EVERY
def test_what_touches_security_is_kept(database, version):
    told = {"type": "TamperDetectionActivated", "timestamp": TIME, "techInfo": "lid"}

    async def scenario(here):
        async with here.station(version, "A") as station:
            await station.call("SecurityEventNotification", told)
            await here.until("/v1/stations/A", lambda one: one.get("since"))
            [event] = (await here.get("/v1/stations/A/security-events")).json()["events"]
            assert (event["kind"], event["source"], event["info"]) == (told["type"], "station", "lid")

    running(scenario, database)


def test_what_is_known_outlives_the_process(database):
    async def before(here):
        async with here.station(V16, "A") as station:
            await charge(station)
            await here.until("/v1/stations/A", lambda one: one.get("capabilities"))

    async def after(here):
        seen = (await here.get("/v1/stations/A")).json()
        assert (seen["online"], seen["open_transactions"], seen["capabilities"]["max_periods"]) == (
            False,
            1,
            24,
        )
        assert here.network.registry.capabilities("A").max_periods == 24

    running(before, database)
    running(after, database)


def test_who_was_never_here_is_told_so(database):
    async def scenario(here):
        for path in ("", "/messages", "/transactions", "/reports/1", "/connectors/history"):
            answer = await here.get(f"/v1/stations/nobody{path}")
            assert answer.status_code == 404, path
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await here.get("/v1/stations/A/messages?limit=0")).status_code == 422
        assert (await here.get("/v1/stations/A/messages?since=2026-01-01T00:00:00")).status_code == 422

    running(scenario, database)


def profile(purpose, evse, limit_a, **more):
    fields = {
        "profile_id": list(ProfilePurpose).index(purpose) + 1,
        "purpose": purpose,
        "evse_number": evse,
        "stack_level": 0,
        "unit": RateUnit.CURRENT,
        "start": NOW,
        "duration_s": 3600,
        "periods": (SchedulePeriod(0, limit_a, 3),),
    }
    return ChargingProfile(**(fields | more))


@EVERY
def test_the_present_limit_is_that_of_all_profiles_together(version):
    """C12, C13: the transaction's before the default, never above the station's maximum."""
    can = StationCapabilities(version)
    held = (
        profile(ProfilePurpose.TX, 1, 16.0, transaction_id="5"),
        profile(ProfilePurpose.TX_DEFAULT, 0, 8.0),
        profile(ProfilePurpose.STATION_MAX, 0, 20.0),
    )
    limits = present_limits(can, held, {1: "5"}, (1, 2), NOW + timedelta(minutes=1))
    assert (limits[1], limits[2]) == (16.0, 8.0)
    assert limits[0] == 20.0
    later = present_limits(can, held, {1: "5"}, (1, 2), NOW + timedelta(hours=2))
    assert later == {0: None, 1: None, 2: None}  # E3.43: where nothing says anything, nothing limits


def test_a_station_without_an_evse_has_no_limit_to_show():
    assert present_limits(StationCapabilities(V16), (), {}, (), NOW) == {}
