"""``gridpilot ocpp``: what a station does with its profiles, whether one is valid, how to tell it a schedule."""

import json
import math
from pathlib import Path
from typing import Any

from api.commands.files import faults_told, read_bytes


def composite(path: Path) -> None:
    """Print the answer of a station to GetCompositeSchedule."""
    from api.ocpp.capabilities import RateUnit
    from api.ocpp.smart.answers import answer_to
    from api.smart.schemas import CompositeCaseWire
    from api.wire.schemas import parsed

    with faults_told(path.name):
        case = parsed(CompositeCaseWire, read_bytes(path))
        situation, evse = case.asked()
        unit = case.question.chargingRateUnit
        now_s = math.floor(case.now.timestamp())
        wanted = None if unit is None else RateUnit(unit)
        show(answer_to(situation, evse, now_s, case.question.duration, wanted))


def show(document: dict[str, Any] | list[Any]) -> None:
    """Print JSON for a pipe: no width, no colours."""
    print(json.dumps(document, indent=2, allow_nan=False))  # noqa: T201
