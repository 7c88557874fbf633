"""What stations tell beyond transactions is kept, planned with and answered (K11 to K17, A02, N)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import TransactionStarted
from api.ocpp.notice_answers import DynamicUpdate, NeedsStatus
from api.ocpp.notice_listener import decide_notice
from api.ocpp.notices import (
    CarScheduleTold,
    CertificateRequested,
    ChargingNeedsTold,
    DynamicUpdateAsked,
    ExternalLimitCleared,
    ExternalLimitSet,
    Noticed,
    ReportPart,
    SecurityEventTold,
)
from api.ocpp.periods import SchedulePeriod
from api.ocpp.registry import Registry
from api.ocpp.session import Session
from api.ocpp.since_v201 import messages as of_transactions
from api.ocpp.validation import MessageKind, MessageValidator
from api.stations import limits, needs, repository
from api.stations.happenings import Happening
from api.stations.limits import limit_by_slot, respecting
from api.stations.states import request_of
from api.storage.station_tables import EventRow, ExternalLimitRow, ReportPartRow, SecurityEventRow
from models.sessions import ChargingSession, Departure
from models.timegrid import TimeGrid
from models.units import W_PER_KW
from models.validate import validate_state
from tests.api.ocpp.drawn import disorder, messages
from tests.api.stations.desk import NOW, Signer, at_desk
from tests.api.stations.test_network import standing
from tests.api.stations.wanted import external_schedules, limit, schedule

VALIDATOR = MessageValidator(OcppVersion.V21)
GRID = TimeGrid(NOW, 900, 8)


def rows(database, table):
    with database.read() as session:
        return session.scalars(select(table)).all()


# --- limits of others (K11 to K14) ----------------------------------------------------------------


def limit_at(one, moment):
    """What a schedule allows at a moment, by looking."""
    elapsed_s = (moment - one.start).total_seconds()
    if elapsed_s < 0 or (one.duration_s is not None and elapsed_s >= one.duration_s):
        return np.inf
    begun = [period for period in one.periods if period.start_s <= elapsed_s]
    return np.inf if not begun or begun[-1].limit is None else max(begun[-1].limit, 0.0)


@given(st.lists(external_schedules(), max_size=3), st.sampled_from(RateUnit))
def test_k12_a_slot_has_the_least_limit_that_holds_within_it(drawn, unit):
    told = limit_by_slot(limit(*drawn), GRID, unit)
    expected = [
        min(
            (
                limit_at(one, start + timedelta(minutes=minute))
                for one in drawn
                if one.unit is unit
                for minute in range(15)
            ),
            default=np.inf,
        )
        for start in GRID.starts()
    ]
    assert told.tolist() == expected


def request():
    return request_of(standing(), [], NOW, Registry(lambda: NOW))


def test_k12_a_limit_of_a_station_counts_at_a_node_above_it_and_says_who_set_it():
    told = schedule((0, 10.0), (1800, 20.0), duration_s=3600)
    power = schedule((0, 5000.0), unit=RateUnit.POWER)
    state = respecting(request(), [limit(told, power)]).state
    [bound] = [one for one in state.limits if one.source == "EMS"]
    assert bound.limit_a is not None
    assert bound.limit_a[0, :5].tolist() == [10.0, 10.0, 20.0, 20.0, np.inf]
    assert bound.limit_kw is not None
    assert set(bound.limit_kw) == {5000.0 / W_PER_KW}
    before = {one.station_id: one.node_id for one in request().state.site.stations}
    after = {one.station_id: one.node_id for one in state.site.stations}
    assert after == before | {"north": bound.node_id}
    [node] = [one for one in state.site.nodes if one.node_id == bound.node_id]
    assert node.parent_id == before["north"]


def test_k11_limits_that_tell_nothing_or_of_nobody_we_know_change_nothing():
    given_limits = [
        limit(),
        limit(schedule((0, 1.0)), station="elsewhere"),
        limit(schedule((0, 1.0)), evse=9),
    ]
    silent = limit(schedule((0, None)))
    state = respecting(request(), [*given_limits, silent]).state
    assert (state.site, state.limits) == (request().state.site, ())


@pytest.mark.parametrize(("limit_a", "target_kwh", "max_current_a"), [(10.0, 20.0, 10.0), (3.0, 1.0, None)])
def test_k12_a_limit_of_one_evse_among_several_is_that_of_its_car(limit_a, target_kwh, max_current_a):
    arrival = NOW - timedelta(hours=1)
    car = ChargingSession(
        "car", "north-1", arrival, Departure.at(NOW + timedelta(hours=4)), 20.0, delivered_kwh=1.0
    )
    asked = replace(request(), state=replace(request().state, sessions=(car,)))
    [session] = respecting(asked, [limit(schedule((0, limit_a)), evse=1)]).state.sessions
    assert (session.target_kwh, session.max_current_a) == (target_kwh, max_current_a)


def test_k13_a_limit_is_kept_until_its_source_clears_it(database):
    told = ExternalLimitSet("EMS", 1, (schedule((0, 10.0, 3)),))
    with database.write() as session:
        limits.keep(session, "north", told, NOW)
        limits.keep(session, "north", replace(told, evse_number=0, source="SO"), NOW)
        limits.keep(session, "north", replace(told, source="PV", is_local_generation=True), NOW)
    with database.read() as session:
        known = limits.kept(session, ["north"])
    assert [(one.source, one.evse_number) for one in known] == [("SO", 0), ("EMS", 1)]
    assert known[1].schedules == told.schedules
    with database.write() as session:
        limits.forget(session, "north", ExternalLimitCleared("EMS", 0))
        limits.forget(session, "north", ExternalLimitCleared("SO", 2))
    assert [row.source for row in rows(database, ExternalLimitRow)] == ["SO"]


def test_k09_a_station_that_does_not_say_how_much_is_allowed_is_asked_and_its_report_counts(database):
    period = {"startPeriod": 0, "limit": 9.0}
    written = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {"id": 5, "stackLevel": 0, "chargingProfileKind": "Absolute", "chargingSchedule": [written]}
    message = {"requestId": 3, "chargingLimitSource": "EMS", "evseId": 0}

    def report(purpose):
        payload = message | {"chargingProfile": [profile | {"chargingProfilePurpose": purpose}]}
        return DIALECTS[OcppVersion.V21].decode_event("ReportChargingProfiles", payload)

    async def scenario(desk):
        await desk.notices.limit_set("north", ExternalLimitSet("EMS", 0, is_grid_critical=True))
        await desk.spawned.pop()
        [query] = desk.link.sent
        VALIDATOR.check(query.action, MessageKind.REQUEST, query.payload)
        assert disorder(OcppVersion.V21, query.action, query.payload) == []
        await desk.notices.reported("north", report("TxDefaultProfile"))
        await desk.notices.reported("north", report("ChargingStationExternalConstraints"))
        assert desk.spawned == []
        with database.read() as session:
            [known] = limits.kept(session, ["north"])
        assert [one.limit for one in known.schedules[0].periods] == [9.0]
        assert [row.is_grid_critical for row in rows(database, ExternalLimitRow)] == [True]

    at_desk(database, scenario)


def test_k09_a_station_that_comes_back_with_a_version_that_has_no_such_source_is_not_asked(database):
    """Seen under hostile frames: 2.1 takes any word for a source, 2.0.1 takes four."""

    async def call(command):
        Session(DIALECTS[OcppVersion.V201], MessageValidator(OcppVersion.V201)).call(command, 0.0)

    async def scenario(desk):
        desk.link.call = call
        await desk.notices.limit_set("north", ExternalLimitSet("T", 0))
        await desk.spawned.pop()
        assert [row.source for row in rows(database, ExternalLimitRow)] == ["T"]

    at_desk(database, scenario, version=OcppVersion.V201)


# --- what cars ask for (K15) ----------------------------------------------------------------------


def asked(database, told, said=None):
    """The session of a car at north 1 once it has told its needs, and its station's capabilities."""
    with database.write() as session:
        repository.note_connected(session, "north", "ocpp2.1", NOW, "")
        repository.start_transaction(session, "north", TransactionStarted(1, NOW, "t", "anna", 0.0))
        if said is not None:
            repository.declare(session, said)
        needs.keep(session, "north", told, NOW)
    with database.read() as session:
        plugged = repository.plugged_in(session, ["north"])
        known = needs.kept(session, ["north"])
    registry = Registry(lambda: NOW)
    registry.expect("north", StationCapabilities(OcppVersion.V21, max_periods=24))
    planned = needs.knowing(request_of(standing(), plugged, NOW, registry), plugged, known)
    return planned.state.sessions[0], planned.capabilities["north"]


