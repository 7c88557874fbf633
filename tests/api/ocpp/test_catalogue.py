"""The commands of each version are those of its schemas: none is missing, none is a station's."""

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.catalogue import Catalogue
from api.ocpp.dialects import DIALECTS

EVERY = pytest.mark.parametrize("version", list(OcppVersion))
ASKED_FOR = {
    OcppVersion.V16: (
        "RemoteStartTransaction RemoteStopTransaction Reset UnlockConnector ChangeAvailability ReserveNow "
        "CancelReservation SendLocalList GetLocalListVersion ClearCache GetConfiguration ChangeConfiguration "
        "TriggerMessage ExtendedTriggerMessage GetDiagnostics GetLog UpdateFirmware SignedUpdateFirmware "
        "DataTransfer CertificateSigned InstallCertificate DeleteCertificate GetInstalledCertificateIds "
        "SetChargingProfile ClearChargingProfile GetCompositeSchedule"
    ),
    OcppVersion.V201: (
        "RequestStartTransaction RequestStopTransaction Reset UnlockConnector ChangeAvailability ReserveNow "
        "CancelReservation SendLocalList GetLocalListVersion ClearCache GetVariables SetVariables GetBaseReport "
        "GetReport TriggerMessage GetLog UpdateFirmware PublishFirmware UnpublishFirmware DataTransfer "
        "CertificateSigned InstallCertificate DeleteCertificate GetInstalledCertificateIds SetDisplayMessage "
        "GetDisplayMessages ClearDisplayMessage CostUpdated SetVariableMonitoring ClearVariableMonitoring "
        "SetMonitoringBase SetMonitoringLevel GetMonitoringReport SetNetworkProfile CustomerInformation "
        "GetTransactionStatus SetChargingProfile GetChargingProfiles ClearChargingProfile GetCompositeSchedule"
    ),
}
ASKED_FOR[OcppVersion.V21] = ASKED_FOR[OcppVersion.V201] + (
    " SetDefaultTariff GetTariffs ClearTariffs ChangeTransactionTariff UpdateDynamicSchedule UsePriorityCharging "
    "AFRRSignal SetDERControl GetDERControl ClearDERControl RequestBatterySwap GetPeriodicEventStream "
    "AdjustPeriodicEventStream NotifyAllowedEnergyTransfer NotifyWebPaymentStarted"
)


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.read()


@EVERY
def test_the_commands_are_exactly_those_that_operators_need(catalogue, version):
    assert catalogue.commands(version) == set(ASKED_FOR[version].split())


@EVERY
def test_every_call_is_somebodys_and_little_goes_both_ways(catalogue, version):
    commands, by_station = catalogue.commands(version), catalogue.by_station(version)
    assert commands | by_station == catalogue.calls[version]
    assert commands & by_station <= {"DataTransfer", "NotifyWebPaymentStarted"}
    assert "DataTransfer" in commands & by_station


@EVERY
def test_what_stations_are_heard_about_is_what_stations_may_call(catalogue, version):
    heard = DIALECTS[version].INCOMING_ACTIONS
    assert heard - {"NotifyPeriodicEventStream"} == catalogue.by_station(version)


def test_the_message_without_an_answer_is_known_as_well(catalogue):
    assert "NotifyPeriodicEventStream" in catalogue.actions
