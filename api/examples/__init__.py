"""Worked examples of the input, shipped with the package: shown in the README and the OpenAPI description."""

import json
from importlib.resources import files
from typing import Any

from api.planning.schemas import StateWire
from api.wire.schemas import parsed


def examples() -> dict[str, dict[str, Any]]:
    """Return every example as JSON, by its name."""
    found = sorted(
        (entry for entry in files(__name__).iterdir() if entry.name.endswith(".json")), key=lambda e: e.name
    )
    return {entry.name.removesuffix(".json"): json.loads(entry.read_text("utf-8")) for entry in found}


def state_of(example: dict[str, Any]) -> StateWire:
    """Return an example as the schema reads it."""
    return parsed(StateWire, json.dumps(example).encode())
