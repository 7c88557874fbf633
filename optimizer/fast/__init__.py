"""The fast clock: what is done between two plans."""

from optimizer.fast.clock import FastClock
from optimizer.fast.decision import Change, FastDecision
from optimizer.fast.envelope import Envelope
from optimizer.fast.room import Ceilings, SiteRows
from optimizer.fast.watch import Sign, Watch, conditions_of

__all__ = [
    "Ceilings",
    "Change",
    "Envelope",
    "FastClock",
    "FastDecision",
    "Sign",
    "SiteRows",
    "Watch",
    "conditions_of",
]
