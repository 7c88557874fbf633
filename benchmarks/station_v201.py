"""OCPP 2.0.1 from the side of a station."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from benchmarks.station_profiles import HeldProfile, MemoryLimits
from benchmarks.station_words import (
    Moment,
    Payload,
    PlugState,
    Saying,
    held_profile,
    samples_of,
    selection,
    time_text,
)


class Words201:
    """OCPP 2.0.1."""

    subprotocol = "ocpp2.0.1"
    model = "Virtual 201"
    _STATES: Final = MappingProxyType(
        {
            PlugState.CHARGING: "Charging",
            PlugState.PAUSED_BY_STATION: "SuspendedEVSE",
            PlugState.PAUSED_BY_CAR: "SuspendedEV",
        }
    )

    def boot(self, station_id: str) -> Saying:
        """Say what the station is."""
        station = {
            "vendorName": "Gridpilot",
            "model": self.model,
            "serialNumber": station_id,
            "firmwareVersion": "1.0",
        }
        return Saying("BootNotification", {"reason": "PowerUp", "chargingStation": station})

    def authorize(self, token: str) -> Saying:
        """Ask whether a driver may charge."""
        return Saying("Authorize", {"idToken": _token(token)})

    def is_accepted(self, answer: Payload) -> bool:
        """Tell whether the driver may."""
        return bool(answer.get("idTokenInfo", {}).get("status") == "Accepted")

    def status(self, at: datetime, evse_number: int, state: PlugState) -> Saying:
        """Say that an EVSE is free or not: 2.0.1 knows no more."""
        payload = {
            "timestamp": time_text(at),
            "connectorStatus": "Available" if state is PlugState.AVAILABLE else "Occupied",
            "evseId": evse_number,
            "connectorId": 1,
        }
        return Saying("StatusNotification", payload)

    def start(self, moment: Moment) -> Saying:
        """Begin a transaction."""
        event = self._event(moment, "Started", "Authorized", "Transaction.Begin")
        event["idToken"] = _token(moment.token)
        return Saying("TransactionEvent", event)

    def transaction_of(self, moment: Moment, answer: Payload) -> str:
        """Return the identity that the station has given itself."""
        del answer
        return moment.transaction_id

    def meter(self, moment: Moment) -> Saying:
        """Tell what was metered."""
        event = self._event(moment, "Updated", "MeterValuePeriodic", "Sample.Periodic")
        return Saying("TransactionEvent", event)

    def state_changed(self, moment: Moment) -> Saying:
        """Tell that the car charges, or pauses."""
        event = self._event(moment, "Updated", "ChargingStateChanged", "Sample.Periodic")
        return Saying("TransactionEvent", event)

    def stop(self, moment: Moment, *, by_car: bool) -> Saying:
        """End a transaction."""
        trigger = "ChargingStateChanged" if by_car else "EVCommunicationLost"
        event = self._event(moment, "Ended", trigger, "Transaction.End")
        event["transactionInfo"]["stoppedReason"] = "StoppedByEV" if by_car else "EVDisconnected"
        return Saying("TransactionEvent", event)

    def profile_in(self, payload: Payload) -> HeldProfile:
        """Read SetChargingProfile."""
        profile = payload["chargingProfile"]
        return held_profile(payload["evseId"], profile["id"], profile, profile["chargingSchedule"][0])

    def profile_answer(self, reason: str | None) -> Payload:
        """Answer to SetChargingProfile."""
        if reason is None:
            return {"status": "Accepted"}
        return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}

    def selection_in(self, payload: Payload) -> Callable[[HeldProfile], bool]:
        """Read ClearChargingProfile."""
        criteria = payload.get("chargingProfileCriteria", {})
        evse, level = criteria.get("evseId"), criteria.get("stackLevel")
        purpose = criteria.get("chargingProfilePurpose")
        return selection(payload.get("chargingProfileId"), evse, purpose, level)

    def capabilities(self, action: str, payload: Payload, limits: MemoryLimits) -> Payload | None:
        """Answer GetVariables."""
        if action != "GetVariables":
            return None
        known = {
            "ProfileStackLevel": str(limits.max_stack_level),
            "RateUnit": "A,W",
            "PeriodsPerSchedule": str(limits.max_periods),
            "Entries": str(limits.max_profiles),
        }
        return {"getVariableResult": [_variable(asked, known) for asked in payload["getVariableData"]]}

    def _event(self, moment: Moment, kind: str, trigger: str, context: str) -> Payload:
        """Return a TransactionEvent with everything that all of its kinds say."""
        samples = [
            {"measurand": name, "value": float(text), "unitOfMeasure": {"unit": unit}, "context": context}
            | ({} if phase is None else {"phase": phase})
            for name, text, unit, phase in samples_of(moment)
        ]
        return {
            "eventType": kind,
            "timestamp": time_text(moment.at),
            "triggerReason": trigger,
            "seqNo": moment.sequence,
            "transactionInfo": {
                "transactionId": moment.transaction_id,
                "chargingState": self._STATES.get(moment.state, "EVConnected"),
            },
            "evse": {"id": moment.evse_number, "connectorId": 1},
            "meterValue": [{"timestamp": time_text(moment.at), "sampledValue": samples}],
        }


def _token(token: str) -> Payload:
    return {"idToken": token, "type": "ISO14443"}


def _variable(asked: Payload, known: Mapping[str, str]) -> Payload:
    """Answer for one variable."""
    value = known.get(asked["variable"]["name"])
    if asked["component"]["name"] != "SmartChargingCtrlr" or value is None:
        return {**asked, "attributeStatus": "UnknownVariable"}
    return {**asked, "attributeStatus": "Accepted", "attributeValue": value}
