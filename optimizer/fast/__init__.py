"""The fast clock: what is done between two plans."""

from optimizer.fast.clock import FastClock
from optimizer.fast.decision import Change, FastDecision
from optimizer.fast.envelope import Envelope
from optimizer.fast.watch import Sign, Watch, conditions_of

__all__ = ["Change", "Envelope", "FastClock", "FastDecision", "Sign", "Watch", "conditions_of"]
