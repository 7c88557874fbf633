"""Virtual stations say what the schemas of OCPP allow, and obey what they are sent as the specification asks."""

import asyncio
import json
import math
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import serve

from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import MessageKind, MessageValidator
from benchmarks.station_profiles import HeldProfile, Period, ProfileMemory, Purpose
from benchmarks.station_v16 import Words16
from benchmarks.station_v21 import Words21
from benchmarks.station_v201 import Words201
from benchmarks.station_words import PlugState, Reading, Words
from benchmarks.stations import VirtualStation
from models.grid.site import Evse

START = datetime(2026, 3, 17, 6, tzinfo=UTC)
WORDS: dict[OcppVersion, type[Words]] = {
    OcppVersion.V16: Words16,
    OcppVersion.V201: Words201,
    OcppVersion.V21: Words21,
}
ANSWERS = {
    OcppVersion.V16: {
        "BootNotification": {"status": "Accepted", "currentTime": "2026-03-17T06:00:00Z", "interval": 60},
        "Authorize": {"idTagInfo": {"status": "Accepted"}},
        "StartTransaction": {"idTagInfo": {"status": "Accepted"}, "transactionId": 42},
    },
    OcppVersion.V201: {
        "BootNotification": {"status": "Accepted", "currentTime": "2026-03-17T06:00:00Z", "interval": 60},
        "Authorize": {"idTokenInfo": {"status": "Accepted"}},
    },
}
ANSWERS[OcppVersion.V21] = ANSWERS[OcppVersion.V201]

# --- a tiny central system ------------------------------------------------------------------------


class CentralSystem:
    """Checks every message of a station by its schema, answers it, and can ask something itself."""

    def __init__(self, version):
        self.version = version
        self.heard = []
        self._validator = MessageValidator(version)
        self._socket: Any = None
        self._answers: asyncio.Queue[list[Any]] = asyncio.Queue()

    async def serve(self, socket):
        self._socket = socket
        async for text in socket:
            kind, message_id, *rest = json.loads(text)
            if kind == 2:
                action, payload = rest
                self._validator.check(action, MessageKind.REQUEST, payload)
                self.heard.append((action, payload))
                answer = ANSWERS[self.version].get(action, {})
                await socket.send(json.dumps([3, message_id, answer]))
            else:
                await self._answers.put(rest)

    async def ask(self, action, payload):
        self._validator.check(action, MessageKind.REQUEST, payload)
        await self._socket.send(json.dumps([2, "ask", action, payload]))
        answer = await self._answers.get()
        if len(answer) == 1:
            self._validator.check(action, MessageKind.RESPONSE, answer[0])
        return answer

    def actions(self):
        return [action for action, _ in self.heard]