def test_k15_fr_07_departure_energy_and_limits_of_a_car_are_those_of_its_session(database):
    leaves = NOW + timedelta(hours=3)
    told = ChargingNeedsTold(1, "AC_single_phase", leaves, 12.5, 7.0, 6.0, 16.0, None, 1, None, 3)
    session, capabilities = asked(database, told)
    assert (session.departure.median, session.target_kwh) == (leaves, 12.5)
    assert (session.max_power_kw, session.max_current_a, session.n_phases) == (7.0, 16.0, 1)
    assert capabilities.max_periods == 3


def test_k15_a_car_of_three_phases_at_an_evse_of_one_is_planned_with_one(database):
    with database.write() as session:
        repository.start_transaction(session, "south", TransactionStarted(2, NOW, "t", "anna", 0.0))
        needs.keep(session, "south", ChargingNeedsTold(2, "AC_three_phase", n_phases=3), NOW)
    with database.read() as session:
        plugged, known = repository.plugged_in(session, ["south"]), needs.kept(session, ["south"])
    planned = needs.knowing(request_of(standing(), plugged, NOW, Registry(lambda: NOW)), plugged, known)
    assert [one.n_phases for one in planned.state.sessions] == [1]
    validate_state(planned.state)


def test_k15_what_a_car_does_not_tell_stays_as_it_was(database):
    session, capabilities = asked(database, ChargingNeedsTold(1, "DC"))
    assert (session.target_kwh, session.max_power_kw, session.max_current_a) == (20.0, None, None)
    assert capabilities.max_periods == 24


