"""Calls that are made again, and the pace of those who talk too fast."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.dialects import DIALECTS
from api.ocpp.pace import Pace, TokenBucket
from api.ocpp.patience import IDEMPOTENT, Patience, call_patiently
from api.ocpp.registry import LinkClosed
from api.ocpp.session_events import CallAnswered, CallFailed, CallTimedOut
from api.ocpp.wire import Command
from tests.api.ocpp.house import BOTH, CAPABILITIES, HANGS, PATIENCE_S, TIME, in_house

CLEAR = Command("ClearChargingProfile", {})
RESET = Command("Reset", {"type": "Soft"})
AT_ONCE = Patience(tries=3, first_wait_s=0.0)


class Silent:
    """A link that answers by a list."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.dialect = DIALECTS[OcppVersion.V16]
        self.oddities = {}

    async def call(self, _command):
        return self.outcomes.pop(0)


ANSWERED = CallAnswered("1", "A", {})
SILENCE = CallTimedOut("1", "A")
BUSY = CallFailed("1", "A", "InternalError", "busy")
REFUSED = CallFailed("1", "A", "NotSupported", "never")


@pytest.mark.parametrize(
    ("command", "outcomes", "final", "n_left"),
    [
        (CLEAR, [ANSWERED, REFUSED], ANSWERED, 1),
        (CLEAR, [SILENCE, ANSWERED, REFUSED], ANSWERED, 1),
        (CLEAR, [BUSY, SILENCE, ANSWERED], ANSWERED, 0),
        (CLEAR, [SILENCE, SILENCE, SILENCE, ANSWERED], SILENCE, 1),
        (CLEAR, [REFUSED, ANSWERED], REFUSED, 1),
        (CLEAR, [LinkClosed(), ANSWERED], LinkClosed(), 1),
        (RESET, [SILENCE, ANSWERED], SILENCE, 1),
    ],
)
def test_only_what_is_idempotent_is_called_again_and_only_when_it_may_help(command, outcomes, final, n_left):
    link = Silent(*outcomes)
    assert asyncio.run(call_patiently(link, command, AT_ONCE)) == final
    assert len(link.outcomes) == n_left


@given(st.integers(1, 6), st.floats(0.1, 10.0), st.floats(1.0, 4.0))
def test_waits_grow_and_are_drawn(tries, first_s, growth):
    waits_s = list(Patience(tries, first_s, growth).waits_s())
    assert len(waits_s) == tries - 1
    for k, wait_s in enumerate(waits_s):
        assert 0.5 * first_s * growth**k <= wait_s * (1 + 1e-9)
        assert wait_s <= first_s * growth**k * (1 + 1e-9)


def test_nothing_that_starts_stops_or_installs_power_is_made_twice():
    assert not IDEMPOTENT & {"RemoteStartTransaction", "RequestStartTransaction", "Reset", "UnlockConnector"}
    assert not IDEMPOTENT & {"UpdateFirmware", "SignedUpdateFirmware", "DataTransfer", "TriggerMessage"}


# --- pace -----------------------------------------------------------------------------------------


@given(
    st.floats(0.5, 100.0),
    st.integers(1, 50),
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=100),
)
def test_whoever_waits_as_told_never_exceeds_the_pace(messages_per_s, burst, pauses_s):
    bucket, now, taken_at = TokenBucket(Pace(messages_per_s, burst), 0.0), 0.0, []
    for pause_s in pauses_s:
        now += pause_s
        taken_at.append(now)
        now += bucket.take(now)
    for first, begin in enumerate(taken_at):
        for last in range(first, len(taken_at)):
            allowed = burst + (taken_at[last] - begin) * messages_per_s
            assert last - first + 1 <= allowed + 1e-6


@given(st.floats(0.5, 100.0), st.integers(1, 50))
def test_after_a_silence_a_burst_passes_without_a_wait(messages_per_s, burst):
    bucket = TokenBucket(Pace(messages_per_s, burst), 0.0)
    waits_s = [bucket.take(1000.0) for _ in range(burst)]
    assert waits_s[:-1] == [0.0] * (burst - 1)
    assert waits_s[-1] > 0.0


@BOTH
def test_a_flood_after_an_outage_is_slowed_and_every_message_of_it_is_answered(version):
    n = 300

    async def scenario(house):
        async with house.station(version, "CS1") as flooding, house.station(version, "CS2") as honest:
            for i in range(n):
                await flooding.socket.send(json.dumps([2, f"flood-{i}", "Heartbeat", {}]))
            assert await honest.call("Heartbeat", {}) == {"currentTime": TIME}
            answers = [await flooding.next_frame() for _ in range(n)]
            assert [frame[1] for frame in answers] == [f"flood-{i}" for i in range(n)]
            assert {frame[0] for frame in answers} == {3}

    in_house(scenario, pace=Pace(messages_per_s=2000.0, burst=10))


@BOTH
def test_a_station_that_was_silent_at_first_is_asked_again_what_it_can_do(version):
    async def scenario(house):
        asked = "GetConfiguration" if version is OcppVersion.V16 else "GetVariables"
        async with house.station(version, **{asked: HANGS}) as station:
            await station.call("Heartbeat", {})
            await house.application.next("connected")
            assert house.registry.capabilities("CS1") == StationCapabilities(version)
            station.answers[asked] = CAPABILITIES[version]
            async with asyncio.timeout(PATIENCE_S):
                while house.registry.capabilities("CS1").max_periods != 24:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)

    in_house(scenario, call_timeout_s=0.3)


def test_messages_wait_for_a_slow_listener_and_none_is_refused():
    n = 200

    async def scenario(house):
        async with house.booted(OcppVersion.V16) as station:
            for i in range(n):
                await station.socket.send(json.dumps([2, f"m-{i}", "Authorize", {"idTag": "GOOD"}]))
            answers = [await station.next_frame() for _ in range(n)]
            assert [frame[1] for frame in answers] == [f"m-{i}" for i in range(n)]
            assert {frame[0] for frame in answers} == {3}

    in_house(scenario, pace=Pace(1e6, 10_000))
