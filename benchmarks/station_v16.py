"""OCPP 1.6 from the side of a station; an EVSE is a connector here."""

from collections.abc import Callable
from datetime import datetime

from benchmarks.station_profiles import HeldProfile, MemoryLimits
from benchmarks.station_words import (
    Moment,
    Payload,
    PlugState,
    Saying,
    held_profile,
    register_wh,
    samples_of,
    selection,
    time_text,
)


class Words16:
    """OCPP 1.6."""

    subprotocol = "ocpp1.6"

    def boot(self, station_id: str) -> Saying:
        """Say what the station is."""
        payload = {
            "chargePointVendor": "Gridpilot",
            "chargePointModel": "Virtual 16",
            "chargePointSerialNumber": station_id,
            "firmwareVersion": "1.0",
        }
        return Saying("BootNotification", payload)

    def authorize(self, token: str) -> Saying:
        """Ask whether a driver may charge."""
        return Saying("Authorize", {"idTag": token})

    def is_accepted(self, answer: Payload) -> bool:
        """Tell whether the driver may."""
        return bool(answer.get("idTagInfo", {}).get("status") == "Accepted")

    def status(self, at: datetime, evse_number: int, state: PlugState) -> Saying:
        """Say that a connector has a new state."""
        payload = {
            "connectorId": evse_number,
            "errorCode": "NoError",
            "status": state.value,
            "timestamp": time_text(at),
        }
        return Saying("StatusNotification", payload)

    def start(self, moment: Moment) -> Saying:
        """Begin a transaction."""
        payload = {
            "connectorId": moment.evse_number,
            "idTag": moment.token,
            "meterStart": register_wh(moment),
            "timestamp": time_text(moment.at),
        }
        return Saying("StartTransaction", payload)

    def transaction_of(self, moment: Moment, answer: Payload) -> str:
        """Return the number that the central system has given."""
        del moment
        return str(answer["transactionId"])

    def meter(self, moment: Moment) -> Saying:
        """Tell what was metered."""
        samples = [
            {"measurand": name, "value": text, "unit": unit, "context": "Sample.Periodic"}
            | ({} if phase is None else {"phase": phase})
            for name, text, unit, phase in samples_of(moment)
        ]
        payload = {
            "connectorId": moment.evse_number,
            "transactionId": int(moment.transaction_id),
            "meterValue": [{"timestamp": time_text(moment.at), "sampledValue": samples}],
        }
        return Saying("MeterValues", payload)

    def state_changed(self, moment: Moment) -> Saying:
        """Tell that the car charges, or pauses."""
        return self.status(moment.at, moment.evse_number, moment.state)

    def stop(self, moment: Moment, *, by_car: bool) -> Saying:
        """End a transaction."""
        payload = {
            "transactionId": int(moment.transaction_id),
            "idTag": moment.token,
            "meterStop": register_wh(moment),
            "timestamp": time_text(moment.at),
            "reason": "Other" if by_car else "EVDisconnected",
        }
        return Saying("StopTransaction", payload)

    def profile_in(self, payload: Payload) -> HeldProfile:
        """Read SetChargingProfile."""
        profile = payload["csChargingProfiles"]
        return held_profile(
            payload["connectorId"], profile["chargingProfileId"], profile, profile["chargingSchedule"]
        )

    def profile_answer(self, reason: str | None) -> Payload:
        """Answer to SetChargingProfile: 1.6 has no word for the reason."""
        return {"status": "Accepted" if reason is None else "Rejected"}

    def selection_in(self, payload: Payload) -> Callable[[HeldProfile], bool]:
        """Read ClearChargingProfile."""
        evse, level = payload.get("connectorId"), payload.get("stackLevel")
        return selection(payload.get("id"), evse, payload.get("chargingProfilePurpose"), level)

    def capabilities(self, action: str, payload: Payload, limits: MemoryLimits) -> Payload | None:
        """Answer GetConfiguration."""
        if action != "GetConfiguration":
            return None
        known = {
            "ChargeProfileMaxStackLevel": str(limits.max_stack_level),
            "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
            "ChargingScheduleMaxPeriods": str(limits.max_periods),
            "MaxChargingProfilesInstalled": str(limits.max_profiles),
        }
        asked = payload.get("key") or list(known)
        return {
            "configurationKey": [
                {"key": key, "readonly": True, "value": known[key]} for key in asked if key in known
            ],
            "unknownKey": [key for key in asked if key not in known],
        }
