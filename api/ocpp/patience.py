"""Calls of ours that are made again when no answer comes, where twice is the same as once."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from api.ocpp.registry import CallOutcome, Link
from api.ocpp.session_events import CallFailed, CallTimedOut
from api.ocpp.wire import Command

IDEMPOTENT: Final = frozenset(
    {
        "CancelReservation",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "ClearChargingProfile",
        "ClearDisplayMessage",
        "ClearVariableMonitoring",
        "GetBaseReport",
        "GetChargingProfiles",
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetTariffs",
        "GetTransactionStatus",
        "GetVariables",
        "InstallCertificate",
        "RemoteStopTransaction",
        "RequestStopTransaction",
        "SendLocalList",
        "SetChargingProfile",
        "SetDefaultTariff",
        "SetDisplayMessage",
        "SetNetworkProfile",
        "SetVariableMonitoring",
        "SetVariables",
        "UpdateDynamicSchedule",
    }
)
"""Commands that name what should be, or only ask. A reset, a start or a firmware update is not made twice: whoever
wants it decides again."""

_BUSY: Final = frozenset({"InternalError", "GenericError"})
"""What a station answers that could not, just now."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is made again, and when.

    Parameters
    ----------
    tries : int
        In all.
    first_wait_s : float
        Longest wait before the second try [s]; each wait is drawn, so that stations that failed together are
        not asked together.
    growth : float
        How much longer each next wait may be.
    """

    tries: int = 3
    first_wait_s: float = 4.0
    growth: float = 3.0

    def waits_s(self) -> Iterator[float]:
        """Return the waits before the tries that follow the first [s]."""
        longest_s = self.first_wait_s
        for _ in range(self.tries - 1):
            yield longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
            longest_s *= self.growth


async def call_patiently(link: Link, command: Command, patience: Patience = Patience()) -> CallOutcome:
    """Make a call, and make it again if the station was silent or busy and the command is idempotent.

    A connection that has ended is not waited for: whoever comes back is told anew anyway.
    """
    outcome = await link.call(command)
    if command.action not in IDEMPOTENT:
        return outcome
    for wait_s in patience.waits_s():
        if not _may_have_passed(outcome):
            return outcome
        await asyncio.sleep(wait_s)
        outcome = await link.call(command)
    return outcome


def _may_have_passed(outcome: CallOutcome) -> bool:
    """Tell whether another try may end better."""
    return isinstance(outcome, CallTimedOut) or (isinstance(outcome, CallFailed) and outcome.code in _BUSY)
