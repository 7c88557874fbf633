"""The options of the benchmark, and the words in them: light, because `gridpilot bench list` loads this."""

from enum import StrEnum
from typing import Final

from benchmarks.registry import BenchmarkOption

OURS: Final = "ours"

OURS_ANALOGUES: Final = "ours_analogues"
"""Ours, told what the sixty most similar sessions did: what it was before it had a forecast of its own."""

OURS_STATED: Final = "ours_stated"
"""Ours, told what drivers declared."""

OURS_ALL: Final = (OURS, OURS_ANALOGUES, OURS_STATED)


class NetworkName(StrEnum):
    """Networks by the name that a command takes."""

    CALTECH = "caltech"
    JPL = "jpl"


class Pilots(StrEnum):
    """What an EVSE can be told: anything from 0 to 32 A, or what the real one can."""

    IDEAL = "ideal"
    QUANTISED = "quantised"


class Inputs(StrEnum):
    """What algorithms are told of a car: the truth, or what its driver declared."""

    TRUE = "true"
    DECLARED = "declared"


class Batteries(StrEnum):
    """How a car takes energy: all it is offered until it is full, or less and less from 80 % on."""

    IDEAL = "ideal"
    REAL = "real"


class RivalName(StrEnum):
    """ACN-Sim's own algorithms by the name that a command takes."""

    UNCONTROLLED = "uncontrolled"
    ROUND_ROBIN = "round_robin"
    EARLIEST_DEADLINE = "earliest_deadline"
    LEAST_LAXITY = "least_laxity"
    ROUND_ROBIN_MENDED = "round_robin_mended"
    EARLIEST_DEADLINE_MENDED = "earliest_deadline_mended"
    LEAST_LAXITY_MENDED = "least_laxity_mended"
    LEAST_LAXITY_ESTIMATED = "least_laxity_estimated"
    LEAST_LAXITY_UNINTERRUPTED = "least_laxity_uninterrupted"


USUAL: Final = tuple(RivalName)[:7]
"""Rivals that run unless others are named; the last two show options of acnportal that change little."""

OPTIONS: Final = (
    BenchmarkOption(
        "sessions",
        "recorded sessions, .parquet or .csv; unless given, those of GRIDPILOT_DATA",
        names_data=True,
    ),
    BenchmarkOption("network", "caltech or jpl", ("caltech",)),
    BenchmarkOption(
        "cap", "what the transformers may carry: 25%, 0.25 or 37.5 (kW); again for more", ("25%",)
    ),
    BenchmarkOption(
        "pilots", "ideal, quantised: any current, or the pilots of the real EVSEs", ("quantised",)
    ),
    BenchmarkOption("inputs", "true, declared: what algorithms are told of cars", ("true",)),
    BenchmarkOption("batteries", "ideal, real: real ones take less and less from 80 % on", ("ideal",)),
    BenchmarkOption("start", "first local day", ("2019-09-09",)),
    BenchmarkOption("days", "how many", ("7",)),
    BenchmarkOption("policies", ", ".join((*OURS_ALL, *RivalName)), (OURS, *USUAL)),
)
