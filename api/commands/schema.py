"""``gridpilot schema``: the JSON Schema of the input."""

import json


def schema() -> None:
    """Print the JSON Schema of a state."""
    from api.planning.schemas import StateWire

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | StateWire.model_json_schema()
    print(json.dumps(document, indent=2))  # noqa: T201 - for a pipe: no width, no colours
