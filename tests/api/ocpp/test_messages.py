"""What stations send becomes events in the engine's units; what they are answered fits its schema."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from api.ocpp import v16, v201
from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import (
    Acknowledgement,
    AuthorizationDecision,
    AuthorizationStatus,
    AuthorizeRequested,
    BootDecision,
    Booted,
    ChargingState,
    ConnectorStatus,
    HeartbeatReceived,
    MeterValuesReceived,
    MonitorsTold,
    RegistrationStatus,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.metering import MeterReading, Sample, reading_from_samples
from api.ocpp.notices import Noticed, ReportPart
from api.ocpp.validation import MessageKind, MessageValidator

NOON = "2024-05-01T12:00:00Z"
AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
REPORT = {"requestId": 1, "generatedAt": NOON, "seqNo": 0}
NOTICED: dict[str, Any] = {
    "generatedAt": NOON,
    "seqNo": 0,
    "eventData": [
        {
            "eventId": 1,
            "timestamp": NOON,
            "trigger": "Delta",
            "actualValue": value,
            "techCode": "E7",
            "eventNotificationType": "HardWiredNotification",
            "component": component,
            "variable": {"name": name},
        }
        for component, name, value in (
            ({"evse": {"id": 2, "connectorId": 1}, "name": "Connector"}, "AvailabilityState", "Faulted"),
            ({"evse": {"id": 2}, "name": "EVSE"}, "AvailabilityState", "Faulted"),
            ({"evse": {"id": 2, "connectorId": 1}, "name": "Connector"}, "AvailabilityState", "Broken"),
            ({"evse": {"id": 2, "connectorId": 1}, "name": "Connector"}, "PlugRetentionLock", "Faulted"),
        )
    ],
}
V201_TRANSACTION = {"eventType": "Started", "timestamp": NOON, "triggerReason": "CablePluggedIn", "seqNo": 0}

ROWS_16 = [
    (
        "BootNotification",
        {
            "chargePointVendor": "V",
            "chargePointModel": "M",
            "chargeBoxSerialNumber": "S",
            "firmwareVersion": "1",
        },
        Booted("V", "M", "S", "1"),
    ),
    ("Heartbeat", {}, HeartbeatReceived()),
    ("Authorize", {"idTag": "T"}, AuthorizeRequested("T")),
    (
        "StatusNotification",
        {"connectorId": 2, "errorCode": "NoError", "status": "SuspendedEVSE", "timestamp": NOON},
        StatusChanged(2, 1, ConnectorStatus.SUSPENDED_EVSE, None, AT),
    ),
    (
        "StatusNotification",
        {"connectorId": 0, "errorCode": "HighTemperature", "status": "Faulted"},
        StatusChanged(0, 0, ConnectorStatus.FAULTED, "HighTemperature"),
    ),
    (
        "StartTransaction",
        {"connectorId": 1, "idTag": "T", "meterStart": 1500, "timestamp": "2024-05-01T14:00:00+02:00"},
        TransactionStarted(1, AT, None, "T", 1.5, 1),
    ),
    (
        "StopTransaction",
        {"transactionId": 7, "meterStop": 2500, "timestamp": NOON, "reason": "EVDisconnected"},
        TransactionEnded("7", AT, meter_stop_kwh=2.5, reason="EVDisconnected"),
    ),
    (
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": 7,
            "meterValue": [
                {
                    "timestamp": NOON,
                    "sampledValue": [
                        {"value": "2500"},
                        {"value": "11.04", "measurand": "Power.Active.Import", "unit": "kW"},
                        {"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
                        {"value": "15.5", "measurand": "Current.Import", "phase": "L3", "unit": "A"},
                        {"value": "231", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
                        {"value": "SGVsbG8=", "format": "SignedData"},
                    ],
                }
            ],
        },
        MeterValuesReceived(
            1, (MeterReading(AT, 2.5, 11.04, (16.0, None, 15.5), (231.0, None, None)),), transaction_id="7"
        ),
    ),
    (
        "FirmwareStatusNotification",
        {"status": "Installed"},
        Noticed("FirmwareStatusNotification", {"status": "Installed"}),
    ),
]

ROWS_201 = [
    (
        "BootNotification",
        {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V", "serialNumber": "S"}},
        Booted("V", "M", "S", None, "PowerUp"),
    ),
    ("Heartbeat", {}, HeartbeatReceived()),
    ("Authorize", {"idToken": {"idToken": "T", "type": "ISO14443"}}, AuthorizeRequested("T")),
    (
        "StatusNotification",
        {"timestamp": NOON, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1},
        StatusChanged(2, 1, ConnectorStatus.OCCUPIED, None, AT),
    ),
    (
        "TransactionEvent",
        V201_TRANSACTION
        | {
            "offline": True,
            "transactionInfo": {"transactionId": "a-1", "chargingState": "EVConnected"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "T", "type": "Central"},
            "meterValue": [
                {
                    "timestamp": NOON,
                    "sampledValue": [{"value": 1.5, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}],
                }
            ],
        },
        TransactionStarted(
            1,
            AT,
            "a-1",
            "T",
            1.5,
            1,
            ChargingState.EV_CONNECTED,
            True,
            (MeterReading(AT, energy_kwh=1.5),),
            0,
        ),
    ),
    (
        "TransactionEvent",
        V201_TRANSACTION | {"eventType": "Updated", "transactionInfo": {"transactionId": "a-1"}},
        TransactionUpdated("a-1", AT, seq_no=0),
    ),
    (
        "TransactionEvent",
        V201_TRANSACTION
        | {
            "eventType": "Ended",
            "transactionInfo": {"transactionId": "a-1", "stoppedReason": "EVDisconnected"},
        },
        TransactionEnded("a-1", AT, reason="EVDisconnected", seq_no=0),
    ),
    (
        "MeterValues",
        {
            "evseId": 0,
            "meterValue": [
                {"timestamp": NOON, "sampledValue": [{"value": 5000, "measurand": "Power.Active.Import"}]}
            ],
        },
        MeterValuesReceived(0, (MeterReading(AT, power_kw=5.0),)),
    ),
    (
        "NotifyEvent",
        NOTICED,
        MonitorsTold(NOTICED, (StatusChanged(2, 1, ConnectorStatus.FAULTED, "E7", AT),)),
    ),
    ("NotifyReport", REPORT, ReportPart("NotifyReport", 1, 0, is_last=True, message=REPORT)),
]
ROWS = [(OcppVersion.V16, *row) for row in ROWS_16] + [
    (version, *row) for version in (OcppVersion.V201, OcppVersion.V21) for row in ROWS_201
]


@pytest.mark.parametrize(("version", "action", "payload", "event"), ROWS)
def test_a_message_becomes_an_event(version, action, payload, event):
    VALIDATORS[version].check(action, MessageKind.REQUEST, payload)
    assert DIALECTS[version].decode_event(action, payload) == event


def decision_for(event):
    match event:
        case Booted():
            return BootDecision(RegistrationStatus.PENDING, 60)
        case AuthorizeRequested():
            return AuthorizationDecision(AuthorizationStatus.BLOCKED)
        case TransactionStarted():
            return TransactionDecision("7", AuthorizationStatus.CONCURRENT_TX)
    return Acknowledgement()


@pytest.mark.parametrize(("version", "action", "payload", "event"), ROWS)
def test_an_answer_fits_its_schema(version, action, payload, event):
    answer = DIALECTS[version].encode_answer(event, decision_for(event), AT)
    VALIDATORS[version].check(action, MessageKind.RESPONSE, answer)


def test_the_driver_is_answered_only_where_one_was_named():
    event = TransactionStarted(1, AT, "a-1")
    assert v201.encode_answer(event, TransactionDecision("a-1"), AT) == {}


def test_times_are_told_in_utc():
    answer = v16.encode_answer(HeartbeatReceived(), Acknowledgement(), AT.replace(microsecond=250_000))
    assert answer == {"currentTime": "2024-05-01T12:00:00.250Z"}


def test_a_whole_number_may_be_written_with_a_point_in_2_0_1():
    status = {"timestamp": NOON, "connectorStatus": "Available", "evseId": 2.0, "connectorId": 1.0}
    VALIDATORS[OcppVersion.V201].check("StatusNotification", MessageKind.REQUEST, status)
    event = v201.decode_event("StatusNotification", status)
    assert repr(event) == repr(StatusChanged(2, 1, ConnectorStatus.AVAILABLE, None, AT))


def readings_of(event):
    assert isinstance(event, MeterValuesReceived)
    return event.readings


@pytest.mark.parametrize(
    ("text", "fault"),
    [("NaN", "is not a number"), ("inf", "is not a number"), ("", "is not a number"), ("-5", "is negative")],
)
def test_a_meter_that_shows_nonsense_is_marked_and_not_used(text, fault):
    sample = {"value": text, "measurand": "Power.Active.Import"}
    payload = {
        "connectorId": 1,
        "meterValue": [{"timestamp": NOON, "sampledValue": [sample, {"value": "1000"}]}],
    }
    (reading,) = readings_of(v16.decode_event("MeterValues", payload))
    assert reading.power_kw is None
    assert reading.energy_kwh == 1.0
    assert reading.faults == (f"Power.Active.Import {fault}",)


def test_phases_add_up_where_no_total_is_metered():
    samples = [Sample("Power.Active.Import", 1000.0 * i, "W", f"L{i}") for i in (1, 2, 3)]
    assert reading_from_samples(AT, samples).power_kw == pytest.approx(6.0)
    total = Sample("Power.Active.Import", 5.0, "kW")
    assert reading_from_samples(AT, [*samples, total]).power_kw == 5.0


def test_a_unit_that_nobody_knows_is_marked():
    reading = reading_from_samples(AT, [Sample("Power.Active.Import", 5.0, "hp")])
    assert reading.power_kw is None
    assert reading.faults == ("Power.Active.Import has the unknown unit 'hp'",)


def test_measurands_that_the_engine_does_not_use_are_passed_over():
    samples = [Sample("Frequency", math.nan, "Hz"), Sample("Current.Offered", 16.0), Sample("SoC", 55.0)]
    assert reading_from_samples(AT, samples) == MeterReading(AT, offered_a=16.0, soc_percent=55.0)


def test_a_multiplier_that_nobody_means_is_marked_and_does_not_overflow():
    value = {"value": 1.0, "unitOfMeasure": {"unit": "Wh", "multiplier": 10**9}}
    payload = {"evseId": 1, "meterValue": [{"timestamp": NOON, "sampledValue": [value]}]}
    (reading,) = readings_of(v201.decode_event("MeterValues", payload))
    assert reading.energy_kwh is None
    assert reading.faults == ("Energy.Active.Import.Register is 1e+30",)
