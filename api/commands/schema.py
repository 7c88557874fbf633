"""``gridpilot schema``: the JSON Schema of an input."""

import json

from api.commands.files import faults_told
from models.errors import ChargingError


def schema(of: str) -> None:
    """Print the JSON Schema of a state (``plan``), of what a forecast is made from, or of a case of smart charging."""
    from api.forecasts.asked.schemas import ForecastWire
    from api.planning.schemas import StateWire
    from api.smart.capabilities.schemas import CheckCaseWire
    from api.smart.schedules.schemas import EncodeCaseWire
    from api.smart.schemas import CompositeCaseWire
    from api.wire.schemas import WireModel

    inputs: dict[str, type[WireModel]] = {
        "plan": StateWire,
        "forecast": ForecastWire,
        "ocpp-composite": CompositeCaseWire,
        "ocpp-check": CheckCaseWire,
        "ocpp-encode": EncodeCaseWire,
    }
    with faults_told("schema"):
        if of not in inputs:
            raise ChargingError(f"there is no schema of {of!r}; there are: {', '.join(inputs)}")
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | inputs[of].model_json_schema()
    print(json.dumps(document, indent=2))  # noqa: T201 - for a pipe: no width, no colours