def test_k15_needs_of_a_car_that_has_left_are_not_those_of_the_next(database):
    with database.write() as session:
        repository.start_transaction(session, "north", TransactionStarted(1, NOW, "old", "bert", 0.0))
        needs.keep(session, "north", ChargingNeedsTold(1, "DC", energy_kwh=99.0), NOW)
    with database.write() as session:
        row = repository.transaction(session, "north", "old")
        assert row is not None
        repository.end_transaction(row, NOW, "Local")
        repository.start_transaction(session, "north", TransactionStarted(1, NOW, "new", "anna", 0.0))
    with database.read() as session:
        plugged, known = repository.plugged_in(session, ["north"]), needs.kept(session, ["north"])
    planned = needs.knowing(request_of(standing(), plugged, NOW, Registry(lambda: NOW)), plugged, known)
    assert [one.target_kwh for one in planned.state.sessions] == [20.0]


# --- the listener ---------------------------------------------------------------------------------


def test_k15_fr_03_needs_are_answered_at_once_and_the_site_is_planned(database):
    async def scenario(desk):
        early = await desk.notices.charging_needs("north", ChargingNeedsTold(1, "DC"))
        with database.write() as session:
            repository.start_transaction(session, "north", TransactionStarted(1, NOW, "t", None, 0.0))
        running = await desk.notices.charging_needs("north", ChargingNeedsTold(1, "DC"))
        unknown = await desk.notices.charging_needs("north", ChargingNeedsTold(2, "DC"))
        told = [early.status, running.status, unknown.status]
        assert told == [NeedsStatus.PROCESSING, NeedsStatus.ACCEPTED, NeedsStatus.NO_PROFILE]
        assert desk.changed == ["north", "north"]
        assert desk.asked == [("north", 1), ("north", 1)]

    at_desk(database, scenario)


PROFILE = ChargingProfile(
    11,
    ProfilePurpose.TX,
    1,
    1,
    RateUnit.CURRENT,
    NOW - timedelta(minutes=1),
    7200,
    (SchedulePeriod(0, 16.0, 3), SchedulePeriod(3600, 8.0, 3)),
    "t",
)


@pytest.mark.parametrize(
    ("told", "is_kept"),
    [
        (schedule((0, 16.0), (3600, 8.0)), True),
        (schedule((0, 16.0), (3700, 9.0)), False),
        (schedule((0, 11000.0, 3), unit=RateUnit.POWER), True),
        (schedule((0, 12000.0, 3), unit=RateUnit.POWER), False),
        (schedule((0, None), (10**30, 99.0)), True),
    ],
)
def test_k15_fr_10_and_11_a_car_that_means_to_draw_more_than_it_was_given_is_refused(database, told, is_kept):
    async def scenario(desk):
        event = CarScheduleTold(1, NOW, told)
        assert (await desk.notices.car_schedule("north", event)).is_accepted  # it was given nothing yet
        desk.registry.note_installed("north", PROFILE)
        assert (await desk.notices.car_schedule("north", event)).is_accepted is is_kept
        assert desk.changed == ([] if is_kept else ["north"])

    at_desk(database, scenario)


