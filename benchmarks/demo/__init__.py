"""``gridpilot demo``: a day of charging behind a tight limit, played in a minute with real stations on real sockets."""

from benchmarks.demo.command import main

__all__ = ["main"]
