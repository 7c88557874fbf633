"""``gridpilot ocpp``: what a station does with its profiles, whether one is valid, how to tell it a schedule."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from typer import Exit

from api.commands.files import faults_told, read_bytes

if TYPE_CHECKING:
    from api.ocpp.smart.breaches import Breach
    from api.ocpp.smart.checking import Verdict
    from api.ocpp.smart.encoding import Request


def composite(path: Path) -> None:
    """Print the answer of a station to GetCompositeSchedule."""
    from api.ocpp.capabilities import RateUnit
    from api.ocpp.smart.answers import answer_to
    from api.ocpp.smart.assumptions import assumptions_in
    from api.smart.schemas import CompositeCaseWire
    from api.wire.schemas import parsed

    with faults_told(path.name):
        case = parsed(CompositeCaseWire, read_bytes(path))
        situation, evse = case.asked()
        unit = case.question.chargingRateUnit
        now_s = math.floor(case.now.timestamp())
        wanted = None if unit is None else RateUnit(unit)
        answer = answer_to(situation, evse, now_s, case.question.duration, wanted)
    _note(assumptions_in(situation))
    show(answer)


def example(of: str) -> None:
    """Print a case to begin with."""
    from api.smart.examples import EXAMPLES
    from models.errors import ChargingError

    with faults_told("example"):
        if of not in EXAMPLES:
            raise ChargingError(f"there is no example of {of!r}; there are: {', '.join(EXAMPLES)}")
    show(dict(EXAMPLES[of]))


def _note(notes: Iterable[str]) -> None:
    """Tell what should be known besides, on the error stream."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for note in notes:
        console.print(f"[yellow]note[/] {escape(note)}")


def check(path: Path, version: str | None, *, as_json: bool) -> None:
    """Print every requirement that a request to set a profile breaks; exit with 1 if there is any."""
    from api.smart.checks import check_case_in, verdict_on

    with faults_told(path.name):
        verdict = verdict_on(check_case_in(read_bytes(path), version))
    if as_json:
        show(_verdict_document(verdict))
    else:
        _tell(verdict)
    if not verdict.is_valid:
        raise Exit(1)


def encode(path: Path, version: str | None, capabilities: Path | None) -> None:
    """Print the requests that tell a station a schedule; what it cannot be told goes to the error stream."""
    from api.smart.encodes import encode_case_in, told_of

    with faults_told(path.name):
        able = None if capabilities is None else read_bytes(capabilities)
        told = told_of(encode_case_in(read_bytes(path), version, able))
    _note(told.notes)
    show([_request_document(request) for request in told.requests])


def _request_document(request: "Request") -> dict[str, Any]:
    """Return a request as JSON; one that is not sent now tells when."""
    when = {} if request.send_at is None else {"send_at": request.send_at.isoformat()}
    return {"action": request.command.action, "payload": request.command.payload} | when


def _verdict_document(verdict: "Verdict") -> dict[str, Any]:
    """Return a verdict as JSON."""
    return {
        "valid": verdict.is_valid,
        "requirements": [breach.requirement for breach in verdict.breaches],
        "breaches": [_breach_document(breach) for breach in verdict.breaches],
        "warnings": [_breach_document(breach) for breach in verdict.warnings],
    }


def _breach_document(breach: "Breach") -> dict[str, Any]:
    """Return a broken requirement as JSON."""
    return {
        "requirement": breach.requirement,
        "sources": list(breach.sources),
        "sentence": breach.sentence,
        "reasonCode": breach.reason_code,
        "answer": breach.answer,
    }


def _tell(verdict: "Verdict") -> None:
    """Print a verdict for people, a line for each requirement."""
    console = Console(soft_wrap=True, highlight=False)
    for breach in verdict.breaches:
        answer = breach.answer if breach.reason_code is None else f"{breach.answer}, {breach.reason_code}"
        console.print(f"[bold]{escape(_named(breach))}[/]  {escape(breach.sentence)}  ({escape(answer)})")
    for breach in verdict.warnings:
        console.print(f"[yellow]note {escape(_named(breach))}[/]  {escape(breach.sentence)}")
    if verdict.is_valid:
        console.print("[green]valid[/]")


def _named(breach: "Breach") -> str:
    """Return a requirement with its sources."""
    return breach.requirement + (f" ({', '.join(breach.sources)})" if breach.sources else "")


def show(document: dict[str, Any] | list[Any]) -> None:
    """Print JSON for a pipe: no width, no colours."""
    print(json.dumps(document, indent=2, allow_nan=False))  # noqa: T201
