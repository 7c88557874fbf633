"""What a station can do, as a document of the database."""

from typing import Any, Final

from pydantic import TypeAdapter

from api.ocpp.capabilities import StationCapabilities

_CAPABILITIES: Final = TypeAdapter(StationCapabilities)


def document_of_capabilities(capabilities: StationCapabilities) -> dict[str, Any]:
    """Return what a station can do as JSON."""
    document: dict[str, Any] = _CAPABILITIES.dump_python(capabilities, mode="json")
    return document


def capabilities_in(document: dict[str, Any]) -> StationCapabilities:
    """Return the capabilities that a document was made of; what it does not name is as cautious as ever.

    Raises
    ------
    ValueError
        They are those of another version of the engine, and cannot be read.
    """
    known = {name: value for name, value in document.items() if name in StationCapabilities.__slots__}
    return _CAPABILITIES.validate_python(known)
