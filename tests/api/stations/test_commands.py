"""Commands over HTTP reach real stations of every version, and every way to fail is an answer of its own."""

import asyncio
from datetime import timedelta

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.safeguards import CommandPolicy
from api.ocpp.wire import format_time
from api.stations.commands import queue
from api.stations.commands.approvals import Approvers
from tests.api.ocpp.house import HANGS
from tests.api.stations.operator import operating
from tests.api.stations.test_kept import NOW

EVERY = pytest.mark.parametrize("version", list(OcppVersion))
V16 = OcppVersion.V16


def running(scenario, database, **more):
    async def run():
        async with asyncio.timeout(120), operating(database, **more) as here:
            return await scenario(here)

    return asyncio.run(run())


@EVERY
def test_a_command_of_the_stations_version_is_sent_as_it_is_and_answered(database, version):
    async def scenario(here):
        async with here.station(
            version, "A", GetLocalListVersion={"versionNumber": 3, "listVersion": 3}
        ) as station:
            known = {"listVersion": 3} if version is V16 else {"versionNumber": 3}
            station.answers["GetLocalListVersion"] = known
            answer = await here.post("/v1/stations/A/commands/GetLocalListVersion")
            assert answer.status_code == 200, answer.text
            said = answer.json()
            assert (said["answer"], said["version"], said["action"]) == (
                known,
                version.value,
                "GetLocalListVersion",
            )
            listed = (await here.get("/v1/stations/A/commands")).json()
            assert "GetLocalListVersion" in listed["commands"]

    running(scenario, database)


def test_every_fault_of_a_payload_is_named_and_nothing_is_sent(database):
    async def scenario(here):
        async with here.station(V16, "A") as station:
            answer = await here.post("/v1/stations/A/commands/Reset", {"type": "Softly", "hard": True})
            assert answer.status_code == 422
            assert {fault["path"] for fault in answer.json()["errors"]} == {"type", "hard"}
            answer = await here.client.post("/v1/stations/A/commands/Reset", content=b"[NaN]")
            assert answer.status_code == 422
            assert "Reset" not in dict(station.called)

    running(scenario, database)


def test_what_cannot_be_sent_says_why(database):
    async def scenario(here):
        assert (await here.post("/v1/stations/nobody/commands/Reset")).status_code == 404
        async with here.station(V16, "A", Reset="InternalError", ClearCache=HANGS):
            answer = await here.post("/v1/stations/A/commands/GetVariables")
            assert answer.status_code == 404
            assert "ChangeConfiguration" in answer.json()["detail"]
            answer = await here.post("/v1/stations/A/commands/BootNotification")
            assert answer.status_code == 404
            answer = await here.post("/v1/stations/A/commands/Reset", {"type": "Soft"})
            assert answer.status_code == 502
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"path": "code", "detail": "InternalError"} in answer.json()["errors"]
            assert (await here.post("/v1/stations/A/commands/ClearCache")).status_code == 504
        await here.until("/v1/stations/A/queue", lambda _: here.network.registry.link("A") is None)
        answer = await here.post("/v1/stations/A/commands/Reset", {"type": "Soft"})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:gridpilot:problem:station-away")

    running(scenario, database, call_timeout_s=0.5)


def test_a_queued_command_is_sent_once_the_station_is_back_and_its_key_queues_it_once(database):
    path = "/v1/stations/A/commands/Reset?queue=true"

    async def scenario(here):
        async with here.station(V16, "A"):
            pass
        await here.until("/v1/stations/A/queue", lambda _: here.network.registry.link("A") is None)
        first = await here.post(path, {"type": "Soft"}, headers={"Idempotency-Key": "k"})
        assert (first.status_code, first.json()["state"]) == (202, "queued")
        again = await here.post(path, {"type": "Soft"}, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()["command_id"]) == (200, first.json()["command_id"])
        other = await here.post(path, {"type": "Hard"}, headers={"Idempotency-Key": "k"})
        assert other.status_code == 409
        cancelled = (await here.post(path, {"type": "Hard"})).json()["command_id"]
        assert (await here.client.delete(f"/v1/commands/{cancelled}")).status_code == 204
        async with here.station(V16, "A", Reset={"status": "Accepted"}) as station:
            where = first.headers["Location"]
            done = await here.until(where, lambda said: said["state"] == "answered")
            assert (done["answer"], done["attempts"]) == ({"status": "Accepted"}, 1)
            assert [payload for action, payload in station.called if action == "Reset"] == [{"type": "Soft"}]
        assert (await here.client.delete(where)).status_code == 409
        assert (await here.get("/v1/commands/none")).status_code == 404

    running(scenario, database)


def test_queued_commands_that_got_no_answer_are_sent_again_by_the_next_process(database):
    async def before(here):
        async with here.station(V16, "A", Reset=HANGS) as station:
            answer = await here.post("/v1/stations/A/commands/Reset?queue=true", {"type": "Soft"})
            await station.is_called("Reset")
            return answer.headers["Location"]

    where = running(before, database)

    async def after(here):
        async with here.station(V16, "A", Reset={"status": "Accepted"}):
            await here.until(where, lambda said: said["state"] == "answered")

    running(after, database)