def test_k28_a_dynamic_profile_is_answered_with_what_it_says_now(database):
    async def scenario(desk):
        assert await desk.notices.dynamic_update("north", DynamicUpdateAsked(11)) == DynamicUpdate()
        desk.registry.note_installed("north", PROFILE)
        assert await desk.notices.dynamic_update("north", DynamicUpdateAsked(11)) == DynamicUpdate(16.0)
        assert await desk.notices.dynamic_update("north", DynamicUpdateAsked(12)) == DynamicUpdate()

    at_desk(database, scenario)


@pytest.mark.parametrize("version", list(OcppVersion))
def test_a02_fr_05_a_signed_certificate_is_sent_to_its_station(database, version):
    async def scenario(desk):
        verdict = await desk.notices.certificate_requested("north", CertificateRequested("CSR"))
        assert verdict.is_accepted
        await desk.spawned.pop()
        [command] = desk.link.sent
        assert command.action == "CertificateSigned"
        assert command.payload["certificateChain"] == "north signed CSR"

    at_desk(database, scenario, signer=Signer(), version=version)


def test_a02_without_a_signer_a_request_is_rejected(database):
    async def scenario(desk):
        verdict = await desk.notices.certificate_requested("north", CertificateRequested("CSR"))
        assert not verdict.is_accepted
        assert desk.spawned == []

    at_desk(database, scenario)


def test_a_report_is_kept_part_by_part_and_each_part_once(database):
    def part(number, *, last=False, action="NotifyReport"):
        return ReportPart(action, 7, number, last, {"text": "x"})

    async def scenario(desk):
        for one in (part(0), part(1, last=True), part(1, last=True)):
            await desk.notices.reported("north", one)
        for one in (
            part(None, action="ReportChargingProfiles"),
            part(None, last=True, action="ReportChargingProfiles"),
        ):
            await desk.notices.reported("north", one)
        await desk.notices.reported("north", replace(part(0), request_id=10**30))
        kept = [(row.action, row.part, row.is_last) for row in rows(database, ReportPartRow)]
        assert sorted(kept) == [
            ("NotifyReport", 0, False),
            ("NotifyReport", 1, True),
            ("ReportChargingProfiles", 0, False),
            ("ReportChargingProfiles", 1, True),
        ]

    at_desk(database, scenario)


def test_security_events_and_what_changes_nothing_are_kept_and_told(database):
    async def scenario(desk):
        await desk.notices.security_event("north", SecurityEventTold("TamperDetection", NOW, "lid"))
        await desk.notices.noticed("north", Noticed("BatterySwap", {"requestId": 1}))
        await desk.notices.noticed("north", Noticed("NotifyPeriodicEventStream", {"id": 1}))

    at_desk(database, scenario)
    [event] = rows(database, SecurityEventRow)
    assert (event.station_id, event.kind, event.info) == ("north", "TamperDetection", "lid")
    kinds = {Happening.STATION_SECURITY, Happening.STATION_TOLD}
    assert {row.kind for row in rows(database, EventRow)} == kinds


TOLD = sorted(DIALECTS[OcppVersion.V21].INCOMING_ACTIONS - of_transactions.DECODERS.keys())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(TOLD), st.data())
def test_whatever_fits_its_schema_can_be_kept(database, action, data):
    dialect = DIALECTS[OcppVersion.V21]
    payload = data.draw(messages(OcppVersion.V21, action))

    async def scenario(desk):
        event: Any = dialect.decode_event(action, payload)
        decision = await decide_notice(desk.notices, "north", event)
        VALIDATOR.check(action, MessageKind.RESPONSE, dialect.encode_answer(event, decision, NOW))
        for work in desk.spawned:
            work.close()
        with database.read() as session:
            known = limits.kept(session, ["north"])
        assert respecting(request(), known).state.site.stations

    at_desk(database, scenario)
