"""What a user chose to run on ACN-Sim, read from words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from benchmarks.peers.acn.networks import ZONE, Network, rated_kw
from benchmarks.peers.acn.options import OURS_ALL, Batteries, Inputs, NetworkName, Pilots, RivalName
from models.errors import IssueList

Name = TypeVar("Name", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is run: every cap with every kind of pilots, inputs and batteries.

    Parameters
    ----------
    sessions : Path or None
        None for the recorded data.
    network : NetworkName
    cap_shares : tuple of float
        Parts of the transformers' ratings.
    pilots, inputs, batteries, policies : tuples
    start : datetime
        Midnight of the first day, local.
    n_days : int
    """

    sessions: Path | None
    network: NetworkName
    cap_shares: tuple[float, ...]
    pilots: tuple[Pilots, ...]
    inputs: tuple[Inputs, ...]
    batteries: tuple[Batteries, ...]
    policies: tuple[str, ...]
    start: datetime
    n_days: int

    @classmethod
    def of(cls, words: Mapping[str, Sequence[str]]) -> "Choice":
        """Return what the values of :data:`OPTIONS` say; several may stand in one word, with commas.

        Raises
        ------
        InvalidInputError
            Names every value that cannot be used.
        """
        read = _Reader({name: _split(values) for name, values in words.items()})
        network = read.one("network", NetworkName, NetworkName.CALTECH)
        chosen = cls(
            sessions=Path(" ".join(words["sessions"])) if words.get("sessions") else None,
            network=network,
            cap_shares=tuple(read.share(word, sum(rated_kw(network))) for word in read.words("cap")),
            pilots=read.members("pilots", Pilots),
            inputs=read.members("inputs", Inputs),
            batteries=read.members("batteries", Batteries),
            policies=read.among("policies", (*OURS_ALL, *RivalName)),
            start=datetime.combine(read.day("start"), time(), ZoneInfo(ZONE)),
            n_days=read.count("days"),
        )
        read.issues.raise_if_any()
        return chosen

    @property
    def end(self) -> datetime:
        """Midnight after the last day, local."""
        return self.start + timedelta(days=self.n_days)

    def network_at(self, cap_share: float, pilots: Pilots) -> Network:
        """Return the network behind one of the caps."""
        return Network(self.network, cap_share, pilots)


def _split(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in value.split(",") if word)


class _Reader:
    """Turns words into values and notes those that are none."""

    def __init__(self, words: Mapping[str, tuple[str, ...]]) -> None:
        self._words = words
        self.issues = IssueList()

    def words(self, option: str) -> tuple[str, ...]:
        return self._words.get(option, ())

    def among(self, option: str, known: Sequence[str]) -> tuple[str, ...]:
        for word in self.words(option):
            self.issues.require(word in known, f"--{option}", f"{word!r} is none of: {', '.join(known)}")
        return self.words(option)

    def members(self, option: str, kind: type[Name]) -> tuple[Name, ...]:
        words = self.among(option, tuple(str(member) for member in kind))
        return tuple(kind(word) for word in words if word in list(kind))

    def one(self, option: str, kind: type[Name], otherwise: Name) -> Name:
        found = self.members(option, kind)
        self.issues.require(len(found) == 1, f"--{option}", "takes one value")
        return found[0] if found else otherwise

    def share(self, word: str, rating_kw: float) -> float:
        """Return a part of the rating: ``25%``, ``0.25``, or kW where it is above 1."""
        try:
            share = float(word.removesuffix("%")) / 100.0 if word.endswith("%") else float(word)
        except ValueError:
            share = -1.0
        if share > 1.0 and not word.endswith("%"):
            share /= rating_kw
        self.issues.require(share > 0, "--cap", f"{word!r} is neither a share such as 25% nor a power in kW")
        return max(share, 1e-3)

    def day(self, option: str) -> date:
        words = self.words(option)
        try:
            return date.fromisoformat(words[0])
        except (IndexError, ValueError):
            self.issues.add(f"--{option}", f"{' '.join(words)!r} is no day such as 2019-09-09")
            return date(2019, 1, 1)

    def count(self, option: str) -> int:
        words = self.words(option)
        number = int(words[0]) if len(words) == 1 and words[0].isdecimal() else 0
        self.issues.require(number > 0, f"--{option}", f"{' '.join(words)!r} is no number of days")
        return number
