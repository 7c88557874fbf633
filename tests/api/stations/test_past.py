"""Sites that we run learn from their own past: who has left tells of who is here, and of who is to come."""

from datetime import UTC, datetime, timedelta

import pytest

from api.examples import examples
from api.ocpp.registry import Registry
from api.planning.foresight import foreseen
from api.stations import repository
from api.stations.schemas import StandingWire
from api.stations.seen import SiteSigns
from api.stations.states import StoredStates
from api.storage.tables import DeclarationRow, TransactionRow
from models.validate import validate_state

NOW = datetime(2026, 3, 3, 9, 10, tzinfo=UTC)
STATION = "north"


def standing():
    return {
        "site": examples()["workplace"]["site"],
        "tariff": {"energy_per_kwh": 0.3},
        "horizon": {"step_minutes": 15, "slots": 96},
        "assumed": {"target_kwh": 20, "stay_hours": 4},
    }


def transaction(began, stay_h, kwh, evse=1, reason="EVDisconnected"):
    return TransactionRow(
        station_id=STATION,
        transaction_id=f"{evse} {began.isoformat()}",
        evse_number=evse,
        id_token="ada",
        started_at=began,
        ended_at=None if stay_h is None else began + timedelta(hours=stay_h),
        meter_start_kwh=0.0,
        delivered_kwh=kwh,
        stop_reason=None if stay_h is None else reason,
    )


def every_morning(n_days, stay_h=7.0, kwh=30.0):
    first = NOW.replace(hour=8, minute=0)
    return [transaction(first - timedelta(days=back), stay_h, kwh) for back in range(1, n_days + 1)]


def state_of(database, *rows):
    """The site's state as it is planned, with a car of Ada's that came at eight and said nothing."""
    document = StandingWire.model_validate(standing(), strict=False).model_dump(mode="json")
    with database.write() as session:
        repository.save_site(session, "workplace", document, NOW)
        session.add_all([transaction(NOW.replace(hour=8, minute=0), None, 2.0), *rows])
    states = StoredStates(database, Registry(lambda: NOW), lambda _: SiteSigns())
    request = foreseen(states.read("workplace", NOW))
    validate_state(request.state)
    return request


def test_a_car_of_which_nothing_was_said_leaves_as_those_before_it_did(database):
    request = state_of(database, *every_morning(30))
    [car] = request.state.sessions
    assert car.departure.median == datetime(2026, 3, 3, 15, tzinfo=UTC)
    assert car.target_kwh == 30.0


def test_a_car_that_came_with_less_is_still_planned_what_is_assumed(database):
    [car] = state_of(database, *every_morning(30, kwh=5.0)).state.sessions
    assert car.target_kwh == 20.0


def test_who_has_declared_something_is_believed(database):
    said = DeclarationRow(
        id_token="ada",
        departure=NOW + timedelta(hours=1),
        target_kwh=9.0,
        minimum_kwh=0.0,
        max_power_kw=None,
        n_phases=None,
        said_at=NOW,
    )
    [car] = state_of(database, *every_morning(30), said).state.sessions
    assert car.departure.median == NOW + timedelta(hours=1)
    assert car.target_kwh == 9.0


def test_cars_that_come_every_day_are_expected(database):
    expected = state_of(database, *every_morning(30)).state.expected
    assert expected is not None
    assert expected.energy_kwh.sum() == pytest.approx(30.0, abs=1e-6)  # tomorrow at eight


@pytest.mark.parametrize(
    "rows",
    [
        [],
        every_morning(6),
        [transaction(NOW - timedelta(days=2, minutes=15 * one), 0.1, 3.0) for one in range(40)],
        [transaction(NOW - timedelta(days=one), 7.0, 30.0, reason="Superseded") for one in range(1, 40)],
    ],
    ids=["none", "few", "two days", "whose end was lost"],
)
def test_a_past_that_says_little_changes_nothing(database, rows):
    request = state_of(database, *rows)
    [car] = request.state.sessions
    assert car.departure.median == NOW.replace(hour=12, minute=0)
    assert car.target_kwh == 20.0
    assert request.state.expected is None
