"""Whether a station should take a profile: every requirement that a request breaks, by number."""

from dataclasses import dataclass
from typing import Final

from api.ocpp.capabilities import OcppVersion
from api.ocpp.smart import rules_v2x, rules_v16, rules_v21
from api.ocpp.smart.breaches import Asked, Breach
from api.ocpp.smart.warnings import warnings_of
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator
from api.ocpp.wire import Payload

_DECIMALS: Final = "decimal"
_ENUM: Final = "is not one of"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a request, and what its sender may not mean."""

    breaches: tuple[Breach, ...]
    warnings: tuple[Breach, ...] = ()

    @property
    def is_valid(self) -> bool:
        """No requirement is broken."""
        return not self.breaches


def schema_breaches(version: OcppVersion, action: str, payload: Payload) -> tuple[Breach, ...]:
    """Return what the JSON schema of a request says; a second decimal is left to the rules, which name it."""
    try:
        MessageValidator(version).check(action, MessageKind.REQUEST, payload)
    except InvalidMessageError as error:
        if _DECIMALS in error.what:
            return ()
        sentence = f"{error.where.removeprefix('data.')} {error.what}"
        return (_schema_breach(version, sentence, is_enum=_ENUM in error.what),)
    return ()


def verdict_of(asked: Asked) -> Verdict:
    """Return every requirement that a request breaks; one whose schema is broken has to be mended first."""
    version = asked.capabilities.version
    if version is OcppVersion.V16:
        rules = rules_v16.RULES
    elif version is OcppVersion.V201:
        rules = rules_v2x.RULES
    else:
        rules = (*rules_v2x.RULES, *rules_v21.RULES)
    found = [breach for rule in rules for breach in rule(asked)]
    return Verdict(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(warnings_of(asked))))


def _schema_breach(version: OcppVersion, sentence: str, *, is_enum: bool) -> Breach:
    """Return what a station answers to a request that breaks its schema."""
    if is_enum and version is OcppVersion.V16:
        return Breach("C23", sentence, ("E3.38",), answer="CALLERROR PropertyConstraintViolation")
    code = "FormationViolation" if version is OcppVersion.V16 else "FormatViolation"
    return Breach("schema", sentence, answer=f"CALLERROR {code}")
