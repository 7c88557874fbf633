"""Reading and validating real OCPP messages: what could be used, and what each takes."""

import json
from collections.abc import Callable
from timeit import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from api.ocpp.capabilities import OcppVersion

COLUMNS: Final = (
    "message",
    "bytes",
    "json [us]",
    "msgspec [us]",
    "jsonschema [us]",
    "fastjsonschema [us]",
    "jsonschema-rs [us]",
    "structs, read and checked [us]",
    "ours, read and checked [us]",
)
_TIME: Final = "2024-05-01T12:00:00Z"
_TOKEN: Final = MappingProxyType({"idToken": "04A2B3C4D5E6F7", "type": "ISO14443"})
_REPEATS: Final = 5


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Time every way with every message."""
    n_times = 20 if context.smoke else 2_000
    rows = tuple(_row(name, action, payload, n_times) for name, action, payload in _messages())
    return BenchmarkReport(
        "Reading and validating OCPP messages",
        COLUMNS,
        rows,
        (
            f"the least of {_REPEATS} times {n_times:,} messages; processor and machine should be idle.",
            "jsonschema to jsonschema-rs: an object that was read; all know what a time is as our gateway does.",
            "structs: msgspec's, made from the schema; no format of times, and of the first fault only its place.",
            "ours: frame, bounds, msgspec, jsonschema-rs.",
        ),
    )


def _row(version: "OcppVersion", action: str, payload: dict[str, Any], n_times: int) -> tuple[Cell, ...]:
    import fastjsonschema
    import jsonschema
    import jsonschema_rs
    import msgspec

    from api.ocpp.frames import Call, parse_frame
    from api.ocpp.validation import MessageKind, MessageValidator, is_time, schema_of
    from benchmarks.crowd.structs import struct_of

    text = json.dumps([2, "0f1e2d3c-0001", action, payload])
    schema = schema_of(version, action, MessageKind.REQUEST)
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date-time")(is_time)
    plain = jsonschema.validators.validator_for(schema)(schema, format_checker=checker)
    compiled = fastjsonschema.compile(_without_remainders(schema), formats={"date-time": is_time})
    rust = jsonschema_rs.validator_for(schema, formats={"date-time": is_time}, validate_formats=True)
    structs = msgspec.json.Decoder(tuple[int, str, str, struct_of(schema)])  # type: ignore[misc]  # made at run time
    validator = MessageValidator(version)

    def ours() -> None:
        frame = parse_frame(text)
        if isinstance(frame, Call):
            validator.accept(frame.action, MessageKind.REQUEST, frame.payload)

    ways: tuple[Callable[[], object], ...] = (
        lambda: json.loads(text),
        lambda: msgspec.json.decode(text),
        lambda: plain.validate(payload),
        lambda: compiled(payload),
        lambda: rust.is_valid(payload),
        lambda: structs.decode(text),
        ours,
    )
    times = (_least_us(way, n_times if way is not ways[2] else n_times // 10) for way in ways)
    return (f"{version.value} {action}", len(text), *times)


def _least_us(way: Callable[[], object], n_times: int) -> float:
    way()
    return 1e6 * min(repeat(way, number=n_times, repeat=_REPEATS)) / n_times


def _without_remainders(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema without ``multipleOf``, which the remainder of floats would refuse wrongly."""
    if isinstance(node, dict):
        return {name: _without_remainders(value) for name, value in node.items() if name != "multipleOf"}
    return [_without_remainders(value) for value in node] if isinstance(node, list) else node


def _messages() -> "tuple[tuple[OcppVersion, str, dict[str, Any]], ...]":
    from api.ocpp.capabilities import OcppVersion
    from benchmarks.crowd.messages import meter_values

    boot_16 = {
        "chargePointVendor": "Vendor",
        "chargePointModel": "Model 22",
        "chargePointSerialNumber": "SN-0042",
        "firmwareVersion": "1.2.3",
    }
    boot_2x = {
        "reason": "PowerUp",
        "chargingStation": {
            "vendorName": "Vendor",
            "model": "Model 22",
            "serialNumber": "SN-0042",
            "firmwareVersion": "1.2.3",
        },
    }
    messages: list[tuple[OcppVersion, str, dict[str, Any]]] = [
        (OcppVersion.V16, "BootNotification", boot_16),
        (OcppVersion.V16, "MeterValues", meter_values(1, _TIME, 42)),
    ]
    for version in (OcppVersion.V201, OcppVersion.V21):
        metered = {"evseId": 1, "meterValue": _sampled()}
        messages += [
            (version, "BootNotification", boot_2x),
            (version, "MeterValues", metered),
            (version, "TransactionEvent", _transaction_event()),
        ]
    return tuple(messages)


def _sampled() -> list[dict[str, Any]]:
    samples = [
        {"value": 1_000_001.0, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}},
        {"value": 7012.5, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W"}},
        {"value": 30.4, "measurand": "Current.Import", "phase": "L1", "unitOfMeasure": {"unit": "A"}},
        {"value": 229.1, "measurand": "Voltage", "phase": "L1-N", "unitOfMeasure": {"unit": "V"}},
    ]
    return [
        {
            "timestamp": _TIME,
            "sampledValue": [s | {"context": "Sample.Periodic", "location": "Outlet"} for s in samples],
        }
    ]


def _transaction_event() -> dict[str, Any]:
    return {
        "eventType": "Updated",
        "timestamp": _TIME,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": 17,
        "transactionInfo": {"transactionId": "7b1c2d3e-4f50", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": dict(_TOKEN),
        "meterValue": _sampled(),
    }


BENCHMARK: Final = BenchmarkSpec(
    name="validators",
    summary="Reading and validating OCPP messages: json, msgspec, jsonschema, fastjsonschema, jsonschema-rs, structs.",
    needs_data=False,
    run=measure,
)
