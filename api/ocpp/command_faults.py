"""Every fault of a command, before anything is sent: the gateway's own validator stops at the first one.

``jsonschema-rs`` finds all of them (and is exact about one decimal), which is what somebody needs who has to
repair a payload.
"""

from collections.abc import Sequence

from jsonschema_rs import Draft7Validator, ValidationError, ValidationErrorKind

from api.ocpp.capabilities import OcppVersion
from api.ocpp.catalogue import request_schema
from api.ocpp.wire import Command
from models.errors import Issue


class CommandChecker:
    """Checks commands against the schemas; each is compiled when it is needed first."""

    def __init__(self) -> None:
        self._validators: dict[tuple[OcppVersion, str], Draft7Validator] = {}

    def faults(self, version: OcppVersion, command: Command) -> tuple[Issue, ...]:
        """Return every fault of a command that its version knows, with its path in the payload."""
        key = (version, command.action)
        if key not in self._validators:
            schema = request_schema(version, command.action)
            self._validators[key] = Draft7Validator(schema, validate_formats=True)
        found = self._validators[key].iter_errors(command.payload)
        return tuple(issue for error in found for issue in _issues(error))


def _issues(error: ValidationError) -> list[Issue]:
    """Return a fault at the member that it speaks of."""
    where, kind = _path(error.instance_path), error.kind
    match kind:
        case ValidationErrorKind.AdditionalProperties():
            return [Issue(_below(where, name), "is no member of this message") for name in kind.unexpected]
        case ValidationErrorKind.Required():
            return [Issue(_below(where, str(kind.property)), "is missing")]
    return [Issue(where, error.message)]


def _path(parts: Sequence[str | int]) -> str:
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _below(path, str(part))
    return path


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
