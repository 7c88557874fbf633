"""A network with its real database under hostile frames: it serves on, and nothing fails behind its back."""

import asyncio
import logging

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.gateway import GatewaySettings
from api.ocpp.pace import Pace
from api.ocpp.session_events import Oddity
from api.planning.planner import Planner
from api.stations.network import ChargingNetwork, NetworkSettings
from benchmarks.hostile.wire import Attacker, LoggedErrors, WireOutcome, is_served

NO_BRAKE = Pace(1e9, 10**9)
QUIET = ("api", "asyncio", "websockets")


async def attacked(database, n_frames, seed):
    outcome, planner = WireOutcome(), Planner()
    gateway = GatewaySettings(port=0, pace=NO_BRAKE, settle_s=0.5, ping_interval_s=2.0)
    try:
        async with ChargingNetwork(database, planner, NetworkSettings(gateway)) as network:
            attackers = [Attacker(seed, number, network.gateway.port, outcome) for number in range(6)]
            await asyncio.gather(*(attacker.run(n_frames // 6) for attacker in attackers))
            counts = network.gateway.alarms.totals()
            honest = [await is_served(network.gateway.port, version) for version in OcppVersion]
    finally:
        planner.close()
    return counts, honest


def run(database, n_frames, seed):
    errors = LoggedErrors()
    logs = [logging.getLogger(name) for name in QUIET]
    for log in logs:
        log.addHandler(errors)
    try:
        counts, honest = asyncio.run(attacked(database, n_frames, seed))
    finally:
        for log in logs:
            log.removeHandler(errors)
    assert dict(errors.texts) == {}
    assert all(honest)
    return counts[Oddity.MALFORMED]


def test_a_network_under_hostile_frames_serves_on(database):
    assert run(database, 1_200, 1) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 5))
def test_a_network_under_many_hostile_frames_serves_on(database, seed):
    assert run(database, 20_000, seed) > 100
