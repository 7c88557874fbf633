"""Reasons as sentences that a driver or an operator can read."""

from collections.abc import Iterable
from itertools import pairwise

from models.timegrid import TimeGrid
from optimizer.reasons import Cause, Reason, ReasonKind


def sentence_of(reason: Reason, grid: TimeGrid, zone: str, currency: str) -> str:
    """Return why a session charges when it does, times on the clocks of ``zone``."""
    when = span_of(reason.slots, grid, zone)
    more = f"{reason.per_kwh:.3f} {currency}/kWh"
    first = f"; {', '.join(reason.goes_first)} go first" if reason.goes_first else ""
    also = "" if reason.also is None else f"; {_also(reason.also)}"
    match reason.kind:
        case ReasonKind.LIMIT:
            said = f"{reason.subject} is full, a kWh more there is worth {more}{first}{also}"
        case ReasonKind.PRICE:
            said = f"a kWh costs {more} more there than when it charges{also}"
        case ReasonKind.PEAK:
            said = f"more power there would raise what is billed by {more} ({reason.subject}){also}"
        case ReasonKind.FLEXIBILITY:
            said = f"more power there would lose {more} of what {reason.subject} pays{also}"
        case ReasonKind.PREFERENCE:
            said = "it costs the same in its turn"
        case ReasonKind.POWER:
            return "charges at once; its own greatest power decides how long it takes"
        case ReasonKind.NEED:
            return "charges at once, and is done within a slot"
    return f"waits {when}: {said}"


def _also(cause: Cause) -> str:
    """Return a second cause as the end of a sentence."""
    match cause.kind:
        case ReasonKind.LIMIT:
            return f"{cause.subject} is full as well"
        case ReasonKind.PRICE:
            return "and energy is dearer there as well"
        case ReasonKind.FLEXIBILITY:
            return f"and more power there would cost what {cause.subject} pays as well"
        case _:
            return "and more power there would raise a billed peak as well"


def span_of(slots: tuple[int, ...], grid: TimeGrid, zone: str) -> str:
    """Return slots as spans of clock times: ``18:30 to 21:30``, and how many more spans there are."""
    if not slots:
        return ""
    spans = list(_spans(slots))
    starts = [*grid.local_starts(zone)]
    begin, end = spans[0]
    until = starts[end].strftime("%H:%M") if end < len(starts) else "the horizon's end"
    more = f" and {len(spans) - 1} more times" if len(spans) > 1 else ""
    return f"{starts[begin]:%H:%M} to {until}{more}"


def _spans(slots: Iterable[int]) -> Iterable[tuple[int, int]]:
    """Yield (first, one after the last) of every run of slots."""
    ordered = sorted(slots)
    breaks = [place + 1 for place, (one, other) in enumerate(pairwise(ordered)) if other != one + 1]
    for begin, end in pairwise([0, *breaks, len(ordered)]):
        yield ordered[begin], ordered[end - 1] + 1