def test_queued_commands_are_sent_in_order_and_expire(database):
    def wanted(number, lasts):
        return queue.Wanted("A", "Reset", {"type": "Soft"}, f"k{number}", NOW + lasts)

    with database.write() as session:
        hours = [timedelta(hours=number) for number in (1, 2, 3)]
        ids = [queue.put(session, wanted(n, lasts), NOW)[0].command_id for n, lasts in enumerate(hours)]
    with database.write() as session:
        assert queue.claim(session, "A", NOW + hours[0]) is None  # the first has expired, and is in the way
        assert [row.command_id for row in queue.expire(session, NOW + hours[0])] == ids[:1]
        first = queue.claim(session, "A", NOW + hours[0])
        assert first is not None
        assert first.command_id == ids[1]
        assert queue.claim(session, "A", NOW + hours[0]) is None  # it is on its way
        queue.put_back(session, ids[1], NOW + hours[0], "no answer")
        assert queue.claim(session, "A", NOW + hours[0]) is None  # it is tried again before the next one
        queue.release(session, "A", NOW + hours[0])
        again = queue.claim(session, "A", NOW + hours[0])
        assert again is not None
        assert (again.command_id, again.attempts) == (ids[1], 2)


ORDERS = {
    "start": ({"id_token": "T", "evse": 1}, "RemoteStartTransaction", "RequestStartTransaction"),
    "stop": ({"transaction_id": "5"}, "RemoteStopTransaction", "RequestStopTransaction"),
    "reset": ({"when": "at_once"}, "Reset", "Reset"),
    "unlock": ({"evse": 1}, "UnlockConnector", "UnlockConnector"),
    "availability": ({"operative": False}, "ChangeAvailability", "ChangeAvailability"),
    "trigger": ({"message": "status"}, "TriggerMessage", "TriggerMessage"),
    "clear-profiles": ({"purpose": "TxProfile"}, "ClearChargingProfile", "ClearChargingProfile"),
    "composite": ({"evse": 1, "unit": "A"}, "GetCompositeSchedule", "GetCompositeSchedule"),
}


@EVERY
def test_an_operators_day_is_the_same_in_every_version(database, version):
    async def scenario(here):
        actions = {old if version is V16 else new for _, old, new in ORDERS.values()}
        answers = {action: {"status": "Accepted"} for action in actions}
        answers["UnlockConnector"] = {"status": "Unlocked"}
        async with here.station(version, "A", **answers) as station:
            for path, (body, old, new) in ORDERS.items():
                answer = await here.post(f"/v1/stations/A/{path}", body)
                assert answer.status_code == 200, (path, answer.text)
                assert answer.json()["accepted"], path
                assert station.called[-1][0] == (old if version is V16 else new)
            name = "HeartbeatInterval" if version is V16 else "OCPPCommCtrlr.HeartbeatInterval"
            answer = await here.post("/v1/stations/A/variables", {"read": [name]})
            assert answer.status_code == 200, answer.text
            assert answer.json()["values"]
            answer = await here.post("/v1/stations/A/start", {"id_token": "", "colour": 1})
            assert {fault["path"] for fault in answer.json()["errors"]} == {"id_token", "colour"}

    running(scenario, database)


def test_a_profile_that_an_operator_has_set_or_cleared_is_believed(database):
    schedule = {
        "startSchedule": format_time(NOW),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}],
    }
    profile = {
        "chargingProfileId": 5,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }

    async def scenario(here):
        async with here.station(V16, "A"):
            body = {"connectorId": 1, "csChargingProfiles": profile}
            assert (await here.post("/v1/stations/A/commands/SetChargingProfile", body)).status_code == 200
            held = here.network.registry.record("A").installed
            assert [one.profile_id for one in held] == [5]
            await here.post("/v1/stations/A/clear-profiles", {"profile_id": 5})
            assert here.network.registry.record("A").installed == ()

    running(scenario, database)


def test_what_could_take_a_station_away_needs_two_approvers_and_files_come_from_named_places(database):
    policy = CommandPolicy(file_urls=("https://files.example/firmware",))
    away = {"key": "CentralSystemURL", "value": "wss://elsewhere.example/ocpp"}

    def firmware(url):
        return {"location": url, "retrieveDate": format_time(NOW)}

    async def scenario(here):
        answers = {"ChangeConfiguration": {"status": "Accepted"}, "UpdateFirmware": {}}
        async with here.station(V16, "A", **answers) as station:
            path = "/v1/stations/A/commands/ChangeConfiguration"
            for header, status in (
                ("", 403),
                ("one", 403),
                ("one, one", 403),
                ("one,wrong", 403),
                ("one, two", 200),
            ):
                answer = await here.post(path, away, headers={"X-Approvals": header})
                assert answer.status_code == status, (header, answer.text)
            path = "/v1/stations/A/commands/UpdateFirmware"
            bad = await here.post(
                path, firmware("https://evil.example/x"), headers={"X-Approvals": "one,two"}
            )
            assert bad.status_code == 403
            good = await here.post(path, firmware("https://files.example/firmware/1.bin"))
            assert good.status_code == 200
            assert [action for action, _ in station.called].count("UpdateFirmware") == 1
            queued = await here.post(f"{path}?queue=true", firmware("https://evil.example/x"))
            assert queued.status_code == 403

    running(scenario, database, policy=policy, approver_keys=("one", "two"))


def test_an_approver_counts_once_whatever_they_show():
    approvers = Approvers(("one", "two", "", "one"))
    assert len(approvers.who(("one", "one", ""))) == 1
    assert len(approvers.who(("one", " two "))) == 2
    assert approvers.who(("three",)) == frozenset()
