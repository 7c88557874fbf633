"""Whatever a station may say, in any version, is understood and has an answer that fits its schema.

Requests are counted from the schemas themselves, and payloads are drawn from them: nothing is left out by us.
"""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.listener import decide
from api.ocpp.notice_answers import (
    ChainState,
    ChainStatus,
    Company,
    ContractCertificate,
    DataDecision,
    DataStatus,
    DynamicUpdate,
    NeedsDecision,
    NeedsStatus,
    Revocation,
    VatDecision,
    Verdict,
)
from api.ocpp.notice_listener import HarmlessNotices
from api.ocpp.validation import MessageKind, MessageValidator
from tests.api.ocpp.drawn import actions_of, disorder, messages
from tests.api.ocpp.house import Application

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}

ONLY_WE_SEND = {
    OcppVersion.V16: {
        "CancelReservation",
        "CertificateSigned",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "ClearChargingProfile",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetDiagnostics",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "InstallCertificate",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ReserveNow",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "SignedUpdateFirmware",
        "TriggerMessage",
        "UnlockConnector",
        "UpdateFirmware",
    },
    OcppVersion.V201: {
        "CancelReservation",
        "CertificateSigned",
        "ChangeAvailability",
        "ClearCache",
        "ClearChargingProfile",
        "ClearDisplayMessage",
        "ClearVariableMonitoring",
        "CostUpdated",
        "CustomerInformation",
        "DeleteCertificate",
        "GetBaseReport",
        "GetChargingProfiles",
        "GetCompositeSchedule",
        "GetDisplayMessages",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "GetMonitoringReport",
        "GetReport",
        "GetTransactionStatus",
        "GetVariables",
        "InstallCertificate",
        "PublishFirmware",
        "RequestStartTransaction",
        "RequestStopTransaction",
        "ReserveNow",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "SetDisplayMessage",
        "SetMonitoringBase",
        "SetMonitoringLevel",
        "SetNetworkProfile",
        "SetVariableMonitoring",
        "SetVariables",
        "TriggerMessage",
        "UnlockConnector",
        "UnpublishFirmware",
        "UpdateFirmware",
    },
}
ONLY_WE_SEND[OcppVersion.V21] = ONLY_WE_SEND[OcppVersion.V201] | {
    "AFRRSignal",
    "AdjustPeriodicEventStream",
    "ChangeTransactionTariff",
    "ClearDERControl",
    "ClearTariffs",
    "GetDERControl",
    "GetPeriodicEventStream",
    "GetTariffs",
    "NotifyAllowedEnergyTransfer",
    "RequestBatterySwap",
    "SetDERControl",
    "SetDefaultTariff",
    "UpdateDynamicSchedule",
    "UsePriorityCharging",
}
ASKED = [
    (version, action)
    for version in OcppVersion
    for action in sorted(actions_of(version) - ONLY_WE_SEND[version] - DIALECTS[version].SENT_ACTIONS)
]


@pytest.mark.parametrize("version", list(OcppVersion))
def test_every_request_of_the_schemas_is_served_or_is_one_that_only_a_central_system_sends(version):
    dialect = DIALECTS[version]
    assert not dialect.INCOMING_ACTIONS & ONLY_WE_SEND[version]
    assert (
        dialect.INCOMING_ACTIONS | dialect.SENT_ACTIONS | ONLY_WE_SEND[version]
        == actions_of(version) | dialect.INCOMING_ACTIONS
    )
    assert actions_of(version) >= dialect.INCOMING_ACTIONS


def says(answer):
    """A method of a listener that gives one answer, or one that is made for the event."""

    async def method(_listener, _station_id, event):
        return answer(event) if callable(answer) else answer

    return method


class Generous(HarmlessNotices):
    """Says yes to whatever is asked, with every member that an answer may have."""

    charging_needs = says(NeedsDecision(NeedsStatus.PROCESSING, "a reason that is longer than twenty"))
    dynamic_update = says(DynamicUpdate(32.0, -10.0, 5.5))
    certificate_requested = says(Verdict(is_accepted=True))
    contract_certificate = says(ContractCertificate(is_accepted=True, response="gJgC", remaining=2))
    revocation = says(Revocation("MAoKAQA="))
    chain_status = says(lambda event: ChainStatus((ChainState.GOOD,) * len(event.links), AT))
    data_received = says(DataDecision(DataStatus.ACCEPTED, "pong"))
    vat_number = says(VatDecision(is_valid=True, company=Company("C", "A", "T", "NL", "1000")))


def listener_with(notices):
    application = Application()
    application.notices = notices
    return application


def answer_to(version, action, payload, notices):
    dialect = DIALECTS[version]
    event = dialect.decode_event(action, payload)
    decision = asyncio.run(decide(listener_with(notices), "CS1", event))
    return dialect.encode_answer(event, decision, AT)


@pytest.mark.parametrize(("version", "action"), ASKED)
@settings(max_examples=8)
@given(st.data())
def test_every_message_of_a_station_is_answered_by_what_its_schema_allows(version, action, data):
    payload = data.draw(messages(version, action))
    VALIDATORS[version].check(action, MessageKind.REQUEST, payload)
    for notices in (HarmlessNotices(), Generous()):
        answer = answer_to(version, action, payload, notices)
        VALIDATORS[version].check(action, MessageKind.RESPONSE, answer)
        assert disorder(version, action, answer, MessageKind.RESPONSE) == []


@settings(max_examples=20)
@given(st.data())
def test_what_is_sent_in_a_stream_is_understood(data):
    payload = data.draw(messages(OcppVersion.V21, "NotifyPeriodicEventStream"))
    event = DIALECTS[OcppVersion.V21].decode_event("NotifyPeriodicEventStream", payload)
    asyncio.run(decide(listener_with(HarmlessNotices()), "CS1", event))


STOPPED = {
    OcppVersion.V16: (
        "StopTransaction",
        {"idTag": "BAD", "meterStop": 1, "timestamp": "2024-05-01T12:00:00Z", "transactionId": 1},
    ),
    **dict.fromkeys(
        (OcppVersion.V201, OcppVersion.V21),
        (
            "TransactionEvent",
            {
                "eventType": "Ended",
                "timestamp": "2024-05-01T12:00:00Z",
                "triggerReason": "StopAuthorized",
                "seqNo": 2,
                "transactionInfo": {"transactionId": "a-1"},
                "idToken": {"idToken": "BAD", "type": "ISO14443"},
            },
        ),
    ),
}


@pytest.mark.parametrize("version", list(OcppVersion))
def test_a_driver_who_shows_a_token_to_stop_is_answered(version):
    action, payload = STOPPED[version]
    answer = answer_to(version, action, payload, HarmlessNotices())
    name = "idTagInfo" if version is OcppVersion.V16 else "idTokenInfo"
    assert answer == {name: {"status": "Invalid"}}
