"""Models that differ from what they tell or from what OCPP says: data with a reason, applied to capabilities."""

import re
from dataclasses import dataclass, replace
from typing import Final

from api.ocpp.capabilities import QuirkKind, RateUnit, StationCapabilities


@dataclass(frozen=True, slots=True)
class Quirk:
    """What is known of some models.

    Parameters
    ----------
    vendor, model : str
        Regular expressions; the whole text has to match, in any case of letters.
    kind : QuirkKind
    reason : str
        What was seen.
    source : str
        Where it was reported.
    firmware : str
        As ``vendor``; any firmware unless given.
    """

    vendor: str
    model: str
    kind: QuirkKind
    reason: str
    source: str
    firmware: str = ".*"

    def fits(self, vendor: str, model: str, firmware: str) -> bool:
        """Tell whether a station is one of these models."""
        pairs = ((self.vendor, vendor), (self.model, model), (self.firmware, firmware))
        return all(re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) for pattern, text in pairs)


QUIRKS: Final = (
    Quirk(
        vendor="ev-?box.*",
        model=".*",
        kind=QuirkKind.NO_STATION_MAX,
        reason="ChargePointMaxProfile is answered with Rejected; the same limit as TxDefaultProfile is accepted",
        source="lbbrhzn/ocpp#221, lbbrhzn/ocpp#312, lbbrhzn/ocpp#1703",
    ),
    Quirk(
        vendor=".*(homecharge|efr).*",
        model=".*",
        kind=QuirkKind.ONLY_WATTS,
        reason="profiles in ampere are refused, those in watt accepted",
        source="evcc-io/evcc#9838",
    ),
    Quirk(
        vendor="go-?e.*",
        model=".*",
        firmware=r"0?(\d|[0-4]\d|5[0-4])(\..*)?|0?55\.[0-6].*",
        kind=QuirkKind.NO_PHASE_SWITCH,
        reason="numberPhases is ignored, though ConnectorSwitch3to1PhaseSupported is true",
        source="goecharger/go-eCharger-API-v2#154",
    ),
    Quirk(
        vendor="go-?e.*",
        model=".*",
        kind=QuirkKind.LIMIT_LOST_AFTER_PAUSE,
        reason="the first limit after a pause by 0 A is ignored; the next one counts",
        source="goecharger/go-eCharger-API-v2#155",
    ),
    Quirk(
        vendor="huawei.*",
        model=".*scharger.*",
        kind=QuirkKind.ZERO_ENDS_CHARGING,
        reason="a limit of 0 A outlives its transaction, and stops later ones within a second",
        source="traktore-org/sem-community#977",
    ),
    Quirk(
        vendor=".*(heidelberg|amperfied).*",
        model=".*",
        kind=QuirkKind.IGNORES_LIMITS,
        reason="SetChargingProfile is accepted, and charging goes on with 16 A",
        source="evcc-io/evcc#18109",
    ),
)


def quirks_of(vendor: str, model: str, firmware: str = "") -> tuple[Quirk, ...]:
    """Return what is known of a model."""
    return tuple(quirk for quirk in QUIRKS if quirk.fits(vendor.strip(), model.strip(), firmware.strip()))


def with_quirks(
    capabilities: StationCapabilities, vendor: str, model: str, firmware: str = ""
) -> StationCapabilities:
    """Return what a station can do, less what its model is known not to do."""
    return with_kinds(capabilities, frozenset(one.kind for one in quirks_of(vendor, model, firmware)))


def with_kinds(capabilities: StationCapabilities, kinds: frozenset[QuirkKind]) -> StationCapabilities:
    """Return what a station can do, less what these quirks take."""
    units = frozenset({RateUnit.POWER}) if QuirkKind.ONLY_WATTS in kinds else capabilities.rate_units
    return replace(
        capabilities,
        rate_units=units,
        switches_phases=capabilities.switches_phases and QuirkKind.NO_PHASE_SWITCH not in kinds,
        quirks=kinds,
    )