class Time:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@asynccontextmanager
async def talking(version):
    central, clock = CentralSystem(version), Time()
    async with serve(central.serve, "127.0.0.1", 0, subprotocols=[version.value]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        station = VirtualStation("bay-1", (Evse("bay-1"),), WORDS[version](), clock)
        await station.connect(f"ws://127.0.0.1:{port}")
        try:
            await until(lambda: "StatusNotification" in central.actions())
            yield station, central, clock
        finally:
            await station.close()


async def until(holds):
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a station raises no event
            await asyncio.sleep(0.005)


def run(version, scenario):
    async def talk():
        async with talking(version) as (station, central, clock):
            await scenario(station, central, clock)

    asyncio.run(talk())


def profile_payload(version, purpose, limit_a, transaction_id=None, profile_id=1, **changes):
    """Return SetChargingProfile of one period."""
    evse = 1 if purpose == "TxProfile" else 0
    schedule = {
        "startSchedule": "2026-03-17T05:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a, "numberPhases": 3}],
    } | changes
    common = {"stackLevel": 0, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute"}
    if version is OcppVersion.V16:
        known = {} if transaction_id is None else {"transactionId": int(transaction_id)}
        profile = {"chargingProfileId": profile_id, "chargingSchedule": schedule} | common | known
        return {"connectorId": evse, "csChargingProfiles": profile}
    known = {} if transaction_id is None else {"transactionId": transaction_id}
    profile = {"id": profile_id, "chargingSchedule": [{"id": 1} | schedule]} | common | known
    return {"evseId": evse, "chargingProfile": profile}


async def plugged(station, central):
    station.plug(1, "token")
    await until(lambda: station.pilot_a(1) > 0)
    return "42" if central.version is OcppVersion.V16 else "bay-1-1"


@pytest.mark.parametrize("version", OcppVersion)
def test_a_visit_is_told_from_plug_to_unplug_in_messages_that_their_schemas_allow(version):
    async def scenario(station, central, clock):
        assert station.pilot_a(1) == 0
        await plugged(station, central)
        for minute in range(3):
            clock.now = START + timedelta(minutes=minute + 1)
            station.tick({1: Reading(0.1 * minute, 7.0, (10.0, 10.0, 10.0))})
        assert station.state(1) is PlugState.CHARGING
        station.tick({1: Reading(0.4, 0.0, is_full=True)})
        assert station.pilot_a(1) == 0
        station.unplug(1)
        await until(lambda: station.n_unsaid == 0)
        assert station.traffic.refused == 0
        told = set(central.actions())
        assert {"BootNotification", "StatusNotification", "Authorize", "Heartbeat"} <= told
        own = {"StartTransaction", "MeterValues", "StopTransaction"}
        assert own <= told if version is OcppVersion.V16 else "TransactionEvent" in told
        assert station.state(1) is PlugState.AVAILABLE

    run(version, scenario)


@pytest.mark.parametrize("version", OcppVersion)
def test_a_transaction_profile_counts_before_the_default_and_ends_with_its_transaction(version):
    async def scenario(station, central, _clock):
        [answer] = await central.ask("SetChargingProfile", profile_payload(version, "TxDefaultProfile", 10.0))
        assert answer["status"] == "Accepted"
        transaction_id = await plugged(station, central)
        assert station.pilot_a(1) == 10.0
        payload = profile_payload(version, "TxProfile", 16.0, transaction_id, profile_id=2)
        [answer] = await central.ask("SetChargingProfile", payload)
        assert answer["status"] == "Accepted"
        assert station.pilot_a(1) == 16.0
        station.unplug(1)
        assert [profile.purpose for profile in station.memory.held] == [Purpose.TX_DEFAULT]

    run(version, scenario)


@pytest.mark.parametrize("version", OcppVersion)
def test_a_profile_for_a_transaction_that_does_not_run_is_refused(version):
    async def scenario(_station, central, _clock):
        [answer] = await central.ask("SetChargingProfile", profile_payload(version, "TxProfile", 16.0, "7"))
        assert answer["status"] == "Rejected"
        if version is not OcppVersion.V16:
            assert answer["statusInfo"]["reasonCode"] == "TxNotFound"

    run(version, scenario)


@pytest.mark.parametrize("version", OcppVersion)
def test_the_maximum_of_the_station_bounds_every_other_limit(version):
    name = "ChargePointMaxProfile" if version is OcppVersion.V16 else "ChargingStationMaxProfile"

    async def scenario(station, central, _clock):
        await central.ask("SetChargingProfile", profile_payload(version, name, 8.0))
        await central.ask(
            "SetChargingProfile", profile_payload(version, "TxDefaultProfile", 20.0, profile_id=2)
        )
        await plugged(station, central)
        assert station.pilot_a(1) == 8.0
        clear = (
            {"connectorId": 0} if version is OcppVersion.V16 else {"chargingProfileCriteria": {"evseId": 0}}
        )
        assert (await central.ask("ClearChargingProfile", clear))[0]["status"] == "Accepted"
        assert (await central.ask("ClearChargingProfile", clear))[0]["status"] == "Unknown"
        assert station.pilot_a(1) == 32.0

    run(version, scenario)


@pytest.mark.parametrize("version", OcppVersion)
def test_a_station_tells_what_it_can_keep_and_says_no_to_what_it_cannot_do(version):
    async def scenario(_station, central, _clock):
        if version is OcppVersion.V16:
            [answer] = await central.ask(
                "GetConfiguration", {"key": ["ChargeProfileMaxStackLevel", "Nonsense"]}
            )
            assert answer["configurationKey"][0]["value"] == "8"
            assert answer["unknownKey"] == ["Nonsense"]
            reset = {"type": "Soft"}
        else:
            wanted = [
                {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": name}}
                for name in ("ProfileStackLevel", "Nonsense")
            ]
            [answer] = await central.ask("GetVariables", {"getVariableData": wanted})
            assert [entry["attributeStatus"] for entry in answer["getVariableResult"]] == [
                "Accepted",
                "UnknownVariable",
            ]
            reset = {"type": "Immediate"}
        assert (await central.ask("Reset", reset))[0] == "NotImplemented"

    run(version, scenario)


def test_a_car_that_leaves_before_its_transaction_was_confirmed_is_stopped_after_all():
    async def scenario(station, central, _clock):
        station.plug(1, "token")
        await until(lambda: "StartTransaction" in central.actions() or "Authorize" in central.actions())
        station.unplug(1)
        await until(lambda: station.n_unsaid == 0)
        assert central.actions().count("StartTransaction") == central.actions().count("StopTransaction")
        station.plug(1, "next")
        await until(lambda: station.pilot_a(1) > 0)

    run(OcppVersion.V16, scenario)


# --- the memory of profiles -----------------------------------------------------------------------


@st.composite
def held_profiles(draw):
    purpose = draw(st.sampled_from(Purpose))
    n_periods = draw(st.integers(1, 4))
    limits = draw(st.lists(st.sampled_from([0.0, 6.0, 10.5, 32.0]), min_size=n_periods, max_size=n_periods))
    in_watt = draw(st.booleans())
    valid_from = draw(st.one_of(st.none(), st.integers(-60, 60)))
    return HeldProfile(
        profile_id=draw(st.integers(1, 6)),
        evse_number=1 if purpose is Purpose.TX else 0,
        stack_level=draw(st.integers(0, 2)),
        purpose=purpose,
        in_watt=in_watt,
        start=START + timedelta(minutes=draw(st.integers(-90, 30))),
        duration_s=draw(st.sampled_from([600.0, 3600.0, math.inf])),
        periods=tuple(Period(600.0 * i, a * (690.0 if in_watt else 1.0), 3) for i, a in enumerate(limits)),
        transaction_id="7" if purpose is Purpose.TX else None,
        valid_from=None if valid_from is None else START + timedelta(minutes=valid_from),
    )


def limit_by_the_book(profiles, purpose, now):
    """Naive twin: walk through the levels from the top, and through the periods from the end."""
    for level in (2, 1, 0):
        for profile in profiles:
            if profile.purpose is not purpose or profile.stack_level != level:
                continue
            elapsed_s = (now - profile.start).total_seconds()
            if profile.valid_from is not None and profile.valid_from > now:
                continue
            if elapsed_s < 0 or elapsed_s >= profile.duration_s:
                continue
            period = next(p for p in reversed(profile.periods) if p.start_s <= elapsed_s)
            return period.limit / 690.0 if profile.in_watt else period.limit
    return None


@given(profiles=st.lists(held_profiles(), max_size=8), minute=st.integers(-100, 100))
def test_the_composite_limit_is_that_of_a_naive_reading_of_the_specification(profiles, minute):
    memory, now = ProfileMemory(1), START + timedelta(minutes=minute)
    for profile in profiles:
        memory.keep(profile)
    own = limit_by_the_book(memory.held, Purpose.TX, now)
    default = limit_by_the_book(memory.held, Purpose.TX_DEFAULT, now)
    most = limit_by_the_book(memory.held, Purpose.STATION_MAX, now)
    expected = next((a for a in (own, default) if a is not None), math.inf)
    assert memory.evse_limit_a(1, now, "7") == pytest.approx(expected)
    assert memory.station_limit_a(now) == pytest.approx(math.inf if most is None else most)
    assert memory.evse_limit_a(1, now, None) == pytest.approx(math.inf if default is None else default)


@given(profiles=st.lists(held_profiles(), max_size=12))
def test_of_one_number_and_of_one_place_a_station_keeps_the_newest_only(profiles):
    memory = ProfileMemory(1)
    for profile in profiles:
        memory.keep(profile)
        assert memory.held[-1] is profile
    places = [(p.evse_number, p.purpose, p.stack_level) for p in memory.held]
    assert len(set(places)) == len(places)
    assert len({p.profile_id for p in memory.held}) == len(memory.held)


@given(profile=held_profiles())
def test_a_profile_that_breaks_a_rule_is_refused_with_the_rule_s_reason(profile):
    memory, running = ProfileMemory(1), {1: "7"}
    late = (Period(60.0, 6.0, 3),)
    assert memory.refusal(profile, running) is None
    assert memory.refusal(replace(profile, evse_number=2), running) == "UnknownEvse"
    assert memory.refusal(replace(profile, stack_level=9), running) == "InvalidStackLevel"
    assert memory.refusal(replace(profile, periods=late), running) == "InvalidSchedule"
    assert memory.refusal(replace(profile, periods=profile.periods[::-1] * 2), running) == "InvalidSchedule"
    if profile.purpose is Purpose.TX:
        assert memory.refusal(profile, {}) == "TxNotFound"
        assert memory.refusal(replace(profile, evse_number=0), running) == "InvalidProfile"
