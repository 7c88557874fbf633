"""The SteVe script against a SteVe of our own over HTTP and a real service."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.adapters import steve as adapter
from tests.api.adapters.fake_steve import PASSWORD, USER, fake_steve

pytestmark = pytest.mark.slow
SCRIPT = Path(adapter.__file__)
NOW = datetime(2026, 6, 1, 8, 7, tzinfo=UTC)
FUSE_A = 32.0
STATE = {
    "site": {
        "site_id": "yard",
        "zone": "Europe/Amsterdam",
        "nodes": [{"node_id": "grid", "limit_a": [FUSE_A, FUSE_A, FUSE_A]}],
        "stations": [
            {
                "station_id": f"CS-{station}",
                "node_id": "grid",
                "evses": [{"evse_id": f"CS-{station}-{n}"} for n in (1, 2)],
                "ocpp": {"version": "1.6", "max_stack_level": 3, "max_periods": 48},
            }
            for station in (1, 2)
        ],
    },
    "tariff": {"energy_per_kwh": [0.3] * 24 + [0.2] * 72},
}


def open_transaction(number, box, connector, tag="unknown", hours_ago=1.0):
    started = NOW - timedelta(hours=hours_ago)
    return {
        "id": number,
        "connectorId": connector,
        "chargeBoxId": box,
        "ocppIdTag": tag,
        "startTimestamp": started.isoformat().replace("+00:00", "Z"),
        "startValue": "1000",
        "stopTimestamp": None,
        "stopValue": None,
    }


@pytest.fixture(params=["power_limit", "power_limit_in_amperes"])
def steve(request, tmp_path):
    with fake_steve(f"sqlite:///{tmp_path / 'stevedb.sqlite'}", request.param) as served:
        served.transactions = [open_transaction(7, "CS-1", 2), open_transaction(8, "CS-2", 1, "taxi", 0.5)]
        yield served


@pytest.fixture
def config(steve, gridpilot):
    return {
        "gridpilot": gridpilot,
        "steve": {"url": steve.url, "user": USER, "password": PASSWORD},
        "database": str(steve.engine.url),
        "drivers": {"taxi": {"target_kwh": 40, "stay_h": 3}},
        "state": STATE,
    }


def limits_at(steve, moment):
    """What the newest TxProfile of every connector allows at a moment [A]."""
    newest = {
        (box, request["connectorId"]): request["csChargingProfiles"]
        for box, request in steve.sent
        if request["csChargingProfiles"]["chargingProfilePurpose"] == "TxProfile"
    }
    return {place: adapter.limit_now(profile, moment) for place, profile in newest.items()}


def test_every_open_transaction_gets_a_profile_of_its_own_and_the_fuse_is_kept_at_every_minute(config, steve):
    outcomes = adapter.Adapter(config).round(NOW)
    assert {outcome.said for outcome in outcomes} == {"ACCEPTED"}
    told = [request["csChargingProfiles"] for _, request in steve.sent]
    assert {p["transactionId"] for p in told if p["chargingProfilePurpose"] == "TxProfile"} == {7, 8}
    for minute in range(12 * 60):
        limits = limits_at(steve, NOW + timedelta(minutes=minute))
        assert set(limits) == {("CS-1", 2), ("CS-2", 1)}
        assert sum(limits.values()) <= FUSE_A
    assert any(sum(limits_at(steve, NOW + timedelta(hours=h)).values()) > 0 for h in range(8))


def test_connectors_without_a_transaction_get_a_default_that_pauses_them(config, steve):
    adapter.Adapter(config).round(NOW)
    defaults = {
        (box, request["connectorId"]): request["csChargingProfiles"]["chargingSchedule"]
        for box, request in steve.sent
        if request["csChargingProfiles"]["chargingProfilePurpose"] == "TxDefaultProfile"
    }
    for place in (("CS-1", 1), ("CS-2", 2)):
        assert [period["limit"] for period in defaults[place]["chargingSchedulePeriod"]] == [0.0]


def test_what_drivers_are_expected_to_want_and_what_meters_show_is_planned_with(config, steve):
    for minute, value in ((1, 1000.0), (30, 7500.0)):
        steve.meter(7, NOW - timedelta(minutes=60 - minute), value)
    steve.meter(8, NOW, 11.25, unit="kWh", measurand="Energy.Active.Import.Register")
    steve.meter(8, NOW, 16.0, unit="A", measurand="Current.Import", phase="L1")
    with steve.engine.begin() as connection:
        metered_kwh = adapter.metered(connection, steve.transactions)
    assert metered_kwh == pytest.approx({7: 6.5, 8: 10.25})
    state = adapter.state_of(config, steve.transactions, metered_kwh, NOW)
    unknown, taxi = state["sessions"]
    assert (unknown["evse_id"], unknown["target_kwh"], unknown["delivered_kwh"]) == ("CS-1-2", 20.0, 6.5)
    assert (taxi["evse_id"], taxi["target_kwh"]) == ("CS-2-1", 40)
    assert datetime.fromisoformat(taxi["departure"]) == NOW + timedelta(hours=2.5)


def test_a_car_that_exceeds_what_was_expected_is_expected_to_go_on(config, steve):
    late = open_transaction(9, "CS-1", 1, hours_ago=30.0)
    session = adapter.state_of(config, [late], {9: 33.0}, NOW)["sessions"][0]
    assert session["target_kwh"] == 38.0
    assert datetime.fromisoformat(session["departure"]) == NOW + timedelta(hours=1)


def test_a_second_round_overwrites_its_profiles_and_does_not_repeat_what_holds_for_ever(config, steve):
    loop = adapter.Adapter(config)
    loop.round(NOW)
    n_first, ids = len(steve.sent), {r["csChargingProfiles"]["chargingProfileId"] for _, r in steve.sent}
    loop.round(NOW + timedelta(minutes=15))
    second = [request["csChargingProfiles"] for _, request in steve.sent[n_first:]]
    assert all("duration" in profile["chargingSchedule"] for profile in second)
    assert {profile["chargingProfilePurpose"] for profile in second} == {"TxProfile", "TxDefaultProfile"}
    assert {profile["chargingProfileId"] for profile in second} <= ids


def test_nothing_rises_after_a_station_that_does_not_follow(config, steve):
    loop = adapter.Adapter(config)
    steve.refusing = {"CS-1"}
    outcomes = loop.round(NOW + timedelta(hours=6))
    assert any(outcome.said == "station is not connected" for outcome in outcomes)
    for outcome in outcomes:
        if outcome.message.charge_box == "CS-2":
            assert outcome.accepted == (outcome.message.limit == 0.0)
    assert all(limit == 0.0 for limit in limits_at(steve, NOW + timedelta(hours=6)).values())


def test_a_transaction_on_a_station_that_the_site_does_not_list_is_told_to_the_operator(config, steve):
    said: list[str] = []
    steve.transactions.append(open_transaction(11, "CS-99", 1))
    adapter.Adapter(config, said.append).round(NOW)
    assert ["CS-99" in line for line in said] == [True]


def test_a_wrong_password_is_one_clear_error(config, steve):
    config["steve"]["password"] = "guessed"
    with pytest.raises(adapter.SteveError, match=r"api/v1/transactions\?type=ACTIVE answered 401"):
        adapter.Adapter(config).round(NOW)


def test_the_file_alone_is_a_program(config, steve, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    program = tmp_path / "steve.py"
    program.write_text(SCRIPT.read_text())
    steve.transactions[0]["startTimestamp"] = datetime.now(UTC).isoformat()
    done = subprocess.run(
        [sys.executable, str(program), str(path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "CS-1/2 TxProfile" in done.stdout
    assert done.stdout.count("ACCEPTED") == len(steve.sent)
